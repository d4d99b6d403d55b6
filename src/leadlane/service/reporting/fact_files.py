"""Which months of facts are kept as files, and how are many of them read at once?

A month that has come to rest is kept as columns, as they lie in memory: of millions of leads, PostgreSQL
would hand over every record again for each report. The files may be deleted at any time. A file is named by
the edition of its month, so one that is out of date is never asked for; one that is not whole is made anew.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from uuid import UUID
from zlib import crc32

import numpy as np
from psycopg import Connection

from leadlane import config
from leadlane.insight.facts import RECORD, Fields, fields_of
from leadlane.insight.groups import Flags
from leadlane.logging import get_logger
from leadlane.store import facts as store
from leadlane.store.facts import Month, Stretch, Which

log = get_logger(__name__)

# A month is at rest when nothing of it has changed for so long.
_QUIET = timedelta(hours=1)
# A file begins with these: what it is, the form of its records, the checksum of all that follows.
_MAGIC = b"leadfact"
_FORM = crc32(repr(RECORD.descr).encode()).to_bytes(4, "little")
_HEADER = len(_MAGIC) + len(_FORM) + 4


def folder_of(connection: Connection) -> Path:
    """Where the files of this database are, on this machine."""
    row = connection.execute("SELECT current_database(), current_schema()").fetchone()
    assert row is not None  # a SELECT of functions gives one row
    return config.settings().data_dir / "facts" / f"{row[0]}.{row[1]}"


def kept(folder: Path, months: Sequence[Month]) -> dict[Month, Path]:
    """Those of the months that there is a file of, which whoever asks may see."""
    return {month: path for month in months if _is_there(path := _path(folder, month.edition))}


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except PermissionError:
        return False


def _path(folder: Path, edition: UUID) -> Path:
    return folder / f"{edition}.columns"


# ---------------------------------------------------------------- reading


def read(path: Path, which: Which, period: Stretch, *, with_merged: bool) -> Fields | None:
    """The fields of the leads of a file that arrived, or whose promise ended, in a period.

    None where the file is not what it should be, or no longer there: then it is removed. Nor where it is not
    for whoever asks, such as another user of the machine.
    """
    try:
        state = path.stat()
        if not _is_whole(path, state.st_size, state.st_mtime_ns):
            log.warning("a file of facts is not whole and is made anew", file=str(path))
            path.unlink(missing_ok=True)
            return None
        content = np.memmap(path, np.uint8, "r", _HEADER)
    except (FileNotFoundError, PermissionError):
        return None
    count, fields, begin = len(content) // RECORD.itemsize, {}, 0
    for name in RECORD.names or ():
        end = begin + count * RECORD[name].itemsize
        fields[name] = content[begin:end].view(RECORD[name])
        begin = end
    wanted = _wanted(fields, which, period, with_merged=with_merged)
    return fields if wanted.all() else {name: values[wanted] for name, values in fields.items()}


def _wanted(fields: Fields, which: Which, period: Stretch, *, with_merged: bool) -> Flags:
    at = fields["arrived_at"] if which == "arrived" else fields["respond_by"]
    wanted = (at >= period.since.timestamp()) & (at < period.until.timestamp())
    if which == "ended":
        # Without a service level nothing was promised.
        wanted &= fields["service_level"] > 0
    return wanted if with_merged else wanted & (fields["is_merged"] == 0)


# Reading all of a file takes longer than mapping it: each is looked at once by a process.
@lru_cache(maxsize=1000)
def _is_whole(path: Path, _size: int, _changed: int) -> bool:
    content = memoryview(path.read_bytes())
    checksum = crc32(content[_HEADER:]).to_bytes(4, "little")
    return content[:_HEADER] == _MAGIC + _FORM + checksum


# ---------------------------------------------------------------- writing


def keep_next(connection: Connection, folder: Path, quiet: timedelta = _QUIET) -> bool:
    """Write the file of one month at rest that has none; whether there was one to write.

    When there is none, files that are of no month any more are removed.
    """
    settled = store.settled_months(connection, quiet)
    present = kept(folder, settled)
    for month in settled:
        if month not in present and (records := store.read_month(connection, month)) is not None:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(_path(folder, month.edition), fields_of([records]))
            return True
    current = {_path(folder, edition) for edition in store.editions(connection)}
    for path in folder.glob("*"):
        if path not in current:
            path.unlink(missing_ok=True)
    return False


def _write(path: Path, fields: Fields) -> None:
    """All or nothing: whoever else writes the same at this moment takes nothing away."""
    content = b"".join(fields[name].tobytes() for name in RECORD.names or ())
    unfinished = path.with_name(f"{secrets.token_hex(8)}.unfinished")
    try:
        with unfinished.open("wb") as file:
            file.write(_MAGIC + _FORM + crc32(content).to_bytes(4, "little") + content)
            file.flush()
            os.fsync(file.fileno())
        # Another process that removes what is of no month may have taken it for that: it is written again.
        with suppress(FileNotFoundError):
            unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
