"""Which people does this export bring? Each row becomes an entry of the roster that stands all its checks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import psycopg
from babel.core import get_global
from psycopg import Connection

from leadlane.i18n import _
from leadlane.intake.problems import BadValueError, Problem
from leadlane.intake.values import read_text
from leadlane.policy.load import load_policy
from leadlane.policy.problems import Finding
from leadlane.policy.roster import RosterDocument
from leadlane.policy.roster_check import check_entries
from leadlane.policy.roster_schema import PersonPart
from leadlane.policy.structure import read_structure
from leadlane.policy.values import zone_meant, zones
from leadlane.service.importing import cells
from leadlane.service.importing.cells import Cells
from leadlane.service.importing.difference import Change, Verdict, field_changes
from leadlane.service.importing.directory import CRM_ID, Directory
from leadlane.service.publish import current_document
from leadlane.service.roster import put_roster
from leadlane.store import policies, roster

Entry = dict[str, Any]

# The role in the roster that a role or a title in a CRM stands for.
_ROLES = {
    "bdr": "sdr",
    "sales development representative": "sdr",
    "business development representative": "sdr",
    "account executive": "ae",
    "customer success manager": "csm",
    "sales manager": "manager",
    "revenue operations": "revops",
    "sales operations": "revops",
    **{code: code for code in ("sdr", "ae", "csm", "manager", "revops")},
}
_ACTIVE = {
    **dict.fromkeys(("true", "yes", "y", "1", "active", "aktiv", "attivo", "aktywny", "enabled"), True),
    **dict.fromkeys(("false", "no", "n", "0", "inactive", "deactivated", "disabled", "archived"), False),
}
# As in Salesforce's “(GMT+01:00) Central European Standard Time (Europe/Berlin)”.
_ZONE = re.compile(r"[A-Za-z]+(?:/[A-Za-z_+-]+)+").search
_EMPTY: Mapping[str, object] = dict.fromkeys(
    (
        *("email", "title", "level", "region", "country", "manager", "backup"),
        *("languages", "industries", "teams", "max_open", "per_day"),
    )
)


@dataclass(slots=True)
class _Said:
    """What a row says of the person `id`: `values` of the entry; None says that there is nothing any more.

    `new_teams` are names by the ids of teams that it names and that are not there yet.
    """

    number: int
    cells: Cells
    values: Entry
    id: str = ""
    new_teams: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class PeopleImport:
    """An import of people: the rows of a file at once, since they name each other."""

    clears: bool
    by: str

    def take(
        self,
        connection: Connection,
        rows: Sequence[tuple[int, Mapping[str, object]]],
        now: datetime,
        *,
        store: bool,
    ) -> list[Verdict]:
        """A verdict for each numbered row; with `store`, what changes is written in one transaction.

        RosterErrors if the policy in force has something against the roster that comes of it.
        """
        with connection.transaction() as transaction:
            roster.lock_revision(connection)
            document = current_document(connection)
            said = [self._read(number, raw) for number, raw in rows]
            _understand(said, document, _policy_zone(connection))
            entries = _good_entries(said, document)
            teams = {id_: {"name": name} for one in _good(said) for id_, name in one.new_teams.items()}
            verdicts = _verdicts(said, entries, document)
            changed = {id_: entry for id_, entry in entries.items() if document.people.get(id_) != entry}
            put_roster(connection, RosterDocument(people=changed, teams=teams), self.by, now)
            if not store:
                # Everything was checked as if it were written, the policy in force too.
                raise psycopg.Rollback(transaction)
        return verdicts

    def _read(self, number: int, raw: Mapping[str, object]) -> _Said:
        cell = Cells(raw, self.clears)
        values: Entry = {}
        cell.put(values, "name", read_text)
        parts = [cell.read(name, read_text) for name in ("first_name", "last_name")]
        if any(parts):
            values.setdefault("name", " ".join(filter(None, parts)))
        cell.put(values, "email", cells.read_email)
        for name in ("title", "role", "level", "region", "hours", "manager", "backup"):
            cell.put(values, name, read_text)
        for name in ("weight", "max_open", "per_day"):
            cell.put(values, name, cells.reader_of("", "number"))
        cell.put(values, "country", cells.read_country)
        cell.put(values, "timezone", _zone)
        cell.put(values, "industries", lambda sent: [*cells.read_words(sent)])
        cell.put(values, "languages", _languages)
        cell.put(values, "teams", lambda sent: [*cells.split_names(sent)])
        _read_active(cell, values)
        cell.clear(values, _EMPTY)
        return _Said(number, cell, values)


def _read_active(cell: Cells, values: Entry) -> None:
    words = _("write true or false")
    active = cell.read("active", lambda sent: _yes(sent, words))
    gone = cell.read("deactivated", lambda sent: _yes(sent, words))
    if active is not None or gone is not None:
        values["active"] = active is not False and not gone


def _yes(sent: object, expected: str) -> bool:
    word = str(sent).casefold().strip()
    if word not in _ACTIVE:
        raise BadValueError(_("this is neither yes nor no"), expected)
    return _ACTIVE[word]


def _languages(sent: object) -> list[object]:
    return [*dict.fromkeys(map(cells.read_language, cells.read_words(sent)))]


def _zone(sent: object) -> str:
    """A time zone by its name, also within a longer text, by its Windows name or by its city."""
    text = read_text(sent)
    windows: Mapping[str, str] = get_global("windows_zone_mapping")
    found = _ZONE(text)
    for name in (text, windows.get(text, ""), found[0] if found else ""):
        if name in zones():
            return name
    meant = zone_meant(text)
    if meant.casefold().endswith("/" + text.casefold().replace(" ", "_")):
        return meant
    raise BadValueError(
        _("this is not a time zone"), _("write for example {zone}").format(zone=meant or "Europe/Berlin")
    )


def _policy_zone(connection: Connection) -> str | None:
    version, _revision = policies.in_force(connection)
    if version is None:
        return None
    return load_policy(policies.source(connection, version), f"policy {version}").timezone


# ---------------------------------------------------------------- who and what is named


def _understand(said: Sequence[_Said], document: RosterDocument, zone: str | None) -> None:
    """Finds out whom every row is about and whom it names, and puts it in the words of the roster."""
    directory = Directory(document.people)
    own = {str(entry["role"]) for entry in document.people.values() if entry.get("role")}
    roles = {**_ROLES, **{role.casefold(): role for role in own}}
    _identify(said, directory)
    teams = _teams(document)
    for one in said:
        _resolve(one, directory, teams, document)
        _complete(one, document.people.get(one.id), roles, zone)


def _identify(said: Iterable[_Said], directory: Directory) -> None:
    """Finds out whom each row is about, and makes everybody known whom other rows may name."""
    rows: dict[str, int] = {}
    for one in said:
        crm_id = one.cells.read("id", cells.read_id) or ""
        email = str(one.values.get("email") or "")
        login = one.cells.read("username", read_text) or ""
        known = directory.by_id(crm_id) or (directory.by_email(email) if email else None)
        one.id = known or crm_id or login or email
        if not one.id:
            one.cells.refuse("", BadValueError(_("the row has neither an id nor an e-mail address")))
            continue
        if crm_id and one.id != crm_id:
            one.values[CRM_ID] = crm_id
        earlier = rows.setdefault(one.id, one.number)
        if earlier != one.number:
            reason = _("row {number} of the data is about {person} already").format(
                number=earlier, person=one.id
            )
            one.cells.refuse("id", BadValueError(reason))
        directory.add(one.id, one.values)


def _resolve(one: _Said, directory: Directory, teams: dict[str, str], document: RosterDocument) -> None:
    """Puts ids for the names of people and teams. Teams that are not there are made."""
    for name in ("manager", "backup"):
        if text := one.values.get(name):
            try:
                one.values[name] = directory.find(text)
            except BadValueError as error:
                one.cells.refuse(name, error)
    if one.values.get("manager") == one.id:
        # Some CRMs have whoever is at the top as their own manager.
        del one.values["manager"]
    named = one.values.get("teams")
    if named is None and not document.people.get(one.id, {}).get("teams"):
        # A department says where somebody without a team is; it never takes anybody out of a team.
        department = one.cells.read("department", read_text)
        named = [department] if department else None
    if named is not None:
        one.values["teams"] = [_team(text, one, teams, document) for text in named]


def _team(text: str, one: _Said, teams: dict[str, str], document: RosterDocument) -> str:
    id_ = teams.setdefault(text.casefold(), text)
    if id_ not in document.teams:
        one.new_teams[id_] = id_
    return id_


def _teams(document: RosterDocument) -> dict[str, str]:
    """The ids of the teams by everything that they are called; an id goes before a name."""
    names = {str(entry.get("name") or id_).casefold(): id_ for id_, entry in document.teams.items()}
    return {**names, **{id_.casefold(): id_ for id_ in document.teams}}


def _complete(one: _Said, known: Entry | None, roles: Mapping[str, str], zone: str | None) -> None:
    """Puts roles in the roster's own words and a time zone for everybody; drops what goes without saying."""
    values = one.values
    said = [str(values.get(name) or "").casefold() for name in ("role", "title")]
    if role := next(filter(None, map(roles.get, said)), None):
        values["role"] = role
    elif known and known.get("role"):
        # Pools go by roles; that the CRM has another word for it must not take anybody out of them.
        values.pop("role", None)
    if values.get("active") is True and "active" not in (known or {}):
        del values["active"]
    if known and str(known.get("email", "")).casefold() == str(values.get("email") or "").casefold():
        values.pop("email", None)
    if known is None:
        if zone is None and "timezone" not in values:
            reason = _("the time zone is missing, and no policy is in force whose own would count")
            one.cells.refuse("timezone", BadValueError(reason, _("add a column with the time zone")))
        values.setdefault("timezone", zone)


