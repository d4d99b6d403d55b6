"""How does a file of leads get its owners? Read, cleaned, decided and committed batch by batch, in one pass.

While one thread has the database decide and commit a batch, this one reads the next. Nothing is kept but a
few batches, so a file may be larger than memory. Every row has an id that does not change from run to run, so
a run that was interrupted is continued by starting it again: what is there already is not made twice.
"""

from __future__ import annotations

import gc
import json
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from zoneinfo import ZoneInfo

import psycopg
from psycopg import Connection

from leadlane.core.conditions import fold_text
from leadlane.core.facts import FieldSpec
from leadlane.core.policy import Policy
from leadlane.errors import DatabaseError, LeadlaneError
from leadlane.i18n import _
from leadlane.intake.columns import REJECT_COLUMNS, Columns, match_columns
from leadlane.intake.dates import read_datetime
from leadlane.intake.files import BadRow, Row, Rows, open_rows
from leadlane.intake.leads import read_lead
from leadlane.intake.problems import BadValueError, Problem, did_you_mean, shorten
from leadlane.intake.rejects import RejectsFile, free_name, rejects_path
from leadlane.service.batch import Receipt, route_batch
from leadlane.service.outcomes import Outcome, OutcomesFile, outcomes_of
from leadlane.service.rulebooks import Rulebooks, field_specs
from leadlane.service.submission import Submission, submission
from leadlane.service.summary import Summary
from leadlane.store import batches
from leadlane.store.db import connect

BATCH_ROWS = 500
# Batches that are read and wait for the one that is being routed.
BATCHES_AHEAD = 2
# How long to wait for a database that went away, each time before trying again.
RETRY_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0)
# New objects after which Python looks for cycles; see `_rare_collections`.
COLLECT_AFTER_OBJECTS = 200_000


@dataclass(frozen=True, slots=True)
class LeadFile:
    """A file of leads and how to read it.

    `path` "-" is standard input. `columns` says a column by field; an empty one leaves the field out.
    `signals` is a column that holds them, or else the name of a signal that every row carries. The rest says
    how values are written that can be read in two ways (see intake.values.Reading).
    """

    path: str
    columns: Mapping[str, str] = field(default_factory=dict)
    signals: str | None = None
    encoding: str | None = None
    decimal: str | None = None
    day_first: bool | None = None

    @property
    def name(self) -> str:
        """What the file is called in ids and timelines, wherever it lies."""
        return "stdin" if self.path == "-" else Path(self.path).name


# Called after each batch that was read: bytes read, bytes in all (None: unknown), rows routed.
Progress = Callable[[int, int | None, int], None]


def route_file(
    url: str,
    books: Rulebooks,
    file: LeadFile,
    now: Callable[[], datetime],
    *,
    at: str | None = None,
    out: Path | None = None,
    on_progress: Progress | None = None,
    keep_refused: bool = True,
) -> Summary:
    """Route every lead of a file. `at` (text, in the policy's zone) decides as of that moment instead of now.

    `out` gets a line for each row. Refused rows go to a new file beside the input, named by the summary; a
    trial does without (`keep_refused`). Ctrl-C ends it after the batch in flight, and the summary says so.
    Raises LeadlaneError when the file, the mapping or `at` cannot be read, nothing is published, or the
    database stays away.
    """
    with connect(url) as connection:
        policy = books.current(connection).policy
    if at is not None:
        now = _fixed(at, policy)
    with ExitStack() as opened:
        opened.enter_context(_rare_collections())
        rows = opened.enter_context(open_rows(file.path, encoding=file.encoding))
        reader = _reader(file, rows, policy, now)
        refused = rejects_path(file.path, rows.format)
        if out is not None and out.resolve() in (Path(file.path).resolve(), refused.resolve()):
            raise LeadlaneError(
                _("--out {path}: this file is read or written already.").format(path=out),
                _("Choose another name."),
            )
        outcomes = opened.enter_context(OutcomesFile(out)) if out else None
        rejects = None
        if keep_refused:
            rejects = opened.enter_context(RejectsFile(refused, rows.headers, rows.format, rows.delimiter))
        lane = opened.enter_context(_Lane(url, books, now, outcomes is not None))
        # A JSON document may well be a single line.
        desk = _Desk(reader, rejects, outcomes, Summary(by_line=rows.format != "json"))
        _run(lane, desk, rows, on_progress)
        desk.summary.notes += [*rows.notes, *_signal_notes(reader, rows, policy)]
    if desk.summary.statuses["refused"]:
        desk.summary.rejects = str(rejects.path if rejects else free_name(refused))
    return desk.summary


