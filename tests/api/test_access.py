"""Who may do what: keys, scopes, rates; and in which language refusals are told."""

from __future__ import annotations

import threading
import time
from typing import Any

import httpx2
import psycopg
import pytest

from leadlane.service import api_keys
from leadlane.service.reporting.reports import KINDS

# Each address with the scope that it takes.
ENTRIES = {"people": "person_id", "teams": "team_id", "accounts": "account_id", "contacts": "contact_id"}
ADDRESSES = [
    ("POST", "/v1/leads", "intake"),
    ("POST", "/v1/leads:batch", "intake"),
    ("POST", "/v1/signals", "intake"),
    ("GET", "/v1/leads", "read"),
    ("GET", "/v1/leads/7", "read"),
    ("GET", "/v1/leads/7/decision", "read"),
    ("GET", "/v1/leads/7/timeline", "read"),
    ("GET", "/v1/leads/7/candidates", "read"),
    *[("GET", f"/v1/{name}{end}", "read") for name in ENTRIES for end in ("", "/x")],
    *[("PUT", f"/v1/{name}{end}", "write") for name in ENTRIES for end in ("", "/x")],
    ("GET", "/v1/reports/duplicates", "read"),
    *[("GET", f"/v1/reports/{kind}", "read") for kind in KINDS],
    ("GET", "/v1/ownership", "read"),
    ("GET", "/v1/territories", "read"),
    ("GET", "/v1/policy", "read"),
    ("POST", "/v1/policy:check", "read"),
    ("POST", "/v1/policy", "admin"),
    *[
        ("POST", f"/v1/leads/7/{verb}", "write")
        for verb in (
            *("accept", "decline", "touch", "reassign", "review", "close", "next-step"),
            *("identify", "merge", "split", "dispute"),
        )
    ],
    ("POST", "/v1/people/x/away", "write"),
    ("POST", "/v1/outcomes", "write"),
    ("GET", "/v1/reviews", "read"),
    ("GET", "/v1/reviews/{period}", "read"),
    ("POST", "/v1/reviews/{period}/verdicts", "admin"),
]


def test_every_address_takes_its_scope_and_no_other(served: Any) -> None:
    clients = {scope: served.client(scope) for scope in api_keys.SCOPES}
    for method, path, needed in ADDRESSES:
        for scope, client in clients.items():
            response = client.request(method, path, headers={"content-type": "application/json"})
            may = scope in (needed, "admin")
            assert (response.status_code != 403) == may, (method, path, scope)
            if not may:
                assert f'scope="{needed}"' in response.headers["www-authenticate"]
                assert needed in response.json()["detail"]


def test_the_list_of_addresses_is_complete(served: Any) -> None:
    document = httpx2.get(served.url + "/openapi.json").json()
    documented = {
        (method.upper(), path)
        for path, item in document["paths"].items()
        for method in item
        if path.startswith("/v1")
    }
    tested = {(method, path.replace("/7", "/{lead_id}")) for method, path, _scope in ADDRESSES}
    tested.add(("POST", "/v1/hooks/{source}"))  # signed, without a key of ours: test_hooks.py
    names = ENTRIES
    tested = {
        (method, path.replace("/x", "/{" + names[path.split("/")[2]] + "}") if "/x" in path else path)
        for method, path in tested
    }
    assert documented == tested


@pytest.mark.parametrize(
    "header",
    [
        None,
        "Bearer",
        "Bearer ll_wrong",
        "Basic bGVhZDpsYW5l",
        "ll_wrong",
        "Bearer \xff",
        "Bearer ll_" + "x" * 9000,
    ],
)
def test_without_a_valid_key(served: Any, header: str | None) -> None:
    headers = {b"authorization": header.encode("latin-1")} if header is not None else {}
    response = httpx2.get(served.url + "/v1/leads", headers=headers)
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith('Bearer realm="leadlane"')
    assert response.json()["type"] == "urn:leadlane:problem:unauthorized"


def test_a_new_key_works_at_once_and_a_revoked_one_no_longer_within_seconds(served: Any) -> None:
    client = served.client("read")
    assert client.get("/v1/leads").status_code == 200
    with served.app.pool.connection() as connection:
        key = connection.execute("SELECT id FROM api_keys").fetchone()
        assert key is not None
        api_keys.revoke(connection, key[0], served.app.now())
    for _try in range(50):
        if client.get("/v1/leads").status_code == 401:
            break
        time.sleep(0.1)
    assert client.get("/v1/leads").status_code == 401


