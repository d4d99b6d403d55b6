"""How promises were kept: counts, intervals and medians, and who misses beyond chance, by other means."""

from __future__ import annotations

from itertools import product
from math import comb, isclose

import numpy as np
import pytest
from scipy.stats import binomtest, false_discovery_control, fisher_exact

from leadlane.insight.service_levels import (
    Beyond,
    Judged,
    Span,
    State,
    beyond_chance,
    figures,
    grouped,
    patterns,
)


def promise(state: State, seconds: float = 60.0, *, is_over: bool = True, **by: str | None) -> Judged:
    span = Span(seconds, is_over)
    return Judged("L", state, by.get("person"), by, span, span, Span(1.0, True), None, span, None)


def codes(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


def test_counts_and_the_interval_of_the_share() -> None:
    found = figures([promise("kept")] * 41 + [promise("missed")] * 9 + [promise("ended", is_over=False)] * 3)
    assert (found.kept, found.missed, found.ended, found.count) == (41, 9, 3, 50)
    assert found.share is not None
    other = binomtest(41, 50).proportion_ci(method="wilson")
    assert isclose(found.share.low, other.low, abs_tol=1e-9)
    assert isclose(found.share.high, other.high, abs_tol=1e-9)
    assert not found.share.is_small
    assert (found.answered, found.told, found.telling) == (50, 0, None)


def test_who_still_waits_is_in_the_median() -> None:
    answered = [promise("kept", seconds) for seconds in (10, 20, 30)]
    waiting = [promise("missed", 1000, is_over=False)] * 2
    median = figures([*answered, *waiting]).response
    # The third of five; those answered alone would say 20.
    assert median is not None
    assert median.value == 30
    assert figures(waiting).response is None


def test_nothing_has_no_share() -> None:
    assert figures([]).share is None
    assert figures([promise("ended")]).share is None


def test_one_against_others_is_the_exact_test_of_fisher() -> None:
    group = codes(*[0] * 12, *[1] * 30)
    missed = np.array([True] * 6 + [False] * 6 + [True] * 3 + [False] * 27)
    found = {one.group: one for one in beyond_chance(group, missed, np.zeros(42, np.int32))}
    assert isclose(found[0].p, fisher_exact([[6, 6], [3, 27]], alternative="greater").pvalue)
    assert isclose(found[1].p, fisher_exact([[3, 27], [6, 6]], alternative="greater").pvalue)
    assert (found[0].missed, found[0].count) == (6, 12)
    assert isclose(found[0].expected, 3 / 30)
    corrected = false_discovery_control([found[0].p, found[1].p])
    assert [found[0].q, found[1].q] == pytest.approx(corrected)


def test_kinds_are_compared_apart() -> None:
    """By counting every way in which the misses could have fallen, within each kind."""
    own, others, own_missed, all_missed = (4, 3), (5, 6), (3, 2), (4, 4)
    group, missed, stratum = [], [], []
    for kind in range(2):
        group += [0] * own[kind] + [-1] * others[kind]
        of_others = all_missed[kind] - own_missed[kind]
        missed += [True] * own_missed[kind] + [False] * (own[kind] - own_missed[kind])
        missed += [True] * of_others + [False] * (others[kind] - of_others)
        stratum += [kind] * (own[kind] + others[kind])
    chance = 0.0
    for fallen in product(*(range(n + 1) for n in own)):
        if sum(fallen) >= sum(own_missed):
            ways = 1.0
            for kind, k in enumerate(fallen):
                rest = all_missed[kind] - k
                if not 0 <= rest <= others[kind]:
                    ways = 0.0
                    break
                total = comb(own[kind] + others[kind], all_missed[kind])
                ways *= comb(own[kind], k) * comb(others[kind], rest) / total
            chance += ways
    (found,) = beyond_chance(codes(*group), np.array(missed), codes(*stratum))
    assert isclose(found.p, chance)
    assert isclose(found.expected, (4 * 1 / 5 + 3 * 2 / 6) / 7)


def test_who_has_nothing_comparable_is_not_compared() -> None:
    found = beyond_chance(codes(0, 0, 1, 1), np.array([True, True, False, False]), codes(0, 0, 1, 1))
    assert found == []
    assert beyond_chance(codes(), np.array([], dtype=bool), codes()) == []


# ---------------------------------------------------------------- simulated companies


def company(seed: int, rates: np.ndarray | None = None) -> list[Beyond]:
    """Ten people with unequally many promises of two kinds, of which 5 % and 30 % are missed by everybody,
    and who have unequally many of the hard kind; `rates` adds to somebody's rate.
    """
    rng = np.random.default_rng(seed)
    people = rng.choice(10, 800, p=np.arange(1, 11) / 55).astype(np.int32)
    hard = rng.random(800) < np.linspace(0.05, 0.9, 10)[people]
    rate = np.where(hard, 0.3, 0.05) + (rates[people] if rates is not None else 0)
    return beyond_chance(people, rng.random(800) < rate, hard.astype(np.int32))


def test_with_nothing_planted_no_more_than_the_stated_share_is_named() -> None:
    """Not even those who get nearly all the hard promises, and so miss six times as many."""
    companies = [any(one.is_found for one in company(seed)) for seed in range(200)]
    assert sum(companies) / 200 <= 0.05


def test_who_misses_more_of_the_same_is_named_and_nobody_else() -> None:
    rates = np.zeros(10)
    rates[6] = 0.25
    named = [{one.group for one in company(seed, rates) if one.is_found} for seed in range(100)]
    assert sum(6 in found for found in named) >= 95
    false = sum(len(found - {6}) for found in named) / sum(len(found) for found in named)
    assert false <= 0.05


# ---------------------------------------------------------------- patterns


def test_an_hour_at_which_more_is_missed_is_found_and_others_are_not() -> None:
    rng = np.random.default_rng(5)
    promises = []
    for _number in range(600):
        hour = int(rng.integers(8, 18))
        is_missed = rng.random() < (0.5 if hour == 12 else 0.1)
        promises.append(
            promise(
                "missed" if is_missed else "kept", hour=str(hour), region=str(rng.integers(0, 3)), one="x"
            )
        )
    found = patterns([*promises, promise("ended", hour="99", region="9", one="x")], ["hour", "region", "one"])
    assert [(one.dimension, one.is_found) for one in found] == [("hour", True), ("region", False)]
    value, share = found[0].worst[0]
    assert value == "12"
    of_noon = grouped(promises, "hour")["12"]
    assert share.count == len(of_noon)
    assert share.value == sum(one.state == "missed" for one in of_noon) / len(of_noon)
    assert patterns(promises[:1], ["hour"]) == []
