"""What follows when a person decides about a lead in review? Who may, and what can be taken back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import orjson
from psycopg import Connection

from leadlane.core.act import CLOSINGS, PLACING_ROLES, Act
from leadlane.core.rulebook import Rulebook
from leadlane.service.acts import submit_acts
from leadlane.service.batch import Receipt
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.submission import act_submission
from leadlane.service.undo import UNDO_WITHIN, UNDONE
from leadlane.service.who_acts import Actor
from leadlane.store import leads
from leadlane.store.leads import LeadRow

# Who a lead is, where it is nobody known.
SOMEBODY_NEW = "new"
# It goes to a place that is chosen besides; it ends, in a way that is chosen besides.
PLACE, CLOSE = "place", "close"

# choice: nothing that can be chosen. to, outcome: what is missing beside it.
Problem = Literal["choice", "to", "outcome"]


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody decided: `lead:ID` or `account:ID` (it is this one), SOMEBODY_NEW, PLACE or CLOSE.

    `to` is a person, `pool:NAME` or `program:NAME`; `outcome` one of CLOSINGS; `reason` words of their own.
    """

    what: str
    to: str = ""
    outcome: str = ""
    reason: str = ""


def may_decide(actor: Actor, row: LeadRow) -> bool:
    """Whether somebody may decide about this lead: managers and admins about all, others about their own."""
    if row.stage != "review" or actor.scope == "none":
        return False
    return actor.scope != "own" or (actor.person is not None and actor.person in (row.owner, row.covered_by))


def decider(book: Rulebook, actor: Actor, row: LeadRow) -> Actor:
    """The same as somebody whom the core lets place it: as a user, where their person is no reviewer.

    Their role on the pages lets them decide; what they are in the roster need not.
    """
    person = book.roster.people.get(actor.person or "")
    bench = book.benches.get(row.pool or "")
    may_place = person is not None and (
        person.role in PLACING_ROLES or (bench is not None and person.id in bench.ids)
    )
    return actor if may_place or actor.scope == "own" else replace(actor, person=None)


def problem_of(choice: Choice) -> Problem | None:
    """What is missing in a choice."""
    kind, _, id_ = choice.what.partition(":")
    if choice.what == PLACE:
        return None if choice.to else "to"
    if choice.what == CLOSE:
        return None if choice.outcome in CLOSINGS else "outcome"
    return None if choice.what == SOMEBODY_NEW or (kind in ("lead", "account") and id_) else "choice"


def decide(
    connection: Connection,
    books: Rulebooks,
    row: LeadRow,
    actor: Actor,
    choice: Choice,
    seen: int,
    now: datetime,
) -> Receipt:
    """Do what was decided about a lead where it was seen; the receipt says what became of it, or why not.

    `choice` must have no problem. A lead that is merged becomes part of the other one.
    """
    act = _act(decider(books.current(connection), actor, row), row, choice)
    if act.kind == "merge":
        # Which is written is the other lead: that this one is where it was seen is asked here.
        if row.place != seen or row.stage != "review":
            return Receipt("refused", row.id, refusal="stale")
        return submit_acts(connection, books, [act_submission(act, now)], now)[-1]
    return submit_acts(connection, books, [act_submission(act, now, seen)], now)[-1]


def _act(actor: Actor, row: LeadRow, choice: Choice) -> Act:
    kind, _, id_ = choice.what.partition(":")
    match kind:
        case "lead":
            return actor.act(id_, "merge", to=row.id, reason=choice.reason)
        case "place":
            return actor.act(row.id, "review", to=choice.to, reason=choice.reason)
        case "close":
            return actor.act(row.id, "close", outcome=choice.outcome, reason=choice.reason)
        case _:
            return actor.act(row.id, "identify", to=id_ or None, reason=choice.reason)


def undo_merge(
    connection: Connection, books: Rulebooks, lead_id: str, actor: Actor, now: datetime
) -> Receipt | None:
    """Make a lead that this user just merged into another its own again; None: too late, or not theirs.

    What was identified or placed is not taken back: others count on it by then.
    """
    # Without a person one is known by a name alone, which users choose: only those who review act so.
    if actor.person is None and actor.scope in ("own", "none"):
        return None
    row = leads.get_exactly(connection, lead_id)
    last = leads.last_decision(connection, row.merged_into) if row is not None and row.merged_into else None
    if row is None or last is None or last.at < now - UNDO_WITHIN:
        return None
    sender, act = decider(books.current(connection), actor, row), orjson.loads(last.arrival)
    is_theirs = (act.get("by"), act.get("user")) == (sender.person, "" if sender.person else sender.name)
    if act.get("kind") != "merge" or act.get("to") != lead_id or not is_theirs:
        return None
    split = sender.act(last.lead_id, "split", to=lead_id, reason=UNDONE)
    return submit_acts(connection, books, [act_submission(split, now)], now)[-1]
