"""Where does a lead go, and into whose hands? The destinations of a route, and what each entails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from leadlane.core.chase import chase_of, next_due_at
from leadlane.core.decision import Decision, Outcome
from leadlane.core.facts import Person, Roster
from leadlane.core.match import Known, Match, Standing
from leadlane.core.pick import (
    Hands,
    PoolsNeeded,
    Question,
    covering,
    is_out,
    pick_from_pools,
    pick_reviewer,
)
from leadlane.core.policy import Route
from leadlane.core.promise import promise
from leadlane.core.qualify import Qualified
from leadlane.core.route import destination_of
from leadlane.core.rulebook import Rulebook
from leadlane.core.trace import Reason, Trace

# The next step of a lead for which the route names none.
RESPOND, REVIEW, SAY_WHO = "Respond", "Decide who takes this lead", "Say who this is"
# By when the next step is due where nothing was promised.
WITHOUT_PROMISE = timedelta(days=1)


@dataclass(slots=True)
class Desk:
    """What is at hand while a batch is decided; open leads, ledgers and loads change with every decision."""

    book: Rulebook
    known: Known
    hands: Hands
    now: datetime
    books: Mapping[str, Rulebook] = field(default_factory=dict)  # of the versions that open leads keep
    in_force: Rulebook | None = None  # where `book` is of an older version
    first_steps: dict[tuple[str, str | None, int], datetime | None] = field(default_factory=dict)


@dataclass(slots=True)
class Place:
    """Where a lead goes, while it is being worked out."""

    stage: str
    owner: str | None = None
    covered_by: str | None = None
    pool: str | None = None
    destination: str = ""
    waiting_pool: str | None = None
    reasons: list[str] = field(default_factory=list)
    messages: list[tuple[str, str | None]] = field(default_factory=list)


def as_before(before: Standing, reasons: list[str]) -> Place:
    """The place that a lead has already."""
    return Place(
        stage=before.stage,
        owner=before.owner,
        covered_by=before.covered_by,
        pool=before.pool,
        destination=before.destination or "",
        reasons=reasons,
    )


def is_protected(standing: Standing) -> bool:
    """Whether nothing automatic may change the owner: the lead came by an `owner:` route."""
    return (standing.destination or "").startswith("owner:")


def move(
    desk: Desk,
    before: Standing,
    route: Route,
    match: Match,
    qualified: Qualified,
    reasons: list[str],
    trace: Trace,
) -> Place:
    """A new place for a lead; whoever had it has one lead less."""
    person = desk.book.roster.people.get(before.owner or "")
    if person is not None:
        desk.hands.release(person)
    place = place_by_route(desk, route, match, qualified, before.excluded, trace)
    place.reasons[:0] = [*reasons, str(Reason.MOVED)]
    if person is not None and person.id != place.owner:
        place.messages.append(("reassigned_away", before.covered_by or person.id))
    return place


def place_by_route(
    desk: Desk, route: Route, match: Match, qualified: Qualified, excluded: tuple[str, ...], trace: Trace
) -> Place:
    destination = destination_of(route)
    match route.kind:
        case "program":
            return Place("nurture", destination=destination)
        case "disqualify":
            return Place("closed", destination=destination)
        case "owner":
            return place_with_owner(desk, route, match, qualified, trace)
        case "review":
            return place_in_review(desk, route.target, qualified, excluded, "review", trace)
        case "pool":
            return place_in_pool(desk, route.target, qualified, excluded, trace)


def place_in_pool(
    desk: Desk, pool: str, qualified: Qualified, excluded: tuple[str, ...], trace: Trace
) -> Place:
    book, steps = desk.book, trace.setdefault("pick", [])
    needed = book.with_backups(pool) - desk.hands.ledgers.keys()
    if needed:
        raise PoolsNeeded(needed)
    question = Question(qualified.facts, excluded, desk.now)
    person, gave = pick_from_pools(
        book.benches, book.roster, book.calendars, desk.hands, pool, question, steps
    )
    if person is None:
        place = place_in_review(desk, book.policy.review_pool, qualified, excluded, "alarm", trace)
        place.waiting_pool = pool
        place.reasons.insert(0, str(Reason.NOBODY_AVAILABLE))
        return place
    place = Place("assigned", person, pool=gave, destination=f"pool:{pool}")
    if steps[-1]["off_hours"]:
        place.reasons.append(str(Reason.OFF_HOURS))
    if gave != pool:
        place.reasons.append(str(Reason.BACKUP_POOL))
    place.messages.append(("assigned", person))
    return place


def place_in_review(
    desk: Desk,
    pool: str | None,
    qualified: Qualified,
    excluded: tuple[str, ...],
    event: str,
    trace: Trace,
) -> Place:
    """With a person who decides. A lead that finds nobody there waits in the pool, and every admin hears."""
    person = None
    if pool is not None:
        if pool not in desk.hands.ledgers:
            raise PoolsNeeded(frozenset([pool]))
        question = Question(qualified.facts, excluded, desk.now)
        steps = trace.setdefault("pick", [])
        person = pick_reviewer(desk.book.benches[pool], desk.book.roster, desk.hands, question, steps)
    place = Place("review", person, pool=pool, destination=f"review:{pool or ''}")
    if person is None:
        place.reasons.append(str(Reason.EMPTY_REVIEW_POOL))
        place.messages.append(("alarm", None))
    else:
        place.messages.append((event, person))
    return place


def place_with_owner(desk: Desk, route: Route, match: Match, qualified: Qualified, trace: Trace) -> Place:
    """With the owner, whatever their capacity and hours; somebody covers while the owner is out."""
    if route.target == "open_lead":
        owner_id = match.open_lead_owner
    else:
        owner_id = match.account.owner if match.account else None
    owner = desk.book.roster.people.get(owner_id) if owner_id is not None else None
    if owner is None:
        place = place_in_review(desk, desk.book.policy.review_pool, qualified, (), "alarm", trace)
        place.reasons.insert(0, str(Reason.NO_OWNER))
        return place
    desk.hands.take(owner, automatic=True)
    place = Place("assigned", owner.id, destination=destination_of(route))
    trace["owner"] = {"of": route.target, "owner": owner.id, "covered_by": None, "passed": []}
    if not is_out(owner, desk.now):
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


def promise_for(
    desk: Desk, route: Route, qualified: Qualified, place: Place, start: datetime, trace: Trace
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


def next_step_of(route: Route, place: Place) -> str | None:
    if place.stage == "review":
        return REVIEW
    return (route.next_step or RESPOND) if place.owner is not None else None


def next_step_due(place: Place, respond_by: datetime | None, start: datetime) -> datetime | None:
    """When the next step of a lead is due that a person gets: as promised, else a day from `start`."""
    return (respond_by or start + WITHOUT_PROMISE) if place.owner is not None else None


def keeps_plan(before: Standing, place: Place) -> bool:
    """Whether the next step stays as a person planned it: they have the lead at the new place too."""
    return before.planned and before.owner is not None and before.owner == place.owner


def stand_at(desk: Desk, standing: Standing) -> Standing:
    """The lead as whoever has it now got it at this moment: the chase begins anew on their clock."""
    holder = standing.covered_by or standing.owner
    begins = first_step_at(desk, holder, standing.service_level, responded=standing.responded)
    return replace(standing, policy=desk.book.policy.version, held_since=desk.now, chased=(), chase_at=begins)


def first_step_at(
    desk: Desk, holder: str | None, service_level: str | None, *, responded: bool
) -> datetime | None:
    """When the chase of a lead begins for who has had it since now; None if it needs none."""
    calendar = desk.book.calendars.get(holder or "")
    if responded or calendar is None:
        return None
    # Within a batch it is the same for everyone with these hours: most leads share the answer.
    key = (desk.book.policy.version, service_level, id(calendar))
    if key not in desk.first_steps:
        steps = chase_of(desk.book.policy, service_level)
        desk.first_steps[key] = next_due_at(steps, desk.now, calendar, ())
    return desk.first_steps[key]


def conclude(
    desk: Desk,
    standing: Standing,
    before: Standing | None,
    outcome: Outcome,
    qualified: Qualified,
    match: Match | None,
    place: Place,
    trace: Trace,
) -> Decision:
    """The decision that a lead stands so from now on; whoever is decided about next meets it so."""
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
    messages = tuple(dict.fromkeys(place.messages))  # nobody is told the same thing twice
    return Decision(standing, before, outcome, qualified, match, tuple(place.reasons), messages, trace)
