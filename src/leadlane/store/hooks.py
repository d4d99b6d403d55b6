"""Which webhooks are there, and what did their senders bring? Secrets leave here only to be compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import orjson
from psycopg import Connection
from psycopg.rows import class_row

from leadlane.store.due import CHANNEL

State = Literal["received", "routed", "ignored", "program", "failed"]
Purpose = Literal["signature", "handshake"]


@dataclass(frozen=True, slots=True)
class HookRow:
    """A webhook: its mapping as written, and the last request that was not its sender's."""

    name: str
    source: str
    changed_at: datetime
    refused_at: datetime | None
    refusal: str | None


@dataclass(frozen=True, slots=True)
class Secret:
    """What a sender is known by; never shown, not even where a traceback or a log shows everything."""

    purpose: Purpose
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One delivery. `body` is None once its leads are routed; `problems` are why they are not.

    While it waits, somebody has it in hand until `due_at`; then it is anybody's. `attempts` says how often
    routing it was begun.
    """

    id: int
    hook: str
    delivery_id: str | None
    body_hash: bytes
    content_type: str
    body: bytes | None
    received_at: datetime
    state: State
    problems: list[dict[str, str]]
    leads: list[str]
    finished_at: datetime | None
    due_at: datetime | None
    attempts: int


_HOOK = "SELECT name, source, changed_at, refused_at, refusal FROM hooks"
_COLUMNS = (
    "id, hook, delivery_id, body_hash, content_type, body, received_at, state, problems, leads, finished_at,"
    " due_at, attempts"
)
_DELIVERY = f"SELECT {_COLUMNS} FROM hook_deliveries"


def hooks(connection: Connection) -> list[HookRow]:
    """Every webhook, in order of name."""
    with connection.cursor(row_factory=class_row(HookRow)) as cursor:
        return cursor.execute(_HOOK + " ORDER BY name").fetchall()


def hook(connection: Connection, name: str) -> HookRow | None:
    """A webhook by its name."""
    with connection.cursor(row_factory=class_row(HookRow)) as cursor:
        return cursor.execute(_HOOK + " WHERE name = %s", [name]).fetchone()


def put_hook(connection: Connection, name: str, source: str, at: datetime) -> None:
    """Store a mapping in place of that of the same name."""
    connection.execute(
        "INSERT INTO hooks (name, source, changed_at) VALUES (%s, %s, %s)"
        " ON CONFLICT (name) DO UPDATE SET source = excluded.source, changed_at = excluded.changed_at",
        [name, source, at],
    )


def note_refusal(connection: Connection, name: str, refusal: str, at: datetime, every_seconds: float) -> None:
    """Remember why a request was refused; at most once in so many seconds, however many there are."""
    connection.execute(
        "UPDATE hooks SET refused_at = %(at)s, refusal = %(refusal)s WHERE name = %(name)s"
        " AND (refused_at IS NULL OR refused_at < %(at)s - make_interval(secs => %(every)s))",
        {"name": name, "refusal": refusal, "at": at, "every": every_seconds},
    )


def secrets_of(connection: Connection, name: str, at: datetime) -> list[Secret]:
    """The secrets of a webhook that hold at a moment."""
    with connection.cursor(row_factory=class_row(Secret)) as cursor:
        return cursor.execute(
            "SELECT purpose, secret FROM hook_secrets"
            " WHERE hook = %s AND (valid_until IS NULL OR valid_until > %s) ORDER BY created_at DESC",
            [name, at],
        ).fetchall()


def put_secret(
    connection: Connection, name: str, purpose: Purpose, secret: bytes, at: datetime, others_until: datetime
) -> None:
    """Store a new secret; those before it hold until `others_until` at the latest."""
    connection.execute(
        "UPDATE hook_secrets SET valid_until = least(valid_until, %s) WHERE hook = %s AND purpose = %s",
        [others_until, name, purpose],
    )
    connection.execute(
        "INSERT INTO hook_secrets (hook, purpose, secret, created_at) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (hook, purpose, secret)"
        " DO UPDATE SET valid_until = NULL, created_at = excluded.created_at",
        [name, purpose, secret, at],
    )


def lock_body(connection: Connection, name: str, body_hash: bytes) -> None:
    """Let nobody else take in the same body of the same webhook before this transaction ends."""
    connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"{name} {body_hash.hex()}"])


def same_delivery(
    connection: Connection, name: str, body_hash: bytes, delivery_id: str | None, since: datetime | None
) -> DeliveryRow | None:
    """The newest delivery of the same body and id, received after `since` (None: ever)."""
    with connection.cursor(row_factory=class_row(DeliveryRow)) as cursor:
        return cursor.execute(
            _DELIVERY + " WHERE hook = %s AND body_hash = %s AND delivery_id IS NOT DISTINCT FROM %s"
            " AND received_at > coalesce(%s::timestamptz, '-infinity')"
            " ORDER BY received_at DESC, id DESC LIMIT 1",
            [name, body_hash, delivery_id, since],
        ).fetchone()


def insert_delivery(
    connection: Connection,
    name: str,
    delivery_id: str | None,
    body_hash: bytes,
    content_type: str,
    body: bytes,
    at: datetime,
    in_hand_until: datetime,
) -> DeliveryRow:
    """Store what was received, before anything is made of it: the caller's to route until a moment."""
    with connection.cursor(row_factory=class_row(DeliveryRow)) as cursor:
        row = cursor.execute(
            "INSERT INTO hook_deliveries"
            " (hook, delivery_id, body_hash, content_type, body, received_at, state, due_at)"
            f" VALUES (%s, %s, %s, %s, %s, %s, 'received', %s) RETURNING {_COLUMNS}",
            [name, delivery_id, body_hash, content_type, body, at, in_hand_until],
        ).fetchone()
    assert row is not None
    return row


