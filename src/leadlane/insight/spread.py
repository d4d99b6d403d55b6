"""What is the middle of some values, and how unevenly are they spread?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom
from scipy.stats import t as student

from leadlane.insight.groups import Codes
from leadlane.insight.proportions import Estimate

Values = NDArray[np.float64]

# Below so many values it cannot be said how skewed they are; below that much skewness there is none.
_LEAST_FOR_SKEW, _NOT_SKEWED = 3, 1e-6


def median(values: Values) -> Estimate:
    """The median of at least one value, with the interval of the order statistics (binomial, no assumption).

    H. A. David, H. N. Nagaraja: Order Statistics, section 7.1.
    """
    (found,) = medians(values, np.zeros(len(values), dtype=np.int32), 1)
    if found is None:
        raise ValueError("a median takes at least one value")
    return found


def medians(values: Values, group: Codes, groups: int) -> list[Estimate | None]:
    """The `median` of the values of each group (numbers from 0 to `groups` - 1); None without any."""
    ordered = values[np.lexsort((values, group))]
    counts = np.bincount(group, minlength=groups)
    start, end = np.cumsum(counts) - counts, np.cumsum(counts) - 1
    low, high = (binom.ppf(edge, np.maximum(counts, 1), 0.5).astype(np.int64) for edge in (0.025, 0.975))
    first, last = np.maximum(start, start + low - 1), np.minimum(end, start + high)
    lower, upper = start + (counts - 1) // 2, start + counts // 2
    return [
        None
        if not count
        else Estimate(float(ordered[a] + ordered[b]) / 2, float(ordered[c]), float(ordered[d]), count)
        for a, b, c, d, count in zip(
            *(of.tolist() for of in (lower, upper, first, last, counts)), strict=True
        )
    ]


def mean(values: Values) -> Estimate | None:
    """The mean of amounts (> 0) such as deals, with the interval of `skewed_means`; None below three."""
    (found,) = skewed_means(values, np.zeros(len(values), dtype=np.int32), 1)
    return found and replace(found, low=max(0.0, found.low))


def skewed_means(values: Values, group: Codes, groups: int) -> list[Estimate | None]:
    """The mean of the values of each group, such as deals, of which few are very large; None below three.

    P. Hall: On the Removal of Skewness by Transformation, 1992: the t-interval of the mean, its ends moved by
    how skewed the values are. Closed, and asks for no distribution.
    """
    count = np.bincount(group, minlength=groups)
    known = np.maximum(count, 1)
    middle = np.bincount(group, values, groups) / known
    off = values - middle[group]
    spread = np.sqrt(np.bincount(group, off**2, groups) / np.maximum(count - 1, 1))
    skew = np.bincount(group, off**3, groups) / known / np.where(spread > 0, spread, 1) ** 3
    reach = student.ppf(0.975, np.maximum(count - 1, 1)) / np.sqrt(known)
    low, high = (
        middle - spread * _unskewed(reach, skew, known),
        middle - spread * _unskewed(-reach, skew, known),
    )
    return [
        Estimate(a, b, c, n) if n >= _LEAST_FOR_SKEW else None
        for a, b, c, n in zip(*(of.tolist() for of in (middle, low, high, count)), strict=True)
    ]


def _unskewed(reach: Values, skew: Values, count: NDArray[np.int64]) -> Values:
    """Hall's cubic transformation, turned round; where nothing is skewed, `reach` itself."""
    by = np.where(np.abs(skew) > _NOT_SKEWED, skew, 1)
    found = 3 / by * (np.cbrt(1 + by * (reach - by / (6 * count))) - 1)
    return np.where(np.abs(skew) > _NOT_SKEWED, found, reach)


def gini(loads: Values) -> float:
    """How unevenly loads (>= 0) are spread: 0 all have the same, towards 1 one has everything.

    C. Gini, 1912; half the mean absolute difference of two, over the mean.
    """
    total = float(loads.sum())
    count = len(loads)
    if not count or total == 0:
        return 0.0
    ranks = np.arange(1, count + 1)
    return float((2 * (ranks * np.sort(loads)).sum()) / (count * total) - (count + 1) / count)
