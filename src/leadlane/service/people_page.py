"""Who is who: everybody by team with what they have in hand, and all that is known of one person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from psycopg import Connection

from leadlane.core.business_time import NoWorkingTime
from leadlane.core.coverage import Interval, at_work
from leadlane.core.facts import Away, Load, Person, Value
from leadlane.core.pick import covering, is_away
from leadlane.core.rulebook import Rulebook
from leadlane.explain.hours import hours_words
from leadlane.policy.roster_document import instant
from leadlane.service.absences import key_of
from leadlane.service.batch import loads_today
from leadlane.service.my_leads import promise_of
from leadlane.service.prospects import person_name
from leadlane.store import batches, in_hand, people, policies, roster

WEEKS = 8
DAYS = 7
MOST_LEADS = 8


@dataclass(frozen=True, slots=True)
class Present:
    """Whether somebody is there: `inactive`, `away` until `until`, `open` (at work), or `closed` until then.

    `cover` stands in for somebody who is away; None: nobody does.
    """

    state: str
    until: datetime | None = None
    reason: str = ""
    cover: str | None = None


@dataclass(frozen=True, slots=True)
class PersonRow:
    """Somebody in the list. None in `max_open` and `per_day`: any number. `hours` are in words,
    `covers` the names of those whom they stand in for.
    """

    id: str
    name: str
    role: str
    level: str
    timezone: str
    hours: str
    present: Present
    load: Load
    max_open: int | None
    per_day: int | None
    covers: tuple[str, ...]

    @property
    def is_full(self) -> bool:
        """They get nothing more for now."""
        open_, today = self.load.open, self.load.today
        return (self.max_open is not None and open_ >= self.max_open) or (
            self.per_day is not None and today >= self.per_day
        )


@dataclass(frozen=True, slots=True)
class TeamRows:
    """A team with its people; without an id, those who are in none."""

    id: str
    name: str
    manager: str | None
    rows: tuple[PersonRow, ...]


@dataclass(frozen=True, slots=True)
class People:
    """Everybody who is wanted, by their first team; and how many of all are what."""

    teams: tuple[TeamRows, ...]
    everybody: int
    away: int
    full: int


@dataclass(frozen=True, slots=True)
class WorkDay:
    """A day of somebody's week: when they work (instants), and what keeps them from it."""

    day: date
    times: tuple[Interval, ...]
    is_holiday: bool
    away: tuple[Away, ...]


@dataclass(frozen=True, slots=True)
class Absence:
    """An absence that has not passed. `key` ends it; `source` is where it came from, "" for by hand."""

    key: str
    start: datetime
    until: datetime
    reason: str
    source: str
    is_now: bool
    cover: str | None


@dataclass(frozen=True, slots=True)
class LeadLine:
    """A lead that somebody has in hand."""

    id: str
    name: str
    company: str
    stage: str
    next_step: str
    due_at: datetime | None
    is_promise: bool


@dataclass(frozen=True, slots=True)
class PersonPage:
    """All that the page of somebody shows. `weeks` are the leads that came to them, week by week."""

    row: PersonRow
    person: Person
    manager: str | None
    teams: tuple[str, ...]
    pools: tuple[tuple[str, str], ...]
    attributes: tuple[tuple[str, Value], ...]
    week: tuple[WorkDay, ...]
    absences: tuple[Absence, ...]
    backups: tuple[str, ...]
    leads: tuple[LeadLine, ...]
    open: int
    weeks: tuple[tuple[date, int], ...]


def people_page(
    connection: Connection, book: Rulebook, now: datetime, shown: str = "", text: str = ""
) -> People:
    """Everybody by team; `shown` narrows to those who are `away` or `full`, `text` to those so called."""
    rows = {row.id: row for row in _rows(connection, book, now)}
    active = [row for row in rows.values() if row.present.state != "inactive"]
    wanted = {row.id for row in rows.values() if _is_wanted(row, shown, text.casefold())}
    teams: dict[str, list[PersonRow]] = {team: [] for team in book.roster.teams}
    for person in book.roster.people.values():
        if person.id in wanted:
            team = person.teams[0] if person.teams and person.teams[0] in teams else ""
            teams.setdefault(team, []).append(rows[person.id])
    return People(
        tuple(_team_rows(book, team, found) for team, found in teams.items() if found),
        len(active),
        sum(row.present.state == "away" for row in active),
        sum(row.is_full for row in active),
    )


def _team_rows(book: Rulebook, id_: str, rows: Sequence[PersonRow]) -> TeamRows:
    team = book.roster.teams.get(id_)
    by_name = tuple(sorted(rows, key=lambda row: (row.present.state == "inactive", row.name.casefold())))
    return TeamRows(id_, team.name if team else "", team.manager if team else None, by_name)


def _is_wanted(row: PersonRow, shown: str, text: str) -> bool:
    is_shown = {"away": row.present.state == "away", "full": row.is_full}.get(shown, True)
    return is_shown and all(
        word in f"{row.name} {row.id} {row.role} {row.level}".casefold() for word in text.split()
    )


