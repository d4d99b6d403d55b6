"""`GET /v1/ownership` and `/v1/territories`: answers, parameters, and refusals that say what is wrong."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

JANE = {
    "id": "L1",
    "email": "jane.doe@northwind.example",
    "first_name": "Jane",
    "last_name": "Doe",
    "company": "Northwind",
    "country": "DE",
    "employees": 1200,
    "industry": "fintech",
    "signals": ["demo_request"],
}


def asked(api: httpx2.Client, **params: Any) -> Any:
    response = api.get("/v1/ownership", params=params)
    assert response.status_code == 200, response.text
    assert "etag" not in response.headers
    return response.json()


def test_a_prospect_by_each_parameter(api: httpx2.Client) -> None:
    owner = api.post("/v1/leads", json=JANE).json()["owner"]
    for params in ({"q": "jane d"}, {"q": "L1"}, {"email": JANE["email"]}, {"domain": "northwind.example"}):
        (one,) = asked(api, **params)["prospects"]
        assert one["owner"]["id"] == owner
        assert one["may_contact"]["answer"] == "ask"
        assert one["may_contact"]["ask"]["id"] == owner
    (one,) = asked(api, company="North", **{"for": owner})["prospects"]
    assert one["may_contact"]["answer"] == "yes"


def test_somebody_unknown_with_facts(api: httpx2.Client) -> None:
    params = {"email": "a@new.example", "country": "Austria", "field": ["employees=2000", "industry=banking"]}
    answer = asked(api, **params)
    assert answer["prospects"] == []
    assert answer["what_if"]["territory"]["segment"] == "enterprise-dach"
    assert answer["what_if"]["may_contact"]["because"] == "unknown"


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({}, "q"),
        ({"q": ""}, "q"),
        ({"q": "x"}, "q"),
        ({"q": "x" * 10_000}, "q"),
        ({"email": "jane"}, "email"),
        ({"domain": "no domain"}, "domain"),
        ({"phone": "call me"}, "phone"),
        ({"q": "jane", "for": "nobody"}, "for"),
        ({"q": "jane", "country": "Atlantis"}, "country"),
        ({"q": "jane", "field": "employees"}, "field"),
        ({"q": "jane", "field": "employes=7"}, "employes"),
        ({"q": "jane", "limit": "1000"}, "limit"),
        ({"q": "jane", "colour": "red"}, "colour"),
    ],
)
def test_what_is_wrong_with_a_query(api: httpx2.Client, params: dict[str, str], field: str) -> None:
    response = api.get("/v1/ownership", params=params)
    assert response.status_code == 422
    (error,) = response.json()["errors"]
    assert error["field"] == field
    assert error["reason"]
    assert len(error["value"]) <= 100


def test_what_stands_there_twice_is_refused(api: httpx2.Client) -> None:
    response = api.get("/v1/ownership?q=acme&q=northwind&field=employees%3D7&field=industry%3Dbanking")
    assert response.status_code == 422
    (error,) = response.json()["errors"]
    assert error["field"] == "q"
    assert "twice" in error["reason"]


def test_a_nul_is_refused(api: httpx2.Client) -> None:
    response = api.get("/v1/ownership?q=a%00b")
    assert (response.status_code, response.json()["type"]) == (400, "urn:leadlane:problem:unreadable")


def test_only_a_key_that_may_read_is_told(served: Any) -> None:
    for scopes, status in ((("read",), 200), (("admin",), 200), (("intake",), 403), (("write",), 403)):
        for path in ("/v1/ownership?q=acme", "/v1/territories"):
            response = served.client(*scopes).get(path)
            assert response.status_code == status
            if status == 403:
                assert "Boris" not in response.text


def test_before_a_policy_is_in_force_it_is_not_ready(serve: Any) -> None:
    response = serve(reference=False).client("read").get("/v1/ownership?q=acme")
    assert response.status_code == 503


def test_the_territories(api: httpx2.Client) -> None:
    found = api.get("/v1/territories").json()["territories"]
    assert [one["segment"] for one in found] == ["enterprise-dach", "dach", "cee", "south", "rest"]
    assert found[1] == {
        "segment": "dach",
        "description": "",
        "team": "dach",
        "team_name": "DACH",
        "owner": {"id": "maria", "name": "Maria Hofer"},
    }
