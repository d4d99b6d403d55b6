"""What follows when somebody replies to an SMS? The same as by the links of a message, and a sentence back.

What can be answered about are the leads that a person got links for: a reply stands for the link of its verb.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from psycopg import Connection

from leadlane.config import Settings
from leadlane.core.facts import Person
from leadlane.explain.speech import person_words
from leadlane.i18n import N_, _, current_language, language, ngettext
from leadlane.logging import get_logger
from leadlane.outbound import gsm, sms
from leadlane.outbound.sms_words import (
    Meaning,
    Reply,
    code_of,
    delay_of,
    how_of,
    offered,
    read_reply,
    reason_of,
)
from leadlane.outbound.telling import clean, moment_words
from leadlane.service import answers
from leadlane.service.answers import Asked, Given
from leadlane.service.compose import language_of
from leadlane.service.rulebooks import Rulebooks
from leadlane.store import answers as links
from leadlane.store.answers import Link
from leadlane.store.leads import LeadRow

log = get_logger(__name__)

# Without a code, what was told last is meant; so far back is looked for what can still be answered.
_LATEST = 30
_MOST_LISTED = 6
_MOST_SEGMENTS = 4
_ALREADY = {
    "accept": N_("You have accepted {who} already."),
    "responded": N_("You have responded to {who} already."),
}


@dataclass(frozen=True, slots=True)
class Incoming:
    """A reply as it came: who sent it, what they wrote, and a key that no other reply has."""

    sender: str
    text: str
    key: str


@dataclass(frozen=True, slots=True)
class _Talk:
    """A reply of somebody who is known, and what answering it takes."""

    connection: Connection
    books: Rulebooks
    person: Person
    key: str
    reply: Reply
    now: datetime


def answer(
    connection: Connection, books: Rulebooks, settings: Settings, incoming: Incoming, now: datetime
) -> str:
    """Do what a reply says, and return what is answered; "" for nothing.

    Nothing is done unless exactly one lead can be meant, whoever replies has it, and it is where they were
    told of it. The same reply twice is done once.
    """
    number = sms.e164(incoming.sender)
    if not number or read_reply(incoming.text, current_language()).meaning == "stop":
        # A sender with a name instead of a number cannot be answered, and whoever wants none must not be.
        return ""
    people = books.current(connection).roster.people.values()
    known = [one for one in people if one.active and sms.address(one) == number]
    if len(known) != 1:
        log.info("a reply from a number that is not one person's", people=len(known))
        return _stranger(len(known))
    (person,) = known
    with language(language_of(person, settings)):
        reply = read_reply(incoming.text, current_language())
        text = _answer(_Talk(connection, books, person, incoming.key, reply, now))
        return gsm.fitted(text, _MOST_SEGMENTS) or text


def _stranger(count: int) -> str:
    if count:
        return _("Several people have this number. Please answer from your mail.")
    return _("This number belongs to Leadlane, which does not know yours. Nothing has been done.")


def _answer(talk: _Talk) -> str:
    match talk.reply.meaning:
        case "help" | "unknown":
            return _help(talk.reply.meaning)
        case "status":
            return _status(talk)
        case verb:
            return _done(talk, verb)


def _done(talk: _Talk, verb: Meaning) -> str:
    chosen = _chosen(talk, verb)
    # Asked after the leads were read: where another request has just done the same, its key is seen.
    before = links.lead_of_key(talk.connection, talk.key)
    if before is not None:
        return _done_words(talk, verb, before)
    if isinstance(chosen, str):
        return chosen
    given = _given(talk, chosen)
    receipt, problem = answers.give(talk.connection, talk.books, chosen, given, talk.key, talk.now)
    if problem == "moment":
        text = _("Please choose a moment in the next {days} days.")
        return text.format(days=answers.LONGEST_SNOOZE.days)
    if receipt is None or problem is not None:
        text = _("{who} has changed since you were told of it. Nothing has been changed; {status} says more.")
        return text.format(who=_who(chosen.row), status=offered("status", current_language()))
    # Not that of what was chosen: where the same reply came twice at once, the other one has done it.
    return _done_words(talk, verb, receipt.lead_id)


# ---------------------------------------------------------------- which lead


def _chosen(talk: _Talk, verb: Meaning) -> Asked | str:
    """The lead that is meant, as the link of this verb would ask about it; else what is to be said."""
    asked, code = _told(talk, verb), talk.reply.code
    if not asked and code:
        text = _("You have not been told of a lead {code} lately. Nothing has been changed.")
        return text.format(code=code)
    if not asked:
        return _("You have no lead to answer about.")
    open_ = [one for one in asked if one.state == "open"]
    if not code and verb == "responded":
        open_ = [one for one in open_ if one.row is not None and one.row.responded_at is None]
    if not open_:
        return _stale(asked[0])
    if len(open_) == 1:
        return open_[0]
    if code:
        return _("Several of your leads go by {code}. Please answer by the link.").format(code=code)
    return _which(open_, verb)


def _told(talk: _Talk, verb: Meaning) -> list[Asked]:
    """The leads that the person was told of, each once, the newest first; by the code where there is one."""
    since = talk.now - answers.LIFETIME
    latest = links.latest_of(talk.connection, talk.person.id, since)
    if talk.reply.code:
        latest = [one for one in latest if code_of(one.lead_id) == talk.reply.code]
    found: dict[str, Asked] = {}
    for one in latest[:_LATEST]:
        link = replace(one, verb=verb, used_at=None)
        asked = answers.stands(talk.connection, talk.books, link, talk.now)
        found.setdefault(asked.row.id if asked.row is not None else one.lead_id, asked)
    return list(found.values())


def _which(open_: Sequence[Asked], verb: Meaning) -> str:
    lines = [_line(one) for one in open_[:_MOST_LISTED]]
    code = code_of(open_[0].link.lead_id)
    text = _("Which one? Reply with its code, as: {example}")
    return "\n".join([text.format(example=f"{offered(verb, current_language())} {code}"), *lines])


# ---------------------------------------------------------------- what was given


def _given(talk: _Talk, asked: Asked) -> Given:
    rest = talk.reply.rest[: answers.LONGEST_NOTE]
    match asked.link.verb:
        case "decline":
            reason = reason_of(rest)
            return (
                Given(choice=reason) if reason else Given(choice="other", note=rest or _("no reason given"))
            )
        case "responded":
            # Whoever answers by telephone has most likely called; their words are kept.
            return Given(choice=how_of(rest) or "call", note=rest)
        case "snooze":
            return Given(until=_until(asked, rest))
    return Given()


def _until(asked: Asked, rest: str) -> datetime | None:
    delay, choices = delay_of(rest), answers.snooze_choices(asked)
    if delay == "tomorrow":
        zone = ZoneInfo(asked.person.timezone) if asked.person is not None else asked.book.zone
        today = asked.at.astimezone(zone).date()
        return next((one for one in choices if one.astimezone(zone).date() > today), None)
    if delay is not None:
        return asked.at + delay
    # Said alone, it never brings forward what is due later anyway.
    due = asked.row.next_step_due_at if asked.row is not None else None
    return next((one for one in choices if due is None or one > due), choices[-1])


# ---------------------------------------------------------------- what is said


def _done_words(talk: _Talk, verb: Meaning, lead_id: str) -> str:
    """What has been done, by how the lead stands now."""
    link = Link(lead_id, 0, talk.person.id, verb, talk.now, talk.now + answers.LIFETIME, None)
    after = answers.stands(talk.connection, talk.books, link, talk.now)
    who, row = _who(after.row), after.row
    match verb:
        case "accept" if row is not None and row.respond_by is not None and row.responded_at is None:
            text = _("You have accepted {who}. Respond by {due}.")
            return text.format(who=who, due=_when(after, row.respond_by))
        case "accept":
            return _("You have accepted {who}.").format(who=who)
        case "decline" if after.holder is not None:
            text = _("You have declined {who}. {name} has it now.")
            return text.format(who=who, name=person_words(after.book.roster, after.holder))
        case "decline":
            return _("You have declined {who}.").format(who=who)
        case "snooze" if row is not None and row.next_step_due_at is not None:
            text = _("{who}: the next step is put off until {moment}.")
            return text.format(who=who, moment=_when(after, row.next_step_due_at))
    return _("Noted: you have responded to {who}.").format(who=who)


def _stale(asked: Asked) -> str:
    """Why nothing was done about this lead, and who has it now."""
    who, verb = _who(asked.row), asked.link.verb
    if asked.state in ("open", "already"):
        return _(_ALREADY[verb]).format(who=who)
    if asked.state == "closed":
        return _("{who} is closed. Nothing has been changed.").format(who=who)
    if asked.holder in (None, asked.link.person):
        return _("{who} does not wait for you. Nothing has been changed.").format(who=who)
    name = person_words(asked.book.roster, asked.holder or "")
    return _("{name} has {who} now. Nothing has been changed.").format(name=name, who=who)


def _status(talk: _Talk) -> str:
    # Whatever is theirs to respond to is open.
    theirs = [one for one in _told(talk, "responded") if one.state == "open"]
    if not theirs:
        return _("You have no open lead of the last two weeks.")
    lines = [_line(one) for one in theirs[:_MOST_LISTED]]
    more = len(theirs) - len(lines)
    if more:
        lines.append(ngettext("And {n} more.", "And {n} more.", more).format(n=more))
    return "\n".join(lines)


def _line(asked: Asked) -> str:
    code, row = code_of(asked.link.lead_id), asked.row
    if row is not None and row.respond_by is not None and row.responded_at is None:
        text = _("{code} {who}: respond by {due}")
        return text.format(code=code, who=_who(row), due=_when(asked, row.respond_by))
    return f"{code} {_who(row)}"


def _help(meaning: Meaning) -> str:
    spoken = current_language()
    text = _(
        "Reply {accept} to accept, {decline} to decline, {responded} once you have responded, {snooze} 2h to"
        " put it off, {status} for your leads. With several, or to give a reason, add the code:"
        " {decline} A7K too far away."
    )
    if meaning == "unknown":
        text = _(
            "This was not understood, and nothing has been done. Reply {accept} to accept, {decline} to"
            " decline, {responded} once you have responded, {status} for your leads."
        )
    words: tuple[Meaning, ...] = ("accept", "decline", "responded", "snooze", "status")
    return text.format(**{word: offered(word, spoken) for word in words})


def _who(row: LeadRow | None) -> str:
    if row is None:
        return _("The lead")
    fields = row.fields
    name = " ".join(str(fields[part]) for part in ("first_name", "last_name") if fields.get(part))
    company = str(fields.get("company") or "")
    if name and company:
        return _("{name}, {company}").format(name=clean(name), company=clean(company))
    return clean(name or company or str(fields.get("email") or row.id))


def _when(asked: Asked, moment: datetime) -> str:
    zone = ZoneInfo(asked.person.timezone) if asked.person is not None else asked.book.zone
    return moment_words(moment, zone, asked.at)
