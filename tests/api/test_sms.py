"""Replies to SMS over HTTP: whose they are, what they do, and what comes back; on a real database."""

from __future__ import annotations

import hmac
import xml.etree.ElementTree as ET
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.outbound.receiver import Answer, Receiver, receiving

from leadlane.api.sms import is_signed
from leadlane.outbound.sms_words import code_of
from leadlane.service import answers

TOKEN = "t0ken-of-the-account"
PUBLIC = "https://leads.seller.example"
NUMBERS = {"anna": "+48600700801", "maria": "+4915123456789"}
SECRET = "s3cret-of-the-provider"
LEAD = {
    "first_name": "Jana",
    "last_name": "Sommerfeld",
    "company": "Nordlicht",
    "employees": 300,
    "industry": "software",
    "tech_stack": ["salesforce"],
    "country": "DE",
    "signals": [{"name": "demo_request"}],
}


@dataclass(frozen=True)
class Public:
    public_url: str = PUBLIC


class Phone:
    """A person's telephone: what it sends comes in as from Twilio, and what is answered is read."""

    def __init__(self, served: Any, person: str) -> None:
        self.served, self.person, self.number = served, person, NUMBERS[person]
        self.client = served.client()
        self.sent = 0

    def told_of(self, *leads: str, verbs: tuple[str, ...] = ("accept", "decline", "responded")) -> None:
        """As a message does, give out links for these leads."""
        with self.served.app.pool.connection() as connection:
            for lead in leads:
                place = connection.execute("SELECT place FROM leads WHERE id = %s", [lead]).fetchone()[0]
                now = self.served.app.now()
                answers.links(connection, Public(), lead, place, self.person, verbs, now)

    def reply(self, text: str, sid: str = "", sender: str = "") -> str:
        self.sent += 1
        form = {
            "MessageSid": sid or f"SM{self.person}{self.sent}",
            "From": sender or self.number,
            "To": "+15005550006",
            "Body": text,
            "NumMedia": "0",
        }
        answer = self.client.post(
            "/v1/sms/twilio", data=form, headers={"x-twilio-signature": signature("/v1/sms/twilio", form)}
        )
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/xml")
        return ET.fromstring(answer.text).findtext("Message") or ""


def signature(path: str, form: dict[str, str], token: str = TOKEN) -> str:
    told = PUBLIC + path + "".join(name + form[name] for name in sorted(form))
    return b64encode(hmac.new(token.encode(), told.encode(), "sha1").digest()).decode()


@pytest.fixture
def served(serve: Callable[..., Any]) -> Any:
    return serve(twilio_auth_token=TOKEN, public_url=PUBLIC)


@pytest.fixture
def phone(served: Any, api: Any) -> Callable[[str], Phone]:
    """The telephone of somebody in the roster."""

    def make(person: str) -> Phone:
        entry = {name: value for name, value in api.get(f"/v1/people/{person}").json().items() if value}
        api.put(f"/v1/people/{person}", json={**entry, "phone": NUMBERS[person]}).raise_for_status()
        return Phone(served, person)

    return make


@pytest.fixture
def anna(phone: Callable[[str], Phone]) -> Phone:
    return phone("anna")


def lead(api: Any, id_: str, owner: str = "anna", **more: Any) -> str:
    """A lead that waits for an answer of this person; its code."""
    sent = {**LEAD, "id": id_, "email": f"jana@{id_.lower()}.example", **more}
    sent["company"] = more.get("company", f"Firm {id_}")
    api.post("/v1/leads", json=sent).raise_for_status()
    if api.get(f"/v1/leads/{id_}").json()["owner"] != owner:
        api.post(f"/v1/leads/{id_}/reassign", json={"by": "olga", "to": owner}).raise_for_status()
    return code_of(id_)


def stands(api: Any, id_: str = "L1") -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"/v1/leads/{id_}").json()
    return found


# ---------------------------------------------------------------- who sent it


