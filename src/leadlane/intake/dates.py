"""Which day, which moment did they mean? Dates that can be read in two ways are refused, not guessed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import cache

from leadlane.i18n import _
from leadlane.intake.problems import BadValueError

LONGEST = 60
# Months are recognised in the languages of the exports that arrive most.
_MONTH_LANGUAGES = ("en", "de", "it", "pl", "fr", "es", "nl", "pt")

_ISO_DAY = re.compile(r"(\d{4})([-/.]?)(\d{1,2})\2(\d{1,2})").fullmatch
_NUMERIC_DAY = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})").fullmatch
_SHORT_YEAR = re.compile(r"\d{1,2}([-/.])\d{1,2}\1\d{2}").fullmatch
_DAY_NAMED_MONTH = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[-. ]+([^\W\d_]+)[-., ]+(\d{4})").fullmatch
_NAMED_MONTH_DAY = re.compile(r"([^\W\d_]+)\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})").fullmatch
_CLOCK = re.compile(
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"\s?(?P<half>[AaPp]\.?[Mm]\.?)?\s?(?P<zone>Z|z|UTC|GMT|[+-]\d{2}:?(?:\d{2})?)?"
).fullmatch
_EPOCH = re.compile(r"\d{10}|\d{13}").fullmatch


def read_date(text: str, *, day_first: bool | None = None) -> date:
    """The day that a trimmed text names; the day as written when a time of day follows. Raises BadValueError.

    `03/02/2026` is refused unless `day_first` says how this source writes; with points (`03.02.2026`) the day
    comes first.
    """
    if len(text) == 10 and text[4] == "-":
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    day_text, _time_text = _split(text)
    return _day(day_text, day_first)


def read_datetime(text: str, default_zone: tzinfo, *, day_first: bool | None = None) -> datetime:
    """The moment that a trimmed text names, aware and in UTC; raises BadValueError.

    Without a zone it is local time in `default_zone`; a day alone is its first moment there. Seconds or
    milliseconds since 1970 (10 or 13 digits) are taken as such.
    """
    if _EPOCH(text):
        return moment_from_number(int(text))
    try:
        # The standard reader is the fast path for what machines write.
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = _spelled_moment(text, day_first)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=default_zone)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise _unreadable() from None


def moment_from_number(number: float) -> datetime:
    """Seconds or, from 10¹¹ on, milliseconds since 1970 as an aware moment; raises BadValueError."""
    seconds = number / 1000 if abs(number) >= 10**11 else number
    if not 10**8 <= seconds < 10**10:
        raise _unreadable()
    return datetime.fromtimestamp(0, UTC) + timedelta(seconds=seconds)


def day_first_of(texts: Iterable[str]) -> bool | None:
    """Whether a column writes the day before the month; None when no date in it proves either."""
    proofs = set()
    for text in texts:
        found = _NUMERIC_DAY(_split(text.strip()[:LONGEST])[0])
        if found and found[2] != ".":
            first, second = int(found[1]), int(found[3])
            if (first > 12) != (second > 12):
                proofs.add(first > 12)
    return proofs.pop() if len(proofs) == 1 else None


def has_time(text: str) -> bool:
    """Whether a time of day follows the day."""
    return bool(_split(text)[1])


def _split(text: str) -> tuple[str, str]:
    """A text as its day and its time of day ("" when there is none)."""
    text = " ".join(text.split())
    if len(text) > LONGEST:
        raise _unreadable()
    found = re.search(r"(?:[T ]|, )(?=\d{1,2}:\d{2})", text)
    return (text[: found.start()], text[found.end() :]) if found else (text, "")


def _spelled_moment(text: str, day_first: bool | None) -> datetime:
    day_text, time_text = _split(text)
    day = _day(day_text, day_first)
    if not time_text:
        return datetime.combine(day, time())
    clock = _CLOCK(time_text)
    if clock is None:
        raise _unreadable()
    hour = int(clock["hour"])
    if clock["half"]:
        if not 1 <= hour <= 12:
            raise _unreadable()
        hour = hour % 12 + (12 if clock["half"][0] in "pP" else 0)
    micro = int((clock["fraction"] or "0")[:6].ljust(6, "0"))
    try:
        return datetime.combine(
            day, time(hour, int(clock["minute"]), int(clock["second"] or 0), micro, _zone(clock["zone"]))
        )
    except ValueError:
        raise _unreadable() from None


def _zone(text: str | None) -> tzinfo | None:
    if text is None:
        return None
    if text[0] not in "+-":
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset)


def _day(text: str, day_first: bool | None) -> date:
    try:
        if found := _ISO_DAY(text):
            if not found[2] and len(text) != 8:
                raise _unreadable()
            return date(int(found[1]), int(found[3]), int(found[4]))
        if found := _NUMERIC_DAY(text):
            return _numeric_day(int(found[1]), int(found[3]), int(found[4]), found[2] == "." or day_first)
        if found := _DAY_NAMED_MONTH(text):
            return date(int(found[3]), _month(found[2]), int(found[1]))
        if found := _NAMED_MONTH_DAY(text):
            return date(int(found[3]), _month(found[1]), int(found[2]))
    except BadValueError:
        raise
    except ValueError:
        raise BadValueError(_("there is no such day in the calendar")) from None
    if _SHORT_YEAR(text):
        raise BadValueError(_("the year needs four digits"), _("write the date as 2026-03-02"))
    raise _unreadable()


def _numeric_day(first: int, second: int, year: int, day_first: bool | None) -> date:
    if day_first is None:
        if first <= 12 and second <= 12 and first != second:
            raise BadValueError(
                _("this can be read as {one} or as {other}").format(
                    one=date(year, second, first).isoformat(), other=date(year, first, second).isoformat()
                ),
                _("write the date as 2026-03-02, or say whether the day or the month comes first"),
            )
        day_first = first > 12
    return date(year, second, first) if day_first else date(year, first, second)


def _month(word: str) -> int:
    month = _months().get(word.casefold().rstrip("."))
    if month is None:
        raise _unreadable()
    return month


@cache
def _months() -> dict[str, int]:
    """Month names and abbreviations to 1–12; a word that means two months in two languages is left out."""
    # Imported here because most files write their dates in digits.
    from babel.dates import get_month_names

    found: dict[str, set[int]] = {}
    for language in _MONTH_LANGUAGES:
        for width in ("wide", "abbreviated"):
            for context in ("format", "stand-alone"):
                for number, name in get_month_names(width, context, language).items():
                    found.setdefault(name.casefold().rstrip("."), set()).add(number)
    return {name: numbers.pop() for name, numbers in found.items() if len(numbers) == 1}


def _unreadable() -> BadValueError:
    return BadValueError(_("this is not a date"), _("write it as 2026-03-02 or 2026-03-02T10:00Z"))
