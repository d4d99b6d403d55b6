"""Where do refused rows go? Into a file like the one they came from, to be corrected there and fed back."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from contextlib import suppress
from itertools import chain, count
from pathlib import Path
from types import TracebackType
from typing import IO

import orjson

from leadlane.errors import LeadlaneError
from leadlane.i18n import _
from leadlane.intake.columns import REJECT_COLUMNS, Columns
from leadlane.intake.files import BadRow, Format, Row
from leadlane.intake.problems import Problem


class RejectsFile:
    """Refused rows with `_row`, `_column` and `_reason`; `_text` has a row that is not split into cells.

    A CSV file has the columns and the delimiter of its origin; refused JSON is written as JSON lines. The
    file is made for the first refused row, and rows are flushed as they come. One that exists may hold
    somebody's corrections and is never touched: `path` becomes the next free name (see `free_name`).
    """

    def __init__(
        self, path: str | Path, headers: Sequence[str], format: Format, delimiter: str = ","
    ) -> None:
        self.path = Path(path)
        self.count = 0
        self._columns = [*(header for header in headers if header not in REJECT_COLUMNS), *REJECT_COLUMNS]
        self._format = format
        self._delimiter = delimiter
        self._file: IO[str] | None = None

    def add_bad_row(self, row: BadRow) -> None:
        """A row of the file that could not be read."""
        # A NUL would make the line unreadable that it is to be corrected in.
        self._write({}, row.number, "", row.reason, row.text.replace("\0", "\ufffd"))

    def add(self, row: Row, problems: Sequence[Problem], columns: Columns) -> None:
        """A row that was read and refused as a lead, with all its problems."""
        names = dict.fromkeys(_column_of(problem, columns) for problem in problems)
        reasons = " | ".join(explain(problem, columns) for problem in problems)
        text = str(row.data.get("_text") or "")
        self._write(row.data, row.number, "; ".join(filter(None, names)), reasons, text)

    def close(self) -> None:
        """Closes the file, if there was anything to write."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> RejectsFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What was refused until an interruption is worth keeping too.
        self.close()

    def _write(self, data: dict[str, object], number: int, column: str, reason: str, text: str) -> None:
        file = self._file or self._open()
        values = dict(zip(REJECT_COLUMNS, (number, column, reason, text), strict=True))
        if self._format == "csv":
            writer = csv.DictWriter(file, self._columns, extrasaction="ignore", delimiter=self._delimiter)
            writer.writerow({**data, **values})
        else:
            kept = {key: value for key, value in data.items() if key not in REJECT_COLUMNS}
            file.write(
                orjson.dumps({**kept, **{key: value for key, value in values.items() if value}}).decode()
                + "\n"
            )
        file.flush()
        self.count += 1

    def _open(self) -> IO[str]:
        # Spreadsheets take a CSV file for UTF-8 only with the mark.
        encoding = "utf-8-sig" if self._format == "csv" else "utf-8"
        wanted = self.path
        try:
            while self._file is None:
                self.path = free_name(wanted)
                with suppress(FileExistsError):
                    self._file = self.path.open("x", encoding=encoding, errors="replace", newline="")
        except OSError as error:
            raise LeadlaneError(
                _("The file {path} for refused rows cannot be written: {reason}").format(
                    path=self.path, reason=error.strerror
                ),
                _("Make its folder writable, or copy the file of leads to one that is."),
            ) from error
        if self._format == "csv":
            csv.writer(self._file, delimiter=self._delimiter).writerow(self._columns)
        return self._file


def rejects_path(path: str | Path, format: Format) -> Path:
    """Where the refused rows of a file go by default: `leads.csv` → `leads.rejected.csv`, beside it."""
    if str(path) == "-":
        return Path("leads.rejected.csv" if format == "csv" else "leads.rejected.jsonl")
    suffix = (Path(path).suffix or ".csv") if format == "csv" else ".jsonl"
    return Path(path).with_name(Path(path).stem + ".rejected" + suffix)


def free_name(path: Path) -> Path:
    """`path`; where it exists, the first of `leads.rejected-2.csv`, `leads.rejected-3.csv` … that is free."""
    numbered = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in count(2))
    return next(name for name in chain([path], numbered) if not os.path.lexists(name))


def explain(problem: Problem, columns: Columns) -> str:
    """A problem in one sentence, with its column, what stands there, and what to write instead."""
    name = _column_of(problem, columns)
    if not name:
        sentence = problem.reason
    else:
        sentence = _("{column} “{value}”: {reason}").format(
            column=name, value=problem.value, reason=problem.reason
        )
    if not problem.suggestion:
        return sentence
    return _("{sentence} ({suggestion})").format(sentence=sentence, suggestion=problem.suggestion)


def _column_of(problem: Problem, columns: Columns) -> str:
    return columns.column_of(problem.field.partition("[")[0])
