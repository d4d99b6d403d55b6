"""Of the leads of a period, who won how many, how soon, worth how much, and what of it is more than chance?

Leads that turned out to be junk or duplicates are left out. Many others are still open: the share won of the
decided ones shows what ends soon, so beside it stand the share of all, and what is won within 30, 60 and 90
days (`insight.incidence`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

import numpy as np

from leadlane.insight.conversion import Conversion, GroupRate, conversion, mattering, settle
from leadlane.insight.groups import Codes, Flags, adjusted, adjusted_within
from leadlane.insight.incidence import incidence
from leadlane.insight.leads import LOST, OPEN, WON, Group, Leads
from leadlane.insight.moves import Move, compared_moves
from leadlane.insight.proportions import Estimate, wilson
from leadlane.insight.response import CLASSES, DAY, HOUR, Effect, ResponseClass, effect, response_classes
from leadlane.insight.sources import PoorSource, compared_sources
from leadlane.insight.spread import medians, skewed_means

# What leads are before anybody has them: what like leads are alike in.
KINDS = ("intent", "fit", "source", "segment", "deal_band")
DIMENSIONS = (
    "source", "segment", "owner", "team", "route", "response", "region", "deal_band", "intent", "fit",
    "service_level",
)  # fmt: skip
# Classes of response time, by their upper ends; those never answered are in none.
RESPONSE_CLASSES = ("5m", "15m", "1h", "4h", "1d", "3d", "7d", "later")
WITHIN_DAYS = (30, 60, 90)
FAST = HOUR
_LEFT_OUT = ("junk", "duplicate")
_INSTANTS = ("arrived_at", "asked_at", "responded_at", "closed_at", "won_at")


@dataclass(frozen=True, slots=True)
class Figures:
    """The leads of one group (`value`; None: of none), and what became of them.

    `share` is won of won and lost, or of all where no loss is written down; None where none is decided.
    `of_all`: won so far of all. `within`: won within each of WITHIN_DAYS, None where nobody was followed for
    so long. `days`: the median from arrival to win, of those won so far. `value_won` is that of the `valued`
    wins that have one, `value_mean` their mean, None below three. `rate`: the group against the others.
    """

    value: str | None
    leads: int
    open: int
    won: int
    lost: int
    share: Estimate | None
    of_all: Estimate
    within: Sequence[Estimate | None]
    days: Estimate | None
    value_won: float
    valued: int
    value_mean: Estimate | None
    rate: GroupRate | None = None

    @property
    def is_small(self) -> bool:
        """Whether so few are decided that their share says little."""
        return self.share is None or self.share.is_small


@dataclass(frozen=True, slots=True)
class ConversionReport:
    """The conversion of the leads of a period, all and by one grouping, and what is found in it.

    `leads` are those that count, with a group `response`; `left_out` were junk or duplicates. `found` is None
    with fewer than 20 decided. `moves` and `poor_sources` are those that are more than chance, of so many
    compared. `tests` comparisons were corrected for together.
    """

    by: str
    leads: Leads
    left_out: int
    all: Figures
    groups: Sequence[Figures]
    found: Conversion | None
    response: Effect | None
    classes: Sequence[ResponseClass]
    moves: Sequence[Move]
    compared_moves: int
    poor_sources: Sequence[PoorSource]
    compared_sources: int
    tests: int


def conversion_report(leads: Leads, by: str, now: datetime) -> ConversionReport:
    """The report on leads with the groups of `service.facts`, by one of DIMENSIONS; followed until `now`."""
    cohort = _cohort(leads)
    found = conversion(cohort, KINDS)
    moves, sources = (_moves(cohort, found), _sources(cohort)) if found else ([], [])
    fast = effect(_since_asked(cohort), FAST)
    # A family is as improbable as the most improbable of its members, corrected for their number
    # (R. J. Simes: An Improved Bonferroni Procedure for Multiple Tests of Significance, 1986).
    families = [min(adjusted([one.p for one in family])) for family in (moves, sources) if family]
    found, rest = settle(found, cohort, [*families, *([fast.p] if fast else ())])
    every = [*(one.q for one in found.dimensions), *rest] if found else rest
    qs = iter(rest)
    settled_moves, settled_sources = _settled(moves, qs, every), _settled(sources, qs, every)
    everything, *groups = _figures(cohort, by, now)
    return ConversionReport(
        by,
        cohort,
        leads.count - cohort.count,
        everything,
        _with_rates(groups, found, by),
        found,
        fast.corrected(next(qs)) if fast else None,
        response_classes(_since_asked(cohort)),
        sorted((one for one in settled_moves if one.is_finding), key=lambda one: one.q),
        len(moves),
        sorted((one for one in settled_sources if one.is_finding), key=lambda one: one.q),
        len(sources),
        len(every),
    )


_Found = TypeVar("_Found", Move, PoorSource)


def _settled(family: Sequence[_Found], qs: Iterator[float], every: Sequence[float]) -> list[_Found]:
    """The members of a family with their corrected p-values; that of the family is the next of `qs`."""
    if not family:
        return []
    corrected = adjusted_within([one.p for one in family], next(qs), every)
    return [one.corrected(q) for one, q in zip(family, corrected, strict=True)]


# ---------------------------------------------------------------- which leads, and what they are


def _cohort(leads: Leads) -> Leads:
    """The leads that count, with what is asked of them, and grouped by response time."""
    groups = {role: replace(leads.groups[role], late="") for role in DIMENSIONS if role in leads.groups}
    narrowed = replace(
        leads,
        instants={role: leads.instants[role] for role in _INSTANTS if role in leads.instants},
        numbers={role: values for role, values in leads.numbers.items() if role == "value"},
        groups={**groups, "response": _by_response(leads)},
        timed=frozenset(_INSTANTS),
    )
    closing = leads.groups.get("closing")
    if closing is None:
        return narrowed
    counts = np.array([*(name not in _LEFT_OUT for name in closing.names), True])
    kept = counts[closing.codes]
    return narrowed if kept.all() else narrowed.only(kept)


def _by_response(leads: Leads) -> Group:
    """Classes of the time from arrival, or the signal that got a lead routed again, to the answer."""
    begun = leads.instants.get("asked_at", leads.instants["arrived_at"])
    seconds = leads.instants.get("responded_at", np.full(leads.count, np.nan)) - begun
    place = np.searchsorted(CLASSES, seconds, side="left").astype(np.int32)
    return Group("response", "response", np.where(seconds >= 0, place, -1).astype(np.int32), RESPONSE_CLASSES)


def _since_asked(cohort: Leads) -> Leads:
    """The same leads, as if they had arrived when they were asked about last: response times begin there."""
    instants = dict(cohort.instants)
    instants["arrived_at"] = instants.get("asked_at", instants["arrived_at"])
    return replace(cohort, instants=instants)


# ---------------------------------------------------------------- findings by name


def _moves(cohort: Leads, found: Conversion) -> list[Move]:
    segment, team = cohort.groups.get("segment"), cohort.groups.get("team")
    if segment is None or team is None:
        return []
    won, decided = _outcomes(cohort)
    tests = {one.role: one.test for one in found.dimensions if one.role in KINDS and one.role != "segment"}
    return compared_moves(
        segment.codes[decided],
        segment.names,
        team.codes[decided],
        team.names,
        won[decided],
        mattering(tests, cohort, decided),
    )


def _sources(cohort: Leads) -> list[PoorSource]:
    source = cohort.groups.get("source")
    workers = [cohort.groups[role] for role in ("owner", "team") if role in cohort.groups]
    if source is None:
        return []
    won, decided = _outcomes(cohort)
    return compared_sources(source, decided, workers, won[decided])


def _outcomes(cohort: Leads) -> tuple[Flags, Flags]:
    won, decided = cohort.won, cohort.decided
    assert won is not None  # conversion was found, so there are outcomes
    assert decided is not None
    return won, decided


# ---------------------------------------------------------------- the figures of groups


def _figures(cohort: Leads, by: str, now: datetime) -> list[Figures]:
    """Those of all, then those of each group that has leads: the largest first, leads of none last."""
    group = cohort.groups[by]
    unknown = len(group.names)
    codes = np.where(group.codes >= 0, group.codes, unknown).astype(np.int32)
    (everything,) = _figures_of(cohort, np.zeros(cohort.count, np.int32), [None], now)
    groups = [one for one in _figures_of(cohort, codes, [*group.names, None], now) if one.leads]
    if by != "response":
        groups.sort(key=lambda one: (one.value is None, -one.leads, one.value or ""))
    return [everything, *groups]


def _figures_of(cohort: Leads, codes: Codes, names: Sequence[str | None], now: datetime) -> list[Figures]:
    outcome, groups = cohort.outcome, len(names)
    assert outcome is not None  # facts have outcomes
    leads, lost, won = (
        np.bincount(codes[kept] if kept is not None else codes, minlength=groups)
        for kept in (None, outcome == LOST, outcome == WON)
    )
    arrived, closed = cohort.instants["arrived_at"], cohort.instants["closed_at"]
    days = (np.where(outcome == OPEN, now.timestamp(), closed) - arrived) / DAY
    ended = ~np.isnan(days)
    within = incidence(days[ended], outcome[ended], codes[ended], groups, WITHIN_DAYS)
    taken = (outcome == WON) & (days >= 0)
    to_win = medians(days[taken], codes[taken], groups)
    worth = _worth(cohort, codes, groups)
    is_lost_known = bool(lost.sum())
    return [
        Figures(
            name,
            n,
            n - k - j,
            k,
            j,
            _share(k, k + j if is_lost_known else n),
            wilson(k, n) if n else _NOTHING,
            within[at],
            to_win[at],
            *worth[at],
        )
        for at, (name, n, k, j) in enumerate(
            zip(names, leads.tolist(), won.tolist(), lost.tolist(), strict=True)
        )
    ]


_NOTHING = Estimate(0.0, 0.0, 1.0, 0)


def _share(won: int, count: int) -> Estimate | None:
    return wilson(won, count) if count else None


def _worth(cohort: Leads, codes: Codes, groups: int) -> list[tuple[float, int, Estimate | None]]:
    """For each group the value of the wins that have one, how many these are, and their mean."""
    value = cohort.numbers.get("value")
    if value is None or cohort.outcome is None:
        return [(0.0, 0, None)] * groups
    valued = (cohort.outcome == WON) & (value > 0)
    of = codes[valued]
    total, count = np.bincount(of, value[valued], groups), np.bincount(of, minlength=groups)
    means = skewed_means(value[valued], of, groups)
    return list(zip(total.tolist(), count.tolist(), means, strict=True))


def _with_rates(groups: Sequence[Figures], found: Conversion | None, by: str) -> list[Figures]:
    """The groups, each with how it compares with the others, where it was compared."""
    dimension = next((one for one in found.dimensions if one.role == by), None) if found else None
    rates = {row.name: row for row in dimension.groups} if dimension is not None else {}
    return [one if one.value is None else replace(one, rate=rates.get(one.value)) for one in groups]