def check_file(
    file: LeadFile, policy: Policy, now: Callable[[], datetime], on_progress: Progress | None = None
) -> Summary:
    """Read every lead of a file and route none: what would be refused and why, the rest counted as `read`.

    LeadlaneError when the file or the mapping cannot be read.
    """
    with open_rows(file.path, encoding=file.encoding) as rows:
        reader = _reader(file, rows, policy, now)
        desk = _Desk(reader, None, None, Summary(by_line=rows.format != "json"))
        for batch in reader.batches(rows):
            for entry in batch:
                desk.write_checked(entry)
            if on_progress:
                on_progress(rows.bytes_read, rows.size, desk.summary.total)
        desk.summary.notes += [*rows.notes, *_signal_notes(reader, rows, policy)]
    return desk.summary


@contextmanager
def _rare_collections() -> Iterator[None]:
    """A batch is some hundred thousand objects that live for a moment and die without cycles.

    At Python's own threshold (700) the search for cycles among them takes half of all the time.
    """
    before = gc.get_threshold()
    gc.set_threshold(COLLECT_AFTER_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def read_at(text: str, policy: Policy) -> datetime:
    """The moment that `text` names, local times in the policy's zone. LeadlaneError if it names none."""
    try:
        return read_datetime(text.strip(), ZoneInfo(policy.timezone))
    except BadValueError as error:
        raise LeadlaneError(
            _("--at {text}: {reason}").format(text=text, reason=error.reason),
            _("Write it like 2026-03-02T10:30 (local time in {zone}) or 2026-03-02T10:30Z (UTC).").format(
                zone=policy.timezone
            ),
        ) from None


def _fixed(at: str, policy: Policy) -> Callable[[], datetime]:
    moment = read_at(at, policy)
    return lambda: moment


# ---------------------------------------------------------------- reading


@dataclass(frozen=True, slots=True)
class _Entry:
    """A row of the file: to be routed, or refused with its problems (none where the row is unreadable)."""

    row: Row | BadRow
    submission: Submission | None = None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Reader:
    """What it takes to make a lead of a row. `every` is the signal that every row carries.

    `listed` are the names, folded, of the signals that the policy counts.
    """

    file: LeadFile
    name: str
    columns: Columns
    fields: Mapping[str, FieldSpec]
    policy: Policy
    zone: ZoneInfo
    now: Callable[[], datetime]
    every: str | None
    listed: frozenset[str]

    def batches(self, rows: Rows) -> Iterator[list[_Entry]]:
        """The rows in their order, some hundreds at a time."""
        batch: list[_Entry] = []
        now = self.now()
        for row in rows:
            batch.append(self._entry(row, now))
            if len(batch) == BATCH_ROWS:
                yield batch
                batch, now = [], self.now()
        if batch:
            yield batch

    def _entry(self, row: Row | BadRow, now: datetime) -> _Entry:
        if isinstance(row, BadRow):
            return _Entry(row)
        raw, extra = self.columns.split(row.data)
        if self.every is not None:
            raw["signals"] = _with_signal(raw.get("signals"), self.every)
        lead, problems = read_lead(
            raw,
            self.fields,
            now,
            self.zone,
            decimal=self.file.decimal,
            day_first=self.file.day_first,
            currency=self.policy.currency,
            extra=extra,
        )
        if lead is None:
            return _Entry(row, problems=tuple(problems))
        lead_id = lead.id or row_id(self.name, row)
        return _Entry(row, submission(lead, f"file:{self.name}", now, lead_id=lead_id))


# Keys in one order: two programs may write the same JSON object differently.
_CONTENT = json.JSONEncoder(sort_keys=True, default=str).encode


def row_id(name: str, row: Row) -> str:
    """The id of a lead whose row has none: the same for the same row of a file of the same name."""
    data = {column: value for column, value in row.data.items() if column not in REJECT_COLUMNS}
    content = _CONTENT([name, row.number, data])
    return "f" + blake2b(content.encode(), digest_size=10).hexdigest()


def _with_signal(there: object, every: str) -> object:
    if not there:
        return every
    return [*there, every] if isinstance(there, list) else f"{there};{every}"


def _reader(file: LeadFile, rows: Rows, policy: Policy, now: Callable[[], datetime]) -> _Reader:
    fields = field_specs(policy)
    given = {name: column for name, column in file.columns.items() if column}
    every = file.signals
    if every is not None:
        header = next((one for one in rows.headers if one.casefold() == every.casefold()), None)
        if header is not None:
            given["signals"], every = header, None
    columns = match_columns(rows.headers, fields, given)
    if rows.format == "csv" and not columns.targets and not given:
        raise _no_field(file, rows.headers)
    columns = _without(columns, [name for name, column in file.columns.items() if not column])
    if columns.problems:
        raise LeadlaneError(
            "\n".join(_("{file}: {problem}").format(file=file.path, problem=one) for one in columns.problems),
            _("The columns of the file: {columns}").format(columns=", ".join(rows.headers)),
        )
    listed = frozenset(fold_text(item.signal) for items in policy.intent.values() for item in items)
    return _Reader(file, file.name, columns, fields, policy, ZoneInfo(policy.timezone), now, every, listed)


def _no_field(file: LeadFile, headers: Sequence[str]) -> LeadlaneError:
    """What to say of a file in which no column is a field: it may well have no header."""
    shown = [shorten(header, 40) for header in headers if header not in REJECT_COLUMNS][:5]
    return LeadlaneError(
        _("{file}: no column is a field that is known. The first columns are: {columns}").format(
            file=file.path, columns=", ".join(f"“{header}”" for header in shown)
        ),
        _(
            "If this is a lead already, put a first line that names the columns, such as "
            "email,company,country. If these are names, say which is which, such as --map {example}."
        ).format(example=f'"email={shown[0] if shown else ""}"'),
    )


def _without(columns: Columns, names: list[str]) -> Columns:
    """Columns of which those that hold one of these fields are kept beside the lead only."""
    problems = [
        " ".join(filter(None, (_("--map: there is no field “{field}”.").format(field=name), near)))
        for name in names
        if name not in columns.names
        for near in [did_you_mean(name, columns.names)]
    ]
    dropped = {header for header, target in columns.targets.items() if target in names}
    return replace(
        columns,
        targets={header: target for header, target in columns.targets.items() if header not in dropped},
        unmapped=columns.unmapped | dropped,
        problems=(*columns.problems, *problems),
    )


def _signal_notes(reader: _Reader, rows: Rows, policy: Policy) -> list[str]:
    """A word on a signal for every row that the policy does not count: likely a misspelt name or column."""
    known = {item.signal.casefold(): item.signal for items in policy.intent.values() for item in items}
    if reader.every is None or reader.every.casefold() in known:
        return []
    note = _(
        "The policy does not count the signal “{name}”, and the file has no column of that name."
    ).format(name=reader.every)
    return [" ".join(filter(None, (note, did_you_mean(reader.every, [*known.values(), *rows.headers]))))]


# ---------------------------------------------------------------- routing


@dataclass(slots=True)
class _Lane:
    """The thread and the connection on which batches are routed, one after another."""

    url: str
    books: Rulebooks
    now: Callable[[], datetime]
    wants_outcomes: bool
    _connection: Connection | None = None
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "route file"))

    def __enter__(self) -> _Lane:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(cancel_futures=True)
        self._drop_connection()

    def submit(self, entries: list[_Entry]) -> Future[_Routed]:
        """Route a batch when those before it are done."""
        return self._thread.submit(self._route, entries)

    def _route(self, entries: list[_Entry]) -> _Routed:
        submissions = [entry.submission for entry in entries if entry.submission is not None]
        for wait_seconds in (*RETRY_SECONDS, None):
            try:
                connection = self._connected()
                receipts = route_batch(connection, self.books, submissions, self.now()) if submissions else []
                outcomes = outcomes_of(connection, self.books, receipts) if self.wants_outcomes else []
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                self._drop_connection()
                if wait_seconds is None:
                    raise DatabaseError(
                        _("The connection to the database is lost: {error}").format(error=error),
                        _("When it is back, start the same command again: it continues where it stopped."),
                    ) from error
                time.sleep(wait_seconds)
            else:
                return _Routed(entries, receipts, outcomes)
        raise AssertionError("the last try returns or raises")

    def _connected(self) -> Connection:
        if self._connection is None:
            # Otherwise the first SELECT would open a transaction around every batch that follows.
            connection = connect(self.url, autocommit=True)
            batches.configure(connection)
            self._connection = connection
        return self._connection

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@dataclass(frozen=True, slots=True)
class _Routed:
    """A batch with a receipt, and where they are wanted an outcome, for each entry that had a submission."""

    entries: list[_Entry]
    receipts: list[Receipt]
    outcomes: list[Outcome]


