"""The report on conversion from real leads: counted by hand, in all its forms."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from scipy.stats import fisher_exact
from statsmodels.stats.proportion import proportion_confint
from tests.service.conftest import NOW

from leadlane.core.act import Act
from leadlane.service.acts import act
from leadlane.service.batch import route_batch
from leadlane.service.reporting import reports
from leadlane.service.reporting.conversion import conversion_of
from leadlane.service.reporting.periods import Span
from leadlane.service.reporting.report_kind import Asked, Made
from leadlane.service.reporting.reports import KINDS
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.submission import Submission

PERIOD = Span(NOW - timedelta(days=1), NOW + timedelta(days=1))
LATER = NOW + timedelta(days=40)
KIND = KINDS["conversion"]
# How so many leads of a source end, each on its tenth day.
ENDS = {
    "web": {"won": 12, "lost": 8, "open": 5, "junk": 2},
    "event": {"won": 3, "lost": 20, "unqualified": 2, "open": 1, "duplicate": 1},
}


@pytest.fixture(scope="module")
def ended() -> dict[str, dict[str, str]]:
    """For each source the leads by how they end."""
    return {
        source: {f"{source}-{end}-{n}": end for end, count in ends.items() for n in range(count)}
        for source, ends in ENDS.items()
    }


@pytest.fixture
def company(
    published: psycopg.Connection,
    books: Rulebooks,
    lead: Callable[..., Submission],
    ended: dict[str, dict[str, str]],
) -> psycopg.Connection:
    """Leads of two sources; those of the web are Anna's, those of events Marco's."""
    for source, person in (("web", "anna"), ("event", "marco")):
        ids = list(ended[source])
        given = [
            lead(id=id_, email=f"p@{id_}.example", country="DE", source=source, signals=["demo_request"])
            for id_ in ids
        ]
        route_batch(published, books, given, NOW)
        done(published, books, [Act(id_, "reassign", "olga", to=person) for id_ in ids], 0)
        done(published, books, [Act(id_, "touch", person, how="call") for id_ in ids], 30)
        closed = [
            Act(id_, "close", person, outcome=end, value=1000.0 if end == "won" else None)
            for id_, end in ended[source].items()
            if end != "open"
        ]
        done(published, books, closed, 10 * 24 * 60)
    return published


def done(db: psycopg.Connection, books: Rulebooks, acts: list[Act], minutes: float) -> None:
    receipts = act(db, books, acts, NOW + timedelta(minutes=minutes))
    assert not [one.problem for one in receipts if one.problem]


def made(db: psycopg.Connection, books: Rulebooks, by: str, team: str | None = None) -> Made:
    return reports.make(db, KIND, books.current(db), Asked(PERIOD, by, team), LATER)


def rows(one: Made) -> dict[Any, Any]:
    return {row["value"]: row for row in one.rows}


def test_every_lead_that_counts_is_counted_where_it_belongs(
    company: psycopg.Connection, books: Rulebooks
) -> None:
    web, event = (rows(made(company, books, "source"))[name] for name in ("web", "event"))
    assert [web[name] for name in ("leads", "open", "won", "lost", "valued", "value_won")] == [
        25, 5, 12, 8, 12, 12_000.0,
    ]  # fmt: skip
    assert [event[name] for name in ("leads", "open", "won", "lost")] == [26, 1, 3, 22]
    low, high = proportion_confint(12, 20, method="wilson")
    assert [web[f"share{end}"] for end in ("", "_low", "_high")] == pytest.approx([0.6, low, high], abs=1e-6)
    assert web["share_of_all"] == pytest.approx(12 / 25)
    # All ended on the tenth day, and the open ones were seen for forty: won within 30 days are as many.
    assert web["won_30_days"] == pytest.approx(12 / 25)
    assert web["won_60_days"] is None
    assert web["days_to_win"] == pytest.approx(10, abs=0.01)
    assert (web["value_mean"], web["value_mean_low"], web["value_mean_high"]) == (1000, 1000, 1000)


def test_a_group_is_compared_with_all_others(company: psycopg.Connection, books: Rulebooks) -> None:
    row = rows(made(company, books, "source"))["web"]
    assert row["difference"] == pytest.approx(12 / 20 - 3 / 25, abs=1e-6)
    assert row["expected"] == pytest.approx(3 / 25, abs=1e-6)
    # The correction for continuity is on the safe side of the exact test.
    exact = fisher_exact([[12, 8], [3, 22]]).pvalue
    assert exact <= row["p"] <= 2.5 * exact
    assert row["is_small"]
    assert not row["stands_out"]


def test_who_has_all_leads_of_a_kind_is_compared_with_nobody(
    company: psycopg.Connection, books: Rulebooks
) -> None:
    """Anna has the web, Marco the events: which of them is better, these leads cannot tell."""
    found = made(company, books, "owner")
    anna = rows(found)["anna"]
    assert (anna["name"], anna["won"]) == ("Anna Nowak", 12)
    assert (anna["difference"], anna["expected"], anna["p"]) == (None, None, None)
    (owner,) = (one for one in found.data["compared"] if one["by"] == "owner")  # type: ignore[attr-defined]
    assert (owner["p"], owner["is_finding"], owner["alike_in"]) == (1.0, False, ["source"])


def test_what_else_the_report_tells(company: psycopg.Connection, books: Rulebooks) -> None:
    found = made(company, books, "response")
    assert found.data["left_out"] == 3
    assert found.data["base"] == "decided"
    assert found.data["all"]["leads"] == 51  # type: ignore[index]
    assert [row["value"] for row in found.rows] == ["1h"]
    says = [text for section in found.report.sections for text in (*section.says, *section.cautions)]
    assert any("3 leads that were junk or duplicates" in text for text in says)
    assert any("no figure here says that one thing causes another" in text for text in says)


def test_of_a_team_only_what_it_has(company: psycopg.Connection, books: Rulebooks) -> None:
    book = books.current(company)
    team = book.roster.people["anna"].teams[0]
    found = conversion_of(company, book, Asked(PERIOD, "source", team), LATER)
    assert found.all.leads == 25
    assert [one.value for one in found.groups] == ["web"]
    assert (found.moves, found.poor_sources) == ([], [])
