"""Which links to answer by were given out? By the hash of their token; the token itself is kept nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection
from psycopg.rows import class_row


@dataclass(frozen=True, slots=True)
class Link:
    """A link given to a person: what it answers about the lead, at the place that they were told of."""

    lead_id: str
    place: int
    person: str
    verb: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None


def insert(
    connection: Connection,
    hashes: Mapping[str, bytes],
    lead_id: str,
    place: int,
    person: str,
    now: datetime,
    expires_at: datetime,
    forget_before: datetime,
) -> None:
    """Store a link for each verb of `hashes`; those that expired before `forget_before` are forgotten."""
    connection.execute(
        "WITH gone AS (DELETE FROM answers WHERE expires_at < %(forget_before)s)"
        " INSERT INTO answers (hash, lead_id, place, person, verb, created_at, expires_at)"
        " SELECT one.hash, %(lead_id)s, %(place)s, %(person)s, one.verb, %(now)s, %(expires_at)s"
        " FROM unnest(%(hashes)s::bytea[], %(verbs)s::text[]) AS one (hash, verb)",
        {
            "hashes": list(hashes.values()),
            "verbs": list(hashes),
            "lead_id": lead_id,
            "place": place,
            "person": person,
            "now": now,
            "expires_at": expires_at,
            "forget_before": forget_before,
        },
    )


def get(connection: Connection, token_hash: bytes) -> Link | None:
    """The link whose token has this hash."""
    with connection.cursor(row_factory=class_row(Link)) as cursor:
        return cursor.execute(
            "SELECT lead_id, place, person, verb, created_at, expires_at, used_at"
            " FROM answers WHERE hash = %s",
            [token_hash],
        ).fetchone()


def latest_of(connection: Connection, person: str, since: datetime) -> list[Link]:
    """Of each lead that a person got links for since then, the link of the latest place; the newest first."""
    with connection.cursor(row_factory=class_row(Link)) as cursor:
        return cursor.execute(
            "SELECT * FROM (SELECT DISTINCT ON (lead_id)"
            " lead_id, place, person, verb, created_at, expires_at, used_at FROM answers"
            " WHERE person = %s AND created_at > %s ORDER BY lead_id, created_at DESC, place DESC) AS latest"
            " ORDER BY created_at DESC, lead_id",
            [person, since],
        ).fetchall()


def lead_of_key(connection: Connection, key: str) -> str | None:
    """The lead that something was done with under this idempotency key; None if nothing was."""
    row = connection.execute("SELECT lead_id FROM idempotency_keys WHERE key = %s", [key]).fetchone()
    return row[0] if row else None


def mark_used(connection: Connection, token_hash: bytes, now: datetime) -> None:
    """Remember that a link has been used; the first time is kept."""
    connection.execute(
        "UPDATE answers SET used_at = %s WHERE hash = %s AND used_at IS NULL", [now, token_hash]
    )
