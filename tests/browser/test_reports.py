"""All reports at a glance: each says by itself how it goes, nothing jumps when it does, and each prints."""

from __future__ import annotations

from typing import Any

import pytest

from leadlane.service.reporting.reports import KINDS

# What is left of the width of A4 at 96 dots an inch, in pixels.
_PAPER = 703


@pytest.mark.parametrize("width", [1440, 390])
def test_every_report_says_what_it_says_first(see: Any, company: Any, width: int) -> None:
    seen = see("viewer", None, width=width)
    seen.open("/reports")
    for name in KINDS:
        headline = seen.page.locator(f'[hx-get="/reports?headline={name}"]')
        headline.locator(".tile-figure").first.wait_for()
        headline.locator(".telling li").first.wait_for()
    seen.check()
    assert seen.violations() == []


@pytest.mark.parametrize("name", KINDS)
def test_a_report_prints_whole_on_a4(see: Any, company: Any, name: str) -> None:
    """What is folded prints open, and nothing is wider than the paper."""
    seen = see("viewer", None, width=_PAPER)
    seen.open(f"/reports/{name}")
    assert seen.page.locator("#report").is_visible()
    seen.page.emulate_media(media="print")
    wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert seen.page.evaluate(wider) <= 0
    hidden = "all => all.filter(one => one.getBoundingClientRect().height == 0).map(one => one.outerHTML)"
    for what in ("table", "figure", "section"):
        assert seen.page.locator(f"#report {what}").evaluate_all(hidden) == [], what
