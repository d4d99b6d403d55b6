"""All reports at a glance: each says by itself how it goes, and nothing jumps when it does."""

from __future__ import annotations

from typing import Any

import pytest

from leadlane.service.reports import KINDS


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
