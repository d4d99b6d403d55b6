"""`leadlane test` as it is used: the lines that it prints, its exit codes, and what it leaves alone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

HEAD = "scenario: {name}\nstart: 2026-03-02T10:00+01:00\nsteps:\n"
STEP = "  - lead: {{id: L1, email: a@b.example, country: DE, signals: [demo_request]}}\n"
EXPECT = "    expect: {{L1: {{owner: {owner}}}}}\n"
STORY = HEAD + STEP + EXPECT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "right.yaml").write_text(STORY.format(name="A right one", owner="ida"), encoding="utf-8")
    return tmp_path


def run(url: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LEADLANE_")}
    return subprocess.run(
        [sys.executable, "-m", "leadlane", "test", *arguments],
        cwd=folder,
        env={**clean, "COLUMNS": "150", "LEADLANE_DATABASE_URL": url, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_when_all_pass(folder: Path, database_url: str) -> None:
    done = run(database_url, folder, ".")
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert lines[0].startswith("✓ right.yaml  A right one  ")
    assert lines[-1] == "1 passed, 0 failed"
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM leads").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM policies").fetchone() == (0,)
        schemas = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'leadlane%'")
        assert schemas.fetchall() == []


def test_when_one_fails_the_line_and_the_decision_are_shown(folder: Path, database_url: str) -> None:
    (folder / "wrong.yaml").write_text(STORY.format(name="A wrong one", owner="hugo"), encoding="utf-8")
    done = run(database_url, folder, ".", "--json", "out.json")
    assert done.returncode == 1, done.stderr
    assert done.stdout.splitlines()[-1] == "1 passed, 1 failed"
    assert "    wrong.yaml:4  step 1, Mon 2 Mar 2026, 10:00: lead L1 comes in" in done.stdout
    assert "    wrong.yaml:5  owner of L1: expected hugo, found ida" in done.stdout
    assert "      Ida Wrona has this lead: hot-weak → pool sdr" in done.stdout
    results = json.loads((folder / "out.json").read_text(encoding="utf-8"))
    assert (results["passed"], results["failed"]) == (1, 1)
    assert [one["outcome"] for one in results["scenarios"]] == ["passed", "failed"]
    assert results["scenarios"][1]["failures"][0] == {
        "line": 5,
        "what": "owner of L1",
        "expected": "hugo",
        "found": "ida",
        "message": "owner of L1: expected hugo, found ida",
    }


def test_what_cannot_be_read_is_told_apart_from_what_fails(folder: Path, database_url: str) -> None:
    (folder / "slip.yaml").write_text(STORY.format(name="A slip", owner="idaa"), encoding="utf-8")
    done = run(database_url, folder, ".")
    assert done.returncode == 2, done.stderr
    assert "slip.yaml:5:26  error  steps[0].expect.L1.owner" in done.stdout
    assert "did you mean: ida" in done.stdout
    assert done.stdout.splitlines()[-1] == "1 passed, 1 failed"


def test_only_some(folder: Path, database_url: str) -> None:
    (folder / "wrong.yaml").write_text(STORY.format(name="A wrong one", owner="hugo"), encoding="utf-8")
    done = run(database_url, folder, ".", "-k", "A RIGHT")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "1 passed, 0 failed")
    nothing = run(database_url, folder, ".", "-k", "nowhere")
    assert nothing.returncode == 1
    assert "nowhere" in nothing.stderr


@pytest.mark.parametrize("arguments", [(), ("nowhere.yaml",), ("--init", "a.yaml", "b.yaml"), ("--init",)])
def test_wrong_usage_is_explained(folder: Path, database_url: str, arguments: tuple[str, ...]) -> None:
    done = run(database_url, folder, *arguments)
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()
