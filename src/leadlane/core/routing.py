"""Where does a lead come to stand that is routed: for the first time, with news, or because somebody says
who it is?
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from leadlane.core.conditions import fold
from leadlane.core.decision import Decision, Outcome
from leadlane.core.facts import INTENTS, Lead
from leadlane.core.match import Likeness, Match, Standing, outcome_of
from leadlane.core.place import (
    SAY_WHO,
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
    place_in_review,
    promise_for,
    stand_at,
)
from leadlane.core.policy import Matching, Route
from leadlane.core.qualify import Qualified, qualify
from leadlane.core.route import choose_route, destination_of
from leadlane.core.rulebook import Rulebook
from leadlane.core.trace import Reason, Trace


def judge(book: Rulebook, lead: Lead, match: Match, now: datetime, trace: Trace) -> tuple[Route, Qualified]:
    """Qualify a lead and find its route; both go into the trace."""
    facts = fold(lead.fields)
    qualified = qualify(book.qualify, lead, facts, now, trace)
    facts["relationship"] = match.relationship
    return choose_route(book.routes, facts, now, trace), qualified


def place_new(
    desk: Desk,
    arrived: Standing,
    match: Match,
    route: Route,
    qualified: Qualified,
    trace: Trace,
    reasons: Sequence[str] = (),
    doubts: Sequence[Likeness] = (),
) -> Decision:
    """A lead that had no place so far; `reasons` say how it comes to need one.

    Where there are `doubts` whom it may be, it is linked to nothing until a person has said who it is.
    """
    is_asked = bool(doubts) and desk.book.policy.review_pool is not None and route.kind != "disqualify"
    if is_asked:
        place = place_in_review(desk, desk.book.policy.review_pool, qualified, (), "review", trace)
        place.reasons.insert(0, str(Reason.UNSURE_MATCH))
    else:
        place = place_by_route(desk, route, match, qualified, (), trace)
    place.reasons[:0] = reasons
    start = arrived.lead.arrived_at
    promised = promise_for(desk, route, qualified, place, start, trace)
    standing = placed(desk, arrived, place, route, promised, start)
    if is_asked:
        standing = replace(standing, unsure=True, next_step=SAY_WHO)
    return conclude(desk, standing, None, "placed", qualified, match, place, trace)


def likely_told(likely: Iterable[Likeness], matching: Matching) -> list[Trace]:
    """Likenesses as the trace tells them."""
    return [
        {
            "lead": one.lead,
            "account": one.account.id if one.account else None,
            "probability": one.probability,
            "outcome": outcome_of(one.probability, matching),
            "evidence": [
                {"code": two.code, "weight": two.weight, "ours": two.ours, "theirs": two.theirs}
                for two in one.evidence
            ],
        }
        for one in likely
    ]


def place_again(
    desk: Desk,
    before: Standing,
    standing: Standing,
    match: Match,
    route: Route,
    qualified: Qualified,
    reasons: list[str],
    start: datetime,
    trace: Trace,
    *,
    anew: bool = False,
    freed: bool = False,
) -> tuple[Outcome, Place, Standing]:
    """An open lead with news that arrived at `start`: what became of it, where, and how it stands then.

    `standing` is the lead as it stood, with the news in it. It is routed again if intent rose, no person has
    it, or `anew` says so; whoever is to say who it is has it until they did. `freed`: what protected its
    owner is no longer so.
    """
    rose = INTENTS.index(qualified.intent) < INTENTS.index(before.intent)
    if rose:
        reasons = [*reasons, str(Reason.INTENT_ROSE)]
    standing = replace(standing, intent=qualified.intent)
    has_person = before.unsure or before.owner in desk.book.roster.people
    if has_person and not (rose or anew):
        return "merged", as_before(before, reasons), standing
    if has_person and (before.unsure or _keeps_person(desk.book, before, route, freed=freed)):
        place = as_before(before, [*reasons, str(Reason.KEPT)])
        return "kept", place, _kept(desk, standing, place, route, qualified, start if rose else None, trace)
    if before.stage == "nurture" and before.destination == destination_of(route):
        return "kept", as_before(before, [*reasons, str(Reason.KEPT)]), standing
    place = move(desk, before, route, match, qualified, reasons, trace)
    if keeps_plan(before, place):
        trace["plan_kept"] = True
    promised: tuple[str | None, datetime | None]
    if before.respond_by is not None and place.stage != "nurture" and (before.responded or not rose):
        promised = before.service_level, before.respond_by  # nothing else makes a new promise
    else:
        promised = promise_for(desk, route, qualified, place, start, trace)
    return "moved", place, placed(desk, standing, place, route, promised, start)


def _keeps_person(book: Rulebook, before: Standing, route: Route, *, freed: bool) -> bool:
    """Whether the person who has a lead keeps it although it was routed again."""
    if before.is_worked and (before.responded or (is_protected(before) and not freed)):
        return True
    return _leads_to_owner(book, before, route)


def _leads_to_owner(book: Rulebook, standing: Standing, route: Route) -> bool:
    """Whether a route leads to a pool, or for a lead in review to a review pool, that its owner is in."""
    wanted = "review" if standing.stage == "review" else "pool"
    return route.kind == wanted and standing.owner in book.benches[route.target].ids


def _kept(
    desk: Desk,
    standing: Standing,
    place: Place,
    route: Route,
    qualified: Qualified,
    start: datetime | None,
    trace: Trace,
) -> Standing:
    """The same person, who follows a route that leads to them.

    What happened at `start` makes a new promise, unless they have responded; None: the promise stays.
    """
    if not is_protected(standing) and _leads_to_owner(desk.book, standing, route):
        place.pool, place.destination = route.target, destination_of(route)
        standing = replace(standing, pool=place.pool, destination=place.destination, route=route.name)
    if standing.responded or start is None:
        return standing
    level, respond_by = promise_for(desk, route, qualified, place, start, trace)
    due_at = standing.next_step_due_at if standing.planned else next_step_due(place, respond_by, start)
    promised = replace(standing, service_level=level, respond_by=respond_by, next_step_due_at=due_at)
    return stand_at(desk, promised)


def placed(
    desk: Desk,
    standing: Standing,
    place: Place,
    route: Route,
    promised: tuple[str | None, datetime | None],
    start: datetime,
) -> Standing:
    """The lead at a new place, which whoever has it now got at this moment."""
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
