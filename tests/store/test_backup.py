"""Backup and restore: everything comes back, or nothing changes."""

from pathlib import Path

import pytest

from leadlane.errors import DatabaseError
from leadlane.store import backup as backup_module
from leadlane.store import migrate
from leadlane.store.backup import backup, is_empty, restore
from leadlane.store.db import connect

TEXT = "Żółć & Co. 'quoted' \\ tab\t:name %s\nsecond line"


@pytest.fixture
def saved(database_url: str, tmp_path: Path) -> Path:
    """A backup of a database with a table of 20,000 rows."""
    with connect(database_url) as connection:
        connection.execute("CREATE TABLE kept (id int PRIMARY KEY, body text)")
        connection.execute(
            "INSERT INTO kept SELECT n, %s || md5(n::text) FROM generate_series(1, 20000) n", [TEXT]
        )
    file = tmp_path / "leadlane.backup"
    assert backup(database_url, file) == file.stat().st_size
    return file


def rows(url: str) -> list[tuple[int, str]]:
    with connect(url) as connection:
        return connection.execute("SELECT id, body FROM kept ORDER BY id").fetchall()


def test_everything_comes_back_into_an_empty_database(
    saved: Path, database_url: str, empty_database_url: str
) -> None:
    assert is_empty(empty_database_url)
    restore(empty_database_url, saved)
    assert rows(empty_database_url) == rows(database_url)
    assert len(rows(database_url)) == 20_000
    assert migrate.is_current(empty_database_url)


def test_a_database_in_use_is_only_replaced_when_that_is_said(saved: Path, database_url: str) -> None:
    with connect(database_url) as connection:
        connection.execute("DELETE FROM kept WHERE id > 10")
        connection.execute("CREATE TABLE later ()")
    with pytest.raises(DatabaseError, match="not empty"):
        restore(database_url, saved)
    assert len(rows(database_url)) == 10
    restore(database_url, saved, replace=True)
    assert len(rows(database_url)) == 20_000
    with connect(database_url) as connection:
        assert connection.execute("SELECT to_regclass('later')").fetchone() == (None,)


@pytest.mark.parametrize("share", [0.0, 0.2, 0.4])
def test_half_a_backup_changes_nothing(saved: Path, database_url: str, share: float) -> None:
    before = rows(database_url)
    whole = saved.read_bytes()
    saved.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(DatabaseError):
        restore(database_url, saved, replace=True)
    assert rows(database_url) == before


def test_what_postgresql_refuses_is_told_in_its_words(
    saved: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rows(database_url)
    monkeypatch.setattr(backup_module, "CLEAR", backup_module.CLEAR + b"SELECT 1/0;\n")
    with pytest.raises(DatabaseError, match="the database is as it was") as caught:
        restore(database_url, saved, replace=True)
    assert "division by zero" in caught.value.hint
    assert rows(database_url) == before


def test_a_restore_waits_for_nobody(saved: Path, database_url: str) -> None:
    with connect(database_url), pytest.raises(DatabaseError, match="1 other connection uses the database"):
        restore(database_url, saved, replace=True)


def test_a_backup_of_a_newer_leadlane_is_refused(
    database_url: str, empty_database_url: str, tmp_path: Path
) -> None:
    with connect(database_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    backup(database_url, tmp_path / "newer")
    with pytest.raises(DatabaseError, match="revision 9999"):
        restore(empty_database_url, tmp_path / "newer")
    assert is_empty(empty_database_url)


def test_a_backup_replaces_no_file_and_leaves_none_half_written(database_url: str, tmp_path: Path) -> None:
    existing = tmp_path / "existing"
    existing.write_text("precious")
    with pytest.raises(DatabaseError, match="exists already"):
        backup(database_url, existing)
    assert existing.read_text() == "precious"
    with pytest.raises(DatabaseError, match="cannot be saved"):
        backup(database_url.replace("dbname=test", "dbname=no_such"), tmp_path / "new")
    with pytest.raises(DatabaseError, match="cannot be written"):
        backup(database_url, tmp_path / "no-such-folder" / "new")
    assert [file.name for file in tmp_path.iterdir()] == ["existing"]


def test_files_that_are_no_backup_are_refused(empty_database_url: str, tmp_path: Path) -> None:
    (tmp_path / "leads.csv").write_text("email,company\n")
    with pytest.raises(DatabaseError, match="not a complete backup"):
        restore(empty_database_url, tmp_path / "leads.csv")
    with pytest.raises(DatabaseError, match="There is no file"):
        restore(empty_database_url, tmp_path / "gone")
