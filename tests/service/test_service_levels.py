"""How promises were kept: whose they were, where the time went, what an export says."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from leadlane.core.act import Act
from leadlane.explain.service_levels import help_words
from leadlane.insight.service_levels import Judged
from leadlane.service import service_levels as module
from leadlane.service.acts import act
from leadlane.service.batch import route_batch
from leadlane.service.periods import Span
from leadlane.service.report_files import COLUMNS, csv_text, rows, view, write_parquet
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.run_due import run_due
from leadlane.service.service_levels import By, ServiceLevels, TooManyError, seen_by, service_levels
from leadlane.service.submission import Submission
from leadlane.store.service_levels import ENDED

from .conftest import NOW

Lead = Callable[..., Submission]
LATER = NOW + timedelta(days=3)
MINUTE = timedelta(minutes=1)


class Company:
    """Leads that arrive at NOW and are given to somebody, and what becomes of them; times in minutes."""

    def __init__(self, db: psycopg.Connection, books: Rulebooks, lead: Lead) -> None:
        self.db, self.books, self._lead = db, books, lead

    def arrive(self, id_: str, to: str = "anna", **fields: Any) -> None:
        fields = {"email": f"{id_}@{id_}.example", "country": "DE", "signals": ["demo_request"], **fields}
        route_batch(self.db, self.books, [self._lead(id=id_, **fields)], NOW)
        self.do("reassign", id_, "olga", 0, to=to)

    def do(self, kind: Any, id_: str, by: str, minutes: float, **more: Any) -> None:
        (receipt,) = act(self.db, self.books, [Act(id_, kind, by, **more)], NOW + minutes * MINUTE)
        assert receipt.status != "refused", receipt.problem

    def call(self, id_: str, by: str, minutes: float) -> None:
        self.do("touch", id_, by, minutes, how="call")

    def report(self, by: By = "person", team: str | None = None, now: datetime = LATER) -> ServiceLevels:
        book = self.books.current(self.db)
        return service_levels(self.db, book, Span(NOW, now), now, by, team)

    def judged(self, id_: str, now: datetime = LATER) -> Judged:
        (one,) = [one for one in self.report(now=now).promises if one.lead_id == id_]
        return one

    def rows(self, by: By = "person") -> dict[str | None, Any]:
        found = rows(self.report(by), self.books.current(self.db).roster)
        return {row["value"]: row for row in found}


@pytest.fixture
def company(published: psycopg.Connection, books: Rulebooks, lead: Lead) -> Company:
    return Company(published, books, lead)


def minutes(span: Any) -> float:
    return float(span.seconds / 60)


def test_kept_missed_and_ended_before(company: Company) -> None:
    """Demo requests are promised an answer within 15 minutes of working time."""
    for id_ in ("kept", "late", "never", "junk", "junk-late"):
        company.arrive(id_)
    company.call("kept", "anna", 15)
    company.call("late", "anna", 16)
    company.do("close", "junk", "anna", 5, outcome="junk")
    company.do("close", "junk-late", "anna", 40, outcome="junk")
    states = {one.lead_id: one.state for one in company.report().promises}
    assert states == {
        "kept": "kept", "late": "missed", "never": "missed", "junk": "ended", "junk-late": "missed"
    }  # fmt: skip
    (anna,) = company.rows().values()
    assert (anna["promises"], anna["kept"], anna["missed"], anna["ended"]) == (4, 1, 3, 1)
    assert (anna["share_kept"], anna["is_small"], anna["name"]) == (0.25, True, "Anna Nowak")


def test_a_promise_counts_when_it_has_ended_and_not_before(company: Company) -> None:
    company.arrive("L1")
    company.call("L1", "anna", 1)
    assert company.report(now=NOW + 14 * MINUTE).promises == []
    assert len(company.report(now=NOW + 16 * MINUTE).promises) == 1


def test_who_had_it_when_it_ended_missed_it_and_not_who_has_it_since(company: Company) -> None:
    company.arrive("L1", "anna")
    company.do("reassign", "L1", "olga", 20, to="boris")
    company.call("L1", "boris", 25)
    one = company.judged("L1")
    assert (one.person, one.state) == ("anna", "missed")
    # How long anna would have taken is not known; the prospect has waited for 25 minutes.
    assert one.answering is not None
    assert (minutes(one.answering), one.answering.is_over) == (15, False)
    assert (minutes(one.response), one.response.is_over) == (25, True)


def test_who_answers_in_time_kept_it_whoever_had_it_before_and_has_it_now(company: Company) -> None:
    company.arrive("L1", "anna")
    company.do("reassign", "L1", "olga", 5, to="boris")
    company.call("L1", "boris", 9)
    company.do("reassign", "L1", "olga", 11, to="clara")
    one = company.judged("L1")
    assert (one.person, one.state) == ("boris", "kept")
    assert one.answering is not None
    assert minutes(one.answering) == 4


def test_what_the_chase_hands_on_is_missed_by_the_first(company: Company) -> None:
    company.arrive("L1", "anna")
    for minute in range(5, 200, 5):
        run_due(company.db, company.books, NOW + minute * MINUTE)
    rows_ = company.db.execute("SELECT owner FROM leads WHERE id = 'L1'").fetchall()
    assert rows_ != [("anna",)]
    assert company.judged("L1").person == "anna"


def test_working_time_is_that_of_whoever_had_it(company: Company) -> None:
    """It is ten o'clock in Berlin, and work ends at five: an answer next day at ten is after eight hours."""
    company.arrive("L1", "anna")
    company.call("L1", "anna", 24 * 60)
    one = company.judged("L1")
    assert one.response_in_hours is not None
    assert minutes(one.response) == 24 * 60
    assert minutes(one.response_in_hours) == 8 * 60


