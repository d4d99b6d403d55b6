"""Webhooks over HTTP: senders without a key of ours, browsers, replays, and what is answered to whom."""

from __future__ import annotations

import base64
import hmac
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import orjson
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from tests.api.conftest import put_reference

from leadlane.service import hooks
from leadlane.store import db

SECRET = "a secret of the sender"
JSON_HOOK = """\
hook: demo
signature: {scheme: typeform}
delivery_id: id
fields: {email: mail, company: company}
signals: [demo_request]
"""
FORM_HOOK = """\
hook: site
signature: {scheme: address}
form: {redirect: "https://www.example.com/thanks", honeypot: fax}
fields: {email: email, first_name: name, message: message}
signals: [contact_sales_form]
"""
BROWSER = {"accept": "text/html,application/xhtml+xml", "content-type": "application/x-www-form-urlencoded"}


def put(served: Any, text: str, **options: Any) -> hooks.Stored:
    with served.app.pool.connection() as connection:
        return hooks.put(connection, text, served.app.now(), **options)


def signed(body: bytes, key: str = SECRET) -> dict[str, str]:
    digest = base64.b64encode(hmac.digest(key.encode(), body, "sha256")).decode()
    return {"content-type": "application/json", "typeform-signature": f"sha256={digest}"}


def send(served: Any, sent: Any, **options: Any) -> httpx2.Response:
    body = sent if isinstance(sent, bytes) else orjson.dumps(sent)
    headers = signed(body, **options)
    return httpx2.post(served.url + "/v1/hooks/demo", content=body, headers=headers, timeout=30)


ADA = {"id": "d1", "mail": "ada@northwind.example", "company": "Northwind", "utm": "spring"}


def test_a_sender_without_a_key_of_ours_delivers_a_lead(served: Any) -> None:
    put(served, JSON_HOOK, secret=SECRET)
    response = send(served, ADA)
    assert response.status_code == 200
    view = response.json()
    assert (view["delivery"], view["state"]) == (1, "routed")
    (lead_id,) = view["leads"]
    lead = served.client("read").get("/v1/leads/" + lead_id).json()
    assert lead["fields"]["email"] == "ada@northwind.example"
    assert served.sql("SELECT extra FROM leads") == [({"id": "d1", "utm": "spring"},)]
    # Sent again: the same answer, and nothing more.
    assert send(served, ADA).json() == view
    assert served.sql("SELECT count(*) FROM decisions") == [(1,)]


