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
from leadlane.core.conditions import fold
from leadlane.core.decision import Decision as Decision
from leadlane.core.decision import Outcome, Refusal
from leadlane.core.facts import INTENTS, Lead, Load
from leadlane.core.fairness import Ledger
from leadlane.core.match import Keys, Known, Match, Standing, find_match
from leadlane.core.pick import Hands, open_hands
from leadlane.core.place import (
    Desk,
    Place,
    as_before,
    conclude,
    first_step_at,
    is_protected,
    keeps_plan,
    move,
    next_step_due,
    next_step_of,
    place_by_route,
    promise_for,
    stand_at,
)
from leadlane.core.policy import Route
from leadlane.core.qualify import Qualified, qualify
from leadlane.core.route import choose_route, destination_of
from leadlane.core.rulebook import Rulebook as Rulebook
from leadlane.core.rulebook import compile_rulebook as compile_rulebook
from leadlane.core.trace import TRACE_VERSION, Reason, Trace

# A lead keeps its newest signals only, so that one prospect, or a form gone wild, cannot grow without bound.
MOST_SIGNALS = 500


@dataclass(frozen=True, slots=True)
class Arrival:
    """Something that came in: a lead, or news of one. `target` names an open lead that it is known to be."""

    lead: Lead
    keys: Keys = field(default_factory=Keys)
    target: str | None = None


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
    return [
        decide_act(desk, one) if isinstance(one, Act) else _decide(desk, one) for one in happenings
    ], hands


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
        standing = _same_prospect(known, one)
        lead, keys = _known_now(one, standing)
        match = find_match(lead.id, keys, known)
        route, _ = _judge(book, lead, match, now, {})
        if route.kind in ("pool", "review"):
            pools |= book.with_backups(route.target)
    return frozenset(pools)


def _same_prospect(known: Known, arrival: Arrival) -> Standing | None:
    lead_id = arrival.target
    if lead_id is None and arrival.keys.email is not None:
        lead_id = known.by_email.get(arrival.keys.email)
    return known.leads.get(lead_id) if lead_id is not None else None


def _known_now(arrival: Arrival, before: Standing | None) -> tuple[Lead, Keys]:
    """What arrived; or the lead it is part of, with what was missing filled in and the signals added."""
    if before is None:
        return arrival.lead, arrival.keys
    news, lead = arrival.lead, before.lead
    signals = (lead.signals + news.signals)[-MOST_SIGNALS:]
    merged = Lead(lead.id, lead.arrived_at, {**news.fields, **lead.fields}, signals)
    known, new = before.keys, arrival.keys
    return merged, Keys(known.email or new.email, known.domain or new.domain)


def _judge(book: Rulebook, lead: Lead, match: Match, now: datetime, trace: Trace) -> tuple[Route, Qualified]:
    facts = fold(lead.fields)
    qualified = qualify(book.qualify, lead, facts, now, trace)
    facts["relationship"] = match.relationship
    return choose_route(book.routes, facts, now, trace), qualified


def _decide(desk: Desk, arrival: Arrival) -> Decision:
    before = _same_prospect(desk.known, arrival)
    lead, keys = _known_now(arrival, before)
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
    route, qualified = _judge(desk.book, lead, match, desk.now, trace)
    if before is None:
        return _place_new(desk, arrival, lead, match, route, qualified, trace)
    return _place_again(
        desk, arrival, before, replace(before, lead=lead, keys=keys), match, route, qualified, trace
    )


def _place_new(
    desk: Desk,
    arrival: Arrival,
    lead: Lead,
    match: Match,
    route: Route,
    qualified: Qualified,
    trace: Trace,
) -> Decision:
    place = place_by_route(desk, route, match, qualified, (), trace)
    promised = promise_for(desk, route, qualified, place, arrival.lead.arrived_at, trace)
    arrived = Standing(lead, arrival.keys, stage="new", intent=qualified.intent)
    standing = _placed(desk, arrived, place, route, promised, lead.arrived_at)
    return conclude(desk, standing, None, "placed", qualified, match, place, trace)


