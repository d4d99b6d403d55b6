"""What is wrong at present, and was everybody told? One row for each kind of trouble, while it lasts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg import Connection
from psycopg.rows import class_row


@dataclass(frozen=True, slots=True)
class Alarm:
    """A kind of trouble that lasts, since when, and what it was in words when it began."""

    kind: str
    since: datetime
    reason: str


def lasting(connection: Connection) -> list[Alarm]:
    """The alarms that are not over, the oldest first."""
    with connection.cursor(row_factory=class_row(Alarm)) as cursor:
        return cursor.execute("SELECT kind, since, reason FROM alarms ORDER BY since, kind").fetchall()


def begin(connection: Connection, kind: str, reason: str, now: datetime) -> bool:
    """Begin an alarm and write every admin a message.

    False, and nothing is done, while one of its kind lasts.
    """
    row = connection.execute(
        "WITH begun AS (INSERT INTO alarms (kind, since, reason) VALUES (%(kind)s, %(at)s, %(reason)s)"
        " ON CONFLICT DO NOTHING RETURNING reason)"
        " INSERT INTO outbox (event, created_at, reason)"
        " SELECT 'alarm', %(at)s, reason FROM begun RETURNING 1",
        {"kind": kind, "at": now, "reason": reason},
    ).fetchone()
    return row is not None


def end(connection: Connection, kinds: Collection[str]) -> list[str]:
    """End the alarms of these kinds; returns those that lasted."""
    rows = connection.execute("DELETE FROM alarms WHERE kind = ANY(%s) RETURNING kind", [list(kinds)])
    return [row[0] for row in rows]


def take_turn(connection: Connection, now: datetime, every: timedelta) -> bool:
    """Whether it is this caller's turn to compare everything with everything: once in so long, by anybody."""
    row = connection.execute(
        "UPDATE rounds SET watched_at = %(now)s WHERE watched_at IS NULL OR watched_at <= %(now)s - %(every)s"
        " RETURNING 1",
        {"now": now, "every": every},
    ).fetchone()
    return row is not None
