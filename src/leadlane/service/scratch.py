"""What would happen? A copy of all that decisions depend on, to try things in and throw away.

The copy is a schema of its own in the same database, so that the same code and the same SQL run in it. It is
made in one transaction that only reads what is real: nobody who routes meanwhile waits for it. While it is
used, a session holds an advisory lock with its number; a copy whose lock is free was left behind by a process
that was killed, and the next one that makes a copy drops it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import Connection, IsolationLevel, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from leadlane.errors import DatabaseError
from leadlane.i18n import _
from leadlane.logging import get_logger
from leadlane.store.db import connect
from leadlane.store.migrate import MIGRATIONS

PREFIX = "leadlane_scratch_"
# Any number will do, if nothing else in this database locks by it.
LOCK_CLASS = 0x6C656164

# What decisions depend on, in the order in which it can be copied.
COPIED = (
    "policies",
    "publications",
    "roster_entries",
    "roster_revision",
    "accounts",
    "account_domains",
    "contacts",
    "leads",
    "lead_aliases",
    "ledgers",
    "loads",
    "rounds",
)
# What the database itself keeps of these: it comes by itself.
DERIVED = ("account_keys", "account_starts")
# Of those copied, the ones into which a migration puts a row.
_SEEDED = ("roster_revision", "rounds")

# What nothing is decided by: it is empty in a copy.
NOT_COPIED = (
    "batches",
    "decisions",
    "route_use",
    "timeline",
    "touches",
    "outbox",
    "answers",
    "deliveries",
    "delivery_items",
    "digests",
    "channels",
    "alarms",
    "hooks",
    "hook_secrets",
    "hook_deliveries",
    "idempotency_keys",
    "kept_apart",
    "api_keys",
    "users",
    "sessions",
    "user_links",
    "known_browsers",
    "sign_in_attempts",
    "policy_drafts",
    "policy_scenarios",
    "workshop_runs",
    "quarterly_reviews",
    "review_verdicts",
    "watchers",
    "arrivals",
    "calendar_links",
    "calendar_feeds",
    "tellings",
    "lead_facts",
    "fact_names",
    "fact_months",
    "facts_read",
)

log = get_logger(__name__)


@contextmanager
def scratch(url: str) -> Iterator[str]:
    """Within the block, the address of a copy of the database `url`; at its end the copy is dropped.

    Connections to it see the copy and nothing else. Close them before the block ends. Raises DatabaseError
    where this user may not create a schema.
    """
    with connect(url, autocommit=True) as keeper:
        _drop_leftovers(keeper)
        number = secrets.randbits(31)
        name = f"{PREFIX}{number:08x}"
        keeper.execute("SELECT pg_advisory_lock(%s, %s)", [LOCK_CLASS, number])
        try:
            _create(url, name)
            yield make_conninfo(url, options=_options(url, name))
        finally:
            _drop(keeper, name)


def _options(url: str, name: str) -> str:
    return f"{conninfo_to_dict(url).get('options') or ''} -c search_path={name}".strip()


def _create(url: str, name: str) -> None:
    with connect(url, autocommit=False) as connection:
        # One moment of what is real, however long the copying takes.
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        row = connection.execute("SELECT current_schema()").fetchone()
        assert row is not None  # a SELECT of a function always gives one row
        real, copy = sql.Identifier(row[0]), sql.Identifier(name)
        try:
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(copy))
        except psycopg.errors.InsufficientPrivilege as error:
            raise DatabaseError(
                _("The database user may not create a schema, which a dry run needs."),
                _("Let it: GRANT CREATE ON DATABASE {database} TO {user}").format(
                    database=connection.info.dbname, user=connection.info.user
                ),
            ) from error
        connection.execute(sql.SQL("SET LOCAL search_path TO {}").format(copy))
        for script in sorted((MIGRATIONS / "versions").glob("[0-9]*.sql")):
            connection.execute(script.read_bytes())
        _copy(connection, real)


def _copy(connection: Connection, real: sql.Identifier) -> None:
    """Copies into the schema that the search path names."""
    for table in _SEEDED:
        connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
    for table in COPIED:
        connection.execute(
            sql.SQL("INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM {real}.{table}").format(
                table=sql.Identifier(table), real=real
            )
        )
    connection.execute(
        "SELECT setval(pg_get_serial_sequence('publications', 'number'), max(number)) FROM publications"
    )


def _drop(keeper: Connection, name: str) -> None:
    try:
        keeper.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(name)))
    except psycopg.OperationalError as error:
        # Without a connection there is nothing to do now; the next copy that is made drops this one.
        log.warning("a scratch copy is left behind", schema=name, error=str(error))


def _drop_leftovers(keeper: Connection) -> None:
    found = keeper.execute(
        "SELECT nspname FROM pg_namespace WHERE nspname ~ %s", [f"^{PREFIX}[0-9a-f]{{8}}$"]
    ).fetchall()
    for (name,) in found:
        key = [LOCK_CLASS, int(name.removeprefix(PREFIX), 16)]
        row = keeper.execute("SELECT pg_try_advisory_lock(%s, %s)", key).fetchone()
        if row is not None and row[0]:
            _drop(keeper, name)
            keeper.execute("SELECT pg_advisory_unlock(%s, %s)", key)
