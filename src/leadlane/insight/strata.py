"""Which leads are alike, so that like can be compared with like?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from leadlane.insight.groups import Codes, association, crossed

# Kinds of leads have so many leads on average at least (a share of all): in smaller ones few are.
_MOST_STRATA_SHARE = 0.05
# A table of kinds and groups has so many cells at most, so that it stays small in memory.
_MOST_CELLS = 2_000_000


@dataclass(frozen=True, slots=True)
class Feature:
    """Something that leads are: its name, its groups, and how much it goes with the outcome (Cramér's V)."""

    column: str
    codes: Codes
    strength: float


@dataclass(frozen=True, slots=True)
class Like:
    """The kind of each lead (numbers from 0), and the names of what leads of one kind are alike in.

    `related`: all that goes with the grouping in question and with the outcome, the most telling first, with
    how much it goes with the grouping (Cramér's V).
    """

    stratum: Codes
    compared: Sequence[str]
    related: Sequence[tuple[str, float]]


def alike_in(own: Codes, features: Sequence[Feature]) -> Like:
    """Kinds of leads within which groups (`own`, from 0) are compared.

    What goes most with both the groups and the outcome comes first, for as long as kinds stay large enough to
    compare within. Chosen without a look at how the groups themselves did.
    """
    related = []
    for feature in features:
        strength = association(own, feature.codes).strength
        related.append((strength * feature.strength, strength, feature))
    related.sort(key=lambda one: -one[0])
    stratum, compared = np.zeros(len(own), dtype=np.int32), []
    groups = int(own.max(initial=0)) + 1
    for _both, _strength, feature in related:
        finer = crossed([stratum, feature.codes])
        kinds = int(finer.max(initial=0)) + 1
        if kinds <= _MOST_STRATA_SHARE * len(own) and kinds * groups <= _MOST_CELLS:
            stratum = finer
            compared.append(feature.column)
    return Like(stratum, compared, [(feature.column, strength) for _both, strength, feature in related])
