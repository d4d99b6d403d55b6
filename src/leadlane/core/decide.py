"""The five questions in order: match, qualify, route, pick, promise. One decision for every arrival.

`decide_batch` is the whole of it: a pure function of a rulebook (policy and roster, compiled), the
state of the world that the batch may meet, the arrivals in order, and now. The shell loads the
world, stores what comes out, and can at any time decide again from what it stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from leadlane.core.business_time import Calendar
from leadlane.core.conditions import fold
from leadlane.core.facts import INTENTS, Lead, Load, Person, Roster
from leadlane.core.fairness import Ledger
from leadlane.core.match import Keys, Known, Match, Standing, find_match
from leadlane.core.pick import (
    Bench,
    Hands,
    PoolsNeeded,
    Question,
    covering,
    is_away,
    open_hands,
    pick_from_pools,
    pick_reviewer,
    seat,
)
from leadlane.core.policy import Policy, Route
from leadlane.core.promise import PromiseRules, compile_promise, promise
from leadlane.core.qualify import Qualified, QualifyRules, compile_qualify, qualify
from leadlane.core.route import RouteRules, choose_route, compile_routes, destination_of
from leadlane.core.trace import TRACE_VERSION, Reason, Trace

# The next step of a lead for which the route names none.
RESPOND, REVIEW = "Respond", "Decide who takes this lead"


@dataclass(frozen=True, slots=True)
class Rulebook:
    """A policy and a roster, compiled for deciding. Immutable; share it between batches."""

    policy: Policy
    roster: Roster
    zone: ZoneInfo
    qualify: QualifyRules
    routes: RouteRules
    promise: PromiseRules
    benches: Mapping[str, Bench]
    calendars: Mapping[str, Calendar]

    def with_backups(self, pool: str) -> frozenset[str]:
        """A pool and the pools that a pick from it may fall back to."""
        found: list[str] = []
        name: str | None = pool
        while name is not None and name not in found:
            found.append(name)
            name = self.policy.pools[name].backup_pool
        return frozenset(found)


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


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided for one arrival, and why.

    `before` is how the lead stood, None for a new one. `outcome` is placed (a new lead), merged
    (nothing changes for whoever has it), kept (routed again, stays where it is) or moved (routed again).
    `waiting_pool` is the pool in whose line the lead stands from now on; a merged one stands where it
    stood. `messages` are (event, person) pairs; a person of None means every admin.
    """

    standing: Standing
    before: Standing | None
    outcome: str
    qualified: Qualified
    match: Match
    waiting_pool: str | None
    reasons: tuple[str, ...]
    messages: tuple[tuple[str, str | None], ...]
    trace: Trace

    @property
    def lead_id(self) -> str:
        """The lead that the arrival became part of; not always the id it came with."""
        return self.standing.lead.id


def compile_rulebook(policy: Policy, roster: Roster) -> Rulebook:
    """Compile a policy for a roster. People who share hours, zone and holidays share a calendar."""
    zone = ZoneInfo(policy.timezone)
    shared: dict[Any, Calendar] = {}
    calendars = {}
    for person in roster.people.values():
        holidays = _holidays(roster, person)
        key = (person.hours, person.timezone, holidays)
        if key not in shared:
            shared[key] = Calendar(person.hours, ZoneInfo(person.timezone), holidays)
        calendars[person.id] = shared[key]
    return Rulebook(
        policy,
        roster,
        zone,
        compile_qualify(policy, zone),
        compile_routes(policy, zone),
        compile_promise(policy, zone),
        seat(policy, roster, zone),
        calendars,
    )


def _holidays(roster: Roster, person: Person) -> frozenset[Any]:
    region = person.attributes.get("holidays_region")
    own = roster.holidays.get(f"{person.country}-{region}") if region else None
    return own if own is not None else roster.holidays.get(person.country, frozenset())


