"""`leadlane check`, as it is called."""

import json
from importlib.resources import files
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from leadlane.cli.check import check
from leadlane.errors import LeadlaneError

REFERENCE = Path(str(files("leadlane"))) / "reference"
POLICY, ROSTER = str(REFERENCE / "policy.yaml"), str(REFERENCE / "roster.yaml")


def run(*arguments: str) -> Result:
    app = typer.Typer()
    app.command()(check)
    return CliRunner().invoke(app, arguments)


@pytest.fixture
def bad(tmp_path: Path) -> str:
    """The reference policy with two errors."""
    text = (
        Path(POLICY)
        .read_text("utf-8")
        .replace("[DE, AT, CH]", "[DE, UK]", 1)
        .replace("pool: sdr", "pool: sdrs", 1)
    )
    path = tmp_path / "bad.yaml"
    path.write_text(text, "utf-8")
    return str(path)


def test_a_fine_policy_is_said_to_be_fine() -> None:
    result = run(POLICY)
    assert result.exit_code == 0
    assert result.output.startswith("The policy “Reference” is fine (version ")


def test_warnings_are_shown_and_fail_only_when_strict() -> None:
    result = run(POLICY, "--roster", ROSTER)
    assert result.exit_code == 0
    assert f"{POLICY}:100:3  warning  pools.sdr\n" in result.output
    assert "2 warnings." in result.output
    assert run(POLICY, "--roster", ROSTER, "--strict").exit_code == 1
    assert run(POLICY, "--strict").exit_code == 0


def test_errors_are_shown_with_their_lines(bad: str) -> None:
    result = run(bad)
    assert result.exit_code == 1
    lines = result.output.splitlines()
    at = lines.index(f"{bad}:25:26  error  segments[0].when.country[1]")
    source, caret = lines[at + 1 : at + 3]
    assert source == "    25 │     when: {country: [DE, UK], employees: {min: 1000}}"
    assert source[caret.index("^") :].startswith("UK")
    assert lines[at + 3 : at + 6] == [
        "    found: “UK”",
        "    expected: a country code (ISO 3166 alpha-2)",
        "    did you mean: GB",
    ]
    assert lines[-1] == "2 errors, 0 warnings."


def test_machines_get_json(bad: str) -> None:
    result = run(bad, "--json")
    answer = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (answer["ok"], answer["version"]) == (False, None)
    first = answer["problems"][0]
    assert (first["line"], first["column"], first["code"], first["suggestion"]) == (
        25,
        26,
        "unknown_value",
        "GB",
    )
    assert json.loads(run(POLICY, "--json").stdout)["ok"] is True


def test_problems_of_the_roster_are_shown_too(tmp_path: Path, bad: str) -> None:
    roster = tmp_path / "roster.yaml"
    roster.write_text("people: [{id: a, timezone: Berlin}]\n", "utf-8")
    result = run(bad, "--roster", str(roster))
    assert result.exit_code == 1
    assert f"{roster}:1:28  error  people[0].timezone" in result.output
    assert "3 errors" in result.output


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a: \x00", b"", b"[" * 100_000, b"x" * 5_000_001])
def test_files_that_are_no_policy_are_refused_in_one_page(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "p.yaml"
    path.write_bytes(content)
    result = run(str(path))
    assert result.exit_code == 1
    assert "1 error, 0 warnings." in result.output
    assert len(result.output) < 1500


def test_a_very_long_line_is_cut_around_its_place(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("policy: P\npools: {}\nroutes: [" + "{name: a, disqualify: x}, " * 300 + "]\n", "utf-8")
    result = run(str(path))
    caret = next(i for i, line in enumerate(result.output.splitlines()) if line.strip() == "^")
    lines = result.output.splitlines()
    assert lines[caret - 1][lines[caret].index("^") :].startswith("a, disqualify")
    assert max(map(len, lines)) < 200


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    result = run(str(tmp_path / "none.yaml"))
    assert isinstance(result.exception, LeadlaneError)
    assert "none.yaml" in result.exception.message


def test_messages_come_in_the_language_that_is_asked_for() -> None:
    assert run(POLICY, "--lang", "en").exit_code == 0
    assert run(POLICY, "--lang", "xx").exit_code == 2
