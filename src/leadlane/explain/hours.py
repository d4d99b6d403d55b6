"""When does somebody work? A week of working hours in words."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton, get_day_names

from leadlane.core.facts import Blocks, WeeklyHours
from leadlane.i18n import _, current_language

_DAY_MINUTES = 24 * 60


def hours_words(hours: WeeklyHours) -> str:
    """Working hours in short: "Mon-Fri 09:00-17:00, Sat 10:00-12:00"; days alike are told as one."""
    groups: list[tuple[int, int]] = []
    for day in range(7):
        if groups and hours[groups[-1][0]] == hours[day]:
            groups[-1] = (groups[-1][0], day)
        else:
            groups.append((day, day))
    parts = [
        _("{days} {times}").format(days=_days(first, last), times=blocks_words(hours[first]))
        for first, last in groups
        if hours[first]
    ]
    return ", ".join(parts)


def blocks_words(blocks: Blocks) -> str:
    """The working time of a day: "09:00-12:00, 13:00-17:00"."""
    return ", ".join(f"{_clock(opens)}\N{EN DASH}{_clock(closes)}" for opens, closes in blocks)


def times_words(times: Iterable[tuple[datetime, datetime]], zone: ZoneInfo, day: date) -> str:
    """Intervals by the clock of a zone; with the day of the week where one begins on another than `day`."""
    found = []
    for start, until in times:
        begins, ends = start.astimezone(zone), until.astimezone(zone)
        words = f"{_clock(_minutes(begins))}\N{EN DASH}{_clock(_minutes(ends))}"
        if begins.date() != day:
            weekday = begins.weekday()
            words = _("{days} {times}").format(days=_days(weekday, weekday), times=words)
        found.append(words)
    return ", ".join(found)


def absence_words(start: datetime, until: datetime, there: ZoneInfo, reader: ZoneInfo, year: int) -> str:
    """From when until when somebody is away, who works in the zone `there`: "Nov 27", "Nov 23 - 27".

    Whole days there are told as such; else both moments in the zone of the reader. `year` goes unsaid.
    """
    begins, ends = start.astimezone(there), until.astimezone(there)
    if begins.time() == ends.time() == time():
        first, last = begins.date(), ends.date() - timedelta(days=1)
        return (
            _("{first} – {last}").format(first=_date(first, year), last=_date(last, year))
            if first < last
            else _date(first, year)
        )
    begins, ends = start.astimezone(reader), until.astimezone(reader)
    first_words = _("{day}, {time}").format(day=_date(begins.date(), year), time=_clock(_minutes(begins)))
    last_words = _clock(_minutes(ends))
    if begins.date() != ends.date():
        last_words = _("{day}, {time}").format(day=_date(ends.date(), year), time=last_words)
    return _("{first} – {last}").format(first=first_words, last=last_words)


def _date(day: date, year: int) -> str:
    at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    skeleton = "MMMEd" if day.year == year else "yMMMEd"
    return str(format_skeleton(skeleton, at, tzinfo=UTC, locale=current_language()))


def day_words(day: date) -> str:
    """A day of a week in short: "Mon 23"."""
    # At noon, so that it is this day in every zone.
    at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    return str(format_skeleton("Ed", at, tzinfo=UTC, locale=current_language()))


def _minutes(local: datetime) -> int:
    return local.hour * 60 + local.minute


def _days(first: int, last: int) -> str:
    names = get_day_names("abbreviated", locale=current_language())
    return names[first] if first == last else f"{names[first]}\N{EN DASH}{names[last]}"


def _clock(minutes: int) -> str:
    if minutes == _DAY_MINUTES:
        return "24:00"
    hour, minute = divmod(minutes % _DAY_MINUTES, 60)
    return str(format_skeleton("Hm", time(hour, minute), locale=current_language()))
