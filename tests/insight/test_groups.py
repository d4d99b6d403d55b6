"""Do groups differ? Against another library, brute force, and how often chance is taken for more."""

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import chi2, norm
from statsmodels.stats.contingency_tables import StratifiedTable
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportions_chisquare

from leadlane.insight.groups import (
    adjusted,
    adjusted_within,
    association,
    cells,
    crossed,
    differ,
    differ_in,
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


def test_very_small_groups_beside_large_ones_keep_their_error_rate_where_few_are_won() -> None:
    """20 reps, most of them with few of 3,000 leads, 2 % won: every cell by itself made 17 times as many."""
    rng = np.random.default_rng(1)
    sizes = np.arange(1, 21) ** -1.5
    chances = []
    for _round in range(400):
        group = rng.choice(20, 3000, p=sizes / sizes.sum()).astype(np.int32)
        stratum = rng.integers(0, 100, 3000).astype(np.int32)
        chances.append(differ_within(group, rng.random(3000) < 0.02, stratum))
    assert 0.02 <= np.mean(np.array(chances) <= 0.05) <= 0.08
    assert np.mean(np.array(chances) <= 0.003) <= 0.01


def test_a_small_group_that_does_far_better_is_still_seen_among_many_small_ones() -> None:
    rng = np.random.default_rng(2)
    seen = 0
    for _round in range(50):
        group, stratum = (rng.integers(0, of, 1200).astype(np.int32) for of in (40, 6))
        seen += differ_within(group, rng.random(1200) < np.where(group == 7, 0.5, 0.08), stratum) <= 0.01
    assert seen >= 40


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


def test_combinations_that_are_sparse_are_numbered_alike() -> None:
    """Few observations of very many possible combinations: numbered by sorting instead of counting."""
    rng = np.random.default_rng(6)
    one, other = (rng.integers(-1, 1000, 40).astype(np.int32) for _ in range(2))
    found = crossed([one, other])
    pairs = list(zip(one.tolist(), other.tolist(), strict=True))
    assert set(found.tolist()) == set(range(len(set(pairs))))
    assert len(set(zip(pairs, found.tolist(), strict=True))) == len(set(pairs))


def test_a_table_counts_what_is_there() -> None:
    rows, columns = np.array([0, 0, 2], np.int32), np.array([1, 1, 0], np.int32)
    counts, hits = cells(rows, columns, np.array([True, False, True]), 3)
    assert counts.tolist() == [[0, 2, 0], [0, 0, 0], [1, 0, 0]]
    assert hits.tolist() == [[0, 1, 0], [0, 0, 0], [1, 0, 0]]


def test_groups_that_share_no_stratum_are_not_compared_with_each_other() -> None:
    """Two pairs of groups in strata of their own: as the two comparisons apart, which are independent."""
    first = [np.array([[40, 60]]), np.array([[10, 30]])]
    second = [np.array([[50, 50]]), np.array([[30, 10]])]
    both = [
        np.block([[one, np.zeros((1, 2), int)], [np.zeros((1, 2), int), other]])
        for one, other in zip(first, second, strict=True)
    ]
    apart = [chi2.isf(differ_in(*of), 1) for of in (first, second)]
    assert differ_in(*both) == pytest.approx(chi2.sf(sum(apart), 2))
    assert differ_in(np.array([[40, 0], [0, 60]]), np.array([[10, 0], [0, 30]])) == 1.0


def test_of_many_families_the_members_of_the_claimed_ones_are_corrected_for_the_others() -> None:
    """Two of four families are claimed: so their members need half of what they would need alone."""
    families = [0.01, 0.04, 0.3, 0.9]
    assert adjusted_within([0.005, 0.02, 0.6], 0.01, families) == pytest.approx([0.03, 0.06, 1.0])
    # Nothing within a family is surer than the family itself.
    assert adjusted_within([1e-9], 0.04, families) == [0.04]
    assert adjusted_within([1e-9], 0.3, families) == [0.3]


def test_few_of_the_members_claimed_are_false_whatever_the_families_hold() -> None:
    """Of 500 reports with 10 families, one of them with true differences, 5 % of those claimed at most."""
    rng = np.random.default_rng(8)
    shares = []
    for _round in range(500):
        p = rng.random((10, 8))
        p[0, :3] = norm.sf(rng.normal(4, 1, 3))
        families = adjusted([min(adjusted(row.tolist())) for row in p])
        claimed = [
            (number, member)
            for number, row in enumerate(p)
            for member, q in enumerate(adjusted_within(row.tolist(), families[number], families))
            if q <= 0.05
        ]
        false = sum(number > 0 or member > 2 for number, member in claimed)
        shares.append(false / max(1, len(claimed)))
    assert np.mean(shares) <= 0.06
