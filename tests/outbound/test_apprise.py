"""Apprise: its URLs get the message as text, and what its log says of a failure is judged."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.outbound.conftest import NOW, message
from tests.outbound.receiver import Answer, Receiver, receiving

from leadlane.config import Settings
from leadlane.core.facts import Person
from leadlane.outbound import apprise_
from leadlane.outbound.apprise_ import Apprise, Section
from leadlane.outbound.message import Failure, Sent

pytest.importorskip("apprise", reason="the extra leadlane[apprise] is not installed")

LOCAL = Apprise(None, ("127.0.0.0/8",))
PASSWORD = "s3cret-of-the-url"


@pytest.fixture
def service() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def url(service: Receiver, path: str = "hook", **options: str) -> str:
    asked = "&".join(f"{name}={value}" for name, value in {"rto": "4", **options}.items())
    return f"json://anna:{PASSWORD}@127.0.0.1:{service.port}/{path}?{asked}"


def test_every_url_gets_subject_and_text(service: Receiver) -> None:
    told = message(address=f"{url(service, 'one')} {url(service, 'two')}")
    assert apprise_.send(LOCAL, told, NOW) == Sent()
    assert [request.path.strip("/?") for request in service.requests] == ["one", "two"]
    for request in service.requests:
        assert request.told["title"].startswith("New lead: Jana Sommerfeld, Nordlicht Versand GmbH")
        assert "https://l.example/a/accept1" in request.told["message"]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(400), "permanent"),
        (Answer(401), "permanent"),
        (Answer(302, headers={"location": "http://127.0.0.1:1/"}), "permanent"),
        (Answer(429), "rate_limited"),
        (Answer(500), "temporary"),
        (Answer(504), "uncertain"),
        (Answer(0), "uncertain"),
        (Answer(200, after=1), "uncertain"),
    ],
)
def test_each_failure_is_judged(service: Receiver, answer: Answer, kind: str) -> None:
    service.answer = lambda _request: answer
    told = message(address=url(service, rto="0.3", redirect="yes"))
    failure = apprise_.send(LOCAL, told, NOW)
    assert isinstance(failure, Failure)
    assert failure.kind == kind
    assert PASSWORD not in failure.detail
    assert len(service.requests) == 1


def test_who_is_told_by_one_of_several_is_told(service: Receiver) -> None:
    service.answer = lambda request: Answer(500 if request.path.startswith("/one") else 200)
    told = message(address=f"{url(service, 'one')}, {url(service, 'two')}")
    assert apprise_.send(LOCAL, told, NOW) == Sent()


def test_where_nobody_listens_nothing_was_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        failure = apprise_.send(LOCAL, message(address=f"json://127.0.0.1:{taken.getsockname()[1]}"), NOW)
    assert isinstance(failure, Failure)
    assert failure.kind == "temporary"


@pytest.mark.parametrize("given", ["", "junk", "foo://bar", "json://", " , "])
def test_what_is_no_url_is_never_tried_again(given: str) -> None:
    failure = apprise_.send(LOCAL, message(address=given), NOW)
    assert isinstance(failure, Failure)
    assert failure.kind == "permanent"


def test_the_inside_of_the_network_is_not_reached(service: Receiver) -> None:
    failure = apprise_.send(Apprise(None, ()), message(address=url(service)), NOW)
    assert isinstance(failure, Failure)
    assert (failure.kind, service.requests) == ("permanent", [])
    assert "inside the network" in failure.detail


def test_each_thread_hears_only_its_own(service: Receiver) -> None:
    service.answer = lambda request: Answer(500 if request.path.startswith("/bad") else 401, after=0.05)
    kinds: dict[str, set[str]] = {"bad": set(), "worse": set()}

    def send(path: str) -> None:
        failure = apprise_.send(LOCAL, message(address=url(service, path)), NOW)
        kinds[path].add(getattr(failure, "kind", "sent"))

    threads = [threading.Thread(target=send, args=(path,)) for path in ("bad", "worse") * 6]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert kinds == {"bad": {"temporary"}, "worse": {"permanent"}}


def test_what_people_are_told_does_not_reach_our_log(service: Receiver) -> None:
    heard: list[str] = []

    class Root(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(record.getMessage())

    handler = Root()
    logging.getLogger().addHandler(handler)
    try:
        apprise_.send(LOCAL, message(address=url(service)), NOW)
    finally:
        logging.getLogger().removeHandler(handler)
    assert not [line for line in heard if "Sommerfeld" in line or PASSWORD in line]


def test_it_is_set_up_only_where_it_is_meant(tmp_path: Path) -> None:
    settings = Settings(templates_dir=tmp_path)
    assert apprise_.set_up(settings, Section(), ()) is None
    assert apprise_.set_up(settings, Section(enabled=True), ()) == Apprise(tmp_path, ())
    assert apprise_.problems(settings, Section(enabled=True)) == []
    person = Person("a", "Anna", {}, "UTC", attributes={"apprise": ("json://a", "json://b")})  # type: ignore[arg-type]
    assert apprise_.address(person) == "json://a json://b"
    assert apprise_.address(Person("b", "Bob", {}, "UTC")) == ""  # type: ignore[arg-type]


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apprise_, "_is_installed", lambda: False)
    assert apprise_.set_up(Settings(), Section(enabled=True), ()) is None
    assert "leadlane[apprise]" in apprise_.problems(Settings(), Section(enabled=True))[0]
