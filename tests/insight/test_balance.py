"""Is the placement that is proposed the best one, allowed, and the same each time?"""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadlane.insight.balance import balanced
from leadlane.insight.market import (
    Market,
    Move,
    Placing,
    Prices,
    Rep,
    Territory,
    as_is,
    cost,
    is_allowed,
    options,
    with_moves,
)
from leadlane.insight.proportions import Estimate

TEAMS = ("north", "south", "west")


def weekly(leads: float) -> Estimate:
    return Estimate(leads, leads * 0.8, leads * 1.2, 100)


def everywhere(market: Market) -> list[Placing]:
    """Every placement that there is, allowed or not."""
    reps = [one for one in market.reps if len(one.teams) == 1]
    return [
        (
            dict(
                zip([one.name for one in market.territories], places[: len(market.territories)], strict=True)
            ),
            dict(zip([one.id for one in reps], places[len(market.territories) :], strict=True)),
        )
        for places in product(*(options(market, one) for one in [*market.territories, *reps]))
    ]


def cheapest(market: Market) -> float:
    return min(cost(market, one).total for one in everywhere(market) if is_allowed(market, one))


counts = st.integers(0, 40).map(float)
places = st.sampled_from(TEAMS)
goals = st.none() | st.frozensets(places)
skills = st.frozensets(st.sampled_from(("pl", "it")))
needs = st.dictionaries(st.sampled_from(("pl", "it")), st.sampled_from((0.2, 0.6, 1.0)))


@st.composite
def markets(draw: st.DrawFn) -> Market:
    territories = [
        Territory(
            f"t{n}",
            draw(places),
            {kind: weekly(draw(counts)) for kind in draw(st.sets(st.sampled_from("ab"), min_size=1))},
            draw(goals),
            {kind: draw(needs) for kind in "ab" if draw(st.booleans())},
        )
        for n in range(draw(st.integers(1, 3)))
    ]
    reps = [
        Rep(
            f"p{n}",
            draw(st.sampled_from("ab")),
            tuple(draw(st.lists(places, min_size=1, max_size=2, unique=True))),
            draw(counts),
            draw(skills),
            draw(goals),
        )
        for n in range(draw(st.integers(1, 4)))
    ]
    keys = st.tuples(st.sampled_from([one.name for one in territories]), places)
    gain = st.floats(-0.2, 0.2).map(lambda value: Estimate(value, value - 0.05, value + 0.05, 200))
    prices = Prices(most_moves=draw(st.integers(0, 6)), win=draw(st.sampled_from([0.0, 5.0, 10.0])))
    return Market(TEAMS, territories, reps, draw(st.dictionaries(keys, gain, max_size=3)), prices)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(markets())
def test_no_placement_that_is_allowed_costs_less(market: Market) -> None:
    found = balanced(market)
    moves = [move for step in found.steps for move in step.moves]
    placing = with_moves(market, moves)
    assert is_allowed(market, placing)
    assert cost(market, placing).total == pytest.approx(found.after.total)
    assert found.is_proven
    # The solver counts in thousandths of a lead.
    assert found.after.total == pytest.approx(cheapest(market), abs=0.1)
    assert found.after.total <= found.before.total


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(markets())
def test_every_step_is_allowed_saves_and_follows_on_the_one_before(market: Market) -> None:
    found = balanced(market)
    done: list[Move] = []
    cost_now = found.before
    for step in found.steps:
        done += step.moves
        assert step.before == cost_now
        assert is_allowed(market, with_moves(market, done))
        assert step.saved > 0
        assert 0 <= step.better_in <= 1
        cost_now = step.after
    assert cost_now.total == pytest.approx(found.after.total)


def reps(kind: str, team: str, count: int, leads: float = 10) -> list[Rep]:
    return [Rep(f"{team}-{kind}-{n}", kind, (team,), leads) for n in range(count)]


def test_where_all_fits_nothing_moves() -> None:
    market = Market(
        TEAMS,
        [Territory(f"of {team}", team, {"sdr": weekly(18)}) for team in TEAMS],
        [rep for team in TEAMS for rep in reps("sdr", team, 2)],
    )
    found = balanced(market)
    assert found.steps == ()
    assert found.may_move
    assert found.is_proven
    assert (found.before.overload, found.before.unevenness) == (0, 0)


def test_a_territory_goes_where_there_is_room() -> None:
    market = Market(
        TEAMS,
        [
            Territory("dach", "north", {"sdr": weekly(20)}),
            Territory("nordics", "north", {"sdr": weekly(15)}),
            Territory("iberia", "south", {"sdr": weekly(5)}),
            Territory("uk", "west", {"sdr": weekly(20)}),
        ],
        reps("sdr", "north", 2) + reps("sdr", "south", 2) + reps("sdr", "west", 2),
    )
    (step,) = balanced(market).steps
    assert step.moves == [Move("territory", "nordics", "north", "south")]
    loads = {one.team: one for one in step.loads}
    assert loads["north"].leads == (35, 20)
    assert loads["south"].leads == (5, 20)
    assert loads["north"].room == (20, 20)
    assert step.before.overload == 15
    assert step.after.overload == 0
    assert step.saved == pytest.approx(15 + 0.25 * 15 - 2)
    assert 0.99 < step.better_in < 1


