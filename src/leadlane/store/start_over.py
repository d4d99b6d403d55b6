"""Is all that is here the beginning of a load that never came to its end? And how is that forgotten?"""

from __future__ import annotations

from psycopg import Connection, sql

# Any number will do, if nothing else in this database locks by it.
_LOADING = 0x6C656165
# All that comes of leads. Policy, roster and accounts are no part of it: they are put again as they are.
_OF_LEADS = (
    "leads", "lead_aliases", "batches", "decisions", "timeline", "touches", "outbox", "deliveries",
    "delivery_items", "tellings", "route_use", "arrivals", "idempotency_keys", "kept_apart",
    "lead_facts", "fact_months",
)  # fmt: skip
_UNTOUCHED = """
SELECT EXISTS (SELECT FROM leads)
   AND NOT EXISTS (SELECT FROM leads WHERE NOT starts_with(id, %(prefix)s))
   AND NOT EXISTS (SELECT FROM arrivals)
   AND NOT EXISTS (SELECT FROM api_keys)
   AND NOT EXISTS (SELECT FROM users)
"""


def hold(connection: Connection) -> None:
    """Wait until nobody else loads or forgets; nobody does until this connection ends."""
    connection.execute("SELECT pg_advisory_lock(%s)", [_LOADING])


def is_unfinished(connection: Connection, prefix: str) -> bool:
    """Whether there are leads, all with ids of `prefix`, and nobody has ever come in.

    A load counts arrivals as its last step: where there are some, it came to its end.
    """
    row = connection.execute(_UNTOUCHED, {"prefix": prefix}).fetchone()
    assert row is not None  # a SELECT of a scalar always gives one row
    return bool(row[0])


def forget_leads(connection: Connection) -> None:
    """Forget every lead, and whose turn it was, in one commit: as if none had ever come."""
    tables = sql.SQL(", ").join(map(sql.Identifier, _OF_LEADS))
    with connection.transaction():
        connection.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY").format(tables))
        connection.execute("UPDATE ledgers SET picks = 0, members = '{}'")
        connection.execute("UPDATE loads SET open = 0, today = 0")
        connection.execute("DELETE FROM rounds")
        connection.execute("INSERT INTO rounds DEFAULT VALUES")
        connection.execute("UPDATE facts_read SET up_to = 0")