# ---------------------------------------------------------------- checking


def _good(said: Iterable[_Said]) -> list[_Said]:
    return [one for one in said if not one.cells.problems]


def _good_entries(said: Sequence[_Said], document: RosterDocument) -> dict[str, Entry]:
    """The entries as they would be of the rows that stand every check of the roster; others get problems."""
    entries = {
        one.id: _merged(document.people.get(one.id, {"id": one.id}), one.values) for one in _good(said)
    }
    for one in _good(said):
        _refuse(one, read_structure(PersonPart, {"id": one.id, **entries[one.id]})[1])
    while True:
        good = {one.id: one for one in _good(said)}
        # Those of the file come last: of two who share an address, the later one is told.
        people = {id_: entry for id_, entry in document.people.items() if id_ not in good}
        people |= {id_: entries[id_] for id_ in good}
        teams = {**document.teams, **{id_: {} for one in good.values() for id_ in one.new_teams}}
        found = check_entries(RosterDocument(people, teams, document.hours))
        wrong = [one for one in found if one.severity == "error" and one.path[0] == "people"]
        wrong = [one for one in wrong if one.path[1] in good]
        if not wrong:
            return {id_: entries[id_] for id_ in good}
        # Whoever named somebody that is refused now has nobody to name: look again.
        for finding in wrong:
            _refuse(good[str(finding.path[1])], [replace(finding, path=finding.path[2:])])


