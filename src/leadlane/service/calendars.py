"""Who is away by their own calendar, and what may calendars read of us?

A calendar is read by a link that its owner gives, now and then, through the guard of outgoing addresses.
What is in it replaces what was read from it before: reading it twice changes nothing, and absences that were
entered by hand stay. While it cannot be read, what was read last holds.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event
from psycopg import Connection

from leadlane.core.pick import covering
from leadlane.core.rulebook import Rulebook
from leadlane.errors import LeadlaneError
from leadlane.i18n import _
from leadlane.intake.calendars import Busy, CalendarError, read_absences
from leadlane.logging import get_logger
from leadlane.outbound.message import Failure
from leadlane.outbound.posting import refusal, request
from leadlane.service.loop import Loop
from leadlane.service.prospects import person_name
from leadlane.service.roster import RosterErrors, UnknownPersonError, put_entry
from leadlane.store import calendars, in_hand, roster
from leadlane.store.calendars import Link

log = get_logger(__name__)

SOURCE = "calendar"
EVERY = timedelta(minutes=30)
AHEAD = timedelta(days=180)
MOST_BYTES = 5_000_000
LONGEST_URL = 2_000
MOST_EVENTS = 200
_LONGEST_SLEEP_SECONDS = 60.0
_SHORTEST_SLEEP_SECONDS = 1.0
_TOKEN_BYTES = 24
# How long a moment takes in a calendar.
_MOMENT = timedelta(minutes=15)


class CalendarLinkError(LeadlaneError):
    """The link cannot be one to a calendar."""


# ---------------------------------------------------------------- theirs


def follow(connection: Connection, person: str, url: str, by: str, now: datetime) -> Link:
    """Read somebody's calendar from now on; the first time is up to the caller (`read_calendar`).

    Raises CalendarLinkError for what is no web address, UnknownPersonError.
    """
    address = url.strip()
    if address.lower().startswith("webcal://"):
        address = "https://" + address[len("webcal://") :]
    try:
        parts = urlsplit(address)
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname) and len(address) <= LONGEST_URL
    except ValueError:
        is_web = False
    if not is_web or not address.isprintable():
        raise CalendarLinkError(_("A link that begins with https:// or webcal:// is needed."))
    with connection.transaction():
        _entry(connection, person)
        calendars.put_link(connection, person, address, by, now, now + EVERY)
    link = calendars.link(connection, person)
    assert link is not None  # nobody else's request has any business here
    return link


def unfollow(connection: Connection, person: str, by: str, now: datetime) -> bool:
    """Read somebody's calendar no longer; what was read from it is ended. Whether one was read."""
    with connection.transaction():
        was_read = calendars.drop_link(connection, person)
        if was_read:
            _put(connection, person, [], by, now)
    return was_read


def read_calendar(connection: Connection, link: Link, allowed: Sequence[str], now: datetime) -> str:
    """Read a calendar, and take the absences in it over. Returns what was wrong, "" if nothing.

    `allowed` opens addresses inside the own network, as of outbound.yaml.
    """
    problem = _read(connection, link, allowed, now)
    if problem:
        log.warning("calendar not read", person=link.person, problem=problem)
        calendars.note_problem(connection, link.person, link.url, problem)
    return problem


def _read(connection: Connection, link: Link, allowed: Sequence[str], now: datetime) -> str:
    # Outside of a transaction: the other end may take its time.
    answer = request(
        "GET", link.url, b"", {"accept": "text/calendar"}, tuple(allowed), now, most_read=MOST_BYTES
    )
    if isinstance(answer, Failure):
        return answer.detail
    if not answer.is_good:
        return refusal(answer).detail
    try:
        zone = ZoneInfo(_entry(connection, link.person)["timezone"])
        today = now.astimezone(zone).date()
        # Before the roster is locked: what somebody wrote into a calendar may take long to be understood.
        found = read_absences(answer.text, zone, today, today + AHEAD)
        with connection.transaction():
            if not calendars.lock_link(connection, link.person, link.url):
                return ""
            _put(connection, link.person, found, SOURCE, now)
            calendars.note_read(connection, link.person, link.url, len(found), now)
    except (CalendarError, RosterErrors, UnknownPersonError) as error:
        return f"{error.message} {error.hint}".strip()
    return ""


