"""`leadlane report NAME`: the tables, the files, and what is refused."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from click.testing import Result
from typer.testing import CliRunner

from leadlane import config
from leadlane.cli import build_app
from leadlane.core.act import Act
from leadlane.errors import LeadlaneError
from leadlane.intake.leads import LeadInput
from leadlane.policy.roster import read_roster
from leadlane.service.acts import act
from leadlane.service.batch import route_batch
from leadlane.service.publish import publish
from leadlane.service.reporting.reports import KINDS, columns
from leadlane.service.roster import put_roster
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.submission import submission

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def run(db: psycopg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """One promise that Anna kept on a Monday in March."""
    reference, books = files("leadlane").joinpath("reference"), Rulebooks()
    document, _problems = read_roster(reference.joinpath("roster.yaml").read_bytes())
    assert document is not None
    put_roster(db, document, "test", MONDAY)
    publish(db, reference.joinpath("policy.yaml").read_text(), "policy.yaml", "test", "", MONDAY)
    lead = LeadInput("L1", {"email": "jo@kiosk.example", "source": "fair"})
    route_batch(db, books, [submission(lead, "test", MONDAY)], MONDAY)
    act(db, books, [Act("L1", "reassign", "olga", "anna")], MONDAY)
    act(db, books, [Act("L1", "touch", "anna", how="call")], MONDAY + timedelta(minutes=12))
    db.execute("UPDATE leads SET respond_by = %s, service_level = 'demo'", [MONDAY + timedelta(minutes=15)])
    settings = config.Settings(database_url=database_url)
    monkeypatch.setattr(config, "settings", lambda: settings)

    def run_it(*arguments: str) -> Result:
        return CliRunner().invoke(build_app(), ["report", "service-levels", *arguments])

    return run_it


def test_the_table(run: Any) -> None:
    result = run("--period", "2026-03", "--by", "source")
    assert result.exit_code == 0, result.output
    words = " ".join(result.stdout.split())
    assert "Promises that ended: Mar 1, 2026 to Mar 31, 2026" in words
    assert "fair 100.0% (20.7% to 100.0%), few 1 0" in words
    assert "need not be cause and effect" in words


def test_the_files(run: Any, tmp_path: Path) -> None:
    result = run(
        "--period", "2026Q1", "--csv", str(tmp_path / "a.csv"), "--parquet", str(tmp_path / "a.parquet")
    )
    assert result.exit_code == 0, result.output
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert tuple(row) == tuple(columns(KINDS["service-levels"]))
    assert (row["name"], row["kept"], row["response_minutes"]) == ("Anna Nowak", "1", "12.0")
    with duckdb.connect() as reader:
        found = reader.execute("SELECT name, kept FROM read_parquet(?)", [str(tmp_path / "a.parquet")])
        assert found.fetchall() == [("Anna Nowak", 1)]


def test_as_json(run: Any) -> None:
    report = json.loads(run("--since", "2026-03-02", "--until", "2026-03-02", "--json").stdout)
    assert [one["value"] for one in report["groups"]] == ["anna"]
    assert json.loads(run("--period", "2026-02", "--json").stdout)["all"]["promises"] == 0


def test_what_is_refused(run: Any, tmp_path: Path) -> None:
    assert run("--by", "colour").exit_code == 2
    for options in (
        ["--period", "soon"],
        ["--period", "2026", "--since", "2026-01-01"],
        ["--team", "nobody"],
        ["--csv", str(tmp_path / "no" / "a.csv")],
        ["--parquet", str(tmp_path / "no" / "a.parquet")],
    ):
        assert isinstance(run(*options).exception, LeadlaneError), options


def test_a_command_for_every_kind(run: Any) -> None:
    listed = CliRunner().invoke(build_app(), ["report", "--help"])
    for name, kind in KINDS.items():
        assert name in listed.output
        made = CliRunner().invoke(build_app(), ["report", name, "--period", "2026-03", "--json"])
        assert json.loads(made.stdout)["report"] == name
        printed = CliRunner().invoke(build_app(), ["report", name, "--period", "2026-03"])
        assert printed.exit_code == 0, printed.output
        shown = CliRunner().invoke(build_app(), ["report", name, "--help"]).output
        assert ("--by" in shown, "--team" in shown) == (bool(kind.dimensions), kind.is_of_team)


def test_no_other_command_waits_for_what_computes_figures() -> None:
    code = "import sys; from leadlane.cli import build_app; build_app(); sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