def test_many_senders_of_the_same_at_once_make_one_lead(served: Any) -> None:
    put(served, JSON_HOOK, secret=SECRET)
    answers: list[httpx2.Response] = []
    threads = [threading.Thread(target=lambda: answers.append(send(served, ADA))) for _n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert served.sql("SELECT count(*) FROM hook_deliveries") == [(1,)]
    assert served.sql("SELECT count(*) FROM decisions") == [(1,)]


def test_who_does_not_sign_is_kept_out(served: Any) -> None:
    put(served, JSON_HOOK, secret=SECRET)
    refused = [
        send(served, ADA, key="another secret"),
        httpx2.post(served.url + "/v1/hooks/demo", json=ADA),
        httpx2.post(served.url + "/v1/hooks/demo?key=" + SECRET, json=ADA),
        served.client("admin").post("/v1/hooks/demo", json=ADA),
    ]
    for response in refused:
        assert response.status_code == 401
        assert response.json()["type"] == "urn:leadlane:problem:unauthorized"
        assert SECRET not in response.text
    assert httpx2.post(served.url + "/v1/hooks/nowhere", json=ADA).status_code == 404
    assert served.sql("SELECT count(*) FROM hook_deliveries") == [(0,)]
    # That hooks need no key opens nothing else.
    for path in (
        "/v1/leads",
        "/v1/hooks",
        "/v1/hooks/../leads",
        "/v1/hooks/%2e%2e/leads",
        "/v1//hooks/demo",
        "/hooks/demo",
    ):
        assert httpx2.get(served.url + path).status_code in (401, 404), path
        assert httpx2.post(served.url + path, json={}).status_code in (401, 404), path


def test_what_cannot_be_mapped_is_taken_and_kept(served: Any) -> None:
    put(served, JSON_HOOK, secret=SECRET)
    for number, body in enumerate((b"{", b'{"other": 1}', b'{"id": 1, "mail": "nobody"}'), 1):
        response = send(served, body)
        assert response.status_code == 202
        assert response.json() == {"delivery": number, "state": "failed", "leads": []}
    assert served.sql("SELECT body FROM hook_deliveries ORDER BY id")[0] == (b"{",)


def test_what_is_too_large_is_refused(served: Any) -> None:
    put(served, JSON_HOOK, secret=SECRET)
    # As large as any request may be, and no larger.
    assert send(served, b"x" * 2_000_000).status_code == 202
    assert send(served, b"x" * (10 * 1024 * 1024 + 1)).status_code == 413


def test_while_nothing_is_published_a_delivery_waits(serve: Any) -> None:
    served = serve(reference=False)
    put(served, JSON_HOOK, secret=SECRET)
    response = send(served, ADA)
    assert response.status_code == 202
    assert response.json()["state"] == "received"
    ((state, body, problems),) = served.sql("SELECT state, body, problems FROM hook_deliveries")
    assert (state, orjson.loads(body)) == ("received", ADA)
    assert "No policy is in force yet." in problems[0]["reason"]


def test_what_waited_is_routed_when_it_is_sent_again(serve: Any) -> None:
    served = serve(reference=False)
    put(served, JSON_HOOK, secret=SECRET)
    waiting = send(served, ADA).json()
    with served.app.pool.connection() as connection:
        put_reference(connection, served.app)
    again = send(served, ADA).json()
    assert (again["delivery"], again["state"]) == (waiting["delivery"], "routed")
    assert served.sql("SELECT count(*) FROM hook_deliveries") == [(1,)]


def test_more_than_the_mapping_allows_is_asked_to_come_later(served: Any) -> None:
    put(served, JSON_HOOK + "per_minute: 12\n", secret=SECRET)
    stranger = [send(served, ADA, key="another secret").status_code for _n in range(5)]
    served.sql("UPDATE hooks SET refused_at = NULL")  # of many refusals in a second one is noted
    answers = [send(served, {"id": n, "mail": f"ada@{n}.example"}) for n in range(4)]
    assert stranger == [401] * 5  # and they have used nothing up
    # Twelve a minute are two in ten seconds.
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 10
    assert answers[-1].json()["type"] == "urn:leadlane:problem:too_many_requests"
    assert served.sql("SELECT count(*) FROM hook_deliveries") == [(2,)]
    assert served.sql("SELECT refusal FROM hooks") == [("This webhook takes 12 deliveries a minute.",)]


def test_while_the_database_is_away_senders_are_asked_to_come_again(
    serve: Any, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "POOL_TIMEOUT_SECONDS", 0.5)
    served = serve()
    put(served, JSON_HOOK, secret=SECRET)
    with connections_refused(database_url):
        away = send(served, ADA)
        assert away.status_code == 503
        assert int(away.headers["retry-after"]) > 0
        assert away.json()["type"] == "urn:leadlane:problem:not_ready"
    deadline = time.monotonic() + 20
    while (back := send(served, ADA)).status_code == 503:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert back.json()["state"] == "routed"


@contextmanager
def connections_refused(url: str) -> Iterator[None]:
    """Within the block PostgreSQL lets nobody into this database."""
    name = sql.Identifier(conninfo_to_dict(url)["dbname"])
    with psycopg.connect(make_conninfo(url, dbname="postgres"), autocommit=True) as admin:
        allow = sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}")
        admin.execute(allow.format(name, sql.Literal(False)))
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name._obj[0]]
        )
        try:
            yield
        finally:
            admin.execute(allow.format(name, sql.Literal(True)))


# ---------------------------------------------------------------- browsers


