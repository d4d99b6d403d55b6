"""How large is a share, or a difference between two shares, and how sure is that?

Every interval is a 95 % interval. Arrays are one-dimensional numpy arrays, one entry for each observation or
each stratum, as the functions say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaincinv
from scipy.stats import chi2

Counts = NDArray[np.int64]
Shares = NDArray[np.float64]

Z = 1.959963984540054
# Below so many observations a share is shown as the impression of a few.
SMALL = 30


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval, and from how many observations it comes."""

    value: float
    low: float
    high: float
    count: int

    @property
    def is_small(self) -> bool:
        """Whether so few observations say little."""
        return self.count < SMALL


def wilson(hits: int, count: int) -> Estimate:
    """The share hits / count, count > 0, with the score interval, which holds for few and for 0 and 1 too.

    E. B. Wilson: Probable Inference, the Law of Succession, and Statistical Inference, 1927.
    """
    share, square = hits / count, Z * Z
    middle = share + square / (2 * count)
    reach = Z * sqrt(share * (1 - share) / count + square / (4 * count * count))
    scale = 1 + square / count
    # At the ends rounding would leave the bound a hair off.
    low = (middle - reach) / scale if hits else 0.0
    return Estimate(share, low, (middle + reach) / scale if hits < count else 1.0, count)


def difference(hits: int, count: int, other_hits: int, other_count: int) -> Estimate:
    """The share of one group less that of another, by the square-and-add interval.

    R. G. Newcombe: Interval Estimation for the Difference between Independent Proportions, 1998, method 10.
    """
    one, other = wilson(hits, count), wilson(other_hits, other_count)
    value = one.value - other.value
    down = sqrt((one.value - one.low) ** 2 + (other.high - other.value) ** 2)
    up = sqrt((one.high - one.value) ** 2 + (other.value - other.low) ** 2)
    return Estimate(value, value - down, value + up, count + other_count)


@dataclass(frozen=True, slots=True)
class Pooled:
    """Two sides compared within strata: sums over the strata, which add up; one entry a comparison."""

    gap: Shares
    weight: Shares
    first: Shares
    second: Shares
    spread: Shares

    @property
    def value(self) -> Shares:
        """The difference of the shares, weighted by Mantel and Haenszel; NaN where nothing compares."""
        return self.gap / np.where(self.weight > 0, self.weight, np.nan)

    @property
    def variance(self) -> Shares:
        """T. Sato: On the Variance Estimator of the Mantel–Haenszel Risk Difference, 1989: it holds for many
        small strata as for few large ones.
        """
        weight = np.where(self.weight > 0, self.weight, np.nan)
        return np.asarray(np.maximum(0, (self.value * self.first + self.second) / weight**2))

    @property
    def p(self) -> Shares:
        """The chance of so large a difference, two-sided; 1 where nothing compares.

        N. Mantel, W. Haenszel: Statistical Aspects of the Analysis of Data, 1959, with their correction for
        continuity, by which it comes near to the exact conditional test.
        """
        far = np.maximum(np.abs(self.gap) - 0.5, 0)
        return np.asarray(chi2.sf(far**2 / np.where(self.spread > 0, self.spread, np.inf), 1))

    def estimates(self, counts: Sequence[int]) -> list[Estimate | None]:
        """The differences with their intervals, of so many compared; None where nothing compares."""
        reach = Z * np.sqrt(self.variance)
        return [
            None if isnan(v) else Estimate(v, max(-1.0, v - r), min(1.0, v + r), n)
            for v, r, n in zip(self.value.tolist(), reach.tolist(), counts, strict=True)
        ]


def together(parts: Sequence[Pooled]) -> Pooled:
    """The sums over the strata of all parts."""
    sums = np.sum([(one.gap, one.weight, one.first, one.second, one.spread) for one in parts], axis=0)
    return Pooled(*sums)


def pooled(hits: Counts, counts: Counts, other_hits: Counts, other_counts: Counts) -> Pooled:
    """Two sides compared within strata, which are the first axis; strata with only one side tell nothing."""
    both = (counts > 0) & (other_counts > 0)
    a, n, b, m = (np.where(both, of, 0).astype(float) for of in (hits, counts, other_hits, other_counts))
    total, won = np.maximum(n + m, 1), a + b
    return Pooled(
        ((a * m - b * n) / total).sum(axis=0),
        (n * m / total).sum(axis=0),
        ((n**2 * b - m**2 * a + n * m * (m - n) / 2) / total**2).sum(axis=0),
        ((a * (m - b) + b * (n - a)) / (2 * total)).sum(axis=0),
        (n * m * won * (total - won) / (total**2 * np.maximum(total - 1, 1))).sum(axis=0),
    )


