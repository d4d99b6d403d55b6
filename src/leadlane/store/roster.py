"""Who can receive leads, now and at every revision before?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson
from psycopg import Connection
from psycopg.rows import class_row

Entries = dict[str, dict[str, dict[str, Any]]]
KINDS = ("person", "team", "hours", "holidays")


def entries(connection: Connection, revision: int) -> Entries:
    """The contents of the roster at a revision: kind → id → content."""
    found: Entries = {kind: {} for kind in KINDS}
    rows = connection.execute(
        "SELECT DISTINCT ON (kind, id) kind, id, content FROM roster_entries"
        " WHERE revision <= %s ORDER BY kind, id, revision DESC",
        [revision],
    )
    for kind, id_, content in rows:
        if content is not None:
            found[kind][id_] = content
    return found


def has_people(connection: Connection) -> bool:
    """Whether there has ever been anybody in the roster."""
    row = connection.execute("SELECT EXISTS (SELECT FROM roster_entries WHERE kind = 'person')").fetchone()
    assert row is not None  # a SELECT of a scalar always gives one row
    return bool(row[0])


def entry(connection: Connection, kind: str, id_: str, revision: int) -> dict[str, Any] | None:
    """One content of the roster at a revision; None where there is none."""
    row = connection.execute(
        "SELECT content FROM roster_entries WHERE kind = %s AND id = %s AND revision <= %s"
        " ORDER BY revision DESC LIMIT 1",
        [kind, id_, revision],
    ).fetchone()
    return row[0] if row else None


def lock_revision(connection: Connection) -> int:
    """The present revision, locked: until this transaction ends nobody else changes the roster."""
    row = connection.execute("SELECT revision FROM roster_revision FOR UPDATE").fetchone()
    assert row is not None  # the table has exactly one row
    return int(row[0])


def change(
    connection: Connection,
    changes: Iterable[tuple[str, str, Mapping[str, Any] | None]],
    at: datetime,
    by: str,
) -> int:
    """Store (kind, id, content) entries under a new revision; content None removes. Returns the revision.

    Every person gets a row in `loads`. Call `lock_revision` first.
    """
    revision = lock_revision(connection) + 1
    rows = [{"kind": kind, "id": id_, "content": content} for kind, id_, content in changes]
    text = orjson.dumps(rows).decode()
    connection.execute("UPDATE roster_revision SET revision = %s", [revision])
    connection.execute(
        "INSERT INTO roster_entries (kind, id, revision, content, changed_at, changed_by)"
        " SELECT kind, id, %s, content, %s, %s"
        " FROM json_to_recordset(%s::json) AS e (kind text, id text, content json)",
        [revision, at, by, text],
    )
    # Nothing came on any day yet: a day that begins later where the person is would hide what comes today.
    connection.execute(
        "INSERT INTO loads (person, open, today, today_on)"
        " SELECT id, 0, 0, %s FROM json_to_recordset(%s::json) AS e (kind text, id text)"
        " WHERE kind = 'person' ON CONFLICT DO NOTHING",
        [date.min, text],
    )
    return revision


def holiday_dates(content: Mapping[str, Any]) -> frozenset[date]:
    """The dates of a stored entry of public holidays."""
    return frozenset(date.fromisoformat(day) for day in content["days"])


@dataclass(frozen=True, slots=True)
class LoadRow:
    """What a person has in hand, as stored."""

    person: str
    open: int
    today: int
    today_on: date


def loads(connection: Connection) -> list[LoadRow]:
    """Everyone's load, in order of id."""
    with connection.cursor(row_factory=class_row(LoadRow)) as cursor:
        return cursor.execute("SELECT person, open, today, today_on FROM loads ORDER BY person").fetchall()
