"""Are teams of a real company placed by what came, and does `check` accept what is proposed?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from tests.service.conftest import NOW

from leadlane.errors import LeadlaneError
from leadlane.insight.market import Move as Placed
from leadlane.insight.moves import Move, Pair
from leadlane.insight.proportions import Estimate
from leadlane.policy.edit import edited
from leadlane.policy.roster import read_roster
from leadlane.service.batch import route_batch
from leadlane.service.publish import check_policy, current_document, publish
from leadlane.service.quarterly.balance import Rebalancing, rebalanced
from leadlane.service.quarterly.findings_balance import balance_findings
from leadlane.service.quarterly.review_basis import Basis, basis
from leadlane.service.reporting.periods import Span
from leadlane.service.roster import put_entry, put_roster
from leadlane.service.roster_text import roster_text
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.submission import Submission

WEEKS = 8
QUARTER = Span(NOW, NOW + timedelta(weeks=WEEKS))
POLICY = """
policy: Two teams
currency: EUR
timezone: Europe/Berlin
intent: {counts_for: 90 days, high: [demo_request], medium: [], low: []}
fit: {strong_at: 1, points: []}
segments:
  - {name: germany, when: {country: DE}, team: north}  # the home market
  - {name: poland, when: {country: PL}, team: north}
  - {name: italy, when: {country: IT}, team: south}
  - {name: rest}
deal_value: []
deal_bands: []
routes:
  - {name: all, pool: sales}
  - {name: review, review: office}
pools:
  sales: {members: {role: sdr}, prefer: {teams: team, languages: language}}
  office: {members: {role: revops}}
service_levels: [{name: standard, respond_within: 2 business days}]
"""
PERSON = "timezone: Europe/Berlin, country: DE, per_day: 2"
ROSTER = f"""
teams:
  - {{id: north, name: North}}
  - {{id: south, name: South, manager: sara}}
people:
  - {{id: nora, role: sdr, teams: [north], languages: [de, pl], {PERSON}}}
  - {{id: sara, role: sdr, teams: [south], languages: [it, pl], {PERSON}}}
  - {{id: silvio, role: sdr, teams: [south], languages: [it, de], {PERSON}}}
  - {{id: sofia, role: sdr, teams: [south], languages: [it], {PERSON}}}
  - {{id: olga, role: revops, timezone: Europe/Warsaw}}
