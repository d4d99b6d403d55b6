"""The frame in use: keys, dialogs, toasts, the palette, themes, what changes by itself, no scripts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect
from tests.browser import gallery
from tests.browser.conftest import SIZES, Site, served_copy

from leadlane.web import application


@pytest.fixture(scope="module")
def shop(server_url: str, company_template: str) -> Iterator[Site]:
    """A company with the gallery beside its pages."""
    before = application.MODULES
    application.MODULES = (*before, gallery)
    with served_copy(server_url, company_template, f"gallery_{os.getpid()}") as site:
        yield site
    application.MODULES = before


@pytest.mark.parametrize("width", SIZES)
def test_every_component_is_for_everybody(shop: Site, see: Any, width: int) -> None:
    seen = see("rep", "anna", width=width, site=shop)
    seen.open("/gallery")
    seen.page.wait_for_timeout(1100)  # the countdowns have counted
    seen.check()
    assert seen.violations() == []
    seen.page.emulate_media(color_scheme="dark")
    assert seen.violations("color-contrast") == []


def test_a_list_by_keys(shop: Site, see: Any) -> None:
    page = see("rep", "anna", site=shop).open("/gallery")
    page.keyboard.press("j")
    expect(page.locator("[data-row]").first).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator(".toast")).to_contain_text("Done.")
    # The piece was renewed in place, and the keys go on where they were.
    expect(page.locator("[data-row]").nth(1)).to_be_focused()
    assert page.url.endswith("/gallery")
    page.keyboard.press("Enter")
    page.wait_for_url("**/gallery?row=2")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_contain_text("A dialog")
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
    page.keyboard.press("g")
    page.keyboard.press("m")
    page.wait_for_url("**/my-leads")


def test_a_form_in_a_dialog_says_what_is_wrong_and_then_closes(shop: Site, see: Any) -> None:
    seen = see("rep", "anna", site=shop)
    page = seen.open("/gallery")
    page.keyboard.press("d")
    dialog = page.locator("#dialog")
    expect(dialog.get_by_label("Reason")).to_be_focused()
    assert seen.violations() == []
    page.keyboard.type("no")
    page.keyboard.press("Enter")
    expect(dialog).to_contain_text("Please say more.")
    assert page.url.endswith("/gallery")
    dialog.get_by_label("Reason").fill("not my field")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("Sent: not my field")
    expect(dialog).to_be_hidden()


def test_the_same_without_a_script(shop: Site, see: Any) -> None:
    page = see("rep", "anna", site=shop, scripts=False).open("/gallery")
    page.get_by_role("button", name="A dialog").click()
    assert page.url.endswith("/gallery/dialog")
    page.get_by_label("Reason").fill("no")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("main")).to_contain_text("Please say more.")
    page.get_by_label("Reason").fill("not my field")
    page.get_by_role("button", name="Send").click()
    page.wait_for_url("**/gallery")
    expect(page.locator(".toast")).to_contain_text("Sent: not my field")
    page.get_by_role("button", name="Act", exact=True).click()
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(page.locator(".toast")).to_contain_text("Done.")


def test_the_palette_finds_a_place(shop: Site, see: Any) -> None:
    seen = see("admin", site=shop)
    page = seen.open("/account")
    page.keyboard.press("Control+k")
    palette = page.locator("#palette")
    expect(palette.get_by_role("searchbox")).to_be_focused()
    assert seen.violations() == []
    page.keyboard.type("my le")
    expect(palette.locator("[data-place]:visible")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(palette).to_be_hidden()
    # Keys are for the page again.
    page.keyboard.press("/")
    expect(palette).to_be_visible()
    page.keyboard.type("my le")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/my-leads")


def test_a_theme_is_chosen_and_kept(shop: Site, see: Any) -> None:
    for scripts in (True, False):
        page = see("viewer", site=shop, scripts=scripts).open("/account")
        before = _page_colour(page)
        page.get_by_role("button", name="Viewer Tester").click()
        page.locator("#me-side").get_by_role("button", name="Dark").click()
        page.wait_for_url("**/account")
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        assert _page_colour(page) != before
        page.get_by_role("button", name="Viewer Tester").click()
        page.locator("#me-side").get_by_role("button", name="As the system").click()
        page.wait_for_url("**/account")
        assert _page_colour(page) == before


def test_what_changes_comes_by_itself(shop: Site, see: Any) -> None:
    page = see("rep", "anna", site=shop).open("/gallery")
    page.wait_for_timeout(2500)  # what is told on beginning to listen is over
    made = page.locator("#rows p").inner_text()
    one = "SELECT id FROM leads WHERE owner = 'anna' LIMIT 1"
    shop.sql(f"UPDATE leads SET next_step = 'Call them' WHERE id = ({one})")
    expect(page.locator("#rows p")).not_to_have_text(made)


def test_a_failure_is_told_where_one_is(shop: Site, see: Any) -> None:
    page = see("rep", "anna", site=shop).open("/gallery")
    page.evaluate("htmx.ajax('GET', '/nowhere', {target: '#rows'})")
    expect(page.locator(".toast.bad")).to_contain_text("There is nothing here")
    expect(page.locator("#rows [data-row]")).to_have_count(3)


def _page_colour(page: Any) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))
