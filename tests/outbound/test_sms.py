"""SMS: what they say in how many parts, and how each answer of a provider is judged."""

from __future__ import annotations

import json
import socket
from base64 import b64encode
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from pydantic import ValidationError
from tests.outbound.conftest import NOW, item, message
from tests.outbound.receiver import Answer, Receiver, receiving

from leadlane.config import Settings
from leadlane.core.facts import Person
from leadlane.i18n import language
from leadlane.outbound import posting, sms
from leadlane.outbound.gsm import segments
from leadlane.outbound.message import Failure, Sent
from leadlane.outbound.sms import HttpPart, Section, Sms, address, e164, text_of
from leadlane.outbound.sms_words import code_of

LOCAL = ("127.0.0.0/8",)
TWILIO = {
    "twilio_account_sid": "AC0123",
    "twilio_auth_token": "t0ken-of-the-account",
    "twilio_from": "+15005550006",
    "public_url": "https://l.example",
}
NUMBER = "+48600700800"
CODE = code_of("L1")


@pytest.fixture
def provider() -> Iterator[Receiver]:
    with receiving() as found:
        found.answer = lambda _request: Answer(201, body=b'{"sid":"SM17","status":"queued"}')
        yield found


def twilio(provider: Receiver, **changes: Any) -> Sms:
    settings = Settings(**{**TWILIO, **changes})
    made = sms.set_up(settings, Section(twilio_api_url=f"http://127.0.0.1:{provider.port}"), LOCAL)
    assert made is not None
    return made


def by_http(provider: Receiver, **changes: Any) -> Sms:
    part = {"url": provider.url, "body": {"to": "{to}", "message": "Leadlane: {text}", "refs": ["{id}"]}}
    made = sms.set_up(Settings(), Section(http=HttpPart(**{**part, **changes})), LOCAL)
    assert made is not None
    return made


def texts(*items: Any, most: int = 3, can_reply: bool = True, **changes: Any) -> str:
    told = message(*items, **changes)
    with language(told.language):
        return text_of(told, NOW, most, can_reply=can_reply)


# ---------------------------------------------------------------- the text


def test_an_sms_says_who_until_when_and_how_to_answer() -> None:
    text = texts()
    assert text == (
        "New lead: Jana Sommerfeld, Nordlicht Versand GmbH - respond by Mon 2 Mar 10:15\n"
        f"Reply OK {CODE} to accept, NO {CODE} to decline, DONE {CODE} once you have responded.\n"
        "Answer here: https://l.example/a/accept1"
    )
    assert segments(text) == 2


def test_a_link_that_does_not_fit_is_left_out_before_anything_else() -> None:
    text = texts(item(answers={"accept": "https://l.example/" + "a" * 200}), most=2)
    assert "respond by Mon 2 Mar 10:15" in text
    assert f"OK {CODE}" in text
    assert "https://" not in text


def test_where_replies_do_not_reach_us_none_is_asked_for() -> None:
    text = texts(can_reply=False)
    assert "Reply" not in text
    assert CODE not in text
    assert "Answer here: https://l.example/a/accept1" in text


def test_what_needs_no_answer_says_what_happened() -> None:
    text = texts(item("reassigned_away", answers={}, owner="Maria Hofer"))
    assert text.splitlines() == [
        "No longer yours: Jana Sommerfeld, Nordlicht Versand GmbH",
        "Maria Hofer has this lead now. There is nothing left for you to do.",
    ]


def test_what_is_about_no_lead_is_said_once() -> None:
    told = item(
        "alarm", lead_id=None, prospect="", company="", reason="Nothing can be sent. " * 9, answers={}
    )
    assert texts(told).splitlines() == ["Needs your attention", ("Nothing can be sent. " * 9).strip()]


def test_several_leads_are_listed_with_their_codes_the_newest_last() -> None:
    many = [item(lead_id=f"L{n}", prospect=f"Person {n}", company="Nordlicht") for n in range(20)]
    text = texts(*many, left_out=2)
    lines = text.splitlines()
    assert lines[0] == "22 new leads"
    assert f"{code_of('L19')} Person 19, Nordlicht" in lines
    assert "more, not told in detail." in text
    assert lines[-1].startswith(f"Reply OK {code_of('L19')} to accept")
    assert segments(text) <= 3


@pytest.mark.parametrize("most", [1, 2, 3])
@pytest.mark.parametrize("sign", ["a", "€", "ł", "中", "😀", "א"])
def test_every_message_fits(sign: str, most: int) -> None:
    long = item(prospect=sign * 150, company=sign * 150, reason=sign * 500)
    alarm = item("alarm", lead_id=None, prospect="", company="", reason=sign * 500, answers={})
    for told in ([long], [alarm], [long, alarm] * 10):
        assert segments(texts(*told, most=most)) <= most


def test_words_are_those_of_the_reader() -> None:
    text = texts(language="pl")
    assert f"OK {CODE}" in text
    assert f"NIE {CODE}" in text
    assert segments(text) <= 3


# ---------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("written", "country", "number"),
    [
        ("+48 600 700 800", "", NUMBER),
        ("600 700 800", "PL", NUMBER),
        (48600700800, "", NUMBER),
        ("0048 600700800", "PL", NUMBER),
        ("600 700 800", "", ""),
        ("+48 12", "", ""),
        ("anna", "PL", ""),
        ("", "PL", ""),
    ],
)
def test_numbers_are_read_as_people_write_them(written: Any, country: str, number: str) -> None:
    person = Person("a", "Anna", {}, "Europe/Warsaw", country=country, attributes={"phone": written})  # type: ignore[arg-type]
    assert address(person) == number
    assert e164(number) == number


# ---------------------------------------------------------------- Twilio


