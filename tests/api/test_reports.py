"""`GET /v1/reports/duplicates`: the duplicate contact rate over HTTP."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest


@pytest.fixture
def api(served: Any) -> httpx2.Client:
    """A lead that two people have called."""
    client: httpx2.Client = served.client("admin")
    sent = {"id": "7", "email": "jo@kiosk.example", "source": "fair", "signals": ["demo_request"]}
    client.post("/v1/leads", json=sent).raise_for_status()
    for person in ("anna", "boris"):
        client.post("/v1/leads/7/touch", json={"by": person, "kind": "call"}).raise_for_status()
    return client


def test_the_report(api: httpx2.Client) -> None:
    report = api.get("/v1/reports/duplicates").json()
    assert (report["prospects"]["touched"], report["prospects"]["twice"]) == (1, 1)
    assert report["prospects"]["low"] < report["prospects"]["share"] == 1
    assert [one["name"] for one in report["by_source"]] == ["fair"]
    (twice,) = report["contacted_twice"]
    assert (twice["lead"], [one["person"] for one in twice["people"]]) == ("7", ["anna", "boris"])
    assert api.get("/v1/reports/duplicates?limit=0").json()["contacted_twice"] == []


def test_a_period(api: httpx2.Client) -> None:
    report = api.get("/v1/reports/duplicates?until=2020-01-01").json()
    # Dates are days in the time zone of the policy.
    assert report["until"] == "2020-01-01T23:00:00Z"
    assert (report["prospects"]["touched"], report["prospects"]["share"]) == (0, None)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("since=soon", "since"),
        ("since=2026-02-02&until=2026-02-01", "until"),
        ("limit=-1", "limit"),
        ("by=x", "by"),
    ],
)
def test_what_is_wrong_with_a_query(api: httpx2.Client, query: str, field: str) -> None:
    response = api.get(f"/v1/reports/duplicates?{query}")
    assert response.status_code == 422
    assert [one["field"] for one in response.json()["errors"]] == [field]
