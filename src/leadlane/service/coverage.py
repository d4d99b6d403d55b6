"""Who is there for each pool in each hour of a week, and what if somebody were away?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from psycopg import Connection

from leadlane.core.coverage import Staffing, first_at_work, hands, staffing, with_absence
from leadlane.core.facts import Away, Roster
from leadlane.core.pick import Bench, covering
from leadlane.core.rulebook import Rulebook
from leadlane.service.arrivals import Expected, expected_arrivals
from leadlane.service.prospects import person_name
from leadlane.store import in_hand

DAYS = 7
HOURS = 24
MOST_PROMISES = 100
# An hour of which less is expected than one lead in so many weeks is not worth a column of its own.
_RARE = 1 / 4


@dataclass(frozen=True, slots=True)
class Cell:
    """An hour of a day: who is there, and how many leads are expected. `before` is the hour without the
    absence that is tried, where that makes a difference.
    """

    start: datetime
    now: Staffing
    before: Staffing | None
    expected: float


@dataclass(frozen=True, slots=True)
class Hole:
    """From `start` to `until` nobody is there for some time, of those who usually are.

    `away` are the names of those of the pool who are away then; `is_new`: only by the absence that is tried.
    """

    start: datetime
    until: datetime
    missing: timedelta
    expected: float
    away: tuple[str, ...]
    is_new: bool


@dataclass(frozen=True, slots=True)
class PoolWeek:
    """The week of a pool: `cells` by day, one for each hour of `hours`, those in which anything is."""

    name: str
    description: str
    people: tuple[str, ...]
    backup_pool: str | None
    hours: range
    cells: tuple[tuple[Cell, ...], ...]
    holes: tuple[Hole, ...]

    @property
    def is_hit(self) -> bool:
        """Whether the absence that is tried changes anything here."""
        return any(cell.before is not None for row in self.cells for cell in row)


@dataclass(frozen=True, slots=True)
class Absent:
    """Somebody's absence that touches the week; `cover` stands in when it begins, None: nobody does."""

    person: str
    start: datetime
    until: datetime
    reason: str
    cover: str | None


@dataclass(frozen=True, slots=True)
class AtStake:
    """A promise that ends while somebody is away: `person` is the first to be at work before it does, from
    `at`; None: nobody could keep it.
    """

    lead_id: str
    name: str
    company: str
    respond_by: datetime
    person: str | None
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Trial:
    """What if somebody were away: who stands in when, and the promises that end meanwhile."""

    person: str
    away: Away
    covers: tuple[tuple[str | None, datetime, datetime], ...]
    promises: tuple[AtStake, ...]

    @property
    def lacking(self) -> int:
        """How many of the promises nobody could keep."""
        return sum(one.person is None for one in self.promises)


@dataclass(frozen=True, slots=True)
class CoverageWeek:
    """A week by pool and hour. Expected arrivals are the average of so many `weeks`; 0: nothing is known."""

    days: tuple[date, ...]
    pools: tuple[PoolWeek, ...]
    away: tuple[Absent, ...]
    trial: Trial | None
    weeks: int

    @property
    def new_holes(self) -> list[Hole]:
        """The holes that only the absence makes that is tried."""
        return [hole for pool in self.pools for hole in pool.holes if hole.is_new]

    @property
    def expected_besides(self) -> float:
        """How many leads are expected to come in those."""
        return sum(hole.expected for hole in self.new_holes)


def coverage_week(
    connection: Connection,
    book: Rulebook,
    zone: ZoneInfo,
    first_day: date,
    now: datetime,
    trial: tuple[str, Away] | None = None,
) -> CoverageWeek:
    """The seven days from `first_day`, by the hours of `zone`; `trial`: as if this person were away too."""
    days = tuple(first_day + timedelta(days=i) for i in range(DAYS))
    edges = _edges(days, zone)
    expected, weeks = expected_arrivals(connection, zone.key, now)
    roster = with_absence(book.roster, *trial) if trial else book.roster
    pools = [
        _pool_week(book, roster, bench, days, edges, expected) for bench in book.benches.values() if bench.ids
    ]
    # What the trial changes comes first; else in the order of the policy.
    pools.sort(key=lambda pool: not pool.is_hit)
    return CoverageWeek(
        days,
        tuple(pools),
        _absences(roster, edges[0], edges[-1]),
        _try(connection, book, roster, *trial, now) if trial else None,
        weeks,
    )


