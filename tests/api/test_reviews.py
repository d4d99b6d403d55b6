"""`/v1/reviews`: what was made of a quarter, and what is decided of its findings."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from leadlane.insight.findings import Finding, Proposal
from leadlane.insight.proportions import Estimate
from leadlane.policy.edit import Edit
from leadlane.service.quarterly.past_period import PastPeriod
from leadlane.service.quarterly.quarter import Item, Quarterly, Tried, as_json
from leadlane.store.review_verdicts import keep_review

BEGIN, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
ALL = Estimate(240.0, 240.0, 240.0, 1000)
PAST = PastPeriod(
    leads=1000,
    looked_at=1000,
    left_out=0,
    changed=ALL,
    hands=ALL,
    turns=0,
    moved=[],
    pairs=[("emil", "clara", 240)],
    people=[("emil", 300, 60)],
    sooner=0,
    later=0,
    examples=[],
)
FINDING = Finding(
    "segment:cee:dach",
    "segment",
    "cee does better with dach",
    ["Leads of cee are won more often by dach."],
    0.97,
    240,
    Estimate(0.12, 0.05, 0.19, 240),
    proposal=Proposal("Give cee to dach", policy=[Edit("set", ("segments", "cee", "team"), "dach")]),
)
ITEMS = [
    Item(FINDING, Tried(["segment cee: team cee → dach"], ["-cee", "+dach"], "policy: x", None, past=PAST)),
    Item(Finding("source:fair", "source", "fair is poor", [], 0.99, 30), None),
]


@pytest.fixture
def review(served: Any) -> None:
    made = Quarterly("2026Q1", BEGIN, END, END, "v1", "EUR", 1000, 600, 120, ITEMS, ["no forecast"], [])
    with served.app.pool.connection() as connection:
        keep_review(connection, "2026Q1", "en", as_json(made), END)


def test_a_review_is_listed_and_told(api: httpx2.Client, review: None) -> None:
    assert [one["period"] for one in api.get("/v1/reviews").json()["reviews"]] == ["2026Q1"]
    found = api.get("/v1/reviews/2026Q1").json()
    assert (found["leads"], found["won"], found["cannot"]) == (1000, 120, ["no forecast"])
    first, second = found["findings"]
    assert first["effect"] == {"value": 0.12, "low": 0.05, "high": 0.19, "count": 240}
    assert first["proposal"]["diff"] == ["-cee", "+dach"]
    assert first["proposal"]["policy"] == "policy: x"
    assert first["proposal"]["past"]["people"] == [{"person": "emil", "before": 300, "after": 60}]
    assert (second["proposal"], second["verdict"], second["folded"]) == (None, None, False)


def test_what_is_decided_is_remembered(api: httpx2.Client, review: None) -> None:
    said = {"finding": FINDING.key, "verdict": "dismissed", "reason": "they hire in Prague"}
    answer = api.post("/v1/reviews/2026Q1/verdicts", json=said)
    assert answer.status_code == 200
    assert answer.json()["folded"] is True
    verdict = api.get("/v1/reviews/2026Q1").json()["findings"][0]["verdict"]
    assert (verdict["verdict"], verdict["reason"]) == ("dismissed", "they hire in Prague")
    api.post("/v1/reviews/2026Q1/verdicts", json={"finding": FINDING.key, "verdict": "reopened"})
    assert api.get("/v1/reviews/2026Q1").json()["findings"][0]["verdict"] is None


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"finding": FINDING.key, "verdict": "dismissed"}, "reason"),
        ({"finding": FINDING.key, "verdict": "maybe"}, "verdict"),
        ({"finding": "segment:gone", "verdict": "accepted"}, "finding"),
        ({"finding": FINDING.key, "verdict": "dismissed", "reason": "x" * 1001}, "reason"),
    ],
)
def test_what_cannot_be_decided_is_refused(
    api: httpx2.Client, review: None, said: dict[str, str], field: str
) -> None:
    answer = api.post("/v1/reviews/2026Q1/verdicts", json=said)
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["errors"]] == [field]
    assert api.get("/v1/reviews/2026Q1").json()["findings"][0]["verdict"] is None


def test_of_a_quarter_without_review_it_is_said_how_one_is_made(api: httpx2.Client) -> None:
    for answer in (
        api.get("/v1/reviews/2025Q4"),
        api.post("/v1/reviews/2025Q4/verdicts", json={"finding": "x", "verdict": "accepted"}),
    ):
        assert answer.status_code == 404
        assert "leadlane review --period" in answer.json()["detail"]


@pytest.mark.parametrize("verdict", ["accepted", "edited"])
def test_what_proposes_nothing_cannot_be_accepted(api: httpx2.Client, review: None, verdict: str) -> None:
    answer = api.post("/v1/reviews/2026Q1/verdicts", json={"finding": "source:fair", "verdict": verdict})
    assert answer.status_code == 422
    assert "nothing to accept" in answer.json()["errors"][0]["reason"]
    assert api.get("/v1/reviews/2026Q1").json()["findings"][1]["verdict"] is None
