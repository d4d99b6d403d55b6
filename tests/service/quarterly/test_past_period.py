"""The leads of a period decided again, all of them or a random sample, under several rulebooks at once."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from tests.service.conftest import NOW
from tests.service.quarterly.quarter_company import FIRST, POLICY, company

from leadlane.insight.proportions import Estimate
from leadlane.policy.edit import Edit, edited
from leadlane.policy.load import load_policy
from leadlane.service.deciding_again import Side
from leadlane.service.quarterly.past_period import PastPeriod, _past, _Tally, decide_period

SILENT = lambda done, total: None  # noqa: E731
UNTIL = FIRST + timedelta(days=90)


def _policy(*edits: Edit) -> Side:
    return Side(load_policy(edited(POLICY, edits)))


def test_each_change_is_told_apart_from_the_rules_in_force(db: psycopg.Connection) -> None:
    company(db, a_week=20)
    heard: list[tuple[int, int]] = []
    others = {
        "same": _policy(),
        "sooner": _policy(Edit("set", ("service_levels", "standard", "respond_within"), "1 days")),
        "team": Side(load_policy(POLICY), [Edit("set", ("people", "b1", "teams"), ["one"])]),
    }
    found = decide_period(
        db, _policy(), others, FIRST, UNTIL, lambda done, total: heard.append((done, total))
    )
    assert heard[-1] == (240, 240)
    same, sooner, team = found["same"], found["sooner"], found["team"]
    assert (same.changed.value, same.hands.value, same.turns, same.moved) == (0, 0, 0, [])
    assert (sooner.sooner, sooner.later, sooner.hands.value) == (240, 0, 0)
    # Whoever changes teams gets leads of the segments of the other team, and none of their own any more.
    assert team.hands.value > 0
    assert {"b1"} <= {other for _one, other, _n in team.pairs}


def test_a_roster_that_nobody_had_then_stays_as_it_was(db: psycopg.Connection) -> None:
    company(db, a_week=5)
    side = Side(load_policy(POLICY), [Edit("set", ("people", "newcomer", "weight"), 3)])
    found = decide_period(db, _policy(), {"new": side}, FIRST, UNTIL, SILENT)
    assert found["new"].changed.value == 0


def test_a_sample_says_so_and_its_interval_holds_the_truth(db: psycopg.Connection) -> None:
    company(db, a_week=60)
    other = {"partner": _policy(Edit("set", ("routes", "partner", "pool"), "experts"))}
    every = decide_period(db, _policy(), other, FIRST, UNTIL, SILENT)["partner"]
    some = decide_period(db, _policy(), other, FIRST, UNTIL, SILENT, most=200)["partner"]
    assert not every.is_sample
    assert some.is_sample
    assert 200 <= some.looked_at < some.leads == every.leads == 720
    assert some.hands.low <= every.hands.value <= some.hands.high
    assert some.hands.low < some.hands.high
    assert decide_period(db, _policy(), other, FIRST, UNTIL, SILENT, most=200)["partner"].hands == some.hands


def _sampled(reach: float) -> PastPeriod:
    none = Estimate(0.0, 0.0, 0.0, 20_000)
    hands = Estimate(10_000.0, 10_000 - reach, 10_000 + reach, 20_000)
    return PastPeriod(100_000, 20_000, 0, none, hands, 0, [], [], [], 0, 0, [])


def test_of_few_of_a_sample_less_is_known_than_of_all_that_changed_hands() -> None:
    few, many = _sampled(400.0).scaled(3), _sampled(400.0).scaled(2000)
    assert (few.value, many.value) == (15.0, 10_000.0)
    assert few.low < 8
    assert few.high > 35
    assert few.low >= 3
    assert (many.low, many.high) == pytest.approx((9_600, 10_400), rel=0.01)
    none = _sampled(400.0).scaled(0)
    assert (none.value, none.low) == (0.0, 0.0)
    assert 5 < none.high < 100


def test_a_period_without_leads_has_nothing_to_say(db: psycopg.Connection) -> None:
    company(db, a_week=5)
    later = NOW + timedelta(days=900)
    found = decide_period(db, _policy(), {"same": _policy()}, later, later + timedelta(days=1), SILENT)
    assert (found["same"].leads, found["same"].looked_at, found["same"].changed.value) == (0, 0, 0)


def test_what_could_not_be_decided_again_is_in_no_base() -> None:
    """Two batches of ten: of one three could not be, and four of the others differ."""
    tally = _Tally(left_out=3)
    tally.sizes.update({1: 7, 2: 10})
    tally.changed.update({1: 2, 2: 2})
    tally.hands.update(tally.changed)
    every = _past(tally, [(1, 10), (2, 10)], {1: 10, 2: 10})
    assert (every.leads, every.looked_at, every.left_out, every.is_sample) == (17, 17, 3, False)
    assert (every.changed.value, every.changed.count) == (4.0, 17)
    # Of a sample, 3 of 20 of those that were not drawn could not be either.
    some = _past(tally, [(batch, 10) for batch in range(1, 11)], {1: 10, 2: 10})
    assert (some.leads, some.looked_at, some.is_sample) == (85, 17, True)
    assert some.changed.value == pytest.approx(4 / 17 * 85)
