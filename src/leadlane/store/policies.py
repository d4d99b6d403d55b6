"""Which policies were there, and which one is in force?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection
from psycopg.rows import class_row

from leadlane.errors import LeadlaneError
from leadlane.i18n import _


@dataclass(frozen=True, slots=True)
class Publication:
    """A policy put in force: by whom, when, and why."""

    number: int
    version: str
    published_at: datetime
    published_by: str
    comment: str


def in_force(connection: Connection) -> tuple[str | None, int]:
    """The version of the policy in force (None if nothing was published) and the roster's revision."""
    row = connection.execute(
        "SELECT (SELECT version FROM publications ORDER BY number DESC LIMIT 1),"
        " (SELECT revision FROM roster_revision)"
    ).fetchone()
    assert row is not None  # a SELECT of scalars always gives one row
    return row[0], row[1]


def source(connection: Connection, version: str) -> str:
    """The text of a policy version as it was published. LeadlaneError if there is no such version."""
    row = connection.execute("SELECT source FROM policies WHERE version = %s", [version]).fetchone()
    if row is None:
        raise LeadlaneError(
            _("There is no policy version {version}.").format(version=version),
            _("`leadlane policy history` lists them."),
        )
    return str(row[0])


def sources(connection: Connection, versions: Iterable[str]) -> dict[str, str]:
    """The texts of these policy versions; one that is not there is left out."""
    rows = connection.execute(
        "SELECT version, source FROM policies WHERE version = ANY(%s)", [list(versions)]
    ).fetchall()
    return dict(rows)


def publications(connection: Connection) -> list[Publication]:
    """Every publication, newest first."""
    with connection.cursor(row_factory=class_row(Publication)) as cursor:
        return cursor.execute(
            "SELECT number, version, published_at, published_by, comment"
            " FROM publications ORDER BY number DESC"
        ).fetchall()


def last_number(connection: Connection) -> int:
    """The number of the publication in force, 0 if there is none."""
    row = connection.execute("SELECT coalesce(max(number), 0) FROM publications").fetchone()
    assert row is not None  # an aggregate always gives one row
    return int(row[0])


def keep(connection: Connection, version: str, text: str, pools: Iterable[str]) -> None:
    """Store a policy and open the ledgers of its pools; storing it again changes nothing."""
    connection.execute(
        "INSERT INTO policies (version, source) VALUES (%s, %s) ON CONFLICT DO NOTHING", [version, text]
    )
    connection.execute(
        "INSERT INTO ledgers (pool) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING", [list(pools)]
    )


def publish(connection: Connection, version: str, at: datetime, by: str, comment: str) -> int:
    """Put a stored policy in force. Returns the number of the publication.

    Whoever publishes holds the roster, so that numbers follow each other without a gap.
    """
    row = connection.execute(
        "INSERT INTO publications (number, version, published_at, published_by, comment)"
        " OVERRIDING SYSTEM VALUE SELECT coalesce(max(number), 0) + 1, %s, %s, %s, %s FROM publications"
        " RETURNING number",
        [version, at, by, comment],
    ).fetchone()
    assert row is not None  # INSERT … RETURNING of one row gives one row
    return int(row[0])
