"""What people do with leads: accept, touch, reassign, close, say who it is … And what becomes free by it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

import orjson
from psycopg import Connection

from leadlane.core.act import NO_TURN, Act, Turn
from leadlane.core.pick import is_available, open_hands
from leadlane.service.batch import Receipt, loads_today, route_batch
from leadlane.service.parts import parts_of
from leadlane.service.rulebooks import Rulebooks, field_specs
from leadlane.service.submission import Submission, act_submission
from leadlane.store import batches, due, leads
from leadlane.store.due import Spot

# How many waiting leads are offered at a time to whoever has become free.
_OFFERED = 50
# So many leads of a line are offered in vain before whoever acted is kept waiting no longer.
_IN_VAIN = 200


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
    ready = [_ready(connection, books, one, one.act) for one in submissions if one.act is not None]
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
    connection: Connection,
    books: Rulebooks,
    people: Iterable[str] | None,
    now: datetime,
    in_vain: int = _IN_VAIN,
    spots: dict[str, Spot] | None = None,
) -> int:
    """Offer leads that wait in line to the pools of these people (None: to every pool), the oldest first.

    Returns how many were taken. A pool is left when nobody there has room, when its line ends, or when
    `in_vain` leads were offered that nobody there may take. `spots` remembers how far the lines so left
    have been offered: who passes it again goes on from there.
    """
    spots = {} if spots is None else spots
    waited_for = due.pools_waited_for(connection)
    if not waited_for:
        return 0
    benches = books.current(connection).benches
    if people is not None:
        wanted = set(people)
        waited_for = [name for name in waited_for if name in benches and wanted & set(benches[name].ids)]
    served = 0
    for pool in waited_for:
        spot, refused = spots.pop(pool, due.HEAD), 0
        while _has_room(connection, books, pool, now):
            if refused >= in_vain:
                spots[pool] = spot
                break
            line = due.waiting_leads(connection, pool, spot, _OFFERED)
            if not line:
                break
            offers = [act_submission(Act(lead_id, "serve"), now) for _arrived_at, lead_id in line]
            taken = sum(one.decision is not None for one in route_batch(connection, books, offers, now))
            served, refused, spot = served + taken, refused + len(line) - taken, line[-1]
    return served


def _has_room(connection: Connection, books: Rulebooks, pool: str, now: datetime) -> bool:
    """Whether somebody of a pool could take a lead, if it asks for nothing that they are not."""
    book = books.current(connection)
    if pool not in book.benches:
        return True  # a pool of an older policy, which its leads keep
    bench = book.benches[pool]
    loads = loads_today(book, batches.read_loads(connection, bench.ids), now)
    hands = open_hands({}, loads, book.roster)
    return any(is_available(book.roster.people[id_], hands, now) for id_ in bench.ids)


def _ready(connection: Connection, books: Rulebooks, submission: Submission, one: Act) -> Submission:
    """A submission with what its act needs; what is split off meets whom it would meet if it came in now."""
    act = _prepared(connection, books, one)
    keys = act.parts.leaves_keys if act.parts is not None else submission.keys
    return replace(submission, act=act, keys=keys)


def _prepared(connection: Connection, books: Rulebooks, one: Act) -> Act:
    """An act with what it needs to know of the past."""
    if one.kind == "split":
        specs = field_specs(books.current(connection).policy)
        lead_id = leads.resolve(connection, one.lead_id) or one.lead_id
        return replace(one, parts=parts_of(connection, lead_id, one.to or "", specs))
    if one.kind == "merge":
        return _with_turn(connection, one, one.to or "")
    if one.kind in ("close", "decline") and not NO_TURN.isdisjoint({one.outcome, one.reason}):
        return _with_turn(connection, one, one.lead_id)
    return one


def _with_turn(connection: Connection, one: Act, ends: str) -> Act:
    """An act after which a lead was no turn of anybody's brings the pick with it that is given back."""
    lead_id = leads.resolve(connection, ends)
    for row in reversed(leads.decisions_of(connection, lead_id) if lead_id else []):
        for step in reversed(orjson.loads(row.trace).get("pick", [])):
            if "chosen" in step and "share" in step:
                share = step["share"]
                shares = share if isinstance(share, list) else [share] * len(step["running"])
                turn = Turn(step["pool"], step["chosen"], tuple(step["running"]), tuple(shares))
                return replace(one, turn=turn)
    return one
