"""Sending leads and signals: what is answered, what is refused, and that nothing is done twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import orjson
import pytest

from leadlane.service.publish import publish

DEMO = {
    "email": "jo@northwind.example",
    "country": "DE",
    "employees": 1200,
    "industry": "fintech",
    "signals": ["demo_request"],
}


def problem(response: httpx2.Response, status: int, kind: str) -> dict[str, Any]:
    """The problem details of a response, which must be of this status and kind."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = response.json()
    assert found["type"] == f"urn:leadlane:problem:{kind}"
    assert found["status"] == status
    assert found["title"]
    assert found["detail"]
    return found


# ---------------------------------------------------------------- one lead


def test_a_new_lead_gets_an_owner(api: httpx2.Client) -> None:
    response = api.post("/v1/leads", json=DEMO)
    answer = response.json()
    assert response.status_code == 201
    assert response.headers["location"] == f"/v1/leads/{answer['id']}"
    assert (answer["owner"], answer["route"], answer["merged"]) == ("anna", "hot-enterprise", False)
    assert answer["next_step"] == "Respond"
    assert answer["service_level"] == "demo-request"
    assert answer["respond_by"] == answer["decision"]["promise"]["respond_by"]
    assert answer["lead"]["fields"]["company_domain"] == "northwind.example"
    assert answer["decision"]["pick"][0]["chosen"] == "anna"


@pytest.mark.parametrize(
    "lead",
    [
        DEMO,
        {**DEMO, "industry": None, "employees": 10},
        {"email": "a@b.example", "signals": ["content_download"]},
        {"company_domain": "rival-crm.example"},
        {"email": "v@w.example", "referral": "vip"},
        {
            "email": "p@acme.example",
            "signals": [{"name": "demo_request", "at": "2026-03-02T10:00:00.5+01:00"}],
        },
    ],
    ids=["pool", "next step of the route", "program", "disqualified", "review", "owner"],
)
def test_the_same_key_gives_the_same_bytes(api: httpx2.Client, lead: dict[str, Any]) -> None:
    first = api.post("/v1/leads", json=lead, headers={"idempotency-key": "form-7"})
    again = api.post("/v1/leads", json=lead, headers={"idempotency-key": "form-7"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.content == first.content


def test_the_same_key_gives_the_same_answer_after_the_lead_went_on(api: httpx2.Client) -> None:
    lead = {"email": "jo@northwind.example", "signals": ["content_download"]}
    first = api.post("/v1/leads", json=lead, headers={"idempotency-key": "k"})
    moved = api.post("/v1/signals", json={"lead": first.json()["id"], "name": "demo_request"})
    assert moved.json()["owner"] is not None
    again = api.post("/v1/leads", json=lead, headers={"idempotency-key": "k"})
    assert again.content == first.content
    assert again.json()["owner"] is None


def test_the_order_of_keys_in_the_body_does_not_matter_but_the_content_does(api: httpx2.Client) -> None:
    headers = {"idempotency-key": "k", "content-type": "application/json"}
    first = api.post("/v1/leads", content=b'{"email": "a@b.example", "country": "DE"}', headers=headers)
    again = api.post("/v1/leads", content=b'{"country":"DE","email":"a@b.example"}', headers=headers)
    assert (first.status_code, again.status_code) == (201, 200)
    other = api.post("/v1/leads", json={"email": "a@b.example", "country": "PL"}, headers=headers)
    problem(other, 422, "key_reused")


def test_a_key_means_nothing_to_another_sender(served: Any) -> None:
    one, other = served.client("intake"), served.client("intake")
    headers = {"idempotency-key": "1"}
    assert one.post("/v1/leads", json={"email": "a@b.example"}, headers=headers).status_code == 201
    assert other.post("/v1/leads", json={"email": "c@d.example"}, headers=headers).status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 201, "zażółć".encode()])
