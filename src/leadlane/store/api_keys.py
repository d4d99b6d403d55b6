"""Who may use the HTTP interface? Keys by the hash of their secret; the secret itself is kept nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection
from psycopg.rows import class_row


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key as stored; `hash` is the SHA-256 of its secret, `revoked_at` is None while it holds."""

    id: str
    name: str
    hash: bytes
    scopes: list[str]
    created_at: datetime
    revoked_at: datetime | None


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
        return cursor.execute(
            "SELECT id, name, hash, scopes, created_at, revoked_at FROM api_keys ORDER BY created_at, id"
        ).fetchall()


def valid_keys(connection: Connection) -> list[KeyRow]:
    """The keys that hold."""
    with connection.cursor(row_factory=class_row(KeyRow)) as cursor:
        return cursor.execute(
            "SELECT id, name, hash, scopes, created_at, revoked_at FROM api_keys WHERE revoked_at IS NULL"
        ).fetchall()


def revoke(connection: Connection, id_: str, at: datetime) -> bool:
    """Take a key back for good. False if there is no such key; the first revocation keeps its time."""
    row = connection.execute(
        "UPDATE api_keys SET revoked_at = coalesce(revoked_at, %s) WHERE id = %s RETURNING id", [at, id_]
    ).fetchone()
    return row is not None
