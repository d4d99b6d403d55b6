"""How long does the server take to make a page, with a million leads in the database?"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import timedelta
from http.client import HTTPConnection
from importlib.resources import files
from statistics import mean
from typing import LiteralString
from urllib.parse import quote

import psutil
import psycopg
from psycopg import Connection

from leadlane import clock
from leadlane.app import open_app
from leadlane.bench import company
from leadlane.bench.database import Bench
from leadlane.bench.figures import Figure, Target, percentile
from leadlane.bench.http import Server, serving
from leadlane.config import Settings
from leadlane.service import demo, sign_in, users
from leadlane.service.arrivals import count_arrivals
from leadlane.service.reporting import facts
from leadlane.store.db import connect
from leadlane.web.application import all_pages
from leadlane.web.live import PATH as LIVE

SECTION = "12 pages, as the browser asks for them"
TARGET = Target(most=50)
# The page that asks the database nothing: what a request costs by itself.
TRIVIAL = "/sign-in"
# Whose pages are looked at: an admin who also sells.
PERSON = "anna"
# What people open all day; of the others the slowest is told.
MAIN = (
    "/my-leads", "/leads/{lead_id:path}", "/leads/{lead_id:path}/why", "/whose", "/rulebook", "/now",
    "/review", "/review/{review_id:path}", "/people", "/people/{person_id:path}", "/coverage", "/settings",
    "/workshop",
)  # fmt: skip
# The company as it stands, so many times over, is open; what came before is closed, over three years.
_OPEN_COPIES = 20
_AT_A_TIME = 50
_YEARS = timedelta(days=3 * 365)
_WARM = 3
# What pages are about: another one in each round, so that none is quick because it was asked for before.
_SAMPLES = {
    "{lead_id:path}": "SELECT id FROM leads WHERE owner = %(person)s AND stage <> 'closed' ORDER BY md5(id)",
    "{review_id:path}": "SELECT id FROM leads WHERE stage = 'review' ORDER BY md5(id)",
    "{person_id:path}": "SELECT person FROM loads",
    "{user_id}": "SELECT id FROM users",
    "{route_name:path}": "SELECT DISTINCT route FROM bench_leads",
}
_QUERIES = {
    "/my-leads": ("whose", "SELECT person FROM loads UNION SELECT 'team'"),
    "/whose": ("q", "SELECT fields ->> 'company' FROM bench_leads WHERE fields ? 'company'"),
}
_MOST_SAMPLES = 200
# About a finding of a quarterly review, and none is made here.
_ABOUT_A_FINDING = ("/reports/review/dismiss", "/reports/review/roster")

# Every lead of the demonstration company again and again, with all that was decided and told of it. What was
# a batch becomes one of as many leads as copies are made at a time.
_KEEP = """
CREATE TABLE bench_batches AS TABLE batches;
CREATE TABLE bench_leads AS TABLE leads;
CREATE TABLE bench_decisions AS TABLE decisions;
CREATE TABLE bench_timeline AS TABLE timeline;
CREATE TABLE bench_outbox AS TABLE outbox;
"""
_COPY = """
CREATE TEMPORARY TABLE copies AS
SELECT k, k > %(open)s AS is_past, CASE WHEN k > %(open)s THEN k * %(apart)s::interval ELSE '0' END AS ago
  FROM generate_series(%(first)s::int, %(last)s) AS k;

INSERT INTO batches
SELECT id + %(batches)s, at, policy_version, roster_revision, world FROM bench_batches;

INSERT INTO leads
SELECT copied.*
  FROM bench_leads AS l, copies, LATERAL jsonb_populate_record(l, jsonb_build_object(
       'id', l.id || '-' || k, 'email_key', k || '.' || l.email_key, 'domain', k || '.' || l.domain,
       'arrived_at', l.arrived_at - ago, 'respond_by', l.respond_by - ago,
       'accepted_at', l.accepted_at - ago, 'responded_at', l.responded_at - ago,
       'changed_at', l.changed_at - ago, 'held_since', l.held_since - ago,
       'batch_id', l.batch_id + %(batches)s, 'decision_number', l.decision_number + k - %(first)s
  ) || CASE WHEN is_past THEN jsonb_build_object(
       'stage', 'closed', 'closed_at', l.changed_at - ago, 'chase_at', NULL, 'waiting_pool', NULL,
       'next_step', NULL, 'next_step_due_at', NULL) ELSE '{}' END) AS copied;

INSERT INTO decisions
SELECT batch_id + %(batches)s, number + k - %(first)s, lead_id || '-' || k, at - ago, outcome, route,
       destination, owner, arrival, trace
  FROM bench_decisions, copies;

INSERT INTO timeline (lead_id, at, event, actor, details)
SELECT lead_id || '-' || k, at - ago, event, actor, details FROM bench_timeline, copies ORDER BY k, id;

INSERT INTO outbox (lead_id, place, event, person, created_at, taken_at)
SELECT lead_id || '-' || k, place, event, person, created_at - ago, created_at - ago
  FROM bench_outbox, copies WHERE lead_id IS NOT NULL;

DROP TABLE copies;
"""
_COUNT = """
SELECT setval('batch_ids', max(id)) FROM batches;

UPDATE loads SET open = owned.open
  FROM (SELECT owner, count(*) AS open FROM leads WHERE stage <> 'closed' GROUP BY owner) AS owned
 WHERE owned.owner = loads.person