def test_a_key_that_is_none(api: httpx2.Client, key: str | bytes) -> None:
    found = problem(api.post("/v1/leads", json=DEMO, headers={b"idempotency-key": key}), 400, "unreadable")
    assert found["errors"][0]["field"] == "Idempotency-Key"


def test_fifty_identical_requests_at_once_are_one_lead(served: Any) -> None:
    headers = {"authorization": f"Bearer {served.secret('intake')}", "idempotency-key": "once"}

    def send(_number: int) -> httpx2.Response:
        return httpx2.post(served.url + "/v1/leads", json=DEMO, headers=headers, timeout=30)

    with ThreadPoolExecutor(50) as threads:
        responses = list(threads.map(send, range(50)))
    assert sorted(response.status_code for response in responses) == [200] * 49 + [201]
    assert len({response.content for response in responses}) == 1
    assert served.sql("SELECT count(*) FROM leads") == [(1,)]
    assert served.sql("SELECT open FROM loads WHERE person = 'anna'") == [(1,)]


def test_an_id_that_is_known(api: httpx2.Client) -> None:
    first = api.post("/v1/leads", json={**DEMO, "id": "crm/17 ä"})
    again = api.post("/v1/leads", json={"id": "crm/17 ä", "email": DEMO["email"], "city": "Bonn"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.content == first.content
    other = api.post("/v1/leads", json={"id": "crm/17 ä", "email": "other@person.example"})
    assert other.status_code == 422
    assert "another person" in other.json()["detail"]
    assert first.headers["location"] == "/v1/leads/crm%2F17%20%C3%A4"
    assert api.get(first.headers["location"]).json()["id"] == "crm/17 ä"


def test_the_same_person_again_is_part_of_the_open_lead(api: httpx2.Client) -> None:
    first = api.post("/v1/leads", json={**DEMO, "id": "one"})
    again = api.post("/v1/leads", json={**DEMO, "id": "two", "email": "JO+news@northwind.example"})
    assert again.status_code == 200
    answer = again.json()
    assert (answer["id"], answer["merged"], answer["owner"]) == ("one", True, first.json()["owner"])
    assert answer["lead"]["id"] == "two"
    assert answer["next_step"] is None
    assert api.post("/v1/leads", json={**DEMO, "id": "two"}).content == again.content


def test_a_known_id_gets_its_first_answer_whatever_was_decided_since(api: httpx2.Client) -> None:
    lead = {"id": "7", "email": "jo@northwind.example", "signals": ["content_download"]}
    first = api.post("/v1/leads", json=lead)
    api.post("/v1/signals", json={"lead": "7", "name": "demo_request"})
    assert api.post("/v1/leads", json=lead).content == first.content
    result = api.post("/v1/leads:batch", json=[lead]).json()["results"][0]
    assert result["outcome"] == {name: first.json()[name] for name in result["outcome"]}


def test_every_bad_field_is_named(api: httpx2.Client) -> None:
    lead = {
        "emai": "a@b.example",
        "country": "Atlantis",
        "employees": -1,
        "arrived_at": "soon",
        "signals": [7],
    }
    found = problem(api.post("/v1/leads", json=lead), 422, "invalid")
    by_field = {error["field"]: error for error in found["errors"]}
    assert set(by_field) == {"emai", "country", "employees", "arrived_at", "signals[0]"}
    assert by_field["emai"]["suggestion"] == "did you mean email?"
    assert all(error["reason"] for error in found["errors"])


def test_a_field_of_a_policy_published_a_moment_ago_by_another_process(served: Any) -> None:
    api = served.client("intake")
    assert api.post("/v1/leads", json={"email": "a@b.example", "budget": 5}).status_code == 422
    published = served.sql("SELECT source FROM policies")[0][0]
    text = published.replace("currency: EUR", "currency: EUR\nfields:\n  budget: {type: number}")
    with served.app.pool.connection() as connection:
        publish(connection, text, "policy.yaml", "somebody", "", served.app.now())
    answer = api.post("/v1/leads", json={"email": "a@b.example", "budget": 5})
    assert answer.status_code == 201
    assert answer.json()["lead"]["fields"]["budget"] == 5


# ---------------------------------------------------------------- what is no lead at all


@pytest.mark.parametrize(
    ("body", "line", "column"),
    [
        (b'{"email": "a@b.example",\n "country": }', 2, 13),
        (b'{"deal_value": NaN}', 1, 16),
        (b'{"employees": Infinity}', 1, 15),
        (b'{"deal_value": 1e400}', 1, 16),
        (b'{"company": "\xff"}', 1, 14),
        (b'{\n"company": "Mi\xc5\x82a \xc5"}', 2, 18),
        (b"", 1, 1),
        (b"[" * 100_000, None, None),
        (b'{"a":' * 100_000, None, None),
    ],
    ids=[
        "gap",
        "NaN",
        "infinity",
        "beyond doubles",
        "not UTF-8",
        "cut UTF-8",
        "empty",
        "deep list",
        "deep object",
    ],
)
def test_malformed_json_with_its_place(
    api: httpx2.Client, body: bytes, line: int | None, column: int | None
) -> None:
    headers = {"content-type": "application/json"}
    error = problem(api.post("/v1/leads", content=body, headers=headers), 400, "unreadable")["errors"][0]
    if line is not None:
        assert (error["line"], error["column"]) == (line, column)


def test_a_name_that_stands_twice_in_one_object_is_refused(api: httpx2.Client) -> None:
    headers = {"content-type": "application/json"}
    for body in (b'{"country": "DE", "country": "FR"}', b'{"signals": [{"name": "a", "n\\u0061me": "b"}]}'):
        found = problem(api.post("/v1/leads", content=body, headers=headers), 400, "unreadable")
        assert found["errors"][0]["field"] in ("country", "name")
    lines = b'{"id": "N1", "country": "DE"}\n{"id": "N2", "id": "N3"}\n'
    headers = {"content-type": "application/x-ndjson"}
    answer = api.post("/v1/leads:batch", content=lines, headers=headers).json()
    assert [one["status"] for one in answer["results"]] == [201, 400]
    assert api.get("/v1/leads/N3").status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"null",
        b'"lead"',
        b"{}",
        b'{"company": "a\\u0000b"}',
        b'{"\\u0000": 1}',
        b'{"deal_value": 123456789012345678901234567890}',
        b'{"employees": 1e300}',
        b'{"company": {"name": "x"}}',
        b'{"message": "' + b"x" * 9_000_000 + b'"}',
        b'{"tech_stack": [' + b'"x",' * 200 + b'"y"]}',
        b'{"id": {"a": 1}, "email": "a@b.example"}',
        b'{"id": "' + b"x" * 201 + b'", "email": "a@b.example"}',
        b'{"' + b"x" * 100_000 + b'": 1}',
    ],
    ids=lambda body: body[:30].decode(),
)
def test_json_that_is_no_lead(api: httpx2.Client, served: Any, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    found = problem(api.post("/v1/leads", content=body, headers=headers), 422, "invalid")
    assert found["errors"]
    assert len(orjson.dumps(found)) < 2_000
    assert served.sql("SELECT count(*) FROM leads") == [(0,)]


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"]
)
def test_another_content_type(api: httpx2.Client, kind: str) -> None:
    found = problem(api.post("/v1/leads", content=b"{}", headers={"content-type": kind}), 415, "media_type")
    assert "application/json" in found["detail"]


