"""`leadlane whose`: the card at a width of 80, the options, and what is refused."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from click.testing import Result
from rich.console import Console
from typer.testing import CliRunner

from leadlane import config
from leadlane.cli import build_app
from leadlane.cli.whose import render
from leadlane.intake.leads import LeadInput
from leadlane.policy.roster import read_roster
from leadlane.service.batch import route_batch
from leadlane.service.ownership import Question, whose
from leadlane.service.publish import publish
from leadlane.service.roster import put_roster
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.submission import submission

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
JANE = {
    "email": "jane.doe@northwind.example", "first_name": "Jane", "last_name": "Doe",
    "company": "Northwind [Fintech] GmbH", "country": "IT",
}  # fmt: skip


@pytest.fixture
def company(db: psycopg.Connection) -> psycopg.Connection:
    reference = files("leadlane").joinpath("reference")
    document, _problems = read_roster(reference.joinpath("roster.yaml").read_bytes())
    assert document is not None
    put_roster(db, document, "test", MONDAY)
    publish(db, reference.joinpath("policy.yaml").read_text(), "policy.yaml", "test", "", MONDAY)
    one = submission(LeadInput("L1", dict(JANE)), "test", MONDAY)
    (receipt,) = route_batch(db, Rulebooks(), [one], MONDAY)
    assert receipt.status == "created"
    return db


@pytest.fixture
def run(company: psycopg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    settings = config.Settings(database_url=database_url)
    monkeypatch.setattr(config, "settings", lambda: settings)

    def run_it(*arguments: str) -> Result:
        return CliRunner().invoke(build_app(), ["whose", *arguments])

    return run_it


def card(connection: psycopg.Connection, query: str, encoding: str = "utf-8", **more: Any) -> list[str]:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
    now = MONDAY + timedelta(hours=2)
    answer = whose(connection, Rulebooks().current(connection), Question(query, **more), now)
    render(Console(file=stream, width=80, highlight=False), answer, ZoneInfo("Europe/Berlin"), now)
    stream.flush()
    return raw.getvalue().decode(encoding).splitlines()


def test_the_card_of_a_customer(company: psycopg.Connection) -> None:
    assert card(company, "helix") == [
        "╭─ Helix Versicherung AG · helix.example ──────────────────────────────────────╮",
        "│ May I contact them?  Ask Carla Vogt first. They are a customer, and Carla    │",
        "│                      Vogt holds the relationship.                            │",
        "│ Owner                Carla Vogt                                              │",
        "│ Account              Helix Versicherung AG, a customer of Carla Vogt         │",
        "│ Territory            dach, team DACH, Maria Hofer                            │",
        "╰──────────────────────────────────────────────────────────────── found by id ─╯",
    ]


def test_the_card_of_a_lead_in_nurture(company: psycopg.Connection) -> None:
    lines = card(company, "doe")
    assert lines[0].startswith("╭─ Jane Doe · Northwind [Fintech] GmbH ─")
    text = " ".join(" ".join(line.strip("│ ") for line in lines).split())
    assert "May I contact them? Yes. They are in a nurture program" in text
    assert "Stage in a nurture program (lead L1)" in text
    assert {len(line) for line in lines} == {80}


def test_the_card_of_somebody_unknown(company: psycopg.Connection) -> None:
    lines = card(company, "new@unknown.example", facts={"country": "PL"})
    text = " ".join(" ".join(line.strip("│ ") for line in lines).split())
    assert "Nobody known" in lines[0]
    assert "Territory cee, team Central and Eastern Europe, Maria Hofer" in text
    assert "Would go to program nurture (route cold-weak)" in text
    assert "After demo request pool sdr: Ida Wrona (route hot-weak)" in text
    assert "to respond within 15 business minutes" in text


def test_a_terminal_without_utf8_gets_a_card_too(company: psycopg.Connection) -> None:
    assert card(company, "boris keller gmbh", encoding="ascii")


def test_options_of_the_command(run: Any) -> None:
    result = run("helix", "--as", "carla", "--json")
    assert result.exit_code == 0, result.output
    answer = json.loads(result.output)
    assert answer["asked_by"]["id"] == "carla"
    assert answer["prospects"][0]["may_contact"]["answer"] == "yes"
    result = run("a@new.example", "--country", "Austria", "--field", "employees=2000", "--json")
    assert json.loads(result.output)["what_if"]["territory"]["segment"] == "enterprise-dach"


def test_territories(run: Any) -> None:
    result = run("--territories")
    assert result.exit_code == 0
    assert "Maria Hofer" in result.output
    assert "enterprise-dach" in result.output
    assert len(json.loads(run("--territories", "--json").output)["territories"]) == 5


@pytest.mark.parametrize("arguments", [[], ["acme", "--field", "employees"], ["acme", "--limit", "0"]])
def test_wrong_usage(run: Any, arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


@pytest.mark.parametrize("arguments", [["x"], ["acme", "--as", "nobody"], ["acme", "--country", "Atlantis"]])
def test_expected_failures(run: Any, arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 1
    assert result.exception is not None
    assert str(result.exception)
