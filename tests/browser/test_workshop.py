"""A policy is changed in the editor: suggested, checked as one types, tried on past leads, published."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect
from tests.service.conftest import POLICY

from leadlane.service.publish import publish
from leadlane.store import workshop

LINE = POLICY.splitlines().index("  strong_at: 60") + 1

STORY = """\
scenario: Told
start: 2026-03-02T10:00+01:00
steps:
  - lead: {id: L1, email: jo@firm.example, signals: [demo_request]}
    expect: {L1: {route: vip}}
"""


@pytest.mark.parametrize("width", [1440, 390])
def test_an_admin_changes_a_rule_and_publishes_it(see: Any, own_company: Any, width: int) -> None:
    seen = see("admin", "anna", width=width, site=own_company)
    page = seen.open("/workshop")
    editor = page.get_by_role("textbox", name="Policy, as YAML")
    editor.click()
    page.keyboard.press("Control+Home")
    for _line in range(LINE - 1):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("End")
    # A slip is told with its line, and what was meant.
    page.keyboard.type("x")
    problem = page.get_by_role("link", name=re.compile(f"line {LINE} "))
    expect(problem).to_be_visible()
    # A click leads to the place.
    page.keyboard.press("Control+End")
    problem.click()
    expect(editor).to_be_focused()
    page.keyboard.press("End")
    for _letter in range(3):
        page.keyboard.press("Backspace")
    page.keyboard.type("30")
    expect(page.get_by_text("strong from 60 → 30")).to_be_visible()
    # Keys are suggested by what may stand there.
    page.keyboard.press("Enter")
    page.keyboard.type("poi")
    expect(page.get_by_role("option", name="points")).to_be_visible()
    page.keyboard.press("Escape")
    for _letter in range(5):  # an indent is one
        page.keyboard.press("Backspace")
    expect(page.locator("#f-text")).to_have_value(re.compile("strong_at: 30\n  points"))
    expect(page.get_by_text("strong from 60 → 30")).to_be_visible()
    # Looked at before it is published.
    page.get_by_role("link", name="Past leads").click()
    page.get_by_role("button", name="Decide again").click()
    expect(page.get_by_text("would have been decided differently.")).to_be_visible(timeout=30_000)
    page.get_by_role("link", name="Draft", exact=True).click()
    page.get_by_role("button", name="Publish …").click()
    page.get_by_label("Why?").fill("Fit counts more")
    page.get_by_role("button", name="Put it in force").click()
    expect(page.get_by_role("heading", name="Version 2")).to_be_visible()
    assert seen.violations() == []
    seen.check()


def test_a_scenario_that_fails_says_where(see: Any, own_company: Any) -> None:
    seen = see("admin", "anna", width=390, site=own_company)
    page = seen.open("/workshop/scenarios")
    page.get_by_role("button", name="Make a first one").click()
    page.get_by_role("link", name="first.yaml").click()
    # Until the editor is there, it is a text field.
    expect(page.locator("#f-text")).to_be_hidden()
    page.get_by_role("textbox", name="Scenario, as YAML").click()
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    page.keyboard.insert_text(STORY)  # as pasted
    page.get_by_role("button", name="Keep").click()
    page.get_by_role("link", name="Scenarios").click()
    page.get_by_role("button", name="Run them all").click()
    expect(page.get_by_text("1 scenario does not come true.")).to_be_visible(timeout=30_000)
    page.get_by_role("link", name="Told").click()
    expect(page.get_by_role("link", name=re.compile("line 5 .*route of L1"))).to_be_visible()
    assert seen.violations() == []
    seen.check()


def test_the_editor_is_a_text_field_without_scripts(see: Any, own_company: Any) -> None:
    seen = see("admin", "anna", scripts=False, site=own_company)
    page = seen.open("/workshop")
    page.get_by_label("Policy, as YAML").fill(POLICY.replace("strong_at: 60", "strong_at: 30"))
    page.get_by_role("button", name="Keep and check").click()
    expect(page.get_by_text("strong from 60 → 30")).to_be_visible()


def test_another_publishes_while_one_types(see: Any, own_company: Any) -> None:
    seen = see("admin", "anna", site=own_company)
    page = seen.open("/workshop")
    page.get_by_role("textbox", name="Policy, as YAML").click()
    page.keyboard.press("Control+Home")
    page.keyboard.type("# mine\n")
    expect(page.get_by_text("Your draft, kept")).to_be_visible()
    with own_company.app.pool.connection() as connection:
        text = POLICY.replace("strong_at: 60", "strong_at: 40")
        publish(connection, text, "policy.yaml", "boris", "Softer", own_company.app.now())
    expect(page.get_by_text("A version was published since you began.")).to_be_visible(timeout=10_000)
    expect(page.get_by_text("strong from 60 → 40")).to_be_visible()


def test_what_was_typed_outlives_the_session(see: Any, own_company: Any) -> None:
    seen = see("admin", "anna", site=own_company)
    page = seen.open("/workshop")
    cookies = page.context.cookies()
    page.get_by_role("textbox", name="Policy, as YAML").click()
    page.context.clear_cookies()
    page.keyboard.press("Control+Home")
    page.keyboard.insert_text("# A word that was typed too late\n")
    page.wait_for_url(re.compile("/sign-in"))
    page.context.add_cookies(cookies)
    page.goto(page.url.replace("/sign-in?next=", ""))
    expect(page.locator("#f-text")).to_have_value(re.compile("^# A word that was typed too late\n"))
    expect(page.get_by_text("Your draft, kept")).to_be_visible()


def test_a_scenario_that_is_sent_when_the_session_has_ended_is_not_lost(see: Any, own_company: Any) -> None:
    with own_company.app.pool.connection() as connection:
        workshop.keep_scenario(connection, "mine.yaml", "name: as kept\n", "anna", own_company.app.now())
    seen = see("admin", "anna", site=own_company)
    page = seen.open("/workshop/scenarios/mine.yaml")
    cookies = page.context.cookies()
    page.get_by_role("textbox", name="Scenario, as YAML").click()
    page.keyboard.press("Control+Home")
    page.keyboard.insert_text("# A word that was typed too late\n")
    page.context.clear_cookies()
    page.get_by_role("button", name="Keep").click()
    page.wait_for_url(re.compile("/sign-in"))
    page.context.add_cookies(cookies)
    page.evaluate("location.href = new URLSearchParams(location.search).get('next')")
    page.wait_for_url(re.compile("/workshop/scenarios/mine.yaml$"))
    typed = "# A word that was typed too late\nname: as kept\n"
    expect(page.locator("#f-text")).to_have_value(typed)
    page.get_by_role("button", name="Keep").click()
    expect(page.locator(".toast", has_text="Kept.")).to_be_visible()
    # What is kept since then is not written over by what was sent once.
    with own_company.app.pool.connection() as connection:
        workshop.keep_scenario(connection, "mine.yaml", "name: since\n", "anna", own_company.app.now())
    page.reload()
    expect(page.locator("#f-text")).to_have_value("name: since\n")
