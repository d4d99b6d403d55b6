"""Webhooks: who may send, what is stored, what becomes of it, and what is tried again."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import orjson
import psycopg
import pytest

from leadlane.app import App, open_app
from leadlane.config import Settings
from leadlane.errors import LeadlaneError
from leadlane.intake.hooks import SCHEMES, load_hook
from leadlane.policy.problems import PolicyErrors
from leadlane.policy.roster import read_roster
from leadlane.service import hooks
from leadlane.service.batch import Receipt, route_batch
from leadlane.service.hooks import Outcome, RefusedError, Sent
from leadlane.service.publish import publish
from leadlane.service.roster import put_roster
from leadlane.store import hooks as store
from leadlane.store.hooks import Secret
from leadlane.store.watchdog import violations

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
REFERENCE = files("leadlane") / "reference"
SECRET = "a secret of the sender"
BODY = orjson.dumps({"id": "d1", "mail": "ada@northwind.example", "company": "Northwind"})
MAPPING = """\
hook: form
signature: {scheme: typeform}
delivery_id: id
fields: {email: mail}
signals: [demo_request]
"""


def mac(text: bytes, key: bytes = SECRET.encode()) -> bytes:
    return hmac.digest(key, text, "sha256")


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def typeform(body: bytes = BODY, key: bytes = SECRET.encode()) -> Sent:
    headers = {"typeform-signature": "sha256=" + b64(mac(body, key)), "content-type": "application/json"}
    return Sent("POST", "https://leads.example/v1/hooks/form", headers, {}, body)


# ---------------------------------------------------------------- signatures

# How each sender signs a body at a time, written out from their documentation, apart from the code.
URL = "https://leads.example/v1/hooks/form?a=b%20c&d=%3A%2f"
Sign = Callable[[bytes, datetime], dict[str, str]]


def ms(at: datetime) -> str:
    return str(int(at.timestamp() * 1000))


def seconds(at: datetime) -> str:
    return str(int(at.timestamp()))


SIGNERS: dict[str, Sign] = {
    "hubspot-v3": lambda body, at: {
        "x-hubspot-request-timestamp": ms(at),
        "x-hubspot-signature-v3": b64(
            mac(b"POSThttps://leads.example/v1/hooks/form?a=b%20c&d=:/" + body + ms(at).encode())
        ),
    },
    "typeform": lambda body, _at: {"typeform-signature": "sha256=" + b64(mac(body))},
    "webflow": lambda body, at: {
        "x-webflow-timestamp": ms(at),
        "x-webflow-signature": mac(ms(at).encode() + b":" + body).hex(),
    },
    "calendly": lambda body, at: {
        "calendly-webhook-signature": f"t={seconds(at)},v1={mac(seconds(at).encode() + b'.' + body).hex()}"
    },
    "meta": lambda body, _at: {"x-hub-signature-256": "sha256=" + mac(body).hex()},
    "linkedin": lambda body, _at: {"x-li-signature": mac(b"hmacsha256=" + body).hex()},
    "standard-webhooks": lambda body, at: {
        "webhook-id": "msg_1",
        "webhook-timestamp": seconds(at),
        "webhook-signature": "v1,AAAA v1," + b64(mac(b"msg_1." + seconds(at).encode() + b"." + body)),
    },
}
TIMED = sorted({"hubspot-v3", "webflow", "calendly", "standard-webhooks"})


def check(scheme: str, headers: dict[str, str], body: bytes = BODY, *secrets: bytes) -> None:
    hook = load_hook(f"hook: form\nsignature: {{scheme: {scheme}}}\nfields: {{email: mail}}\n")
    known = [Secret("signature", one) for one in secrets or (SECRET.encode(),)]
    hooks.verify(hook, known, Sent("POST", URL, headers, {}, body), NOW)


def test_every_scheme_is_tried() -> None:
    assert {*SIGNERS, "header", "address"} == set(SCHEMES)


@pytest.mark.parametrize("scheme", SIGNERS)
def test_what_is_signed_comes_in_and_nothing_else(scheme: str) -> None:
    good = SIGNERS[scheme](BODY, NOW)
    check(scheme, good)
    check(scheme, good, BODY, b"the new one", SECRET.encode())
    with pytest.raises(RefusedError):
        check(scheme, good, BODY + b" ")
    with pytest.raises(RefusedError):
        check(scheme, good, BODY, b"another secret")
    for name in good:
        for value in ("", "é", "sha256=", "v1,", "t=,v1=", good[name][:-1], "\x00"):
            with pytest.raises(RefusedError):
                check(scheme, {**good, name: value})


@pytest.mark.parametrize("scheme", TIMED)
def test_a_signed_time_that_is_far_away_is_not_believed(scheme: str) -> None:
    for minutes in (-4, 4):
        check(scheme, SIGNERS[scheme](BODY, NOW + timedelta(minutes=minutes)))
    for minutes in (-6, 6):
        with pytest.raises(RefusedError, match="too far away"):
            check(scheme, SIGNERS[scheme](BODY, NOW + timedelta(minutes=minutes)))


def test_the_signature_of_the_standard_library() -> None:
    from standardwebhooks.webhooks import Webhook

    secret = "whsec_" + b64(b"k" * 24)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": seconds(NOW),
        "webhook-signature": Webhook(secret).sign("msg_1", NOW, BODY.decode()),
    }
    check("standard-webhooks", headers, BODY, b"k" * 24)


def test_nobody_comes_in_while_there_is_no_secret() -> None:
    hook = load_hook(MAPPING)
    with pytest.raises(RefusedError):
        hooks.verify(hook, [], typeform(), NOW)
    with pytest.raises(RefusedError):
        hooks.verify(hook, [Secret("handshake", SECRET.encode())], typeform(), NOW)


# ---------------------------------------------------------------- from receipt to lead


@pytest.fixture
def app(database_url: str) -> Iterator[App]:
    with open_app(Settings(database_url=database_url)) as opened:
        with opened.pool.connection() as connection:
            document, _problems = read_roster(REFERENCE.joinpath("roster.yaml").read_bytes())
            assert document is not None
            put_roster(connection, document, "test", NOW)
            publish(connection, REFERENCE.joinpath("policy.yaml").read_text(), "p.yaml", "test", "", NOW)
            hooks.put(connection, MAPPING, NOW, secret=SECRET)
        yield opened


def deliver(app: App, sent: Sent, now: datetime = NOW) -> Outcome:
    """As the HTTP interface does it, in one thread."""
    with app.pool.connection() as connection:
        taken = hooks.take_in(connection, "form", sent, now, {})
        if taken.is_settled:
            return Outcome(taken.row.id, taken.row.state, tuple(taken.row.leads))
        ready = hooks.read_delivery(taken, app.books.current(connection).policy)
        answers: list[Receipt | Exception] = []
        if ready.submissions:
            answers += route_batch(connection, app.books, ready.submissions, now)
        return hooks.conclude(connection, taken, ready, answers, now)


def sql(app: App, statement: str) -> list[tuple[Any, ...]]:
    with app.pool.connection() as connection:
        cursor = connection.execute(statement)  # type: ignore[arg-type]
        return cursor.fetchall() if cursor.description else []


def put(app: App, text: str, now: datetime = NOW, **options: Any) -> hooks.Stored:
    with app.pool.connection() as connection:
        return hooks.put(connection, text, now, **options)


def test_a_delivery_becomes_a_lead(app: App) -> None:
    outcome = deliver(app, typeform())
    assert (outcome.state, len(outcome.leads), outcome.problems) == ("routed", 1, ())
    ((lead, fields, extra, arrived_at),) = sql(app, "SELECT id, fields, extra, arrived_at FROM leads")
    assert (lead,) == outcome.leads
    assert fields["email"] == "ada@northwind.example"
    assert extra == {"id": "d1", "company": "Northwind"}
    assert arrived_at == NOW
    # The prospect's data are with the lead now, and nowhere else.
    assert sql(app, "SELECT state, body, leads FROM hook_deliveries") == [("routed", None, [lead])]
    with app.pool.connection() as connection:
        assert violations(connection) == []


def test_a_delivery_that_comes_again_changes_nothing(app: App) -> None:
    first = deliver(app, typeform())
    again = deliver(app, typeform(), NOW + timedelta(days=40))
    assert (again.number, again.leads) == (first.number, first.leads)
    assert sql(app, "SELECT count(*) FROM decisions") == [(1,)]


def test_a_delivery_that_was_never_finished_is_finished_when_it_comes_again(app: App) -> None:
    with app.pool.connection() as connection:
        hooks.take_in(connection, "form", typeform(), NOW, {})
    assert sql(app, "SELECT state FROM hook_deliveries") == [("received",)]
    assert deliver(app, typeform(), NOW + timedelta(minutes=1)).state == "routed"
    # Killed after routing, before that was noted: the same lead is told again.
    sql(app, "UPDATE hook_deliveries SET state = 'received', due_at = now(), body = '" + BODY.decode() + "'")
    assert deliver(app, typeform(), NOW + timedelta(minutes=2)).state == "routed"
    assert sql(app, "SELECT count(*) FROM decisions") == [(1,)]


def test_an_id_that_came_with_other_content_is_kept_and_shown(app: App) -> None:
    deliver(app, typeform())
    other = deliver(app, typeform(orjson.dumps({"id": "d1", "mail": "bo@fabrikam.example"})))
    assert other.state == "failed"
    assert "came before, with other content" in other.problems[0].reason
    assert sql(app, "SELECT count(*) FROM leads") == [(1,)]


def test_without_an_id_the_same_body_is_the_same_only_for_a_while(app: App) -> None:
    text = "hook: form\nsignature: {scheme: header}\nfields: {email: mail}\n"
    put(app, text, secret=SECRET)

    def posted() -> Sent:
        return Sent("POST", "", {"x-hook-secret": SECRET, "content-type": "application/json"}, {}, BODY)

    first = deliver(app, posted())
    assert deliver(app, posted(), NOW + timedelta(minutes=14)).number == first.number
    later = deliver(app, posted(), NOW + timedelta(minutes=16))
    assert later.number != first.number
    # The same person asks once more: news of their lead.
    assert (later.state, later.leads) == ("routed", first.leads)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff\x00",
        b"",
        b"[]",
        b'{"id": 1, "mail": "nobody"}',
    ],
)
def test_what_cannot_be_read_is_kept_whole_and_shown(app: App, body: bytes) -> None:
    outcome = deliver(app, typeform(body))
    assert outcome.state == "failed"
    assert outcome.problems
    with app.pool.connection() as connection:
        (row,) = store.deliveries(connection, ("failed",))
    assert row.body == body
    assert [one["reason"] for one in row.problems] == [one.reason for one in outcome.problems]


def test_a_mended_mapping_routes_what_failed(app: App) -> None:
    body = orjson.dumps({"id": "d2", "contact": {"mail": "ada@northwind.example"}})
    outcome = deliver(app, typeform(body))
    assert "none of the paths" in outcome.problems[0].reason
    put(app, MAPPING.replace("mail}", "contact.mail}"), NOW + timedelta(hours=3))
    with app.router() as router:
        mended = hooks.retry(app.pool, app.books, router, outcome.number, NOW + timedelta(hours=3))
        again = hooks.retry(app.pool, app.books, router, outcome.number, NOW + timedelta(hours=4))
        with pytest.raises(LeadlaneError, match="no delivery 99"):
            hooks.retry(app.pool, app.books, router, 99, NOW)
    assert (mended.state, again.leads) == ("routed", mended.leads)
    # The prospect has waited since then.
    assert sql(app, "SELECT arrived_at FROM leads") == [(NOW,)]


def test_of_several_leads_the_good_ones_do_not_wait_for_the_bad(app: App) -> None:
    put(app, "hook: form\nsignature: {scheme: typeform}\nleads: items\nfields: {email: mail}\n")
    items = [{"mail": "ada@northwind.example"}, {"mail": "nobody"}, {"email": "bo@fabrikam.example"}]
    outcome = deliver(app, typeform(orjson.dumps({"items": items})))
    assert (outcome.state, len(outcome.leads)) == ("failed", 1)
    assert [problem.field for problem in outcome.problems] == ["leads[1].email", "leads[2]"]
    put(
        app,
        "hook: form\nsignature: {scheme: typeform}\nleads: items\n"
        "fields: {email: [email, {path: mail, values: {nobody: c@d.example}}]}\n",
    )
    with app.router() as router:
        mended = hooks.retry(app.pool, app.books, router, outcome.number, NOW)
    assert (mended.state, len(mended.leads)) == ("routed", 3)
    assert mended.leads[0] == outcome.leads[0]
    assert sql(app, "SELECT count(*) FROM leads") == [(3,)]


def test_what_is_no_lead_and_what_programs_fill_in_is_set_aside(app: App) -> None:
    put(app, MAPPING + "when: kind == 'lead'\nform: {honeypot: fax}\n")
    other = deliver(app, typeform(b'{"id": 1, "kind": "other", "mail": "a@b.example"}'))
    program = deliver(app, typeform(b'{"id": 2, "kind": "lead", "fax": "1", "mail": "c@b.example"}'))
    assert (other.state, program.state) == ("ignored", "program")
    with app.router() as router:
        # Somebody has looked, and it was a person.
        assert hooks.retry(app.pool, app.books, router, program.number, NOW).state == "routed"
        assert hooks.retry(app.pool, app.books, router, other.number, NOW).state == "ignored"


# ---------------------------------------------------------------- secrets


def test_what_is_refused_is_not_stored_but_why_is(app: App) -> None:
    with pytest.raises(RefusedError):
        deliver(app, typeform(key=b"not the secret"))
    assert sql(app, "SELECT count(*) FROM hook_deliveries") == [(0,)]
    assert sql(app, "SELECT refused_at, refusal FROM hooks") == [
        (NOW, "The signature or the secret is not right.")
    ]


def test_a_replaced_secret_holds_for_a_day(app: App) -> None:
    put(app, MAPPING, secret="the new secret")
    for key in (SECRET.encode(), b"the new secret"):
        deliver(app, typeform(key=key), NOW + timedelta(hours=23))
    with pytest.raises(RefusedError):
        deliver(app, typeform(), NOW + timedelta(hours=25))
    deliver(app, typeform(key=b"the new secret"), NOW + timedelta(hours=25))
    # Another way of signing begins anew at once.
    with pytest.raises(LeadlaneError, match="needs the secret"):
        put(app, MAPPING.replace("typeform", "calendly"))
    assert "typeform" in sql(app, "SELECT source FROM hooks")[0][0]
    put(app, MAPPING.replace("typeform", "calendly"), secret="of calendly")
    assert sql(app, "SELECT count(*) FROM hook_secrets WHERE valid_until IS NULL") == [(1,)]


def test_a_secret_that_is_sent_itself_is_kept_as_a_hash(app: App) -> None:
    stored = put(app, "hook: site\nsignature: {scheme: address}\nfields: {email: mail}\n")
    ((_name, secret),) = stored.told
    assert stored.path == f"/v1/hooks/site?key={secret}"
    assert sql(app, "SELECT secret FROM hook_secrets WHERE hook = 'site'") == [
        (hashlib.sha256(secret.encode()).digest(),)
    ]
    assert secret not in repr(stored)
    # Stored again without a word about the secret, it stays.
    assert put(app, "hook: site\nsignature: {scheme: address}\nfields: {email: mail}\n").told == ()
    sent = Sent("POST", "", {"content-type": "application/json"}, {"key": secret}, BODY)
    with app.pool.connection() as connection:
        assert hooks.take_in(connection, "site", sent, NOW, {}).row.state == "received"
        with pytest.raises(RefusedError):
            hooks.take_in(connection, "site", Sent("POST", "", {}, {"key": secret + "x"}, BODY), NOW, {})


def test_nothing_that_holds_a_secret_shows_it(app: App) -> None:
    with app.pool.connection() as connection:
        (one,) = store.secrets_of(connection, "form", NOW)
    assert SECRET not in repr(one)
    assert SECRET not in repr(Sent("POST", "https://x/?key=" + SECRET, {"x": SECRET}, {"key": SECRET}))


@pytest.mark.parametrize("bad", ["", "short", "with\nlines", " " * 20])
def test_what_cannot_be_a_secret(app: App, bad: str) -> None:
    with pytest.raises(LeadlaneError):
        put(app, MAPPING, secret=bad)
    with pytest.raises(LeadlaneError, match="Standard Webhooks"):
        put(app, MAPPING.replace("typeform", "standard-webhooks"), secret="whsec_no base64 at all")


def test_a_mapping_with_mistakes_is_not_stored(app: App) -> None:
    with pytest.raises(PolicyErrors):
        put(app, MAPPING.replace("mail}", "mail..x}"))
    assert sql(app, "SELECT source FROM hooks") == [(MAPPING,)]


def test_handshakes(app: App, db: psycopg.Connection) -> None:
    stored = put(app, MAPPING.replace("typeform", "meta").replace("form", "meta"), secret=SECRET)
    ((_name, token),) = stored.told
    asked = {"hub.mode": "subscribe", "hub.verify_token": token, "hub.challenge": "1158201444"}
    assert hooks.handshake(db, "meta", asked, NOW) == ("1158201444", "text/plain")
    for wrong in ({"hub.verify_token": "x"}, {"hub.challenge": "<script>"}, {"hub.challenge": ""}):
        with pytest.raises(RefusedError):
            hooks.handshake(db, "meta", {**asked, **wrong}, NOW)
    with pytest.raises(hooks.NoHandshakeError):
        hooks.handshake(db, "form", asked, NOW)
    with pytest.raises(hooks.UnknownHookError):
        hooks.handshake(db, "nowhere", asked, NOW)
    put(app, MAPPING.replace("typeform", "linkedin").replace("hook: form", "hook: li"), secret=SECRET)
    body, media_type = hooks.handshake(db, "li", {"challengeCode": "890e4665"}, NOW)
    assert orjson.loads(body) == {"challengeCode": "890e4665", "challengeResponse": mac(b"890e4665").hex()}
    assert media_type == "application/json"
