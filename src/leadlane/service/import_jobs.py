"""How does a file that somebody uploads come in? Checked first, mapped by hand where needed, then imported.

An import is a folder below `imports` of the data folder: the file as it was sent, the refused rows beside
it, and `import.json`, which says how far it is. Whoever works on it holds a lock in it, so that one who was
killed is known by the lock being free. Each can be started again: what is there is not made twice.
"""

from __future__ import annotations

import fcntl
import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from queue import Queue
from typing import BinaryIO, Literal, Protocol, get_args

import orjson
from pydantic import TypeAdapter

from leadlane.config import Settings
from leadlane.errors import LeadlaneError
from leadlane.i18n import _, current_language, language
from leadlane.intake.columns import REJECT_COLUMNS, Columns, find_columns, match_columns
from leadlane.intake.files import open_rows
from leadlane.intake.import_columns import IMPORT_COLUMNS
from leadlane.intake.import_columns import Kind as RecordKind
from leadlane.logging import get_logger
from leadlane.service.importing.difference import Change, Difference
from leadlane.service.importing.run import ImportFile, import_file
from leadlane.service.route_file import LeadFile, check_file, route_file
from leadlane.service.rulebooks import Rulebooks, field_specs
from leadlane.service.summary import Summary
from leadlane.store.db import connect

log = get_logger(__name__)

Kind = Literal["people", "accounts", "contacts", "leads"]
KINDS: tuple[Kind, ...] = get_args(Kind)
# checking → checked → importing → done. `checked` again after another mapping.
Step = Literal["checking", "checked", "importing", "done"]
FOLDER = "imports"
# What was uploaded is about people: it is not kept for ever.
KEPT = timedelta(days=30)
MOST_LISTED = 50
MOST_EXAMPLES = 20
_COPY_BYTES = 1024 * 1024
_SAVE_EVERY_SECONDS = 0.5
_LONGEST_NAME = 100
# A disk that does not take a few bytes within this time takes nothing.
LONGEST_START_SECONDS = 30.0
_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{8}").fullmatch


class Opened(Protocol):
    """An open Leadlane, as an import uses it."""

    @property
    def settings(self) -> Settings: ...
    @property
    def url(self) -> str: ...
    @property
    def books(self) -> Rulebooks: ...
    @property
    def now(self) -> Callable[[], datetime]: ...


@dataclass(frozen=True, slots=True)
class Refused:
    """Rows that are refused for one reason: how many, and where the first of them are."""

    places: tuple[int, ...]
    column: str
    reason: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Result:
    """What a file did or would do, `counts` by what becomes of rows: `new account`, `unchanged`, `read` …

    `places` of refused rows are lines of the file, numbers of rows where not `by_line`. `refused_file` is the
    name of the file of refused rows, "" where there is none.
    """

    total: int
    counts: Mapping[str, int]
    refused: tuple[Refused, ...] = ()
    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()
    by_line: bool = True
    refused_file: str = ""

    @property
    def refused_count(self) -> int:
        """How many rows are refused."""
        return self.counts.get("refused", 0)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to import."""
        return not any(n for name, n in self.counts.items() if name not in ("refused", "unchanged"))


@dataclass(frozen=True, slots=True)
class ImportJob:
    """A file that was uploaded. `columns` says the column of each property, "" for none.

    `headers` are the columns of the file. `read` of `size` bytes are dealt with, which is `rows` rows. What
    went wrong as a whole stands in `error`, a message and what to do.
    """

    id: str
    kind: Kind
    file: str
    by: str
    made_at: datetime
    headers: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    encoding: str = ""
    clears: bool = False
    step: Step = "checking"
    rows: int = 0
    read: int = 0
    size: int = 0
    result: Result | None = None
    error: tuple[str, str] | None = None
    ended_at: datetime | None = None


_ADAPTER = TypeAdapter(ImportJob)


# ---------------------------------------------------------------- folders


def take(
    settings: Settings, kind: Kind, name: str, source: BinaryIO, encoding: str, by: str, now: datetime
) -> ImportJob:
    """Keep an uploaded file, to be checked. Clears away what is older than KEPT."""
    forget_old(settings, now)
    id_ = f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"
    job = ImportJob(id_, kind, _safe_name(name), by, now, encoding=encoding)
    path = file_of(settings, job)
    try:
        path.parent.mkdir(parents=True)
        with path.open("wb") as kept:
            shutil.copyfileobj(source, kept, _COPY_BYTES)
    except OSError as error:
        shutil.rmtree(_folder(settings, id_), ignore_errors=True)
        raise LeadlaneError(
            _("The file cannot be kept in the data folder: {reason}").format(reason=error.strerror),
            _("Make room there, or make it writable."),
        ) from error
    job = replace(job, size=path.stat().st_size)
    _save(settings, job)
    return job


def get(settings: Settings, id_: str) -> ImportJob | None:
    """An import by its id; None where there is none."""
    if not _ID(id_):
        return None
    try:
        return _ADAPTER.validate_json((_folder(settings, id_) / "import.json").read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None


def listed(settings: Settings) -> list[ImportJob]:
    """The newest imports, the last first."""
    folder = settings.data_dir / FOLDER
    names = sorted((one.name for one in folder.iterdir()), reverse=True) if folder.is_dir() else []
    found = (get(settings, name) for name in names[:MOST_LISTED])
    return [job for job in found if job is not None]


def file_of(settings: Settings, job: ImportJob) -> Path:
    """Where the file of an import is."""
    return _folder(settings, job.id) / "file" / job.file


def refused_of(settings: Settings, job: ImportJob) -> Path | None:
    """Where its refused rows are; None where none were written."""
    if job.step != "done" or job.result is None or not job.result.refused_file:
        return None
    path = file_of(settings, job).with_name(job.result.refused_file)
    return path if path.is_file() else None


def forget(settings: Settings, id_: str) -> bool:
    """Delete an import's file and what is known of it. False where somebody works on it."""
    if not _ID(id_):
        return False
    with _working(settings, id_) as is_mine:
        if is_mine:
            shutil.rmtree(_folder(settings, id_), ignore_errors=True)
        return is_mine


