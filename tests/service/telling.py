"""What tests of telling stand on: leads that are given out, channels of the tests' own, real receivers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr
from tests.outbound.receiver import SECRET, Receiver, receiving
from tests.service.conftest import NOW

from leadlane import clock
from leadlane.config import Settings
from leadlane.core.act import Act
from leadlane.outbound.endpoints import Endpoint, Outbound
from leadlane.outbound.message import EVENTS, Failure, Sent
from leadlane.service.acts import act
from leadlane.service.batch import route_batch
from leadlane.service.deliver import claim, settle
from leadlane.service.planning import plan
from leadlane.service.roster import put_entry
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.sender import Sender
from leadlane.service.submission import Submission
from leadlane.service.ways import Job, Setup, Way, set_up
from leadlane.store import deliveries
from leadlane.store.deliveries import Delivery

MakeLead = Callable[..., Submission]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def endpoint(receiver: Receiver, name: str = "crm", events: tuple[str, ...] = EVENTS) -> Endpoint:
    return Endpoint(name, receiver.url, (SecretStr(SECRET),), frozenset(events), 60_000, ("127.0.0.0/8",))


def setup_of(*endpoints: Endpoint, settings: Settings | None = None, **outbound: Any) -> Setup:
    return set_up(settings or Settings(), Outbound(endpoints, **outbound))


@contextmanager
def sending(url: str, setup: Setup, now: Callable[[], datetime] = clock.now) -> Iterator[Sender]:
    with Sender(url, Rulebooks(), setup, now) as sender:
        yield sender
    assert not sender.is_alive


def wait_until(holds: Callable[[], Any], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def route(db: psycopg.Connection, *leads: Submission, now: datetime = NOW) -> None:
    receipts = route_batch(db, Rulebooks(), list(leads), now)
    assert {one.status for one in receipts} == {"created"}


def demo(lead: MakeLead, n: int, **more: Any) -> Submission:
    """A lead that a senior executive gets at once."""
    fields = {
        "id": f"L{n}",
        "email": f"kim.{n}@firm-{n}.example",
        "first_name": "Kim",
        "last_name": f"Number{n}",
        "company": f"Firm {n}",
        "country": "DE",
        "employees": 500,
        "industry": "fintech",
        "signals": ["demo_request"],
    }
    return lead(**{**fields, **more})


def route_live(db: psycopg.Connection, lead: MakeLead, numbers: Iterable[int]) -> None:
    """Route leads at this moment: senders look at the clock, and receivers at the signatures' age."""
    now = clock.now()
    route(db, *(demo(lead, n, now=now) for n in numbers), now=now)


def states(db: psycopg.Connection, **filters: str) -> list[str]:
    return [one.state for one in reversed(deliveries.search(db, filters, 1_000))]


class Told:
    """A channel of the test's own: `outcome` is how sending ends."""

    def __init__(self, name: str, outcome: Sent | Failure | None = None) -> None:
        self.name = name
        self.outcome = outcome or Sent()
        self.jobs: list[Job] = []

    def __call__(self, job: Job, _now: datetime) -> Sent | Failure:
        self.jobs.append(job)
        return self.outcome

    @property
    def way(self) -> Way:
        return Way(self.name, 60_000, self)


def run_once(db: psycopg.Connection, setup: Setup, now: datetime) -> list[Delivery]:
    """Plan, and send one after the other until nothing more may be sent at this moment."""
    books = Rulebooks()
    deliveries.know_channels(db, setup.ways, NOW - timedelta(hours=1))
    plan(db, books, setup, now)
    sent = []
    for way in setup.ways.values():
        while jobs := claim(db, books, setup, way, 8, now)[0]:
            for job in jobs:
                settle(db, books, setup, job.delivery, way.send(job, now), now)
                sent.append(job.delivery)
    return sent


def machine(told: Told) -> Setup:
    """A set-up with one webhook, whose sending is the test's."""
    name = told.name.removeprefix("webhook:")
    one = Endpoint(name, "https://crm.example", (SecretStr(SECRET),), frozenset(EVENTS), 60_000, ())
    return Setup(Settings(), Outbound((one,)), {told.name: told.way})


def people(told: Told, *others: Told, **outbound: Any) -> Setup:
    return Setup(Settings(), Outbound(**outbound), {one.name: one.way for one in (told, *others)})


def give_to(db: psycopg.Connection, lead_id: str, person: str, now: datetime) -> None:
    receipts = act(db, Rulebooks(), [Act(lead_id, "reassign", by="maria", to=person, reason="x")], now)
    assert receipts[0].status != "refused", receipts


def put_changed(db: psycopg.Connection, person: str, **changes: Any) -> None:
    entry = db.execute(
        "SELECT content FROM roster_entries WHERE kind = 'person' AND id = %s ORDER BY revision DESC",
        [person],
    ).fetchone()
    assert entry is not None
    content = {**entry[0], **changes}
    content = {key: value for key, value in content.items() if value is not None}
    put_entry(db, "person", person, content, "test", NOW)
