"""What is due, and when is the next thing due? Found by index, whatever the number of open leads."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from psycopg import Connection


def due_leads(connection: Connection, now: datetime, limit: int) -> list[tuple[str, datetime]]:
    """Open leads whose next step is due at or before `now`, and when it was; the longest due first."""
    return connection.execute(
        "SELECT id, chase_at FROM leads WHERE chase_at <= %s ORDER BY chase_at, id LIMIT %s", [now, limit]
    ).fetchall()


def next_chase_at(connection: Connection) -> datetime | None:
    """When the next step of any lead is due."""
    row = connection.execute(
        "SELECT chase_at FROM leads WHERE chase_at IS NOT NULL ORDER BY chase_at LIMIT 1"
    ).fetchone()
    return row[0] if row else None


def claim(connection: Connection, lead_ids: Iterable[str]) -> set[str]:
    """Which of these leads this transaction may act on: those that no other worker holds."""
    rows = connection.execute(
        "SELECT id FROM leads WHERE id = ANY(%s) ORDER BY id FOR UPDATE SKIP LOCKED", [list(lead_ids)]
    )
    return {row[0] for row in rows}


def covered_leads(connection: Connection, owners: Iterable[str]) -> list[str]:
    """Open leads of these owners that somebody else covers."""
    rows = connection.execute(
        "SELECT id FROM leads WHERE owner = ANY(%s) AND covered_by IS NOT NULL AND stage <> 'closed'"
        " ORDER BY arrived_at, id",
        [list(owners)],
    )
    return [row[0] for row in rows]


def uncovered_leads(connection: Connection, owners: Iterable[str]) -> list[str]:
    """Protected leads of these owners that nobody covers and that are not answered yet."""
    rows = connection.execute(
        "SELECT id FROM leads WHERE owner = ANY(%s) AND destination LIKE 'owner:%%' AND covered_by IS NULL"
        " AND stage IN ('assigned', 'accepted') ORDER BY arrived_at, id",
        [list(owners)],
    )
    return [row[0] for row in rows]


def waiting_leads(connection: Connection, pools: Iterable[str], limit: int) -> list[str]:
    """Leads in review that wait in line for one of these pools, the oldest first."""
    rows = connection.execute(
        "SELECT id FROM leads WHERE waiting_pool = ANY(%s) AND stage = 'review'"
        " ORDER BY arrived_at, id LIMIT %s",
        [list(pools), limit],
    )
    return [row[0] for row in rows]


def pools_waited_for(connection: Connection) -> list[str]:
    """The pools in whose line leads wait."""
    rows = connection.execute(
        "SELECT DISTINCT waiting_pool FROM leads"
        " WHERE waiting_pool IS NOT NULL AND stage = 'review' ORDER BY 1"
    )
    return [row[0] for row in rows]


def rounds_made_up_to(connection: Connection) -> datetime | None:
    """Up to when absences and new days have been looked after; None: never yet."""
    row = connection.execute("SELECT made_up_to FROM rounds").fetchone()
    return row[0] if row else None


def set_rounds(connection: Connection, made_up_to: datetime) -> None:
    """Remember up to when absences and new days have been looked after; never goes back."""
    connection.execute(
        "UPDATE rounds SET made_up_to = greatest(coalesce(made_up_to, %(at)s), %(at)s)", {"at": made_up_to}
    )
