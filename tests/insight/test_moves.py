"""Does a segment do better with another team? By hand, and what is no finding."""

import numpy as np
import pytest
from scipy.stats import norm

from leadlane.insight.moves import Move, compared_moves
from leadlane.insight.proportions import stratified_difference
from leadlane.insight.strata import Feature


def leads(table: dict[tuple[int, int], tuple[int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Segment, team and whether it was won of every lead; `table`: (segment, team) → won, count."""
    rows = [
        (segment, team, number < won)
        for (segment, team), (won, count) in table.items()
        for number in range(count)
    ]
    segment, team, hit = zip(*rows, strict=True)
    return np.array(segment, np.int32), np.array(team, np.int32), np.array(hit, dtype=bool)


def moves(table: dict[tuple[int, int], tuple[int, int]], features: tuple[Feature, ...] = ()) -> list[Move]:
    segment, team, hit = leads(table)
    return compared_moves(segment, ["north", "south"], team, ["red", "blue", "grey"], hit, features)


def test_the_better_team_of_a_segment_and_how_it_does_elsewhere() -> None:
    found = moves({(0, 0): (10, 100), (0, 1): (40, 80), (1, 0): (30, 100), (1, 1): (24, 80)})
    north, south = found
    assert (north.segment, north.team, north.other) == ("north", "blue", "red")
    assert north.gap.value == pytest.approx(0.4)
    assert north.elsewhere is not None
    assert north.elsewhere.value == pytest.approx(0.0)
    assert (north.counts.won, north.counts.count, north.counts.other_won, north.counts.other_count) == (
        40, 80, 10, 100,
    )  # fmt: skip
    errors = [0.5 * 0.5 / 80 + 0.1 * 0.9 / 100, 0.3 * 0.7 / 80 + 0.3 * 0.7 / 100]
    assert north.p == pytest.approx(2 * norm.sf(0.4 / np.sqrt(sum(errors))), rel=0.2)
    assert south.p > 0.05


def test_a_team_that_is_better_everywhere_is_no_reason_to_move_a_segment() -> None:
    found = moves({(0, 0): (100, 1000), (0, 1): (400, 1000), (1, 0): (110, 1000), (1, 1): (405, 1000)})
    assert all(one.gap.value > 0.2 for one in found)
    assert all(one.p > 0.1 for one in found)


def test_teams_with_few_leads_of_a_segment_are_not_compared() -> None:
    assert moves({(0, 0): (0, 29), (0, 1): (50, 100)}) == []
    assert moves({(0, 0): (0, 30), (1, 1): (50, 100)}) == []


def test_teams_that_share_one_segment_only_are_compared_in_that() -> None:
    (only,) = moves({(0, 0): (10, 100), (0, 1): (40, 80), (1, 0): (30, 100)})
    assert only.elsewhere is None
    assert only.p < 1e-6


def test_it_is_compared_among_like_leads() -> None:
    """The red team has the easy leads of the north, and within easy and hard ones is the worse."""
    rows = {(0, 0): (60, 100), (0, 1): (30, 100), (1, 0): (30, 100), (1, 1): (30, 100)}
    segment, team, hit = leads(rows)
    rng = np.random.default_rng(0)
    easy = np.where(rng.random(len(hit)) < np.where(hit, 0.9, 0.2), 1, 0).astype(np.int32)
    (north, *_rest) = moves(rows, (Feature("effort", easy, 0.6),))
    assert north.compared == ["effort"]
    at = [(segment == 0) & (team == of) for of in (0, 1)]
    sides = [
        np.array([(kept & (easy == k) & won).sum() for k in (0, 1)])
        for kept in at
        for won in (hit, hit | ~hit)
    ]
    assert north.gap == stratified_difference(*(sides if north.team == "red" else [*sides[2:], *sides[:2]]))


def test_leads_of_no_segment_or_team_are_left_out() -> None:
    nothing = np.full(50, -1, np.int32)
    assert compared_moves(nothing, ["north"], nothing, ["red"], np.ones(50, dtype=bool), ()) == []
