"""How is the database itself? Its version, size, connections, and clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection
from psycopg.rows import class_row


@dataclass(frozen=True, slots=True)
class Vitals:
    """The state of the server: `size` of this database in bytes, `connections` to all of the server's."""

    version: str
    size: int
    connections: int
    max_connections: int


def read(connection: Connection) -> Vitals:
    """The vitals at this moment."""
    with connection.cursor(row_factory=class_row(Vitals)) as cursor:
        row = cursor.execute(
            "SELECT current_setting('server_version') AS version,"
            " pg_database_size(current_database()) AS size,"
            " (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections,"
            " current_setting('max_connections')::integer AS max_connections"
        ).fetchone()
    assert row is not None  # a SELECT of scalars always gives one row
    return row


def clock(connection: Connection) -> datetime:
    """What time it is by the clock of the database."""
    row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None  # a SELECT of scalars always gives one row
    moment: datetime = row[0]
    return moment


def workers(connection: Connection) -> int:
    """How many workers are connected to this database."""
    row = connection.execute(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'leadlane worker'"
    ).fetchone()
    assert row is not None  # an aggregate always gives one row
    return int(row[0])
