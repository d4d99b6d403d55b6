"""How does a report leave Leadlane? Rows with columns that stay, as CSV or Parquet."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

from leadlane.errors import LeadlaneError
from leadlane.i18n import _
from leadlane.service.csv_cells import plain
from leadlane.service.reporting.report_kind import ColumnType

Columns = Mapping[str, ColumnType]
Rows = Sequence[Mapping[str, object]]

_PARQUET_TYPES: Mapping[ColumnType, str] = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "moment": "TIMESTAMPTZ",
}


def csv_text(columns: Columns, rows: Rows) -> str:
    """The rows as CSV, with a heading; what is None is empty, moments are ISO 8601 in UTC.

    A text that a spreadsheet would take for a formula begins with `'`.
    """
    out = StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows(_cells(columns, row) for row in rows)
    return out.getvalue()


def _cells(columns: Columns, row: Mapping[str, object]) -> Iterator[object]:
    for name in columns:
        match row[name]:
            case None:
                yield ""
            case bool() as is_so:
                yield "true" if is_so else "false"
            case datetime() as moment:
                yield moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
            case value:
                yield plain(value)


def parquet_bytes(columns: Columns, rows: Rows) -> bytes:
    """The rows as Parquet, with the types of their columns."""
    # Imported here because few exports are Parquet.
    import duckdb

    # All of a column is handed over at once: row by row takes some milliseconds for each.
    typed = ", ".join(f'unnest(?::{_PARQUET_TYPES[type_]}[]) AS "{name}"' for name, type_ in columns.items())
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as writer:
        made = Path(folder) / "report.parquet"
        writer.execute("SET TimeZone = 'UTC'")
        values = [[row[name] for row in rows] for name in columns]
        writer.execute(f"CREATE TABLE report AS SELECT {typed}", values)
        writer.table("report").write_parquet(str(made))
        return made.read_bytes()


def write_file(path: Path, content: bytes) -> None:
    """Write a file. LeadlaneError where that cannot be."""
    try:
        path.write_bytes(content)
    except OSError as error:
        raise LeadlaneError(
            _("{file} cannot be written: {detail}").format(file=path, detail=error.strerror),
            _("Check the folder and its permissions."),
        ) from None