def _rows(connection: Connection, book: Rulebook, now: datetime) -> list[PersonRow]:
    everybody = book.roster.people
    loads = loads_today(book, batches.read_loads(connection, list(everybody)), now)
    covers: dict[str, list[str]] = {}
    presence = {person.id: _present(book, person, now) for person in everybody.values()}
    for id_, present in presence.items():
        if present.state == "away" and present.cover is not None:
            covers.setdefault(present.cover, []).append(everybody[id_].name)
    return [
        PersonRow(
            id=person.id,
            name=person.name,
            role=person.role,
            level=person.level,
            timezone=person.timezone,
            hours=hours_words(person.hours),
            present=presence[person.id],
            load=loads.get(person.id, Load()),
            max_open=person.max_open,
            per_day=person.per_day,
            covers=tuple(covers.get(person.id, ())),
        )
        for person in everybody.values()
    ]


def _present(book: Rulebook, person: Person, now: datetime) -> Present:
    if not person.active:
        return Present("inactive")
    if is_away(person, now):
        absence = max((one for one in person.away if one.start <= now < one.until), key=lambda one: one.until)
        return Present("away", absence.until, absence.reason, covering(book.roster, person, now)[0])
    try:
        opens = book.calendars[person.id].next_open(now)
    except NoWorkingTime:
        return Present("closed")
    return Present("open") if opens == now else Present("closed", opens)


# ---------------------------------------------------------------- one person


def person_page(connection: Connection, book: Rulebook, person_id: str, now: datetime) -> PersonPage | None:
    """All that is known of somebody; None for nobody."""
    person = book.roster.people.get(person_id)
    if person is None:
        return None
    had = in_hand.in_hand(connection, [person_id], MOST_LEADS)
    return PersonPage(
        row=next(row for row in _rows(connection, book, now) if row.id == person_id),
        person=person,
        manager=person.manager,
        teams=tuple(book.roster.teams[id_].name for id_ in person.teams if id_ in book.roster.teams),
        pools=tuple(
            (bench.pool.name, bench.pool.description)
            for bench in book.benches.values()
            if person_id in bench.ids
        ),
        attributes=tuple(sorted(person.attributes.items())),
        week=_week(book, person, now),
        absences=_absences(connection, book, person, now),
        backups=_backups(book, person),
        leads=tuple(_lead_line(one, now) for one in had),
        open=had[0].of_all if had else 0,
        weeks=_weeks(connection, person, now),
    )


def _week(book: Rulebook, person: Person, now: datetime) -> tuple[WorkDay, ...]:
    """The seven days from today, where they are."""
    zone, calendar = ZoneInfo(person.timezone), book.calendars[person.id]
    today = now.astimezone(zone).date()
    found = []
    for day in (today + timedelta(days=i) for i in range(DAYS)):
        start = datetime.combine(day, time(), zone)
        until = datetime.combine(day + timedelta(days=1), time(), zone)
        found.append(
            WorkDay(
                day,
                tuple(at_work(person, calendar, start, until)),
                day in calendar.holidays,
                tuple(one for one in person.away if one.start < until and start < one.until),
            )
        )
    return tuple(found)


def _monday(now: datetime, zone: ZoneInfo) -> date:
    today = now.astimezone(zone).date()
    return today - timedelta(days=today.weekday())


def _absences(connection: Connection, book: Rulebook, person: Person, now: datetime) -> tuple[Absence, ...]:
    _version, revision = policies.in_force(connection)
    content = roster.entry(connection, "person", person.id, revision) or {}
    found = []
    for away in content.get("away", ()):
        start = instant(away["from"], person.timezone)
        until = instant(away["until"], person.timezone, end=True)
        if until > now:
            found.append(
                Absence(
                    key=key_of(away),
                    start=start,
                    until=until,
                    reason=away.get("reason", ""),
                    source=away.get("source", ""),
                    is_now=start <= now,
                    cover=covering(book.roster, person, max(start, now))[0],
                )
            )
    return tuple(sorted(found, key=lambda one: one.start))


def _backups(book: Rulebook, person: Person) -> tuple[str, ...]:
    """Those who are asked in turn when somebody is out, each once."""
    chain: list[str] = []
    next_id = person.backup
    while next_id is not None and next_id not in (person.id, *chain) and next_id in book.roster.people:
        chain.append(next_id)
        next_id = book.roster.people[next_id].backup
    return tuple(chain)


def _lead_line(one: in_hand.InHand, now: datetime) -> LeadLine:
    is_promise = promise_of(one.respond_by, one.responded_at, now) in ("running", "missed")
    return LeadLine(
        id=one.id,
        name=person_name(one.fields) or one.id,
        company=str(one.fields.get("company") or one.fields.get("company_domain") or ""),
        stage=one.stage,
        next_step=one.next_step or "",
        due_at=one.due_at,
        is_promise=is_promise and one.due_at == one.respond_by,
    )


def _weeks(connection: Connection, person: Person, now: datetime) -> tuple[tuple[date, int], ...]:
    zone = ZoneInfo(person.timezone)
    monday = _monday(now, zone)
    days = [monday - timedelta(weeks=WEEKS - 1 - i) for i in range(WEEKS)]
    edges = [datetime.combine(day, time(), zone) for day in days]
    return tuple(zip(days, people.came(connection, person.id, edges), strict=True))