def test_a_person_goes_where_the_work_is_if_they_can_do_it() -> None:
    market = Market(
        ("north", "south"),
        [
            Territory("dach", "north", {"sdr": weekly(30)}, frozenset(), {"sdr": {"de": 1.0}}),
            Territory("iberia", "south", {"sdr": weekly(5)}, frozenset()),
        ],
        [
            Rep("anna", "sdr", ("north",), 20, frozenset({"de"})),
            Rep("bea", "sdr", ("south",), 10),
            Rep("carla", "sdr", ("south",), 10, frozenset({"de"})),
        ],
    )
    (step,) = balanced(market).steps
    assert step.moves == [Move("person", "carla", "south", "north")]
    nobody_can = replace(
        market, reps=[market.reps[0], market.reps[1], replace(market.reps[2], can=frozenset())]
    )
    assert balanced(nobody_can).steps == ()


def test_a_team_keeps_its_last_person_and_who_alone_can_stays() -> None:
    market = Market(
        ("north", "south"),
        [Territory("dach", "north", {"sdr": weekly(60)}, frozenset())],
        reps("sdr", "south", 1, 30),
    )
    assert balanced(market).steps == ()


def test_two_that_pay_only_together_are_one_step() -> None:
    """Each territory fits only once the other has left."""
    market = Market(
        ("north", "south"),
        [
            Territory("one", "north", {"sdr": weekly(20)}),
            Territory("other", "south", {"sdr": weekly(10)}),
        ],
        [
            Rep("anna", "sdr", ("north",), 10, may_go=frozenset()),
            Rep("bea", "sdr", ("south",), 20, may_go=frozenset()),
        ],
    )
    (step,) = balanced(market).steps
    assert {move.name for move in step.moves} == {"one", "other"}
    assert (step.before.overload, step.after.overload) == (10, 0)


def test_who_is_able_must_have_the_time() -> None:
    """Half of the leads are Italian, and only one in the south speaks it: the north keeps the territory."""
    market = Market(
        ("north", "south"),
        [Territory("alps", "north", {"sdr": weekly(30)}, None, {"sdr": {"it": 0.5}})],
        [
            Rep("anna", "sdr", ("north",), 20, frozenset({"it"}), frozenset()),
            Rep("bea", "sdr", ("south",), 4, frozenset({"it"}), frozenset()),
            Rep("carla", "sdr", ("south",), 20, may_go=frozenset()),
        ],
    )
    found = balanced(market)
    assert (found.before.overload, found.steps) == (10, ())
    able = replace(market, reps=[*market.reps[:2], replace(market.reps[2], can=frozenset({"it"}))])
    assert balanced(able).after.overload == 6


def test_results_move_a_territory_only_beyond_the_price_of_the_move() -> None:
    gains = {("dach", "south"): Estimate(0.1, 0.04, 0.16, 400)}
    market = Market(
        ("north", "south"),
        [Territory("dach", "north", {"sdr": weekly(20)})],
        reps("sdr", "north", 2, 30) + reps("sdr", "south", 2, 30),
        gains,
    )
    (step,) = balanced(market).steps
    assert step.moves == [Move("territory", "dach", "north", "south")]
    assert step.after.wins == pytest.approx(2)
    assert step.better_in > 0.5
    assert balanced(replace(market, gains={("dach", "south"): weekly(0.01)})).steps == ()


def test_what_no_move_mends_is_said() -> None:
    market = Market(
        ("north", "south"),
        [
            Territory("dach", "north", {"sdr": weekly(30), "ae": weekly(4)}, None, {"sdr": {"de": 1.0}}),
            Territory("named", "south", {"sdr": weekly(10)}, frozenset()),
        ],
        reps("sdr", "north", 1) + reps("sdr", "south", 2),
    )
    found = balanced(market)
    assert found.short == {"ae": 4, "sdr": 10}
    assert found.unmet == [("dach", "sdr", "de")]
    assert [move.name for step in found.steps for move in step.moves] != ["named"]
    still = balanced(
        replace(
            market,
            territories=[replace(one, may_go=frozenset()) for one in market.territories],
            reps=[replace(one, may_go=frozenset()) for one in market.reps],
        )
    )
    assert (still.may_move, still.steps, still.is_proven) == (False, (), True)


def test_a_market_of_the_size_of_a_large_company_is_solved_and_the_same_each_time() -> None:
    teams = [f"team-{n}" for n in range(12)]
    territories = [
        Territory(f"t{n}", teams[n % 12], {"sdr": weekly(5 + n * 7 % 23), "ae": weekly(n * 5 % 11)})
        for n in range(40)
    ]
    people = [Rep(f"p{n}", "sdr" if n % 3 else "ae", (teams[n * 5 % 12],), 6 + n % 5) for n in range(120)]
    market = Market(teams, territories, people)
    found = balanced(market)
    assert found.after.total < found.before.total
    assert 0 < sum(len(step.moves) for step in found.steps) <= market.prices.most_moves
    assert balanced(market) == found
    assert is_allowed(market, as_is(market))


def test_where_only_chance_differs_nothing_moves() -> None:
    """A hundred companies whose territories bring as much as each other, counted over a quarter."""
    draw = np.random.default_rng(7)
    proposed = 0
    for _company in range(100):
        territories = [
            Territory(f"t{n}", TEAMS[n % 3], {"sdr": _a_week(int(draw.poisson(13 * 10)), 13)})
            for n in range(6)
        ]
        people = [rep for team in TEAMS for rep in reps("sdr", team, 2, 11)]
        proposed += bool(balanced(Market(TEAMS, territories, people)).steps)
    assert proposed <= 1


def _a_week(count: int, weeks: int) -> Estimate:
    spread = 1.96 * count**0.5
    return Estimate(count / weeks, (count - spread) / weeks, (count + spread) / weeks, count)
