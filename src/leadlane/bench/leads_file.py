"""How many leads a second are routed from a file, with everything, and how many does plain SQL insert?"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import psycopg
from psycopg import Connection, sql

from leadlane.bench import company
from leadlane.bench.company import NOW
from leadlane.bench.database import Bench
from leadlane.bench.figures import Figure, Target, Timing, middle_of
from leadlane.service.route_file import LeadFile, route_file
from leadlane.service.rulebooks import Rulebooks
from leadlane.store.db import connect

SECTION = "2 routing a file, committed with everything"
BASELINE_LEADS = 100
# What a batch inserts; besides, it updates ledgers and loads, which the baseline is spared.
_TABLES = ("batches", "decisions", "leads", "lead_aliases", "timeline", "outbox", "idempotency_keys")


def measure(bench: Bench) -> list[Figure]:
    """Leads a second by the reference policy, against plain INSERT statements of the very same rows."""
    policy, roster = company.reference_policy(), company.roster(14)
    count = bench.size(5_000, 20_000)
    url = bench.new_company(policy, roster)
    timing = route_files(bench, url, count, "file", times=3)
    rows = _rows(url, count)
    bench.drop(url)
    plain = middle_of([_insert(bench, policy, roster, rows, _send_values) for _time in range(3)])
    text = middle_of([_insert(bench, policy, roster, rows, _send_text) for _time in range(2)])
    rate, baseline = count / timing.seconds, count / plain.seconds
    return [
        Figure(
            SECTION,
            f"routed, {count:,} leads of {len(company.COLUMNS)} columns",
            rate,
            "leads/s",
            target=Target(5_000),
            spread=timing.spread,
        ),
        Figure(
            SECTION,
            "the same rows by plain INSERT, 100 leads a commit",
            baseline,
            "leads/s",
            spread=plain.spread,
        ),
        Figure(
            SECTION,
            "routed, against plain INSERT",
            rate,
            "leads/s",
            "plain INSERT",
            rate / baseline,
            Target(1 / 3, of_ratio=True),
        ),
        Figure(
            SECTION,
            "the same as ready-made SQL text, nothing to encode",
            count / text.seconds,
            "leads/s",
            "routed",
            count / text.seconds / rate,
            spread=text.spread,
        ),
    ]


def route_files(bench: Bench, url: str, count: int, name: str, times: int, campaigns: int = 200) -> Timing:
    """Route a few files of as many new leads each, after one that warms up."""
    books = Rulebooks()
    taken = []
    for number in range(times + 1):
        size = count if number else min(count, 1_000)
        path = company.write_leads(bench.folder / f"{name}-{number}.csv", size, f"{name}-{number}", campaigns)
        start = time.perf_counter()
        summary = route_file(url, books, LeadFile(str(path)), lambda: NOW)
        if number:
            taken.append(time.perf_counter() - start)
        if summary.total != size or summary.rejects:
            raise RuntimeError(f"of {size} leads {summary.total} were routed; refused: {summary.rejects}")
        Path(path).unlink()
    return middle_of(taken)


# The rows of one commit: table, columns, rows with every value as text.
_Commit = list[tuple[str, list[str], list[tuple[str, ...]]]]
# Puts commits into a database; what it does before the first of them does not count.
_Send = Callable[[Connection, list[_Commit]], float]


def _rows(url: str, count: int) -> list[_Commit]:
    """All that was written of the last `count` leads, in commits of 100 leads each."""
    commits: list[_Commit] = [[] for _n in range(count // BASELINE_LEADS)]
    with connect(url) as connection:
        first = connection.execute(
            "SELECT min(batch_id)"
            " FROM (SELECT batch_id FROM decisions ORDER BY batch_id DESC, number DESC LIMIT %s) _",
            [count],
        ).fetchone()
        assert first is not None  # an aggregate gives one row
        for table in _TABLES:
            columns, rows = _table(connection, table, first[0])
            for number, commit in enumerate(commits):
                start, end = (len(rows) * n // len(commits) for n in (number, number + 1))
                if start < end:
                    commit.append((table, columns, rows[start:end]))
    return commits


def _table(connection: Connection, table: str, first_batch: int) -> tuple[list[str], list[tuple[str, ...]]]:
    """The columns of a table that one can write, and its rows since a batch, every value as text."""
    found = connection.execute(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_name = %s AND is_identity = 'NO' ORDER BY ordinal_position",
        [table],
    ).fetchall()
    columns = [name for (name,) in found]
    since = {
        "batches": sql.SQL("id >= {}"),
        "lead_aliases": sql.SQL("lead_id IN (SELECT lead_id FROM decisions WHERE batch_id >= {})"),
        "timeline": sql.SQL("lead_id IN (SELECT lead_id FROM decisions WHERE batch_id >= {})"),
        "outbox": sql.SQL("lead_id IN (SELECT lead_id FROM decisions WHERE batch_id >= {})"),
    }.get(table, sql.SQL("batch_id >= {}"))
    query = sql.SQL("SELECT {} FROM {} WHERE {}").format(
        sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in columns),
        sql.Identifier(table),
        since.format(sql.Literal(first_batch)),
    )
    return columns, connection.execute(query).fetchall()


def _insert(bench: Bench, policy: str, roster: str, commits: list[_Commit], send: _Send) -> float:
    """Seconds that inserting everything takes in a new database."""
    url = bench.new_company(policy, roster)
    with psycopg.connect(url, prepare_threshold=1) as connection:
        taken = send(connection, commits)
    bench.drop(url)
    return taken


def _send_values(connection: Connection, commits: list[_Commit]) -> float:
    """As a program does: multi-row INSERT statements, the values beside them."""
    start = time.perf_counter()
    for commit in commits:
        for table, columns, rows in commit:
            row = f"({', '.join(['%s'] * len(columns))})"
            statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([row] * len(rows))}"
            connection.execute(statement, [value for values in rows for value in values])
        connection.commit()
    return time.perf_counter() - start


def _send_text(connection: Connection, commits: list[_Commit]) -> float:
    """As no program can: the statements were text before, values and all."""
    texts = [
        [_insert_text(table, columns, rows).as_bytes(connection) for table, columns, rows in commit]
        for commit in commits
    ]
    start = time.perf_counter()
    for commit in texts:
        for text in commit:
            connection.execute(text)
        connection.commit()
    return time.perf_counter() - start


def _insert_text(table: str, columns: list[str], rows: list[tuple[str, ...]]) -> sql.Composable:
    return sql.SQL("INSERT INTO {} ({}) VALUES {}").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join(
            sql.SQL("({})").format(sql.SQL(", ").join(sql.Literal(value) for value in row)) for row in rows
        ),
    )
