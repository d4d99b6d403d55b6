"""How fast does a server answer so many connections? A lean load generator, to be run as its own process.

    python -m leadlane.bench.load             reads a JSON order on stdin, writes the result to stdout
    python -m leadlane.bench.load --trivial   a server that does nothing, which says what the generator can do

Requests are made beforehand; one thread sends and reads on plain sockets as they become ready. A connection
has one request on its way, and its next goes out when the answer is whole.
"""

from __future__ import annotations

import asyncio
import json
import selectors
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

_ANSWER = b"HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


@dataclass(slots=True)
class _Line:
    """One connection: what it has received of the present answer, and when the request went out."""

    connection: socket.socket
    received: bytearray = field(default_factory=bytearray)
    sent_at: float = 0.0


@dataclass(slots=True)
class _Tally:
    latencies: list[float] = field(default_factory=list)
    errors: dict[str, int] = field(default_factory=dict)


def run(host: str, port: int, connections: int, requests: list[bytes]) -> dict[str, object]:
    """Send all requests; latencies in seconds, errors by status, wall and CPU seconds of this process."""
    waiting = iter(requests)
    tally = _Tally()
    with selectors.DefaultSelector() as ready:
        lines = []
        for _number in range(min(connections, len(requests))):
            connection = socket.create_connection((host, port))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            lines.append(_Line(connection))
        start, cpu = time.perf_counter(), time.process_time()
        for line in lines:
            ready.register(line.connection, selectors.EVENT_READ, line)
            _send(line, next(waiting))
        open_lines = len(lines)
        while open_lines:
            for key, _events in ready.select():
                if not _receive(key.data, waiting, tally):
                    ready.unregister(key.data.connection)
                    key.data.connection.close()
                    open_lines -= 1
        wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    return {"latencies": tally.latencies, "errors": tally.errors, "seconds": wall, "cpu_seconds": cpu}


def _send(line: _Line, request: bytes) -> None:
    line.received.clear()
    line.sent_at = time.perf_counter()
    line.connection.sendall(request)


def _receive(line: _Line, waiting: Iterator[bytes], tally: _Tally) -> bool:
    """Take in what has come, and send the next request after a whole answer. False when the line is done."""
    chunk = line.connection.recv(65_536)
    line.received += chunk
    if not chunk:
        tally.errors["closed"] = tally.errors.get("closed", 0) + 1
        return False
    if not _is_whole(line.received):
        return True
    tally.latencies.append(time.perf_counter() - line.sent_at)
    status = line.received[9:12].decode()
    if status not in ("200", "201"):
        tally.errors[status] = tally.errors.get(status, 0) + 1
    request = next(waiting, None)
    if request is None:
        return False
    _send(line, request)
    return True


def _is_whole(received: bytearray) -> bool:
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return False
    head = bytes(received[:end]).lower()
    at = head.find(b"content-length:")
    length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
    return len(received) >= end + 4 + length


class _Trivial(asyncio.Protocol):
    """Answers every request with the same few bytes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        # A request of the generator always comes whole and alone.
        assert isinstance(self.transport, asyncio.WriteTransport)
        self.transport.write(_ANSWER)


async def _serve_trivially() -> None:
    server = await asyncio.get_running_loop().create_server(_Trivial, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def _main() -> None:
    if sys.argv[1:] == ["--trivial"]:
        asyncio.run(_serve_trivially())
        return
    order = json.load(sys.stdin)
    requests = [request.encode() for request in order.pop("requests")]
    json.dump(run(**order, requests=requests), sys.stdout)


if __name__ == "__main__":
    _main()
