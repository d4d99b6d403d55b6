"""What ended long ago is forgotten; what somebody still has to see to is not."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from tests.service.conftest import NOW, lead, published
from tests.service.telling import (
    MakeLead,
    Told,
    demo,
    give_to,
    people,
    route,
    run_once,
    sending,
    states,
    wait_until,
)

from leadlane.core.act import Act
from leadlane.outbound.message import Failure
from leadlane.service.acts import act
from leadlane.service.rulebooks import Rulebooks
from leadlane.store import deliveries
from leadlane.store.watchdog import violations

__all__ = ["lead", "published"]

LATER = NOW + timedelta(days=91)
CUT = LATER - timedelta(days=90)


def close(db: psycopg.Connection, lead_id: str) -> None:
    (receipt,) = act(db, Rulebooks(), [Act(lead_id, "close", by="maria", outcome="lost")], NOW)
    assert receipt.status == "updated"


def count(db: psycopg.Connection, table: str) -> int:
    row = db.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
    assert row is not None
    return int(row[0])


def test_what_was_sent_long_ago_of_closed_leads_is_forgotten(
    published: psycopg.Connection, lead: MakeLead
) -> None:
    route(published, demo(lead, 1), demo(lead, 2))
    run_once(published, people(Told("email")), NOW)
    close(published, "L1")
    assert deliveries.forget(published, NOW, 100) == 0
    assert deliveries.forget(published, CUT, 100) > 0
    assert (count(published, "deliveries"), count(published, "delivery_items")) == (0, 0)
    leads = published.execute("SELECT DISTINCT lead_id FROM outbox").fetchall()
    assert leads == [("L2",)], "of an open lead it is known that its owner was told"
    assert violations(published) == []


@pytest.mark.parametrize("state", ["waiting", "sending", "uncertain", "dead"])
def test_what_is_not_sent_for_sure_is_never_forgotten(
    published: psycopg.Connection, lead: MakeLead, state: str
) -> None:
    route(published, demo(lead, 1))
    run_once(published, people(Told("email")), NOW)
    close(published, "L1")
    ends = None if state in ("waiting", "sending") else NOW
    published.execute("UPDATE deliveries SET state = %s, finished_at = %s", [state, ends])
    before = count(published, "outbox")
    deliveries.forget(published, CUT, 100)
    assert states(published) == [state]
    assert count(published, "outbox") == before, "what it tells of can still be shown"


def test_it_goes_in_small_batches(published: psycopg.Connection, lead: MakeLead) -> None:
    route(published, *(demo(lead, n) for n in range(3)))
    for n, person in enumerate(("anna", "boris", "dora")):
        give_to(published, f"L{n}", person, NOW)
    run_once(published, people(Told("email", Failure("permanent", "?"))), NOW)
    published.execute("UPDATE deliveries SET state = 'moot', finished_at = %s", [NOW])
    total = count(published, "deliveries")
    assert total > 2
    assert deliveries.forget(published, CUT, 2) == 2
    assert count(published, "deliveries") == total - 2


def test_a_sender_forgets_by_itself(published: psycopg.Connection, database_url: str, lead: MakeLead) -> None:
    setup = people(Told("email"), digest=False)
    route(published, demo(lead, 1))
    run_once(published, setup, NOW)
    with sending(database_url, setup, lambda: LATER):
        wait_until(lambda: not states(published))
