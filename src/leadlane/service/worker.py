"""Who lets happen what is due? A worker: it sleeps until the next thing is due, or until it is woken.

It never looks in vain for long: it sleeps until the next due time, and the database wakes it when somebody
writes what is due sooner than it sleeps at most, changes the roster, or publishes a policy. A database that
is away is tried again, ever less often; what fell due meanwhile then takes one step, not many.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from prometheus_client import Counter, Gauge, Histogram
from psycopg import Connection

from leadlane.logging import get_logger
from leadlane.service import hook_retries
from leadlane.service.acts import serve_waiting
from leadlane.service.arrivals import RECENT, count_arrivals
from leadlane.service.loop import Loop
from leadlane.service.rulebooks import NothingPublishedError, Rulebooks
from leadlane.service.run_due import chase_some, make_round, next_due_at
from leadlane.store import batches, due

log = get_logger(__name__)

LATENESS = Histogram(
    "leadlane_due_lateness_seconds",
    "Time from when a step of a chase was due until it was acted on",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 600, 3600),
)
OVERDUE = Gauge("leadlane_due_waiting", "Leads whose step is overdue", multiprocess_mode="mostrecent")
OLDEST = Gauge(
    "leadlane_due_oldest_seconds", "How long the longest overdue step is", multiprocess_mode="mostrecent"
)
FAILED = Counter("leadlane_due_failed_total", "Steps that could not be acted on, each time they were tried")

# So many leads of a line that nobody can take are offered in one go; the others in the next ones.
_OFFERED_IN_VAIN = 2_000
# How often it is counted when leads come.
_COUNTED_EVERY_SECONDS = 3600.0
# How often the facts are made of what has changed, and for how long at most before what is due comes first.
_READ_EVERY_SECONDS, _READ_SECONDS = 30.0, 0.5
# Somebody holds what is due, or it failed: looked at again after this.
_BREATH_SECONDS = 0.1


class Worker(Loop):
    """Lets happen what is due, in this thread (`run`) or in one of its own (as a context manager)."""

    def __init__(self, url: str, books: Rulebooks, now: Callable[[], datetime]) -> None:
        super().__init__(url, "worker", due.CHANNEL)
        self._books = books
        self._now = now
        self._failed: set[str] = set()
        self._served_at = 0.0
        self._counted_at: float | None = None
        self._facts_at: float | None = None
        self._is_behind = False
        self._spots: dict[str, due.Spot] = {}

    def begin(self, connection: Connection) -> None:
        """Set the connection up for batches."""
        batches.configure(connection)

    def turn(self, connection: Connection) -> float:
        """Let everything happen that is due; returns the seconds until the next thing is."""
        self._let_happen(connection)
        return self._seconds_to_sleep(connection)

    def _let_happen(self, connection: Connection) -> None:
        self._look_after(connection, "round", self._make_round)
        self._look_after(connection, "line", self._serve)
        self._look_after(connection, "webhooks", self._route_deliveries)
        self._look_after(connection, "arrivals", self._count_arrivals)
        self._failed.clear()
        while not self.is_stopping:
            # The time of each batch is its own: after an outage there may be thousands of batches.
            chased = chase_some(connection, self._books, self._now(), but=self._failed)
            if not chased.found:
                break
            acted_at = self._now()
            for due_at in chased.due_at:
                LATENESS.observe(max(0.0, (acted_at - due_at).total_seconds()))
            self._failed.update(chased.failed)
            FAILED.inc(len(chased.failed))
        self._look_after(connection, "facts", self._make_facts)
        measure(connection, self._now())

    def _look_after(self, connection: Connection, what: str, how: Callable[[Connection], None]) -> None:
        """A defect here is no reason to leave alone those whose step is due."""
        try:
            how(connection)
        except NothingPublishedError:
            return
        except Exception:
            if connection.broken or connection.closed:
                raise
            FAILED.inc()
            log.exception("could not be looked after", what=what)

    def _make_round(self, connection: Connection) -> None:
        make_round(connection, self._books, self._now())

    def _route_deliveries(self, connection: Connection) -> None:
        hook_retries.route_due(connection, self._books, self._now())
        hook_retries.measure(connection)

    def _serve(self, connection: Connection) -> None:
        """Now and then offer leads that wait in line, whether or not anybody is known to have become free.

        Whoever made somebody free serves at once; but they may have died just before.
        """
        if time.monotonic() - self._served_at >= due.LONGEST_SLEEP.total_seconds():
            self._served_at = time.monotonic()
            serve_waiting(connection, self._books, None, self._now(), _OFFERED_IN_VAIN, self._spots)

    def _count_arrivals(self, connection: Connection) -> None:
        """Count when leads came: at first all of the last weeks, then now and then the last days."""
        now, last = time.monotonic(), self._counted_at
        if last is None:
            count_arrivals(connection, self._now())
        elif now - last >= _COUNTED_EVERY_SECONDS:
            count_arrivals(connection, self._now(), RECENT)
        else:
            return
        self._counted_at = now

    def _make_facts(self, connection: Connection) -> None:
        """Now and then read what has changed for reports; while much is left, whenever nothing is due."""
        now, last = time.monotonic(), self._facts_at
        if last is not None and now - last < _READ_EVERY_SECONDS and not self._is_behind:
            return
        # Imported here because every command that has a worker would wait for what computes figures.
        from leadlane.service.reporting import fact_files, facts

        self._facts_at, self._is_behind = now, False
        is_read = facts.catch_up(connection, _READ_SECONDS) == 0
        self._is_behind = not is_read or fact_files.keep_next(connection, fact_files.folder_of(connection))

    def _seconds_to_sleep(self, connection: Connection) -> float:
        longest = 0.0 if self._is_behind else due.LONGEST_SLEEP.total_seconds()
        now = self._now()
        moments = (next_due_at(connection, self._books, now), hook_retries.next_due_at(connection))
        due_at = min((moment for moment in moments if moment is not None), default=None)
        if due_at is None:
            return longest
        least = _BREATH_SECONDS if due_at <= now else 0.0
        if self._failed:
            least = 10 * _BREATH_SECONDS
        return min(max((due_at - now) / timedelta(seconds=1), least), longest)


def measure(connection: Connection, now: datetime) -> None:
    """Bring the gauges of what is overdue up to date."""
    count, oldest = due.overdue(connection, now)
    OVERDUE.set(count)
    OLDEST.set((now - oldest).total_seconds() if oldest is not None else 0.0)
