"""Who can receive leads? Reading, checking and building the roster: people, teams, hours and accounts.

A roster is kept as plain entries by id (`RosterDocument`), as the database stores them; `build_roster` makes of
them the facts that decisions use.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Annotated, Any

import holidays as public
from pydantic import ConfigDict, Field

from leadlane.core.facts import (
    Account,
    Away,
    FieldSpec,
    FieldType,
    Person,
    Roster,
    Team,
    Value,
    WeeklyHours,
)
from leadlane.i18n import _
from leadlane.policy.hours import DEFAULT_HOURS, HoursError, weekly_hours
from leadlane.policy.problems import Finding, Problem, located, quoted
from leadlane.policy.schema import (
    Amount,
    Name,
    Part,
    Text,
    Zone,
    checked,
    read_name,
    read_number,
    refuse,
)
from leadlane.policy.structure import read_structure
from leadlane.policy.values import (
    countries,
    country_meant,
    did_you_mean,
    language_meant,
    languages,
    parse_day,
    parse_moment,
    zone,
)
from leadlane.policy.yaml import Path, YamlError, read_yaml

Entry = dict[str, Any]
HOLIDAY_YEARS = range(2000, 2051)
_DOMAIN = re.compile(r"[a-z0-9¡-￿]([a-z0-9¡-￿.-]*[a-z0-9¡-￿])?\.[a-z0-9¡-￿-]{2,}")


@dataclass(frozen=True, slots=True)
class RosterDocument:
    """The roster as entries by id (`hours` by name): what a roster file says and the database keeps, JSON data."""

    people: Mapping[str, Entry] = field(default_factory=dict)
    teams: Mapping[str, Entry] = field(default_factory=dict)
    hours: Mapping[str, Entry] = field(default_factory=dict)
    accounts: Mapping[str, Entry] = field(default_factory=dict)


# ---------------------------------------------------------------- the shape of a roster


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

    from_: Moment = Field(alias="from", description="The first day, or the moment it begins.")
    until: Moment = Field(description="The last day, or the moment it ends.")
    reason: Text = Field(default="", description="Why; shown to colleagues.")


class PersonPart(Part):
    """Someone who can receive leads. Keys that are not listed are attributes of your own, for pools to test."""

    model_config = ConfigDict(extra="allow", frozen=True)

    id: Name = Field(description="The id by which everything names the person.")
    name: Text = Field(default="", description="The full name; without it, the id.")
    email: Email | None = Field(default=None, description="The work e-mail address.")
    role: Text = Field(default="", description="sdr, ae, csm, manager, revops, or one of your own.")
    level: Text = Field(default="", description="junior, mid, senior, director, or one of your own.")
    teams: list[Name] = Field(
        default=[], description="Ids of the teams; the first one's manager is the default."
    )
    region: Text = Field(default="", description="The region, for compliance by region.")
    timezone: Zone = Field(description="The time zone in which the person works.")
    country: Country | None = Field(
        default=None, description="Whose public holidays are free (ISO 3166 alpha-2)."
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

    id: Name = Field(description="The id by which everything names the team.")
    name: Text = Field(default="", description="The name; without it, the id.")
    region: Text = Field(default="", description="The region, for compliance by region.")
    manager: Name | None = Field(default=None, description="The manager: a person's id.")


class AccountPart(Part):
    """A company that is known already."""

    id: Name = Field(description="The id of the account.")
    name: Text = Field(default="", description="The company's name; without it, the id.")
    domains: list[Domain] = Field(default=[], description="The company's e-mail and web domains.")
    named: bool = Field(
        default=False, strict=True, description="A named account: no rule overrides its owner."
    )
    customer: bool = Field(default=False, strict=True, description="A customer: leads are expansions.")
    owner: Name | None = Field(default=None, description="Who owns the account or holds the relationship.")
    country: Country | None = Field(default=None, description="The country (ISO 3166 alpha-2).")


class RosterPart(Part):
    """Who receives leads."""

    teams: list[TeamPart] = Field(default=[], description="The teams.")
    people: list[PersonPart] = Field(default=[], description="The people.")
    hours: dict[Name, Hours] = Field(
        default={}, description="Working hours by name; `default` is that of people who say nothing."
    )
    accounts: list[AccountPart] = Field(default=[], description="The companies that are known already.")


# ---------------------------------------------------------------- reading


def read_roster(
    text: str | bytes, source: str = "roster.yaml"
) -> tuple[RosterDocument | None, list[Problem]]:
    """The roster that `text` says, None when there are errors, and every problem in the order of the text."""
    try:
        document = read_yaml(text)
    except YamlError as error:
        return None, [Problem.of_yaml(error, source)]
    part, findings = read_structure(RosterPart, document.data)
    if isinstance(document.data, dict):
        entries, places, doubles = _entries(document.data)
        findings += [*doubles, *(_moved(finding, places) for finding in check_entries(entries))]
    problems = located(findings, document.marks, source)
    if part is None or any(finding.severity == "error" for finding in findings):
        return None, problems
    return _stored(part), problems


def check_roster(document: RosterDocument, source: str = "roster") -> list[Problem]:
    """What is wrong or suspicious in a roster of entries; paths are by id."""
    findings: list[Finding] = []
    for section, model in (("people", PersonPart), ("teams", TeamPart), ("accounts", AccountPart)):
        for id_, entry in getattr(document, section).items():
            found = read_structure(model, {"id": id_, **entry})[1]
            findings += [replace(finding, path=(section, id_, *finding.path)) for finding in found]
    findings += read_structure(RosterPart, {"hours": dict(document.hours)})[1]
    return located([*findings, *check_entries(document)], None, source)


def entry_of(part: PersonPart | TeamPart | AccountPart) -> Entry:
    """An entry as it is stored: what was said, in normal form, as JSON data."""
    return part.model_dump(mode="json", by_alias=True, exclude_unset=True)


def _stored(part: RosterPart) -> RosterDocument:
    return RosterDocument(
        people={person.id: entry_of(person) for person in part.people},
        teams={team.id: entry_of(team) for team in part.teams},
        hours=dict(part.hours),
        accounts={account.id: entry_of(account) for account in part.accounts},
    )


def _entries(data: dict[str, Any]) -> tuple[RosterDocument, dict[Path, Path], list[Finding]]:
    """What can be read of a raw document by id, where each entry stands in it, and ids that stand twice."""
    by_section: dict[str, dict[str, Entry]] = {"people": {}, "teams": {}, "accounts": {}}
    places: dict[Path, Path] = {}
    doubles: list[Finding] = []
    for section, entries in by_section.items():
        rows = data.get(section)
        for i, row in enumerate(rows if isinstance(rows, list) else []):
            if not isinstance(row, dict) or not isinstance(row.get("id"), (str, int)):
                continue
            id_ = str(row["id"])
            if id_ in entries:
                found = _("the id {id} a second time").format(id=quoted(id_))
                doubles.append(Finding((section, i, "id"), "duplicate_name", found, _("an id of its own")))
                continue
            entries[id_] = row
            places[section, id_] = (section, i)
    hours = data.get("hours")
    named = (
        {name: spec for name, spec in hours.items() if isinstance(spec, dict)}
        if isinstance(hours, dict)
        else {}
    )
    return RosterDocument(hours=named, **by_section), places, doubles


def _moved(finding: Finding, places: Mapping[Path, Path]) -> Finding:
    return replace(finding, path=(*places.get(finding.path[:2], finding.path[:2]), *finding.path[2:]))


# ---------------------------------------------------------------- checking


def check_entries(document: RosterDocument) -> Iterator[Finding]:
    """Dangling and double names, backups that lead nowhere; entries may be of any shape."""
    yield from _references(document)
    yield from _shared(document)
    yield from _backups(document)
    yield from _attributes(document)
    yield from _absences(document)
    yield from _unknown_holidays(document)


def _references(document: RosterDocument) -> Iterator[Finding]:
    person, team = _("a person of the roster"), _("a team of the roster")
    for id_, entry in document.people.items():
        at = ("people", id_)
        for key in ("backup", "manager"):
            yield from _dangling((*at, key), entry.get(key), document.people, person)
        for i, name in enumerate(_list(entry, "teams")):
            yield from _dangling((*at, "teams", i), name, document.teams, team)
        if not isinstance(entry.get("hours"), dict):
            hours = [*document.hours, "default"]
            yield from _dangling((*at, "hours"), entry.get("hours"), hours, _("a name of `hours`"))
    for id_, entry in document.teams.items():
        yield from _dangling(("teams", id_, "manager"), entry.get("manager"), document.people, person)
    for id_, entry in document.accounts.items():
        yield from _dangling(("accounts", id_, "owner"), entry.get("owner"), document.people, person)


def _dangling(path: Path, name: Any, known: Iterable[str], expected: str) -> Iterator[Finding]:
    if isinstance(name, (str, int)) and not isinstance(name, bool) and str(name) not in known:
        yield Finding(path, "unknown_reference", quoted(name), expected, did_you_mean(name, known))


def _list(entry: Entry, key: str) -> list[Any]:
    value = entry.get(key)
    return value if isinstance(value, list) else []


def _shared(document: RosterDocument) -> Iterator[Finding]:
    """Addresses of two people, and domains of two accounts."""
    emails: dict[str, str] = {}
    for id_, entry in document.people.items():
        email = str(entry.get("email") or "").casefold()
        if email and (other := emails.setdefault(email, id_)) != id_:
            found = _("the address of {person}").format(person=other)
            yield Finding(("people", id_, "email"), "duplicate_name", found, _("an address of their own"))
    domains: dict[str, str] = {}
    for id_, entry in document.accounts.items():
        for i, domain in enumerate(_list(entry, "domains")):
            if (other := domains.setdefault(str(domain).casefold(), id_)) != id_:
                found = _("a domain of the account {account}").format(account=other)
                expected = _("a domain of this account alone")
                yield Finding(("accounts", id_, "domains", i), "duplicate_name", found, expected)


def _backups(document: RosterDocument) -> Iterator[Finding]:
    people = document.people
    for id_, entry in people.items():
        if entry.get("backup") == id_:
            found, expected = _("their own backup"), _("another person")
            yield Finding(("people", id_, "backup"), "backup", found, expected)
            continue
        chain = _backup_chain(people, id_)
        if chain and not any(people[other].get("active", True) for other in chain):
            found = _("a chain of backups in which nobody is active: {people}").format(
                people=" → ".join(chain)
            )
            expected = _("a backup who receives leads")
            yield Finding(("people", id_, "backup"), "backup", found, expected, severity="warning")


def _backup_chain(people: Mapping[str, Entry], start: str) -> list[str]:
    """The backups of a person, theirs, and so on; each once."""
    chain: list[str] = []
    name = people[start].get("backup")
    while isinstance(name, str) and name in people and name not in chain:
        chain.append(name)
        name = people[name].get("backup")
    return chain


def _attributes(document: RosterDocument) -> Iterator[Finding]:
    """Custom attributes that look like a misspelt key, or whose value is nothing that a condition can test."""
    known = PersonPart.model_fields
    for id_, entry in document.people.items():
        for key, value in entry.items():
            if key in known or key in ("holidays_region",):
                continue
            if not _plain(value):
                expected = _("a text, a number, true or false, or a list of words")
                yield Finding(("people", id_, key), "wrong_type", quoted(value), expected)
            elif meant := _misspelt(key, known):
                found = _("the attribute {key} of your own").format(key=quoted(key))
                yield Finding(("people", id_, key), "unknown_key", found, "", meant, "warning", at_key=True)


def _misspelt(key: str, known: Iterable[str]) -> str:
    meant = did_you_mean(key, known)
    # Only near misses: `timezon` is a slip, `stage` is not meant to be `name`.
    return meant if meant and abs(len(key) - len(meant)) <= 1 and len(key) > 4 else ""


def _plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(isinstance(item, (str, int)) for item in value)
    return isinstance(value, (str, int, float, bool)) and value == value and abs(_size(value)) < 2**53


def _size(value: Any) -> float:
    return value if isinstance(value, (int, float)) else 0


def _absences(document: RosterDocument) -> Iterator[Finding]:
    for id_, entry in document.people.items():
        for i, away in enumerate(_list(entry, "away")):
            if not isinstance(away, dict):
                continue
            start, until = (str(away.get(key, "")) for key in ("from", "until"))
            try:
                backwards = _instant(start, "UTC") >= _instant(until, "UTC", end=True)
            except ValueError:
                continue  # the structure says that it is no date
            if backwards:
                found, expected = _("an absence that ends before it begins"), _("a later end")
                yield Finding(("people", id_, "away", i, "until"), "period", found, expected)


def _unknown_holidays(document: RosterDocument) -> Iterator[Finding]:
    for id_, entry in document.people.items():
        country, region = entry.get("country"), entry.get("holidays_region")
        if not isinstance(country, str) or country.upper() not in countries():
            continue
        regions = _holiday_regions().get(country.upper())
        if regions is None:
            found = _("a country whose public holidays are not known: {country}").format(country=country)
            expected = _("absences instead, where people are off")
            yield Finding(("people", id_, "country"), "no_holidays", found, expected, severity="warning")
        elif region is not None and region not in regions:
            found = _("a region whose public holidays are not known: {region}").format(region=quoted(region))
            meant = did_you_mean(region, regions)
            expected = " | ".join(regions)
            yield Finding(
                ("people", id_, "holidays_region"), "no_holidays", found, expected, meant, "warning"
            )


# ---------------------------------------------------------------- building


def build_roster(
    document: RosterDocument, revision: int, holidays: Mapping[str, frozenset[date]] | None = None
) -> Roster:
    """The roster as decisions use it: hours resolved, absences as instants, managers and names filled in.

    `holidays` are the public holidays by the keys of `holiday_keys`; without them they are looked up.
    """
    if holidays is None:
        holidays = {key: frozenset(public_holidays(key)) for key in holiday_keys(document)}
    types = attribute_types(document)
    week: dict[str, WeeklyHours] = {name: weekly_hours(spec) for name, spec in document.hours.items()}
    week.setdefault("default", weekly_hours(DEFAULT_HOURS))
    return Roster(
        revision=revision,
        people={id_: _person(id_, entry, document, week, types) for id_, entry in document.people.items()},
        teams={id_: _team(id_, entry) for id_, entry in document.teams.items()},
        holidays=dict(holidays),
    )


def build_account(entry: Entry) -> Account:
    """An account as decisions use it."""
    return Account(
        id=str(entry["id"]),
        name=entry.get("name") or str(entry["id"]),
        domains=tuple(entry.get("domains", ())),
        named=entry.get("named", False),
        customer=entry.get("customer", False),
        owner=entry.get("owner"),
        country=entry.get("country") or "",
    )


def _team(id_: str, entry: Entry) -> Team:
    return Team(id_, entry.get("name") or id_, entry.get("region", ""), entry.get("manager"))


def _person(
    id_: str,
    entry: Entry,
    document: RosterDocument,
    week: Mapping[str, WeeklyHours],
    types: Mapping[str, FieldSpec],
) -> Person:
    hours = entry.get("hours") or "default"
    zone_name = entry["timezone"]
    return Person(
        id=id_,
        name=entry.get("name") or id_,
        hours=weekly_hours(hours) if isinstance(hours, dict) else week[hours],
        timezone=zone_name,
        email=entry.get("email") or "",
        role=entry.get("role", ""),
        level=entry.get("level", ""),
        teams=tuple(entry.get("teams", ())),
        region=entry.get("region", ""),
        country=entry.get("country") or "",
        languages=tuple(entry.get("languages", ())),
        industries=tuple(entry.get("industries", ())),
        weight=entry.get("weight", 1),
        max_open=entry.get("max_open"),
        per_day=entry.get("per_day"),
        backup=entry.get("backup"),
        manager=_manager(id_, entry, document.teams),
        channels=tuple(entry.get("channels", ())),
        away=tuple(_away(away, zone_name) for away in entry.get("away", ())),
        active=entry.get("active", True),
        attributes={
            key: _attribute(value, types[key].type)
            for key, value in entry.items()
            if key in types and value != []
        },
    )


def _manager(id_: str, entry: Entry, teams: Mapping[str, Entry]) -> str | None:
    """The person's own manager, else the first team's; nobody is their own."""
    manager = entry.get("manager")
    if manager is None and entry.get("teams"):
        manager = teams.get(entry["teams"][0], {}).get("manager")
    return None if manager == id_ else manager


def _away(away: Entry, zone_name: str) -> Away:
    start, until = _instant(away["from"], zone_name), _instant(away["until"], zone_name, end=True)
    return Away(start, until, away.get("reason", ""))


def _instant(text: str, zone_name: str, *, end: bool = False) -> datetime:
    """The instant of a date-time; of a date its beginning, or its end when `end`. Raises ValueError."""
    if day := parse_day(text):
        day += timedelta(days=1 if end else 0)
        return datetime.combine(day, time(), zone(zone_name)).astimezone(UTC)
    moment = parse_moment(text, zone_name)
    if moment is None:
        raise ValueError(text)
    return moment.astimezone(UTC)


# ---------------------------------------------------------------- custom attributes


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


def _attribute(value: Any, type_: FieldType) -> Value:
    match type_:
        case "tags":
            return tuple(map(str, value))
        case "date":
            return date.fromisoformat(value)
        case "text":
            return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return value  # type: ignore[no-any-return]


# ---------------------------------------------------------------- public holidays


def holiday_keys(document: RosterDocument) -> set[str]:
    """The countries (`DE`), and regions (`DE-BY`, where a person's `holidays_region` says so), of all people."""
    return {key for entry in document.people.values() if (key := _holiday_key(entry))}


def _holiday_key(entry: Entry) -> str:
    country, region = entry.get("country") or "", entry.get("holidays_region")
    return f"{country}-{region}" if country and region else country


@cache
def public_holidays(key: str) -> dict[date, str]:
    """The public holidays of a country or of its region from 2000 to 2050, with their names; {} when unknown."""
    country, _dash, region = key.partition("-")
    regions = _holiday_regions().get(country)
    if regions is None or (region and region not in regions):
        return {}
    return dict(public.country_holidays(country, subdiv=region or None, years=HOLIDAY_YEARS).items())


@cache
def _holiday_regions() -> dict[str, list[str]]:
    """The countries whose public holidays are known, with their regions."""
    return public.list_supported_countries()
