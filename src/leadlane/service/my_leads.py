"""What needs me now? The open leads that somebody has or covers, by when they need them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import orjson
from psycopg import Connection

from leadlane.core.facts import Roster
from leadlane.core.place import RESPOND
from leadlane.explain.brief import HANDED, why_words
from leadlane.explain.since import Happened
from leadlane.explain.speech import person_words
from leadlane.i18n import _
from leadlane.outbound.telling import step_words
from leadlane.service.prospects import person_name
from leadlane.service.rulebooks import Rulebooks
from leadlane.store import in_hand as store
from leadlane.store import leads
from leadlane.store.in_hand import InHand

# What is due within this time needs somebody now: the shortest promises are a quarter of an hour.
SOON = timedelta(hours=1)
# More could not be worked on in a day, and would keep whoever opens the page waiting.
MOST_SHOWN = 50
# What a list can be narrowed to, and the stages that it means.
SHOWN: dict[str, tuple[str, ...]] = {
    "new": ("assigned",),
    "accepted": ("accepted",),
    "working": ("working",),
    "review": ("review",),
}

Part = Literal["now", "today", "later", "cover", "covered"]
PARTS: tuple[Part, ...] = ("now", "today", "later", "cover", "covered")
Promise = Literal["none", "running", "missed", "kept", "late"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is narrowed to: a key of SHOWN, an intent, a text; empty for all."""

    shown: str = ""
    intent: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A lead in somebody's list. `why` says in a line why it is theirs.

    `holder` is who is to act, `covers_for` and `covered_by` are names, `place` goes back with a form as seen.
    """

    id: str
    name: str
    company: str
    title: str
    email: str
    phone: str
    stage: str
    intent: str
    fit: str
    deal_value: float | None
    arrived_at: datetime
    holder: str | None
    owner_name: str
    covers_for: str
    covered_by: str
    promise: Promise
    respond_by: datetime | None
    next_step: str
    next_step_due_at: datetime | None
    due_at: datetime | None
    unsure: bool
    why: str
    place: int


@dataclass(frozen=True, slots=True)
class Section:
    """Leads that belong together by when they need somebody, the most urgent first."""

    part: Part
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class MyLeads:
    """Somebody's list, without empty sections. `total` counts also those beyond the first MOST_SHOWN."""

    sections: tuple[Section, ...]
    shown: int
    total: int


def my_leads(
    connection: Connection,
    books: Rulebooks,
    people: Sequence[str],
    zone: ZoneInfo,
    now: datetime,
    wanted: Wanted | None = None,
) -> MyLeads:
    """What these people have in hand; `zone` is the reader's, which says when today ends."""
    wanted = wanted or Wanted()
    had = store.in_hand(
        connection,
        people,
        MOST_SHOWN,
        stages=SHOWN.get(wanted.shown),
        intent=wanted.intent or None,
        text=wanted.text or None,
    )
    roster = books.current(connection).roster
    reasons = reasons_of(connection, had, roster)
    parts: dict[Part, list[Row]] = {part: [] for part in PARTS}
    for one in had:
        parts[_part(one, people, zone, now)].append(_row(one, people, reasons[one.id], roster, now))
    sections = tuple(Section(part, tuple(rows)) for part, rows in parts.items() if rows)
    return MyLeads(sections, len(had), had[0].of_all if had else 0)


def reasons_of(connection: Connection, had: Sequence[InHand], roster: Roster) -> dict[str, str]:
    """Why whoever has them has these leads, a line each, by lead."""
    decided = leads.decisions_at(connection, [(one.batch_id, one.decision_number) for one in had])
    traces = {one.id: orjson.loads(decided[one.batch_id, one.decision_number].trace) for one in had}
    moved = [
        one.id
        for one in had
        if (one.owner, one.covered_by) != _holders(traces[one.id]["result"]) or one.stage == "review"
    ]
    events = store.last_events(connection, moved, HANDED) if moved else {}
    since = {
        id_: Happened(one.event, one.at, one.actor, one.details)
        for id_, one in events.items()
        if one.at >= datetime.fromisoformat(traces[id_]["at"])
    }
    return {one.id: why_words(traces[one.id], since.get(one.id), roster) for one in had}


def _holders(result: dict[str, str | None]) -> tuple[str | None, str | None]:
    return result["owner"], result["covered_by"]


def promise_of(respond_by: datetime | None, responded_at: datetime | None, now: datetime) -> Promise:
    """What became of a promise."""
    if respond_by is None:
        return "none"
    if responded_at is not None:
        return "kept" if responded_at <= respond_by else "late"
    return "running" if now <= respond_by else "missed"


def next_words(step: str | None, *, is_answered: bool) -> str:
    """A next step in words; of a lead that was answered, the one it came with is no step any more."""
    if step is None:
        return ""
    return _("Say what is next") if is_answered and step == RESPOND else step_words(step)


def _part(one: InHand, people: Sequence[str], zone: ZoneInfo, now: datetime) -> Part:
    if one.covered_by is not None and one.covered_by not in people:
        return "covered"
    if one.due_at is not None and one.due_at <= now + SOON:
        return "now"
    if one.owner not in people:
        return "cover"
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    midnight = datetime.combine(tomorrow, time(), zone)
    return "today" if one.due_at is not None and one.due_at < midnight else "later"


def _row(one: InHand, people: Sequence[str], why: str, roster: Roster, now: datetime) -> Row:
    def text(field: str) -> str:
        return str(one.fields.get(field) or "")

    covers = one.owner not in people and one.covered_by in people
    return Row(
        id=one.id,
        name=person_name(one.fields) or one.id,
        company=text("company") or text("company_domain"),
        title=text("title"),
        email=text("email"),
        phone=text("phone"),
        stage=one.stage,
        intent=one.intent,
        fit=one.fit,
        deal_value=one.deal_value,
        arrived_at=one.arrived_at,
        holder=one.covered_by or one.owner,
        owner_name=person_words(roster, one.owner),
        covers_for=person_words(roster, one.owner) if covers else "",
        covered_by=person_words(roster, one.covered_by) if one.covered_by else "",
        promise=promise_of(one.respond_by, one.responded_at, now),
        respond_by=one.respond_by,
        next_step=next_words(one.next_step, is_answered=one.responded_at is not None),
        next_step_due_at=one.next_step_due_at,
        due_at=one.due_at,
        unsure=one.unsure,
        why=why,
        place=one.place,
    )
