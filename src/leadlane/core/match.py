"""Who is this? What matching found, and which relationship follows from it.

`leadlane.matching` makes the keys; the shell looks them up. Here the answer is read from what was
found, so that it can be stored and given again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from leadlane.core.facts import WORKED_STAGES, Account, Lead


@dataclass(frozen=True, slots=True)
class Keys:
    """What identifies a prospect: `email` of the person, `domain` of the company; None if unknown."""

    email: str | None = None
    domain: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """An open lead as it stands: who has it, and what was promised.

    `waiting_pool` is the pool in whose line it stands; `policy` the version that it was routed by;
    `held_since` when whoever has it got it, from which the chase counts; `chased` the numbers of those of
    its steps that are behind, as listed from 0, and `chase_at` when the next is due; `planned` that whoever
    has it has said what is next. Instants are aware, UTC.
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

    @property
    def is_worked(self) -> bool:
        """A person is working the prospect."""
        return self.stage in WORKED_STAGES and self.owner is not None


@dataclass(slots=True)
class Known:
    """The open leads and accounts that the leads of a batch may meet; grows as the batch is decided.

    `by_email` and `by_domain` give ids of open leads, oldest first.
    """

    leads: dict[str, Standing] = field(default_factory=dict)
    by_email: dict[str, str] = field(default_factory=dict)
    by_domain: dict[str, list[str]] = field(default_factory=dict)
    accounts: Mapping[str, Account] = field(default_factory=dict)

    def put(self, standing: Standing) -> None:
        """Remember how an open lead stands now."""
        lead_id, keys = standing.lead.id, standing.keys
        before = self.leads.get(lead_id)
        self.leads[lead_id] = standing
        if keys.email:
            self.by_email.setdefault(keys.email, lead_id)
        if keys.domain and (before is None or before.keys.domain is None):
            self.by_domain.setdefault(keys.domain, []).append(lead_id)

    def drop(self, lead_id: str) -> None:
        """Forget a lead that is closed."""
        standing = self.leads.pop(lead_id, None)
        if standing is None:
            return
        if standing.keys.email and self.by_email.get(standing.keys.email) == lead_id:
            del self.by_email[standing.keys.email]
        if standing.keys.domain and lead_id in self.by_domain.get(standing.keys.domain, ()):
            self.by_domain[standing.keys.domain].remove(lead_id)


@dataclass(frozen=True, slots=True)
class Match:
    """What matching found: the relationship, the account, and the colleague's lead that is worked."""

    relationship: str = "none"
    account: Account | None = None
    open_lead: str | None = None
    open_lead_owner: str | None = None


def find_match(lead_id: str, keys: Keys, known: Known) -> Match:
    """The relationship of a prospect: the first that holds of open_lead, customer, named_account, account."""
    if keys.domain is None:
        return Match()
    account = known.accounts.get(keys.domain)
    for other_id in known.by_domain.get(keys.domain, ()):
        other = known.leads[other_id]
        if other_id != lead_id and other.is_worked:
            return Match("open_lead", account, other_id, other.owner)
    if account is None:
        return Match()
    if account.customer:
        return Match("customer", account)
    return Match("named_account" if account.named else "account", account)