def _refuse(one: _Said, findings: Iterable[Finding]) -> None:
    for finding in findings:
        column = str(finding.path[0]) if finding.path else ""
        reason = finding.found
        if finding.expected:
            reason = _("{found}; expected {expected}").format(found=finding.found, expected=finding.expected)
        value = one.cells.raw.get(column, "")
        one.cells.problems.append(Problem(column, str(value)[:80], reason, finding.suggestion))


def _merged(known: Entry, values: Entry) -> Entry:
    merged = {**known, **values}
    return {key: value for key, value in merged.items() if value is not None or key not in values}


def _verdicts(said: Sequence[_Said], entries: Mapping[str, Entry], document: RosterDocument) -> list[Verdict]:
    """A verdict for each row; a team that is made counts with the row that is the first to name it."""
    verdicts = []
    told: set[str] = set()
    for one in said:
        if one.cells.problems:
            verdicts.append(Verdict(tuple(one.cells.problems)))
            continue
        known, entry = document.people.get(one.id), entries[one.id]
        changes = [Change("team", id_, id_, True, ()) for id_ in one.new_teams if id_ not in told]
        told.update(one.new_teams)
        if known != entry:
            removed = {key: None for key in (known or {}) if key not in entry}
            fields = field_changes(known or {"id": one.id}, {**entry, **removed})
            changes.append(Change("person", one.id, entry.get("name") or one.id, known is None, fields))
        verdicts.append(Verdict(changes=tuple(changes)))
    return verdicts
