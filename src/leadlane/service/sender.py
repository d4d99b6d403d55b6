"""Who sends messages? A loop that plans and claims, and for each channel some threads that send.

A channel that hangs holds up its own threads and nobody else's. How sending ended is written down by the
loop, on its one connection; while the database is away, answers wait in memory.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta

from psycopg import Connection

from leadlane.core.rulebook import Rulebook
from leadlane.i18n import N_, _
from leadlane.logging import get_logger
from leadlane.outbound.message import Failure, Sent
from leadlane.service.deliver import claim, leave_what_is_not_set_up, measure, settle
from leadlane.service.digest import prepare
from leadlane.service.loop import Loop
from leadlane.service.planning import plan_all
from leadlane.service.rulebooks import NothingPublishedError, Rulebooks
from leadlane.service.ways import Job, Setup, Way
from leadlane.store import deliveries

log = get_logger(__name__)

PARALLEL = 8
_LONGEST_SLEEP_SECONDS = 60.0
# What is due is somebody else's to send first; looked at again after this.
_BREATH_SECONDS = 0.2
_MEASURE_EVERY_SECONDS = 15.0
_FORGET_EVERY_SECONDS = 3600.0
# Small enough that nobody waits for it.
_FORGOTTEN_AT_ONCE = 1_000
# Whoever stops lets what is being sent end, so that nothing is uncertain; but not for ever.
_PATIENCE_SECONDS = 30.0
_DIED = N_("Whoever was sending it ended before an answer came.")
_DEFECT = N_("A defect stopped the sending; the log says which.")


class Sender(Loop):
    """Tells people and machines what is in the outbox, while the context manager is open."""

    def __init__(self, url: str, books: Rulebooks, setup: Setup, now: Callable[[], datetime]) -> None:
        super().__init__(url, "sender", deliveries.NOTIFIED)
        self._books = books
        self._setup = setup
        self._now = now
        self._pools = {
            name: ThreadPoolExecutor(PARALLEL, thread_name_prefix=f"send {name}") for name in setup.ways
        }
        self._busy: Counter[str] = Counter()
        self._ended: deque[tuple[Job, Sent | Failure]] = deque()
        self._measured_at = 0.0
        self._forgets_at = 0.0
        # When a working day begins next, by the rules and the roster that were in force when it was asked.
        self._digests_at: datetime | None = None
        self._digests_of: Rulebook | None = None

    def begin(self, connection: Connection) -> None:
        """Make the channels known; what is new hears of what happens from now on."""
        deliveries.configure(connection)
        with suppress(NothingPublishedError):
            # The first message is not to wait until the rules are compiled.
            roster = self._books.current(connection).roster
            leave_what_is_not_set_up(connection, roster, self._setup, self._now())
        deliveries.know_channels(connection, self._setup.ways, self._now())

    def turn(self, connection: Connection) -> float:
        """Write down what has ended, and send what is to be sent; the seconds until there is more."""
        self._write_down(connection)
        for one in deliveries.recover(connection, self._now(), _(_DIED)):
            log.warning("its sender died", delivery=one.id, channel=one.channel, state=one.state)
        seconds = self._prepare_digests(connection)
        plan_all(connection, self._books, self._setup, self._now())
        again = [seconds, *(self._send_by(connection, way) for way in self._setup.ways.values())]
        if time.monotonic() - self._measured_at >= _MEASURE_EVERY_SECONDS:
            self._measured_at = time.monotonic()
            measure(connection, self._now())
        self._forget(connection)
        return min([_LONGEST_SLEEP_SECONDS, *(seconds for seconds in again if seconds is not None)])

    def end(self, connection: Connection) -> None:
        """Let what is being sent end, and write it down."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while self._busy.total() and time.monotonic() < deadline:
            self._write_down(connection)
            time.sleep(0.01)
        self._write_down(connection)
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)

    def _prepare_digests(self, connection: Connection) -> float | None:
        """Write the digests of those whose day begins; the seconds until anybody else's does."""
        if not self._setup.outbound.digest:
            return None
        try:
            book = self._books.current(connection)
        except NothingPublishedError:
            return None
        now = self._now()
        if book is not self._digests_of or (self._digests_at is not None and now >= self._digests_at):
            self._digests_at = prepare(connection, book, now)
            self._digests_of = book
        return (self._digests_at - now) / timedelta(seconds=1) if self._digests_at is not None else None

    def _forget(self, connection: Connection) -> None:
        """Delete some of what ended long ago; soon again where there is more, else after an hour."""
        if time.monotonic() < self._forgets_at:
            return
        before = self._now() - timedelta(days=self._setup.settings.keep_messages_days)
        is_more = deliveries.forget(connection, before, _FORGOTTEN_AT_ONCE) == _FORGOTTEN_AT_ONCE
        self._forgets_at = time.monotonic() + (_MEASURE_EVERY_SECONDS if is_more else _FORGET_EVERY_SECONDS)

    def _send_by(self, connection: Connection, way: Way) -> float | None:
        """Send by a channel what its free threads can; the seconds until more can be, None: once woken."""
        room = PARALLEL - self._busy[way.name]
        if not room:
            return None
        now = self._now()
        jobs, again_at = claim(connection, self._books, self._setup, way, room, now)
        for job in jobs:
            self._busy[way.name] += 1
            self._pools[way.name].submit(self._send, way, job)
        if len(jobs) == room:
            return None
        if again_at is None:
            again_at = deliveries.next_moment(connection, [way.name])
        if again_at is None:
            return None
        return max((again_at - now) / timedelta(seconds=1), _BREATH_SECONDS)

    def _send(self, way: Way, job: Job) -> None:
        try:
            outcome = way.send(job, self._now())
        except Exception:
            log.exception("sending failed by a defect", delivery=job.delivery.id, channel=way.name)
            outcome = Failure("uncertain" if job.message is not None else "temporary", _(_DEFECT))
        self._ended.append((job, outcome))
        self.ring()

    def _write_down(self, connection: Connection) -> None:
        while self._ended:
            job, outcome = self._ended[0]
            try:
                settle(connection, self._books, self._setup, job.delivery, outcome, self._now())
            except Exception:
                if connection.broken or connection.closed:
                    raise  # it stays first in line, for the next connection
                # Its lease will end.
                log.exception("how sending ended could not be written down", delivery=job.delivery.id)
            self._ended.popleft()
            self._busy[job.delivery.channel] -= 1
