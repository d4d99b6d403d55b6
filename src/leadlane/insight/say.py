"""How is a figure written for a reader? Numbers, shares, money and time spans in the reader's language."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from math import isinf
from zoneinfo import ZoneInfo

from babel.dates import format_date
from babel.numbers import format_currency, format_decimal, format_percent

from leadlane.i18n import _, current_language, ngettext
from leadlane.insight.proportions import Estimate

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def number(value: float, digits: int = 0) -> str:
    """`1,234` or `1.2`, as the language writes it."""
    # What is rounded to nothing has no sign.
    return _decimal(round(value, digits) + 0, "#,##0." + "0" * digits if digits else "#,##0", _locale())


# A page has thousands of numbers, and most of them have been written before.
@lru_cache(maxsize=20_000)
def _decimal(value: float, pattern: str, locale: str) -> str:
    return format_decimal(value, format=pattern, locale=locale)


def percent(share: float) -> str:
    """A share with one decimal: `13.0%`."""
    return _percent(share, _locale())


@lru_cache(maxsize=20_000)
def _percent(share: float, locale: str) -> str:
    return format_percent(share, format="#,##0.0%", locale=locale)


def points(share: float) -> str:
    """A difference of shares in percentage points, with its sign: `+4.2`."""
    return format_decimal(share * 100, format="+#,##0.0;-#,##0.0", locale=_locale())


def money(amount: float, currency: str) -> str:
    """An amount without cents, rounded to three figures: a cost is no more exact than that."""
    if amount:
        size = len(str(int(abs(amount)))) - 3
        amount = round(amount, -size) if size > 0 else round(amount)
    return format_currency(amount, currency, format="¤#,##0", locale=_locale(), currency_digits=False)


def share(estimate: Estimate) -> str:
    """A share with its interval."""
    return _("{value} ({low} to {high})").format(
        value=percent(estimate.value), low=percent(estimate.low), high=percent(estimate.high)
    )


def span(seconds: float) -> str:
    """A time span in the unit that suits it: `12 minutes`, `3.5 hours`, `2.1 days`."""
    if isinf(seconds):
        return _("longer than the data reach")
    if seconds < 2 * _HOUR:
        whole = round(seconds / _MINUTE)
        return ngettext("{n} minute", "{n} minutes", whole).format(n=number(whole))
    if seconds < 2 * _DAY:
        return _in_tenths(seconds / _HOUR, days=False)
    return _in_tenths(seconds / _DAY, days=True)


def _in_tenths(value: float, *, days: bool) -> str:
    written = number(value) if round(value, 1) == round(value) else number(value, 1)
    whole = round(value)
    if days:
        return ngettext("{n} day", "{n} days", whole).format(n=written)
    return ngettext("{n} hour", "{n} hours", whole).format(n=written)


def day(moment: datetime, zone: ZoneInfo) -> str:
    """A date in words of middling length."""
    return date_words(moment.astimezone(zone).date())


def date_words(of: date) -> str:
    """A day of the calendar."""
    return format_date(of, format="medium", locale=_locale())


def chance(p: float) -> str:
    """A p-value: `0.03`, or that it is below a thousandth."""
    return _("below {least}").format(least=number(0.001, 3)) if p < 0.001 else number(p, 3 if p < 0.1 else 2)


def names(texts: list[str], most: int = 6) -> str:
    """Some names, and how many more there are."""
    shown = ", ".join(f"“{text}”" for text in texts[:most])
    if len(texts) <= most:
        return shown
    more = len(texts) - most
    return ngettext("{names} and {n} more", "{names} and {n} more", more).format(names=shown, n=more)


def _locale() -> str:
    return current_language()
