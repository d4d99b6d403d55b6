"""How does a file become accounts, contacts or people? Row by row in chunks, and refused rows into a file."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Protocol

import psycopg
from psycopg import Connection

from leadlane.errors import LeadlaneError
from leadlane.i18n import _
from leadlane.intake.columns import Columns, find_columns
from leadlane.intake.files import BadRow, Row, Rows, open_rows
from leadlane.intake.import_columns import IMPORT_COLUMNS, Kind
from leadlane.intake.problems import Problem
from leadlane.intake.rejects import RejectsFile, explain, free_name, rejects_path
from leadlane.service.importing.accounts import AccountImport
from leadlane.service.importing.contacts import ContactImport
from leadlane.service.importing.difference import Difference, Refusal, Verdict
from leadlane.service.importing.directory import Directory
from leadlane.service.importing.people import PeopleImport
from leadlane.service.publish import current_document

ROWS_AT_A_TIME = 5_000
# Of people, all rows are looked at together: they name each other.
MOST_PEOPLE = 50_000
# Who loses a race for a domain or an id looks again at what is there now.
TRIES = 5


@dataclass(frozen=True, slots=True)
class ImportFile:
    """A file to import and how to read it.

    `path` "-" is standard input. `columns` says a column by property; an empty one leaves the property out.
    With `clears`, an empty cell empties what is stored; without, it leaves it.
    """

    kind: Kind
    path: str
    columns: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None
    clears: bool = False

    @property
    def name(self) -> str:
        """What the file is called."""
        return "stdin" if self.path == "-" else Path(self.path).name


# Called after each chunk: bytes read, bytes in all (None: unknown), rows done.
Progress = Callable[[int, int | None, int], None]


class _Import(Protocol):
    def take(
        self,
        connection: Connection,
        rows: Sequence[tuple[int, Mapping[str, object]]],
        now: datetime,
        *,
        store: bool,
    ) -> list[Verdict]: ...


def import_file(
    connection: Connection,
    file: ImportFile,
    by: str,
    now: datetime,
    *,
    dry_run: bool,
    shown: int | None = 20,
    on_progress: Progress | None = None,
) -> Difference:
    """Import every row of a file that can be; a dry run only tells what would change.

    Rows are written in chunks (people: all at once), each wholly or not at all; the same again changes
    nothing, so what was interrupted is continued by starting again. `connection` is in autocommit. Refused
    rows go to a new file beside the input, named by the difference; a dry run does without. LeadlaneError if
    the file or the mapping cannot be read; RosterErrors if the policy in force forbids what comes of it.
    """
    with ExitStack() as opened:
        rows = opened.enter_context(open_rows(file.path, encoding=file.encoding))
        columns = _columns(file, rows)
        refused = rejects_path(file.path, rows.format)
        rejects = None
        if not dry_run:
            rejects = opened.enter_context(RejectsFile(refused, rows.headers, rows.format, rows.delimiter))
        desk = _Desk(columns, rejects, Difference(shown, by_line=rows.format != "json"))
        importing = _importing(connection, file, by)
        try:
            for chunk in _chunks(rows, file.kind):
                _take(connection, importing, desk, chunk, now, store=not dry_run)
                if on_progress:
                    on_progress(rows.bytes_read, rows.size, desk.difference.total)
        except KeyboardInterrupt:
            desk.difference.interrupted = True
        desk.difference.notes += [*rows.notes, *_unused(columns, rows)]
    if desk.difference.refused:
        desk.difference.rejects = str(rejects.path if rejects else free_name(refused))
    return desk.difference


def _importing(connection: Connection, file: ImportFile, by: str) -> _Import:
    match file.kind:
        case "accounts":
            return AccountImport(Directory(current_document(connection).people), file.clears)
        case "contacts":
            return ContactImport(file.clears)
        case "people":
            return PeopleImport(file.clears, by)


def _columns(file: ImportFile, rows: Rows) -> Columns:
    known = IMPORT_COLUMNS[file.kind]
    given = {name: column for name, column in file.columns.items() if column}
    left_out = file.columns.keys() - given.keys()
    columns = find_columns(rows.headers, known.names - left_out, known.vocabulary, given)
    problems = list(columns.problems)
    problems += [
        _("--map: there is no field “{field}”.").format(field=name) for name in left_out - known.names
    ]
    if not columns.targets and not problems:
        problems.append(_("no column is known"))
    if problems:
        raise LeadlaneError(
            "\n".join(_("{file}: {problem}").format(file=file.path, problem=one) for one in problems),
            _("The columns of the file: {columns}. Known are: {names}.").format(
                columns=", ".join(rows.headers), names=", ".join(sorted(known.names))
            ),
        )
    return replace(columns, names=known.names - left_out)


def _unused(columns: Columns, rows: Rows) -> list[str]:
    unused = [header for header in rows.headers if header in columns.unmapped]
    if not unused:
        return []
    return [_("These columns are not used: {columns}.").format(columns=", ".join(unused))]


def _chunks(rows: Rows, kind: Kind) -> Iterator[list[Row | BadRow]]:
    size = MOST_PEOPLE if kind == "people" else ROWS_AT_A_TIME
    first = list(islice(rows, size))
    if kind == "people" and next(rows, None) is not None:
        raise LeadlaneError(
            _("The file has more than {most} people.").format(most=f"{MOST_PEOPLE:,}"),
            _("Import it in parts; leave out users who do not sell."),
        )
    yield first
    while chunk := list(islice(rows, size)):
        yield chunk


def _take(
    connection: Connection,
    importing: _Import,
    desk: _Desk,
    chunk: list[Row | BadRow],
    now: datetime,
    *,
    store: bool,
) -> None:
    good = [(row.number, desk.columns.split(row.data)[0]) for row in chunk if isinstance(row, Row)]
    verdicts = iter(_taken(connection, importing, good, now, store=store))
    for row in chunk:
        if isinstance(row, BadRow):
            desk.refuse_unreadable(row)
        else:
            desk.write(row, next(verdicts))


def _taken(
    connection: Connection,
    importing: _Import,
    rows: Sequence[tuple[int, Mapping[str, object]]],
    now: datetime,
    *,
    store: bool,
) -> list[Verdict]:
    for left in reversed(range(TRIES)):
        try:
            return importing.take(connection, rows, now, store=store)
        except (
            psycopg.errors.UniqueViolation,
            psycopg.errors.ForeignKeyViolation,
            psycopg.errors.DeadlockDetected,
            LeadlaneError,
        ):
            if not left:
                raise
            time.sleep(0.05)
    raise AssertionError("the last try returns or raises")


@dataclass(frozen=True, slots=True)
class _Desk:
    """Where results are written down: rejected rows, counts, examples."""

    columns: Columns
    rejects: RejectsFile | None
    difference: Difference

    def write(self, row: Row, verdict: Verdict) -> None:
        """Counts a row that could be read; writes it down if it is refused."""
        self.difference.total += 1
        if not verdict.problems:
            self.difference.count(verdict.changes)
            return
        if self.rejects is not None:
            self.rejects.add(row, verdict.problems, self.columns)
        first: Problem = verdict.problems[0]
        column = self.columns.column_of(first.field) if first.field else ""
        reasons = " | ".join(explain(problem, self.columns) for problem in verdict.problems)
        self.difference.refuse(Refusal(self._place(row), column, reasons))

    def refuse_unreadable(self, row: BadRow) -> None:
        """Counts and writes down a row that could not be read."""
        self.difference.total += 1
        if self.rejects is not None:
            self.rejects.add_bad_row(row)
        self.difference.refuse(Refusal(self._place(row), "", row.reason))

    def _place(self, row: Row | BadRow) -> int:
        return row.line if self.difference.by_line else row.number
