"""What needs somebody at this moment? What comes in, what is at risk, who is full or away, what waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from psycopg import Connection

from leadlane.core.facts import Load, Person, Roster
from leadlane.core.pick import Bench, covering, is_away, open_hands
from leadlane.core.rulebook import Rulebook
from leadlane.core.trace import Reason
from leadlane.explain.reasons import reason_words
from leadlane.explain.speech import person_words
from leadlane.service.batch import loads_today
from leadlane.service.prospects import person_name
from leadlane.service.review_queue import Waiting, review_queue, route_words
from leadlane.store import batches, due, now, review
from leadlane.store.now import Promised, Promises

# A promise that ends within this time is at risk: there is still time to hand the lead to somebody.
SOON = timedelta(hours=2)
HOURS = 24
# From this share of what somebody takes they are told of as nearly full.
NEARLY_FULL = 0.8
MOST_URGENT = 20
MOST_IN_REVIEW = 5
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Flow:
    """What came in by one route, or ("") by all: `hours` are the last HOURS of them, the oldest first."""

    route: str
    description: str
    last_hour: int
    today: int
    hours: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What came in, in all and by route, the busiest first. `is_cut`: only the newest of very many."""

    all: Flow
    routes: tuple[Flow, ...]
    is_cut: bool


@dataclass(frozen=True, slots=True)
class AtRisk:
    """A lead that nobody has answered, its promise broken or about to be. `holder` is to act on it."""

    id: str
    name: str
    company: str
    route: str
    stage: str
    owner: str
    covered_by: str | None
    holder: str
    respond_by: datetime
    is_broken: bool
    place: int


@dataclass(frozen=True, slots=True)
class Risk:
    """The most urgent leads, and how many each person has; counts are bounded, and told to be."""

    leads: tuple[AtRisk, ...]
    people: tuple[Promises, ...]
    broken: int
    soon: int


@dataclass(frozen=True, slots=True)
class Busy:
    """Somebody who is full or nearly so; None where they take any number."""

    id: str
    name: str
    open: int
    max_open: int | None
    today: int
    per_day: int | None
    share: float

    @property
    def is_full(self) -> bool:
        """They get nothing more for now."""
        return self.share >= 1


@dataclass(frozen=True, slots=True)
class Absent:
    """Somebody who is away, until when, with how many open leads; `cover` is whoever stands in."""

    id: str
    name: str
    until: datetime
    reason: str
    cover: str | None
    open: int


@dataclass(frozen=True, slots=True)
class LineView:
    """Leads that wait for a pool, and why each of its people cannot take one: (words, how many people)."""

    pool: str
    count: int
    oldest: datetime
    why: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class NowPage:
    """What the page shows of leads and people; what is wrong with the machinery is `health_now`'s."""

    arrivals: Arrivals
    risk: Risk
    busy: tuple[Busy, ...]
    away: tuple[Absent, ...]
    lines: tuple[LineView, ...]
    in_review: int
    review: tuple[Waiting, ...]


def now_page(
    connection: Connection, book: Rulebook, people: Collection[str] | None, zone: ZoneInfo, at: datetime
) -> NowPage:
    """How things stand at a moment, for these people or (None) for all. `zone` says when today began."""
    roster = book.roster
    chosen = [one for one in roster.people.values() if people is None or one.id in people]
    loads = loads_today(book, batches.read_loads(connection, list(roster.people)), at)
    return NowPage(
        arrivals=_arrivals(connection, book, people, zone, at),
        risk=_risk(connection, book, sorted(one.id for one in chosen), at),
        busy=_busy(chosen, loads),
        away=_away(roster, chosen, loads, at),
        lines=_lines(connection, book, people, loads, at),
        in_review=review.count(connection),
        review=tuple(review_queue(connection, book, at, most=MOST_IN_REVIEW)),
    )


# ---------------------------------------------------------------- what comes in


def _arrivals(
    connection: Connection, book: Rulebook, people: Collection[str] | None, zone: ZoneInfo, at: datetime
) -> Arrivals:
    midnight = datetime.combine(at.astimezone(zone).date(), time(), zone)
    since = min(midnight, at - HOURS * _HOUR)
    wanted = sorted(people) if people is not None else None
    found, is_cut = now.arrived(connection, wanted, since, midnight, at)
    hours: dict[str, list[int]] = {"": [0] * HOURS}
    today: Counter[str] = Counter()
    for one in found:
        for route in ("", one.route):
            spread = hours.setdefault(route, [0] * HOURS)
            if one.hours_ago < HOURS:
                spread[HOURS - 1 - one.hours_ago] += one.count
            today[route] += one.count * one.is_today
    flows = [
        Flow(route, route_words(book.policy, route), spread[-1], today[route], tuple(spread))
        for route, spread in hours.items()
    ]
    routes = sorted(flows[1:], key=lambda flow: (-flow.today, -sum(flow.hours), flow.route))
    return Arrivals(flows[0], tuple(routes), is_cut)