def decide_batch(
    book: Rulebook, world: World, arrivals: Sequence[Arrival], now: datetime
) -> tuple[list[Decision], Hands]:
    """Decide every arrival in order, each knowing what became of those before it.

    `world.known` and the ledgers are working copies and are changed. Returns the decisions, and the
    ledgers and loads afterwards. PoolsNeeded if `world` lacks the state of a pool that is needed.
    """
    hands = open_hands(dict(world.ledgers), world.loads, book.roster)
    desk = _Desk(book, world.known, hands, now)
    return [_decide(desk, arrival) for arrival in arrivals], hands


def pools_touched(book: Rulebook, known: Known, arrivals: Sequence[Arrival], now: datetime) -> frozenset[str]:
    """The pools that deciding these arrivals will most likely pick from, backups included.

    A forecast: what the arrivals do to each other is not looked at. `decide_batch` tells if more are needed.
    """
    pools: set[str] = set()
    for arrival in arrivals:
        standing = _same_prospect(known, arrival)
        lead, keys = _known_now(arrival, standing)
        match = find_match(lead.id, keys, known)
        route, _ = _judge(book, lead, match, now, {})
        if route.kind in ("pool", "review"):
            pools |= book.with_backups(route.target)
    return frozenset(pools)


@dataclass(slots=True)
class _Desk:
    book: Rulebook
    known: Known
    hands: Hands
    now: datetime


@dataclass(slots=True)
class _Place:
    """Where a lead goes, while it is being worked out."""

    stage: str
    owner: str | None = None
    covered_by: str | None = None
    pool: str | None = None
    destination: str = ""
    waiting_pool: str | None = None
    reasons: list[str] = field(default_factory=list)
    messages: list[tuple[str, str | None]] = field(default_factory=list)


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
    merged = Lead(lead.id, lead.arrived_at, {**news.fields, **lead.fields}, lead.signals + news.signals)
    known, new = before.keys, arrival.keys
    return merged, Keys(known.email or new.email, known.domain or new.domain)


def _judge(book: Rulebook, lead: Lead, match: Match, now: datetime, trace: Trace) -> tuple[Route, Qualified]:
    facts = fold(lead.fields)
    qualified = qualify(book.qualify, lead, facts, now, trace)
    facts["relationship"] = match.relationship
    return choose_route(book.routes, facts, now, trace), qualified


def _decide(desk: _Desk, arrival: Arrival) -> Decision:
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
    desk: _Desk,
    arrival: Arrival,
    lead: Lead,
    match: Match,
    route: Route,
    qualified: Qualified,
    trace: Trace,
) -> Decision:
    place = _place(desk, route, match, qualified, (), trace)
    promised = _promise(desk, route, qualified, place, arrival.lead.arrived_at, trace)
    arrived = Standing(lead, arrival.keys, stage="new", intent=qualified.intent)
    standing = _placed(arrived, place, route, promised)
    return _finish(desk, standing, None, "placed", qualified, match, place, trace)


