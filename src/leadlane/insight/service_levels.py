"""How are promises to prospects kept, and does somebody miss more of them than chance explains?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln
from scipy.stats import false_discovery_control

from leadlane.insight.groups import FALSE_SHARE, Codes, Flags, differ, tally
from leadlane.insight.proportions import Counts, Estimate, wilson
from leadlane.insight.survival import curve

# `ended`: the lead was closed, unanswered, before the promise ended; it is neither kept nor missed.
State = Literal["kept", "missed", "ended"]
# Whoever missed fewer does not miss again and again, however improbable it is.
LEAST_MISSED = 3


@dataclass(frozen=True, slots=True)
class Span:
    """So many seconds, and whether they ended with what was waited for; else it has not come until now."""

    seconds: float
    is_over: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """A promise and how it was kept. Spans are None where their beginning is not known.

    `response` is from arrival to answer, `assigning` from arrival until somebody had the lead, `telling` from
    then until `person`, who had it in the end, was told, and `answering` from then until the answer;
    those `in_hours` count the working time of that person. `by` says what it belongs to, for each dimension.
    """

    lead_id: str
    state: State
    person: str | None
    by: Mapping[str, str | None]
    response: Span
    response_in_hours: Span | None
    assigning: Span | None
    telling: Span | None
    answering: Span | None
    answering_in_hours: Span | None


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


def figures(promises: Sequence[Judged]) -> Figures:
    """The figures of some promises."""
    kept = sum(one.state == "kept" for one in promises)
    missed = sum(one.state == "missed" for one in promises)
    return Figures(
        kept,
        missed,
        len(promises) - kept - missed,
        wilson(kept, kept + missed) if kept + missed else None,
        _median(one.response for one in promises),
        _median(one.response_in_hours for one in promises),
        _median(one.assigning for one in promises),
        _median(one.telling for one in promises),
        _median(one.answering for one in promises),
        _median(one.answering_in_hours for one in promises),
        sum(one.response.is_over for one in promises),
        sum(one.telling is not None for one in promises),
    )


def _median(spans: Iterable[Span | None]) -> Estimate | None:
    known = [(one.seconds, one.is_over) for one in spans if one is not None]
    if not known:
        return None
    found = curve(np.array([one[0] for one in known]), np.array([one[1] for one in known], dtype=bool))
    return found.time_of(0.5) if found is not None else None


def grouped(promises: Iterable[Judged], dimension: str) -> dict[str | None, list[Judged]]:
    """The promises by what they belong to in a dimension."""
    found: defaultdict[str | None, list[Judged]] = defaultdict(list)
    for one in promises:
        found[one.by[dimension]].append(one)
    return dict(found)


# ---------------------------------------------------------------- beyond chance


@dataclass(frozen=True, slots=True)
class Beyond:
    """Group `group` missed `missed` of `count` promises that others have comparable ones for.

    `expected` is the share missed that it would have, had it missed as many of each kind as the others did;
    `p` the chance of so many or more, were there no difference; `q` corrected for all groups.
    """

    group: int
    missed: int
    count: int
    share: Estimate
    expected: float
    p: float
    q: float

    @property
    def is_found(self) -> bool:
        """Whether it is more than chance explains, at the stated share of false findings."""
        return self.q <= FALSE_SHARE and self.missed >= LEAST_MISSED


def beyond_chance(group: Codes, missed: Flags, stratum: Codes) -> list[Beyond]:
    """Each group against the others, within strata (kinds of promises); those without comparable ones not.

    `group`, `missed` and `stratum` have one entry a promise; negative groups are of nobody and compared with.
    The test is exact: given how many of a kind were missed in all, how many of them are a group's is
    hypergeometric, were there no difference; and strata are independent (M. W. Birch, 1964). Unlike the
    binomial, it knows that the rate of the others comes from few too. Corrected by Benjamini–Hochberg, 1995.
    """
    groups, strata = int(group.max(initial=-1)) + 1, int(stratum.max(initial=-1)) + 1
    counts, misses = np.zeros((groups, strata), np.int64), np.zeros((groups, strata), np.int64)
    known = group >= 0
    np.add.at(counts, (group[known], stratum[known]), 1)
    np.add.at(misses, (group[known], stratum[known]), missed[known])
    all_misses, all_counts = tally(stratum, missed, strata)
    found = []
    for one in range(groups):
        comparable = (counts[one] > 0) & (all_counts > counts[one])
        if comparable.any():
            own = misses[one][comparable], counts[one][comparable]
            found.append((one, *own, all_misses[comparable], all_counts[comparable]))
    chances = [_chance(*margins) for _one, *margins in found]
    corrected = false_discovery_control(chances).tolist() if chances else []
    return [
        Beyond(
            one,
            int(k.sum()),
            int(n.sum()),
            wilson(int(k.sum()), int(n.sum())),
            float((n * (all_k - k) / (all_n - n)).sum() / n.sum()),
            p,
            q,
        )
        for (one, k, n, all_k, all_n), p, q in zip(found, chances, corrected, strict=True)
    ]


def _chance(misses: Counts, counts: Counts, all_misses: Counts, all_counts: Counts) -> float:
    """The chance that so many or more of the misses of all strata are of one group."""
    total: NDArray[np.float64] = np.ones(1)
    for n, k, everything in zip(counts.tolist(), all_misses.tolist(), all_counts.tolist(), strict=True):
        total = np.convolve(total, _hypergeometric(n, k, everything))
    return min(1.0, float(total[int(misses.sum()) :].sum()))


def _hypergeometric(own: int, missed: int, everything: int) -> NDArray[np.float64]:
    """The chance that 0, 1, … of those missed are among one's own; by logarithms, since scipy's is slow."""
    among = np.arange(min(own, missed) + 1)
    rest = missed - among
    possible = rest <= everything - own
    logs = _log_choose(own, among) - _log_choose(everything, missed)
    logs = logs + _log_choose(everything - own, np.where(possible, rest, 0))
    return np.where(possible, np.exp(logs), 0.0)


def _log_choose(of: int, some: NDArray[np.int64] | int) -> NDArray[np.float64]:
    return np.asarray(gammaln(of + 1) - gammaln(some + 1) - gammaln(of - some + 1))


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


def patterns(promises: Sequence[Judged], dimensions: Sequence[str]) -> list[Pattern]:
    """For each dimension with more than one value, whether the shares missed differ, those that do first."""
    judged = [one for one in promises if one.state != "ended"]
    tests = []
    for dimension in dimensions:
        parts = list(grouped(judged, dimension).items())
        counts = np.array([len(part) for _value, part in parts])
        missed = np.array([sum(one.state == "missed" for one in part) for _value, part in parts])
        if len(parts) > 1:
            tests.append((dimension, differ(missed, counts), _worst(parts, missed, counts)))
    if not tests:
        return []
    corrected = false_discovery_control([test.p for _dimension, test, _worst in tests]).tolist()
    found = [
        Pattern(dimension, q, test.strength, worst)
        for (dimension, test, worst), q in zip(tests, corrected, strict=True)
    ]
    return sorted(found, key=lambda one: one.q)


def _worst(
    parts: Sequence[tuple[str | None, list[Judged]]], missed: Counts, counts: Counts
) -> list[tuple[str | None, Estimate]]:
    shares = [
        (value, wilson(int(k), int(n)))
        for (value, _part), k, n in zip(parts, missed, counts, strict=True)
        if k
    ]
    # By the lower end: one missed of one is no worse than fifty of sixty.
    return sorted(shares, key=lambda one: -one[1].low)[:_MOST_WORST]
