"""How long until it happens, when for some it has not happened yet?

Those still waiting are censored, not dropped: leaving out whoever was never answered would flatter everybody.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from itertools import pairwise
from math import inf

import numpy as np
from numpy.typing import NDArray
from scipy.stats import CensoredData, ecdf

from leadlane.insight.groups import Codes
from leadlane.insight.proportions import Estimate, Z

Times = NDArray[np.float64]
# A share that is a half but for rounding is a half.
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Curve:
    """The share that has waited longer than each of `times` (ascending, any unit), with its 95 % interval.

    `events` happened, `waiting` had not when they were last seen.
    """

    times: Times
    still: Times
    low: Times
    high: Times
    events: int
    waiting: int

    def done_by(self, time: float) -> Estimate:
        """The share for which it has happened by `time`."""
        place = int(np.searchsorted(self.times, time, side="right")) - 1
        if place < 0:
            return Estimate(0.0, 0.0, 0.0, self.events + self.waiting)
        return Estimate(
            1 - float(self.still[place]),
            1 - float(self.high[place]),
            1 - float(self.low[place]),
            self.events + self.waiting,
        )

    def time_of(self, share: float) -> Estimate | None:
        """By when it has happened for `share` (0.5: the median); None where that was never reached.

        The interval is where the curve's own interval crosses (R. Brookmeyer, J. Crowley, 1982); an end that
        was not reached is infinite.
        """
        value = self._first(self.still, 1 - share)
        if value is None:
            return None
        low, high = self._first(self.low, 1 - share), self._first(self.high, 1 - share)
        return Estimate(
            value,
            value if low is None else low,
            float("inf") if high is None else high,
            self.events + self.waiting,
        )

    def _first(self, still: Times, share: float) -> float | None:
        below = np.flatnonzero(still <= share + _ROUNDING)
        return float(self.times[below[0]]) if len(below) else None


def curve(durations: Times, happened: NDArray[np.bool_]) -> Curve | None:
    """The Kaplan–Meier curve of durations (>= 0) that ended (`happened`) or were last seen going on.

    E. L. Kaplan, P. Meier: Nonparametric Estimation from Incomplete Observations, 1958. Intervals are
    Greenwood's on the log-log scale, so that they stay between 0 and 1. None where nothing ever happened.
    """
    events = int(happened.sum())
    if not events:
        return None
    found = ecdf(CensoredData(uncensored=durations[happened], right=durations[~happened]))
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        interval = found.sf.confidence_interval(method="log-log")
    still = np.asarray(found.sf.probabilities)
    low = np.asarray(interval.low.probabilities)
    high = np.asarray(interval.high.probabilities)
    # The formula has no value where the curve is at 1 or at 0: there is nothing left to be unsure about.
    return Curve(
        np.asarray(found.sf.quantiles),
        still,
        np.where(np.isnan(low), still, low),
        np.where(np.isnan(high), still, high),
        events,
        len(durations) - events,
    )


# From so many on, what is far from the median is not looked at unless it must be.
_MANY = 2_000
_MOST_KEY = 2**62


def medians(
    durations: Times, happened: NDArray[np.bool_], group: Codes, groups: int
) -> list[Estimate | None]:
    """The median of each group's curve, as `curve(…).time_of(0.5)` gives it; for many groups at once.

    Durations are in seconds, to the microsecond; NaN are left out, and negative groups. None where fewer than
    half have come to their end.
    """
    kept = ~np.isnan(durations) & (group >= 0)
    # One number to sort by: the group, then the time, then those that happened before those last seen then.
    time = np.rint(durations[kept] * 1e6).astype(np.int64)
    per_second = 1e6
    while groups * (int(time.max(initial=0)) + 1) * 2 > _MOST_KEY:
        time, per_second = time // 10, per_second / 10
    width = (int(time.max(initial=0)) + 1) * 2
    key = np.sort(group[kept].astype(np.int64) * width + time * 2 + ~happened[kept])
    edges = np.searchsorted(key, np.arange(groups + 1) * width)
    return [
        _median(key[begin:end] - number * width, per_second)
        for number, (begin, end) in enumerate(pairwise(edges.tolist()))
    ]


def _median(key: NDArray[np.int64], per_second: float) -> Estimate | None:
    """Of one group: twice the time, plus one where it had not happened; in order."""
    happened = key % 2 == 0
    count = len(key)
    at_risk = np.arange(count, 0, -1.0)
    # Those of one moment one after the other: their factors give the same as all at once.
    still = np.cumprod(1 - happened / at_risk)
    last = np.append(key[1:] // 2 != key[:-1] // 2, True) if count else happened
    below = last & (still <= 0.5 + _ROUNDING)
    middle = int(np.argmax(below)) if count else 0
    if not count or not below[middle]:
        return None
    with np.errstate(divide="ignore"):
        variance = np.cumsum(np.where(happened, 1 / (at_risk * (at_risk - 1)), 0.0))
    if count > _MANY:
        near = slice(int(np.searchsorted(-still, -0.7)), int(np.searchsorted(-still, -0.3)))
        ends = _crossings(still[near], variance[near], last[near])
        if ends[0] and ends[1] is not None:
            return _estimate(key, per_second, middle, near.start + ends[0], near.start + ends[1])
    return _estimate(key, per_second, middle, *_crossings(still, variance, last))


def _crossings(still: Times, variance: Times, last: NDArray[np.bool_]) -> tuple[int | None, int | None]:
    """Where the lower and the upper end of the interval come to a half; None: nowhere."""
    with np.errstate(divide="ignore", invalid="ignore"):
        log = np.log(still)
        middle, reach = np.log(-log), Z * np.sqrt(variance) / -log
        ends = [np.exp(-np.exp(middle + reach)), np.exp(-np.exp(middle - reach))]
    places = [np.flatnonzero(last & (np.where(np.isnan(end), still, end) <= 0.5 + _ROUNDING)) for end in ends]
    low, high = (int(found[0]) if len(found) else None for found in places)
    return low, high


def _estimate(
    key: NDArray[np.int64], per_second: float, middle: int, low: int | None, high: int | None
) -> Estimate:
    value, first, last = (
        None if at is None else float(key[at] // 2) / per_second for at in (middle, low, high)
    )
    assert value is not None
    return Estimate(value, value if first is None else first, inf if last is None else last, len(key))
