"""A reviewer goes through what waits by keys alone, and the same by hand without scripts on a phone."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect
from tests.web.test_now import arrive, place

JO = {"first_name": "Jo", "last_name": "Winterfeld", "country": "DE"}


@pytest.fixture
def waiting(own_company: Any) -> Any:
    """A company in which two leads wait: A may be one that is known, B is a person's to place."""
    nobody = "stage = 'nurture', destination = 'program:nurture', owner = NULL"
    own_company.sql(f"UPDATE leads SET {nobody} WHERE stage = 'review'")
    arrive(own_company, "known", email="jo@kiosk.example", **JO)
    arrive(own_company, "A", email="j.winterfeld@kiosk.example", **JO)
    arrive(own_company, "B", referral="vip", first_name="Vera", last_name="Vip")
    own_company.sql("UPDATE leads SET respond_by = now() + interval '1 hour' WHERE id = 'A'")
    own_company.sql("UPDATE leads SET respond_by = now() + interval '2 hours' WHERE id = 'B'")
    return own_company


def test_the_line_without_the_mouse(waiting: Any, see: Any) -> None:
    seen = see("manager", "olga", site=waiting)
    page = seen.open("/review")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/review/A")
    expect(page.locator("h1")).to_have_text("Jo Winterfeld")
    assert seen.violations() == []
    page.keyboard.press("n")
    expect(page.locator('input[value="new"]')).to_be_checked()
    page.keyboard.press("1")
    expect(page.locator('input[value="lead:known"]')).to_be_checked()
    page.keyboard.press("Enter")
    page.wait_for_url("**/review/B")  # the next one comes up
    expect(page.locator(".toast")).to_contain_text("Merged")
    page.keyboard.press("p")
    expect(page.locator("#f-to")).to_be_focused()
    page.locator("#f-to").select_option("anna")
    expect(page.locator('input[value="place"]')).to_be_checked()
    page.keyboard.press("Enter")
    page.wait_for_url("**/review")
    expect(page.locator("main")).to_contain_text("Nothing waits for a decision")
    expect(page.locator(".toast", has_text="Anna Nowak has it now.")).to_be_visible()
    seen.check()


def test_a_merge_is_undone_from_its_toast(waiting: Any, see: Any) -> None:
    page = see("manager", "olga", site=waiting).open("/review/A")
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    page.locator(".toast").get_by_role("button", name="Undo").click()
    page.wait_for_url("**/leads/A")
    expect(page.locator(".toast")).to_contain_text("it is a lead of its own again")


def test_the_same_without_a_script(waiting: Any, see: Any) -> None:
    page = see("manager", "olga", site=waiting, scripts=False, width=390).open("/review")
    page.get_by_role("link", name="Vera Vip").click()
    page.get_by_role("button", name="Decide").click()
    expect(page.locator(".field-problem")).to_contain_text("Please choose one of these.")
    page.get_by_label("It is somebody else who is known").fill("acme")
    page.get_by_role("button", name="Look", exact=True).click()
    page.get_by_label("It is the company Acme Maschinenbau GmbH").check()
    page.get_by_label("Why?").fill("they said so")
    page.get_by_role("button", name="Decide").click()
    page.wait_for_url("**/review/A")
    rows = waiting.sql("SELECT account_id FROM leads WHERE id = 'B'")
    assert rows == [("acme",)]


def test_somebody_else_is_found_in_place(waiting: Any, see: Any) -> None:
    seen = see("manager", "olga", site=waiting)
    page = seen.open("/review/B")
    page.keyboard.press("f")
    page.keyboard.type("acme")
    page.keyboard.press("Enter")
    expect(page.locator("#choices")).to_contain_text("Acme Maschinenbau GmbH")
    assert page.url.endswith("/review/B?q=acme")
    seen.check()


@pytest.mark.parametrize("width", [1440, 390])
def test_now_changes_while_one_looks_and_is_acted_on(waiting: Any, see: Any, width: int) -> None:
    seen = see("manager", "maria", site=waiting, width=width)
    page = seen.open("/now?whose=all")
    before = place(waiting, "known")
    waiting.sql(
        "UPDATE leads SET owner = 'anna', stage = 'assigned', accepted_at = NULL,"
        " destination = 'pool:mid-ae', respond_by = now() + interval '10 minutes' WHERE id = 'known'"
    )
    row = page.locator("#lead-known")
    expect(row).to_contain_text("left", timeout=10_000)
    row.get_by_role("button", name="Accept for Anna Nowak").click()
    expect(page.locator(".toast").first).to_contain_text("Accepted for them")
    expect(row).to_contain_text("accepted")
    assert waiting.sql("SELECT stage, place FROM leads WHERE id = 'known'") == [("accepted", before)]
    assert page.url.endswith("/now?whose=all")
