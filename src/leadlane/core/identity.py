"""What follows when a person says who a lead is: identify, merge, split.

identify  it belongs to this account, or to nobody known: routed anew with what is known now
merge     another lead is the same prospect: it ends, and this one gets what it had
split     what had been merged was somebody else: that becomes a lead of its own again
"""

from __future__ import annotations

from dataclasses import replace

from leadlane.core.act import Act
from leadlane.core.decision import Decision, Outcome, Refusal
from leadlane.core.fairness import give_back
from leadlane.core.match import Match, Standing, find_match, joined_keys, joined_lead, recognise
from leadlane.core.pick import PoolsNeeded
from leadlane.core.place import Desk, as_before, conclude, next_step_of, stand_at
from leadlane.core.routing import judge, likely_told, place_again, place_new
from leadlane.core.trace import TRACE_VERSION, Reason, Trace

IDENTITY = frozenset({"identify", "merge", "split"})


def decide_identity(desk: Desk, act: Act) -> Decision | Refusal | None:
    """What follows from being told who a lead is; None if that was known. The policy in force decides."""
    before = desk.known.leads.get(act.lead_id)
    if before is None:
        return Refusal(act.lead_id, Reason.NOT_OPEN)
    if act.by is not None and act.by not in desk.book.roster.people:
        return Refusal(act.lead_id, Reason.UNKNOWN_PERSON)
    match act.kind:
        case "identify":
            return _identify(desk, act, before)
        case "merge":
            return _merge(desk, act, before)
        case _:
            return _split(desk, act, before)


def _identify(desk: Desk, act: Act, before: Standing) -> Decision | Refusal | None:
    if act.to == before.keys.account and not before.unsure:
        return None
    if act.to is not None and act.to not in desk.known.linked:
        return Refusal(act.lead_id, Reason.UNKNOWN_ACCOUNT)
    standing = replace(before, keys=replace(before.keys, account=act.to), unsure=False)
    return _routed_anew(desk, act, before, standing, "identified", [str(Reason.IDENTIFIED)])


def _merge(desk: Desk, act: Act, before: Standing) -> Decision | Refusal:
    if act.to == before.lead.id:
        return Refusal(act.lead_id, Reason.SAME_LEAD)
    other = desk.known.leads.get(act.to or "")
    if other is None:
        return Refusal(act.lead_id, Reason.OTHER_NOT_OPEN)
    responded = before.responded or other.responded
    standing = replace(
        before,
        # What both say happened at one moment happened once.
        lead=joined_lead(
            before.lead,
            replace(other.lead, signals=tuple(replace(one, stated=True) for one in other.lead.signals)),
        ),
        keys=joined_keys(before.keys, other.keys),
        responded=responded,
        # Whoever answered the one has answered the other.
        chase_at=None if responded else before.chase_at,
        unsure=False,
    )
    ended = _ended(desk, act, other)
    # It keeps its owner and its clock, as when the same person comes again.
    merged = _routed_anew(desk, act, before, standing, "joined", [str(Reason.MERGED)], anew=before.unsure)
    holder = other.covered_by or other.owner
    kept_by = merged.standing.covered_by or merged.standing.owner
    # Both hear of it, unless it is one person: to them it is one piece of news.
    told = dict.fromkeys(("merged", id_) for id_ in (kept_by, holder) if id_ is not None)
    return replace(merged, messages=(*merged.messages, *told), beside=ended)


def _ended(desk: Desk, act: Act, other: Standing) -> Decision:
    """The lead that is part of another from now on: whoever had it has room for one more."""
    person = desk.book.roster.people.get(other.owner or "")
    if person is not None:
        desk.hands.release(person)
    trace = _trace(desk, act, other)
    turn = act.turn
    if turn is not None and turn.chosen == other.owner:
        ledger = desk.hands.ledgers.get(turn.pool)
        if ledger is None:
            raise PoolsNeeded(frozenset([turn.pool]))
        give_back(ledger, turn.chosen, turn.running, turn.shares)
        desk.hands.returned.add(turn.pool)
    _route, qualified = judge(desk.book, other.lead, Match(), desk.now, trace)
    ended = replace(
        other, stage="closed", chase_at=None, waiting_pool=None, next_step=None, next_step_due_at=None
    )
    place = as_before(other, [str(Reason.MERGED)])
    return conclude(desk, ended, other, "merged_away", qualified, None, place, trace)


