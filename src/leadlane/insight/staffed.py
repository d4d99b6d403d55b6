"""Was somebody at work when leads came, and what became of their promises, hour by hour of the week?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from leadlane.insight.attendance import WEEK_HOURS, Attendance, Hours
from leadlane.insight.groups import FALSE_SHARE, Flags, adjusted
from leadlane.insight.leads import Instants, Leads
from leadlane.insight.proportions import Estimate, chance_above, wilson
from leadlane.insight.wall_clock import DAY, local_seconds, weekday_of

# Seconds: less than this of somebody's work is a matter of rounding.
NOBODY = 1.0


@dataclass(frozen=True, slots=True)
class Promises:
    """How many promises of some kind there were, and how many of them were missed."""

    count: int
    missed: int

    @property
    def share(self) -> Estimate | None:
        """The share missed; None without any."""
        return wilson(self.missed, self.count) if self.count else None


@dataclass(frozen=True, slots=True)
class HourCell:
    """An hour of the week of a pool: 0 to 23 on a weekday, 0 for Monday.

    `people` are at work in it, on average. `leads` arrived in it; `promises` are those of leads that came in
    it, and `alone` of them were missed before anybody of the pool was at work. `q` is the chance of so many
    missed, had it the share of the pool, corrected for all hours of the report.
    """

    weekday: int
    hour: int
    people: float
    leads: int
    promises: Promises
    alone: int
    q: float = 1.0

    @property
    def is_worse(self) -> bool:
        """Whether more is missed of what comes in it than elsewhere in the pool, beyond chance."""
        return self.q <= FALSE_SHARE


@dataclass(frozen=True, slots=True)
class Hole:
    """Hours of a weekday, from `start` until before `until`, in which leads came that nobody could answer:

    `alone` of their promises were missed before anybody of the pool was at work. `leads` came in all.
    """

    pool: str
    weekday: int
    start: int
    until: int
    leads: int
    promises: Promises
    alone: int


@dataclass(frozen=True, slots=True)
class Ended:
    """Promises that ended: when their leads came, when they ended, which were missed."""

    came: Instants
    ended: Instants
    missed: Flags


def is_judged(leads: Leads) -> Flags:
    """Which leads have a promise that was kept or missed: not those closed, unanswered, before it ended."""
    ended, closed = leads.instants["respond_by"], leads.instants["closed_at"]
    return ~np.isnan(ended) & ~(np.isnan(leads.instants["responded_at"]) & (closed <= ended))


def is_missed(leads: Leads) -> Flags:
    """Which leads were not answered by the time that was promised; of those without a promise all."""
    return ~(leads.instants["responded_at"] <= leads.instants["respond_by"])


def ended_promises(leads: Leads, kept: Flags) -> Ended:
    """The promises of some of these leads that were kept or missed."""
    of = kept & is_judged(leads)
    return Ended(leads.instants["asked_at"][of], leads.instants["respond_by"][of], is_missed(leads)[of])


def hour_cells(
    hours: Hours, work: Attendance, arrived: Instants, promises: Ended
) -> tuple[list[HourCell], NDArray[np.bool_]]:
    """The hours of the week of a pool in a period, and which promises were missed with nobody at work."""
    lengths = np.diff(hours.edges)
    worked = np.bincount(hours.of_week, np.diff(work.worked(hours.edges)), WEEK_HOURS)
    people = worked / np.maximum(1, np.bincount(hours.of_week, lengths, WEEK_HOURS))
    alone = promises.missed & (work.worked(promises.ended) - work.worked(promises.came) < NOBODY)
    leads = by_hour(hours, arrived)
    counts, missed, unseen = (
        by_hour(hours, came) for came in (promises.came, promises.came[promises.missed], promises.came[alone])
    )
    cells = [
        HourCell(
            of // 24,
            of % 24,
            float(people[of]),
            int(leads[of]),
            Promises(int(counts[of]), int(missed[of])),
            int(unseen[of]),
        )
        for of in range(WEEK_HOURS)
    ]
    return cells, alone


def by_hour(hours: Hours, instants: Instants) -> NDArray[np.int64]:
    """How many of some moments are in each hour of the week: also those before the hours, as a lead may have
    come whose promise ended in them.
    """
    local = local_seconds(instants[~np.isnan(instants)], hours.zone)
    return np.bincount(weekday_of(local) * 24 + local % DAY // 3600, minlength=WEEK_HOURS)


def compared(pools: Mapping[str, tuple[Sequence[HourCell], Promises]]) -> dict[str, list[HourCell]]:
    """The hours of pools, each compared with the share that its pool misses, all corrected together."""
    tested = [
        (name, cell, all_.missed / all_.count)
        for name, (cells, all_) in pools.items()
        for cell in cells
        if cell.promises.count and all_.missed
    ]
    corrected = adjusted(
        [chance_above(cell.promises.missed, cell.promises.count, share) for _name, cell, share in tested]
    )
    found = {
        (name, cell.weekday, cell.hour): q for (name, cell, _share), q in zip(tested, corrected, strict=True)
    }
    return {
        name: [replace(cell, q=found.get((name, cell.weekday, cell.hour), 1.0)) for cell in cells]
        for name, (cells, _all) in pools.items()
    }


def holes(pool: str, cells: Sequence[HourCell]) -> list[Hole]:
    """The hours in which promises were missed with nobody at work; those one after the other are one."""
    found: list[Hole] = []
    for cell in cells:
        if not cell.alone:
            continue
        last = found[-1] if found else None
        if last is not None and (last.weekday, last.until) == (cell.weekday, cell.hour):
            found[-1] = replace(
                last,
                until=cell.hour + 1,
                leads=last.leads + cell.leads,
                promises=together(last.promises, cell.promises),
                alone=last.alone + cell.alone,
            )
        else:
            found.append(
                Hole(pool, cell.weekday, cell.hour, cell.hour + 1, cell.leads, cell.promises, cell.alone)
            )
    return found


def together(one: Promises, other: Promises) -> Promises:
    """Both."""
    return Promises(one.count + other.count, one.missed + other.missed)
