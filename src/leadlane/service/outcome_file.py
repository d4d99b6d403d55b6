"""How does an export of deals become outcomes of leads? Row by row in chunks, refused rows into a file."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from glob import escape
from itertools import chain, islice
from pathlib import Path
from zoneinfo import ZoneInfo

from psycopg import Connection

from leadlane.errors import LeadlaneError
from leadlane.i18n import _
from leadlane.intake.columns import Columns, find_columns
from leadlane.intake.dates import day_first_of
from leadlane.intake.files import BadRow, Row, Rows, open_rows
from leadlane.intake.numbers import decimal_mark
from leadlane.intake.problems import Problem, shorten
from leadlane.intake.rejects import RejectsFile, explain, free_name, rejects_path
from leadlane.intake.values import Reading
from leadlane.service.late_outcomes import Recorded, Reporter, Said, Told, record
from leadlane.service.outcome_rows import (
    NAMES,
    NAMING,
    SAYING,
    VOCABULARY,
    OutcomeReading,
    filled,
    own_words,
    read_row,
)
from leadlane.service.rulebooks import Rulebooks

ROWS_AT_A_TIME = 500
MOST_REFUSALS = 20
MOST_STAGES = 10
MOST_COLUMNS = 200
# Under which a JSON document has its list, as the body of `POST /v1/outcomes` does.
LIST_KEY = "outcomes"
_PARQUET = b"PAR1"


@dataclass(frozen=True, slots=True)
class OutcomeFile:
    """A file of outcomes and how to read it.

    `path` "-" is standard input. `columns` says a column by role of `outcome_rows.NAMES`; an empty one leaves
    the role out. `won` and `lost` are texts of a stage that mean so, beside the usual ones. The rest says how
    values are written that can be read in two ways; what is not given, the first rows tell.
    """

    path: str
    columns: Mapping[str, str] = field(default_factory=dict)
    won: Sequence[str] = ()
    lost: Sequence[str] = ()
    encoding: str | None = None
    decimal: str | None = None
    day_first: bool | None = None

    @property
    def name(self) -> str:
        """What the file is called."""
        return "stdin" if self.path == "-" else Path(self.path).name


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that is refused: its line, or where not `by_line` its number, and why."""

    place: int
    reason: str


@dataclass(slots=True)
class OutcomesRead:
    """What a file did, or would do: rows by what became of them.

    `counts` are of closed, corrected, unchanged, open (nothing has ended) and refused; `outcomes` of what was
    taken. `refusals` are the first ones; `rejects` names the file of all refused rows. `stages` counts the
    texts that were taken to end nothing. `columns` are those that were used, by role; `unused` the others.
    """

    by_line: bool = True
    total: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    refusals: list[RefusedRow] = field(default_factory=list)
    stages: Counter[str] = field(default_factory=Counter)
    columns: dict[str, str] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    rejects: str = ""
    interrupted: bool = False


# Called after each chunk: bytes read, bytes in all (None: unknown), rows done.
Progress = Callable[[int, int | None, int], None]


def record_file(
    connection: Connection,
    books: Rulebooks,
    file: OutcomeFile,
    by: Reporter,
    now: datetime,
    *,
    dry_run: bool = False,
    on_progress: Progress | None = None,
) -> OutcomesRead:
    """Write down every outcome of a file that can be; a dry run only says what would happen.

    The same file again changes nothing, so what was interrupted is continued by starting again. Refused rows
    go to a new file beside the input; a dry run does without. LeadlaneError if the file or the mapping cannot
    be read, or no policy is published.
    """
    policy = books.current(connection).policy
    with ExitStack() as opened:
        path = opened.enter_context(_as_text(file.path))
        rows = opened.enter_context(open_rows(path, encoding=file.encoding, list_key=LIST_KEY))
        columns = _columns(file, rows)
        refused = rejects_path(file.path if file.path != "-" else "outcomes.csv", rows.format)
        if file.path != "-" and path != file.path:
            refused = refused.with_suffix(".csv")
        rejects = None
        if not dry_run:
            rejects = opened.enter_context(RejectsFile(refused, rows.headers, rows.format, rows.delimiter))
        first = list(islice(rows, ROWS_AT_A_TIME))
        reading = _reading(file, first, columns, ZoneInfo(policy.timezone), policy.currency, now)
        used = {role: column for column, role in columns.targets.items()}
        unused = [header for header in rows.headers if header in columns.unmapped][:MOST_COLUMNS]
        read = OutcomesRead(by_line=rows.format != "json", columns=used, unused=unused)
        desk = _Desk(columns, reading, rejects, read)
        try:
            for chunk in _chunks(chain(first, rows)):
                desk.take(connection, books, chunk, by, now, dry_run=dry_run)
                if on_progress:
                    on_progress(rows.bytes_read, rows.size, desk.read.total)
        except KeyboardInterrupt:
            desk.read.interrupted = True
        desk.read.notes += rows.notes
    if desk.read.counts["refused"]:
        desk.read.rejects = str(rejects.path if rejects else free_name(refused))
    return desk.read


