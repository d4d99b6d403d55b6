"""Waiting times with those still waiting: against another library, and by hand."""

import numpy as np
import pytest
from statsmodels.duration.survfunc import SurvfuncRight

from leadlane.insight.survival import curve, medians


@pytest.mark.parametrize("size", [12, 400])
def test_the_curve_and_its_interval_are_kaplan_meiers_and_greenwoods(size: int) -> None:
    rng = np.random.default_rng(size)
    times = rng.exponential(10, size).round(1)
    happened = rng.random(size) < 0.7
    found = curve(times, happened)
    other = SurvfuncRight(times, happened.astype(int))
    assert found is not None
    for time, still, error in zip(other.surv_times, other.surv_prob, other.surv_prob_se, strict=True):
        done = found.done_by(time)
        assert 1 - done.value == pytest.approx(still)
        if 0 < still < 1:
            # Greenwood's error, brought to the log-log scale by the delta method.
            reach = 1.959963984540054 * error / (still * np.log(still))
            low, high = sorted((still ** np.exp(reach), still ** np.exp(-reach)))
            assert (1 - done.high, 1 - done.low) == pytest.approx((low, high), abs=1e-6)


def test_by_hand() -> None:
    """1, 2, 2+, 3, 5+: 4/5, then 3/4 of it, then half of that."""
    found = curve(np.array([1.0, 2, 2, 3, 5]), np.array([True, True, False, True, False]))
    assert found is not None
    assert [found.done_by(time).value for time in (0.5, 1, 2, 3, 9)] == pytest.approx([0, 0.2, 0.4, 0.7, 0.7])
    middle = found.time_of(0.5)
    assert middle is not None
    assert (middle.value, middle.high) == (3, float("inf"))
    assert found.time_of(0.9) is None
    assert (found.events, found.waiting) == (3, 2)


def test_who_still_waits_is_not_dropped() -> None:
    """Ten answered at once and ten never: half, not all."""
    found = curve(np.array([1.0] * 10 + [50.0] * 10), np.array([True] * 10 + [False] * 10))
    assert found is not None
    assert found.done_by(100).value == pytest.approx(0.5)


def test_where_nothing_happened_there_is_no_curve() -> None:
    assert curve(np.array([1.0, 2.0]), np.array([False, False])) is None


def test_the_interval_of_the_median_holds_as_often_as_it_says() -> None:
    rng = np.random.default_rng(9)
    within = 0
    for _round in range(300):
        times, ends = rng.exponential(10, 120), rng.exponential(25, 120)
        found = curve(np.minimum(times, ends), times <= ends)
        assert found is not None
        middle = found.time_of(0.5)
        within += middle is not None and middle.low <= 10 * np.log(2) <= middle.high
    assert within / 300 >= 0.92


@pytest.mark.parametrize("seed", range(60))
def test_medians_of_groups_are_those_of_their_curves(seed: int) -> None:
    """With ties, with few, with many, and with hardly anything that ever happened."""
    rng = np.random.default_rng(seed)
    size, groups = int(rng.choice([3, 40, 900, 9000])), int(rng.integers(1, 5))
    durations = np.round(rng.exponential(100, size), int(rng.integers(-2, 7)))
    durations[rng.random(size) < 0.1] = np.nan
    happened = rng.random(size) < rng.choice([0.1, 0.5, 0.8, 1.0])
    group = rng.integers(-1, groups, size).astype(np.int32)
    found = medians(durations, happened, group, groups)
    assert len(found) == groups
    for number, one in enumerate(found):
        mine = (group == number) & ~np.isnan(durations)
        whole = curve(durations[mine], happened[mine]) if mine.any() else None
        assert one == (whole.time_of(0.5) if whole is not None else None)


def test_of_very_many_groups_times_are_as_exact_as_they_can_be() -> None:
    durations = np.array([3e8, 7.0, 9.0])
    found = medians(durations, np.ones(3, dtype=bool), np.array([0, 99_999, 99_999], np.int32), 100_000)
    assert found[0] is not None
    assert found[99_999] is not None
    assert (found[0].value, found[99_999].value) == pytest.approx((3e8, 7.0), abs=1e-3)
