"""What is known of the leads of a period, in columns? What reports read, kept ready to be read at once."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from math import inf

from psycopg import Connection

from leadlane.core.rulebook import Rulebook
from leadlane.errors import LeadlaneError
from leadlane.i18n import _
from leadlane.insight.facts import codes_in, fields_of, joined, leads_of, names_in, packed, signal_of
from leadlane.insight.leads import Leads
from leadlane.service.reporting import fact_files
from leadlane.store import facts as store
from leadlane.store.facts import Source, Stretch, Which

# So many rows that tell of changes are read in one transaction, so many leads made anew in one statement.
_WINDOW = 4_000
_AT_ONCE = 1_000
# Those who write take milliseconds; who takes longer is not waited for, and read again.
_WAIT_SECONDS = 0.1
_LOOK_EVERY_SECONDS = 0.002
# So long a report waits for what has changed; more is left after an upgrade, or while much is imported.
_PATIENCE_SECONDS = 3.0
_FIRST = datetime(1, 1, 2, tzinfo=UTC)


class NotReadyError(LeadlaneError):
    """More has happened than is read for reports while somebody waits; it is read in the background."""

    def __init__(self, left: int) -> None:
        super().__init__(
            _("Reports are being prepared: about {left} events are still to be read.").format(
                left=f"{left:,}"
            ),
            _("Try again in a minute. After an upgrade, a million leads take some minutes, once."),
        )


def facts(
    connection: Connection,
    book: Rulebook,
    since: datetime,
    until: datetime,
    which: Which = "arrived",
    *,
    with_merged: bool = False,
) -> Leads:
    """The leads that arrived in [since, until), or (`ended`) whose promise ended in it, in columns.

    What is in it: docs/decisions/0008-facts.md. Names of groups are ids as stored. Leads that were merged
    into another are only there `with_merged`. NotReadyError while too much is to be read for the first time.
    """
    if left := catch_up(connection, _PATIENCE_SECONDS):
        raise NotReadyError(left)
    period = Stretch(since, until)
    files = fact_files.kept(fact_files.folder_of(connection), store.months(connection, which, period))
    read = {
        month.arrived: fields
        for month, path in files.items()
        if (fields := fact_files.read(path, which, period, with_merged=with_merged)) is not None
    }
    rest = [
        store.read(connection, which, of_year, arrived, with_merged=with_merged)
        for arrived in _between(list(read), until)
        for of_year in _years(period)
    ]
    fields = joined([fields_of(rest), *read.values()])
    names = store.names_of(connection, codes_in(fields))
    return leads_of(fields, names, book.roster)


def _between(months: Sequence[Stretch], until: datetime) -> list[Stretch]:
    """All of the time before `until` that is in none of these months, which are in order."""
    edges = [_FIRST, *(edge for month in months for edge in (month.since, month.until)), until]
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return [Stretch(begin, end) for begin, end in pairs if begin < end]


def _years(period: Stretch) -> Iterator[Stretch]:
    """The period in parts of a calendar year: PostgreSQL makes no value of more than a gigabyte."""
    begin = period.since
    while begin < period.until:
        end = min(period.until, datetime(begin.astimezone(UTC).year + 1, 1, 1, tzinfo=UTC))
        yield Stretch(begin, end)
        begin = end


def catch_up(connection: Connection, seconds: float = inf) -> int:
    """Make the facts of all leads that have changed, for about so long at most.

    Returns about how many rows that tell of changes are left to be read; 0: all are. Within a transaction
    that sees only the past there is nothing to read on: then facts are as they were.
    """
    if not store.sees_what_is_committed(connection):
        return 0
    until = time.monotonic() + seconds
    left = 0
    for source in store.SOURCES:
        begin: int | None = None
        while (begin := _read_on(connection, source, begin)) is not None:
            if time.monotonic() >= until:
                left += store.rows_left(connection, source, begin)
                break
    return left


def _read_on(connection: Connection, source: Source, begin: int | None) -> int | None:
    """Read the next rows that tell of changes, after `begin` or where somebody last was; up to which one.

    None: there are none. What may be told of between them by somebody who has not committed is read again:
    nobody goes on from there until that has ended.
    """
    # To lock is to write, and to wait for the disk: mostly there is nothing to read.
    if not store.is_more(connection, source, begin or 0):
        return None
    with connection.transaction():
        up_to = store.lock_reading(connection, source)
        window = store.next_window(connection, source, max(begin or 0, up_to), _WINDOW)
        if window is None:
            return None
        is_whole = _have_ended(connection, source, store.writers(connection, source))
        make(connection, store.changed(connection, window))
        if is_whole and window.begin == up_to:
            store.read_up_to(connection, source, window.end)
    return window.end


def _have_ended(connection: Connection, source: Source, writers: frozenset[str]) -> bool:
    """Whether all these have ended; a moment is waited for it, since most take no longer."""
    until = time.monotonic() + _WAIT_SECONDS
    while writers:
        if time.monotonic() >= until:
            return False
        time.sleep(_LOOK_EVERY_SECONDS)
        writers &= store.writers(connection, source)
    return True


def make(connection: Connection, ids: Sequence[str]) -> None:
    """Make the facts of these leads anew."""
    for begin in range(0, len(ids), _AT_ONCE):
        made = store.made_from(connection, ids[begin : begin + _AT_ONCE])
        made = {**made, "signal": list(map(signal_of, made["intent_by"], made["signals_told"]))}
        codes = store.codes_of(connection, sorted(names_in(made)))
        store.write(connection, made, packed(made, codes))
