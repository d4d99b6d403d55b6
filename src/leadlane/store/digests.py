"""What does a person have to do today, what did others miss, and who has been told so this morning?"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson
from psycopg import Connection
from psycopg.rows import class_row

# So many leads are listed of each kind; the others are counted.
MOST_LISTED = 10


@dataclass(frozen=True, slots=True)
class Window:
    """Whose leads are looked at (`holders`), for whom, and from when until just before when."""

    person: str
    holders: tuple[str, ...]
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """A lead that belongs into the digest of `person`, and how many there are of the kind."""

    person: str
    lead_id: str
    holder: str
    fields: dict[str, Any]
    next_step: str | None
    at: datetime
    total: int


_FOUND = """
SELECT w.person, f.* FROM json_to_recordset(%(windows)s::json)
    AS w (person text, holders text[], start timestamptz, "end" timestamptz),
LATERAL (
    SELECT l.id AS lead_id, coalesce(l.covered_by, l.owner) AS holder, l.fields, l.next_step, {at} AS at,
           count(*) OVER () AS total
      FROM leads l
     WHERE (l.owner = ANY(w.holders) AND l.covered_by IS NULL OR l.covered_by = ANY(w.holders))
       AND {at} >= w.start AND {at} < w."end" AND {condition}
     ORDER BY {at}, l.id LIMIT %(most)s
) AS f
"""
_DUE = _FOUND.format(
    at="l.next_step_due_at", condition="l.stage IN ('assigned', 'accepted', 'working', 'review')"
)
# As `service.views.is_breached`: answered, or closed, after the moment that was promised, or not at all.
_MISSED = _FOUND.format(
    at="l.respond_by", condition="coalesce(l.responded_at, l.closed_at, 'infinity') > l.respond_by"
)


def due(connection: Connection, windows: Sequence[Window]) -> list[Entry]:
    """Leads whose next step is due in these windows, the earliest first."""
    return _found(connection, _DUE, windows)


def missed(connection: Connection, windows: Sequence[Window]) -> list[Entry]:
    """Leads of which nobody kept the promise that ended in these windows, the earliest first."""
    return _found(connection, _MISSED, windows)


def _found(connection: Connection, statement: str, windows: Sequence[Window]) -> list[Entry]:
    with connection.cursor(row_factory=class_row(Entry)) as cursor:
        values = {"windows": orjson.dumps(windows).decode(), "most": MOST_LISTED}
        return cursor.execute(statement.encode(), values).fetchall()


def begin(connection: Connection, days: Sequence[tuple[str, date]]) -> set[str]:
    """Remember that the day of these people has begun. Returns of whom nobody had remembered it yet."""
    rows = connection.execute(
        "INSERT INTO digests (person, day) SELECT * FROM unnest(%s::text[], %s::date[])"
        " ON CONFLICT DO NOTHING RETURNING person",
        [[person for person, _day in days], [day for _person, day in days]],
    )
    return {row[0] for row in rows}


def tell(connection: Connection, people: Collection[str], event: str, now: datetime) -> None:
    """Write to the outbox that these people are to be told. The words are made when it is sent."""
    connection.execute(
        "INSERT INTO outbox (event, person, created_at) SELECT %s, unnest(%s::text[]), %s",
        [event, sorted(people), now],
    )
