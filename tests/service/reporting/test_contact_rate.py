"""The duplicate contact rate: who counts as touched, as contacted twice, as handed over."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from tests.service.conftest import NOW

from leadlane.core.act import Act
from leadlane.insight.proportions import wilson
from leadlane.service.acts import act
from leadlane.service.batch import route_batch
from leadlane.service.reporting.contact_rate import (
    DuplicatesReportView,
    PeriodError,
    duplicates_report,
    prospects_rate,
    read_period,
)
from leadlane.service.roster import go_away
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.run_due import run_due
from leadlane.service.submission import Submission
from leadlane.store.duplicates import Period

Lead = Callable[..., Submission]
Do = Callable[..., datetime]
ALWAYS = Period()


@pytest.fixture
def do(published: psycopg.Connection, books: Rulebooks) -> Do:
    """Acts a minute after each other; returns when."""
    clock = [NOW]

    def do_it(kind: Any, lead_id: str, by: str, **more: Any) -> datetime:
        clock[0] += timedelta(minutes=1)
        (receipt,) = act(published, books, [Act(lead_id, kind, by, **more)], clock[0])
        assert receipt.status != "refused", receipt.problem
        return clock[0]

    return do_it


@pytest.fixture
def arrive(published: psycopg.Connection, books: Rulebooks, lead: Lead) -> Callable[..., None]:
    """A lead arrives, and anna gets it unless somebody else is said."""

    def arrive_one(id_: str, to: str = "anna", **fields: Any) -> None:
        fields = {"email": f"{id_}@{id_}.example", "country": "DE", "signals": ["demo_request"], **fields}
        route_batch(published, books, [lead(id=id_, **fields)], NOW)
        (receipt,) = act(published, books, [Act(id_, "reassign", "olga", to)], NOW)
        assert receipt.status != "refused", receipt.problem

    return arrive_one


def report(db: psycopg.Connection, period: Period = ALWAYS, limit: int = 10) -> DuplicatesReportView:
    told = duplicates_report(db, Rulebooks().current(db).roster, period, limit)
    assert prospects_rate(db, period) == told["prospects"]  # the short way to it says the same
    return told


def counts(rate: Any) -> tuple[int, int, int]:
    return rate["touched"], rate["twice"], rate["handed_over"]


def of_prospects(db: psycopg.Connection) -> tuple[int, int, int]:
    return counts(report(db)["prospects"])


def test_nothing_touched_has_no_rate(published: psycopg.Connection) -> None:
    rate = report(published)["prospects"]
    assert (rate["touched"], rate["share"], rate["low"], rate["high"], rate["is_small"]) == (
        0, None, None, None, True,
    )  # fmt: skip


def test_two_who_reach_out_where_one_has_the_lead(
    published: psycopg.Connection, arrive: Callable[..., None], do: Do
) -> None:
    arrive("L1", first_name="Jo", last_name="Doe", company="Kiosk", source="fair")
    arrive("L2")
    do("touch", "L1", "anna", how="call")
    do("touch", "L1", "boris", how="email")
    do("touch", "L2", "anna", how="call")
    do("touch", "L2", "boris", how="note")
    told = report(published)
    assert counts(told["prospects"]) == (2, 1, 0)
    assert told["prospects"]["share"] == 0.5
    assert told["prospects"]["is_small"]
    (twice,) = told["contacted_twice"]
    assert (twice["lead"], twice["name"], twice["company"], twice["owner"]) == (
        "L1",
        "Jo Doe",
        "Kiosk",
        "anna",
    )
    assert [(one["person"], one["had_it"]) for one in twice["people"]] == [("anna", True), ("boris", False)]
    assert report(published, limit=0)["contacted_twice"] == []


def test_whoever_is_handed_the_lead_is_no_second_contact(
    published: psycopg.Connection, arrive: Callable[..., None], do: Do
) -> None:
    arrive("L1")
    do("touch", "L1", "anna", how="call")
    do("reassign", "L1", "olga", to="boris")
    do("touch", "L1", "boris", how="call")
    assert of_prospects(published) == (1, 0, 1)
    # But whoever goes on after that is.
    do("touch", "L1", "anna", how="email")
    assert of_prospects(published) == (1, 1, 0)


def test_the_owner_after_a_stranger_is_a_second_contact(
    published: psycopg.Connection, arrive: Callable[..., None], do: Do
) -> None:
    arrive("L1")
    do("touch", "L1", "boris", how="call")
    do("touch", "L1", "anna", how="call")
    assert of_prospects(published) == (1, 1, 0)


def test_whoever_covers_is_no_second_contact(
    published: psycopg.Connection, books: Rulebooks, lead: Lead, do: Do
) -> None:
    known = lead(id="L1", email="jo@acme.example", signals=["demo_request"])
    route_batch(published, books, [known], NOW)  # boris, who owns the account
    away, back = NOW + timedelta(minutes=1), NOW + timedelta(minutes=3)
    do("touch", "L1", "boris", how="call")
    go_away(published, "boris", away.isoformat(), back.isoformat(), "", "test", away)
    run_due(published, books, away)
    do("touch", "L1", "anna", how="call")
    run_due(published, books, back)
    do("touch", "L1", "boris", how="email")
    assert of_prospects(published) == (1, 0, 1)
    do("touch", "L1", "anna", how="email")
    assert of_prospects(published) == (1, 1, 0)


def test_two_leads_of_one_prospect_count_as_one_once_they_are_merged(
    published: psycopg.Connection, arrive: Callable[..., None], do: Do
) -> None:
    arrive("L1")
    arrive("L2", "boris")
    do("touch", "L1", "anna", how="call")
    do("touch", "L2", "boris", how="call")
    assert of_prospects(published) == (2, 0, 0)
    do("merge", "L1", "olga", to="L2")
    # Each had a lead of theirs, but nobody handed anything over.
    assert of_prospects(published) == (1, 1, 0)


def test_who_comes_again_after_the_end_is_the_same_prospect_in_new_hands(
    published: psycopg.Connection, arrive: Callable[..., None], do: Do
) -> None:
    arrive("L1", email="jo@kiosk.example")
    do("touch", "L1", "anna", how="call")
    do("close", "L1", "anna", outcome="lost")
    arrive("L2", "boris", email="jo@kiosk.example")
    do("touch", "L2", "boris", how="call")
    assert of_prospects(published) == (1, 0, 1)


def test_companies_are_accounts_else_domains(
    published: psycopg.Connection, arrive: Callable[..., None], do: Do
) -> None:
    arrive("L1", email="jo@kiosk.example")
    arrive("L2", "boris", email="kim@kiosk.example")
    arrive("L3", email="al@gmail.com")
    do("touch", "L1", "anna", how="call")
    do("touch", "L2", "boris", how="call")
    do("touch", "L3", "anna", how="call")
    told = report(published)
    assert (counts(told["prospects"]), counts(told["companies"])) == ((3, 0, 0), (1, 1, 0))
    published.execute("INSERT INTO accounts (id, name, changed_at) VALUES ('k', 'Kiosk', now())")
    published.execute("UPDATE leads SET account_id = 'k' WHERE id = 'L3'")
    published.execute("INSERT INTO account_domains VALUES ('kiosk.example', 'k')")
    assert counts(report(published)["companies"]) == (1, 1, 0)


def test_the_interval_is_that_of_every_other_share(
    published: psycopg.Connection, arrive: Callable[..., None], do: Do
) -> None:
    for number in range(5):
        arrive(f"L{number}")
        do("touch", f"L{number}", "anna", how="call")
    do("touch", "L0", "boris", how="call")
    rate, other = report(published)["prospects"], wilson(1, 5)
    assert (rate["share"], rate["low"], rate["high"]) == (0.2, round(other.low, 6), round(other.high, 6))
    assert rate["is_small"]


def test_only_what_was_touched_in_the_period_counts(
    published: psycopg.Connection, arrive: Callable[..., None], do: Do
) -> None:
    arrive("L1")
    do("touch", "L1", "anna", how="call")
    second = do("touch", "L1", "boris", how="call")
    assert counts(report(published, Period(until=second))["prospects"]) == (1, 0, 0)
    assert counts(report(published, Period(since=second))["prospects"]) == (1, 0, 0)
    assert counts(report(published, Period(NOW, second + timedelta(seconds=1)))["prospects"]) == (1, 1, 0)
    assert counts(report(published, Period(second + timedelta(seconds=1)))["prospects"]) == (0, 0, 0)


def test_by_source_and_by_the_team_of_whoever_was_first(
    published: psycopg.Connection, arrive: Callable[..., None], do: Do, books: Rulebooks, lead: Lead
) -> None:
    team = books.current(published).roster.people["anna"].teams[0]
    arrive("L1", source="fair")
    arrive("L2", source="web")
    arrive("L3")
    for id_ in ("L1", "L2", "L3"):
        do("touch", id_, "anna", how="call")
    do("touch", "L1", "boris", how="call")
    again = lead(id="again", email="L1@L1.example", country="DE", signals=["badge_scan"])
    (receipt,) = route_batch(published, books, [again], NOW)
    assert receipt.status == "merged"
    told = report(published)
    assert [(one["name"], counts(one["prospects"]), one["prevented"]) for one in told["by_source"]] == [
        ("fair", (1, 1, 0), 1), ("web", (1, 0, 0), 0), (None, (1, 0, 0), 0),
    ]  # fmt: skip
    assert [(one["name"], counts(one["prospects"]), one["prevented"]) for one in told["by_team"]] == [
        (team, (3, 1, 0), 1)
    ]
    assert told["prevented"] == 1
    assert report(published, Period(until=NOW))["prevented"] == 0


# ---------------------------------------------------------------- periods


def test_a_date_is_a_day_in_the_zone_until_its_end() -> None:
    period = read_period("2026-03-02", "2026-03-02", "Europe/Berlin")
    assert period.since is not None
    assert period.until is not None
    assert (period.since.isoformat(), period.until - period.since) == (
        "2026-03-01T23:00:00+00:00", timedelta(days=1),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("since", "until", "bound"),
    [("yesterday", None, "since"), (None, "03/02/2026 x", "until"), ("2026-03-02", "2026-02-02", "until")],
)
def test_a_period_that_is_none_says_which_bound(since: str | None, until: str | None, bound: str) -> None:
    with pytest.raises(PeriodError) as raised:
        read_period(since, until, "UTC")
    assert raised.value.bound == bound