def _place_again(
    desk: _Desk,
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
    has_person = before.owner in desk.book.roster.people
    if has_person and not rose:
        outcome, place = "merged", _as_before(before, reasons)
    elif has_person and _keeps_person(desk.book, before, route):
        outcome, place = "kept", _as_before(before, [*reasons, str(Reason.KEPT)])
        standing = _kept(desk, arrival, standing, place, route, qualified, trace)
    elif before.stage == "nurture" and before.destination == destination_of(route):
        outcome, place = "kept", _as_before(before, [*reasons, str(Reason.KEPT)])
    else:
        outcome, place = "moved", _move(desk, before, route, match, qualified, reasons, trace)
        promised = _promise(desk, route, qualified, place, arrival.lead.arrived_at, trace)
        standing = _placed(standing, place, route, promised)
    return _finish(desk, standing, before, outcome, qualified, match, place, trace)


def _as_before(before: Standing, reasons: list[str]) -> _Place:
    return _Place(
        stage=before.stage,
        owner=before.owner,
        covered_by=before.covered_by,
        pool=before.pool,
        destination=before.destination or "",
        reasons=reasons,
    )


def _keeps_person(book: Rulebook, before: Standing, route: Route) -> bool:
    """Whether the person who has a lead keeps it although it was routed again."""
    if before.is_worked and (before.responded or _is_protected(before)):
        return True
    return _leads_to_owner(book, before, route)


def _is_protected(standing: Standing) -> bool:
    return (standing.destination or "").startswith("owner:")


def _leads_to_owner(book: Rulebook, standing: Standing, route: Route) -> bool:
    """Whether a route leads to a pool, or for a lead in review to a review pool, that its owner is in."""
    wanted = "review" if standing.stage == "review" else "pool"
    return route.kind == wanted and standing.owner in book.benches[route.target].ids


def _kept(
    desk: _Desk,
    arrival: Arrival,
    standing: Standing,
    place: _Place,
    route: Route,
    qualified: Qualified,
    trace: Trace,
) -> Standing:
    """The same person, who follows a route that leads to them; before a response there is a new promise."""
    if not _is_protected(standing) and _leads_to_owner(desk.book, standing, route):
        place.pool, place.destination = route.target, destination_of(route)
        standing = replace(standing, pool=place.pool, destination=place.destination, route=route.name)
    if standing.responded:
        return standing
    level, respond_by = _promise(desk, route, qualified, place, arrival.lead.arrived_at, trace)
    return replace(standing, service_level=level, respond_by=respond_by)


def _move(
    desk: _Desk,
    before: Standing,
    route: Route,
    match: Match,
    qualified: Qualified,
    reasons: list[str],
    trace: Trace,
) -> _Place:
    """A new place for a lead; whoever had it has one lead less."""
    person = desk.book.roster.people.get(before.owner or "")
    if person is not None:
        desk.hands.release(person)
    place = _place(desk, route, match, qualified, before.excluded, trace)
    place.reasons[:0] = [*reasons, str(Reason.MOVED)]
    if person is not None and person.id != place.owner:
        place.messages.append(("reassigned_away", before.covered_by or person.id))
    return place


def _placed(
    standing: Standing, place: _Place, route: Route, promised: tuple[str | None, datetime | None]
) -> Standing:
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
        next_step=_next_step(route, place),
        excluded=standing.excluded,
    )


def _place(
    desk: _Desk, route: Route, match: Match, qualified: Qualified, excluded: tuple[str, ...], trace: Trace
) -> _Place:
    destination = destination_of(route)
    match route.kind:
        case "program":
            return _Place("nurture", destination=destination)
        case "disqualify":
            return _Place("closed", destination=destination)
        case "owner":
            return _place_with_owner(desk, route, match, qualified, trace)
        case "review":
            return _place_in_review(desk, route.target, qualified, excluded, "review", trace)
        case "pool":
            return _place_in_pool(desk, route.target, qualified, excluded, trace)


def _place_in_pool(
    desk: _Desk, pool: str, qualified: Qualified, excluded: tuple[str, ...], trace: Trace
) -> _Place:
    book, steps = desk.book, trace.setdefault("pick", [])
    needed = book.with_backups(pool) - desk.hands.ledgers.keys()
    if needed:
        raise PoolsNeeded(needed)
    question = Question(qualified.facts, excluded, desk.now)
    person, gave = pick_from_pools(
        book.benches, book.roster, book.calendars, desk.hands, pool, question, steps
    )
    if person is None:
        place = _place_in_review(desk, book.policy.review_pool, qualified, excluded, "alarm", trace)
        place.waiting_pool = pool
        place.reasons.insert(0, str(Reason.NOBODY_AVAILABLE))
        return place
    place = _Place("assigned", person, pool=gave, destination=f"pool:{pool}")
    if steps[-1]["off_hours"]:
        place.reasons.append(str(Reason.OFF_HOURS))
    if gave != pool:
        place.reasons.append(str(Reason.BACKUP_POOL))
    place.messages.append(("assigned", person))
    return place


