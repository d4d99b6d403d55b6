"""What is in the files of an audit, and how do they belong together? Rows become one table in columns.

Each distinct text of a column is kept once, so that a million leads fit into memory and every text is read
as a date or a number only once.
"""

from __future__ import annotations

import gzip
import shutil
import tempfile
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from glob import escape
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from leadlane.errors import LeadlaneError
from leadlane.i18n import _, ngettext
from leadlane.insight.groups import Codes
from leadlane.intake.columns import REJECT_COLUMNS, find_columns, header_key
from leadlane.intake.files import Row, open_rows
from leadlane.intake.problems import did_you_mean
from leadlane.service.auditing.audit_columns import NAMES, VOCABULARY

# Called now and then: the file that is read, bytes read, bytes in all (None: unknown); or, with no file, the
# leads compared and how many there are.
Progress = Callable[[str, int, int | None], None]

_EVERY = 20_000
_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"
# How people and systems write "nothing".
_NOTHING = frozenset(("", "?", "-", "–", "null", "NULL", "n/a", "N/A", "#N/A", "nan", "NaN", "(blank)"))
# A column of the user's own with more texts than this groups nothing.
_MOST_GROUPS = 200
# Two files belong together by a column when so much of the smaller one is found in the larger.
_LEAST_FOUND = 0.3
_LEAST_UNIQUE = 0.98


@dataclass(frozen=True, slots=True)
class Column:
    """A column of texts: for each row the number of its text in `texts`, -1 for none."""

    codes: Codes
    texts: Sequence[str]

    def of_rows(self, rows: NDArray[np.int64]) -> Column:
        """The column for other rows, by number; row -1 has none."""
        if not len(self.codes):
            return Column(np.full(len(rows), -1, dtype=np.int32), self.texts)
        return Column(np.where(rows >= 0, self.codes[rows], -1).astype(np.int32), self.texts)


