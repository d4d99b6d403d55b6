"""Whatever changed since, a decision made again from what was stored is the same to the byte."""

from datetime import timedelta
from typing import Any

import orjson
import psycopg

from leadlane.core.facts import Signal
from leadlane.service import roster
from leadlane.service.batch import route_batch
from leadlane.service.publish import publish
from leadlane.service.replay import replay_all, replay_lead
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.submission import signal_submission
from leadlane.store import policies
from leadlane.store import roster as roster_store

from .conftest import NOW, POLICY


def _route_a_week(db: psycopg.Connection, books: Rulebooks, lead: Any) -> None:
    for day in range(5):
        now = NOW + timedelta(days=day)
        leads = [
            lead(
                now,
                id=f"d{day}-{i}",
                email=f"p{i % 7}@company{i % 5}-{day}.example",
                country=["DE", "PL", "IT", None][i % 4],
                industry=["fintech", "retail"][i % 2],
                employees=[10, 300, 5000][i % 3],
                signals=[["demo_request"], ["content_download"], ["contact_sales_form"]][i % 3],
            )
            for i in range(30)
        ]
        leads.append(lead(now, id=f"named-{day}", email=f"p{day}@acme.example", signals=["demo_request"]))
        route_batch(db, books, leads, now)
        signal = (Signal("demo_request", now),)
        route_batch(db, books, [signal_submission(f"d{day}-1", signal, "test", now)], now)


def test_everything_replays_after_policy_and_people_have_changed(
    published: psycopg.Connection, books: Rulebooks, lead: Any
) -> None:
    _route_a_week(published, books, lead)
    publish(published, POLICY.replace("strong_at: 60", "strong_at: 30"), "p", "b", "", NOW)
    anna = roster_store.entries(published, policies.in_force(published)[1])["person"]["anna"]
    roster.put_entry(published, "person", "anna", {**anna, "active": False}, "b", NOW)
    found = list(replay_all(published, Rulebooks()))
    assert len(found) == 5 * 32
    assert [one.lead_id for one in found if not one.is_identical] == []


def test_a_difference_is_seen_and_shown(published: psycopg.Connection, books: Rulebooks, lead: Any) -> None:
    route_batch(published, books, [lead(id="L1", email="a@b.example", signals=["demo_request"])], NOW)
    (trace,) = published.execute("SELECT trace::text FROM decisions").fetchone() or ("",)
    tampered = orjson.loads(trace)
    tampered["fit"]["score"] = 99
    published.execute("UPDATE decisions SET trace = %s::json", [orjson.dumps(tampered).decode()])
    (one,) = replay_lead(published, books, "L1")
    assert not one.is_identical
    assert any(line.startswith("-") and "99" in line for line in one.difference())
