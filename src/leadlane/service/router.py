"""How do requests become batches? One thread takes what is waiting, and routes it as one.

Idle, a lead is a batch of its own and waits for nothing; busy, hundreds share one commit. The batch
size is never chosen: it is whatever came in while the batch before was being written.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import psycopg
from prometheus_client import Counter, Histogram
from psycopg_pool import ConnectionPool

from leadlane.errors import LeadlaneError
from leadlane.i18n import _
from leadlane.logging import get_logger
from leadlane.service.batch import Receipt, route_batch
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.submission import Submission

log = get_logger(__name__)

BATCH_SIZE = Histogram(
    "leadlane_batch_size", "Leads decided in one transaction", buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500)
)
BATCH_SECONDS = Histogram("leadlane_batch_seconds", "Time from taking a batch to its commit, in seconds")
DECIDED = Counter("leadlane_decisions_total", "Submissions by what became of them", ["status"])

# Called once for every submission, with its receipt or with why it failed.
Done = Callable[[Receipt | Exception], None]


class BusyError(LeadlaneError):
    """More is waiting than can be routed in reasonable time."""


class Router:
    """The queue of one process and the thread that empties it. `deliver` gets each batch's answers.

    `deliver` is called in the router's thread with the (done, answer) pairs of a whole batch, so that
    a server can hand them to its event loop in one step.
    """

    def __init__(
        self,
        pool: ConnectionPool[Any],
        books: Rulebooks,
        now: Callable[[], datetime],
        batch_max: int,
        waiting_max: int = 20_000,
        deliver: Callable[[list[tuple[Done, Receipt | Exception]]], None] | None = None,
    ) -> None:
        self._pool = pool
        self._books = books
        self._now = now
        self._batch_max = batch_max
        self._waiting_max = waiting_max
        self._deliver = deliver or _call_each
        self._waiting: deque[tuple[Submission, Done]] = deque()
        self._work = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="router", daemon=True)

    def start(self) -> None:
        """Begin to take submissions from the queue."""
        self._thread.start()

    def stop(self) -> None:
        """Route what is waiting, then end. Nothing that was accepted is dropped."""
        with self._work:
            self._stopping = True
            self._work.notify()
        self._thread.join()

    @property
    def is_alive(self) -> bool:
        """Whether the thread that routes is running."""
        return self._thread.is_alive()

    @property
    def fullness(self) -> float:
        """How full the line is, from 0 to 1; at 1 submissions are refused."""
        return len(self._waiting) / self._waiting_max

    def submit(self, submissions: Sequence[tuple[Submission, Done]]) -> None:
        """Put submissions in line. BusyError, and nothing is taken, when the line is too long."""
        with self._work:
            if self._stopping or len(self._waiting) + len(submissions) > self._waiting_max:
                message = _("Too many leads are waiting to be routed.")
                raise BusyError(message, _("Send them again in a moment."))
            self._waiting.extend(submissions)
            self._work.notify()

    def _run(self) -> None:
        while True:
            with self._work:
                while not self._waiting and not self._stopping:
                    self._work.wait()
                if not self._waiting:
                    return
                taken = [self._waiting.popleft() for _i in range(min(self._batch_max, len(self._waiting)))]
            self._deliver(list(zip((done for _s, done in taken), self._route(taken), strict=True)))

    def _route(self, taken: Sequence[tuple[Submission, Done]]) -> Sequence[Receipt | Exception]:
        submissions = [submission for submission, _done in taken]
        BATCH_SIZE.observe(len(submissions))
        try:
            with BATCH_SECONDS.time(), self._pool.connection() as connection:
                receipts = route_batch(connection, self._books, submissions, self._now())
        except (LeadlaneError, psycopg.Error) as error:
            log.warning("batch failed", leads=len(submissions), error=str(error))
            return [error] * len(submissions)
        except Exception as error:
            # The thread must live on: a defect met by one batch is not to stop all that come after.
            log.exception("batch failed", leads=len(submissions))
            return [error] * len(submissions)
        for receipt in receipts:
            DECIDED.labels(receipt.status).inc()
        return receipts


def _call_each(answers: list[tuple[Done, Receipt | Exception]]) -> None:
    for done, answer in answers:
        done(answer)
