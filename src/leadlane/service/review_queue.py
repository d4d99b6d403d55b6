"""What waits for a person, and why? Doubts who somebody is, what a rule leaves to people, what went wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from psycopg import Connection

from leadlane.core.policy import Policy
from leadlane.core.rulebook import Rulebook
from leadlane.core.trace import Reason
from leadlane.explain.since import actor_words
from leadlane.explain.standing import said_words
from leadlane.i18n import N_, _
from leadlane.service.my_leads import Promise, promise_of
from leadlane.service.prospects import person_name
from leadlane.store import in_hand
from leadlane.store import review as store
from leadlane.store.leads import Event
from leadlane.store.review import InReview

MOST_SHOWN = 30

Why = Literal["identity", "nobody", "dispute", "no_owner", "limit", "rule"]
WHY: dict[Why, str] = {
    "identity": N_("Who is this?"),
    "nobody": N_("Nobody was available"),
    "dispute": N_("Said to be wrong"),
    "no_owner": N_("Its owner is not there"),
    "limit": N_("Changed hands too often"),
    "rule": N_("A rule asks for a person"),
}
# What an event of the timeline says of why a lead came to review, the first that applies.
_BY_REASON: tuple[tuple[Reason, Why], ...] = (
    (Reason.DISPUTED, "dispute"),
    (Reason.REASSIGNMENT_LIMIT, "limit"),
    (Reason.NO_OWNER, "no_owner"),
    (Reason.NOBODY_AVAILABLE, "nobody"),
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A lead in the line for review. `why` is the kind of question, `detail` what is to be known of it."""

    id: str
    name: str
    company: str
    arrived_at: datetime
    why: Why
    detail: str
    owner: str | None
    intent: str
    fit: str
    deal_value: float | None
    promise: Promise
    respond_by: datetime | None
    place: int


def review_queue(
    connection: Connection, book: Rulebook, now: datetime, after: str = "", most: int = MOST_SHOWN
) -> list[Waiting]:
    """What waits, at most `most`, those behind the lead `after`: by promise, then by age."""
    rows = store.queue(connection, most, after)
    return waiting(connection, book, rows, now)


def waiting(connection: Connection, book: Rulebook, rows: Sequence[InReview], now: datetime) -> list[Waiting]:
    """These leads, and why each of them waits."""
    ids = [row.id for row in rows]
    placed = in_hand.last_events(connection, ids, ("review",))
    disputed = in_hand.last_events(connection, ids, ("disputed",))
    return [_waiting(row, placed.get(row.id), disputed.get(row.id), book, now) for row in rows]


def _waiting(
    row: InReview, placed: Event | None, disputed: Event | None, book: Rulebook, now: datetime
) -> Waiting:
    why = _why(row, placed)
    return Waiting(
        id=row.id,
        name=person_name(row.fields) or row.id,
        company=str(row.fields.get("company") or row.fields.get("company_domain") or ""),
        arrived_at=row.arrived_at,
        why=why,
        detail=_detail(why, row, disputed, book),
        owner=row.owner,
        intent=row.intent,
        fit=row.fit,
        deal_value=row.deal_value,
        promise=promise_of(row.respond_by, row.responded_at, now),
        respond_by=row.respond_by,
        place=row.place,
    )


def _why(row: InReview, placed: Event | None) -> Why:
    if row.unsure:
        return "identity"
    said: Mapping[str, object] = placed.details if placed is not None else {}
    reasons = said.get("reasons")
    known = reasons if isinstance(reasons, list) else []
    return next((why for reason, why in _BY_REASON if reason in known), "rule")


def _detail(why: Why, row: InReview, disputed: Event | None, book: Rulebook) -> str:
    if why == "identity":
        return _("it may be somebody known")
    if why == "dispute" and disputed is not None:
        by = actor_words(disputed.actor, book.roster) or _("Somebody")
        return _("{by}: {reason}").format(by=by, reason=said_words(disputed.details.get("reason", "")))
    if why == "nobody" and row.waiting_pool:
        return _("waits in line for {pool}").format(pool=row.waiting_pool)
    return route_words(book.policy, row.route)


def route_words(policy: Policy, name: str) -> str:
    """A route by its description, else by its name; also one that the policy no longer has."""
    found = next((route for route in policy.routes if route.name == name), None)
    return found.description if found is not None and found.description else name
