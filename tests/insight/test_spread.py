"""Medians, means and inequality, against brute force and by how often the interval holds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from leadlane.insight.spread import gini, mean, median, medians, skewed_means


def test_the_interval_of_a_median_holds_at_least_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    draws = rng.lognormal(0, 2, (1000, 41))
    within = sum(found.low <= 1 <= found.high for found in map(median, draws))
    assert within / 1000 >= 0.94


def test_a_median_of_few_reaches_over_all_of_them() -> None:
    found = median(np.array([3.0, 9.0]))
    assert (found.value, found.low, found.high) == (6.0, 3.0, 9.0)


def test_the_mean_of_a_few_deals_is_as_uncertain_as_they_are_few() -> None:
    """The normal interval, cut off at the least and the largest deal, held that of five 69 times in 100."""
    assert mean(np.array([1.0, 100.0])) is None
    rng = np.random.default_rng(9)
    truth, held = float(np.exp(1.2**2 / 2)), 0
    for _round in range(500):
        found = mean(np.exp(1.2 * rng.standard_normal(5)))
        assert found is not None
        assert 0 <= found.low <= found.value <= found.high
        held += found.low <= truth <= found.high
    assert held / 500 >= 0.78


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=40).filter(sum))
def test_inequality_is_half_the_mean_difference_of_two_over_the_mean(loads: list[int]) -> None:
    pairs = [abs(one - other) for one in loads for other in loads]
    expected = sum(pairs) / len(pairs) / 2 / (sum(loads) / len(loads))
    assert gini(np.array(loads, dtype=float)) == pytest.approx(expected, abs=1e-9)


def test_nobody_with_nothing_is_equal() -> None:
    assert gini(np.zeros(3)) == 0.0


def test_the_medians_of_many_groups_are_those_of_each() -> None:
    rng = np.random.default_rng(5)
    group = rng.choice([0, 1, 3], 200, p=[0.7, 0.29, 0.01]).astype(np.int32)
    values = rng.lognormal(0, 1, 200)
    found = medians(values, group, 4)
    assert found[2] is None
    for number in (0, 1, 3):
        own = values[group == number]
        assert found[number] == median(own)
        assert median(own).value == pytest.approx(np.median(own))
    with pytest.raises(ValueError, match="at least one"):
        median(np.array([]))


def test_the_mean_of_what_is_not_skewed_has_the_interval_of_student() -> None:
    values = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9])
    (found,) = skewed_means(values, np.zeros(9, np.int32), 1)
    assert found is not None
    low, high = stats.t.interval(0.95, 8, 5, stats.sem(values))
    assert (found.value, found.low, found.high) == pytest.approx((5, low, high))


def test_the_interval_of_the_mean_of_uneven_deals_holds_more_often_than_the_normal_one() -> None:
    rng = np.random.default_rng(0)
    groups, each, truth = 1500, 30, float(np.exp(0.5))
    values = rng.lognormal(0, 1, groups * each)
    found = skewed_means(values, np.repeat(np.arange(groups), each).astype(np.int32), groups)
    within = np.mean([one is not None and one.low <= truth <= one.high for one in found])
    normal = np.mean(
        [abs(part.mean() - truth) <= 1.96 * stats.sem(part) for part in np.split(values, groups)]
    )
    assert within >= 0.91
    assert normal <= 0.89
    # More above than below: what has not come yet are the few very large ones.
    assert np.mean([one.high - one.value > one.value - one.low for one in found if one is not None]) > 0.95


def test_of_fewer_than_three_deals_nothing_is_said() -> None:
    found = skewed_means(np.array([1.0, 2, 5, 5, 5]), np.array([0, 0, 1, 1, 1], np.int32), 3)
    assert found[0] is None
    assert found[2] is None
    assert found[1] is not None
    assert (found[1].value, found[1].low, found[1].high) == (5, 5, 5)
