"""`leadlane route` as it is used: real processes, killed and interrupted ones too."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from importlib.resources import files
from pathlib import Path

import psycopg
import pytest

REFERENCE = files("leadlane") / "reference"
EXAMPLES = Path(__file__).parents[2] / "examples"
RULES = ("--policy", str(REFERENCE / "policy.yaml"), "--roster", str(REFERENCE / "roster.yaml"))


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "leadlane", "route", *arguments]


def environment(url: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LEADLANE_")}
    return {**clean, "COLUMNS": "150", "LEADLANE_DATABASE_URL": url}


def route(
    url: str, folder: Path, *arguments: str, text: str | None = None
) -> subprocess.CompletedProcess[str]:
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


def many(path: Path, count: int) -> Path:
    rows = (f"p{i}@c{i}.example,DE,{(5, 400, 2500)[i % 3]},software,webinar_attendance" for i in range(count))
    path.write_text("\n".join(["email,country,employees,industry,signals", *rows]) + "\n")
    return path


def stored(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM leads").fetchone()
    assert row is not None
    return int(row[0])


def start_and_wait_for_leads(url: str, path: Path) -> subprocess.Popen[str]:
    """A command that has routed something and is not done."""
    process = subprocess.Popen(
        command(str(path), *RULES),
        cwd=path.parent,
        env=environment(url),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while process.poll() is None and not stored(url):
        time.sleep(0.01)
    assert process.poll() is None, process.communicate()
    return process


def test_a_first_run_brings_its_own_policy_and_says_who_got_what(tmp_path: Path, database_url: str) -> None:
    with many(tmp_path / "leads.csv", 30).open("a") as file:
        file.write("nobody,DE,5,software,demo_request\n")
    done = route(database_url, tmp_path, "leads.csv", *RULES, "--out", "out.csv")
    assert (done.returncode, done.stderr) == (0, "")
    for part in (
        *("31 rows of leads.csv", "Ida Wrona (ida)", "warm-strong", "Monthly product letters"),
        *("Automation share", "column email, line 32", "leads.rejected.csv: correct them there"),
    ):
        assert part in done.stdout
    with (tmp_path / "out.csv").open() as file:
        assert [row["status"] for row in csv.DictReader(file)] == ["created"] * 30 + ["refused"]
    assert (tmp_path / "leads.rejected.csv").exists()


def test_standard_input(tmp_path: Path, database_url: str) -> None:
    leads = [{"email": "a@one.example"}, {"email": "b@two.example"}]
    text = "\n".join(map(json.dumps, leads))
    done = route(database_url, tmp_path, "-", *RULES, "--signals", "demo_request", text=text)
    assert done.returncode == 0
    assert "2 rows of stdin" in done.stdout
    assert stored(database_url) == 2


def test_killed_in_the_middle_and_started_again_no_lead_is_missing_or_twice(
    tmp_path: Path, database_url: str
) -> None:
    count = 6000
    path = many(tmp_path / "leads.csv", count)
    process = start_and_wait_for_leads(database_url, path)
    process.kill()
    process.communicate()
    assert 0 < stored(database_url) < count
    done = route(database_url, tmp_path, "leads.csv")
    assert done.returncode == 0
    assert "already there" in done.stdout
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "SELECT count(*), count(DISTINCT email_key), (SELECT count(*) FROM decisions),"
            " (SELECT sum(open) FROM loads), count(owner) FROM leads"
        ).fetchone()
    assert row is not None
    assert row[:3] == (count, count, count)
    assert row[3] == row[4]


def test_interrupted_it_says_how_far_it_came_and_goes_on_from_there(
    tmp_path: Path, database_url: str
) -> None:
    count = 20_000
    path = many(tmp_path / "leads.csv", count)
    process = start_and_wait_for_leads(database_url, path)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")
    there = stored(database_url)
    assert 0 < there < count
    assert f"Interrupted after row {there}." in out
    assert "it continues where it stopped" in out


def test_a_dry_run_changes_nothing_and_needs_nothing_published(tmp_path: Path, database_url: str) -> None:
    with many(tmp_path / "leads.csv", 20).open("a") as file:
        file.write("nobody,DE,5,software,demo_request\n")
    done = route(database_url, tmp_path, "leads.csv", *RULES, "--dry-run")
    assert done.returncode == 0
    assert "column email, line 22" in done.stdout
    assert "a real run puts them into leads.rejected.csv" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["leads.csv"]
    assert "nothing is changed" in done.stdout
    assert "20  new, decided and placed" in done.stdout
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "SELECT (SELECT count(*) FROM leads), (SELECT count(*) FROM publications),"
            " (SELECT count(*) FROM roster_entries),"
            " (SELECT count(*) FROM pg_namespace WHERE nspname ~ 'scratch')"
        ).fetchone()
    assert row == (0, 0, 0, 0)


def test_the_example_of_the_readme_leaves_nothing_behind(tmp_path: Path, database_url: str) -> None:
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    done = route(database_url, tmp_path, "examples/leads.csv", *RULES, "--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Refused rows" in done.stdout
    found = [path.name for path in (tmp_path / "examples").iterdir()]
    assert sorted(found) == sorted(path.name for path in EXAMPLES.iterdir())


def test_other_rules_than_those_in_force_are_tried_only(tmp_path: Path, database_url: str) -> None:
    many(tmp_path / "leads.csv", 3)
    route(database_url, tmp_path, "leads.csv", *RULES)
    other = tmp_path / "other.yaml"
    other.write_text((REFERENCE / "policy.yaml").read_text().replace("strong_at: 60", "strong_at: 90"))
    people = tmp_path / "people.yaml"
    people.write_text((REFERENCE / "roster.yaml").read_text().replace("Anna Nowak", "Anna Kowalska"))
    assert route(database_url, tmp_path, "leads.csv", *RULES).returncode == 0
    for given in (("--policy", str(other)), ("--roster", str(people))):
        done = route(database_url, tmp_path, "leads.csv", *given)
        assert done.returncode == 1
        assert "--dry-run" in done.stderr
        assert route(database_url, tmp_path, "leads.csv", *given, "--dry-run").returncode == 0


def test_a_policy_with_errors_is_refused_with_their_places(tmp_path: Path, database_url: str) -> None:
    many(tmp_path / "leads.csv", 3)
    (tmp_path / "bad.yaml").write_text("policy: Bad\nroutes: 7\n")
    done = route(database_url, tmp_path, "leads.csv", "--policy", "bad.yaml")
    assert done.returncode == 1
    assert "bad.yaml:2" in done.stdout
    assert stored(database_url) == 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["missing.csv"], 1, "missing.csv cannot be opened"),
        (["empty.csv"], 1, "empty.csv is empty"),
        (["leads.csv", "--map", "emial=email"], 1, "did you mean email"),
        (["leads.csv", "--map", "email"], 2, "FIELD=COLUMN"),
        (["leads.csv", "--at", "soon"], 1, "--at soon"),
        (["leads.csv", "--decimal", "x"], 2, "--decimal"),
        (["leads.csv", "--out", "out.pdf"], 1, "neither CSV nor JSON lines"),
        (["leads.csv", "--policy", "nowhere.yaml"], 1, "nowhere.yaml cannot be read"),
    ],
)
def test_what_cannot_be_done_is_told(
    arguments: list[str], code: int, said: str, tmp_path: Path, database_url: str
) -> None:
    many(tmp_path / "leads.csv", 3)
    (tmp_path / "empty.csv").touch()
    given = () if "--policy" in arguments else RULES
    done = route(database_url, tmp_path, *arguments, *given)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert stored(database_url) == 0
