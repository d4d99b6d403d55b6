"""`leadlane duplicates` and `leadlane match`, as they are called."""

import csv
import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from leadlane.cli.duplicates import duplicates
from leadlane.cli.match import match
from leadlane.errors import LeadlaneError

SITES = """\
id,name,address,zip,city,phone,same
1,Northwind Traders Ltd,12 Mill Lane,2000,Sydney,+61 2 9999 1111,n
2,Contoso Pharma AG,Seestrasse 9,8002,Zürich,+41 44 555 11 22,c
3,NORTHWIND TRADERS,12 Mill Ln,2000,Sydney,+61 2 9999 1111,n
4,Fabrikam Inc.,400 Oak Street,60601,Chicago,+1 312 555 0100,f
5,Contoso Pharma,,,,,c
"""
PAIRS = "name1,name2,match\nNorthwind Ltd,Northwind,1\nNorthwind,Contoso,0\n"


def run(*arguments: str) -> Result:
    app = typer.Typer()
    app.command()(duplicates)
    app.command()(match)
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "100"})


@pytest.fixture
def sites(tmp_path: Path) -> str:
    path = tmp_path / "sites.csv"
    path.write_text(SITES, "utf-8")
    return str(path)


@pytest.fixture
def pairs(tmp_path: Path) -> str:
    path = tmp_path / "pairs.csv"
    path.write_text(PAIRS, "utf-8")
    return str(path)


def test_clusters_and_questions_are_shown_with_their_reasons(sites: str) -> None:
    result = run("duplicates", sites)
    assert result.exit_code == 0, result.output
    lines = [line.rstrip() for line in result.output.splitlines()]
    assert "Cluster 1: 2 rows" in lines
    assert any(line.strip().startswith("for: ") and "the same phone number" in line for line in lines)
    assert "Unsure: are these the same?" in lines
    assert lines[-1] == "5 rows: 1 cluster of duplicates (1 row too many), 1 unsure pair."
    assert "Fabrikam" not in result.output


def test_a_truth_adds_the_quality(sites: str) -> None:
    output = run("duplicates", sites, "--truth", "same").output
    for text in ("precision", "sure + unsure", "names ≥", "shared key", "found"):
        assert text in output


def test_thresholds_are_settings(sites: str) -> None:
    assert "0 clusters" in run("duplicates", sites, "--sure", "1").output
    assert "0 unsure pairs" in run("duplicates", sites, "--sure", "0.98", "--unsure", "0.98").output
    assert run("duplicates", sites, "--sure", "0.4").exit_code == 2
    assert run("duplicates", sites, "--unsure", "0").exit_code == 2


@pytest.mark.parametrize("option", [("--map", "name"), ("--as", "robot")])
def test_wrong_options_are_usage_errors(sites: str, option: tuple[str, str]) -> None:
    assert run("duplicates", sites, *option).exit_code == 2


def test_everything_as_json(sites: str) -> None:
    said = json.loads(run("duplicates", sites, "--truth", "same", "--json").output)
    assert [[one["id"] for one in cluster] for cluster in said["clusters"]] in ([["1", "3"]], [["3", "1"]])
    assert said["unsure"][0]["evidence"][0]["code"]
    assert said["quality"]["methods"]["suggested"]["f1"] == 1.0
    assert said["quality"]["methods"]["names"]["threshold"] > 50


def test_out_has_every_row(sites: str, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    assert run("duplicates", sites, "--out", str(out)).exit_code == 0
    with out.open(encoding="utf-8", newline="") as file:
        assert [row["id"] for row in csv.DictReader(file)] == ["1", "2", "3", "4", "5"]


def test_a_file_of_pairs_is_judged(pairs: str) -> None:
    result = run("duplicates", pairs, "--truth", "match")
    assert result.output.splitlines()[-1] == "2 pairs: 0 surely the same, 1 unsure, 1 different."
    said = json.loads(run("duplicates", pairs, "--truth", "match", "--json").output)
    assert [one["outcome"] for one in said["pairs"]] == ["unsure", "new"]


def test_a_missing_file_is_an_expected_failure() -> None:
    assert isinstance(run("duplicates", "nowhere.csv").exception, LeadlaneError)


def test_two_files(sites: str, tmp_path: Path) -> None:
    leads = tmp_path / "leads.csv"
    leads.write_text("lead,firm,tel\nx,Northwind Traders,+61 2 9999 1111\ny,Unheard Of,\n", "utf-8")
    truth = tmp_path / "truth.csv"
    truth.write_text("lead,site\nx,1\n", "utf-8")
    result = run("match", str(leads), sites, "--map", "id=lead", "--truth", str(truth))
    assert result.exit_code == 0, result.output
    assert "Sure" in result.output
    assert result.output.rstrip().endswith("2 records: 1 surely matched, 0 unsure, 1 new.")
    said = json.loads(
        run("match", str(leads), sites, "--map", "id=lead", "--truth", str(truth), "--json").output
    )
    assert {(one["left"]["id"], one["right"]["id"]) for one in said["pairs"]} == {("x", "1")}
    assert {(one["left"]["id"], one["right"]["id"]) for one in said["also"]} == {("x", "3")}
    assert said["quality"]["methods"]["sure"]["recall"] == 1.0
    one = json.loads(run("match", str(leads), sites, "--one-to-one", "--json").output)
    assert len(one["pairs"]) == 1
