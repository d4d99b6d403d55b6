"""Cards in Teams: what they show, that they fit, and how each answer of a workflow is judged."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from tests.outbound.conftest import NOW, item, message
from tests.outbound.receiver import Answer, Receiver, receiving

from leadlane.i18n import language
from leadlane.outbound import posting, teams
from leadlane.outbound.message import Failure, Message, Sent
from leadlane.outbound.teams import LARGEST_BYTES, Teams, payload

LOCAL = Teams(("127.0.0.0/8",))
SECRET = "sig=s3cr3t-of-the-workflow"


@pytest.fixture
def workflow() -> Iterator[Receiver]:
    with receiving() as found:
        found.answer = lambda _request: Answer(202)
        yield found


def to(workflow: Receiver, *items: Any, **changes: Any) -> Message:
    return message(*items, address=f"{workflow.url}?{SECRET}", **changes)


def elements(part: Any) -> Iterator[dict[str, Any]]:
    """Everything in a card that has a type."""
    if isinstance(part, dict):
        if "type" in part:
            yield part
        for value in part.values():
            yield from elements(value)
    elif isinstance(part, list):
        for value in part:
            yield from elements(value)


def texts(card: Any) -> list[str]:
    return [one["text"] for one in elements(card) if one["type"] == "TextRun"]


def test_a_card_says_who_why_until_when_and_how_to_answer(workflow: Receiver) -> None:
    assert teams.send(LOCAL, to(workflow), NOW) == Sent()
    (request,) = workflow.requests
    assert request.path == f"/hook?{SECRET}"
    sent = json.loads(request.body)
    (attachment,) = sent["attachments"]
    assert (sent["type"], attachment["contentType"]) == ("message", "application/vnd.microsoft.card.adaptive")
    card = attachment["content"]
    assert (card["type"], card["version"], card["lang"]) == ("AdaptiveCard", "1.4", "en")
    told = texts(card)
    assert told[0] == "New lead: Jana Sommerfeld"
    # In the reader's zone: 09:15 UTC is 10:15 in Berlin.
    for text in ("Head of Operations · Nordlicht Versand GmbH · DE", "Mon 2 Mar 10:15", "It was your turn."):
        assert text in told
    assert "please call." in told
    actions = [one for one in elements(card) if one["type"].startswith("Action.")]
    assert [(one["title"], one["url"]) for one in actions] == [
        ("Accept", "https://l.example/a/accept1"),
        ("I responded", "https://l.example/a/responded1"),
        ("Later", "https://l.example/a/snooze1"),
        ("Decline", "https://l.example/a/decline1"),
        ("See the lead", "https://l.example/leads/L1"),
    ]


def test_what_others_wrote_is_never_read_as_markdown() -> None:
    evil = "[Accept](https://evil.example) **now**"
    made = payload(message(item(prospect=evil, company=evil, said=evil, why=(evil,))), NOW)
    assert not [one for one in elements(made) if one["type"] in ("TextBlock", "FactSet")]
    assert evil in texts(made)


def test_a_long_text_is_folded_away() -> None:
    made = payload(message(item(said="A long story.\n" * 60)), NOW)
    (fold,) = [one for one in elements(made) if one["type"] == "Action.ShowCard"]
    assert texts(fold["card"]).count("A long story.") > 10


def test_cards_are_in_the_language_of_the_reader(workflow: Receiver) -> None:
    teams.send(LOCAL, to(workflow, language="pl"), NOW)
    card = json.loads(workflow.requests[0].body)["attachments"][0]["content"]
    assert card["lang"] == "pl"
    assert "New lead" not in texts(card)[0]


@pytest.mark.parametrize("sign", ["x", "ż", "😀", '"'])
def test_what_is_too_large_leaves_out_the_earliest_and_says_so(sign: str) -> None:
    many = [item(prospect=f"No {n}", said=sign * 200, why=(sign * 900,)) for n in range(20)]
    with language("en"):
        made = payload(message(*many, left_out=3), NOW)
    assert len(json.dumps(made, ensure_ascii=False).encode()) <= LARGEST_BYTES * 1.05
    told = texts(made)
    assert told[0] == "23 new leads"
    assert "New lead: No 19" in told
    shown = sum(text.startswith("New lead: No ") for text in told)
    assert 0 < shown < 20
    assert f"And {23 - shown} more, not told in detail." in told


def test_one_item_alone_is_cut_until_it_fits() -> None:
    giant = item(prospect="x" * 9_000, said="ż\n" * 9_000, why=tuple("😀" * 900 for _ in range(9)))
    made = payload(message(giant), NOW)
    assert len(json.dumps(made, ensure_ascii=False).encode()) <= LARGEST_BYTES


def test_what_is_no_lead_has_no_buttons() -> None:
    made = payload(
        message(item("alarm", lead_id=None, prospect="", reason="Nobody is there", answers={})), NOW
    )
    assert "Nobody is there" in texts(made)
    assert not [one for one in elements(made) if one["type"].startswith("Action")]


@pytest.mark.parametrize(
    ("answer", "kind", "wait"),
    [
        (Answer(400, body=b'{"error":{"code":"TriggerInputSchemaMismatch"}}'), "permanent", None),
        (Answer(401), "permanent", None),
        (Answer(404), "permanent", None),
        (Answer(413), "permanent", None),
        (Answer(302, headers={"location": "http://127.0.0.1:1/"}), "permanent", None),
        (Answer(429, headers={"retry-after": "17"}), "temporary", 17),
        (Answer(503, headers={"retry-after": "5"}), "temporary", 5),
        (Answer(500), "temporary", None),
        (Answer(504), "uncertain", None),
        (Answer(0), "uncertain", None),
    ],
)
def test_each_answer_is_judged(workflow: Receiver, answer: Answer, kind: str, wait: float | None) -> None:
    workflow.answer = lambda _request: answer
    failure = teams.send(LOCAL, to(workflow), NOW)
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.retry_after_seconds, failure.is_channel_down) == (kind, wait, False)
    assert "127.0.0.1" in failure.detail
    assert SECRET not in failure.detail
    assert len(workflow.requests) == 1


def test_nobody_knows_what_became_of_it_where_no_answer_comes(
    workflow: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "TIMEOUT_SECONDS", 0.3)
    posting._client.cache_clear()
    workflow.answer = lambda _request: Answer(202, after=1)
    failure = teams.send(LOCAL, to(workflow), NOW)
    posting._client.cache_clear()
    assert isinstance(failure, Failure)
    assert failure.kind == "uncertain"


def test_where_nobody_listens_nothing_was_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        failure = teams.send(
            LOCAL, message(address=f"http://127.0.0.1:{taken.getsockname()[1]}/?{SECRET}"), NOW
        )
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.is_channel_down) == ("temporary", False)
    assert SECRET not in failure.detail


@pytest.mark.parametrize(
    "url", ["anna", "ftp://x.example/", "http://[::1", "https://h:999999/", "http:///x", ""]
)
def test_an_address_that_is_none_is_never_tried_again(url: str) -> None:
    failure = teams.send(LOCAL, message(address=url), NOW)
    assert isinstance(failure, Failure)
    assert failure.kind == "permanent"


def test_the_inside_of_the_network_is_not_reached(workflow: Receiver) -> None:
    failure = teams.send(Teams(), to(workflow), NOW)
    assert isinstance(failure, Failure)
    assert (failure.kind, workflow.requests) == ("permanent", [])
