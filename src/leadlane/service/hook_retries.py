"""What becomes of deliveries of webhooks that are stored and were not routed? They are tried again.

Whoever takes a delivery in has it in hand for a while. One who dies in that time, or finds that nothing can
be routed at the moment, leaves it due, and a worker routes it. The keys of its leads make sure that a
delivery which two have in hand after all becomes the same leads.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime

from prometheus_client import Gauge
from psycopg import Connection

from leadlane.core.policy import Policy
from leadlane.service import hooks
from leadlane.service.batch import Receipt, route_batch
from leadlane.service.hooks import Outcome, Ready, Taken
from leadlane.service.rulebooks import Rulebooks
from leadlane.store import hooks as store
from leadlane.store import policies

UNROUTED = Gauge(
    "leadlane_hook_deliveries_unrouted",
    "Deliveries of webhooks that wait (received) or failed",
    ["state"],
    multiprocess_mode="mostrecent",
)

# So many in one go: what else is due does not wait for a thousand of them.
MOST = 20
_MEASURE_EVERY_SECONDS = 15.0
_measured_at = 0.0


def route_due(connection: Connection, books: Rulebooks, now: datetime) -> int:
    """Route the deliveries that are due, at most MOST; returns how many there were.

    While no policy is in force they keep waiting, and are due as soon as one is.
    """
    if policies.in_force(connection)[0] is None:
        return 0
    due = store.claim_due(connection, now, now + hooks.IN_HAND, MOST)
    for row in due:
        taken = hooks.taken_before(connection, row)
        ready, answers = _route(connection, books, taken, books.current(connection).policy, now)
        hooks.conclude(connection, taken, ready, answers, now)
    return len(due)


def next_due_at(connection: Connection) -> datetime | None:
    """When `route_due` has something to do; one that has passed means at once, None: once woken."""
    if policies.in_force(connection)[0] is None:
        return None
    return store.next_due_at(connection)


def measure(connection: Connection) -> None:
    """Bring the gauge of what is not routed up to date, now and then."""
    global _measured_at
    if time.monotonic() - _measured_at < _MEASURE_EVERY_SECONDS:
        return
    _measured_at = time.monotonic()
    for state, count in store.unrouted(connection).items():
        UNROUTED.labels(state).set(count)


def _route(
    connection: Connection, books: Rulebooks, taken: Taken, policy: Policy, now: datetime
) -> tuple[Ready, Sequence[Receipt | Exception]]:
    ready = Ready()
    try:
        ready = hooks.read_delivery(taken, policy)
        return ready, route_batch(connection, books, ready.submissions, now) if ready.submissions else []
    except Exception as error:
        if connection.broken or connection.closed:
            raise  # it is due again when nobody has it in hand any more
        return ready, [error]


def route_again(connection: Connection, books: Rulebooks, number: int, now: datetime) -> Outcome | None:
    """Route a stored delivery again because somebody asks for it, by the mapping as it is now.

    None where there is no such delivery. Leads of it that were routed before stay as they are.
    """
    row = store.delivery(connection, number)
    if row is None:
        return None
    if row.state == "routed":
        return Outcome(row.id, row.state, tuple(row.leads))
    taken = hooks.taken_before(connection, row)
    ready = hooks.read_delivery(taken, books.current(connection).policy, by_hand=True)
    answers = route_batch(connection, books, ready.submissions, now) if ready.submissions else []
    return hooks.conclude(connection, taken, ready, answers, now)
