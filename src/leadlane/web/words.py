"""How do moments, durations, sums and shares read? In the reader's language and zone, for templates."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_skeleton, format_timedelta
from babel.numbers import format_compact_currency, format_currency, format_decimal, format_percent
from markupsafe import Markup, escape

from leadlane.i18n import _, current_language

_DAY = timedelta(days=1)
_MINUTES_OF_AN_HOUR = 60
_MINUTES_OF_A_DAY = 24 * _MINUTES_OF_AN_HOUR


@lru_cache(maxsize=500)
def zone_of(name: str) -> ZoneInfo:
    """The zone of an IANA name."""
    return ZoneInfo(name)


def clock_words(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """An instant as short as can be: "14:30" today, "23 Nov, 14:30", "23 Nov 2025, 14:30" of another year."""
    local, today = at.astimezone(zone), now.astimezone(zone)
    time = _formatted("Hm", at, zone, current_language())
    if local.date() == today.date():
        return time
    skeleton = "MMMd" if local.year == today.year else "yMMMd"
    day = _formatted(skeleton, at, zone, current_language())
    return _("{day}, {time}").format(day=day, time=time)


# A page has hundreds of moments, and it is asked for again whenever something changes: each is put into words
# once.
@lru_cache(maxsize=20_000)
def _formatted(skeleton: str, at: datetime, zone: ZoneInfo, language: str) -> str:
    return format_skeleton(skeleton, at.astimezone(zone), locale=language)


def relative_words(at: datetime, now: datetime) -> str:
    """How far away an instant is: "in 12 minutes", "3 days ago"."""
    distance = at - now
    if abs(distance) < timedelta(minutes=1):
        return _("now")
    return format_timedelta(distance, add_direction=True, threshold=1.2, locale=current_language())


def full_words(at: datetime, zone: ZoneInfo) -> str:
    """An instant with everything: day of the week, date, time and zone."""
    return _in_full(at, zone, current_language())


@lru_cache(maxsize=20_000)
def _in_full(at: datetime, zone: ZoneInfo, language: str) -> str:
    return format_datetime(at, "full", tzinfo=zone, locale=language)


def moment(at: datetime | None, now: datetime, zone: ZoneInfo) -> Markup:
    """An instant as a `<time>`: the clock, and how far away it is. Nothing for None."""
    return _time(at, zone, clock_words(at, now, zone), relative_words(at, now)) if at else Markup("")


def ago(at: datetime | None, now: datetime, zone: ZoneInfo) -> Markup:
    """An instant as a `<time>` where there is little room: how far away it is; the clock is in its title."""
    return _time(at, zone, relative_words(at, now), "") if at else Markup("")


def _time(at: datetime, zone: ZoneInfo, first: str, second: str) -> Markup:
    soft = f' <span class="soft">{escape(second)}</span>' if second else ""
    title = escape(full_words(at, zone))
    return Markup(f'<time datetime="{at.isoformat()}" title="{title}">{escape(first)}{soft}</time>')


def day(one: date | datetime | None, zone: ZoneInfo) -> str:
    """A day with its year, "23 Nov 2026"; of an instant, the day that it is in the reader's zone."""
    if one is None:
        return ""
    there = one.astimezone(zone).date() if isinstance(one, datetime) else one
    return format_date(there, "medium", locale=current_language())


def minutes(count: float | None) -> str:
    """A duration given in minutes: "45 min", "1 h 30 min", "5 d"; nothing for None."""
    if count is None:
        return ""
    whole = round(count)
    days, rest = divmod(whole, _MINUTES_OF_A_DAY)
    hours, left = divmod(rest, _MINUTES_OF_AN_HOUR)
    if days:
        return _("{days} d {hours} h").format(days=days, hours=hours) if hours else _("{n} d").format(n=days)
    if hours:
        return _("{hours} h {min} min").format(hours=hours, min=left) if left else _("{n} h").format(n=hours)
    return _("{n} min").format(n=left)


def left_words(seconds: float) -> str:
    """What is left, or what is over, of a countdown: "4:59", "12 min", "3 h 05", "2 d 4 h"; without a sign.

    The script of the pages (`js/countdown.js`) counts on in the same form.
    """
    whole = int(abs(seconds))
    if whole < 10 * 60:
        return f"{whole // 60}:{whole % 60:02}"
    count = whole // 60
    if count < _MINUTES_OF_AN_HOUR:
        return f"{count} min"
    hours, left = divmod(count, _MINUTES_OF_AN_HOUR)
    if hours < 24:
        return f"{hours} h {left:02}"
    return f"{hours // 24} d {hours % 24} h"


def money(value: float | None, currency: str, *, short: bool = False) -> str:
    """A sum of money, to the whole unit; `short`: 12K. Nothing for None."""
    if value is None:
        return ""
    if short:
        return format_compact_currency(value, currency, locale=current_language(), fraction_digits=0)
    standard = Locale.parse(current_language()).currency_formats["standard"].pattern
    whole = standard.replace(".00", "")
    return format_currency(value, currency, whole, current_language(), currency_digits=False)


def number(value: float | None) -> str:
    """A number with its separators; nothing for None."""
    return "" if value is None else _decimal(value, current_language())


@lru_cache(maxsize=5_000)
def _decimal(value: float, language: str) -> str:
    return format_decimal(value, locale=language)


def percent(share: float | None, digits: int = 0) -> str:
    """A share (0.125) as "13 %", or with digits after the point; nothing for None."""
    if share is None:
        return ""
    return format_percent(round(share, digits + 2), locale=current_language(), decimal_quantization=False)