@pytest.mark.parametrize("kind", ["application/json; charset=UTF-8", "Application/JSON"])
def test_content_types_that_mean_json(api: httpx2.Client, kind: str) -> None:
    response = api.post("/v1/leads", content=orjson.dumps(DEMO), headers={"content-type": kind})
    assert response.status_code == 201


def test_a_body_over_the_limit_whether_announced_or_not(serve: Any) -> None:
    served = serve(max_body_bytes=2_000)
    api = served.client("intake")
    body = orjson.dumps({"email": "a@b.example", "message": "x" * 3_000})
    headers = {"content-type": "application/json"}
    assert "2000" in problem(api.post("/v1/leads", content=body, headers=headers), 413, "too_large")["detail"]
    pieces = (body[start : start + 100] for start in range(0, len(body), 100))
    problem(api.post("/v1/leads", content=pieces, headers=headers), 413, "too_large")
    small = iter([b'{"email": "a@b', b'.example"}'])
    assert api.post("/v1/leads", content=small, headers=headers).status_code == 201


def test_without_a_policy_in_force(serve: Any) -> None:
    api = serve(reference=False).client("intake")
    response = api.post("/v1/leads", json=DEMO)
    problem(response, 503, "not_ready")
    assert int(response.headers["retry-after"]) > 0


