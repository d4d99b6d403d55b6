"""What is in a file of companies or people that is to be compared, and which records are they?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from leadlane.errors import LeadlaneError
from leadlane.i18n import _, ngettext
from leadlane.intake.columns import REJECT_COLUMNS
from leadlane.intake.files import BadRow, Row, Rows
from leadlane.intake.places import country_code
from leadlane.intake.problems import BadValueError
from leadlane.intake.record_columns import Kind, RecordColumns, record_columns
from leadlane.matching.compare import Comparison, same_company, same_person
from leadlane.matching.record import Record, read_record
from leadlane.matching.words import Words, words_of

# Called now and then: what is being done, how much of it is done, and how much there is (None: unknown).
Progress = Callable[[Literal["read", "compare"], int, int | None], None]
EVERY = 1000


@dataclass(frozen=True, slots=True)
class RecordFile:
    """A file of records: `path` ("-" is standard input), the column of each role where its name does not say.

    `kind` is what the records are, None: what the columns say. `truth` is a column that says which records
    are the same; it is not compared.
    """

    path: str
    mapping: Mapping[str, str] = field(default_factory=dict)
    kind: Kind | None = None
    truth: str | None = None
    encoding: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Where a record stands: its row from 1, its id in the file (else the row), and its values as text."""

    row: int
    id: str
    text: str


@dataclass(slots=True)
class Loaded:
    """The records of a file. `sources` and `truth` are those of the record at the same place.

    `truth` is empty where the file was asked for none, and None for a record without one; `unread` counts
    rows that could not be read, and `notes` are sentences on what had to be assumed.
    """

    columns: RecordColumns
    records: list[Record] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    truth: list[str | None] = field(default_factory=list)
    unread: int = 0
    notes: list[str] = field(default_factory=list)

    def in_order(self, order: list[int]) -> None:
        """Puts the records into another order."""
        self.records = [self.records[place] for place in order]
        self.sources = [self.sources[place] for place in order]
        self.truth = [self.truth[place] for place in order] if self.truth else []


def load_records(rows: Rows, file: RecordFile, on_progress: Progress | None = None) -> Loaded:
    """All records of an open file, in its order. LeadlaneError where its columns or rows cannot be read."""
    if file.truth is not None:
        require_column(rows, file.truth)
    ignored = (file.truth,) if file.truth is not None else ()
    loaded = Loaded(record_columns(rows.headers, file.mapping, file.kind, ignored))
    for row in _read_rows(rows, loaded, on_progress):
        record, source = record_of_row(row, loaded.columns)
        loaded.records.append(record)
        loaded.sources.append(source)
        if file.truth is not None:
            loaded.truth.append(text_of(row.data.get(file.truth)) or None)
    if not loaded.records:
        raise LeadlaneError(_("{file} has no rows that can be read").format(file=file.path))
    return loaded


def _read_rows(rows: Rows, loaded: Loaded, on_progress: Progress | None) -> Iterator[Row]:
    first_bad: BadRow | None = None
    for row in rows:
        if on_progress is not None and row.number % EVERY == 0:
            on_progress("read", rows.bytes_read, rows.size)
        if isinstance(row, Row):
            yield row
            continue
        loaded.unread += 1
        first_bad = first_bad or row
    loaded.notes += rows.notes
    if first_bad is not None:
        said = ngettext(
            "{n} row could not be read and is left out: row {row}: {reason}",
            "{n} rows could not be read and are left out; the first is row {row}: {reason}",
            loaded.unread,
        )
        loaded.notes.append(said.format(n=loaded.unread, row=first_bad.number, reason=first_bad.reason))


def record_of_row(row: Row, columns: RecordColumns) -> tuple[Record, Source]:
    """The record of a row, and where it stands."""
    values = columns.values(row.data)
    if "country" in values:
        values["country"] = _country(values["country"])
    own_id = text_of(row.data.get(columns.by_role.get("id", ""))) or str(row.number)
    shown = " · ".join(" ".join(value.split()) for value in values.values())
    return read_record(own_id, values), Source(row.number, own_id, shown)


def text_of(value: object) -> str:
    """A cell as text without space around it; "" for none."""
    return "" if value is None else str(value).strip()


@lru_cache(maxsize=4096)
def _country(text: str) -> str:
    """The code of a country's name; the text itself where it is none, so that equal ones are equal."""
    try:
        return country_code(text)
    except BadValueError:
        return text


def require_column(rows: Rows, column: str) -> None:
    """LeadlaneError where the file has no such column."""
    if column not in rows.headers:
        known = ", ".join(header for header in rows.headers if header not in REJECT_COLUMNS)
        raise LeadlaneError(
            _("there is no column “{column}”").format(column=column),
            _("the columns are {known}").format(known=known),
        )


def comparer(loaded: list[Loaded], kind: Kind) -> Callable[[Record, Record], Comparison]:
    """How two records of these files are compared: the rarer a word is among them, the more it tells."""
    words: Words = words_of(name for one in loaded for record in one.records for name in record.company)
    same = same_company if kind == "company" else same_person
    return lambda one, other: same(one, other, words)
