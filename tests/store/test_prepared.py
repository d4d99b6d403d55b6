"""What is asked again and again is planned once: statements stay prepared."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg

from leadlane.store import batches, due
from leadlane.store.batches import _MEET, _WRITE, _numbered

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def _prepared(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT count(*) FROM pg_prepared_statements").fetchone()
    assert row is not None
    return int(row[0])


def test_looking_for_what_is_due_forgets_no_statement(db: psycopg.Connection) -> None:
    for _number in range(10):
        batches.meet(db, ["L1"], ["L1"], [], [], [])
    before = _prepared(db)
    assert before > 0
    assert due.due_leads(db, NOW, 10) == []
    assert _prepared(db) >= before


def test_names_in_a_statement_become_numbers() -> None:
    numbered, names = _numbered("SELECT %(a)s, %(b)s::text[], %(a)s")
    assert (numbered, names) == (b"SELECT $1, $2::text[], $1", ("a", "b"))
    for statement in (_MEET, _WRITE):
        assert b"%" not in _numbered(statement)[0]