# ---------------------------------------------------------------- many leads


@pytest.mark.parametrize("form", ["object", "list", "ndjson"])
def test_many_leads_each_with_its_result(api: httpx2.Client, form: str) -> None:
    rows: list[Any] = [
        {**DEMO, "id": "1"},
        {"country": "Atlantis"},
        {"email": "k@l.example", "id": "2"},
        7,
        {**DEMO, "id": "1"},
        {**DEMO, "id": "3"},
    ]
    if form == "ndjson":
        content = b"\n".join(orjson.dumps(row) for row in rows[:3]) + b"\n\n{not json\n"
        content += b"\n".join(orjson.dumps(row) for row in rows[4:])
        headers = {"content-type": "application/x-ndjson"}
        response = api.post("/v1/leads:batch", content=content, headers=headers)
    else:
        response = api.post("/v1/leads:batch", json={"leads": rows} if form == "object" else rows)
    assert response.status_code == 200
    results = response.json()["results"]
    bad = 400 if form == "ndjson" else 422
    assert [result["status"] for result in results] == [201, 422, 201, bad, 200, 200]
    assert results[1]["errors"][0]["field"] == "country"
    assert results[4]["outcome"] == results[0]["outcome"]
    assert (results[5]["outcome"]["id"], results[5]["outcome"]["merged"]) == ("1", True)
    again = api.post("/v1/leads:batch", json=[rows[0], rows[2]]).json()["results"]
    assert [result["status"] for result in again] == [200, 200]
    assert again[1]["outcome"] == results[2]["outcome"]


def test_many_without_ids_do_not_happen_twice_under_one_key(served: Any) -> None:
    api = served.client("intake", "read")
    rows, headers = [DEMO, {"country": "PL"}, {"country": "Atlantis"}], {"idempotency-key": "night"}
    first = api.post("/v1/leads:batch", json=rows, headers=headers).json()["results"]
    again = api.post("/v1/leads:batch", json=rows, headers=headers).json()["results"]
    assert [result["status"] for result in first] == [201, 201, 422]
    assert [result["status"] for result in again] == [200, 200, 422]
    assert [result.get("outcome") for result in again] == [result.get("outcome") for result in first]
    changed = api.post("/v1/leads:batch", json=[DEMO, {"country": "IT"}], headers=headers).json()["results"]
    assert [result["status"] for result in changed] == [200, 422]
    signals, headers = [{"email": DEMO["email"], "name": "outbound_reply"}], {"idempotency-key": "s"}
    for _time in range(2):
        api.post("/v1/signals", json=signals, headers=headers)
    assert len(api.get(f"/v1/leads/{first[0]['outcome']['id']}").json()["signals"]) == 2
    assert served.sql("SELECT count(*) FROM leads") == [(2,)]


def test_ten_thousand_leads_but_not_more(served: Any) -> None:
    api = served.client("intake")
    rows = [{"id": str(n), "email": f"p{n}@c{n % 3000}.example"} for n in range(10_000)]
    response = api.post("/v1/leads:batch", json=rows, timeout=120)
    assert response.json()["statuses"] == {"201": 10_000}
    assert [result["outcome"]["id"] for result in response.json()["results"]] == [row["id"] for row in rows]
    assert served.sql("SELECT count(*) FROM leads") == [(10_000,)]
    problem(api.post("/v1/leads:batch", json=[*rows, {}]), 422, "invalid")


