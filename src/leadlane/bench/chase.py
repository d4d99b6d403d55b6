"""How late is a step of a chase acted on, and what does it cost, with a million clocks running?

python -m leadlane.bench.chase URL SECONDS   a worker on a clock so many seconds ahead, until stdin ends;
                                             writes every reading of its clock to stdout
"""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from statistics import median

import psycopg
from psycopg import Connection
from psycopg.errors import Diagnostic

from leadlane import clock
from leadlane.bench import company
from leadlane.bench.company import NOW
from leadlane.bench.database import Bench
from leadlane.bench.figures import Figure, Target, percentile, spread
from leadlane.core.act import Act
from leadlane.core.business_time import Calendar
from leadlane.core.rulebook import compile_rulebook
from leadlane.policy.load import load_policy
from leadlane.policy.roster import build_roster, read_roster
from leadlane.service.acts import act
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.run_due import run_due
from leadlane.service.worker import Worker
from leadlane.store import batches, due
from leadlane.store.db import connect

SECTION = "6 the chase"
FEW = 10_000
BATCH = 200
A_SECOND = 200
ROUNDS = 40
TOUCHES = 300
# From setting the clocks until the first is due: the worker must have started by then.
HEAD_START = timedelta(seconds=8)
# All of it is over long before the next step of those that were reminded, and the clocks of all others.
_PATIENCE_SECONDS = 300
_ADDITIONS = 200_000

# Everybody's leads with a clock that is not due: the first step of the chase of a demo request.
_FILL = """
INSERT INTO batches (id, at, policy_version, roster_revision, world)
SELECT nextval('batch_ids'), %(now)s, version, 1, '{}' FROM publications ORDER BY number DESC LIMIT 1;

INSERT INTO leads (id, arrived_at, fields, signals, email_key, domain, intent, fit, fit_score, segment,
                   relationship, stage, route, destination, pool, owner, service_level, respond_by, next_step,
                   next_step_due_at, place, batch_id, decision_number, changed_at, policy_version, held_since,
                   chase_at)
SELECT 'open-' || n, at,
       jsonb_build_object('email', 'kim.' || n || '@old-' || n / 2 || '.com', 'company', 'Old ' || n / 2,
                          'employees', 450, 'country', 'DE', 'message', repeat('text ', 20)),
       jsonb_build_array(jsonb_build_array('demo_request', at)), 'kim.' || n || '@old-' || n / 2 || '.com',
       'old-' || n / 2 || '.com', 'high', 'strong', 70, 'dach', 'none', 'assigned', 'hot', 'pool:senior-ae',
       'senior-ae', people[1 + n %% cardinality(people)], 'demo-request', at + interval '15 minutes',
       'Respond', at + interval '15 minutes', 1, 1, n, at,
       (SELECT version FROM publications ORDER BY number DESC LIMIT 1), at, at + interval '10 minutes'
  FROM generate_series(1, %(count)s) AS n, (SELECT array_agg(person ORDER BY person) AS people FROM loads) _,
       LATERAL (SELECT %(now)s::timestamptz + interval '1 hour' + n * interval '0.05 seconds' AS at) _at;

UPDATE loads SET open = owned.open
  FROM (SELECT owner, count(*) AS open FROM leads GROUP BY owner) AS owned
 WHERE owned.owner = loads.person;
"""

_MAKE_DUE = """
UPDATE leads SET chase_at = wanted.at, held_since = wanted.at - interval '10 minutes'
  FROM (SELECT id, %(first)s::timestamptz + (number - 1) * %(apart)s::interval AS at
          FROM unnest(%(ids)s::text[]) WITH ORDINALITY AS one (id, number)) AS wanted
 WHERE wanted.id = leads.id
"""


@dataclass(slots=True)
class _Company:
    """A company with so many open clocks, what is measured on it in turns, and leads not used so far."""

    clocks: int
    url: str
    connection: Connection
    fresh: Iterator[str]
    books: Rulebooks = field(default_factory=Rulebooks)
    passes: list[float] = field(default_factory=list)
    idle: list[float] = field(default_factory=list)


def measure(bench: Bench) -> list[Figure]:
    """Lateness with a million clocks, a pass against one with 10,000, a touch, additions of business time."""
    many = bench.size(100_000, 1_000_000)
    with ExitStack() as stack:
        companies = [stack.enter_context(_filled(bench, count)) for count in (FEW, many)]
        passes = _compare_passes(companies)
        touch = _touch(companies[1])
        lateness = _lateness(companies[1], bench.size(10, 30))
    for one in companies:
        bench.drop(one.url)
    return [*lateness, *passes, *touch, *_business_time()]


