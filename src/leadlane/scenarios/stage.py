"""Where do scenarios play? On tables of their own, in a transaction that is never committed.

One transaction makes a schema with empty tables, and every scenario plays in a savepoint of it that is rolled
back. So whatever happens, even to this process, nothing of it was ever there for anybody else.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import Connection, sql

from leadlane.errors import DatabaseError
from leadlane.i18n import _
from leadlane.store import batches
from leadlane.store.migrate import MIGRATIONS


class Stage(Connection[Any]):
    """A connection on which nothing is ever committed, whoever asks for it."""

    def commit(self) -> None:
        """Nothing: what was done stays visible to this connection, and to no other."""


@contextmanager
def open_stage(url: str) -> Iterator[Stage]:
    """Within the block, a connection that sees empty tables and nothing else; `scene` begins a scenario.

    Raises DatabaseError where this user may not create a schema.
    """
    # Prepared as the services' own connections are: see `leadlane.store.db`.
    connection = Stage.connect(url, application_name="leadlane test", prepare_threshold=1)
    try:
        batches.configure(connection)
        _build(connection)
        yield connection
    finally:
        connection.close()  # which rolls back


@contextmanager
def scene(connection: Connection) -> Iterator[None]:
    """Within the block the tables fill; at its end they are empty again."""
    with connection.transaction(force_rollback=True):
        yield


def _build(connection: Connection) -> None:
    name = sql.Identifier(f"leadlane_stage_{secrets.token_hex(6)}")
    try:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(name))
    except psycopg.errors.InsufficientPrivilege as error:
        raise DatabaseError(
            _("The database user may not create a schema, which scenarios need."),
            _("Let it: GRANT CREATE ON DATABASE {database} TO {user}").format(
                database=connection.info.dbname, user=connection.info.user
            ),
        ) from error
    connection.execute(sql.SQL("SET search_path TO {}").format(name))
    for script in sorted((MIGRATIONS / "versions").glob("[0-9]*.sql")):
        connection.execute(script.read_bytes())
