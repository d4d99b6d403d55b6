"""Alive, ready, measured."""

from __future__ import annotations

from typing import Any

import httpx2


def test_a_server_that_is_ready(served: Any) -> None:
    assert httpx2.get(served.url + "/healthz").json() == {"status": "ok"}
    ready = httpx2.get(served.url + "/readyz")
    assert (ready.status_code, ready.json()) == (200, {"ready": True, "reasons": []})


def test_a_server_without_rules_says_so(serve: Any) -> None:
    served = serve(reference=False)
    response = httpx2.get(served.url + "/readyz")
    assert response.status_code == 503
    assert response.json() == {"ready": False, "reasons": ["No policy is in force yet."]}
    assert httpx2.get(served.url + "/healthz").status_code == 200


def test_a_server_whose_database_is_of_another_version_says_so(served: Any) -> None:
    served.sql("UPDATE alembic_version SET version_num = '0000'")
    response = httpx2.get(served.url + "/readyz")
    assert response.status_code == 503
    assert "leadlane db upgrade" in response.json()["reasons"][0]


def test_a_server_whose_database_has_gone_says_so_and_refuses_politely(served: Any) -> None:
    api = served.client("intake")
    assert api.post("/v1/leads", json={"email": "a@b.example"}).status_code == 201
    served.app.pool.close()
    response = httpx2.get(served.url + "/readyz")
    assert response.status_code == 503
    assert response.json()["reasons"] == ["The database cannot be reached."]


def test_metrics_count_requests_by_route_and_leads_by_outcome(served: Any) -> None:
    api = served.client("intake", "read")
    for _time in range(2):
        api.post("/v1/leads", json={"id": "7", "email": "a@b.example"})
    api.get("/v1/leads/7")
    text = httpx2.get(served.url + "/metrics").text
    assert 'leadlane_requests_total{route="/v1/leads",status="201"}' in text
    assert 'leadlane_requests_total{route="/v1/leads/{lead_id:path}",status="200"}' in text
    assert 'leadlane_decisions_total{status="created"}' in text
    assert "leadlane_request_seconds_bucket" in text
