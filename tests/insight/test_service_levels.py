"""How promises were kept: counts, intervals and medians, and who misses beyond chance, by other means."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import comb, isclose
from typing import get_args

import numpy as np
import pytest
from scipy.stats import binomtest, false_discovery_control, fisher_exact, hypergeom

from leadlane.insight.leads import Group
from leadlane.insight.promises import ENDED, KEPT, MISSED, Promises, Spans, Stage
from leadlane.insight.service_levels import Beyond, beyond_chance, figures, grouped, patterns


def promises(
    states: Sequence[int],
    seconds: float | Sequence[float] = 60.0,
    over: bool | Sequence[bool] = True,
    **by: Group,
) -> Promises:
    """Promises whose stages all took as long, but telling, of which nothing is known."""
    count = len(states)
    spans = Spans(np.resize(np.array(seconds, float), count), np.resize(np.array(over), count))
    unknown = Spans(np.full(count, np.nan), spans.is_over)
    stages: dict[Stage, Spans] = {
        stage: unknown if stage == "telling" else spans for stage in get_args(Stage)
    }
    flags = np.zeros(count, dtype=bool)
    return Promises(count, np.array(states, np.int8), by, stages, flags, flags)


def by(values: Sequence[str | None]) -> Group:
    names = sorted({value for value in values if value is not None})
    return Group("", "", codes(*(-1 if value is None else names.index(value) for value in values)), names)


def codes(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


def apart(count: int) -> np.ndarray:
    """Every promise on a day of its own: whole days then say what promises say."""
    return np.arange(count, dtype=np.int32)


def test_counts_and_the_interval_of_the_share() -> None:
    found = figures(promises([KEPT] * 41 + [MISSED] * 9 + [ENDED] * 3, over=[True] * 50 + [False] * 3))
    assert (found.kept, found.missed, found.ended, found.count) == (41, 9, 3, 50)
    assert found.share is not None
    other = binomtest(41, 50).proportion_ci(method="wilson")
    assert isclose(found.share.low, other.low, abs_tol=1e-9)
    assert isclose(found.share.high, other.high, abs_tol=1e-9)
    assert not found.share.is_small
    assert (found.answered, found.told, found.telling) == (50, 0, None)


def test_who_still_waits_is_in_the_median() -> None:
    some = promises([KEPT] * 3 + [MISSED] * 2, (10, 20, 30, 1000, 1000), [True] * 3 + [False] * 2)
    median = figures(some).response
    # The third of five; those answered alone would say 20.
    assert median is not None
    assert median.value == 30
    assert figures(some.only(some.state == MISSED)).response is None


def test_nothing_has_no_share() -> None:
    assert figures(promises([])).share is None
    assert figures(promises([ENDED])).share is None


def test_groups_have_the_figures_of_their_promises() -> None:
    some = promises([KEPT, MISSED, KEPT, ENDED, KEPT], (10, 20, 30, 40, 50))
    team = by(["a", "b", "a", "b", None])
    found = dict(grouped(some, team))
    assert list(found) == ["a", "b", None]
    for value, code in (("a", 0), ("b", 1), (None, -1)):
        assert found[value] == figures(some.only(team.codes == code))
    # A group that nothing is of is none.
    assert dict(
        grouped(some.only(team.codes == 0), team.__class__("", "", codes(0, 0), ["a", "b"]))
    ).keys() == {"a"}


def test_one_against_others_is_the_exact_test_of_fisher() -> None:
    group = codes(*[0] * 12, *[1] * 30)
    missed = np.array([True] * 6 + [False] * 6 + [True] * 3 + [False] * 27)
    found = {one.group: one for one in beyond_chance(group, missed, np.zeros(42, np.int32), apart(42))}
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
    (found,) = beyond_chance(codes(*group), np.array(missed), codes(*stratum), apart(len(group)))
    assert isclose(found.p, chance)
    assert isclose(found.expected, (4 * 1 / 5 + 3 * 2 / 6) / 7)


def test_who_has_nothing_comparable_is_not_compared() -> None:
    kinds = codes(0, 0, 1, 1)
    found = beyond_chance(kinds, np.array([True, True, False, False]), kinds, apart(4))
    assert found == []
    assert beyond_chance(codes(), np.array([], dtype=bool), codes(), codes()) == []


# ---------------------------------------------------------------- simulated companies


def company(seed: int, rates: np.ndarray | None = None) -> list[Beyond]:
    """Ten people with unequally many promises of two kinds, of which 5 % and 30 % are missed by everybody,
    and who have unequally many of the hard kind; `rates` adds to somebody's rate.
    """
    rng = np.random.default_rng(seed)
    people = rng.choice(10, 800, p=np.arange(1, 11) / 55).astype(np.int32)
    hard = rng.random(800) < np.linspace(0.05, 0.9, 10)[people]
    rate = np.where(hard, 0.3, 0.05) + (rates[people] if rates is not None else 0)
    return beyond_chance(people, rng.random(800) < rate, hard.astype(np.int32), rng.integers(0, 60, 800))


def test_with_nothing_planted_no_more_than_the_stated_share_is_named() -> None:
    """Not even those who get nearly all the hard promises, and so miss six times as many."""
    companies = [any(one.is_found for one in company(seed)) for seed in range(200)]
    assert sum(companies) / 200 <= 0.05


def test_who_misses_more_of_the_same_is_named_and_nobody_else() -> None:
    rates = np.zeros(10)
    rates[6] = 0.25
    named = [{one.group for one in company(seed, rates) if one.is_found} for seed in range(100)]
    assert sum(6 in found for found in named) >= 90
    false = sum(len(found - {6}) for found in named) / sum(len(found) for found in named)
    assert false <= 0.05


QUARTERS = 150


def quarter(seed: int, bad: float, chronic: float = 0.0, *, is_by_day: bool = True) -> set[int]:
    """Who is named of 20 people with unequal work on 60 days, who miss 5 %. `bad` is the share of them who
    have one day on which they miss nearly all of twelve; person 7 misses by `chronic` more, every day.
    """
    rng = np.random.default_rng(seed)
    counts = rng.poisson(np.repeat(np.linspace(1, 6, 20), 60)).reshape(20, 60)
    worst = np.where(rng.random(20) < bad, rng.integers(0, 60, 20), -1)
    hit = np.flatnonzero(worst >= 0)
    counts[hit, worst[hit]] = 12
    people = np.repeat(np.repeat(np.arange(20), 60), counts.ravel()).astype(np.int32)
    day = np.repeat(np.tile(np.arange(60), 20), counts.ravel()).astype(np.int32)
    rate = np.where(day == worst[people], 0.95, 0.05 + np.where(people == 7, chronic, 0.0))
    missed, kinds = rng.random(len(people)) < rate, rng.integers(0, 3, len(people)).astype(np.int32)
    found = beyond_chance(people, missed, kinds, day if is_by_day else apart(len(people)))
    return {one.group for one in found if one.is_found}


@pytest.mark.parametrize("bad", [0.0, 0.3, 1.0])
def test_a_bad_day_names_nobody(bad: float) -> None:
    """Misses of a day go together: nobody misses again and again for it, however many have such a day."""
    assert sum(bool(quarter(seed, bad)) for seed in range(QUARTERS)) / QUARTERS <= 0.05


def test_without_days_whoever_had_one_bad_day_would_be_named() -> None:
    assert sum(bool(quarter(seed, 0.3, is_by_day=False)) for seed in range(40)) / 40 > 0.5


def test_who_is_chronic_is_named_among_those_with_bad_days() -> None:
    named = [quarter(seed, 0.3, 0.15) for seed in range(100)]
    assert sum(7 in found for found in named) >= 95
    assert sum(len(found - {7}) for found in named) / sum(map(len, named)) <= 0.05


def test_on_less_than_three_days_it_is_not_again_and_again() -> None:
    people, day = np.repeat(np.arange(2), 300).astype(np.int32), np.tile(np.arange(300) % 2, 2)
    (one, *_rest) = beyond_chance(people, people == 0, np.zeros(600, np.int32), day.astype(np.int32))
    assert (one.missed, one.days, one.is_found) == (300, 2, False)


# ---------------------------------------------------------------- patterns


def test_an_hour_at_which_more_is_missed_is_found_and_others_are_not() -> None:
    rng = np.random.default_rng(5)
    hours = rng.integers(8, 18, 600)
    missed = rng.random(600) < np.where(hours == 12, 0.5, 0.1)
    regions = rng.integers(0, 3, 600)
    states = [*np.where(missed, MISSED, KEPT), ENDED]
    some = promises(
        states,
        hour=by([*map(str, hours), "99"]),
        region=by([*map(str, regions), "9"]),
        one=by(["x"] * 601),
    )
    found = patterns(some, ["hour", "region", "one"])
    assert [(one.dimension, one.is_found) for one in found] == [("hour", True), ("region", False)]
    value, share = found[0].worst[0]
    assert value == "12"
    assert share.count == int((hours == 12).sum())
    assert share.value == missed[hours == 12].mean()
    assert patterns(some.only(np.arange(601) == 0), ["hour"]) == []


def test_the_chance_is_the_same_whether_many_or_few_are_told_apart() -> None:
    """Of so many promises that their numbers are multiplied another way: one stratum alone is scipy's."""
    rng = np.random.default_rng(2)
    group = rng.integers(0, 2, 60_000).astype(np.int32)
    missed = rng.random(60_000) < np.where(group == 0, 0.303, 0.3)
    (one, *_rest) = beyond_chance(group, missed, np.zeros(60_000, np.int32), apart(60_000))
    own, all_missed = int((group == 0).sum()), int(missed.sum())
    expected = hypergeom.sf(one.missed - 1, 60_000, all_missed, own)
    assert isclose(one.p, expected, rel_tol=1e-6)
    # Two strata, each many: against the normal approximation, which is near enough here.
    stratum = (np.arange(60_000) % 2).astype(np.int32)
    (two, *_rest) = beyond_chance(group, missed, stratum, apart(60_000))
    assert isclose(two.p, expected, rel_tol=0.05)
