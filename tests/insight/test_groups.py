"""Do groups differ? Against another library, brute force, and how often chance is taken for more."""

from itertools import combinations

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import StratifiedTable
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportions_chisquare

from leadlane.insight.groups import (
    adjusted,
    association,
    crossed,
    differ,
    differ_within,
    expected_hits,
    tally,
)


def test_large_groups_are_compared_by_chi_square() -> None:
    hits, counts = np.array([50, 70, 30]), np.array([200, 210, 190])
    _statistic, p, _table = proportions_chisquare(hits, counts)
    assert differ(hits, counts).p == pytest.approx(p)


def test_small_groups_are_compared_by_permutation() -> None:
    """Against every possible way of dealing 5 wins to 12 leads, 792 of them."""
    group = [0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2]
    hits, counts = np.array([4, 1, 0]), np.array([4, 5, 3])

    def statistic(wins: tuple[int, ...]) -> float:
        found = [sum(group[at] == number for at in wins) for number in range(3)]
        return sum((k - n * 5 / 12) ** 2 / n for k, n in zip(found, counts, strict=True))

    seen = statistic((0, 1, 2, 3, 4))
    ways = [statistic(wins) for wins in combinations(range(12), 5)]
    exact = sum(way >= seen - 1e-9 for way in ways) / len(ways)
    assert differ(hits, counts).p == pytest.approx(exact, abs=0.012)


def test_where_nothing_can_differ_nothing_does() -> None:
    for hits, counts in (([0, 0], [5, 5]), ([5, 5], [5, 5]), ([3], [9]), ([3, 0], [9, 0])):
        assert differ(np.array(hits), np.array(counts)).p == 1.0


def test_p_values_are_even_where_nothing_differs() -> None:
    """Of 600 comparisons of equal groups, large and small, about 5 % are below 0.05."""
    rng = np.random.default_rng(1)
    below = 0
    for number in range(600):
        counts = rng.integers(1, 30 if number % 2 else 300, 8)
        below += differ(rng.binomial(counts, 0.2), counts, seed=number).p <= 0.05
    assert 0.03 <= below / 600 <= 0.07


def test_like_with_like_is_mantel_haenszel() -> None:
    rng = np.random.default_rng(2)
    stratum = rng.integers(0, 4, 400).astype(np.int32)
    group = rng.integers(0, 2, 400).astype(np.int32)
    hit = rng.random(400) < 0.2 + 0.1 * stratum + 0.1 * group
    tables = [
        np.array([[np.sum((stratum == k) & (group == g) & (hit == h)) for h in (1, 0)] for g in (1, 0)])
        for k in range(4)
    ]
    expected = StratifiedTable(tables).test_null_odds(correction=False).pvalue
    assert differ_within(group, hit, stratum) == pytest.approx(expected)


def test_a_difference_that_is_only_who_gets_which_leads_disappears_among_like_leads() -> None:
    """Always seen at first sight; among like leads no more often than chance has it."""
    rng = np.random.default_rng(3)
    remaining = 0
    for _round in range(100):
        easy = rng.random(4000) < 0.5
        group = (rng.random(4000) < np.where(easy, 0.8, 0.2)).astype(np.int32)
        hit = rng.random(4000) < np.where(easy, 0.4, 0.1)
        stratum = easy.astype(np.int32)
        hits, counts = tally(group, hit, 2)
        assert differ(hits, counts).p < 1e-6
        assert expected_hits(group, hit, stratum, 2) == pytest.approx(hits, rel=0.2)
        remaining += differ_within(group, hit, stratum) <= 0.05
    assert remaining <= 11


def test_several_groups_within_strata_keep_their_error_rate() -> None:
    rng = np.random.default_rng(5)
    below = 0
    for _round in range(400):
        stratum = rng.integers(0, 10, 300).astype(np.int32)
        group = rng.integers(-1, 5, 300).astype(np.int32)
        below += differ_within(group, rng.random(300) < 0.1 + 0.05 * stratum, stratum) <= 0.05
    assert 0.03 <= below / 400 <= 0.08


def test_strata_that_cannot_tell_give_no_evidence() -> None:
    nothing = np.array([-1, -1], dtype=np.int32)
    assert differ_within(nothing, np.array([True, False]), nothing) == 1.0
    alone = np.array([0, 1], dtype=np.int32)
    assert differ_within(alone, np.array([True, False]), alone) == 1.0


def test_groupings_that_go_together() -> None:
    one = np.array([0, 0, 1, 1] * 50, dtype=np.int32)
    assert association(one, one).strength == pytest.approx(1)
    assert association(one, np.array([0, 1, 0, 1] * 50, dtype=np.int32)).p == pytest.approx(1)
    assert association(np.full(4, -1, dtype=np.int32), np.zeros(4, dtype=np.int32)).p == 1.0


def test_combinations_are_numbered_and_unknown_is_one_of_them() -> None:
    found = crossed([np.array([0, 0, 1, -1, -1]), np.array([2, 2, 2, 0, 0])])
    assert found[0] == found[1]
    assert found[3] == found[4]
    assert len(set(found.tolist())) == 3


def test_correction_is_benjamini_hochberg() -> None:
    p = [0.001, 0.2, 0.03, 0.04, 0.9]
    assert adjusted(p) == pytest.approx(multipletests(p, method="fdr_bh")[1].tolist())
    assert adjusted([]) == []
