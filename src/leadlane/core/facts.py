"""What is known: leads and their signals, people, teams, accounts. Frozen data, no behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Literal

FieldType = Literal["text", "number", "boolean", "date", "tags", "choice"]
# A value in its normal form: text, number, boolean, date or aware date-time, or a tuple of tags.
Value = str | int | float | bool | date | datetime | tuple[str, ...]

INTENTS = ("high", "medium", "low")
FITS = ("strong", "weak")
RELATIONSHIPS = ("open_lead", "customer", "named_account", "account", "none")
# Where a lead stands. `new` is a lead on its way; every other stage has a place.
STAGES = ("new", "assigned", "accepted", "working", "nurture", "review", "closed")
# Stages in which a person is working the prospect, so that a colleague's lead belongs to them too.
WORKED_STAGES = frozenset({"assigned", "accepted", "working"})


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field that a condition may test: its name, type, and for a choice its closed set of values."""

    name: str
    type: FieldType
    values: tuple[str, ...] = ()


def _specs(**types: FieldType) -> dict[str, FieldSpec]:
    return {name: FieldSpec(name, type_) for name, type_ in types.items()}


# The built-in fields of a lead (policy language, "Fields of a lead"); a policy may declare more.
LEAD_FIELDS: Mapping[str, FieldSpec] = MappingProxyType(
    _specs(
        email="text",
        first_name="text",
        last_name="text",
        title="text",
        phone="text",
        company="text",
        company_domain="text",
        website="text",
        country="text",
        region="text",
        city="text",
        language="text",
        industry="text",
        employees="number",
        annual_revenue="number",
        tech_stack="tags",
        source="text",
        campaign="text",
        product="text",
        deal_value="number",
        referral="text",
        message="text",
    )
)

# What `qualify` and `match` add; conditions may test these from `routes` on.
DERIVED_FIELDS: Mapping[str, FieldSpec] = MappingProxyType(
    {
        **_specs(fit_score="number", signal="text", segment="text", team="text", deal_band="text"),
        "intent": FieldSpec("intent", "choice", INTENTS),
        "fit": FieldSpec("fit", "choice", FITS),
        "relationship": FieldSpec("relationship", "choice", RELATIONSHIPS),
    }
)

# What a condition on people may test; custom attributes come with the roster.
PERSON_FIELDS: Mapping[str, FieldSpec] = MappingProxyType(
    _specs(
        id="text",
        name="text",
        email="text",
        role="text",
        level="text",
        teams="tags",
        region="text",
        timezone="text",
        country="text",
        languages="tags",
        industries="tags",
        weight="number",
        max_open="number",
        per_day="number",
        backup="text",
        manager="text",
        channels="tags",
        active="boolean",
    )
)


@dataclass(frozen=True, slots=True)
class Signal:
    """Something the prospect did; `at` is aware, UTC. `stated`: the sender said when."""

    name: str
    at: datetime
    stated: bool = False


@dataclass(frozen=True, slots=True)
class Lead:
    """A prospect as it is known at one moment. `fields` holds only values that are there."""

    id: str
    arrived_at: datetime
    fields: Mapping[str, Value]
    signals: tuple[Signal, ...] = ()


@dataclass(frozen=True, slots=True)
class Away:
    """An absence: from `start` until just before `until`, aware UTC instants."""

    start: datetime
    until: datetime
    reason: str = ""


# One weekday's working time: (opens, closes) in minutes since midnight; past midnight above 1440.
Blocks = tuple[tuple[int, int], ...]
# Monday first, seven of them.
WeeklyHours = tuple[Blocks, Blocks, Blocks, Blocks, Blocks, Blocks, Blocks]


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who can receive leads. `attributes` holds what the roster adds of its own."""

    id: str
    name: str
    hours: WeeklyHours
    timezone: str
    email: str = ""
    role: str = ""
    level: str = ""
    teams: tuple[str, ...] = ()
    region: str = ""
    country: str = ""
    languages: tuple[str, ...] = ()
    industries: tuple[str, ...] = ()
    weight: float = 1
    max_open: int | None = None
    per_day: int | None = None
    backup: str | None = None
    manager: str | None = None
    channels: tuple[str, ...] = ()
    away: tuple[Away, ...] = ()
    active: bool = True
    attributes: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Team:
    """A group of people with a manager; segments are owned by teams."""

    id: str
    name: str
    region: str = ""
    manager: str | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """A company that is already known. `owner` is a person's id; for customers the relationship holder.

    `aliases` are other names that it goes by.
    """

    id: str
    name: str
    domains: tuple[str, ...] = ()
    named: bool = False
    customer: bool = False
    owner: str | None = None
    country: str = ""
    aliases: tuple[str, ...] = ()
    city: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Roster:
    """Everyone who can receive leads at one revision, with the public holidays of their countries.

    `holidays` maps a country ("DE") or a country's region ("DE-BY") to its public holidays.
    """

    revision: int
    people: Mapping[str, Person]
    teams: Mapping[str, Team] = field(default_factory=dict)
    holidays: Mapping[str, frozenset[date]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Load:
    """How much a person has: open leads, and leads that reached them automatically today (their zone)."""

    open: int = 0
    today: int = 0
