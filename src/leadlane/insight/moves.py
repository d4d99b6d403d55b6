"""Does a segment do better with one team than with another, more than that team does better anyway?

That is an association: the teams may differ in whom they hire as in what leads no column tells apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from scipy.stats import norm

from leadlane.insight.groups import FALSE_SHARE, Codes, Flags
from leadlane.insight.proportions import SMALL, Counts, Estimate, Pooled, Shares, pooled, together
from leadlane.insight.strata import Feature, alike_in, kinds_of


@dataclass(frozen=True, slots=True)
class Pair:
    """Leads of two sides, and how many of each were won."""

    won: int
    count: int
    other_won: int
    other_count: int


@dataclass(frozen=True, slots=True)
class Move:
    """A segment, and a `team` that does better with it than the `other`.

    `gap`: the share won by `team` less that of `other`, of leads of the segment that are alike in `compared`.
    `elsewhere`: the same of all other segments; None where the two share none. `p` is the chance that the
    teams are alike in the segment, or that it is no different from the others, whichever is larger; `q` is
    corrected for all comparisons of the report. `counts` are the leads of the segment.
    """

    segment: str
    team: str
    other: str
    gap: Estimate
    elsewhere: Estimate | None
    counts: Pair
    compared: Sequence[str]
    p: float
    q: float = 1.0

    @property
    def is_finding(self) -> bool:
        """Whether it is more than chance explains, with no more than 5 % of such findings false."""
        return self.q <= FALSE_SHARE

    def corrected(self, q: float) -> Move:
        """The same with its corrected p-value."""
        return replace(self, q=q)


def compared_moves(
    segment: Codes,
    segments: Sequence[str],
    team: Codes,
    teams: Sequence[str],
    hit: Flags,
    features: Sequence[Feature],
) -> list[Move]:
    """Every segment with every two teams that had at least 30 leads of it each, like with like.

    One entry a decided lead in `segment`, `team` (numbers of `segments`, `teams`; -1 none) and `hit` (won).
    `features` are what leads are besides. Most of what is returned is chance: a Move is a finding once it is
    corrected.
    """
    cell = np.where((segment >= 0) & (team >= 0), segment * np.int32(len(teams)) + team, -1)
    if not (cell >= 0).any():
        return []
    width = len(segments) * len(teams)
    like = alike_in(kinds_of(features, len(hit), width), cell, hit, width)
    counts, hits = (of.reshape(-1, len(segments), len(teams)) for of in (like.counts, like.hits))
    pairs = _pairs(counts.sum(axis=0) >= SMALL)
    parts = [_pooled(hits[:, at], counts[:, at], pairs) for at in range(len(segments))]
    found: list[Move] = []
    for at, name in enumerate(segments):
        rest = [part for number, part in enumerate(parts) if number != at]
        elsewhere = together(rest) if rest else None
        tallies = _Tallies(hits[:, at].sum(axis=0), counts[:, at].sum(axis=0), counts.sum(axis=(0, 1)))
        found += _moves(name, teams, pairs, tallies, parts[at], elsewhere)
    return [replace(one, compared=like.compared) for one in found]


def _pairs(enough: Flags) -> Counts:
    """Every two teams that have enough leads of one segment (segments × teams): pairs × 2."""
    both = [list(combinations(np.flatnonzero(row).tolist(), 2)) for row in enough]
    return np.array(sorted({pair for of in both for pair in of}), dtype=np.int64).reshape(-1, 2)


def _pooled(hits: Counts, counts: Counts, pairs: Counts) -> Pooled:
    one, other = pairs.T
    return pooled(hits[:, one], counts[:, one], hits[:, other], counts[:, other])


@dataclass(frozen=True, slots=True)
class _Tallies:
    """By team: wins and leads of a segment, and leads of all segments."""

    won: Counts
    count: Counts
    everywhere: Counts


def _moves(
    segment: str,
    teams: Sequence[str],
    pairs: Counts,
    tallies: _Tallies,
    inside: Pooled,
    elsewhere: Pooled | None,
) -> Iterator[Move]:
    """The pairs of teams with enough leads of a segment, in each the better team first."""
    won, count = tallies.won, tallies.count
    gaps = inside.estimates(count[pairs].sum(axis=1).tolist())
    outside: list[Estimate | None] = [None] * len(pairs)
    if elsewhere is not None:
        outside = elsewhere.estimates((tallies.everywhere - count)[pairs].sum(axis=1).tolist())
    chances = np.maximum(inside.p, _more_than(inside, elsewhere))
    for at in np.flatnonzero((count[pairs] >= SMALL).all(axis=1)).tolist():
        gap, other_gap, (one, other) = gaps[at], outside[at], pairs[at].tolist()
        if gap is None:
            continue
        if gap.value < 0:
            gap, other_gap, one, other = _turned(gap), other_gap and _turned(other_gap), other, one
        counts = Pair(int(won[one]), int(count[one]), int(won[other]), int(count[other]))
        yield Move(segment, teams[one], teams[other], gap, other_gap, counts, (), float(chances[at]))


def _turned(gap: Estimate) -> Estimate:
    return Estimate(-gap.value, -gap.high, -gap.low, gap.count)


def _more_than(inside: Pooled, elsewhere: Pooled | None) -> Shares:
    """The chance that a gap in a segment is no wider, in its own direction, than the one elsewhere.

    Leads of other segments are others, so the variances of both add up. 0 where nothing compares elsewhere.
    """
    if elsewhere is None:
        return np.zeros(len(inside.gap))
    known = elsewhere.weight > 0
    error = np.sqrt(inside.variance + elsewhere.variance)
    wider = np.sign(inside.value) * (inside.value - elsewhere.value)
    chance = np.where(wider > 0, 2 * norm.sf(wider / np.where(error > 0, error, np.nan)), 1.0)
    return np.where(known, np.where(np.isnan(chance), 1.0, chance), 0.0)
