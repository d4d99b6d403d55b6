"""From the form of a prospect to the answer of a rep who has nothing but Slack: every part of it is real."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime

import httpx2
import pytest
import yaml
from tests.api.conftest import REFERENCE
from tests.outbound.receiver import Answer
from tests.outbound.slack_server import SIGNING_SECRET, TOKEN, ok, signature, signed, slack_running

from leadlane.outbound import slack as channel
from leadlane.outbound.endpoints import Outbound
from leadlane.policy.roster import read_roster
from leadlane.service import slack
from leadlane.service.roster import put_roster
from leadlane.service.sender import Sender
from leadlane.service.ways import set_up

LEAD = {
    "email": "jana@nordlicht.example",
    "first_name": "Jana",
    "last_name": "Sommerfeld",
    "company": "Nordlicht Versand",
    "employees": 300,
    "industry": "software",
    "tech_stack": ["salesforce"],
    "country": "DE",
    "message": "Please show us how it works.",
    "signals": [{"name": "demo_request"}],
}
ACTIONS = "/v1/slack/actions"


class Workspace:
    """A Leadlane that tells everyone by Slack, and what people do there."""

    def __init__(self, served, fake):
        self.served, self.fake, self.api = served, fake, served.client("admin")
        self.members = {address.partition("@")[0]: id_ for address, id_ in fake.members.items()}

    def lead(self, **changes):
        """A new lead, and the message that its owner gets."""
        lead = self.api.post("/v1/leads", json={**LEAD, **changes}).json()
        return lead, self.fake.message_to(self.members[lead["owner"]])

    def deliver(self, payload, **changes):
        body, headers = signed(payload, changes.get("at", time.time()), changes.get("secret", SIGNING_SECRET))
        return httpx2.post(self.served.url + ACTIONS, content=body, headers=headers)

    def click(self, message, label, user, choice=""):
        """Click, and wait until Slack has heard what became of it."""
        came = len(self.fake.receiver.requests)
        began = time.perf_counter()
        response = self.deliver(self.fake.click(message, label, user, choice))
        assert response.status_code == 200
        assert response.content == b""
        assert time.perf_counter() - began < 3
        # A lookup of the e-mail address may come before.
        self.fake.wait(
            lambda: any(
                one.path.startswith("/actions/") or one.path.endswith("views.open")
                for one in self.fake.receiver.requests[came:]
            )
        )

    def act(self, lead, verb, **body):
        """What somebody does elsewhere."""
        response = self.api.post(f"/v1/leads/{lead['id']}/{verb}", json={"by": "olga", **body})
        assert response.status_code == 200, response.text

    def stands(self, lead):
        return self.api.get(f"/v1/leads/{lead['id']}").json()

    def decisions(self):
        return self.served.sql("SELECT count(*) FROM decisions")[0][0]


@pytest.fixture
def workspace(serve):
    raw = yaml.safe_load((REFERENCE / "roster.yaml").read_text())
    names = [one["id"] for one in raw["people"]]
    with slack_running(**{name: f"U0{name.upper()}" for name in names}) as fake:
        served = serve(slack_bot_token=TOKEN, slack_signing_secret=SIGNING_SECRET, slack_api_url=fake.api_url)
        # Some are known by their member id, the others by their e-mail address.
        for number, person in enumerate(raw["people"]):
            person |= {"channels": ["slack"], "languages": ["en"]}
            person |= {"slack": f"U0{person['id'].upper()}"} if number % 2 else {}
        document, problems = read_roster(yaml.safe_dump(raw))
        assert document is not None, problems
        with served.app.pool.connection() as connection:
            put_roster(connection, document, "test", served.app.now())
        # Where people reach the server is known once it listens.
        settings = served.app.settings.model_copy(update={"public_url": served.url})
        with Sender(served.app.url, served.app.books, set_up(settings, Outbound()), served.app.now):
            yield Workspace(served, fake)


def test_a_lead_is_accepted_and_answered_in_slack(workspace):
    lead, message = workspace.lead()
    member = workspace.members[lead["owner"]]
    assert message.text.startswith("New lead: Jana Sommerfeld, Nordlicht Versand – respond by")
    assert "Please show us how it works." in message.words
    assert list(message.elements()) == ["Accept", "I responded", "Decline"]

    workspace.click(message, "Accept", member)
    assert workspace.stands(lead)["stage"] == "accepted"
    name = workspace.api.get(f"/v1/people/{lead['owner']}").json()["name"]
    assert f"✓ {name} accepted this lead on " in message.words
    # What is left to be done can still be said there.
    assert list(message.elements()) == ["I responded", "Decline"]

    workspace.click(message, "I responded", member, "call")
    now = workspace.stands(lead)
    assert (now["stage"], now["responded_at"] is not None) == ("working", True)
    assert f"✓ {name} responded on " in message.words
    assert message.elements() == {}
    assert "Please show us how it works." in message.words
    assert workspace.fake.whispers == []


def test_a_lead_declined_goes_to_the_next_who_is_told_in_slack(workspace):
    lead, message = workspace.lead()
    first = workspace.members[lead["owner"]]
    workspace.click(message, "Decline", first, "no time")
    second = workspace.stands(lead)["owner"]
    assert second != lead["owner"]
    name = workspace.api.get(f"/v1/people/{second}").json()["name"]
    assert f"*Who has it now*: {name}" in message.words
    assert message.elements() == {}

    following = workspace.fake.message_to(workspace.members[second])
    workspace.click(following, "Accept", workspace.members[second])
    now = workspace.stands(lead)
    assert (now["owner"], now["stage"]) == (second, "accepted")


def test_clicked_twice_is_done_once(workspace):
    lead, message = workspace.lead()
    member = workspace.members[lead["owner"]]
    payload = workspace.fake.click(message, "I responded", member, "call")
    assert [workspace.deliver(payload).status_code for _time in range(3)] == [200] * 3
    assert workspace.served.sql("SELECT kind FROM touches") == [("call",)]
    workspace.fake.wait(lambda: "responded on" in message.words)


def test_somebody_else_is_told_whose_it_is_and_changes_nothing(workspace):
    lead, message = workspace.lead()
    before = (workspace.decisions(), message.words)
    name = workspace.api.get(f"/v1/people/{lead['owner']}").json()["name"]
    stranger = next(id_ for name, id_ in workspace.members.items() if name != lead["owner"])
    for user in (stranger, "U0NOBODY"):
        workspace.click(message, "Accept", user)
        assert workspace.fake.whispers[-1] == f"This was asked of {name}. Nothing has been changed."
    assert (workspace.decisions(), message.words) == before


def test_a_stale_button_says_who_has_the_lead_and_changes_nothing(workspace):
    lead, message = workspace.lead()
    workspace.act(lead, "reassign", to="maria")
    count = workspace.decisions()
    workspace.click(message, "Accept", workspace.members[lead["owner"]])
    assert workspace.decisions() == count
    assert "no longer has this lead. Nothing has been changed." in message.words
    assert "*Who has it now*: Maria Hofer" in message.words
    assert message.elements() == {}
    assert workspace.stands(lead)["owner"] == "maria"


def test_a_lead_that_was_closed(workspace):
    lead, message = workspace.lead()
    workspace.act(lead, "close", outcome="lost")
    workspace.click(message, "Decline", workspace.members[lead["owner"]], "junk")
    assert "This lead is closed." in message.words


def test_a_lead_that_went_away_and_came_back_is_not_answered_by_the_old_message(workspace):
    lead, message = workspace.lead()
    for to in ("maria", lead["owner"]):
        workspace.act(lead, "reassign", to=to)
    workspace.click(message, "Accept", workspace.members[lead["owner"]])
    assert workspace.stands(lead)["stage"] == "assigned"
    assert workspace.fake.whispers[-1].startswith("The lead has changed meanwhile.")


def submission(view, user, note):
    return {
        "type": "view_submission",
        "user": {"id": user},
        "view": {**view, "state": {"values": {"reason": {"reason": {"type": "x", "value": note}}}}},
    }


def test_declining_in_own_words(workspace):
    lead, message = workspace.lead()
    member = workspace.members[lead["owner"]]
    workspace.click(message, "Decline", member, "other")
    (view,) = workspace.fake.views
    assert workspace.stands(lead)["owner"] == lead["owner"]

    empty = workspace.deliver(submission(view, member, None))
    assert empty.json() == {
        "response_action": "errors",
        "errors": {"reason": "Please say the reason in a few words."},
    }
    stranger = next(id_ for name, id_ in workspace.members.items() if name != lead["owner"])
    assert workspace.deliver(submission(view, stranger, "mine")).status_code == 200
    assert workspace.stands(lead)["owner"] == lead["owner"]

    done = workspace.deliver(submission(view, member, "My cousin works there"))
    assert (done.status_code, done.content) == (200, b"")
    workspace.fake.wait(lambda: "declined this lead on" in message.words)
    reasons = workspace.served.sql("SELECT details->>'reason' FROM timeline WHERE event = 'declined'")
    assert reasons == [("My cousin works there",)]
    # The rest of the message is as it was.
    assert "Please show us how it works." in message.words

    late = workspace.deliver(submission(view, member, "Once more"))
    assert late.content == b""
    assert len(workspace.served.sql("SELECT 1 FROM timeline WHERE event = 'declined'")) == 1


def test_a_message_too_long_for_a_window_to_remember_is_answered_by_a_whisper(workspace):
    lead, message = workspace.lead()
    member = workspace.members[lead["owner"]]
    noise = {"type": "section", "text": {"type": "mrkdwn", "text": secrets.token_urlsafe(2_200)}}
    message.blocks = [noise, *message.blocks]
    workspace.click(message, "Decline", member, "other")
    workspace.deliver(submission(workspace.fake.views[0], member, "Not mine"))
    assert "declined this lead on" in workspace.fake.wait(lambda: workspace.fake.whispers)[0]
    assert workspace.stands(lead)["owner"] != lead["owner"]
    # Its buttons are still there; they say how things stand.
    workspace.click(message, "Accept", member)
    assert "*Who has it now*" in message.words


def test_a_window_that_was_open_too_long_says_who_has_the_lead(workspace):
    lead, message = workspace.lead()
    member = workspace.members[lead["owner"]]
    workspace.click(message, "Decline", member, "other")
    workspace.act(lead, "reassign", to="maria")
    told = workspace.deliver(submission(workspace.fake.views[0], member, "No")).json()
    assert told["response_action"] == "update"
    assert "Maria Hofer" in told["view"]["blocks"][0]["text"]["text"]


def test_putting_off_to_a_moment_that_is_asked_for_when_the_menu_opens(workspace):
    lead, _message = workspace.lead()
    member = workspace.members[lead["owner"]]
    workspace.act(lead, "accept", by=lead["owner"])
    workspace.served.sql(
        "INSERT INTO outbox (event, person, lead_id, place, created_at)"
        f" SELECT 'reminder', owner, id, place, now() FROM leads WHERE id = '{lead['id']}'"
    )
    workspace.served.sql("NOTIFY leadlane_outbox")
    message = workspace.fake.message_to(member, 2)
    later = message.elements()["Later"]
    asked = {
        "type": "block_suggestion",
        "user": {"id": member},
        "action_id": later["action_id"],
        "block_id": message.block_of(later),
        "value": "",
    }
    choices = workspace.deliver(asked).json()["options"]
    assert 2 <= len(choices) <= 4
    chosen = choices[-1]["value"]
    workspace.click(message, "Later", member, chosen)
    due = datetime.fromisoformat(workspace.stands(lead)["next_step_due_at"])
    assert due == datetime.fromisoformat(chosen)
    assert "put off the next step" in message.words
    assert list(message.elements()) == ["I responded"]


def test_slack_does_not_say_who_clicked(workspace):
    lead, message = workspace.lead()
    channel._member.cache_clear()  # as in a process that has looked nobody up
    workspace.fake.say = lambda method, _form: (
        ok(False, error="internal_error") if method == "users.lookupByEmail" else None
    )
    workspace.click(message, "Accept", "U0SOMEBODY")
    assert workspace.fake.whispers == ["Slack does not say who you are. Please try again in a minute."]
    assert workspace.stands(lead)["stage"] == "assigned"


def test_a_message_that_may_have_been_posted_is_uncertain_and_never_posted_again(workspace):
    workspace.fake.say = lambda method, _form: Answer(0) if method == "chat.postMessage" else None
    workspace.api.post("/v1/leads", json=LEAD)
    for _try in range(200):
        states = workspace.served.sql("SELECT state, channel, attempts FROM deliveries")
        if states and states[0][0] not in ("waiting", "sending"):
            break
        time.sleep(0.05)
    assert states == [("uncertain", "slack", 1)]
    assert workspace.fake.calls.count("chat.postMessage") == 1


def test_what_was_done_stays_done_when_slack_cannot_be_told(workspace):
    lead, message = workspace.lead()
    member = workspace.members[lead["owner"]]
    payload = workspace.fake.click(message, "Accept", member)
    for url in (f"http://127.0.0.1:{workspace.fake.receiver.port}/actions/T1/gone", "http://10.0.0.1/x", ""):
        assert workspace.deliver({**payload, "response_url": url}).status_code == 200
    assert workspace.stands(lead)["stage"] == "accepted"


# ---------------------------------------------------------------- who may send


@pytest.fixture
def served_slack(serve):
    return serve(slack_bot_token=TOKEN, slack_signing_secret=SIGNING_SECRET)


def test_the_example_of_slacks_documentation():
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554"
        b"%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    good = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    at = datetime.fromtimestamp(1531420618, UTC)
    slack.verify(SIGNING_SECRET, "1531420618", good, body, at)
    for secret, stated, sign, text in (
        ("another", "1531420618", good, body),
        (SIGNING_SECRET, "1531420619", good, body),
        (SIGNING_SECRET, "1531420618", good[:-1], body),
        (SIGNING_SECRET, "1531420618", "v0=é\udc80", body),
        (SIGNING_SECRET, "1531420618", good, body + b" "),
        (SIGNING_SECRET, "soon", good, body),
        (SIGNING_SECRET, "9" * 40, good, body),
    ):
        with pytest.raises(slack.RefusedError):
            slack.verify(secret, stated, sign, text, at)


@pytest.mark.parametrize(
    ("ago", "secret", "status"),
    [(0, SIGNING_SECRET, 200), (290, SIGNING_SECRET, 200), (310, SIGNING_SECRET, 401),
     (-310, SIGNING_SECRET, 401), (0, "wrong", 401)],
)  # fmt: skip
def test_only_slack_is_let_in_and_only_now(served_slack, ago, secret, status):
    body, headers = signed({"type": "block_actions"}, time.time() - ago, secret)
    response = httpx2.post(served_slack.url + ACTIONS, content=body, headers=headers)
    assert response.status_code == status
    if status == 401:
        assert response.json()["type"] == "urn:leadlane:problem:unauthorized"


def test_without_a_signature_or_with_a_key_of_ours(served_slack):
    body, _headers = signed({"type": "block_actions"}, time.time())
    assert served_slack.client("admin").post(ACTIONS, content=body).status_code == 401


@pytest.mark.parametrize("settings", [{}, {"slack_bot_token": TOKEN}, {"slack_signing_secret": "x"}])
def test_slack_is_not_set_up(serve, settings):
    served = serve(**settings)
    body, headers = signed({"type": "block_actions"}, time.time(), "")
    response = httpx2.post(served.url + ACTIONS, content=body, headers=headers)
    assert response.status_code == 404
    assert "slack_signing_secret" in response.json()["detail"]


def test_the_handshake(served_slack):
    body = b'{"token": "x", "challenge": "3eZbrw1aB10FEMAGAZd4FyFQ", "type": "url_verification"}'
    headers = {**signature(body, time.time()), "content-type": "application/json"}
    response = httpx2.post(served_slack.url + ACTIONS, content=body, headers=headers)
    assert response.json() == {"challenge": "3eZbrw1aB10FEMAGAZd4FyFQ"}


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "something_new"},
        {},
        {"type": "block_actions"},
        {"type": "block_actions", "actions": []},
        {"type": "block_actions", "actions": [{"action_id": "open-see"}], "user": {"id": "U1"}},
        {"type": "block_actions", "actions": [{"action_id": "accept:" + "x" * 32}]},
        {
            "type": "block_actions",
            "actions": [{"action_id": "accept:" + "x" * 32, "block_id": "b"}],
            "user": {"id": "U1"},
        },
        {"type": "view_submission", "view": {"callback_id": "decline", "private_metadata": "{"}},
        {"type": "view_submission", "view": {"callback_id": "of another"}},
        {"type": "block_suggestion", "action_id": "accept"},
        {"type": ["x"]},
    ],
)
def test_what_is_none_of_ours_is_taken_politely(served_slack, payload):
    body, headers = signed(payload, time.time())
    response = httpx2.post(served_slack.url + ACTIONS, content=body, headers=headers)
    assert (response.status_code, response.content) == (200, b"")


def test_what_nobody_can_read(served_slack):
    for body in (b"", b"payload=", b"payload=[1]", b"payload={}&payload={}", b"x=1", b"\xff"):
        headers = {**signature(body, time.time()), "content-type": "application/x-www-form-urlencoded"}
        assert httpx2.post(served_slack.url + ACTIONS, content=body, headers=headers).status_code == 400
