"""Slack as its documentation describes it: a real HTTP server that refuses what Slack refuses."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode

from tests.outbound.receiver import Answer, Receiver, Request, receiving

TOKEN = "xoxb-1-made-for-tests"
# The example of Slack's documentation.
SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
SAY = Callable[[str, dict[str, Any]], Answer | None]


@dataclass
class Posted:
    """A message as it stands in Slack."""

    channel: str
    ts: str
    text: str
    blocks: list[dict[str, Any]]

    def elements(self, type_: str = "") -> dict[str, dict[str, Any]]:
        """What can be pressed or chosen, by what it says."""
        found = [one for block in self.blocks if block["type"] == "actions" for one in block["elements"]]
        return {(one.get("text") or one["placeholder"])["text"]: one for one in found}

    def block_of(self, element: dict[str, Any]) -> str:
        return next(block["block_id"] for block in self.blocks if element in block.get("elements", ()))

    @property
    def words(self) -> str:
        """All that can be read."""
        return json.dumps(self.blocks, ensure_ascii=False)


@dataclass
class FakeSlack:
    """What it was asked, and the messages that came of it. `members` are ids by e-mail address.

    `say` is asked first: it may answer a method otherwise than Slack would.
    """

    receiver: Receiver
    members: dict[str, str] = field(default_factory=dict)
    posted: list[Posted] = field(default_factory=list)
    whispers: list[str] = field(default_factory=list)
    views: list[dict[str, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    say: SAY = lambda _method, _form: None
    came: threading.Condition = field(default_factory=threading.Condition)

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.receiver.port}/api/"

    def wait(self, is_there: Callable[[], Any]) -> Any:
        with self.came:
            assert self.came.wait_for(is_there, timeout=20), (self.calls, self.posted, self.whispers)
            return is_there()

    def message_to(self, channel: str, count: int = 1) -> Posted:
        """The latest message to a channel, once there are so many."""
        found: list[Posted] = self.wait(
            lambda: (there := [one for one in self.posted if one.channel == channel])[count - 1 :] and there
        )
        return found[-1]

    def click(self, message: Posted, label: str, user: str, choice: str = "", **more: Any) -> dict[str, Any]:
        """The payload of a click, as Slack delivers it."""
        element = message.elements()[label]
        action = {
            "type": element["type"],
            "action_id": element["action_id"],
            "block_id": message.block_of(element),
            "action_ts": "1772442000.1",
        }
        if choice:
            action["selected_option"] = {"text": {"type": "plain_text", "text": "x"}, "value": choice}
        return {
            "type": "block_actions",
            "user": {"id": user, "username": "somebody", "team_id": "T1"},
            "api_app_id": "A1",
            "container": {"type": "message", "message_ts": message.ts, "channel_id": message.channel},
            "trigger_id": "12345.98765.abcd2358fdea",
            "team": {"id": "T1", "domain": "seller"},
            "channel": {"id": message.channel, "name": "directmessage"},
            "message": {"type": "message", "ts": message.ts, "text": message.text, "blocks": message.blocks},
            "response_url": f"http://127.0.0.1:{self.receiver.port}/actions/T1/{message.ts}",
            "actions": [action],
            **more,
        }

    def answer(self, request: Request) -> Answer:
        with self.came:
            answered = self._answer(request)
            self.came.notify_all()
            return answered

    def _answer(self, request: Request) -> Answer:
        if request.path.startswith("/actions/"):
            return self._changed(request)
        method = request.path.removeprefix("/api/")
        form = {name: one[0] for name, one in parse_qs(request.body.decode(), strict_parsing=True).items()}
        self.calls.append(method)
        said = self.say(method, form)
        if said is not None:
            return said
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return ok(False, error="invalid_auth")
        match method:
            case "users.lookupByEmail":
                member = self.members.get(form["email"])
                return ok(True, user={"id": member}) if member else ok(False, error="users_not_found")
            case "chat.postMessage":
                blocks = json.loads(form.get("blocks", "[]"))
                check_blocks(blocks)
                self.posted.append(
                    Posted(form["channel"], f"1772442000.00{len(self.posted)}", form["text"], blocks)
                )
                return ok(True, channel=form["channel"], ts=self.posted[-1].ts)
            case "views.open":
                view = json.loads(form["view"])
                assert len(view["private_metadata"]) <= 3000
                assert len(view["title"]["text"]) <= 24
                self.views.append(view)
                return ok(True, view={"id": "V1"})
        return ok(False, error="unknown_method")

    def _changed(self, request: Request) -> Answer:
        body = request.told
        if body["replace_original"]:
            message = next(one for one in self.posted if one.ts == request.path.rpartition("/")[2])
            check_blocks(body["blocks"])
            message.text, message.blocks = body["text"], body["blocks"]
        else:
            assert body["response_type"] == "ephemeral"
            self.whispers.append(body["text"])
        return Answer(200, body=b"ok")


@contextmanager
def slack_running(**members: str) -> Iterator[FakeSlack]:
    """Within the block Slack answers; `anna="U1"` has the address anna@seller.example."""
    with receiving() as receiver:
        fake = FakeSlack(receiver, {f"{name}@seller.example": id_ for name, id_ in members.items()})
        receiver.answer = fake.answer
        yield fake


def ok(is_ok: bool, **said: Any) -> Answer:
    """An answer of the Web API."""
    headers = {"content-type": "application/json; charset=utf-8"}
    return Answer(200, headers=headers, body=json.dumps({"ok": is_ok, **said}).encode())


def signed(payload: dict[str, Any], at: float, secret: str = SIGNING_SECRET) -> tuple[bytes, dict[str, str]]:
    """Body and headers by which Slack delivers an interaction."""
    body = urlencode({"payload": json.dumps(payload)}).encode()
    return body, {**signature(body, at, secret), "content-type": "application/x-www-form-urlencoded"}


def signature(body: bytes, at: float, secret: str = SIGNING_SECRET) -> dict[str, str]:
    """The headers that sign a body."""
    base = b"v0:" + str(int(at)).encode() + b":" + body
    digest = hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()
    return {"x-slack-request-timestamp": str(int(at)), "x-slack-signature": f"v0={digest}"}


def check_blocks(blocks: list[dict[str, Any]]) -> None:
    """Fails where Slack would answer invalid_blocks."""
    assert len(blocks) <= 50
    assert len(json.dumps(blocks, ensure_ascii=False)) <= 13_100
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    assert len(ids) == len(set(ids))
    for block in blocks:
        match block["type"]:
            case "header":
                assert block["text"]["type"] == "plain_text"
                assert 0 < len(block["text"]["text"]) <= 150
            case "section":
                for text in [block["text"]] if "text" in block else block["fields"]:
                    assert text["type"] == "mrkdwn"
                    assert 0 < len(text["text"]) <= (3000 if "text" in block else 2000)
                assert len(block.get("fields", ())) <= 10
            case "actions":
                assert 0 < len(block["elements"]) <= 25
                actions = [element["action_id"] for element in block["elements"]]
                assert len(actions) == len(set(actions))
                for element in block["elements"]:
                    _check_element(element)
            case other:
                assert other == "context"


def _check_element(element: dict[str, Any]) -> None:
    assert 0 < len(element["action_id"]) <= 255
    if element["type"] == "button":
        assert 0 < len(element["text"]["text"]) <= 75
        assert len(element.get("url", "")) <= 3000
        return
    assert 0 < len(element["placeholder"]["text"]) <= 150
    for option in element.get("options", ()):
        assert 0 < len(option["text"]["text"]) <= 75
        assert 0 < len(option["value"]) <= 150