@dataclass(slots=True)
class Table:
    """A file, or several that were put together. `roles`: the column of each role.

    `guests`: columns that came from another file, with the rows that this file knows. `notes` are sentences.
    """

    path: str
    count: int
    columns: dict[str, Column]
    roles: dict[str, str]
    guests: dict[str, NDArray[np.bool_]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def role(self, role: str) -> Column | None:
        """The column that has this role."""
        return self.columns.get(self.roles.get(role, ""))


def read_tables(
    paths: Sequence[str],
    given: Mapping[str, str],
    encoding: str | None = None,
    on_progress: Progress | None = None,
) -> list[Table]:
    """The tables of files (CSV, JSON, NDJSON, Parquet; gzip too). `given` is a column by role and wins.

    Raises LeadlaneError where a file cannot be read, or `given` names what no file has.
    """
    if unknown := next((role for role in given if role not in NAMES), None):
        raise LeadlaneError(
            _("--map: there is no role “{role}”").format(role=unknown),
            did_you_mean(unknown, NAMES) or _("there are {known}").format(known=", ".join(NAMES)),
        )
    tables = [_read(path, len(paths) > 1, given, encoding, on_progress) for path in paths]
    _check_given(given, tables)
    return tables


def _read(
    path: str, keep_all: bool, given: Mapping[str, str], encoding: str | None, on_progress: Progress | None
) -> Table:
    with _unpacked(path) as plain:
        if _begins(plain, _PARQUET):
            headers, rows = _parquet(plain)
            return _table(path, headers, rows, keep_all, given, [])
        with open_rows("-" if path == "-" else plain, encoding=encoding) as opened:
            unread: list[str] = []

            def good() -> Iterator[Sequence[object]]:
                for row in opened:
                    if on_progress is not None and row.number % _EVERY == 0:
                        on_progress(path, opened.bytes_read, opened.size)
                    if isinstance(row, Row):
                        # Rows of CSV have all columns, in their order; objects of JSON need not.
                        yield (
                            list(row.data.values())
                            if opened.format == "csv"
                            else [row.data.get(header) for header in opened.headers]
                        )
                    else:
                        unread.append(f"{row.number}: {row.reason}")

            table = _table(path, opened.headers, good(), keep_all, given, opened.notes)
    if unread:
        said = ngettext(
            "{file}: {n} row could not be read and is left out: row {first}",
            "{file}: {n} rows could not be read and are left out; the first is row {first}",
            len(unread),
        )
        table.notes.append(said.format(file=Path(path).name, n=len(unread), first=unread[0]))
    return table


@contextmanager
def _unpacked(path: str) -> Iterator[Path]:
    """The file itself, or, where it is packed by gzip, a plain copy that is removed afterwards."""
    place = Path(path)
    if not _begins(place, _GZIP):
        yield place
        return
    with tempfile.TemporaryDirectory(prefix="leadlane-audit-") as folder:
        plain = Path(folder) / (place.stem if place.suffix == ".gz" else place.name)
        with gzip.open(place) as packed, plain.open("wb") as target:
            try:
                shutil.copyfileobj(packed, target)
            except (OSError, EOFError) as error:
                raise LeadlaneError(
                    _("{file} cannot be unpacked: {detail}").format(file=path, detail=error),
                    _("export it again, or unpack it yourself and give the plain file"),
                ) from None
        yield plain


def _begins(path: Path, mark: bytes) -> bool:
    """Whether a file begins with some bytes; a pipe, or a file that is not there, does not."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(mark)) == mark


def _parquet(path: Path) -> tuple[Sequence[str], Iterator[Sequence[object]]]:
    # Imported here because most audits are of text files.
    import duckdb

    # What a file asks for is not fetched from anywhere.
    reader = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    try:
        reader.execute("SET TimeZone = 'UTC'")
        # The name of a file is no pattern, and what a folder is called is no column.
        select = "SELECT COLUMNS(*)::VARCHAR FROM read_parquet(?, hive_partitioning = false)"
        reader.execute(select, [escape(str(path))])
    except duckdb.Error as error:
        raise LeadlaneError(
            _("{file} cannot be read as Parquet: {detail}").format(file=path, detail=error)
        ) from None

    def rows() -> Iterator[Sequence[object]]:
        with reader:
            while chunk := reader.fetchmany(_EVERY):
                yield from chunk

    return [column[0] for column in reader.description or ()], rows()


def _table(
    path: str,
    headers: Sequence[str],
    rows: Iterator[Sequence[object]],
    keep_all: bool,
    given: Mapping[str, str],
    notes: list[str],
) -> Table:
    known = {header_key(header) for header in headers}
    mine = {role: column for role, column in given.items() if header_key(column) in known}
    found = find_columns(headers, frozenset(NAMES), VOCABULARY, mine)
    if found.problems:
        raise LeadlaneError("\n".join(f"{Path(path).name}: {problem}" for problem in found.problems))
    roles = {role: header for header, role in found.targets.items() if given.get(role) != ""}
    wanted = [header for header in headers if header not in REJECT_COLUMNS]
    codes, texts, count = _interned(headers, rows, frozenset(wanted if keep_all else found.targets))
    columns = {
        header: Column(np.frombuffer(codes[place], dtype=np.int32), texts[place])
        for place, header in enumerate(headers)
        if header in wanted and len(codes[place]) == count
    }
    if not count:
        raise LeadlaneError(_("{file} has no rows that can be read").format(file=path))
    return Table(path, count, columns, roles, {}, list(notes))


def _interned(
    headers: Sequence[str], rows: Iterator[Sequence[object]], kept: frozenset[str]
) -> tuple[list[array[int]], list[list[str]], int]:
    """For each column the number of every row's text, and the texts; a column that is given up ends early."""
    codes: list[array[int]] = [array("i") for _header in headers]
    numbers: list[dict[str, int]] = [{} for _header in headers]
    active = [(place, header in kept) for place, header in enumerate(headers)]
    count = 0
    for row in rows:
        count += 1
        given_up = False
        for place, keep in active:
            value = row[place]
            text = "" if value is None else value.strip() if type(value) is str else str(value)
            seen = numbers[place]
            code = seen.get(text)
            if code is None:
                code = -1 if text in _NOTHING else len(seen)
                if code >= 0:
                    seen[text] = code
                    given_up |= not keep and code > _MOST_GROUPS
            codes[place].append(code)
        if given_up:
            active = [(place, keep) for place, keep in active if keep or len(numbers[place]) <= _MOST_GROUPS]
    return codes, [list(seen) for seen in numbers], count


def _check_given(given: Mapping[str, str], tables: Sequence[Table]) -> None:
    """LeadlaneError where --map names a column that no file has."""
    headers = [header for table in tables for header in table.columns]
    for column in given.values():
        if column and header_key(column) not in {header_key(header) for header in headers}:
            raise LeadlaneError(
                _("--map: no file has a column “{column}”").format(column=column),
                did_you_mean(column, headers) or _("there are {known}").format(known=", ".join(headers)),
            )


# ---------------------------------------------------------------- putting files together


def joined(tables: Sequence[Table]) -> Table:
    """One table of leads: files of the same columns below each other, others beside it by a key they share.

    The leads are those of the file that says when leads arrived; of several the longest. Raises LeadlaneError
    for a file that shares no key with the others.
    """
    waiting = _stacked(tables)
    main = max(waiting, key=lambda table: ("arrived_at" in table.roles, table.count))
    waiting.remove(main)
    while waiting:
        found = [(link, table) for table in waiting if (link := _link(main, table)) is not None]
        if not found:
            raise LeadlaneError(
                _("{file} shares no column with {main} by which their rows belong together").format(
                    file=waiting[0].path, main=main.path
                ),
                _(
                    "give both a column of the same name, such as lead_id, with each value once in {file}"
                ).format(file=waiting[0].path),
            )
        link, table = max(found, key=lambda pair: pair[0].matched)
        _beside(main, table, link)
        waiting.remove(table)
    return main


def _stacked(tables: Sequence[Table]) -> list[Table]:
    """Files of the very same columns (January, February …) as one."""
    by_columns: dict[frozenset[str], list[Table]] = {}
    for table in tables:
        by_columns.setdefault(frozenset(table.columns), []).append(table)
    return [same[0] if len(same) == 1 else _stack(same) for same in by_columns.values()]


def _stack(same: Sequence[Table]) -> Table:
    columns = {}
    for header in same[0].columns:
        numbers: dict[str, int] = {}
        parts = []
        for table in same:
            column = table.columns[header]
            renumbered = [numbers.setdefault(text, len(numbers)) for text in column.texts]
            parts.append(np.array([*renumbered, -1], dtype=np.int32)[column.codes])
        columns[header] = Column(np.concatenate(parts), list(numbers))
    path = ", ".join(table.path for table in same)
    notes = [note for table in same for note in table.notes]
    return Table(path, sum(table.count for table in same), columns, same[0].roles, {}, notes)


@dataclass(frozen=True, slots=True)
class _Link:
    """How a table belongs to the main one: by which column, and its row for each row of the main one (-1)."""

    column: str
    other: str
    rows: NDArray[np.int64]
    matched: int


def _link(main: Table, other: Table) -> _Link | None:
    """The best way to put a table beside the main one, None where there is none."""
    by_key = {header_key(header): header for header in main.columns}
    pairs = [(by_key[key], header) for header in other.columns if (key := header_key(header)) in by_key]
    for ours, theirs in (
        ("id", "lead"),
        ("deal", "id"),
        ("id", "id"),
        ("email", "email"),
        ("owner", "owner"),
    ):
        if ours in main.roles and theirs in other.roles:
            pairs.append((main.roles[ours], other.roles[theirs]))
    links = [link for pair in dict.fromkeys(pairs) if (link := _try_link(main, other, *pair))]
    return max(links, key=lambda link: link.matched, default=None)


def _try_link(main: Table, other: Table, ours: str, theirs: str) -> _Link | None:
    column, key = main.columns[ours], other.columns[theirs]
    known = key.codes >= 0
    if known.sum() == 0 or len(key.texts) < _LEAST_UNIQUE * known.sum():
        return None
    row_of = np.full(len(key.texts), -1, dtype=np.int64)
    places = np.flatnonzero(known)[::-1]
    row_of[key.codes[places]] = places
    place = {text: number for number, text in enumerate(key.texts)}
    rows_of_text = np.array(
        [row_of[place[text]] if text in place else -1 for text in column.texts] + [-1], dtype=np.int64
    )
    rows = rows_of_text[column.codes]
    matched = int((rows >= 0).sum())
    used = int((rows_of_text >= 0).sum())
    if used < _LEAST_FOUND * min(len(key.texts), len(column.texts)):
        return None
    return _Link(ours, theirs, rows, matched)


def _beside(main: Table, other: Table, link: _Link) -> None:
    """Adds the columns of a table that the main one has not."""
    known = link.rows >= 0
    name = Path(other.path).name
    taken = {header_key(header) for header in main.columns}
    by_header = {header: role for role, header in other.roles.items()}
    for header, column in other.columns.items():
        if header == link.other or header_key(header) == header_key(link.column):
            continue
        role = by_header.get(header)
        if role is None and header_key(header) in taken:
            continue
        new = header if header not in main.columns else f"{name}: {header}"
        main.columns[new] = column.of_rows(link.rows)
        main.guests[new] = known
        if role is not None and role not in ("id", "lead"):
            main.roles.setdefault(role, new)
    main.notes += other.notes
    said = _("{file} was put beside the leads by its column “{column}”: {matched} of {count} rows have one.")
    main.notes.append(
        said.format(file=name, column=link.other, matched=f"{link.matched:,}", count=f"{main.count:,}")
    )
