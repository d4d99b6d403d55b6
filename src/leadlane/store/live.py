"""What changes while somebody looks? PostgreSQL says so, to those processes that have pages open."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from datetime import datetime

import psycopg

CHANNEL = "leadlane_changed"


def topic_hash(topic: str) -> str:
    """A topic as notifications name it; the same as the SQL function of this name."""
    return hashlib.md5(topic.encode(), usedforsecurity=False).hexdigest()[:12]


async def connect(url: str) -> psycopg.AsyncConnection:
    """A connection that hears what changes, for the caller to close."""
    connection = await psycopg.AsyncConnection.connect(url, autocommit=True, application_name="leadlane live")
    await connection.execute(f"LISTEN {CHANNEL}")
    return connection


async def watch(connection: psycopg.AsyncConnection, process: str, until: datetime) -> None:
    """From now until then this process is to hear of what changes."""
    await connection.execute(
        "INSERT INTO watchers VALUES (%s, %s) ON CONFLICT (process) DO UPDATE SET until = excluded.until",
        [process, until],
    )
    await connection.execute("DELETE FROM watchers WHERE until < %s - interval '1 hour'", [until])


async def heard(connection: psycopg.AsyncConnection, seconds: float) -> AsyncIterator[frozenset[str]]:
    """The hashes of topics that change, as they do, for so many seconds."""
    async for notified in connection.notifies(timeout=seconds):
        yield frozenset(notified.payload.split())
