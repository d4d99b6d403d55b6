"""What is wrong is found, told once, and told to be over."""

from __future__ import annotations

import time
from datetime import timedelta

from tests.service.conftest import NOW
from tests.service.due import Company, company, lead

from leadlane.service.health import WATCHDOG_EVERY, Watch, check, watch
from leadlane.service.rulebooks import Rulebooks
from leadlane.store.alarms import lasting

__all__ = ["company"]

LATE_AFTER = timedelta(minutes=2)
DUE = NOW + timedelta(minutes=30)
LATE = DUE + LATE_AFTER + timedelta(seconds=1)


def _alarms(company: Company) -> list[str]:
    rows = company.db.execute(
        "SELECT reason FROM outbox WHERE event = 'alarm' AND person IS NULL AND lead_id IS NULL ORDER BY id"
    )
    return [row[0] for row in rows]


def _kinds(company: Company, now: timedelta = timedelta()) -> list[str]:
    return [one.kind for one in check(company.db, company.books, NOW + now, LATE_AFTER)]


def test_all_is_well_in_a_company_that_is_well(company: Company) -> None:
    company.route([lead("L1"), lead("L2", "visit"), lead("L3", domain="owned.example")])
    assert watch(company.db, company.books, NOW, LATE_AFTER) == []
    assert _alarms(company) == []


def test_due_work_that_is_late_is_told_once_and_again_when_it_comes_back(company: Company) -> None:
    company.route([lead("L1"), lead("L2")])
    assert watch(company.db, company.books, DUE + LATE_AFTER, LATE_AFTER) == []
    found = watch(company.db, company.books, LATE, LATE_AFTER)
    assert [(one.kind, one.is_grave) for one in found] == [("late", True)]
    assert "2 leads are overdue, by up to 2 minutes" in found[0].text
    for _again in range(3):
        watch(company.db, company.books, LATE + timedelta(minutes=1), LATE_AFTER)
    assert _alarms(company) == [found[0].text]
    company.run(LATE + timedelta(minutes=2))
    assert watch(company.db, company.books, LATE + timedelta(minutes=2), LATE_AFTER) == []
    assert lasting(company.db) == []
    watch(company.db, company.books, LATE + timedelta(days=1), LATE_AFTER)
    assert len(_alarms(company)) == 2


def test_a_review_pool_with_nobody_there_is_told(company: Company) -> None:
    company.away("olga", NOW + timedelta(hours=1), NOW + timedelta(hours=2))
    assert _kinds(company) == []
    assert _kinds(company, timedelta(hours=1)) == ["review"]
    assert _kinds(company, timedelta(hours=2)) == []
    watch(company.db, company.books, NOW + timedelta(hours=1), LATE_AFTER)
    assert _alarms(company) == ["Nobody of the review pool desk is there: what comes to review waits unseen."]


def test_the_watchdog_runs_every_ten_minutes_and_what_it_found_stays_known(company: Company) -> None:
    company.route([lead("L1")])
    assert watch(company.db, company.books, NOW, LATE_AFTER) == []
    company.db.execute("UPDATE leads SET next_step_due_at = NULL")
    soon = NOW + WATCHDOG_EVERY - timedelta(seconds=1)
    assert watch(company.db, company.books, soon - timedelta(minutes=1), LATE_AFTER) == []
    company.run(NOW + WATCHDOG_EVERY)
    found = watch(company.db, company.books, NOW + WATCHDOG_EVERY, LATE_AFTER)
    assert [(one.kind, one.is_grave) for one in found] == [("unsound", True)]
    assert "in 1 way" in found[0].text
    assert "L1" in found[0].text
    # Known to everybody who asks, until the watchdog finds that it is over.
    later = WATCHDOG_EVERY + timedelta(minutes=1)
    assert check(company.db, company.books, NOW + later, LATE_AFTER) == found
    watch(company.db, company.books, NOW + later, LATE_AFTER)
    assert _kinds(company, later) == ["unsound"]
    company.db.execute("UPDATE leads SET next_step_due_at = respond_by")
    watch(company.db, company.books, NOW + 2 * WATCHDOG_EVERY, LATE_AFTER)
    assert _kinds(company, 2 * WATCHDOG_EVERY) == []
    assert len(_alarms(company)) == 1


def test_an_alarm_about_no_lead_does_not_alarm_the_watchdog(company: Company) -> None:
    company.route([lead("L1")])
    watch(company.db, company.books, LATE, LATE_AFTER)
    assert _alarms(company)
    company.run(LATE)
    assert watch(company.db, company.books, LATE + WATCHDOG_EVERY, LATE_AFTER) == []


def test_a_watch_looks_again_and_again_and_ends_at_once(company: Company, database_url: str) -> None:
    company.route([lead("L1")])
    begun = time.monotonic()
    with Watch(database_url, Rulebooks(), lambda: LATE, LATE_AFTER, timedelta(seconds=0.05)):
        while not _alarms(company):
            assert time.monotonic() - begun < 10
            time.sleep(0.02)
    with Watch(database_url, Rulebooks(), lambda: LATE, LATE_AFTER):
        pass  # ends although its next look would be in half a minute
    assert time.monotonic() - begun < 10
