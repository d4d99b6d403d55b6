"""How is one thing told to a person in words, whatever the channel? Heading, sentence, facts, buttons."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote
from zoneinfo import ZoneInfo

from babel import Locale
from babel.core import UnknownLocaleError
from babel.dates import format_datetime
from babel.numbers import format_decimal

from leadlane.i18n import N_, _, current_language, ngettext
from leadlane.outbound.message import Item, Message

# What the subject line and the heading say, and the sentence below it.
_HEADINGS = {
    "assigned": N_("New lead"),
    "reminder": N_("Reminder"),
    "reassigned_away": N_("No longer yours"),
    "covering": N_("You cover this lead"),
    "uncovered": N_("Nobody covers this lead"),
    "escalated": N_("No response yet"),
    "review": N_("Please decide"),
    "alarm": N_("Needs your attention"),
    "returned": N_("Yours again"),
    "merged": N_("Merged"),
    "digest": N_("Your day"),
    "test": N_("Test message"),
}
# What they say to those who only read along.
_HEADINGS_FOR_TEAM = {
    "reassigned_away": N_("Handed on"),
    "covering": N_("Covered"),
    "review": N_("To be decided"),
    "returned": N_("Back from cover"),
}
# In the order in which they are offered: what is hoped for comes first.
_BUTTONS = {
    "accept": N_("Accept"),
    "responded": N_("I responded"),
    "snooze": N_("Later"),
    "decline": N_("Decline"),
    "identify": N_("Say who it is"),
}
_INTENTS = {"high": N_("high"), "medium": N_("medium"), "low": N_("low")}
_FITS = {"strong": N_("strong"), "weak": N_("weak")}
# The next steps that Leadlane names itself; others are in the words of the policy or of a person.
_STEPS = {
    "Respond": N_("Respond"),
    "Decide who takes this lead": N_("Decide who takes this lead"),
    "Say who this is": N_("Say who this is"),
}
# The reasons that whoever declines may choose from; others are in their own words.
_SAID = {
    "no time": N_("no time for it"),
    "not for me": N_("somebody else should have it"),
    "junk": N_("it is junk"),
    "duplicate": N_("it is known already"),
}
_LONGEST_SUBJECT = 140
# Shared by all that is told at once: mail programs cut letters that are very long.
_LONGEST_QUOTE = 4_000
# Where people read of a lead that they are not to act on, facts to act by would only confuse.
_FOR_INFORMATION = frozenset({"reassigned_away", "merged"})


@dataclass(frozen=True, slots=True)
class Fact:
    """A label and what is to be said under it, a line each. `url` opens it; `is_key`: to be seen first."""

    label: str
    lines: tuple[str, ...]
    url: str = ""
    is_key: bool = False


@dataclass(frozen=True, slots=True)
class Button:
    """One way to answer: its verb, what it says, and the address that asks to confirm."""

    verb: str
    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Told:
    """One item in words. `about` says more of the prospect, `said` is what they wrote, `url` opens it."""

    item: Item
    heading: str
    prospect: str
    sentence: str
    about: str
    said_label: str
    said: str
    facts: tuple[Fact, ...]
    buttons: tuple[Button, ...]
    url_label: str
    url: str


def tell(message: Message, item: Item, now: datetime) -> Told:
    """An item in the language of the context, with moments in the reader's zone; `now` is when it is told."""
    url = message.lead_url.replace("{lead}", quote(item.lead_id, safe="")) if item.lead_id else ""
    return Told(
        item=item,
        heading=_heading(message, item),
        prospect=clean(item.prospect),
        sentence=_sentence(item, clean(message.name)) if message.person else _sentence_for_team(item),
        about=_about(item),
        said_label=_("What they wrote:"),
        said=_quoted(item.said, _LONGEST_QUOTE // len(message.items))
        if item.event not in _FOR_INFORMATION
        else "",
        facts=tuple(_facts(item, message, ZoneInfo(message.zone), now)),
        buttons=tuple(
            Button(verb, _(label), item.answers[verb])
            for verb, label in _BUTTONS.items()
            if verb in item.answers
        ),
        url_label=_("See the lead"),
        url=url,
    )


def event_words(event: str) -> str:
    """What an event says in a word or two, as it stands above what is told; itself where it is unknown."""
    return _(_HEADINGS[event]) if event in _HEADINGS else event


def left_out_words(message: Message) -> str:
    """How much there is besides what is told in detail; "" for none."""
    if not message.left_out:
        return ""
    text = ngettext(
        "And {n} more, not told in detail.", "And {n} more, not told in detail.", message.left_out
    )
    return text.format(n=message.left_out)


def footer_words(message: Message) -> tuple[str, ...]:
    """What is to be known of every message, a sentence each."""
    times = _("All times are those of {zone}.").format(zone=message.zone)
    links = _(
        "Links to answer open a page that asks you to confirm; they are yours alone, please keep them so."
    )
    sent = _("Sent by Leadlane, which decides by your company's policy who takes which lead.")
    return (times, links, sent) if any(item.answers for item in message.items) else (times, sent)


def subject_words(message: Message, now: datetime) -> str:
    """What the message is about, in one line."""
    count = len(message.items) + message.left_out
    if count == 1:
        return _short(_subject_of_one(message, now), _LONGEST_SUBJECT)
    events = {item.event for item in message.items}
    if events == {"assigned"}:
        text = ngettext("{n} new lead", "{n} new leads", count)
    elif events == {"reminder"}:
        text = ngettext("{n} lead waits for you", "{n} leads wait for you", count)
    else:
        text = ngettext("{n} piece of news about leads", "{n} pieces of news about leads", count)
    return text.format(n=count)


def _subject_of_one(message: Message, now: datetime) -> str:
    (item,) = message.items
    heading = _heading(message, item)
    who = clean(item.prospect)
    if item.company and clean(item.company) != who:
        who = _("{name}, {company}").format(name=who, company=clean(item.company))
    if not who:
        return _("{heading}: {reason}").format(heading=heading, reason=clean(item.reason))
    is_asked = item.event in ("assigned", "reminder", "covering")
    if is_asked and item.respond_by is not None and item.respond_by > now:
        due = moment_words(item.respond_by, ZoneInfo(message.zone), now)
        text = _("{heading}: {who} – respond by {due}")
        return text.format(heading=heading, who=who, due=due)
    return _("{heading}: {who}").format(heading=heading, who=who)


def _heading(message: Message, item: Item) -> str:
    headings = _HEADINGS if message.person else {**_HEADINGS, **_HEADINGS_FOR_TEAM}
    return _(headings[item.event]) if item.event in headings else item.event


def _sentence(item: Item, reader: str) -> str:
    owner, cover, before = clean(item.owner), clean(item.covered_by), clean(item.from_person)
    match item.event:
        case "assigned" if before:
            text = _("This lead is yours now; until now {before} had it.")
        case "assigned":
            text = _("This lead is yours.")
        case "reminder" if item.stage == "assigned":
            text = _("You have not accepted this lead yet.")
        case "reminder":
            text = _("This lead still waits for a response from you.")
        case "reassigned_away" if cover or owner:
            text = _("{holder} has this lead now. There is nothing left for you to do.")
        case "reassigned_away":
            text = _("You no longer have this lead. There is nothing left for you to do.")
        case "covering":
            text = _("{owner} is out, and you cover this lead meanwhile.")
        case "uncovered":
            text = _("Nobody covers this lead any more. It stays with you until somebody acts.")
        case "escalated" if cover or owner:
            text = _("{holder} has this lead and has not responded.")
        case "escalated":
            text = _("Nobody has responded to this lead.")
        case "review" if item.candidates:
            text = _("This may be somebody who is known already. Please say who it is.")
        case "review":
            text = _("Please decide who takes this lead.")
        case "alarm" if item.lead_id is None:
            text = "{reason}"
        case "alarm":
            text = _("This lead needs a decision of yours.")
        case "returned" if before:
            text = _("You are back and have this lead again; {before} covered it meanwhile.")
        case "returned":
            text = _("You are back and have this lead again.")
        case "merged" if clean(cover or owner) != reader:
            text = _("A lead that you had is part of this one now: it is the same prospect. {holder} has it.")
        case "merged":
            text = _("Another lead of the same prospect is part of this one now.")
        case _:
            text = "{reason}"
    values = {"holder": cover or owner, "owner": owner, "before": before, "reason": clean(item.reason)}
    return text.format(**values)


def _sentence_for_team(item: Item) -> str:
    """The same for those who only read along."""
    owner, cover = clean(item.owner), clean(item.covered_by)
    match item.event:
        case "covering" if cover:
            text = _("{owner} is out, and {cover} covers this lead meanwhile.")
        case "uncovered":
            text = _("Nobody covers this lead any more. It stays with {owner} until somebody acts.")
        case "reminder" | "escalated" if cover or owner:
            text = _("{holder} has this lead and has not responded.")
        case "review" | "alarm" if item.lead_id is not None and owner:
            text = _("{holder} is to decide who takes this lead.")
        case "review" | "alarm" if item.lead_id is not None:
            text = _("A person is to decide who takes this lead.")
        case "merged":
            text = _("Another lead of the same prospect is part of this one now.")
        case _ if item.lead_id is not None and (cover or owner):
            text = _("{holder} has this lead now.")
        case _ if item.lead_id is not None:
            text = _("Nobody has this lead now.")
        case _:
            text = "{reason}"
    return text.format(holder=cover or owner, owner=owner, cover=cover, reason=clean(item.reason))


def _about(item: Item) -> str:
    told = dict.fromkeys(clean(part) for part in (item.title, item.company, item.country) if part)
    told.pop(clean(item.prospect), None)
    return " · ".join(told)


def _facts(item: Item, message: Message, zone: ZoneInfo, now: datetime) -> Iterator[Fact]:
    if item.event in _FOR_INFORMATION:
        yield from _reasons(item, message)
        return
    if item.respond_by is not None:
        label = _("Was to be answered by") if item.respond_by <= now else _("Respond by")
        yield Fact(label, (moment_words(item.respond_by, zone, now),), is_key=True)
    yield from _next_step(item, zone, now)
    for label, lines in item.listing:
        yield Fact(label, tuple(clean(line) for line in lines))
    if item.candidates:
        yield Fact(_("Who it may be"), tuple(clean(one) for one in item.candidates))
    yield from _reasons(item, message)
    if item.signals:
        yield Fact(_("What they did"), (", ".join(clean(one.replace("_", " ")) for one in item.signals),))
    yield from _worth(item)
    yield from _contact(item)
    holder = clean(item.covered_by or item.owner)
    if holder not in ("", clean(message.name)):
        yield Fact(_("Who has it"), (holder,))


def _next_step(item: Item, zone: ZoneInfo, now: datetime) -> Iterator[Fact]:
    if not item.next_step:
        return
    step = step_words(item.next_step)
    # Said once: most next steps are due when the response is.
    if item.next_step_due_at is not None and item.next_step_due_at != item.respond_by:
        due = moment_words(item.next_step_due_at, zone, now)
        step = _("{step}, by {due}").format(step=step, due=due)
    yield Fact(_("Next step"), (step,))


def _reasons(item: Item, message: Message) -> Iterator[Fact]:
    if item.why:
        mine = bool(message.person) and item.event in ("assigned", "reminder", "covering", "returned")
        yield Fact(_("Why you") if mine else _("Why"), tuple(clean(one) for one in item.why))
    if item.reason and item.lead_id is not None:
        yield Fact(_("What was said"), (_choice(_SAID, item.reason),))


def _worth(item: Item) -> Iterator[Fact]:
    known = []
    if item.intent:
        known.append(_("intent {intent}").format(intent=_choice(_INTENTS, item.intent)))
    if item.fit:
        known.append(_("fit {fit}").format(fit=_choice(_FITS, item.fit)))
    if item.deal_value is not None:
        amount = format_decimal(round(item.deal_value), locale=_locale())
        known.append(_("worth {amount}").format(amount=amount))
    if known:
        yield Fact(_("How good"), (", ".join(known),))


def _choice(words: dict[str, str], code: str) -> str:
    return _(words[code]) if code in words else clean(code)


def _contact(item: Item) -> Iterator[Fact]:
    if item.email:
        yield Fact(_("E-mail"), (clean(item.email),), "mailto:" + quote(clean(item.email), safe="@+.-_"))
    if item.phone:
        digits = "".join(char for char in item.phone if char in "+0123456789")
        yield Fact(_("Phone"), (clean(item.phone),), f"tel:{digits}" if digits else "")


def step_words(step: str) -> str:
    """A next step: those that Leadlane names itself in the reader's language, others as they were written."""
    return _(_STEPS[step]) if step in _STEPS else clean(step)


def moment_words(moment: datetime, zone: ZoneInfo, near: datetime) -> str:
    """A moment in the reader's zone: `Mon 2 Mar 10:15`; with the year unless it is that of `near`."""
    local = moment.astimezone(zone)
    form = "EEE d MMM HH:mm" if near.astimezone(zone).year == local.year else "EEE d MMM y HH:mm"
    return str(format_datetime(local, form, locale=_locale()))


def clean(text: str) -> str:
    """A text of others in one line, without what is not seen but can change how a line reads."""
    return " ".join(_visible(text).split())


def _quoted(text: str, longest: int) -> str:
    """What the prospect wrote, with its paragraphs; cut where it is very long."""
    lines = [" ".join(line.split()) for line in _visible(text).splitlines()]
    return _short("\n".join(_without_doubles(lines)).strip(), longest)


def _without_doubles(lines: Iterable[str]) -> Iterator[str]:
    before = ""
    for line in lines:
        if line or before:
            yield line
        before = line


def _visible(text: str) -> str:
    # Categories Cc and Cf: control characters, and those that turn the direction of writing.
    return "".join(
        char
        for char in text
        if char in "\n\t\r\u200c\u200d" or unicodedata.category(char) not in ("Cc", "Cf")
    )


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def _locale() -> Locale:
    try:
        return Locale.parse(current_language())
    except (UnknownLocaleError, ValueError):
        return Locale.parse("en")
