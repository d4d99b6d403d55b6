"""How soon is it heard of? From the commit of an assignment to the message at the receiver.

python -m leadlane.bench.delivery URL PORT   a sender that tells http://127.0.0.1:PORT, until stdin ends
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from psycopg import Connection
from pydantic import SecretStr

from leadlane import clock
from leadlane.bench import company
from leadlane.bench.database import Bench
from leadlane.bench.figures import Figure, Target, percentile
from leadlane.config import Settings
from leadlane.core.facts import Lead, Signal, Value
from leadlane.core.match import Keys
from leadlane.outbound.endpoints import Endpoint, Outbound
from leadlane.service.batch import route_batch
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.sender import Sender
from leadlane.service.submission import Submission
from leadlane.service.ways import set_up
from leadlane.store import batches, deliveries
from leadlane.store.db import connect

SECTION = "10 telling"
A_SECOND = 50
_PATIENCE_SECONDS = 60
# Signs what is measured, and nothing else.
_SECRET = "whsec_bGVhZGxhbmUtYmVuY2gtbGVhZGxhbmUtYmVuY2gtMDE="


def measure(bench: Bench) -> list[Figure]:
    """Assignments one by one, evenly spread; each is told by a signed webhook to a server of this machine."""
    seconds = bench.size(10, 60)
    url = bench.new_company(company.reference_policy(), company.roster(50))
    heard: dict[str, float] = {}
    with _receiver(heard) as port, connect(url) as connection, _sending(url, port):
        batches.configure(connection)
        _wait_until_known(connection)
        committed = _assign(connection, A_SECOND * seconds)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while len(heard) < len(committed):
            if time.monotonic() > deadline:
                raise RuntimeError(f"{len(heard)} of {len(committed)} messages were received")
            time.sleep(0.1)
    bench.drop(url)
    late = [(heard[id_] - at) * 1e3 for id_, at in committed.items()]
    what = f"{A_SECOND} assignments a second: from commit to receiver"
    return [
        Figure(SECTION, f"{what}, p50", percentile(late, 0.5), "ms"),
        Figure(SECTION, f"{what}, p99", percentile(late, 0.99), "ms", target=Target(most=1_000)),
        Figure(SECTION, f"{what}, most", max(late), "ms"),
    ]


def _assign(connection: Connection, count: int) -> dict[str, float]:
    """Route so many leads, each at its time; returns when each was committed, by its id."""
    books, committed = Rulebooks(), {}
    begun = time.monotonic()
    for n in range(count):
        time.sleep(max(0.0, begun + n / A_SECOND - time.monotonic()))
        now = clock.now()
        fields: dict[str, Value] = {"company": f"Firm {n}", "country": "DE", "employees": 500}
        lead = Lead(f"told-{n}", now, fields, (Signal("demo_request", now),))
        keys = Keys(f"kim@firm-{n}.example", f"firm-{n}.example")
        route_batch(connection, books, [Submission(lead, keys, "bench")], now)
        committed[lead.id] = time.perf_counter()
    return committed


@contextmanager
def _receiver(heard: dict[str, float]) -> Iterator[int]:
    """Within the block a server notes when it first hears of each lead; gives its port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            told = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if told["data"]["lead"] is not None:
                heard.setdefault(told["data"]["lead"]["id"], time.perf_counter())
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def _sending(url: str, port: int) -> Iterator[None]:
    command = [sys.executable, "-m", "leadlane.bench.delivery", url, str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        try:
            yield
        finally:
            process.communicate()


def _wait_until_known(connection: Connection) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not deliveries.channels(connection):
        if time.monotonic() > deadline:
            raise RuntimeError("the sender did not start")
        time.sleep(0.05)


def _send(url: str, port: int) -> None:
    endpoint = Endpoint(
        "bench",
        f"http://127.0.0.1:{port}/",
        (SecretStr(_SECRET),),
        frozenset({"assigned"}),
        60_000,
        ("127.0.0.0/8",),
    )
    with Sender(url, Rulebooks(), set_up(Settings(), Outbound((endpoint,))), clock.now):
        sys.stdin.read()


if __name__ == "__main__":
    _send(sys.argv[1], int(sys.argv[2]))
