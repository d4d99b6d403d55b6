"""What waits for a person to decide, and who is next? In the order in which it is to be looked at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

MOST_COUNTED = 1000
# What is promised comes first; the index `leads_review` is ordered by the same expression.
_KEY = "coalesce(CASE WHEN responded_at IS NULL THEN respond_by END, 'infinity'::timestamptz)"


@dataclass(frozen=True, slots=True)
class InReview:
    """A lead that a person is to decide about; `owner` is whoever was chosen for it."""

    id: str
    arrived_at: datetime
    fields: dict[str, Any]
    intent: str
    fit: str
    deal_value: float | None
    route: str
    waiting_pool: str | None
    owner: str | None
    respond_by: datetime | None
    responded_at: datetime | None
    unsure: bool
    place: int


_COLUMNS = (
    "id, arrived_at, fields, intent, fit, deal_value, route, waiting_pool, owner, respond_by, responded_at,"
    " unsure, place"
)


def queue(connection: Connection, most: int, after: str = "") -> list[InReview]:
    """What waits, at most `most`: the next promise to end first, then the oldest; those behind a lead.

    `after` need not wait itself any more: it keeps the place in the line that it had.
    """
    key = f"{_KEY}, arrived_at, id"
    behind = f" AND ({key}) > (SELECT {key} FROM leads WHERE id = %(after)s)" if after else ""
    with connection.cursor(row_factory=class_row(InReview)) as cursor:
        return cursor.execute(
            f"SELECT {_COLUMNS} FROM leads WHERE stage = 'review'{behind} ORDER BY {key} LIMIT %(most)s",
            {"after": after, "most": most},
        ).fetchall()


def next_after(connection: Connection, lead_id: str) -> str | None:
    """The lead to look at after this one; behind the last, the first again. None: no other waits."""
    for after in (lead_id, ""):
        found = [one.id for one in queue(connection, 2, after) if one.id != lead_id]
        if found:
            return found[0]
    return None


def count(connection: Connection) -> int:
    """How many wait, counted up to MOST_COUNTED."""
    row = connection.execute(
        "SELECT count(*) FROM (SELECT FROM leads WHERE stage = 'review' LIMIT %s) AS waiting",
        [MOST_COUNTED],
    ).fetchone()
    assert row is not None  # an aggregate always gives one row
    return int(row[0])
