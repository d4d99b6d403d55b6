"""What follows when somebody answers from a message? Links that ask to confirm, and what confirming does.

A link only asks: it changes nothing until the page behind it is sent. It works once, for one person, who must
still have the lead; what is confirmed is what the page showed (its place is compared when it is written).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, Protocol
from zoneinfo import ZoneInfo

from psycopg import Connection

from leadlane.core.act import REACHING_OUT, Act
from leadlane.core.facts import WORKED_STAGES, Person
from leadlane.core.rulebook import Rulebook
from leadlane.service.acts import submit_acts
from leadlane.service.batch import Receipt
from leadlane.service.candidates import CandidateView, candidates_of
from leadlane.service.moments import moments_ahead
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.submission import act_submission
from leadlane.store import answers, leads
from leadlane.store.answers import Link
from leadlane.store.leads import LeadRow

PATH = "/a/"
# Longer than the longest usual promise, shorter than anyone wants to act on an old message. The page says so.
LIFETIME = timedelta(days=14)
# For so long after its end a link can still say what it was.
REMEMBERED = timedelta(days=90)
# A next step is put off to a moment that people can foresee.
LONGEST_SNOOZE = timedelta(days=60)
LONGEST_NOTE = 500
# What somebody who declines may choose from; `other` takes words of their own.
DECLINE_REASONS = ("no time", "not for me", "junk", "duplicate", "other")
# Who a lead is, where it is none of those whom it may be.
SOMEBODY_NEW = "new"
MOST_IDENTITIES = 5
RESPONSES = tuple(how for how in ("call", "email", "meeting", "message") if how in REACHING_OUT)

# open: it can be answered. used: it was. expired: too late. closed: the lead is. elsewhere: somebody else
# has the lead. already: it is as the answer would make it.
State = Literal["open", "used", "expired", "closed", "elsewhere", "already"]
# missing: something has to be chosen. other: own words are wanted. moment: not in the weeks ahead. moved: the
# lead has changed since the page was shown.
Problem = Literal["missing", "other", "moment", "moved"]


class Published(Protocol):
    """What of the settings is needed to make links."""

    @property
    def public_url(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody whom a lead may be: `account:ID` or `lead:ID`, in words, and how likely (0 to 1)."""

    value: str
    who: str
    probability: float


@dataclass(frozen=True, slots=True)
class Asked:
    """What a link asks, of whom, and how the lead stands now. `row` is None where the lead is gone.

    `identities`: where it is asked who this is, those whom it may be.
    """

    link: Link
    state: State
    person: Person | None
    row: LeadRow | None
    book: Rulebook
    at: datetime
    identities: tuple[Identity, ...] = ()

    @property
    def holder(self) -> str | None:
        """The id of whoever is to act on the lead now, None where nobody is."""
        if self.row is None or self.row.stage == "closed":
            return None
        return self.row.covered_by or self.row.owner


@dataclass(frozen=True, slots=True)
class Given:
    """What somebody sent from the page of a link. `seen` is the place of the lead that the page showed.

    `choice` is one of DECLINE_REASONS or RESPONSES, or the value of an Identity, or SOMEBODY_NEW; `note` are
    words of their own; `until` is aware.
    """

    seen: int | None = None
    choice: str = ""
    note: str = ""
    until: datetime | None = None


def links(
    connection: Connection,
    settings: Published,
    lead_id: str,
    place: int,
    person: str,
    verbs: Sequence[str],
    now: datetime,
) -> dict[str, str]:
    """An address for each verb, by which this person can answer about this lead: verb → URL.

    None are made where `public_url` is not set: nobody could open them. They work for LIFETIME.
    """
    if not settings.public_url or not verbs:
        return {}
    tokens = {verb: secrets.token_urlsafe(24) for verb in verbs}
    hashes = {verb: hash_of(token) for verb, token in tokens.items()}
    answers.insert(
        connection, hashes, lead_id, place, person, now, now + LIFETIME, forget_before=now - REMEMBERED
    )
    start = settings.public_url.rstrip("/") + PATH
    return {verb: start + token for verb, token in tokens.items()}


def hash_of(token: str) -> bytes:
    """What is stored of a token. It has 192 random bits: a fast hash will do, and no timing tells of it."""
    return hashlib.sha256(token.encode()).digest()


def look(connection: Connection, books: Rulebooks, token: str, now: datetime) -> Asked | None:
    """What the link of this token asks, as things stand now; None if there is none. Changes nothing."""
    link = answers.get(connection, hash_of(token))
    return stands(connection, books, link, now) if link is not None else None


def stands(connection: Connection, books: Rulebooks, link: Link, now: datetime) -> Asked:
    """What a link asks, as things stand now. Changes nothing."""
    book = books.current(connection)
    person = book.roster.people.get(link.person)
    lead_id = leads.resolve(connection, link.lead_id)
    row = leads.get(connection, lead_id) if lead_id is not None else None
    state = _state(link, person, row, now)
    found = identities(connection, row, now) if link.verb == "identify" and state == "open" and row else []
    return Asked(link, state, person, row, book, now, tuple(found))


