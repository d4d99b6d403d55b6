"""Does every lead keep its clock, and every step happen once, whoever is killed, and whenever?

Workers and clients are processes of their own, killed with SIGKILL at random; PostgreSQL itself is ended
now and then, politely or not. Time is virtual, minutes in a few milliseconds, and the same for all of them.
`make crash KILLS=100 LEADS=20000` runs the long one; LEADLANE_TEST_SEED repeats its chances.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import orjson
import psutil
import psycopg
import pytest
from psycopg import Connection
from psycopg_pool import PoolTimeout
from tests.crash.company import NOW, assert_all_is_well, lead, share_number, start_process, wait_until

from leadlane.core.act import Act
from leadlane.errors import LeadlaneError
from leadlane.policy.roster import read_roster
from leadlane.service.acts import act
from leadlane.service.batch import Receipt
from leadlane.service.publish import publish
from leadlane.service.roster import put_roster, set_away
from leadlane.service.router import Router
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.run_due import next_due_at, run_due
from leadlane.store import batches
from leadlane.store.db import connect, open_pool
from leadlane.store.migrate import upgrade
from leadlane.store.server import create_database, embedded_server

KILLS = int(os.environ.get("LEADLANE_TEST_KILLS") or 16)
LEADS = int(os.environ.get("LEADLANE_TEST_LEADS") or 800)
SEED = int(os.environ.get("LEADLANE_TEST_SEED") or 3)
# Every so many kills it is PostgreSQL that ends.
DATABASE_EVERY = 8
WORKERS, CLIENTS = 2, 2
REPS, MAX_OPEN = 8, 30
# Virtual minutes that pass in each of the parent's rounds, of a few real milliseconds.
TICK = 2
STEPS = ("remind", "notify", "reassign")

POLICY = """
policy: Chased to death
timezone: Europe/Berlin
intent: {high: [demo_request], medium: [webinar_attendance], low: [newsletter_subscription]}
routes:
  - {name: already-worked, when: {relationship: open_lead}, owner: open_lead}
  - {name: cold, when: {intent: low}, program: nurture}
  - {name: rest, pool: sales}
  - {name: other, review: revops}
pools:
  sales: {members: {role: ae}, method: round_robin}
  revops: {members: {role: revops}, method: least_open}
programs: {nurture: {}}
service_levels: [{name: quick, respond_within: 1 hour, chase: steps}]
chases:
  steps:
    - {after: 10 minutes, unless: accepted, remind: owner}
    - {after: 25 minutes, unless: responded, notify: manager}
    - {after: 40 minutes, unless: accepted, reassign: backup}
