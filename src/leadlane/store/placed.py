"""Which decision gave each lead of a period its place by the rules, and what did people make of it?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from leadlane.store.leads import RoutedLead

# The last decision of an arrival that gave a lead a place: what people did with it since is none.
_PLACED = """
WITH placed AS (
    SELECT DISTINCT ON (l.id) l.id, l.arrived_at, l.fields, l.domain, d.batch_id, d.number AS decision_number
    FROM leads l
    JOIN decisions d ON d.lead_id = l.id AND d.outcome IN ('placed', 'moved') AND d.at < %(until)s
    WHERE l.arrived_at >= %(since)s AND l.arrived_at < %(until)s AND l.merged_into IS NULL
    ORDER BY l.id, d.batch_id DESC, d.number DESC
)
"""


def batches(connection: Connection, since: datetime, until: datetime) -> list[tuple[int, int]]:
    """The batches that placed leads which arrived in [since, until), and how many each did, in order."""
    return connection.execute(
        _PLACED + "SELECT batch_id, count(*) FROM placed GROUP BY batch_id ORDER BY batch_id",
        {"since": since, "until": until},
    ).fetchall()


def leads_of(
    connection: Connection, since: datetime, until: datetime, batch_ids: Sequence[int]
) -> list[RoutedLead]:
    """The leads of [since, until) that these batches placed, in the order of the batches."""
    with connection.cursor(row_factory=class_row(RoutedLead)) as cursor:
        return cursor.execute(
            _PLACED
            + "SELECT * FROM placed WHERE batch_id = ANY(%(batches)s) ORDER BY batch_id, decision_number",
            {"since": since, "until": until, "batches": list(batch_ids)},
        ).fetchall()


@dataclass(frozen=True, slots=True)
class GivenBy:
    """A lead that a person gave to somebody, or took from where a route had sent it, and who has it now."""

    route: str
    owner: str
    fields: dict[str, Any]
    segment: str | None
    intent: str
    fit: str
    deal_band: str | None
    relationship: str


def given_by_people(
    connection: Connection, since: datetime, until: datetime, routes: Sequence[str], most: int
) -> list[GivenBy]:
    """Leads of [since, until) on these routes that people placed otherwise; at most so many, the newest."""
    with connection.cursor(row_factory=class_row(GivenBy)) as cursor:
        return cursor.execute(
            "SELECT route, owner, fields, segment, intent, fit, deal_band, relationship FROM leads AS l"
            " WHERE arrived_at >= %s AND arrived_at < %s AND merged_into IS NULL AND route = ANY(%s)"
            " AND owner IS NOT NULL AND EXISTS (SELECT FROM decisions AS d WHERE d.lead_id = l.id"
            " AND d.outcome IN ('reassigned', 'reviewed')) ORDER BY arrived_at DESC, id LIMIT %s",
            [since, until, list(routes), most],
        ).fetchall()