"""


@dataclass(slots=True)
class Page:
    """A page at its addresses, and what each answer took, in seconds: until it was there, and of CPU."""

    what: str
    addresses: list[str]
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)


def measure(bench: Bench) -> list[Figure]:
    """Every page that is registered, in turns, by somebody signed in; against the page to sign in."""
    url = _filled(bench, bench.size(100_000, 1_000_000))
    cookie = sign_in_as_admin(url)
    pages = _pages(url)
    with serving(url) as server:
        ask_in_turns(server, cookie, pages, bench.size(20, 100))
    bench.drop(url)
    trivial = next(page for page in pages if page.what == TRIVIAL)
    others = [page for page in pages if page.what not in MAIN and page is not trivial]
    slowest = max(others, key=lambda page: percentile(page.seconds, 0.5))
    return [
        *_figures(trivial, None),
        *(figure for page in pages if page.what in MAIN for figure in _figures(page, trivial)),
        *_figures(slowest, trivial, f"slowest of {len(others)} others, "),
    ]


def _filled(bench: Bench, count: int) -> str:
    """The demonstration company, busy as never before, with the leads of years behind it."""
    roster = (files("leadlane") / "reference" / "roster.yaml").read_text(encoding="utf-8")
    url = bench.new_company(company.reference_policy(), roster)
    with open_app(Settings(database_url=url)) as app:
        loaded = demo.load(app, weeks=2).total
    copies = count // loaded
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute(_KEEP)
        batches = connection.execute("SELECT max(id) FROM batches").fetchone()
        assert batches is not None  # an aggregate gives one row
        values = {"open": _OPEN_COPIES, "apart": _YEARS / copies}
        for number, first in enumerate(range(1, copies + 1, _AT_A_TIME), 1):
            last = min(first + _AT_A_TIME - 1, copies)
            ids = {"first": first, "last": last, "batches": number * batches[0]}
            connection.execute(_COPY, {**values, **ids})
        connection.execute(_COUNT)
        count_arrivals(connection, clock.now())
        with connect(url) as reader:
            facts.catch_up(reader)
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
    return url


def sign_in_as_admin(url: str) -> str:
    """The cookie of somebody who has signed in."""
    now = clock.now()
    with connect(url) as connection:
        user = users.add(connection, "admin@bench.example", "Kim Bench", "admin", "bench", now)
        users.link_person(connection, user.id, PERSON, "bench")
        return f"leadlane={sign_in.enter(connection, user, sign_in.From('127.0.0.1', 'bench'), now).token}"


def _pages(url: str) -> list[Page]:
    """Every page that there is something for, with the addresses of what it is about."""
    paths = [page.path for page in all_pages() if page.method == "GET" and page.capability is not None]
    with connect(url) as connection:
        pages = [Page(path, _addresses(connection, path)) for path in (TRIVIAL, *paths) if path != LIVE]
    return [page for page in pages if page.addresses]


def _addresses(connection: Connection, path: str) -> list[str]:
    def samples(statement: LiteralString) -> list[str]:
        found = connection.execute(f"{statement} LIMIT {_MOST_SAMPLES}", {"person": PERSON}).fetchall()
        return [quote(value, safe="") for (value,) in found]

    if path in _QUERIES:
        name, statement = _QUERIES[path]
        return [f"{path}?{name}={value}" for value in samples(statement)]
    for name, statement in _SAMPLES.items():
        if name in path:
            return [path.replace(name, value) for value in samples(statement)]
    return [] if "{" in path or path in _ABOUT_A_FINDING else [path]


def ask_in_turns(server: Server, cookie: str, pages: list[Page], rounds: int) -> None:
    """Ask for each page so often, one after the other, and note how long each answer took."""
    process = psutil.Process(server.pid)
    connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
    headers = {"cookie": cookie, "accept-encoding": "gzip", "accept-language": "en"}
    for number in range(-_WARM, rounds):
        for page in pages:
            address = page.addresses[number % len(page.addresses)]
            # Whoever is signed in is led away from the page to sign in: it is asked for by somebody else.
            sent = headers if page.what != TRIVIAL else {}
            before, start = process.cpu_times(), time.perf_counter()
            connection.request("GET", address, headers=sent)
            answer = connection.getresponse()
            answer.read()
            seconds, after = time.perf_counter() - start, process.cpu_times()
            if answer.status >= 400:
                raise RuntimeError(f"{address} was answered with {answer.status}")
            if number >= 0:
                page.seconds.append(seconds)
                page.cpu_seconds.append(after.user + after.system - before.user - before.system)
    connection.close()


def _figures(page: Page, trivial: Page | None, prefix: str = "") -> list[Figure]:
    """p50 and p95 of a page against the trivial one, and the CPU time of the server's process for each."""
    figures = []
    for name, share, target in (("p50", 0.5, None), ("p95", 0.95, TARGET if trivial else None)):
        value = percentile(page.seconds, share)
        ratio = value / percentile(trivial.seconds, share) if trivial else None
        against = f"{TRIVIAL}, {name}" if trivial else ""
        what = f"{prefix}{page.what.replace(':path', '')}, {name}"
        figures.append(Figure(SECTION, what, value * 1e3, "ms", against, ratio, target))
    figures.append(Figure(SECTION, "  CPU of the server, mean", mean(page.cpu_seconds) * 1e3, "ms"))
    return figures
