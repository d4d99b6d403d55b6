"""How promises were kept: whose they were, where the time went, what an export says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from tests.service.conftest import NOW

from leadlane.core.act import Act
from leadlane.explain.service_levels import help_words
from leadlane.insight.promises import ENDED, KEPT, MISSED, Stage
from leadlane.service.acts import act
from leadlane.service.batch import route_batch
from leadlane.service.reporting import service_levels as module
from leadlane.service.reporting.periods import Span
from leadlane.service.reporting.service_levels import By, ServiceLevels, seen_by, service_levels
from leadlane.service.reporting.service_levels_report import data, rows
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.run_due import run_due
from leadlane.service.submission import Submission

Lead = Callable[..., Submission]
LATER = NOW + timedelta(days=3)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Judged:
    """One promise: how it was kept, whose it was, and (minutes, whether it is over) of each stage."""

    state: int
    person: str | None
    stages: dict[Stage, tuple[float, bool]]


class Company:
    """Leads that arrive at NOW and are given to somebody, and what becomes of them; times in minutes.

    Each is found again by its source, which is its id unless another is given.
    """

    def __init__(self, db: psycopg.Connection, books: Rulebooks, lead: Lead) -> None:
        self.db, self.books, self._lead = db, books, lead

    def arrive(self, id_: str, to: str = "anna", minutes: float = 0, **fields: Any) -> None:
        fields = {"source": id_, "country": "DE", "signals": ["demo_request"], **fields}
        fields.setdefault("email", f"{id_}@{id_}.example")
        at = NOW + minutes * MINUTE
        route_batch(self.db, self.books, [self._lead(at, id=id_, **fields)], at)
        self.do("reassign", id_, "olga", minutes, to=to)

    def do(self, kind: Any, id_: str, by: str, minutes: float, **more: Any) -> None:
        (receipt,) = act(self.db, self.books, [Act(id_, kind, by, **more)], NOW + minutes * MINUTE)
        assert receipt.status != "refused", receipt.problem

    def call(self, id_: str, by: str, minutes: float) -> None:
        self.do("touch", id_, by, minutes, how="call")

    def report(self, by: By = "person", team: str | None = None, now: datetime = LATER) -> ServiceLevels:
        book = self.books.current(self.db)
        return service_levels(self.db, book, Span(NOW, now), now, by, team)

    def all(self, now: datetime = LATER) -> dict[str | None, Judged]:
        promises = self.report(now=now).promises
        person, source = promises.by["person"], promises.by["source"]
        found = {}
        for at in range(len(promises)):
            stages = {
                stage: (float(spans.seconds[at] / 60), bool(spans.is_over[at]))
                for stage, spans in promises.spans.items()
            }
            code = person.codes[at]
            who = person.names[code] if code >= 0 else None
            found[source.names[source.codes[at]]] = Judged(int(promises.state[at]), who, stages)
        return found

    def judged(self, id_: str) -> Judged:
        return self.all()[id_]

    def rows(self, by: By = "person") -> dict[str | None, Any]:
        found = rows(self.report(by), self.books.current(self.db).roster)
        return {row["value"]: row for row in found}


@pytest.fixture
def company(published: psycopg.Connection, books: Rulebooks, lead: Lead) -> Company:
    return Company(published, books, lead)


def test_kept_missed_and_ended_before(company: Company) -> None:
    """Demo requests are promised an answer within 15 minutes of working time."""
    for id_ in ("kept", "late", "never", "junk", "junk-late"):
        company.arrive(id_)
    company.call("kept", "anna", 15)
    company.call("late", "anna", 16)
    company.do("close", "junk", "anna", 5, outcome="junk")
    company.do("close", "junk-late", "anna", 40, outcome="junk")
    assert {id_: one.state for id_, one in company.all().items()} == {
        "kept": KEPT, "late": MISSED, "never": MISSED, "junk": ENDED, "junk-late": MISSED
    }  # fmt: skip
    (anna,) = company.rows().values()
    assert (anna["promises"], anna["kept"], anna["missed"], anna["ended"]) == (4, 1, 3, 1)
    assert (anna["share_kept"], anna["is_small"], anna["name"]) == (0.25, True, "Anna Nowak")


def test_a_promise_counts_when_it_has_ended_and_not_before(company: Company) -> None:
    company.arrive("L1")
    company.call("L1", "anna", 1)
    assert len(company.report(now=NOW + 14 * MINUTE).promises) == 0
    assert len(company.report(now=NOW + 16 * MINUTE).promises) == 1


def test_who_had_it_when_it_ended_missed_it_and_not_who_has_it_since(company: Company) -> None:
    company.arrive("L1", "anna")
    company.do("reassign", "L1", "olga", 20, to="boris")
    company.call("L1", "boris", 25)
    one = company.judged("L1")
    assert (one.person, one.state) == ("anna", MISSED)
    # How long anna would have taken is not known; the prospect has waited for 25 minutes.
    assert one.stages["answering"] == (15, False)
    assert one.stages["response"] == (25, True)


def test_who_answers_in_time_kept_it_whoever_had_it_before_and_has_it_now(company: Company) -> None:
    company.arrive("L1", "anna")
    company.do("reassign", "L1", "olga", 5, to="boris")
    company.call("L1", "boris", 9)
    company.do("reassign", "L1", "olga", 11, to="clara")
    one = company.judged("L1")
    assert (one.person, one.state) == ("boris", KEPT)
    assert one.stages["answering"] == (4, True)


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
    stages = company.judged("L1").stages
    assert stages["response"] == (24 * 60, True)
    assert stages["response_in_hours"] == (8 * 60, True)


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
    stages = company.judged("L1").stages
    assert [stages[one] for one in ("assigning", "telling", "answering")] == [(0, True), (3, True), (7, True)]
    (row,) = company.rows().values()
    assert (row["told"], row["telling_seconds"], row["answering_minutes"]) == (1, 180, 7)
    assert (row["response_minutes"], row["assigning_seconds"]) == (10, 0)


def test_groups_and_a_team(company: Company) -> None:
    company.arrive("L1", "anna", source="fair")
    company.arrive("L2", "hugo", source="")
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
    assert [group.value for group in company.report("person", team="inbound").groups] == ["hugo"]
    assert len(company.report(team="inbound").promises) == 1
    for by in module.DIMENSIONS:
        assert sum(group.figures.count for group in company.report(by).groups) == 2


def test_who_misses_again_and_again_is_named_with_what_may_help(company: Company) -> None:
    _late(company, days=5)
    report = company.report(now=NOW + timedelta(days=7))
    (hugo,) = report.coaching
    assert (hugo.person, hugo.beyond.missed, hugo.beyond.count, hugo.beyond.expected) == ("hugo", 12, 16, 0)
    assert hugo.beyond.days == 5
    assert report.compared == 3
    assert (hugo.outside, hugo.untold, hugo.open, hugo.most_open) == (0, None, 16, 100)
    assert hugo.usual == 16  # ida, of the same team
    assert "Load: 16 open leads now, at most 100." in help_words(hugo)
    assert seen_by(report, None) == report.coaching
    assert seen_by(report, ["ida"]) == []
    shown = data(report, company.books.current(company.db).roster)
    assert [(one["person"], one["missed"]) for one in shown["beyond_chance"]] == [("hugo", 12)]
    assert shown["all"]["promises"] == sum(row["promises"] for row in shown["weeks"]) == 48
    # Of another team nobody is named.
    assert company.report(team="south").coaching == []


def _late(company: Company, days: int) -> None:
    """48 promises of three people, spread over so many days; hugo misses 12 of his 16."""
    for number in sorted(range(16), key=lambda number: number % days):
        came = number % days * 24 * 60
        for person in ("hugo", "ida", "gina"):
            company.arrive(f"{person}{number}", person, came)
            is_late = person == "hugo" and number < 12
            company.call(f"{person}{number}", person, came + (30 if is_late else 5))


def test_a_bad_day_is_not_again_and_again(company: Company) -> None:
    _late(company, days=1)
    assert company.report().compared == 3
    assert company.report().coaching == []


def test_where_all_are_alike_nobody_is_named(company: Company) -> None:
    for number in range(12):
        for person in ("hugo", "ida"):
            company.arrive(f"{person}{number}", person)
            company.call(f"{person}{number}", person, 30 if number % 2 else 5)
    assert company.report().coaching == []
