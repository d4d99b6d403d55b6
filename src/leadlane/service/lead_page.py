"""What is there to know of a lead? Who, whose, what is next, what was promised, why, and what happened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

import orjson
from psycopg import Connection

from leadlane.core.facts import LEAD_FIELDS, Account, Roster
from leadlane.core.pick import is_out
from leadlane.core.policy import Policy
from leadlane.core.rulebook import Rulebook
from leadlane.explain.brief import HANDED, why_words
from leadlane.explain.reasons import reason_words
from leadlane.explain.since import Happened, actor_words, event_words
from leadlane.explain.speech import person_words, place_words, signal_words, value_words
from leadlane.explain.standing import said_words
from leadlane.i18n import N_, _
from leadlane.policy import words
from leadlane.service.my_leads import Promise, next_words, promise_of
from leadlane.service.prospects import person_name
from leadlane.service.rulebooks import Rulebooks
from leadlane.store import accounts, leads, ownership
from leadlane.store.leads import Event, LeadRow
from leadlane.store.ownership import LeadCard

MOST_OTHERS = 5
# What the head of the page says of a lead; the rest is listed.
_IN_HEAD = frozenset({"first_name", "last_name", "email", "phone", "company", "title", "message"})

StationKey = Literal["match", "qualify", "route", "pick", "promise"]
STATIONS: dict[StationKey, str] = {
    "match": N_("Match"),
    "qualify": N_("Qualify"),
    "route": N_("Route"),
    "pick": N_("Pick"),
    "promise": N_("Promise"),
}


@dataclass(frozen=True, slots=True)
class PersonLine:
    """Somebody of the roster; `is_away` at this moment."""

    id: str
    name: str
    is_away: bool


@dataclass(frozen=True, slots=True)
class Station:
    """One of the five questions of a decision, and its answer in a few words; `at` is the moment it names."""

    key: StationKey
    title: str
    answer: str
    detail: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the timeline. `said` are words of a person: a note, a reason, the next step."""

    at: datetime
    event: str
    words: str
    who: str
    said: str
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Other:
    """Another lead of the same person or company. `at`: when it ended, or came in if it is open."""

    id: str
    name: str
    is_same_person: bool
    stage: str
    outcome: str
    owner: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LeadPage:
    """A lead as its page shows it, in the language of the context.

    `facts` and `extra` are (label, value) pairs. `why` says in a line why whoever has it has it. `place` is
    what a form sends back as seen.
    """

    id: str
    name: str
    title: str
    company: str
    email: str
    phone: str
    message: str
    facts: tuple[tuple[str, str], ...]
    extra: tuple[tuple[str, str], ...]
    signals: tuple[tuple[str, datetime], ...]
    arrived_at: datetime
    stage: str
    outcome: str
    value: float | None
    closed_at: datetime | None
    merged_into: str | None
    unsure: bool
    owner: PersonLine | None
    cover: PersonLine | None
    account: Account | None
    account_owner: str
    intent: str
    fit: str
    deal_value: float | None
    currency: str
    promise: Promise
    respond_by: datetime | None
    responded_at: datetime | None
    next_step: str
    next_step_due_at: datetime | None
    why: str
    stations: tuple[Station, ...]
    timeline: tuple[Entry, ...]
    others: tuple[Other, ...]
    place: int


def lead_page(
    connection: Connection, books: Rulebooks, row: LeadRow, zone: ZoneInfo, now: datetime
) -> LeadPage:
    """Everything of a lead; values that are moments in `zone`."""
    book = books.current(connection)
    account = accounts.account(connection, row.account_id) if row.account_id else None
    decided = leads.decision(connection, row.batch_id, row.decision_number)
    trace: dict[str, Any] = orjson.loads(decided.trace) if decided is not None else {}
    events = leads.timeline(connection, row.id)

    def text(field: str) -> str:
        return str(row.fields.get(field) or "")

    return LeadPage(
        id=row.id,
        name=person_name(row.fields) or row.id,
        title=text("title"),
        company=text("company") or (account.name if account else "") or (row.domain or ""),
        email=text("email"),
        phone=text("phone"),
        message=text("message"),
        facts=tuple(_facts(row, book.policy, zone)),
        extra=tuple((name, str(value)) for name, value in (row.extra or {}).items()),
        signals=tuple(_signals(row)),
        arrived_at=row.arrived_at,
        stage=row.stage,
        outcome=row.outcome or "",
        value=row.value,
        closed_at=row.closed_at,
        merged_into=row.merged_into,
        unsure=row.unsure,
        owner=_person(book.roster, row.owner, now),
        cover=_person(book.roster, row.covered_by, now),
        account=account,
        account_owner=person_words(book.roster, account.owner) if account and account.owner else "",
        intent=row.intent,
        fit=row.fit,
        deal_value=row.deal_value,
        currency=book.policy.currency,
        promise=promise_of(row.respond_by, row.responded_at, row.closed_at or now),
        respond_by=row.respond_by,
        responded_at=row.responded_at,
        next_step=next_words(row.next_step, is_answered=row.responded_at is not None),
        next_step_due_at=row.next_step_due_at,
        why=why_words(trace, _since(row, trace, events), book.roster) if trace else "",
        stations=tuple(_stations(trace, account, book)) if trace else (),
        timeline=tuple(_entry(one, book.roster) for one in reversed(events)),
        others=tuple(_others(connection, row, account, book.roster)),
        place=row.place,
    )


