"""Who is this? What matching found, and which relationship follows from it.

`leadlane.matching` makes the keys; the shell looks them up. Here the answer is read from what was
found, so that it can be stored and given again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from leadlane.core.conditions import fold_text
from leadlane.core.facts import WORKED_STAGES, Account, Lead, Signal
from leadlane.core.policy import Matching

# A lead keeps its newest signals only, so that one prospect, or a form gone wild, cannot grow without bound.
MOST_SIGNALS = 500

# sure: linked. unsure: linked to nothing, a person is asked. new: nobody known.
Certainty = Literal["sure", "unsure", "new"]


@dataclass(frozen=True, slots=True)
class Keys:
    """What identifies a prospect; None where unknown.

    `email` and `phone` of the person, `domain` of the company; `name` is the person's name with the
    company's. `account` is the account that matching was sure of, or that a person said it is.
    """

    email: str | None = None
    domain: str | None = None
    phone: str | None = None
    name: str | None = None
    account: str | None = None


def joined_lead(first: Lead, second: Lead) -> Lead:
    """One prospect that came twice: the first, with what was missing filled in and the signals added."""
    signals = joined_signals(first.signals, second.signals)
    return Lead(first.id, first.arrived_at, {**second.fields, **first.fields}, signals)


def joined_signals(first: tuple[Signal, ...], second: tuple[Signal, ...]) -> tuple[Signal, ...]:
    """The newest signals of both. What the sender of `second` says happened when it is known to have
    happened is known already: a form or a row that is sent twice counts once.
    """
    known = Counter((fold_text(one.name), one.at) for one in first)
    more = []
    for one in second:
        what = (fold_text(one.name), one.at)
        if one.stated and known[what]:
            known[what] -= 1
        else:
            more.append(one)
    return (*first, *more)[-MOST_SIGNALS:]


def joined_keys(first: Keys, second: Keys) -> Keys:
    """The keys of one prospect that came twice: what the first had, else what the second brought."""
    # A name at a domain tells more than a name at a company's name.
    better_named = second if second.domain and not first.domain and second.name else first
    return Keys(
        first.email or second.email,
        first.domain or second.domain,
        first.phone or second.phone,
        better_named.name or second.name,
        first.account or second.account,
    )


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that speaks for two records being the same prospect, or against it.

    `code` says what was compared (`leadlane.matching.evidence` lists them); `ours` and `theirs` are the two
    values as people wrote them. `weight` is in bits, the base-2 logarithm of the likelihood ratio: above 0
    for, below 0 against (Fellegi and Sunter, 1969).
    """

    code: str
    weight: float
    ours: str = ""
    theirs: str = ""


@dataclass(frozen=True, slots=True)
class Likeness:
    """Somebody known who may be the same: the person of an open lead (`lead`), or a company (`account`).

    `probability` is that of being the same, from 0 to 1.
    """

    probability: float
    evidence: tuple[Evidence, ...]
    lead: str | None = None
    account: Account | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """An open lead as it stands: who has it, and what was promised.

    `waiting_pool` is the pool in whose line it stands; `policy` the version that it was routed by;
    `held_since` when whoever has it got it, from which the chase counts; `chased` the numbers of those of
    its steps that are behind, as listed from 0, and `chase_at` when the next is due; `planned` that whoever
    has it has said what is next; `unsure` that a person is to say who the prospect is. Instants are aware,
    UTC.
    """

    lead: Lead
    keys: Keys
    stage: str
    intent: str = "low"
    owner: str | None = None
    covered_by: str | None = None
    pool: str | None = None
    destination: str | None = None
    service_level: str | None = None
    respond_by: datetime | None = None
    responded: bool = False
    route: str | None = None
    next_step: str | None = None
    next_step_due_at: datetime | None = None
    excluded: tuple[str, ...] = ()
    waiting_pool: str | None = None
    policy: str = ""
    accepted: bool = False
    held_since: datetime | None = None
    chase_at: datetime | None = None
    chased: tuple[int, ...] = ()
    reassigned: int = 0
    planned: bool = False
    unsure: bool = False

    @property
    def is_worked(self) -> bool:
        """A person is working the prospect."""
        return self.stage in WORKED_STAGES and self.owner is not None


