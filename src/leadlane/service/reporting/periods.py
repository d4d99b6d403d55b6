"""Which period does a report speak of? Dates, or a name such as 2026Q1, in the time zone of the policy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from leadlane.i18n import _
from leadlane.insight import say
from leadlane.service.reporting.contact_rate import PeriodError, read_period

DEFAULT_DAYS = 30
_MOST_DAYS = 3660


@dataclass(frozen=True, slots=True)
class Span:
    """From `since` until just before `until`, both aware."""

    since: datetime
    until: datetime


def period_words(period: Span, zone: ZoneInfo) -> str:
    """Its first and its last day, in words."""
    last = period.until - timedelta(microseconds=1)
    return _("{first} to {last}").format(first=say.day(period.since, zone), last=say.day(last, zone))


def report_period(
    name: str | None,
    since: str | None,
    until: str | None,
    zone: ZoneInfo,
    now: datetime,
    days: int = DEFAULT_DAYS,
) -> Span:
    """The period that is meant, never beyond `now`: a name, or else dates; without both, the last `days`.

    A name is a year, a quarter (2026Q1), a month (2026-03) or a number of days until now (90d). PeriodError
    for what is none of these, and for a period that has not begun.
    """
    today = now.astimezone(zone).date()
    if name:
        first, last = _named(name.strip(), today)
        found = Span(_midnight(first, zone), _midnight(last + timedelta(days=1), zone))
    else:
        asked = read_period(since or None, until or None, zone.key)
        end = asked.until or now
        begin = asked.since or _midnight(min(end, now).astimezone(zone).date() - timedelta(days=days), zone)
        found = Span(begin, end)
    if found.since >= now:
        raise PeriodError("period" if name else "since", name or since or "", _("it has not begun yet"))
    found = Span(found.since, min(found.until, now))
    # Reports go through it week by week, and no calendar reaches to the first of all days.
    if found.until - found.since > timedelta(days=_MOST_DAYS + 1):
        raise PeriodError("since", since or "", _("a report is of ten years at most"))
    return found


def _named(name: str, today: date) -> tuple[date, date]:
    """The first and the last day of a period by its name."""
    try:
        if days := re.fullmatch(r"([0-9]{1,4})d", name):
            return today - timedelta(days=min(int(days[1]), _MOST_DAYS)), today
        if quarter := re.fullmatch(r"([1-9][0-9]{3})-?[Qq]([1-4])", name):
            return _months(int(quarter[1]), int(quarter[2]) * 3 - 2, 3)
        if month := re.fullmatch(r"([1-9][0-9]{3})-([0-9]{2})", name):
            return _months(int(month[1]), int(month[2]), 1)
        if year := re.fullmatch(r"[1-9][0-9]{3}", name):
            return _months(int(year[0]), 1, 12)
    except ValueError:
        pass
    raise PeriodError(
        "period", name[:80], _("a year, quarter, month or days are meant: 2026, 2026Q1, 2026-03, 90d")
    )


def _months(year: int, month: int, count: int) -> tuple[date, date]:
    after = month + count
    next_first = date(year + (after - 1) // 12, (after - 1) % 12 + 1, 1)
    return date(year, month, 1), next_first - timedelta(days=1)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
