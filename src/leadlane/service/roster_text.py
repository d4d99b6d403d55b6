"""What does the roster say, as a text? One line for each team and person, as it would be written by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from leadlane.policy.edit import Edit, applied, flow
from leadlane.policy.roster import RosterDocument


def roster_data(document: RosterDocument) -> dict[str, Any]:
    """The roster as the data of a roster file: rows with ids, hours by name; accounts are left out."""
    return {
        "teams": _rows(document.teams),
        "people": _rows(document.people),
        "hours": {name: dict(spec) for name, spec in document.hours.items()},
    }


def roster_text(document: RosterDocument) -> str:
    """The roster as the text of a roster file, which `leadlane check --roster` accepts."""
    parts = []
    for section, content in roster_data(document).items():
        rows = (
            [f"  - {flow(row)}" for row in content]
            if isinstance(content, list)
            else [f"  {flow({name: spec})[1:-1]}" for name, spec in content.items()]
        )
        if rows:
            parts.append("\n".join([f"{section}:", *rows]) + "\n")
    return "\n".join(parts)


def edited_roster(document: RosterDocument, edits: Sequence[Edit]) -> RosterDocument:
    """The roster with edits of its file made in it. EditError if there is no such place."""
    data = applied(roster_data(document), edits)
    return RosterDocument(
        people={row["id"]: row for row in data["people"]},
        teams={row["id"]: row for row in data["teams"]},
        hours=data["hours"],
        accounts=document.accounts,
    )


def _rows(entries: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{"id": id_, **entry} for id_, entry in entries.items()]
