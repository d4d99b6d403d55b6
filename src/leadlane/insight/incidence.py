"""What share is won within so many days, when others are lost and many are still open?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from leadlane.insight.groups import Codes
from leadlane.insight.leads import OPEN, WON
from leadlane.insight.proportions import Estimate, Shares, Z, wilson

Outcomes = NDArray[np.int8]


def incidence(
    days: NDArray[np.float64], outcome: Outcomes, group: Codes, groups: int, by: Sequence[int]
) -> list[list[Estimate | None]]:
    """For each group (0 to `groups` - 1) the share won within each of `by` days, ascending.

    `days` are from arrival to the end, or for open ones until they were last seen; they count as whole days
    begun. A lost lead can no longer be won, an open one was seen for only so long: leaving the open ones out
    would show what ends soon, counting them as not won would show what is old. O. Aalen, S. Johansen: An
    Empirical Transition Matrix, 1978. None where nobody was followed for so long.
    """
    last = max(by)
    day = np.clip(np.floor(days), 0, last).astype(np.int64)
    place = group.astype(np.int64) * (last + 1) + day
    shape = groups, last + 1

    def count(kept: NDArray[np.bool_]) -> Shares:
        return np.bincount(place[kept], minlength=groups * (last + 1)).reshape(shape).astype(float)

    ended, won = count(outcome != OPEN), count(outcome == WON)
    everyone = ended + count(outcome == OPEN)
    # At risk on a day is who was there on that day or later.
    risk = everyone[:, ::-1].cumsum(axis=1)[:, ::-1]
    return _incidence(risk[:, :last], ended[:, :last], won[:, :last], by)


def _incidence(risk: Shares, ended: Shares, won: Shares, by: Sequence[int]) -> list[list[Estimate | None]]:
    """Rows are groups, columns are days; variance by E. Marubini, M. G. Valsecchi: Analysing Survival Data
    from Clinical Trials and Observational Studies, 1995, chapter 10.
    """
    at = np.maximum(risk, 1)
    still = np.cumprod(1 - ended / at, axis=1)
    before = np.concatenate([np.ones((len(risk), 1)), still[:, :-1]], axis=1)
    reached = np.cumsum(before * won / at, axis=1)
    count = risk[:, 0].astype(int)
    found = []
    for end in by:
        part = slice(0, end)
        value = reached[:, end - 1]
        ahead = value[:, None] - reached[:, part]
        n, d, k, s = at[:, part], ended[:, part], won[:, part], before[:, part]
        left = np.maximum(n - d, 1)
        variance = (ahead**2 * d / (n * left) + s**2 * k * (n - k) / n**3 - 2 * ahead * s * k / n**2).sum(
            axis=1
        )
        followed = (risk[:, end - 1] > 0) | (still[:, end - 1] <= 0)
        found.append(_estimates(value, np.sqrt(np.maximum(variance, 0)), count, risk[:, end - 1], followed))
    return [list(row) for row in zip(*found, strict=True)]


def _estimates(
    value: Shares, error: Shares, count: NDArray[np.int64], risk: Shares, followed: NDArray[np.bool_]
) -> list[Estimate | None]:
    """Intervals on the log-log scale, so that they stay between 0 and 1; where nothing was won, as for none
    of those followed to the end.
    """
    inner = np.clip(value, 1e-12, 1 - 1e-12)
    # At the very ends the scale is endless, and an error of rounding would be too.
    turn = np.minimum(Z * error / (inner * -np.log(inner)), 50)
    low, high = inner ** np.exp(turn), inner ** np.exp(-turn)
    made: list[Estimate | None] = []
    for v, a, b, n, r, is_known in zip(value, low, high, count, risk, followed, strict=True):
        if not is_known or not n:
            made.append(None)
        elif v <= 0:
            made.append(Estimate(0.0, 0.0, wilson(0, max(1, int(r))).high, int(n)))
        else:
            made.append(Estimate(float(v), float(min(a, v)), float(max(b, v)), int(n)))
    return made