def identities(connection: Connection, row: LeadRow, now: datetime) -> list[Identity]:
    """Those whom a lead may be, the likeliest first, in the language of the context."""
    found = (_identity(one) for one in candidates_of(connection, row, now)["candidates"][:MOST_IDENTITIES])
    return [one for one in found if one is not None]


def _identity(one: CandidateView) -> Identity | None:
    """An open lead is met again by merging; of a closed one only the account can be said."""
    lead, account = one["lead"], one["account"]
    if lead is not None and lead["stage"] != "closed":
        fields = lead["fields"]
        names = " ".join(filter(None, (fields.get("first_name"), fields.get("last_name"))))
        who = ", ".join(filter(None, (names or fields.get("email"), fields.get("company")))) or lead["id"]
        return Identity(f"lead:{lead['id']}", who, one["probability"])
    if account is not None:
        return Identity(f"account:{account['id']}", account["name"], one["probability"])
    return None


def _state(link: Link, person: Person | None, row: LeadRow | None, now: datetime) -> State:
    if link.used_at is not None:
        return "used"
    if link.expires_at <= now or person is None or not person.active:
        return "expired"
    if row is None or row.stage == "closed":
        return "closed"
    if link.person not in (row.owner, row.covered_by):
        return "elsewhere"
    if link.verb in ("accept", "decline") and row.stage not in WORKED_STAGES:
        return "elsewhere"
    if (link.verb == "accept" and row.stage != "assigned") or (link.verb == "identify" and not row.unsure):
        return "already"
    return "open"


def answer(
    connection: Connection, books: Rulebooks, token: str, given: Given, now: datetime
) -> tuple[Asked | None, Problem | None]:
    """Do what the link of this token says. Returns how things stand afterwards, and what was wrong.

    Nothing is changed unless the link can still be answered and the lead is where the page showed it. Sent
    twice, it is done once: the act and its key are one commit.
    """
    asked = look(connection, books, token, now)
    if asked is None or asked.state != "open":
        return asked, None
    receipt, problem = give(connection, books, asked, given, f"answer:{hash_of(token).hex()}", now)
    if receipt is None:
        return asked, problem
    if problem is None:
        answers.mark_used(connection, hash_of(token), now)
    after = look(connection, books, token, now)
    return after, problem if after is not None and after.state == "open" else None


def give(
    connection: Connection, books: Rulebooks, asked: Asked, given: Given, key: str, now: datetime
) -> tuple[Receipt | None, Problem | None]:
    """Do what an open question asks, with what was given, once for each `key`.

    Returns the receipt, and what was wrong; None as receipt where the answer lacked something. Refused is
    (`moved`) what would change a lead that is no longer where whoever answers saw it.
    """
    problem = _problem(asked, given)
    if problem is not None:
        return None, problem
    act = _act(asked, given)
    # Where it becomes part of another lead, that one may have moved: it stays where it is.
    is_merged = asked.row is not None and act.lead_id != asked.row.id
    seen = None if is_merged else given.seen or asked.link.place
    sent = [act_submission(act, now, seen, key)]
    if asked.link.verb == "decline" and given.choice != "other" and given.note:
        # The reason is one of ours, by which turns are counted; what they wrote besides is kept all the same.
        note = Act(sent[0].lead.id, "touch", by=asked.link.person, how="note", reason=given.note)
        sent.insert(0, act_submission(note, now, seen, f"{key}:note"))
    receipt = submit_acts(connection, books, sent, now)[-1]
    return receipt, "moved" if receipt.status == "refused" else None


def _problem(asked: Asked, given: Given) -> Problem | None:
    match asked.link.verb:
        case "decline" if given.choice not in DECLINE_REASONS:
            return "missing"
        case "decline" if given.choice == "other" and not given.note:
            return "other"
        case "responded" if given.choice not in RESPONSES:
            return "missing"
        case "identify" if given.choice not in (SOMEBODY_NEW, *(one.value for one in asked.identities)):
            return "missing"
        case "snooze":
            return _moment_problem(asked, given.until)
    return None


def _moment_problem(asked: Asked, until: datetime | None) -> Problem | None:
    if until is None:
        return "missing"
    return None if asked.at < until <= asked.at + LONGEST_SNOOZE else "moment"


def _act(asked: Asked, given: Given) -> Act:
    assert asked.row is not None  # only what is open is answered
    act = Act(asked.row.id, "accept", by=asked.link.person)
    match asked.link.verb:
        case "decline":
            return replace(
                act, kind="decline", reason=given.note if given.choice == "other" else given.choice
            )
        case "responded":
            return replace(act, kind="touch", how=given.choice, reason=given.note)
        case "snooze":
            # Without words of its own the next step stays what it was; only its moment moves.
            return replace(act, kind="plan", due_at=given.until)
        case "identify":
            what, _, id_ = given.choice.partition(":")
            if what == "lead":
                return replace(act, lead_id=id_, kind="merge", to=asked.row.id)
            return replace(act, kind="identify", to=id_ or None)
    return act


def snooze_choices(asked: Asked) -> list[datetime]:
    """Moments to which the next step may be put off, in order: soon, next working day, next week."""
    person = asked.person
    assert person is not None  # only what is open is asked
    return moments_ahead(asked.book.calendars.get(person.id), ZoneInfo(person.timezone), asked.at)
