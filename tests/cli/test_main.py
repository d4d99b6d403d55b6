"""The command line: what it prints where, and with which exit code it ends."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def leadlane(*arguments: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs the real command in `folder`, with nothing but `variables` set for Leadlane."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LEADLANE_")}
    return subprocess.run(
        [sys.executable, "-m", "leadlane", *arguments],
        cwd=folder,
        env={**clean, "COLUMNS": "200", **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_version(tmp_path: Path) -> None:
    done = leadlane("--version", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("leadlane 0.")


def test_an_expected_failure_is_one_clear_message_and_exit_code_1(tmp_path: Path) -> None:
    done = leadlane(
        "db", "status", folder=tmp_path, LEADLANE_DATABASE_URL="postgresql://ann:hunter2@127.0.0.1:1/x"
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert "cannot be reached" in done.stderr
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr


def test_a_bad_setting_stops_every_command(tmp_path: Path) -> None:
    done = leadlane("settings", folder=tmp_path, LEADLANE_PORT="many")
    assert done.returncode == 1
    assert "expected a whole number from 1 to 65535" in done.stderr


@pytest.mark.parametrize("arguments", [["nonsense"], ["db", "restore"], ["settings", "--nonsense"]])
def test_wrong_usage_is_exit_code_2(arguments: list[str], tmp_path: Path) -> None:
    assert leadlane(*arguments, folder=tmp_path).returncode == 2


def test_settings_for_scripts(tmp_path: Path) -> None:
    (tmp_path / "leadlane.toml").write_text("port = 9000")
    done = leadlane(
        "settings", "--json", folder=tmp_path, LEADLANE_DATABASE_URL="postgresql://ann:hunter2@h/x"
    )
    found = {setting["name"]: setting for setting in json.loads(done.stdout)}
    assert found["port"]["value"] == "9000"
    assert found["port"]["source"] == str(tmp_path / "leadlane.toml")
    assert "hunter2" not in done.stdout


def test_settings_for_people(tmp_path: Path) -> None:
    done = leadlane("settings", folder=tmp_path, LEADLANE_BATCH_MAX="77", LEADLANE_PROT="1")
    assert "LEADLANE_BATCH_MAX" in done.stdout
    assert "Did you mean LEADLANE_PORT?" in done.stderr


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    command = f"{sys.executable} -m leadlane settings --json | true"
    done = subprocess.run(
        command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stderr == ""


def test_the_database_from_nothing_to_backup_and_back(empty_database_url: str, tmp_path: Path) -> None:
    def db(*arguments: str) -> subprocess.CompletedProcess[str]:
        return leadlane("db", *arguments, folder=tmp_path, LEADLANE_DATABASE_URL=empty_database_url)

    assert db("status").returncode == 1
    assert db("upgrade").returncode == 0
    assert "up to date" in db("status").stdout
    assert db("backup", "saved").returncode == 0
    refused = db("restore", "saved")
    assert (refused.returncode, "--replace" in refused.stderr) == (1, True)
    assert db("restore", "saved", "--replace").returncode == 0
