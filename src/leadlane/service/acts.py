"""What people do with leads: accept, decline, touch, reassign, review, close. And what becomes free by it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

import orjson
from psycopg import Connection

from leadlane.core.act import NO_TURN, Act, Turn
from leadlane.service.batch import Receipt, route_batch
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.submission import Submission, act_submission
from leadlane.store import due, leads

# How many waiting leads are offered at a time to whoever has become free.
_OFFERED = 20


def act(
    connection: Connection,
    books: Rulebooks,
    acts: Sequence[Act],
    now: datetime,
    seen_place: int | None = None,
) -> list[Receipt]:
    """Do these acts, in order, in one transaction. A receipt for each.

    A refused one says why and changes nothing. `seen_place` is the place of the lead as whoever acts saw
    it: refused if it has moved since. Leads that wait in line are served where an act has made somebody
    free.
    """
    return submit_acts(connection, books, [act_submission(one, now, seen_place) for one in acts], now)


def submit_acts(
    connection: Connection, books: Rulebooks, submissions: Sequence[Submission], now: datetime
) -> list[Receipt]:
    """Do what these submissions of acts say, as `act` does; they may have idempotency keys."""
    ready = [replace(one, act=_with_turn(connection, one.act)) for one in submissions if one.act is not None]
    receipts = route_batch(connection, books, ready, now)
    freed = {
        one.decision.before.owner
        for one in receipts
        if one.decision is not None and one.decision.before is not None and _frees(one)
    }
    serve_waiting(connection, books, {person for person in freed if person is not None}, now)
    return receipts


def _frees(receipt: Receipt) -> bool:
    decision = receipt.decision
    if decision is None or decision.before is None:
        return False
    return decision.standing.stage == "closed" or decision.standing.owner != decision.before.owner


def serve_waiting(
    connection: Connection, books: Rulebooks, people: Iterable[str] | None, now: datetime
) -> int:
    """Offer leads that wait in line to the pools of these people (None: to every pool).

    Returns how many were taken.
    """
    waited_for = due.pools_waited_for(connection)
    if not waited_for:
        return 0
    benches = books.current(connection).benches
    if people is not None:
        wanted = set(people)
        waited_for = [name for name in waited_for if name in benches and wanted & set(benches[name].ids)]
    served = 0
    for pool in waited_for:
        while ids := due.waiting_leads(connection, [pool], _OFFERED):
            offers = [act_submission(Act(lead_id, "serve"), now) for lead_id in ids]
            taken = [one for one in route_batch(connection, books, offers, now) if one.decision is not None]
            served += len(taken)
            if len(taken) < len(ids):
                break
    return served


def _with_turn(connection: Connection, one: Act) -> Act:
    """A closing or a decline as junk or duplicate brings the pick with it that it gives back."""
    if one.kind not in ("close", "decline") or NO_TURN.isdisjoint({one.outcome, one.reason}):
        return one
    lead_id = leads.resolve(connection, one.lead_id)
    for row in reversed(leads.decisions_of(connection, lead_id) if lead_id else []):
        for step in reversed(orjson.loads(row.trace).get("pick", [])):
            if "chosen" in step and "share" in step:
                share = step["share"]
                shares = share if isinstance(share, list) else [share] * len(step["running"])
                turn = Turn(step["pool"], step["chosen"], tuple(step["running"]), tuple(shares))
                return replace(one, turn=turn)
    return one
