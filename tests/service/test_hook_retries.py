"""Deliveries that are stored and were not routed are routed by themselves: after a death, after trouble."""

from __future__ import annotations

from datetime import timedelta

import orjson
import psycopg
import pytest
from psycopg import errors
from tests.crash.company import wait_until
from tests.service.test_hooks import BODY, MAPPING, NOW, REFERENCE, app, deliver, sql, typeform

from leadlane.app import App
from leadlane.clock import now as real_now
from leadlane.policy.roster import read_roster
from leadlane.service import hook_retries, hooks
from leadlane.service.hook_retries import next_due_at, route_due
from leadlane.service.publish import publish
from leadlane.service.roster import put_roster
from leadlane.service.router import BusyError
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.worker import Worker
from leadlane.store import hooks as store
from leadlane.store.watchdog import violations

__all__ = ["app"]

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def take_in(connection: psycopg.Connection, body: bytes = BODY) -> hooks.Taken:
    """Stored, and whoever did so dies."""
    return hooks.take_in(connection, "form", typeform(body), NOW, {})


def test_whoever_dies_in_between_leaves_it_due(app: App, db: psycopg.Connection) -> None:
    take_in(db)
    assert next_due_at(db) == NOW + hooks.IN_HAND
    assert route_due(db, app.books, NOW + hooks.IN_HAND - SECOND) == 0
    assert route_due(db, app.books, NOW + hooks.IN_HAND) == 1
    assert sql(app, "SELECT state, body, due_at, attempts FROM hook_deliveries") == [
        ("routed", None, None, 2)
    ]
    # The prospect has waited since then.
    assert sql(app, "SELECT arrived_at FROM leads") == [(NOW,)]
    assert next_due_at(db) is None
    assert violations(db) == []


def test_what_one_has_in_hand_another_leaves_alone(app: App, db: psycopg.Connection) -> None:
    take_in(db)
    due = NOW + MINUTE
    with db.transaction():
        db.execute("SELECT FROM hook_deliveries FOR UPDATE")
        with app.pool.connection() as other:
            assert route_due(other, app.books, due) == 0
    assert route_due(db, app.books, due) == 1
    # And if both had it after all, it is one lead.
    sql(app, "UPDATE hook_deliveries SET state = 'received', due_at = received_at, body = '"
        + BODY.decode() + "'")  # fmt: skip
    assert route_due(db, app.books, due) == 1
    assert sql(app, "SELECT count(*) FROM decisions") == [(1,)]


def test_trouble_that_lasts_is_tried_ever_less_often_and_never_given_up(
    app: App, db: psycopg.Connection
) -> None:
    taken = take_in(db)
    now, waits = NOW, []
    for _n in range(14):
        hooks.conclude(db, taken, hooks.Ready(), [BusyError("Too many leads are waiting.")], now)
        due = next_due_at(db)
        assert due is not None
        waits.append(due - now)
        now = due
        (row,) = store.claim_due(db, now, now + hooks.IN_HAND, 10)
        taken = hooks.taken_before(db, row)
    assert waits[0] <= 2 * SECOND
    assert waits[5] > 10 * SECOND
    assert max(waits) == waits[-1] == hooks.LONGEST_WAIT
    ((state, problems, attempts),) = sql(app, "SELECT state, problems, attempts FROM hook_deliveries")
    assert (state, attempts) == ("received", 15)
    assert problems[0]["reason"] == "Too many leads are waiting."
    assert route_due(db, app.books, now + MINUTE) == 1
    assert sql(app, "SELECT state, problems FROM hook_deliveries") == [("routed", [])]


def test_what_cannot_be_read_fails_visibly_and_is_not_tried_again(app: App, db: psycopg.Connection) -> None:
    take_in(db, b"{")
    take_in(db)
    assert route_due(db, app.books, NOW + MINUTE) == 2
    assert sql(app, "SELECT state, due_at FROM hook_deliveries ORDER BY id") == [
        ("failed", None),
        ("routed", None),
    ]
    assert next_due_at(db) is None


def test_a_defect_holds_up_no_other(
    app: App, db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_in(db, orjson.dumps({"id": "d0", "mail": "a@b.example"}))
    take_in(db)
    truly = hooks.read_delivery

    def stumbling(taken: hooks.Taken, *more: object) -> hooks.Ready:
        if taken.row.delivery_id == "d0":
            raise ZeroDivisionError
        return truly(taken, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(hooks, "read_delivery", stumbling)
    assert route_due(db, app.books, NOW + MINUTE) == 2
    assert sql(app, "SELECT state FROM hook_deliveries ORDER BY id") == [("failed",), ("routed",)]


def test_many_are_routed_a_few_at_a_time(app: App, db: psycopg.Connection) -> None:
    for number in range(hook_retries.MOST + 3):
        take_in(db, orjson.dumps({"id": str(number), "mail": f"ada@{number}.example"}))
    assert route_due(db, app.books, NOW + MINUTE) == hook_retries.MOST
    assert route_due(db, app.books, NOW + MINUTE) == 3
    assert sql(app, "SELECT count(*) FROM leads") == [(hook_retries.MOST + 3,)]


def test_the_database_itself_keeps_what_waits_due(app: App, db: psycopg.Connection) -> None:
    take_in(db)
    with pytest.raises(errors.CheckViolation):
        db.execute("UPDATE hook_deliveries SET due_at = NULL")


def test_a_worker_routes_what_waited_for_a_policy_as_soon_as_there_is_one(
    db: psycopg.Connection, database_url: str
) -> None:
    hooks.put(db, MAPPING, NOW, secret="a secret of the sender")
    hooks.take_in(db, "form", typeform(), real_now() - MINUTE, {})
    with Worker(database_url, Rulebooks(), real_now):
        wait_until(lambda: bool(db.execute("SELECT FROM pg_stat_activity WHERE"
                                           " application_name = 'leadlane worker'").fetchall()))  # fmt: skip
        assert db.execute("SELECT attempts FROM hook_deliveries").fetchall() == [(1,)]
        document, _problems = read_roster(REFERENCE.joinpath("roster.yaml").read_bytes())
        assert document is not None
        put_roster(db, document, "test", NOW)
        publish(db, REFERENCE.joinpath("policy.yaml").read_text(), "p.yaml", "test", "", NOW)
        wait_until(lambda: db.execute("SELECT state FROM hook_deliveries").fetchall() == [("routed",)])


def test_a_worker_is_woken_by_what_could_not_be_routed(app: App, database_url: str) -> None:
    with Worker(database_url, Rulebooks(), real_now), app.pool.connection() as db:
        taken = hooks.take_in(db, "form", typeform(), real_now(), {})
        hooks.conclude(db, taken, hooks.Ready(), [BusyError("Too many leads are waiting.")], real_now())
        wait_until(lambda: db.execute("SELECT state FROM hook_deliveries").fetchall() == [("routed",)])


def test_sent_again_while_it_waits_it_is_routed_at_once(app: App, db: psycopg.Connection) -> None:
    take_in(db)
    assert deliver(app, typeform(), NOW + SECOND).state == "routed"
    assert route_due(db, app.books, NOW + MINUTE) == 0
