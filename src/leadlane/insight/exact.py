"""How probable are so many hits of one side by chance, exactly, when like is compared with like?

Given how many of a kind are hits in all, how many of them are one side's is hypergeometric, were there no
difference; and kinds are independent (M. W. Birch, 1964).
"""

from __future__ import annotations

from functools import reduce
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from leadlane.insight.proportions import Counts

Chances = NDArray[np.float64]
# The logarithm of the least that is told from nothing; up to so many products, they are made one by one.
_SMALLEST_LOG, _DIRECT = -700.0, 4_000_000


def chance_of_more(hits: Counts, counts: Counts, all_hits: Counts, all_counts: Counts) -> float:
    """The chance that so many or more of the hits of all strata are of one side; one entry a stratum."""
    first, chances = _distribution(counts, all_hits, all_counts)
    return _sum(chances[max(0, int(hits.sum()) - first) :])


def chance_of_other(hits: Counts, counts: Counts, all_hits: Counts, all_counts: Counts) -> float:
    """The chance that as many of the hits are of one side, or more to either end: twice the smaller end's."""
    first, chances = _distribution(counts, all_hits, all_counts)
    place = int(hits.sum()) - first
    return min(1.0, 2 * min(_sum(chances[: max(0, place) + 1]), _sum(chances[max(0, place) :])))


def _sum(chances: Chances) -> float:
    return min(1.0, max(0.0, float(chances.sum())))


def _distribution(counts: Counts, all_hits: Counts, all_counts: Counts) -> tuple[int, Chances]:
    """A number, and the chances that so many, one more, … of the hits are of the side with `counts`."""
    margins = zip(counts.tolist(), all_hits.tolist(), all_counts.tolist(), strict=True)
    of_strata = [_hypergeometric(*of_stratum) for of_stratum in margins]
    return sum(least for least, _chances in of_strata), reduce(_convolved, (one for _least, one in of_strata))


def _convolved(one: Chances, other: Chances) -> Chances:
    """The chances of the sum of two numbers."""
    if len(one) * len(other) <= _DIRECT:
        return np.convolve(one, other)
    length = len(one) + len(other) - 1
    return np.asarray(np.fft.irfft(np.fft.rfft(one, length) * np.fft.rfft(other, length), length))


def _hypergeometric(own: int, missed: int, everything: int) -> tuple[int, Chances]:
    """A number, and the chances that so many, one more, … of those missed are among one's own.

    Left out is what is too improbable to be written as a number, of many nearly all (W. Hoeffding:
    Probability Inequalities for Sums of Bounded Random Variables, 1963, sections 2 and 6). By logarithms,
    since scipy's is slow.
    """
    mean, reach = own * missed / everything, sqrt(_SMALLEST_LOG / -2 * min(own, missed))
    least, most = (
        max(0, own + missed - everything, int(mean - reach)),
        min(own, missed, int(mean + reach) + 1),
    )
    among = np.arange(least, most + 1)
    logs = _log_choose(own, among) - _log_choose(everything, missed)
    return least, np.exp(logs + _log_choose(everything - own, missed - among))


def _log_choose(of: int, some: NDArray[np.int64] | int) -> NDArray[np.float64]:
    return np.asarray(gammaln(of + 1) - gammaln(some + 1) - gammaln(of - some + 1))
