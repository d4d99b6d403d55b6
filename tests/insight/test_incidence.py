"""The share won within so many days, against another library and against what is planted."""

import numpy as np
import pytest
from statsmodels.duration.survfunc import CumIncidenceRight

from leadlane.insight.incidence import incidence
from leadlane.insight.leads import LOST, OPEN, WON
from leadlane.insight.proportions import Z, wilson

ALL_OF_ONE = np.zeros(400, np.int32)


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_cumulative_incidence_of_another_library(seed: int) -> None:
    rng = np.random.default_rng(seed)
    days, status = np.floor(rng.exponential(50, 400)), rng.choice([0, 1, 2], 400, p=[0.4, 0.3, 0.3])
    outcome = np.select([status == 1, status == 2], [WON, LOST], OPEN).astype(np.int8)
    (found,) = incidence(days, outcome, ALL_OF_ONE, 1, (30, 60, 90))
    with np.errstate(all="ignore"):
        theirs = CumIncidenceRight(days, status)
    for end, mine in zip((30, 60, 90), found, strict=True):
        place = np.searchsorted(theirs.times, end - 1, side="right") - 1
        value, error = theirs.cinc[0][place], theirs.cinc_se[0][place]
        assert mine is not None
        assert mine.value == pytest.approx(value)
        turn = np.exp(Z * error / (value * -np.log(value)))
        assert (mine.low, mine.high) == pytest.approx((value**turn, value ** (1 / turn)))


def test_without_open_leads_it_is_the_share_won_by_then() -> None:
    days, outcome = np.array([1, 5, 40, 70, 2.5]), np.array([WON, LOST, WON, WON, LOST], np.int8)
    (found,) = incidence(days, outcome, np.zeros(5, np.int32), 1, (30, 60, 90))
    assert [one and one.value for one in found] == pytest.approx([1 / 5, 2 / 5, 3 / 5])


def test_a_group_nobody_followed_so_long_is_told_nothing_and_none_won_is_not_impossible() -> None:
    days = np.array([*([20.0] * 10), *([100.0] * 40)])
    group = np.array([*([0] * 10), *([1] * 40)], np.int32)
    recent, old = incidence(days, np.full(50, OPEN, np.int8), group, 2, (30, 90))
    assert recent == [None, None]
    assert old[1] is not None
    assert (old[1].value, old[1].low, old[1].high) == (0, 0, wilson(0, 40).high)


def test_the_truth_is_in_95_percent_of_the_intervals_also_where_most_are_still_open() -> None:
    rng = np.random.default_rng(2)
    groups, each = 2000, 60
    ends, seen = rng.exponential(80, groups * each), rng.uniform(0, 150, groups * each)
    ended = np.where(rng.random(groups * each) < 0.3, WON, LOST)
    outcome = np.where(seen < ends, OPEN, ended).astype(np.int8)
    group = np.repeat(np.arange(groups), each).astype(np.int32)
    found = incidence(np.minimum(ends, seen), outcome, group, groups, (30, 60))
    for place, end in enumerate((30, 60)):
        truth = 0.3 * (1 - np.exp(-end / 80))
        known = [one[place] for one in found]
        within = np.mean([one is not None and one.low <= truth <= one.high for one in known])
        assert 0.93 <= within <= 0.97
        assert np.mean([one.value for one in known if one is not None]) == pytest.approx(truth, abs=0.01)
    # The share of those decided says something else.
    assert (outcome == WON).sum() / (outcome != OPEN).sum() == pytest.approx(0.3, abs=0.01)
