"""Migrations: from nothing to the newest form, once, whoever else is upgrading; never by an older
Leadlane.
"""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from leadlane.errors import DatabaseError
from leadlane.store import migrate
from leadlane.store.db import connect, open_pool


def test_an_empty_database_becomes_current(empty_database_url: str) -> None:
    assert migrate.current(empty_database_url) is None
    assert not migrate.is_current(empty_database_url)
    assert migrate.upgrade(empty_database_url) is None
    assert migrate.is_current(empty_database_url)
    assert migrate.upgrade(empty_database_url) == migrate.head()


def test_upgrades_at_the_same_time_do_the_work_once(empty_database_url: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(migrate.upgrade, [empty_database_url] * 4))
    assert migrate.is_current(empty_database_url)
    with connect(empty_database_url) as connection:
        assert connection.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)


def test_a_database_of_a_newer_leadlane_is_refused_and_untouched(database_url: str) -> None:
    with connect(database_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseError, match="revision 9999") as caught:
        migrate.upgrade(database_url)
    assert "newer" in caught.value.hint
    assert migrate.current(database_url) == "9999"


def test_numbers_of_files_and_the_order_of_alembic_agree() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrate.MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    revisions = [script.revision for script in scripts.walk_revisions()][::-1]
    files = sorted((migrate.MIGRATIONS / "versions").glob("[0-9]*.py"))
    assert revisions == [file.name[:4] for file in files]
    assert scripts.get_current_head() == migrate.head()
    assert all(file.with_suffix(".sql").exists() for file in files)


def test_a_database_of_an_older_leadlane_becomes_current(
    empty_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(migrate.MIGRATIONS, tmp_path / "older", ignore=shutil.ignore_patterns("__pycache__"))
    for file in (tmp_path / "older" / "versions").glob("[0-9]*"):
        if file.name[:4] > "0014":
            file.unlink()
    with monkeypatch.context() as older:
        older.setattr(migrate, "MIGRATIONS", tmp_path / "older")
        migrate.upgrade(empty_database_url)
    assert migrate.upgrade(empty_database_url) == "0014"
    assert migrate.is_current(empty_database_url)


def test_connections_are_set_up_alike(database_url: str) -> None:
    with open_pool(database_url, 2, name="leadlane test") as pool, pool.connection() as connection:
        row = connection.execute(
            "SELECT current_setting('timezone'), current_setting('application_name'), '[1.5]'::jsonb"
        ).fetchone()
    assert row == ("UTC", "leadlane test", [1.5])


def test_a_failed_upgrade_leaves_nothing_behind(
    empty_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = tmp_path / "versions"
    versions.mkdir()
    (tmp_path / "env.py").write_text((migrate.MIGRATIONS / "env.py").read_text())
    for number, before, statement in (("0001", None, "CREATE TABLE a ()"), ("0002", "0001", "SELECT 1/0")):
        text = (migrate.MIGRATIONS / "versions" / "0001_spine.py").read_text()
        text = text.replace('"0001"', f'"{number}"').replace(
            "down_revision = None", f"down_revision = {before!r}"
        )
        (versions / f"{number}_x.py").write_text(text)
        (versions / f"{number}_x.sql").write_text(statement)
    monkeypatch.setattr(migrate, "MIGRATIONS", tmp_path)
    with pytest.raises(Exception, match="division by zero"):
        migrate.upgrade(empty_database_url)
    assert migrate.current(empty_database_url) is None
    with connect(empty_database_url) as connection:
        assert connection.execute("SELECT to_regclass('a')").fetchone() == (None,)