limits: {reassignments: 3}
"""


@dataclass(slots=True)
class Clock:
    """Virtual time, shared by all processes; a number without a lock, which nobody can die holding."""

    minutes: Any = field(default_factory=share_number)

    def __call__(self) -> datetime:
        return NOW + timedelta(minutes=self.minutes.value)


def _found(db: Connection) -> None:
    people = [
        f"- {{id: ae{n}, role: ae, teams: [crew], timezone: Europe/Berlin, max_open: {MAX_OPEN},"
        f" backup: ae{n ^ 1}}}"
        for n in range(REPS)
    ]
    people += [f"- {{id: {id_}, role: {id_}, timezone: Europe/Berlin}}" for id_ in ("revops", "manager")]
    rows = "\n".join(f"  {row}" for row in people)
    document, problems = read_roster(
        "teams: [{id: crew, manager: manager}]\nhours: {default: {mon-sun: ['00:00-24:00']}}\n"
        f"people:\n{rows}\n"
    )
    assert document is not None, problems
    put_roster(db, document, "test", NOW)
    publish(db, POLICY, "policy.yaml", "test", "", NOW)


# ---------------------------------------------------------------- the processes


def _for_ever(url: str, what: Callable[[Connection], None]) -> None:
    """Again and again; when the database goes, once it is back."""
    while True:
        with suppress(psycopg.OperationalError), connect(url) as connection:
            batches.configure(connection)
            while True:
                what(connection)
        time.sleep(0.02)


def _work(url: str, clock: Clock) -> None:
    books = Rulebooks()

    def once(connection: Connection) -> None:
        if not run_due(connection, books, clock()):
            time.sleep(0.005)

    _for_ever(url, once)


def _send(url: str, clock: Clock, name: str, file: str) -> None:
    """Send leads through a router, act on some, and write down what was acknowledged."""
    chance, books, numbers = random.Random(name), Rulebooks(), iter(range(10**9))
    with (
        Path(file).open("ab", buffering=0) as acknowledged,
        open_pool(url, 1, configure=batches.configure) as pool,
    ):
        router = Router(pool, books, clock, batch_max=50)
        router.start()

        def write_down(sent: str, answer: Receipt | Exception) -> None:
            if isinstance(answer, Receipt):
                acknowledged.write(f"{sent} {answer.lead_id}\n".encode())

        def once(connection: Connection) -> None:
            for number in (next(numbers) for _n in range(chance.randint(1, 60))):
                signal_ = chance.choice(("demo_request", "demo_request", "newsletter_subscription"))
                domain = f"firm{chance.randrange(300)}.example" if chance.random() < 0.5 else None
                one = lead(
                    f"{name}-{number}", signal_, f"{number - (number % 5 == 4)}@{name}.example", domain
                )
                router.submit([(one, partial(write_down, one.lead.id))])
            _act_on_some(connection, books, chance, clock())
            # As fast as a busy company, not as fast as can be: what happens is all replayed in the end.
            time.sleep(0.1)

        _for_ever(url, once)


def _act_on_some(connection: Connection, books: Rulebooks, chance: random.Random, now: datetime) -> None:
    rows = connection.execute(
        "SELECT id, coalesce(covered_by, owner) FROM leads TABLESAMPLE SYSTEM (20)"
        " WHERE owner IS NOT NULL AND stage <> 'closed' LIMIT 200"
    ).fetchall()
    for lead_id, holder in chance.sample(rows, min(6, len(rows))):
        kind = chance.choice(("accept", "touch", "decline", "close", "close"))
        more = {"touch": {"how": "call"}, "close": {"outcome": "lost"}}.get(kind, {})
        # Somebody else was faster; the next one will do.
        with suppress(LeadlaneError, PoolTimeout):
            act(connection, books, [Act(lead_id, kind, by=holder, **more)], now)  # type: ignore[arg-type]


# ---------------------------------------------------------------- who kills them


@dataclass(slots=True)
class Company:
    """The processes that are killed, and where they leave what they know."""

    folder: Path
    url: str
    clock: Clock
    files: Path
    chance: random.Random
    started: int = 0
    running: list[tuple[str, ForkServerProcess]] = field(default_factory=list)

    def start(self, kind: str) -> None:
        self.started += 1
        name = f"{kind}{self.started}"
        if kind == "worker":
            process = start_process(_work, self.url, self.clock)
        else:
            process = start_process(_send, self.url, self.clock, name, str(self.files / name))
        self.running.append((kind, process))

    def kill_one(self) -> None:
        kind, process = self.running.pop(self.chance.randrange(len(self.running)))
        assert process.is_alive(), f"a {kind} ended by itself"
        process.kill()
        process.join()
        self.start(kind)

    def kill_all(self, kind: str) -> None:
        for one in [one for one in self.running if one[0] == kind]:
            one[1].kill()
            one[1].join()
            self.running.remove(one)

    def end_database(self) -> None:
        how = self.chance.choice((signal.SIGINT, signal.SIGQUIT, signal.SIGKILL))
        pid = int((self.folder / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[0])
        postmaster = psutil.Process(pid)
        postmaster.send_signal(how)
        psutil.wait_procs([postmaster], timeout=30)
        self.clock.minutes.value += self.chance.choice((0, 30, 600))  # an outage, long or short
        with embedded_server(self.folder):  # starts it again; as another user of it, does not stop it
            pass

    def acknowledged(self) -> dict[str, str]:
        lines = [line for file in self.files.iterdir() for line in file.read_text().split("\n")[:-1]]
        return dict(line.split(" ") for line in lines)


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    # Not below pytest's own folder: the user that PostgreSQL runs as for root could not enter that.
    folder = Path(tempfile.mkdtemp(dir=os.environ["LEADLANE_TEST_FOLDER"], prefix="kills-"))
    folder.chmod(0o755)
    with embedded_server(folder) as url:
        create_database(url)
        upgrade(url)
        with connect(url) as db:
            _found(db)
        made = Company(folder, url, Clock(), tmp_path, random.Random(SEED))
        try:
            yield made
        finally:
            made.kill_all("worker")
            made.kill_all("client")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.slow
def test_no_lead_loses_its_clock_and_no_step_comes_twice(company: Company) -> None:
    chance, kills, away_at = company.chance, 0, 0.0
    for kind in ["worker"] * WORKERS + ["client"] * CLIENTS:
        company.start(kind)
    is_sending = True
    while kills < KILLS or is_sending:
        _let_time_pass(company, chance.uniform(0.1, 0.5))
        if company.clock.minutes.value > away_at:
            away_at = company.clock.minutes.value + 60
            _with_database(company, partial(_somebody_goes_away, company))
        company.kill_one()
        kills += 1
        if kills % DATABASE_EVERY == 0:
            company.end_database()
        if is_sending and len(company.acknowledged()) >= LEADS:
            company.kill_all("client")  # from now on only what was promised is left to be done
            is_sending = False
    company.kill_all("client")
    with connect(company.url) as db:
        _wait_until_nothing_is_due(db, company.clock)
        company.kill_all("worker")
        _assert_all_there(db, company.acknowledged())
        _assert_chased_once(db)
        _assert_clocks(db)
        _assert_within_capacity(db)
        assert_all_is_well(db)
        print(_told(db, kills))


def _told(db: Connection, kills: int) -> str:
    row = db.execute(
        "SELECT count(*), (SELECT count(*) FROM decisions), (SELECT count(*) FROM decisions WHERE outcome ="
        " 'chased'), (SELECT count(*) FROM decisions WHERE outcome IN ('covered', 'returned')) FROM leads"
    ).fetchone()
    assert row is not None
    return "{} kills; {} leads, {} decisions, {} of them chases, {} covers and returns".format(kills, *row)


def _let_time_pass(company: Company, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        company.clock.minutes.value += TICK
        time.sleep(0.05)


def _with_database(company: Company, what: Callable[[Connection], None]) -> None:
    with connect(company.url) as db:
        what(db)
        row = db.execute("SELECT max(open) FROM loads WHERE person LIKE 'ae%'").fetchone()
    assert row is not None


def _somebody_goes_away(company: Company, db: Connection) -> None:
    person, now = f"ae{company.chance.randrange(REPS)}", company.clock()
    start = now + timedelta(minutes=company.chance.choice((-30, 0, 20)))
    set_away(db, person, start, start + timedelta(hours=1), "", "test", now)


def _wait_until_nothing_is_due(db: Connection, clock: Clock) -> None:
    books = Rulebooks()

    def nothing() -> bool:
        due_at = next_due_at(db, books, clock() + timedelta(microseconds=1))
        return due_at is None or due_at > clock()

    wait_until(nothing, 60)


def _assert_all_there(db: Connection, acknowledged: dict[str, str]) -> None:
    rows = db.execute("SELECT id, id FROM leads UNION ALL SELECT id, lead_id FROM lead_aliases").fetchall()
    found = dict(rows)
    assert len(found) == len(rows), "an id names two leads"
    assert acknowledged.items() <= found.items()


def _assert_chased_once(db: Connection) -> None:
    """Each step at most once for each time that somebody had the lead; and after an outage no burst."""
    taken: Counter[tuple[str, str, str, str]] = Counter()
    holders: dict[str, str] = {}
    rows = db.execute("SELECT lead_id, outcome, trace::text FROM decisions ORDER BY batch_id, number")
    for lead_id, outcome, text in rows:
        trace = orjson.loads(text)
        if outcome == "chased":
            chase = trace["chase"]
            assert len({step["due_at"] for step in chase["taken"]}) == 1
            for step in (*chase["taken"], *chase["skipped"]):
                # By holder too: a worker that was stalled may hand on a lead as of the minute before.
                taken[lead_id, holders[lead_id], chase["since"], step["action"]] += 1
        result = trace["result"]
        holders[lead_id] = str(result["covered_by"] or result["owner"])
    assert taken
    assert {action for _lead, _holder, _since, action in taken} == set(STEPS)
    assert max(taken.values()) == 1


def _assert_clocks(db: Connection) -> None:
    """Whoever has an unanswered lead has a clock with it, or all steps are behind."""
    rows = db.execute(
        "SELECT id FROM leads WHERE owner IS NOT NULL AND stage <> 'closed' AND responded_at IS NULL"
        " AND chase_at IS NULL AND cardinality(chased) < %s",
        [len(STEPS)],
    ).fetchall()
    assert rows == []


def _assert_within_capacity(db: Connection) -> None:
    """Pools never pass it; colleagues of a company go to whoever works it, whatever they have."""
    rows = db.execute(
        "SELECT owner, count(*) FROM leads WHERE destination LIKE 'pool:%' AND stage <> 'closed'"
        " AND owner LIKE 'ae%' GROUP BY owner"
    ).fetchall()
    assert rows
    assert max(count for _owner, count in rows) <= MAX_OPEN
