"""The server as it is started from a terminal: first and second start, keys, ports, and how it ends."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from leadlane.store.db import connect

DOCUMENT = Path(__file__).parents[2] / "docs" / "api.md"


def free_port() -> int:
    """A port that nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def environment(url: str) -> dict[str, str]:
    """What the command needs to use this database."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LEADLANE_")}
    return {**clean, "LEADLANE_DATABASE_URL": url, "COLUMNS": "200"}


def leadlane(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end."""
    command = [sys.executable, "-m", "leadlane", *arguments]
    return subprocess.run(
        command, env=environment(url), capture_output=True, text=True, check=False, timeout=60
    )


@contextmanager
def started(url: str, *arguments: str, folder: Path) -> Iterator[tuple[subprocess.Popen[str], str, Path]]:
    """Within the block the command runs and answers: the process, its address, and what it prints."""
    port = free_port()
    printed = folder / f"printed-{port}"
    with printed.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "leadlane", *arguments, "--port", str(port)],
            env=environment(url),
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(process, address, printed)
        yield process, address, printed
    finally:
        process.kill()
        process.wait()


def wait_until_ready(process: subprocess.Popen[str], address: str, printed: Path) -> None:
    """Waits for /healthz to answer."""
    for _try in range(600):
        assert process.poll() is None, printed.read_text()
        try:
            if httpx2.get(address + "/healthz", timeout=5).status_code == 200:
                return
        except httpx2.TransportError:
            time.sleep(0.05)
    raise AssertionError(printed.read_text())


def test_run_from_nothing_and_again(database_url: str, tmp_path: Path) -> None:
    with started(database_url, "run", "--no-demo", folder=tmp_path) as (process, address, printed):
        text = printed.read_text()
        secret = re.findall(r"ll_[A-Za-z0-9_-]{40,}", text)[0]
        assert f"{address}/docs" in text
        # The example that it prints does what it says.
        example = next(line for line in text.splitlines() if line.strip().startswith("curl "))
        answered = subprocess.run(example.strip(), shell=True, capture_output=True, text=True, check=True)
        assert '"owner":"' in answered.stdout
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    with started(database_url, "run", "--no-demo", folder=tmp_path) as (_process, address, printed):
        text = printed.read_text()
        assert "ll_" not in text
        lead = re.findall(r"leadlane explain (\w+)", text)[0]
        headers = {"authorization": f"Bearer {secret}"}
        assert httpx2.get(f"{address}/v1/leads/{lead}", headers=headers).status_code == 200


def test_a_port_that_is_taken(database_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        done = leadlane(database_url, "serve", "--port", str(port))
    assert done.returncode == 1
    assert f"port {port}" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_is_under_way_is_finished_before_the_end(
    database_url: str, served: Any, tmp_path: Path, number: int
) -> None:
    secret = served.secret("intake")
    rows = [{"id": str(n), "email": f"p{n}@c{n}.example"} for n in range(3_000)]
    with started(database_url, "serve", folder=tmp_path) as (process, address, _printed):
        with httpx2.Client(headers={"authorization": f"Bearer {secret}"}, timeout=60) as client:
            client.get(address + "/v1/nothing")
            request = client.build_request("POST", address + "/v1/leads:batch", json=rows)
            with client.stream(
                request.method, request.url, content=request.content, headers=request.headers
            ) as got:
                process.send_signal(number)
                statuses = httpx2.Response(200, content=got.read()).json()["statuses"]
        assert statuses == {"201": 3_000}
        assert process.wait(timeout=30) == 0
    assert served.sql("SELECT count(*) FROM leads") == [(3_000,)]


def test_what_was_answered_outlives_a_kill(database_url: str, served: Any, tmp_path: Path) -> None:
    headers = {"authorization": f"Bearer {served.secret('intake')}"}
    with started(database_url, "serve", folder=tmp_path) as (process, address, _printed):
        with httpx2.Client(headers=headers, base_url=address) as client:
            answered = [
                client.post("/v1/leads", json={"email": f"p{n}@x.example"}).json()["id"] for n in range(30)
            ]
        process.kill()
        process.wait()
    stored = {row[0] for row in served.sql("SELECT id FROM leads")}
    assert set(answered) <= stored
    assert len(answered) == 30


def test_several_processes_share_the_work_and_count_together(
    database_url: str, served: Any, tmp_path: Path
) -> None:
    headers = {"authorization": f"Bearer {served.secret('intake')}"}
    with started(database_url, "serve", "--workers", "2", folder=tmp_path) as (process, address, printed):
        answers = [
            httpx2.post(
                address + "/v1/leads", json={"id": "one", "email": "a@b.example"}, headers=headers, timeout=30
            )
            for _n in range(12)
        ]
        assert sorted(answer.status_code for answer in answers) == [200] * 11 + [201]
        assert len({answer.content for answer in answers}) == 1
        metrics = httpx2.get(address + "/metrics").text
        assert 'leadlane_requests_total{route="/v1/leads",status="200"} 11.0' in metrics, printed.read_text()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0


def test_keys_from_making_to_revoking(database_url: str) -> None:
    made = leadlane(database_url, "keys", "create", "web form", "--scope", "intake", "--scope", "read")
    assert made.returncode == 0
    assert re.fullmatch(r"ll_[A-Za-z0-9_-]{43}\n", made.stdout)
    key = re.findall(r"k_[0-9a-f]{12}", made.stderr)[0]
    listed = leadlane(database_url, "keys", "list").stdout
    assert key in listed
    assert "web form" in listed
    assert "intake, read" in listed
    assert made.stdout.strip() not in listed
    assert leadlane(database_url, "keys", "revoke", key).returncode == 0
    with connect(database_url) as connection:
        assert connection.execute("SELECT revoked_at IS NOT NULL FROM api_keys").fetchall() == [(True,)]
    unknown = leadlane(database_url, "keys", "revoke", "k_000000000000")
    assert (unknown.returncode, "leadlane keys list" in unknown.stderr) == (1, True)
    wrong = leadlane(database_url, "keys", "create", "x", "--scope", "everything")
    assert (wrong.returncode, "intake, read, write, admin" in wrong.stderr) == (1, True)


def test_the_examples_of_the_documentation_work(served: Any) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    commands = [
        line for block in blocks for line in block.replace("\\\n", " ").replace("\n       ", " ").splitlines()
    ]
    assert len(commands) >= 8
    variables = {**os.environ, "LEADLANE": served.url, "KEY": served.secret("admin")}
    for command in commands:
        assert command.startswith("curl ")
        done = subprocess.run(
            command.replace("curl ", "curl --silent --show-error --fail-with-body ", 1),
            shell=True,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        assert done.stdout
