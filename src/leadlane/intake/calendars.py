"""When is somebody away, by a calendar that they keep? Out-of-office and whole busy days, from iCalendar.

https://www.rfc-editor.org/rfc/rfc5545. What an event is about is read only to see whether it says "out of
office", and never kept: calendars hold what is private.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import recurring_ical_events
from icalendar import Calendar, Component

from leadlane.errors import LeadlaneError
from leadlane.i18n import _

# More events, repeating ones, and absences in the next months than there are in any person's calendar.
MOST_SERIES = 500
MOST_REPEATING = 50
MOST_ABSENCES = 200
# How people and programs call it where the event does not say so itself.
_SPOKEN = re.compile(
    r"\W*(out of (the )?office|ooo|vacation|annual leave|on leave|abwesend|urlaub|urlop|nieobecn\w*"
    r"|fuori ufficio|assente|in ferie|ferie|congés?|absente?)\b",
    re.IGNORECASE,
)
# An absence is not made of hours or minutes that repeat; expanding them would take for ever.
_TOO_OFTEN = frozenset({"SECONDLY", "MINUTELY", "HOURLY"})
_TIMES_OF_A_DAY = ("BYHOUR", "BYMINUTE", "BYSECOND")


class CalendarError(LeadlaneError):
    """What was read is no calendar that absences can be taken from."""


@dataclass(frozen=True, slots=True)
class Busy:
    """From `start` until just before `until` (aware, UTC) somebody is away."""

    start: datetime
    until: datetime


def read_absences(text: str, zone: ZoneInfo, first: date, last: date) -> list[Busy]:
    """The absences in an iCalendar text that touch the days from `first` to before `last`, in order, joined.

    An event counts that is marked as out of office or says so, and one of whole days that is not marked as
    free; `zone` is where its days are. Raises CalendarError.
    """
    try:
        calendars = Calendar.from_ical(text, multiple=True)
        found = [_busy(one, zone) for calendar in calendars for one in _events(calendar, first, last)]
    except CalendarError:
        raise
    # Calendars are written by hundreds of programs; whatever is wrong with one is told to whose it is.
    except Exception as error:
        raise CalendarError(
            _("This is no calendar that can be read: {error}").format(error=str(error)[:200]),
            _("The link must lead to a file in the iCalendar format, often called .ics."),
        ) from None
    if not calendars:
        raise CalendarError(
            _("There is no calendar at this link."),
            _("The link must lead to a file in the iCalendar format, often called .ics."),
        )
    return _joined([one for one in found if one.start < one.until])[:MOST_ABSENCES]


def _events(calendar: Component, first: date, last: date) -> Iterator[Component]:
    """Each time that an event takes place which may be an absence."""
    by_uid: dict[str, list[Component]] = {}
    for event in calendar.walk("VEVENT"):
        by_uid.setdefault(str(event.get("UID", id(event))), []).append(event)
    # With a series come the times at which it was changed, whatever these became.
    series = [
        events for events in by_uid.values() if any(map(_is_away, events)) and not any(map(_is_wild, events))
    ]
    repeating = sum(any("RRULE" in event for event in events) for events in series)
    if len(series) > MOST_SERIES or repeating > MOST_REPEATING:
        most = MOST_SERIES if len(series) > MOST_SERIES else MOST_REPEATING
        raise CalendarError(
            _("There are more than {n} absences in this calendar.").format(n=most),
            _("Is it the calendar of one person? Choose a link to that one alone."),
        )
    kept = Calendar()
    for name, value in calendar.items():
        kept[name] = value
    for part in calendar.walk("VTIMEZONE"):
        kept.add_component(part)
    for event in (event for events in series for event in events):
        kept.add_component(event)
    for event in recurring_ical_events.of(kept, skip_bad_series=True).between(first, last):
        if _is_away(event):
            yield event


def _is_away(event: Component) -> bool:
    if str(event.get("STATUS", "")).upper() == "CANCELLED":
        return False
    if str(event.get("X-MICROSOFT-CDO-BUSYSTATUS", "")).upper() == "OOF":
        return True
    if str(event.get("TRANSP", "")).upper() == "TRANSPARENT":
        return False
    status = str(event.get("X-MICROSOFT-CDO-BUSYSTATUS", "BUSY")).upper()
    is_whole_day = not isinstance(_time_of(event, "DTSTART"), datetime)
    return (is_whole_day and status == "BUSY") or bool(_SPOKEN.match(str(event.get("SUMMARY", ""))))


def _is_wild(event: Component) -> bool:
    rules: Any = event.get("RRULE") or []
    every = rules if isinstance(rules, list) else [rules]
    return any(
        not _TOO_OFTEN.isdisjoint(map(str, rule.get("FREQ", ())))
        or any(len(rule.get(name, ())) > 1 for name in _TIMES_OF_A_DAY)
        for rule in every
    )


def _busy(event: Component, zone: ZoneInfo) -> Busy:
    return Busy(_instant(_time_of(event, "DTSTART"), zone), _instant(_time_of(event, "DTEND"), zone))


def _time_of(event: Component, name: str) -> date | datetime:
    found: date | datetime = event.decoded(name)
    return found


def _instant(value: date | datetime, zone: ZoneInfo) -> datetime:
    if not isinstance(value, datetime):
        value = datetime.combine(value, time())
    # A time without a zone is that of whoever keeps the calendar.
    return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)


def _joined(found: list[Busy]) -> list[Busy]:
    joined: list[Busy] = []
    for one in sorted(found, key=lambda one: (one.start, one.until)):
        if joined and one.start <= joined[-1].until:
            joined[-1] = Busy(joined[-1].start, max(joined[-1].until, one.until))
        else:
            joined.append(one)
    return joined
