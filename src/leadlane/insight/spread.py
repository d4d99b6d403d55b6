"""What is the middle of some values, and how unevenly are they spread?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from leadlane.insight.proportions import Estimate, Z

Values = NDArray[np.float64]


def median(values: Values) -> Estimate:
    """The median of at least one value, with the interval of the order statistics (binomial, no assumption).

    H. A. David, H. N. Nagaraja: Order Statistics, section 7.1.
    """
    ordered = np.sort(values)
    count = len(ordered)
    first = max(0, int(binom.ppf(0.025, count, 0.5)) - 1)
    last = min(count - 1, int(binom.ppf(0.975, count, 0.5)))
    return Estimate(float(np.median(ordered)), float(ordered[first]), float(ordered[last]), count)


def mean(values: Values) -> Estimate:
    """The mean of at least one value, with its normal interval; never below the least or above the most."""
    value = float(values.mean())
    reach = Z * float(values.std(ddof=1)) / np.sqrt(len(values)) if len(values) > 1 else float("inf")
    return Estimate(
        value, max(float(values.min()), value - reach), min(float(values.max()), value + reach), len(values)
    )


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
