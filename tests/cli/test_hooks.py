"""`leadlane hooks`: storing a webhook, seeing what failed, mending it, and secrets that are shown once."""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import Result
from typer.testing import CliRunner

from leadlane import clock, config
from leadlane.cli import hooks as cli
from leadlane.policy.roster import read_roster
from leadlane.service import hooks
from leadlane.service.hooks import Sent
from leadlane.service.publish import publish
from leadlane.service.roster import put_roster

SECRET = "a secret of the sender"
MAPPING = "hook: demo\nsignature: {scheme: typeform}\nfields: {email: mail}\n"
Run = Callable[..., Result]


@pytest.fixture
def run(db: psycopg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    reference = files("leadlane") / "reference"
    document, _problems = read_roster((reference / "roster.yaml").read_bytes())
    assert document is not None
    put_roster(db, document, "test", clock.now())
    publish(db, (reference / "policy.yaml").read_text(), "policy.yaml", "test", "", clock.now())
    settings = config.Settings(database_url=database_url, public_url="https://leads.example.com")
    monkeypatch.setattr(config, "settings", lambda: settings)

    def run_it(*arguments: Any, **options: Any) -> Result:
        return CliRunner().invoke(cli.app, [str(one) for one in arguments], **options)

    return run_it


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    file = tmp_path / "demo.yaml"
    file.write_text(MAPPING)
    return file


def receive(db: psycopg.Connection, body: bytes) -> None:
    """A delivery that is stored and not routed, as when the server was killed."""
    digest = base64.b64encode(hmac.digest(SECRET.encode(), body, "sha256")).decode()
    sent = Sent("POST", "", {"typeform-signature": digest, "content-type": "application/json"}, {}, body)
    hooks.take_in(db, "demo", sent, clock.now(), {})


def test_from_a_file_to_a_lead(run: Run, mapping: Path, db: psycopg.Connection) -> None:
    assert "no webhook yet" in run("list").stdout
    put = run("put", mapping, "--secret-file", "-", input=SECRET + "\n")
    assert put.exit_code == 0
    assert "https://leads.example.com/v1/hooks/demo" in put.stderr
    assert SECRET not in put.output
    receive(db, b'{"mail": "ada@northwind.example"}')
    receive(db, b'{"contact": {"mail": "bo@fabrikam.example"}, "x": "\\u0085\\u009b2J"}')
    assert "waits: 2" in run("list").stdout
    # Whoever took them in died; a worker tries next, after half a minute.
    assert re.search(r"1 +demo .* waits until +", run("failed").stdout)
    assert re.search(r"Tried +1", run("show", 1).stdout)

    first = run("retry", "--all")
    assert first.exit_code == 1
    assert "1: routed" in first.stdout
    assert re.search(r"2: failed\n  none of the paths .* – correct the paths", first.stdout)
    listed = run("failed").stdout
    assert "none of the paths of the mapping" in listed
    assert "ada@" not in listed
    shown = run("show", 2)
    assert "bo@fabrikam.example" in shown.stdout
    assert "\x9b" not in shown.stdout

    mapping.write_text(MAPPING.replace("mail}", "'contact.mail'}"))
    assert run("put", mapping).exit_code == 0
    done = run("retry", 2)
    assert (done.exit_code, "2: routed" in done.stdout) == (0, True)
    assert "There is none." in run("failed").stdout
    assert "kept with its leads" in run("show", 2).stdout
    assert db.execute("SELECT count(*) FROM leads").fetchone() == (2,)


def test_a_made_secret_is_shown_once(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text("hook: site\nsignature: {scheme: address}\nfields: {email: mail}\n")
    put = run("put", file)
    secret = put.stdout.splitlines()[-1]
    assert len(secret) > 30
    assert f"https://leads.example.com/v1/hooks/site?key={secret}" in put.stderr
    for again in (run("put", file), run("list"), run("failed")):
        assert again.exit_code == 0
        assert secret not in again.output


def test_without_its_secret_nothing_is_stored(run: Run, mapping: Path) -> None:
    put = run("put", mapping)
    assert "needs the secret" in str(put.exception)
    assert "no webhook yet" in run("list").stdout


def test_mistakes_are_shown_with_their_places(run: Run, mapping: Path) -> None:
    mapping.write_text(MAPPING.replace("mail}", "First Name}"))
    for command in ("check", "put"):
        result = run(command, mapping)
        assert result.exit_code == 1
        assert "demo.yaml:3:17" in result.stdout
        assert "'\"First Name\"'" in result.stdout


def test_a_sample_shows_what_becomes_of_it(run: Run, mapping: Path, tmp_path: Path) -> None:
    sample = tmp_path / "sample"
    sample.write_bytes(b"mail=ada%40northwind.example&colour=red")
    result = run("check", mapping, "--sample", sample, "--type", "application/x-www-form-urlencoded")
    assert result.exit_code == 0
    assert re.search(r"email\s+ada@northwind.example", result.stdout)
    assert re.search(r"kept: colour\s+red", result.stdout)
    assert run("check", mapping, "--sample", sample).exit_code == 1


def test_wrong_use(run: Run) -> None:
    assert run("retry").exit_code == 2
    assert run("retry", 1, "--all").exit_code == 2
    assert run("failed", "--state", "lost").exit_code == 2
    assert "no delivery 7" in str(run("show", 7).exception)
    assert "no delivery 7" in str(run("retry", 7).exception)
