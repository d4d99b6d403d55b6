"""Each morning, once: what is due, what is overdue, and to managers what their people missed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from tests.service.conftest import NOW
from tests.service.telling import (
    MakeLead,
    Told,
    demo,
    give_to,
    people,
    put_changed,
    route,
    run_once,
    sending,
    states,
    wait_until,
)

from leadlane.core.act import Act
from leadlane.outbound.message import DIGEST, Item
from leadlane.service.acts import act
from leadlane.service.digest import LATEST, prepare
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.ways import Setup

# Nine o'clock in Berlin, on the day after.
MORNING = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
FRIDAY = NOW + timedelta(days=4)


def begin_day(db: psycopg.Connection, now: datetime) -> datetime | None:
    return prepare(db, Rulebooks().current(db), now)


def written(db: psycopg.Connection) -> list[str]:
    rows = db.execute("SELECT person FROM outbox WHERE event = 'digest' ORDER BY person")
    return [row[0] for row in rows]


def of_boris(db: psycopg.Connection, lead: MakeLead, *numbers: int, now: datetime = NOW) -> None:
    route(db, *(demo(lead, n, now=now) for n in numbers), now=now)
    for n in numbers:
        give_to(db, f"L{n}", "boris", now)
    db.execute("DELETE FROM outbox")


def digest_of(told: Told, person: str) -> Item:
    (item,) = [
        item
        for job in told.jobs
        if job.delivery.person == person and job.message is not None
        for item in job.message.items
        if item.event == DIGEST
    ]
    return item


def test_who_has_something_to_do_hears_it_when_their_day_begins(
    published: psycopg.Connection, lead: MakeLead
) -> None:
    of_boris(published, lead, 1, 2)
    act(
        published,
        Rulebooks(),
        [Act("L2", "plan", by="boris", reason="Call Kim", due_at=MORNING + timedelta(hours=3))],
        NOW,
    )
    published.execute("DELETE FROM outbox")
    before = begin_day(published, MORNING - timedelta(seconds=1))
    assert (before, written(published)) == (MORNING, [])
    begin_day(published, MORNING)
    assert written(published) == ["boris", "maria"]
    told = Told("email")
    run_once(published, people(told), MORNING)
    mine = digest_of(told, "boris")
    assert mine.reason == "Overdue: 1. Due today: 1."
    assert [label for label, _lines in mine.listing] == ["Overdue", "Due today"]
    assert mine.listing[1][1] == ("Tue 3 Mar 12:00 · Kim Number2, Firm 2: Call Kim",)
    theirs = digest_of(told, "maria")
    assert theirs.reason == "Promises that your people did not keep: 2."
    assert all(line.endswith("Boris Keller") for line in theirs.listing[0][1])


def test_it_comes_once_whatever_restarts(
    published: psycopg.Connection, database_url: str, lead: MakeLead
) -> None:
    of_boris(published, lead, 1)
    told = Told("email")
    setup = Setup(people(told).settings, people(told).outbound, {"email": told.way})
    for _start in range(3):
        with sending(database_url, setup, lambda: MORNING + timedelta(minutes=1)):
            wait_until(lambda: [job for job in told.jobs if job.delivery.person == "boris"])
    begin_day(published, MORNING + timedelta(hours=1))
    assert len([job for job in told.jobs if job.delivery.person == "boris"]) == 1
    assert written(published) == ["boris", "maria"]


def test_two_who_prepare_at_once_write_one(
    database_url: str, published: psycopg.Connection, lead: MakeLead
) -> None:
    of_boris(published, lead, 1)
    with psycopg.connect(database_url, autocommit=True) as other:
        with published.transaction():
            begin_day(published, MORNING)
            other.execute("SET lock_timeout = '200ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                begin_day(other, MORNING)
        other.execute("SET lock_timeout = 0")
        begin_day(other, MORNING)
    assert written(published) == ["boris", "maria"]


def test_nobody_hears_that_there_is_nothing(published: psycopg.Connection) -> None:
    begin_day(published, MORNING)
    assert written(published) == []
    assert published.execute("SELECT count(*) > 9 FROM digests").fetchone() == (True,)


def test_what_is_done_by_the_time_it_is_sent_is_not_told(
    published: psycopg.Connection, lead: MakeLead
) -> None:
    of_boris(published, lead, 1)
    begin_day(published, MORNING)
    act(published, Rulebooks(), [Act("L1", "close", by="boris", outcome="lost")], MORNING)
    told = Told("email")
    run_once(published, people(told), MORNING)
    assert [job for job in told.jobs if job.delivery.person == "boris"] == []
    assert states(published, person="boris") == ["moot"]


@pytest.mark.parametrize(
    "moment",
    [MORNING + LATEST + timedelta(minutes=1), datetime(2026, 3, 7, 8, tzinfo=UTC)],
    ids=["after an outage of the whole morning", "on a Saturday"],
)
def test_it_is_of_the_morning_of_working_days(
    published: psycopg.Connection, lead: MakeLead, moment: datetime
) -> None:
    of_boris(published, lead, 1)
    begin_day(published, moment)
    assert written(published) == []


def test_who_is_away_is_left_in_peace(published: psycopg.Connection, lead: MakeLead) -> None:
    of_boris(published, lead, 1)
    put_changed(published, "boris", away=[{"from": "2026-03-03", "until": "2026-03-04"}])
    begin_day(published, MORNING)
    assert written(published) == ["maria"]


def test_each_day_begins_where_the_person_works(published: psycopg.Connection, lead: MakeLead) -> None:
    of_boris(published, lead, 1)
    put_changed(published, "boris", timezone="America/New_York", country="US")
    begin_day(published, MORNING)
    assert written(published) == ["maria"]
    begin_day(published, MORNING + timedelta(hours=6))
    assert written(published) == ["boris", "maria"]


def test_on_a_monday_a_manager_hears_what_was_missed_since_friday(
    published: psycopg.Connection, lead: MakeLead
) -> None:
    of_boris(published, lead, 1, now=FRIDAY)
    told = Told("email")
    monday = MORNING + timedelta(days=6)
    begin_day(published, monday)
    run_once(published, people(told), monday)
    assert "Promises that your people did not keep: 1." in digest_of(told, "maria").reason


def test_many_are_counted_and_the_first_are_listed(published: psycopg.Connection, lead: MakeLead) -> None:
    of_boris(published, lead, *range(1, 14))
    begin_day(published, MORNING)
    told = Told("email")
    run_once(published, people(told), MORNING)
    item = digest_of(told, "boris")
    assert item.reason == "Overdue: 13. Due today: 0."
    ((_label, lines),) = item.listing
    assert (len(lines), lines[-1]) == (11, "and 3 more")
