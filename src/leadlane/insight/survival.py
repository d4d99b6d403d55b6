"""How long until it happens, when for some it has not happened yet?

Those still waiting are censored, not dropped: leaving out whoever was never answered would flatter everybody.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import CensoredData, ecdf

from leadlane.insight.proportions import Estimate

Times = NDArray[np.float64]


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
        below = np.flatnonzero(still <= share + 1e-12)
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
