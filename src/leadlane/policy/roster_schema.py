"""What may stand in a roster? The document as pydantic models; the descriptions are part of the reference."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from leadlane.i18n import N_, _
from leadlane.policy.hours import HoursError, weekly_hours
from leadlane.policy.schema import Amount, Name, Part, Text, Zone, checked, read_name, read_number, refuse
from leadlane.policy.values import (
    countries,
    country_meant,
    language_meant,
    languages,
    parse_day,
    parse_moment,
)

_DOMAIN = re.compile(r"[a-z0-9¡-￿]([a-z0-9¡-￿.-]*[a-z0-9¡-￿])?\.[a-z0-9¡-￿-]{2,}")


def _country(value: object) -> str:
    if not isinstance(value, str) or value.upper() not in countries():
        meant = country_meant(value) if isinstance(value, str) else ""
        refuse("unknown_value", value, _("a country code (ISO 3166 alpha-2)"), meant)
    return value.upper()


def _language(value: object) -> str:
    if not isinstance(value, str) or value.lower() not in languages():
        meant = language_meant(value) if isinstance(value, str) else ""
        refuse("unknown_value", value, _("a language code (ISO 639-1)"), meant)
    return value.lower()


def _email(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[^@\s]+@[^@\s]+", value):
        refuse("wrong_value", value, _("an e-mail address"))
    return value


def _weight(value: object) -> int | float:
    weight = read_number(value)
    if weight <= 0:
        refuse("wrong_value", value, _("a weight above 0; `active: false` takes somebody out"))
    return weight


def _moment(value: object) -> str:
    if not isinstance(value, str) or not (parse_day(value) or parse_moment(value, "UTC")):
        refuse("wrong_value", value, _("a date or a date and time, such as 2026-03-02 or 2026-03-02T12:00"))
    return value


def _domain(value: object) -> str:
    text = value.strip().lower() if isinstance(value, str) else ""
    text = re.sub(r"^(https?://)?(www\.)?", "", text).partition("/")[0]
    if not _DOMAIN.fullmatch(text):
        refuse("wrong_value", value, _("a domain such as example.com"))
    return text


def _hours(value: object) -> Any:
    """A mapping of days to hours."""
    if not isinstance(value, dict):
        refuse("wrong_type", value, _('days and hours, as in `{mon-fri: ["09:00-17:00"]}`'))
    try:
        weekly_hours(value)
    except HoursError as error:
        refuse("hours", value, error.expected, found=error.found)
    return value


def _hours_or_name(value: object) -> Any:
    return _hours(value) if isinstance(value, dict) else read_name(value)


_HOURS_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
}
Country = Annotated[str, *checked(_country, type="string", pattern="^[A-Za-z]{2}$")]
Language = Annotated[str, *checked(_language, type="string", pattern="^[A-Za-z]{2}$")]
Email = Annotated[str, *checked(_email, type="string", format="email")]
Weight = Annotated[int | float, *checked(_weight, type="number", exclusiveMinimum=0)]
Moment = Annotated[str, *checked(_moment, type="string", examples=["2026-03-02", "2026-03-02T12:00+01:00"])]
Domain = Annotated[str, *checked(_domain, type="string")]
Hours = Annotated[dict[str, Any], *checked(_hours, **_HOURS_SCHEMA)]
HoursOrName = Annotated[Any, *checked(_hours_or_name, anyOf=[{"type": "string"}, _HOURS_SCHEMA])]


class AwayPart(Part):
    """An absence. A date means that whole day, in the person's time zone."""

    from_: Moment = Field(alias="from", description=N_("The first day, or the moment it begins."))
    until: Moment = Field(description=N_("The last day, or the moment it ends."))
    reason: Text = Field(default="", description="Why; shown to colleagues.")
    source: Text = Field(default="", description="Where it was read from (`calendar`); empty: entered.")


