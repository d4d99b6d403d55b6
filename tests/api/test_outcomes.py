"""`POST /v1/outcomes`, and a moment for `close`: results one by one, who says it, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from tests.crash.company import assert_all_is_well

from leadlane.store.db import connect


@pytest.fixture(autouse=True)
def _everything_agrees(database_url: str, served: Any) -> Iterator[None]:
    yield
    with connect(database_url) as connection:
        assert_all_is_well(connection)


@pytest.fixture
def leads(api: httpx2.Client) -> list[str]:
    """Three leads that came three days ago."""
    arrived = (datetime.now(UTC) - timedelta(days=3)).isoformat()
    for number in (1, 2, 3):
        sent = {"id": f"L{number}", "email": f"jo@umbra{number}.example", "arrived_at": arrived}
        assert api.post("/v1/leads", json=sent).status_code == 201
    return ["L1", "L2", "L3"]


def day(days_ago: int) -> str:
    return (datetime.now(UTC) - timedelta(days=days_ago)).date().isoformat()


def test_each_outcome_gets_its_own_result(api: httpx2.Client, leads: list[str]) -> None:
    sent = [
        {"lead": "L1", "outcome": "won", "value": 12_000, "closed_at": day(1)},
        {"email": "JO@umbra2.example", "outcome": "lost", "reason": "too dear"},
        {"lead": "nobody", "outcome": "won"},
        {"lead": "L3", "outcome": "woon", "value": -1, "closing": "x"},
        {"lead": "L3", "outcome": "won", "closed_at": day(30)},
        {"lead": "L1", "outcome": "lost"},
        7,
    ]
    answer = api.post("/v1/outcomes", json={"outcomes": sent})
    assert answer.status_code == 200
    body = answer.json()
    assert [one["status"] for one in body["results"]] == [200, 200, 404, 422, 422, 409, 422]
    assert body["statuses"] == {"200": 2, "404": 1, "422": 3, "409": 1}
    assert body["results"][0] == {"status": 200, "result": "closed", "lead": "L1"}
    assert {error["field"] for error in body["results"][3]["errors"]} == {"outcome", "value", "closing"}
    lead = api.get("/v1/leads/L1").json()
    assert (lead["stage"], lead["outcome"], lead["value"]) == ("closed", "won", 12_000)
    assert lead["closed_at"].startswith(day(1)) or lead["closed_at"].startswith(day(2))
    again = api.post("/v1/outcomes", json=sent[:2]).json()
    assert [one["result"] for one in again["results"]] == ["unchanged", "unchanged"]
    told = api.post("/v1/outcomes", json=[{"lead": "L2", "outcome": "won", "value": 5}]).json()
    assert told["results"][0]["result"] == "corrected"
    events = api.get("/v1/leads/L2/timeline").json()["events"]
    assert events[-1]["event"] == "outcome_corrected"
    assert events[-1]["actor"].startswith("user:test")


def test_a_person_may_say_it(api: httpx2.Client, leads: list[str]) -> None:
    sent = {"outcomes": [{"lead": "L1", "outcome": "won"}], "by": "anna"}
    assert api.post("/v1/outcomes", json=sent).json()["results"][0]["result"] == "closed"
    events = api.get("/v1/leads/L1/timeline").json()["events"]
    assert (events[-1]["event"], events[-1]["actor"]) == ("closed", "person:anna")
    nobody = {"outcomes": [{"lead": "L2", "outcome": "won"}], "by": "nobody"}
    assert api.post("/v1/outcomes", json=nobody).json()["results"][0]["status"] == 409
    # Nor may nobody correct what has ended.
    nobody = {"outcomes": [{"lead": "L1", "outcome": "lost"}], "by": "nobody"}
    assert api.post("/v1/outcomes", json=nobody).json()["results"][0]["status"] == 409
    assert api.get("/v1/leads/L1").json()["outcome"] == "won"


@pytest.mark.parametrize("name", ["email", "domain", "reason"])
def test_what_cannot_be_stored_costs_the_others_nothing(
    api: httpx2.Client, leads: list[str], name: str
) -> None:
    sent = [{"lead": "L1", "outcome": "lost"}, {"lead": "L2", "outcome": "lost", name: "a\0b"}]
    assert api.post("/v1/outcomes", json=sent).json()["statuses"] == {"200": 1, "422": 1}
    assert api.get("/v1/leads/L2").json()["stage"] != "closed"


@pytest.mark.parametrize(
    "sent",
    [
        {},
        [],
        {"outcomes": "L1"},
        {"outcomes": [], "more": 1},
        {"outcomes": [{"outcome": "won"}], "by": 7},
        [{"outcome": "won"}] * 1001,
    ],
)
def test_what_is_no_list_of_outcomes_is_refused(api: httpx2.Client, sent: Any) -> None:
    assert api.post("/v1/outcomes", json=sent).status_code == 422


def test_close_takes_the_moment_when_it_ended(api: httpx2.Client, leads: list[str]) -> None:
    ended = (datetime.now(UTC) - timedelta(days=1)).replace(microsecond=0)
    body = {"by": "anna", "outcome": "won", "closed_at": ended.isoformat()}
    closed = api.post("/v1/leads/L1/close", json=body).json()
    assert datetime.fromisoformat(closed["closed_at"]) == ended
    for wrong in (datetime.now(UTC) + timedelta(days=1), datetime.now(UTC) - timedelta(days=9)):
        answer = api.post("/v1/leads/L2/close", json={**body, "closed_at": wrong.isoformat()})
        assert answer.status_code in (409, 422), answer.text
    assert api.get("/v1/leads/L2").json()["stage"] != "closed"


def test_a_text_that_is_too_long_is_said_to_be(api: httpx2.Client, leads: list[str]) -> None:
    long = "x" * 1_001
    sent = [
        {"lead": "L1", "outcome": "lost", "reason": long},
        {"lead": long, "outcome": "lost"},
        {"email": long, "outcome": "lost"},
        {"domain": long, "outcome": "lost"},
        {"lead": "L1", "outcome": "lost", "reason": "x" * 1_000},
    ]
    results = api.post("/v1/outcomes", json=sent).json()["results"]
    assert [one["status"] for one in results] == [422, 422, 422, 422, 200]
    for name, one in zip(("reason", "lead", "email", "domain"), results, strict=False):
        (error,) = one["errors"]
        assert error["field"] == name
        most = "1 to 200 characters" if name == "lead" else "1001 characters, at most 1000"
        assert most in error["reason"]
    refused = api.post("/v1/outcomes", json={"outcomes": sent[4:], "by": long})
    assert refused.status_code == 422
    assert "1001 characters, at most 1000" in refused.json()["detail"]
