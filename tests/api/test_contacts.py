"""Contacts over HTTP: stored, replaced, listed, refused with reasons."""

from __future__ import annotations

from typing import Any

import httpx2

LENA = {
    "account": "acme",
    "first_name": "Lena",
    "last_name": "Holt",
    "email": "lena@gmail.com",
    "phone": "030 5550123",
    "mobile": "",
}


def test_a_contact_is_stored_in_place_of_what_was_there(served: Any) -> None:
    api = served.client("read", "write")
    first = api.put("/v1/contacts/c/1", json=LENA)
    assert (first.status_code, first.json()) == (200, {"id": "c/1", **LENA})
    before = served.sql("SELECT email_key, phone_key, xmin::text FROM contacts")
    assert before[0][:2] == ("lena@gmail.com", "+49305550123")
    # What was read can be sent back, and the same again changes nothing.
    assert api.put("/v1/contacts/c/1", json=first.json()).json() == first.json()
    assert served.sql("SELECT email_key, phone_key, xmin::text FROM contacts") == before
    assert api.put("/v1/contacts/c/1", json={"email": "lena@acme.example"}).json() == {
        "id": "c/1", "account": None, "first_name": "", "last_name": "", "email": "lena@acme.example",
        "phone": "", "mobile": "",
    }  # fmt: skip


def test_many_at_once_page_by_page(api: httpx2.Client) -> None:
    many = [{"id": f"c{number}", "email": f"p{number}@acme.example"} for number in range(5)]
    assert api.put("/v1/contacts", json={"contacts": many}).json() == {"stored": 5}
    first = api.get("/v1/contacts", params={"limit": 3}).json()
    second = api.get(first["next"]).json()
    assert [one["id"] for one in first["contacts"] + second["contacts"]] == ["c0", "c1", "c2", "c3", "c4"]
    assert second["next"] is None


def test_what_is_wrong_is_said_and_nothing_is_stored(api: httpx2.Client) -> None:
    bad = [{"id": "c1"}, {"id": "c1", "email": "nobody", "colour": "red"}]
    refused = api.put("/v1/contacts", json=bad)
    assert refused.status_code == 422
    assert {error["field"] for error in refused.json()["errors"]} == {
        "contacts[1].email",
        "contacts[1].colour",
    }
    unknown = api.put("/v1/contacts", json=[{"id": "c1"}, {"id": "c2", "account": "nowhere"}])
    assert unknown.status_code == 422
    assert "The account nowhere of the contact c2 is not known." in unknown.json()["detail"]
    assert api.get("/v1/contacts").json()["contacts"] == []
    assert api.get("/v1/contacts/c1").status_code == 404


def test_writing_takes_the_scope_for_it(served: Any) -> None:
    assert served.client("read").put("/v1/contacts/1", json={}).status_code == 403
