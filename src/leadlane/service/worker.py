"""Who lets happen what is due? A worker: it sleeps until the next thing is due, or until it is woken.

It never looks in vain for long: it sleeps until the next due time, and the database wakes it when somebody
writes what is due sooner than it sleeps at most, changes the roster, or publishes a policy. A database that
is away is tried again, ever less often; what fell due meanwhile then takes one step, not many.
"""

from __future__ import annotations

import selectors
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from types import TracebackType

import psycopg
from prometheus_client import Counter, Gauge, Histogram
from psycopg import Connection

from leadlane.errors import LeadlaneError
from leadlane.logging import get_logger
from leadlane.service.acts import serve_waiting
from leadlane.service.rulebooks import NothingPublishedError, Rulebooks
from leadlane.service.run_due import chase_some, make_round, next_due_at
from leadlane.store import batches, due
from leadlane.store.db import connect

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

_LONGEST_BACKOFF_SECONDS = 30.0
# So many leads of a line that nobody can take are offered in one go; the others in the next ones.
_OFFERED_IN_VAIN = 2_000
# Somebody holds what is due, or it failed: looked at again after this.
_BREATH_SECONDS = 0.1


class Worker:
    """One worker, to be run in this thread (`run`) or in one of its own (as a context manager).

    It uses two connections of its own to the database `url`: one to work, one to be woken by.
    """

    def __init__(self, url: str, books: Rulebooks, now: Callable[[], datetime]) -> None:
        self._url = url
        self._books = books
        self._now = now
        self._is_stopping = threading.Event()
        # A byte in here ends a sleep.
        self._bell, self._ear = socket.socketpair()
        self._failed: set[str] = set()
        self._served_at = 0.0
        self._spots: dict[str, due.Spot] = {}
        self._thread = threading.Thread(target=self.run, name="worker", daemon=True)

    def __enter__(self) -> Worker:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.stop()
        self._thread.join()

    def stop(self) -> None:
        """End soon: after the batch in hand. Safe to call from anywhere, also from a signal handler."""
        self._is_stopping.set()
        with suppress(OSError):  # it has ended already
            self._bell.send(b".")

    @property
    def is_alive(self) -> bool:
        """Whether the thread of the context manager is running."""
        return self._thread.is_alive()

    def run(self) -> None:
        """Work until told to stop, once. Nothing that goes wrong ends it."""
        with self._bell, self._ear:
            self._run()

    def _run(self) -> None:
        failures = 0
        while not self._is_stopping.is_set():
            begun = time.monotonic()
            try:
                self._work()
            except (psycopg.Error, LeadlaneError) as error:
                log.warning("worker interrupted", error=str(error))
            except Exception:
                # A defect must not end the chase of all other leads.
                log.exception("worker interrupted")
            # Whoever has worked for a while was not stopped by what stopped it before.
            failures = failures + 1 if time.monotonic() - begun < _LONGEST_BACKOFF_SECONDS else 1
            self._is_stopping.wait(min(0.1 * 2**failures, _LONGEST_BACKOFF_SECONDS))

    def _work(self) -> None:
        """Work on connections that hold; raises when one of them breaks, or for a defect."""
        with (
            connect(self._url, application_name="leadlane worker") as connection,
            connect(self._url, application_name="leadlane worker, listening") as listening,
        ):
            batches.configure(connection)
            # Before anything is looked up: what comes between looking and sleeping is heard.
            listening.execute(f"LISTEN {due.CHANNEL}")
            log.info("worker started")
            while not self._is_stopping.is_set():
                self._let_happen(connection)
                self._sleep(listening, self._seconds_to_sleep(connection))

    def _let_happen(self, connection: Connection) -> None:
        self._look_after(connection, "round", self._make_round)
        self._look_after(connection, "line", self._serve)
        self._failed.clear()
        while not self._is_stopping.is_set():
            # The time of each batch is its own: after an outage there may be thousands of batches.
            chased = chase_some(connection, self._books, self._now(), but=self._failed)
            if not chased.found:
                break
            acted_at = self._now()
            for due_at in chased.due_at:
                LATENESS.observe(max(0.0, (acted_at - due_at).total_seconds()))
            self._failed.update(chased.failed)
            FAILED.inc(len(chased.failed))
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

    def _serve(self, connection: Connection) -> None:
        """Now and then offer leads that wait in line, whether or not anybody is known to have become free.

        Whoever made somebody free serves at once; but they may have died just before.
        """
        if time.monotonic() - self._served_at >= due.LONGEST_SLEEP.total_seconds():
            self._served_at = time.monotonic()
            serve_waiting(connection, self._books, None, self._now(), _OFFERED_IN_VAIN, self._spots)

    def _seconds_to_sleep(self, connection: Connection) -> float:
        longest = due.LONGEST_SLEEP.total_seconds()
        now = self._now()
        due_at = next_due_at(connection, self._books, now)
        if due_at is None:
            return longest
        least = _BREATH_SECONDS if due_at <= now else 0.0
        if self._failed:
            least = 10 * _BREATH_SECONDS
        return min(max((due_at - now) / timedelta(seconds=1), least), longest)

    def _sleep(self, listening: Connection, seconds: float) -> None:
        """Until the time has passed, the database notifies, or `stop` is called."""
        with selectors.DefaultSelector() as selector:
            selector.register(listening, selectors.EVENT_READ)
            selector.register(self._ear, selectors.EVENT_READ)
            heard = [key.fileobj for key, _events in selector.select(seconds)]
        if listening in heard:
            for _notified in listening.notifies(timeout=0):
                pass  # one look answers all of them


def measure(connection: Connection, now: datetime) -> None:
    """Bring the gauges of what is overdue up to date."""
    count, oldest = due.overdue(connection, now)
    OVERDUE.set(count)
    OLDEST.set((now - oldest).total_seconds() if oldest is not None else 0.0)
