"""Senders that are killed between sending and writing it down: machines hear again, people do not."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest
from pydantic import SecretStr
from tests.crash.company import found_company, start_process, wait_until
from tests.outbound.conftest import Postbox, Running, mail_server
from tests.outbound.receiver import SECRET, Answer, receiving

from leadlane import clock
from leadlane.config import Settings
from leadlane.core.facts import Lead, Signal
from leadlane.core.match import Keys
from leadlane.outbound.endpoints import Endpoint, Outbound
from leadlane.outbound.message import EVENTS
from leadlane.service import deliver, ways
from leadlane.service.batch import route_batch
from leadlane.service.roster import put_entry
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.sender import Sender
from leadlane.service.submission import Submission
from leadlane.store import deliveries

__all__ = ["mail_server"]

LEASE_SECONDS = 3
KILLS = 5


def _send(url: str, smtp_url: str, hook_url: str) -> None:
    """A sender, until it is killed."""
    deliver.LEASE = timedelta(seconds=LEASE_SECONDS)
    settings = (
        Settings(smtp_url=smtp_url, mail_from="Leads <leads@seller.example>") if smtp_url else Settings()
    )
    hooks = Endpoint("crm", hook_url, (SecretStr(SECRET),), frozenset(EVENTS), 60_000, ("127.0.0.0/8",))
    outbound = Outbound((hooks,) if hook_url else ())
    with Sender(url, Rulebooks(), ways.set_up(settings, outbound), clock.now):
        threading.Event().wait()


def _route(db: psycopg.Connection, *numbers: int) -> None:
    now = clock.now()
    leads = [
        Submission(
            Lead(f"L{n}", now, {}, (Signal("demo_request", now),)), Keys(f"kim@{n}.example", None), "test"
        )
        for n in numbers
    ]
    assert {one.status for one in route_batch(db, Rulebooks(), leads, now)} == {"created"}


def _mailbox_for(db: psycopg.Connection, person: str) -> None:
    entry = {"name": person, "role": "ae", "timezone": "Europe/Berlin", "email": f"{person}@seller.example"}
    put_entry(db, "person", person, entry, "test", clock.now())


def test_a_person_who_may_have_been_told_is_not_told_again(
    db: psycopg.Connection, database_url: str, mail_server: Callable[..., Running]
) -> None:
    found_company(db, reps=1)
    _mailbox_for(db, "ae0")
    box = mail_server(Postbox(drop_at="HANG"))  # takes the mail, and says so seconds later
    _route(db, 1)
    first = start_process(_send, database_url, box.url, "")
    wait_until(lambda: bool(box.mails))
    first.kill()
    first.join()
    assert [one.state for one in deliveries.search(db, {}, 9)] == ["sending"]
    second = start_process(_send, database_url, box.url, "")
    wait_until(lambda: [one.state for one in deliveries.search(db, {}, 9)] == ["uncertain"])
    box.postbox.drop_at = ""
    _route(db, 2)  # and what comes next is told as usual
    wait_until(lambda: sorted(one.state for one in deliveries.search(db, {}, 9)) == ["sent", "uncertain"])
    second.kill()
    second.join()
    assert len(box.mails) == 2
    texts = [str(mail) for mail in box.mails]
    assert "kim@1.example" in texts[0] or "L1" in texts[0]
    assert "L1" not in texts[1]


@pytest.mark.slow
def test_systems_hear_everything_at_least_once_under_one_id_whoever_is_killed(
    db: psycopg.Connection, database_url: str
) -> None:
    found_company(db, reps=5)
    chance = random.Random(7)
    with receiving() as receiver:
        receiver.answer = lambda _request: Answer(after=chance.uniform(0.1, 0.3))
        senders = [start_process(_send, database_url, "", receiver.url) for _n in range(2)]
        wait_until(lambda: bool(deliveries.channels(db)))
        for kill in range(KILLS):
            heard = len(receiver.requests)
            _route(db, *range(kill * 10, kill * 10 + 10))
            wait_until(lambda heard=heard: len(receiver.requests) > heard)  # type: ignore[misc]
            for one in senders:
                one.kill()
                one.join()
            senders = [start_process(_send, database_url, "", receiver.url) for _n in range(2)]
        wait_until(
            lambda: {one.state for one in deliveries.search(db, {"channel": "webhook:crm"}, 999)} == {"sent"},
            60,
        )
        for one in senders:
            one.kill()
            one.join()
    told = {request.told["data"]["lead"]["id"] for request in receiver.requests}
    assert told == {f"L{n}" for n in range(KILLS * 10)}
    ids = {request.id: request.body for request in receiver.requests}
    assert len(ids) == KILLS * 10
    assert all(ids[request.id] == request.body for request in receiver.requests)
    assert len(receiver.requests) > len(ids), "somebody was killed between sending and writing it down"
