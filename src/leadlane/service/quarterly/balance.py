"""How are territories and people of a period placed in teams, and how would they be placed better?

Only pools that heed the team of a segment (they prefer or require `teams: team`) are looked at: in the others
it makes no difference which team somebody is in. The pools are the kinds of work.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
from psycopg import Connection
from scipy.stats import chi2

from leadlane.core.facts import Person
from leadlane.core.policy import Pool
from leadlane.core.rulebook import Rulebook
from leadlane.errors import LeadlaneError
from leadlane.i18n import _
from leadlane.insight.balance import Balance, balanced
from leadlane.insight.leads import LOST, WON, Leads
from leadlane.insight.market import Market, Prices, Rep, Territory
from leadlane.insight.proportions import Estimate
from leadlane.policy.words import number_words
from leadlane.service.reporting.periods import Span
from leadlane.store import balance as store

_OF_TEAM = ("teams", "team")
_WEEK = timedelta(weeks=1)
# What so few of a territory's leads ask for, the team need not be able to; colleagues help out.
_ASKED_BY = 0.1
# A week that only one in ten is fuller than: what somebody without a limit has shown that they can take.
_FULL_WEEK = 0.9
# Wins of fewer leads than these say little of how many leads make one.
_LEAST_DECIDED = 100
# In a shorter period a week is too much like chance.
LEAST_WEEKS = 4


@dataclass(frozen=True, slots=True)
class Rebalancing:
    """The present placement, and the best one. `weeks`: how many the volumes are the mean of.

    `left_out`: pools that do not heed teams.
    """

    market: Market
    balance: Balance
    weeks: float
    left_out: tuple[str, ...]


def rebalanced(
    connection: Connection,
    book: Rulebook,
    leads: Leads,
    period: Span,
    gains: Mapping[tuple[str, str], Estimate] | None = None,
) -> Rebalancing | None:
    """How the teams should be placed, by the leads that arrived in a period; None where there is only one.

    `gains`, by segment and team: wins more for each lead, where results show beyond chance that the team does
    better with the segment than the one that has it. LeadlaneError for a period that is too short.
    """
    pools = {name: pool for name, pool in book.policy.pools.items() if _heeds_teams(pool)}
    left_out = tuple(name for name in book.policy.pools if name not in pools)
    weeks = (period.until - period.since) / _WEEK
    reps = _reps(connection, book, leads, pools, period)
    teams = [team for team in book.roster.teams if any(team in rep.teams for rep in reps)]
    if len(teams) < 2:
        return None
    if weeks < LEAST_WEEKS:
        raise LeadlaneError(
            _("Whether work and people fit each other cannot be told from {n} weeks.").format(
                n=number_words(round(weeks, 1))
            ),
            _("Look at {n} weeks at least.").format(n=LEAST_WEEKS),
        )
    routes = _routes(book, pools)
    territories = _territories(connection, book, leads, routes, pools, period)
    free = _without_others(reps, territories, leads, routes, weeks)
    market = Market(teams, territories, free, gains or {}, _prices(leads))
    return Rebalancing(market, balanced(market), weeks, left_out)


def _routes(book: Rulebook, pools: Mapping[str, Pool]) -> dict[str, str]:
    """The routes that lead to these pools. Whoever found nobody there went elsewhere, and is its work too."""
    return {one.name: one.target for one in book.policy.routes if one.kind == "pool" and one.target in pools}


def _without_others(
    reps: Sequence[Rep],
    territories: Sequence[Territory],
    leads: Leads,
    routes: Mapping[str, str],
    weeks: float,
) -> list[Rep]:
    """What people can take beside leads of no team, which all of a pool share."""
    others: Counter[str] = Counter()
    route = leads.groups["route"]
    found = np.bincount(route.codes[route.codes >= 0], minlength=len(route.names))
    for name, count in zip(route.names, found.tolist(), strict=True):
        if name in routes:
            others[routes[name]] += count
    for one in territories:
        others.subtract({kind: leads_.count for kind, leads_ in one.leads.items()})
    room: dict[str, float] = defaultdict(float)
    for rep in reps:
        room[rep.kind] += rep.leads
    return [
        replace(rep, leads=rep.leads * max(0.0, 1 - others[rep.kind] / weeks / room[rep.kind]))
        if room[rep.kind]
        else rep
        for rep in reps
    ]


def _heeds_teams(pool: Pool) -> bool:
    return _OF_TEAM in (*pool.prefer, *pool.require)


def _prices(leads: Leads) -> Prices:
    """A win counts as many leads as it takes to make one; as usual where too few have ended."""
    if leads.outcome is None:
        return Prices()
    won, decided = int((leads.outcome == WON).sum()), int(np.isin(leads.outcome, (WON, LOST)).sum())
    return Prices(win=decided / won) if won and decided >= _LEAST_DECIDED else Prices()


# ---------------------------------------------------------------- territories


def _territories(
    connection: Connection,
    book: Rulebook,
    leads: Leads,
    routes: Mapping[str, str],
    pools: Mapping[str, Pool],
    period: Span,
) -> list[Territory]:
    """The segments that have a team."""
    weeks = (period.until - period.since) / _WEEK
    counts = _counts(leads, routes)
    needs = _needs(connection, routes, pools, period, counts)
    return [
        Territory(
            segment.name,
            segment.team,
            {pool: _a_week(count, weeks) for pool in pools if (count := counts[segment.name, pool])},
            needs={pool: needs[segment.name, pool] for pool in pools if needs[segment.name, pool]},
        )
        for segment in book.policy.segments
        if segment.team
    ]


def _counts(leads: Leads, routes: Mapping[str, str]) -> Counter[tuple[str, str]]:
    """Leads by segment and the pool that their route leads to."""
    counts: Counter[tuple[str, str]] = Counter()
    for (segment, route), count in _pairs(leads, "segment", "route").items():
        if route in routes:
            counts[segment, routes[route]] += count
    return counts


def _pairs(leads: Leads, one: str, other: str) -> Counter[tuple[str, str]]:
    """Leads by their groups in two groupings, where both are known."""
    first, second = leads.groups[one], leads.groups[other]
    known = (first.codes >= 0) & (second.codes >= 0)
    pairs = zip(first.codes[known].tolist(), second.codes[known].tolist(), strict=True)
    return Counter({(first.names[a], second.names[b]): count for (a, b), count in Counter(pairs).items()})


def _a_week(count: int, weeks: float) -> Estimate:
    """Leads a week with the exact interval of a Poisson mean (F. Garwood: Fiducial Limits, 1936)."""
    low = float(chi2.ppf(0.025, 2 * count)) / 2 if count else 0.0
    return Estimate(count / weeks, low / weeks, float(chi2.ppf(0.975, 2 * count + 2)) / 2 / weeks, count)


def _needs(
    connection: Connection,
    routes: Mapping[str, str],
    pools: Mapping[str, Pool],
    period: Span,
    counts: Counter[tuple[str, str]],
) -> dict[tuple[str, str], dict[str, float]]:
    """By segment and pool: what the pool requires or which languages its leads ask for, and the share."""
    asked: Counter[tuple[str, str, str]] = Counter()
    for attribute, field in {pair for pool in pools.values() for pair in _asked_of(pool)}:
        asking = [route for route, pool in routes.items() if (attribute, field) in _asked_of(pools[pool])]
        for segment, route, value, count in store.asked_for(
            connection, field, asking, period.since, period.until
        ):
            asked[segment, routes[route], _can(attribute, value)] += count
    needs: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for (segment, pool, need), count in asked.items():
        # Junk is not among the leads, but asked for something too.
        share = min(1.0, count / counts[segment, pool]) if counts[segment, pool] else 0.0
        if share >= _ASKED_BY:
            needs[segment, pool][need] = share
    return needs


def _asked_of(pool: Pool) -> set[tuple[str, str]]:
    """Attributes of people and fields of leads that decide whether somebody can take a lead at all."""
    preferred = {pair for pair in pool.prefer if pair[0] == "languages"}
    return {*pool.require, *preferred} - {_OF_TEAM}


def _can(attribute: str, value: object) -> str:
    return f"{attribute}={str(value).casefold()}"


# ---------------------------------------------------------------- people


def _reps(
    connection: Connection, book: Rulebook, leads: Leads, pools: Mapping[str, Pool], period: Span
) -> list[Rep]:
    tied = store.owners_of_accounts(connection) | {team.manager for team in book.roster.teams.values()}
    had = _pairs(leads, "owner", "pool")
    attributes = {attribute for pool in pools.values() for attribute, _field in _asked_of(pool)}
    held = {pool: _weeks_in_hand(leads, pool, period) for pool in pools}
    shown = {pool: _shown(leads, pool, book.benches[pool].ids, book, period) for pool in pools}
    found = []
    for person in book.roster.people.values():
        mine = [pool for pool in pools if person.id in book.benches[pool].ids]
        if not mine or not person.active or not person.teams:
            continue
        # Who is in several pools does the work of the one that gives them most.
        kind = max(mine, key=lambda pool: had[person.id, pool])
        room = _room(person, held[kind], shown[kind])
        can = frozenset(one for attribute in attributes for one in _values(person, attribute))
        may_go = frozenset() if person.id in tied else _regions(book, person)
        found.append(Rep(person.id, kind, person.teams, room, can, may_go))
    return found


def _regions(book: Rulebook, person: Person) -> frozenset[str] | None:
    """The teams of the person's region; None, which is all, for somebody who is of none."""
    if not person.region:
        return None
    return frozenset(one.id for one in book.roster.teams.values() if one.region in ("", person.region))


