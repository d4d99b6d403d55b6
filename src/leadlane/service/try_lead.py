"""What would happen to a lead that came in now, under a policy that is not in force?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from psycopg import Connection

from leadlane.core.decide import compile_rulebook
from leadlane.core.decision import Decision
from leadlane.core.facts import WORKED_STAGES
from leadlane.core.match import Match
from leadlane.core.policy import Policy
from leadlane.core.rulebook import Rulebook
from leadlane.explain.words import explain
from leadlane.intake.leads import read_lead
from leadlane.intake.problems import Problem
from leadlane.service.deciding_again import Outcome, outcome_of
from leadlane.service.rulebooks import field_specs
from leadlane.service.submission import Submission, submission
from leadlane.service.what_if import what_if
from leadlane.service.why_page import Told, stations_of
from leadlane.store import accounts, leads, ownership
from leadlane.store.codec import encode

_MOST_COLLEAGUES = 10


@dataclass(frozen=True, slots=True)
class Tried:
    """What a policy would make of a lead: in a line, question by question, and beside the policy in force.

    `before` is what the policy in force would make of it. `open_lead` is the open lead of the same mailbox,
    which a real one would become part of; here it is decided as if there were none.
    """

    summary: str
    stations: tuple[Told, ...]
    before: Outcome
    after: Outcome
    open_lead: str | None


def try_lead(
    connection: Connection,
    in_force: Rulebook,
    draft: Policy,
    raw: Mapping[str, Any],
    zone: ZoneInfo,
    now: datetime,
) -> tuple[Tried | None, list[Problem]]:
    """Decide about a lead as it was typed, now, with ledgers and loads as they are; nothing is written.

    Moments are told in `zone`. None, and every problem by its field, if it is not well-formed.
    """
    book = compile_rulebook(draft, in_force.roster)
    given, problems = read_lead(raw, field_specs(draft), now, zone)
    if given is None:
        return None, problems
    one = submission(given, "workshop", now)
    decision = _decided(connection, book, one, now)
    # What only the draft knows, the policy in force does not look at.
    before = _decided(connection, in_force, one, now)
    trace = orjson.loads(encode(decision.trace))
    match = decision.match or Match()
    name = match.account.name if match.account else None
    told = explain(draft, book.roster, decision.standing.lead, name, trace, zone)
    met = leads.open_by_email(connection, [one.keys.email]) if one.keys.email else {}
    tried = Tried(
        told.summary,
        tuple(stations_of(told)),
        outcome_of(in_force, before),
        outcome_of(book, decision),
        next(iter(met.values()), None),
    )
    return tried, []


def _decided(connection: Connection, book: Rulebook, one: Submission, now: datetime) -> Decision:
    """By one policy, with what is known of the company."""
    domain = one.keys.domain
    found = ownership.accounts_of_domains(connection, [domain] if domain else [])
    account = accounts.account(connection, found[domain]) if domain in found else None
    domains = {domain, *(account.domains if account else ())} - {None}
    ids = [account.id] if account else []
    cards = ownership.by_companies(connection, [one for one in domains if one], ids, _MOST_COLLEAGUES)
    worked = [card for card in {card.id: card for card in cards}.values() if card.stage in WORKED_STAGES]
    return what_if(connection, book, one, account, worked, now)
