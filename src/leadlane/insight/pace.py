"""How many leads does a pool carry in a week, and how will the weeks to come go at that pace?

A pool's pace is what it has shown: the most leads that came in a week, for each hour that its people worked,
and were answered in time no worse than it usually does. So a pool that was never put to the test may carry
more than is said here; it is never said to carry more than it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from scipy.stats import nbinom, poisson

from leadlane.insight.attendance import HOUR, Attendance, Hours
from leadlane.insight.forecast import Ahead
from leadlane.insight.leads import Instants
from leadlane.insight.proportions import Estimate, Z, chance_above
from leadlane.insight.staffed import NOBODY, Ended, Promises, by_hour, together

# A pace is taken from so many full weeks at least, in which at least this share of the usual hours was
# worked.
_LEAST_WEEKS, _LEAST_WORKED = 4, 0.75
_WORSE_THAN_CHANCE = 0.05


@dataclass(frozen=True, slots=True)
class Week:
    """A full week of a pool from Monday `first` on: hours worked by all together, leads, their promises."""

    first: datetime
    hours: float
    leads: int
    promises: Promises


@dataclass(frozen=True, slots=True)
class Pace:
    """The most leads an hour of work that a pool has carried in a week, and in which week that was."""

    per_hour: float
    week: Week
    weeks: int


def weeks_of(mondays: Sequence[datetime], work: Attendance, arrived: Instants, promises: Ended) -> list[Week]:
    """The weeks between one Monday and the next; leads and promises count in the week in which they came."""
    if len(mondays) < 2:
        return []
    edges = np.array([monday.timestamp() for monday in mondays])
    hours = np.diff(work.worked(edges)) / HOUR
    leads, counts, missed = (
        np.histogram(of[~np.isnan(of)], edges)[0]
        for of in (arrived, promises.came, promises.came[promises.missed])
    )
    return [
        Week(first, float(worked), int(n), Promises(int(count), int(late)))
        for first, worked, n, count, late in zip(mondays, hours, leads, counts, missed, strict=False)
    ]


def pace_of(weeks: Sequence[Week], usual: Promises) -> Pace | None:
    """The pace of a pool, from its full weeks and the share of promises that it usually misses.

    None with fewer than four weeks in which its people worked, or where nothing was carried.
    """
    worked = [week for week in weeks if week.hours > 0]
    if len(worked) < _LEAST_WEEKS:
        return None
    # A week of a few hours before a holiday would show a pace that nobody keeps.
    least = _LEAST_WORKED * float(np.median([week.hours for week in worked]))
    share = usual.missed / usual.count if usual.count else 0.0
    carried = [
        week
        for week in worked
        if week.hours >= least
        and chance_above(week.promises.missed, week.promises.count, share) > _WORSE_THAN_CHANCE
    ]
    best = max(carried, key=lambda week: week.leads / week.hours, default=None)
    if best is None or not best.leads:
        return None
    return Pace(best.leads / best.hours, best, len(worked))


# ---------------------------------------------------------------- the weeks to come


@dataclass(frozen=True, slots=True)
class WeekAhead:
    """A week to come, from Monday `first` on: leads, hours to be worked, and how they go together.

    `capacity` is how many leads are carried at the pace of the pool, `chance` that more come; `breaches` how
    many promises will be missed if like hours go as they did. None where it is not known.
    """

    first: datetime
    leads: Ahead
    hours: float
    capacity: float | None
    chance: float | None
    breaches: Estimate | None


@dataclass(frozen=True, slots=True)
class Usual:
    """How promises went, by whether anybody was at work when the lead came; and when leads come.

    `promised` is the share of leads that are promised something, `profile` the share of leads that come in
    each hour of the week.
    """

    manned: Promises
    unmanned: Promises
    promised: float
    profile: NDArray[np.float64]


def usual_of(hours: Hours, work: Attendance, arrived: Instants, promises: Ended, promised: float) -> Usual:
    """What the weeks to come are judged by."""
    there = np.append(np.diff(work.worked(hours.edges)) >= NOBODY, False)
    manned = there[hours.place(promises.came)]
    known = hours.place(promises.came) >= 0
    counts = by_hour(hours, arrived).astype(float)
    of_manned, of_unmanned = (
        Promises(int((known & kind).sum()), int((known & kind & promises.missed).sum()))
        for kind in (manned, ~manned)
    )
    return Usual(of_manned, of_unmanned, promised, counts / max(1.0, counts.sum()))


def week_ahead(
    first: datetime, leads: Ahead, hours: Hours, work: Attendance, pace: Pace | None, usual: Usual
) -> WeekAhead:
    """A week to come of a pool; `hours` are those of that week."""
    worked = np.diff(work.worked(hours.edges))
    total = float(worked.sum()) / HOUR
    capacity = None if pace is None else pace.per_hour * total
    unmanned = float(usual.profile[hours.of_week[worked < NOBODY]].sum())
    return WeekAhead(
        first,
        leads,
        total,
        capacity,
        None if capacity is None else leads.above(capacity),
        _breaches(leads.expected, unmanned, usual),
    )


def _breaches(leads: Estimate, unmanned: float, usual: Usual) -> Estimate | None:
    """Promises that will be missed: leads, times the share that is missed of those that come in like hours.

    Mean and variance of that product, with leads and shares as uncertain as they are, and of the chance that
    is in every count; the interval is that of a negative binomial with them (Poisson, if it varies no more).
    """
    count = usual.manned.count + usual.unmanned.count
    if not count or not usual.promised:
        return None
    mean, variance = 0.0, 0.0
    every = together(usual.manned, usual.unmanned)
    for weight, kind in ((1 - unmanned, usual.manned), (unmanned, usual.unmanned)):
        # Where such hours have never been, they go as all others.
        one = kind if kind.count else every
        a, b = one.missed + 0.5, one.count - one.missed + 0.5
        mean += weight * a / (a + b)
        variance += weight**2 * a * b / ((a + b) ** 2 * (a + b + 1))
    rate, doubt = usual.promised * mean, usual.promised**2 * variance
    spread = ((leads.high - leads.low) / (2 * Z)) ** 2
    value = leads.value * rate
    total = value + rate**2 * spread + leads.value**2 * doubt + spread * doubt
    low, high = _count_between(value, total)
    return Estimate(value, min(low, value), max(high, value), count)


def _count_between(mean: float, variance: float) -> tuple[float, float]:
    if mean <= 0:
        return 0.0, 0.0
    ends = np.array([0.025, 0.975])
    if variance <= mean * (1 + 1e-9):
        low, high = poisson.ppf(ends, mean)
    else:
        low, high = nbinom.ppf(ends, mean**2 / (variance - mean), mean / variance)
    return float(low), float(high)
