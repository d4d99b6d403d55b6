"""`leadlane outcomes` as it is used: a real process, its summary, its refused rows, its exit codes."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC
from importlib.resources import files
from pathlib import Path

import psycopg
import pytest
from tests.service.conftest import NOW

from leadlane.core.facts import LEAD_FIELDS
from leadlane.intake.leads import read_lead
from leadlane.policy.roster import read_roster
from leadlane.service.batch import route_batch
from leadlane.service.publish import publish
from leadlane.service.roster import put_roster
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.submission import submission

REFERENCE = files("leadlane") / "reference"
DEALS = """\
Lead ID,Deal Stage,Close Date,Amount,Owner’s Mood
L1,Closed Won,2026-03-20,12000,fine
L2,Signed off,2026-03-20,,
nobody,Closed Won,2026-03-20,1,
"""


@pytest.fixture
def folder(db: psycopg.Connection, tmp_path: Path) -> Path:
    """A folder with an export, and two open leads."""
    document, _problems = read_roster((REFERENCE / "roster.yaml").read_bytes())
    assert document is not None
    put_roster(db, document, "test", NOW)
    publish(db, (REFERENCE / "policy.yaml").read_text(), "policy.yaml", "test", "first", NOW)
    for number in (1, 2):
        raw = {"id": f"L{number}", "email": f"jo@umbra{number}.example", "country": "DE"}
        given, _bad = read_lead(raw, LEAD_FIELDS, NOW, UTC)
        assert given is not None
        route_batch(db, Rulebooks(), [submission(given, "test", NOW)], NOW)
    (tmp_path / "deals.csv").write_text(DEALS)
    return tmp_path


def outcomes(url: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LEADLANE_")}
    return subprocess.run(
        [sys.executable, "-m", "leadlane", "outcomes", *arguments],
        cwd=folder,
        env={**clean, "COLUMNS": "120", "TERM": "dumb", "LEADLANE_DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_it_says_what_it_would_do_does_it_and_keeps_what_it_refuses(
    db: psycopg.Connection, database_url: str, folder: Path
) -> None:
    tried = outcomes(database_url, folder, "deals.csv", "--dry-run")
    assert tried.returncode == 0, tried.stderr
    assert "Dry run" in tried.stdout
    assert "Columns used: lead = Lead ID, outcome = Deal Stage" in tried.stdout
    assert "Columns not used: Owner’s Mood." in tried.stdout
    assert not (folder / "deals.rejected.csv").exists()
    assert db.execute("SELECT count(*) FROM leads WHERE stage = 'closed'").fetchone() == (0,)
    done = outcomes(database_url, folder, "deals.csv")
    assert done.returncode == 0, done.stderr
    assert "1  open leads closed" in done.stdout
    assert "Outcomes: won 1." in done.stdout
    assert "“Signed off” 1" in done.stdout
    assert "line 4" in done.stdout
    assert "nobody" in (folder / "deals.rejected.csv").read_text("utf-8-sig")
    again = outcomes(database_url, folder, "deals.csv", "--won", "signed off")
    assert "1  unchanged" in again.stdout
    assert "1  open leads closed" in again.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("no-such.csv",), 1, "cannot be opened"),
        (("deals.csv", "--map", "stage=Deal Stage"), 1, "there is no field “stage”"),
        (("deals.csv", "--map", "outcome"), 2, "is not ROLE=COLUMN"),
        (("deals.csv", "--decimal", ";"), 2, "It is . or ,"),
        (("deals.csv", "--map", "outcome="), 1, "how a lead ended"),
    ],
)
def test_what_is_wrong_with_the_command_is_said(
    database_url: str, folder: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = outcomes(database_url, folder, *arguments)
    assert done.returncode == code
    assert said in " ".join(done.stderr.split())
