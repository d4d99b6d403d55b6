"""Peaks to come: which weeks are said to be one, and what would carry them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from leadlane.insight.attendance import attendance, hours_between
from leadlane.insight.capacity import Peak, PoolCapacity, Relief, peaks, worse_pools
from leadlane.insight.forecast import forecast
from leadlane.insight.pace import Usual, Week, pace_of, week_ahead
from leadlane.insight.say_capacity import in_a_row, relief_words
from leadlane.insight.staffed import Promises

ZONE = ZoneInfo("UTC")
NOW = datetime(2026, 6, 1, tzinfo=UTC)
WEEK = timedelta(weeks=1)
AHEAD = 8
USUAL = Usual(Promises(100, 5), Promises(0, 0), 1.0, np.full(168, 1 / 168))


def pool(
    name: str, counts: np.ndarray, people: int = 4, away: Mapping[int, int] | None = None
) -> PoolCapacity:
    """A pool that got so many leads in each week until NOW; in the weeks `away` so many are away."""
    own = [
        [
            (day + timedelta(hours=9), day + timedelta(hours=17))
            for week in range(AHEAD)
            if person >= (away or {}).get(week, 0)
            for day in [NOW + week * WEEK + timedelta(days=d) for d in range(5)]
        ]
        for person in range(people)
    ]
    weeks = [Week(NOW, 40.0 * people, int(n), Promises(int(n), 0)) for n in counts[-13:]]
    pace = pace_of(weeks, Promises(int(counts[-13:].sum()), 0))
    made = forecast(counts[None, :].astype(float), np.ones((1, len(counts) + AHEAD)), AHEAD)[0]
    ahead = [
        week_ahead(
            NOW + week * WEEK,
            leads,
            hours_between(NOW + week * WEEK, NOW + (week + 1) * WEEK, ZONE),
            attendance(own),
            pace,
            USUAL,
        )
        for week, leads in enumerate(made)
    ]
    return PoolCapacity(name, [], False, 0.0, 0, Promises(0, 0), 0, [], weeks, pace, ahead)


def found(
    *pools: PoolCapacity, routes: Mapping[str, float] | None = None, backup: str | None = None
) -> list[Peak]:
    names = [one.name for one in pools]
    own = {(one, other): 1.0 for one in names for other in names}
    return peaks(pools, {"sdr": backup}, names, own, {"sdr": routes or {}})


def steady(seed: int, mean: float = 40) -> np.ndarray:
    return np.random.default_rng(seed).poisson(mean, 60)


def test_where_nothing_changes_hardly_any_week_is_a_peak() -> None:
    made = [found(pool("sdr", steady(seed, 20 + seed % 40))) for seed in range(60)]
    count = sum(len(each) for each in made)
    print(f"{count} of {60 * AHEAD} weeks of steady pools were said to be a peak")
    assert count <= 0.02 * 60 * AHEAD


def test_a_week_in_which_half_are_away_is_a_peak() -> None:
    (peak,) = found(pool("sdr", steady(0), away={3: 2}))
    assert peak.week.first == NOW + 3 * WEEK
    assert peak.week.chance is not None
    assert peak.week.chance > 0.8
    assert peak.usual == pytest.approx(40, abs=5)
    assert peak.beyond > 10
    assert (peak.spare, peak.relief) == ([], None)


def test_growth_beyond_what_was_carried_is_a_peak() -> None:
    counts = np.random.default_rng(1).poisson(20 * 1.03 ** np.arange(60))
    made = found(pool("sdr", counts))
    assert made
    assert made[-1].week.first == NOW + (AHEAD - 1) * WEEK


def test_the_smallest_route_that_is_enough_goes_to_the_backup_with_room() -> None:
    sdr = pool("sdr", steady(0), away={3: 2})
    idle, busy = pool("idle", np.r_[steady(2, 60)[:-6], np.full(6, 5)]), pool("busy", steady(3, 40))
    routes = {"large": 38.0, "medium": 29.0, "small": 3.0}
    (peak,) = found(sdr, idle, busy, routes=routes, backup="idle")
    assert (peak.spare[0].pool, peak.spare[0].is_backup) == ("idle", True)
    assert peak.beyond <= 29
    assert peak.relief == Relief("medium", "idle", 29.0)


def test_where_no_route_is_enough_the_largest_that_fits_is_named() -> None:
    sdr, idle = pool("sdr", steady(0), away={3: 2}), pool("idle", np.r_[steady(2, 60)[:-6], np.full(6, 5)])
    (peak,) = found(sdr, idle, routes={"small": 3.0, "smaller": 2.0})
    assert peak.relief == Relief("small", "idle", 3.0)


def test_a_pool_of_the_same_people_has_no_room() -> None:
    sdr, idle = pool("sdr", steady(0), away={3: 2}), pool("idle", np.r_[steady(2, 60)[:-6], np.full(6, 5)])
    (peak,) = peaks([sdr, idle], {}, ["sdr", "idle"], {("idle", "sdr"): 0.0}, {"sdr": {"hot": 20.0}})
    assert (peak.spare, peak.relief) == ([], None)


def test_weeks_in_a_row_are_told_as_one() -> None:
    made = found(pool("sdr", steady(0), away={2: 3, 3: 3, 5: 3}))
    assert [[one.week.first for one in each] for each in in_a_row(made)] == [
        [NOW + 2 * WEEK, NOW + 3 * WEEK],
        [NOW + 5 * WEEK],
    ]
    assert "Jun 15, 2026 to Jun 28, 2026" in relief_words(in_a_row(made)[0])


def test_only_a_pool_that_misses_more_than_chance_explains_is_named() -> None:
    def of(name: str, count: int, missed: int) -> PoolCapacity:
        return replace(pool(name, np.full(60, 40)), promises=Promises(count, missed))

    bad, fair, fine = of("bad", 146, 47), of("fair", 400, 60), of("fine", 646, 82)
    ((named, others, q),) = worse_pools([fair, bad, fine])
    assert (named.name, others) == ("bad", Promises(1046, 142))
    assert q < 0.001
    assert worse_pools([of("few", 6, 3), fair, fine]) == []
    assert worse_pools([of("alone", 100, 90)]) == worse_pools([]) == []


def test_of_a_pool_without_a_pace_nothing_is_said() -> None:
    short = pool("sdr", steady(0)[:10])
    assert (
        found(
            PoolCapacity("sdr", [], False, 0.0, 0, Promises(0, 0), 0, [], short.weeks[:3], None, short.ahead)
        )
        == []
    )
