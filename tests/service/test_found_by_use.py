"""What users ran into: each a test, so that it stays mended."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg

from leadlane.core.facts import Signal
from leadlane.core.match import MOST_SIGNALS
from leadlane.service.batch import route_batch
from leadlane.service.publish import publish
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.submission import signal_submission
from leadlane.store import leads, policies
from leadlane.store import roster as roster_store

from .conftest import NOW, POLICY

BANK = {"country": "DE", "industry": "banking", "employees": 5000}


def test_an_id_that_two_systems_use_for_two_people_swallows_nobody(
    published: psycopg.Connection, books: Rulebooks, lead: Any
) -> None:
    first = lead(id="9001", email="one@a.example")
    second = lead(id="9001", email="two@b.example", signals=["demo_request"])
    route_batch(published, books, [first], NOW)
    (later,) = route_batch(published, books, [second], NOW)
    assert (later.status, later.refusal) == ("refused", "id_reused")
    (again,) = route_batch(published, books, [first], NOW)
    assert again.status == "repeated"


def test_nor_does_it_within_one_batch(published: psycopg.Connection, books: Rulebooks, lead: Any) -> None:
    both = [lead(id="9001", email="one@a.example"), lead(id="9001", email="two@b.example")]
    assert [one.status for one in route_batch(published, books, both, NOW)] == ["created", "refused"]


def test_a_lead_keeps_its_newest_signals_only(
    published: psycopg.Connection, books: Rulebooks, lead: Any
) -> None:
    route_batch(published, books, [lead(id="L1", email="a@b.example")], NOW)
    for start in range(0, MOST_SIGNALS + 100, 300):
        signals = tuple(
            Signal("content_download", NOW + timedelta(seconds=i)) for i in range(start, start + 300)
        )
        route_batch(published, books, [signal_submission("L1", signals, "test", NOW)], NOW)
    stored = leads.get(published, "L1")
    assert stored is not None
    assert len(stored.signals) == MOST_SIGNALS
    assert stored.signals[-1][1] == (NOW + timedelta(seconds=599)).isoformat()


def test_what_is_routed_as_of_an_earlier_day_does_not_forget_today(
    published: psycopg.Connection, books: Rulebooks, lead: Any
) -> None:
    route_batch(
        published, books, [lead(id="L1", email="a@b1.example", signals=["demo_request"], **BANK)], NOW
    )
    earlier = NOW - timedelta(days=3)
    route_batch(
        published,
        books,
        [
            lead(earlier, id=f"E{i}", email=f"a@c{i}.example", signals=["demo_request"], **BANK)
            for i in range(4)
        ],
        earlier,
    )
    anna = next(row for row in roster_store.loads(published) if row.person == "anna")
    assert (anna.today, anna.today_on) == (1, NOW.date())


def test_a_new_promise_moves_the_due_date_of_a_lead_that_had_none(
    published: psycopg.Connection, books: Rulebooks, lead: Any
) -> None:
    policy = POLICY.replace(
        "    respond_within: 5 business days\n",
        "    when: {source: letter}\n    respond_within: 5 business days\n",
    )
    publish(published, policy, "p.yaml", "x", "no promise without intent", NOW)
    warm = {"industry": "fintech", "employees": 300, "signals": ["content_download", "content_download"]}
    route_batch(published, books, [lead(id="free", email="a@b.example", country="DE", **warm)], NOW)
    stored = leads.get(published, "free")
    assert stored is not None
    assert stored.respond_by is None
    signal = (Signal("demo_request", NOW),)
    route_batch(published, books, [signal_submission("free", signal, "test", NOW)], NOW)
    free = leads.get(published, "free")
    assert free is not None
    assert free.respond_by is not None
    assert free.next_step_due_at == free.respond_by


def test_publications_are_numbered_without_gaps(published: psycopg.Connection) -> None:
    with published.transaction(force_rollback=True):
        publish(published, POLICY.replace("strong_at: 60", "strong_at: 61"), "p", "x", "", NOW)
    publish(published, POLICY.replace("strong_at: 60", "strong_at: 62"), "p", "x", "", NOW)
    assert [one.number for one in policies.publications(published)] == [2, 1]


def test_columns_nobody_mapped_stay_with_a_merged_row(
    published: psycopg.Connection, books: Rulebooks, lead: Any
) -> None:
    route_batch(published, books, [lead(id="L1", email="a@b.example")], NOW)
    again = replace(lead(id="L2", email="a@b.example"), extra={"Lead Score": "7"})
    route_batch(published, books, [again], NOW)
    (merged,) = [one for one in leads.timeline(published, "L1") if one.event == "merged"]
    assert merged.details["extra"] == {"Lead Score": "7"}
