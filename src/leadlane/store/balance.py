"""What do the leads of a segment ask of people, and who is tied to accounts?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from psycopg import Connection


def asked_for(
    connection: Connection, field: str, routes: Sequence[str], since: datetime, until: datetime
) -> list[tuple[str, str, str, int]]:
    """Segment, route, value of a field, and number of leads that arrived in [since, until)."""
    return connection.execute(
        "SELECT segment, route, asked.it, count(*)"
        " FROM leads, LATERAL (SELECT lower(fields ->> %(field)s) AS it) AS asked"
        " WHERE arrived_at >= %(since)s AND arrived_at < %(until)s AND merged_into IS NULL"
        " AND route = ANY(%(routes)s) AND segment IS NOT NULL AND asked.it IS NOT NULL GROUP BY 1, 2, 3",
        {"field": field, "routes": list(routes), "since": since, "until": until},
    ).fetchall()


def owners_of_accounts(connection: Connection) -> set[str]:
    """Who owns a named account, or holds the relationship with a customer."""
    rows = connection.execute(
        "SELECT DISTINCT owner FROM accounts WHERE owner IS NOT NULL AND (named OR customer)"
    ).fetchall()
    return {owner for (owner,) in rows}
