"""What a pool carries, and how many promises will be missed: also whether the interval holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from leadlane.insight.attendance import Attendance, Hours, attendance, hours_between, mondays
from leadlane.insight.forecast import Ahead, forecast
from leadlane.insight.pace import Usual, Week, pace_of, usual_of, week_ahead, weeks_of
from leadlane.insight.staffed import Ended, Promises

ZONE = ZoneInfo("UTC")
START = datetime(2026, 3, 2, tzinfo=UTC)
WEEK = timedelta(weeks=1)


def office(weeks: int, people: int = 2) -> Attendance:
    """Monday to Friday, 9 to 17."""
    own = [
        (START + timedelta(days=day, hours=9), START + timedelta(days=day, hours=17))
        for day in range(7 * weeks)
        if day % 7 < 5
    ]
    return attendance([own] * people)


def hours(week: int, weeks: int = 1) -> Hours:
    return hours_between(START + week * WEEK, START + (week + weeks) * WEEK, ZONE)


def week(leads: int, missed: int = 0, worked: float = 80) -> Week:
    return Week(START, worked, leads, Promises(leads, missed))


def ahead_of(counts: np.ndarray) -> Ahead:
    return next(iter(forecast(counts[None, :].astype(float), np.ones((1, len(counts) + 1)), 1)[0]))


def test_weeks_with_their_hours_leads_and_promises() -> None:
    at = np.array([(START + timedelta(days=day, hours=10)).timestamp() for day in (0, 3, 8)])
    ended = Ended(at, at + 3600, np.array([True, False, False]))
    found = weeks_of(mondays(START, START + 2 * WEEK, ZONE), office(2), at, ended)
    assert [(one.hours, one.leads, one.promises) for one in found] == [
        (80, 2, Promises(2, 1)),
        (80, 1, Promises(1, 0)),
    ]
    assert weeks_of([START], office(2), at, ended) == []


def test_the_pace_is_the_busiest_week_that_was_carried() -> None:
    weeks = [week(20, 2), week(28, 3), week(24, 2), week(60, 40), week(22, 2)]
    found = pace_of(weeks, Promises(154, 15))
    assert found is not None
    assert found.per_hour == 28 / 80
    assert found.weeks == 5


def test_a_week_of_a_few_hours_shows_no_pace() -> None:
    found = pace_of([*[week(20)] * 5, week(9, worked=8)], Promises(109, 0))
    assert found is not None
    assert found.per_hour == 20 / 80


def test_of_few_weeks_or_no_leads_there_is_no_pace() -> None:
    assert pace_of([week(20)] * 3, Promises(60, 0)) is None
    assert pace_of([week(0)] * 9, Promises(0, 0)) is None
    assert pace_of([*[week(20)] * 3, *[week(0, worked=0)] * 9], Promises(60, 0)) is None


def test_what_is_carried_follows_the_hours_of_the_week() -> None:
    rng = np.random.default_rng(0)
    leads = ahead_of(rng.poisson(30, 30))
    usual = Usual(Promises(300, 30), Promises(0, 0), 1.0, np.full(168, 1 / 168))
    pace = pace_of([week(32)] * 6, Promises(192, 0))
    full, alone = (week_ahead(START, leads, hours(0), office(1, people), pace, usual) for people in (2, 1))
    assert (full.hours, full.capacity) == (80, pytest.approx(32))
    assert (alone.hours, alone.capacity) == (40, pytest.approx(16))
    assert full.chance is not None
    assert alone.chance is not None
    assert full.chance < 0.5 < 0.95 < alone.chance
    unknown = week_ahead(START, leads, hours(0), office(1), None, usual)
    assert (unknown.capacity, unknown.chance) == (None, None)


def test_more_will_be_missed_when_nobody_will_be_there() -> None:
    """A tenth of what comes while somebody is there is missed, and most of what comes at other times."""
    leads = ahead_of(np.full(30, 40))
    profile = np.zeros(168)
    profile[[day * 24 + 10 for day in range(5)]] = 0.2
    usual = Usual(Promises(400, 40), Promises(50, 40), 1.0, profile)
    there, away = (
        week_ahead(START, leads, hours(0), work, None, usual) for work in (office(1), attendance([]))
    )
    assert there.breaches is not None
    assert away.breaches is not None
    assert there.breaches.value == pytest.approx(4, rel=0.1)
    assert away.breaches.value == pytest.approx(32, rel=0.1)


def test_where_nothing_was_promised_nothing_is_said() -> None:
    usual = Usual(Promises(0, 0), Promises(0, 0), 0.0, np.zeros(168))
    assert week_ahead(START, ahead_of(np.full(30, 4)), hours(0), office(1), None, usual).breaches is None


def test_the_interval_of_what_will_be_missed_covers_what_it_says() -> None:
    rng = np.random.default_rng(3)
    hit, times = 0, 300
    for _company in range(times):
        mean, share = rng.uniform(5, 60), rng.uniform(0.02, 0.4)
        counts = rng.poisson(mean, 26)
        ended = int(counts[-13:].sum())
        usual = Usual(
            Promises(ended, int(rng.binomial(ended, share))), Promises(0, 0), 1.0, np.full(168, 1 / 168)
        )
        found = week_ahead(START, ahead_of(counts), hours(0), office(1), None, usual).breaches
        assert found is not None
        hit += found.low <= rng.binomial(rng.poisson(mean), share) <= found.high
    print(f"{hit / times:.1%} of {times} weeks in the 95 % interval of missed promises")
    assert 0.92 <= hit / times <= 0.995


def test_usual_tells_manned_hours_from_others() -> None:
    came = np.array(
        [(START + timedelta(days=day, hours=hour)).timestamp() for day, hour in ((0, 10), (1, 20), (5, 10))]
    )
    ended = Ended(came, came + 3600, np.array([False, True, True]))
    found = usual_of(hours(0), office(1), came, ended, 0.5)
    assert (found.manned, found.unmanned) == (Promises(1, 0), Promises(2, 2))
    assert found.profile.sum() == pytest.approx(1)
    assert found.profile[10] == pytest.approx(1 / 3)
