"""Public holidays as other projects state them: where our library knows the region, it knows the day."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from pathlib import Path

import holidays
import pytest

from leadlane.policy.public_holidays import HOLIDAY_YEARS, public_holidays

# The other project counts bridge days, Sundays and half-official days of some regions that ours leaves out;
# what ours calls a holiday is hardly ever none.
LEAST_AGREEMENT = 0.85
MOST_FALSE_HOLIDAYS = 0.01


def _is_supported(region: str) -> bool:
    country, _, part = region.partition("-")
    supported = holidays.list_supported_countries()
    return country in supported and (not part or part in supported[country])


def test_most_facts_of_other_projects_hold(shared_data: Path) -> None:
    vectors = json.loads((shared_data / "holiday_vectors.json").read_text(encoding="utf-8"))["vectors"]
    outcomes: Counter[tuple[bool, bool]] = Counter()  # (ours, theirs)
    for one in vectors:
        if "date" not in one or not _is_supported(one["region"]):
            continue
        day = date.fromisoformat(one["date"])
        if day.year in HOLIDAY_YEARS:
            outcomes[day in public_holidays(one["region"]), one["is_holiday"]] += 1
    count = sum(outcomes.values())
    assert count > 500
    assert (outcomes[True, True] + outcomes[False, False]) / count >= LEAST_AGREEMENT, outcomes
    assert outcomes[True, False] / count <= MOST_FALSE_HOLIDAYS, outcomes


def test_an_unknown_country_has_none() -> None:
    assert public_holidays("XX") == {}


@pytest.mark.parametrize(
    ("key", "day"), [("DE", "2026-10-03"), ("DE-BY", "2026-01-06"), ("PL", "2026-11-11")]
)
def test_days_that_nobody_disputes(key: str, day: str) -> None:
    assert date.fromisoformat(day) in public_holidays(key)
