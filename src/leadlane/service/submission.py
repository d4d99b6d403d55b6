"""How does what somebody sent become something to decide? It gets its keys and its id."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from leadlane.core.act import Act
from leadlane.core.facts import Lead, Signal
from leadlane.core.match import Keys
from leadlane.intake.leads import LeadInput
from leadlane.matching.prospect import prospect_keys

# Lower-case letters and digits that nobody mistakes for another (Crockford's base 32).
_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"


@dataclass(frozen=True, slots=True)
class Submission:
    """Something to be decided: a lead, or news of an open lead, or an act on one (`target` is its id).

    `seen_place` is the place of the lead that whoever acts has seen. `key` and `fingerprint` belong to
    an idempotent request; `source` says where it came from.
    """

    lead: Lead
    keys: Keys
    source: str
    target: str | None = None
    key: str | None = None
    fingerprint: str = ""
    extra: Mapping[str, object] = field(default_factory=dict)
    act: Act | None = None
    seen_place: int | None = None


def act_submission(
    act: Act, now: datetime, seen_place: int | None = None, key: str | None = None, fingerprint: str = ""
) -> Submission:
    """Something done with an open lead; refused if `seen_place` is given and no longer its place."""
    lead = Lead(act.lead_id, now, {})
    return Submission(lead, Keys(), "act", act.lead_id, key, fingerprint, act=act, seen_place=seen_place)


def submission(
    given: LeadInput,
    source: str,
    now: datetime,
    *,
    lead_id: str | None = None,
    key: str | None = None,
    fingerprint: str = "",
) -> Submission:
    """A lead to be decided. It goes by its own id, else by `lead_id`, else by a new one."""
    fields = given.fields
    keys = prospect_keys(fields)
    # A rule about a company's domain means the company, whichever field told which one it is.
    if keys.domain is not None and "company_domain" not in fields:
        fields = {**fields, "company_domain": keys.domain}
    lead = Lead(given.id or lead_id or new_id(now), given.arrived_at or now, fields, given.signals)
    return Submission(lead, keys, source, None, key, fingerprint, given.extra)


def signal_submission(lead_id: str, signals: tuple[Signal, ...], source: str, now: datetime) -> Submission:
    """News of an open lead: signals that arrived now."""
    return Submission(Lead(lead_id, now, {}, signals), Keys(), source, target=lead_id)


def new_id(now: datetime) -> str:
    """An id that sorts by time and that nobody can guess: 9 digits of milliseconds, 15 of chance, base 32."""
    return _base32(int(now.timestamp() * 1000), 9) + _base32(secrets.randbits(75), 15)


def _base32(number: int, digits: int) -> str:
    return "".join(_DIGITS[number >> 5 * i & 31] for i in range(digits - 1, -1, -1))
