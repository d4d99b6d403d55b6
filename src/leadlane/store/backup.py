"""How is everything that Leadlane knows saved to one file, and how does it come back whole or not at all?

The programs of PostgreSQL do it: `pg_dump` takes a consistent picture while Leadlane works on; `pg_restore`
turns the file back into SQL, which `psql` runs in one transaction together with the removal of what was there
before.
"""

import itertools
import os
import re
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from leadlane.errors import DatabaseError
from leadlane.i18n import _, ngettext
from leadlane.store.db import connect
from leadlane.store.migrate import refuse_newer
from leadlane.store.server import installed_programs

# Extensions and all go with the schema; the rights are those that a new database has.
CLEAR = b"""
BEGIN;
SET client_min_messages = warning;
DROP SCHEMA public CASCADE;
CREATE SCHEMA public AUTHORIZATION pg_database_owner;
GRANT USAGE ON SCHEMA public TO PUBLIC;
"""
# Newer dumps set parameters that older servers do not know and do not need.
NOT_FOR_ALL_SERVERS = (b"SET transaction_timeout",)
HEADER_LINES = 60


def backup(url: str, file: Path) -> int:
    """Writes the whole database `url` to the new file `file`; returns the size of that in bytes.

    The file is in PostgreSQL's custom format, and appears only when it is complete. Raises DatabaseError
    when it exists already or cannot be written.
    """
    if file.exists():
        raise DatabaseError(
            _("The file {file} exists already.").format(file=file),
            _("Choose another name; backups are not replaced."),
        )
    unfinished = file.with_name(file.name + ".unfinished")
    try:
        with unfinished.open("wb") as target:
            command, environment = _client(url, "pg_dump", "--format=custom", "--no-owner", "--no-privileges")
            done = subprocess.run(
                command, env=environment, stdout=target, stderr=subprocess.PIPE, check=False
            )
            if done.returncode:
                raise DatabaseError(
                    _("The database cannot be saved."), done.stderr.decode(errors="replace").strip()
                )
            os.fsync(target.fileno())
        unfinished.replace(file)
    except OSError as error:
        raise DatabaseError(
            _("The file {file} cannot be written: {error}").format(file=file, error=error.strerror)
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)
    return file.stat().st_size


def restore(url: str, file: Path, *, replace: bool = False) -> None:
    """Puts the content of the backup `file` into the database `url`: all of it or, on any error, none.

    Raises DatabaseError, and changes nothing, when the file is no backup or is of a newer Leadlane, when the
    database is not empty and `replace` is false, or when somebody else is connected to it.
    """
    refuse_newer(_revision_in(file))
    if not replace and not is_empty(url):
        raise DatabaseError(
            _("The database is not empty."),
            _("To put the backup in its place, repeat with --replace; what is there now will be gone."),
        )
    _refuse_company(url)
    command = _pg_restore("--no-owner", "--no-privileges", file)
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors) as source,
    ):
        _run_in_one_transaction(url, source, errors)


def is_empty(url: str) -> bool:
    """True when the database `url` has no tables."""
    with connect(url) as connection:
        return (
            connection.execute("SELECT FROM pg_tables WHERE schemaname = 'public' LIMIT 1").fetchone() is None
        )


def _run_in_one_transaction(url: str, source: subprocess.Popen[bytes], source_errors: IO[bytes]) -> None:
    assert source.stdout is not None
    command, environment = _client(url, "psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file=-")
    with tempfile.TemporaryFile() as errors:
        with subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=errors
        ) as target:
            assert target.stdin is not None
            # Where psql has given up, its own message says more than the broken pipe.
            with suppress(BrokenPipeError):
                target.stdin.write(CLEAR)
                _copy_sql(source.stdout, target.stdin)
                # Without this line PostgreSQL undoes it all when psql ends: half a backup changes nothing.
                if source.wait() == 0:
                    target.stdin.write(b"COMMIT;\n")
                target.stdin.close()
            source.stdout.close()
        if source.wait() or target.wait():
            raise DatabaseError(
                _("The backup was not restored; the database is as it was."),
                _text(errors) or _text(source_errors),
            )


def _copy_sql(source: IO[bytes], target: IO[bytes]) -> None:
    for line in itertools.islice(source, HEADER_LINES):
        if not line.startswith(NOT_FOR_ALL_SERVERS):
            target.write(line)
    shutil.copyfileobj(source, target, 1024 * 1024)


def _revision_in(file: Path) -> str:
    """The revision of the database that was saved in `file`."""
    if not file.is_file():
        raise DatabaseError(_("There is no file {file}.").format(file=file))
    command = _pg_restore("--data-only", "--table=alembic_version", file)
    done = subprocess.run(command, capture_output=True, check=False)
    found = re.search(rb"^COPY .*\n(\w+)\n", done.stdout, re.MULTILINE)
    if done.returncode or not found:
        raise DatabaseError(
            _("{file} is not a complete backup of Leadlane.").format(file=file),
            done.stderr.decode(errors="replace"),
        )
    return found[1].decode()


def _refuse_company(url: str) -> None:
    """A running server would write into what is exchanged, and go on with what it remembers of before."""
    with connect(url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        ).fetchone()
    others = row[0] if row else 0
    if others:
        raise DatabaseError(
            ngettext(
                "{n} other connection uses the database.", "{n} other connections use the database.", others
            ).format(n=others),
            _("Stop Leadlane and everything else that is connected, then try again."),
        )


def _pg_restore(*arguments: str | Path) -> list[str | Path]:
    return [installed_programs() / "pg_restore", "--file=-", *arguments]


def _client(url: str, program: str, *arguments: str) -> tuple[list[str | Path], dict[str, str]]:
    """The command line and the environment of a program; the password is in the latter, unseen by others."""
    address = conninfo_to_dict(url)
    password = address.pop("password", None)
    environment = {**os.environ, **({"PGPASSWORD": str(password)} if password else {})}
    dbname = f"--dbname={make_conninfo('', **address)}"
    return [installed_programs() / program, *arguments, dbname], environment


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace").strip()