class PersonPart(Part):
    """Someone who can receive leads. Other keys are attributes of your own, for pools to test."""

    model_config = ConfigDict(extra="allow", frozen=True)

    id: Name = Field(description=N_("The id by which everything names the person."))
    name: Text = Field(default="", description="The full name; without it, the id.")
    email: Email | None = Field(default=None, description="The work e-mail address.")
    role: Text = Field(default="", description="sdr, ae, csm, manager, revops, or one of your own.")
    level: Text = Field(default="", description="junior, mid, senior, director, or one of your own.")
    teams: list[Name] = Field(
        default=[], description="Ids of the teams; the first one's manager is the default."
    )
    region: Text = Field(default="", description="The region, for compliance by region.")
    timezone: Zone = Field(description=N_("The time zone in which the person works."))
    country: Country | None = Field(
        default=None,
        description="Whose public holidays are free (ISO 3166); with `holidays_region: BY` the region's.",
    )
    languages: list[Language] = Field(default=[], description="Languages the person sells in (ISO 639-1).")
    industries: list[Name] = Field(default=[], description="Industries the person knows.")
    hours: HoursOrName | None = Field(
        default=None,
        description="Working hours: a name of `hours`, or `{mon-fri: [..]}`; without it, the default.",
    )
    weight: Weight = Field(default=1, description="The share in weighted pools, above 0.")
    max_open: Amount | None = Field(default=None, description="How many open leads the person can have.")
    per_day: Amount | None = Field(default=None, description="How many leads may reach the person in a day.")
    backup: Name | None = Field(default=None, description="Who takes over: a person's id.")
    manager: Name | None = Field(
        default=None, description="Who is told of breaches; default: the first team's."
    )
    channels: list[Name] = Field(default=[], description="On which channels the person is notified.")
    away: list[AwayPart] = Field(default=[], description="Absences.")
    active: bool = Field(default=True, strict=True, description="Whether the person receives leads at all.")


class TeamPart(Part):
    """A group of people; segments are owned by teams."""

    id: Name = Field(description=N_("The id by which everything names the team."))
    name: Text = Field(default="", description="The name; without it, the id.")
    region: Text = Field(default="", description="The region, for compliance by region.")
    manager: Name | None = Field(default=None, description="The manager: a person's id.")


class AccountPart(Part):
    """A company that is known already."""

    id: Name = Field(description=N_("The id of the account."))
    name: Text = Field(default="", description="The company's name; without it, the id.")
    aliases: list[Text] = Field(
        default=[], description="Other names of the company: a brand, a short form, how it was called before."
    )
    domains: list[Domain] = Field(default=[], description="The company's e-mail and web domains.")
    named: bool = Field(
        default=False, strict=True, description="A named account: no rule overrides its owner."
    )
    customer: bool = Field(default=False, strict=True, description="A customer: leads are expansions.")
    owner: Name | None = Field(default=None, description="Who owns the account or holds the relationship.")
    country: Country | None = Field(default=None, description="The country (ISO 3166 alpha-2).")
    city: Text = Field(default="", description="The city; it helps to recognise the company by its name.")
    phone: Text = Field(default="", description="The company's telephone number, best as +49 30 1234567.")


class ContactPart(Part):
    """A person who is known at an account; leads with their address belong to it."""

    id: Name = Field(description=N_("The id of the contact."))
    account: Name | None = Field(default=None, description="The account: its id.")
    first_name: Text = Field(default="", description="The first name.")
    last_name: Text = Field(default="", description="The last name.")
    email: Email | None = Field(default=None, description="The e-mail address; it may be a private one.")
    phone: Text = Field(default="", description="The telephone number, best as +49 30 1234567.")
    mobile: Text = Field(default="", description="The mobile number.")


class RosterPart(Part):
    """Who receives leads."""

    teams: list[TeamPart] = Field(default=[], description="The teams.")
    people: list[PersonPart] = Field(default=[], description="The people.")
    hours: dict[Name, Hours] = Field(
        default={}, description="Working hours by name; `default` is that of people who say nothing."
    )
    accounts: list[AccountPart] = Field(default=[], description="The companies that are known already.")
