"""People, teams and accounts over HTTP: stored, replaced, listed, refused with reasons."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

ANNA = {"name": "Anna", "role": "ae", "level": "senior", "timezone": "Europe/Berlin", "backup": "boris"}


def test_people_with_what_they_have_in_hand(api: httpx2.Client) -> None:
    lead = {"email": "jo@northwind.example", "country": "DE", "employees": 1200, "industry": "fintech"}
    api.post("/v1/leads", json={**lead, "signals": ["demo_request"]})
    people = {person["id"]: person for person in api.get("/v1/people").json()["people"]}
    assert list(people) == sorted(people)
    assert people["anna"]["load"] == {"open": 1, "today": 1}
    assert people["boris"]["load"] == {"open": 0, "today": 0}
    assert api.get("/v1/people/anna").json() == people["anna"]


def test_what_was_counted_on_another_day_is_not_of_today(served: Any) -> None:
    api = served.client("read")
    served.sql("UPDATE loads SET open = 3, today = 5, today_on = '2020-01-01' WHERE person = 'anna'")
    assert api.get("/v1/people/anna").json()["load"] == {"open": 3, "today": 0}


def test_a_person_is_stored_in_place_of_what_was_there(served: Any) -> None:
    api = served.client("read", "write")
    first = api.put("/v1/people/anna", json=ANNA)
    assert first.status_code == 200
    assert first.json() == {"id": "anna", **ANNA, "load": {"open": 0, "today": 0}}
    revision = served.sql("SELECT revision FROM roster_revision")
    # What was read can be sent back, and the same again changes nothing.
    assert api.put("/v1/people/anna", json=first.json()).json() == first.json()
    assert served.sql("SELECT revision FROM roster_revision") == revision


def test_a_new_person_receives_leads(api: httpx2.Client) -> None:
    new = {"role": "revops", "timezone": "Europe/Rome", "weight": 2}
    assert api.put("/v1/people/zoe", json=new).status_code == 200
    owners = {
        api.post("/v1/leads", json={"email": f"v{n}@w{n}.example", "referral": "vip"}).json()["owner"]
        for n in range(2)
    }
    assert owners == {"olga", "zoe"}


def test_many_at_once_all_or_none(api: httpx2.Client) -> None:
    good = {"id": "zoe", "timezone": "Europe/Rome", "backup": "yan"}
    bad = {"id": "yan", "timezone": "Mars/Olympus", "weight": -1, "max_open": "many"}
    response = api.put("/v1/people", json={"people": [good, bad]})
    assert response.status_code == 422
    fields = {error["field"] for error in response.json()["errors"]}
    assert fields == {"people[1].timezone", "people[1].weight", "people[1].max_open"}
    assert api.get("/v1/people/zoe").status_code == 404
    response = api.put(
        "/v1/people", json=[good, {**bad, "timezone": "Europe/Rome", "weight": 1, "max_open": 5}]
    )
    assert response.json() == {"stored": 2}
    assert api.get("/v1/people/zoe").json()["backup"] == "yan"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**ANNA, "backup": "nobody"}, "people.anna.backup"),
        ({**ANNA, "teams": ["nowhere"]}, "people.anna.teams[0]"),
        ({"name": "Anna"}, ""),
        ({**ANNA, "id": "other"}, "id"),
        ({**ANNA, "hours": {"mon": ["25:00-26:00"]}}, "hours"),
        ([], ""),
        ("anna", ""),
    ],
)
def test_a_person_that_is_refused(api: httpx2.Client, body: Any, field: str) -> None:
    before = api.get("/v1/people/anna").json()
    response = api.put("/v1/people/anna", json=body)
    assert response.status_code == 422
    assert field in {error["field"] for error in response.json()["errors"]}
    assert api.get("/v1/people/anna").json() == before


@pytest.mark.parametrize("id_", ["%20", "x" * 201, "a%01b%7f"])
def test_ids_that_nobody_can_have(api: httpx2.Client, id_: str) -> None:
    response = api.put(f"/v1/people/{id_}", json={"timezone": "Europe/Rome"})
    assert response.status_code == (400 if "%01" in id_ else 422)


def test_teams(api: httpx2.Client) -> None:
    assert api.put("/v1/teams/north", json={"name": "North", "manager": "maria"}).status_code == 200
    assert api.get("/v1/teams/north").json() == {"id": "north", "name": "North", "manager": "maria"}
    assert "north" in [team["id"] for team in api.get("/v1/teams").json()["teams"]]
    assert api.put("/v1/teams", json=[{"id": "north", "manager": "nobody"}]).status_code == 422
    assert api.put("/v1/teams", json=[{"id": "n"}, {"id": "n"}]).status_code == 422
    assert api.get("/v1/teams/nowhere").status_code == 404


def test_an_account_routes_its_leads(api: httpx2.Client) -> None:
    account = {"name": "Umbra", "domains": ["https://www.umbra.example/de"], "named": True, "owner": "clara"}
    stored = api.put("/v1/accounts/umbra", json=account)
    assert stored.json()["domains"] == ["umbra.example"]
    lead = api.post("/v1/leads", json={"email": "x@mail.umbra.example"}).json()
    assert (lead["owner"], lead["route"]) == ("clara", "named-account")
    assert api.put("/v1/accounts/umbra", json={**account, "owner": "dora"}).json()["owner"] == "dora"
    assert api.get("/v1/accounts/umbra").json()["owner"] == "dora"


def test_an_account_has_names_and_a_place(api: httpx2.Client) -> None:
    said = {"name": "Umbra GmbH", "aliases": ["Umbra Licht"], "city": "Ulm", "phone": "+49 731 5550123"}
    stored = api.put("/v1/accounts/umbra", json=said).json()
    assert {key: stored[key] for key in said} == said
    assert api.put("/v1/accounts/umbra", json=stored).json() == stored
    assert api.put("/v1/accounts/umbra", json={"name": "Umbra"}).json()["aliases"] == []


def test_accounts_that_are_refused(api: httpx2.Client) -> None:
    api.put("/v1/accounts/one", json={"domains": ["one.example"]})
    for body in (
        {"domains": ["one.example"]},
        {"owner": "nobody"},
        {"domains": ["no domain"]},
        {"country": "Atlantis"},
        {"named": "perhaps"},
        {"colour": "red"},
    ):
        assert api.put("/v1/accounts/two", json=body).status_code == 422, body
    assert api.get("/v1/accounts/two").status_code == 404


def test_pages_of_accounts(api: httpx2.Client) -> None:
    accounts = [{"id": f"{n:03}", "domains": [f"c{n}.example"]} for n in range(30)]
    assert api.put("/v1/accounts", json={"accounts": accounts}).json() == {"stored": 30}
    seen: list[str] = []
    path = "/v1/accounts?limit=7"
    while path:
        page = api.get(path).json()
        seen += [account["id"] for account in page["accounts"]]
        path = page["next"]
    assert seen == [*(account["id"] for account in accounts), "acme", "helix"]
    assert api.get("/v1/accounts?cursor=x").status_code == 422