def _put(connection: Connection, person: str, found: Sequence[Busy], by: str, now: datetime) -> None:
    """These in place of what was read from a calendar before; what was entered by hand stays."""
    content = _entry(connection, person)
    kept = [one for one in content.get("away", []) if one.get("source") != SOURCE]
    read = [
        {"from": one.start.isoformat(), "until": one.until.isoformat(), "source": SOURCE} for one in found
    ]
    changed = {name: value for name, value in content.items() if name != "away"}
    if kept or read:
        changed["away"] = kept + read
    if changed != content:
        put_entry(connection, "person", person, changed, by, now)


def _entry(connection: Connection, person: str) -> dict[str, Any]:
    people = roster.entries(connection, roster.lock_revision(connection))["person"]
    if person not in people:
        raise UnknownPersonError(person)
    return people[person]


class CalendarReader(Loop):
    """Reads the calendars that are due, in a thread of its own: they may take their time."""

    def __init__(self, url: str, allowed: Sequence[str], now: Callable[[], datetime]) -> None:
        # Nobody needs to wake it: what is entered is read at once by whoever enters it.
        super().__init__(url, "calendars", "leadlane_calendars")
        self._allowed = tuple(allowed)
        self._now = now

    def turn(self, connection: Connection) -> float:
        """Read all that are due; returns the seconds until the next one is."""
        while not self.is_stopping:
            now = self._now()
            link = calendars.claim(connection, now, now + EVERY)
            if link is None:
                break
            try:
                read_calendar(connection, link, self._allowed, now)
            except Exception:
                if connection.broken or connection.closed:
                    raise
                # One calendar must not keep the others from being read.
                log.exception("calendar not read", person=link.person)
        due_at = calendars.next_due_at(connection)
        if due_at is None:
            return _LONGEST_SLEEP_SECONDS
        seconds = (due_at - self._now()).total_seconds()
        return min(max(seconds, _SHORTEST_SLEEP_SECONDS), _LONGEST_SLEEP_SECONDS)


# ---------------------------------------------------------------- ours


def make_feed(connection: Connection, person: str, by: str, now: datetime) -> str:
    """A secret by which calendars read what is due for somebody; one from before no longer does."""
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    calendars.put_feed(connection, _hash(token), person, by, now)
    return token


def whose_feed(connection: Connection, token: str) -> str | None:
    """Whose calendars may read by this secret; None for one that is not, or no longer, known."""
    return calendars.feed_person(connection, _hash(token))


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def feed(
    connection: Connection, book: Rulebook, person_id: str, base_url: str, now: datetime
) -> bytes | None:
    """What is due for somebody, when they are away and for whom they cover, as iCalendar; None for nobody."""
    person = book.roster.people.get(person_id)
    if person is None:
        return None
    calendar = Calendar()
    calendar.add("prodid", "-//Leadlane//leadlane//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", _("Leads of {name}").format(name=person.name))
    calendar.add("refresh-interval", timedelta(hours=1), parameters={"VALUE": "DURATION"})
    for one in in_hand.in_hand(connection, [person_id], MOST_EVENTS):
        if one.due_at is None:
            continue
        name = person_name(one.fields) or one.id
        words = _("{step}: {name}").format(step=one.next_step or _("Respond"), name=name)
        event = _event(f"lead-{one.id}", words, one.due_at, one.due_at + _MOMENT, now)
        event.add("url", f"{base_url}/leads/{quote(one.id, safe='')}")
        event.add("transp", "TRANSPARENT")
        calendar.add_component(event)
    for other in book.roster.people.values():
        for away in other.away:
            if away.until <= now:
                continue
            key = f"away-{other.id}-{away.start.isoformat()}"
            if other.id == person_id:
                words = _("Away, as Leadlane knows")
            elif covering(book.roster, other, max(now, away.start))[0] == person_id:
                words = _("You cover for {name}").format(name=other.name)
            else:
                continue
            event = _event(key, words, away.start, away.until, now)
            # Never busy: or a calendar that is read by us would tell us of ourselves.
            event.add("transp", "TRANSPARENT")
            calendar.add_component(event)
    return bytes(calendar.to_ical())


def _event(key: str, words: str, start: datetime, until: datetime, now: datetime) -> Event:
    event = Event()
    event.add("uid", f"{hashlib.sha256(key.encode()).hexdigest()[:32]}@leadlane")
    event.add("dtstamp", now)
    event.add("dtstart", start)
    event.add("dtend", until)
    event.add("summary", words)
    return event
