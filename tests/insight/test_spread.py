"""Medians, means and inequality, against brute force and by how often the interval holds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlane.insight.spread import gini, mean, median


def test_the_interval_of_a_median_holds_at_least_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    draws = rng.lognormal(0, 2, (1000, 41))
    within = sum(found.low <= 1 <= found.high for found in map(median, draws))
    assert within / 1000 >= 0.94


def test_a_median_of_few_reaches_over_all_of_them() -> None:
    found = median(np.array([3.0, 9.0]))
    assert (found.value, found.low, found.high) == (6.0, 3.0, 9.0)


def test_a_mean_stays_among_the_values() -> None:
    found = mean(np.array([1.0, 100.0]))
    assert (found.value, found.low, found.high) == (50.5, 1.0, 100.0)
    assert mean(np.array([5.0])).count == 1


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=40).filter(sum))
def test_inequality_is_half_the_mean_difference_of_two_over_the_mean(loads: list[int]) -> None:
    pairs = [abs(one - other) for one in loads for other in loads]
    expected = sum(pairs) / len(pairs) / 2 / (sum(loads) / len(loads))
    assert gini(np.array(loads, dtype=float)) == pytest.approx(expected, abs=1e-9)


def test_nobody_with_nothing_is_equal() -> None:
    assert gini(np.zeros(3)) == 0.0
