"""What is due happens when it is due, once, and in order."""

from __future__ import annotations

import threading
from datetime import timedelta

import psycopg
from tests.service.conftest import NOW
from tests.service.due import POLICY, Company, company, lead

from leadlane.service.replay import replay_all
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.run_due import chase_some, next_due_at, run_due
from leadlane.store import due
from leadlane.store.db import connect
from leadlane.store.watchdog import violations

__all__ = ["company"]

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def _is_sound(company: Company) -> None:
    assert violations(company.db) == []
    assert all(one.is_identical for one in replay_all(company.db, Rulebooks()))


def test_nothing_is_due_where_nothing_is_published(db: psycopg.Connection) -> None:
    assert run_due(db, Rulebooks(), NOW) == 0
    assert next_due_at(db, Rulebooks(), NOW) is None


def test_the_steps_of_a_chase_come_one_by_one(company: Company) -> None:
    company.route([lead("L1")])
    company.run(NOW)
    first = company.row("L1")[0]
    assert next_due_at(company.db, company.books, NOW) == NOW + 30 * MINUTE
    assert company.run(NOW + 30 * MINUTE - timedelta(microseconds=1)) == 0
    for minutes, event in ((30, "reminded"), (60, "escalated"), (90, "handed_on")):
        assert company.run(NOW + minutes * MINUTE) == 1
        assert company.run(NOW + minutes * MINUTE) == 0
        assert company.count(event) == 1
    second, cover, stage, chase_at = company.row("L1")
    assert {first, second} == {"ann", "bob"}
    assert (cover, stage, chase_at) == (None, "assigned", NOW + 120 * MINUTE)
    _is_sound(company)


def test_after_an_outage_only_the_last_of_the_overdue_steps_is_taken(company: Company) -> None:
    company.route([lead("L1")])
    assert company.run(NOW + 5 * DAY) == 1
    assert company.events("L1") == [
        "arrived", "assigned", "step_skipped", "step_skipped", "handed_on", "assigned",
    ]  # fmt: skip
    assert company.row("L1")[3] == NOW + 5 * DAY + 30 * MINUTE
    _is_sound(company)


def test_a_response_ends_the_chase(company: Company) -> None:
    company.route([lead("L1"), lead("L2")])
    company.act("L1", "touch", NOW + MINUTE, by=company.row("L1")[0], how="call")
    assert company.row("L1")[3] is None
    assert company.run(NOW + 30 * MINUTE) == 1
    assert "reminded" not in company.events("L1")


def test_an_absence_is_covered_from_its_beginning_to_its_end(company: Company) -> None:
    company.route([lead("L1", domain="owned.example")])
    assert company.row("L1")[:2] == ("ann", None)
    company.away("ann", NOW + HOUR, NOW + 3 * HOUR)
    company.run(NOW)
    company.act("L1", "accept", NOW, by="ann")
    assert next_due_at(company.db, company.books, NOW) == NOW + 30 * MINUTE
    assert company.run(NOW + HOUR) >= 1
    assert company.row("L1")[:2] == ("ann", "bob")
    assert company.run(NOW + HOUR) == 0
    company.act("L1", "touch", NOW + 2 * HOUR, by="bob", how="email")
    assert next_due_at(company.db, company.books, NOW + 2 * HOUR) == NOW + 3 * HOUR
    assert company.run(NOW + 3 * HOUR) == 1
    assert company.row("L1")[:2] == ("ann", None)
    _is_sound(company)


def test_an_absence_entered_late_or_ended_early_counts_at_once(company: Company) -> None:
    company.route([lead("L1", domain="owned.example")])
    company.run(NOW + 20 * MINUTE)
    company.away("ann", NOW + 10 * MINUTE, NOW + DAY)
    now = NOW + 25 * MINUTE
    assert next_due_at(company.db, company.books, now) == now
    company.run(now)
    assert company.row("L1")[:2] == ("ann", "bob")
    company.change("ann", away=[])
    company.run(now)
    assert company.row("L1")[:2] == ("ann", None)
    _is_sound(company)


def test_whom_nobody_covers_raises_one_alarm(company: Company) -> None:
    company.change("ann", backup=None)
    company.route([lead("L1", domain="owned.example")])
    company.away("ann", NOW, NOW + DAY)
    company.run(NOW)
    company.change("olga", level="senior")
    company.run(NOW + MINUTE)
    for minutes in (2, 3):
        company.publish(POLICY.replace("after: 90 minutes", f"after: 9{minutes} minutes"))
        company.run(NOW + minutes * MINUTE)
    rows = company.db.execute("SELECT person FROM outbox WHERE event = 'alarm'").fetchall()
    assert rows == [("cyd",)]


