"""`leadlane review`: the summary, the files, and the verdicts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from click.testing import Result
from rich.console import Console
from tests.conftest import TEMPLATE, _database
from tests.service.quarterly.quarter_company import NOW, Planted, company
from typer.testing import CliRunner

from leadlane import config
from leadlane.cli import build_app
from leadlane.cli import review as review_command
from leadlane.errors import LeadlaneError
from leadlane.service.users import add
from leadlane.store.db import connect

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def url(server_url: str) -> Iterator[str]:
    for url in _database(server_url, f"TEMPLATE {TEMPLATE} STRATEGY wal_log"):
        with connect(url) as connection:
            company(connection, Planted(north=0.35, partner=0.6), a_week=50)
            add(connection, "ada@seller.example", "Ada", "admin", "test", NOW)
        yield url


@pytest.fixture
def run(url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(config, "settings", lambda: config.Settings(database_url=url))

    def run_it(*arguments: str, period: str = "2026Q1") -> Result:
        return CliRunner().invoke(build_app(), ["review", "--period", period, *arguments])

    return run_it


def test_the_summary_shows_findings_and_their_changes(run: Run) -> None:
    result = run()
    assert result.exit_code == 0, result.output
    assert "Quarterly review 2026Q1" in result.output
    assert "overridden_route:partner" in result.output
    assert "{name: partner, when: {source: partner}, pool: experts}" in result.output


def test_the_document_stands_by_itself(run: Run, tmp_path: Path) -> None:
    result = run("--out", str(tmp_path / "deep" / "review.html"))
    assert result.exit_code == 0, result.output
    text = (tmp_path / "deep" / "review.html").read_text()
    assert text.startswith("<!doctype html>")
    assert 'class="added"' in text
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert "<script" not in text


def test_json_and_the_changed_files(run: Run, tmp_path: Path) -> None:
    result = run("--json", "--assume", "hour_cost=100")
    made = json.loads(result.output)
    assert made["name"] == "2026Q1"
    assert {one["name"]: one["middle"] for one in made["assumptions"]}["hour_cost"] == 100
    assert run("--write", str(tmp_path)).exit_code == 0
    changed = (tmp_path / "overridden_route-partner" / "policy.yaml").read_text()
    (tmp_path / "policy.yaml").write_text(changed)
    checked = CliRunner().invoke(build_app(), ["check", str(tmp_path / "policy.yaml")])
    assert checked.exit_code == 0, checked.output


def test_verdicts_are_remembered(run: Run, url: str) -> None:
    assert run().exit_code == 0
    done = run("--dismiss", "overridden_route:partner", "--reason", "The partner asked for it")
    assert done.exit_code == 0, done.output
    assert "dismissed in 2026Q1 because “The partner asked for it”" in " ".join(run().output.split())
    done = run("--accept", "unused_route:old-fair", "--user", "ada@seller.example")
    assert done.exit_code == 0, done.output
    with psycopg.connect(url) as connection:
        (draft,) = connection.execute("SELECT content FROM policy_drafts").fetchone() or ("",)
        assert "old-fair" not in draft
        assert connection.execute("SELECT count(*) FROM publications").fetchone() == (1,)
    assert "What came of those accepted" in run().output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--dismiss", "segment:none"), "has no finding segment:none"),
        (("--dismiss", "unused_route:old-fair"), "Say why it is dismissed"),
        (("--accept", "unused_route:old-fair", "--user", "nobody@seller.example"), "nobody@seller.example"),
    ],
)
def test_what_cannot_be_decided_is_told(run: Run, arguments: tuple[str, ...], said: str) -> None:
    result = run(*arguments)
    assert isinstance(result.exception, LeadlaneError)
    assert said in f"{result.exception.message} {result.exception.hint}"


@pytest.mark.parametrize(
    "arguments",
    [
        ("--accept", "a", "--dismiss", "b"),
        ("--assume", "price=3"),
        ("--accept", "unused_route:old-fair"),
    ],
)
def test_wrong_usage_is_told(run: Run, arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2


def test_a_quarter_that_has_not_begun_is_refused(run: Run) -> None:
    result = run(period="2999Q1")
    assert isinstance(result.exception, LeadlaneError)


def test_a_change_is_printed_whole_on_a_narrow_terminal(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(review_command, "console", Console(highlight=False, width=30))
    assert "{name: partner, when: {source: partner}, pool: experts}" in run().output


def test_keys_that_look_alike_as_files_get_folders_of_their_own(tmp_path: Path) -> None:
    taken: set[Path] = set()
    keys = ["unused_route:a b", "unused_route:a-b", "unused_route:" + "é" * 300]
    places = [review_command._own_folder(tmp_path, key, taken) for key in keys]
    assert [place.name for place in places[:2]] == ["unused_route-a-b", "unused_route-a-b-2"]
    for place in places:
        place.mkdir()
