"""Who converts, and is a difference between groups more than chance, also when like is compared with like?

A finding is a grouping whose groups differ after correction for all that the report tests. It is an
association. Where who gets which leads differs too, the comparison is made again among like leads, and the
finding says that it may be confounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from leadlane.insight.groups import (
    FALSE_SHARE,
    ChanceTest,
    Codes,
    Flags,
    adjusted,
    association,
    crossed,
    differ,
    differ_within,
    expected_hits,
    tally,
)
from leadlane.insight.leads import LOST, Group, Leads
from leadlane.insight.proportions import Counts, Estimate, shrunken, wilson

# Two groupings go together from this Cramér's V on (a small effect by Cohen, 1988).
_TOGETHER = 0.1
# A grouping that all but decides the outcome is the outcome by another name.
_IS_OUTCOME = 0.95
# Like leads are alike in so many groupings at most: in more, hardly two are alike.
_MOST_ALIKE = 2
_LEAST_TESTED = 20
# A grouping with more groups than this is compared with the small ones as one.
_MOST_GROUPS, _LEAST_OF_MANY = 60, 10
# So many seconds before the first win, so many of the leads.
_LONG_BEFORE, _MANY_BEFORE = 60 * 86_400, 0.02

# all: of all leads. decided: of those won or lost.
Base = Literal["all", "decided"]


@dataclass(frozen=True, slots=True)
class GroupRate:
    """One group: its leads, how many were won, the share with its interval, and the share drawn to the mean.

    `expected` is the share that it would have, had it the usual share of each kind of leads that it has;
    None where no like leads were compared. `stands_out`: it differs from all others, more than chance.
    """

    name: str
    count: int
    won: int
    rate: Estimate
    shrunk: Estimate
    expected: float | None = None
    stands_out: bool = False


@dataclass(frozen=True, slots=True)
class Alike:
    """Like compared with like: which groupings also go together with this one and with the outcome.

    `p`: how probable the differences among leads that are alike in `compared` are by chance; `strata` kinds
    of leads were compared.
    """

    confounders: Sequence[tuple[str, float]]
    compared: Sequence[str]
    p: float
    strata: int


@dataclass(frozen=True, slots=True)
class Dimension:
    """A grouping by source, segment, person …: its groups, the largest first.

    `q` is the p-value corrected for all tests of the report; `unknown` leads are in no group.
    """

    role: str
    column: str
    groups: Sequence[GroupRate]
    unknown: int
    test: ChanceTest
    q: float = 1.0
    alike: Alike | None = None

    @property
    def is_finding(self) -> bool:
        """Whether its groups differ, with no more than 5 % of such findings false."""
        return self.q <= FALSE_SHARE

    @property
    def is_confounded(self) -> bool:
        """Whether who gets which leads differs too, in what goes together with the outcome."""
        return self.alike is not None and bool(self.alike.confounders)


@dataclass(frozen=True, slots=True)
class Month:
    """A month (`2026-03`, UTC): leads that arrived, how many of them count, how many of these were won."""

    name: str
    arrived: int
    count: int
    won: int


@dataclass(frozen=True, slots=True)
class Conversion:
    """Conversion overall, by grouping and by month of arrival.

    `skipped`: columns that are the outcome itself; `won_only`: those known only of leads that were won;
    `last`: those of who had a lead last. `recorded_from`: the first win, where many leads came long before.
    """

    base: Base
    overall: Estimate
    won: int
    dimensions: Sequence[Dimension]
    months: Sequence[Month]
    skipped: Sequence[str]
    won_only: Sequence[str]
    last: Sequence[str] = ()
    recorded_from: datetime | None = None


def conversion(leads: Leads) -> Conversion | None:
    """The conversion of leads; None without outcomes, or with fewer than 20 that count.

    Findings are settled afterwards by `settle`, when all tests of the report are known.
    """
    won, decided = leads.won, leads.decided
    if won is None or decided is None or leads.outcome is None or decided.sum() < _LEAST_TESTED:
        return None
    hit = won[decided]
    dimensions, skipped = [], []
    for group in leads.groups.values():
        if group.late:
            continue
        found = _dimension(group, group.codes[decided], hit)
        if found is None:
            continue
        if found.test.strength >= _IS_OUTCOME:
            skipped.append(group.column)
        else:
            dimensions.append(found)
    return Conversion(
        "decided" if (leads.outcome == LOST).any() else "all",
        wilson(int(hit.sum()), len(hit)),
        int(hit.sum()),
        dimensions,
        _months(leads, decided, won),
        skipped,
        [group.column for group in leads.groups.values() if group.late == "won"],
        [group.column for group in leads.groups.values() if group.late == "last"],
        _recorded_from(leads, won),
    )


def _dimension(group: Group, codes: Codes, hit: Flags) -> Dimension | None:
    hits, counts = tally(codes, hit, len(group.names))
    if (counts > 0).sum() < 2:
        return None
    tested_hits, tested_counts = _without_tiny(hits, counts)
    test = differ(tested_hits, tested_counts)
    present = np.flatnonzero(counts)
    drawn = shrunken(hits[present], counts[present])
    rows = [
        GroupRate(
            group.names[int(number)],
            int(counts[number]),
            int(hits[number]),
            wilson(int(hits[number]), int(counts[number])),
            drawn[place],
        )
        for place, number in enumerate(present)
    ]
    rows.sort(key=lambda row: (-row.count, row.name))
    return Dimension(group.role, group.column, rows, int((codes < 0).sum()), test)


def _without_tiny(hits: Counts, counts: Counts) -> tuple[Counts, Counts]:
    """Of a great many groups, the tiny ones as one: alone they tell nothing and cost the test its power."""
    if (counts > 0).sum() <= _MOST_GROUPS:
        return hits, counts
    tiny = counts < _LEAST_OF_MANY
    return np.append(hits[~tiny], hits[tiny].sum()), np.append(counts[~tiny], counts[tiny].sum())


def _months(leads: Leads, decided: Flags, won: Flags) -> list[Month]:
    arrived = leads.instants.get("arrived_at")
    if arrived is None:
        return []
    known = ~np.isnan(arrived)
    month = arrived[known].astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)
    first, last = int(month.min()), int(month.max())
    place, span = month - first, last - first + 1
    counts = [
        np.bincount(place, weights=flags[known], minlength=span).astype(int)
        for flags in (np.ones(leads.count), decided, won & decided)
    ]
    names = [f"{1970 + number // 12}-{number % 12 + 1:02}" for number in range(first, last + 1)]
    return [Month(name, *map(int, found)) for name, *found in zip(names, *counts, strict=True)]


def settle(
    found: Conversion | None, leads: Leads, others: Sequence[float] = ()
) -> tuple[Conversion | None, list[float]]:
    """The findings, corrected for all tests: those of the groupings and `others` of the same report.

    Returns the corrected p-values of the others too. Only of findings single groups are said to stand out,
    and only findings are looked into for what may confound them.
    """
    if found is None:
        return None, adjusted(others)
    corrected = adjusted([*(one.test.p for one in found.dimensions), *others])
    dimensions = [replace(one, q=q) for one, q in zip(found.dimensions, corrected, strict=False)]
    settled = [_looked_into(one, dimensions, leads) if one.is_finding else one for one in dimensions]
    return replace(found, dimensions=settled), corrected[len(dimensions) :]


def _looked_into(one: Dimension, all_of_them: Sequence[Dimension], leads: Leads) -> Dimension:
    won, decided = leads.won, leads.decided
    assert won is not None  # there are dimensions only where there are outcomes
    assert decided is not None
    hit = won[decided]
    groups = {group.column: group for group in leads.groups.values()}
    own = groups[one.column].codes[decided]
    confounders = []
    for other in all_of_them:
        if other.column == one.column or other.test.p > FALSE_SHARE or other.test.strength < _TOGETHER:
            continue
        codes = groups[other.column].codes[decided]
        together = association(own, codes)
        if together.p <= FALSE_SHARE and together.strength >= _TOGETHER and not _follows(own, codes):
            confounders.append((other.column, together.strength, together.strength * other.test.strength))
    confounders.sort(key=lambda found: -found[2])
    compared = [column for column, _strength, _both in confounders[:_MOST_ALIKE]]
    expected: NDArray[np.float64] | None = None
    alike = None
    if compared:
        stratum = crossed([groups[column].codes[decided] for column in compared])
        expected = expected_hits(own, hit, stratum, len(groups[one.column].names))
        named = [(column, strength) for column, strength, _both in confounders]
        alike = Alike(named, compared, differ_within(own, hit, stratum), int(stratum.max()) + 1)
    return replace(one, groups=_standing_out(one, groups[one.column], expected), alike=alike)


def _follows(own: Codes, other: Codes) -> bool:
    """Whether each group lies within one group of the other (a rep in one region)."""
    known = (own >= 0) & (other >= 0)
    pairs = np.unique(own[known].astype(np.int64) * (int(other.max()) + 1) + other[known])
    return len(pairs) <= len(np.unique(own[known]))


def _standing_out(one: Dimension, group: Group, expected: NDArray[np.float64] | None) -> list[GroupRate]:
    total, won = sum(row.count for row in one.groups), sum(row.won for row in one.groups)
    tests = [
        differ(np.array([row.won, won - row.won]), np.array([row.count, total - row.count])).p
        for row in one.groups
    ]
    number = {name: place for place, name in enumerate(group.names)}
    return [
        replace(
            row,
            stands_out=q <= FALSE_SHARE,
            expected=None if expected is None else float(expected[number[row.name]]) / row.count,
        )
        for row, q in zip(one.groups, adjusted(tests), strict=True)
    ]


def _recorded_from(leads: Leads, won: Flags) -> datetime | None:
    """The first win, where many leads arrived so long before that outcomes were hardly written down."""
    arrived = leads.instants.get("arrived_at")
    at = leads.instants.get("won_at", leads.instants.get("closed_at"))
    if arrived is None or at is None or not (won & ~np.isnan(at)).any():
        return None
    first = float(np.nanmin(at[won]))
    if not (arrived < first - _LONG_BEFORE).mean() > _MANY_BEFORE:
        return None
    return datetime.fromtimestamp(first, UTC)


def as_of(leads: Leads) -> datetime | None:
    """The last moment at which something happened: until then is known who was still waiting."""
    latest = [
        float(np.nanmax(values))
        for role, values in leads.instants.items()
        if role != "closed_at" and not np.isnan(values).all()
    ]
    return datetime.fromtimestamp(max(latest), UTC) if latest else None
