"""What can be taken back, and how? For a few minutes what somebody did last, while nobody has built upon it.

Handing a lead over, declining it, disputing it and planning its next step can be taken back. That somebody
was reached, that a lead was accepted or closed are facts that others count on: they stay.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import orjson
from psycopg import Connection

from leadlane.core.act import NO_TURN, Act
from leadlane.core.decision import Decision
from leadlane.core.match import Standing
from leadlane.service.replay import reopen
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.who_acts import Actor
from leadlane.store import leads
from leadlane.store.leads import DecisionRow, LeadRow

UNDO_WITHIN = timedelta(minutes=10)
UNDONE = "undone"


def acts_to_undo(
    connection: Connection, books: Rulebooks, row: LeadRow, actor: Actor, now: datetime
) -> list[Act]:
    """The acts that take back what this user did last with a lead; none where nothing can be taken back."""
    # Without a person one is known by a name alone, which users choose: only admins act so.
    if actor.person is None and actor.scope != "all":
        return []
    last = leads.last_decision(connection, row.id)
    if last is None or last.at < now - UNDO_WITHIN:
        return []
    act = orjson.loads(last.trace).get("act")
    if act is None or (act["by"], act.get("user", "")) != (actor.person, "" if actor.person else actor.name):
        return []
    before = _before(connection, books, last)
    if before is None:
        return []
    if act["kind"] == "plan":
        return _plan_back(row.id, before, actor)
    if act["kind"] not in ("reassign", "decline", "dispute") or act["reason"] in NO_TURN:
        return []
    # Whoever got it has begun, or it has moved on: then it is theirs to give.
    if row.stage not in ("assigned", "review") or row.covered_by is not None:
        return []
    return _give_back(row.id, before, actor)


def _before(connection: Connection, books: Rulebooks, last: DecisionRow) -> Standing | None:
    stored = reopen(connection, books, last.batch_id)
    decided, _hands = stored.decide(stored.world(), stored.happenings[: last.number + 1])
    decision = decided[last.number]
    return decision.before if isinstance(decision, Decision) else None


def _plan_back(lead_id: str, before: Standing, actor: Actor) -> list[Act]:
    if before.next_step is None or before.next_step_due_at is None:
        return []
    return [actor.act(lead_id, "plan", reason=before.next_step, due_at=before.next_step_due_at)]


def _give_back(lead_id: str, before: Standing, actor: Actor) -> list[Act]:
    if before.owner is None or before.covered_by is not None or not before.is_worked:
        return []
    acts = [actor.act(lead_id, "reassign", to=before.owner, reason=UNDONE)]
    if before.accepted and before.owner == actor.person:
        acts.append(actor.act(lead_id, "accept", reason=UNDONE))
    if before.planned and before.next_step is not None:
        plan = actor.act(lead_id, "plan", reason=before.next_step)
        acts.append(replace(plan, due_at=before.next_step_due_at))
    return acts
