"""From a form to the answer of a rep who has nothing but a telephone: every part of it is real."""

from __future__ import annotations

import hmac
import json
import re
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from tests.outbound.receiver import Answer, Receiver, receiving
from tests.service.telling import wait_until

from leadlane.outbound.endpoints import read_outbound
from leadlane.service.sender import Sender
from leadlane.service.ways import set_up

TOKEN = "t0ken-of-the-account"
LEAD = {
    "email": "jana@nordlicht.example",
    "first_name": "Jana",
    "last_name": "Sommerfeld",
    "company": "Nordlicht Versand",
    "employees": 300,
    "industry": "software",
    "tech_stack": ["salesforce"],
    "country": "DE",
    "signals": [{"name": "demo_request"}],
}


@pytest.fixture
def provider() -> Iterator[Receiver]:
    with receiving() as found:
        found.answer = lambda _request: Answer(201, body=b'{"sid":"SM1"}')
        yield found


@pytest.fixture
def workflow() -> Iterator[Receiver]:
    """A workflow of Teams that was switched off."""
    with receiving() as found:
        found.answer = lambda _request: Answer(404)
        yield found


@pytest.fixture
def served(serve: Callable[..., Any], provider: Receiver, tmp_path: Path) -> Iterator[Any]:
    """A server that tells people by Teams, Apprise and SMS."""
    file = tmp_path / "outbound.yaml"
    file.write_text(f"""
        allow: [127.0.0.0/8]
        teams: {{enabled: true}}
        apprise: {{enabled: true}}
        sms: {{twilio_api_url: 'http://127.0.0.1:{provider.port}'}}
    """)
    settings = {
        "outbound_file": file,
        "public_url": "https://leads.seller.example",
        "twilio_account_sid": "AC1",
        "twilio_auth_token": TOKEN,
        "twilio_from": "+15005550006",
    }
    served = serve(**settings)
    setup = set_up(served.app.settings, read_outbound(served.app.settings))
    with Sender(served.app.url, served.app.books, setup, served.app.now):
        yield served


def reach(api: Any, **by: Any) -> None:
    """Everybody in the roster is reached by these."""
    for n, person in enumerate(api.get("/v1/people").json()["people"]):
        entry = {name: value for name, value in person.items() if value}
        reached = {**by, "phone": f"+486007008{n:02}"} if "sms" in by["channels"] else by
        api.put(f"/v1/people/{person['id']}", json={**entry, **reached}).raise_for_status()


def first(receiver: Receiver, count: int = 1) -> Any:
    """What came, once there are so many."""
    until = time.monotonic() + 20
    while len(receiver.requests) < count:
        assert time.monotonic() < until, "nothing came"
        time.sleep(0.01)
    return receiver.requests[count - 1]


def reply(served: Any, sender: str, text: str, sid: str) -> str:
    form = {"Body": text, "From": sender, "MessageSid": sid}
    told = "https://leads.seller.example/v1/sms/twilio" + "".join(key + form[key] for key in sorted(form))
    signed = b64encode(hmac.new(TOKEN.encode(), told.encode(), "sha1").digest()).decode()
    answer = served.client().post("/v1/sms/twilio", data=form, headers={"x-twilio-signature": signed})
    return str(answer.text)


def test_a_lead_is_told_accepted_and_answered_by_sms(api: Any, served: Any, provider: Receiver) -> None:
    reach(api, channels=["sms"])
    lead = api.post("/v1/leads", json=LEAD).json()
    form = parse_qs(first(provider).body.decode())
    (text,), (number,) = form["Body"], form["To"]
    assert number == api.get(f"/v1/people/{lead['owner']}").json()["phone"]
    code = re.search(r"\b[A-Z]\d[A-Z]\b", text)[0]  # type: ignore[index]
    assert "Jana Sommerfeld" in text
    assert "https://leads.seller.example/a/" in text

    assert "Jana Sommerfeld" in reply(served, number, f"{code} ok", "SM1")
    assert api.get(f"/v1/leads/{lead['id']}").json()["stage"] == "accepted"
    reply(served, number, f"done {code} call", "SM2")
    assert api.get(f"/v1/leads/{lead['id']}").json()["responded_at"] is not None


def test_where_a_workflow_of_teams_is_gone_an_sms_follows(
    api: Any, served: Any, provider: Receiver, workflow: Receiver
) -> None:
    reach(api, channels=["teams", "sms"], teams_workflow=workflow.url + "?sig=s3cret")
    api.post("/v1/leads", json=LEAD).raise_for_status()
    card = json.loads(first(workflow).body)["attachments"][0]["content"]
    assert card["type"] == "AdaptiveCard"
    assert "Jana" in parse_qs(first(provider).body.decode())["Body"][0]
    # How it ended is written down a moment after the provider has it.
    wait_until(lambda: not served.sql("SELECT FROM deliveries WHERE state IN ('waiting', 'sending')"))
    told = served.sql("SELECT channel, state, error FROM deliveries ORDER BY id")
    assert [row[:2] for row in told[:2]] == [("teams", "failed"), ("sms", "sent")]
    assert "s3cret" not in told[0][2]


def test_a_lead_is_told_by_apprise(api: Any, served: Any, workflow: Receiver) -> None:
    pytest.importorskip("apprise", reason="the extra leadlane[apprise] is not installed")
    workflow.answer = lambda _request: Answer(200)
    reach(api, channels=["apprise"], apprise=f"json://127.0.0.1:{workflow.port}/x")
    api.post("/v1/leads", json=LEAD).raise_for_status()
    assert "Jana Sommerfeld" in first(workflow).told["title"]
