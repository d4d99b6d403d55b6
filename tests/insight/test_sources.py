"""Is a source poor whoever works it? By hand, and what is no finding."""

import numpy as np
import pytest

from leadlane.insight.leads import Group
from leadlane.insight.proportions import stratified_difference
from leadlane.insight.sources import PoorSource, compared_sources

Table = dict[tuple[int, int], tuple[int, int]]


def compared(table: Table) -> dict[str, PoorSource]:
    """By source; `table`: (owner, source) → won, count."""
    rows = [
        (owner, source, number < won)
        for (owner, source), (won, count) in table.items()
        for number in range(count)
    ]
    owner, source, hit = (np.array(of) for of in zip(*rows, strict=True))
    kept = np.ones(len(hit), dtype=bool)
    workers = Group("owner", "owner", owner.astype(np.int32), ["anna", "boris", "clara"])
    sources = Group("source", "source", source.astype(np.int32), ["fair", "web", "list", "calls"])
    return {one.source: one for one in compared_sources(sources, kept, [workers], hit.astype(bool))}


def test_below_the_others_of_the_same_owners_with_each_of_them() -> None:
    table = {(0, 0): (5, 50), (0, 1): (40, 100), (1, 0): (3, 60), (1, 1): (20, 100), (1, 2): (12, 60)}
    found = compared(table)["fair"]
    sides = [np.array(of) for of in ([5, 3], [50, 60], [40, 32], [100, 160])]
    assert found.gap == stratified_difference(*sides)
    assert (found.below, found.workers, found.by) == (2, 2, "owner")
    assert (found.counts.won, found.counts.count, found.counts.other_won, found.counts.other_count) == (
        8, 110, 72, 260,
    )  # fmt: skip
    assert found.corrected(0.01).is_finding
    assert not found.corrected(0.06).is_finding


def test_a_source_that_only_weak_owners_work_is_not_poor() -> None:
    """All of the weak owner's leads are lost as often, whatever their source."""
    found = compared({(0, 0): (5, 100), (0, 1): (5, 100), (1, 1): (90, 200), (1, 2): (45, 100)})["fair"]
    assert found.gap.value == pytest.approx(0)
    assert not found.corrected(0.0).is_finding


def test_a_source_that_is_poor_with_one_owner_is_not_poor_whoever_works_it() -> None:
    found = compared({(0, 0): (2, 100), (0, 1): (50, 100), (1, 0): (40, 100), (1, 1): (38, 100)})["fair"]
    assert (found.below, found.workers) == (1, 2)
    assert not found.corrected(0.0).is_finding


def test_one_far_better_source_does_not_make_the_others_poor() -> None:
    table: Table = {(owner, source): (20, 100) for owner in (0, 1) for source in (0, 1, 2)}
    table |= {(0, 3): (90, 100), (1, 3): (90, 100)}
    found = compared(table)
    assert found["fair"].gap.high < 0
    assert found["fair"].p == 1.0


def test_few_leads_are_not_compared() -> None:
    assert set(compared({(0, 0): (0, 29), (0, 1): (50, 100), (1, 1): (5, 30)})) == set()
