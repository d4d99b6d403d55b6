"""A worker sleeps until something is due, is woken by what it could not know, and survives its database."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import psycopg
import pytest
from prometheus_client import REGISTRY
from tests.service.conftest import NOW
from tests.service.due import Company, company, lead

from leadlane.service import worker as module
from leadlane.service.reporting import facts
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.worker import Worker
from leadlane.store.db import connect

__all__ = ["company"]


class Time:
    """A clock that the test sets."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@contextmanager
def at_work(url: str, now: Time) -> Iterator[Worker]:
    with Worker(url, Rulebooks(), now) as worker:
        wait_until(lambda: _is_listening(url))
        yield worker
    assert not worker.is_alive


def _is_listening(url: str) -> bool:
    """Whether the worker has nothing to do and waits."""
    with connect(url) as db:
        row = db.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name LIKE 'leadlane worker%' AND state = 'idle' AND query <> ''"
        ).fetchone()
    return row is not None and row[0] == 2


def _failed() -> float:
    return REGISTRY.get_sample_value("leadlane_due_failed_total") or 0.0


def wait_until(holds: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_what_is_due_at_the_start_happens_at_once(company: Company, database_url: str) -> None:
    company.route([lead("L1")])
    with at_work(database_url, Time(NOW + timedelta(minutes=31))):
        wait_until(lambda: company.events("L1")[-1] == "reminded")


def test_a_worker_sleeps_until_the_next_step(
    company: Company, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    company.route([lead("L1")])
    slept: list[float] = []
    listened = Worker._sleep

    def note(self: Worker, listening: psycopg.Connection, seconds: float) -> None:
        slept.append(seconds)
        listened(self, listening, seconds)

    monkeypatch.setattr(Worker, "_sleep", note)
    with at_work(database_url, Time(NOW + timedelta(minutes=29, seconds=30))):
        wait_until(lambda: bool(slept))
    assert slept == [30.0]


def test_an_absence_wakes_a_worker(company: Company, database_url: str) -> None:
    company.route([lead("L1", domain="owned.example")])
    assert company.row("L1")[:2] == ("ann", None)
    with at_work(database_url, Time()):
        company.away("ann", NOW - timedelta(hours=1), NOW + timedelta(hours=5))
        wait_until(lambda: company.row("L1")[1] == "bob")


def test_a_first_policy_wakes_a_worker(db: psycopg.Connection, database_url: str) -> None:
    with at_work(database_url, Time(NOW + timedelta(hours=1))):
        founded = Company(db)
        founded.route([lead("L1")])
        # Due already by the worker's clock, though not by the sender's: only whoever is woken looks.
        founded.away("olga", NOW, NOW + timedelta(hours=1))
        wait_until(lambda: "escalated" in founded.events("L1"))


def test_what_is_due_within_a_sleep_announces_itself(company: Company, database_url: str) -> None:
    with connect(database_url) as listening:
        listening.execute("LISTEN leadlane_due")
        company.route([lead("L1")])
        assert list(listening.notifies(timeout=0.1)) == []
        company.db.execute("UPDATE leads SET chase_at = changed_at + interval '59 seconds'")
        assert len(list(listening.notifies(timeout=0.1))) == 1


def test_a_database_that_drops_connections_is_tried_again(company: Company, database_url: str) -> None:
    company.route([lead("L1")])
    now = Time()
    with at_work(database_url, now):
        company.db.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name LIKE 'leadlane worker%'"
        )
        now.now += timedelta(minutes=31)
        wait_until(lambda: company.events("L1")[-1] == "reminded")


def test_a_lead_that_cannot_be_acted_on_does_not_hold_up_the_others(
    company: Company, database_url: str
) -> None:
    company.route([lead(f"L{n}") for n in range(5)])
    company.db.execute("UPDATE leads SET policy_version = 'gone' WHERE id = 'L2'")
    before = _failed()
    with at_work(database_url, Time(NOW + timedelta(minutes=31))):
        wait_until(lambda: company.count("reminded") == 4)
        wait_until(lambda: _failed() > before)
    assert "reminded" not in company.events("L2")


def test_a_lead_in_line_is_served_though_whoever_made_room_died(company: Company, database_url: str) -> None:
    company.fill_up()
    company.route([lead("L1")])
    assert company.waiting() == ["L1"]
    # As by somebody who closed a lead and died before they could serve.
    company.db.execute("UPDATE loads SET open = 0 WHERE person IN ('ann', 'bob')")
    with at_work(database_url, Time()):
        wait_until(lambda: company.waiting() == [])


def test_stop_is_heard_in_the_middle_of_a_sleep(company: Company, database_url: str) -> None:
    begun = time.monotonic()
    with at_work(database_url, Time()):
        pass
    assert time.monotonic() - begun < 5


def test_stop_ends_a_worker_whose_database_is_away() -> None:
    worker = Worker("postgresql://127.0.0.1:1/nowhere?connect_timeout=1", Rulebooks(), Time())
    with worker:
        time.sleep(0.3)
        assert worker.is_alive
    assert not worker.is_alive


def test_several_workers_take_each_step_once(company: Company, database_url: str) -> None:
    company.route([lead(f"L{n}") for n in range(600)])
    now = Time(NOW + timedelta(minutes=31))
    ends = [Worker(database_url, Rulebooks(), now) for _n in range(3)]
    threads = [threading.Thread(target=one.run) for one in ends]
    for thread in threads:
        thread.start()
    wait_until(lambda: company.count("reminded") == 600)
    for one, thread in zip(ends, threads, strict=True):
        one.stop()
        thread.join()
    assert company.count("reminded") == 600


def test_what_reports_read_is_made_in_the_background_until_nothing_is_left(
    company: Company, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    company.route([lead(f"L{number}") for number in range(5)])
    # So little at a time that one turn does not do.
    monkeypatch.setattr(facts, "_WINDOW", 3)
    monkeypatch.setattr(module, "_READ_SECONDS", 0.0)
    with at_work(database_url, Time()), connect(database_url) as db:
        wait_until(lambda: db.execute("SELECT count(*) FROM lead_facts").fetchone() == (5,))