def forget_old(settings: Settings, now: datetime) -> None:
    """Delete the imports that are older than KEPT."""
    before = f"{now - KEPT:%Y%m%d-%H%M%S}"
    folder = settings.data_dir / FOLDER
    for one in list(folder.iterdir()) if folder.is_dir() else ():
        if one.name < before:
            forget(settings, one.name)


def is_worked_on(settings: Settings, job: ImportJob) -> bool:
    """Whether somebody checks or imports it at this moment."""
    with _working(settings, job.id) as is_free:
        return not is_free


def _folder(settings: Settings, id_: str) -> Path:
    return settings.data_dir / FOLDER / id_


def _safe_name(name: str) -> str:
    plain = "".join(char if char.isprintable() and char not in '/\\:*?"<>|' else "_" for char in name)
    return plain.strip(". ")[-_LONGEST_NAME:] or "file.csv"


def _save(settings: Settings, job: ImportJob) -> None:
    file = _folder(settings, job.id) / "import.json"
    written = file.with_suffix(f".{secrets.token_hex(4)}")
    written.write_bytes(orjson.dumps(asdict(job)))
    written.replace(file)


@contextmanager
def _working(settings: Settings, id_: str) -> Iterator[bool]:
    """Within the block, whether it is ours: nobody else works on this import."""
    folder = _folder(settings, id_)
    if not folder.is_dir():
        yield False
        return
    with (folder / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


# ---------------------------------------------------------------- columns


def properties(opened: Opened, kind: Kind) -> tuple[str, ...]:
    """What a column of a file of this kind may hold. NothingPublishedError for leads without a policy."""
    if kind == "leads":
        with connect(opened.url) as connection:
            fields = field_specs(opened.books.current(connection).policy)
        return (*fields, "id", "arrived_at", "signals")
    return tuple(sorted(IMPORT_COLUMNS[kind].names))


def recognise(opened: Opened, job: ImportJob) -> ImportJob:
    """The import with the columns of its file, and which of them is what, as far as their names tell.

    LeadlaneError where the file cannot be read.
    """
    with open_rows(file_of(opened.settings, job), encoding=job.encoding or None) as rows:
        headers = tuple(one for one in rows.headers if one not in REJECT_COLUMNS)
    found = _columns(opened, job.kind, headers)
    by_name = {target: header for header, target in found.targets.items()}
    known = {name: by_name.get(name, "") for name in properties(opened, job.kind)}
    return replace(job, headers=headers, columns=known)


def _columns(opened: Opened, kind: Kind, headers: tuple[str, ...]) -> Columns:
    if kind == "leads":
        with connect(opened.url) as connection:
            return match_columns(headers, field_specs(opened.books.current(connection).policy))
    known = IMPORT_COLUMNS[kind]
    return find_columns(headers, known.names, known.vocabulary)


# ---------------------------------------------------------------- the work


def begin(
    opened: Opened,
    job: ImportJob,
    *,
    store: bool,
    columns: Mapping[str, str] | None = None,
    clears: bool = False,
    patience_seconds: float = 1.0,
) -> bool:
    """Check a file, or (`store`) import it, in the background; waits a moment for one that is small.

    `columns` None: as their names tell. False, and nothing is begun, where somebody works on it already.
    """
    answer: Queue[bool] = Queue()
    code = current_language()
    step: Step = "importing" if store else "checking"
    started = replace(job, step=step, clears=clears, rows=0, read=0, result=None, error=None, ended_at=None)

    def work() -> None:
        with _working(opened.settings, job.id) as is_mine, language(code):
            if is_mine:
                _save(opened.settings, started)
            answer.put(is_mine)
            if is_mine:
                _work(opened, started, columns, store=store)

    thread = threading.Thread(target=work, name=f"import {job.id}", daemon=True)
    thread.start()
    thread.join(patience_seconds)
    return answer.get(timeout=LONGEST_START_SECONDS)


def _work(opened: Opened, job: ImportJob, columns: Mapping[str, str] | None, *, store: bool) -> None:
    try:
        job = recognise(opened, job) if columns is None else replace(job, columns=dict(columns))
        result = _run(opened, job, store=store)
        ended = replace(job, result=result, rows=result.total, read=job.size)
    except LeadlaneError as error:
        path = str(file_of(opened.settings, job))
        ended = replace(job, error=(error.message.replace(path, job.file), error.hint))
    except Exception:
        log.exception("an import failed", id=job.id, kind=job.kind)
        ended = replace(
            job, error=(_("Something is wrong on our side."), _("The log of the server says more."))
        )
    # What could not be imported was not imported wholly: it can be started again.
    step: Step = "done" if store and ended.error is None else "checked"
    _save(opened.settings, replace(ended, step=step, ended_at=opened.now()))


def _run(opened: Opened, job: ImportJob, *, store: bool) -> Result:
    path, encoding = str(file_of(opened.settings, job)), job.encoding or None
    saved_at = time.monotonic()

    def show(read: int, size: int | None, rows: int) -> None:
        nonlocal saved_at
        if time.monotonic() - saved_at > _SAVE_EVERY_SECONDS:
            saved_at = time.monotonic()
            _save(opened.settings, replace(job, read=read, size=size or job.size, rows=rows))

    if job.kind == "leads":
        file = LeadFile(path, job.columns, encoding=encoding)
        if store:
            return _of_summary(route_file(opened.url, opened.books, file, opened.now, on_progress=show))
        with connect(opened.url) as connection:
            policy = opened.books.current(connection).policy
        return _of_summary(check_file(file, policy, opened.now, show))
    kind: RecordKind = job.kind
    records = ImportFile(kind, path, job.columns, encoding, job.clears)
    with connect(opened.url, autocommit=True) as connection:
        return _of_difference(
            import_file(
                connection,
                records,
                job.by,
                opened.now(),
                dry_run=not store,
                shown=MOST_EXAMPLES,
                on_progress=show,
            )
        )


def _of_difference(found: Difference) -> Result:
    counts = {f"new {kind}": n for kind, n in found.new.items()}
    counts |= {f"changed {kind}": n for kind, n in found.changed.items()}
    return Result(
        total=found.total,
        counts={**counts, "unchanged": found.unchanged, "refused": found.refused},
        refused=tuple(Refused((one.place,), one.column, one.reason) for one in found.refusals),
        changes=tuple(found.changes),
        notes=tuple(found.notes),
        by_line=found.by_line,
        refused_file=Path(found.rejects).name,
    )


def _of_summary(found: Summary) -> Result:
    by_count = sorted(found.refusals.values(), key=lambda one: -one.count)
    return Result(
        total=found.total,
        counts=dict(found.statuses),
        refused=tuple(
            Refused(tuple(one.rows), one.column, one.reason, one.count) for one in by_count[:MOST_EXAMPLES]
        ),
        notes=tuple(found.notes),
        by_line=found.by_line,
        refused_file=Path(found.rejects or "").name,
    )
