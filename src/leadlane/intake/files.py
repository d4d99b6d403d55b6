"""Which rows are in this file? CSV, JSON and NDJSON of any size and shape, one bad row at a time.

Reading is a stream with constant memory. What is wrong with a row costs that row alone: it comes out as a
`BadRow`, and reading goes on at the next place where a row can begin.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, Literal

import orjson

from leadlane.errors import LeadlaneError
from leadlane.i18n import _, ngettext
from leadlane.intake.columns import REJECT_COLUMNS
from leadlane.intake.problems import shorten

Format = Literal["csv", "json", "ndjson"]

# A row longer than this is refused unread; its bytes pass through without being kept.
LONGEST_ROW = 1_000_000
# A quoted cell open for more lines than this was never meant to be open.
MOST_LINES_IN_ROW = 200
# How much of the beginning decides on encoding, format and delimiter.
SAMPLE_BYTES = 65_536
# How many JSON rows are looked at for the list of keys.
ROWS_FOR_KEYS = 100
# One JSON lead may be longer, because it can only be passed over by reading it.
LONGEST_JSON_ROW = 32_000_000
# The raw text that is kept of a row that cannot be read.
LONGEST_KEPT = 100_000

_DELIMITERS = (",", ";", "\t", "|")
_ENCODING_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ESCAPED_BYTE = re.compile("[\udc80-\udcff]")
_WHITE = "\ufeff \t\r\n"
_BETWEEN = re.compile(r"[\s,\ufeff]*").match
# How Excel workbooks begin: .xlsx (a ZIP archive), and .xls.
_WORKBOOK_MARKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_EXCEL_HINT = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE).fullmatch


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its `number` among the data rows from 1, the `line` where it begins, its cells by column."""

    number: int
    line: int
    data: dict[str, object]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be read; `text` is what stands there, at most 100,000 characters of it."""

    number: int
    line: int
    text: str
    reason: str


class UnreadableFileError(LeadlaneError):
    """The file as a whole cannot be read: it is missing, empty, or of no known format."""


class Rows:
    """An iterator over the rows of an open file, and what is known of the file.

    `headers`: the columns; for JSON the keys of the first rows. `notes`: sentences on what had to be assumed,
    growing while reading. `size`: bytes, None for a pipe; `bytes_read` grows towards it.
    """

    def __init__(self, source: _Counted, format: Format, encoding: str) -> None:
        self._source = source
        self._rows: Iterator[Row | BadRow] = iter(())
        self.format: Format = format
        self.encoding = encoding
        self.delimiter = ","
        self.headers: tuple[str, ...] = ()
        self.notes: list[str] = []

    @property
    def size(self) -> int | None:
        return self._source.size

    @property
    def bytes_read(self) -> int:
        return self._source.bytes_read

    def __iter__(self) -> Iterator[Row | BadRow]:
        return self._rows

    def __next__(self) -> Row | BadRow:
        return next(self._rows)

    def __enter__(self) -> Rows:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        self._source.close()


def open_rows(
    path: str | Path,
    *,
    format: Format | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    on_bytes: Callable[[int], None] | None = None,
    list_key: str = "leads",
) -> Rows:
    """Opens a file of leads ("-" is standard input) for reading row by row; close it, or use it in `with`.

    Format, encoding and delimiter are found out where they are not given. `on_bytes` is called with the total
    of bytes read so far. A JSON document that is an object has its rows in the list under `list_key`. Raises
    UnreadableFileError when the file as a whole cannot be read.
    """
    source = _Counted(path, on_bytes)
    try:
        return _open_rows(source, str(path), format, encoding, delimiter, list_key)
    except BaseException:
        source.close()
        raise


def _open_rows(
    source: _Counted,
    name: str,
    format: Format | None,
    encoding: str | None,
    delimiter: str | None,
    list_key: str,
) -> Rows:
    buffer = io.BufferedReader(source, SAMPLE_BYTES)  # type: ignore[type-var]
    sample = buffer.peek(SAMPLE_BYTES)
    if not sample.strip():
        raise UnreadableFileError(
            _("{file} is empty").format(file=name), _("give a file with at least one lead")
        )
    if sample.startswith(_WORKBOOK_MARKS):
        raise UnreadableFileError(
            _("{file} is an Excel workbook, whatever its name says").format(file=name),
            _("open it in a spreadsheet, save it as CSV (UTF-8), and give that file"),
        )
    encoding = encoding or _encoding_of(sample)
    try:
        text = io.TextIOWrapper(buffer, encoding, errors=_error_rule(encoding), newline="")
    except LookupError:
        raise UnreadableFileError(_("there is no encoding {name}").format(name=encoding)) from None
    decoded = sample.decode(encoding, "replace")
    rows = Rows(source, format or _format_of(name, decoded), encoding)
    lines = _Lines(text, rows)
    if rows.format == "csv":
        _start_csv(rows, lines, name, decoded, delimiter)
    elif rows.format == "ndjson":
        _start_json(rows, _ndjson_rows(lines))
    else:
        _start_json(rows, _json_rows(text, list_key))
    return rows


class _Counted(io.RawIOBase):
    """A file of bytes that counts what was read, so that the caller can show how far it is."""

    def __init__(self, path: str | Path, on_bytes: Callable[[int], None] | None) -> None:
        self._on_bytes = on_bytes
        self.bytes_read = 0
        self.size: int | None = None
        if str(path) == "-":
            self._file: BinaryIO = sys.stdin.buffer
            return
        try:
            self._file = Path(path).open("rb")  # noqa: SIM115 - closed by close()
        except OSError as error:
            raise UnreadableFileError(
                _("{file} cannot be opened: {detail}").format(file=path, detail=error.strerror)
            ) from None
        self.size = Path(path).stat().st_size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        count = self._file.readinto(buffer)  # type: ignore[attr-defined]
        self.bytes_read += count or 0
        if self._on_bytes:
            self._on_bytes(self.bytes_read)
        return count or 0

    def close(self) -> None:
        if not self.closed and hasattr(self, "_file") and self._file is not sys.stdin.buffer:
            self._file.close()
        super().close()


@dataclass(frozen=True, slots=True)
class _Line:
    """A physical line: its number from 1, its text with the line end, and why it cannot be read, if so."""

    number: int
    text: str
    fault: str = ""


class _Lines:
    """The physical lines of a text, with lines put back that a broken row had taken."""

    def __init__(self, text: io.TextIOWrapper, rows: Rows) -> None:
        self._read = text.readline
        self._rows = rows
        self._put_back: list[_Line] = []
        self._number = 0
        self._noted = False

    def __iter__(self) -> Iterator[_Line]:
        while (line := self.next()) is not None:
            yield line

    def next(self) -> _Line | None:
        """The next line, None at the end."""
        if self._put_back:
            return self._put_back.pop()
        text = self._read(LONGEST_ROW)
        if not text:
            return None
        self._number += 1
        number = self._number
        if len(text) >= LONGEST_ROW and text[-1] not in "\r\n":
            self._skip_rest()
            return _Line(
                number,
                text[:LONGEST_KEPT],
                _("the row is longer than {longest} characters").format(longest=f"{LONGEST_ROW:,}"),
            )
        if text.isascii():
            fault = _("the row contains NUL characters") if "\0" in text else ""
            return _Line(number, text, fault)
        return self._checked(number, text)

    def put_back(self, lines: Sequence[_Line]) -> None:
        """Lines to be read again, in their order, before any other."""
        self._put_back.extend(reversed(lines))

    def _skip_rest(self) -> None:
        while (part := self._read(LONGEST_ROW)) and part[-1] not in "\r\n":
            pass

    def _checked(self, number: int, text: str) -> _Line:
        """A line with other than ASCII characters; bytes that are not UTF-8 are read as Windows-1252."""
        fault = ""
        if _ESCAPED_BYTE.search(text):
            text = _repaired(text) if self._rows.encoding.startswith("utf-8") else text
            if _ESCAPED_BYTE.search(text):
                text = _ESCAPED_BYTE.sub("\ufffd", text)
                fault = _("the row contains bytes that are no text in its encoding")
            else:
                self._note_cp1252(number)
        if "\0" in text:
            fault = _("the row contains NUL characters")
        return _Line(number, text, fault)

    def _note_cp1252(self, number: int) -> None:
        if not self._noted:
            self._noted = True
            self._rows.notes.append(
                _(
                    "From line {line} on there are characters that are not UTF-8; they were read as "
                    "Windows-1252. If names look wrong, give the encoding of the file."
                ).format(line=number)
            )


def _repaired(text: str) -> str:
    """A text in which bytes that are not UTF-8 are read as Windows-1252, where they mean something."""
    return _ESCAPED_BYTE.sub(_as_cp1252, text) if not text.isascii() else text


def _as_cp1252(escaped: re.Match[str]) -> str:
    return bytes([ord(escaped[0]) - 0xDC00]).decode("cp1252", "surrogateescape")


def _encoding_of(sample: bytes) -> str:
    for mark, encoding in _ENCODING_MARKS:
        if sample.startswith(mark):
            return encoding
    # UTF-16 without a mark: Latin text has a NUL in every second byte.
    half = max(1, len(sample) // 2)
    if sample[1::2].count(0) > 0.4 * half and sample[::2].count(0) < 0.1 * half:
        return "utf-16-le"
    if sample[::2].count(0) > 0.4 * half and sample[1::2].count(0) < 0.1 * half:
        return "utf-16-be"
    return "utf-8"


def _error_rule(encoding: str) -> str:
    """How undecodable bytes are kept: as they are in encodings made of single bytes, else marked."""
    return "replace" if "16" in encoding or "32" in encoding else "surrogateescape"


def _format_of(name: str, sample: str) -> Format:
    suffix = Path(name).suffix.lower()
    if suffix in (".ndjson", ".jsonl"):
        return "ndjson"
    if suffix in (".csv", ".tsv", ".txt"):
        return "csv"
    start = sample.lstrip(_WHITE)
    if start[:1] not in ("[", "{"):
        if suffix == ".json":
            raise UnreadableFileError(
                _("{file} is not JSON: it begins with {start}").format(file=name, start=shorten(start, 20)),
                _("a JSON file of leads begins with [ or {brace}").format(brace="{"),
            )
        return "csv"
    first, *others = [line for line in start.splitlines() if line.strip()]
    if start[0] == "{" and others and _is_json(first) and others[0].lstrip().startswith("{"):
        return "ndjson"
    return "json"


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


# ---------------------------------------------------------------- CSV


def _start_csv(rows: Rows, lines: _Lines, name: str, sample: str, delimiter: str | None) -> None:
    first = lines.next()
    if first is not None and (hint := _EXCEL_HINT(first.text.lstrip("\ufeff"))):
        delimiter, first = delimiter or hint[1], lines.next()
    while first is not None and not first.text.strip():
        first = lines.next()
    if first is None:
        raise UnreadableFileError(
            _("{file} is empty").format(file=name), _("give a file with at least one lead")
        )
    rows.delimiter = delimiter or _delimiter_of(sample)
    dialect = _dialect(rows.delimiter, first.text)
    lines.put_back([first])
    header = next(_records(lines, dialect, None))
    if isinstance(header, BadRow):
        raise UnreadableFileError(
            _("the header of {file} cannot be read: {reason}").format(file=name, reason=header.reason),
            _("correct line {line}").format(line=header.line),
        )
    cells = [cell.strip().lstrip("\ufeff") for cell in header[2]]
    while len(cells) > 1 and not cells[-1]:
        cells.pop()
    rows.headers = tuple(
        cell or _("column {position}").format(position=position)
        for position, cell in enumerate(cells, start=1)
    )
    rows._rows = _csv_rows(lines, dialect, rows.headers)


def _delimiter_of(sample: str) -> str:
    """The delimiter under which most of the first rows are as wide as the header; of two, the wider."""
    lines = [line for line in sample.splitlines()[:21] if line.strip()]
    if len(sample) >= SAMPLE_BYTES and len(lines) > 1:
        lines.pop()

    def fit(delimiter: str) -> tuple[bool, float, int]:
        widths = [len(cells) for cells in csv.reader(lines, delimiter=delimiter)]
        agreeing = sum(width == widths[0] for width in widths) / len(widths)
        return widths[0] > 1, agreeing, widths[0]

    try:
        return max(_DELIMITERS, key=fit)
    except csv.Error:
        return max(_DELIMITERS, key=lines[0].count)


def _dialect(delimiter: str, header: str) -> type[csv.Dialect]:
    class Found(csv.excel):
        strict = True

    Found.delimiter = delimiter
    # `a, "b"`: the space before the quote would make the quote a part of the cell.
    Found.skipinitialspace = bool(re.search(re.escape(delimiter) + ' +"', header))
    return Found


def _csv_rows(lines: _Lines, dialect: type[csv.Dialect], headers: tuple[str, ...]) -> Iterator[Row | BadRow]:
    width = len(headers)
    for number, record in enumerate(_records(lines, dialect, width), start=1):
        if isinstance(record, BadRow):
            yield BadRow(number, record.line, record.text, record.reason)
            continue
        line, text, cells = record
        cells = _without_surplus(cells, width)
        if len(cells) != width:
            yield BadRow(number, line, text[:LONGEST_KEPT].rstrip("\r\n"), _wrong_width(len(cells), width))
            continue
        row = Row(number, line, dict(zip(headers, cells, strict=True)))
        yield _csv_row_of_text(row, dialect) if _is_text_only(row) else row


def _is_text_only(row: Row) -> bool:
    """Whether this row of a rejects file has nothing but the text of a row that could not be read."""
    text = row.data.get("_text")
    return (
        isinstance(text, str)
        and bool(text.strip())
        and not any(value for column, value in row.data.items() if column not in REJECT_COLUMNS)
    )


def _csv_row_of_text(row: Row, dialect: type[csv.Dialect]) -> Row | BadRow:
    """The row that stands, corrected or not, in `_text`."""
    text = str(row.data["_text"])
    if "\ufffd" in text:
        return BadRow(
            row.number, row.line, text, _("the row contains bytes that are no text in its encoding")
        )
    columns = [column for column in row.data if column not in REJECT_COLUMNS]
    reason = ""
    # A spreadsheet may have saved the file with another delimiter than the one that the text still has.
    for delimiter in dict.fromkeys((dialect.delimiter, *_DELIMITERS)):
        try:
            cells = next(csv.reader([text], dialect, delimiter=delimiter))
        except csv.Error as error:
            reason = reason or _csv_reason(error)
            continue
        cells = _without_surplus(cells, len(columns))
        if len(cells) == len(columns) and (len(cells) > 1 or delimiter == dialect.delimiter):
            return Row(row.number, row.line, dict(zip(columns, cells, strict=True)))
        reason = reason or _wrong_width(len(cells), len(columns))
    return BadRow(row.number, row.line, text, reason)


def _records(
    lines: _Lines, dialect: type[csv.Dialect], width: int | None
) -> Iterator[tuple[int, str, list[str]] | BadRow]:
    """Records as (line, raw text, cells); blank lines are none.

    A quoted cell may run over lines. It is taken for a broken quote when what comes out is no proper record:
    the quote closes in the middle of a cell, runs over too many lines or to the end of the file, or leaves
    the wrong number of cells. Then only the line where the record began is refused, and the next begins anew.
    """
    for line in lines:
        if line.fault:
            yield BadRow(0, line.number, line.text[:LONGEST_KEPT].rstrip("\r\n"), line.fault)
            continue
        if not line.text.strip("\r\n"):
            continue
        cells, reason, taken = _record(line, lines, dialect, width)
        if cells is None:
            lines.put_back(taken)
            yield BadRow(0, line.number, line.text[:LONGEST_KEPT].rstrip("\r\n"), reason)
        else:
            yield line.number, line.text + "".join(more.text for more in taken), cells


def _record(
    line: _Line, lines: _Lines, dialect: type[csv.Dialect], width: int | None
) -> tuple[list[str] | None, str, list[_Line]]:
    """The cells of the record that begins at `line` (None: broken, and why), and the other lines it took."""
    text = line.text
    taken: list[_Line] = []
    while True:
        try:
            cells = next(csv.reader([text], dialect))
        except csv.Error as error:
            if "unexpected end of data" not in str(error):
                return None, _csv_reason(error), taken
        else:
            if taken and width is not None and len(_without_surplus(cells, width)) != width:
                break
            return cells, "", taken
        # A line without a quote cannot close the cell, so it is not worth parsing again.
        more = _take_until_quote(lines, taken, LONGEST_ROW - len(text))
        if more is None:
            break
        text += more
    return None, _("a quote is opened in this line and not closed properly"), taken


def _take_until_quote(lines: _Lines, taken: list[_Line], room: int) -> str | None:
    """Takes lines up to the next one with a quote, and gives their text; None when none may follow."""
    parts: list[str] = []
    while len(taken) < MOST_LINES_IN_ROW and (line := lines.next()) is not None:
        taken.append(line)
        parts.append(line.text)
        room -= len(line.text)
        if line.fault or room < 0:
            return None
        if '"' in line.text:
            return "".join(parts)
    return None


def _csv_reason(error: csv.Error) -> str:
    if "field limit" in str(error):
        return _("a cell is longer than {longest} characters").format(longest=f"{csv.field_size_limit():,}")
    return _("a quote stands in the middle of a cell, or is not closed properly")


def _without_surplus(cells: list[str], width: int) -> list[str]:
    """The cells without empty ones beyond the last column: spreadsheets end rows with them."""
    return cells[:width] if len(cells) > width and not any(cells[width:]) else cells


def _wrong_width(found: int, expected: int) -> str:
    return ngettext(
        "the row has {n} cell, and the header has {expected}",
        "the row has {n} cells, and the header has {expected}",
        found,
    ).format(n=found, expected=expected)


# ---------------------------------------------------------------- JSON


def _start_json(rows: Rows, found: Iterator[Row | BadRow]) -> None:
    found = map(_json_row_of_text, found)
    first = list(islice(found, ROWS_FOR_KEYS))
    rows.headers = tuple(dict.fromkeys(key for row in first if isinstance(row, Row) for key in row.data))
    rows._rows = chain(first, found)


def _json_row_of_text(row: Row | BadRow) -> Row | BadRow:
    """The lead that stands, corrected or not, in the `_text` of a rejects file; other rows as they are."""
    if isinstance(row, BadRow) or not _is_text_only(row):
        return row
    text = str(row.data["_text"])
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return BadRow(row.number, row.line, text, _("this is not JSON: {detail}").format(detail=error))
    is_lead = isinstance(value, dict)
    return (
        Row(row.number, row.line, value) if is_lead else BadRow(row.number, row.line, text, _not_an_object())
    )


def _ndjson_rows(lines: _Lines) -> Iterator[Row | BadRow]:
    number = 0
    for line in lines:
        text = line.text.strip().lstrip("\ufeff")
        if not text:
            continue
        number += 1
        reason, value = line.fault, None
        if not reason:
            try:
                value = orjson.loads(text)
            except orjson.JSONDecodeError as error:
                reason = _("this is not JSON: {detail}").format(detail=error)
        if reason or not isinstance(value, dict):
            yield BadRow(number, line.number, text[:LONGEST_KEPT], reason or _not_an_object())
        else:
            yield Row(number, line.number, value)


def _json_rows(text: io.TextIOWrapper, list_key: str) -> Iterator[Row | BadRow]:
    """The rows of a JSON document, one after another.

    The standard decoder takes one value at a time from a window of text that grows until the value is whole.
    The streaming parsers there are crash, or take memory without bound, on a thousand nested brackets.
    """
    window = _repaired(text.read(SAMPLE_BYTES))
    at, in_array = _json_start(window, list_key)
    number, line = 0, 1 + window.count("\n", 0, at)
    whole_document = not window[: at - 1].strip(_WHITE)
    while True:
        begin = _BETWEEN(window, at).end()  # type: ignore[union-attr]
        line += window.count("\n", at, begin)
        at = begin
        if window[at : at + 1] == "]" and in_array:
            if whole_document and (window[at + 1 :] + text.read(SAMPLE_BYTES)).strip():
                yield BadRow(number + 1, line, "", _("there is text behind the end of the list"))
            return
        try:
            value, end = _decode_json(window, at)
        except (json.JSONDecodeError, RecursionError) as error:
            more = (
                "" if _hopeless(error, len(window) - at) else text.read(max(SAMPLE_BYTES, len(window) - at))
            )
            if more:
                window, at = window[at:] + _repaired(more), 0
                continue
            if at < len(window) or in_array:
                yield _broken_json(number, line, window, at, error)
            return
        number += 1
        is_lead = isinstance(value, dict)
        yield Row(number, line, value) if is_lead else BadRow(number, line, shorten(value), _not_an_object())
        line += window.count("\n", at, end)
        at = end


def _json_start(sample: str, list_key: str) -> tuple[int, bool]:
    """Where the rows begin in a JSON document, and whether in a list: the document, or that of its key."""
    start = len(sample) - len(sample.lstrip(_WHITE))
    if sample[start : start + 1] == "[":
        return start + 1, True
    found = re.search(rf'"{re.escape(list_key)}"\s*:\s*\[', sample)
    return (found.end(), True) if found else (start, False)


def _hopeless(error: Exception, length: int) -> bool:
    """Whether more text cannot make a value of this one."""
    return isinstance(error, RecursionError) or length > LONGEST_JSON_ROW


def _broken_json(number: int, line: int, window: str, at: int, error: Exception) -> BadRow:
    if isinstance(error, json.JSONDecodeError):
        line += window.count("\n", at, error.pos)
        detail = error.msg
    else:
        detail = _("the values are nested too deeply")
    return BadRow(
        number + 1,
        line,
        window[at : at + LONGEST_KEPT],
        _(
            "the JSON is broken or breaks off in line {line}; nothing after row {number} was read: {detail}"
        ).format(line=line, number=number, detail=detail),
    )


def _whole(digits: str) -> int | float:
    # Thousands of digits are refused by int(), and would take the rest of the file with them.
    return int(digits) if len(digits) < 20 else float(digits)


_decode_json = json.JSONDecoder(parse_int=_whole, parse_constant=float).raw_decode


def _not_an_object() -> str:
    return _("a lead is an object in braces")
