"""The report on rules, from what really happened: use, overrides, what needed a person, what fell through."""

from __future__ import annotations

import csv
import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import psycopg
import pytest
from tests.service.conftest import NOW, POLICY

from leadlane.core.act import Act
from leadlane.insight.proportions import wilson
from leadlane.insight.rules import RouteUse, RulesReport
from leadlane.service.acts import act
from leadlane.service.batch import route_batch
from leadlane.service.publish import publish
from leadlane.service.reporting import reports
from leadlane.service.reporting.periods import Span
from leadlane.service.reporting.report_files import csv_text
from leadlane.service.reporting.report_kind import Asked
from leadlane.service.reporting.rules_report import COLUMNS, KIND, rules_of
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.run_due import run_due
from leadlane.service.submission import Submission
from leadlane.store import rules as store
from leadlane.store.rules import MERGED

Lead = Callable[..., Submission]
LATER = NOW + timedelta(days=20)
DEMO = {"signals": ["demo_request"], "employees": 20}
EVERYTHING_ELSE = POLICY.replace(
    "  - {name: cold-weak, when: {intent: low, fit: weak}, program: nurture}\n", ""
)


class Company:
    """Leads that come in and what people do with them."""

    def __init__(self, db: psycopg.Connection, books: Rulebooks, lead: Lead) -> None:
        self.db, self.books, self._lead, self._count = db, books, lead, 0

    def comes(self, at: datetime = NOW, **raw: Any) -> str:
        self._count += 1
        given = {"email": f"p{self._count}@c{self._count}.example"} | raw
        (receipt,) = route_batch(self.db, self.books, [self._lead(at, **given)], at)
        assert receipt.status != "refused", receipt.problem
        return receipt.lead_id

    def do(self, kind: Any, lead_id: str, by: str = "olga", minutes: float = 5, **more: Any) -> None:
        (receipt,) = act(
            self.db, self.books, [Act(lead_id, kind, by, **more)], NOW + timedelta(minutes=minutes)
        )
        assert receipt.status != "refused", receipt.problem

    def owner(self, lead_id: str) -> str:
        row = self.db.execute("SELECT owner FROM leads WHERE id = %s", [lead_id]).fetchone()
        assert row is not None
        return str(row[0])

    def report(self, since: datetime = NOW, until: datetime = LATER, now: datetime = LATER) -> RulesReport:
        asked = Asked(Span(since, until), "route")
        return rules_of(self.db, self.books.current(self.db), asked, now)

    def route(self, name: str) -> RouteUse:
        (found,) = [one for one in self.report().routes if one.facts.name == name]
        return found


@pytest.fixture
def company(published: psycopg.Connection, books: Rulebooks, lead: Lead) -> Company:
    return Company(published, books, lead)


def overrides(one: RouteUse) -> dict[str, int]:
    return {kind: rate.hits for kind, rate in one.by_kind.items()}


def test_each_way_to_decide_otherwise_counts_a_lead_once(company: Company) -> None:
    ids = [company.comes(**DEMO) for _number in range(5)]
    company.do("reassign", ids[0], to="fritz", reason="speaks Czech")
    company.do("reassign", ids[0], minutes=6, to="hugo", reason="or not")
    company.do("decline", ids[1], company.owner(ids[1]), reason="no time")
    company.do("dispute", ids[2], company.owner(ids[2]), reason="A partner")
    company.do("accept", ids[3], company.owner(ids[3]))
    one = company.route("hot-weak")
    assert one.leads == 5
    assert overrides(one) == {"handed_over": 1, "declined": 1, "disputed": 1}
    assert one.overridden is not None
    assert (one.overridden.hits, one.overridden.share) == (3, wilson(3, 5))
    assert one.overridden.others is None  # no other route has leads


