"""Which territories and people should change teams, so that work and people are where they fit each other?

Among all placements that are allowed, an exact solver (OR-Tools CP-SAT) chooses the one that costs least, as
`insight.market` prices it. Its import takes a second and 80 MB, so it is imported when something is solved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import TYPE_CHECKING, Any

import numpy as np

from leadlane.insight.market import (
    Cost,
    Market,
    Move,
    Placing,
    Rep,
    Territory,
    as_is,
    cost,
    fair_shares,
    is_allowed,
    loads,
    moves_of,
    options,
    overloads,
    room_of,
    staffed,
    unmet_needs,
    volumes_of,
    wins_of,
    with_moves,
)
from leadlane.insight.proportions import Estimate, Z

if TYPE_CHECKING:
    from ortools.sat.python.cp_model import CpModel, IntVar

_DRAWS = 200
# Leads are counted in thousandths, prices in hundredths: the solver knows whole numbers.
_LEAD, _PRICE = 1000, 100
# The solver's own measure of effort, so that the same question has the same answer on every machine.
_EFFORT = 20.0
_LEAST_SAVED = 1e-6


@dataclass(frozen=True, slots=True)
class TeamLoad:
    """Leads a week of a kind that come to a team, how many its people can take, and what is beyond that.

    Each before and after. `over` is more than leads less room where who can take them is not able to.
    """

    team: str
    kind: str
    leads: tuple[float, float]
    room: tuple[float, float]
    over: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Step:
    """Moves that pay only together (mostly one), on top of the steps before: what they do to load and cost.

    `better_in`: in which share of the volumes and results that are possible by their intervals it pays.
    """

    moves: Sequence[Move]
    before: Cost
    after: Cost
    loads: Sequence[TeamLoad]
    better_in: float

    @property
    def saved(self) -> float:
        """What it saves, in leads a week."""
        return self.before.total - self.after.total


@dataclass(frozen=True, slots=True)
class Balance:
    """The best placement, as steps from the present one; those that save the most first.

    `short`, by kind: leads a week beyond what all people of it can take together: no move mends that.
    `unmet`: what territories need that nobody of that kind in their present team can. `is_proven`: no
    placement within `most_moves` costs less; else it is the best that was found.
    """

    before: Cost
    after: Cost
    steps: Sequence[Step]
    short: Mapping[str, float]
    unmet: Sequence[tuple[str, str, str]]
    may_move: bool
    is_proven: bool


def balanced(market: Market) -> Balance:
    """The placement that costs least, in the steps that lead to it. The same question has the same answer.

    Never costs more than the present one, and holds: who may go where; somebody of the team can do what its
    territories need, or could not before either; no team loses its last person.
    """
    placing = as_is(market)
    before = cost(market, placing)
    short, unmet = _short(market), unmet_needs(market, placing)
    placed: list[Territory | Rep] = [*market.territories, *market.reps]
    may_move = any(len(options(market, one)) > 1 for one in placed)
    if not may_move:
        return Balance(before, before, (), short, unmet, False, True)
    chosen, is_proven = _solved(market)
    moves = moves_of(market, chosen)
    if not moves or cost(market, chosen).total > before.total - _LEAST_SAVED:
        return Balance(before, before, (), short, unmet, True, is_proven)
    return Balance(before, cost(market, chosen), _steps(market, moves), short, unmet, True, is_proven)


def _short(market: Market) -> dict[str, float]:
    room = room_of(market)
    lacking = {kind: count - room[kind] for kind, count in sorted(volumes_of(market).items())}
    return {kind: count for kind, count in lacking.items() if count > _LEAST_SAVED}


# ---------------------------------------------------------------- the optimum


@dataclass(frozen=True, slots=True)
class _Choice:
    """The variables: whether a territory, or a person, is in a team."""

    territories: Mapping[tuple[str, str], IntVar]
    reps: Mapping[tuple[str, str], IntVar]


def _solved(market: Market) -> tuple[Placing, bool]:
    """The best placement that the solver finds, and whether it is proven that there is no better one."""
    from ortools.sat.python import cp_model  # here, because of what its import takes

    model = cp_model.CpModel()
    choice = _choice(model, market)
    _hold_needs(model, market, choice)
    _keep_staffed(model, market, choice)
    moves = _move_terms(market, choice)
    model.add(sum(var for _price, var in moves) <= market.prices.most_moves)
    model.minimize(sum(_load_terms(model, market, choice)) + sum(price * var for price, var in moves))
    _hint_present(model, market, choice)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    solver.parameters.max_deterministic_time = _EFFORT
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return as_is(market), False  # the effort ended before even the present was seen to be allowed
    chosen = [
        {name: team for (name, team), var in places.items() if solver.boolean_value(var)}
        for places in (choice.territories, choice.reps)
    ]
    return (chosen[0], chosen[1]), status == cp_model.OPTIMAL


def _choice(model: CpModel, market: Market) -> _Choice:
    territories, reps = {}, {}
    for territory in market.territories:
        for team in options(market, territory):
            territories[territory.name, team] = model.new_bool_var(f"{territory.name} in {team}")
        model.add_exactly_one(territories[territory.name, team] for team in options(market, territory))
    for rep in market.reps:
        for team in options(market, rep):
            reps[rep.id, team] = model.new_bool_var(f"{rep.id} in {team}")
        if len(rep.teams) == 1:
            model.add_exactly_one(reps[rep.id, team] for team in options(market, rep))
    return _Choice(territories, reps)


def _hold_needs(model: CpModel, market: Market, choice: _Choice) -> None:
    """A territory is where somebody can do what it needs, or stays where nobody could before."""
    unmet = set(unmet_needs(market, as_is(market)))
    for one in market.territories:
        for kind, need in ((kind, need) for kind, needs in one.needs.items() for need in needs):
            able = [rep for rep in market.reps if rep.kind == kind and need in rep.can]
            for team in options(market, one):
                if (one.name, kind, need) in unmet and team == one.team:
                    continue
                if any(len(rep.teams) != 1 and team in rep.teams for rep in able):
                    continue
                there = [choice.reps[rep.id, team] for rep in able if (rep.id, team) in choice.reps]
                model.add_bool_or([*there, choice.territories[one.name, team].negated()])


def _keep_staffed(model: CpModel, market: Market, choice: _Choice) -> None:
    shared = {team for rep in market.reps if len(rep.teams) != 1 for team in rep.teams}
    for team in sorted(staffed(market, as_is(market)) - shared):
        model.add_bool_or([var for (_id, place), var in choice.reps.items() if place == team])


def _move_terms(market: Market, choice: _Choice) -> list[tuple[int, IntVar]]:
    """The price of each move, less its gain, and the variable that makes it."""
    prices = market.prices
    found = []
    for one in market.territories:
        for team in options(market, one)[1:]:
            worth = prices.territory_move - prices.win * wins_of(market, one.name, team)
            found.append((round(worth * _LEAD * _PRICE), choice.territories[one.name, team]))
    for rep in market.reps:
        price = round(prices.person_move * _LEAD * _PRICE)
        found += [(price, choice.reps[rep.id, team]) for team in options(market, rep)[1:]]
    return found


def _load_terms(model: CpModel, market: Market, choice: _Choice) -> list[Any]:
    """Overload and unevenness of each team and kind, priced."""
    prices, fair = market.prices, fair_shares(market)
    teams = {*market.teams, *(one.team for one in market.territories), *staffed(market, as_is(market))}
    volume, room_of_all = sum(volumes_of(market).values()), sum(one.leads for one in market.reps)
    most = round(_LEAD * (volume + room_of_all)) + len(fair)
    terms: list[Any] = []
    for kind, team in product(sorted(volumes_of(market)), sorted(teams)):
        people = [rep for rep in market.reps if rep.kind == kind]
        over = model.new_int_var(0, most, f"overload of {kind} in {team}")
        terms.append(round(prices.overload * _PRICE) * over)
        needs = {need for one in market.territories for need in one.needs.get(kind, ())}
        for need in ("", *sorted(needs)):
            able = [rep for rep in people if not need or need in rep.can]
            leads = _leads_here(market, choice, team, kind, need)
            model.add(over >= leads - sum(_part(rep, team, rep.leads, choice) for rep in able))
        if any(fair[rep.id] for rep in people):
            # Both what is too much and what is too little is counted, so each lead twice.
            away = model.new_int_var(0, most, f"unevenness of {kind} in {team}")
            leads = _leads_here(market, choice, team, kind)
            even = sum(_part(rep, team, fair[rep.id], choice) for rep in people)
            model.add(away >= leads - even)
            model.add(away >= even - leads)
            terms.append(round(prices.unevenness * _PRICE / 2) * away)
    return terms


def _leads_here(market: Market, choice: _Choice, team: str, kind: str, need: str = "") -> Any:
    """Leads of a kind that come to a team; of a need, those that ask for it."""
    return sum(
        round(one.leads[kind].value * (one.needs.get(kind, {}).get(need, 0.0) if need else 1.0) * _LEAD)
        * choice.territories[one.name, team]
        for one in market.territories
        if kind in one.leads and (one.name, team) in choice.territories
    )


def _part(rep: Rep, team: str, worth: float, choice: _Choice) -> Any:
    """What somebody adds to a team: all where they may be placed, a part of it where they are in several."""
    if len(rep.teams) != 1:
        return round(worth * _LEAD / len(rep.teams)) if team in rep.teams else 0
    var = choice.reps.get((rep.id, team))
    return 0 if var is None else round(worth * _LEAD) * var


def _hint_present(model: CpModel, market: Market, choice: _Choice) -> None:
    for places, variables in zip(as_is(market), (choice.territories, choice.reps), strict=True):
        for (name, team), var in variables.items():
            model.add_hint(var, places[name] == team)


# ---------------------------------------------------------------- the steps to it


def _steps(market: Market, moves: Sequence[Move]) -> list[Step]:
    """The moves, the one that saves most first; together those that pay, or are allowed, only together."""
    done: list[Move] = []
    steps = []
    while left := [one for one in moves if one not in done]:
        now = cost(market, with_moves(market, done)).total
        bundle = _best_bundle(market, done, left, now)
        steps.append(_step(market, done, bundle))
        done += bundle
    return steps


def _best_bundle(market: Market, done: list[Move], left: list[Move], now: float) -> list[Move]:
    """The fewest moves that save something by themselves; of those the ones that save most."""
    for size in range(1, len(left)):
        paying = [
            (cost(market, placing).total, place, list(some))
            for place, some in enumerate(combinations(left, size))
            if is_allowed(market, placing := with_moves(market, [*done, *some]))
        ]
        if paying and (best := min(paying))[0] < now - _LEAST_SAVED:
            return best[2]
    return left


def _step(market: Market, done: Sequence[Move], moves: Sequence[Move]) -> Step:
    before, after = with_moves(market, done), with_moves(market, [*done, *moves])
    old_leads, old_room = loads(market, before)
    new_leads, new_room = loads(market, after)
    places = {
        (team, kind)
        for team in {place for one in moves for place in (one.before, one.after)}
        for kind in {kind for _team, kind in (*old_leads, *old_room)}
    }
    old_over, new_over = overloads(market, before), overloads(market, after)
    changed = [
        TeamLoad(
            *place,
            (old_leads.get(place, 0.0), new_leads.get(place, 0.0)),
            (old_room.get(place, 0.0), new_room.get(place, 0.0)),
            (old_over.get(place, 0.0), new_over.get(place, 0.0)),
        )
        for place in sorted(places)
    ]
    changed = [one for one in changed if one.leads[0] != one.leads[1] or one.room[0] != one.room[1]]
    better = _better_in(market, before, after)
    return Step(moves, cost(market, before), cost(market, after), changed, better)


def _better_in(market: Market, before: Placing, after: Placing) -> float:
    """The share of draws of volumes and gains from their intervals (normal, seed 0) in which it pays.

    By the rule of succession (Laplace): so many draws never make certain.
    """
    draw = np.random.default_rng(0)
    better = 0
    for _number in range(_DRAWS):
        drawn = _drawn(market, draw)
        better += cost(drawn, after).total < cost(drawn, before).total - _LEAST_SAVED
    return (better + 1) / (_DRAWS + 2)


def _drawn(market: Market, draw: np.random.Generator) -> Market:
    def one_of(known: Estimate) -> Estimate:
        spread = (known.high - known.low) / (2 * Z)
        value = float(draw.normal(known.value, spread))
        return Estimate(value, value, value, known.count)

    def at_least_none(known: Estimate) -> Estimate:
        found = one_of(known)
        return found if found.value >= 0 else Estimate(0.0, 0.0, 0.0, known.count)

    territories = [
        replace(one, leads={kind: at_least_none(known) for kind, known in one.leads.items()})
        for one in market.territories
    ]
    gains = {key: one_of(known) for key, known in market.gains.items()}
    return replace(market, territories=territories, gains=gains)
