"""`leadlane import` as it is used: a real process, asked and answered on a real terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import psycopg
import pytest
from tests.service.conftest import NOW

from leadlane.policy.roster import read_roster
from leadlane.service.publish import publish
from leadlane.service.roster import put_roster

REFERENCE = files("leadlane") / "reference"
ACCOUNTS = """\
Account ID,Account Name,Website,Account Owner
1,Brightwater,brightwater.example,Anna Nowak
2,Coastline,coastline.example,Nobody Known
"""


@pytest.fixture
def folder(db: psycopg.Connection, tmp_path: Path) -> Path:
    """A folder with an export, and the reference policy in force."""
    document, _problems = read_roster((REFERENCE / "roster.yaml").read_bytes())
    assert document is not None
    put_roster(db, document, "test", NOW)
    publish(db, (REFERENCE / "policy.yaml").read_text(), "policy.yaml", "test", "first", NOW)
    db.commit()
    (tmp_path / "accounts.csv").write_text(ACCOUNTS)
    return tmp_path


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "leadlane", "import", *arguments]


def environment(url: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LEADLANE_")}
    return {**clean, "COLUMNS": "110", "TERM": "dumb", "LEADLANE_DATABASE_URL": url}


def bring(url: str, folder: Path, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        cwd=folder,
        env=environment(url),
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def on_terminal(url: str, folder: Path, answer: str, *arguments: str) -> tuple[int, str]:
    """The exit code, and what was shown, when somebody at a terminal answers."""
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "r+b", buffering=0) as terminal:
        process = subprocess.Popen(
            command(*arguments), cwd=folder, env=environment(url), stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        shown = b""
        try:
            while part := terminal.read(10_000):
                shown += part
                if answer and b"Import?" in shown:
                    terminal.write(answer.encode() + b"\n")
                    answer = ""
        except OSError:
            pass  # the other end of a terminal is closed
        return process.wait(60), shown.decode()


def stored(db: psycopg.Connection) -> list[str]:
    ids = [id_ for (id_,) in db.execute("SELECT id FROM accounts ORDER BY id")]
    db.commit()
    return ids


def test_the_difference_is_shown_and_nothing_is_changed(
    db: psycopg.Connection, database_url: str, folder: Path
) -> None:
    done = bring(database_url, folder, "accounts", "accounts.csv", "--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    for part in (
        "2 rows of accounts.csv",
        "Dry run: this is what would change.",
        "1  Brightwater  new account",
        "brightwater.example",
        "line 3  Account Owner “Nobody Known”: nobody in the roster has this e-mail address, name or id",
        "1  new account",
        "1  refused",
        "accounts.rejected.csv",
    ):
        assert part in done.stdout
    assert stored(db) == ["acme", "helix"]
    assert sorted(path.name for path in folder.iterdir()) == ["accounts.csv"]


def test_at_once_and_again(db: psycopg.Connection, database_url: str, folder: Path) -> None:
    done = bring(database_url, folder, "accounts", "accounts.csv", "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert "The refused rows are in accounts.rejected.csv" in done.stdout
    assert stored(db) == ["1", "acme", "helix"]
    text = ACCOUNTS.replace("Anna Nowak", "dora").replace("Nobody Known", "carla")
    again = bring(database_url, folder, "accounts", "-", "--yes", text=text)
    assert "anna → dora" in again.stdout
    assert stored(db) == ["1", "2", "acme", "helix"]


def test_people_and_contacts(db: psycopg.Connection, database_url: str, folder: Path) -> None:
    people = "User ID,Full Name,Email,Team\n7,Zoe Zimt,zoe@seller.example,Alps\n"
    done = bring(database_url, folder, "people", "-", "--yes", text=people)
    assert "1  new team" in done.stdout
    assert "1  new person" in done.stdout
    contacts = "Contact ID,Name,Email,Account Name\n1,Lena Holt,lena@gmail.com,Acme Maschinenbau GmbH\n"
    done = bring(database_url, folder, "contacts", "-", "--yes", text=contacts)
    assert "account_id" in done.stdout
    assert db.execute("SELECT account_id FROM contacts").fetchall() == [("acme",)]


def test_nobody_can_be_asked_without_a_terminal(database_url: str, folder: Path) -> None:
    done = bring(database_url, folder, "accounts", "accounts.csv")
    assert done.returncode == 1
    assert "--yes" in done.stderr


def test_a_yes_imports_and_a_no_does_not(db: psycopg.Connection, database_url: str, folder: Path) -> None:
    code, shown = on_terminal(database_url, folder, "n", "accounts", "accounts.csv")
    assert (code, stored(db)) == (1, ["acme", "helix"]), shown
    code, shown = on_terminal(database_url, folder, "y", "accounts", "accounts.csv")
    assert (code, stored(db)) == (0, ["1", "acme", "helix"]), shown
    assert "The refused rows are in accounts.rejected.csv" in shown


def test_a_file_that_cannot_be_read_is_told(database_url: str, folder: Path) -> None:
    done = bring(database_url, folder, "accounts", "nowhere.csv", "--yes")
    assert (done.returncode, "nowhere.csv cannot be opened" in done.stderr) == (1, True)
    done = bring(database_url, folder, "accounts", "accounts.csv", "--yes", "--map", "owner")
    assert done.returncode == 2
