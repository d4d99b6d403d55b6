"""What is there to say when somebody's working day begins? What is due, and to managers what was missed.

Everybody hears once a day at most, and only if there is something to say: that a day was looked at is
committed with the message, by whichever process comes first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from psycopg import Connection

from leadlane.core.business_time import Calendar, NoWorkingTime
from leadlane.core.facts import Person, Roster
from leadlane.core.pick import is_away
from leadlane.core.place import manager_of
from leadlane.core.rulebook import Rulebook
from leadlane.i18n import _, ngettext
from leadlane.outbound.message import DIGEST, Item
from leadlane.outbound.telling import moment_words, step_words
from leadlane.store import digests
from leadlane.store.digests import Entry, Window

# After an outage a morning's digest that is later than this is not sent: the day is under way.
LATEST = timedelta(hours=3)
_LONGEST_PAUSE_DAYS = 14
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Day:
    """A person's working day: its local date, when they begin to work, and the midnights around it."""

    person: str
    date: date
    begins: datetime
    start: datetime
    end: datetime


def prepare(connection: Connection, book: Rulebook, now: datetime) -> datetime | None:
    """Write a digest for everyone whose working day has begun and who has something to hear.

    Returns when the next day of anybody begins, None if nobody's does.
    """
    begun, moments = [], []
    for person in book.roster.people.values():
        calendar = book.calendars.get(person.id)
        if calendar is None:
            continue
        today = day_of(person.id, calendar, now)
        if today is not None and today.begins <= now:
            begun.append(today)
        moments.append(today.begins if today and today.begins > now else _next_begin(calendar, now))
    with connection.transaction():
        new = digests.begin(connection, [(day.person, day.date) for day in begun])
        to_tell = [
            day
            for day in begun
            if day.person in new
            and now - day.begins <= LATEST
            and not is_away(book.roster.people[day.person], now)
        ]
        mine = [Window(day.person, (day.person,), _LONG_AGO, day.end) for day in to_tell]
        found = [*digests.due(connection, mine), *_missed(connection, book, to_tell)] if to_tell else []
        if found:
            digests.tell(connection, {one.person for one in found}, DIGEST, now)
    return min((moment for moment in moments if moment is not None), default=None)


def digest_item(
    connection: Connection, book: Rulebook, person: Person, at: datetime, now: datetime
) -> Item | None:
    """The digest of a person as things stand now, in the language of the context; None: nothing to say.

    `at` is when it was written to the outbox. One of another day is not told any more.
    """
    calendar = book.calendars.get(person.id)
    today = day_of(person.id, calendar, now) if calendar is not None else None
    if calendar is None or today is None or at < today.start:
        return None
    overdue = digests.due(connection, [Window(person.id, (person.id,), _LONG_AGO, now)])
    later = digests.due(connection, [Window(person.id, (person.id,), now, today.end)])
    missed = _missed(connection, book, [today])
    said = []
    if overdue or later:
        text = _("Overdue: {overdue}. Due today: {today}.")
        said.append(text.format(overdue=_total(overdue), today=_total(later)))
    if missed:
        said.append(_("Promises that your people did not keep: {missed}.").format(missed=_total(missed)))
    listing = (
        (_("Overdue"), tuple(_lines(overdue, calendar, now))),
        (_("Due today"), tuple(_lines(later, calendar, now))),
        (_("Not kept by your people"), tuple(_lines(missed, calendar, now, book.roster))),
    )
    filled = tuple(one for one in listing if one[1])
    return Item(DIGEST, at, reason=" ".join(said), listing=filled) if filled else None


def day_of(person: str, calendar: Calendar, now: datetime) -> Day | None:
    """The working day of a person that is today where they work; None if they do not work today."""
    today = now.astimezone(calendar.zone).date()
    start, end = _midnight(calendar, today), _midnight(calendar, today + timedelta(days=1))
    try:
        begins = calendar.next_open(start)
    except NoWorkingTime:
        return None
    return Day(person, today, begins, start, end) if begins < end else None


def _midnight(calendar: Calendar, day: date) -> datetime:
    return datetime.combine(day, time.min, calendar.zone).astimezone(UTC)


def _next_begin(calendar: Calendar, now: datetime) -> datetime | None:
    tomorrow = now.astimezone(calendar.zone).date() + timedelta(days=1)
    try:
        return calendar.next_open(_midnight(calendar, tomorrow))
    except NoWorkingTime:
        return None


def _missed(connection: Connection, book: Rulebook, days: Sequence[Day]) -> list[Entry]:
    members: dict[str, list[str]] = {}
    for person in book.roster.people.values():
        manager = manager_of(book.roster, person)
        if manager is not None and manager != person.id:
            members.setdefault(manager, []).append(person.id)
    windows = [
        Window(day.person, tuple(members[day.person]), _since(book.calendars[day.person], day), day.start)
        for day in days
        if day.person in members
    ]
    return digests.missed(connection, windows) if windows else []


def _since(calendar: Calendar, day: Day) -> datetime:
    """The first midnight of the working day before: on a Monday what was missed since Friday is told."""
    for days in range(1, _LONGEST_PAUSE_DAYS):
        before = day_of(day.person, calendar, day.start - timedelta(days=days, hours=-12))
        if before is not None:
            return before.start
    return day.start - timedelta(days=1)


def _total(entries: Sequence[Entry]) -> int:
    return entries[0].total if entries else 0


def _lines(
    entries: Sequence[Entry], calendar: Calendar, now: datetime, roster: Roster | None = None
) -> Iterator[str]:
    """A line for each; of leads of others (`roster` given) with the name of who has it."""
    for one in entries:
        names = (one.fields.get("first_name"), one.fields.get("last_name"))
        name = " ".join(str(part) for part in names if part) or str(one.fields.get("email") or one.lead_id)
        company = one.fields.get("company")
        who = _("{name}, {company}").format(name=name, company=company) if company else name
        person = roster.people.get(one.holder) if roster is not None else None
        if roster is not None:
            what = person.name if person is not None and person.name else one.holder
        else:
            what = step_words(one.next_step or "")
        when = moment_words(one.at, calendar.zone, now)
        yield _("{when} · {who}: {what}").format(when=when, who=who, what=what)
    rest = _total(entries) - len(entries)
    if rest > 0:
        yield ngettext("and {n} more", "and {n} more", rest).format(n=rest)
