"""`leadlane audit`: the summary, the page, the first policy, and what is refused."""

import csv
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from leadlane.cli import build_app
from leadlane.errors import LeadlaneError

HEADERS = ("Create Date", "First Response At", "Owner", "Lead Source", "Deal Stage", "Amount")


@pytest.fixture
def leads(tmp_path: Path) -> str:
    """300 leads: answered soon they are won, answered late they are lost; every fifth has no owner."""
    path = tmp_path / "leads.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADERS)
        for n in range(300):
            day = f"2026-{1 + n // 100:02}-{1 + n % 28:02}"
            fast = n % 3 == 0
            writer.writerow(
                (
                    f"{day}T09:00Z",
                    f"{day}T{'09:05' if fast else '17:00'}Z",
                    "" if n % 5 == 0 else ("Anna", "Boris")[n % 2],
                    "web",
                    "Closed Won" if fast else "Closed Lost",
                    12_000,
                )
            )
    return str(path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(build_app(), ["audit", *arguments], env={"COLUMNS": "300"})


def done(*arguments: str) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def test_the_summary_says_what_the_files_say(leads: str) -> None:
    said = done(leads)
    assert "300 leads that arrived from Jan 1, 2026 to Mar 28, 2026" in said
    assert "60 of 300 leads have no owner: 20.0% (15.9% to 24.9%)." in said
    assert "Of 100 leads answered within 60 minutes 100.0% were won, of 200 answered later 0.0%" in said
    assert "That is more than chance" in said
    assert "An association" in said
    assert "What these files cannot say" in said


def test_the_page_and_the_first_policy_are_written(leads: str, tmp_path: Path) -> None:
    said = done(
        leads, "--out", str(tmp_path / "made" / "report.html"), "--write-policy", str(tmp_path / "draft")
    )
    assert "report.html" in said
    assert (tmp_path / "made" / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    draft = tmp_path / "draft"
    checked = CliRunner().invoke(
        build_app(), ["check", "--strict", str(draft / "policy.yaml"), "--roster", str(draft / "roster.yaml")]
    )
    assert checked.exit_code == 0, checked.output


def test_assumptions_can_be_changed(leads: str) -> None:
    usual, changed = done(leads), done(leads, "--assume", "recoverable=0.1", "--assume", "deal_value=50000")
    assert usual != changed
    assert "€" in changed


def test_only_a_period_counts(leads: str) -> None:
    said = done(leads, "--since", "2026-02-01", "--until", "2026-03-01")
    assert "100 leads that arrived from Feb 1, 2026 to Feb 28, 2026" in said


def test_hours_and_zone_are_those_that_are_given(leads: str) -> None:
    assert "0.0% (0.0% to 1.3%) of the leads arrive outside working hours" in done(
        leads, "--hours", "mon-sun 00:00-24:00"
    )
    assert "Hours are those of Asia/Tokyo" in done(leads, "--timezone", "Asia/Tokyo")


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--assume", "love=1", "deal_value"),
        ("--timezone", "Mars/Olympus", "Europe/Berlin"),
        ("--hours", "someday 9-5", "09:00-17:00"),
        ("--map", "owner", "ROLE=COLUMN"),
        ("--since", "soon", "2026-03-02"),
        ("--decimal", ";", ". or ,"),
    ],
)  # fmt: skip
def test_options_that_cannot_be_read_are_refused(leads: str, option: str, value: str, said: str) -> None:
    result = run(leads, option, value)
    assert result.exit_code == 2
    assert said in result.output


def test_a_period_without_leads_is_told(leads: str) -> None:
    result = run(leads, "--since", "2030-01-01")
    assert isinstance(result.exception, LeadlaneError)
    assert "no lead arrived" in str(result.exception)


def test_a_folder_that_cannot_be_written_is_told(leads: str) -> None:
    result = run(leads, "--out", "/proc/nowhere/report.html")
    assert isinstance(result.exception, LeadlaneError)
