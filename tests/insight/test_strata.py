"""Which leads are alike? What matters most comes first, and kinds stay large enough to compare within."""

import numpy as np
import pytest

from leadlane.insight.groups import association
from leadlane.insight.strata import Feature, alike_in, kinds_of

RNG = np.random.default_rng(1)
COUNT = 2000
OWNER = RNG.integers(0, 5, COUNT).astype(np.int32)
HIT = RNG.random(COUNT) < 0.3


def feature(name: str, strength: float, groups: int = 3, follows: float = 0.0) -> Feature:
    """A feature with so many groups; of an owner's leads the part `follows` has the group of their number."""
    codes = RNG.integers(0, groups, COUNT)
    codes = np.where(RNG.random(COUNT) < follows, OWNER % groups, codes)
    return Feature(name, codes.astype(np.int32), strength)


def test_what_goes_with_both_the_groups_and_the_outcome_comes_first() -> None:
    features = [feature("noise", 0.4), feature("weak", 0.1, follows=0.9), feature("strong", 0.4, follows=0.9)]
    found = alike_in(kinds_of(features, COUNT, 5), OWNER, HIT)
    assert found.compared == ["strong", "weak", "noise"]
    assert dict(found.related) == pytest.approx(
        {one.column: association(OWNER, one.codes).strength for one in features}
    )
    assert int(found.counts.sum()) == COUNT
    assert int(found.hits.sum()) == int(HIT.sum())


def test_the_table_is_that_of_the_leads() -> None:
    one, other = feature("one", 0.3), feature("other", 0.2, 2)
    found = alike_in(kinds_of([one, other], COUNT, 5), OWNER, HIT)
    by_hand = {
        (a, b): [int((HIT & (one.codes == a) & (other.codes == b) & (of == OWNER)).sum()) for of in range(5)]
        for a in range(3)
        for b in range(2)
    }
    assert sorted(found.hits.tolist()) == sorted(by_hand.values())


def test_kinds_that_would_be_too_small_are_not_made() -> None:
    features = [feature("coarse", 0.3, 4, 0.5), feature("fine", 0.2, 60, 0.5), feature("last", 0.1, 3, 0.5)]
    found = alike_in(kinds_of(features, COUNT, 5), OWNER, HIT)
    assert found.compared == ["coarse", "last"]
    assert {name for name, _strength in found.related} == {"coarse", "fine", "last"}


def test_leads_of_no_group_are_left_out_and_an_unknown_feature_is_a_kind() -> None:
    owner = np.where(np.arange(COUNT) % 4, OWNER, -1).astype(np.int32)
    half = np.where(np.arange(COUNT) < COUNT // 2, -1, 0).astype(np.int32)
    found = alike_in(kinds_of([Feature("half", half, 0.3)], COUNT, 5), owner, HIT)
    assert int(found.counts.sum()) == int((owner >= 0).sum())
    assert len(found.counts) == 2


def test_without_features_all_leads_are_one_kind() -> None:
    found = alike_in(kinds_of([], COUNT, 5), OWNER, HIT)
    assert (len(found.counts), found.compared) == (1, [])
    assert found.counts[0].tolist() == np.bincount(OWNER).tolist()


def test_a_table_that_would_be_too_large_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leadlane.insight.strata._MOST_CELLS", 50)
    kinds = kinds_of([feature("first", 0.5, 9), feature("second", 0.3, 2)], COUNT, 5)
    assert [one.column for one in kinds.features] == ["first"]