def test_telling_is_apart_from_answering(company: Company) -> None:
    company.arrive("L1", "anna")
    company.call("L1", "anna", 10)
    company.db.execute(
        "WITH told AS (INSERT INTO deliveries"
        " (channel, person, address, state, next_at, created_at, finished_at)"
        " VALUES ('email', 'anna', 'a@seller.example', 'sent', %(at)s, %(at)s, %(at)s) RETURNING id)"
        " INSERT INTO delivery_items SELECT told.id, o.id FROM told, outbox o"
        " WHERE o.lead_id = 'L1' AND o.person = 'anna'",
        {"at": NOW + 3 * MINUTE},
    )
    one = company.judged("L1")
    assert [minutes(span) for span in (one.assigning, one.telling, one.answering)] == [0, 3, 7]
    (row,) = company.rows().values()
    assert (row["told"], row["telling_seconds"], row["answering_minutes"]) == (1, 180, 7)
    assert (row["response_minutes"], row["assigning_seconds"]) == (10, 0)


def test_groups_and_a_team(company: Company) -> None:
    company.arrive("L1", "anna", source="fair")
    company.arrive("L2", "hugo")
    company.call("L1", "anna", 1)
    assert {value: row["kept"] for value, row in company.rows("team").items()} == {"dach": 1, "inbound": 0}
    assert set(company.rows("region")) == {"DACH", "Global"}
    assert {value: row["name"] for value, row in company.rows("source").items()} == {
        "fair": "fair", None: "no source"
    }  # fmt: skip
    # NOW is nine in UTC, ten in Berlin, on a Monday.
    assert [row["name"] for row in company.rows("hour").values()] == ["10:00"]
    assert [row["name"] for row in company.rows("weekday").values()] == ["Monday"]
    assert list(company.rows("week")) == ["2026-03-02"]
    assert [one.lead_id for one in company.report(team="inbound").promises] == ["L2"]
    for by in module.DIMENSIONS:
        assert sum(group.figures.count for group in company.report(by).groups) == 2


def test_who_misses_again_and_again_is_named_with_what_may_help(company: Company) -> None:
    for number in range(16):
        for person in ("hugo", "ida", "gina"):
            company.arrive(f"{person}{number}", person)
            is_late = person == "hugo" and number < 12
            company.call(f"{person}{number}", person, 30 if is_late else 5)
    report = company.report()
    (hugo,) = report.coaching
    assert (hugo.person, hugo.beyond.missed, hugo.beyond.count, hugo.beyond.expected) == ("hugo", 12, 16, 0)
    assert report.compared == 3
    assert (hugo.outside, hugo.untold, hugo.open, hugo.most_open) == (0, None, 16, 100)
    assert hugo.usual == 16  # ida, of the same team
    assert "Load: 16 open leads now, at most 100." in help_words(hugo)
    assert seen_by(report, None) == report.coaching
    assert seen_by(report, ["ida"]) == []
    shown = view(report, company.books.current(company.db).roster)
    assert [(one["person"], one["missed"]) for one in shown["beyond_chance"]] == [("hugo", 12)]
    assert shown["all"]["promises"] == sum(row["promises"] for row in shown["weeks"]) == 48
    # Of another team nobody is named.
    assert company.report(team="south").coaching == []


