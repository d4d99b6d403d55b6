"""Do groups differ beyond chance, also when like is compared with like, and how many such findings are false?

`group`, `hit` and `stratum` are arrays with one entry an observation; groups and strata are numbers from 0,
a negative one is unknown and left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve
from scipy.sparse.csgraph import connected_components
from scipy.stats import chi2, false_discovery_control

from leadlane.insight.proportions import Counts

Codes = NDArray[np.int32]
Flags = NDArray[np.bool_]

# The share of findings that may be false, for all that one report claims together.
FALSE_SHARE = 0.05
# From so many expected in each cell the chi-square distribution is near enough (Cochran, 1954).
_EXPECTED = 5.0
_PERMUTATIONS = 2000


@dataclass(frozen=True, slots=True)
class ChanceTest:
    """How probable a difference as large as the one seen is by chance alone (`p`), and how large it is.

    `strength` is Cramér's V: 0 nothing, 1 the group alone decides.
    """

    p: float
    strength: float


def tally(group: Codes, hit: Flags, groups: int) -> tuple[Counts, Counts]:
    """Hits and observations of each group."""
    known = group >= 0
    counts = np.bincount(group[known], minlength=groups)
    hits = np.bincount(group[known], weights=hit[known], minlength=groups).astype(np.int64)
    return hits, counts


def differ(hits: Counts, counts: Counts, seed: int = 0) -> ChanceTest:
    """Whether the shares of groups differ: Pearson's chi-square; by permutation where groups are too small.

    The permutation draws tables with the same margins, so that its p-value is right for any counts
    (B. Phipson, G. K. Smyth: Permutation P-values Should Never Be Zero, 2010).
    """
    hits, counts = hits[counts > 0], counts[counts > 0]
    total, won = int(counts.sum()), int(hits.sum())
    if len(counts) < 2 or won in (0, total):
        return ChanceTest(1.0, 0.0)
    seen = float(_pearson(hits, counts, won, total))
    strength = float(np.sqrt(seen / total))
    if min(won, total - won) * counts.min() / total >= _EXPECTED:
        return ChanceTest(float(chi2.sf(seen, len(counts) - 1)), strength)
    drawn = np.random.default_rng(seed).multivariate_hypergeometric(
        counts, won, size=_PERMUTATIONS, method="marginals"
    )
    as_large = int((_pearson(drawn, counts, won, total) >= seen * (1 - 1e-9)).sum())
    return ChanceTest((as_large + 1) / (_PERMUTATIONS + 1), strength)


def _pearson(hits: Counts, counts: Counts, won: int, total: int) -> NDArray[np.float64]:
    share = won / total
    return np.asarray(((hits - counts * share) ** 2 / (counts * share * (1 - share))).sum(axis=-1))


def association(one: Codes, other: Codes) -> ChanceTest:
    """Whether two groupings go together (who gets which leads): chi-square and Cramér's V of their table."""
    known = (one >= 0) & (other >= 0)
    if not known.any():
        return ChanceTest(1.0, 0.0)
    return association_in(cells(one[known], other[known])[0])


def association_in(counts: Counts) -> ChanceTest:
    """`association` of a table: observations by one grouping (rows) and the other (columns)."""
    table = counts.astype(float)
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    rows, columns = table.shape
    if min(rows, columns) < 2:
        return ChanceTest(1.0, 0.0)
    total = table.sum()
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / total
    seen = float(((table - expected) ** 2 / expected).sum())
    strength = float(np.sqrt(seen / (total * (min(rows, columns) - 1))))
    return ChanceTest(float(chi2.sf(seen, (rows - 1) * (columns - 1))), strength)


def differ_within(group: Codes, hit: Flags, stratum: Codes) -> float:
    """The p-value of groups that differ among observations of the same stratum.

    The generalised Cochran–Mantel–Haenszel test (N. Mantel, 1963; A. Agresti: Categorical Data Analysis,
    section on I × 2 × K tables). 1 where no stratum has two groups and both outcomes.
    """
    known = (group >= 0) & (stratum >= 0)
    if not known.any():
        return 1.0
    return differ_in(*cells(stratum[known], group[known], hit[known]))


def cells(
    rows: Codes, columns: Codes, hit: Flags | None = None, width: int | None = None
) -> tuple[Counts, Counts]:
    """How many observations there are of each row and column (both from 0), and how many of them are hits.

    At least one observation. `width`: so many columns, else as many as there are.
    """
    shape = int(rows.max()) + 1, width or int(columns.max()) + 1
    place = rows.astype(np.int64) * shape[1] + columns
    counts = np.bincount(place, minlength=shape[0] * shape[1]).reshape(shape)
    if hit is None:
        return counts, np.zeros_like(counts)
    return counts, np.bincount(place[hit], minlength=shape[0] * shape[1]).reshape(shape)