def test_a_browser_is_sent_to_the_page_that_the_mapping_names(served: Any) -> None:
    stored = put(served, FORM_HOOK)
    form = {"email": "ada@northwind.example", "name": "Zoë", "message": "line\nline", "colour": "red"}
    response = httpx2.post(served.url + stored.path, data=form, headers=BROWSER, follow_redirects=False)
    assert (response.status_code, response.headers["location"]) == (303, "https://www.example.com/thanks")
    ((fields, extra),) = served.sql("SELECT fields, extra FROM leads")
    assert (fields["first_name"], extra) == ("Zoë", {"colour": "red"})
    # Nothing that is sent decides where the browser goes.
    form = {**form, "redirect": "https://evil.example", "message": "another"}
    response = httpx2.post(
        served.url + stored.path + "&redirect=https://evil.example", data=form, headers=BROWSER
    )
    assert response.headers["location"] == "https://www.example.com/thanks"


def test_a_form_may_bring_files(served: Any) -> None:
    stored = put(served, FORM_HOOK)
    response = httpx2.post(
        served.url + stored.path,
        data={"email": "ada@northwind.example"},
        files={"plan": ("plan.pdf", b"%PDF\x00\xff", "application/pdf")},
    )
    assert response.json()["state"] == "routed"
    assert served.sql("SELECT extra FROM leads") == [({"plan": "plan.pdf"},)]


@pytest.mark.parametrize("message", ["", "x" * 20_000])
def test_a_browser_never_sees_what_went_wrong_and_nothing_is_lost(served: Any, message: str) -> None:
    stored = put(served, FORM_HOOK)
    form = {"email": "not an address", "message": message}
    response = httpx2.post(served.url + stored.path, data=form, headers=BROWSER, follow_redirects=False)
    assert response.status_code == 303
    assert served.sql("SELECT state, body IS NULL FROM hook_deliveries") == [("failed", False)]


def test_a_program_that_fills_in_everything_learns_nothing(served: Any) -> None:
    stored = put(served, FORM_HOOK)
    form = {"email": "ada@northwind.example", "fax": "12345"}
    person = httpx2.post(served.url + stored.path, data={"email": "bo@fabrikam.example"})
    program = httpx2.post(served.url + stored.path, data=form)
    assert (program.status_code, program.json()["state"]) == (person.status_code, person.json()["state"])
    assert served.sql("SELECT count(*) FROM leads") == [(1,)]
    assert served.sql("SELECT state FROM hook_deliveries ORDER BY id") == [("routed",), ("program",)]


# ---------------------------------------------------------------- addresses and questions


def test_hubspot_signs_the_address_by_which_it_knows_us(serve: Any) -> None:
    served = serve(public_url="https://leads.example.com")
    text = "hook: hs\nsignature: {scheme: hubspot-v3}\nfields: {email: email}\n"
    put(served, text, secret=SECRET)
    body = b'{"email": "ada@northwind.example"}'
    stamp = str(int(served.app.now().timestamp() * 1000))
    signed_text = b"POSThttps://leads.example.com/v1/hooks/hs?portal=1@2" + body + stamp.encode()
    mac = hmac.digest(SECRET.encode(), signed_text, "sha256")
    headers = {
        "content-type": "application/json",
        "x-hubspot-request-timestamp": stamp,
        "x-hubspot-signature-v3": base64.b64encode(mac).decode(),
    }
    response = httpx2.post(served.url + "/v1/hooks/hs?portal=1%402", content=body, headers=headers)
    assert (response.status_code, response.json()["state"]) == (200, "routed")


def test_handshakes(served: Any) -> None:
    stored = put(served, JSON_HOOK.replace("typeform", "meta"), secret=SECRET)
    ((_name, token),) = stored.told
    asked = {"hub.mode": "subscribe", "hub.verify_token": token, "hub.challenge": "115"}
    answer = httpx2.get(served.url + "/v1/hooks/demo", params=asked)
    assert (answer.status_code, answer.text) == (200, "115")
    assert answer.headers["content-type"].startswith("text/plain")
    wrong = httpx2.get(served.url + "/v1/hooks/demo", params={**asked, "hub.verify_token": "x"})
    assert wrong.status_code == 403
    put(served, FORM_HOOK)
    assert httpx2.get(served.url + "/v1/hooks/site").status_code == 405


def test_requests_are_counted_by_their_pattern(served: Any) -> None:
    httpx2.post(served.url + "/v1/hooks/made-up-by-a-stranger", json={})
    metrics = served.client("read").get("/metrics").text
    assert 'route="/v1/hooks/{source}"' in metrics
    assert "made-up-by-a-stranger" not in metrics
