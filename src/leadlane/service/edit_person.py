"""What does the roster say of somebody, and how is it changed by hand? As texts of a form, and back again."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg import Connection

from leadlane.errors import LeadlaneError
from leadlane.i18n import _
from leadlane.policy.hours import HoursError, weekly_hours
from leadlane.policy.problems import Problem
from leadlane.policy.roster_schema import PersonPart
from leadlane.service.absences import key_of
from leadlane.service.roster import RosterErrors, UnknownPersonError, put_entry
from leadlane.store import policies, roster

TEXTS = ("name", "email", "role", "level", "region", "timezone", "country", "backup", "manager")
NUMBERS = ("weight", "max_open", "per_day")
LISTS = ("teams", "languages", "industries", "channels")
# Of one's own attributes at most so many, of a field at most so many characters.
MOST_ATTRIBUTES = 50
LONGEST = 2_000


class StaleEntryError(LeadlaneError):
    """Somebody else has changed the entry since it was read."""

    def __init__(self) -> None:
        super().__init__(
            _("This person has been changed since you opened the page."),
            _("Nothing was changed: look at what is there now, and change it again."),
        )


class EditErrors(LeadlaneError):
    """A change is refused: `problems` by field, "" for what belongs to none of them."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(_("The change is refused."), "\n".join(problems.values()))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Draft:
    """Somebody as a form has them. `texts` by the names of TEXTS, NUMBERS and `hours`; `lists` by those of
    LISTS; `hours` is the name of hours that several share, or lines such as "mon-fri: 09:00-17:00".

    `seen` tells the entry that it was made from from what it may have become.
    """

    seen: str
    texts: Mapping[str, str]
    lists: Mapping[str, Sequence[str]]
    active: bool
    attributes: Sequence[tuple[str, str]] = field(default=())


def draft_of(connection: Connection, person_id: str) -> Draft:
    """The entry of somebody as a form shows it. UnknownPersonError."""
    entry = _entries(connection)["person"].get(person_id)
    if entry is None:
        raise UnknownPersonError(person_id)
    texts = {name: str(entry[name]) if entry.get(name) is not None else "" for name in (*TEXTS, *NUMBERS)}
    own = [
        (name, ", ".join(map(str, value)) if isinstance(value, list) else _written(value))
        for name, value in entry.items()
        if name not in PersonPart.model_fields
    ]
    return Draft(
        seen=key_of(entry),
        texts={**texts, "hours": _hours_text(entry.get("hours"))},
        lists={name: [str(one) for one in entry.get(name, ())] for name in LISTS},
        active=entry.get("active", True),
        attributes=sorted(own),
    )


def choices(connection: Connection) -> tuple[list[str], list[tuple[str, str]]]:
    """What there is to choose from: the names of hours that are shared, and teams as (id, name)."""
    entries = _entries(connection)
    teams = sorted((id_, entry.get("name") or id_) for id_, entry in entries["team"].items())
    return sorted({*entries["hours"], "default"}), teams


def edit_person(connection: Connection, person_id: str, draft: Draft, by: str, now: datetime) -> None:
    """Store what a form says of somebody; what it does not show (absences) stays.

    Raises EditErrors, StaleEntryError, UnknownPersonError, and then nothing is changed.
    """
    problems: dict[str, str] = {}
    changes = _changes(draft, problems)
    if problems:
        raise EditErrors(problems)
    with connection.transaction():
        roster.lock_revision(connection)
        entry = _entries(connection)["person"].get(person_id)
        if entry is None:
            raise UnknownPersonError(person_id)
        if key_of(entry) != draft.seen:
            raise StaleEntryError
        own = {name: value for name, value in entry.items() if name not in PersonPart.model_fields}
        kept = {name: value for name, value in entry.items() if name in PersonPart.model_fields}
        merged = {**kept, **changes, **_attributes(draft, own)}
        content = {name: value for name, value in merged.items() if value not in (None, "", [])}
        try:
            put_entry(connection, "person", person_id, content, by, now)
        except RosterErrors as error:
            raise EditErrors(_by_field(error.problems, person_id)) from error


