"""`leadlane duplicates` without a file: shown, exported, merged as answered, and the rate."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import psycopg
import pytest
from click.testing import Result
from typer.testing import CliRunner

from leadlane import config
from leadlane.cli import build_app
from leadlane.core.act import Act
from leadlane.core.facts import Account
from leadlane.errors import LeadlaneError
from leadlane.intake.leads import LeadInput
from leadlane.policy.roster import read_roster
from leadlane.service.acts import act
from leadlane.service.batch import route_batch
from leadlane.service.publish import publish
from leadlane.service.roster import put_accounts, put_roster
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.submission import submission
from leadlane.store import leads

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
JO = '{"first_name": "Jo", "last_name": "Winterfeld", "phone": "+49 30 5551234", "company": "Kiosk Nord"}'
Run = Callable[..., Result]


@pytest.fixture
def company(db: psycopg.Connection) -> psycopg.Connection:
    """Two pairs of leads, each one person, which was found out after they had come; and one company twice."""
    reference = files("leadlane").joinpath("reference")
    document, _problems = read_roster(reference.joinpath("roster.yaml").read_bytes())
    assert document is not None
    put_roster(db, document, "test", MONDAY)
    publish(db, reference.joinpath("policy.yaml").read_text(), "policy.yaml", "test", "", MONDAY)
    for number, mail in enumerate(("jo@gmail.com", "jo@web.de", "al@gmail.com", "al@web.de"), start=1):
        one = submission(LeadInput(f"L{number}", {"email": mail, "country": "DE"}), "test", MONDAY)
        (receipt,) = route_batch(db, Rulebooks(), [one], MONDAY)
        assert receipt.status == "created"
    db.execute("UPDATE leads SET fields = fields || %s WHERE id IN ('L1', 'L2')", [JO])
    al = JO.replace("Jo", "Al").replace("Winterfeld", "Castellano").replace("1234", "9876")
    db.execute("UPDATE leads SET fields = fields || %s WHERE id IN ('L3', 'L4')", [al])
    accounts = [
        Account("a1", "Nordlicht Brauerei GmbH", ("nordlicht.example",), country="DE", city="Kiel"),
        Account("a2", "Nordlicht-Brauerei", ("nordlicht.test",), country="DE", city="Kiel"),
    ]
    put_accounts(db, accounts, MONDAY)
    return db


@pytest.fixture
def run(company: psycopg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    settings = config.Settings(database_url=database_url)
    monkeypatch.setattr(config, "settings", lambda: settings)

    def run_it(*arguments: str, answers: str | None = None) -> Result:
        return CliRunner().invoke(
            build_app(), ["duplicates", *arguments], input=answers, env={"COLUMNS": "120"}
        )

    return run_it


def gone(db: psycopg.Connection) -> set[str]:
    """The leads that are part of another now."""
    return {id_ for id_ in ("L1", "L2", "L3", "L4") if leads.resolve(db, id_) != id_}


def test_leads_and_accounts_are_shown_side_by_side_with_reasons(run: Run) -> None:
    result = run()
    assert result.exit_code == 0, result.output
    words = " ".join(result.output.split())  # however wide the terminal is
    for text in ("1. Surely the same", "2. Surely the same", "Winterfeld", "the same phone number"):
        assert text in words
    assert "4 leads: 2 clusters of open ones (2 leads too many), 0 unsure pairs." in words
    assert "nordlicht.example" in words
    assert "would come back with the next import" in words


def test_only_some_and_only_so_many(run: Run) -> None:
    output = run("--of", "leads", "--limit", "1").output
    assert "nordlicht" not in output
    assert "2. Surely" not in output
    assert "… and 1 more" in output
    assert "leads" not in run("--of", "accounts").output


def test_everything_as_json_and_as_a_file(run: Run, company: psycopg.Connection, tmp_path: Path) -> None:
    company.execute("""UPDATE leads SET fields = fields || '{"city": "=1+1"}' WHERE id = 'L1'""")
    out = tmp_path / "all.csv"
    said = json.loads(run("--json", "--out", str(out)).output)
    groups = [sorted(one["id"] for one in group["members"]) for group in said["leads"]["groups"]]
    assert sorted(groups) == [["L1", "L2"], ["L3", "L4"]]
    assert said["leads"]["groups"][0]["reasons"][0]["evidence"][0]["code"]
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["id"] for row in rows} == {"L1", "L2", "L3", "L4", "a1", "a2"}
    # A spreadsheet shows it, and does not compute it.
    assert {row["city"] for row in rows if row["id"] == "L1"} == {"'=1+1"}
    assert all(row["evidence"] and row["certainty"] in ("sure", "unsure") for row in rows)


def test_merged_told_apart_and_asked_no_more(run: Run, company: psycopg.Connection) -> None:
    result = run("--merge", "--by", "olga", answers="s\nwhat\ny\n")
    assert result.exit_code == 0, result.output
    assert "1 lead was merged into another." in result.output
    assert len(gone(company)) == 1
    again = run("--merge", "--by", "olga")
    assert "0 leads were merged" in again.output
    assert "Surely" not in again.output


def test_one_may_stop_and_go_on(run: Run, company: psycopg.Connection) -> None:
    assert "0 leads" in run("--merge", "--by", "olga", answers="q\n").output
    assert "0 leads" in run("--merge", "--by", "olga", answers="n\n").output  # and then the input ends
    assert gone(company) == set()
    assert "2 leads were merged" in run("--merge", "--by", "olga", answers="a\n").output
    assert len(gone(company)) == 2


def test_all_sure_ones_unasked(run: Run, company: psycopg.Connection) -> None:
    result = run("--merge", "--by", "olga", "--yes")
    assert result.exit_code == 0, result.output
    assert "Merge them?" not in result.output
    assert len(gone(company)) == 2


def test_by_nobody_nothing_is_merged(run: Run) -> None:
    assert isinstance(run("--merge", "--by", "nobody", "--yes").exception, LeadlaneError)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--merge"],
        ["--merge", "--by", "olga", "--of", "accounts"],
        ["--of", "robots"],
        ["--rate", "--by", "weather"],
        ["--truth", "column"],
        ["file.csv", "--merge", "--by", "olga"],
        ["file.csv", "--rate"],
        ["--sure", "2"],
    ],
)
def test_what_does_not_go_together_is_a_usage_error(run: Run, arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


def test_the_rate_and_whom_it_concerns(run: Run, company: psycopg.Connection) -> None:
    for person in ("anna", "boris"):
        act(company, Rulebooks(), [Act("L1", "touch", person, how="call")], MONDAY)
    result = run("--rate", "--by", "team")
    assert result.exit_code == 0, result.output
    for text in ("100.0%", "few", "dach", "Anna Nowak", "L1"):
        assert text in result.output
    said = json.loads(run("--rate", "--json").output)
    assert (said["prospects"]["touched"], said["prospects"]["twice"]) == (1, 1)
    assert json.loads(run("--rate", "--json", "--until", "2026-03-01").output)["prospects"]["touched"] == 0
    assert "0" in run("--rate", "--by", "source", "--since", "2027-01-01").output
