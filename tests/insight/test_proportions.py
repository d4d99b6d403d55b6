"""Shares and their intervals, against other people's computations and against what they promise."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import StratifiedTable
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from leadlane.insight.proportions import (
    apart,
    chance_above,
    difference,
    pooled,
    shrunken,
    stratified_difference,
    together,
    wilson,
)

counts = st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts)
def test_the_interval_of_a_share_is_wilsons(drawn: tuple[int, int]) -> None:
    hits, count = drawn
    low, high = proportion_confint(hits, count, method="wilson")
    found = wilson(hits, count)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)
    assert found.low <= found.value <= found.high


@given(counts, counts)
def test_the_interval_of_a_difference_is_newcombes(one: tuple[int, int], other: tuple[int, int]) -> None:
    low, high = confint_proportions_2indep(*one, *other, compare="diff", method="newcomb")
    found = difference(*one, *other)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)


def test_a_pooled_difference_weighs_strata_as_mantel_and_haenszel() -> None:
    """Recomputed by hand from the definition, and with the odds ratio of another library on the same side."""
    hits, n = np.array([30, 8, 50]), np.array([100, 20, 90])
    other, m = np.array([20, 30, 20]), np.array([120, 90, 60])
    found = stratified_difference(hits, n, other, m)
    weights = [a * b / (a + b) for a, b in zip(n, m, strict=True)]
    gaps = [a / b - c / d for a, b, c, d in zip(hits, n, other, m, strict=True)]
    by_hand = sum(w * g for w, g in zip(weights, gaps, strict=True)) / sum(weights)
    assert found.value == pytest.approx(by_hand)
    tables = [np.array([[a, b - a], [c, d - c]]) for a, b, c, d in zip(hits, n, other, m, strict=True)]
    assert (StratifiedTable(tables).oddsratio_pooled > 1) == (found.value > 0)
    assert found.low < found.value < found.high


def test_the_interval_of_a_pooled_difference_holds_as_often_as_it_says() -> None:
    """2,000 simulated comparisons in 40 small strata: the true difference is in 95 % of the intervals."""
    rng = np.random.default_rng(4)
    base, n, m = rng.uniform(0.1, 0.5, 40), rng.integers(2, 12, 40), rng.integers(2, 12, 40)
    within = 0
    for _round in range(2000):
        found = stratified_difference(rng.binomial(n, base + 0.1), n, rng.binomial(m, base), m)
        within += found.low <= 0.1 <= found.high
    assert 0.935 <= within / 2000 <= 0.965


def test_strata_with_one_side_only_tell_nothing() -> None:
    with pytest.raises(ValueError, match="no stratum"):
        stratified_difference(np.array([1, 0]), np.array([2, 0]), np.array([0, 1]), np.array([0, 3]))


def test_groups_that_do_not_differ_are_drawn_to_the_common_share() -> None:
    found = shrunken(np.array([10, 20, 40]), np.array([100, 200, 400]))
    assert [one.value for one in found] == pytest.approx([0.1] * 3, abs=1e-4)


def test_groups_that_differ_keep_what_is_theirs_and_the_small_ones_are_drawn_most() -> None:
    hits, counts = np.array([300, 50, 3]), np.array([500, 500, 3])
    large, low, tiny = shrunken(hits, counts)
    assert large.value == pytest.approx(0.6, abs=0.01)
    assert low.value == pytest.approx(0.1, abs=0.01)
    assert 0.35 < tiny.value < 0.9
    assert tiny.low < tiny.value < tiny.high


@pytest.mark.parametrize("spread", [0.0, 0.05, 0.1])
def test_the_interval_of_a_drawn_share_holds_the_true_one(spread: float) -> None:
    """Ten groups of 50: the posterior by itself, as if the prior were known, holds 47 % with no spread."""
    rng = np.random.default_rng(2)
    held = []
    for _round in range(200):
        truth = np.clip(0.2 + spread * rng.standard_normal(10), 0.01, 0.99)
        counts = np.full(10, 50)
        found = shrunken(rng.binomial(counts, truth), counts)
        held += [one.low <= true <= one.high for one, true in zip(found, truth, strict=True)]
    assert np.mean(held) >= 0.9


@pytest.mark.parametrize(("hits", "ends"), [(0, (0.0, 0.1)), (20, (0.7, 1.0))])
def test_of_groups_without_a_win_or_a_loss_it_is_not_certain_that_none_will_come(
    hits: int, ends: tuple[float, float]
) -> None:
    found = shrunken(np.array([hits, hits]), np.array([20, 20]))
    assert all(one.high - one.low > 0.05 for one in found)
    assert all(ends[0] <= one.low <= one.high <= ends[1] for one in found)


def test_shrinking_comes_closer_to_the_truth_than_the_raw_shares() -> None:
    """What it is for: of 200 reps with 20 leads each the shrunken rates err less."""
    rng = np.random.default_rng(7)
    truth = rng.beta(20, 80, 200)
    counts = np.full(200, 20)
    hits = rng.binomial(counts, truth)
    drawn = np.array([one.value for one in shrunken(hits, counts)])
    assert np.square(drawn - truth).mean() < 0.5 * np.square(hits / counts - truth).mean()


def test_the_chance_of_as_many_hits_is_binomial() -> None:
    assert chance_above(0, 10, 0.2) == 1.0
    assert chance_above(10, 10, 0.2) == pytest.approx(0.2**10)
    assert chance_above(1, 10, 0.2) == pytest.approx(1 - 0.8**10)


tables = st.lists(
    st.tuples(*[st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))] * 2),
    min_size=2,
    max_size=6,
)


@given(tables)
def test_the_chance_of_a_pooled_difference_is_that_of_another_library(
    drawn: list[tuple[tuple[int, int], tuple[int, int]]],
) -> None:
    (a, n), (b, m) = (np.array([row[side] for row in drawn]).T for side in (0, 1))
    assume(((a + b > 0) & (a + b < n + m)).any())
    found = pooled(*(of[:, None] for of in (a, n, b, m)))
    two = [np.array([[k, c - k], [j, d - j]]) for k, c, j, d in zip(a, n, b, m, strict=True)]
    gap = (a - n * (a + b) / (n + m)).sum()
    # Nearer to nothing than half a lead their correction turns the difference round.
    theirs = StratifiedTable(two).test_null_odds(correction=True).pvalue if abs(gap) > 0.5 else 1.0
    assert found.p[0] == pytest.approx(theirs)
    assert found.value[0] == pytest.approx(stratified_difference(a, n, b, m).value)


def test_sums_over_strata_add_up() -> None:
    rng = np.random.default_rng(1)
    n, m = rng.integers(1, 40, (6, 3)), rng.integers(0, 40, (6, 3))
    a, b = rng.binomial(n, 0.3), rng.binomial(m, 0.2)
    whole = pooled(a, n, b, m)
    parts = together([pooled(*(of[at] for of in (a, n, b, m))) for at in (slice(0, 2), slice(2, 6))])
    for name in ("value", "variance", "p"):
        assert getattr(parts, name) == pytest.approx(getattr(whole, name))


def test_each_group_is_set_against_all_others() -> None:
    hits, counts = np.array([[5, 9, 0], [8, 2, 0]]), np.array([[20, 30, 0], [10, 12, 9]])
    gaps, chances = apart(hits, counts)
    assert gaps[0] == stratified_difference(
        np.array([5, 8]), np.array([20, 10]), np.array([9, 2]), np.array([30, 21])
    )
    # The last one has leads of the second stratum only.
    assert gaps[2] == stratified_difference(np.array([0]), np.array([9]), np.array([10]), np.array([22]))
    assert chances[2] < chances[1]
    (alone, _other), _chances = apart(hits[:1, :2], counts[:1, :2])
    assert alone == difference(5, 20, 9, 30)
    assert apart(np.array([[1, 0], [0, 2]]), np.array([[3, 0], [0, 4]])) == ([None, None], [1.0, 1.0])