def _run(lane: _Lane, desk: _Desk, rows: Rows, on_progress: Progress | None) -> None:
    """Reads ahead while batches are routed, and writes down what came out, in order."""
    waiting: deque[Future[_Routed]] = deque()
    try:
        for batch in desk.reader.batches(rows):
            waiting.append(lane.submit(batch))
            if len(waiting) > BATCHES_AHEAD:
                desk.write_first(waiting)
            if on_progress:
                on_progress(rows.bytes_read, rows.size, desk.summary.total)
        while waiting:
            desk.write_first(waiting)
            if on_progress:
                on_progress(rows.bytes_read, rows.size, desk.summary.total)
    except KeyboardInterrupt:
        desk.summary.interrupted = True
        for future in reversed(waiting):
            future.cancel()
        while waiting and not waiting[0].cancelled():
            desk.write_first(waiting)


@dataclass(frozen=True, slots=True)
class _Desk:
    """Where results are written down: rejected rows, outcomes, counts."""

    reader: _Reader
    rejects: RejectsFile | None
    outcomes: OutcomesFile | None
    summary: Summary

    def write_first(self, waiting: deque[Future[_Routed]]) -> None:
        """Waits for the first of the batches and writes it down."""
        routed = waiting[0].result()
        waiting.popleft()
        receipts, outcomes = iter(routed.receipts), iter(routed.outcomes)
        for entry in routed.entries:
            receipt = next(receipts) if entry.submission is not None else None
            outcome = next(outcomes, None) if receipt is not None else None
            problem = self._count(entry, receipt)
            if self.outcomes is not None:
                self.outcomes.add(entry.row.number, outcome, problem)
            self.summary.last_row = entry.row.number

    def write_checked(self, entry: _Entry) -> None:
        """Writes down a row that is not to be routed."""
        if entry.submission is None:
            self._count(entry, None)
        else:
            self.summary.statuses["read"] += 1
            self._count_signals(entry)

    def _count(self, entry: _Entry, receipt: Receipt | None) -> str:
        """Counts an entry. Returns why it is refused, or "" if it is not."""
        row = entry.row
        if receipt is not None and receipt.status != "refused":
            self.summary.count(receipt)
            self._count_signals(entry)
            return ""
        place = row.line if self.summary.by_line else row.number
        if isinstance(row, BadRow):
            if self.rejects is not None:
                self.rejects.add_bad_row(row)
            self.summary.refuse(place, "", row.reason)
            return row.reason
        problems = entry.problems
        if receipt is not None:
            problems = (Problem("", "", receipt.problem),)
        if self.rejects is not None:
            self.rejects.add(row, problems, self.reader.columns)
        first = problems[0]
        column = self.reader.columns.column_of(first.field.partition("[")[0]) if first.field else ""
        self.summary.refuse(place, column, first.reason)
        return "; ".join(problem.reason for problem in problems)

    def _count_signals(self, entry: _Entry) -> None:
        # Of this row: the trace of a merged lead also has the signals of the rows before it.
        signals = entry.submission.lead.signals if entry.submission is not None else ()
        listed = self.reader.listed
        self.summary.count_unlisted(one.name for one in signals if fold_text(one.name) not in listed)