def test_where_all_are_alike_nobody_is_named(company: Company) -> None:
    for number in range(12):
        for person in ("hugo", "ida"):
            company.arrive(f"{person}{number}", person)
            company.call(f"{person}{number}", person, 30 if number % 2 else 5)
    assert company.report().coaching == []


def test_too_many_are_refused_and_not_cut(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    company.arrive("L1")
    company.arrive("L2")
    monkeypatch.setattr(module, "MOST", 1)
    with pytest.raises(TooManyError, match="More than 1"):
        company.report()


def test_only_the_promises_of_the_period_are_read(company: Company) -> None:
    """By the index, whatever was promised before."""
    company.db.execute(
        "INSERT INTO leads (id, arrived_at, fields, signals, intent, fit, fit_score, relationship, stage,"
        " route, destination, place, batch_id, decision_number, changed_at, policy_version, respond_by,"
        " service_level)"
        " SELECT 'old' || n, '2020-01-01', '{}', '[]', 'high', 'weak', 0, 'none', 'closed', 'r', 'd', 1, 1,"
        " 1, '2020-01-01', (SELECT version FROM policies LIMIT 1),"
        " '2020-01-01'::timestamptz + n * interval '1 min', 'x' FROM generate_series(1, 5000) AS n"
    )
    company.db.execute("ANALYZE leads")
    values = {"since": NOW, "until": LATER, "now": LATER, "most": 10}
    plan = company.db.execute("EXPLAIN " + ENDED, values).fetchall()
    text = "\n".join(line for (line,) in plan)
    assert "leads_respond_by" in text
    assert "Seq Scan on leads" not in text


# ---------------------------------------------------------------- files


def test_csv_has_the_columns_that_are_documented_and_no_formula(company: Company) -> None:
    company.arrive("L1", source="=cmd()")
    roster = company.books.current(company.db).roster
    text = csv_text(rows(company.report("source"), roster))
    (row,) = csv.DictReader(StringIO(text))
    assert tuple(row) == COLUMNS
    assert (row["value"], row["missed"], row["share_kept"], row["is_small"]) == (
        "'=cmd()",
        "1",
        "0.0",
        "true",
    )
    assert (row["since"], row["response_minutes"]) == ("2026-03-02T09:00:00Z", "")
    documented = (Path(__file__).parents[2] / "docs" / "reports.md").read_text(encoding="utf-8")
    for column in COLUMNS:
        stem = column.removesuffix("_low").removesuffix("_high")
        assert f"`{column}`" in documented or f"`{stem}`" in documented, column


def test_parquet_has_the_same_rows_with_their_types(company: Company, tmp_path: Path) -> None:
    company.arrive("L1")
    company.call("L1", "anna", 5)
    listed = rows(company.report(), company.books.current(company.db).roster)
    write_parquet(listed, tmp_path / "report.parquet")
    with duckdb.connect() as reader:
        # Moments as milliseconds: to be read as such they need a library that nothing else does.
        asked = "SELECT * REPLACE (epoch_ms(since) AS since, epoch_ms(until) AS until) FROM read_parquet(?)"
        found = reader.execute(asked, [str(tmp_path / "report.parquet")])
        names = [column[0] for column in found.description or ()]
        (row,) = [dict(zip(names, values, strict=True)) for values in found.fetchall()]
    assert tuple(names) == COLUMNS
    assert (row["value"], row["kept"], row["is_small"], row["response_minutes"]) == ("anna", 1, True, 5.0)
    assert row["since"] == NOW.timestamp() * 1000
    write_parquet([], tmp_path / "empty.parquet")
    assert [file.name for file in sorted(tmp_path.iterdir())] == ["empty.parquet", "report.parquet"]
