"""Who may use the HTTP interface? Keys by the hash of their secret; the secret itself is kept nowhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection
from psycopg.rows import class_row


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key as stored; `hash` is the SHA-256 of its secret, `revoked_at` is None while it holds.

    `used_at` is when it was last used, to the minute; None for never.
    """

    id: str
    name: str
    hash: bytes
    scopes: list[str]
    created_at: datetime
    revoked_at: datetime | None
    used_at: datetime | None


_KEY = "SELECT id, name, hash, scopes, created_at, revoked_at, used_at FROM api_keys"


def insert(
    connection: Connection, id_: str, name: str, secret_hash: bytes, scopes: Sequence[str], at: datetime
) -> None:
    """Store a new key."""
    connection.execute(
        "INSERT INTO api_keys (id, name, hash, scopes, created_at) VALUES (%s, %s, %s, %s, %s)",
        [id_, name, secret_hash, list(scopes), at],
    )


def all_keys(connection: Connection) -> list[KeyRow]:
    """Every key there ever was, oldest first."""
    with connection.cursor(row_factory=class_row(KeyRow)) as cursor:
        return cursor.execute(_KEY + " ORDER BY created_at, id").fetchall()


def valid_keys(connection: Connection) -> list[KeyRow]:
    """The keys that hold."""
    with connection.cursor(row_factory=class_row(KeyRow)) as cursor:
        return cursor.execute(_KEY + " WHERE revoked_at IS NULL").fetchall()


def revoke(connection: Connection, id_: str, at: datetime) -> bool:
    """Take a key back for good. False if there is no such key; the first revocation keeps its time."""
    row = connection.execute(
        "UPDATE api_keys SET revoked_at = coalesce(revoked_at, %s) WHERE id = %s RETURNING id", [at, id_]
    ).fetchone()
    return row is not None


def note_use(connection: Connection, used: Mapping[str, datetime]) -> None:
    """Remember when keys, by id, were last used; what is known to the minute is left alone."""
    connection.execute(
        "UPDATE api_keys k SET used_at = u.at FROM unnest(%s::text[], %s::timestamptz[]) AS u (id, at)"
        " WHERE k.id = u.id AND (k.used_at IS NULL OR k.used_at < u.at - interval '1 minute')",
        [list(used), list(used.values())],
    )