def _place_in_review(
    desk: _Desk,
    pool: str | None,
    qualified: Qualified,
    excluded: tuple[str, ...],
    event: str,
    trace: Trace,
) -> _Place:
    """With a person who decides. A lead that finds nobody there waits in the pool, and every admin hears."""
    person = None
    if pool is not None:
        if pool not in desk.hands.ledgers:
            raise PoolsNeeded(frozenset([pool]))
        question = Question(qualified.facts, excluded, desk.now)
        steps = trace.setdefault("pick", [])
        person = pick_reviewer(desk.book.benches[pool], desk.book.roster, desk.hands, question, steps)
    place = _Place("review", person, pool=pool, destination=f"review:{pool or ''}")
    if person is None:
        place.reasons.append(str(Reason.EMPTY_REVIEW_POOL))
        place.messages.append(("alarm", None))
    else:
        place.messages.append((event, person))
    return place


def _place_with_owner(desk: _Desk, route: Route, match: Match, qualified: Qualified, trace: Trace) -> _Place:
    """With the owner, whatever their capacity and hours; somebody covers while the owner is out."""
    if route.target == "open_lead":
        owner_id = match.open_lead_owner
    else:
        owner_id = match.account.owner if match.account else None
    owner = desk.book.roster.people.get(owner_id) if owner_id is not None else None
    if owner is None:
        place = _place_in_review(desk, desk.book.policy.review_pool, qualified, (), "alarm", trace)
        place.reasons.insert(0, str(Reason.NO_OWNER))
        return place
    desk.hands.take(owner, automatic=True)
    place = _Place("assigned", owner.id, destination=destination_of(route))
    trace["owner"] = {"of": route.target, "owner": owner.id, "covered_by": None, "passed": []}
    if owner.active and not is_away(owner, desk.now):
        place.messages.append(("assigned", owner.id))
        return place
    place.covered_by, trace["owner"]["passed"] = covering(desk.book.roster, owner, desk.now)
    trace["owner"]["covered_by"] = place.covered_by
    if place.covered_by is None:
        place.reasons.append(str(Reason.NOBODY_COVERS))
        place.messages += [("assigned", owner.id), ("alarm", manager_of(desk.book.roster, owner))]
    else:
        place.reasons.append(str(Reason.COVERED))
        place.messages.append(("covering", place.covered_by))
    return place


def manager_of(roster: Roster, person: Person) -> str | None:
    """A person's manager: their own, else that of their first team. None if there is neither."""
    if person.manager is not None:
        return person.manager
    team = roster.teams.get(person.teams[0]) if person.teams else None
    return team.manager if team else None


def _promise(
    desk: _Desk, route: Route, qualified: Qualified, place: _Place, start: datetime, trace: Trace
) -> tuple[str | None, datetime | None]:
    people = desk.book.calendars
    who = next((id_ for id_ in (place.covered_by, place.owner) if id_ in people), None)
    if who is None:
        trace["promise"] = None
        return None, None
    promised = promise(desk.book.promise, route, qualified.facts, start, people[who], trace)
    if promised is None:
        return None, None
    if promised.respond_by is None:
        place.reasons.append(str(Reason.NO_WORKING_TIME))
    return promised.service_level, promised.respond_by


def _next_step(route: Route, place: _Place) -> str | None:
    if place.stage == "review":
        return REVIEW
    return (route.next_step or RESPOND) if place.owner is not None else None


def _finish(
    desk: _Desk,
    standing: Standing,
    before: Standing | None,
    outcome: str,
    qualified: Qualified,
    match: Match,
    place: _Place,
    trace: Trace,
) -> Decision:
    trace["result"] = {
        "outcome": outcome,
        "stage": standing.stage,
        "destination": standing.destination,
        "owner": standing.owner,
        "covered_by": standing.covered_by,
        "reasons": place.reasons,
    }
    if standing.stage == "closed":
        desk.known.drop(standing.lead.id)
    else:
        desk.known.put(standing)
    return Decision(
        standing,
        before,
        outcome,
        qualified,
        match,
        place.waiting_pool,
        tuple(place.reasons),
        tuple(place.messages),
        trace,
    )