def _signals(row: LeadRow) -> Iterator[tuple[str, datetime]]:
    """What the prospect did, the newest first."""
    for name, at in sorted(row.signals, key=lambda one: datetime.fromisoformat(one[1]), reverse=True):
        yield signal_words(name), datetime.fromisoformat(at)


def _person(roster: Roster, person_id: str | None, now: datetime) -> PersonLine | None:
    if person_id is None:
        return None
    person = roster.people.get(person_id)
    return PersonLine(person_id, person_words(roster, person_id), person is not None and is_out(person, now))


def _facts(row: LeadRow, policy: Policy, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    """What is known of a lead, in a fixed order: the database gives back the fields in one of its own."""
    for name in (*LEAD_FIELDS, *policy.fields):
        if name in row.fields and name not in _IN_HEAD:
            value = value_words(name, row.fields[name], zone, policy.currency)
            yield words.field_words(name), value


def _since(row: LeadRow, trace: Mapping[str, Any], events: list[Event]) -> Happened | None:
    """How a lead changed hands after it was routed; None if whoever got it then has it."""
    result = trace["result"]
    if row.stage != "review" and (row.owner, row.covered_by) == (result["owner"], result["covered_by"]):
        return None
    routed_at = datetime.fromisoformat(trace["at"])
    one = next((one for one in reversed(events) if one.event in HANDED and one.at >= routed_at), None)
    return Happened(one.event, one.at, one.actor, one.details) if one is not None else None


# ---------------------------------------------------------------- the path of the decision


def _stations(trace: Mapping[str, Any], account: Account | None, book: Rulebook) -> Iterator[Station]:
    yield Station("match", _(STATIONS["match"]), *_match_words(trace, account))
    yield Station("qualify", _(STATIONS["qualify"]), *_qualify_words(trace, book.policy.currency))
    route = trace["route"]
    yield Station("route", _(STATIONS["route"]), route["name"], place_words(route["destination"]))
    yield Station("pick", _(STATIONS["pick"]), *_pick_words(trace, book.roster))
    promised = trace.get("promise")
    if promised is None or promised["respond_by"] is None:
        yield Station("promise", _(STATIONS["promise"]), _("no promise"), "")
    else:
        due = datetime.fromisoformat(promised["respond_by"])
        yield Station("promise", _(STATIONS["promise"]), "", promised["service_level"], due)


def _match_words(trace: Mapping[str, Any], account: Account | None) -> tuple[str, str]:
    relationship = trace["match"]["relationship"]
    if relationship == "none":
        return _("a new company"), ""
    return words.value_words("relationship", relationship), account.name if account else ""


def _qualify_words(trace: Mapping[str, Any], currency: str) -> tuple[str, str]:
    fit, deal = trace["fit"], trace["deal"]
    answer = _("{intent} intent, {fit} fit").format(
        intent=words.value_words("intent", trace["intent"]["level"]),
        fit=words.value_words("fit", "strong" if fit["score"] >= fit["strong_at"] else "weak"),
    )
    parts = [trace["segment"]["name"], deal["band"]]
    if deal["value"] is not None:
        parts.append(f"{words.number_words(deal['value'])} {currency}")
    return answer, " · ".join(part for part in parts if part)


def _pick_words(trace: Mapping[str, Any], roster: Roster) -> tuple[str, str]:
    result = trace["result"]
    if result["owner"] is None:
        return _("nobody"), ""
    name = person_words(roster, result["owner"])
    if result["covered_by"]:
        cover = _("covered by {name}").format(name=person_words(roster, result["covered_by"]))
        return name, cover
    if result["stage"] == "review":
        return name, _("decides")
    chosen = next((step for step in reversed(trace.get("pick", ())) if step.get("chosen")), None)
    return name, reason_words(chosen["by"]) if chosen else ""


# ---------------------------------------------------------------- what happened, and who else there is


def _entry(one: Event, roster: Roster) -> Entry:
    happened = Happened(one.event, one.at, one.actor, {**one.details, "reason": ""})
    due_at = one.details.get("due_at") if one.event in ("planned", "touched") else None
    return Entry(
        at=one.at,
        event=one.event,
        words=event_words(happened, roster),
        who=actor_words(one.actor, roster),
        said=said_words(str(one.details.get("reason") or "")),
        due_at=datetime.fromisoformat(due_at) if due_at else None,
    )


def _others(connection: Connection, row: LeadRow, account: Account | None, roster: Roster) -> Iterator[Other]:
    own: list[LeadCard] = []
    if row.email_key is not None:
        own += ownership.by_email(connection, row.email_key, MOST_OTHERS)
    if row.phone_key is not None:
        own += ownership.by_phone(connection, [row.phone_key], MOST_OTHERS)
    domains = {row.domain, *(account.domains if account else ())} - {None}
    company = ownership.by_companies(
        connection, [one for one in domains if one], [account.id] if account else [], MOST_OTHERS
    )
    same_person = {one.id: one for one in own if one.id != row.id}
    colleagues = {one.id: one for one in company if one.id != row.id and one.id not in same_person}
    shown = [*same_person.values(), *sorted(colleagues.values(), key=lambda one: not one.is_open)]
    for one in shown[: 2 * MOST_OTHERS]:
        yield Other(
            id=one.id,
            name=person_name(one.fields) or one.id,
            is_same_person=one.id in same_person,
            stage=one.stage,
            outcome=one.outcome or "",
            owner=person_words(roster, one.owner) if one.owner else "",
            at=one.arrived_at if one.is_open else one.closed_at or one.changed_at,
        )
