"""What do those have in hand who miss promises again and again?"""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import Connection


def open_leads(connection: Connection, people: Sequence[str]) -> dict[str, int]:
    """How many leads each of these people has in hand."""
    rows = connection.execute("SELECT person, open FROM loads WHERE person = ANY(%s)", [list(people)])
    return dict(rows.fetchall())
