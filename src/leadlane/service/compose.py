"""What does a message say? Facts of the leads as they stand now, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from psycopg import Connection

from leadlane.config import Settings
from leadlane.core.facts import Person, Roster
from leadlane.core.rulebook import Rulebook
from leadlane.core.trace import Reason
from leadlane.explain.reasons import reason_words
from leadlane.explain.speech import destination_words
from leadlane.i18n import _, available_languages, language
from leadlane.outbound.message import DIGEST, Item, Message
from leadlane.service import answers
from leadlane.service.digest import digest_item
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.still_true import News, Present, worth_telling
from leadlane.service.views import lead_view
from leadlane.service.ways import Setup, message_id_of, post_of
from leadlane.store import deliveries, leads
from leadlane.store.deliveries import Delivery, OutboxRow
from leadlane.store.leads import LeadRow

# So much is told in detail at once, the newest; of the rest only how much it is.
MOST_TOLD = 20
_NOT_ANSWERED = frozenset({"reassigned_away", "escalated", "alarm", "merged"})


def message_for(
    connection: Connection, books: Rulebooks, setup: Setup, one: Delivery, now: datetime
) -> Message | None:
    """The message of a delivery to people, as things stand now; None when nothing of it is true any more.

    Links to answer by are written to the database: call it in the transaction that sends.
    """
    assert one.person is not None  # a machine's message was made when it was planned
    rows = {row.id: row for row in deliveries.items(connection, one.id)}
    known = deliveries.leads_of(connection, [row.lead_id for row in rows.values() if row.lead_id is not None])
    post = post_of(setup.outbound, one.person)
    worth = worth_telling(
        [News(row.id, row.event, row.lead_id, row.place) for row in rows.values()],
        one.person,
        {lead.id: _present(lead) for lead in known.values()},
        deliveries.lasting_alarms(connection, list(rows)),
        unless=one.unless,
        reads_along=post is not None,
    )
    if not worth:
        return None
    book = books.current(connection)
    person = book.roster.people.get(one.person)
    told = [rows[news.id] for news in worth[-MOST_TOLD:]]
    name = person.name if person is not None and person.name else one.person
    with language(language_of(person, setup.settings)):
        speaker = _Speaker(connection, books, setup.settings, book, one.person, now)
        items = speaker.items(told, known)
        if not items:
            return None
        return Message(
            id=message_id_of(one),
            person=one.person if post is None else "",
            name=name if post is None else post.name,
            zone=person.timezone if person else book.policy.timezone,
            language=language_of(person, setup.settings),
            address=one.address,
            items=items,
            left_out=len(worth) - len(told),
        )


def language_of(person: Person | None, settings: Settings) -> str:
    """The first language of a person that we speak, else that of the installation."""
    known = available_languages()
    spoken = person.languages if person is not None else ()
    return next((code for code in spoken if code in known), settings.language)


def body_of(row: OutboxRow, lead: LeadRow | None, roster: Roster, now: datetime) -> str:
    """What a machine is told of one event: JSON as docs/channels.md describes it."""
    person = roster.people.get(row.person or "")
    told: dict[str, Any] = {"event": row.event, "person": None}
    if row.person is not None:
        told["person"] = {
            "id": row.person,
            "name": person.name if person else "",
            "email": person.email if person else "",
        }
    told |= {"place": row.place, "reason": row.reason, "lead": lead_view(lead, now) if lead else None}
    type_ = f"lead.{row.event}" if row.lead_id is not None else row.event
    return orjson.dumps({"type": type_, "timestamp": row.created_at, "data": told}).decode()


def _present(lead: LeadRow) -> Present:
    return Present(lead.stage, lead.place, lead.owner, lead.covered_by, lead.responded_at is not None)


class _Speaker:
    """Tells one person of leads; what is the same for all of them is looked up once."""

    def __init__(
        self,
        connection: Connection,
        books: Rulebooks,
        settings: Settings,
        book: Rulebook,
        person: str,
        now: datetime,
    ) -> None:
        self._connection = connection
        self._books = books
        self._settings = settings
        self._book = book
        self._person = person
        self._now = now

    def items(self, told: Sequence[OutboxRow], known: Mapping[str, LeadRow]) -> tuple[Item, ...]:
        moments = [(row.lead_id, row.created_at) for row in told if row.lead_id is not None]
        happened = deliveries.told_then(self._connection, moments)
        places = [(lead.batch_id, lead.decision_number) for lead in known.values()]
        traces = {
            place: orjson.loads(decision.trace)
            for place, decision in leads.decisions_at(self._connection, places).items()
        }
        items = (
            self._of_no_lead(row)
            if row.lead_id is None
            else self._item(
                row,
                known[row.lead_id],
                happened.get((row.lead_id, row.created_at), {}),
                traces.get((known[row.lead_id].batch_id, known[row.lead_id].decision_number), {}),
            )
            for row in told
        )
        return tuple(item for item in items if item is not None)

    def _of_no_lead(self, row: OutboxRow) -> Item | None:
        if row.event != DIGEST:
            return Item(row.event, row.created_at, reason=row.reason or "")
        person = self._book.roster.people.get(self._person)
        if person is None:
            return None
        return digest_item(self._connection, self._book, person, row.created_at, self._now)

    def _item(
        self, row: OutboxRow, lead: LeadRow, happened: Mapping[str, Any], trace: Mapping[str, Any]
    ) -> Item:
        fields = {name: str(value) for name, value in lead.fields.items()}
        verbs = verbs_for(row.event, lead, self._person)
        return Item(
            event=row.event,
            at=row.created_at,
            lead_id=lead.id,
            place=lead.place,
            prospect=_prospect(lead, fields),
            email=fields.get("email", ""),
            phone=fields.get("phone", ""),
            title=fields.get("title", ""),
            company=fields.get("company", ""),
            country=fields.get("country", ""),
            said=fields.get("message", ""),
            signals=tuple(dict.fromkeys(name for name, _at in lead.signals)),
            intent=lead.intent,
            fit=lead.fit,
            deal_value=lead.deal_value,
            stage=lead.stage,
            route=lead.route,
            why=self._why(lead, happened, trace),
            reason=str(happened.get("reason") or ""),
            owner=self._name(lead.owner),
            covered_by=self._name(lead.covered_by),
            from_person=self._name(happened.get("from")) if happened.get("from") != lead.owner else "",
            service_level=lead.service_level or "",
            respond_by=lead.respond_by,
            next_step=lead.next_step or "",
            next_step_due_at=lead.next_step_due_at,
            candidates=self._candidates(row, lead),
            answers=answers.links(
                self._connection, self._settings, lead.id, lead.place, self._person, verbs, self._now
            ),
        )

    def _why(self, lead: LeadRow, happened: Mapping[str, Any], trace: Mapping[str, Any]) -> tuple[str, ...]:
        """The rule that sent it where it is, what made this person the one, and what else is to be known."""
        book = self._books.get(self._connection, lead.policy_version, self._book.roster.revision)
        route = next((route for route in book.policy.routes if route.name == lead.route), None)
        sentences = []
        if route is not None:
            text = _("The rule “{route}” sends it to: {destination}.")
            sentences.append(text.format(route=route.name, destination=destination_words(route)))
        picks = [
            step for step in trace.get("pick", ()) if step.get("chosen") == lead.owner and step.get("by")
        ]
        if picks and trace["result"]["owner"] == lead.owner and lead.owner is not None:
            text = _("{name} of pool {pool}: {reason}.")
            last = picks[-1]
            sentences.append(
                text.format(name=self._name(lead.owner), pool=last["pool"], reason=reason_words(last["by"]))
            )
        codes = happened.get("reasons", ())
        return (*sentences, *(reason_words(code) for code in codes if code in set(Reason)))

    def _candidates(self, row: OutboxRow, lead: LeadRow) -> tuple[str, ...]:
        if row.event != "review" or not lead.unsure:
            return ()
        return tuple(
            _("{who}: {percent} %").format(who=one.who, percent=round(one.probability * 100))
            for one in answers.identities(self._connection, lead, self._now)
        )

    def _name(self, person: str | None) -> str:
        known = self._book.roster.people.get(person or "")
        return known.name if known and known.name else person or ""


def verbs_for(event: str, lead: LeadRow, person: str) -> tuple[str, ...]:
    """How a person can answer: what whoever is to act on the lead can do as it stands."""
    if event in _NOT_ANSWERED or (lead.covered_by or lead.owner) != person:
        return ()
    if lead.stage == "review" and lead.unsure:
        return ("identify",)
    if lead.stage == "assigned":
        verbs: tuple[str, ...] = ("accept", "decline", "responded")
    elif lead.stage in ("accepted", "working"):
        verbs = ("responded",)
    else:
        return ()
    return (*verbs, "snooze") if event == "reminder" else verbs


def _prospect(lead: LeadRow, fields: Mapping[str, str]) -> str:
    name = " ".join(filter(None, (fields.get("first_name"), fields.get("last_name"))))
    return name or fields.get("email") or lead.id
