"""How is a roster kept? As plain entries by id: what a roster file says, and what the database stores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any

from leadlane.core.facts import FieldSpec, FieldType
from leadlane.policy.roster_schema import PersonPart
from leadlane.policy.values import parse_day, parse_moment, zone

Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RosterDocument:
    """The roster as entries by id (`hours` by name), which are JSON data."""

    people: Mapping[str, Entry] = field(default_factory=dict)
    teams: Mapping[str, Entry] = field(default_factory=dict)
    hours: Mapping[str, Entry] = field(default_factory=dict)
    accounts: Mapping[str, Entry] = field(default_factory=dict)


def attribute_types(document: RosterDocument) -> dict[str, FieldSpec]:
    """The attributes that people have beyond the built-in ones, with the type that all their values share.

    Values of different types are compared as text.
    """
    types: dict[str, set[FieldType]] = {}
    for entry in document.people.values():
        for key, value in entry.items():
            if key not in PersonPart.model_fields and value is not None:
                types.setdefault(key, set()).add(_type_of(value))
    return {key: FieldSpec(key, found.pop() if len(found) == 1 else "text") for key, found in types.items()}


def _type_of(value: Any) -> FieldType:
    match value:
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case list():
            return "tags"
    return "date" if parse_day(str(value)) else "text"


def holiday_keys(document: RosterDocument) -> set[str]:
    """The countries (`DE`), and regions (`DE-BY`, where a `holidays_region` says so), of all people."""
    return {key for entry in document.people.values() if (key := _holiday_key(entry))}


def _holiday_key(entry: Entry) -> str:
    country, region = entry.get("country") or "", entry.get("holidays_region")
    return f"{country}-{region}" if country and region else country


def instant(text: str, zone_name: str, *, end: bool = False) -> datetime:
    """The instant of a date-time; of a date its beginning, or its end when `end`. Raises ValueError."""
    try:
        if day := parse_day(text):
            day += timedelta(days=1 if end else 0)
            return datetime.combine(day, time(), zone(zone_name)).astimezone(UTC)
        if moment := parse_moment(text, zone_name):
            return moment.astimezone(UTC)
    except OverflowError:
        # The last day of the calendar has no end, and its first no beginning east of Greenwich.
        pass
    raise ValueError(text)
