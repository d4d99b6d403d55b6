"""To which moments does one put something off? A few that people can foresee, by the hours of who asks."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from leadlane.core.business_time import Calendar, NoWorkingTime

# A working day farther away than this is no answer to "tomorrow".
_FARTHEST = timedelta(days=30)


def moments_ahead(calendar: Calendar | None, zone: ZoneInfo, now: datetime) -> list[datetime]:
    """Soon, the next working day, next week: in order, in `zone`. `calendar` is of whoever puts it off."""
    local = now.astimezone(zone).replace(second=0, microsecond=0)
    soon = [local + timedelta(hours=1), local + timedelta(hours=3)]
    midnight = local.replace(hour=0, minute=0)
    monday = midnight + timedelta(days=7 - midnight.weekday())
    later = [_opening(calendar, day) for day in (midnight + timedelta(days=1), monday)]
    return sorted({*soon, *(day for day in later if day is not None)})


def _opening(calendar: Calendar | None, day: datetime) -> datetime | None:
    """When work begins on this day or the next working day after it; at nine where no hours are known."""
    try:
        opens = calendar.next_open(day) if calendar is not None else day + timedelta(hours=9)
    except NoWorkingTime:
        opens = day + timedelta(hours=9)
    return opens.astimezone(day.tzinfo) if opens - day <= _FARTHEST else None
