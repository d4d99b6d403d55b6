"""Figures of quality, against counting every pair one by one."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlane.matching.judge import (
    Score,
    best_threshold,
    score_clusters,
    score_entities,
    score_pairs,
)


def test_precision_recall_and_f1() -> None:
    score = score_pairs([(0, 1), (0, 2)], {(0, 1), (1, 3), (2, 3), (4, 5)})
    assert score == Score(linked=2, right=1, true=4)
    assert (score.precision, score.recall) == (0.5, 0.25)
    assert score.f1 == pytest.approx(1 / 3)


def test_nothing_linked_is_nothing_wrong() -> None:
    assert (Score(0, 0, 3).precision, Score(0, 0, 3).recall, Score(0, 0, 3).f1) == (1.0, 0.0, 0.0)
    assert (Score(0, 0, 0).recall, Score(0, 0, 0).f1) == (1.0, 1.0)


@given(
    st.lists(
        st.tuples(st.one_of(st.none(), st.integers(0, 3)), st.one_of(st.none(), st.sampled_from("abc"))),
        max_size=12,
    ),
    st.sets(st.tuples(st.integers(0, 11), st.integers(0, 11))),
)
def test_pairs_in_clusters_are_counted_as_if_one_by_one(
    rows: list[tuple[int | None, str | None]], drawn: set[tuple[int, int]]
) -> None:
    groups = {place: group for place, (group, _entity) in enumerate(rows) if group is not None}
    entity = [name for _group, name in rows]
    extra = {pair for pair in drawn if pair[0] < pair[1] < len(rows)}
    known = [place for place, name in enumerate(entity) if name is not None]
    linked = {
        (a, b)
        for a, b in combinations(known, 2)
        if (a in groups and groups[a] == groups.get(b)) or (a, b) in extra
    }
    true = {(a, b) for a, b in combinations(known, 2) if entity[a] == entity[b]}
    assert score_clusters(groups, entity, extra) == score_pairs(linked, true)


def test_entities_count_alike_whatever_their_size() -> None:
    # a: three rows, two of them together with one of b; b: two rows; c: found wholly; d: one row.
    entity = ["a", "a", "a", "b", "b", "c", "c", "d"]
    groups = {0: 1, 1: 1, 3: 1, 5: 2, 6: 2}
    score = score_entities(groups, entity)
    assert score.entities == 3
    assert score.found_wholly == pytest.approx(1 / 3)
    assert score.recall == pytest.approx((2 / 6 + 0 + 1) / 3)
    assert score.precision == pytest.approx((2 / 4 + 0 + 1) / 3)


def test_the_best_threshold_is_that_of_the_best_f1() -> None:
    threshold, score = best_threshold([(90.0, True), (80.0, True), (80.0, False), (50.0, False)], 3)
    assert threshold == 80.0
    assert score == Score(3, 2, 3)


def test_a_threshold_takes_all_that_score_the_same() -> None:
    scored = [(70.0, True), (70.0, False), (70.0, False)]
    assert best_threshold(scored, 1) == best_threshold(reversed(scored), 1) == (70.0, Score(3, 1, 1))
