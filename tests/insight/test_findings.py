"""What may be claimed together, and what comes first."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from leadlane.insight.costs import Cost, Factor
from leadlane.insight.findings import Finding, Kind, key_of, levels, ranked, settled
from leadlane.insight.groups import adjusted

KINDS: tuple[Kind, ...] = ("segment", "response", "person", "capacity", "overridden_route")


def finding(
    key: str, kind: Kind = "segment", q: float | None = None, money: float | None = None, leads: int = 0
) -> Finding:
    factor = Factor("leads", 0, money or 0, 2 * (money or 0))
    cost = Cost("wins", (factor,)) if money is not None else None
    return Finding(key, kind, key, (), 1.0 if q is None else 1 - q, leads, money=cost, q=q)


def test_the_most_expected_money_comes_first_then_what_is_surest() -> None:
    found = [
        finding("counted", "unused_route", leads=3),
        finding("sure", q=0.01, money=900),
        finding("larger, less sure", q=0.2, money=1000),
        finding("more leads", "unused_route", leads=7),
    ]
    assert [one.key for one in ranked(found)] == ["sure", "larger, less sure", "more leads", "counted"]


def test_what_was_counted_is_kept_and_what_is_chance_is_not() -> None:
    kept = settled([finding("a", "unused_route"), finding("b", q=0.04), finding("c", "person", q=1e-9)])
    assert [one.key for one in kept] == ["a", "c"]
    # Two of five families are chosen, so each is held to two fifths of the level.
    kept = settled([finding("b", q=0.015), finding("d", q=0.03), finding("c", "person", q=1e-9)])
    assert [(one.key, round(one.certainty, 4)) for one in kept] == [("b", 0.9625), ("c", 1.0)]


def test_only_comparisons_are_claims() -> None:
    found = [finding("a", q=0.01), finding("b", "capacity"), finding("c", "peak"), finding("d", "territory")]
    assert [one.rests_on for one in found] == ["comparison", "count", "forecast", "model"]


def test_a_kind_of_which_nothing_is_claimed_has_no_level() -> None:
    found = levels([finding("b", q=0.015), finding("c", "person", q=1e-9), finding("d", "response", q=0.04)])
    # Two of five families are chosen; sources are of the same as segments.
    assert (found["segment"], found["source"], found["person"]) == (0.02, 0.02, 0.02)
    assert found["response"] == found["capacity"] == 0.0


def test_a_finding_is_the_same_in_every_quarter() -> None:
    assert key_of("segment", "south", "emea") == "segment:south:emea"


def test_where_nothing_differs_hardly_a_review_claims_anything() -> None:
    """2,000 simulated reviews, each family with 12 comparisons of nothing: at most 5 % claim anything."""
    rng = np.random.default_rng(5)
    claimed = 0
    for _number in range(2_000):
        found = [
            finding(f"{kind}{at}", kind, q)
            for kind in KINDS
            for at, q in enumerate(adjusted(rng.uniform(size=12).tolist()))
        ]
        claimed += bool(settled(found))
    # 5 % of 2,000 are 100; the binomial bound at one in a thousand is 131.
    assert claimed <= 131


def test_of_what_is_claimed_few_is_false() -> None:
    """Two families with a planted effect, three without: of all that is claimed at most 5 % are false."""
    rng = np.random.default_rng(6)
    shares = []
    for _number in range(500):
        found = []
        for place, kind in enumerate(KINDS):
            p = rng.uniform(size=12)
            if place < 2:
                p[:4] = rng.uniform(size=4) * 1e-4
            found += [finding(f"{kind}{at}", kind, q) for at, q in enumerate(adjusted(p.tolist()))]
        true = {f"{kind}{at}" for kind in KINDS[:2] for at in range(4)}
        kept = settled(found)
        shares.append(sum(one.key not in true for one in kept) / max(1, len(kept)))
        assert sum(one.key in true for one in kept) >= 6
    assert float(np.mean(shares)) <= 0.05


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.floats(0, 1)), max_size=20))
def test_nothing_is_surer_than_its_report_says(found: list[tuple[Kind, float]]) -> None:
    for one in settled([finding(f"{at}", kind, q) for at, (kind, q) in enumerate(found)]):
        assert one.q is not None
        assert 0.95 <= one.certainty <= 1 - one.q
