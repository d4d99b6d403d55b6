"""`leadlane outbox` and the doctor's lines about channels: what is seen, and what can be done."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from tests.crash.company import found_company, lead, route_all
from tests.outbound.receiver import SECRET
from typer.testing import CliRunner, Result

from leadlane import clock, config
from leadlane.cli import build_app
from leadlane.config import Settings
from leadlane.errors import LeadlaneError
from leadlane.outbound.endpoints import Endpoint, Outbound
from leadlane.outbound.message import EVENTS
from leadlane.service import planning, ways
from leadlane.service.checkup import channel_lines
from leadlane.service.rulebooks import Rulebooks
from leadlane.store import deliveries

Run = Callable[..., Result]
START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def run(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.setenv("LEADLANE_DATABASE_URL", database_url)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "leadlane-data").mkdir()
    hook = f"webhooks:\n  - {{name: crm, url: 'https://crm.example/in', secret: {SECRET}}}\n"
    (tmp_path / "leadlane-data" / "outbound.yaml").write_text(hook, encoding="utf-8")
    config.settings.cache_clear()

    def call(*args: str) -> Result:
        return CliRunner().invoke(build_app(), ["outbox", *args], env={"COLUMNS": "200"})

    return call


@pytest.fixture
def dead(db: psycopg.Connection, database_url: str) -> int:
    """The number of a message to a system that would not take it."""
    found_company(db, reps=1)
    crm = Endpoint("crm", "https://crm.example/in", (), frozenset(EVENTS), 60, ())
    deliveries.know_channels(db, [crm.channel], START)
    route_all(database_url, [[lead("L1")]])
    setup = ways.set_up(Settings(), Outbound((crm,)))
    planning.plan(db, Rulebooks(), setup, clock.now())
    db.execute(
        "UPDATE deliveries SET state = 'dead', finished_at = now(), error = 'crm.example answered 400'"
    )
    (one,) = deliveries.search(db, {"state": "dead"}, 9)
    return one.id


def test_what_is_dead_is_seen_sent_again_and_discarded(run: Run, dead: int, db: psycopg.Connection) -> None:
    listed = run().output
    assert "dead" in listed
    assert "crm.example answered 400" in listed
    assert "assigned  L1" in run("show", str(dead)).output
    assert run("retry", str(dead)).exit_code == 0
    assert [one["state"] for one in json.loads(run("list", "--json").output)] == ["waiting"]
    again = run("retry", "--all", "dead", str(dead))
    assert isinstance(again.exception, LeadlaneError)
    again = run("retry", str(dead))
    assert isinstance(again.exception, LeadlaneError)
    assert f"message {dead}" in str(again.exception)
    assert run("discard", str(dead)).exit_code == 0
    assert [one.state for one in deliveries.search(db, {}, 9)] == ["moot"]


def test_all_of_a_state_are_sent_again_at_once(run: Run, dead: int, db: psycopg.Connection) -> None:
    assert run("retry", "--all", "dead").exit_code == 0
    assert [(one.id, one.state) for one in deliveries.search(db, {}, 9)] == [(dead, "waiting")]


def test_a_secret_that_is_made_can_be_used(run: Run, tmp_path: Path) -> None:
    from leadlane.outbound.endpoints import read_outbound

    secret = run("secret").output.strip()
    file = tmp_path / "out.yaml"
    file.write_text(
        f"webhooks:\n  - {{name: a, url: 'https://a.example', secret: {secret}}}\n", encoding="utf-8"
    )
    assert len(read_outbound(Settings(outbound_file=file)).endpoints) == 1
    assert run("secret").output.strip() != secret


def test_the_doctor_tells_which_channel_does_not_work(
    run: Run, dead: int, db: psycopg.Connection, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path / "leadlane-data")
    now = clock.now()
    lines = [(line.verdict, line.text) for line in channel_lines(db, settings, now)]
    assert ("warning", "email is not set up; waiting for it: 0") in lines
    assert ("good", "webhook:crm works; waiting for it: 0") in lines
    assert ("warning", "Messages that are dead: 1") in lines
    deliveries.pause(db, "webhook:crm", now, "crm.example answered 502", now - timedelta(minutes=9))
    (bad,) = [line for line in channel_lines(db, settings, now) if line.verdict == "bad"]
    assert "has not worked for 9 minutes" in bad.text
    assert bad.advice == "crm.example answered 502"


def test_channels_that_are_asked_for_and_not_set_up_are_told(
    run: Run, dead: int, db: psycopg.Connection, tmp_path: Path
) -> None:
    file = tmp_path / "out.yaml"
    file.write_text(
        "also: [{channel: sms, after: 5 minutes}]\nposts: [{name: all, channel: slack, to: '#leads'}]\n",
        encoding="utf-8",
    )
    lines = [line.text for line in channel_lines(db, Settings(outbound_file=file), clock.now())]
    assert "sms is not set up; waiting for it: 0" in lines
    assert "slack is not set up; waiting for it: 0" in lines


@pytest.mark.usefixtures("dead")
def test_who_listens_to_what_there_is_not_is_told(db: psycopg.Connection, tmp_path: Path) -> None:
    file = tmp_path / "out.yaml"
    file.write_text(
        "posts: [{name: all, channel: email, to: all@seller.example, pools: [sales, salse], routes: [x]}]\n",
        encoding="utf-8",
    )
    found = [
        (line.text, line.advice)
        for line in channel_lines(db, Settings(outbound_file=file), clock.now())
        if "asks for" in line.text
    ]
    text = "all of outbound.yaml asks for leads of {}, and there is none."
    assert found == [
        (text.format("pools: salse"), "salse: did you mean sales?"),
        (text.format("routes: x"), ""),
    ]


def test_a_further_message_says_so_and_a_secret_address_is_not_shown(
    run: Run, dead: int, db: psycopg.Connection
) -> None:
    secret = "https://hooks.example/workflows/1?sig=geheim"
    changed = "unless = 'accepted', person = 'p1', body = NULL, address = %s"
    db.execute(f"UPDATE deliveries SET {changed}".encode(), [secret])
    shown, as_json = run("show", str(dead)).output, run("show", str(dead), "--json").output
    assert "not sent once the lead is accepted" in shown
    assert "https://hooks.example/…" in as_json
    for output in (shown, as_json, run().output, run("list", "--json").output):
        assert "geheim" not in output


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("anna@seller.example", "anna@seller.example"),
        ("#leads", "#leads"),
        ("https://hooks.example/a?sig=geheim", "https://hooks.example/…"),
        ("tgram://geheim/chat", "tgram://…"),
        ("https://[geheim", "https://…"),
    ],
)
def test_of_an_address_is_shown_what_is_no_secret(address: str, shown: str) -> None:
    assert ways.shown_address(address) == shown
