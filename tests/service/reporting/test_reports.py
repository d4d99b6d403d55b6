"""What every kind of report holds, and how what is asked is understood."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from tests.service.conftest import NOW

from leadlane.core.rulebook import Rulebook
from leadlane.service.reporting import reports
from leadlane.service.reporting.report_files import csv_text, parquet_bytes
from leadlane.service.reporting.report_kind import Kind
from leadlane.service.reporting.reports import KINDS, Question, understand
from leadlane.service.rulebooks import Rulebooks
from leadlane.store.codec import encode

DOCUMENTED = (Path(__file__).parents[3] / "docs" / "reports.md").read_text(encoding="utf-8")
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
LEVELS = KINDS["service-levels"]


@pytest.fixture
def book(published: psycopg.Connection, books: Rulebooks) -> Rulebook:
    return books.current(published)


@every_kind
def test_every_column_is_documented(kind: Kind) -> None:
    for column in reports.columns(kind):
        stem = column.removesuffix("_low").removesuffix("_high")
        assert f"`{column}`" in DOCUMENTED or f"`{stem}`" in DOCUMENTED, column


@every_kind
def test_of_nothing_every_report_can_be_made(db: psycopg.Connection, book: Rulebook, kind: Kind) -> None:
    """By each of its dimensions, and of a team, in every form."""
    for by in kind.dimensions or [""]:
        for team in (None, "south") if kind.is_of_team else (None,):
            asked, problems = understand(kind, Question(by=by, team=team), book, NOW)
            assert not problems
            made = reports.make(db, kind, book, asked, NOW)
            assert made.report.sections
            assert encode(reports.as_json(kind, asked, made))
            assert csv_text(reports.columns(kind), made.rows)
    assert parquet_bytes(reports.columns(kind), made.rows)


@every_kind
def test_the_usual(book: Rulebook, kind: Kind) -> None:
    asked, problems = understand(kind, Question(), book, NOW)
    assert not problems
    assert (asked.by, asked.team) == (next(iter(kind.dimensions), ""), None)
    assert round((asked.period.until - asked.period.since).total_seconds() / 86_400) in range(
        kind.days, kind.days + 2
    )


def test_every_problem_is_told_at_once(book: Rulebook) -> None:
    given = Question(period="soon", since="2026-01-01", by="colour", team="nobody")
    asked, problems = understand(LEVELS, given, book, NOW)
    assert [(one.field, one.value) for one in problems] == [
        ("period", "soon"), ("period", "soon"), ("by", "colour"), ("team", "nobody"),
    ]  # fmt: skip
    usual, _none = understand(LEVELS, Question(), book, NOW)
    assert asked == usual
