"""What tests stand on: a real PostgreSQL, shared by the whole run, and a migrated database of its own for
each test.
"""

import fcntl
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from leadlane import i18n
from leadlane.store import migrate
from leadlane.store.db import connect
from leadlane.store.server import create_database, embedded_server, maintenance_url

TEMPLATE = "leadlane_template"
# Test data need not outlive a power cut, and many workers share few cores.
TEST_PARAMETERS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_connections": "300",
    "autovacuum": "off",
}

FOLDER_VARIABLE = "LEADLANE_TEST_FOLDER"
DATA_VARIABLE = "LEADLANE_SHARED_DATA"
SERVER_VARIABLE = "LEADLANE_TEST_SERVER"

_numbers = itertools.count(1)


def pytest_configure(config: pytest.Config) -> None:
    """Makes the folder of this run; the workers of a parallel run find it in their environment."""
    if hasattr(config, "workerinput"):
        return
    # Not below pytest's own folder: the user that PostgreSQL runs as for root could not enter that.
    folder = tempfile.mkdtemp(prefix="leadlane-tests-")
    Path(folder).chmod(0o755)
    os.environ[FOLDER_VARIABLE] = folder
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """The address of the template database in the server of this test run, which all its workers share.

    LEADLANE_TEST_SERVER names a server to use instead of an embedded one, to test with another PostgreSQL.
    """
    folder = Path(os.environ[FOLDER_VARIABLE])
    own_server = os.environ.get(SERVER_VARIABLE)
    with nullcontext(own_server) if own_server else embedded_server(folder, TEST_PARAMETERS) as server:
        url = make_conninfo(server, dbname=TEMPLATE)
        with (folder / "template.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not os.fstat(lock.fileno()).st_size:
                _make_template(url)
                lock.write("made")
        yield url


def _make_template(url: str) -> None:
    with psycopg.connect(maintenance_url(url), autocommit=True) as maintenance:
        maintenance.execute(f"DROP DATABASE IF EXISTS {TEMPLATE}")
    create_database(url)
    migrate.upgrade(url)


@pytest.fixture
def database_url(server_url: str) -> Iterator[str]:
    """The address of a fresh, migrated, empty database that only this test uses."""
    yield from _database(server_url, f"TEMPLATE {TEMPLATE} STRATEGY wal_log")


@pytest.fixture
def empty_database_url(server_url: str) -> Iterator[str]:
    """The address of a database without any tables."""
    yield from _database(server_url, "TEMPLATE template0")


@pytest.fixture
def db(database_url: str) -> Iterator[psycopg.Connection]:
    """A connection to this test's own database."""
    with connect(database_url) as connection:
        yield connection


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of the public data sets that are too large for the repository; skips where there is none."""
    folder = Path(os.environ.get(DATA_VARIABLE) or Path(__file__).parents[2] / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"the public data sets are not in {folder} ({DATA_VARIABLE} names another folder)")
    return folder


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine reaches a test, and texts are in English unless the test says otherwise."""
    for variable in [name for name in os.environ if name.startswith("LEADLANE_")]:
        if variable not in {DATA_VARIABLE, FOLDER_VARIABLE, SERVER_VARIABLE}:
            monkeypatch.delenv(variable)
    i18n.set_default_language("en")


def _database(server_url: str, source: str) -> Iterator[str]:
    name = f"test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(maintenance_url(server_url), autocommit=True) as maintenance:
        maintenance.execute(sql.SQL("CREATE DATABASE {} " + source).format(sql.Identifier(name)))
        yield make_conninfo(server_url, dbname=name)
        maintenance.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