@pytest.mark.parametrize(
    ("token", "url", "fields", "signed"),
    [
        # Those of Twilio's own documentation and libraries.
        (
            "12345",
            "https://mycompany.com/myapp.php?foo=1&bar=2",
            {
                "CallSid": "CA1234567890ABCDE",
                "Caller": "+14158675309",
                "Digits": "1234",
                "From": "+14158675309",
                "To": "+18005551212",
            },
            "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
        ),
        (
            "12345",
            "https://mycompany.com/myapp.php?foo=1&bar=2",
            {
                "CallSid": "CA1234567890ABCDE",
                "Caller": "+14158675310",
                "Digits": "1234",
                "From": "+14158675310",
                "To": "+18005551212",
            },
            "",
        ),
    ],
)
def test_signatures_as_twilio_documents_them(
    token: str, url: str, fields: dict[str, str], signed: str
) -> None:
    assert is_signed(token, url, fields.items(), signed) == bool(signed)
    assert not is_signed(token + "6", url, fields.items(), signed)
    assert not is_signed(token, url.replace("foo=1", "foo=2"), fields.items(), signed)
    assert not is_signed(token, url, fields.items(), signed[:-1])
    assert not is_signed(token, url, fields.items(), "ł")


def test_what_is_not_signed_changes_nothing(api: Any, anna: Phone) -> None:
    lead(api, "L1")
    anna.told_of("L1")
    form = {"MessageSid": "SM1", "From": anna.number, "Body": "OK"}
    good = signature("/v1/sms/twilio", form)
    for headers, sent in (
        ({}, form),
        ({"x-twilio-signature": ""}, form),
        ({"x-twilio-signature": good}, {**form, "Body": "NO"}),
        ({"x-twilio-signature": signature("/v1/sms/twilio", form, "another")}, form),
    ):
        answer = anna.client.post("/v1/sms/twilio", data=sent, headers=headers)
        assert answer.status_code == 401
        assert TOKEN not in answer.text
    assert stands(api)["stage"] == "assigned"
    assert anna.client.post("/v1/sms/twilio", content=b"\xff=\xfe").status_code == 400


def test_without_a_token_there_is_no_such_address(serve: Any) -> None:
    answer = serve().client().post("/v1/sms/twilio", data={"From": "+1", "Body": "OK"})
    assert (answer.status_code, "twilio_auth_token" in answer.text) == (404, True)


def test_an_unknown_number_gets_a_polite_sentence_and_nothing_else(api: Any, anna: Phone) -> None:
    code = lead(api, "L1")
    anna.told_of("L1")
    assert "does not know yours" in anna.reply(f"OK {code}", sender="+48500500500")
    # Who has no number cannot be answered, and who wants no SMS must not be.
    for sender, text in (("INFO", "OK"), ("+1", "OK"), ("+48500500500", "STOP")):
        assert anna.reply(text, sender=sender) == ""
    assert stands(api)["stage"] == "assigned"


def test_a_number_of_two_people_is_nobodys(api: Any, anna: Phone, phone: Any, monkeypatch: Any) -> None:
    monkeypatch.setitem(NUMBERS, "maria", NUMBERS["anna"])
    phone("maria")
    code = lead(api, "L1")
    anna.told_of("L1")
    assert "Several people" in anna.reply(f"OK {code}")
    assert stands(api)["stage"] == "assigned"


# ---------------------------------------------------------------- what it does


def test_accepting_then_saying_that_one_responded(api: Any, anna: Phone) -> None:
    code = lead(api, "L1")
    anna.told_of("L1")
    said = anna.reply("ok")
    assert said.startswith("You have accepted Jana Sommerfeld, Firm L1. Respond by ")
    assert stands(api)["stage"] == "accepted"
    assert anna.reply(f"{code} done called her") == "Noted: you have responded to Jana Sommerfeld, Firm L1."
    assert stands(api)["responded_at"] is not None
    assert anna.served.sql("SELECT person, kind, note FROM touches") == [("anna", "call", "called her")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("NO", "no reason given"),
        ("decline spam", "junk"),
        ("decline too far away", "too far away"),
    ],
)
def test_declining_hands_it_on_and_says_to_whom(api: Any, anna: Phone, text: str, reason: str) -> None:
    lead(api, "L1")
    anna.told_of("L1")
    said = anna.reply(text)
    now = stands(api)
    name = api.get(f"/v1/people/{now['owner']}").json()["name"]
    assert now["owner"] != "anna"
    assert said == f"You have declined Jana Sommerfeld, Firm L1. {name} has it now."
    (details,) = anna.served.sql("SELECT details FROM timeline WHERE event = 'declined'")[0]
    assert details["reason"] == reason


