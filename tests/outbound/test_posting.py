"""However slowly somebody answers: whoever asks is free again soon."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.service.conftest import NOW

from leadlane.outbound import posting
from leadlane.outbound.message import Failure
from leadlane.outbound.posting import Answer, request


@contextmanager
def dripping(beginning: bytes) -> Iterator[str]:
    """A server that says `beginning` at once, and then a letter at a time, for ever."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _address = listening.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(beginning)
                try:
                    while True:
                        connection.sendall(b"x")
                        time.sleep(0.05)
                except OSError:
                    return

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        thread.join()


def asked(url: str) -> Answer | Failure:
    return request("POST", url, b"{}", {}, ("127.0.0.0/8",), NOW)


@pytest.mark.parametrize(
    ("beginning", "kind"),
    [
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", "uncertain"),
        # The status came, so that much is known.
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", None),
    ],
)
def test_an_answer_in_drips_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, beginning: bytes, kind: str | None
) -> None:
    monkeypatch.setattr(posting, "LONGEST_SECONDS", 0.5)
    with dripping(beginning) as url:
        begun = time.monotonic()
        found = asked(url)
        assert time.monotonic() - begun < 10
    assert (found.kind if isinstance(found, Failure) else None) == kind


def test_what_is_packed_is_not_unpacked() -> None:
    packed = gzip.compress(b"x" * 10_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    with dripping(head + packed) as url:
        found = asked(url)
    assert isinstance(found, Answer)
    assert len(found.text) <= len(packed)
