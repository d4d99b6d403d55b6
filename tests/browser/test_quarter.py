"""The quarterly review in a real browser: made while one waits, dismissed, taken back, accepted, printed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect
from tests.web.conftest import Site, opened_site
from tests.web.test_quarter import HOME, NOW, PAGE, arrive

from leadlane.config import Settings


@pytest.fixture
def two_teams(database_url: str) -> Iterator[Site]:
    """Two teams after a quarter in which the north got more than its people could take."""
    settings = Settings(database_url=database_url)
    with opened_site(settings, lambda app: arrive(app, {"DE": 8, "PL": 9, "IT": 5}), lambda: NOW) as site:
        yield site


def test_a_quarter_is_reviewed_and_a_proposal_accepted(two_teams: Any, see: Any) -> None:
    seen = see("manager", "sara", site=two_teams)
    page = seen.open(HOME)
    page.get_by_role("button", name="Make the review").click()
    finding = page.locator("article.finding", has_text="Give poland to South instead of North")
    expect(finding).to_be_visible(timeout=60_000)
    assert seen.violations() == []
    finding.get_by_role("button", name="Dismiss").click()
    dialog = page.locator("#dialog")
    dialog.get_by_label("Why?").fill("they hire in Prague")
    dialog.get_by_role("button", name="Dismiss").click()
    expect(page.locator(".toast")).to_contain_text("The next review remembers why")
    expect(finding).to_have_count(0)
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(finding).to_be_visible()
    finding.get_by_role("button", name="Accept").click()
    page.wait_for_url("**/workshop")
    expect(page.locator("main")).to_contain_text("segment “poland”: team north → south")
    seen.open(PAGE)
    expect(page.locator("#review")).to_contain_text("Not published yet.")
    seen.check()


@pytest.mark.parametrize(("width", "theme"), [(390, "light"), (390, "dark"), (1440, "dark")])
def test_a_made_review_is_for_everybody_also_without_scripts(
    two_teams: Any, see: Any, width: int, theme: str
) -> None:
    plain = see("admin", None, site=two_teams, width=width, scripts=False)
    page = plain.open(HOME)
    page.get_by_role("button", name="Make the review").click()
    for _try in range(100):
        page = plain.open(PAGE)
        if page.locator("article.finding").count():
            break
        page.wait_for_timeout(200)
    expect(page.locator("article.finding").first).to_be_visible()
    seen = see("admin", None, site=two_teams, width=width, theme=theme)
    page = seen.open(PAGE)
    for summary in page.locator("#review summary").all():
        summary.click()
    assert seen.violations() == []
    wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wider) <= 0
    seen.check()
