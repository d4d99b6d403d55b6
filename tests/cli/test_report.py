"""`leadlane report service-levels`: the table, the files, and what is refused."""

from __future__ import annotations

import csv
import json
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
from leadlane.service.report_files import COLUMNS
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
    assert "Promises that ended from Sun 1 Mar 2026 00:00" in words
    assert "fair 1 0 100.0%" in words
    assert "need not be cause and effect" in words


def test_the_files(run: Any, tmp_path: Path) -> None:
    result = run(
        "--period", "2026Q1", "--csv", str(tmp_path / "a.csv"), "--parquet", str(tmp_path / "a.parquet")
    )
    assert result.exit_code == 0, result.output
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert tuple(row) == COLUMNS
    assert (row["name"], row["kept"], row["response_minutes"]) == ("Anna Nowak", "1", "12.0")
    with duckdb.connect() as reader:
        found = reader.execute("SELECT name, kept FROM read_parquet(?)", [str(tmp_path / "a.parquet")])
        assert found.fetchall() == [("Anna Nowak", 1)]


def test_as_json(run: Any) -> None:
    report = json.loads(run("--since", "2026-03-02", "--until", "2026-03-02", "--json").stdout)
    assert [one["value"] for one in report["groups"]] == ["anna"]
    assert json.loads(run("--period", "2026-02", "--json").stdout)["all"]["promises"] == 0


def test_what_is_refused(run: Any, tmp_path: Path) -> None:
    assert run("--period", "2026", "--since", "2026-01-01").exit_code == 2
    assert run("--by", "colour").exit_code == 2
    for options in (
        ["--period", "soon"],
        ["--team", "nobody"],
        ["--csv", str(tmp_path / "no" / "a.csv")],
        ["--parquet", str(tmp_path / "no" / "a.parquet")],
    ):
        assert isinstance(run(*options).exception, LeadlaneError), options
