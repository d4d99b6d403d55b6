"""What may be done with an open lead, and what follows? Acts of people, and what falls due.

Like an arrival, an act is decided purely: the lead as it stood, the act, and now give a decision; or a
refusal with its reason; or nothing, where there was nothing to do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from leadlane.core.chase import DueStep, chase_of, due_steps, overdue
from leadlane.core.conditions import fold
from leadlane.core.decision import Decision, Outcome, Refusal
from leadlane.core.facts import Lead, Person
from leadlane.core.fairness import give_back
from leadlane.core.match import Keys, Likeness, Match, Standing, find_match
from leadlane.core.pick import PoolsNeeded, Question, covering, is_available, is_out, pick_from_pools
from leadlane.core.place import (
    Desk,
    Place,
    as_before,
    conclude,
    is_protected,
    keeps_plan,
    manager_of,
    next_step_due,
    next_step_of,
    place_in_pool,
    place_in_review,
    promise_for,
    stand_at,
)
from leadlane.core.policy import Route
from leadlane.core.qualify import Qualified, qualify
from leadlane.core.rulebook import Rulebook
from leadlane.core.trace import TRACE_VERSION, Reason, Trace

ActKind = Literal[
    "accept", "decline", "touch", "plan", "reassign", "review", "close", "dispute",
    "chase", "serve", "cover", "return", "identify", "merge", "split",
]  # fmt: skip
# Kinds of touch that reach out to the prospect: these are responses. Other kinds are notes.
REACHING_OUT = frozenset({"call", "email", "meeting", "message"})
Touch = Literal["call", "email", "meeting", "message", "note"]
TOUCHES: tuple[str, ...] = get_args(Touch)
Closing = Literal["won", "lost", "junk", "duplicate", "unqualified"]
CLOSINGS: tuple[str, ...] = get_args(Closing)
# A lead handed back as one of these was no turn.
NO_TURN = frozenset({"junk", "duplicate"})
# Who may place a lead in review besides the people of its review pool.
PLACING_ROLES = frozenset({"manager", "revops", "admin"})
# A step acted on later than this after it was due is told to be late.
LATE_AFTER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Turn:
    """A pick as it was taken from the ledger of a pool, so that it can be given back."""

    pool: str
    chosen: str
    running: tuple[str, ...]
    shares: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Parts:
    """A lead taken apart: what it is without what had been merged into it, and that as a lead of its own.

    The keys name the account that each was linked to; whoever was responded to by themselves, was. `likely`
    are the accounts that what leaves may be of.
    """

    stays: Lead
    stays_keys: Keys
    leaves: Lead
    leaves_keys: Keys
    stays_responded: bool = False
    leaves_responded: bool = False
    likely: tuple[Likeness, ...] = ()


@dataclass(frozen=True, slots=True)
class Act:
    """Something done with an open lead.

    `by` is the person who acts, None for the system; `user` is the name of somebody who acts and is no
    person of the roster, such as an administrator. `to` is a person, or for `review` also
    `pool:NAME` or `program:NAME`; for `identify` an account or None, for `merge` the lead that ends, for
    `split` the id under which it had come, with its `parts`. `how` is the kind of a touch, `outcome` and
    `value` of a closing; its `closed_at` (aware) is when it ended, where that was before now.
    The `reason` of a plan is the next step; `due_at` (aware) is when it is due, also after a touch.
    `turn` is the pick that brought the lead to whoever has it, where one did.
    """

    lead_id: str
    kind: ActKind
    by: str | None = None
    to: str | None = None
    reason: str = ""
    how: str = ""
    outcome: str = ""
    value: int | float | None = None
    turn: Turn | None = None
    due_at: datetime | None = None
    parts: Parts | None = None
    user: str = ""
    closed_at: datetime | None = None


def decide_act(desk: Desk, act: Act) -> Decision | Refusal | None:
    """What follows from an act on an open lead. None: there was nothing to do."""
    before = desk.known.leads.get(act.lead_id)
    if before is None:
        return Refusal(act.lead_id, Reason.NOT_OPEN)
    # A lead keeps the policy that it was routed by until it is routed again.
    book = desk.books.get(before.policy, desk.book)
    matter = _Matter(replace(desk, book=book, in_force=desk.book), act, before)
    refused = _refusal(matter)
    return Refusal(act.lead_id, refused) if refused else _ACTS[act.kind](matter)


def pools_of_act(book: Rulebook, before: Standing, act: Act) -> frozenset[str]:
    """The pools whose ledgers an act may need: to pick from, or to give a turn back to."""
    wanted: set[str] = {act.turn.pool} if act.turn is not None else set()
    kind, _, pool = (before.destination or "").partition(":")
    if act.kind == "review":
        kind, _, pool = (act.to or "").partition(":")
    if act.kind in ("decline", "chase", "review") and kind == "pool" and pool in book.policy.pools:
        wanted |= book.with_backups(pool)
    if act.kind == "dispute" and book.policy.review_pool is not None:
        wanted.add(book.policy.review_pool)
    if act.kind == "serve" and before.waiting_pool is not None:
        wanted |= {before.waiting_pool} & book.policy.pools.keys()
    return frozenset(wanted)


@dataclass(slots=True)
class _Matter:
    """One act on one lead, while it is being decided."""

    desk: Desk
    act: Act
    before: Standing
    trace: Trace = None  # type: ignore[assignment]  # made below, from the other three
    qualified: Qualified = None  # type: ignore[assignment]
    match: Match = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        book, before, act = self.desk.book, self.before, self.act
        self.trace = {
            "v": TRACE_VERSION,
            "lead": before.lead.id,
            "at": self.desk.now,
            "policy": book.policy.version,
            "roster": book.roster.revision,
            "act": {
                "kind": act.kind,
                "by": act.by,
                "to": act.to,
                "reason": act.reason,
                "how": act.how,
                "outcome": act.outcome,
                "value": act.value,
            },
        }
        if act.due_at is not None:
            self.trace["act"]["due_at"] = act.due_at
        if act.user:
            self.trace["act"]["user"] = act.user
        if act.closed_at is not None:
            self.trace["act"]["closed_at"] = act.closed_at
        facts = fold(before.lead.fields)
        self.qualified = qualify(book.qualify, before.lead, facts, self.desk.now, self.trace)
        self.match = find_match(before.lead.id, before.keys, self.desk.known)

    @property
    def holder(self) -> str | None:
        """Who is to act on the lead: whoever covers, else the owner."""
        return self.before.covered_by or self.before.owner

    def person(self, person_id: str | None) -> Person | None:
        return self.desk.book.roster.people.get(person_id or "")

    def finish(self, standing: Standing, outcome: Outcome, place: Place) -> Decision:
        # What was matched when the lead was routed stays as it was.
        return conclude(self.desk, standing, self.before, outcome, self.qualified, None, place, self.trace)


def _refusal(matter: _Matter) -> Reason | None:
    act, before = matter.act, matter.before
    if act.by is not None and matter.person(act.by) is None:
        return Reason.UNKNOWN_PERSON
    if act.kind in ("accept", "decline"):
        if not before.is_worked:
            return Reason.NOT_ASSIGNED
        return None if act.by in (before.owner, before.covered_by) else Reason.NOT_YOURS
    if act.kind in ("reassign", "review"):
        if act.kind == "review" and before.stage != "review":
            return Reason.NOT_IN_REVIEW
        if act.kind == "review" and not _may_place(matter):
            return Reason.NOT_YOURS
        return _target_refusal(matter)
    if act.kind == "dispute" and before.stage == "review":
        return Reason.IN_REVIEW
    if act.kind == "close" and act.outcome not in CLOSINGS:
        return Reason.UNKNOWN_OUTCOME
    if act.closed_at is not None and not before.lead.arrived_at <= act.closed_at <= matter.desk.now:
        return Reason.WRONG_MOMENT
    return None


def _may_place(matter: _Matter) -> bool:
    person = matter.person(matter.act.by)
    if person is None:
        return matter.act.by is None
    bench = matter.desk.book.benches.get(matter.before.pool or "")
    return person.role in PLACING_ROLES or (bench is not None and person.id in bench.ids)


def _target_refusal(matter: _Matter) -> Reason | None:
    kind, _, name = (matter.act.to or "").partition(":")
    if name and matter.act.kind == "review":
        known = {"pool": matter.desk.book.policy.pools, "program": matter.desk.book.policy.programs}
        return None if name in known.get(kind, {}) else Reason.UNKNOWN_DESTINATION
    person = matter.person(matter.act.to)
    if person is None:
        return Reason.UNKNOWN_PERSON
    return None if person.active else Reason.INACTIVE


# ---------------------------------------------------------------- what people do


def _accept(matter: _Matter) -> Decision:
    before = matter.before
    stage = "accepted" if before.stage == "assigned" else before.stage
    standing = replace(before, stage=stage, accepted=True)
    return matter.finish(standing, "accepted", as_before(before, []))


def _touch(matter: _Matter) -> Decision:
    before, place = matter.before, as_before(matter.before, [])
    standing = before
    if matter.act.due_at is not None:
        standing = replace(before, next_step_due_at=matter.act.due_at, planned=True)
    if matter.act.how in REACHING_OUT:
        stage = "working" if before.is_worked else before.stage
        standing = replace(standing, stage=stage, accepted=True, responded=True, chase_at=None)
    return matter.finish(standing, "touched", place)


def _plan(matter: _Matter) -> Decision:
    before, act = matter.before, matter.act
    standing = replace(
        before,
        next_step=act.reason or before.next_step,
        next_step_due_at=act.due_at or before.next_step_due_at,
        planned=True,
    )
    return matter.finish(standing, "planned", as_before(before, []))


def _decline(matter: _Matter) -> Decision:
    if matter.act.reason in NO_TURN:
        _give_turn_back(matter)
    standing, place = _hand_on(matter)
    place.reasons.insert(0, str(Reason.DECLINED))
    return matter.finish(standing, "reassigned", place)


def _close(matter: _Matter) -> Decision:
    before, place = matter.before, as_before(matter.before, [])
    if matter.act.outcome in NO_TURN:
        _give_turn_back(matter)
    _release_owner(matter)
    standing = replace(
        before, stage="closed", chase_at=None, waiting_pool=None, next_step=None, next_step_due_at=None
    )
    return matter.finish(standing, "closed", place)


def _dispute(matter: _Matter) -> Decision:
    """Somebody says that the rules were wrong about this lead: a person decides, not the same rules again.

    Whoever had it is left out of later picks for it; the promise to the prospect stays.
    """
    desk, before, holder = matter.desk, matter.before, matter.holder
    excluded = before.excluded
    if holder is not None and holder not in excluded:
        excluded = (*excluded, holder)
    _release_owner(matter)
    place = place_in_review(desk, desk.book.policy.review_pool, matter.qualified, (), "review", matter.trace)
    place.reasons.insert(0, str(Reason.DISPUTED))
    if holder not in (None, matter.act.by, place.owner):
        place.messages.append(("reassigned_away", holder))
    return matter.finish(_stand(matter, replace(before, excluded=excluded), place), "disputed", place)


def _reassign(matter: _Matter) -> Decision:
    return _give_to(matter, matter.act.to, "reassigned")


def _review(matter: _Matter) -> Decision:
    kind, _, name = (matter.act.to or "").partition(":")
    if not name:
        return _give_to(matter, matter.act.to, "reviewed")
    _release_owner(matter)
    if kind == "program":
        place = Place("nurture", destination=f"program:{name}")
    else:
        place = place_in_pool(matter.desk, name, matter.qualified, matter.before.excluded, matter.trace)
    return matter.finish(_stand(matter, matter.before, place), "reviewed", place)


def _give_to(matter: _Matter, person_id: str | None, outcome: Outcome) -> Decision:
    """Into the hands of a named person, whatever their capacity: somebody decided it."""
    person = matter.person(person_id)
    assert person is not None  # _refusal has seen to it
    _release_owner(matter)
    matter.desk.hands.take(person, automatic=False)
    before = matter.before
    place = Place("assigned", person.id, destination=before.destination or "")
    place.messages.append(("assigned", person.id))
    if matter.holder not in (None, person.id):
        place.messages.append(("reassigned_away", matter.holder))
    standing = _stand(matter, matter.before, place)
    excluded = tuple(one for one in standing.excluded if one != person.id)
    return matter.finish(replace(standing, excluded=excluded), outcome, place)


def _release_owner(matter: _Matter) -> None:
    person = matter.person(matter.before.owner)
    if person is not None:
        matter.desk.hands.release(person)


def _give_turn_back(matter: _Matter) -> None:
    turn = matter.act.turn
    if turn is None or turn.chosen != matter.before.owner:
        return
    ledger = matter.desk.hands.ledgers.get(turn.pool)
    if ledger is None:
        raise PoolsNeeded(frozenset([turn.pool]))
    give_back(ledger, turn.chosen, turn.running, turn.shares)
    matter.desk.hands.returned.add(turn.pool)
    matter.trace["turn_returned"] = turn.pool


def _stand(matter: _Matter, before: Standing, place: Place) -> Standing:
    """The lead at a new place: whoever has it now starts the chase anew; the promise stays.

    A lead that was promised nothing so far is promised now.
    """
    level, respond_by = before.service_level, before.respond_by
    route = _route_of(matter)
    if level is None and place.owner is not None:
        desk, qualified = matter.desk, matter.qualified
        level, respond_by = promise_for(desk, route, qualified, place, desk.now, matter.trace)
    # A lead that nobody has for a while was promised all the same; one that nurture has is not.
    is_promised = place.stage != "nurture"
    planned = keeps_plan(before, place)
    # A promise that was kept says nothing of what is to be done next.
    promised = None if before.responded else respond_by
    due_at = before.next_step_due_at if planned else next_step_due(place, promised, matter.desk.now)
    standing = replace(
        before,
        stage=place.stage,
        owner=place.owner,
        covered_by=place.covered_by,
        pool=place.pool,
        waiting_pool=place.waiting_pool,
        destination=place.destination,
        service_level=level if is_promised else None,
        respond_by=respond_by if is_promised else None,
        next_step=before.next_step if planned else next_step_of(route, place),
        next_step_due_at=due_at,
        planned=planned,
        accepted=False,
        unsure=False,
    )
    return stand_at(matter.desk, standing)


def _route_of(matter: _Matter) -> Route:
    routes = matter.desk.book.policy.routes
    return next((route for route in routes if route.name == matter.before.route), routes[-1])


# ---------------------------------------------------------------- handing on


def _hand_on(matter: _Matter) -> tuple[Standing, Place]:
    """From whoever has the lead to whoever is next; who had it is excluded from now on."""
    before, holder = matter.before, matter.holder
    if is_protected(before):
        return _hand_to_cover(matter)
    excluded = before.excluded
    if holder is not None and holder not in excluded:
        excluded = (*excluded, holder)
    _release_owner(matter)
    place = _next_place(matter, holder, excluded)
    matter.trace["handed"] = {"from": holder, "to": place.owner, "excluded": list(excluded)}
    if holder is not None:
        place.messages.append(("reassigned_away", holder))
    count = before.reassigned + (place.stage == "assigned")
    return _stand(matter, replace(before, excluded=excluded, reassigned=count), place), place


def _next_place(matter: _Matter, holder: str | None, excluded: tuple[str, ...]) -> Place:
    """The holder's own backup, else a pick from the lead's pool and its backups, else review."""
    desk, before = matter.desk, matter.before
    book = desk.book
    kind, _, pool = (before.destination or "").partition(":")
    if before.reassigned >= book.policy.limits.reassignments:
        place = place_in_review(
            desk, book.policy.review_pool, matter.qualified, excluded, "alarm", matter.trace
        )
        place.reasons.insert(0, str(Reason.REASSIGNMENT_LIMIT))
        return place
    person = matter.person(holder)
    backup = matter.person(person.backup) if person is not None else None
    if backup is not None and backup.id not in excluded and is_available(backup, desk.hands, desk.now):
        desk.hands.take(backup, automatic=True, within_capacity=True)
        place = Place("assigned", backup.id, pool=before.pool, destination=before.destination or "")
        place.reasons.append(str(Reason.PERSONAL_BACKUP))
        place.messages.append(("assigned", backup.id))
        return place
    if kind == "pool" and pool in book.benches:
        return place_in_pool(desk, pool, matter.qualified, excluded, matter.trace)
    place = place_in_review(desk, book.policy.review_pool, matter.qualified, excluded, "alarm", matter.trace)
    place.reasons.insert(0, str(Reason.NOBODY_AVAILABLE))
    return place


def _hand_to_cover(matter: _Matter) -> tuple[Standing, Place]:
    """The next along the personal backups covers; the last keeps it, and the owner's manager hears.

    The owner stays owner.
    """
    before, holder, place = matter.before, matter.holder, as_before(matter.before, [])
    person, owner = matter.person(holder), matter.person(before.owner)
    if person is None or owner is None:
        return before, place
    asked = (*before.excluded, before.owner or "", person.id)
    cover, passed = covering(matter.desk.book.roster, person, matter.desk.now, asked)
    matter.trace["cover"] = {"of": before.owner, "from": person.id, "to": cover, "passed": passed}
    if cover is None:
        place.reasons.append(str(Reason.NOBODY_COVERS))
        place.messages.append(("alarm", manager_of(matter.desk.book.roster, owner)))
        return before, place
    place.stage, place.covered_by = "assigned", cover
    place.reasons.append(str(Reason.COVERED))
    place.messages.append(("covering", cover))
    if before.covered_by is not None:
        place.messages.append(("reassigned_away", before.covered_by))
    excluded = before.excluded
    if person.id != before.owner and person.id not in excluded:
        excluded = (*excluded, person.id)
    covered = replace(before, stage="assigned", covered_by=cover, excluded=excluded, accepted=False)
    return stand_at(matter.desk, covered), place


# ---------------------------------------------------------------- what falls due


def _chase(matter: _Matter) -> Decision | None:
    """Take the steps that are due. After an outage only the last of them, with those of the same moment."""
    desk, before = matter.desk, matter.before
    calendar = desk.book.calendars.get(matter.holder or "")
    if before.chase_at is None or before.held_since is None or calendar is None:
        return None
    steps = due_steps(chase_of(desk.book.policy, before.service_level), before.held_since, calendar)
    due = overdue(steps, before.chased, desk.now)
    if not due.now_due:
        return None
    place, standing, taken = as_before(before, []), before, []
    holder = matter.holder
    for one in due.now_due:
        did, standing, place = _take_step(matter, one, holder, standing, place)
        taken.append(_told(one, did))
    late = desk.now - due.now_due[-1].due_at
    if late > LATE_AFTER:
        place.reasons.append(str(Reason.LATE))
    matter.trace["chase"] = {
        "service_level": before.service_level,
        "since": before.held_since,
        "taken": taken,
        "skipped": [_told(one, Reason.TOO_LATE) for one in due.too_late],
        "late_seconds": late.total_seconds(),
    }
    if standing is before:  # nobody else has it now: the same chase goes on
        following = next((one.due_at for one in steps if one.number not in due.behind), None)
        standing = replace(before, chased=due.behind, chase_at=following)
    return matter.finish(standing, "chased", place)


def _told(one: DueStep, did: Reason) -> dict[str, Any]:
    return {"due_at": one.due_at, "action": one.step.action, "target": one.step.target, "did": str(did)}


def _take_step(
    matter: _Matter, one: DueStep, holder: str | None, standing: Standing, place: Place
) -> tuple[Reason, Standing, Place]:
    """One step of a chase: what became of it, and how the lead stands then."""
    before, step = matter.before, one.step
    done = {"accepted": before.accepted or before.responded, "responded": before.responded, None: False}
    if done[step.unless]:
        return Reason.NOT_NEEDED, standing, place
    if step.action == "reassign":
        # Of two such steps at one moment, the first has handed the lead on already.
        if before.stage == "review" or holder is None or standing is not before:
            return Reason.NOBODY, standing, place
        moved, new_place = _hand_on(matter)
        new_place.messages[:0] = place.messages
        return Reason.DONE, moved, new_place
    person = matter.person(holder)
    to = holder
    if step.action == "notify":
        to = manager_of(matter.desk.book.roster, person) if person is not None else None
    if to is None:
        return Reason.NOBODY, standing, place
    place.messages.append(("reminder" if step.action == "remind" else "escalated", to))
    return Reason.DONE, standing, place


def _serve(matter: _Matter) -> Decision | None:
    """A lead that waits in line for a pool, offered to it again; nothing happens if nobody is free.

    The people are those whom the policy in force puts into the pool: it waits for whoever is there.
    """
    desk, before = matter.desk, matter.before
    benches = {**desk.book.benches, **(desk.in_force or desk.book).benches}
    if before.waiting_pool is None or before.waiting_pool not in benches:
        return None
    if before.waiting_pool not in desk.hands.ledgers:
        raise PoolsNeeded(frozenset([before.waiting_pool]))
    steps: list[dict[str, Any]] = []
    bench = benches[before.waiting_pool]
    alone = replace(bench, pool=replace(bench.pool, backup_pool=None))
    question = Question(matter.qualified.facts, before.excluded, desk.now)
    person, pool = pick_from_pools(
        {before.waiting_pool: alone},
        desk.book.roster,
        desk.book.calendars,
        desk.hands,
        before.waiting_pool,
        question,
        steps,
    )
    if person is None:
        return None
    matter.trace["pick"] = steps
    _release_owner(matter)
    place = Place("assigned", person, pool=pool, destination=f"pool:{before.waiting_pool}")
    place.reasons.append(str(Reason.CAPACITY_FREED))
    place.messages.append(("assigned", person))
    if before.owner is not None:
        place.messages.append(("reassigned_away", before.owner))
    return matter.finish(_stand(matter, before, place), "served", place)


def _cover(matter: _Matter) -> Decision | None:
    """The owner of a protected lead is out, and so is whoever covers: somebody covers from now on."""
    before, now = matter.before, matter.desk.now
    owner, cover = matter.person(before.owner), matter.person(before.covered_by)
    if owner is None or not is_out(owner, now) or (cover is not None and not is_out(cover, now)):
        return None
    standing, place = _hand_to_cover(matter)
    if cover is not None and standing is before:
        # Who comes back to it, or looks in meanwhile, is to know that it waits for them.
        place.messages.append(("uncovered", owner.id))
    return matter.finish(standing, "covered", place)


def _return(matter: _Matter) -> Decision | None:
    """The owner is back and gets the lead back from whoever covered."""
    before, owner = matter.before, matter.person(matter.before.owner)
    if owner is None or before.covered_by is None or is_out(owner, matter.desk.now):
        return None
    place = as_before(before, [str(Reason.RETURNED)])
    place.covered_by = None
    place.messages += [("returned", owner.id), ("reassigned_away", before.covered_by)]
    standing = stand_at(matter.desk, replace(before, covered_by=None))
    return matter.finish(standing, "returned", place)


_ACTS = {
    "accept": _accept,
    "decline": _decline,
    "touch": _touch,
    "plan": _plan,
    "reassign": _reassign,
    "review": _review,
    "close": _close,
    "dispute": _dispute,
    "chase": _chase,
    "serve": _serve,
    "cover": _cover,
    "return": _return,
}