def test_putting_off(api: Any, anna: Phone) -> None:
    lead(api, "L1")
    anna.told_of("L1")
    before = stands(api)
    for text in ("later 3 days", "LATER tomorrow", "later"):
        assert "the next step is put off until" in anna.reply(text)
        after = stands(api)
        assert after["next_step_due_at"] != before["next_step_due_at"]
        assert after["respond_by"] == before["respond_by"]
    assert "in the next 60 days" in anna.reply("later 300 days")
    assert stands(api)["next_step_due_at"] == after["next_step_due_at"]


def test_later_alone_brings_nothing_forward(api: Any, anna: Phone) -> None:
    lead(api, "L1")
    anna.told_of("L1")
    anna.reply("later 4h")
    before = stands(api)["next_step_due_at"]
    anna.reply("later")
    assert stands(api)["next_step_due_at"] > before


def test_with_several_open_it_is_asked_which_and_the_code_says(api: Any, anna: Phone) -> None:
    codes = {id_: lead(api, id_) for id_ in ("L1", "L2", "L3")}
    anna.told_of("L1", "L2", "L3")
    said = anna.reply("OK")
    assert said.startswith("Which one? Reply with its code, as: OK ")
    for id_, code in codes.items():
        assert f"{code} Jana Sommerfeld, Firm {id_}" in said
        assert stands(api, id_)["stage"] == "assigned"
    assert "Firm L2" in anna.reply(f"{codes['L2']} ok")
    assert [stands(api, id_)["stage"] for id_ in codes] == ["assigned", "accepted", "assigned"]
    anna.reply(f"ok {codes['L1']}")
    # Only one is left to accept.
    assert "Firm L3" in anna.reply("OK")
    assert stands(api, "L3")["stage"] == "accepted"


def test_a_code_of_nothing_and_words_that_mean_nothing_change_nothing(api: Any, anna: Phone) -> None:
    code = lead(api, "L1")
    anna.told_of("L1")
    other = "A2A" if code != "A2A" else "B2B"
    assert f"not been told of a lead {other}" in anna.reply(f"OK {other}")
    assert "not understood" in anna.reply("who is this?")
    assert "not understood" in anna.reply("No problem, I take it")
    assert "Reply OK to accept" in anna.reply("HELP")
    assert anna.reply("STOP") == ""
    assert stands(api)["stage"] == "assigned"


def test_a_stale_reply_says_who_has_it_now_and_changes_nothing(api: Any, anna: Phone) -> None:
    code = lead(api, "L1")
    anna.told_of("L1")
    api.post("/v1/leads/L1/reassign", json={"by": "olga", "to": "maria"}).raise_for_status()
    count = anna.served.sql("SELECT count(*) FROM decisions")
    for text in ("OK", "NO", "DONE", "LATER", f"OK {code}"):
        said = anna.reply(text)
        assert said == "Maria Hofer has Jana Sommerfeld, Firm L1 now. Nothing has been changed."
    api.post("/v1/leads/L1/close", json={"by": "maria", "outcome": "lost"}).raise_for_status()
    assert "is closed" in anna.reply(f"OK {code}")
    assert anna.served.sql("SELECT count(*) FROM decisions")[0][0] == count[0][0] + 1


def test_what_went_away_and_came_back_is_not_answered_by_an_old_sms(api: Any, anna: Phone) -> None:
    code = lead(api, "L1")
    anna.told_of("L1")
    for to in ("maria", "anna"):
        api.post("/v1/leads/L1/reassign", json={"by": "olga", "to": to}).raise_for_status()
    assert "has changed since you were told" in anna.reply(f"OK {code}")
    assert stands(api)["stage"] == "assigned"
    anna.told_of("L1")
    assert "accepted" in anna.reply(f"OK {code}")


