"""How long do reports take over ten million events, and what does it cost to keep ready what they read?"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from importlib.resources import files
from pathlib import Path

import psycopg
from psycopg import Connection

from leadlane import clock, config
from leadlane.app import open_app
from leadlane.bench import company, pages
from leadlane.bench.database import Bench
from leadlane.bench.figures import Figure, Target, percentile, repeat
from leadlane.bench.http import serving
from leadlane.config import Settings
from leadlane.service import demo
from leadlane.service.reporting import fact_files, facts
from leadlane.service.reporting.periods import Span
from leadlane.service.reporting.report_kind import Asked
from leadlane.service.reporting.reports import KINDS, make
from leadlane.service.rulebooks import Rulebooks
from leadlane.store.db import connect

SECTION = "13 reports"
_LONG, _PAGE = Target(most=2), Target(most=100)
_YEARS = timedelta(days=3 * 365)
_AT_A_TIME = 50
_CHANGED = 1_000

# Every lead of the demonstration company again and again over three years, answered, closed, won and lost,
# with what a lead's timeline tells in its life.
_KEEP = """
CREATE TABLE bench_leads AS SELECT * FROM leads WHERE merged_into IS NULL;
CREATE TABLE bench_batches AS SELECT * FROM batches WHERE id IN (SELECT batch_id FROM bench_leads);
CREATE TABLE bench_decisions AS
    SELECT d.* FROM decisions AS d
     WHERE EXISTS (SELECT FROM bench_leads WHERE batch_id = d.batch_id AND decision_number = d.number);
CREATE TABLE bench_timeline AS
    SELECT * FROM timeline WHERE lead_id IN (SELECT id FROM bench_leads);
"""
_COPY = """
CREATE TEMPORARY TABLE copies AS
SELECT k, k * %(apart)s::interval AS ago FROM generate_series(%(first)s::int, %(last)s) AS k;

INSERT INTO batches
SELECT id + %(batches)s, at, policy_version, roster_revision, world FROM bench_batches;

CREATE TEMPORARY TABLE lives AS
SELECT l.id AS template, l.id || '-' || k AS id, k, ago, l.arrived_at - ago AS arrived_at,
       l.arrived_at - ago + interval '1 minute' * exp(2.5 + 1.5 * (random() + random() + random() - 1.5))
           AS responded_at,
       l.arrived_at - ago + interval '1 day' * (1 + 60 * random()) AS closed_at,
       (ARRAY['won', 'won', 'lost', 'lost', 'lost', 'lost', 'unqualified', 'junk', NULL])
           [1 + (random() * 8)::int] AS outcome,
       random() < 0.9 AS is_answered
  FROM bench_leads AS l, copies;

INSERT INTO leads
SELECT copied.*
  FROM lives AS v JOIN bench_leads AS l ON l.id = v.template,
       LATERAL jsonb_populate_record(l, jsonb_build_object(
       'id', v.id, 'email_key', NULL, 'domain', NULL, 'phone_key', NULL, 'name_key', NULL,
       'arrived_at', v.arrived_at, 'respond_by', l.respond_by - ago, 'held_since', l.held_since - ago,
       'responded_at', CASE WHEN v.is_answered AND l.owner IS NOT NULL THEN v.responded_at END,
       'changed_at', v.closed_at, 'batch_id', l.batch_id + %(batches)s,
       'decision_number', l.decision_number * %(width)s + k - %(first)s,
       'stage', 'closed', 'closed_at', v.closed_at, 'outcome', v.outcome,
       'value', CASE WHEN v.outcome = 'won' THEN l.deal_value * (0.5 + random()) END,
       'chase_at', NULL, 'waiting_pool', NULL, 'next_step', NULL, 'next_step_due_at', NULL)) AS copied;

INSERT INTO decisions
SELECT batch_id + %(batches)s, number * %(width)s + k - %(first)s, lead_id || '-' || k, at - ago, outcome,
       route, destination, owner, arrival, trace
  FROM bench_decisions, copies;

INSERT INTO timeline (lead_id, at, event, actor, details)
SELECT lead_id, at, event, actor, details
  FROM (SELECT lead_id || '-' || k AS lead_id, at - ago AS at, event, actor, details
          FROM bench_timeline, copies
        UNION ALL
        SELECT id, responded_at, 'touched', 'person:x', '{"kind": "call"}' FROM lives
        UNION ALL
        SELECT id, responded_at + interval '1 day', 'touched', 'person:x', '{"kind": "email"}' FROM lives
        UNION ALL
        SELECT id, closed_at, 'closed', 'person:x', '{}' FROM lives) AS told
 ORDER BY at;

INSERT INTO touches (lead_id, at, person, kind)
SELECT id, responded_at, 'x', 'call' FROM lives WHERE is_answered;

INSERT INTO tellings (lead_id, person, at, channel)
SELECT v.id, l.owner, v.arrived_at + interval '20 seconds', 'email'
  FROM lives AS v JOIN bench_leads AS l ON l.id = v.template WHERE l.owner IS NOT NULL;