def _edges(days: Sequence[date], zone: ZoneInfo) -> list[datetime]:
    """The beginnings of all hours of these days, and the end of the last. One that a clock change skips has
    no length, one that it repeats is two hours long.
    """
    locals_ = [datetime.combine(day, time(hour), zone) for day in days for hour in range(HOURS)]
    end = datetime.combine(days[-1] + timedelta(days=1), time(), zone)
    return [moment.astimezone(UTC) for moment in (*locals_, end)]


def _pool_week(
    book: Rulebook,
    roster: Roster,
    bench: Bench,
    days: Sequence[date],
    edges: Sequence[datetime],
    expected: Expected,
) -> PoolWeek:
    pool = bench.pool
    found = staffing([roster.people[id_] for id_ in bench.ids], book.calendars, edges)
    before = found
    if roster is not book.roster:
        before = staffing([book.roster.people[id_] for id_ in bench.ids], book.calendars, edges)
    cells = [
        Cell(
            edges[i],
            found[i],
            before[i] if before[i] != found[i] else None,
            expected.get((pool.name, days[i // HOURS].weekday(), i % HOURS), 0.0),
        )
        for i in range(len(found))
    ]
    hours = _hours_shown(cells)
    rows = tuple(
        tuple(cells[day * HOURS + hours.start : day * HOURS + hours.stop]) for day in range(len(days))
    )
    holes = _holes(cells, edges, roster, bench)
    return PoolWeek(pool.name, pool.description, bench.ids, pool.backup_pool, hours, rows, holes)


def _hours_shown(cells: Sequence[Cell]) -> range:
    """From the first hour in which anything is on any day to the last."""
    used = [i % HOURS for i, cell in enumerate(cells) if cell.now.usual or cell.expected >= _RARE]
    return range(min(used), max(used) + 1) if used else range(9, 17)


def _holes(
    cells: Sequence[Cell], edges: Sequence[datetime], roster: Roster, bench: Bench
) -> tuple[Hole, ...]:
    """Hours in which nobody is there, those one after the other joined."""
    found: list[Hole] = []
    for i, cell in enumerate(cells):
        if not cell.now.is_hole:
            continue
        is_new = cell.before is not None and not cell.before.is_hole
        start, until, missing, expected = edges[i], edges[i + 1], cell.now.missing, cell.expected
        if found and found[-1].until == start and found[-1].is_new == is_new:
            last = found.pop()
            start, missing, expected = last.start, last.missing + missing, last.expected + expected
        found.append(Hole(start, until, missing, expected, _away_then(roster, bench, start, until), is_new))
    return tuple(found)


def _away_then(roster: Roster, bench: Bench, start: datetime, until: datetime) -> tuple[str, ...]:
    return tuple(
        roster.people[id_].name
        for id_ in bench.ids
        if any(away.start < until and start < away.until for away in roster.people[id_].away)
    )


def _absences(roster: Roster, start: datetime, until: datetime) -> tuple[Absent, ...]:
    found = [
        Absent(
            person.id,
            away.start,
            away.until,
            away.reason,
            covering(roster, person, max(start, away.start))[0],
        )
        for person in roster.people.values()
        if person.active
        for away in person.away
        if away.start < until and start < away.until
    ]
    return tuple(sorted(found, key=lambda one: (one.start, one.person)))


# ---------------------------------------------------------------- what if


def _try(
    connection: Connection, book: Rulebook, roster: Roster, person: str, away: Away, now: datetime
) -> Trial:
    start = max(away.start, now)
    if start >= away.until:
        return Trial(person, away, (), ())
    stretches = hands(roster, person, start, away.until)
    rows = in_hand.promised(connection, person, start, away.until, MOST_PROMISES)
    return Trial(
        person,
        away,
        tuple((one.person, one.start, one.until) for one in stretches),
        tuple(
            AtStake(
                row.id,
                person_name(row.fields) or row.id,
                str(row.fields.get("company") or row.fields.get("company_domain") or ""),
                row.respond_by,
                *(_who_keeps(book, roster, row, start) or (None, None)),
            )
            for row in rows
        ),
    )


def _who_keeps(
    book: Rulebook, roster: Roster, row: in_hand.Promised, start: datetime
) -> tuple[str, datetime] | None:
    return first_at_work(roster, book.calendars, hands(roster, row.owner, start, row.respond_by))
