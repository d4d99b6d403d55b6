"""How many are there in all, when some groups were looked at and others not?"""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from leadlane.insight.proportions import Estimate, wilson


def total_of(hits: NDArray[np.int64], sizes: NDArray[np.int64], groups: int, members: int) -> Estimate:
    """The hits among all `members` of `groups` groups, from those of some groups drawn at random.

    One entry of `hits` and `sizes` a group drawn. The ratio estimator of cluster sampling, with a 95 %
    interval by t and the finite population correction (W. G. Cochran: Sampling Techniques, 1977, 6.3 and
    9A.1). Where all were drawn, it is exact. Where no member drawn is a hit, or every one, nothing
    varies: as many of the other groups may differ as the score interval of none of those drawn allows.
    """
    looked_at, drawn = int(sizes.sum()), len(sizes)
    found = int(hits.sum())
    if drawn == groups or not looked_at:
        return Estimate(found, found, found, looked_at)
    share = found / looked_at
    if drawn < 2:
        return Estimate(share * members, found, members, looked_at)
    if found in (0, looked_at):
        differing = wilson(0, drawn).high * (members - looked_at)
        low, high = (0.0, differing) if not found else (members - differing, float(members))
        return Estimate(share * members, low, high, looked_at)
    residual = float(((hits - share * sizes) ** 2).sum()) / (drawn - 1)
    mean_size = members / groups
    deviation = sqrt((1 - drawn / groups) * residual / drawn) / mean_size
    reach = float(student.ppf(0.975, drawn - 1)) * deviation * members
    return Estimate(
        share * members,
        max(float(found), share * members - reach),
        min(float(members), share * members + reach),
        looked_at,
    )