def test_twilio_is_asked_as_it_wants_to_be(provider: Receiver) -> None:
    assert sms.send(twilio(provider), message(address=NUMBER), NOW) == Sent("SM17")
    (request,) = provider.requests
    assert request.path == "/2010-04-01/Accounts/AC0123/Messages.json"
    credentials = b64encode(b"AC0123:t0ken-of-the-account").decode()
    assert request.headers["authorization"] == f"Basic {credentials}"
    form = parse_qs(request.body.decode())
    assert (form["To"], form["From"]) == ([NUMBER], ["+15005550006"])
    assert form["Body"][0].startswith("New lead: Jana Sommerfeld")


def test_a_messaging_service_sends_instead_of_a_number(provider: Receiver) -> None:
    sms.send(twilio(provider, twilio_from="MG99"), message(address=NUMBER), NOW)
    form = parse_qs(provider.requests[0].body.decode())
    assert form["MessagingServiceSid"] == ["MG99"]
    assert "From" not in form


@pytest.mark.parametrize(
    ("status", "code", "kind", "is_down"),
    [
        (400, 21211, "permanent", False),  # no such number
        (400, 21610, "permanent", False),  # they replied STOP
        (400, 21614, "permanent", False),  # not a mobile
        (400, 21606, "temporary", True),  # our number cannot send SMS
        (401, 20003, "temporary", True),
        (404, 20404, "temporary", True),
        (429, 20429, "rate_limited", False),
        (400, 21611, "rate_limited", False),  # too many wait for our number
        (500, 20500, "temporary", True),
        (503, None, "temporary", True),
        (504, None, "uncertain", False),
        (0, None, "uncertain", False),
    ],
)
def test_each_answer_of_twilio_is_judged(
    provider: Receiver, status: int, code: int | None, kind: str, is_down: bool
) -> None:
    told = json.dumps({"code": code, "message": "Why it was not taken", "status": status}).encode()
    provider.answer = lambda _request: Answer(status, body=told if code else b"<html>")
    failure = sms.send(twilio(provider), message(address=NUMBER), NOW)
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.is_channel_down) == (kind, is_down)
    assert "t0ken" not in failure.detail
    assert len(provider.requests) == 1


def test_a_provider_that_hangs_may_have_sent_it(provider: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "TIMEOUT_SECONDS", 0.3)
    posting._client.cache_clear()
    provider.answer = lambda _request: Answer(201, after=1)
    failure = sms.send(twilio(provider), message(address=NUMBER), NOW)
    posting._client.cache_clear()
    assert isinstance(failure, Failure)
    assert failure.kind == "uncertain"


def test_a_provider_that_is_not_there_is_a_channel_that_is_down() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        section = Section(twilio_api_url=f"http://127.0.0.1:{taken.getsockname()[1]}")
        made = sms.set_up(Settings(**TWILIO), section, LOCAL)
        assert made is not None
        failure = sms.send(made, message(address=NUMBER), NOW)
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.is_channel_down) == ("temporary", True)


# ---------------------------------------------------------------- any provider


def test_a_provider_of_ones_own_gets_the_body_that_was_written(provider: Receiver) -> None:
    provider.answer = lambda _request: Answer(200, body=b'{"list": [{"id": 41, "status": "QUEUED"}]}')
    made = by_http(
        provider,
        headers={"Authorization": "Bearer t0ken"},
        accepted="list[0].status == 'QUEUED'",
        id="list[0].id",
    )
    outcome = sms.send_text(made, NUMBER, "Ask {to} or {id}", "d-17", NOW)
    assert outcome == Sent("41")
    (request,) = provider.requests
    assert request.headers["authorization"] == "Bearer t0ken"
    assert json.loads(request.body) == {
        "to": NUMBER,
        "message": "Leadlane: Ask {to} or {id}",
        "refs": ["d-17"],
    }


def test_the_body_as_a_form_and_in_the_address(provider: Receiver) -> None:
    body = {"to": "{to}", "message": "{text}", "format": "json"}
    sms.send_text(by_http(provider, format="form", body=body), NUMBER, "a & b", "1", NOW)
    sms.send_text(by_http(provider, format="query", method="POST", body=body), NUMBER, "a & b", "1", NOW)
    form, query = provider.requests
    assert parse_qs(form.body.decode()) == parse_qs(query.path.partition("?")[2]) == {
        "to": [NUMBER], "message": ["a & b"], "format": ["json"],
    }  # fmt: skip


def test_a_provider_that_says_no_in_a_good_answer(provider: Receiver) -> None:
    provider.answer = lambda _request: Answer(200, body=b'{"error": 13, "message": "No such number"}')
    failure = sms.send_text(by_http(provider, accepted="list[0].id"), NUMBER, "hi", "1", NOW)
    assert isinstance(failure, Failure)
    assert (failure.kind, "No such number" in failure.detail) == ("permanent", True)


def test_what_cannot_be_set_up_is_told_without_secrets(provider: Receiver) -> None:
    for wrong in ({"headers": {"a": 1234567}}, {"headers": {"a": "zł0ty"}}, {"accepted": "list[["}):
        with pytest.raises(ValidationError) as told:
            HttpPart(**{"url": provider.url, "body": {}, **wrong})  # type: ignore[arg-type]
        assert "1234567" not in str(told.value)
        assert "zł0ty" not in str(told.value)
    assert sms.set_up(Settings(), Section(), ()) is None
    assert sms.problems(Settings(), Section()) == []
    assert sms.problems(Settings(**TWILIO), Section()) == []
    (half,) = sms.problems(Settings(twilio_account_sid="AC1"), Section())
    assert "twilio_auth_token, twilio_from" in half
    assert "t0ken" not in repr(twilio(provider))
