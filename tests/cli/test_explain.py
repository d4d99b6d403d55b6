"""`leadlane explain`: the look of an explanation, and the command on a real database."""

from __future__ import annotations

import io
import json
import re
from datetime import UTC, datetime
from importlib.resources import files

import psycopg
import pytest
from click.testing import Result
from rich.console import Console
from typer.testing import CliRunner

from leadlane import config
from leadlane.cli import build_app
from leadlane.cli.explain import render
from leadlane.core.facts import Signal
from leadlane.explain.explanation import Explanation, Section, failed, info, ok
from leadlane.intake.leads import LeadInput
from leadlane.policy.roster import read_roster
from leadlane.service.batch import route_batch
from leadlane.service.publish import publish
from leadlane.service.roster import put_roster
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.submission import submission

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TOLD = Explanation(
    "L1",
    "Anna Nowak has this lead: hot → pool senior-ae, respond by Mon 2 Mar 10:15.",
    (
        Section(
            "fit",
            "How well they fit: strong",
            (
                ok("Large company", "40", "employees is 800"),
                failed("Core industry", "0", "industry is [red]farming[/red], not fintech or banking"),
                info("Points in all: 40; strong from 60."),
            ),
        ),
    ),
)


def shown(width: int = 80, *, color: bool = False, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
    render(Console(file=stream, width=width, force_terminal=color, highlight=False), TOLD)
    stream.flush()
    return raw.getvalue().decode(encoding)


def test_rows_are_aligned_and_long_ones_stay_in_their_column() -> None:
    lines = [line.rstrip() for line in shown(60).splitlines()]

    assert lines[:2] == ["Anna Nowak has this lead: hot → pool senior-ae, respond by", "Mon 2 Mar 10:15."]
    assert lines[3:] == [
        "How well they fit: strong",
        "  ✓  Large company  40  employees is 800",
        "  ✗  Core industry  0   industry is [red]farming[/red], not",
        "                        fintech or banking",
        "  ·  Points in all: 40; strong from 60.",
    ]


@pytest.mark.parametrize("width", [40, 80, 200])
def test_nothing_is_wider_than_the_terminal(width: int) -> None:
    assert max(len(line) for line in shown(width).splitlines()) <= width


def test_colour_adds_nothing_but_colour() -> None:
    coloured = shown(color=True)

    assert "\x1b[" in coloured
    assert "\x1b[" not in shown()
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == shown()


def test_a_terminal_without_these_signs_gets_plain_ones() -> None:
    summary = TOLD.summary.replace("→", "to")
    plain = Explanation(TOLD.lead, summary, TOLD.sections)
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="latin-1", newline="\n")

    render(Console(file=stream, width=80, highlight=False), plain)
    stream.flush()

    assert "  +  Large company" in raw.getvalue().decode("latin-1")


# ---------------------------------------------------------------- the command


@pytest.fixture
def routed(database_url: str, db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of a lead that was routed by the reference policy; the commands use its database."""
    folder = files("leadlane.reference")
    document, problems = read_roster(folder.joinpath("roster.yaml").read_bytes())
    assert document is not None, problems
    publish(db, folder.joinpath("policy.yaml").read_text("utf-8"), "policy.yaml", "ann", "first", MONDAY)
    put_roster(db, document, "ann", MONDAY)
    fields = {"email": "jo@bigbank.example", "country": "DE", "industry": "banking", "employees": 800}
    given = LeadInput(id=None, fields=fields, signals=(Signal("demo_request", MONDAY),))
    [receipt] = route_batch(db, Rulebooks(), [submission(given, "test", MONDAY)], MONDAY)
    assert receipt.status == "created", receipt.problem
    db.commit()
    monkeypatch.setenv("LEADLANE_DATABASE_URL", database_url)
    config.settings.cache_clear()
    return receipt.lead_id


def leadlane(*arguments: str) -> Result:
    return CliRunner().invoke(build_app(), ["explain", *arguments], env={"COLUMNS": "120"})


def test_a_stored_lead_is_told_in_words(routed: str) -> None:
    done = leadlane(routed)

    assert done.exit_code == 0, done.output
    assert done.output.startswith(
        "Clara Meyer has this lead: hot-mid → pool mid-ae, respond by Mon 2 Mar 10:15."
    )
    assert "If employees were 1,000 instead of 800, it would have gone by route hot-enterprise" in done.output


def test_moments_are_told_in_the_zone_asked_for(routed: str) -> None:
    assert "By when: Mon 2 Mar 09:15 (Europe/London)" in leadlane(routed, "--zone", "Europe/London").output

    refused = leadlane(routed, "--zone", "london")
    assert refused.exit_code == 2
    assert "Europe/London" in refused.output


def test_json_is_the_stored_trace(routed: str, db: psycopg.Connection) -> None:
    done = leadlane(routed, "--json")

    assert json.loads(done.output)["route"]["name"] == "hot-mid"
    assert json.loads(done.output)["lead"] == routed


def test_a_lead_that_is_not_there(routed: str) -> None:
    done = leadlane("nobody")

    assert done.exit_code == 1
    assert "There is no lead nobody." in str(done.exception)
