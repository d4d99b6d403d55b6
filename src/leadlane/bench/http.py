"""How soon is one sender answered over HTTP, and how many leads a second are routed for many?"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import psycopg
from psycopg import sql

from leadlane.bench import company
from leadlane.bench.company import NOW
from leadlane.bench.database import Bench
from leadlane.bench.figures import Figure, Target, percentile, spread
from leadlane.service import api_keys
from leadlane.store.db import connect

SECTION = "3 over HTTP, one server process"
CONNECTIONS = 64
START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its port, a key to it, and its process (0: none that is looked at)."""

    port: int
    key: str
    pid: int = 0


@dataclass(frozen=True, slots=True)
class Load:
    """What a load generator saw; all times in seconds."""

    latencies: list[float]
    errors: dict[str, int]
    seconds: float
    cpu_seconds: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds


def measure(bench: Bench) -> list[Figure]:
    """Latency with one client, rate with 64 connections, against bare commits; the cost of the generator."""
    url = bench.new_company(company.reference_policy(), company.roster(14))
    alone, many = bench.size(300, 1_000), bench.size(3_000, 10_000)
    with serving(url) as server:
        generate(server, 1, 100, "warm")
        generate(server, CONNECTIONS, 1_000, "warm-many")
        rounds = [
            (_bare_commits(url, alone // 3), generate(server, 1, alone // 3, f"alone-{n}")) for n in range(3)
        ]
        loads = [generate(server, CONNECTIONS, many, f"many-{n}") for n in range(3)]
    bench.drop(url)
    bare = [percentile(bare, 0.5) for (bare, _full), _load in rounds]
    full = [percentile(full, 0.5) for (_bare, full), _load in rounds]
    p50s = [percentile(load.latencies, 0.5) for _commits, load in rounds]
    figures = _alone(p50s, [one for _commits, load in rounds for one in load.latencies], bare, full)
    return [*figures, *_many(loads), *_generator(loads)]


def _alone(p50s: list[float], all_: list[float], bare: list[float], full: list[float]) -> list[Figure]:
    """One client against commits. Each round is compared with the commits measured beside it: what a commit
    costs changes with what else the machine has to do, by far more than what is measured here.
    """
    against, p50 = "a bare single-row INSERT, committed", median(p50s)
    to_bare = median(one / commit for one, commit in zip(p50s, bare, strict=True))
    to_full = median(one / commit for one, commit in zip(p50s, full, strict=True))
    p99, target = percentile(all_, 0.99), Target(most=4, of_ratio=True)
    return [
        Figure(SECTION, against, median(bare) * 1e3, "ms", spread=spread(bare)),
        Figure(
            SECTION,
            "an INSERT of one whole lead row, committed",
            median(full) * 1e3,
            "ms",
            spread=spread(full),
        ),
        Figure(SECTION, "1 client, p50", p50 * 1e3, "ms", "the bare INSERT", to_bare, target, spread(p50s)),
        Figure(SECTION, "1 client, p50", p50 * 1e3, "ms", "the INSERT of a lead row", to_full),
        Figure(SECTION, "1 client, p99", p99 * 1e3, "ms", "its p50", p99 / p50),
    ]


def _many(loads: list[Load]) -> list[Figure]:
    rates = [load.rate for load in loads]
    latencies = [one for load in loads for one in load.latencies]
    errors = sum(sum(load.errors.values()) for load in loads)
    return [
        Figure(
            SECTION,
            f"{CONNECTIONS} connections",
            median(rates),
            "leads/s",
            target=Target(1_200),
            spread=spread(rates),
        ),
        Figure(SECTION, f"{CONNECTIONS} connections, errors", errors, "", target=Target(most=0)),
        Figure(SECTION, f"{CONNECTIONS} connections, p50", percentile(latencies, 0.5) * 1e3, "ms"),
        Figure(SECTION, f"{CONNECTIONS} connections, p99", percentile(latencies, 0.99) * 1e3, "ms"),
    ]


def _generator(loads: list[Load]) -> list[Figure]:
    """What the generator takes from the machine, and its rate where the server does nothing."""
    cost = median(load.cpu_seconds / len(load.latencies) for load in loads)
    with _trivial_server() as server:
        top = median(generate(server, CONNECTIONS, 40_000, "trivial").rate for _time in range(3))
    rate = median(load.rate for load in loads)
    return [
        Figure(SECTION, "the load generator itself, CPU", cost * 1e6, "µs/request", "a core", cost * rate),
        Figure(
            SECTION, "its rate against a server that does nothing", top, "/s", "the rate above", top / rate
        ),
    ]


def generate(server: Server, connections: int, count: int, batch: str) -> Load:
    """Send `count` new leads from a process of its own."""
    requests = [_request(server, row) for row in company.leads(count, f"{batch}-{time.monotonic_ns()}")]
    order = {"host": "127.0.0.1", "port": server.port, "connections": connections, "requests": requests}
    done = subprocess.run(
        [sys.executable, "-m", "leadlane.bench.load"],
        input=json.dumps(order),
        capture_output=True,
        text=True,
        check=True,
    )
    load = Load(**json.loads(done.stdout))
    # One thread cannot use more CPU than time passes: then the clock was wrong, and so is all that it gave.
    if load.cpu_seconds > load.seconds * 1.05:
        raise RuntimeError(f"{load.cpu_seconds} s of CPU in {load.seconds} s: the clock cannot be trusted")
    return load


def _request(server: Server, row: dict[str, str]) -> str:
    sent: dict[str, Any] = {name: value for name, value in row.items() if value}
    sent["employees"] = int(row["employees"])
    sent["signals"] = [row["signals"]]
    body = json.dumps(sent)
    return (
        f"POST /v1/leads HTTP/1.1\r\nhost: 127.0.0.1:{server.port}\r\nauthorization: Bearer {server.key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n{body}"
    )


@contextmanager
def serving(url: str) -> Iterator[Server]:
    """Within the block `leadlane serve` answers for the company in this database."""
    with connect(url) as connection:
        _id, key = api_keys.create(connection, "bench", ["intake"], NOW)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "LEADLANE_DATABASE_URL": url,
        "LEADLANE_RATE_LIMIT_PER_MINUTE": "0",
        "LEADLANE_PORT": str(port),
        "LEADLANE_LOG_LEVEL": "warning",
    }
    command = [sys.executable, "-m", "leadlane", "serve"]
    with subprocess.Popen(command, env={**os.environ, **settings}, stdout=subprocess.DEVNULL) as process:
        try:
            _wait_until_ready(port, process)
            yield Server(port, key, process.pid)
        finally:
            process.terminate()


def _wait_until_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
                return
        except (URLError, ConnectionError, TimeoutError):
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


@contextmanager
def _trivial_server() -> Iterator[Server]:
    command = [sys.executable, "-m", "leadlane.bench.load", "--trivial"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Server(int(process.stdout.readline()), "none")
        finally:
            process.terminate()


def _bare_commits(url: str, count: int) -> tuple[list[float], list[float]]:
    """Seconds of each commit of one small row, and of one whole lead row, into tables that nobody reads."""
    bare, full = [], []
    with psycopg.connect(url, autocommit=True, prepare_threshold=1) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS bench_bare (id bigint PRIMARY KEY, text text)")
        connection.execute("CREATE TABLE IF NOT EXISTS bench_leads (LIKE leads INCLUDING ALL)")
        names, lead = _a_lead(connection)
        insert = f"INSERT INTO bench_leads VALUES ({', '.join(['%s'] * len(names))})"
        row = connection.execute("SELECT count(*) FROM bench_bare").fetchone()
        assert row is not None  # an aggregate gives one row
        for number in range(row[0], row[0] + count):
            start = time.perf_counter()
            connection.execute("INSERT INTO bench_bare VALUES (%s, %s)", [number, "a row of one column"])
            bare.append(time.perf_counter() - start)
            values = dict(zip(names, lead, strict=True))
            values |= {"id": f"x{number}", "email_key": f"x{number}@x.example"}
            start = time.perf_counter()
            connection.execute(insert, list(values.values()))
            full.append(time.perf_counter() - start)
    return bare, full


def _a_lead(connection: psycopg.Connection) -> tuple[list[str], tuple[Any, ...]]:
    """The columns of a lead, and the values of one as text."""
    names = [column.name for column in connection.execute("SELECT * FROM leads LIMIT 0").description or ()]
    texts = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in names)
    query = sql.SQL("SELECT {} FROM leads WHERE owner IS NOT NULL LIMIT 1").format(texts)
    values = connection.execute(query).fetchone()
    if values is None:
        raise RuntimeError("there is no lead with an owner")
    return names, values
