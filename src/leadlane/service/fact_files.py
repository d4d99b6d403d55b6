"""Which months of facts are kept as files, and how are many of them read at once?

A month that has come to rest is kept as Parquet and read by DuckDB: of millions of leads, PostgreSQL would
hand over every record again for each report. The files may be deleted at any time. A file is named by the
edition of its month, so one that is out of date is never asked for; one that cannot be read is made anew.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np
from psycopg import Connection

from leadlane import config
from leadlane.insight.facts import RECORD, Fields, fields_of
from leadlane.logging import get_logger
from leadlane.store import facts as store
from leadlane.store.facts import Month, Stretch, Which

if TYPE_CHECKING:
    import duckdb

log = get_logger(__name__)

# A month is at rest when nothing of it has changed for so long.
_QUIET = timedelta(hours=1)
# Files of records of another form are not ours to read.
_FORM = f"{crc32(repr(RECORD.descr).encode()):08x}"
_COLUMNS = ", ".join(RECORD.names or ())
_WITHIN: Mapping[Which, str] = {
    "arrived": "arrived_at >= $since AND arrived_at < $until",
    "ended": "respond_by >= $since AND respond_by < $until AND service_level <> 0",
}


def folder_of(connection: Connection) -> Path:
    """Where the files of this database are, on this machine."""
    row = connection.execute("SELECT current_database(), current_schema()").fetchone()
    assert row is not None  # a SELECT of functions gives one row
    return config.settings().data_dir / "facts" / f"{row[0]}.{row[1]}"


def kept(folder: Path, months: Sequence[Month]) -> dict[Month, Path]:
    """Those of the months that there is a file of."""
    if not folder.is_dir():
        return {}
    return {month: path for month in months if (path := _path(folder, month)).is_file()}


def _path(folder: Path, month: Month) -> Path:
    return folder / f"{month.edition}.{_FORM}.parquet"


def read(paths: Sequence[Path], which: Which, period: Stretch, *, with_merged: bool) -> Fields | None:
    """The fields of the leads of some files that arrived, or whose promise ended, in a period.

    None where one of them cannot be read: then they are removed.
    """
    # Imported here because most reports are of weeks, which no file has.
    import duckdb

    values = {"since": period.since.timestamp(), "until": period.until.timestamp()}
    merged = "" if with_merged else "AND is_merged = 0"
    try:
        with duckdb.connect() as reader:
            found = reader.execute(
                f"SELECT {_COLUMNS} FROM read_parquet($paths) WHERE {_WITHIN[which]} {merged}",
                {**values, "paths": [str(path) for path in paths]},
            ).fetchnumpy()
    except duckdb.Error as error:
        log.warning("files of facts cannot be read and are made anew", error=str(error))
        for path in paths:
            path.unlink(missing_ok=True)
        return None
    return {name: np.ma.getdata(values) for name, values in found.items()}


def keep_next(connection: Connection, folder: Path, quiet: timedelta = _QUIET) -> bool:
    """Write the file of one month at rest that has none; whether there was one to write.

    When there is none, files that are of no month any more are removed.
    """
    import duckdb

    settled = store.settled_months(connection, quiet)
    present = kept(folder, settled)
    for month in settled:
        if month not in present and (records := store.read_month(connection, month)) is not None:
            folder.mkdir(parents=True, exist_ok=True)
            with duckdb.connect() as writer:
                _write(writer, fields_of([records]), _path(folder, month))
            return True
    for path in folder.glob("*"):
        if path not in present.values():
            path.unlink(missing_ok=True)
    return False


def _write(writer: duckdb.DuckDBPyConnection, fields: Mapping[str, Any], path: Path) -> None:
    unfinished = path.with_name(f".{secrets.token_hex(8)}")
    try:
        writer.register("fields", fields)
        writer.execute(
            f"COPY (SELECT {_COLUMNS} FROM fields) TO '{unfinished}' (FORMAT parquet, COMPRESSION zstd)"
        )
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        # Whoever else writes the same at this moment writes the same bytes' worth.
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
