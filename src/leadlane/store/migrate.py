"""Is the database in the form that this version of Leadlane expects, and how does it get there?

A migration is `versions/NNNN_name.sql`, plain SQL, beside a `NNNN_name.py` that tells Alembic its place in
the order and runs it. An upgrade is one transaction under an advisory lock: whoever comes second waits, and
finds it done. There is no way down: the way back is a backup.
"""

from functools import partial
from pathlib import Path

import psycopg
from psycopg import errors

from leadlane.errors import DatabaseError
from leadlane.i18n import _
from leadlane.store.db import connect

MIGRATIONS = Path(__file__).parent / "migrations"
# Any number will do, if nothing else in this database locks by it.
ADVISORY_LOCK = 0x6C656164


def head() -> str:
    """The revision that this code expects: the number of its newest migration."""
    return max(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def current(url: str) -> str | None:
    """The revision of the database `url`; None when it has never been upgraded."""
    with connect(url) as connection:
        return revision_of(connection)


def is_current(url: str) -> bool:
    """True when the database `url` has exactly the form that this code expects."""
    return current(url) == head()


def revision_of(connection: psycopg.Connection) -> str | None:
    """The revision of the database behind `connection`; None when it has never been upgraded."""
    try:
        with connection.transaction():
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except errors.UndefinedTable:
        return None
    return row[0] if row else None


def upgrade(url: str) -> str | None:
    """Brings the database `url` to the newest form, in one transaction; returns the revision it had before.

    Safe to call from several processes at once. Raises DatabaseError when the database is newer than this
    code.
    """
    before = current(url)
    refuse_newer(before)
    if before != head():
        _run_alembic(url)
    return before


def refuse_newer(revision: str | None) -> None:
    """Raises DatabaseError when `revision` is one that only a newer Leadlane knows."""
    if revision is not None and revision > head():
        raise DatabaseError(
            _("The database has revision {found}; this Leadlane knows revisions up to {known}.").format(
                found=revision, known=head()
            ),
            _("A newer Leadlane has used it: install that version or a newer one."),
        )


def run_sql_beside(script: str) -> None:
    """Runs the .sql file beside the migration `script` (its `__file__`), on the connection of the upgrade."""
    from alembic import op

    # Straight to the driver: nothing shall take a colon or a percent sign of the SQL for a parameter.
    raw = op.get_bind().connection.driver_connection
    assert isinstance(raw, psycopg.Connection)
    raw.execute(Path(script).with_suffix(".sql").read_bytes())


def _run_alembic(url: str) -> None:
    # Imported here because every command asks for the revision, and few upgrade.
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import NullPool, create_engine, text

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    # Alembic begins and ends the transaction.
    creator = partial(connect, url, autocommit=False)
    engine = create_engine("postgresql+psycopg://", creator=creator, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": ADVISORY_LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
