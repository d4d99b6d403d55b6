"""What is one message to a person, and how did sending it end?

A channel is a function `send(settings, message) -> Sent | Failure`. It knows how its medium looks and speaks,
nothing of leads in the database, of retries, or of who else is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Literal

# What people are told of. `webhook` endpoints hear the same events.
EVENTS = (
    "assigned",
    "reminder",
    "reassigned_away",
    "covering",
    "uncovered",
    "escalated",
    "review",
    "alarm",
    "returned",
    "merged",
)
# Each morning: what is due. It is made for one person, so that nobody else can listen to it.
DIGEST = "digest"
# Somebody tries a channel: `reason` is all there is to say.
TEST = "test"
# How a person can answer in place. `snooze` moves the reminder, `responded` says: I have been in touch.
VERBS = ("accept", "decline", "responded", "snooze", "identify")

# temporary: it may work later. rate_limited: the receiver asked for less. permanent: never, with this
# address or these settings. uncertain: the connection broke where the receiver may have taken it.
FailureKind = Literal["temporary", "permanent", "rate_limited", "uncertain"]

_NO_ANSWERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Sent:
    """The receiver has taken it. `message_id` is how the receiver calls it, where it says so."""

    message_id: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """The receiver has not taken it. `detail` is shown to operators: what, where, what to do; no secrets.

    `is_channel_down`: nothing can be sent by this channel now, to anybody (the server cannot be reached, or
    refuses us); otherwise the failure is about this message or this address only.
    """

    kind: FailureKind
    detail: str
    retry_after_seconds: float | None = None
    is_channel_down: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to tell. Texts are in the reader's language, instants aware, "" or None where unknown.

    `event` is one of EVENTS, DIGEST or TEST. `prospect` are the words by which people call them: the
    name, else the e-mail address, else the id of the lead. `why` are sentences: why the lead is here.
    `reason` says what is wrong where `lead_id` is None (an alarm about no single lead), else what the
    person who acted gave as reason. `owner`, `covered_by`, `from_person` (who had it before) are names of
    people. `candidates`: who it may be, where the lead waits for somebody to say who this is. `listing`:
    of a digest, what is due: lines by label. `answers`: verb → address that asks to confirm it.
    """

    event: str
    at: datetime
    lead_id: str | None = None
    place: int | None = None
    prospect: str = ""
    email: str = ""
    phone: str = ""
    title: str = ""
    company: str = ""
    country: str = ""
    said: str = ""
    signals: tuple[str, ...] = ()
    intent: str = ""
    fit: str = ""
    deal_value: float | None = None
    stage: str = ""
    route: str = ""
    why: tuple[str, ...] = ()
    reason: str = ""
    owner: str = ""
    covered_by: str = ""
    from_person: str = ""
    service_level: str = ""
    respond_by: datetime | None = None
    next_step: str = ""
    next_step_due_at: datetime | None = None
    candidates: tuple[str, ...] = ()
    listing: tuple[tuple[str, tuple[str, ...]], ...] = ()
    answers: Mapping[str, str] = field(default_factory=lambda: _NO_ANSWERS)


@dataclass(frozen=True, slots=True)
class Message:
    """What one person is told at once, in the order in which it happened.

    `person` is their id, "" where it is posted for a team to read. `id` stays the same however often it is
    tried. `zone` is an IANA name, `language` one that we have. `address` is that of the channel: for e-mail
    `anna@seller.example`. `left_out` counts what is not told in detail because it would be too much at once;
    `lead_url` is where a lead is seen, with `{lead}` in it.
    """

    id: str
    person: str
    name: str
    zone: str
    language: str
    address: str
    items: tuple[Item, ...]
    left_out: int = 0
    lead_url: str = ""
