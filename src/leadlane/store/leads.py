"""Where does each lead stand, what was decided about it, and what happened to it?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection, sql
from psycopg.rows import class_row, dict_row


@dataclass(frozen=True, slots=True)
class LeadRow:
    """A lead as it stands. `signals` are [name, instant] pairs; `place` counts its places."""

    id: str
    arrived_at: datetime
    fields: dict[str, Any]
    extra: dict[str, Any] | None
    signals: list[list[str]]
    email_key: str | None
    domain: str | None
    intent: str
    fit: str
    fit_score: float
    segment: str | None
    deal_value: float | None
    deal_band: str | None
    relationship: str
    stage: str
    route: str
    destination: str
    pool: str | None
    waiting_pool: str | None
    owner: str | None
    covered_by: str | None
    service_level: str | None
    respond_by: datetime | None
    next_step: str | None
    next_step_due_at: datetime | None
    accepted_at: datetime | None
    responded_at: datetime | None
    excluded: list[str]
    place: int
    batch_id: int
    decision_number: int
    changed_at: datetime
    policy_version: str
    held_since: datetime | None
    chase_at: datetime | None
    chased: list[int]
    reassigned: int
    closed_at: datetime | None
    outcome: str | None
    value: float | None
    planned: bool
    phone_key: str | None
    name_key: str | None
    account_id: str | None
    linked: bool
    unsure: bool
    merged_into: str | None
    first_last: str | None
    last_first: str | None
    company_spoken: str | None


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """A decision as stored. `arrival` and `trace` are the exact JSON text."""

    batch_id: int
    number: int
    lead_id: str
    at: datetime
    outcome: str
    arrival: str
    trace: str


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a lead's timeline."""

    id: int
    lead_id: str
    at: datetime
    event: str
    actor: str
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """A batch as stored: `world` is JSON, decisions are in order."""

    id: int
    at: datetime
    policy_version: str
    roster_revision: int
    world: dict[str, Any]
    decisions: list[DecisionRow]


@dataclass(frozen=True, slots=True)
class RoutedLead:
    """A lead, who it is, and which decision last routed it."""

    id: str
    arrived_at: datetime
    fields: dict[str, Any]
    domain: str | None
    batch_id: int
    decision_number: int


# Columns of `leads` that a list can be filtered by.
FILTERS = (
    "owner", "covered_by", "stage", "route", "destination", "pool", "intent", "fit", "segment", "deal_band",
    "relationship", "service_level", "domain",
)  # fmt: skip

_DECISION = """
SELECT batch_id, number, lead_id, at, outcome, arrival::text AS arrival, trace::text AS trace FROM decisions
"""


def is_any(connection: Connection) -> bool:
    """Whether any lead has ever come."""
    row = connection.execute("SELECT EXISTS (SELECT FROM leads)").fetchone()
    assert row is not None  # a SELECT of a scalar always gives one row
    return bool(row[0])


def resolve(connection: Connection, lead_id: str) -> str | None:
    """The id of the lead that goes by this id, its own or one that was merged into it."""
    row = connection.execute("SELECT lead_now(%s)", [lead_id]).fetchone()
    return row[0] if row else None


def get_exactly(connection: Connection, lead_id: str) -> LeadRow | None:
    """The lead whose own id this is, also if it has become part of another."""
    with connection.cursor(row_factory=class_row(LeadRow)) as cursor:
        return cursor.execute("SELECT * FROM leads WHERE id = %s", [lead_id]).fetchone()


def was_answered(connection: Connection, lead_id: str) -> bool:
    """Whether somebody reached out to the prospect of this very lead, merged ones aside."""
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM touches WHERE lead_id = %s AND kind <> 'note')", [lead_id]
    ).fetchone()
    return row is not None and bool(row[0])


def first_resolved(connection: Connection, lead_id: str) -> str | None:
    """The id of the lead that ever had this id as its own, else of the one that goes by it."""
    row = connection.execute("SELECT id FROM leads WHERE id = %s", [lead_id]).fetchone()
    return row[0] if row else resolve(connection, lead_id)


