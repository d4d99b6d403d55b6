"""How are promises to prospects kept, and does somebody miss more of them than chance explains?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import false_discovery_control

from leadlane.insight.exact import chance_of_more
from leadlane.insight.groups import FALSE_SHARE, Codes, Flags, crossed, differ, tally
from leadlane.insight.leads import Group
from leadlane.insight.promises import ENDED, KEPT, MISSED, Promises, Stage
from leadlane.insight.proportions import Counts, Estimate, wilson
from leadlane.insight.survival import medians

# Whoever missed some on fewer days does not miss again and again, however improbable it is.
LEAST_DAYS = 3
# Days are compared with days on which about as much was to be expected: of so many sizes.
_SIZES = 20


@dataclass(frozen=True, slots=True)
class Figures:
    """How a group of promises was kept: counts, the share kept of those kept or missed, medians in seconds.

    Medians count those still waiting as such (Kaplan–Meier); None where fewer than half have come to an end.
    `answered` and `told` say of how many promises these are.
    """

    kept: int
    missed: int
    ended: int
    share: Estimate | None
    response: Estimate | None
    response_in_hours: Estimate | None
    assigning: Estimate | None
    telling: Estimate | None
    answering: Estimate | None
    answering_in_hours: Estimate | None
    answered: int
    told: int

    @property
    def count(self) -> int:
        """The promises that were kept or missed."""
        return self.kept + self.missed


def figures(promises: Promises) -> Figures:
    """The figures of some promises."""
    (found,) = figures_by(promises, np.zeros(len(promises), np.int32), 1)
    return found


def figures_by(promises: Promises, group: Codes, groups: int) -> list[Figures]:
    """The figures of each group of promises, numbered from 0; negative ones are in none."""
    known = group >= 0
    counts = [
        np.bincount(group[known & (promises.state == state)], minlength=groups).tolist()
        for state in (KEPT, MISSED, ENDED)
    ]
    response, telling = promises.spans["response"], promises.spans["telling"]
    answered = np.bincount(group[known & response.is_over], minlength=groups).tolist()
    told = np.bincount(group[known & ~np.isnan(telling.seconds)], minlength=groups).tolist()

    def middle(stage: Stage) -> list[Estimate | None]:
        spans = promises.spans[stage]
        return medians(spans.seconds, spans.is_over, group, groups)

    return [
        Figures(kept, missed, ended, wilson(kept, kept + missed) if kept + missed else None, *more)
        for kept, missed, ended, *more in zip(
            *counts,
            middle("response"),
            middle("response_in_hours"),
            middle("assigning"),
            middle("telling"),
            middle("answering"),
            middle("answering_in_hours"),
            answered,
            told,
            strict=True,
        )
    ]


def grouped(promises: Promises, by: Group) -> list[tuple[str | None, Figures]]:
    """The figures by what promises belong to, without empty groups; None: not known, or there is none."""
    groups = len(by.names)
    found = figures_by(promises, np.where(by.codes < 0, groups, by.codes), groups + 1)
    listed = zip([*by.names, None], found, strict=True)
    return [(value, figures) for value, figures in listed if figures.count + figures.ended]


# ---------------------------------------------------------------- beyond chance


@dataclass(frozen=True, slots=True)
class Beyond:
    """Group `group` missed `missed` of `count` promises that others have comparable ones for, on `days` days.

    `expected` is the share missed that it would have, had it missed as many of each kind as the others did;
    `p` the chance of so many or more, were there no difference, both of promises and of bad days; `q`
    corrected for all groups.
    """

    group: int
    missed: int
    count: int
    days: int
    share: Estimate
    expected: float
    p: float
    q: float

    @property
    def is_found(self) -> bool:
        """Whether it is more than chance explains, at the stated share of false findings, on some days."""
        return self.q <= FALSE_SHARE and self.days >= LEAST_DAYS


def beyond_chance(group: Codes, missed: Flags, stratum: Codes, day: Codes) -> list[Beyond]:
    """Each group against the others, within strata (kinds of promises); those without comparable ones not.

    `group`, `missed`, `stratum` and `day` have one entry a promise; negative groups are of nobody and
    compared with. The test is exact: given how many of a kind were missed in all, how many of them are a
    group's is hypergeometric, were there no difference; and strata are independent (M. W. Birch, 1964).

    What is missed on one day goes together (somebody is ill, a meeting takes long), so promises alone would
    find whoever had one bad day. The same test is made of whole days, and the larger chance counts: it has to
    be improbable both that so much was missed and that it was on so many days. Corrected by
    Benjamini–Hochberg, 1995.
    """
    found = _margins(group, missed, stratum)
    whose, is_bad, size, with_misses = _days(group, missed, stratum, day)
    days = _margins(whose, is_bad, size)
    on_days = np.bincount(whose[with_misses & (whose >= 0)], minlength=max(found, default=-1) + 1)
    chances = [
        max(chance_of_more(*margins), chance_of_more(*days[one]) if one in days else 1.0)
        for one, margins in found.items()
    ]
    corrected = false_discovery_control(chances).tolist() if chances else []
    return [
        Beyond(
            one,
            int(k.sum()),
            int(n.sum()),
            int(on_days[one]),
            wilson(int(k.sum()), int(n.sum())),
            float((n * (all_k - k) / (all_n - n)).sum() / n.sum()),
            p,
            q,
        )
        for (one, (k, n, all_k, all_n)), p, q in zip(found.items(), chances, corrected, strict=True)
    ]


def _margins(group: Codes, hit: Flags, stratum: Codes) -> dict[int, tuple[Counts, Counts, Counts, Counts]]:
    """By group with comparable ones, in the strata that it shares: its hits, its count, and those of all."""
    groups, strata = int(group.max(initial=-1)) + 1, int(stratum.max(initial=-1)) + 1
    counts, hits = np.zeros((groups, strata), np.int64), np.zeros((groups, strata), np.int64)
    known = group >= 0
    np.add.at(counts, (group[known], stratum[known]), 1)
    np.add.at(hits, (group[known], stratum[known]), hit[known])
    all_hits, all_counts = tally(stratum, hit, strata)
    found = {}
    for one in range(groups):
        shared = (counts[one] > 0) & (all_counts > counts[one])
        if shared.any():
            found[one] = (hits[one][shared], counts[one][shared], all_hits[shared], all_counts[shared])
    return found


def _days(group: Codes, missed: Flags, stratum: Codes, day: Codes) -> tuple[Codes, Flags, Codes, Flags]:
    """The days of each group: whose, whether more was missed than everybody misses of such promises, its
    size, and whether any was missed.

    Days are of one size if about as many misses were to be expected on them, and as many make a bad one.
    """
    rates = np.divide(*tally(stratum, missed, int(stratum.max(initial=-1)) + 1))
    whole = crossed([group, day])
    expected = np.round(np.bincount(whole, rates[stratum]), 9)
    seen = np.bincount(whole, missed)
    whose = np.full(len(seen), -1, np.int32)
    whose[whole] = group
    edges = np.quantile(expected, np.arange(1, _SIZES) / _SIZES) if len(expected) else expected
    size = crossed([np.searchsorted(edges, expected).astype(np.int32), expected.astype(np.int32)])
    return whose, seen > expected, size, seen > 0


@dataclass(frozen=True, slots=True)
class Coaching:
    """Somebody who misses more than chance explains, and what may help: counts of what they missed.

    `outside` came outside of their hours; `untold` were missed before any message reached them, None where
    no telling is known at all. `channels`: (channel, kept, promises) of those told by it in time. `open` are
    the leads they have now, `most_open` how many they may have. `usual` is how many promises the others of
    their team had on average, None without others.
    """

    person: str
    beyond: Beyond
    promises: int
    outside: int
    untold: int | None
    channels: Sequence[tuple[str, int, int]]
    open: int
    most_open: int | None
    usual: float | None


@dataclass(frozen=True, slots=True)
class Pattern:
    """Whether shares missed differ between the values of a dimension by more than chance: `q`, corrected.

    `strength` is Cramér's V; `worst` the values with the highest shares: (value, share missed).
    """

    dimension: str
    q: float
    strength: float
    worst: Sequence[tuple[str | None, Estimate]]

    @property
    def is_found(self) -> bool:
        """Whether it is more than chance explains."""
        return self.q <= FALSE_SHARE


_MOST_WORST = 3


def patterns(promises: Promises, dimensions: Sequence[str]) -> list[Pattern]:
    """For each dimension with more than one value, whether the shares missed differ, those that do first."""
    is_missed = promises.state == MISSED
    tests = []
    for dimension in dimensions:
        by = promises.by[dimension]
        group = np.where(by.codes < 0, len(by.names), by.codes)
        missed, counts = tally(np.where(promises.state == ENDED, -1, group), is_missed, len(by.names) + 1)
        present = np.flatnonzero(counts)
        if len(present) > 1:
            names = [*by.names, None]
            listed = [(names[at], int(missed[at]), int(counts[at])) for at in present]
            tests.append((dimension, differ(missed[present], counts[present]), _worst(listed)))
    if not tests:
        return []
    corrected = false_discovery_control([test.p for _dimension, test, _worst in tests]).tolist()
    found = [
        Pattern(dimension, q, test.strength, worst)
        for (dimension, test, worst), q in zip(tests, corrected, strict=True)
    ]
    return sorted(found, key=lambda one: one.q)


def _worst(values: Sequence[tuple[str | None, int, int]]) -> list[tuple[str | None, Estimate]]:
    shares = [(value, wilson(missed, count)) for value, missed, count in values if missed]
    # By the lower end: one missed of one is no worse than fifty of sixty.
    return sorted(shares, key=lambda one: -one[1].low)[:_MOST_WORST]
