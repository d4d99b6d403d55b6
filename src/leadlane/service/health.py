"""Is everything as it must be? What keeps a lead from moving, found soon and told once.

late     steps of chases are due and nobody acts on them
review   nobody is there to look at what comes to review
unsound  the watchdog found something in the database that does not agree
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Literal

import psycopg
from psycopg import Connection

from leadlane.core.pick import is_away
from leadlane.errors import LeadlaneError
from leadlane.i18n import _, ngettext
from leadlane.logging import get_logger
from leadlane.service.rulebooks import NothingPublishedError, Rulebooks
from leadlane.store import alarms, due
from leadlane.store.db import connect
from leadlane.store.watchdog import violations

log = get_logger(__name__)

Kind = Literal["late", "review", "unsound"]

LOOK_EVERY = timedelta(seconds=30)
# Reads whole tables: seconds for a million leads.
WATCHDOG_EVERY = timedelta(minutes=10)
_MOST_COUNTED = 100_000
_MOST_TOLD = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it must be, in words. `is_grave`: leads are left where nobody sees them."""

    kind: Kind
    text: str
    is_grave: bool


def check(connection: Connection, books: Rulebooks, now: datetime, late_after: timedelta) -> list[Finding]:
    """What is wrong at present; a few index probes. Of the watchdog: what it found when it last ran."""
    found = [_late(connection, now, late_after), _review(connection, books, now)]
    found += [
        Finding("unsound", alarm.reason, is_grave=True)
        for alarm in alarms.lasting(connection)
        if alarm.kind == "unsound"
    ]
    return [one for one in found if one is not None]


def watch(connection: Connection, books: Rulebooks, now: datetime, late_after: timedelta) -> list[Finding]:
    """Check, run the watchdog when it is its time, and see to the alarms. Returns what is wrong."""
    found = [one for one in check(connection, books, now, late_after) if one.kind != "unsound"]
    kinds: set[Kind] = {"late", "review"}
    if alarms.take_turn(connection, now, WATCHDOG_EVERY):
        kinds.add("unsound")
        found += unsound(violations(connection))
    _tell(connection, found, kinds, now)
    return found


def unsound(wrong: Sequence[str]) -> list[Finding]:
    """What the watchdog found, as one finding; none when all agrees."""
    if not wrong:
        return []
    text = ngettext(
        "The database disagrees with itself in {n} way: {examples}",
        "The database disagrees with itself in {n} ways: {examples}",
        len(wrong),
    ).format(n=len(wrong), examples="; ".join(wrong[:_MOST_TOLD]))
    return [Finding("unsound", text, is_grave=True)]


def _late(connection: Connection, now: datetime, late_after: timedelta) -> Finding | None:
    count, oldest = due.overdue(connection, now - late_after, _MOST_COUNTED)
    if oldest is None:
        return None
    minutes = int((now - oldest) / timedelta(minutes=1))
    text = ngettext(
        "A step of {n} lead is overdue, by {minutes} minutes: no worker acts on it.",
        "Steps of {n} leads are overdue, by up to {minutes} minutes: no worker acts on them.",
        count,
    ).format(n=count, minutes=minutes)
    return Finding("late", text, is_grave=True)


def _review(connection: Connection, books: Rulebooks, now: datetime) -> Finding | None:
    try:
        book = books.current(connection)
    except NothingPublishedError:
        return None
    pool = book.policy.review_pool
    if pool is None:
        return None
    people = [book.roster.people[id_] for id_ in book.benches[pool].ids]
    if any(one.active and not is_away(one, now) for one in people):
        return None
    text = _("Nobody of the review pool {pool} is there: what comes to review waits unseen.")
    return Finding("review", text.format(pool=pool), is_grave=False)


def _tell(connection: Connection, found: Sequence[Finding], kinds: Set[Kind], now: datetime) -> None:
    """An alarm for each kind of trouble that is new; those of `kinds` that are no more have ended."""
    with connection.transaction():
        for one in found:
            if alarms.begin(connection, one.kind, one.text, now):
                log.error("alarm", kind=one.kind, reason=one.text)
        for kind in alarms.end(connection, kinds - {one.kind for one in found}):
            log.info("alarm over", kind=kind)


class Watch:
    """A thread that watches, while the context manager is open; it outlives whatever goes wrong.

    Beside the workers and not one of them: who watches is not to be as late as what is watched.
    """

    def __init__(
        self,
        url: str,
        books: Rulebooks,
        now: Callable[[], datetime],
        late_after: timedelta,
        every: timedelta = LOOK_EVERY,
    ) -> None:
        self._url = url
        self._books = books
        self._now = now
        self._late_after = late_after
        self._every_seconds = every.total_seconds()
        self._is_stopping = threading.Event()
        self._connection: Connection | None = None
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._is_stopping.set()
        # Whoever stops need not wait until whole tables have been read.
        if self._connection is not None and not self._connection.closed:
            self._connection.cancel()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_stopping.is_set():
            try:
                with connect(self._url, application_name="leadlane watch") as self._connection:
                    self._watch(self._connection)
            except psycopg.errors.QueryCanceled:
                continue
            except (psycopg.Error, LeadlaneError) as error:
                log.warning("watch interrupted", error=str(error))
            except Exception:
                log.exception("watch interrupted")  # a defect in one check must not end all watching
            self._is_stopping.wait(self._every_seconds)

    def _watch(self, connection: Connection) -> None:
        # Not at once: after an outage the workers need a moment to catch up.
        while not self._is_stopping.wait(self._every_seconds):
            watch(connection, self._books, self._now(), self._late_after)
