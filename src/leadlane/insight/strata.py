"""Which leads are alike, so that like can be compared with like?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from leadlane.insight.groups import Codes, Flags, association_in, cells, crossed
from leadlane.insight.proportions import Counts

# Kinds of leads have so many leads on average at least (a share of all): in smaller ones few are alike.
_MOST_STRATA_SHARE = 0.05
# A table of kinds and groups has so many cells at most, so that it stays small in memory.
_MOST_CELLS = 10_000_000


@dataclass(frozen=True, slots=True)
class Feature:
    """Something that leads are: its name, its groups, and how much it goes with the outcome (Cramér's V)."""

    column: str
    codes: Codes
    strength: float


@dataclass(frozen=True, slots=True)
class Kinds:
    """Leads by what they are: the kind of each (from 0), and of what group of each feature a kind is."""

    codes: Codes
    features: Sequence[Feature]


@dataclass(frozen=True, slots=True)
class Like:
    """Leads and wins by stratum (rows) and group (columns): leads of a stratum are alike in `compared`.

    `related`: the features by how much they go with both the groups and the outcome, with how much they go
    with the groups (Cramér's V).
    """

    counts: Counts
    hits: Counts
    compared: Sequence[str]
    related: Sequence[tuple[str, float]]


def kinds_of(features: Sequence[Feature], count: int, groups: int) -> Kinds:
    """Leads by all of the features that matter most; `groups` is how many will be compared at most."""
    codes, chosen = np.zeros(count, dtype=np.int32), []
    for feature in sorted(features, key=lambda one: -one.strength):
        finer = crossed([codes, feature.codes])
        if (int(finer.max(initial=0)) + 1) * groups <= _MOST_CELLS:
            codes = finer
            chosen.append(feature)
    kinds = int(codes.max(initial=0)) + 1
    return Kinds(
        codes, [Feature(one.column, _of_kind(codes, one.codes, kinds), one.strength) for one in chosen]
    )


def _of_kind(kind: Codes, codes: Codes, kinds: int) -> Codes:
    found = np.zeros(kinds, dtype=np.int32)
    found[kind] = codes
    return found


def alike_in(kinds: Kinds, own: Codes, hit: Flags, width: int | None = None) -> Like:
    """Leads and wins by stratum and group (`own`, -1 for none; `width` groups), so that like is compared.

    What goes most with both the groups and the outcome comes first, for as long as strata stay large enough
    to compare within. Chosen without a look at how the groups themselves did.
    """
    known = own >= 0
    if known.all():
        known = slice(None)  # type: ignore[assignment]
    counts, hits = cells(kinds.codes[known], own[known], hit[known], width)
    related = []
    for feature in kinds.features:
        of_kind = feature.codes[: len(counts)]
        strength = association_in(_by(counts[of_kind >= 0], of_kind[of_kind >= 0])).strength
        related.append((strength * feature.strength, strength, feature))
    related.sort(key=lambda one: -one[0])
    stratum, compared = np.zeros(len(counts), dtype=np.int32), []
    is_there = counts.sum(axis=1) > 0
    most = _MOST_STRATA_SHARE * counts.sum()
    for _both, _strength, feature in related:
        finer = crossed([stratum, feature.codes[: len(counts)]])
        if len(np.unique(finer[is_there])) <= most:
            stratum = finer
            compared.append(feature.column)
    return Like(
        _by(counts, stratum),
        _by(hits, stratum),
        compared,
        [(feature.column, strength) for _both, strength, feature in related],
    )


def _by(table: Counts, rows: Codes) -> Counts:
    """A table with its rows put together: those of the same number become one."""
    if not len(table):
        return table
    order = np.argsort(rows, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(rows[order]) != 0])
    return np.add.reduceat(table[order], starts, axis=0)
