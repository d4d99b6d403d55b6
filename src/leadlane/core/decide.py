"""The five questions in order: match, qualify, route, pick, promise. One decision for every arrival.

`decide_batch` is the whole of it: a pure function of a rulebook (policy and roster, compiled), the
state of the world that the batch may meet, the arrivals in order, and now. The shell loads the
world, stores what comes out, and can at any time decide again from what it stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, overload

from leadlane.core.act import Act, decide_act, pools_of_act
from leadlane.core.decision import Decision as Decision
from leadlane.core.decision import Refusal
from leadlane.core.facts import Lead, Load
from leadlane.core.fairness import Ledger
from leadlane.core.identity import IDENTITY, decide_identity
from leadlane.core.match import (
    Keys,
    Known,
    Likeness,
    Recognised,
    Standing,
    find_match,
    joined_keys,
    joined_lead,
    recognise,
)
from leadlane.core.pick import Hands, open_hands
from leadlane.core.place import Desk, conclude
from leadlane.core.routing import judge, likely_told, place_again, place_new
from leadlane.core.rulebook import Rulebook as Rulebook
from leadlane.core.rulebook import compile_rulebook as compile_rulebook
from leadlane.core.trace import TRACE_VERSION, Reason, Trace


@dataclass(frozen=True, slots=True)
class Arrival:
    """Something that came in: a lead, or news of one.

    `target` names an open lead that it is known to be; `likely` are those known whom it may be.
    """

    lead: Lead
    keys: Keys = field(default_factory=Keys)
    target: str | None = None
    likely: tuple[Likeness, ...] = ()


@dataclass(frozen=True, slots=True)
class World:
    """What a batch may meet. `loads` names everyone on the benches of the pools in `ledgers`."""

    known: Known = field(default_factory=Known)
    ledgers: Mapping[str, Ledger] = field(default_factory=dict)
    loads: Mapping[str, Load] = field(default_factory=dict)


@overload
def decide_batch(
    book: Rulebook, world: World, happenings: Sequence[Arrival], now: datetime
) -> tuple[list[Decision], Hands]: ...


@overload
def decide_batch(
    book: Rulebook,
    world: World,
    happenings: Sequence[Arrival | Act],
    now: datetime,
    books: Mapping[str, Rulebook],
) -> tuple[list[Decision | Refusal | None], Hands]: ...


def decide_batch(
    book: Rulebook,
    world: World,
    happenings: Sequence[Arrival | Act],
    now: datetime,
    books: Mapping[str, Rulebook] = MappingProxyType({}),
) -> tuple[Any, Hands]:
    """Decide everything in order, each knowing what became of those before it.

    `world.known` and the ledgers are working copies and are changed. `books` are the rulebooks of the
    policy versions that open leads keep, at the roster of `book`; acts on leads are decided by them.
    Returns the decisions, and the ledgers and loads afterwards; of an act it may be a Refusal, or None
    where there was nothing to do. PoolsNeeded if `world` lacks the state of a pool that is needed.
    """
    hands = open_hands(dict(world.ledgers), world.loads, book.roster)
    desk = Desk(book, world.known, hands, now, books)
    return [_decide_one(desk, one) for one in happenings], hands


def _decide_one(desk: Desk, one: Arrival | Act) -> Decision | Refusal | None:
    if isinstance(one, Arrival):
        return _decide(desk, one)
    return decide_identity(desk, one) if one.kind in IDENTITY else decide_act(desk, one)


def pools_touched(
    book: Rulebook,
    known: Known,
    happenings: Sequence[Arrival | Act],
    now: datetime,
    books: Mapping[str, Rulebook] = MappingProxyType({}),
) -> frozenset[str]:
    """The pools that deciding these will most likely pick from, backups included.

    A forecast: what they do to each other is not looked at. `decide_batch` tells if more are needed.
    """
    pools: set[str] = set()
    for one in happenings:
        if isinstance(one, Act):
            before = known.leads.get(one.lead_id)
            if before is not None:
                pools |= pools_of_act(books.get(before.policy, book), before, one)
            continue
        recognised = _recognise(book, known, one)
        lead, keys = _known_now(one, recognised)
        match = find_match(lead.id, keys, known)
        route, _ = judge(book, lead, match, now, {})
        if recognised.doubts and book.policy.review_pool is not None:
            pools.add(book.policy.review_pool)
        if route.kind in ("pool", "review"):
            pools |= book.with_backups(route.target)
    return frozenset(pools)


def _recognise(book: Rulebook, known: Known, arrival: Arrival) -> Recognised:
    return recognise(arrival.keys, arrival.target, arrival.likely, known, book.policy.matching)


def _known_now(arrival: Arrival, recognised: Recognised) -> tuple[Lead, Keys]:
    """What arrived; or the lead it is part of, with what was missing filled in and the signals added."""
    before, new = recognised.before, arrival.keys
    if recognised.account is not None:
        new = replace(new, account=recognised.account)
    if before is None:
        return arrival.lead, new
    return joined_lead(before.lead, arrival.lead), joined_keys(before.keys, new)


def _decide(desk: Desk, arrival: Arrival) -> Decision:
    recognised = _recognise(desk.book, desk.known, arrival)
    before = recognised.before
    lead, keys = _known_now(arrival, recognised)
    if arrival.lead.id != lead.id:
        desk.known.merged[arrival.lead.id] = lead.id
    match = find_match(lead.id, keys, desk.known)
    trace: Trace = {
        "v": TRACE_VERSION,
        "lead": lead.id,
        "arrived_as": arrival.lead.id,
        "at": desk.now,
        "policy": desk.book.policy.version,
        "roster": desk.book.roster.revision,
        "match": {
            "relationship": match.relationship,
            "account": match.account.id if match.account else None,
            "open_lead": match.open_lead,
            "same_person": before is not None,
        },
    }
    if arrival.likely:
        trace["match"]["likely"] = likely_told(arrival.likely, desk.book.policy.matching)
    route, qualified = judge(desk.book, lead, match, desk.now, trace)
    if before is None:
        arrived = Standing(lead, keys, "new", qualified.intent)
        return place_new(desk, arrived, match, route, qualified, trace, doubts=recognised.doubts)
    reasons = [str(Reason.SAME_PERSON)] if arrival.target is None else []
    outcome, place, standing = place_again(
        desk,
        before,
        replace(before, lead=lead, keys=keys),
        match,
        route,
        qualified,
        reasons,
        arrival.lead.arrived_at,
        trace,
    )
    return conclude(desk, standing, before, outcome, qualified, match, place, trace)
