"""What became of each row of a file? One line a row, as CSV or JSON lines, for people and spreadsheets."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import IO

import orjson
from psycopg import Connection

from leadlane.errors import LeadlaneError
from leadlane.i18n import _
from leadlane.service.batch import Receipt
from leadlane.service.csv_cells import plain
from leadlane.service.rulebooks import Rulebooks
from leadlane.store import leads

COLUMNS = (
    "row",
    "lead",
    "status",
    "route",
    "destination",
    "owner",
    "owner_name",
    "covered_by",
    "service_level",
    "respond_by",
    "reasons",
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where a lead stands after it was submitted; empty texts where there is nothing to say."""

    lead: str
    status: str
    route: str = ""
    destination: str = ""
    owner: str = ""
    owner_name: str = ""
    covered_by: str = ""
    service_level: str = ""
    respond_by: datetime | None = None
    reasons: tuple[str, ...] = ()


def outcomes_of(connection: Connection, books: Rulebooks, receipts: Sequence[Receipt]) -> list[Outcome]:
    """An outcome for each receipt, in order. Leads that were there already: as they stand now."""
    people = books.current(connection).roster.people
    there = [one.lead_id for one in receipts if one.decision is None and one.status != "refused"]
    places = leads.places(connection, there) if there else {}
    found = []
    for one in receipts:
        place = one.decision.standing if one.decision is not None else places.get(one.lead_id)
        if place is None:
            found.append(Outcome(one.lead_id, one.status))
            continue
        owner = people.get(place.owner or "")
        found.append(
            Outcome(
                lead=one.lead_id,
                status=one.status,
                route=place.route or "",
                destination=place.destination or "",
                owner=place.owner or "",
                owner_name=owner.name if owner else "",
                covered_by=place.covered_by or "",
                service_level=place.service_level or "",
                respond_by=place.respond_by,
                reasons=one.decision.reasons if one.decision is not None else (),
            )
        )
    return found


class OutcomesFile:
    """Lines of outcomes, written as they come. `path` ends in .csv, or in .jsonl or .ndjson for JSON lines.

    LeadlaneError where the name says neither or the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        suffix = path.suffix.lower()
        if suffix not in (".csv", ".jsonl", ".ndjson"):
            raise LeadlaneError(
                _("--out {path}: the name says neither CSV nor JSON lines.").format(path=path),
                _("Give it a name that ends in .csv or .jsonl."),
            )
        self._is_csv = suffix == ".csv"
        try:
            self._file: IO[str] = path.open("w", encoding="utf-8", newline="")
        except OSError as error:
            raise LeadlaneError(
                _("The file {path} cannot be written: {reason}").format(path=path, reason=error.strerror),
                _("Check the name and the permissions."),
            ) from error
        self._write = csv.writer(self._file).writerow
        if self._is_csv:
            self._write(COLUMNS)

    def add(self, row: int, outcome: Outcome | None, problem: str) -> None:
        """The line of a row; `problem` says why it is refused, and is given as its reason."""
        one = outcome or Outcome("", "refused")
        reasons = (problem,) if problem else one.reasons
        respond_by = one.respond_by.isoformat().replace("+00:00", "Z") if one.respond_by else ""
        cells = (
            *(row, one.lead, one.status, one.route, one.destination, one.owner, one.owner_name),
            *(one.covered_by, one.service_level, respond_by),
        )
        if self._is_csv:
            self._write([plain(cell) for cell in (*cells, "; ".join(reasons))])
        else:
            values = dict(zip(COLUMNS, (*(cell or None for cell in cells), reasons), strict=True))
            self._file.write(orjson.dumps(values).decode() + "\n")

    def __enter__(self) -> OutcomesFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
