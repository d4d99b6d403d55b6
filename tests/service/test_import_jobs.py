"""Files that are uploaded: kept, checked, imported in the background; who is killed blocks nothing."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.web.conftest import put_reference

from leadlane.app import App, open_app
from leadlane.config import Settings
from leadlane.service import import_jobs as jobs
from leadlane.service.import_jobs import ImportJob, Kind

ACCOUNTS = "Company Name,Domain\nNorthwind,northwind.example\n"


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[App]:
    with open_app(Settings(database_url=database_url, data_dir=tmp_path)) as opened:
        put_reference(opened)
        yield opened


def taken(app: App, content: str, kind: Kind = "accounts", name: str = "x.csv") -> ImportJob:
    return jobs.take(app.settings, kind, name, io.BytesIO(content.encode()), "", "anna", app.now())


def ended(app: App, job: ImportJob) -> ImportJob:
    until = time.monotonic() + 30
    while jobs.is_worked_on(app.settings, job):
        assert time.monotonic() < until
        time.sleep(0.02)
    found = jobs.get(app.settings, job.id)
    assert found is not None
    return found


def test_a_check_writes_nothing_and_an_import_does(app: App) -> None:
    job = taken(app, ACCOUNTS)
    assert jobs.begin(app, job, store=False)
    checked = ended(app, job)
    assert (checked.step, checked.columns["name"], checked.columns["phone"]) == (
        "checked",
        "Company Name",
        "",
    )
    assert checked.result is not None
    assert checked.result.counts["new account"] == 1
    with app.pool.connection() as connection:
        assert connection.execute("SELECT count(*) FROM accounts WHERE name = 'Northwind'").fetchone() == (0,)
        assert jobs.begin(app, checked, store=True, columns=checked.columns)
        done = ended(app, job)
        assert done.step == "done"
        assert connection.execute("SELECT count(*) FROM accounts WHERE name = 'Northwind'").fetchone() == (1,)


def test_two_never_work_on_one_import(app: App) -> None:
    job = taken(app, ACCOUNTS)
    with jobs._working(app.settings, job.id) as is_mine:
        assert is_mine
        assert jobs.is_worked_on(app.settings, job)
        assert not jobs.begin(app, job, store=True, columns={})
        assert not jobs.forget(app.settings, job.id)
    assert not jobs.is_worked_on(app.settings, job)


def test_one_that_was_killed_is_started_again(app: App) -> None:
    job = taken(app, ACCOUNTS)
    jobs._save(app.settings, replace(job, step="importing"))  # and then whoever did died
    assert not jobs.is_worked_on(app.settings, job)
    assert jobs.begin(app, job, store=True)
    assert ended(app, job).step == "done"


def test_a_name_leads_nowhere_else(app: App) -> None:
    for name in ("../../x.csv", "/etc/passwd", "..", "", "a\0b\n.csv", "x" * 500):
        job = taken(app, ACCOUNTS, name=name)
        folder = app.settings.data_dir / jobs.FOLDER / job.id / "file"
        assert jobs.file_of(app.settings, job).resolve().parent == folder.resolve(), name
    assert jobs.get(app.settings, "../imports") is None
    assert jobs.get(app.settings, "20260101-000000-00000000") is None


def test_what_is_old_is_deleted(app: App) -> None:
    job = taken(app, ACCOUNTS)
    jobs.forget_old(app.settings, app.now() + jobs.KEPT - timedelta(hours=1))
    assert jobs.get(app.settings, job.id) is not None
    jobs.forget_old(app.settings, app.now() + jobs.KEPT + timedelta(minutes=1))
    assert jobs.listed(app.settings) == []


def test_a_file_that_cannot_be_read_is_an_error_to_be_seen(app: App) -> None:
    job = taken(app, "PK\x03\x04", "leads")
    assert jobs.begin(app, job, store=False)
    found = ended(app, job)
    assert found.error is not None
    assert str(app.settings.data_dir) not in found.error[0]