def test_the_secret_is_kept_nowhere(served: Any) -> None:
    secret = served.secret("read")
    stored = served.sql("SELECT row_to_json(api_keys)::text FROM api_keys")[0][0]
    assert secret not in stored
    assert secret.removeprefix("ll_") not in stored


def test_a_key_over_its_rate(serve: Any) -> None:
    served = serve(rate_limit_per_minute=5)
    one, other = served.client("read"), served.client("read")
    assert [one.get("/v1/teams").status_code for _n in range(6)] == [200] * 5 + [429]
    refused = one.get("/v1/teams")
    assert 1 <= int(refused.headers["retry-after"]) <= 12
    assert refused.json()["type"] == "urn:leadlane:problem:too_many_requests"
    assert other.get("/v1/teams").status_code == 200
    assert httpx2.get(served.url + "/healthz").status_code == 200


def test_a_rate_fills_up_again(serve: Any) -> None:
    client = serve(rate_limit_per_minute=600).client("read")
    while client.get("/v1/teams").status_code == 200:
        pass
    time.sleep(0.5)
    assert client.get("/v1/teams").status_code == 200


def test_more_than_can_be_routed(serve: Any, database_url: str) -> None:
    served = serve()
    api = served.client("intake")
    row: list[dict[str, str]] = [{"email": f"p{n}@c.example"} for n in range(10_000)]
    statuses: list[int] = []

    def send() -> None:
        response = httpx2.post(
            served.url + "/v1/leads:batch", json=row, headers=dict(api.headers), timeout=120
        )
        statuses.append(response.status_code)
        if response.status_code == 503:
            assert int(response.headers["retry-after"]) > 0
            assert response.json()["type"] == "urn:leadlane:problem:busy"

    # Nobody can be routed while somebody holds the table, so the line becomes too long.
    with psycopg.connect(database_url) as holder:
        holder.execute("LOCK TABLE leads IN ACCESS EXCLUSIVE MODE")
        threads = [threading.Thread(target=send) for _n in range(4)]
        for thread in threads:
            thread.start()
        while 503 not in statuses:
            time.sleep(0.05)
        assert httpx2.get(served.url + "/readyz", timeout=10).status_code == 503
        holder.rollback()
    for thread in threads:
        thread.join()
    assert sorted(set(statuses)) == [200, 503]


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize("path", ["/nothing", "/v1/nothing", "/v1/leads/7/nothing/else", "/docs/nothing"])
def test_addresses_that_do_not_exist(api: httpx2.Client, path: str) -> None:
    response = api.get(path)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/v1/leads", "GET, POST"),
        ("GET", "/v1/signals", "POST"),
        ("PATCH", "/v1/people/anna", "GET, PUT"),
        ("PUT", "/v1/policy", "GET, POST"),
        ("POST", "/healthz", "GET"),
    ],
)
def test_methods_that_are_not_possible(api: httpx2.Client, method: str, path: str, allowed: str) -> None:
    response = api.request(method, path)
    assert response.status_code == 405
    assert response.headers["allow"] == allowed
    assert response.json()["type"] == "urn:leadlane:problem:method_not_allowed"


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("pl", "pl"),
        ("it-IT,it;q=0.9,en;q=0.5", "it"),
        ("de,pl;q=0.2,it;q=0.8", "it"),
        ("pl;q=0", "en"),
        ("de", "en"),
        ("*", "en"),
        (";;;q=x,,", "en"),
    ],
)
def test_the_language_of_a_refusal(api: httpx2.Client, accepted: str, language: str) -> None:
    response = api.get("/v1/leads/nobody", headers={"accept-language": accepted})
    assert response.headers["content-language"] == language


def test_a_defect_is_told_with_an_instance_that_the_log_has(
    served: Any, caplog: pytest.LogCaptureFixture
) -> None:
    api = served.client("admin")
    answer = api.post("/v1/leads", json={"email": "a@b.example"}).json()
    # What no code of ours would ever write.
    served.sql("UPDATE decisions SET trace = '{}'")
    response = api.get(f"/v1/leads/{answer['id']}/decision?words=1")
    assert response.status_code == 500
    problem = response.json()
    assert problem["type"] == "urn:leadlane:problem:defect"
    assert problem["instance"].startswith("urn:uuid:")
    assert problem["instance"] in caplog.text
    assert "trace" not in problem["detail"]