def finish_delivery(
    connection: Connection,
    number: int,
    state: State,
    problems: Sequence[Mapping[str, str]],
    leads: Sequence[str],
    at: datetime,
    due_at: datetime | None,
) -> None:
    """Store what became of a delivery; one that waits is `due_at` then, and workers are told.

    What is routed stays so, whoever comes later with less.
    """
    connection.execute(
        "UPDATE hook_deliveries SET state = %(state)s, problems = %(problems)s::json, leads = %(leads)s,"
        " due_at = %(due_at)s,"
        " finished_at = CASE WHEN %(state)s = 'received' THEN NULL ELSE %(at)s::timestamptz END,"
        " body = CASE WHEN %(state)s = 'routed' THEN NULL ELSE body END"
        " WHERE id = %(id)s AND state <> 'routed'",
        {
            "id": number,
            "state": state,
            "problems": orjson.dumps(list(problems)).decode(),
            "leads": list(leads),
            "at": at,
            "due_at": due_at,
        },
    )
    if due_at is not None:
        connection.execute("SELECT pg_notify(%s, '')", [CHANNEL])


def claim_due(connection: Connection, now: datetime, until: datetime, limit: int) -> list[DeliveryRow]:
    """At most `limit` deliveries that are due, the longest first: the caller's to route until a moment."""
    with connection.cursor(row_factory=class_row(DeliveryRow)) as cursor:
        rows = cursor.execute(
            "UPDATE hook_deliveries SET due_at = %s, attempts = attempts + 1 WHERE id IN"
            " (SELECT id FROM hook_deliveries WHERE state = 'received' AND due_at <= %s"
            " ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED)"
            f" RETURNING {_COLUMNS}",
            [until, now, limit],
        ).fetchall()
    return sorted(rows, key=lambda row: row.id)


def next_due_at(connection: Connection) -> datetime | None:
    """When the next delivery that waits is due; None while none waits."""
    row = connection.execute(
        "SELECT due_at FROM hook_deliveries WHERE state = 'received' ORDER BY due_at LIMIT 1"
    ).fetchone()
    return row[0] if row is not None else None


def unrouted(connection: Connection) -> dict[State, int]:
    """How many deliveries wait, and how many failed, of all webhooks."""
    rows = connection.execute(
        "SELECT state, count(*) FROM hook_deliveries WHERE state IN ('received', 'failed') GROUP BY state"
    )
    return {"received": 0, "failed": 0, **dict(rows.fetchall())}


def delivery(connection: Connection, number: int) -> DeliveryRow | None:
    """A delivery by its number."""
    with connection.cursor(row_factory=class_row(DeliveryRow)) as cursor:
        return cursor.execute(_DELIVERY + " WHERE id = %s", [number]).fetchone()


def deliveries(
    connection: Connection, states: Sequence[State], name: str | None = None, limit: int = 100
) -> list[DeliveryRow]:
    """The newest deliveries in these states, of one webhook or of all, oldest first."""
    with connection.cursor(row_factory=class_row(DeliveryRow)) as cursor:
        rows = cursor.execute(
            _DELIVERY
            + " WHERE state = ANY(%s) AND (%s::text IS NULL OR hook = %s) ORDER BY id DESC LIMIT %s",
            [list(states), name, name, limit],
        ).fetchall()
    return rows[::-1]


def counts(connection: Connection) -> dict[str, dict[State, int]]:
    """How many deliveries of each webhook are in each state."""
    rows = connection.execute("SELECT hook, state, count(*) FROM hook_deliveries GROUP BY hook, state")
    counted: dict[str, dict[State, int]] = {}
    for name, state, number in rows:
        counted.setdefault(name, {})[state] = number
    return counted


def open_counts(connection: Connection) -> dict[str, dict[State, int]]:
    """How many deliveries of each webhook wait, and how many failed."""
    rows = connection.execute(
        "SELECT hook, state, count(*) FROM hook_deliveries WHERE state IN ('received', 'failed')"
        " GROUP BY hook, state"
    )
    counted: dict[str, dict[State, int]] = {}
    for name, state, number in rows:
        counted.setdefault(name, {})[state] = number
    return counted


def last_received(connection: Connection) -> dict[str, datetime]:
    """When each webhook brought something last; those that never did are left out."""
    rows = connection.execute(
        "SELECT h.name, d.received_at FROM hooks h CROSS JOIN LATERAL"
        " (SELECT received_at FROM hook_deliveries WHERE hook = h.name ORDER BY id DESC LIMIT 1) AS d"
    )
    return dict(rows.fetchall())


def newest(
    connection: Connection, name: str, state: State | None, limit: int, before: int | None = None
) -> list[DeliveryRow]:
    """The newest deliveries of a webhook with a number below `before`, in one state or in any."""
    conditions = ["hook = %(hook)s"]
    conditions += ["state = %(state)s"] if state is not None else []
    conditions += ["id < %(before)s"] if before is not None else []
    with connection.cursor(row_factory=class_row(DeliveryRow)) as cursor:
        return cursor.execute(
            f"{_DELIVERY} WHERE {' AND '.join(conditions)} ORDER BY id DESC LIMIT %(limit)s",
            {"hook": name, "state": state, "before": before, "limit": limit},
        ).fetchall()
