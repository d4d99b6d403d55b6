"""The review finds what is planted, proposes what mends it, and says what that would have changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import psycopg
import pytest
from tests.conftest import TEMPLATE, _database
from tests.service.quarterly.quarter_company import NOW, ROSTER, Planted, company

from leadlane.core.rulebook import Rulebook, compile_rulebook
from leadlane.insight.capacity import CapacityReport, Peak, PersonCapacity, Relief
from leadlane.insight.costs import Factor
from leadlane.insight.findings import Finding, Proposal
from leadlane.insight.forecast import Ahead
from leadlane.insight.load import InHand
from leadlane.insight.pace import WeekAhead
from leadlane.insight.proportions import Estimate
from leadlane.insight.staffed import Promises
from leadlane.policy.check import check_against
from leadlane.policy.edit import Edit, edited
from leadlane.policy.hours import DAYS
from leadlane.policy.load import read_policy
from leadlane.policy.problems import has_errors
from leadlane.policy.roster import read_roster
from leadlane.service.quarterly import findings_capacity, quarter_verbs
from leadlane.service.quarterly.quarter import (
    Item,
    Quarterly,
    as_json,
    last_quarter,
    quarterly,
    read_quarterly,
    review_period,
)
from leadlane.service.quarterly.quarter_words import folded_items, open_items, report_of, tried_out
from leadlane.service.quarterly.review_basis import basis
from leadlane.service.quarterly.review_verdicts import followed, give, verdicts
from leadlane.service.reporting.capacity import capacity_of
from leadlane.service.reporting.periods import Span
from leadlane.service.reporting.report_kind import Asked
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.users import add
from leadlane.store.db import connect
from leadlane.store.review_verdicts import keep_review

EVERYTHING = Planted(north=0.35, bought=-0.25, partner=0.6, abroad=0.15)


def review(connection: psycopg.Connection, planted: Planted, seed: int = 0, **more: object) -> Quarterly:
    books = company(connection, planted, seed, **more)  # type: ignore[arg-type]
    book = books.current(connection)
    name, period = review_period(None, book, NOW)
    return quarterly(connection, book, period, name, NOW, lambda done, total: None)


def item(made: Quarterly, key: str) -> Item:
    found = {one.finding.key: one for one in made.items}
    assert key in found, sorted(found)
    return found[key]


def count(connection: psycopg.Connection, where: str) -> int:
    row = connection.execute("SELECT count(*) FROM leads WHERE " + where).fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture(scope="module")
def played(server_url: str) -> Iterator[tuple[psycopg.Connection, Quarterly]]:
    """A quarter in which everything is planted, played once for the tests that only look at it."""
    for url in _database(server_url, f"TEMPLATE {TEMPLATE} STRATEGY wal_log"):
        with connect(url) as connection:
            yield connection, review(connection, EVERYTHING)


@pytest.fixture
def db(played: tuple[psycopg.Connection, Quarterly]) -> Iterator[psycopg.Connection]:
    """The database of that quarter; what a test writes is taken back."""
    connection, _made = played
    with connection.transaction(force_rollback=True):
        yield connection


@pytest.fixture
def made(played: tuple[psycopg.Connection, Quarterly]) -> Quarterly:
    return played[1]


@pytest.fixture
def empty(database_url: str) -> Iterator[psycopg.Connection]:
    with connect(database_url) as connection:
        yield connection


def test_what_is_planted_is_found_and_mended(db: psycopg.Connection, made: Quarterly) -> None:
    assert made.name == "2026Q1"
    assert made.leads == count(db, "true") > 700
    keys = [one.finding.key for one in made.items]
    assert keys[0] == "segment:north:two"
    assert {"source:bought", "overridden_route:partner", "unused_route:old-fair"} <= set(keys)
    # That these leads are of the segment “rest” too goes together with their country: it is told once.
    assert [key for key in keys if key.startswith("missing_route")] == ["missing_route:country:ES"]

    segment = item(made, "segment:north:two")
    assert segment.finding.effect is not None
    assert segment.finding.effect.low < 0.35 < segment.finding.effect.high
    assert item(made, "source:bought").finding.proposal is None

    # An independent recount: the pool that heeds teams would have given every lead of north to team two.
    past = segment.tried.past if segment.tried else None
    assert past is not None
    moved = count(db, "route = 'hot' AND fields ->> 'country' = 'DE'")
    assert sum(n for one, other, n in past.pairs if one in ("a1", "a2") and other in ("b1", "b2")) == moved
    assert past.hands.low == past.hands.high == sum(n for *_pair, n in past.pairs) == moved
    # Whose turn it is within a team shifts by it; that is no change of the rules.
    assert past.turns > 0
    assert sum(before for _id, before, _after in past.people) == sum(after for *_rest, after in past.people)

    roster = Rulebooks().current(db).roster
    says, (people, *_more) = tried_out(segment, roster)
    assert any(text.startswith(f"{moved} leads would have gone to Two.") for text in says)
    assert [row.cells[0] for row in people.rows if row.cells[3].startswith("+")] == ["Bea", "Ben"]
    assert segment.finding.leads == count(db, "route = 'hot' AND fields ->> 'country' = 'DE'")

    partner = item(made, "overridden_route:partner").tried
    assert partner is not None
    assert partner.past is not None
    assert partner.past.changed.value == count(db, "route = 'partner'")
    assert {other for _one, other, _n in partner.past.pairs} == {"e1"}

    spain = item(made, "missing_route:country:ES").tried
    assert spain is not None
    assert spain.past is not None
    assert spain.past.changed.value == count(db, "route = 'everything-else'")
    unused = item(made, "unused_route:old-fair").tried
    assert unused is not None
    assert unused.past is not None
    assert unused.past.changed.value == 0


def test_every_proposal_passes_the_check_and_changes_little(made: Quarterly) -> None:
    document, _problems = read_roster(ROSTER)
    assert document is not None
    proposed = [one.tried for one in made.items if one.tried is not None]
    assert len(proposed) >= 4
    for tried in proposed:
        assert not tried.refused
        assert tried.words
        if tried.policy is not None:
            policy, problems = read_policy(tried.policy)
            assert policy is not None, problems
            assert not has_errors(check_against(policy, document, tried.policy))
            assert "# since 2019" in tried.policy
        changed = [line for line in tried.lines if line[:1] in "+-" and line[:3] not in ("+++", "---")]
        assert 1 <= len(changed) <= 2


def test_it_is_read_back_as_it_was_kept(made: Quarterly) -> None:
    again = read_quarterly(as_json(made))
    assert as_json(again) == as_json(made)
    assert again.items[0].finding.effect == made.items[0].finding.effect
    assert again.since == made.since


@pytest.mark.parametrize("seed", [1, 2])
def test_with_nothing_planted_nothing_is_claimed(empty: psycopg.Connection, seed: int) -> None:
    made = review(empty, Planted(), seed, a_week=40)
    # What is counted may stand there; nothing that rests on a comparison may.
    assert [one.finding.key for one in made.items if one.finding.q is not None] == []
    assert {one.finding.kind for one in made.items} <= {
        "unused_route",
        "hours",
        "capacity",
        "peak",
        "territory",
    }


def _with(finding: Finding, times: float) -> Finding:
    effect = finding.effect
    assert effect is not None
    more = replace(effect, value=effect.value * times, low=effect.low * times, high=effect.high * times)
    return replace(finding, effect=more, leads=round(finding.leads * times))


def test_what_is_dismissed_stays_away_unless_it_is_much_worse(
    db: psycopg.Connection, made: Quarterly
) -> None:
    first = item(made, "source:bought").finding
    give(db, first, made.name, "dismissed", "olga", "It is cheap", NOW)
    given = verdicts(db)
    assert "source:bought" not in {one.finding.key for one in open_items(made, given)}
    assert [one.finding.key for one in folded_items(made, given)] == ["source:bought"]
    book = Rulebooks().current(db)
    report = report_of(made, book.roster, book.zone, given, followed(db, list(given.values()), {}))
    folded = next(one for one in report.sections if one.id == "folded")
    assert "It is cheap" in folded.says[0]

    worse = replace(made, items=[Item(_with(first, 4.0), None)])
    assert [one.finding.key for one in open_items(worse, given)] == ["source:bought"]


def test_accepted_it_is_in_a_draft_and_nothing_is_published(db: psycopg.Connection, made: Quarterly) -> None:
    user = add(db, "ada@seller.example", "Ada", "admin", "test", NOW)
    one = item(made, "segment:north:two")
    quarter_verbs.accept(db, one, made.name, user.id, "Ada", "", NOW)
    row = db.execute("SELECT content FROM policy_drafts WHERE user_id = %s", [user.id]).fetchone()
    assert row is not None
    assert one.tried is not None
    assert row[0] == one.tried.policy
    assert count(db, "true") == made.leads
    publications = db.execute("SELECT count(*) FROM publications").fetchone()
    assert publications == (1,)
    assert "segment:north:two" not in {each.finding.key for each in open_items(made, verdicts(db))}
    # A second one goes into the same draft.
    quarter_verbs.accept(db, item(made, "unused_route:old-fair"), made.name, user.id, "Ada", "", NOW)
    draft = db.execute("SELECT content FROM policy_drafts").fetchone()
    assert draft is not None
    assert "old-fair" not in draft[0]
    assert "team: two}   # since 2019" in draft[0]


def test_a_row_that_is_accepted_twice_is_in_the_draft_once(db: psycopg.Connection, made: Quarterly) -> None:
    user = add(db, "ada@seller.example", "Ada", "admin", "test", NOW)
    route = {"name": "brand-new", "when": {"country": "DK"}, "pool": "teams"}
    proposal = Proposal("A route", policy=(Edit("insert", ("routes", "old-fair"), route),))
    one = replace(item(made, "segment:north:two").finding, proposal=proposal)
    for _click in range(2):
        quarter_verbs.into_draft(db, one, user.id, NOW)
    ((draft,),) = db.execute("SELECT content FROM policy_drafts").fetchall()
    assert draft.count("brand-new") == 1


def test_hours_with_nobody_are_told_with_who_could_stay_longer(empty: psycopg.Connection) -> None:
    made = review(empty, Planted(evening=2), a_week=10)
    # Somebody of both pools could stay: that is one change, told with the pool that misses more.
    (one,) = [each for each in made.items if each.finding.kind == "hours"]
    late = count(empty, "pool = 'teams' AND fields ->> 'source' = 'evening'")
    assert late >= count(empty, "pool = 'everybody' AND fields ->> 'source' = 'evening'")
    assert one.finding.key == "hours:teams"
    assert (one.finding.leads, one.finding.certainty) == (late, 1.0)
    assert one.finding.proposal is not None
    (edit,) = one.finding.proposal.roster
    assert one.finding.proposal.title.endswith("2 hours later")
    # It is half past six: of one hour more nobody would have anything.
    assert edit.value == {day: ["09:00-19:00"] for day in DAYS[:5]}
    assert one.finding.proposal.says[0].startswith(f"{late} of these promises")
    assert one.tried is not None
    assert not one.tried.refused
    assert one.tried.roster is not None
    document, problems = read_roster(one.tried.roster)
    assert document is not None, problems
    assert document.people[str(edit.at[1])]["hours"] == edit.value
    assert one.tried.words[0].endswith("Mon–Fri 09:00–19:00")


def test_weeks_to_come_are_told_by_all_that_was_carried_up_to_now(
    db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = Rulebooks().current(db)
    asked: list[Span] = []

    def noted(connection: psycopg.Connection, book: Rulebook, one: Asked, now: datetime) -> CapacityReport:
        asked.append(one.period)
        return capacity_of(connection, book, one, now)

    monkeypatch.setattr(findings_capacity, "capacity_of", noted)
    period = review_period("2026Q1", book, NOW)[1]
    findings_capacity.capacity_findings(basis(db, book, period, NOW))
    assert [one.until for one in asked] == [period.until, NOW]
    # What is to come is no matter of a quarter long past.
    asked.clear()
    findings_capacity.capacity_findings(basis(db, book, review_period("2025Q3", book, NOW)[1], NOW))
    assert len(asked) == 1


def test_a_week_to_come_gets_a_route_that_ends_by_itself(db: psycopg.Connection) -> None:
    book = Rulebooks().current(db)
    ground = basis(db, book, review_period(None, book, NOW)[1], NOW)
    first = datetime(2026, 5, 3, 22, tzinfo=UTC)
    ahead = Ahead(Estimate(90, 70, 120, 26), 80, 110, cast("Any", None))
    week = WeekAhead(first, ahead, 100.0, 60.0, 0.97, None)
    peak = Peak("teams", week, 40.0, 50.0, [], Relief("hot", "everybody", 35.0))
    proposal = findings_capacity._temporary(ground, peak)
    assert proposal is not None
    assert proposal.is_ahead
    policy, problems = read_policy(edited(ground.text, proposal.policy))
    assert policy is not None, problems
    hot = [route for route in policy.routes if route.name.startswith("hot")]
    assert [(one.target, str(one.first_day), str(one.last_day)) for one in hot] == [
        ("everybody", "2026-05-04", "2026-05-10"),
        ("teams", "None", "None"),
    ]
    assert hot[0].when == hot[1].when


def test_who_is_always_full_gets_more_room_or_less_work(db: psycopg.Connection) -> None:
    book = Rulebooks().current(db)
    ground = basis(db, book, review_period(None, book, NOW)[1], NOW)
    held = InHand(400.0, 9.5, 10, 0.9, 0.0, Estimate(0.9, 0.7, 1.0, 12), Estimate(0.0, 0.0, 0.2, 12))
    keeps = PersonCapacity("a1", 100, Promises(100, 2), 10, held, [])
    more = findings_capacity._fuller(ground, keeps)
    assert more is not None
    assert more.roster == (Edit("set", ("people", "a1", "max_open"), 13),)
    # No pool of this company goes by weight, so nothing is proposed for who cannot keep up.
    misses = replace(keeps, promises=Promises(100, 40))
    assert findings_capacity._fuller(ground, misses) is None
    weighted = edited(ground.text, [Edit("set", ("pools", "everybody", "method"), "weighted")])
    policy, problems = read_policy(weighted)
    assert policy is not None, problems
    less = findings_capacity._fuller(replace(ground, book=compile_rulebook(policy, book.roster)), misses)
    assert less is not None
    assert less.roster == (Edit("set", ("people", "a1", "weight"), 0.8),)


def test_without_leads_there_is_nothing_to_change(empty: psycopg.Connection) -> None:
    made = review(empty, Planted(), a_week=0)
    assert (made.leads, list(made.items)) == (0, [])
    book = Rulebooks().current(empty)
    report = report_of(made, book.roster, book.zone, {}, [])
    assert [one.id for one in report.sections] == ["overview", "method"]
    assert list(report.sections[0].says) == ["No leads came in the period."]


def test_quarters_have_names() -> None:
    assert last_quarter(NOW) == "2026Q1"
    assert last_quarter(NOW - timedelta(days=10)) == "2025Q4"


def test_a_review_with_figures_of_another_version_is_none(db: psycopg.Connection, made: Quarterly) -> None:
    strange = replace(made, assumptions=[Factor("weather", 1.0, 1.0, 1.0)])
    for one, is_read in ((made, True), (strange, False)):
        keep_review(db, "2026Q1", "en", as_json(one), NOW)
        assert (quarter_verbs.kept(db, "2026Q1") is not None) == is_read
