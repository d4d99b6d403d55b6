"""Why did this lead come to whom it came to? A stored decision, made again to be told in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from psycopg import Connection

from leadlane.core.decide import Arrival, Decision, Rulebook, World, decide_batch
from leadlane.core.facts import Load
from leadlane.explain import Explanation, explain, nearest
from leadlane.service.rulebooks import Rulebooks, field_specs
from leadlane.store import leads
from leadlane.store.codec import read_arrival, read_world
from leadlane.store.leads import DecisionRow, StoredBatch


@dataclass(frozen=True, slots=True)
class Told:
    """A decision as stored (`trace` is its exact JSON text), and in words."""

    row: DecisionRow
    trace: str
    explanation: Explanation


def explain_lead(
    connection: Connection, books: Rulebooks, lead_id: str, zone: ZoneInfo | None = None
) -> Told | None:
    """The last decision about the lead that goes by this id, told in the language of the context.

    Moments are told in `zone`, else in that of whoever has the lead, else in the policy's. None: no
    such lead.
    """
    lead = leads.get(connection, lead_id)
    if lead is None:
        return None
    return explain_decision(connection, books, lead.batch_id, lead.decision_number, zone)


def explain_decision(
    connection: Connection, books: Rulebooks, batch_id: int, number: int, zone: ZoneInfo | None = None
) -> Told:
    """One decision told. KeyError if there is none of this batch and number."""
    batch = leads.stored_batch(connection, batch_id)
    book = books.get(connection, batch.policy_version, batch.roster_revision)
    row = batch.decisions[number]
    world, decision = _up_to(book, batch, number)
    trace: dict[str, Any] = orjson.loads(row.trace)
    changes = nearest(
        book, decision.standing.lead, decision.match, batch.at, trace, world=world, before=decision.before
    )
    account = decision.match.account
    owner = book.roster.people.get(decision.standing.covered_by or decision.standing.owner or "")
    own_zone = ZoneInfo(owner.timezone) if owner else book.zone
    told = explain(
        book.policy,
        book.roster,
        decision.standing.lead,
        account.name if account else None,
        trace,
        zone or own_zone,
        changes,
    )
    return Told(row, row.trace, told)


def _up_to(book: Rulebook, batch: StoredBatch, number: int) -> tuple[World, Decision]:
    """The world just before a decision of a batch, and the decision made once more."""
    specs = field_specs(book.policy)
    arrivals: list[Arrival] = [
        read_arrival(orjson.loads(one.arrival), specs) for one in batch.decisions[: number + 1]
    ]
    start = read_world(batch.world, specs)
    _decisions, hands = decide_batch(book, start, arrivals[:number], batch.at)
    loads = {person: Load(*load) for person, load in hands.loads.items()}
    before = World(start.known, hands.ledgers, loads)
    again = read_world(batch.world, specs)
    decisions, _hands = decide_batch(book, again, arrivals, batch.at)
    return before, decisions[number]
