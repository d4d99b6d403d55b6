"""What are the rules, in plain words, and how do they do? Each route comes with its use."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from psycopg import Connection

from leadlane.core.facts import INTENTS, Person, Roster
from leadlane.core.policy import Policy, Pool, Route
from leadlane.core.rulebook import Rulebook
from leadlane.explain.speech import person_words
from leadlane.explain.standing import said_words
from leadlane.i18n import _
from leadlane.policy.words import (
    condition_words,
    destination_words,
    duration_words,
    number_words,
    pairs_words,
    percent_words,
    period_words,
    sharing_words,
    signal_words,
    step_words,
    value_words,
    week_words,
)
from leadlane.service.policy_history import Version, history_of_route, newest
from leadlane.service.prospects import person_name
from leadlane.service.rulebooks import Rulebooks
from leadlane.store import policies, route_use
from leadlane.store.route_use import Use

LATELY, LONG = timedelta(days=30), timedelta(days=90)
MOST_LEADS, MOST_DISPUTES, MOST_VERSIONS = 15, 5, 10
_WEEK = timedelta(days=7)
# Overridden so often in the long run, and for such a part of its leads (0 to 1), a route is doubted.
_DOUBTED_FROM, _DOUBTED_SHARE = 3, 0.1

Period = Literal["past", "now", "ahead"]


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the rules: what it is called, when it holds, what it says then, and why it is there."""

    name: str
    when: str
    then: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class RouteRow:
    """A route, and how it does.

    `pool` is where it leads to, if that is a pool. `share` (0 to 1) is its part of all leads placed lately,
    None where there were none. `counts` is whether it counts today.
    """

    name: str
    when: str
    then: str
    description: str
    pool: str | None
    next_step: str
    service_level: str
    period: str
    counts: Period
    lately: Use
    long: Use
    share: float | None
    last_used_at: datetime | None

    @property
    def is_doubted(self) -> bool:
        """Whether people override it so often that somebody should look at it."""
        return self.long.overridden >= max(_DOUBTED_FROM, _DOUBTED_SHARE * self.long.placed)


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in a pool; `weight` where the pool counts it and it is not 1."""

    id: str
    name: str
    weight: str


@dataclass(frozen=True, slots=True)
class PoolRow:
    """A pool: who is in it, how it shares out, what it asks and what it prefers."""

    name: str
    description: str
    sharing: str
    requires: str
    prefers: str
    backup: str | None
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class LevelRow:
    """A promise: when it is made, within which time, and the steps of its chase."""

    name: str
    when: str
    within: str
    description: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HoursRow:
    """Working hours, and who keeps them: (id, name) pairs."""

    hours: str
    timezone: str
    country: str
    people: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RulebookPage:
    """A whole policy with the people of the present roster. `intent`: (level, its word, signals)."""

    version: Version
    is_in_force: bool
    name: str
    intent: tuple[tuple[str, str, tuple[str, ...]], ...]
    counts_for: str
    fit: tuple[Row, ...]
    strong_at: str
    segments: tuple[Row, ...]
    deal_values: tuple[Row, ...]
    deal_bands: tuple[Row, ...]
    currency: str
    timezone: str
    routes: tuple[RouteRow, ...]
    placed_lately: int
    pools: tuple[PoolRow, ...]
    programs: tuple[Row, ...]
    levels: tuple[LevelRow, ...]
    hours: tuple[HoursRow, ...]
    sure_from: str
    unsure_from: str
    reassignments: int
    automation: tuple[str, str]


@dataclass(frozen=True, slots=True)
class RecentLead:
    """A lead that a route placed."""

    id: str
    name: str
    company: str
    stage: str
    owner: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class DisputeLine:
    """Somebody said that the route was wrong about a lead."""

    lead: str
    name: str
    by: str
    said: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RoutePage:
    """A route: how it reads and does, week by week, its latest leads, what was said against it, its history.

    `number` is its place among `of` routes; `number` 0: it is not in force any more, and `row` is as it was
    last. `weeks` are (first day, leads placed), the oldest first.
    """

    row: RouteRow
    number: int
    of: int
    weeks: tuple[tuple[date, int], ...]
    leads: tuple[RecentLead, ...]
    disputes: tuple[DisputeLine, ...]
    history: tuple[tuple[Version, tuple[str, ...]], ...]
    looked_through: int
    is_all: bool


def rulebook(connection: Connection, books: Rulebooks, now: datetime, version: str = "") -> RulebookPage:
    """The policy in force, or one that was published, by its version. LeadlaneError where there is none."""
    present, revision = policies.in_force(connection)
    book = books.get(connection, version or present, revision)
    policy, roster = book.policy, book.roster
    lately, long = _use(connection, now)
    last = route_use.last_used(connection, [route.name for route in policy.routes])
    total = sum(use.placed for use in lately.values())
    low, high = policy.limits.automation_share
    return RulebookPage(
        version=newest(connection, policy.version),
        is_in_force=policy.version == present,
        name=policy.name,
        intent=tuple(_intent(policy)),
        counts_for=duration_words(policy.counts_for),
        fit=tuple(Row(row.name, condition_words(row.when), number_words(row.points)) for row in policy.fit),
        strong_at=number_words(policy.strong_at),
        segments=tuple(
            Row(one.name, condition_words(one.when), _team_words(roster, one.team), one.description)
            for one in policy.segments
        ),
        deal_values=tuple(
            Row("", condition_words(row.when), number_words(row.value)) for row in policy.deal_values
        ),
        deal_bands=tuple(Row(band.name, condition_words(band.when), "") for band in policy.deal_bands),
        currency=policy.currency,
        timezone=policy.timezone,
        routes=tuple(_route_row(book, route, lately, long, total, last, now) for route in policy.routes),
        placed_lately=total,
        pools=tuple(_pool_row(book, pool) for pool in policy.pools.values()),
        programs=tuple(Row(one.name, "", "", one.description) for one in policy.programs.values()),
        levels=tuple(_levels(policy)),
        hours=tuple(_hours(roster)),
        sure_from=percent_words(policy.matching.sure_from),
        unsure_from=percent_words(policy.matching.unsure_from),
        reassignments=policy.limits.reassignments,
        automation=(percent_words(low), percent_words(high)),
    )


def route_page(connection: Connection, books: Rulebooks, name: str, now: datetime) -> RoutePage | None:
    """A route by its name, in force or as it was last; None if the latest versions have none of this name."""
    book = books.current(connection)
    route = _route_of(book.policy, name)
    history, looked_through, is_all = history_of_route(connection, name, MOST_VERSIONS)
    number = book.policy.routes.index(route) + 1 if route is not None else 0
    if route is None:
        before = next((one.before for one, _changes in history if one.before), None)
        if before is None:
            return None
        route = _route_of(books.get(connection, before, book.roster.revision).policy, name)
        if route is None:
            return None
    lately, long = _use(connection, now)
    row = _route_row(
        book, route, lately, long,
        sum(use.placed for use in lately.values()),
        route_use.last_used(connection, [name]),
        now,
    )  # fmt: skip
    return RoutePage(
        row,
        number,
        len(book.policy.routes),
        tuple(_weeks(connection, name, now)),
        tuple(_recent(connection, name)),
        tuple(_disputes(connection, book.roster, name)),
        tuple(history),
        looked_through,
        is_all,
    )


# ---------------------------------------------------------------- routes


def _use(connection: Connection, now: datetime) -> tuple[Mapping[str, Use], Mapping[str, Use]]:
    today = now.astimezone(UTC).date()
    return (route_use.since(connection, today - LATELY), route_use.since(connection, today - LONG))


def _route_of(policy: Policy, name: str) -> Route | None:
    return next((route for route in policy.routes if route.name == name), None)


def _route_row(
    book: Rulebook,
    route: Route,
    lately: Mapping[str, Use],
    long: Mapping[str, Use],
    total: int,
    last: Mapping[str, datetime],
    now: datetime,
) -> RouteRow:
    none = Use(route.name)
    used = lately.get(route.name, none)
    today = now.astimezone(book.zone).date()
    return RouteRow(
        name=route.name,
        when=condition_words(route.when),
        then=destination_words(route.kind, route.target),
        description=route.description,
        pool=route.target if route.kind in ("pool", "review") else None,
        next_step=route.next_step or "",
        service_level=route.service_level or "",
        period=period_words(route.first_day, route.last_day),
        counts=_period(route, today),
        lately=used,
        long=long.get(route.name, none),
        share=used.placed / total if total else None,
        last_used_at=last.get(route.name),
    )


def _period(route: Route, today: date) -> Period:
    if route.last_day is not None and today > route.last_day:
        return "past"
    return "ahead" if route.first_day is not None and today < route.first_day else "now"


def _weeks(connection: Connection, name: str, now: datetime) -> Iterable[tuple[date, int]]:
    today = now.astimezone(UTC).date()
    # Whole weeks that end today, so that none looks small for having just begun.
    first = today - 13 * _WEEK + timedelta(days=1)
    days = route_use.by_day(connection, name, first)
    for number in range(13):
        begins = first + number * _WEEK
        yield begins, sum(days.get(begins + timedelta(days=day), 0) for day in range(7))


def _recent(connection: Connection, name: str) -> Iterable[RecentLead]:
    seen = set()
    for one in route_use.latest(connection, name, MOST_LEADS):
        if one.lead_id not in seen:  # placed by it more than once
            seen.add(one.lead_id)
            company = str(one.fields.get("company", ""))
            holder = one.covered_by or one.owner
            yield RecentLead(one.lead_id, person_name(one.fields), company, one.stage, holder, one.at)


def _disputes(connection: Connection, roster: Roster, name: str) -> Iterable[DisputeLine]:
    for one in route_use.disputes(connection, name, MOST_DISPUTES):
        by = person_words(roster, one.by) if one.by else one.user or _("somebody")
        yield DisputeLine(one.lead_id, person_name(one.fields), by, said_words(one.reason), one.at)


# ---------------------------------------------------------------- the rest of the rules


def _intent(policy: Policy) -> Iterable[tuple[str, str, tuple[str, ...]]]:
    for level in INTENTS:
        if items := policy.intent[level]:
            yield level, value_words("intent", level), tuple(signal_words(item) for item in items)


def _team_words(roster: Roster, team: str | None) -> str:
    known = roster.teams.get(team or "")
    return known.name if known else team or ""


def _pool_row(book: Rulebook, pool: Pool) -> PoolRow:
    bench = book.benches[pool.name]
    people = [book.roster.people[id_] for id_ in bench.ids]
    return PoolRow(
        name=pool.name,
        description=pool.description,
        sharing=sharing_words(pool.method),
        requires=pairs_words(pool.require),
        prefers=pairs_words(pool.prefer),
        backup=pool.backup_pool,
        members=tuple(_member(pool, person) for person in people),
    )


def _member(pool: Pool, person: Person) -> Member:
    has_weight = pool.method == "weighted" and person.weight != 1
    return Member(person.id, person.name, number_words(person.weight) if has_weight else "")


def _levels(policy: Policy) -> Iterable[LevelRow]:
    for level in policy.service_levels:
        yield LevelRow(
            level.name,
            condition_words(level.when),
            duration_words(level.respond_within),
            level.description,
            tuple(step_words(step) for step in policy.chases.get(level.chase or "", ())),
        )


def _hours(roster: Roster) -> Iterable[HoursRow]:
    """Working hours of those who are there, the most common first."""
    keeping: defaultdict[tuple[str, str, str], list[tuple[str, str]]] = defaultdict(list)
    for person in roster.people.values():
        if person.active:
            country = value_words("country", person.country) if person.country else ""
            keeping[week_words(person.hours), person.timezone, country].append((person.id, person.name))
    ordered: Sequence[tuple[tuple[str, str, str], list[tuple[str, str]]]] = sorted(
        keeping.items(), key=lambda one: (-len(one[1]), one[0])
    )
    return (HoursRow(*key, tuple(people)) for key, people in ordered)