def test_a_new_day_serves_who_waits_in_line(company: Company) -> None:
    for person in ("ann", "bob"):
        company.change(person, per_day=1)
    company.route([lead(f"L{n}") for n in range(4)])
    company.run(NOW)
    assert company.waiting() == ["L2", "L3"]
    for _lead in ("L0", "L1"):  # whoever answers is not chased
        company.act(_lead, "touch", NOW, by=company.row(_lead)[0], how="call")
    midnight = NOW.replace(hour=23, minute=0)  # in Berlin
    company.run(midnight - MINUTE)
    assert company.waiting() == ["L2", "L3"]
    assert next_due_at(company.db, company.books, midnight - MINUTE) == midnight
    company.run(midnight)
    assert company.waiting() == []
    assert {company.row("L2")[0], company.row("L3")[0]} == {"ann", "bob"}
    _is_sound(company)


def test_freed_capacity_serves_the_oldest_in_line(company: Company) -> None:
    company.fill_up()
    company.route([lead("L1"), lead("L2")])
    assert company.waiting() == ["L1", "L2"]
    company.act("full-1", "close", NOW + MINUTE, outcome="lost")
    assert company.waiting() == ["L2"]
    company.change("bob", max_open=2)
    company.run(NOW + MINUTE)
    assert company.waiting() == []
    assert company.row("L2")[0] == "bob"
    _is_sound(company)


def test_a_policy_published_later_changes_no_promise_made(company: Company) -> None:
    company.route([lead("L1")])
    company.publish(POLICY.replace("after: 30 minutes", "after: 10 minutes").replace("2 hours", "1 hour"))
    company.route([lead("L2")], NOW + MINUTE)
    assert company.run(NOW + 11 * MINUTE) == 1
    assert (company.events("L1")[-1], company.events("L2")[-1]) == ("assigned", "reminded")
    assert company.run(NOW + 30 * MINUTE) == 1
    assert company.events("L1")[-1] == "reminded"
    _is_sound(company)


def test_a_clock_whose_hours_have_changed_is_counted_anew(company: Company) -> None:
    company.publish(POLICY.replace("after: 30 minutes", "after: 30 business minutes"))
    company.route([lead("L1")])
    holder = company.row("L1")[0]
    company.change(holder, hours={"mon-fri": ["11:00-17:00"]})  # NOW is 10:00 in Berlin
    assert company.run(NOW + 30 * MINUTE) == 0
    assert company.row("L1")[3] == NOW + HOUR  # the next step; that of the hours comes after it
    assert next_due_at(company.db, company.books, NOW + 30 * MINUTE) == NOW + HOUR
    company.run(NOW + 4 * HOUR)
    assert {"escalated", "step_skipped", "handed_on"} & set(company.events("L1"))
    _is_sound(company)


def test_two_workers_take_different_leads_and_each_step_once(company: Company, database_url: str) -> None:
    company.route([lead(f"L{n:03}") for n in range(400)])
    now = NOW + 30 * MINUTE
    start = threading.Barrier(2)
    acted: list[int] = []

    def work() -> None:
        with connect(database_url) as connection:
            start.wait()
            acted.append(run_due(connection, Rulebooks(), now, limit=25))

    threads = [threading.Thread(target=work) for _n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(acted) == 400
    assert min(acted) >= 25, "one of them found nothing to do"
    assert company.count("reminded") == 400
    _is_sound(company)


def test_what_another_worker_holds_is_passed_over(company: Company, database_url: str) -> None:
    company.route([lead(f"L{n}") for n in range(4)])
    now = NOW + 30 * MINUTE
    with connect(database_url) as other, other.transaction():
        assert due.claim(other, ["L0", "L1"]) == {"L0", "L1"}
        assert len(chase_some(company.db, company.books, now, limit=2).due_at) == 2
        assert not chase_some(company.db, company.books, now, limit=2).found
    # The other one died, or had nothing to do: they are due still.
    assert len(chase_some(company.db, company.books, now, limit=2).due_at) == 2
    assert company.count("reminded") == 4


def test_pools_waited_for_are_found_one_by_one(company: Company) -> None:
    company.fill_up()
    company.route([lead(f"L{n}") for n in range(5)])
    assert due.pools_waited_for(company.db) == ["team"]
    company.db.execute("UPDATE leads SET waiting_pool = 'desk' WHERE id IN ('L1', 'L3')")
    assert due.pools_waited_for(company.db) == ["desk", "team"]
    assert due.is_anybody_waiting(company.db)
