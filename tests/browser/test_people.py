"""What if somebody is away on Friday? Tried, entered and taken back; also without scripts."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import expect


def next_friday(site: Any) -> str:
    today = site.app.now().date()
    return (today + timedelta(days=(4 - today.weekday()) % 7 or 7)).isoformat()


@pytest.mark.parametrize("width", [1440, 390])
def test_what_if_somebody_is_away_on_friday(see: Any, own_company: Any, width: int) -> None:
    friday = next_friday(own_company)
    seen = see("admin", site=own_company, width=width)
    page = seen.open("/people")
    page.get_by_role("link", name="Emil Zielinski").click()
    expect(page.locator("h1")).to_have_text("Emil Zielinski")
    page.get_by_role("button", name="What if they were away?").click()
    page.get_by_label("From").fill(friday)
    page.get_by_role("button", name="Try").click()
    trial = page.locator(".trial")
    expect(trial).to_contain_text("If Emil Zielinski were away")
    expect(trial).to_contain_text("Clara Meyer")
    expect(page.locator("td.changed").first).to_be_visible()
    assert seen.violations() == []
    page.get_by_role("button", name="Enter this absence").click()
    dialog = page.locator("dialog#dialog")
    expect(dialog.get_by_label("From")).to_have_value(friday)
    dialog.get_by_label("Until").fill("2020-01-01")
    dialog.locator("form").evaluate("form => form.noValidate = true")
    dialog.get_by_role("button", name="Enter the absence").click()
    expect(dialog.locator(".field-problem")).to_contain_text("in the past")
    dialog.get_by_label("Until").fill(friday)
    dialog.get_by_label("Reason").fill("Wedding")
    dialog.get_by_role("button", name="Enter the absence").click()
    expect(page).to_have_url(re.compile("/people/emil"))
    expect(page.locator("#absences")).to_contain_text("Wedding · Clara Meyer covers")
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(page.locator("#absences")).to_contain_text("No absence is entered.")
    # The browser tells of the form that was sent back.
    seen.problems[:] = [one for one in seen.problems if "422" not in one]
    seen.check()


def test_an_absence_without_scripts(see: Any, own_company: Any) -> None:
    seen = see("rep", "anna", site=own_company, scripts=False)
    page, friday = seen.page, next_friday(own_company)
    page.goto(own_company.url + "/people/anna")
    page.get_by_role("button", name="Add an absence").click()
    page.get_by_label("From").fill(friday)
    page.get_by_label("Until").fill(friday)
    page.get_by_role("button", name="Enter the absence").click()
    expect(page.locator(".toast")).to_contain_text("is entered")
    page.get_by_role("button", name="Take back").click()
    expect(page.locator(".toast")).to_contain_text("is ended")