@contextmanager
def _filled(bench: Bench, clocks: int) -> Iterator[_Company]:
    url = bench.new_company(company.reference_policy(), company.roster(14))
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute(_FILL, {"count": clocks, "now": NOW})
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
    # Leads that fall due together do not lie together.
    fresh = random.Random(1).sample(range(1, clocks + 1), min(clocks, 20_000))
    with connect(url) as connection:
        batches.configure(connection)
        yield _Company(clocks, url, connection, iter([f"open-{number}" for number in fresh]))


def _make_due(one: _Company, count: int, first: datetime, apart: timedelta = timedelta()) -> list[str]:
    """Set the clocks of leads that were not used so far; returns their ids."""
    ids = list(islice(one.fresh, count))
    one.connection.execute(_MAKE_DUE, {"ids": ids, "first": first, "apart": apart})
    return ids


# ---------------------------------------------------------------- what a pass costs


def _compare_passes(companies: list[_Company]) -> list[Figure]:
    """Passes over 200 due leads, and over none, in turns; the first of each only warms up."""
    for number in range(ROUNDS + 1):
        # Whoever is measured right after the other finds its caches cold: each is so every other time.
        for one in companies if number % 2 else reversed(companies):
            _make_due(one, BATCH, NOW)
            one.passes.append(_pass(one, BATCH))
            one.idle.append(_pass(one, 0))
    few, many = companies
    return [
        *_compared(few, many, f"a pass, {BATCH} due", few.passes, many.passes),
        *_compared(few, many, "a pass, none due", few.idle, many.idle),
    ]


def _compared(
    few: _Company, many: _Company, what: str, by_few: list[float], by_many: list[float]
) -> list[Figure]:
    """Each pass is compared with the one beside it, which had about the same of the machine."""
    ratio = median(one / other for one, other in zip(by_many[1:], by_few[1:], strict=True))
    against, target = f"{few.clocks:,} open clocks", Target(most=1.2, of_ratio=True)
    among_many = _milliseconds(f"{what}, {many.clocks:,} open clocks", by_many[1:])
    return [
        _milliseconds(f"{what}, {against}", by_few[1:]),
        replace(among_many, against=against, ratio=ratio, target=target),
    ]


def _pass(one: _Company, expected: int) -> float:
    start = time.perf_counter()
    happened = run_due(one.connection, one.books, NOW)
    taken = time.perf_counter() - start
    if happened != expected:
        raise RuntimeError(f"{happened} steps were taken, {expected} were due")
    return taken


def _milliseconds(what: str, seconds: list[float]) -> Figure:
    return Figure(SECTION, what, median(seconds) * 1e3, "ms", spread=spread(seconds))


# ---------------------------------------------------------------- what a response costs


