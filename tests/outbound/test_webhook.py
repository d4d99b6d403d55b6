"""What a receiver does decides what follows; what it gets is signed, and goes where it was checked to go."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme
from pydantic import SecretStr
from standardwebhooks import Webhook, WebhookVerificationError
from tests.outbound.receiver import SECRET, Answer, Receiver, receiving

from leadlane import clock
from leadlane.outbound import webhook
from leadlane.outbound.endpoints import Endpoint
from leadlane.outbound.message import EVENTS, Failure, Sent

BODY = '{"type":"lead.assigned","data":{"who":"Zoë"}}'
OTHER = "whsec_ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="


def endpoint(url: str, *secrets: str, allowed: tuple[str, ...] = ("127.0.0.0/8",)) -> Endpoint:
    keys = tuple(SecretStr(one) for one in secrets or (SECRET,))
    return Endpoint("crm", url, keys, frozenset(EVENTS), 6_000, allowed)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def test_what_arrives_is_signed_by_every_secret(receiver: Receiver) -> None:
    assert webhook.send(endpoint(receiver.url, SECRET, OTHER), "msg_1", BODY, clock.now()) == Sent()
    (request,) = receiver.requests
    assert request.path == "/hook"
    assert request.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert request.headers["content-type"] == "application/json"
    for secret in (SECRET, OTHER):
        assert Webhook(secret).verify(request.body, request.headers)["data"] == {"who": "Zoë"}
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(request.body + b" ", request.headers)


@pytest.mark.parametrize(
    ("answer", "kind", "is_down"),
    [
        (Answer(400, body=b"no\x1b[31m such field"), "permanent", False),
        (Answer(422), "permanent", False),
        (Answer(401), "temporary", True),
        (Answer(404), "temporary", True),
        (Answer(301, headers={"location": "http://127.0.0.1:1/"}), "temporary", True),
        (Answer(500), "temporary", False),
        (Answer(502), "temporary", True),
        (Answer(429), "rate_limited", False),
        (Answer(0), "temporary", True),
    ],
)
def test_each_answer_is_judged(receiver: Receiver, answer: Answer, kind: str, is_down: bool) -> None:
    receiver.answer = lambda _request: answer
    failure = webhook.send(endpoint(receiver.url), "msg_1", BODY, clock.now())
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.is_channel_down) == (kind, is_down)
    assert "127.0.0.1" in failure.detail
    assert SECRET not in failure.detail
    assert "\x1b" not in failure.detail
    assert len(receiver.requests) == 1, "redirects are not followed"


def test_a_wait_that_is_asked_for_may_be_a_number_or_a_date(receiver: Receiver) -> None:
    now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    for text, seconds in (("120", 120), ("Mon, 02 Mar 2026 09:05:00 GMT", 300), ("soon", None), ("²", None)):
        headers = {"retry-after": text} if text.isascii() else {}
        receiver.answer = lambda _request, headers=headers: Answer(503, headers=headers)
        failure = webhook.send(endpoint(receiver.url), "msg_1", BODY, now)
        assert isinstance(failure, Failure)
        assert failure.retry_after_seconds == seconds
        assert failure.kind == ("temporary" if seconds is None else "rate_limited")


def test_a_receiver_that_hangs_is_not_waited_for(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "_TIMEOUT", 0.3)
    webhook._client.cache_clear()
    receiver.answer = lambda _request: Answer(after=3)
    failure = webhook.send(endpoint(receiver.url), "msg_1", BODY, clock.now())
    webhook._client.cache_clear()
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.is_channel_down) == ("temporary", True)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "[::1]", "[::ffff:127.0.0.1]"])
def test_the_inside_of_the_network_is_not_reached(receiver: Receiver, host: str) -> None:
    url = f"http://{host}:{receiver.port}/hook"
    failure = webhook.send(endpoint(url, allowed=("10.0.0.0/8",)), "msg_1", BODY, clock.now())
    assert isinstance(failure, Failure)
    assert "inside the network" in failure.detail
    assert receiver.requests == []


def test_a_name_is_resolved_once(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that tells the inside the second time is asked no second time."""
    asked = []
    truly = socket.getaddrinfo

    def rebinding(host: str, *args: object, **more: object) -> object:
        asked.append(host)
        if host == "rebind.example":
            assert asked.count(host) == 1
            return truly("127.0.0.1", *args, **more)  # type: ignore[arg-type]
        return truly(host, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    url = f"http://rebind.example:{receiver.port}/hook"
    assert webhook.send(endpoint(url), "msg_1", BODY, clock.now()) == Sent()
    assert receiver.requests[0].headers["host"] == f"rebind.example:{receiver.port}"
    assert asked.count("rebind.example") == 1


def test_what_can_be_no_name_of_a_host_is_a_channel_that_is_down() -> None:
    failure = webhook.send(endpoint("https://crm..example/in"), "msg_1", BODY, clock.now())
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.is_channel_down) == ("temporary", True)


def test_nobody_listening_is_a_channel_that_is_down() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        failure = webhook.send(
            endpoint(f"http://127.0.0.1:{taken.getsockname()[1]}/"), "m", BODY, clock.now()
        )
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.is_channel_down) == ("temporary", True)


@contextmanager
def receiving_by_tls(authority: trustme.CA, name: str) -> Iterator[Receiver]:
    """A receiver with a certificate for a name."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(tls)
    with receiving(tls) as found:
        yield found


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[trustme.CA]:
    """An authority of our own, which this process trusts."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    for cached in (webhook._client, webhook._tls):
        cached.cache_clear()
    yield ca
    for cached in (webhook._client, webhook._tls):
        cached.cache_clear()


def test_a_certificate_of_a_known_authority_is_good(authority: trustme.CA) -> None:
    with receiving_by_tls(authority, "localhost") as receiver:
        url = f"https://localhost:{receiver.port}/hook"
        assert webhook.send(endpoint(url, allowed=("localhost",)), "msg_1", BODY, clock.now()) == Sent()
        (request,) = receiver.requests
        assert Webhook(SECRET).verify(request.body, request.headers)


@pytest.mark.parametrize(("own", "name"), [(False, "localhost"), (True, "crm.example")])
def test_a_certificate_of_nobody_known_or_for_another_name_is_refused(
    authority: trustme.CA, own: bool, name: str
) -> None:
    with receiving_by_tls(authority if own else trustme.CA(), name) as receiver:
        url = f"https://localhost:{receiver.port}/hook"
        failure = webhook.send(endpoint(url, allowed=("localhost",)), "msg_1", BODY, clock.now())
        assert isinstance(failure, Failure)
        assert (failure.kind, failure.is_channel_down) == ("temporary", True)
        assert "localhost" in failure.detail
        assert "certificate" in failure.detail
        # Nothing was told to whoever that is.
        assert receiver.requests == []


def test_many_threads_share_an_endpoint(receiver: Receiver) -> None:
    one, outcomes = endpoint(receiver.url), []
    threads = [
        threading.Thread(target=lambda n=n: outcomes.append(webhook.send(one, f"m{n}", BODY, clock.now())))
        for n in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [Sent()] * 20
    assert len({request.id for request in receiver.requests}) == 20
