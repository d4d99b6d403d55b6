"""May somebody contact this prospect? One rule, so that every surface gives the same answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from leadlane.core.facts import WORKED_STAGES, Account, Roster
from leadlane.core.pick import covering, is_out
from leadlane.core.place import manager_of

Answer = Literal["yes", "ask", "no"]


class Ground(StrEnum):
    """What the answer rests on."""

    LEAD = "lead"  # an open lead of this very person is being worked
    REVIEW = "review"  # an open lead of theirs waits for somebody to decide who takes it
    COLLEAGUE = "colleague"  # a lead of somebody else at the company is being worked
    CUSTOMER = "customer"  # the company is a customer with a relationship holder
    NAMED_ACCOUNT = "named_account"  # the company is somebody's named account
    ACCOUNT = "account"  # the company is an account that has an owner
    UNDECIDED = "undecided"  # in review, and there is nobody who decides
    DISQUALIFIED = "disqualified"  # the policy does not want them as a prospect
    NURTURE = "nurture"  # an automatic program engages them, and no person
    FREE = "free"  # known, and nobody's
    UNKNOWN = "unknown"  # not known at all


@dataclass(frozen=True, slots=True)
class Hold:
    """An open lead as far as it matters here: its stage, who owns it and who covers."""

    stage: str
    owner: str | None = None
    covered_by: str | None = None


@dataclass(frozen=True, slots=True)
class Claims:
    """Everything by which a prospect may belong to somebody.

    `lead` is their own open lead; `colleagues` the worked leads of others at the company, the oldest first.
    `barred` says that a lead of theirs would be disqualified now; `known` that they ever were a lead, or
    that the company is an account.
    """

    lead: Hold | None = None
    colleagues: Sequence[Hold] = ()
    account: Account | None = None
    barred: bool = False
    known: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer, and what it rests on.

    `owner` is whose the prospect is by that ground. `ask` is whom to ask (answer "ask"): the owner, or
    while the owner is out whoever covers, or else the owner's manager.
    """

    answer: Answer
    ground: Ground
    owner: str | None = None
    ask: str | None = None


@dataclass(frozen=True, slots=True)
class _Claim:
    ground: Ground
    owner: str
    holder: str  # who is there for the owner at this moment; the owner, if nobody needs to be

    def verdict(self, asker: str | None) -> Verdict:
        if asker is not None and asker in (self.owner, self.holder):
            return Verdict("yes", self.ground, self.owner)
        return Verdict("ask", self.ground, self.owner, self.holder)


def may_contact(claims: Claims, roster: Roster, now: datetime, asker: str | None = None) -> Verdict:
    """Whether `asker`, or without one anybody but the owner, may contact a prospect.

    Whoever works the prospect comes first, whatever else holds. Then comes a claim that the asker has
    themselves; then, as in routing, whoever works a colleague, and the owner of the account. Whoever has
    left claims nothing: what was theirs belongs to who is there for them, if anybody is.
    """
    own = _own(claims.lead, roster, now)
    if own is not None:
        return own.verdict(asker)
    if claims.lead is not None and claims.lead.stage == "review":
        return Verdict("no", Ground.UNDECIDED)
    if claims.barred:
        return Verdict("no", Ground.DISQUALIFIED)
    others = _others(claims, roster, now)
    verdicts = [claim.verdict(asker) for claim in others]
    mine = (verdict for verdict in verdicts if verdict.answer == "yes")
    if found := next(mine, None) or next(iter(verdicts), None):
        return found
    if claims.lead is not None and claims.lead.stage == "nurture":
        return Verdict("yes", Ground.NURTURE)
    return Verdict("yes", Ground.FREE if claims.known else Ground.UNKNOWN)


def account_ground(account: Account) -> Ground:
    """By what an account with an owner belongs to them."""
    if account.customer:
        return Ground.CUSTOMER
    return Ground.NAMED_ACCOUNT if account.named else Ground.ACCOUNT


def present_for(roster: Roster, owner_id: str, covered_by: str | None, now: datetime) -> str:
    """Who is there for an owner at this moment.

    Whoever covers the lead; the owner; while the owner is out, the first present of their backups, else
    their manager. The owner where there is none of these.
    """
    cover = roster.people.get(covered_by or "")
    if cover is not None and not is_out(cover, now):
        return cover.id
    owner = roster.people[owner_id]
    if not is_out(owner, now):
        return owner_id
    backup, _passed = covering(roster, owner, now)
    manager = manager_of(roster, owner)
    return backup or (manager if manager is not None and _is_active(roster, manager) else owner_id)


def _own(lead: Hold | None, roster: Roster, now: datetime) -> _Claim | None:
    if lead is None or lead.stage not in (*WORKED_STAGES, "review"):
        return None
    return _claim(
        Ground.REVIEW if lead.stage == "review" else Ground.LEAD, lead.owner, lead.covered_by, roster, now
    )


def _others(claims: Claims, roster: Roster, now: datetime) -> list[_Claim]:
    found = [
        _claim(Ground.COLLEAGUE, lead.owner, lead.covered_by, roster, now)
        for lead in claims.colleagues
        if lead.stage in WORKED_STAGES
    ]
    if claims.account is not None:
        found.append(_claim(account_ground(claims.account), claims.account.owner, None, roster, now))
    return [claim for claim in found if claim is not None]


def _claim(
    ground: Ground, owner: str | None, covered_by: str | None, roster: Roster, now: datetime
) -> _Claim | None:
    if owner is None or owner not in roster.people:
        return None
    holder = present_for(roster, owner, covered_by, now)
    if not roster.people[owner].active:
        owner = holder
    return _Claim(ground, owner, holder) if _is_active(roster, owner) else None


def _is_active(roster: Roster, person: str) -> bool:
    return person in roster.people and roster.people[person].active