def _touch(one: _Company) -> list[Figure]:
    """One call told by a rep, which stops the chase: the time that PostgreSQL says it spent on it."""
    working, durable = [], []
    with _durations(one.connection) as durations:
        for lead_id in islice(one.fresh, TOUCHES):
            durations.clear()
            act(one.connection, one.books, [Act(lead_id, "touch", by="p0000", how="call")], NOW)
            commits = sum(ms for what, ms in durations if what.endswith("COMMIT"))
            durable.append(sum(ms for _what, ms in durations))
            working.append(durable[-1] - commits)
    # The first ones still prepare their statements.
    working, durable = working[TOUCHES // 10 :], durable[TOUCHES // 10 :]
    p50 = median(working)
    return [
        Figure(SECTION, "a touch, time in PostgreSQL, p50", p50, "ms", target=Target(most=1)),
        Figure(SECTION, "  p99", percentile(working, 0.99), "ms", "p50", percentile(working, 0.99) / p50),
        Figure(
            SECTION,
            "  with its commit made durable, p50",
            median(durable),
            "ms",
            "p50",
            median(durable) / p50,
        ),
    ]


@contextmanager
def _durations(connection: Connection) -> Iterator[list[tuple[str, float]]]:
    """Within the block the list gets what the server does for this connection: what, and its milliseconds.

    Every parse, bind and execute has an entry of its own.
    """
    durations: list[tuple[str, float]] = []

    def note(diagnostic: Diagnostic) -> None:
        found = re.match(r"duration: ([0-9.]+) ms(.*)", diagnostic.message_primary or "", re.DOTALL)
        if found:
            durations.append((found[2], float(found[1])))

    connection.add_notice_handler(note)
    # To the client, not to the log.
    connection.execute(
        "SET client_min_messages = log; SET log_min_messages = fatal; SET log_min_duration_statement = 0"
    )
    try:
        yield durations
    finally:
        connection.execute(
            "RESET log_min_duration_statement; RESET log_min_messages; RESET client_min_messages"
        )
        connection.remove_notice_handler(note)


# ---------------------------------------------------------------- how late it is


def _lateness(one: _Company, seconds: int) -> list[Figure]:
    """From when a step was due until it was acted on and committed; 200 fall due each second."""
    count = A_SECOND * seconds
    with _working(one.url) as (shift, worker):
        first = clock.now() + shift + HEAD_START
        ids = _make_due(one, count, first, timedelta(seconds=1) / A_SECOND)
        _wait_until_acted_on(one.connection, first, seconds)
        readings = [datetime.fromisoformat(text) for text in json.loads(worker.communicate()[0])]
    if readings[0] >= first:
        raise RuntimeError("the worker started too late: the machine is too busy to measure lateness")
    told = one.connection.execute(
        "SELECT at, (details ->> 'due_at')::timestamptz FROM timeline"
        " WHERE lead_id = ANY(%s) AND event = 'reminded'",
        [ids],
    ).fetchall()
    if len(told) != count:
        raise RuntimeError(f"{len(told)} reminders were written, {count} were due")
    # `at` is when its batch began; it was committed when the worker next looked at the clock.
    late = [
        (readings[bisect_right(readings, at)] - due_at) / timedelta(milliseconds=1) for at, due_at in told
    ]
    what, p50 = f"{one.clocks:,} open clocks, {A_SECOND} due a second: lateness", percentile(late, 0.5)
    return [
        Figure(SECTION, f"{what}, p50", p50, "ms"),
        Figure(SECTION, f"{what}, p99", percentile(late, 0.99), "ms", target=Target(most=1_000)),
        Figure(SECTION, f"{what}, most", max(late), "ms"),
        Figure(SECTION, "  leads in a batch of the worker", count / len({at for at, _due_at in told}), ""),
    ]


def _wait_until_acted_on(connection: Connection, first: datetime, seconds: int) -> None:
    """Wait until nothing is due any more that was due within so many seconds."""
    time.sleep(HEAD_START.total_seconds() + seconds)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while due.overdue(connection, first + timedelta(seconds=seconds))[0]:
        if time.monotonic() > deadline:
            raise RuntimeError(f"leads were still due {_PATIENCE_SECONDS} seconds later")
        time.sleep(0.5)


@contextmanager
def _working(url: str) -> Iterator[tuple[timedelta, subprocess.Popen[str]]]:
    """Within the block a process works for this company, on a clock that is so far ahead of ours.

    It is set to a moment in office hours: steps are counted in business time.
    """
    shift = NOW - clock.now()
    command = [sys.executable, "-m", "leadlane.bench.chase", url, str(shift.total_seconds())]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield shift, process
        finally:
            process.terminate()


def _work(url: str, shift: timedelta) -> None:
    readings: list[datetime] = []

    def now() -> datetime:
        readings.append(clock.now() + shift)
        return readings[-1]

    with Worker(url, Rulebooks(), now):
        sys.stdin.read()
    json.dump([reading.isoformat() for reading in readings], sys.stdout)


# ---------------------------------------------------------------- business time


def _business_time() -> list[Figure]:
    """Additions on the calendar of a person with public holidays, from moments all over two years."""
    calendar = _calendar()
    chance = random.Random(1)
    starts = [NOW + timedelta(minutes=chance.randrange(2 * 365 * 1_440)) for _n in range(_ADDITIONS)]
    minutes = [chance.randrange(1, 5 * 600) for _start in starts]
    days = [chance.randrange(1, 11) for _start in starts]
    figures = []
    for what, add, amounts in (("minutes", calendar.add_minutes, minutes), ("days", calendar.add_days, days)):
        rates = [_ADDITIONS / _add_all(add, starts, amounts) for _time in range(5)]
        target = Target(300_000)
        figures.append(
            Figure(
                SECTION, f"business {what} added", median(rates), "/s", target=target, spread=spread(rates)
            )
        )
    return figures


def _add_all(
    add: Callable[[datetime, int], datetime], starts: Sequence[datetime], amounts: Sequence[int]
) -> float:
    """The seconds of one core that it takes, without those that other processes had."""
    start = time.process_time()
    for moment, amount in zip(starts, amounts, strict=True):
        add(moment, amount)
    return time.process_time() - start


def _calendar() -> Calendar:
    """The calendar of the first person of the roster."""
    document, problems = read_roster(company.roster(14))
    if document is None:
        raise ValueError("\n".join(map(str, problems)))
    book = compile_rulebook(load_policy(company.reference_policy()), build_roster(document, 1))
    return next(iter(book.calendars.values()))


if __name__ == "__main__":
    _work(sys.argv[1], timedelta(seconds=float(sys.argv[2])))
