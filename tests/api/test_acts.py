"""What people do with leads over HTTP: every verb, every refusal, races, and what follows from it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import httpx2
import pytest
from tests.crash.company import assert_all_is_well

from leadlane.store.db import connect

REFERENCE = files("leadlane") / "reference"
HOT = {
    "email": "jo@northwind.example", "country": "DE", "employees": 1200, "industry": "fintech",
    "signals": ["demo_request"],
}  # fmt: skip
WARM = {"country": "DE", "employees": 1200, "industry": "fintech", "signals": ["webinar_attendance"]}
VIP = {"email": "v@w.example", "referral": "vip"}
LATER = "2099-01-01T10:00:00Z"

Send = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def _everything_agrees(database_url: str, served: Any) -> Iterator[None]:
    """After each test nothing disagrees, every decision comes out the same again, and every lead that
    somebody has, has a next step with a due date."""
    yield
    with connect(database_url) as connection:
        assert_all_is_well(connection)
        assert not connection.execute(
            "SELECT id FROM leads WHERE owner IS NOT NULL"
            " AND stage IN ('assigned', 'accepted', 'working', 'review')"
            " AND (next_step IS NULL OR next_step_due_at IS NULL)"
        ).fetchall()


@pytest.fixture
def send(api: httpx2.Client) -> Send:
    """Sends a lead and gives it as it stands: `send(HOT, id="L1")`."""

    def make(fields: dict[str, Any], **more: Any) -> dict[str, Any]:
        response = api.post("/v1/leads", json={**fields, **more})
        assert response.status_code == 201, response.text
        lead: dict[str, Any] = api.get("/v1/leads/" + response.json()["id"]).json()
        return lead

    return make


def do(api: httpx2.Client, lead_id: str, verb: str, /, **body: Any) -> dict[str, Any]:
    """Act; the lead as it stands then."""
    response = api.post(f"/v1/leads/{lead_id}/{verb}", json=body)
    assert response.status_code == 200, response.text
    stands: dict[str, Any] = response.json()
    assert stands == api.get(f"/v1/leads/{stands['id']}").json()
    return stands


def events(api: httpx2.Client, lead: str) -> list[str]:
    return [event["event"] for event in api.get(f"/v1/leads/{lead}/timeline").json()["events"]]


# ---------------------------------------------------------------- verbs


def test_a_lead_from_its_arrival_to_its_end(api: httpx2.Client, send: Send) -> None:
    lead = send(HOT, id="L1")
    assert (lead["owner"], lead["stage"], lead["place"]) == ("anna", "assigned", 1)
    assert (lead["next_step"], lead["next_step_due_at"]) == ("Respond", lead["respond_by"])
    assert (lead["accepted_at"], lead["breached"], lead["reassigned"]) == (None, False, 0)

    accepted = do(api, "L1", "accept", by="anna", seen=1)
    assert (accepted["stage"], accepted["place"]) == ("accepted", 1)
    assert accepted["accepted_at"] is not None
    assert accepted["responded_at"] is None

    noted = do(api, "L1", "touch", by="anna", kind="note", reason="asked a colleague")
    assert (noted["stage"], noted["responded_at"]) == ("accepted", None)

    called = do(api, "L1", "touch", by="anna", kind="call", seen=1)
    assert called["stage"] == "working"
    assert called["responded_at"] is not None
    assert called["next_step_due_at"] == lead["next_step_due_at"]

    given = do(api, "L1", "reassign", by="maria", to="boris", reason="speaks their language")
    assert (given["owner"], given["stage"], given["place"]) == ("boris", "assigned", 2)

    declined = do(api, "L1", "decline", by="boris", reason="on leave tomorrow", seen=2)
    assert declined["owner"] not in ("boris", None)
    assert declined["place"] == 3

    closed = do(api, "L1", "close", by=declined["owner"], outcome="won", value=12000.5, seen=3)
    assert (closed["stage"], closed["outcome"], closed["value"]) == ("closed", "won", 12000.5)
    assert closed["closed_at"] is not None
    assert (closed["next_step"], closed["next_step_due_at"]) == (None, None)
    told = events(api, "L1")
    for event in ("accepted", "touched", "reassigned", "declined", "closed"):
        assert event in told


@pytest.mark.parametrize(
    ("to", "stage", "owner"),
    [("dora", "assigned", "dora"), ("pool:mid-ae", "assigned", None), ("program:nurture", "nurture", None)],
)
def test_a_lead_in_review_is_placed(
    api: httpx2.Client, send: Send, to: str, stage: str, owner: str | None
) -> None:
    lead = send(VIP, id="V")
    assert (lead["stage"], lead["owner"]) == ("review", "olga")
    assert lead["next_step_due_at"] is not None
    placed = do(api, "V", "review", by="olga", to=to, seen=lead["place"])
    assert placed["stage"] == stage
    assert owner is None or placed["owner"] == owner
    assert placed["destination"] == (to if owner is None else lead["destination"])


def test_an_id_under_which_the_same_person_came_again_will_do(api: httpx2.Client, send: Send) -> None:
    send(HOT, id="L1")
    assert api.post("/v1/leads", json={**HOT, "id": "L2"}).json()["merged"]
    response = api.post("/v1/leads/L2/accept", json={"by": "anna"})
    assert (response.status_code, response.json()["id"]) == (200, "L1")


def test_an_id_with_a_slash_and_a_space(api: httpx2.Client, send: Send) -> None:
    api.post("/v1/leads", json={**HOT, "id": "crm/lead 7"})
    response = api.post("/v1/leads/crm%2Flead%207/accept", json={"by": "anna"})
    assert (response.status_code, response.json()["stage"]) == (200, "accepted")


# ---------------------------------------------------------------- next steps


def test_a_planned_next_step_stays_with_the_person_who_planned_it(api: httpx2.Client, send: Send) -> None:
    lead = send({**HOT, "signals": ["pricing_page_visit"]}, id="L1")
    planned = do(api, "L1", "next-step", by="anna", text="Send the offer", due_at=LATER, seen=1)
    assert (planned["next_step"], planned["next_step_due_at"]) == ("Send the offer", LATER)
    assert (planned["place"], planned["respond_by"]) == (1, lead["respond_by"])

    # The same person again, and a response: both leave it as it is.
    assert api.post("/v1/leads", json={**HOT, "id": "L2"}).json()["merged"]
    do(api, "L1", "touch", by="anna", kind="meeting")
    given = do(api, "L1", "reassign", by="maria", to="anna")
    assert (given["next_step"], given["next_step_due_at"]) == ("Send the offer", LATER)

    dated = do(api, "L1", "touch", by="anna", kind="call", due_at="2098-05-05")
    assert dated["next_step"] == "Send the offer"
    assert dated["next_step_due_at"] == "2098-05-05T22:00:00Z"  # the end of the day in Berlin

    # Who gets the lead begins with the step of the route; the promise was kept, so it dates nothing.
    moved = do(api, "L1", "reassign", by="maria", to="boris")
    due = datetime.fromisoformat(moved["next_step_due_at"])
    assert moved["next_step"] == "Respond"
    assert timedelta(hours=23) < due - datetime.now(UTC) <= timedelta(days=1)
    assert "planned" in events(api, "L1")


def test_a_rise_in_intent_leaves_a_plan_and_renews_what_was_not_planned(
    api: httpx2.Client, send: Send
) -> None:
    for name in ("plan", "none"):
        send({**WARM, "email": f"{name}@{name}.example"}, id=name)
    owner = do(api, "plan", "reassign", by="maria", to="anna")["owner"]
    do(api, "none", "reassign", by="maria", to="anna")
    do(api, "plan", "next-step", by=owner, text="Send the offer", due_at=LATER)
    for name in ("plan", "none"):
        assert api.post("/v1/signals", json={"lead": name, "name": "demo_request"}).status_code == 200
    plan, none = (api.get(f"/v1/leads/{name}").json() for name in ("plan", "none"))
    assert plan["owner"] == none["owner"] == "anna"
    assert plan["service_level"] == none["service_level"] == "demo-request"
    assert (plan["next_step"], plan["next_step_due_at"]) == ("Send the offer", LATER)
    assert none["next_step_due_at"] == none["respond_by"]


def test_where_nothing_is_promised_the_next_step_is_due_in_a_day(api: httpx2.Client, send: Send) -> None:
    source = (
        (REFERENCE / "policy.yaml")
        .read_text()
        .replace("  - name: standard\n", "  - name: standard\n    when: {source: nowhere}\n")
    )
    assert api.post("/v1/policy", json={"source": source}).status_code == 201
    lead = send({"email": "x@helix.example"}, id="H", arrived_at="2026-03-02T10:00:00Z")
    assert (lead["owner"], lead["service_level"], lead["respond_by"]) == ("carla", None, None)
    assert (lead["next_step"], lead["next_step_due_at"]) == ("Respond", "2026-03-03T10:00:00Z")


def test_a_plan_outlives_a_new_place_in_the_same_hands_and_is_told_alike_twice(
    api: httpx2.Client, send: Send
) -> None:
    owner = send({**WARM, "email": "jo@northwind.example"}, id="L1")["owner"]
    do(api, "L1", "next-step", by=owner, text="Ask the board", due_at=LATER)
    account = {"domains": ["northwind.example"], "named": True, "owner": owner}
    assert api.put("/v1/accounts/northwind", json=account).status_code == 200
    news, headers = {"lead": "L1", "name": "demo_request"}, {"idempotency-key": "again"}
    first = api.post("/v1/signals", json=news, headers=headers)
    assert (first.json()["destination"], first.json()["next_step"]) == ("owner:account", None)
    assert api.post("/v1/signals", json=news, headers=headers).content == first.content
    lead = api.get("/v1/leads/L1").json()
    assert (lead["owner"], lead["place"]) == (owner, 2)
    assert (lead["next_step"], lead["next_step_due_at"]) == ("Ask the board", LATER)


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("verb", "body", "reason"),
    [
        ("accept", {"by": "boris"}, "not_yours"),
        ("accept", {"by": "nobody"}, "unknown_person"),
        ("decline", {"by": "maria"}, "not_yours"),
        ("reassign", {"by": "maria", "to": "nobody"}, "unknown_person"),
        ("reassign", {"by": "maria", "to": "gone"}, "inactive"),
        ("review", {"by": "olga", "to": "boris"}, "not_in_review"),
        ("touch", {"by": "nobody", "kind": "call"}, "unknown_person"),
        ("next-step", {"by": "nobody", "text": "Call", "due_at": LATER}, "unknown_person"),
    ],
)
def test_what_may_not_be_is_refused_with_its_reason(
    api: httpx2.Client, send: Send, verb: str, body: dict[str, Any], reason: str
) -> None:
    api.put("/v1/people/gone", json={"timezone": "Europe/Rome", "active": False})
    before = send(HOT, id="L1")
    response = api.post(f"/v1/leads/L1/{verb}", json=body)
    assert response.status_code == 409
    problem = response.json()
    assert (problem["type"], problem["reason"]) == ("urn:leadlane:problem:not_allowed", reason)
    assert problem["detail"]
    assert api.get("/v1/leads/L1").json() == before


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"by": "anna", "to": "boris"}, "not_yours"),
        ({"by": "olga", "to": "pool:nowhere"}, "unknown_destination"),
        ({"by": "olga", "to": "nobody"}, "unknown_person"),
    ],
)
def test_who_may_place_what_is_in_review_and_where(
    api: httpx2.Client, send: Send, body: dict[str, Any], reason: str
) -> None:
    send(VIP, id="V")
    response = api.post("/v1/leads/V/review", json=body)
    assert (response.status_code, response.json()["reason"]) == (409, reason)
    refused = api.post("/v1/leads/V/accept", json={"by": "olga"})
    assert (refused.status_code, refused.json()["reason"]) == (409, "not_assigned")


GOOD = {
    "accept": {"by": "anna"},
    "decline": {"by": "anna"},
    "touch": {"by": "anna", "kind": "call"},
    "dispute": {"by": "anna", "reason": "They are a bank, not a fintech"},
    "reassign": {"by": "maria", "to": "boris"},
    "review": {"by": "olga", "to": "boris"},
    "close": {"by": "anna", "outcome": "lost"},
    "next-step": {"by": "anna", "text": "Call", "due_at": LATER},
}


@pytest.mark.parametrize("verb", GOOD)
def test_unknown_closed_and_moved_leads(api: httpx2.Client, send: Send, verb: str) -> None:
    missing = api.post(f"/v1/leads/nothing/{verb}", json=GOOD[verb])
    assert (missing.status_code, missing.json()["type"]) == (404, "urn:leadlane:problem:not_found")
    before = send(HOT, id="L1")
    stale = api.post(f"/v1/leads/L1/{verb}", json={**GOOD[verb], "seen": 7})
    assert (stale.status_code, stale.json()["type"]) == (409, "urn:leadlane:problem:stale")
    assert api.get("/v1/leads/L1").json() == before
    do(api, "L1", "close", by="anna", outcome="lost")
    closed = api.post(f"/v1/leads/L1/{verb}", json=GOOD[verb])
    assert (closed.status_code, closed.json()["type"]) == (409, "urn:leadlane:problem:closed")


@pytest.mark.parametrize(
    ("verb", "body", "fields"),
    [
        ("accept", {}, {"by": ""}),
        ("accept", {"by": 7, "seen": "one", "who": "x"}, {"seen": "", "who": ""}),
        ("dispute", {"by": "anna", "reason": " "}, {"reason": ""}),
        ("touch", {"kind": "emial"}, {"by": "", "kind": "email"}),
        ("touch", {"by": "anna", "kind": "call", "due_at": "soon"}, {"due_at": ""}),
        ("close", {"by": "anna", "outcome": "won", "value": -3}, {"value": ""}),
        ("touch", {"by": "anna", "kind": "call", "due_at": "2020-01-01"}, {"due_at": ""}),
        ("close", {"by": "anna", "outcome": "loss", "value": "much"}, {"outcome": "lost", "value": ""}),
        ("reassign", {"by": ["anna"], "too": "boris"}, {"by": "", "to": "", "too": "to"}),
        ("review", {"by": "olga"}, {"to": ""}),
        ("next-step", {"by": "anna", "text": " ", "due_at": "9999-12-31"}, {"text": ""}),
        ("next-step", {"by": "anna", "text": "Call", "due_at": "9999-12-31"}, {"due_at": ""}),
        ("next-step", {}, {"by": "", "text": "", "due_at": ""}),
    ],
)
def test_a_bad_body_is_refused_field_by_field(
    api: httpx2.Client, send: Send, verb: str, body: dict[str, Any], fields: dict[str, str]
) -> None:
    before = send(HOT, id="L1")
    response = api.post(f"/v1/leads/L1/{verb}", json=body)
    assert response.status_code == 422
    found = {error["field"]: error["suggestion"] for error in response.json()["errors"]}
    assert found == fields
    assert all(error["reason"] for error in response.json()["errors"])
    assert api.get("/v1/leads/L1").json() == before


def test_a_body_that_is_no_object(api: httpx2.Client, send: Send) -> None:
    send(HOT, id="L1")
    assert api.post("/v1/leads/L1/accept", json=["anna"]).status_code == 422
    assert api.post("/v1/leads/L1/accept", content=b"{").status_code == 400


def test_a_request_that_is_sent_again(api: httpx2.Client, send: Send) -> None:
    send(HOT, id="L1")
    send({**HOT, "email": "max@fabrikam.example"}, id="L2")
    headers = {"idempotency-key": "once"}
    body = {"by": "maria", "to": "boris"}
    first = api.post("/v1/leads/L1/reassign", json=body, headers=headers)
    assert (first.status_code, first.json()["place"]) == (200, 2)
    again = api.post("/v1/leads/L1/reassign", json=body, headers=headers)
    assert (again.status_code, again.json()["place"]) == (200, 2)
    assert events(api, "L1").count("reassigned") == 1
    for path, other in (("L2/reassign", body), ("L1/reassign", {**body, "to": "dora"})):
        reused = api.post(f"/v1/leads/{path}", json=other, headers=headers)
        assert reused.json()["type"] == "urn:leadlane:problem:key_reused"


# ---------------------------------------------------------------- races, and what follows


def at_once(*calls: Callable[[], httpx2.Response]) -> list[httpx2.Response]:
    """Let all of these begin at the same moment; their responses in order."""
    start, answers = threading.Barrier(len(calls)), {}

    def run(number: int, call: Callable[[], httpx2.Response]) -> None:
        start.wait(10)
        answers[number] = call()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [answers[number] for number in range(len(calls))]


def post(served: Any, path: str, **body: Any) -> Callable[[], httpx2.Response]:
    client = served.client("write", "intake")
    return lambda: client.post(path, json=body)


def test_of_two_who_place_a_lead_at_the_same_moment_one_does(served: Any, send: Send) -> None:
    for n in range(5):
        send({**VIP, "email": f"v{n}@w{n}.example"}, id=f"V{n}")
        answers = at_once(
            post(served, f"/v1/leads/V{n}/review", by="olga", to="anna", seen=1),
            post(served, f"/v1/leads/V{n}/review", by="marco", to="boris", seen=1),
        )
        assert sorted(one.status_code for one in answers) == [200, 409]
        won, lost = sorted(answers, key=lambda one: one.status_code)
        assert won.json()["owner"] == ("anna" if won is answers[0] else "boris")
        assert lost.json()["type"] == "urn:leadlane:problem:stale"


def test_of_two_who_accept_at_the_same_moment_the_one_who_has_it_does(
    api: httpx2.Client, served: Any, send: Send
) -> None:
    send(HOT, id="L1")
    answers = at_once(
        post(served, "/v1/leads/L1/accept", by="anna", seen=1),
        post(served, "/v1/leads/L1/accept", by="boris", seen=1),
    )
    assert [one.status_code for one in answers] == [200, 409]
    assert answers[1].json()["reason"] == "not_yours"
    assert events(api, "L1").count("accepted") == 1
    assert api.get("/v1/leads/L1").json()["stage"] == "accepted"


def test_acts_and_news_of_one_lead_at_the_same_moment_all_count(
    api: httpx2.Client, served: Any, send: Send
) -> None:
    send(HOT, id="L1")
    touches = [post(served, "/v1/leads/L1/touch", by="anna", kind="note", reason=f"{n}") for n in range(6)]
    signals = [post(served, "/v1/signals", lead="L1", name=f"visit_{n}") for n in range(6)]
    assert {one.status_code for one in at_once(*touches, *signals)} == {200}
    assert served.sql("SELECT count(*) FROM touches") == [(6,)]
    assert len(api.get("/v1/leads/L1").json()["signals"]) == 7


def change_person(api: httpx2.Client, person: str, **changes: Any) -> None:
    entry = api.get(f"/v1/people/{person}").json()
    response = api.put(f"/v1/people/{person}", json={**entry, **changes})
    assert response.status_code == 200, response.text


def test_a_close_that_frees_somebody_serves_the_lead_that_waits(api: httpx2.Client, send: Send) -> None:
    change_person(api, "hugo", max_open=1)
    for person in ("ida", "fritz", "gina"):
        change_person(api, person, max_open=0)
    first = send({**WARM, "email": "a@a.example"}, id="first")
    waiting = send({**WARM, "email": "b@b.example"}, id="waiting")
    assert first["owner"] == "hugo"
    assert (waiting["owner"], waiting["stage"], waiting["waiting_pool"]) == ("olga", "review", "sdr")
    do(api, "first", "close", by="hugo", outcome="unqualified")
    served = api.get("/v1/leads/waiting").json()
    assert (served["owner"], served["stage"], served["waiting_pool"]) == ("hugo", "assigned", None)
    assert served["next_step"] == "Call (fast track)"


# ---------------------------------------------------------------- away


def test_who_is_away_gets_no_leads(api: httpx2.Client, send: Send) -> None:
    response = api.post("/v1/people/anna/away", json={"until": "2099-12-31", "reason": "sabbatical"})
    assert response.status_code == 200
    (away,) = response.json()["away"]
    assert away["until"] == "2099-12-31T23:00:00+00:00"  # the end of that day in Berlin
    assert away["reason"] == "sabbatical"
    assert datetime.fromisoformat(away["from"]) <= datetime.now(UTC)
    assert send(HOT, id="L1")["owner"] == "boris"


def test_an_absence_to_come_in_the_zone_of_the_person(api: httpx2.Client) -> None:
    body = {"from": "2099-07-01", "until": "2099-07-02T12:00"}
    (away,) = api.post("/v1/people/anna/away", json=body).json()["away"]
    assert away == {"from": "2099-06-30T22:00:00+00:00", "until": "2099-07-02T10:00:00+00:00"}


@pytest.mark.parametrize(
    ("person", "body", "status", "fields"),
    [
        ("nobody", {"until": "2099-01-01"}, 404, set()),
        ("anna", {}, 422, {"until"}),
        ("anna", {"until": "tomorrow", "form": "x"}, 422, {"until", "form"}),
        ("anna", {"until": "2020-01-01"}, 422, {"until"}),
        ("anna", {"from": "2099-01-02", "until": "2099-01-01T00:00Z"}, 422, {"until"}),
        ("anna", {"until": "9999-12-31"}, 422, {"until"}),
    ],
)
def test_absences_that_are_none(
    api: httpx2.Client, person: str, body: dict[str, Any], status: int, fields: set[str]
) -> None:
    response = api.post(f"/v1/people/{person}/away", json=body)
    assert response.status_code == status, response.text
    assert {error["field"] for error in response.json()["errors"]} == fields
    assert not api.get("/v1/people/anna").json().get("away")


def test_a_lead_in_doubt_its_candidates_and_the_answer(api: httpx2.Client, send: Send) -> None:
    api.put("/v1/accounts/lumen", json={"name": "Lumenwerk Optik GmbH", "named": True, "owner": "anna"})
    lead = send({"email": "jo@gmail.com", "company": "Lumenwerk Optik", "signals": ["demo_request"]}, id="L1")
    assert (lead["stage"], lead["unsure"], lead["account_id"]) == ("review", True, None)
    shown = api.get("/v1/leads/L1/candidates").json()
    assert shown["unsure"]
    [candidate] = shown["candidates"]
    assert (candidate["account"]["id"], candidate["lead"], candidate["outcome"]) == ("lumen", None, "unsure")
    assert 0.5 <= candidate["probability"] < 0.98
    assert "Lumenwerk" in candidate["evidence"][0]
    answered = do(api, "L1", "identify", by="olga", account="lumen", seen=lead["place"])
    assert (answered["owner"], answered["unsure"], answered["account_id"]) == ("anna", False, "lumen")
    assert do(api, "L1", "identify", by="olga", account=None)["relationship"] == "none"


def test_two_leads_are_merged_and_taken_apart(api: httpx2.Client, send: Send) -> None:
    send(HOT, id="L1")
    send(WARM, id="L2")
    assert do(api, "L1", "merge", by="olga", lead="L2", reason="met them")["id"] == "L1"
    assert api.get("/v1/leads/L2").json()["id"] == "L1"
    assert [one["event"] for one in api.get("/v1/leads/L2/timeline").json()["events"]][-1] == "merged_into"
    assert do(api, "L1", "split", by="olga", lead="L2")["id"] == "L2"
    assert api.get("/v1/leads/L2").json()["id"] == "L2"
    assert api.get("/v1/leads/L2/decision?words=1").status_code == 200


@pytest.mark.parametrize(
    ("verb", "body", "status", "reason"),
    [
        ("identify", {"account": "nowhere"}, 409, "unknown_account"),
        ("merge", {"lead": "L1"}, 409, "same_lead"),
        ("merge", {"lead": "L9"}, 409, "other_not_open"),
        ("split", {"lead": "L9"}, 409, "not_merged"),
        ("merge", {}, 422, None),
        ("split", {"lead": ["L1"]}, 422, None),
    ],
)
def test_who_a_lead_cannot_be(
    api: httpx2.Client, send: Send, verb: str, body: dict[str, Any], status: int, reason: str | None
) -> None:
    before = send(HOT, id="L1")
    response = api.post(f"/v1/leads/L1/{verb}", json={"by": "olga", **body})
    assert (response.status_code, response.json().get("reason")) == (status, reason), response.text
    assert api.get("/v1/leads/L1").json()["place"] == before["place"]