# ---------------------------------------------------------------- what is at risk


def _risk(connection: Connection, book: Rulebook, people: Sequence[str], at: datetime) -> Risk:
    until = at + SOON
    found = now.promises(connection, people, until, at)
    by_need = sorted(
        found, key=lambda one: (-one.broken, -one.soon, person_words(book.roster, one.owner).casefold())
    )
    rows = now.urgent(connection, people, until, at, MOST_URGENT) if found else []
    return Risk(
        leads=tuple(_at_risk(row, book, at) for row in rows),
        people=tuple(by_need),
        broken=sum(one.broken for one in found),
        soon=sum(one.soon for one in found),
    )


def _at_risk(row: Promised, book: Rulebook, at: datetime) -> AtRisk:
    return AtRisk(
        id=row.id,
        name=person_name(row.fields) or row.id,
        company=str(row.fields.get("company") or row.fields.get("company_domain") or ""),
        route=route_words(book.policy, row.route),
        stage=row.stage,
        owner=row.owner,
        covered_by=row.covered_by,
        holder=row.covered_by or row.owner,
        respond_by=row.respond_by,
        is_broken=row.respond_by <= at,
        place=row.place,
    )


# ---------------------------------------------------------------- who is full, who is away


def _busy(people: Sequence[Person], loads: dict[str, Load]) -> tuple[Busy, ...]:
    found = [one for person in people if person.active and (one := _load(person, loads)).share >= NEARLY_FULL]
    return tuple(sorted(found, key=lambda one: (-one.share, one.name.casefold(), one.id)))


def _load(person: Person, loads: dict[str, Load]) -> Busy:
    load = loads.get(person.id, Load())
    share = max(_share(load.open, person.max_open), _share(load.today, person.per_day))
    return Busy(person.id, person.name, load.open, person.max_open, load.today, person.per_day, share)


def _share(count: int, most: int | None) -> float:
    """How much of what somebody takes they have; somebody who takes none is as full as one can be."""
    if most is None:
        return 0.0
    return count / most if most else 1.0


def _away(
    roster: Roster, people: Sequence[Person], loads: dict[str, Load], at: datetime
) -> tuple[Absent, ...]:
    found = []
    for person in people:
        if not person.active or not is_away(person, at):
            continue
        absence = max((one for one in person.away if one.start <= at < one.until), key=lambda one: one.until)
        cover, _passed = covering(roster, person, at)
        load = loads.get(person.id, Load())
        found.append(Absent(person.id, person.name, absence.until, absence.reason, cover, load.open))
    return tuple(sorted(found, key=lambda one: (one.until, one.name.casefold())))


# ---------------------------------------------------------------- who waits for whom


def _lines(
    connection: Connection,
    book: Rulebook,
    people: Collection[str] | None,
    loads: dict[str, Load],
    at: datetime,
) -> tuple[LineView, ...]:
    wanted = [
        pool
        for pool in due.pools_waited_for(connection)
        if people is None or pool not in book.benches or not set(book.benches[pool].ids).isdisjoint(people)
    ]
    return tuple(
        LineView(line.pool, line.count, line.oldest, why_nobody(book, line.pool, loads, at))
        for line in (now.lines(connection, wanted) if wanted else ())
    )


def why_nobody(
    book: Rulebook, pool: str, loads: dict[str, Load], at: datetime
) -> tuple[tuple[str, int], ...]:
    """Why the people of a pool take nothing at present: (words, how many of them), most first.

    Those who could take a lead are left out; so is a pool that the policy no longer has.
    """
    bench = book.benches.get(pool)
    if bench is None:
        return ()
    counted = Counter(reason for reason in _reasons(book, bench, loads, at) if reason is not None)
    return tuple((reason_words(reason), count) for reason, count in counted.most_common())


def _reasons(book: Rulebook, bench: Bench, loads: dict[str, Load], at: datetime) -> list[Reason | None]:
    hands = open_hands({}, loads, book.roster)
    found: list[Reason | None] = []
    for id_ in bench.ids:
        person = book.roster.people[id_]
        if not person.active:
            found.append(Reason.INACTIVE)
        elif is_away(person, at):
            found.append(Reason.AWAY)
        elif id_ in hands.full:
            found.append(Reason.FULL)
        else:
            found.append(Reason.DAILY_CAP if id_ in hands.capped else None)
    return found
