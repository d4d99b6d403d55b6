"""What would a placement of territories and people in teams cost, and is it allowed?

Territories (segments) bring leads a week, of several kinds (pools); people of a kind can take so many leads a
week. Both belong to teams. Everything is priced in leads a week:

- overload: leads a week that come to a team beyond what its people of that kind can take, or beyond what
  those of them can take who are able to (who speak the language): they wait, or go to others;
- unevenness: leads a week that would have to change teams for all people of a kind to be equally busy;
- moves: every change costs what it upsets, so that a move that gains little is not made;
- less the gain: wins that a move promises, where results show that a team does better with a territory.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from leadlane.insight.proportions import Estimate


@dataclass(frozen=True, slots=True)
class Territory:
    """A part of the market that one team serves: the leads a week that it brings, by kind, with interval.

    `may_go`: the teams that could serve it too; None for any, none for one that stays.
    `needs`, by kind: what somebody of that kind in the team must be able to do (`languages=pl`), and which
    share of these leads asks for it.
    """

    name: str
    team: str
    leads: Mapping[str, Estimate]
    may_go: frozenset[str] | None = None
    needs: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rep:
    """Somebody who takes so many leads of a kind a week. Who is in several teams stays in all of them."""

    id: str
    kind: str
    teams: tuple[str, ...]
    leads: float
    can: frozenset[str] = frozenset()
    may_go: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Prices:
    """What things are worth, in leads a week. `win`: as how many leads a win counts, so many as make one.

    More than `most_moves` at once nobody can carry out, or learn from.
    """

    overload: float = 1.0
    unevenness: float = 0.25
    territory_move: float = 2.0
    person_move: float = 3.0
    win: float = 10.0
    most_moves: int = 6


@dataclass(frozen=True, slots=True)
class Market:
    """All that is to be placed. `gains`: wins more for each lead of a territory that a team would make."""

    teams: Sequence[str]
    territories: Sequence[Territory]
    reps: Sequence[Rep]
    gains: Mapping[tuple[str, str], Estimate] = field(default_factory=dict)
    prices: Prices = Prices()


@dataclass(frozen=True, slots=True)
class Move:
    """A territory or a person goes from a team to another."""

    what: Literal["territory", "person"]
    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Cost:
    """What a placement costs: leads a week of overload and unevenness, price of moves, wins gained a week.

    `total` weighs them by the prices, in leads a week.
    """

    overload: float
    unevenness: float
    moves: float
    wins: float
    total: float


# The teams of territories and of people, by name and by id.
Placing = tuple[Mapping[str, str], Mapping[str, str]]


def cost(market: Market, placing: Placing) -> Cost:
    """What a placement costs, by the prices of the market."""
    prices = market.prices
    over, uneven = sum(overloads(market, placing).values()), _unevenness(market, placing)
    moves = moves_of(market, placing)
    price = sum(prices.territory_move if one.what == "territory" else prices.person_move for one in moves)
    wins = sum(wins_of(market, one.name, one.after) for one in moves if one.what == "territory")
    total = prices.overload * over + prices.unevenness * uneven + price - prices.win * wins
    return Cost(over, uneven, price, wins, total)


def overloads(market: Market, placing: Placing) -> dict[tuple[str, str], float]:
    """Leads a week by team and kind beyond what its people can take, or those who are able to."""
    leads, room = loads(market, placing)
    over = {place: max(0.0, count - room.get(place, 0.0)) for place, count in leads.items()}
    asked: dict[tuple[str, str, str], float] = defaultdict(float)
    for one in market.territories:
        for kind, needs in one.needs.items():
            for need, share in needs.items():
                if kind in one.leads:
                    asked[placing[0][one.name], kind, need] += share * one.leads[kind].value
    able: dict[tuple[str, str, str], float] = defaultdict(float)
    for rep in market.reps:
        teams = teams_of(rep, placing[1])
        for team in teams:
            for need in rep.can:
                able[team, rep.kind, need] += rep.leads / len(teams)
    for (team, kind, need), count in asked.items():
        over[team, kind] = max(over[team, kind], count - able.get((team, kind, need), 0.0))
    return over


def _unevenness(market: Market, placing: Placing) -> float:
    leads, _room = loads(market, placing)
    fair = fair_shares(market)
    even: dict[tuple[str, str], float] = defaultdict(float)
    for rep in market.reps:
        teams = teams_of(rep, placing[1])
        for team in teams:
            even[team, rep.kind] += fair[rep.id] / len(teams)
    # Kinds that nobody works on are uneven wherever they are.
    known = {rep.kind for rep in market.reps if fair[rep.id]}
    places = {place for place in (*leads, *even) if place[1] in known}
    return sum(abs(leads.get(place, 0.0) - even.get(place, 0.0)) for place in places) / 2


def loads(
    market: Market, placing: Placing
) -> tuple[dict[tuple[str, str], float], dict[tuple[str, str], float]]:
    """Leads a week by team and kind, and how many the people there can take."""
    leads: dict[tuple[str, str], float] = defaultdict(float)
    room: dict[tuple[str, str], float] = defaultdict(float)
    for territory in market.territories:
        for kind, count in territory.leads.items():
            leads[placing[0][territory.name], kind] += count.value
    for rep in market.reps:
        teams = teams_of(rep, placing[1])
        for team in teams:
            room[team, rep.kind] += rep.leads / len(teams)
    return leads, room


def unmet_needs(market: Market, placing: Placing) -> list[tuple[str, str, str]]:
    """Territory, kind and need of what nobody of that kind in its team can."""
    can: dict[tuple[str, str], set[str]] = defaultdict(set)
    for rep in market.reps:
        for team in teams_of(rep, placing[1]):
            can[team, rep.kind] |= rep.can
    return [
        (territory.name, kind, need)
        for territory in market.territories
        for kind, needs in territory.needs.items()
        for need in sorted(needs)
        if need not in can[placing[0][territory.name], kind]
    ]


def is_allowed(market: Market, placing: Placing) -> bool:
    """Whether a placement is one that may be proposed.

    Not too many moves; all are where they may go; somebody of the team can do what its territories need, or
    they stay where nobody could before; and no team has lost its last person.
    """
    moves = moves_of(market, placing)
    moved = {one.name for one in moves if one.what == "territory"}
    unmet = set(unmet_needs(market, as_is(market)))
    return (
        len(moves) <= market.prices.most_moves
        and all(placing[0][one.name] in options(market, one) for one in market.territories)
        and all(placing[1][one.id] in options(market, one) for one in market.reps if len(one.teams) == 1)
        and all(one in unmet and one[0] not in moved for one in unmet_needs(market, placing))
        and staffed(market, as_is(market)) <= staffed(market, placing)
    )


def staffed(market: Market, placing: Placing) -> set[str]:
    """The teams that have people."""
    return {team for rep in market.reps for team in teams_of(rep, placing[1])}


def as_is(market: Market) -> Placing:
    """Where all are at present. Who is in several teams is not placed: they stay."""
    return (
        {one.name: one.team for one in market.territories},
        {one.id: one.teams[0] for one in market.reps if len(one.teams) == 1},
    )


def teams_of(rep: Rep, places: Mapping[str, str]) -> tuple[str, ...]:
    """The teams that somebody is in, in a placement."""
    return (places[rep.id],) if len(rep.teams) == 1 else rep.teams


def options(market: Market, one: Territory | Rep) -> list[str]:
    """The teams that it may be in; the present one among them."""
    if isinstance(one, Rep) and len(one.teams) != 1:
        return []
    present = one.team if isinstance(one, Territory) else one.teams[0]
    return [present, *(team for team in market.teams if team != present and _may_go(one, team))]


def _may_go(one: Territory | Rep, team: str) -> bool:
    return one.may_go is None or team in one.may_go


def moves_of(market: Market, placing: Placing) -> list[Move]:
    """What differs from the present."""
    territories = [
        Move("territory", one.name, one.team, placing[0][one.name])
        for one in market.territories
        if placing[0][one.name] != one.team
    ]
    people = [
        Move("person", one.id, one.teams[0], placing[1][one.id])
        for one in market.reps
        if len(one.teams) == 1 and placing[1][one.id] != one.teams[0]
    ]
    return territories + people


def with_moves(market: Market, moves: Iterable[Move]) -> Placing:
    """The present placement with some moves made."""
    territories, people = (dict(places) for places in as_is(market))
    for move in moves:
        (territories if move.what == "territory" else people)[move.name] = move.after
    return territories, people


def wins_of(market: Market, territory: str, team: str) -> float:
    """Wins a week more than at present, had the team the territory; 0 where nothing is known."""
    gain = market.gains.get((territory, team))
    brings = next(one for one in market.territories if one.name == territory)
    return gain.value * sum(count.value for count in brings.leads.values()) if gain else 0.0


def volumes_of(market: Market) -> dict[str, float]:
    """Leads a week by kind, of all territories."""
    total: dict[str, float] = defaultdict(float)
    for territory in market.territories:
        for kind, count in territory.leads.items():
            total[kind] += count.value
    return total


def fair_shares(market: Market) -> dict[str, float]:
    """How many leads a week each would have, were all people of a kind equally busy."""
    volumes, room = volumes_of(market), room_of(market)
    return {
        one.id: volumes.get(one.kind, 0.0) * one.leads / room[one.kind] if room[one.kind] else 0.0
        for one in market.reps
    }


def room_of(market: Market) -> dict[str, float]:
    """Leads a week that all people of a kind can take."""
    room: dict[str, float] = defaultdict(float)
    for rep in market.reps:
        room[rep.kind] += rep.leads
    return room
