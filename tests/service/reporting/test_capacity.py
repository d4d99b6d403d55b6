"""Coverage, load and forecast: of a company that routed leads for weeks, and of invented quarters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import psycopg
import pytest
from tests.service.conftest import NOW, POLICY, ROSTER

from leadlane.core.act import Act
from leadlane.core.coverage import with_absence
from leadlane.core.decide import compile_rulebook
from leadlane.core.facts import Away
from leadlane.core.rulebook import Rulebook
from leadlane.insight.capacity import CapacityReport, PersonCapacity, PoolCapacity
from leadlane.insight.leads import Group, Leads
from leadlane.insight.say_capacity import Told, relief_words, report_on_capacity
from leadlane.insight.staffed import Promises
from leadlane.policy.load import load_policy
from leadlane.policy.roster import build_roster, read_roster
from leadlane.service.acts import act
from leadlane.service.batch import route_batch
from leadlane.service.reporting.capacity import WEEKS_AHEAD, capacity, capacity_of
from leadlane.service.reporting.capacity_report import COLUMNS, KIND, data, make, rows
from leadlane.service.reporting.periods import Span
from leadlane.service.reporting.report_kind import Asked
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.submission import Submission

Lead = Callable[..., Submission]
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
MINUTE = 60.0


# ---------------------------------------------------------------- a company that routed leads

WEEKS = 5


@pytest.fixture
def report(published: psycopg.Connection, books: Rulebooks, lead: Lead) -> CapacityReport:
    """For five weeks, each working day two leads that are answered; on Fridays one that is not."""
    for day in range(WEEKS * 7):
        at = NOW + day * DAY
        for number in range((2, 2, 2, 2, 3, 0, 0)[at.weekday()]):
            _arrive(
                published,
                books,
                lead,
                f"L{day:03}-{number}",
                at + number * 10 * timedelta(minutes=1),
                number < 2,
            )
    now = NOW + WEEKS * WEEK
    return capacity_of(published, books.current(published), Asked(Span(NOW - 12 * HOUR, now), "pool"), now)


def _arrive(
    db: psycopg.Connection, books: Rulebooks, lead: Lead, id_: str, at: datetime, is_answered: bool
) -> None:
    given = {"email": f"{id_}@{id_}.example", "country": "DE", "signals": ["demo_request"]}
    (receipt,) = route_batch(db, books, [lead(at, id=id_, **given)], at)
    assert receipt.decision is not None
    owner = receipt.decision.standing.owner
    if is_answered:
        for one, when in (
            (Act(id_, "touch", str(owner), how="call"), at + timedelta(minutes=5)),
            (Act(id_, "close", str(owner), outcome="lost"), at + DAY),
        ):
            (done,) = act(db, books, [one], when)
            assert done.status != "refused", done.problem


def pool(report: CapacityReport, name: str) -> PoolCapacity:
    (found,) = [one for one in report.pools if one.name == name]
    return found


def person(report: CapacityReport, id_: str) -> PersonCapacity:
    (found,) = [one for one in report.people if one.id == id_]
    return found


def test_pools_people_and_shares_of_what_was_routed(report: CapacityReport) -> None:
    sdr = pool(report, "sdr")
    assert (sdr.leads, sdr.promises, sdr.alone) == (55, Promises(55, 5), 0)
    assert len(sdr.weeks) == WEEKS - 1
    assert sdr.pace is not None
    # Eleven came in each week, and two people work 40 hours each, but for one of them on Good Friday.
    assert sdr.pace.per_hour == pytest.approx(11 / 72)
    friday = [cell for cell in sdr.cells if cell.weekday == 4 and cell.leads]
    assert sum(cell.promises.missed for cell in friday) == 5
    ida, hugo = person(report, "ida"), person(report, "hugo")
    assert ida.leads + hugo.leads == 55
    assert not any(turn.is_found for turn in (*ida.turns, *hugo.turns))
    assert sum(turn.owed for turn in (*ida.turns, *hugo.turns)) == pytest.approx(55)
    assert person(report, "anna").in_hand.idle == 1
    # Of the five that nobody answered and closed, all are still in hand.
    assert ida.in_hand.peak >= 1
    assert {one.id for one in report.people}.isdisjoint({"marco", "maria"})


def test_of_five_weeks_there_is_no_forecast_yet(report: CapacityReport) -> None:
    assert report.known_weeks == WEEKS - 1
    assert [one.ahead for one in report.forecast] == [[]] * len(report.forecast)
    assert report.peaks == []


# ---------------------------------------------------------------- invented quarters


@dataclass(frozen=True, slots=True)
class Given:
    """A lead of an invented company: when it came, in which pool, by which route, to whom; in minutes."""

    at: datetime
    pool: str = "sdr"
    route: str = "hot-weak"
    person: str = "ida"
    promised: float | None = 240
    answered: float | None = 30
    closed: float | None = 1440


def leads_of(given: Sequence[Given]) -> Leads:
    arrived = np.array([one.at.timestamp() for one in given])

    def after(minutes: Sequence[float | None]) -> np.ndarray:
        return arrived + np.array([np.nan if one is None else one * MINUTE for one in minutes])

    def group(role: str, values: Sequence[str]) -> Group:
        names = sorted(set(values))
        return Group(role, role, np.array([names.index(value) for value in values], np.int32), names)

    people = [one.person for one in given]
    instants = {
        "arrived_at": arrived,
        "asked_at": arrived,
        "assigned_at": arrived,
        "had_since": arrived,
        "respond_by": after([one.promised for one in given]),
        "responded_at": after([one.answered for one in given]),
        "closed_at": after([one.closed for one in given]),
    }
    groups = {
        "pool": group("pool", [one.pool for one in given]),
        "route": group("route", [one.route for one in given]),
        "person": group("person", people),
        "owner": group("owner", people),
        "segment": group("segment", ["dach"] * len(given)),
        "source": group("source", ["website"] * len(given)),
    }
    return Leads(len(given), instants, groups=groups)


def book_with(away: Sequence[tuple[str, Away]] = ()) -> Rulebook:
    document, problems = read_roster(ROSTER, "roster.yaml")
    assert document is not None, problems
    roster = build_roster(document, 0)
    for id_, absence in away:
        roster = with_absence(roster, id_, absence)
    return compile_rulebook(load_policy(POLICY), roster)


def reported(
    given: Sequence[Given], away: Sequence[tuple[str, Away]] = (), weeks: int = 13, now: datetime = NOW
) -> CapacityReport:
    """The report on the last weeks, as if all these leads had come; all their promises have ended."""
    leads = leads_of(given)
    since = now - weeks * WEEK
    ended = leads.only(leads.instants["respond_by"] >= since.timestamp())
    return capacity(book_with(away), Span(since, now), leads, ended, now)


def quarter(weeks: int = 30, seed: int = 0, mean: float = 6.0, **more: Any) -> list[Given]:
    """Leads to the people of the pool sdr on working days of so many weeks until NOW, few around New Year."""
    rng = np.random.default_rng(seed)
    made = []
    for day in range(weeks * 7, 0, -1):
        at = NOW - day * DAY
        if at.weekday() < 5:
            is_holiday = (at.month, at.day) >= (12, 24) or (at.month, at.day) <= (1, 6)
            for _n in range(int(rng.poisson(mean / 4 if is_holiday else mean))):
                name = ("ida", "ida", "hugo")[len(made) % 3]
                made.append(Given(at + float(rng.uniform(0, 6)) * HOUR, person=name, **more))
    return made


def test_weeks_to_come_of_a_steady_company() -> None:
    report = reported(quarter())
    assert report.known_weeks == 29
    assert [(one.role, one.name) for one in report.forecast] == [
        ("all", ""),
        ("pool", "sdr"),
        ("segment", "dach"),
        ("source", "website"),
    ]
    for one in report.forecast:
        assert len(one.ahead) == WEEKS_AHEAD
        assert one.ahead[0][0].date() == (NOW + WEEK).date()
        expected = one.ahead[0][1].expected
        assert expected.low < 30 < expected.high
    ahead = pool(report, "sdr").ahead[0]
    assert ahead.hours == 80
    assert ahead.breaches is not None
    assert ahead.breaches.low <= ahead.breaches.value <= ahead.breaches.high
    assert report.peaks == []


def test_a_week_in_which_the_pool_is_away_is_a_peak_with_a_temporary_route_that_check_accepts() -> None:
    away = Away(NOW + 3 * WEEK, NOW + 4 * WEEK, "course")
    rng = np.random.default_rng(1)
    others = [
        Given(one.at, "mid-ae", "hot-mid", ("clara", "emil")[number % 2])
        for number, one in enumerate(quarter(seed=2, mean=14))
        if one.at < NOW - 6 * WEEK or rng.random() < 0.15
    ]
    report = reported([*quarter(), *others], [("ida", away)])
    (peak,) = report.peaks
    assert (peak.pool, peak.week.first.date()) == ("sdr", (NOW + 3 * WEEK).date())
    # On Monday she is away from 10 o'clock on.
    assert peak.week.hours == 41
    assert (peak.spare[0].pool, peak.spare[0].is_backup) == ("mid-ae", False)
    assert peak.relief is not None
    assert "“mid-ae”" in relief_words([peak])
    first, last = ("2026-03-23", "2026-03-29")
    (shown,) = data(report)["peaks"]
    assert (shown["first_day"], shown["last_day"], shown["route"]) == (first, last, peak.relief.route)
    line = (
        f"  - {{name: {peak.relief.route}, when: {{intent: high, fit: weak}}, pool: sdr, next_step: Qualify}}"
    )
    assert line in POLICY
    temporary = line.replace("name: ", "name: peak-").replace("pool: sdr", f"pool: {peak.relief.pool}")
    temporary = temporary.replace("when:", f"from: {first}, until: {last}, when:")
    assert load_policy(POLICY.replace(line, f"{temporary}\n{line}")).routes


def test_nobody_could_answer_what_ended_while_all_were_away() -> None:
    """Elapsed promises of four hours on Saturdays, when nobody works."""
    saturdays = [Given(NOW - n * WEEK - 2 * DAY + HOUR, answered=4000) for n in range(1, 7)]
    report = reported([*quarter(), *saturdays])
    (hole,) = report.holes
    assert (hole.pool, hole.weekday, hole.alone, hole.promises) == ("sdr", 5, 6, Promises(6, 6))
    assert pool(report, "sdr").alone == 6


def test_who_was_at_work_before_the_period_was_there_for_what_ended_in_it() -> None:
    """A promise of two days from Monday 10:00 on ends on Wednesday, before anybody begins; so does the period
    begin on Wednesday.
    """
    since = NOW + 2 * DAY - 10 * HOUR
    came = Given(NOW, promised=60 * 40, answered=60 * 80)
    leads = leads_of([*quarter(), came])
    ended = leads.only(leads.instants["respond_by"] >= since.timestamp())
    report = capacity(book_with(), Span(since, NOW + 4 * DAY), leads, ended, NOW + 4 * DAY)
    found = pool(report, "sdr")
    assert (found.promises, found.alone, report.holes) == (Promises(1, 1), 0, [])


def test_a_promise_in_working_time_out_of_hours_is_no_hole() -> None:
    """On Saturday at 10, four business hours end on Monday at noon: 50 hours later."""
    saturdays = [Given(NOW - n * WEEK - 2 * DAY, promised=60 * 51, answered=60 * 48) for n in range(1, 7)]
    report = reported([*quarter(), *saturdays])
    assert report.holes == []
    assert sum(cell.promises.count for cell in pool(report, "sdr").cells if cell.weekday == 5) == 6


def test_an_absence_makes_a_hole_where_nobody_else_is() -> None:
    away = Away(NOW - 5 * DAY, NOW - 4 * DAY)
    came = NOW - 5 * DAY + 30 * timedelta(minutes=1)
    given = [*quarter(mean=2), Given(came, promised=120, answered=3000)]
    assert reported(given).holes == []
    (hole,) = reported(given, [("ida", away), ("hugo", away)]).holes
    assert (hole.weekday, hole.start, hole.alone) == (2, 10, 1)


def test_before_the_first_lead_nobody_was_idle() -> None:
    """Leadlane came three weeks ago; the period begins ten weeks before."""
    report = reported(quarter(weeks=3))
    assert person(report, "ida").in_hand.hours == pytest.approx(120, abs=8)
    assert person(report, "ida").in_hand.idle < 0.5
    assert len(pool(report, "sdr").weeks) == 2


def test_who_is_full_all_the_time_is_told() -> None:
    """ida may have 100: she has more than that all the time; hugo closes his within a day."""
    begin = NOW - 20 * WEEK
    many = [Given(begin, closed=None) for _n in range(101)]
    report = reported([*quarter(), *many])
    ida, hugo = person(report, "ida"), person(report, "hugo")
    assert (ida.in_hand.full, ida.in_hand.is_always_full) == (1, True)
    assert not hugo.in_hand.is_always_full
    assert person(report, "anna").in_hand.is_always_idle


def test_weights_that_are_not_respected_are_told() -> None:
    """Both of the pool work the same hours; ida is owed two thirds and gets half."""
    even = [replace(one, person=("ida", "hugo")[n % 2]) for n, one in enumerate(quarter())]
    report = reported(even)
    found = {turn.person: turn for one in report.people for turn in one.turns if turn.pool == "sdr"}
    assert found["ida"].is_found
    assert found["ida"].owed > 1.6 * found["hugo"].owed
    fair = reported(quarter())
    assert not any(turn.is_found for one in fair.people for turn in one.turns)


def test_without_any_leads_there_is_a_report_too(published: psycopg.Connection, books: Rulebooks) -> None:
    asked = Asked(Span(NOW - 4 * WEEK, NOW), "pool")
    found = capacity_of(published, books.current(published), asked, NOW)
    assert (found.forecast, found.peaks, found.holes, found.known_weeks) == ([], [], [], 0)
    made = make(published, books.current(published), asked, NOW)
    assert "takes 8" in next(one for one in made.report.sections if one.id == "forecast").says[0]


# ---------------------------------------------------------------- what it says


@pytest.mark.parametrize("by", KIND.dimensions)
def test_rows_have_the_columns_whatever_they_are_of(by: str) -> None:
    report = reported(quarter())
    found = rows(report, by, book_with().roster)
    assert found
    for row in found:
        assert list(row) == list(COLUMNS)
        assert row["value"]
    assert len({row["value"] for row in found}) == len(found)


def test_rows_say_what_the_report_says() -> None:
    report = reported(quarter())
    roster = book_with().roster
    (sdr,) = [row for row in rows(report, "pool", roster) if row["value"] == "sdr"]
    assert sdr["leads"] == pool(report, "sdr").leads
    assert sdr["carried"] == pytest.approx(sdr["carried_per_hour"] * 80, abs=1e-3)
    (week,) = [row for row in rows(report, "week", roster) if row["value"] == "pool sdr 2026-03-09"]
    assert week["expected"] == sdr["expected"]
    assert (week["pool"], week["hours"]) == ("sdr", 80)
    (ida,) = [row for row in rows(report, "person", roster) if row["value"] == "ida"]
    assert ida["limit"] == 100
    assert ida["leads"] == person(report, "ida").leads
    hours = rows(report, "hour", roster)
    assert sum(row["leads"] for row in hours if row["pool"] == "sdr") == sdr["leads"]
    assert {row["weekday"] for row in hours} == {1, 2, 3, 4, 5}


def test_what_is_to_be_mended_comes_first_and_what_is_secondary_is_folded() -> None:
    found = reported(quarter())
    report = report_on_capacity(found, Told("then", {}, "pool"))
    tones = [one.tone for one in report.sections]
    assert tones == sorted(tones, key=lambda one: one != "bad" and 1 + (one != "unsure"))
    folds = {one.id: [grid.fold for grid in one.grids] for one in report.sections}
    assert all(folds["people"])
    assert folds["pools"] == [""]
    asked = report_on_capacity(found, Told("then", {}, "person")).sections[0]
    assert (asked.id, [grid.fold for grid in asked.grids]) == ("people", [""])
    hours = next(one for one in report.sections if one.id == "hours")
    assert 2 <= sum(not picture.fold for picture in hours.pictures) <= 4
    assert "Gini" not in str(report)


def test_what_is_asked_about_comes_first(published: psycopg.Connection, books: Rulebooks) -> None:
    book = books.current(published)
    firsts = [
        make(published, book, Asked(Span(NOW - 4 * WEEK, NOW), by), NOW).report.sections[0].id
        for by in KIND.dimensions
    ]
    assert firsts == ["pools", "people", "hours", "forecast"]


def test_past_periods_are_told_with_the_weeks_from_now_on() -> None:
    given = quarter()
    leads = leads_of(given)
    span = Span(NOW - 20 * WEEK, NOW - 10 * WEEK)
    at = leads.instants["respond_by"]
    ended = leads.only((at >= span.since.timestamp()) & (at < span.until.timestamp()))
    report = capacity(book_with(), span, leads, ended, NOW)
    inside = sum(span.since <= one.at < span.until for one in given)
    assert pool(report, "sdr").leads == inside
    assert report.known_weeks == 29
    assert report.forecast[0].ahead[0][0] == datetime(2026, 3, 9, tzinfo=book_with().zone)