def _place_again(
    desk: Desk,
    arrival: Arrival,
    before: Standing,
    standing: Standing,
    match: Match,
    route: Route,
    qualified: Qualified,
    trace: Trace,
) -> Decision:
    """An open lead with news: routed again if intent rose or no person has it.

    `standing` is the lead as it stood, with the news in it.
    """
    rose = INTENTS.index(qualified.intent) < INTENTS.index(before.intent)
    reasons = [str(Reason.SAME_PERSON)] if arrival.target is None else []
    if rose:
        reasons.append(str(Reason.INTENT_ROSE))
    standing = replace(standing, intent=qualified.intent)
    outcome: Outcome
    has_person = before.owner in desk.book.roster.people
    if has_person and not rose:
        outcome, place = "merged", as_before(before, reasons)
    elif has_person and _keeps_person(desk.book, before, route):
        outcome, place = "kept", as_before(before, [*reasons, str(Reason.KEPT)])
        standing = _kept(desk, arrival, standing, place, route, qualified, trace)
    elif before.stage == "nurture" and before.destination == destination_of(route):
        outcome, place = "kept", as_before(before, [*reasons, str(Reason.KEPT)])
    else:
        outcome, place = "moved", move(desk, before, route, match, qualified, reasons, trace)
        if keeps_plan(before, place):
            trace["plan_kept"] = True
        promised: tuple[str | None, datetime | None]
        if before.respond_by is not None and place.stage != "nurture" and (before.responded or not rose):
            promised = before.service_level, before.respond_by  # nothing else makes a new promise
        else:
            promised = promise_for(desk, route, qualified, place, arrival.lead.arrived_at, trace)
        standing = _placed(desk, standing, place, route, promised, arrival.lead.arrived_at)
    return conclude(desk, standing, before, outcome, qualified, match, place, trace)


def _keeps_person(book: Rulebook, before: Standing, route: Route) -> bool:
    """Whether the person who has a lead keeps it although it was routed again."""
    if before.is_worked and (before.responded or is_protected(before)):
        return True
    return _leads_to_owner(book, before, route)


def _leads_to_owner(book: Rulebook, standing: Standing, route: Route) -> bool:
    """Whether a route leads to a pool, or for a lead in review to a review pool, that its owner is in."""
    wanted = "review" if standing.stage == "review" else "pool"
    return route.kind == wanted and standing.owner in book.benches[route.target].ids


def _kept(
    desk: Desk,
    arrival: Arrival,
    standing: Standing,
    place: Place,
    route: Route,
    qualified: Qualified,
    trace: Trace,
) -> Standing:
    """The same person, who follows a route that leads to them; before a response there is a new promise."""
    if not is_protected(standing) and _leads_to_owner(desk.book, standing, route):
        place.pool, place.destination = route.target, destination_of(route)
        standing = replace(standing, pool=place.pool, destination=place.destination, route=route.name)
    if standing.responded:
        return standing
    start = arrival.lead.arrived_at
    level, respond_by = promise_for(desk, route, qualified, place, start, trace)
    due_at = standing.next_step_due_at if standing.planned else next_step_due(place, respond_by, start)
    promised = replace(standing, service_level=level, respond_by=respond_by, next_step_due_at=due_at)
    return stand_at(desk, promised)


def _placed(
    desk: Desk,
    standing: Standing,
    place: Place,
    route: Route,
    promised: tuple[str | None, datetime | None],
    start: datetime,
) -> Standing:
    holder = place.covered_by or place.owner
    planned = keeps_plan(standing, place)
    # Every lead comes by here, and `replace` costs several times what a plain construction does.
    return Standing(
        lead=standing.lead,
        keys=standing.keys,
        stage=place.stage,
        intent=standing.intent,
        owner=place.owner,
        covered_by=place.covered_by,
        pool=place.pool,
        destination=place.destination,
        service_level=promised[0],
        respond_by=promised[1],
        responded=standing.responded,
        route=route.name,
        next_step=standing.next_step if planned else next_step_of(route, place),
        next_step_due_at=standing.next_step_due_at if planned else next_step_due(place, promised[1], start),
        planned=planned,
        excluded=standing.excluded,
        waiting_pool=place.waiting_pool,
        policy=desk.book.policy.version,
        held_since=desk.now,
        chase_at=first_step_at(desk, holder, promised[0], responded=standing.responded),
        reassigned=standing.reassigned,
    )
