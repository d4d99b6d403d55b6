"""Files of a report: the columns in their order, no formula in CSV, types in Parquet."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import duckdb
import pytest

from leadlane.errors import LeadlaneError
from leadlane.service.reporting.report_files import Columns, csv_text, parquet_bytes, write_file

COLUMNS: Columns = {
    "since": "moment", "name": "text", "count": "integer", "share": "number", "is_small": "boolean",
}  # fmt: skip
SINCE = datetime(2026, 3, 2, 9, tzinfo=UTC)
# The order of a row is its own; what is no column is left out.
ROWS = [
    {"name": "=cmd()", "count": 3, "share": None, "is_small": True, "since": SINCE, "note": "x"},
    {"name": None, "count": 40, "share": 0.25, "is_small": False, "since": SINCE},
]


def test_csv_has_the_columns_in_their_order_and_no_formula() -> None:
    heading, *rows = csv.reader(StringIO(csv_text(COLUMNS, ROWS)))
    assert heading == list(COLUMNS)
    assert rows == [
        ["2026-03-02T09:00:00Z", "'=cmd()", "3", "", "true"],
        ["2026-03-02T09:00:00Z", "", "40", "0.25", "false"],
    ]


def test_parquet_has_the_same_rows_with_their_types(tmp_path: Path) -> None:
    file = tmp_path / "report.parquet"
    write_file(file, parquet_bytes(COLUMNS, ROWS))
    with duckdb.connect() as reader:
        # Moments as milliseconds: to be read as such they need a library that nothing else does.
        asked = "SELECT * REPLACE (epoch_ms(since) AS since), typeof(since) FROM read_parquet(?)"
        found = reader.execute(asked, [str(file)])
        assert [column[0] for column in found.description or ()][:5] == list(COLUMNS)
        moment = SINCE.timestamp() * 1000
        assert found.fetchall() == [
            (moment, "=cmd()", 3, None, True, "TIMESTAMP WITH TIME ZONE"),
            (moment, None, 40, 0.25, False, "TIMESTAMP WITH TIME ZONE"),
        ]


def test_nothing_is_a_file_too(tmp_path: Path) -> None:
    assert csv_text(COLUMNS, []) == ",".join(COLUMNS) + "\r\n"
    (tmp_path / "empty.parquet").write_bytes(parquet_bytes(COLUMNS, []))
    with duckdb.connect() as reader:
        found = reader.execute("SELECT count(*) FROM read_parquet(?)", [str(tmp_path / "empty.parquet")])
        assert found.fetchall() == [(0,)]


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(LeadlaneError, match="cannot be written"):
        write_file(tmp_path / "no" / "report.csv", b"")