"""


@pytest.fixture
def company(db: psycopg.Connection) -> psycopg.Connection:
    document, problems = read_roster(ROSTER, "roster.yaml")
    assert document is not None, problems
    put_roster(db, document, "tester", NOW)
    publish(db, POLICY, "policy.yaml", "tester", "the first", NOW)
    return db


@pytest.fixture
def came(company: psycopg.Connection, lead: Callable[..., Submission]) -> Callable[..., Rebalancing]:
    """So many leads of each country a week; the placement that is best for them."""

    def arrive(a_week: dict[str, int]) -> Rebalancing:
        books = Rulebooks()
        for week in range(WEEKS):
            at = NOW + week * timedelta(weeks=1)
            batch = [
                lead(
                    at,
                    id=f"{country}-{week}-{n}",
                    email=f"p{n}@{country.lower()}{week}.example",
                    country=country,
                    language={"US": "en"}.get(country, country.lower()),
                )
                for country, count in a_week.items()
                for n in range(count)
            ]
            route_batch(company, books, batch, at)
        ground = ground_of(company)
        found = rebalanced(company, ground.book, ground.leads, QUARTER)
        assert found is not None
        return found

    return arrive


def ground_of(company: psycopg.Connection) -> Basis:
    return basis(company, Rulebooks().current(company), QUARTER, QUARTER.until)


def test_a_territory_goes_to_the_team_with_room_and_the_languages(
    company: psycopg.Connection, came: Callable[..., Rebalancing]
) -> None:
    found = came({"DE": 8, "PL": 9, "IT": 5, "US": 3})
    assert {one.name: one.leads["sales"].value for one in found.market.territories} == {
        "germany": 8,
        "poland": 9,
        "italy": 5,
    }
    # Two a working day each, less a part of those that have no team.
    assert {one.id: one.leads for one in found.market.reps} == pytest.approx(
        dict.fromkeys(("nora", "sara", "silvio", "sofia"), 10 - 3 / 4)
    )
    assert found.left_out == ("office",)
    (step,) = found.balance.steps
    assert step.moves == [Placed("territory", "poland", "north", "south")]
    (finding,) = balance_findings(ground_of(company))
    assert finding.key == "territory:poland-south"
    assert finding.title == "North gets 7.8 sales leads a week more than its people can take"
    assert finding.effect is not None
    assert finding.effect.low < 7.75 / 17 < finding.effect.high
    assert finding.leads == 9 * WEEKS
    assert finding.proposal is not None
    assert finding.proposal.title == "Give poland to South instead of North"
    text = edited(POLICY, finding.proposal.policy)
    assert "team: north}  # the home market" in text
    assert "{name: poland, when: {country: PL}, team: south}" in text
    policy, problems = check_policy(company, text, "policy.yaml")
    assert policy is not None, problems


def test_a_person_goes_where_no_territory_can_leave(
    company: psycopg.Connection, came: Callable[..., Rebalancing]
) -> None:
    """All German leads are one segment, and only some of the south speak German."""
    found = came({"DE": 22, "IT": 9})
    moves = [move for step in found.balance.steps for move in step.moves]
    assert moves == [Placed("person", "silvio", "south", "north")]
    (finding,) = balance_findings(ground_of(company))
    assert finding.proposal is not None
    text = edited(roster_text(current_document(company)), finding.proposal.roster)
    document, problems = read_roster(text, "roster.yaml")
    assert document is not None, problems
    assert document.people["silvio"]["teams"] == ["north"]


def test_who_manages_or_owns_accounts_stays(
    company: psycopg.Connection, came: Callable[..., Rebalancing]
) -> None:
    accounts = "accounts: [{id: acme, name: Acme, domains: [acme.example], named: true, owner: silvio}]"
    document, problems = read_roster(ROSTER + accounts, "roster.yaml")
    assert document is not None, problems
    put_roster(company, document, "tester", NOW)
    found = came({"DE": 22, "IT": 9})
    stays = {one.id for one in found.market.reps if one.may_go == frozenset()}
    assert stays == {"sara", "silvio"}
    assert found.balance.before.overload == pytest.approx(12)
    assert not stays & {move.name for step in found.balance.steps for move in step.moves}


def test_where_work_and_people_fit_nothing_is_found(
    company: psycopg.Connection, came: Callable[..., Rebalancing]
) -> None:
    found = came({"DE": 8, "IT": 24})
    assert (found.balance.steps, found.balance.is_proven) == ((), True)
    assert balance_findings(ground_of(company)) == []


def test_what_nobody_of_the_team_can_is_told(
    company: psycopg.Connection, came: Callable[..., Rebalancing]
) -> None:
    put_entry(company, "person", "nora", {"role": "sdr", "teams": ["north"], "timezone": "UTC"}, "t", NOW)
    came({"DE": 1, "IT": 4})
    (finding,) = balance_findings(ground_of(company))
    assert finding.title == "Nobody in North has all that leads of the segment “germany” ask for"
    assert finding.says[0] == "In the pool “sales”: languages: German."
    assert (finding.leads, finding.proposal) == (WEEKS, None)


def test_of_a_few_weeks_nothing_is_said(company: psycopg.Connection) -> None:
    ground = ground_of(company)
    with pytest.raises(LeadlaneError, match=r"cannot be told from 2 weeks"):
        rebalanced(company, ground.book, ground.leads, Span(NOW, NOW + timedelta(weeks=2)))


def better(segment: str, team: str, other: str) -> Move:
    gap = Estimate(0.2, 0.12, 0.28, 300)
    return Move(segment, team, other, gap, None, Pair(90, 150, 60, 150), (), 0.0001, 0.001)


def test_what_results_show_moves_a_segment_or_keeps_it(
    company: psycopg.Connection, came: Callable[..., Rebalancing]
) -> None:
    came({"DE": 8, "PL": 9, "IT": 5})
    ground = ground_of(company)
    worse = replace(ground, conversion=replace(ground.conversion, moves=[better("poland", "north", "south")]))
    (finding,) = balance_findings(worse)
    assert finding.key == "territory:germany-south"
    # That it does better in the south is a finding of its own, which proposes the same.
    elsewhere = [better("poland", "south", "north")]
    told = replace(ground, conversion=replace(ground.conversion, moves=elsewhere))
    assert balance_findings(told) == []