def stratified_difference(hits: Counts, counts: Counts, other_hits: Counts, other_counts: Counts) -> Estimate:
    """The difference between two groups' shares within strata (one entry a stratum), pooled.

    Mantel–Haenszel weights. Strata with only one of the groups tell nothing; ValueError where no stratum has
    both.
    """
    both = (counts > 0) & (other_counts > 0)
    sides = [of[both][:, None] for of in (hits, counts, other_hits, other_counts)]
    (found,) = pooled(*sides).estimates([int((counts + other_counts)[both].sum())])
    if found is None:
        raise ValueError("no stratum has both groups")
    return found


def apart(hits: Counts, counts: Counts) -> tuple[list[Estimate | None], list[float]]:
    """The share of each group less that of all others, like with like, and the chance of such a difference.

    Tables of strata × groups. One stratum: as `difference`. Several: as `stratified_difference`. None where
    nobody else had such.
    """
    others, other_hits = counts.sum(axis=1, keepdims=True) - counts, hits.sum(axis=1, keepdims=True) - hits
    found = pooled(hits, counts, other_hits, others)
    compared = np.where((others > 0) & (counts > 0), counts + others, 0).sum(axis=0).tolist()
    gaps = found.estimates(compared)
    if len(counts) == 1:
        sides = zip(
            hits[0].tolist(), counts[0].tolist(), other_hits[0].tolist(), others[0].tolist(), strict=True
        )
        gaps = [difference(k, n, j, m) if n and m else None for k, n, j, m in sides]
    return gaps, found.p.tolist()


def shrunken(hits: Counts, counts: Counts) -> list[Estimate]:
    """Each group's share drawn towards that of all, the more the fewer it has (empirical Bayes).

    Beta-binomial: the prior's mean is the share of all, its strength comes from how much the groups' shares
    vary beyond chance (method of moments, J. C. Kleinman: Proportions with Extraneous Variance, 1973). Where
    nothing varies beyond chance, all have the common share. The intervals are those of the posterior, wider
    by what is not known of the prior: its mean, and its strength (C. N. Morris: Parametric Empirical Bayes
    Inference, 1983).
    """
    total = int(counts.sum())
    common = wilson(int(hits.sum()), total)
    mean, strength = common.value, _prior_strength(hits, counts, common.value)
    if mean in (0.0, 1.0):
        return [Estimate(mean, common.low, common.high, n) for n in counts.tolist()]
    alike = 1 / (strength + 1)
    of_mean = mean * (1 - mean) * ((1 - alike) / total + alike * float(((counts / total) ** 2).sum()))
    of_strength = 2 / max(1, len(counts) - 3)
    found = []
    for k, n in zip(hits.tolist(), counts.tolist(), strict=True):
        value = (mean * strength + k) / (strength + n)
        part = strength / (strength + n)
        variance = value * (1 - value) / (strength + n + 1)
        variance += part**2 * (of_mean + of_strength * (k / max(1, n) - mean) ** 2)
        # The beta distribution of this mean and variance.
        known = max(value * (1 - value) / variance - 1, 1e-3)
        low, high = (float(betaincinv(value * known, (1 - value) * known, edge)) for edge in (0.025, 0.975))
        found.append(Estimate(value, low, high, n))
    return found


def _prior_strength(hits: Counts, counts: Counts, mean: float) -> float:
    """How many observations the common share is worth: few where groups truly differ, many where not."""
    most = 1e6
    if len(counts) < 2 or mean in (0.0, 1.0):
        return most
    total = counts.sum()
    between = float((counts * (hits / np.maximum(counts, 1) - mean) ** 2).sum())
    chance = mean * (1 - mean) * (len(counts) - 1)
    scale = float(total - (counts.astype(float) ** 2).sum() / total)
    variance = (between - chance) / scale if scale > 0 else 0.0
    correlation = variance / (mean * (1 - mean))
    return most if correlation <= 1 / most else max(1.0, 1 / correlation - 1)


def chance_above(hits: int, count: int, share: float) -> float:
    """How probable `hits` or more of `count` are, were the true share `share` (binomial)."""
    return 1.0 if hits <= 0 else float(betainc(hits, count - hits + 1, share))
