"""A company for tests with real processes: policy, roster, leads, and the processes that route them."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from multiprocessing.context import ForkServerProcess
from typing import Any

from psycopg import Connection

from leadlane.core.act import Act, ActKind
from leadlane.core.facts import Lead, Signal
from leadlane.core.match import Keys
from leadlane.intake.leads import LeadInput
from leadlane.policy.roster import read_roster
from leadlane.service.batch import Receipt, route_batch
from leadlane.service.publish import publish
from leadlane.service.replay import replay_all
from leadlane.service.roster import put_roster
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.submission import Submission, act_submission, submission
from leadlane.store import batches
from leadlane.store.db import connect
from leadlane.store.watchdog import violations

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # a Monday, in office hours

POLICY = """
policy: Race
currency: EUR
timezone: Europe/Berlin
intent:
  high: [demo_request, pricing_page_visit]
  medium: [webinar_attendance]
  low: [newsletter_subscription]
routes:
  - {name: already-worked, when: {relationship: open_lead}, owner: open_lead}
  - {name: hot, when: {intent: high}, pool: sales}
  - {name: warm, when: {intent: medium}, pool: desk}
  - {name: cold, when: {intent: low}, program: nurture}
  - {name: other, review: revops}
pools:
  sales: {members: {role: ae}, method: round_robin}
  desk: {members: {role: [ae, sdr]}, method: round_robin}
  revops: {members: {role: revops}, method: least_open}
programs:
  nurture: {description: Letters}
limits: {reassignments: 3}
"""


def found_company(connection: Connection, reps: int, max_open: int | None = None) -> None:
    """Publish the policy, with `reps` executives of at most `max_open` leads each, and a reviewer."""
    room = "" if max_open is None else f", max_open: {max_open}"
    people = [f"- {{id: ae{n}, name: Rep {n}, role: ae, timezone: Europe/Berlin{room}}}" for n in range(reps)]
    people.append("- {id: olga, name: Olga, role: revops, timezone: Europe/Warsaw}")
    rows = "\n".join(f"  {row}" for row in people)
    document, problems = read_roster(f'people:\n{rows}\nhours:\n  default: {{mon-sun: ["00:00-24:00"]}}\n')
    assert document is not None, problems
    put_roster(connection, document, "test", NOW)
    publish(connection, POLICY, "race.yaml", "test", "for the race", NOW)
    connection.commit()


def lead(
    id_: str,
    signal: str | None = "demo_request",
    email: str | None = None,
    domain: str | None = None,
    **more: Any,
) -> Submission:
    """A lead with one signal, by default one that a salesperson takes at once."""
    signals = (Signal(signal, NOW),) if signal else ()
    return Submission(Lead(id_, NOW, more.pop("fields", {}), signals), Keys(email, domain), "test", **more)


def known_by(id_: str, **fields: str) -> Submission:
    """A hot lead with these fields, known by whatever they give."""
    return submission(LeadInput(id_, dict(fields), (Signal("demo_request", NOW),)), "test", NOW)


def identity(kind: ActKind, lead_id: str, other: str) -> Submission:
    """Somebody says that two leads are one."""
    return act_submission(Act(lead_id, kind, to=other), NOW)


def news(id_: str, target: str, signal: str, minutes: int = 0) -> Submission:
    """News of an open lead."""
    at = NOW + timedelta(minutes=minutes)
    return Submission(Lead(id_, at, {}, (Signal(signal, at),)), Keys(), "test", target=target)


def route_all(url: str, submissions: Iterable[Sequence[Submission]]) -> list[Receipt]:
    """Route batch after batch on a connection of its own."""
    books, receipts = Rulebooks(), []
    with connect(url) as connection:
        batches.configure(connection)
        for batch in submissions:
            receipts += route_batch(connection, books, batch, NOW)
    return receipts


# Each process is forked from a clean one that has imported what it needs, and has nothing else of ours.
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["leadlane.policy.roster", "leadlane.service.replay", "tests.crash.company"])


def race(url: str, shares: Sequence[list[list[Submission]]]) -> list[list[Receipt]]:
    """Route the batches of each share in a process of its own, all starting at the same moment."""
    start = _CONTEXT.Barrier(len(shares))
    answers = _CONTEXT.SimpleQueue()
    racers = [
        _CONTEXT.Process(target=_race, args=(url, number, share, start, answers))
        for number, share in enumerate(shares)
    ]
    for racer in racers:
        racer.start()
    found = dict(answers.get() for _racer in racers)
    for racer in racers:
        racer.join()
    failed = [answer for answer in found.values() if isinstance(answer, str)]
    assert not failed, failed[0]
    return [found[number] for number in range(len(shares))]


def _race(url: str, number: int, share: list[list[Submission]], start: Any, answers: Any) -> None:
    books, receipts = Rulebooks(), []
    try:
        with connect(url) as connection:
            batches.configure(connection)
            start.wait(30)
            for batch in share:
                for one in route_batch(connection, books, batch, NOW):
                    receipts.append((one.status, one.lead_id, one.batch_id, one.number, one.problem))
        answers.put((number, [Receipt(s, i, b, n, None, p) for s, i, b, n, p in receipts]))
    except Exception as error:
        answers.put((number, repr(error)))


def start_process(target: Callable[..., None], *args: Any) -> ForkServerProcess:
    """A running process of its own, without anything that this one has in memory."""
    process = _CONTEXT.Process(target=target, args=args, daemon=True)
    process.start()
    return process


def share_number() -> Any:
    """A number (`value`) that all processes see, without a lock that somebody could die holding."""
    return _CONTEXT.RawValue("d", 0.0)


def assert_all_is_well(connection: Connection) -> None:
    """Nothing in the database disagrees, and every decision comes out the same again, byte by byte."""
    connection.rollback()
    assert violations(connection) == []
    different = [one for one in replay_all(connection, Rulebooks()) if not one.is_identical]
    assert not different, "\n".join(different[0].difference())


def wait_until(holds: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for something that another process does; fails if it does not happen in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.002)