@pytest.mark.parametrize("raw", [{}, {"leads": {}}, {"leads": [], "more": 1}, [], "x", None])
def test_no_list_of_leads(api: httpx2.Client, raw: Any) -> None:
    problem(api.post("/v1/leads:batch", content=orjson.dumps(raw)), 422, "invalid")


# ---------------------------------------------------------------- signals


def test_a_signal_that_raises_intent_routes_the_lead_again(api: httpx2.Client) -> None:
    lead = {"id": "7", "email": "jo@northwind.example", "employees": 1200, "industry": "fintech"}
    assert api.post("/v1/leads", json={**lead, "signals": ["content_download"]}).json()["stage"] == "nurture"
    response = api.post("/v1/signals", json={"email": "Jo@Northwind.example", "name": "demo_request"})
    assert response.status_code == 200
    assert response.json()["id"] == "7"
    assert response.json()["owner"] is not None
    assert api.get("/v1/leads/7").json()["owner"] == response.json()["owner"]


def test_signals_do_not_happen_twice_under_one_key(api: httpx2.Client) -> None:
    api.post("/v1/leads", json={**DEMO, "id": "7"})
    signal, headers = {"lead": "7", "name": "pricing_page_visit"}, {"idempotency-key": "s"}
    first = api.post("/v1/signals", json=signal, headers=headers)
    assert api.post("/v1/signals", json=signal, headers=headers).content == first.content
    assert [one["name"] for one in api.get("/v1/leads/7").json()["signals"]] == [
        "demo_request",
        "pricing_page_visit",
    ]


def test_signals_of_unknown_and_closed_leads(api: httpx2.Client) -> None:
    api.post("/v1/leads", json={"id": "gone", "company_domain": "rival-crm.example"})
    problem(api.post("/v1/signals", json={"lead": "nobody", "name": "x"}), 404, "not_found")
    problem(api.post("/v1/signals", json={"email": "no@body.example", "name": "x"}), 404, "not_found")
    problem(api.post("/v1/signals", json={"lead": "gone", "name": "x"}), 409, "closed")


def test_many_signals_each_with_its_result(api: httpx2.Client) -> None:
    api.post("/v1/leads", json={**DEMO, "id": "7"})
    signals = [
        {"lead": "7", "name": "webinar_attendance", "at": "2026-01-02T10:00:00Z"},
        {"lead": "nobody", "name": "x"},
        {"email": "jo@northwind.example", "name": "outbound_reply"},
        {"lead": "7"},
    ]
    response = api.post("/v1/signals", json={"signals": signals})
    assert [result["status"] for result in response.json()["results"]] == [200, 404, 200, 422]
    assert len(api.get("/v1/leads/7").json()["signals"]) == 3


@pytest.mark.parametrize(
    ("signal", "field"),
    [
        ({"lead": "7"}, "name"),
        ({"lead": "7", "name": ""}, "name"),
        ({"lead": "7", "name": "x" * 101}, "name"),
        ({"name": "x"}, "lead"),
        ({"name": "x", "lead": "7", "email": "a@b.example"}, "lead"),
        ({"name": "x", "lead": "7", "when": "now"}, "when"),
        ({"name": "x", "lead": "7", "at": "soon"}, "name"),
        ({"name": "x", "email": "a\x00@b.example"}, "email"),
        ({"name": "x", "lead": {}}, "lead"),
    ],
)
def test_no_signal(api: httpx2.Client, signal: dict[str, Any], field: str) -> None:
    api.post("/v1/leads", json={**DEMO, "id": "7"})
    found = problem(api.post("/v1/signals", json=signal), 422, "invalid")
    assert field in {error["field"] for error in found["errors"]}