def test_what_is_taken_back_is_one_override(company: Company) -> None:
    """Undoing hands the lead back by hand too; it is no second time that somebody thought otherwise."""
    id_ = company.comes(**DEMO)
    before = company.owner(id_)
    company.do("reassign", id_, to="fritz", reason="speaks Czech")
    company.do("reassign", id_, minutes=6, to=before, reason="undone")
    other = company.comes(**DEMO)
    company.do("dispute", other, company.owner(other), reason="A partner")
    company.do("reassign", other, minutes=6, to=before, reason="undone")
    assert overrides(company.route("hot-weak")) == {"handed_over": 1, "declined": 0, "disputed": 1}


def test_what_needed_a_person_and_why(company: Company) -> None:
    by_rule, waiting, disputed = (company.comes(**DEMO, referral="vip") for _number in range(3))
    company.do("review", by_rule, to="pool:sdr")
    company.do("review", disputed, to="hugo")
    company.do("dispute", disputed, "hugo", 6, reason="A partner")
    declined = company.comes(**DEMO)
    company.do("decline", declined, company.owner(declined), reason="no time")
    alone = company.comes(signals=["newsletter_subscription"])
    automation = company.report().automation
    assert automation.share == wilson(2, 5)
    assert automation.whys == [("rule", "vip", 3)]
    assert (automation.placed, automation.moved) == (3, 0)
    assert (automation.low, automation.high, automation.standing) == (0.8, 0.9, "unsure")
    assert {waiting, alone} <= {row[0] for row in company.db.execute("SELECT id FROM leads")}


def test_who_waits_in_line_and_is_served_needed_nobody(company: Company) -> None:
    company.db.execute("UPDATE loads SET open = open + 1000")
    waits, decided = (company.comes(**DEMO) for _number in range(2))
    assert company.report().automation.whys == [("nobody", "hot-weak", 2)]
    assert company.report().automation.share == wilson(0, 2)
    company.do("review", decided, to="hugo")
    company.db.execute("UPDATE loads SET open = open - 1000")
    run_due(company.db, company.books, NOW + timedelta(minutes=10))
    stage = company.db.execute("SELECT stage FROM leads WHERE id = %s", [waits]).fetchone()
    assert stage == ("assigned",)
    automation = company.report().automation
    assert automation.share == wilson(1, 2)
    assert (automation.whys, automation.placed) == ([("nobody", "hot-weak", 2)], 1)


def test_weeks_begin_on_mondays_in_the_zone_of_the_policy(company: Company) -> None:
    """NOW is a Monday; half past midnight of the next one in Berlin is still Sunday in UTC."""
    company.comes(**DEMO)
    sunday = NOW.replace(day=8, hour=22, minute=45)
    company.comes(at=sunday, **DEMO)
    company.comes(at=sunday + timedelta(minutes=30), **DEMO)
    weeks = company.report().automation.weeks
    assert [(week.first_day.isoformat(), week.leads) for week in weeks] == [
        ("2026-03-02", 2), ("2026-03-09", 1), ("2026-03-16", 0)
    ]  # fmt: skip


def test_routes_without_use_and_why(company: Company) -> None:
    text = POLICY.replace(
        "routes:\n",
        "routes:\n"
        "  - {name: fair, when: {source: fair}, pool: sdr, from: 2026-02-01, until: 2026-03-05}\n"
        "  - {name: summer, when: {source: summer}, pool: sdr, from: 2026-06-01}\n"
        "  - {name: never, when: {all: [{source: a}, {source: b}]}, pool: sdr}\n"
        "  - {name: beaten, when: {source: fair, country: IT}, pool: sdr}\n",
    )
    publish(company.db, text, "policy.yaml", "olga", "seasons", NOW + timedelta(hours=1))
    at = NOW + timedelta(hours=2)
    company.comes(at=at, source="fair", **DEMO)
    company.comes(at=at, **DEMO)
    found = company.report()
    facts = {one.facts.name: one.facts for one in found.routes}
    assert [facts[name].state for name in ("fair", "summer", "never", "hot-weak")] == [
        "over", "ahead", "never_holds", "in_force"
    ]  # fmt: skip
    assert (facts["summer"].since, facts["vip"].since) == (NOW + timedelta(hours=1), NOW)
    assert (facts["fair"].number, facts["fair"].destination) == (1, "pool:sdr")
    assert (facts["fair"].last_used_at, facts["vip"].last_used_at) == (at, None)
    unused = {one.facts.name for one in found.unused}
    assert {"summer", "never", "beaten", "vip"} <= unused
    assert not unused & {"fair", "hot-weak"}
    share = found.unused[0].share
    assert share is not None
    assert share.high == wilson(0, 2).high


