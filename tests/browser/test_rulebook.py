"""Answers for everybody: whose it is, as one types; the rules, down to a route and its leads."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import expect


def test_whose_is_it_from_anywhere_and_as_one_types(see: Any, company: Any) -> None:
    seen = see("rep", "anna", site=company)
    page = seen.open("/rulebook")
    page.keyboard.press("/")
    page.keyboard.type("acme")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/whose\?q=acme$"))
    verdict = page.locator("#found .verdict").first
    expect(verdict).to_contain_text("Ask Boris Keller first")
    box = page.get_by_role("searchbox", name="A person, company, domain or phone number")
    expect(box).to_be_focused()
    page.keyboard.type(" maschinenbau")  # it goes on where the words end
    expect(box).to_have_value("acme maschinenbau")
    box.fill("nobody@new.example")
    expect(verdict).to_contain_text("Nobody here knows them yet.")
    expect(box).to_be_focused()  # the answer came, and the typing goes on
    expect(page).to_have_url(re.compile(r"q=nobody"))
    page.go_back()  # not through every pause in the typing
    expect(page).to_have_url(re.compile(r"/rulebook$"))
    page.go_forward()
    box.focus()
    box.fill("n")
    expect(page.locator("#found .empty")).to_be_visible()
    assert seen.violations() == []
    seen.check()


def test_from_the_rules_to_a_route_and_its_leads_by_keys(see: Any, company: Any) -> None:
    seen = see("rep", "anna", site=company)
    page = seen.open("/rulebook")
    page.get_by_role("link", name=re.compile("Routes")).first.click()
    expect(page.locator("#routes-title")).to_be_in_viewport()
    for _number in range(10):
        page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("hot-weak")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/leads/"))
    seen.check()


def test_the_rules_on_a_phone_without_scripts(see: Any, company: Any) -> None:
    seen = see("viewer", width=390, site=company, scripts=False)
    page = seen.open("/whose")
    page.get_by_role("searchbox", name="A person, company, domain or phone number").fill("acme")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("#found .verdict").first).to_contain_text("Ask Boris Keller first")
    page = seen.open("/rulebook/versions")
    page.get_by_role("link", name=re.compile("Version 1")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Rulebook")
