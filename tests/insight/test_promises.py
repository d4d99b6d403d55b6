"""Working time of many moments at once is that of the calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from leadlane.core.business_time import Calendar
from leadlane.insight.promises import _Clock
from leadlane.policy.hours import DEFAULT_HOURS, weekly_hours

BEGIN = datetime(2026, 3, 20, tzinfo=UTC).timestamp()
DAY = 86_400.0


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "UTC"])
def test_it_is_the_working_time_of_the_calendar(zone: str) -> None:
    calendar = Calendar(weekly_hours(DEFAULT_HOURS), ZoneInfo(zone), frozenset([date(2026, 4, 6)]))
    rng = np.random.default_rng(4)
    start = np.floor(BEGIN + rng.uniform(0, 30 * DAY, 400))
    # On the hour too: that is when hours begin and end.
    start[::2] -= start[::2] % 3600
    end = np.floor(start + rng.uniform(0, 4 * DAY, 400))
    clock = _Clock(calendar, start, end)
    worked, is_open = clock.worked(start, end), clock.is_open(start)
    moments = [[datetime.fromtimestamp(at, UTC) for at in of.tolist()] for of in (start, end)]
    for at, (begins, ends) in enumerate(zip(*moments, strict=True)):
        assert worked[at] == calendar.between(begins, ends).total_seconds(), (begins, ends)
        assert is_open[at] == calendar.is_open(begins), begins


def test_what_has_no_beginning_takes_no_known_time() -> None:
    calendar = Calendar(weekly_hours(DEFAULT_HOURS), ZoneInfo("UTC"))
    clock = _Clock(calendar, np.array([np.nan, BEGIN]), np.array([BEGIN + DAY, BEGIN + DAY]))
    worked = clock.worked(np.array([np.nan, BEGIN]), np.array([BEGIN + DAY, BEGIN + DAY]))
    assert np.isnan(worked[0])
    assert worked[1] > 0


def test_who_never_works_is_never_there() -> None:
    calendar = Calendar(((),) * 7, ZoneInfo("UTC"))  # type: ignore[arg-type]
    clock = _Clock(calendar, np.array([BEGIN]), np.array([BEGIN + DAY]))
    assert clock.worked(np.array([BEGIN]), np.array([BEGIN + DAY])).tolist() == [0.0]
    assert clock.is_open(np.array([BEGIN])).tolist() == [False]
