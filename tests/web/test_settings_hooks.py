"""Settings, Webhooks: a mapping is written with checks, its secret told once, what failed is mended."""

from __future__ import annotations

import json
import re

import httpx2
import pytest
from tests.web.conftest import Site, Visitor, text_of

HOOKS = "/settings/hooks"
MAPPING = """hook: own-form
signature: {scheme: header}
fields:
  email: contact.mail
  company: contact.firm
  source: {value: website}
"""


@pytest.fixture
def admin(site: Site) -> Visitor:
    return site.sign_in("admin")


def made(admin: Visitor, text: str = MAPPING) -> tuple[str, str]:
    """The address and the secret of a new webhook."""
    answer = admin.submit(f"{HOOKS}/new", seen=f"{HOOKS}/new", text=text, do="save")
    assert answer.status_code == 200, text_of(answer)
    address = re.search(r'value="(http[^"]+/v1/hooks/[^"]+)"', answer.text)
    secret = re.search(r'id="f-secret"[^>]* value="([^"]+)"', answer.text)
    assert address is not None
    assert secret is not None
    return address[1], secret[1]


def test_from_an_example_to_a_lead(site: Site, admin: Visitor) -> None:
    assert "form_response.answers" in admin.text(f"{HOOKS}/new?example=typeform")
    address, secret = made(admin)
    assert secret not in admin.get(f"{HOOKS}/own-form").text
    sent = {"contact": {"mail": "ada@northwind.example", "firm": "Northwind"}}
    answer = httpx2.post(address, json=sent, headers={"x-hook-secret": secret})
    assert answer.json()["state"] == "routed"
    (lead,) = answer.json()["leads"]
    text = admin.text(f"{HOOKS}/own-form")
    assert "1 lead" in text
    assert "Routed" in text
    number = answer.json()["delivery"]
    assert lead in admin.text(f"/settings/deliveries/{number}")
    assert "own-form" in admin.text(HOOKS)


def test_mistakes_are_told_with_their_lines_and_nothing_is_stored(site: Site, admin: Visitor) -> None:
    new = f"{HOOKS}/new"
    bad = MAPPING.replace("scheme: header", "scheme: headr").replace("email", "e_mail")
    answer = admin.submit(new, seen=new, text=bad.replace("\n", "\r\n"), do="save")
    assert answer.status_code == 422
    assert "line 2" in text_of(answer)
    assert "headr" in answer.text
    answer = admin.submit(new, seen=new, text="<script>no</script>", do="save")
    assert answer.status_code == 422
    assert "<script>no" not in answer.text
    # What signs with a secret of its own needs it.
    typeform = MAPPING.replace("header", "typeform")
    answer = admin.submit(new, seen=new, text=typeform, do="save")
    assert answer.status_code == 422
    assert "Paste the secret" in text_of(answer)
    assert site.sql("SELECT count(*) FROM hooks") == [(0,)]


def test_a_sample_is_tried_without_being_stored(site: Site, admin: Visitor) -> None:
    new = f"{HOOKS}/new"
    sample = json.dumps({"contact": {"mail": "<b>ada@x.example"}, "note": "hello"})
    form = {"text": MAPPING, "sample": sample, "kind": "application/json", "do": "check"}
    answer = admin.submit(new, seen=new, **form)
    assert answer.status_code == 200
    assert "The mapping is fine." in text_of(answer)
    assert "&lt;b&gt;ada@x.example" in answer.text
    assert "kept: note" in text_of(answer)
    answer = admin.submit(new, seen=new, **{**form, "sample": "{"})
    assert "not" in text_of(answer)
    assert site.sql("SELECT count(*) FROM hooks") == [(0,)]


def test_what_failed_is_mended_and_routed_again(site: Site, admin: Visitor) -> None:
    address, secret = made(admin)
    sent = {"person": {"address": "ada@northwind.example"}, "x": "<script>alert(1)</script>"}
    answer = httpx2.post(address, json=sent, headers={"x-hook-secret": secret})
    number = answer.json()["delivery"]
    assert answer.json()["state"] == "failed"
    page = f"/settings/deliveries/{number}"
    shown = admin.get(page)
    assert "&lt;script&gt;alert(1)" in shown.text
    assert "1 failed" in admin.text(HOOKS)
    assert f"/settings/deliveries/{number}" in admin.get(f"{HOOKS}/own-form?state=failed").text
    # Again without mending changes nothing.
    admin.submit(f"{page}/again", seen=page)
    assert "It still cannot be routed." in admin.text(page)
    mapping = f"{HOOKS}/own-form/mapping"
    assert "person" in admin.text(f"{mapping}?delivery={number}")
    mended = MAPPING.replace("contact.mail", "person.address")
    assert admin.submit(mapping, seen=mapping, text=mended, do="save").status_code == 303
    assert admin.submit(f"{HOOKS}/own-form/again", seen=page).status_code == 303
    assert site.sql("SELECT state FROM hook_deliveries") == [("routed",)]


def test_a_webhook_keeps_its_name(site: Site, admin: Visitor) -> None:
    made(admin)
    mapping, new = f"{HOOKS}/own-form/mapping", f"{HOOKS}/new"
    other = MAPPING.replace("own-form", "other")
    answer = admin.submit(mapping, seen=mapping, text=other, do="save")
    assert answer.status_code == 422
    assert "leave" in text_of(answer)
    answer = admin.submit(new, seen=new, text=MAPPING, do="save")
    assert answer.status_code == 422
    assert "already" in text_of(answer)
    assert site.sql("SELECT name FROM hooks") == [("own-form",)]
    assert admin.get(f"{HOOKS}/none").status_code == 404
    assert admin.get("/settings/deliveries/99999999999999999999").status_code == 404