def test_a_route_whose_leads_have_moved_on_is_not_unused(company: Company) -> None:
    id_ = company.comes(email="p@one.example", signals=["newsletter_subscription"])
    route = company.db.execute("SELECT route FROM leads WHERE id = %s", [id_]).fetchone()
    assert route == ("cold-weak",)
    company.comes(at=NOW + timedelta(hours=1), email="p@one.example", **DEMO)
    one = company.route("cold-weak")
    assert (one.leads, one.is_unused) == (0, False)
    assert company.route("hot-weak").leads == 1


def test_a_route_that_is_gone_is_told_with_its_leads(company: Company) -> None:
    company.comes(**DEMO)
    gone = POLICY.replace(
        "  - {name: hot-weak, when: {intent: high, fit: weak}, pool: sdr, next_step: Qualify}\n", ""
    )
    publish(company.db, gone, "policy.yaml", "olga", "no weak ones", NOW + timedelta(hours=1))
    one = company.route("hot-weak")
    assert (one.facts.state, one.facts.number, one.leads, one.is_unused) == ("gone", 0, 1, False)


def test_what_only_the_last_route_took(company: Company) -> None:
    publish(company.db, EVERYTHING_ELSE, "policy.yaml", "olga", "no rule for cold ones", NOW)
    for country in ["AT"] * 12:
        company.comes(country=country, signals=["newsletter_subscription"])
    for country in ["DE"] * 25 + ["AT"]:
        company.comes(country=country, **DEMO)
    found = company.report()
    assert (found.last_route, found.fell) == ("everything-else", wilson(12, 38))
    named = {(one.field, one.value): one for one in found.missing}
    austria = named["country", "AT"]
    assert (austria.rate.hits, austria.rate.share) == (12, wilson(12, 13))
    assert austria.rate.others == 0
    assert ("country", "DE") not in named
    assert ("intent", "low") in named


def test_what_was_prevented(company: Company) -> None:
    id_ = company.comes(email="pia@one.example", **DEMO)
    company.comes(email="pia@one.example", **DEMO)
    company.comes(email="pia@one.example", **DEMO)
    company.comes(email="carl@one.example", **DEMO)
    company.comes(email="x@acme.example", **DEMO)
    company.comes(email="n@two.example", signals=["newsletter_subscription"])
    company.comes(email="n@two.example", signals=["newsletter_subscription"])
    company.do("touch", id_, company.owner(id_), how="call")
    company.do("touch", id_, "fritz", how="call")
    found = company.report().duplicates
    assert (found.merged, found.prospects, found.owned) == (3, 2, 1)
    assert (found.to_owner, found.to_colleague) == (1, 1)
    assert (found.contacted_twice, found.rate) == (1, wilson(1, 1))


def test_a_period_has_the_leads_that_arrived_in_it(company: Company) -> None:
    inside = company.comes(**DEMO)
    for at in (NOW - timedelta(minutes=1), NOW + timedelta(days=1)):
        outside = company.comes(at=at, **DEMO)
        company.do("decline", outside, company.owner(outside), minutes=2000, reason="no time")
    company.do("decline", inside, company.owner(inside), minutes=3000, reason="no time")
    found = company.report(until=NOW + timedelta(days=1))
    assert found.leads == 1
    (one,) = [each for each in found.routes if each.leads]
    assert overrides(one) == {"handed_over": 0, "declined": 1, "disputed": 0}
    # What is not known yet at a moment is not told of it.
    early = company.report(until=NOW + timedelta(days=1), now=NOW + timedelta(days=2))
    (one,) = [each for each in early.routes if each.leads]
    assert overrides(one)["declined"] == 0


