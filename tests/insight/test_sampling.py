"""A total from groups drawn at random: exact where all were looked at, else with an interval that holds."""

from __future__ import annotations

import numpy as np

from leadlane.insight.sampling import total_of


def test_where_all_were_looked_at_it_is_exact() -> None:
    found = total_of(np.array([3, 0, 2]), np.array([10, 4, 6]), 3, 20)
    assert (found.value, found.low, found.high, found.count) == (5, 5, 5, 20)


def test_nothing_looked_at_is_nothing_found() -> None:
    found = total_of(np.array([], np.int64), np.array([], np.int64), 0, 0)
    assert (found.value, found.high) == (0, 0)


def test_the_interval_holds_the_truth_19_of_20_times() -> None:
    """Groups of unequal size whose members are alike within a group, 40 of 300 drawn, 400 times."""
    rng = np.random.default_rng(4)
    sizes = rng.integers(1, 60, 300)
    hits = rng.binomial(sizes, rng.beta(2, 6, 300))
    true, members = int(hits.sum()), int(sizes.sum())
    held, values = 0, []
    for _number in range(400):
        drawn = rng.choice(300, 40, replace=False)
        found = total_of(hits[drawn], sizes[drawn], 300, members)
        held += found.low <= true <= found.high
        values.append(found.value)
    assert 0.92 <= held / 400 <= 0.98
    assert abs(np.mean(values) / true - 1) < 0.02


def test_where_none_was_found_some_may_be_among_those_not_looked_at() -> None:
    sizes = np.full(300, 5)
    none, every = (total_of(hits, sizes, 1500, 7500) for hits in (np.zeros(300, np.int64), sizes))
    assert (none.value, none.low) == (0, 0)
    assert 15 <= none.high <= 100
    assert (every.value, every.high) == (7500, 7500)
    assert every.low == 7500 - none.high