def differ_in(counts: Counts, hits: Counts) -> float:
    """`differ_within` of a table: observations and hits by stratum (rows) and group (columns)."""
    total, won = counts.sum(axis=1), hits.sum(axis=1)
    telling = (total > 1) & (won > 0) & (won < total)
    if not telling.any():
        return 1.0
    counts, hits, total, won = (of[telling].astype(float) for of in (counts, hits, total, won))
    counts, hits = _enough_each(counts, hits, won / total)
    gap = (hits - counts * (won / total)[:, None]).sum(axis=0)
    scale = (won * (total - won) / (total**2 * (total - 1)))[:, None]
    covariance = np.diag((counts * scale * total[:, None]).sum(axis=0)) - (counts * scale).T @ counts
    # Groups that no stratum links, not even by way of others, cannot be compared; of those that are linked,
    # what is known of all but one says the rest.
    _parts, part = connected_components(covariance != 0)
    kept = np.ones(len(part), dtype=bool)
    kept[np.unique(part, return_index=True)[1]] = False
    if not kept.any():
        return 1.0
    square = gap[kept] @ solve(covariance[kept][:, kept], gap[kept], assume_a="pos")
    return float(chi2.sf(square, kept.sum()))


def _enough_each(counts: Counts, hits: Counts, share: NDArray[np.float64]) -> tuple[Counts, Counts]:
    """Groups (columns) that expect too few hits, or too few of the others, put together with such as few.

    Of very few beside very many, chi-square makes chance look like more. By what they expect, never by how
    they did, so that nothing is chosen.
    """
    expected = np.minimum((counts * share[:, None]).sum(axis=0), (counts * (1 - share)[:, None]).sum(axis=0))
    order = np.argsort(expected, kind="stable")
    whole, together = np.cumsum(expected[order]), np.zeros(len(order), dtype=np.intp)
    # Groups that are all as small do no harm: the more they differ in size, the more.
    begun, enough = 0.0, min(_EXPECTED, float(expected.mean()))
    for place in range(1, len(order)):
        is_enough = whole[place - 1] - begun >= enough and whole[-1] - whole[place - 1] >= enough
        begun = float(whole[place - 1]) if is_enough else begun
        together[place] = together[place - 1] + is_enough
    starts = np.flatnonzero(np.r_[True, np.diff(together) > 0])
    return np.add.reduceat(counts[:, order], starts, axis=1), np.add.reduceat(hits[:, order], starts, axis=1)


def expected_hits(group: Codes, hit: Flags, stratum: Codes, groups: int) -> NDArray[np.float64]:
    """How many hits each group would have, had it the share of all in each stratum that it has.

    Indirect standardisation. Observations of an unknown stratum are a stratum of their own.
    """
    strata = np.where(stratum >= 0, stratum, stratum.max(initial=-1) + 1)
    hits, counts = tally(strata, hit, int(strata.max(initial=0)) + 1)
    share = hits / np.maximum(counts, 1)
    known = group >= 0
    found = np.bincount(group[known], weights=share[strata[known]], minlength=groups)
    return np.asarray(found, dtype=np.float64)


def crossed(groupings: Sequence[Codes]) -> Codes:
    """One grouping for the combinations of several: same number, same combination. Unknown stays a value."""
    joint = np.zeros(len(groupings[0]), dtype=np.int64)
    for codes in groupings:
        joint = joint * (int(codes.max(initial=-1)) + 2) + codes + 1
        joint = _numbered(joint)
    return joint.astype(np.int32)


def _numbered(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Numbers from 0 for the values (>= 0) that occur, in their order; by counting unless sparse."""
    most = int(values.max(initial=0)) + 1
    if most > 4 * len(values) + 1024:
        return np.unique(values, return_inverse=True)[1]
    return (np.cumsum(np.bincount(values, minlength=most) > 0) - 1)[values]


def adjusted(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for their number: claiming those up to x leaves a share of at most x false.

    Y. Benjamini, Y. Hochberg: Controlling the False Discovery Rate, 1995.
    """
    return [float(q) for q in false_discovery_control(p_values)] if p_values else []


def adjusted_within(p_values: Sequence[float], q: float, families: Sequence[float]) -> list[float]:
    """p-values of one family out of several, corrected for the others too.

    `q` is the corrected p-value of the family as a whole, `families` are those of all. Of what is claimed in
    the families that are claimed, no more than 5 % is false on average. Y. Benjamini, M. Bogomolov: Selective
    Inference on Multiple Families of Hypotheses, 2014.
    """
    chosen = sum(one <= FALSE_SHARE for one in families)
    factor = len(families) / max(1, chosen)
    return [max(q, min(1.0, one * factor)) for one in adjusted(p_values)]
