"""How is something tried that takes a while? In a thread of its own; how far it is stands in the database.

One at a time in a process, so that whoever routes and shows pages meanwhile keeps most of it. A run whose
process ends is not taken up by another: it is told as stopped, and started again by whoever wants it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from psycopg_pool import ConnectionPool

from leadlane.errors import LeadlaneError
from leadlane.i18n import _, language
from leadlane.logging import get_logger
from leadlane.store import workshop
from leadlane.store.workshop import RunKind, RunRow

log = get_logger(__name__)

# A run that has said nothing for so long has nobody who works on it.
SILENT_AFTER = timedelta(seconds=45)
# How often a run says how far it is.
_EVERY_SECONDS = 0.4
_turn = threading.Semaphore(1)

# Says how far a piece of work is: how much is done, and of how much.
Report = Callable[[int, int], None]
Work = Callable[[Report], Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """Who tries something, of which kind, with which policy version, and in which language they read."""

    user_id: str
    kind: RunKind
    version: str
    language: str


class _OvertakenError(Exception):
    """Somebody began anew; nobody waits for this any more."""


def start(
    pool: ConnectionPool[Any], now: Callable[[], datetime], asked: Asked, work: Work
) -> threading.Thread:
    """Begin a piece of work in the background; what it returns, as JSON, becomes the result of the run."""
    id_ = uuid4()
    with pool.connection() as connection:
        workshop.begin_run(connection, asked.user_id, asked.kind, id_, asked.version, now())
    thread = threading.Thread(
        target=_run, args=(pool, now, id_, asked, work), name=f"workshop {asked.kind}", daemon=True
    )
    thread.start()
    return thread


def is_running(run: RunRow | None, now: datetime) -> bool:
    """Whether somebody works on it."""
    return run is not None and run.finished_at is None and now - run.heard_at < SILENT_AFTER


def _run(pool: ConnectionPool[Any], now: Callable[[], datetime], id_: UUID, asked: Asked, work: Work) -> None:
    result, problem = None, ""
    with language(asked.language):
        try:
            with _turn_of(lambda: _note(pool, now, id_, 0, 0)):
                result = work(_reporter(pool, now, id_))
        except _OvertakenError:
            return
        except LeadlaneError as error:
            problem = f"{error.message} {error.hint}".strip()
        except Exception:
            log.exception("a run of the workshop failed", kind=asked.kind)
            problem = _("Something is wrong on our side. The log of the server says more.")
    with pool.connection() as connection:
        workshop.end_run(connection, id_, result, problem, now())


@contextmanager
def _turn_of(note: Callable[[], None]) -> Iterator[None]:
    """Within the block it is this run's turn; until then it says that it is still there."""
    while not _turn.acquire(timeout=SILENT_AFTER.total_seconds() / 3):
        note()
    try:
        yield
    finally:
        _turn.release()


def _reporter(pool: ConnectionPool[Any], now: Callable[[], datetime], id_: UUID) -> Report:
    last = 0.0

    def report(done: int, total: int) -> None:
        nonlocal last
        moment = time.monotonic()
        if moment - last >= _EVERY_SECONDS:
            last = moment
            _note(pool, now, id_, done, total)

    return report


def _note(pool: ConnectionPool[Any], now: Callable[[], datetime], id_: UUID, done: int, total: int) -> None:
    with pool.connection() as connection:
        if not workshop.note_run(connection, id_, done, total, now()):
            raise _OvertakenError
