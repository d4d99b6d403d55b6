"""The last leads decided again, and a lead tried by hand, under a policy that is not in force."""

from __future__ import annotations

from typing import Any

import orjson
import psycopg
from tests.service.conftest import NOW, POLICY

from leadlane.core.policy import Policy
from leadlane.policy.load import load_policy
from leadlane.service.batch import route_batch
from leadlane.service.past_leads import as_json, decide_again, read_past
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.try_lead import try_lead
from leadlane.store.codec import encode

SILENT = lambda done, total: None  # noqa: E731


def _draft(old: str, new: str) -> Policy:
    assert old in POLICY
    return load_policy(POLICY.replace(old, new, 1))


def _routed(connection: psycopg.Connection, books: Rulebooks, lead: Any, count: int) -> None:
    for n in range(count):
        fields = {"email": f"p{n}@firm{n}.example", "company": f"Firm {n}", "country": "DE", "employees": 50}
        route_batch(connection, books, [lead(signals=["demo_request"], **fields)], NOW)


def test_the_policy_in_force_decides_as_it_did(
    published: psycopg.Connection, books: Rulebooks, lead: Any
) -> None:
    _routed(published, books, lead, 4)
    past = decide_again(published, load_policy(POLICY), 10, SILENT)
    assert (past.looked_at, past.left_out, past.differing, past.moved) == (4, 0, [], [])


def test_a_new_pool_takes_turns_from_lead_to_lead(
    published: psycopg.Connection, books: Rulebooks, lead: Any
) -> None:
    _routed(published, books, lead, 6)
    heard: list[tuple[int, int]] = []
    fast = "\n  - name: all-together\n    pool: together\n    service_level: high-intent"
    text = POLICY.replace("\nroutes:", f"\nroutes:{fast}", 1)
    pool = "\npools:\n  together: {members: {role: ae}, method: round_robin}"
    draft = load_policy(text.replace("\npools:", pool, 1))
    past = decide_again(published, draft, 10, lambda done, total: heard.append((done, total)))
    assert len(past.differing) == 6
    assert {one.after.route for one in past.differing} == {"all-together"}
    assert len({one.after.owner for one in past.differing}) > 1
    assert heard[-1] == (6, 6)
    assert read_past(orjson.loads(encode(as_json(past)))) == past


def test_a_lead_is_tried_and_nothing_is_written(published: psycopg.Connection, books: Rulebooks) -> None:
    raw = {"email": "jo@firm.example", "country": "DE", "employees": "50", "signals": ["demo_request"]}
    draft = _draft("counts_for: 90 days", "counts_for: 60 days")
    book = books.current(published)
    tried, problems = try_lead(published, book, draft, raw, book.zone, NOW)
    assert problems == []
    assert tried is not None
    assert tried.before == tried.after
    assert [one.key for one in tried.stations] == ["match", "qualify", "route", "pick", "promise"]
    row = published.execute("SELECT count(*) FROM leads").fetchone()
    assert row == (0,)


def test_a_lead_that_is_none_is_told_by_field(published: psycopg.Connection, books: Rulebooks) -> None:
    book = books.current(published)
    tried, problems = try_lead(published, book, book.policy, {"email": "no"}, book.zone, NOW)
    assert tried is None
    assert [one.field for one in problems] == ["email"]
