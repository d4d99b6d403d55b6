"""Who converts, and is a difference between groups more than chance, also when like is compared with like?

A finding is a grouping whose groups differ after correction for all that the report tests. It is an
association. Where who gets which leads differs too, the comparison is made again among like leads, and the
finding says that it may be confounded. Where it is known beforehand what leads are (source, segment, intent)
and who had them (rep, team), reps and teams are compared among like leads from the beginning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    adjusted_within,
    association,
    cells,
    crossed,
    differ,
    differ_in,
    differ_within,
    expected_hits,
    tally,
)
from leadlane.insight.leads import LOST, Group, Leads
from leadlane.insight.proportions import SMALL, Counts, Estimate, apart, shrunken, wilson
from leadlane.insight.strata import Feature, Kinds, alike_in, kinds_of

# Two groupings go together from this Cramér's V on (a small effect by Cohen, 1988).
_TOGETHER = 0.1
# A grouping that all but decides the outcome is the outcome by another name.
_IS_OUTCOME = 0.95
# Like leads are alike in so many groupings at most: in more, hardly two are alike.
_MOST_ALIKE = 2
_LEAST_TESTED = 20
# What goes with the outcome as little as that does not make leads differ (R. M. Mickey, S. Greenland:
# The Impact of Confounder Selection Criteria on Effect Estimation, 1989).
_MATTERS = 0.2
# A grouping with more groups than this is compared with the small ones as one.
_MOST_GROUPS, _LEAST_OF_MANY = 60, 10
# So many seconds before the first win, so many of the leads.
_LONG_BEFORE, _MANY_BEFORE = 60 * 86_400, 0.02

# all: of all leads. decided: of those won or lost.
Base = Literal["all", "decided"]


@dataclass(frozen=True, slots=True)
class GroupRate:
    """One group: its leads, how many were won, the share with its interval, and the share drawn to the mean.

    `gap`: its share less that of the others, among like leads where those are compared; None where nobody
    else had such leads. `p` is the chance of so large a gap by chance, `q` corrected for all comparisons of
    the report. `stands_out`: it differs from all others, more than chance. `expected` is the share that is
    usual for the leads that it has; None where no like leads were compared.
    """

    name: str
    count: int
    won: int
    rate: Estimate
    shrunk: Estimate
    gap: Estimate | None = None
    p: float = 1.0
    q: float = 1.0
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

    `test` compares all leads; `p` is what claims rest on, among like leads where `by_like`, and `q` the same
    corrected for all tests of the report. `unknown` leads are in no group.
    """

    role: str
    column: str
    groups: Sequence[GroupRate]
    unknown: int
    test: ChanceTest
    p: float
    by_like: bool = False
    q: float = 1.0
    alike: Alike | None = None

    @property
    def is_finding(self) -> bool:
        """Whether its groups differ, with no more than 5 % of such findings false."""
        return self.q <= FALSE_SHARE

    @property
    def is_confounded(self) -> bool:
        """Whether who gets which leads differs too, in what goes together with the outcome, in all leads."""
        return not self.by_like and self.alike is not None and bool(self.alike.confounders)


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
    `kinds`: the roles that say what leads are, where that is known.
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
    kinds: Sequence[str] = ()


def conversion(leads: Leads, kinds: Sequence[str] = ()) -> Conversion | None:
    """The conversion of leads; None without outcomes, or with fewer than 20 that count.

    `kinds` are the roles that say what leads are before anybody has them: other groupings are compared among
    leads alike in these, as far as they matter. Without, all leads are compared. Findings are settled
    afterwards by `settle`, when all tests of the report are known.
    """
    won, decided = leads.won, leads.decided
    if won is None or decided is None or leads.outcome is None or decided.sum() < _LEAST_TESTED:
        return None
    hit = won[decided]
    codes = {name: group.codes[decided] for name, group in leads.groups.items() if not group.late}
    tests = {
        name: test for name in codes if (test := _test(codes[name], hit, leads.groups[name])) is not None
    }
    features = mattering(
        {name: tests[name] for name in tests if leads.groups[name].role in kinds}, leads, decided
    )
    alike = kinds_of(
        features, len(hit), max((len(group.names) for group in leads.groups.values()), default=0)
    )
    plain = kinds_of([], len(hit), 0)
    telling = [name for name, test in tests.items() if test.strength < _IS_OUTCOME]
    return Conversion(
        "decided" if (leads.outcome == LOST).any() else "all",
        wilson(int(hit.sum()), len(hit)),
        int(hit.sum()),
        [
            _dimension(
                leads.groups[name],
                codes[name],
                hit,
                tests[name],
                alike if kinds and leads.groups[name].role not in kinds else plain,
            )
            for name in telling
        ],
        _months(leads, decided, won),
        [leads.groups[name].column for name in tests if name not in telling],
        [group.column for group in leads.groups.values() if group.late == "won"],
        [group.column for group in leads.groups.values() if group.late == "last"],
        _recorded_from(leads, won),
        kinds,
    )


def mattering(tests: Mapping[str, ChanceTest], leads: Leads, decided: Flags) -> list[Feature]:
    """Of some groupings (names of groups, how much each goes with the outcome) those that matter."""
    return [
        Feature(leads.groups[name].column, leads.groups[name].codes[decided], test.strength)
        for name, test in tests.items()
        if test.p <= _MATTERS
    ]


