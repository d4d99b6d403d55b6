"""`leadlane lead` and `leadlane away`: what is printed, what is refused, and what is true then."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files

import psycopg
import pytest
from click.testing import Result
from tests.crash.company import assert_all_is_well
from typer.testing import CliRunner

from leadlane import config
from leadlane.cli import build_app
from leadlane.core.facts import Signal
from leadlane.intake.leads import LeadInput
from leadlane.policy.roster import read_roster
from leadlane.service.batch import route_batch
from leadlane.service.publish import publish
from leadlane.service.roster import put_roster
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.submission import submission
from leadlane.store import batches

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _company(database_url: str, db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The commands use a database with the lead L1, which anna has, and V, which is in review."""
    folder = files("leadlane.reference")
    document, _problems = read_roster(folder.joinpath("roster.yaml").read_bytes())
    assert document is not None
    put_roster(db, document, "test", MONDAY)
    publish(db, folder.joinpath("policy.yaml").read_text("utf-8"), "policy.yaml", "test", "first", MONDAY)
    batches.configure(db)
    hot = {"email": "jo@bigbank.example", "country": "DE", "industry": "fintech", "employees": 1200}
    vip = {"email": "v@w.example", "referral": "vip"}
    given = [
        LeadInput(id="L1", fields=hot, signals=(Signal("demo_request", MONDAY),)),
        LeadInput(id="V", fields=vip, signals=()),
    ]
    route_batch(db, Rulebooks(), [submission(one, "test", MONDAY) for one in given], MONDAY)
    monkeypatch.setenv("LEADLANE_DATABASE_URL", database_url)
    config.settings.cache_clear()
    yield
    config.settings.cache_clear()
    assert_all_is_well(db)


def leadlane(*arguments: str) -> Result:
    return CliRunner().invoke(build_app(), list(arguments), env={"COLUMNS": "120"})


def told(*arguments: str) -> list[str]:
    """The lines that a command prints that does what it should."""
    done = leadlane(*arguments)
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output.splitlines()


def test_a_lead_is_shown() -> None:
    assert told("lead", "show", "L1") == [
        "L1: assigned, owned by Anna Nowak (anna).",
        "Next step: Respond, due 2026-03-02 10:15 Europe/Berlin.",
        "The promise was broken.",
        "Place 1, taken from 0 so far.",
    ]
    stands = json.loads("\n".join(told("lead", "show", "L1", "--json")))
    assert (stands["owner"], stands["place"], stands["breached"]) == ("anna", 1, True)


def test_what_people_do_is_told_in_two_lines() -> None:
    assert told("lead", "accept", "L1", "--by", "anna")[0] == "L1: accepted, owned by Anna Nowak (anna)."
    plan = ("lead", "next-step", "L1", "Send the offer", "--due", "2099-01-01", "--by", "anna")
    next_step = "Next step: Send the offer, due 2099-01-02 00:00 Europe/Berlin."
    assert told(*plan) == ["L1: accepted, owned by Anna Nowak (anna).", next_step]
    touch = ("lead", "touch", "L1", "--kind", "call", "--by", "anna", "--note", "talked", "--seen", "1")
    assert told(*touch) == ["L1: working, owned by Anna Nowak (anna).", next_step]
    moved = told("lead", "reassign", "L1", "--to", "boris", "--by", "maria")
    assert moved[0] == "L1: assigned, owned by Boris Keller (boris)."
    assert "(boris)" not in told("lead", "decline", "L1", "--by", "boris", "--reason", "no time")[0]
    wrong = told("lead", "dispute", "L1", "--by", "maria", "--reason", "a student")
    assert wrong[0] == "L1: review, owned by Olga Lis (olga)."
    closed = ("lead", "close", "L1", "--outcome", "won", "--value", "5000", "--by", "maria")
    assert told(*closed) == ["L1: closed as won."]


def test_what_is_in_review_is_placed() -> None:
    assert told("lead", "show", "V")[0] == "V: review, owned by Olga Lis (olga)."
    placed = told("lead", "review", "V", "--to", "program:nurture", "--by", "olga")
    assert placed == ["V: nurture, program:nurture; nobody has it."]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("accept", "L1", "--by", "boris"), "Somebody else has this lead."),
        (("accept", "nothing", "--by", "anna"), "There is no lead of this id."),
        (("show", "nothing"), "There is no lead of this id."),
        (("reassign", "L1", "--to", "nobody", "--by", "maria"), "There is nobody of this id in the roster."),
        (("close", "L1", "--outcome", "lost", "--by", "anna", "--seen", "4"), "no longer where you saw it"),
    ],
)
def test_a_refusal_says_why(arguments: tuple[str, ...], problem: str) -> None:
    done = leadlane("lead", *arguments)
    assert done.exit_code == 1
    assert problem in str(done.exception)


@pytest.mark.parametrize(
    "arguments",
    [
        ("lead", "accept", "L1"),
        ("lead", "touch", "L1", "--by", "anna", "--kind", "emial"),
        ("lead", "close", "L1", "--by", "anna", "--outcome", "gone"),
        ("lead", "next-step", "L1", "Call", "--by", "anna", "--due", "soon"),
        ("lead", "next-step", "L1", "Call", "--by", "anna", "--due", "2020-01-01"),
        ("lead", "next-step", "L1", " ", "--by", "anna", "--due", "2099-01-01"),
        ("away", "anna", "--until", "tomorrow"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...]) -> None:
    assert leadlane(*arguments).exit_code == 2


def test_somebody_is_away(db: psycopg.Connection) -> None:
    line = "Anna Nowak is away from 2099-07-01 00:00 Europe/Berlin until 2099-07-04 00:00 Europe/Berlin."
    assert told("away", "anna", "--from", "2099-07-01", "--until", "2099-07-03") == [line]
    refused = leadlane("away", "nobody", "--until", "2099-07-03")
    assert refused.exit_code == 1
    assert "nobody of the id nobody" in str(refused.exception)
    past = leadlane("away", "anna", "--until", "2020-07-03")
    assert past.exit_code == 1
    assert "ends before it begins" in str(past.exception)
