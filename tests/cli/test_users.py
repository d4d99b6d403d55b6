"""`leadlane users`: the first admin comes in by it, and whoever is shut out."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner, Result

from leadlane import clock, config
from leadlane.cli import build_app
from leadlane.service import sign_in
from leadlane.service.sign_in import From, SignedIn
from leadlane.service.users import UserError
from leadlane.store import users as store

Run = Callable[..., Result]
EMAIL = "ann@company.example"
PASSWORD = "otters knit blue kettles"


@pytest.fixture
def run(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.setenv("LEADLANE_DATABASE_URL", database_url)
    monkeypatch.chdir(tmp_path)
    config.settings.cache_clear()

    def call(*args: str) -> Result:
        return CliRunner().invoke(build_app(), ["users", *args], env={"COLUMNS": "200"})

    return call


def listed(run: Run) -> str:
    """What `list` prints, however wide the terminal is."""
    return re.sub(r"[\s│]", "", run("list").stdout)


def test_the_first_admin_comes_in_by_the_link_that_is_printed(run: Run, db: psycopg.Connection) -> None:
    done = run("invite", EMAIL, "--role", "admin", "--name", "Ann")
    assert done.exit_code == 0
    link = re.fullmatch(r"http://127\.0\.0\.1:8300/welcome\?link=([\w-]{43})\n", done.stdout)
    assert link is not None
    assert f"A link for {EMAIL} alone" in done.stderr
    let_in = sign_in.follow(db, link[1], PASSWORD, From("127.0.0.1", ""), clock.now())
    assert let_in is not None
    assert (let_in.user.role, let_in.user.name) == ("admin", "Ann")
    assert re.search(r"Ann.*admin.*active", listed(run))


def test_a_link_for_a_new_password(run: Run, db: psycopg.Connection) -> None:
    run("invite", EMAIL, "--role", "rep")
    link = run("reset", EMAIL.upper()).stdout.strip().partition("link=")[2]
    assert sign_in.follow(db, link, PASSWORD, From("127.0.0.1", ""), clock.now())
    link = run("reset", EMAIL).stdout.strip().partition("link=")[2]
    assert sign_in.follow(db, link, "nine lamps sing in tune", From("127.0.0.1", ""), clock.now())
    done = sign_in.sign_in(db, EMAIL, "nine lamps sing in tune", From("127.0.0.1", ""), clock.now())
    assert isinstance(done, SignedIn)


def test_changing_and_keeping_out(run: Run, db: psycopg.Connection) -> None:
    run("invite", EMAIL, "--role", "admin")
    run("invite", "bob@company.example", "--role", "rep")
    assert "bob@company.example is manager now" in run("role", "bob@company.example", "manager").stdout
    assert "can no longer sign in" in run("deactivate", "bob@company.example").stdout
    assert re.search(r"bob.*manager.*keptout", listed(run))
    assert "can sign in again" in run("activate", "bob@company.example").stdout
    assert "is nobody in the roster now" in run("link", "bob@company.example").stdout
    bob = store.by_email(db, "bob@company.example")
    assert bob is not None
    assert (bob.role, bob.active, bob.person_chosen) == ("manager", True, True)


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        (("invite", "ann", "--role", "admin"), "no e-mail address"),
        (("invite", EMAIL, "--role", "boss"), "no role boss"),
        (("reset", "nobody@company.example"), "no user nobody@company.example"),
        (("role", EMAIL, "rep"), "no user"),
        (("link", EMAIL, "anna"), "no user"),
    ],
)
def test_what_cannot_be_done(run: Run, args: tuple[str, ...], problem: str) -> None:
    done = run(*args)
    assert isinstance(done.exception, UserError)
    assert problem in str(done.exception)
