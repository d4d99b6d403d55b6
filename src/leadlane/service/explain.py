"""Why did this lead come to whom it came to? A stored decision, made again to be told in words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from psycopg import Connection

from leadlane.core.decide import World
from leadlane.core.decision import Decision
from leadlane.core.facts import Load
from leadlane.core.match import Match
from leadlane.explain import Explanation, explain, nearest
from leadlane.explain.since import Happened, since_section
from leadlane.explain.speech import person_words
from leadlane.i18n import _
from leadlane.service.replay import Reopened, reopen
from leadlane.service.rulebooks import Rulebooks
from leadlane.store import leads
from leadlane.store.leads import DecisionRow


@dataclass(frozen=True, slots=True)
class Told:
    """A decision as stored (`trace` is its exact JSON text), and in words."""

    row: DecisionRow
    trace: str
    explanation: Explanation


def explain_lead(
    connection: Connection, books: Rulebooks, lead_id: str, zone: ZoneInfo | None = None
) -> Told | None:
    """The decision that last routed the lead that goes by this id, and what has happened since.

    In the language of the context. Moments are told in `zone`, else in that of whoever has the lead,
    else in the policy's. None: no such lead.
    """
    lead = leads.get(connection, lead_id)
    if lead is None:
        return None
    told = explain_decision(connection, books, lead.batch_id, lead.decision_number, zone)
    book = books.current(connection)
    holder = book.roster.people.get(lead.covered_by or lead.owner or "")
    own_zone = ZoneInfo(holder.timezone) if holder else book.zone
    later = [
        Happened(one.event, one.at, one.actor, one.details)
        for one in leads.timeline(connection, lead.id)
        if one.at > told.row.at
    ]
    since = since_section(later, book.roster, zone or own_zone)
    if since is None:
        return told
    first = told.explanation
    summary = first.summary
    if lead.owner != orjson.loads(told.trace)["result"]["owner"]:
        summary = _("Nobody has this lead now.")
        if lead.owner is not None:
            summary = _("{name} has this lead now.").format(name=person_words(book.roster, lead.owner))
    return replace(told, explanation=replace(first, summary=summary, sections=(*first.sections, since)))


def explain_decision(
    connection: Connection, books: Rulebooks, batch_id: int, number: int, zone: ZoneInfo | None = None
) -> Told:
    """One decision told. KeyError if there is none of this batch and number."""
    stored = reopen(connection, books, batch_id)
    book, row = stored.book, stored.batch.decisions[number]
    world, decision = _up_to(stored, number)
    match = decision.match or Match()
    trace: dict[str, Any] = orjson.loads(row.trace)
    changes = nearest(
        book, decision.standing.lead, match, stored.batch.at, trace, world=world, before=decision.before
    )
    owner = book.roster.people.get(decision.standing.covered_by or decision.standing.owner or "")
    own_zone = ZoneInfo(owner.timezone) if owner else book.zone
    told = explain(
        book.policy,
        book.roster,
        decision.standing.lead,
        match.account.name if match.account else None,
        trace,
        zone or own_zone,
        changes,
    )
    return Told(row, row.trace, told)


def _up_to(stored: Reopened, number: int) -> tuple[World, Decision]:
    """The world just before a decision of a batch, and the decision made once more."""
    start = stored.world()
    _decided, hands = stored.decide(start, stored.happenings[:number])
    loads = {person: Load(*load) for person, load in hands.loads.items()}
    decided, _hands = stored.decide(stored.world(), stored.happenings[: number + 1])
    decision = decided[number]
    if not isinstance(decision, Decision):
        raise KeyError((stored.batch.id, number))
    return World(start.known, hands.ledgers, loads), decision
