"""Who can receive leads? Reads rosters, and makes of their entries the facts that decisions use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from leadlane.core.facts import Account, Away, FieldSpec, FieldType, Person, Roster, Team, Value, WeeklyHours
from leadlane.i18n import _
from leadlane.policy.hours import DEFAULT_HOURS, weekly_hours
from leadlane.policy.problems import Finding, Problem, located, quoted
from leadlane.policy.public_holidays import public_holidays
from leadlane.policy.roster_check import check_entries
from leadlane.policy.roster_document import Entry, RosterDocument, attribute_types, holiday_keys, instant
from leadlane.policy.roster_schema import AccountPart, PersonPart, RosterPart, TeamPart
from leadlane.policy.structure import read_structure
from leadlane.policy.yaml import Path, YamlError, read_yaml

__all__ = [
    "RosterDocument",
    "attribute_types",
    "build_account",
    "build_roster",
    "check_roster",
    "entry_of",
    "holiday_keys",
    "public_holidays",
    "read_roster",
]


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
        aliases=tuple(entry.get("aliases", ())),
        city=entry.get("city", ""),
        phone=entry.get("phone", ""),
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
    start, until = instant(away["from"], zone_name), instant(away["until"], zone_name, end=True)
    return Away(start, until, away.get("reason", ""))


def _attribute(value: Any, type_: FieldType) -> Value:
    match type_:
        case "tags":
            return tuple(map(str, value))
        case "date":
            return date.fromisoformat(value)
        case "text":
            return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return value  # type: ignore[no-any-return]