def _room(person: Person, weeks_in_hand: float | None, shown: float) -> float:
    """How many leads a week somebody can take: as many as their limits let through, or as they have shown.

    With `max_open` leads in hand, each for so many weeks, that many end in a week (J. D. C. Little, 1961).
    """
    working_days = sum(bool(day) for day in person.hours)
    by_day = None if person.per_day is None else person.per_day * working_days
    by_open = None if person.max_open is None or not weeks_in_hand else person.max_open / weeks_in_hand
    limits = [limit for limit in (by_day, by_open) if limit is not None]
    return min(limits) if limits else shown * person.weight


def _weeks_in_hand(leads: Leads, pool: str, period: Span) -> float | None:
    """How long a lead of a pool is in somebody's hands; open ones count as still in hand (exponential)."""
    group = leads.groups["pool"]
    if pool not in group.names:
        return None
    given, closed = leads.instants["assigned_at"], leads.instants["closed_at"]
    chosen = (group.codes == group.names.index(pool)) & ~np.isnan(given)
    until = period.until.timestamp()
    ended = np.minimum(np.nan_to_num(closed[chosen], nan=until), until)
    ends = int((closed[chosen] <= until).sum())
    weeks = float(np.maximum(ended - given[chosen], 0).sum()) / _WEEK.total_seconds()
    return weeks / ends if ends and weeks else None


def _shown(leads: Leads, pool: str, people: Iterable[str], book: Rulebook, period: Span) -> float:
    """Leads in a full week of somebody of the pool, for a weight of 1."""
    owner, group = leads.groups["owner"], leads.groups["pool"]
    number = group.names.index(pool) if pool in group.names else -2
    week = ((leads.instants["arrived_at"] - period.since.timestamp()) // _WEEK.total_seconds()).astype(int)
    full_weeks = max(1, int((period.until - period.since) / _WEEK))
    weeks = []
    for person in people:
        if person not in owner.names:
            continue
        theirs = (group.codes == number) & (owner.codes == owner.names.index(person)) & (week < full_weeks)
        weeks += (
            np.bincount(week[theirs], minlength=full_weeks) / book.roster.people[person].weight
        ).tolist()
    return float(np.quantile(weeks, _FULL_WEEK)) if weeks else 0.0


def _values(person: Person, attribute: str) -> list[str]:
    found = getattr(person, attribute, None)
    if found is None:
        found = person.attributes.get(attribute)
    values = found if isinstance(found, tuple) else () if found is None else (found,)
    return [_can(attribute, value) for value in values]
