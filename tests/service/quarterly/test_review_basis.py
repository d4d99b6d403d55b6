"""What a review reckons money from: not more than the figures carry, and with their uncertainty."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import psycopg
import pytest
from tests.service.quarterly.quarter_company import NOW, company

from leadlane.insight.capacity import PersonCapacity
from leadlane.insight.leads import LOST, WON, Group, Leads
from leadlane.insight.load import InHand
from leadlane.insight.moves import Move, Pair
from leadlane.insight.proportions import Estimate, difference, wilson
from leadlane.insight.response import Effect, ResponseClass
from leadlane.insight.sources import PoorSource
from leadlane.insight.staffed import Promises
from leadlane.service.quarterly import findings_balance, findings_capacity, findings_conversion
from leadlane.service.quarterly.quarter import review_period
from leadlane.service.quarterly.review_basis import Basis, _value, basis

HOUR = 3600.0
GAP = Estimate(0.1, 0.05, 0.15, 1000)


@pytest.fixture
def ground(db: psycopg.Connection) -> Basis:
    """A review in which fast answers are shown to win more."""
    book = company(db, a_week=1).current(db)
    side = ResponseClass(HOUR, 500, 100, wilson(100, 500))
    made = basis(db, book, review_period(None, book, NOW)[1], NOW)
    effect = Effect(HOUR, side, side, GAP, None, (), 0.001, 0.001)
    return replace(made, conversion=replace(made.conversion, response=effect))


def _answered(ground: Basis, promised: float, hours: list[float]) -> Basis:
    """The same, with leads that were promised an answer within `promised` hours, answered within `hours`."""
    begin = NOW.timestamp() - 1000 * HOUR
    instants = {
        "arrived_at": np.full(len(hours), begin),
        "asked_at": np.full(len(hours), begin),
        "respond_by": np.full(len(hours), begin + promised * HOUR),
        "responded_at": begin + np.array(hours) * HOUR,
        "closed_at": np.full(len(hours), np.nan),
    }
    return replace(ground, year=replace(ground.year, count=len(hours), instants=instants))


def test_a_promise_that_is_kept_slowly_would_win_nothing_for_being_fast(ground: Basis) -> None:
    assert _answered(ground, 24.0, [5.0] * 60 + [30.0] * 40).of_missed(40) is None
    # What was never missed, or never kept, says nothing either.
    assert _answered(ground, 24.0, [0.5] * 60).of_missed(40) is None


def test_a_promise_that_is_missed_by_minutes_may_be_fast_all_the_same(ground: Basis) -> None:
    cost = _answered(ground, 0.25, [0.2] * 60 + [0.5] * 20 + [9.0] * 20).of_missed(40)
    assert cost is not None
    faster = next(one for one in cost.factors if one.name == "faster")
    assert faster.middle == pytest.approx(0.5)
    assert 0.3 < faster.low < 0.5 < faster.high < 0.7
    plain = ground.of_wins(40, GAP)
    assert plain is not None
    assert cost.money[1] == pytest.approx(0.5 * plain.money[1])
    assert cost.deals is not None
    assert plain.deals is not None
    assert cost.deals[1] == pytest.approx(0.5 * plain.deals[1])


def test_what_the_review_does_not_claim_is_worth_no_money(ground: Basis) -> None:
    """The correction of the review holds every result to the same level, whether told or reckoned with."""
    some = _answered(ground, 0.25, [0.2] * 60 + [0.5] * 20 + [9.0] * 20)
    some = replace(
        some, conversion=replace(some.conversion, moves=[_move("one", 0.001), _move("three", 0.03)])
    )
    claimed = some.claiming({"segment": 0.01, "response": 0.01})
    assert [one.other for one in claimed.conversion.moves] == ["one"]
    assert claimed.of_missed(40) is not None
    assert findings_balance._gains(claimed).keys() == {("north", "two")}
    nothing = some.claiming({"segment": 0.0, "response": 0.0})
    assert nothing.of_missed(40) is None
    assert findings_balance._gains(nothing) == {}


def _move(other: str, q: float) -> Move:
    return Move("north", "two", other, GAP, None, Pair(100, 50, 100, 40), (), q, q)


def test_a_team_that_is_not_shown_to_do_worse_is_no_part_of_what_is_at_stake(ground: Basis) -> None:
    names = {"segment": ["north"], "pool": ["teams"], "team": ["one", "two", "three"]}
    codes = {role: np.zeros(20, np.int32) for role in names}
    codes["team"] = np.repeat(np.array([0, 1, 2], np.int32), (10, 4, 6))
    groups = {role: Group(role, role, codes[role], names[role]) for role in names}
    some = replace(ground, leads=Leads(20, groups=groups))
    shown = _move("one", 0.001)
    only = replace(some, conversion=replace(some.conversion, moves=[shown]))
    stake = findings_conversion._stake(only, shown)
    assert (stake.leads, stake.gap.value, stake.gains) == (10, GAP.value, {"one": GAP})
    wide = replace(_move("three", 0.001), gap=Estimate(0.2, 0.1, 0.3, 100))
    both = replace(some, conversion=replace(some.conversion, moves=[shown, wide]))
    stake = findings_conversion._stake(both, shown)
    assert (stake.leads, stake.gains.keys()) == (16, {"one", "three"})
    assert stake.gap.value == pytest.approx((10 * 0.1 + 6 * 0.2) / 16)
    assert stake.gap.low == pytest.approx((10 * 0.05 + 6 * 0.1) / 16)


def test_two_wins_do_not_say_what_a_deal_is_worth(ground: Basis) -> None:
    def leads(*values: float) -> Leads:
        amounts = {"value": np.array(values), "deal_value": np.full(len(values), np.nan)}
        return Leads(len(values), numbers=amounts, outcome=np.full(len(values), WON, np.int8))

    assumed = ground.assumed["deal_value"]
    assert _value(leads(1.0, 100.0), assumed) == assumed
    found = _value(leads(9_000.0, 10_000.0, 11_000.0), assumed)
    assert (found.source, found.middle) == ("data", pytest.approx(10_000))
    assert found.low < 9_000 < 11_000 < found.high
    lost = replace(leads(1.0, 2.0, 3.0), outcome=np.full(3, LOST, np.int8))
    assert _value(lost, assumed) == assumed


def test_a_source_without_a_win_is_not_certain_to_bring_none(ground: Basis) -> None:
    gap = difference(0, 40, 200, 2000)
    poor = PoorSource("bought", gap, Pair(0, 40, 200, 2000), "owner", 2, 2, 0.001, 0.001)
    wasted = findings_conversion._wasted(ground, poor, wilson(0, 40), 40).factors[1]
    assert (wasted.middle, wasted.high) == (1.0, 1.0)
    # Of its own leads up to 9 % may be won: then hardly any of the price is wasted.
    assert wasted.low < 0.2


def test_who_had_no_promises_is_not_said_to_keep_nine_of_ten(ground: Basis) -> None:
    held = InHand(400.0, 9.5, 10, 0.9, 0.0, Estimate(0.9, 0.7, 1.0, 12), Estimate(0.0, 0.0, 0.2, 12))
    someone = PersonCapacity("a1", 5, Promises(0, 0), 10, held, [])
    assert findings_capacity._fuller(ground, someone) is None
