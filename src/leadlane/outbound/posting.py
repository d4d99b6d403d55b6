"""What became of one HTTP request that tells a person something, at an address that users configured?

A person is told at most once: where the request went out and no answer came, nobody knows, and that is said.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cache
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

import httpx2

from leadlane.i18n import _
from leadlane.outbound.addresses import ForbiddenAddressError, resolve
from leadlane.outbound.message import Failure

TIMEOUT_SECONDS = 10.0
# For the whole of a request, however it is answered; far less than after what its sender is taken for dead.
LONGEST_SECONDS = 30.0
_CONNECT_SECONDS = 5.0
_PORTS = {"http": 80, "https": 443}
# When a connection is there to be cut.
_OPENED = ("connection.connect_tcp.complete", "connection.start_tls.complete")
# Of an answer only what services say in a few fields is needed.
_MOST_READ, _MOST_SHOWN = 65_536, 200
# Nothing of the request was read by anybody, or not the whole of it.
_NOT_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.LocalProtocolError,
    httpx2.PoolTimeout,
    httpx2.WriteError,
    httpx2.WriteTimeout,
)
# These say "not now" before anything was done; 502 and 504 come from whoever passed the request on.
_NOT_NOW = frozenset({408, 425, 500, 503})
_PASSED_ON = frozenset({502, 504})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered: `text` is the beginning of the body, `wait` the seconds that it asks for."""

    host: str
    status: int
    text: str
    wait: float | None

    @property
    def is_good(self) -> bool:
        """Whether the status says that the request was taken (2xx)."""
        return 200 <= self.status < 300

    @property
    def shown(self) -> str:
        """How the body begins, in one line fit to be shown."""
        line = " ".join(self.text.split())
        return "".join(sign for sign in line if sign.isprintable())[:_MOST_SHOWN]


def request(
    method: str,
    url: str,
    content: bytes,
    headers: Mapping[str, str],
    allowed: tuple[str, ...],
    now: datetime,
    most_read: int = _MOST_READ,
) -> Answer | Failure:
    """Send one request, and follow no redirect; of the answer at most so many bytes are read.

    The Failure is `permanent` for an address that may never be used, `temporary` where nothing went out,
    `uncertain` where no answer came; it shows the host only.
    """
    target = _target(url, allowed)
    if isinstance(target, Failure):
        return target
    host = target.host
    told = {
        "host": target.header,
        "user-agent": f"leadlane/{version('leadlane')}",
        # What is packed can become a thousand times as large before anybody can stop reading.
        "accept-encoding": "identity",
        **headers,
    }
    try:
        with (
            _cut_off(LONGEST_SECONDS) as trace,
            _client().stream(
                method,
                target.url,
                content=content,
                headers=told,
                extensions={"sni_hostname": host, "trace": trace},
            ) as answer,
        ):
            return Answer(host, answer.status_code, _beginning(answer, most_read), retry_after(answer, now))
    except _NOT_SENT as error:
        detail = _("{host} cannot be reached: {error}")
        return Failure("temporary", detail.format(host=host, error=str(error) or type(error).__name__))
    except httpx2.HTTPError:
        detail = _("{host} got the request and did not answer: it may have been done.")
        return Failure("uncertain", detail.format(host=host))


@contextmanager
def _cut_off(seconds: float) -> Iterator[Callable[[str, Mapping[str, Any]], None]]:
    """Within the block the connection that the `trace` given is told of is cut after so long.

    The client only limits each silence: who answers a byte at a time would keep a thread for hours.
    """
    opened: list[socket.socket] = []

    def trace(event: str, info: Mapping[str, Any]) -> None:
        if event in _OPENED:
            opened.append(info["return_value"].get_extra_info("socket"))

    def cut() -> None:
        # Of a connection with TLS the later one is in use; of none there is nothing to be cut.
        with suppress(OSError, IndexError):
            # Past the TLS of the socket, which another thread is reading from.
            socket.socket.shutdown(opened[-1], socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield trace
    finally:
        timer.cancel()


def refusal(answer: Answer) -> Failure:
    """What an answer that is not good means, where its number is all that is known."""
    if 300 <= answer.status < 400:
        text = _("{host} answered {status}: it has moved; change the address to where it is now.")
    else:
        text = _("{host} answered {status}: {text}")
    detail = text.format(host=answer.host, status=answer.status, text=answer.shown)
    if answer.status == 429 or (answer.status == 503 and answer.wait is not None):
        return Failure("rate_limited", detail, answer.wait)
    if answer.status in _PASSED_ON:
        return Failure("uncertain", detail)
    if answer.status in _NOT_NOW or answer.status > 504:
        return Failure("temporary", detail, answer.wait)
    return Failure("permanent", detail)


@dataclass(frozen=True, slots=True)
class _Target:
    """Where to connect to: `url` has the address that was checked in place of the name `host`."""

    url: httpx2.URL
    host: str
    header: str


def _target(url: str, allowed: tuple[str, ...]) -> _Target | Failure:
    no_address = Failure("permanent", _("The address is none of the web: https://… was expected."))
    host = ""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
        host = parts.hostname or ""
        if not host:
            return no_address
        # What was checked is what is connected to; the certificate is held against the name.
        checked = httpx2.URL(url).copy_with(host=resolve(host, port, allowed))
        return _Target(checked, host, parts.netloc.rpartition("@")[2])
    except (KeyError, ValueError, httpx2.InvalidURL):
        return no_address
    except ForbiddenAddressError as error:
        return Failure("permanent", str(error))
    except OSError as error:
        detail = _("The address of {host} cannot be found: {error}")
        return Failure("temporary", detail.format(host=host, error=error.strerror or error))


def _beginning(answer: httpx2.Response, most: int) -> str:
    read = bytearray()
    try:
        for chunk in answer.iter_raw(_MOST_READ):
            read += chunk
            if len(read) >= most:
                break
    except httpx2.HTTPError:
        # The status came: how much of the rest did changes nothing of what was done.
        pass
    return read.decode(errors="replace")


def retry_after(answer: httpx2.Response, now: datetime) -> float | None:
    """The seconds of a Retry-After header, which may be a number or a date (RFC 9110, 10.2.3)."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds())
    except (TypeError, ValueError):
        return None


@cache
def _client() -> httpx2.Client:
    return httpx2.Client(
        verify=_tls(),
        timeout=httpx2.Timeout(TIMEOUT_SECONDS, connect=_CONNECT_SECONDS),
        # A connection kept open may be closed by the other end just as we speak: then nobody knows.
        limits=httpx2.Limits(max_keepalive_connections=0),
        trust_env=False,
        follow_redirects=False,
        http2=False,
    )


@cache
def _tls() -> ssl.SSLContext:
    # Reading the certificates of all authorities takes longer than a message.
    return httpx2.create_ssl_context()