@contextmanager
def _as_text(path: str) -> Iterator[str]:
    """The file itself; of a Parquet file a copy as CSV, removed afterwards."""
    place = Path(path)
    with place.open("rb") if place.is_file() else ExitStack() as file:
        is_parquet = not isinstance(file, ExitStack) and file.read(len(_PARQUET)) == _PARQUET
    if not is_parquet:
        yield path
        return
    # Imported here because most files are of text.
    import duckdb

    with tempfile.TemporaryDirectory(prefix="leadlane-outcomes-") as folder:
        copy = Path(folder) / place.with_suffix(".csv").name
        # What a file asks for is not fetched from anywhere.
        with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as reader:
            reader.execute("SET TimeZone = 'UTC'")
            try:
                # The name of a file is no pattern, and what a folder is called is no column.
                reader.read_parquet(escape(str(place)), hive_partitioning=False).write_csv(str(copy))
            except duckdb.Error as error:
                problem = _("{file} cannot be read as Parquet: {detail}").format(file=path, detail=error)
                raise LeadlaneError(problem) from None
        yield str(copy)


def _columns(file: OutcomeFile, rows: Rows) -> Columns:
    given = {role: column for role, column in file.columns.items() if column}
    left_out = file.columns.keys() - given.keys()
    columns = find_columns(rows.headers, frozenset(NAMES) - left_out, VOCABULARY, given)
    problems = [*columns.problems]
    problems += [
        _("--map: there is no role “{role}”").format(role=role) for role in sorted(left_out - NAMES.keys())
    ]
    found = set(columns.targets.values())
    if not problems and rows.headers:
        if not found & SAYING:
            problems.append(_("no column says how a lead ended: a stage, a status, won or not"))
        if not found & NAMING:
            problems.append(_("no column says which lead is meant: an id, an e-mail address, a domain"))
    if problems:
        raise LeadlaneError(
            "\n".join(_("{file}: {problem}").format(file=file.path, problem=one) for one in problems),
            _("Say which column it is with --map, such as --map outcome=STAGE. There are: {columns}").format(
                columns=", ".join(shorten(header, 40) for header in rows.headers)
            ),
        )
    return columns


def _reading(
    file: OutcomeFile,
    rows: Sequence[Row | BadRow],
    columns: Columns,
    zone: ZoneInfo,
    currency: str,
    now: datetime,
) -> OutcomeReading:
    """How the file writes what can be read in two ways: as told, else as its first rows prove."""
    cells = [columns.split(row.data)[0] for row in rows if isinstance(row, Row)]

    def texts(*roles: str) -> list[str]:
        return [text for one in cells for role in roles if isinstance(text := one.get(role), str)]

    day_first = file.day_first if file.day_first is not None else day_first_of(texts("closed_at", "won_at"))
    decimal = file.decimal or decimal_mark(texts("value"))
    return OutcomeReading(
        Reading(zone, decimal, day_first, currency), zone, now, own_words(file.won, file.lost)
    )


def _chunks(rows: Iterator[Row | BadRow]) -> Iterator[list[Row | BadRow]]:
    while chunk := list(islice(rows, ROWS_AT_A_TIME)):
        yield chunk


@dataclass(slots=True)
class _Desk:
    """Where rows are read, and what became of them is written down."""

    columns: Columns
    reading: OutcomeReading
    rejects: RejectsFile | None
    read: OutcomesRead
    told: Told = field(default_factory=Told)

    def take(
        self,
        connection: Connection,
        books: Rulebooks,
        chunk: Sequence[Row | BadRow],
        by: Reporter,
        now: datetime,
        *,
        dry_run: bool,
    ) -> None:
        """Deal with some rows: each is counted once."""
        said: list[tuple[Row, Said]] = []
        for row in chunk:
            self.read.total += 1
            if isinstance(row, BadRow):
                self._refuse_unreadable(row)
                continue
            cells, extra = self.columns.split(row.data)
            raw = filled(cells)
            self._note_columns(extra)
            one, problems = read_row(raw, self.reading)
            if problems:
                self._refuse(row, problems)
            elif one is None:
                self._leave(raw)
            else:
                said.append((row, one))
        told = [one for _row, one in said]
        answers = record(connection, books, told, by, now, told=self.told, dry_run=dry_run)
        for (row, one), answer in zip(said, answers, strict=True):
            self._enter(row, one, answer)

    def _note_columns(self, unused: Mapping[str, object]) -> None:
        """Objects of JSON may have keys that the first ones have not."""
        for column in unused.keys() - self.columns.unmapped:
            if column not in self.read.unused and len(self.read.unused) < MOST_COLUMNS:
                self.read.unused.append(column)

    def _enter(self, row: Row, one: Said, answer: Recorded) -> None:
        if answer.status == "refused":
            self._refuse(row, [Problem("", "", answer.problem)])
            return
        self.read.counts[answer.status] += 1
        self.read.outcomes[one.outcome] += 1

    def _leave(self, raw: Mapping[str, object]) -> None:
        self.read.counts["open"] += 1
        stage = shorten(raw.get("outcome") or "", 40)
        if stage and (stage in self.read.stages or len(self.read.stages) < MOST_STAGES):
            self.read.stages[stage] += 1

    def _refuse(self, row: Row, problems: Sequence[Problem]) -> None:
        if self.rejects is not None:
            self.rejects.add(row, problems, self.columns)
        self._count_refused(row, " | ".join(explain(problem, self.columns) for problem in problems))

    def _refuse_unreadable(self, row: BadRow) -> None:
        if self.rejects is not None:
            self.rejects.add_bad_row(row)
        self._count_refused(row, row.reason)

    def _count_refused(self, row: Row | BadRow, reason: str) -> None:
        self.read.counts["refused"] += 1
        if len(self.read.refusals) < MOST_REFUSALS:
            place = row.line if self.read.by_line else row.number
            self.read.refusals.append(RefusedRow(place, reason))
