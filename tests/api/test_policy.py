"""The rules over HTTP: shown, checked, put in force, refused with line and column."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

YAML = {"content-type": "application/yaml"}


def test_the_policy_in_force(api: httpx2.Client) -> None:
    shown = api.get("/v1/policy").json()
    assert (shown["number"], shown["name"], shown["published_by"], shown["comment"]) == (
        1,
        "Reference",
        "test",
        "first",
    )
    text = api.get("/v1/policy", headers={"accept": "application/yaml"})
    assert text.headers["content-type"].startswith("application/yaml")
    assert text.text == shown["source"]


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_publishing_changes_what_happens_to_the_next_lead(api: httpx2.Client, form: str) -> None:
    source = api.get("/v1/policy").json()["source"].replace("program: nurture}", "review: revops}")
    if form == "yaml":
        response = api.post("/v1/policy?comment=look+at+all", content=source.encode(), headers=YAML)
    else:
        response = api.post("/v1/policy", json={"source": source, "comment": "look at all"})
    assert response.status_code == 201
    published = response.json()
    assert (published["number"], published["comment"], published["published_by"]) == (
        2,
        "look at all",
        "test admin",
    )
    assert api.post("/v1/leads", json={"email": "a@b.example"}).json()["stage"] == "review"
    again = api.post("/v1/policy", json={"source": source})
    assert (again.status_code, again.json()["number"]) == (200, 2)


def test_a_policy_with_errors_is_refused_with_every_place(api: httpx2.Client) -> None:
    before = api.get("/v1/policy").json()
    source = (
        before["source"]
        .replace("pool: senior-ae}", "pool: senior-ea}", 1)
        .replace("currency: EUR", "curency: EUR")
    )
    response = api.post("/v1/policy", content=source.encode(), headers=YAML)
    assert response.status_code == 422
    errors = response.json()["errors"]
    assert {(error["line"], error["suggestion"]) for error in errors} == {
        (4, "currency"),
        (source[: source.index("senior-ea")].count("\n") + 1, "senior-ae"),
    }
    assert all(error["column"] > 0 for error in errors)
    assert api.get("/v1/policy").json() == before


@pytest.mark.parametrize(
    "source", ["", "a: [", "a: b: c", "- 1", "\t", "a: &a [*a]", "policy: x\npolicy: y", "x\x01y"]
)
def test_text_that_is_no_policy(api: httpx2.Client, source: str) -> None:
    refused = api.post("/v1/policy", content=source.encode(), headers=YAML)
    assert refused.status_code == 422
    assert refused.json()["errors"]
    checked = api.post("/v1/policy:check", content=source.encode(), headers=YAML).json()
    assert not checked["ok"]
    assert checked["errors"] == refused.json()["errors"]


def test_checking_changes_nothing_and_tells_what_is_suspicious(api: httpx2.Client) -> None:
    before = api.get("/v1/policy").json()
    source = before["source"].replace("{role: revops}", "{role: nobody-has-this}")
    checked = api.post("/v1/policy:check", json={"source": source}).json()
    assert checked["version"] not in (None, before["version"])
    assert any(
        warning["field"].startswith("pools.revops") for warning in checked["warnings"] + checked["errors"]
    )
    assert api.get("/v1/policy").json() == before


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[]", 422),
        (b'{"source": 7}', 422),
        (b'{"source": "x", "more": 1}', 422),
        (b'{"source": "x", "comment": 7}', 422),
        (b"{", 400),
    ],
)
def test_json_that_brings_no_policy(api: httpx2.Client, body: bytes, status: int) -> None:
    headers = {"content-type": "application/json"}
    assert api.post("/v1/policy", content=body, headers=headers).status_code == status


def test_bytes_that_are_no_text(api: httpx2.Client) -> None:
    assert api.post("/v1/policy", content=b"policy: \xff", headers=YAML).status_code == 400
    assert (
        api.post("/v1/policy", content=b"policy: x", headers={"content-type": "text/csv"}).status_code == 415
    )


def test_without_a_policy(serve: Any) -> None:
    served = serve(reference=False)
    response = served.client("read").get("/v1/policy")
    assert response.status_code == 404
