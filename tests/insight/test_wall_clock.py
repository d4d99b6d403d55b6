"""What clocks show, also on days on which they are changed."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from leadlane.insight.wall_clock import DAY, HOUR, local_seconds, weekday_of


# Half hours, clocks that are changed by half an hour, and at midnight.
@pytest.mark.parametrize(
    "name",
    ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Cairo", "UTC"],
)
def test_it_is_what_zoneinfo_says(name: str) -> None:
    zone = ZoneInfo(name)
    rng = np.random.default_rng(3)
    begin, end = (datetime(year, 1, 1, tzinfo=UTC).timestamp() for year in (2023, 2027))
    instants = rng.uniform(begin, end, 3000)
    # And every quarter of an hour of the days on which clocks are changed in most places.
    for day in (
        datetime(2026, 3, 29, tzinfo=UTC),
        datetime(2026, 10, 25, tzinfo=UTC),
        datetime(2026, 4, 5, tzinfo=UTC),
    ):
        instants = np.append(instants, day.timestamp() + np.arange(-96, 192) * 900)
    local = local_seconds(instants, zone)
    for instant, shown, weekday in zip(
        instants.tolist(), local.tolist(), weekday_of(local).tolist(), strict=True
    ):
        wall = datetime.fromtimestamp(instant, UTC).astimezone(zone)
        assert shown // DAY == wall.date().toordinal() - datetime(1970, 1, 1, tzinfo=UTC).toordinal()
        assert (shown // HOUR % 24, shown // 60 % 60, weekday) == (wall.hour, wall.minute, wall.weekday())


def test_nothing_is_shown_of_nothing() -> None:
    assert local_seconds(np.array([]), ZoneInfo("Europe/Berlin")).tolist() == []
