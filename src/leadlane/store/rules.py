"""Which routes placed any lead in a period, and what was prevented?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection
from psycopg.rows import class_row


@dataclass(frozen=True, slots=True)
class Merged:
    """Arrivals that became part of open leads: of how many leads, and how many of these somebody has."""

    arrivals: int
    leads: int
    owned: int


MERGED = """
SELECT coalesce(sum(t.arrivals), 0)::bigint AS arrivals, count(*) AS leads, count(l.owner) AS owned
  FROM (SELECT lead_id, count(*) AS arrivals
          FROM timeline
         WHERE event = 'merged' AND at >= %(since)s AND at < %(until)s
         GROUP BY lead_id) AS t
  JOIN leads AS l ON l.id = t.lead_id
"""


def placed_by(connection: Connection, routes: Sequence[str], since: datetime, until: datetime) -> set[str]:
    """Which of these routes gave any lead its place in a period, wherever that is by now."""
    rows = connection.execute(
        "SELECT route FROM unnest(%s::text[]) AS name (route) WHERE EXISTS ("
        " SELECT FROM decisions AS d WHERE d.route = name.route AND d.outcome IN ('placed', 'moved')"
        " AND d.at >= %s AND d.at < %s)",
        [list(routes), since, until],
    )
    return {route for (route,) in rows}


def merged(connection: Connection, since: datetime, until: datetime) -> Merged:
    """The arrivals of a period that became part of a lead that was open."""
    with connection.cursor(row_factory=class_row(Merged)) as cursor:
        row = cursor.execute(MERGED, {"since": since, "until": until}).fetchone()
    assert row is not None  # an aggregate always gives one row
    return row
