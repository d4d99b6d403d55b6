"""Has this system taken the message? Signed as the Standard Webhooks say, sent by HTTP.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import ssl
from datetime import datetime
from functools import cache
from importlib.metadata import version
from urllib.parse import urlsplit

import httpx2
from standardwebhooks import Webhook

from leadlane.i18n import _
from leadlane.outbound.addresses import ForbiddenAddressError, resolve
from leadlane.outbound.endpoints import Endpoint
from leadlane.outbound.message import Failure, Sent
from leadlane.outbound.posting import retry_after

_TIMEOUT = httpx2.Timeout(10, connect=5)
_PORTS = {"http": 80, "https": 443}
# The body of an answer is only read to show operators how it begins.
_MOST_READ, _MOST_SHOWN = 4_096, 200
# This message will never be taken, whatever is mended at the other end.
_NEVER_TAKEN = frozenset({400, 413, 415, 422})
# One message may make a receiver stumble; these say that it is down, or not where we think it is.
_STUMBLED = frozenset({408, 409, 425, 500})


def send(endpoint: Endpoint, uid: str, body: str, now: datetime) -> Sent | Failure:
    """Post `body` (JSON) once, under the id `uid`, which stays the same however often it is sent."""
    parts = urlsplit(endpoint.url)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    try:
        address = resolve(host, port, endpoint.allowed)
    except ForbiddenAddressError as error:
        return Failure("temporary", str(error), is_channel_down=True)
    except (OSError, UnicodeError) as error:  # the latter for what can be no name of a host
        detail = _("The address of {host} cannot be found: {error}").format(
            host=host, error=getattr(error, "strerror", None) or error
        )
        return Failure("temporary", detail, is_channel_down=True)
    # What was checked is what is connected to; the certificate is held against the name.
    target = httpx2.URL(endpoint.url).copy_with(host=address)
    headers = {"host": parts.netloc, **_signed(endpoint, uid, body, now)}
    try:
        with _client(endpoint.channel, host).stream(
            "POST",
            target,
            content=body.encode(),
            headers=headers,
            extensions={"sni_hostname": host},
        ) as answer:
            return _judged(answer, host, now)
    except httpx2.HTTPError as error:
        detail = _("{host} cannot be reached: {error}").format(
            host=host, error=str(error) or type(error).__name__
        )
        return Failure("temporary", detail, is_channel_down=True)


def _signed(endpoint: Endpoint, uid: str, body: str, now: datetime) -> dict[str, str]:
    signatures = [Webhook(one.get_secret_value()).sign(uid, now, body) for one in endpoint.secrets]
    return {
        "content-type": "application/json",
        "user-agent": f"leadlane/{version('leadlane')}",
        "webhook-id": uid,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _judged(answer: httpx2.Response, host: str, now: datetime) -> Sent | Failure:
    status = answer.status_code
    if 200 <= status < 300:
        return Sent()
    detail = _("{host} answered {status}: {text}").format(host=host, status=status, text=_beginning(answer))
    wait = retry_after(answer, now)
    if status == 429 or (status == 503 and wait is not None):
        return Failure("rate_limited", detail, wait)
    if status in _NEVER_TAKEN:
        return Failure("permanent", detail)
    # Redirects are not followed: the receiver's new address is for a person to write down.
    return Failure("temporary", detail, wait, is_channel_down=status not in _STUMBLED)


def _beginning(answer: httpx2.Response) -> str:
    if 300 <= answer.status_code < 400:
        return _("it has moved; change its url to where it is now")
    read = b""
    for chunk in answer.iter_bytes(_MOST_READ):
        read += chunk
        if len(read) >= _MOST_READ:
            break
    text = " ".join(read.decode(errors="replace").split())
    return "".join(sign for sign in text if sign.isprintable())[:_MOST_SHOWN] or answer.reason_phrase


@cache
def _client(_channel: str, _host: str) -> httpx2.Client:
    """One for each endpoint: a connection that was made for one name is not used for another."""
    return httpx2.Client(
        verify=_tls(), timeout=_TIMEOUT, trust_env=False, follow_redirects=False, http2=False
    )


@cache
def _tls() -> ssl.SSLContext:
    # Reading the certificates of all authorities takes longer than a message.
    return httpx2.create_ssl_context()