@dataclass(slots=True)
class Known:
    """The open leads and accounts that the leads of a batch may meet; grows as the batch is decided.

    `by_email`, `by_domain` and `by_account` give ids of open leads, oldest first. `accounts` are by domain,
    `linked` by their own id. `merged` says what became of leads of this batch that are no leads of their own.
    """

    leads: dict[str, Standing] = field(default_factory=dict)
    by_email: dict[str, str] = field(default_factory=dict)
    by_domain: dict[str, list[str]] = field(default_factory=dict)
    accounts: Mapping[str, Account] = field(default_factory=dict)
    by_account: dict[str, list[str]] = field(default_factory=dict)
    linked: Mapping[str, Account] = field(default_factory=dict)
    merged: dict[str, str] = field(default_factory=dict)

    def put(self, standing: Standing) -> None:
        """Remember how an open lead stands now."""
        lead_id, keys = standing.lead.id, standing.keys
        before = self.leads.get(lead_id)
        self.leads[lead_id] = standing
        if keys.email:
            self.by_email.setdefault(keys.email, lead_id)
        was = before.keys if before is not None else Keys()
        _move(self.by_domain, lead_id, was.domain, keys.domain)
        _move(self.by_account, lead_id, was.account, keys.account)

    def drop(self, lead_id: str) -> None:
        """Forget a lead that is closed."""
        standing = self.leads.pop(lead_id, None)
        if standing is None:
            return
        if standing.keys.email and self.by_email.get(standing.keys.email) == lead_id:
            del self.by_email[standing.keys.email]
        _move(self.by_domain, lead_id, standing.keys.domain, None)
        _move(self.by_account, lead_id, standing.keys.account, None)

    def at(self, keys: Keys, account: Account | None) -> Iterator[Standing]:
        """The open leads of a company, by its domains and by its account."""
        domains = (keys.domain, *account.domains) if account is not None else (keys.domain,)
        for domain in dict.fromkeys(domains):
            for lead_id in self.by_domain.get(domain or "", ()):
                yield self.leads[lead_id]
        if account is not None:
            for lead_id in self.by_account.get(account.id, ()):
                yield self.leads[lead_id]


def _move(index: dict[str, list[str]], lead_id: str, was: str | None, now: str | None) -> None:
    if was == now:
        return
    if was is not None and lead_id in index.get(was, ()):
        index[was].remove(lead_id)
    if now is not None:
        index.setdefault(now, []).append(lead_id)


@dataclass(frozen=True, slots=True)
class Match:
    """What matching found: the relationship, the account, and the colleague's lead that is worked."""

    relationship: str = "none"
    account: Account | None = None
    open_lead: str | None = None
    open_lead_owner: str | None = None


@dataclass(frozen=True, slots=True)
class Recognised:
    """Who something that arrived is.

    `before` is the open lead of the same person; `account` the id of an account that is likely enough to be
    sure of; `doubts` those between sure and new: a person has to say.
    """

    before: Standing | None = None
    account: str | None = None
    doubts: tuple[Likeness, ...] = ()


def recognise(
    keys: Keys, target: str | None, likely: Sequence[Likeness], known: Known, matching: Matching
) -> Recognised:
    """Whether these keys and likenesses are somebody known: sure, unsure, or new.

    A named target and a mailbox are always sure. Then the likeliest counts, first of equals.
    """
    lead_id = target
    if lead_id is None and keys.email is not None:
        lead_id = known.by_email.get(keys.email)
    before = known.leads.get(lead_id) if lead_id is not None else None
    account = known.accounts.get(keys.domain) if keys.domain is not None else None
    if not likely:
        return Recognised(before)
    doubts = []
    ranked = sorted((one for one in likely if one.probability >= matching.unsure_from), key=_likeliest)
    if before is None:
        people = [one for one in ranked if one.lead is not None]
        known_as = [known.leads.get(known.merged.get(one.lead or "", one.lead or "")) for one in people]
        sure = {
            lead.lead.id: lead
            for one, lead in zip(people, known_as, strict=True)
            if lead is not None and one.probability >= matching.sure_from
        }
        # Two leads that are both sure may have been told apart before: that is for a person to say.
        if len(sure) == 1:
            [before] = sure.values()
        doubts += [one for one, lead in zip(people, known_as, strict=True) if lead is not None]
    linked = None
    if account is None:
        companies = [one for one in ranked if one.account is not None]
        sure_of = [one for one in companies if one.probability >= matching.sure_from]
        # Two accounts that are both sure may have two owners: that is for a person to say.
        if len(sure_of) == 1 and sure_of[0].account is not None:
            linked = sure_of[0].account.id
        else:
            doubts += companies
    return Recognised(before, linked, tuple(doubts) if before is None else ())


def outcome_of(probability: float, matching: Matching) -> Certainty:
    """What a probability (0 to 1) amounts to."""
    if probability >= matching.sure_from:
        return "sure"
    return "unsure" if probability >= matching.unsure_from else "new"


def _likeliest(one: Likeness) -> float:
    return -one.probability


def find_match(lead_id: str, keys: Keys, known: Known) -> Match:
    """The relationship of a prospect: the first that holds of open_lead, customer, named_account, account."""
    account = known.linked.get(keys.account) if keys.account is not None else None
    if account is None and keys.domain is not None:
        account = known.accounts.get(keys.domain)
    for other in known.at(keys, account):
        if other.lead.id != lead_id and other.is_worked:
            return Match("open_lead", account, other.lead.id, other.owner)
    if account is None:
        return Match()
    if account.customer:
        return Match("customer", account)
    return Match("named_account" if account.named else "account", account)