def test_a_reply_that_comes_twice_is_done_once(api: Any, anna: Phone) -> None:
    lead(api, "L1")
    lead(api, "L2", signals=[{"name": "demo_request"}])
    anna.told_of("L1")
    first = anna.reply("NO", sid="SM1")
    # Meanwhile another one is the only one that it could mean.
    anna.told_of("L2")
    assert anna.reply("NO", sid="SM1") == first
    assert stands(api, "L2")["owner"] == "anna"
    with ThreadPoolExecutor(4) as pool:
        said = set(pool.map(lambda _n: anna.reply("DONE", sid="SM2"), range(8)))
    assert said == {"Noted: you have responded to Jana Sommerfeld, Firm L2."}
    assert anna.served.sql("SELECT count(*) FROM touches") == [(1,)]


def test_status_lists_what_is_open(api: Any, anna: Phone) -> None:
    assert anna.reply("STATUS") == "You have no open lead of the last two weeks."
    code = lead(api, "L1")
    lead(api, "L2", owner="maria")
    anna.told_of("L1", "L2")
    said = anna.reply("STATUS")
    assert said.startswith(f"{code} Jana Sommerfeld, Firm L1: respond by ")
    assert "L2" not in said


def test_signs_of_xml_and_odd_ones_are_only_text(api: Any, anna: Phone) -> None:
    lead(api, "L1", company="<Say> & Co")
    anna.told_of("L1")
    assert "<Say> & Co" in anna.reply("OK")
    assert "not understood" in anna.reply("\0\x1b[31m \ud83d".encode("utf-8", "replace").decode())


# ---------------------------------------------------------------- other providers


@pytest.fixture
def provider() -> Iterator[Receiver]:
    """A provider of SMS that takes what it is sent."""
    with receiving() as found:
        found.answer = lambda _request: Answer(200, body=b"{}")
        yield found


@pytest.fixture
def served_by(serve: Any, tmp_path: Path, provider: Receiver) -> Any:
    """A server with that provider, which passes on replies in words of its own."""
    file = tmp_path / "outbound.yaml"
    body = "{to: '{to}', text: '{text}'}"
    file.write_text(f"""
        allow: [127.0.0.0/8]
        sms:
          http: {{url: '{provider.url}', body: {body}}}
          replies:
            acme: {{secret: {SECRET}, sender: message.msisdn, text: message.content, id: message.id}}
            loud: {{secret: {SECRET}, header: authorization, send: true}}
    """)
    return serve(public_url=PUBLIC, outbound_file=file)


def test_any_provider_passes_on_replies_with_its_secret(served_by: Any) -> None:
    api, client = served_by.client("admin"), served_by.client()
    lead(api, "L1")
    entry = {name: value for name, value in api.get("/v1/people/anna").json().items() if value}
    api.put("/v1/people/anna", json={**entry, "phone": "600 700 801", "country": "PL"}).raise_for_status()
    Phone(served_by, "anna").told_of("L1")
    sent = {"message": {"msisdn": "48600700801", "content": "OK", "id": 7}}
    for headers in ({}, {"x-sms-secret": "wrong"}, {"x-sms-secret": "ł".encode()}):
        assert client.post("/v1/sms/acme", json=sent, headers=headers).status_code == 401
    assert client.post("/v1/sms/nobody", json=sent).status_code == 404
    headers = {"x-sms-secret": SECRET}
    assert client.post("/v1/sms/acme", json={"message": {}}, headers=headers).status_code == 422
    assert client.post("/v1/sms/acme", json=[1], headers=headers).status_code == 422
    answer = client.post("/v1/sms/acme", json=sent, headers=headers)
    assert answer.json()["reply"].startswith("You have accepted Jana Sommerfeld")
    assert stands(api)["stage"] == "accepted"
    assert SECRET not in answer.text


def test_an_answer_can_go_out_as_an_sms(served_by: Any, provider: Receiver) -> None:
    client = served_by.client()
    form = {"from": "+48600700801", "text": "HELP", "id": "1"}
    answer = client.post("/v1/sms/loud", data=form, headers={"authorization": SECRET})
    (request,) = provider.requests
    assert request.told == {"to": "+48600700801", "text": answer.json()["reply"]}