DROP TABLE copies, lives;
"""


def measure(bench: Bench) -> list[Figure]:
    """Each kind of report over everything and over a month; what facts cost to make, to keep and on disk."""
    url = _filled(bench, bench.size(500_000, 10_000_000))
    with _data_folder(bench.folder), connect(url) as connection:
        events, leads = _count(connection, "timeline"), _count(connection, "leads")
        figures = [*_made(connection, leads, events), *_kept(connection)]
        figures += _over_everything(connection, f"{events:,} events of {leads:,} leads")
        figures += _pages(url, f"the page, {leads:,} leads")
    bench.drop(url)
    return figures


@contextmanager
def _data_folder(folder: Path) -> Iterator[None]:
    """Within the block, files of facts are in this folder, also those of a server that is started."""
    name = config.variable("data_dir")
    before = os.environ.get(name)
    os.environ[name] = str(folder / "data")
    config.settings.cache_clear()
    yield
    if before is None:
        del os.environ[name]
    else:
        os.environ[name] = before
    config.settings.cache_clear()


def _filled(bench: Bench, events: int) -> str:
    """A company with so many rows in its timeline."""
    roster = (files("leadlane") / "reference" / "roster.yaml").read_text(encoding="utf-8")
    url = bench.new_company(company.reference_policy(), roster)
    with open_app(Settings(database_url=url)) as app:
        demo.load(app)
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute(_KEEP)
        of_copy = _count(connection, "bench_timeline") + 3 * _count(connection, "bench_leads")
        copies = max(1, round(events / of_copy))
        batches = connection.execute("SELECT max(id) FROM batches").fetchone()
        assert batches is not None  # an aggregate gives one row
        values = {"apart": _YEARS / copies, "width": _AT_A_TIME}
        for number, first in enumerate(range(1, copies + 1, _AT_A_TIME), 1):
            last = min(first + _AT_A_TIME - 1, copies)
            connection.execute(
                _COPY, {**values, "first": first, "last": last, "batches": number * batches[0]}
            )
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
    return url


def _count(connection: Connection, table: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(row[0]) if row is not None else 0


def _made(connection: Connection, leads: int, events: int) -> list[Figure]:
    start = time.perf_counter()
    facts.catch_up(connection)
    seconds = time.perf_counter() - start
    connection.execute("VACUUM ANALYZE lead_facts")
    connection.execute(
        "WITH told AS (INSERT INTO timeline (lead_id, at, event, actor, details)"
        "              SELECT id, now(), 'touched', 'person:x', '{}' FROM leads ORDER BY md5(id) LIMIT %s"
        "              RETURNING lead_id)"
        " UPDATE leads SET value = 1 FROM told WHERE leads.id = told.lead_id",
        [_CHANGED],
    )
    start = time.perf_counter()
    facts.catch_up(connection)
    again = time.perf_counter() - start
    return [
        Figure(SECTION, f"facts made of {events:,} events, for each lead", seconds / leads * 1e6, "µs"),
        Figure(SECTION, f"{_CHANGED:,} leads that have changed, for each", again / _CHANGED * 1e6, "µs"),
    ]


def _kept(connection: Connection) -> list[Figure]:
    folder = fact_files.folder_of(connection)
    start, months = time.perf_counter(), 0
    while fact_files.keep_next(connection, folder, timedelta(0)):
        months += 1
    seconds = time.perf_counter() - start
    row = connection.execute("SELECT pg_total_relation_size('lead_facts')").fetchone()
    assert row is not None  # a SELECT of a function gives one row
    on_disk = sum(path.stat().st_size for path in folder.iterdir())
    return [
        Figure(SECTION, "a month kept as a file", seconds / months * 1e3, "ms"),
        Figure(SECTION, "on disk: facts in PostgreSQL", row[0] / 2**20, "MiB"),
        Figure(SECTION, f"on disk: {months} months as files", on_disk / 2**20, "MiB"),
    ]


def _over_everything(connection: Connection, of: str) -> list[Figure]:
    now = clock.now()
    book = Rulebooks().current(connection)
    period = Span(now - _YEARS - timedelta(days=40), now)
    figures = []
    for name, kind in KINDS.items():
        asked = Asked(period, next(iter(kind.dimensions), ""))
        timing = repeat(lambda: make(connection, kind, book, asked, now))  # noqa: B023 - called at once
        what = f"{name}, {of}"
        figures.append(Figure(SECTION, what, timing.seconds, "s", target=_LONG, spread=timing.spread))
    facts_only = repeat(lambda: facts.facts(connection, book, period.since, period.until))
    figures.append(
        Figure(SECTION, "  of it reading the facts", facts_only.seconds, "s", spread=facts_only.spread)
    )
    return figures


def _pages(url: str, what: str) -> list[Figure]:
    asked = [pages.Page(f"/reports/{name}", [f"/reports/{name}"]) for name in KINDS]
    cookie = pages.sign_in_as_admin(url)
    with serving(url) as server:
        pages.ask_in_turns(server, cookie, asked, 20)
    return [
        Figure(SECTION, f"{page.what}, {what}, p95", percentile(page.seconds, 0.95) * 1e3, "ms", target=_PAGE)
        for page in asked
    ]