def _test(codes: Codes, hit: Flags, group: Group) -> ChanceTest | None:
    """Whether the groups differ among all leads; None where there are fewer than two."""
    hits, counts = tally(codes, hit, len(group.names))
    if (counts > 0).sum() < 2:
        return None
    if (counts > 0).sum() > _MOST_GROUPS:
        hits, counts = _tiny_as_one(hits, counts)
    return differ(hits, counts)


def _dimension(group: Group, codes: Codes, hit: Flags, test: ChanceTest, kinds: Kinds) -> Dimension:
    """The groups, each against all others; among leads of like kinds, as far as these matter."""
    like = alike_in(kinds, codes, hit)
    alike, p = None, test.p
    if like.compared:
        p = differ_in(*reversed(_tiny_as_one(like.hits, like.counts)))
        alike = Alike(like.related, like.compared, p, len(like.counts))
    rows = _rows(group, like.counts, like.hits, like=bool(like.compared))
    unknown = len(codes) - int(like.counts.sum())
    return Dimension(group.role, group.column, rows, unknown, test, p, alike is not None, alike=alike)


def _rows(group: Group, counts: Counts, hits: Counts, *, like: bool) -> list[GroupRate]:
    """The groups of a table of strata × groups, the largest first."""
    all_counts, all_hits = counts.sum(axis=0), hits.sum(axis=0)
    present = np.flatnonzero(all_counts)
    drawn = shrunken(all_hits[present], all_counts[present])
    gaps, chances = apart(hits[:, present], counts[:, present])
    rows = []
    for place, number in enumerate(present.tolist()):
        rate, gap = wilson(int(all_hits[number]), int(all_counts[number])), gaps[place]
        usual = min(1.0, max(0.0, rate.value - gap.value)) if like and gap is not None else None
        rows.append(
            GroupRate(
                group.names[number],
                rate.count,
                int(all_hits[number]),
                rate,
                drawn[place],
                gap,
                chances[place],
                expected=usual,
            )
        )
    return sorted(rows, key=lambda row: (-row.count, row.name))


def _tiny_as_one(hits: Counts, counts: Counts) -> tuple[Counts, Counts]:
    """The tiny groups (the last axis) as one: alone they tell nothing and cost a test its power."""
    tiny = counts.sum(axis=tuple(range(counts.ndim - 1))) < _LEAST_OF_MANY
    together = [
        np.concatenate([of[..., ~tiny], of[..., tiny].sum(axis=-1, keepdims=True)], axis=-1)
        for of in (hits, counts)
    ]
    return together[0], together[1]


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
    dimensions = [] if found is None else found.dimensions
    corrected = adjusted([*(one.p for one in dimensions), *others])
    rest = corrected[len(dimensions) :]
    if found is None:
        return None, rest
    settled = [
        replace(one, q=q, groups=_judged(one.groups, q, corrected))
        for one, q in zip(dimensions, corrected, strict=False)
    ]
    # What happens to leads follows from what they are, and so cannot be what confounds it.
    reasons = [one for one in settled if not found.kinds or one.role in found.kinds]
    return replace(found, dimensions=[_looked_into(one, reasons, leads) for one in settled]), rest


def _judged(groups: Sequence[GroupRate], q: float, families: Sequence[float]) -> list[GroupRate]:
    """Which groups stand out; those of a few leads never do, and are not counted as compared."""
    tested = [row for row in groups if row.count >= SMALL]
    corrected = adjusted_within([row.p for row in tested], q, families)
    of_row = {row.name: one for row, one in zip(tested, corrected, strict=True)}
    return [
        replace(row, q=of_row.get(row.name, 1.0), stands_out=of_row.get(row.name, 1.0) <= FALSE_SHARE)
        for row in groups
    ]


def _looked_into(one: Dimension, reasons: Sequence[Dimension], leads: Leads) -> Dimension:
    """A finding among all leads, made again among like ones where something may confound it."""
    won, decided = leads.won, leads.decided
    if not one.is_finding or one.by_like or won is None or decided is None:
        return one
    hit = won[decided]
    groups = {group.column: group for group in leads.groups.values()}
    own = groups[one.column].codes[decided]
    confounders = []
    for other in reasons:
        if other.column == one.column or other.test.p > FALSE_SHARE or other.test.strength < _TOGETHER:
            continue
        codes = groups[other.column].codes[decided]
        together = association(own, codes)
        if together.p <= FALSE_SHARE and together.strength >= _TOGETHER and not _follows(own, codes):
            confounders.append((other.column, together.strength, together.strength * other.test.strength))
    if not confounders:
        return one
    confounders.sort(key=lambda found: -found[2])
    compared = [column for column, _strength, _both in confounders[:_MOST_ALIKE]]
    stratum = crossed([groups[column].codes[decided] for column in compared])
    expected = expected_hits(own, hit, stratum, len(groups[one.column].names))
    named = [(column, strength) for column, strength, _both in confounders]
    alike = Alike(named, compared, differ_within(own, hit, stratum), int(stratum.max()) + 1)
    return replace(one, groups=_with_expected(one.groups, groups[one.column], expected), alike=alike)


def _follows(own: Codes, other: Codes) -> bool:
    """Whether each group lies within one group of the other (a rep in one region)."""
    known = (own >= 0) & (other >= 0)
    together, _hits = cells(own[known], other[known])
    return int((together > 0).sum()) <= int((together.sum(axis=1) > 0).sum())


def _with_expected(
    groups: Sequence[GroupRate], group: Group, expected: NDArray[np.float64]
) -> list[GroupRate]:
    number = {name: place for place, name in enumerate(group.names)}
    return [replace(row, expected=float(expected[number[row.name]]) / row.count) for row in groups]


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
