"""Who is away, from when until when, and who covers? Absences entered and ended by hand."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
from psycopg import Connection

from leadlane.errors import LeadlaneError
from leadlane.i18n import _
from leadlane.policy.roster_document import instant
from leadlane.service.roster import AbsenceError, UnknownPersonError, put_entry
from leadlane.store import roster

LONGEST_REASON = 200


class AbsenceFieldError(LeadlaneError):
    """Something is wrong with a field of an absence; `field` names it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class AbsenceGoneError(LeadlaneError):
    """The absence is not, or no longer, as it was seen."""

    def __init__(self) -> None:
        super().__init__(
            _("This absence has been changed or ended since you opened the page."),
            _("Nothing was changed: look again."),
        )


def key_of(away: Mapping[str, Any]) -> str:
    """What tells a stored absence from the others of the same person, and from itself changed."""
    return hashlib.sha256(orjson.dumps(away, option=orjson.OPT_SORT_KEYS)).hexdigest()[:12]


def add_absence(
    connection: Connection,
    person_id: str,
    start: str,
    until: str,
    reason: str,
    backup: str | None,
    by: str,
    now: datetime,
) -> str:
    """Somebody is away from `start` ("" for now) until `until`, and `backup` is who covers, from now on.

    Both are dates, which mean whole days, or moments, in the person's zone. Returns the key of the absence.
    Raises AbsenceFieldError (`from`, `until`, `reason`), UnknownPersonError, RosterErrors.
    """
    if len(reason) > LONGEST_REASON:
        raise AbsenceFieldError("reason", _("At most {n} characters, please.").format(n=LONGEST_REASON))
    with connection.transaction():
        content = _entry(connection, person_id)
        zone = content["timezone"]
        # What is past is not made up for: a worker looks for what has begun since it looked last.
        begins = max(now, _moment("from", start, zone)) if start else now
        ends = _moment("until", until, zone, end=True)
        if ends <= now:
            raise AbsenceFieldError("until", _("This is in the past."))
        if ends <= begins:
            raise AbsenceFieldError("until", _("The absence ends before it begins."))
        away = {"from": begins.isoformat(), "until": ends.isoformat()} | (
            {"reason": reason} if reason else {}
        )
        changed = {**content, "away": [*content.get("away", []), away]}
        if backup:
            changed["backup"] = backup
        else:
            changed.pop("backup", None)
        put_entry(connection, "person", person_id, changed, by, now)
    return key_of(away)


def end_absence(connection: Connection, person_id: str, key: str, by: str, now: datetime) -> None:
    """Somebody is back from an absence, or does not go at all. AbsenceGoneError if there is no such one.

    One that comes from a calendar is ended there: else it would be back when the calendar is read again.
    """
    with connection.transaction():
        content = _entry(connection, person_id)
        absences = content.get("away", [])
        found = next((one for one in absences if key_of(one) == key), None)
        if found is None or instant(found["until"], content["timezone"], end=True) <= now:
            raise AbsenceGoneError
        if found.get("source"):
            raise AbsenceError(
                _("This absence comes from a calendar."),
                _("Change it there, or stop reading the calendar."),
            )
        kept = [one for one in absences if one is not found]
        if instant(found["from"], content["timezone"]) < now:
            kept.append({**found, "until": now.isoformat()})
        put_entry(connection, "person", person_id, {**content, "away": kept}, by, now)


def _entry(connection: Connection, person_id: str) -> dict[str, Any]:
    people = roster.entries(connection, roster.lock_revision(connection))["person"]
    if person_id not in people:
        raise UnknownPersonError(person_id)
    return people[person_id]


def _moment(field: str, text: str, zone: str, *, end: bool = False) -> datetime:
    try:
        return instant(text, zone, end=end)
    except ValueError:
        raise AbsenceFieldError(field, _("This is no date. Write it as 2026-03-02.")) from None