def _changes(draft: Draft, problems: dict[str, str]) -> dict[str, Any]:
    """The built-in fields as they are stored; None takes one away."""
    changes: dict[str, Any] = {name: draft.texts[name] or None for name in TEXTS}
    if not draft.texts["timezone"]:
        problems["timezone"] = _("A time zone is needed, such as Europe/Berlin.")
    for name in NUMBERS:
        changes[name] = _number(name, draft.texts[name], problems)
    changes |= {name: list(dict.fromkeys(filter(None, draft.lists[name]))) for name in LISTS}
    changes["active"] = None if draft.active else False
    changes["hours"] = _hours(draft.texts["hours"], problems)
    too_long = (name for name, text in draft.texts.items() if len(text) > LONGEST)
    problems |= {name: _("At most {n} characters, please.").format(n=LONGEST) for name in too_long}
    return changes


def _number(name: str, text: str, problems: dict[str, str]) -> int | float | None:
    if not text:
        return None
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        problems[name] = _("This is no number.")
        return None
    return int(number) if number.is_integer() else number


def _hours(text: str, problems: dict[str, str]) -> str | dict[str, list[str]] | None:
    """A name, or days with their hours, a line each."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) <= 1 and ":" not in text:
        return text.strip() or None
    week: dict[str, list[str]] = {}
    for line in lines:
        days, _colon, blocks = line.partition(":")
        week.setdefault(days.strip(), []).extend(one.strip() for one in blocks.split(",") if one.strip())
    try:
        weekly_hours(week)
    except HoursError as error:
        problems["hours"] = _("{found}; expected {expected}").format(
            found=error.found, expected=error.expected
        )
    return week


def _hours_text(hours: Any) -> str:
    if not isinstance(hours, Mapping):
        return str(hours or "")
    lines = ((days, blocks if isinstance(blocks, list) else [blocks]) for days, blocks in hours.items())
    return "\n".join(f"{days}: {', '.join(map(str, blocks))}" for days, blocks in lines)


def _attributes(draft: Draft, own: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes of one's own, each of the type that it had; those that a form no longer has are gone."""
    given = [(name, text) for name, text in draft.attributes if name][:MOST_ATTRIBUTES]
    return {name: _typed(text, own.get(name)) for name, text in given if name not in PersonPart.model_fields}


def _typed(text: str, before: Any) -> Any:
    if isinstance(before, list):
        return [one.strip() for one in text.split(",") if one.strip()]
    if isinstance(before, bool) and text.casefold() in ("true", "false"):
        return text.casefold() == "true"
    if isinstance(before, (int, float)) and not isinstance(before, bool):
        number = _number("", text, {})
        return text if number is None else number
    return text


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _by_field(problems: Sequence[Problem], person_id: str) -> dict[str, str]:
    """The errors of a roster by the field that they belong to."""
    prefix = f"people.{person_id}."
    found: dict[str, str] = {}
    for problem in problems:
        if problem.severity != "error":
            continue
        name = problem.path.removeprefix(prefix) if problem.path.startswith(prefix) else ""
        name = name.partition("[")[0].partition(".")[0]
        text = _words(problem) if name else problem.message
        if not name and problem.code == "duplicate_name" and problem.path.endswith(".email"):
            # Of two with the same address the roster names the second, whoever was changed.
            other = problem.path.removeprefix("people.").removesuffix(".email")
            name, text = "email", _("the address of {person}").format(person=other)
        found[name] = f"{found[name]} {text}" if name in found else text
    return found


def _words(problem: Problem) -> str:
    if problem.suggestion:
        text = _("{found}: did you mean {suggestion}?")
        return text.format(found=problem.found, suggestion=problem.suggestion)
    if problem.expected:
        return _("{found}; expected {expected}").format(found=problem.found, expected=problem.expected)
    return problem.found


def _entries(connection: Connection) -> roster.Entries:
    _version, revision = policies.in_force(connection)
    return roster.entries(connection, revision)
