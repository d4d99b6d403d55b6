"""Which values are there to choose from in the world: countries, languages, time zones, durations, days?"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import cast
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale
from rapidfuzz import fuzz, process

from leadlane.core.policy import Duration, Unit

# What people write for a country that is not its ISO code.
_COUNTRY_ALIASES = {
    "UK": "GB",
    "ENGLAND": "GB",
    "SCOTLAND": "GB",
    "GREAT BRITAIN": "GB",
    "USA": "US",
    "AMERICA": "US",
    "EL": "GR",
    "GREECE": "GR",
    "DEUTSCHLAND": "DE",
    "GER": "DE",
    "CZECH REPUBLIC": "CZ",
    "HOLLAND": "NL",
    "UAE": "AE",
    "KOREA": "KR",
}
_DURATION = re.compile(r"(\d{1,9})\s+(business\s+)?(minute|hour|day)s?")
LONGEST_DAYS = 3650


def did_you_mean(written: object, known: Iterable[str]) -> str:
    """The known name that was probably meant, or an empty text."""
    if not isinstance(written, str) or not written.strip():
        return ""
    best = process.extractOne(written, list(known), scorer=_likeness, score_cutoff=62)
    return str(best[0]) if best else ""


def _likeness(a: str, b: str, **_options: object) -> float:
    a, b = (re.sub(r"[\s_-]+", " ", text.casefold()) for text in (a, b))
    return float(fuzz.ratio(a, b))


@cache
def countries() -> frozenset[str]:
    """The codes of ISO 3166-1 alpha-2, and XK, which every CRM has for Kosovo."""
    table = files("tzdata.zoneinfo").joinpath("iso3166.tab").read_text("utf-8")
    return frozenset(line[:2] for line in table.splitlines() if line and line[0] != "#") | {"XK"}


def country_meant(written: str) -> str:
    """The code of the country that somebody meant by a name or a wrong code, or an empty text."""
    upper = written.strip().upper()
    if upper in countries():
        return upper
    if upper in _COUNTRY_ALIASES:
        return _COUNTRY_ALIASES[upper]
    names = {name.upper(): code for code, name in Locale("en").territories.items() if code in countries()}
    name = did_you_mean(upper, names) if len(upper) > 3 else ""
    return str(names.get(name, ""))


@cache
def languages() -> frozenset[str]:
    """The codes of ISO 639-1."""
    return frozenset(code for code in map(str, Locale("en").languages) if len(code) == 2)


def language_meant(written: str) -> str:
    """The code of the language that somebody meant by a name, a locale or a wrong code, or an empty text."""
    lower = written.strip().lower()
    if lower in languages():
        return lower
    if re.split(r"[-_]", lower)[0] in languages():
        return re.split(r"[-_]", lower)[0]
    names = {name.lower(): code for code, name in Locale("en").languages.items() if code in languages()}
    return names.get(did_you_mean(lower, names), "") if len(lower) > 3 else ""


@cache
def zones() -> frozenset[str]:
    """The names of the time zones."""
    return frozenset(name for name in available_timezones() if name != "localtime")


@cache
def zone(name: str) -> ZoneInfo:
    """The zone of that name, which must be one of `zones()`."""
    return ZoneInfo(name)


def zone_meant(written: object) -> str:
    """The time zone that was probably meant: also by the city alone."""
    if not isinstance(written, str):
        return ""
    city = written.strip().replace(" ", "_").casefold()
    for name in sorted(zones()):
        if name.casefold() == city or name.casefold().endswith("/" + city):
            return name
    return did_you_mean(written, zones())


def parse_duration(text: str) -> Duration | None:
    """`15 business minutes`, `1 hour`, `5 days`; None for anything else, 0, and more than ten years."""
    match = _DURATION.fullmatch(text.strip())
    if not match:
        return None
    duration = Duration(int(match[1]), cast("Unit", match[3] + "s"), bool(match[2]))
    return duration if 0 < duration.minutes <= LONGEST_DAYS * 1440 else None


def parse_day(text: str) -> date | None:
    """`2026-03-02` as a date; None for anything else."""
    try:
        return date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else None
    except ValueError:
        return None


def parse_moment(text: str, zone_name: str) -> datetime | None:
    """An ISO date-time, aware; without an offset it is local in `zone_name`. None for anything else."""
    if not re.match(r"\d{4}-\d\d-\d\d[T ]\d", text):
        return None
    try:
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=zone(zone_name))
        # Instants at the very ends of the calendar cannot be told in every zone.
        _edges = moment - timedelta(days=2), moment + timedelta(days=2)
    except (ValueError, OverflowError):
        return None
    return moment
