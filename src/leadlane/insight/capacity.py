"""Which people and pools have too much and too little, and which weeks to come bring more than is carried?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from scipy.stats import hypergeom

from leadlane.insight.forecast import Ahead
from leadlane.insight.groups import FALSE_SHARE, adjusted
from leadlane.insight.load import InHand, Turn
from leadlane.insight.pace import Pace, Week, WeekAhead
from leadlane.insight.staffed import Hole, HourCell, Promises

# A peak has this chance at least to bring more than is carried, and is so much busier than usual.
_PEAK_CHANCE, _BUSIER = 0.2, 1.1


@dataclass(frozen=True, slots=True)
class PoolCapacity:
    """A pool in the period: its people, week, promises, pace, and the weeks to come (none: not forecast).

    `chooses`: it requires or prefers something of people by what a lead is, so turns do not go by weight
    alone.
    """

    name: str
    people: Sequence[str]
    chooses: bool
    hours: float
    leads: int
    promises: Promises
    alone: int
    cells: Sequence[HourCell]
    weeks: Sequence[Week]
    pace: Pace | None
    ahead: Sequence[WeekAhead]

    @property
    def used(self) -> float | None:
        """Which share of what it carries came to the pool in its full weeks; None without a pace."""
        hours = sum(week.hours for week in self.weeks)
        if self.pace is None or not hours:
            return None
        return sum(week.leads for week in self.weeks) / (self.pace.per_hour * hours)


@dataclass(frozen=True, slots=True)
class PersonCapacity:
    """Somebody in the period: `leads` given to them, `promises` in their hands, what they had in hand.

    `most_open` is how many they may have; `turns` what each pool gave them and owed them.
    """

    id: str
    leads: int
    promises: Promises
    most_open: int | None
    in_hand: InHand
    turns: Sequence[Turn]

    @property
    def per_hour(self) -> float:
        """Promises for each hour that they worked."""
        return self.promises.count / self.in_hand.hours

    @property
    def filled(self) -> float | None:
        """What they have in hand on average, of what they may; None without a limit."""
        return self.in_hand.mean / self.most_open if self.most_open else None


@dataclass(frozen=True, slots=True)
class Series:
    """Leads by week of a pool, segment or source (`role`; all: "all"), and the weeks to come.

    `known` are (Monday, leads), the oldest first. Without `ahead` there are too few weeks to say anything.
    """

    role: str
    name: str
    known: Sequence[tuple[datetime, int]]
    ahead: Sequence[tuple[datetime, Ahead]]


@dataclass(frozen=True, slots=True)
class Spare:
    """A pool that could take some of a peak: so many `leads` beyond what 9 in 10 times comes to it itself."""

    pool: str
    leads: float
    is_backup: bool


@dataclass(frozen=True, slots=True)
class Relief:
    """A temporary route: what `route` brings goes to `pool` in that week; about so many `leads`."""

    route: str
    pool: str
    leads: float


@dataclass(frozen=True, slots=True)
class Peak:
    """A week to come that brings a pool more than it has ever carried, with a chance of `week.chance`.

    `usual` is how many leads a week came in the period. `beyond` is how many more than are carried come if it
    comes as 1 in 10 times. `spare` are the pools that could take some, the best first; `relief` the temporary
    route that would carry it, None where no route and pool fit.
    """

    pool: str
    week: WeekAhead
    usual: float
    beyond: float
    spare: Sequence[Spare]
    relief: Relief | None


@dataclass(frozen=True, slots=True)
class CapacityReport:
    """Coverage, load and forecast: of a period, and of the weeks to come from now on.

    `inequality` is the Gini coefficient of leads by weight among those who work, None for fewer than two.
    `known_weeks` are the weeks that the forecast rests on.
    """

    pools: Sequence[PoolCapacity]
    people: Sequence[PersonCapacity]
    forecast: Sequence[Series]
    holes: Sequence[Hole]
    peaks: Sequence[Peak]
    inequality: float | None
    known_weeks: int


# ---------------------------------------------------------------- peaks


def peaks(
    pools: Sequence[PoolCapacity],
    backups: Mapping[str, str | None],
    candidates: Sequence[str],
    own: Mapping[tuple[str, str], float],
    routes: Mapping[str, Mapping[str, float]],
) -> list[Peak]:
    """The weeks to come that bring more than is carried, the soonest first.

    candidates: pools that may take leads of others. own: (pool, other pool) → the share of that pool's hours
    which are of people who are not in the other. routes: pool → its routes, with leads a week of each.
    """
    by_name = {pool.name: pool for pool in pools}
    found = []
    for pool in pools:
        used = pool.used
        for place, week in enumerate(pool.ahead):
            if used is None or week.capacity is None or week.chance is None:
                continue
            busier = week.leads.expected.value > _BUSIER * used * week.capacity
            if week.chance < _PEAK_CHANCE or not busier:
                continue
            beyond = max(1.0, week.leads.high - week.capacity)
            spare = [
                one
                for name in candidates
                if name != pool.name
                and (one := _spare(by_name[name], place, pool.name, backups, own)) is not None
            ]
            spare.sort(key=lambda one: (one.leads < beyond, not one.is_backup, -one.leads))
            usual = sum(one.leads for one in pool.weeks) / len(pool.weeks)
            relief = _relief(routes.get(pool.name, {}), spare, beyond)
            found.append(Peak(pool.name, week, usual, beyond, spare, relief))
    return sorted(found, key=lambda one: (one.week.first, one.pool))


def _spare(
    pool: PoolCapacity,
    place: int,
    of: str,
    backups: Mapping[str, str | None],
    own: Mapping[tuple[str, str], float],
) -> Spare | None:
    if place >= len(pool.ahead) or (capacity := pool.ahead[place].capacity) is None:
        return None
    left = (capacity - pool.ahead[place].leads.high) * own.get((pool.name, of), 1.0)
    return Spare(pool.name, left, backups.get(of) == pool.name) if left >= 1 else None


def _relief(routes: Mapping[str, float], spare: Sequence[Spare], beyond: float) -> Relief | None:
    """The route that brings enough and no more than needs be, to the best pool; else as much as there is."""
    for pool in spare:
        fitting = {name: leads for name, leads in routes.items() if 0 < leads <= pool.leads}
        enough = [name for name, leads in fitting.items() if leads >= beyond]
        if enough:
            name = min(enough, key=lambda one: (fitting[one], one))
            return Relief(name, pool.pool, fitting[name])
    best = [
        Relief(name, pool.pool, leads)
        for pool in spare
        for name, leads in routes.items()
        if 0 < leads <= pool.leads
    ]
    return max(best, key=lambda one: (one.leads, one.route), default=None)


def worse_pools(pools: Sequence[PoolCapacity]) -> list[tuple[PoolCapacity, Promises, float]]:
    """Pools that miss more than all others together, beyond chance: with these others, and corrected p.

    Exact (Fisher, one-sided), corrected for all pools (Benjamini-Hochberg).
    """
    known = [pool.promises for pool in pools]
    count, missed = sum(one.count for one in known), sum(one.missed for one in known)
    others = [Promises(count - one.count, missed - one.missed) for one in known]
    chances = hypergeom.sf([one.missed - 1 for one in known], count, missed, [one.count for one in known])
    qs = adjusted(np.asarray(chances).tolist()) if count else [1.0] * len(known)
    found = [one for one in zip(pools, others, qs, strict=True) if one[2] <= FALSE_SHARE and one[1].count]
    return sorted(found, key=lambda one: one[2])