def test_many_leads_are_counted_as_their_decisions_say(company: Company) -> None:
    """Against every decision read one by one, with what each lead's trace and timeline say."""
    rng = random.Random(7)
    for number in range(60):
        extra = {"referral": "vip"} if number % 7 == 0 else {}
        signals = [rng.choice(["demo_request", "newsletter_subscription", "pricing_page_visit"])]
        id_ = company.comes(signals=signals, employees=rng.choice([5, 80, 900]), **extra)
        owner = company.db.execute("SELECT owner, stage FROM leads WHERE id = %s", [id_]).fetchone()
        assert owner is not None
        kind = rng.choice(["", "reassign", "decline", "dispute"])
        if owner[1] != "assigned" or not kind:
            continue
        more = {"to": "fritz"} if kind == "reassign" else {}
        company.do(kind, id_, owner[0] if kind != "reassign" else "olga", reason="so", **more)
    expected: Counter[tuple[str, str]] = Counter()
    person = set()
    decisions = company.db.execute(
        "SELECT d.lead_id, l.route, d.outcome, d.destination, d.trace"
        " FROM decisions AS d JOIN leads AS l ON l.id = d.lead_id"
    )
    for lead_id, route, outcome, destination, trace in decisions:
        kind = trace.get("act", {}).get("kind")
        if outcome in ("reassigned", "disputed"):
            expected[
                route, {"reassign": "handed_over", "decline": "declined", "dispute": "disputed"}[kind]
            ] += 1
        if outcome == "disputed" or kind == "reassign" or (not kind and destination.startswith("review:")):
            person.add(lead_id)
    found = company.report()
    assert found.leads == 60
    counted = {
        (one.facts.name, kind): hits for one in found.routes for kind, hits in overrides(one).items() if hits
    }
    assert counted == dict(expected)
    assert found.automation.share == wilson(60 - len(person), 60)


# ---------------------------------------------------------------- how it leaves, and how it is read


def test_rows_have_the_columns_that_are_promised(company: Company) -> None:
    company.comes(**DEMO)
    book = company.books.current(company.db)
    asked = Asked(Span(NOW, LATER), "route")
    made = reports.make(company.db, KIND, book, asked, LATER)
    assert {tuple(row) for row in made.rows} == {("since", "until", "by", *COLUMNS)}
    listed = list(csv.DictReader(StringIO(csv_text(reports.columns(KIND), made.rows))))
    assert [row["route"] for row in listed] == [route.name for route in book.policy.routes]
    assert sum(int(row["leads"]) for row in listed) == 1
    (used,) = [row for row in made.rows if row["leads"]]
    assert (used["route"], used["share"], used["overridden"], used["is_unused"]) == (
        "hot-weak",
        1.0,
        0,
        False,
    )


def test_it_reads_with_every_section_and_without_any_lead(company: Company) -> None:
    book = company.books.current(company.db)
    asked = Asked(Span(NOW, LATER), "route")
    empty = KIND.make(company.db, book, asked, LATER).report
    company.comes(**DEMO)
    company.comes(referral="vip")
    full = KIND.make(company.db, book, asked, LATER).report
    names = ["use", "unused", "automation", "missing", "duplicates"]
    for report in (empty, full):
        assert [section.id for section in report.sections] == names
        assert all(section.says or section.grids for section in report.sections)
    assert [tile.figure for tile in full.tiles] == ["2", "50.0%", "13", "0.0%"]


def test_reading_stays_on_indexes(published: psycopg.Connection) -> None:
    """Where there is much, only what came in the period is read."""
    published.execute("SET enable_seqscan = off")
    plan = str(published.execute("EXPLAIN " + MERGED, {"since": NOW, "until": LATER}).fetchall())
    assert "timeline_merged" in plan
    assert store.placed_by(published, [], NOW, LATER) == set()