def get(connection: Connection, lead_id: str) -> LeadRow | None:
    """The lead that goes by this id, its own or one that was merged into it."""
    with connection.cursor(row_factory=class_row(LeadRow)) as cursor:
        return cursor.execute("SELECT * FROM leads WHERE id = lead_now(%s)", [lead_id]).fetchone()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a lead is now, and what was promised."""

    id: str
    route: str
    destination: str
    owner: str | None
    covered_by: str | None
    service_level: str | None
    respond_by: datetime | None


def places(connection: Connection, ids: Iterable[str]) -> dict[str, Place]:
    """Where the leads of these ids are; ids of no lead are left out."""
    with connection.cursor(row_factory=class_row(Place)) as cursor:
        rows = cursor.execute(
            "SELECT id, route, destination, owner, covered_by, service_level, respond_by"
            " FROM leads WHERE id = ANY(%s)",
            [list(ids)],
        )
        return {row.id: row for row in rows}


def search(
    connection: Connection,
    filters: dict[str, str],
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[LeadRow]:
    """Leads newest first, those after (arrived_at, id) of the page before.

    The keys of `filters` are from FILTERS.
    """
    conditions: list[sql.Composable] = [
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in filters
    ]
    values: dict[str, Any] = dict(filters)
    if after is not None:
        conditions.append(sql.SQL("(arrived_at, id) < (%(after_at)s, %(after_id)s)"))
        values |= {"after_at": after[0], "after_id": after[1]}
    where = sql.SQL(" WHERE ") + sql.SQL(" AND ").join(conditions) if conditions else sql.SQL("")
    statement = (
        sql.SQL("SELECT * FROM leads") + where + sql.SQL(" ORDER BY arrived_at DESC, id DESC LIMIT %(limit)s")
    )
    with connection.cursor(row_factory=class_row(LeadRow)) as cursor:
        return cursor.execute(statement, {**values, "limit": limit}).fetchall()


def timeline(connection: Connection, lead_id: str) -> list[Event]:
    """Everything that happened to a lead, oldest first."""
    with connection.cursor(row_factory=class_row(Event)) as cursor:
        return cursor.execute(
            "SELECT id, lead_id, at, event, actor, details FROM timeline WHERE lead_id = %s ORDER BY id",
            [lead_id],
        ).fetchall()


def decision(connection: Connection, batch_id: int, number: int) -> DecisionRow | None:
    """One decision by its batch and its number in it."""
    with connection.cursor(row_factory=class_row(DecisionRow)) as cursor:
        return cursor.execute(
            _DECISION + " WHERE batch_id = %s AND number = %s", [batch_id, number]
        ).fetchone()


def decisions_of(connection: Connection, lead_id: str) -> list[DecisionRow]:
    """Every decision about a lead, oldest first."""
    with connection.cursor(row_factory=class_row(DecisionRow)) as cursor:
        return cursor.execute(
            _DECISION + " WHERE lead_id = %s ORDER BY batch_id, number", [lead_id]
        ).fetchall()


def last_decision(connection: Connection, lead_id: str) -> DecisionRow | None:
    """The last decision about a lead, None where there is none."""
    with connection.cursor(row_factory=class_row(DecisionRow)) as cursor:
        return cursor.execute(
            _DECISION + " WHERE lead_id = %s ORDER BY batch_id DESC, number DESC LIMIT 1", [lead_id]
        ).fetchone()


def decisions_at(
    connection: Connection, places: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], DecisionRow]:
    """The decisions at these (batch, number) places, by place."""
    with connection.cursor(row_factory=class_row(DecisionRow)) as cursor:
        rows = cursor.execute(
            _DECISION + " JOIN unnest(%s::bigint[], %s::integer[]) AS wanted (b, n)"
            " ON batch_id = wanted.b AND number = wanted.n",
            [[batch_id for batch_id, _number in places], [number for _batch_id, number in places]],
        )
        return {(row.batch_id, row.number): row for row in rows}


def aliases_of(connection: Connection, lead_id: str) -> list[str]:
    """The ids under which a lead came again."""
    rows = connection.execute("SELECT id FROM lead_aliases WHERE lead_id = %s ORDER BY id", [lead_id])
    return [row[0] for row in rows]


def merged_into(connection: Connection, lead_id: str) -> list[LeadRow]:
    """The leads that a person has merged into this one, as they were at their end."""
    with connection.cursor(row_factory=class_row(LeadRow)) as cursor:
        return cursor.execute(
            "SELECT * FROM leads WHERE merged_into = %s ORDER BY closed_at, id", [lead_id]
        ).fetchall()


def open_by_email(connection: Connection, email_keys: Sequence[str]) -> dict[str, str]:
    """The open leads of these mailboxes: e-mail key → lead id."""
    rows = connection.execute(
        "SELECT email_key, id FROM leads WHERE email_key = ANY(%s) AND stage <> 'closed'", [list(email_keys)]
    )
    return dict(rows.fetchall())


def last_routed(connection: Connection, most: int) -> list[RoutedLead]:
    """The leads that came in last, the newest first, without those that have become part of another."""
    with connection.cursor(row_factory=class_row(RoutedLead)) as cursor:
        return cursor.execute(
            "SELECT id, arrived_at, fields, domain, batch_id, decision_number FROM leads"
            " WHERE merged_into IS NULL ORDER BY arrived_at DESC, id DESC LIMIT %s",
            [most],
        ).fetchall()


def stored_batch(connection: Connection, batch_id: int, *, up_to: int | None = None) -> StoredBatch:
    """A batch with its decisions in order, up to a number if one is given. KeyError if there is none."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(
            "SELECT id, at, policy_version, roster_revision, world FROM batches WHERE id = %s", [batch_id]
        ).fetchone()
    if row is None:
        raise KeyError(batch_id)
    with connection.cursor(row_factory=class_row(DecisionRow)) as cursor:
        statement = _DECISION + " WHERE batch_id = %s AND number <= %s ORDER BY number"
        found = cursor.execute(statement, [batch_id, 2**31 - 1 if up_to is None else up_to]).fetchall()
    return StoredBatch(**row, decisions=found)


def batch_ids(connection: Connection) -> Iterator[int]:
    """The ids of all batches in order, a thousand at a time."""
    last = 0
    while ids := connection.execute(
        "SELECT id FROM batches WHERE id > %s ORDER BY id LIMIT 1000", [last]
    ).fetchall():
        yield from (id_ for (id_,) in ids)
        last = ids[-1][0]


def counts(connection: Connection) -> dict[str, int]:
    """How many leads stand in each stage."""
    rows = connection.execute("SELECT stage, count(*) FROM leads GROUP BY stage ORDER BY stage")
    return dict(rows.fetchall())
