"""Who has too much in hand and who too little, and does everybody get the share that is theirs?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from leadlane.insight.attendance import HOUR, Attendance, Hours
from leadlane.insight.groups import FALSE_SHARE, adjusted
from leadlane.insight.leads import Instants
from leadlane.insight.proportions import Estimate, wilson

# In a week in which somebody works less than this nothing is seen of how full they are.
_LEAST_HOURS = 4.0
_MOST_OF = 0.5


@dataclass(frozen=True, slots=True)
class InHand:
    """The open leads of somebody over their working time: on average, at most, and how much of it at a limit.

    `full` and `idle` are the shares of their working time with as many as they may have, and with none;
    `full` is None without a limit. `weeks_full` and `weeks_idle`: of the weeks in which they worked, those
    that were mostly so; None where there were none. `hours` they worked.
    """

    hours: float
    mean: float
    peak: int
    full: float | None
    idle: float
    weeks_full: Estimate | None
    weeks_idle: Estimate | None

    @property
    def is_always_full(self) -> bool:
        """Whether most weeks are mostly at the limit, by more than a few weeks could show by chance."""
        return self.weeks_full is not None and self.weeks_full.low > _MOST_OF

    @property
    def is_always_idle(self) -> bool:
        """Whether in most weeks there is mostly nothing in hand, by more than chance."""
        return self.weeks_idle is not None and self.weeks_idle.low > _MOST_OF


def in_hand(
    starts: Instants, ends: Instants, work: Attendance, weeks: Instants, most: int | None
) -> InHand | None:
    """What somebody has in hand from the first of the `weeks` (moments, at least two) to the last.

    starts, ends: when each lead came into their hands and left them, NaN for not yet. `most`: as many as they
    may have. None if they did not work.
    """
    since, until = weeks[0], weeks[-1]
    ends = np.where(np.isnan(ends), np.inf, ends)
    held = (starts < until) & (ends > since) & (ends > starts)
    begins, leaves = np.clip(starts[held], since, until), np.clip(ends[held], since, until)
    at = np.concatenate([begins, leaves, weeks])
    change = np.concatenate([np.ones(len(begins)), -np.ones(len(leaves)), np.zeros(len(weeks))])
    # What leaves at the moment at which another comes was never there together with it.
    order = np.lexsort((change, at))
    at, level = at[order], np.cumsum(change[order])[:-1]
    spent = np.diff(work.worked(at))
    total = float(spent.sum())
    if total <= 0:
        return None
    week = np.clip(np.searchsorted(weeks, at[:-1], side="right") - 1, 0, len(weeks) - 2)
    worked = np.asarray(np.bincount(week, spent, len(weeks) - 1), dtype=np.float64)
    is_full = np.zeros(len(level), dtype=bool) if most is None else level >= most
    idle, weeks_idle = _share_of(level <= 0, spent, week, worked)
    full, weeks_full = _share_of(is_full, spent, week, worked)
    return InHand(
        total / HOUR,
        float((level * spent).sum()) / total,
        int(level[spent > 0].max()),
        None if most is None else full,
        idle,
        None if most is None else weeks_full,
        weeks_idle,
    )


def _share_of(
    state: NDArray[np.bool_], spent: Instants, week: NDArray[np.int64], worked: Instants
) -> tuple[float, Estimate | None]:
    """The share of working time in a state, and of the weeks with work, those that were mostly in it."""
    within = np.bincount(week, spent * state, len(worked))
    counted = worked >= _LEAST_HOURS * HOUR
    mostly = int((within[counted] > _MOST_OF * worked[counted]).sum())
    weeks = int(counted.sum())
    return float(within.sum() / worked.sum()), wilson(mostly, weeks) if weeks else None


# ---------------------------------------------------------------- shares


@dataclass(frozen=True, slots=True)
class Turn:
    """What somebody got of a pool's leads, and what they were owed: their weight's share while at work.

    `share` is what they got of all, `owed` the leads that they would have got. `q` is the chance of so large
    a gap, corrected for all that were compared.
    """

    pool: str
    person: str
    got: int
    owed: float
    share: Estimate
    q: float = 1.0

    @property
    def is_found(self) -> bool:
        """Whether they got more or less than they were owed, by more than chance."""
        return self.q <= FALSE_SHARE


def owed(
    assigned: NDArray[np.int64], hours: Hours, work: Sequence[Attendance], weights: Sequence[float]
) -> NDArray[np.float64]:
    """How many of the leads each of some people was owed, by weight among those at work.

    assigned: in which of the hours each lead was given. When nobody is at work, those are owed it whose hours
    open first, as the pick has it.
    """
    counts = np.bincount(assigned[assigned >= 0], minlength=len(hours.of_week))
    here = np.array([np.diff(one.worked(hours.edges)) > 0 for one in work])
    weighted = here * np.array(weights)[:, None]
    total = weighted.sum(axis=0)
    # The next hour in which anybody is at work; after the last one, nobody is owed anything.
    places = np.where(total > 0, np.arange(len(total)), len(total))
    following = np.minimum.accumulate(places[::-1])[::-1]
    known = following < len(total)
    shares = weighted[:, following[known]] / total[following[known]]
    return np.asarray(shares @ counts[known])


def turns(pools: Mapping[str, Mapping[str, tuple[int, float]]]) -> list[Turn]:
    """What the people of pools got and were owed (pool → person → both), corrected together.

    Pools whose leads all went to one person, or that nobody was owed anything of, say nothing. The test is
    the exact binomial; a rotation varies less than that, so it errs on the side of silence.
    """
    found: list[Turn] = []
    chances: list[float] = []
    for pool, people in pools.items():
        total = sum(got for got, _owed in people.values())
        all_owed = sum(due for _got, due in people.values())
        if len(people) < 2 or not total or not all_owed:
            continue
        for person, (got, due) in people.items():
            expected = due / all_owed
            found.append(Turn(pool, person, got, expected * total, wilson(got, total)))
            below, above = binom.cdf(got, total, expected), binom.sf(got - 1, total, expected)
            chances.append(float(min(1.0, 2 * min(below, above))))
    return [
        Turn(one.pool, one.person, one.got, one.owed, one.share, q)
        for one, q in zip(found, adjusted(chances), strict=True)
    ]
