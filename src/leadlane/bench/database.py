"""On what database is it measured? A PostgreSQL of its own, set up as in production, gone afterwards."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from leadlane.bench.company import NOW
from leadlane.policy.roster import read_roster
from leadlane.service.publish import publish
from leadlane.service.roster import put_roster
from leadlane.store.db import connect
from leadlane.store.migrate import upgrade
from leadlane.store.server import create_database, embedded_server


@dataclass(frozen=True, slots=True)
class Bench:
    """What every measurement works with: the address of a server, a folder for files, and sizes.

    `is_quick` asks for smaller sizes, so that the whole takes minutes, not a quarter of an hour.
    """

    server: str
    folder: Path
    is_quick: bool
    is_full: bool
    names: Iterator[int]

    def size(self, quick: int, usual: int) -> int:
        """How many, for this kind of run."""
        return quick if self.is_quick else usual

    def new_company(self, policy: str, roster: str) -> str:
        """The address of a new database with this policy in force."""
        url = make_conninfo(self.server, dbname=f"bench_{next(self.names)}")
        create_database(url)
        upgrade(url)
        document, problems = read_roster(roster)
        if document is None:
            raise ValueError("\n".join(map(str, problems)))
        with connect(url) as connection:
            put_roster(connection, document, "bench", NOW)
            publish(connection, policy, "bench.yaml", "bench", "to be measured", NOW)
        return url

    def drop(self, url: str) -> None:
        """Remove a database: what it would still write to disk must not disturb what is measured next."""
        name = sql.Identifier(str(psycopg.conninfo.conninfo_to_dict(url)["dbname"]))
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
            connection.execute("CHECKPOINT")


@contextmanager
def bench(*, is_quick: bool, is_full: bool) -> Iterator[Bench]:
    """Within the block there is a server to measure on."""
    folder = Path(tempfile.mkdtemp(prefix="leadlane-bench-"))
    folder.chmod(0o755)  # the user that PostgreSQL runs as for root must be able to enter
    try:
        with embedded_server(folder) as url:
            create_database(url)
            yield Bench(url, folder, is_quick, is_full, itertools.count(1))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
