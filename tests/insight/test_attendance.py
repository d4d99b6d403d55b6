"""Working time of people together, and hours of the week, against counting minute by minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from leadlane.insight.attendance import attendance, hours_between, mondays

START = datetime(2026, 3, 2, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
MINUTE = timedelta(minutes=1)

stretches = st.lists(st.tuples(st.integers(0, 300), st.integers(1, 60)), max_size=6)


def intervals(drawn: list[tuple[int, int]]) -> list[tuple[datetime, datetime]]:
    """Intervals that do not touch, in order: (pause, length) in minutes."""
    found, at = [], START
    for pause, length in drawn:
        begins = at + (pause + 1) * MINUTE
        found.append((begins, begins + length * MINUTE))
        at = begins + length * MINUTE
    return found


@given(st.lists(stretches, max_size=4), st.lists(st.integers(-10, 2500), min_size=1, max_size=5))
def test_what_is_worked_until_a_moment(people: list[list[tuple[int, int]]], asked: list[int]) -> None:
    times = [intervals(drawn) for drawn in people]
    found = attendance(times).worked(np.array([(START + at * MINUTE).timestamp() for at in asked]))
    for at, seconds in zip(asked, found.tolist(), strict=True):
        minutes = sum(
            begins <= START + minute * MINUTE < ends
            for own in times
            for begins, ends in own
            for minute in range(at)
        )
        assert abs(seconds - 60 * minutes) < 1e-6


def test_nobody_works_nothing() -> None:
    assert attendance([]).worked(np.array([0.0, 1e9])).tolist() == [0, 0]


def test_hours_of_the_week_follow_the_clocks() -> None:
    """On March 29 clocks in Berlin go from 2 to 3."""
    since, until = (datetime(2026, 3, day, tzinfo=BERLIN) for day in (28, 30))
    hours = hours_between(since, until, BERLIN)
    assert len(hours.of_week) == 47
    assert np.diff(hours.edges).tolist() == [3600.0] * 47
    assert 6 * 24 + 2 not in hours.of_week.tolist()
    at = datetime(2026, 3, 29, 15, 20, tzinfo=BERLIN).timestamp()
    assert hours.of_week[hours.place(np.array([at]))].tolist() == [6 * 24 + 15]


def test_an_hour_that_the_clocks_repeat_is_two_hours_long() -> None:
    since, until = datetime(2026, 10, 25, tzinfo=BERLIN), datetime(2026, 10, 26, tzinfo=BERLIN)
    hours = hours_between(since, until, BERLIN)
    assert np.diff(hours.edges).tolist() == [3600.0, 3600.0, 7200.0, *[3600.0] * 21]


def test_the_ends_of_a_stretch_may_cut_an_hour() -> None:
    since = datetime(2026, 3, 4, 9, 30, tzinfo=BERLIN)
    hours = hours_between(since, since + timedelta(hours=2), BERLIN)
    assert np.diff(hours.edges).tolist() == [1800.0, 3600.0, 1800.0]
    moments = [since - MINUTE, since, since + timedelta(hours=2)]
    assert hours.place(np.array([*(at.timestamp() for at in moments), np.nan])).tolist() == [-1, 0, -1, -1]


def test_mondays_are_days_of_the_zone() -> None:
    since = datetime(2026, 3, 23, tzinfo=BERLIN)
    found = mondays(since, datetime(2026, 4, 6, tzinfo=BERLIN), BERLIN)
    assert [day.isoformat() for day in found] == [
        "2026-03-23T00:00:00+01:00",
        "2026-03-30T00:00:00+02:00",
        "2026-04-06T00:00:00+02:00",
    ]
    assert mondays(since + MINUTE, since + timedelta(days=3), BERLIN) == []
