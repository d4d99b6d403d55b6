"""Looking at leads: one, its decision and timeline, and lists page by page."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx2
import pytest

DEMO = {"email": "jo@northwind.example", "country": "DE", "employees": 1200, "industry": "fintech"}


def send(api: httpx2.Client, **lead: Any) -> dict[str, Any]:
    """Routes a lead; the answer."""
    response = api.post("/v1/leads", json=lead)
    assert response.status_code in (200, 201), response.text
    answer: dict[str, Any] = response.json()
    return answer


def test_a_lead_as_it_stands(api: httpx2.Client) -> None:
    answer = send(api, **DEMO, id="7", signals=["demo_request"])
    lead = api.get("/v1/leads/7").json()
    assert {name: lead[name] for name in ("id", "owner", "stage", "route", "respond_by", "next_step")} == {
        name: answer[name] for name in ("id", "owner", "stage", "route", "respond_by", "next_step")
    }
    assert [{**one, "stated": False} for one in lead["signals"]] == answer["lead"]["signals"]
    assert (lead["intent"], lead["fit"], lead["segment"]) == ("high", "strong", "enterprise-dach")


@pytest.mark.parametrize("id_", ["a/b", "a b", "ä?#%", "..", "x:batch", "decision"])
def test_ids_of_any_shape(api: httpx2.Client, id_: str) -> None:
    send(api, **DEMO, id=id_)
    path = "/v1/leads/" + quote(id_, safe="").replace(".", "%2E")
    assert api.get(path).json()["id"] == id_
    assert api.get(path + "/decision").json()["lead"] == id_
    assert api.get(path + "/timeline").json()["lead"] == id_


def test_a_lead_that_was_merged_is_found_under_both_ids(api: httpx2.Client) -> None:
    send(api, **DEMO, id="one")
    send(api, **DEMO, id="two")
    assert api.get("/v1/leads/two").json()["id"] == "one"
    assert api.get("/v1/leads/two/timeline").json()["lead"] == "one"
    assert api.get("/v1/leads/two/decision").json()["lead"] == "one"


@pytest.mark.parametrize("path", ["", "/decision", "/decision?words=1", "/timeline"])
def test_no_such_lead(api: httpx2.Client, path: str) -> None:
    response = api.get("/v1/leads/nobody" + path)
    assert response.status_code == 404
    assert response.json()["type"] == "urn:leadlane:problem:not_found"


def test_a_decision_with_every_step_and_in_words(api: httpx2.Client) -> None:
    answer = send(api, **DEMO, id="7", signals=["demo_request"])
    plain = api.get("/v1/leads/7/decision").json()
    assert plain["decision"] == answer["decision"]
    assert plain["arrival"] == answer["lead"]
    assert plain["outcome"] == "placed"
    assert "words" not in plain
    words = api.get("/v1/leads/7/decision?words=1").json()["words"]
    assert "Anna Nowak has this lead" in words["summary"]
    assert {"known", "fit", "route", "pool:senior-ae", "promise"} <= {
        section["key"] for section in words["sections"]
    }


def test_the_timeline(api: httpx2.Client) -> None:
    send(api, **DEMO, id="7", signals=["content_download"])
    api.post("/v1/signals", json={"lead": "7", "name": "demo_request"})
    events = [event["event"] for event in api.get("/v1/leads/7/timeline").json()["events"]]
    assert events == ["arrived", "nurture", "signal", "assigned"]


def test_pages_are_complete_and_without_gaps(api: httpx2.Client) -> None:
    rows = [
        {"id": f"{n:03}", "email": f"p{n}@c{n}.example", "arrived_at": f"2026-03-0{n % 3 + 1}"}
        for n in range(100)
    ]
    api.post("/v1/leads:batch", json=rows)
    seen: list[str] = []
    path, pages = "/v1/leads?limit=7", 0
    while path:
        response = api.get(path)
        page = response.json()
        assert len(page["leads"]) <= 7
        assert ("link" in response.headers) == (page["next"] is not None)
        seen += [lead["id"] for lead in page["leads"]]
        path, pages = page["next"], pages + 1
        if pages == 3:
            # What comes in meanwhile is newer, and disturbs no page that follows.
            send(api, email="new@comer.example")
    expected = sorted((row["id"] for row in rows), key=lambda id_: (int(id_) % 3, id_), reverse=True)
    assert seen == expected
    assert pages == 15


def test_a_last_page_that_is_just_full(api: httpx2.Client) -> None:
    for n in range(4):
        send(api, email=f"p{n}@c{n}.example")
    assert api.get("/v1/leads?limit=4").json()["next"] is None
    assert api.get("/v1/leads?limit=3").json()["next"] is not None


def test_filters(api: httpx2.Client) -> None:
    send(api, **DEMO, id="hot", signals=["demo_request"])
    send(api, id="cold", email="a@b.example", country="PL", signals=["content_download"])

    def found(query: str) -> list[str]:
        return [lead["id"] for lead in api.get("/v1/leads?" + query).json()["leads"]]

    assert found("owner=anna") == ["hot"]
    assert found("stage=nurture") == ["cold"]
    assert found("segment=cee&intent=low") == ["cold"]
    assert found("domain=northwind.example") == ["hot"]
    assert found("owner=anna&stage=nurture") == []
    assert api.get("/v1/leads?stage=nurture&limit=1").json()["next"] is None


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("colour=red", "colour"),
        ("stage=lost", "stage"),
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=many", "limit"),
        ("cursor=nonsense", "cursor"),
        ("cursor=WyJhIiwiYiJd", "cursor"),
        ("cursor=e30=", "cursor"),
    ],
)
def test_parameters_that_are_none(api: httpx2.Client, query: str, field: str) -> None:
    response = api.get("/v1/leads?" + query)
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]


@pytest.mark.parametrize(
    "path",
    ["/v1/leads/7?x=1", "/v1/leads/7/decision?x=1", "/v1/people?x=1", "/v1/teams?x=1", "/v1/policy?x=1"],
)
def test_an_unknown_parameter_is_refused_everywhere(api: httpx2.Client, path: str) -> None:
    assert api.get(path).json()["errors"][0]["reason"] == "there is no query parameter of this name"


@pytest.mark.parametrize("path", ["/v1/leads/a%00b", "/v1/leads?owner=a%00b", "/v1/people/%00"])
def test_a_nul_in_the_address(api: httpx2.Client, path: str) -> None:
    assert api.get(path).status_code == 400