def _split(desk: Desk, act: Act, before: Standing) -> Decision | Refusal:
    if act.parts is None:
        return Refusal(act.lead_id, Reason.NOT_MERGED)
    stays, leaves = act.parts.stays, act.parts.leaves
    keys = act.parts.stays_keys
    trace = _trace(desk, act, before)
    # What it was linked to by the merge goes with what leaves; what was said of it since, stays.
    if before.keys.account != (keys.account or act.parts.leaves_keys.account):
        keys = replace(keys, account=before.keys.account)
    _route, qualified = judge(desk.book, stays, find_match(stays.id, keys, desk.known), desk.now, trace)
    kept = replace(before, lead=stays, keys=keys, intent=qualified.intent)
    if before.responded and act.parts.leaves_responded and not act.parts.stays_responded:
        # The one who was answered leaves: nobody has answered this one.
        stage = "assigned" if before.is_worked else before.stage
        kept = stand_at(desk, replace(kept, responded=False, accepted=False, stage=stage))
    beside = conclude(
        desk, kept, before, "reduced", qualified, None, as_before(before, [str(Reason.SPLIT)]), trace
    )
    # One mailbox is one open lead: where both came from it, it stays with the lead that it was first of.
    shared = act.parts.leaves_keys.email == keys.email
    leaves_keys = replace(act.parts.leaves_keys, email=None) if shared else act.parts.leaves_keys
    own_trace = _trace(desk, act, before) | {"lead": leaves.id}
    # Who it is not, a person has said; of which company it is, is asked as if it came in now.
    matching = desk.book.policy.matching
    recognised = recognise(replace(leaves_keys, email=None), None, act.parts.likely, desk.known, matching)
    leaves_keys = replace(leaves_keys, account=leaves_keys.account or recognised.account)
    match = find_match(leaves.id, leaves_keys, desk.known)
    own_trace["match"] = _match_told(match)
    if act.parts.likely:
        own_trace["match"]["likely"] = likely_told(act.parts.likely, matching)
    route, own = judge(desk.book, leaves, match, desk.now, own_trace)
    arrived = Standing(leaves, leaves_keys, "new", own.intent, responded=act.parts.leaves_responded)
    placed = place_new(desk, arrived, match, route, own, own_trace, [str(Reason.SPLIT)], recognised.doubts)
    return replace(placed, outcome="split", beside=beside)


def _routed_anew(
    desk: Desk,
    act: Act,
    before: Standing,
    standing: Standing,
    outcome: Outcome,
    reasons: list[str],
    *,
    anew: bool = True,
) -> Decision:
    """Routed by who it is now. Whoever has it keeps it as after a rise of intent; a doubt is over."""
    trace = _trace(desk, act, before)
    match = find_match(standing.lead.id, standing.keys, desk.known)
    trace["match"] = _match_told(match)
    route, qualified = judge(desk.book, standing.lead, match, desk.now, trace)
    _outcome, place, standing = place_again(
        desk,
        replace(before, unsure=False),
        standing,
        match,
        route,
        qualified,
        reasons,
        desk.now,
        trace,
        anew=anew,
        # Another account has another owner.
        freed=standing.keys.account != before.keys.account,
    )
    if before.unsure and not standing.planned:
        standing = replace(standing, next_step=next_step_of(route, place))
    return conclude(desk, standing, before, outcome, qualified, match, place, trace)


def _trace(desk: Desk, act: Act, before: Standing) -> Trace:
    return {
        "v": TRACE_VERSION,
        "lead": before.lead.id,
        "at": desk.now,
        "policy": desk.book.policy.version,
        "roster": desk.book.roster.revision,
        "act": {"kind": act.kind, "by": act.by, "to": act.to, "reason": act.reason},
    }


def _match_told(match: Match) -> Trace:
    return {
        "relationship": match.relationship,
        "account": match.account.id if match.account else None,
        "open_lead": match.open_lead,
        "same_person": False,
    }
