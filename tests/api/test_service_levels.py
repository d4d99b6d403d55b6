"""`GET /v1/reports/service-levels`: how promises were kept, over HTTP."""

from __future__ import annotations

import csv
from io import StringIO
from typing import Any

import httpx2
import pytest

from leadlane.service.reporting.reports import KINDS, columns

ADDRESS = "/v1/reports/service-levels"


@pytest.fixture
def api(served: Any) -> httpx2.Client:
    """A lead whose promise ended an hour ago, unanswered."""
    client: httpx2.Client = served.client("admin")
    sent = {"id": "7", "email": "jo@kiosk.example", "source": "fair", "signals": ["demo_request"]}
    client.post("/v1/leads", json=sent).raise_for_status()
    client.post("/v1/leads/7/reassign", json={"by": "olga", "to": "anna"}).raise_for_status()
    served.sql(
        "UPDATE leads SET arrived_at = now() - interval '2 hours', held_since = now() - interval '2 hours',"
        " respond_by = now() - interval '1 hour', service_level = 'demo'"
    )
    return client


def test_the_report(api: httpx2.Client) -> None:
    report = api.get(ADDRESS).json()
    assert (report["all"]["promises"], report["all"]["missed"]) == (1, 1)
    (anna,) = report["groups"]
    assert (anna["by"], anna["value"], anna["name"]) == ("person", "anna", "Anna Nowak")
    assert anna["share_low"] == anna["share_kept"] == 0 < anna["share_high"] < 1
    assert (anna["is_small"], anna["response_minutes"]) == (True, None)
    assert (report["compared"], report["beyond_chance"]) == (0, [])
    assert [one["missed"] for one in report["weeks"]] == [1]
    assert api.get(ADDRESS, params={"team": "south"}).json()["groups"] == []
    assert api.get(ADDRESS, params={"period": "2020Q1"}).json()["all"]["share_kept"] is None


def test_as_csv(api: httpx2.Client) -> None:
    response = api.get(ADDRESS, params={"by": "source", "format": "csv"})
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    (row,) = csv.DictReader(StringIO(response.text))
    assert tuple(row) == tuple(columns(KINDS["service-levels"]))
    assert (row["value"], row["missed"]) == ("fair", "1")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("period=soon", "period"),
        ("since=2026-02-02&until=2026-02-01", "until"),
        ("since=2999-01-01", "since"),
        ("by=colour", "by"),
        ("team=nobody", "team"),
        ("format=xml", "format"),
        ("who=x", "who"),
    ],
)
def test_what_is_wrong_with_a_query(api: httpx2.Client, query: str, field: str) -> None:
    response = api.get(f"{ADDRESS}?{query}")
    assert response.status_code == 422
    assert [one["field"] for one in response.json()["errors"]] == [field]
