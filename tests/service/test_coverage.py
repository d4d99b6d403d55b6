"""The week by pool and hour on a real database: who is there, holes, what is expected, and what if."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest

from leadlane.core.coverage import Staffing
from leadlane.core.facts import Away
from leadlane.service.absences import (
    AbsenceFieldError,
    AbsenceGoneError,
    add_absence,
    end_absence,
)
from leadlane.service.arrivals import count_arrivals
from leadlane.service.batch import route_batch
from leadlane.service.coverage import CoverageWeek, PoolWeek, coverage_week
from leadlane.service.people_page import people_page, person_page
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.submission import Submission
from leadlane.store import batches

from .conftest import NOW

BERLIN = ZoneInfo("Europe/Berlin")
HOT = {"country": "DE", "employees": 1200, "industry": "insurance", "signals": ["demo_request"]}
Lead = Callable[..., Submission]


def _pool(week: CoverageWeek, name: str) -> PoolWeek:
    return next(pool for pool in week.pools if pool.name == name)


def _week(
    db: psycopg.Connection, books: Rulebooks, trial: tuple[str, Away] | None = None, first: date = NOW.date()
) -> CoverageWeek:
    return coverage_week(db, books.current(db), BERLIN, first, NOW, trial)


def _friday(zone: ZoneInfo = BERLIN) -> Away:
    return Away(
        datetime(2026, 3, 6, tzinfo=zone).astimezone(UTC), datetime(2026, 3, 7, tzinfo=zone).astimezone(UTC)
    )


def test_a_pool_is_there_when_its_people_work(published: psycopg.Connection, books: Rulebooks) -> None:
    pool = _pool(_week(published, books), "senior-ae")
    assert pool.people == ("anna", "boris", "dora")
    assert pool.hours == range(9, 17)
    assert len(pool.cells) == 7
    assert {cell.now for row in pool.cells[:5] for cell in row} == {Staffing(3, 3)}
    assert {cell.now for row in pool.cells[5:] for cell in row} == {Staffing()}
    assert pool.holes == ()


def test_what_if_somebody_were_away(published: psycopg.Connection, books: Rulebooks) -> None:
    week = _week(published, books, ("olga", _friday()))
    pool = _pool(week, "revops")
    (hole,) = pool.holes
    assert hole.is_new
    assert hole.missing == timedelta(hours=8)
    assert hole.away == ("Olga Lis",)
    assert [cell.before for cell in pool.cells[4]] == [Staffing(1, 1)] * 8
    assert _pool(week, "senior-ae").is_hit is False
    assert week.trial is not None
    assert [who for who, _start, _until in week.trial.covers] == [None]
    assert _week(published, books).new_holes == []


def test_promises_that_end_meanwhile(published: psycopg.Connection, books: Rulebooks, lead: Lead) -> None:
    batches.configure(published)
    thursday = NOW + timedelta(days=3)
    at = thursday.replace(hour=15, minute=55)
    # Two leads on Thursday evening: 15 minutes from 16:55 end on Friday morning.
    for number in range(2):
        one = lead(at, id=f"L{number}", email=f"jo{number}@far{number}.example", **HOT)
        route_batch(published, books, [one], at)
    rows = published.execute("SELECT id, owner, respond_by FROM leads ORDER BY id").fetchall()
    _id, owner, respond_by = rows[0]
    assert respond_by.astimezone(BERLIN).date() == date(2026, 3, 6)
    found = coverage_week(published, books.current(published), BERLIN, NOW.date(), at, (owner, _friday()))
    assert found.trial is not None
    book = books.current(published)
    backup = book.roster.people[owner].backup
    assert [one.person for one in found.trial.promises] == [backup] * len(found.trial.promises)
    assert found.trial.lacking == 0
    assert backup is not None
    add_absence(published, backup, "2026-03-06", "2026-03-06", "", None, "test", at)
    found = coverage_week(published, books.current(published), BERLIN, NOW.date(), at, (owner, _friday()))
    assert found.trial is not None
    assert found.trial.lacking == len(found.trial.promises) > 0


def test_what_is_expected_is_what_came_in_that_hour(
    published: psycopg.Connection, books: Rulebooks, lead: Lead
) -> None:
    batches.configure(published)
    for weeks in (1, 2):
        at = NOW - timedelta(weeks=weeks) + timedelta(hours=1, minutes=10)
        for number in range(weeks):
            one = lead(at, id=f"L{weeks}{number}", email=f"jo@far{weeks}{number}.example", **HOT)
            route_batch(published, books, [one], at)
    count_arrivals(published, NOW)
    count_arrivals(published, NOW, timedelta(days=2))
    week = _week(published, books)
    assert week.weeks == 2
    expected = {
        (pool.name, row, cell.start.astimezone(BERLIN).hour): cell.expected
        for pool in week.pools
        for row, cells in enumerate(pool.cells)
        for cell in cells
        if cell.expected
    }
    pools = dict(published.execute("SELECT pool, count(*) FROM leads GROUP BY pool").fetchall())
    assert expected == {(pool, 0, 11): count / 2 for pool, count in pools.items()}


def test_an_absence_is_entered_with_who_covers_and_ended(
    published: psycopg.Connection, books: Rulebooks
) -> None:
    key = add_absence(published, "anna", "2026-03-02", "2026-03-06", "Holidays", "emil", "anna", NOW)
    book = books.current(published)
    assert book.roster.people["anna"].backup == "emil"
    found = people_page(published, book, NOW, shown="away")
    (row,) = [row for team in found.teams for row in team.rows]
    assert (row.id, row.present.state, row.present.cover) == ("anna", "away", "emil")
    emil = person_page(published, book, "emil", NOW)
    assert emil is not None
    assert emil.row.covers == ("Anna Nowak",)
    later = NOW + timedelta(hours=3)
    end_absence(published, "anna", key, "anna", later)
    anna = person_page(published, books.current(published), "anna", later)
    assert anna is not None
    assert anna.absences == ()
    assert anna.row.present.state == "open"
    with pytest.raises(AbsenceGoneError):
        end_absence(published, "anna", key, "anna", later)


def test_an_absence_that_has_not_begun_is_taken_back_without_a_trace(
    published: psycopg.Connection, books: Rulebooks
) -> None:
    before = books.current(published).roster.people["dora"]
    key = add_absence(published, "dora", "2026-03-09", "2026-03-09", "", "anna", "dora", NOW)
    end_absence(published, "dora", key, "dora", NOW)
    assert books.current(published).roster.people["dora"] == before


@pytest.mark.parametrize(
    ("start", "until", "field"),
    [
        ("2026-03-09", "2026-03-06", "until"),
        ("2026-02-01", "2026-02-02", "until"),
        ("soon", "2026-03-06", "from"),
        ("2026-03-09", "", "until"),
    ],
)
def test_absences_that_are_none(
    published: psycopg.Connection, books: Rulebooks, start: str, until: str, field: str
) -> None:
    with pytest.raises(AbsenceFieldError) as refused:
        add_absence(published, "anna", start, until, "", "boris", "anna", NOW)
    assert refused.value.field == field
    assert books.current(published).roster.people["anna"].away == ()


def test_the_page_of_somebody(published: psycopg.Connection, books: Rulebooks, lead: Lead) -> None:
    batches.configure(published)
    route_batch(published, books, [lead(id="L1", email="jo@far.example", **HOT)], NOW)
    (owner,) = published.execute("SELECT owner FROM leads").fetchone() or ("",)
    found = person_page(published, books.current(published), owner, NOW)
    assert found is not None
    assert [one.id for one in found.leads] == ["L1"]
    assert (found.open, found.row.load.open, found.row.load.today) == (1, 1, 1)
    assert [count for _week, count in found.weeks] == [0] * 7 + [1]
    assert found.row.hours == "Mon–Fri 09:00–17:00"
    assert [len(day.times) for day in found.week] == [1] * 5 + [0] * 2
    assert person_page(published, books.current(published), "nobody", NOW) is None
