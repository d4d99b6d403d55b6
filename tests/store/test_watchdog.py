"""The watchdog: silent when all is well, and never silent when something is not."""

import psycopg
import pytest
from tests.crash.company import NOW, Rulebooks, found_company, lead, route_batch

from leadlane.store import batches
from leadlane.store.watchdog import violations

BREAK = {
    "decision that put them": "UPDATE leads SET batch_id = 0 WHERE id = 'a'",
    "first placed": "UPDATE decisions SET outcome = 'moved' WHERE lead_id = 'a'",
    "that they arrived": "DELETE FROM timeline WHERE lead_id = 'a'",
    "nobody was told": "DELETE FROM outbox WHERE lead_id = 'a'",
    "without a next step": "UPDATE leads SET next_step_due_at = NULL WHERE id = 'a'",
    "decisions about leads": "DELETE FROM leads WHERE id = 'cold'",
    "without their batch": "DELETE FROM batches",
    "not numbered in order": "DELETE FROM decisions WHERE number = 0",
    "timelines of leads": "UPDATE timeline SET lead_id = 'nobody' WHERE lead_id = 'a'",
    "messages about": "UPDATE outbox SET person = 'nobody' WHERE lead_id = 'a'",
    "other ids": "UPDATE lead_aliases SET id = 'cold'",
    "idempotency keys": "UPDATE idempotency_keys SET number = 99",
    "count of open leads": "UPDATE loads SET open = open + 1",
    "balances": """UPDATE ledgers SET members = '{"ae0": [5, 1]}' WHERE pool = 'sales'""",
}


@pytest.fixture
def company(db: psycopg.Connection) -> psycopg.Connection:
    """A database with leads of all kinds, in which everything agrees."""
    found_company(db, reps=2)
    batches.configure(db)
    some = [
        lead("a", email="a@x.example", key="k"),
        lead("b", email="a@x.example"),
        lead("cold", "newsletter_subscription"),
    ]
    route_batch(db, Rulebooks(), some, NOW)
    assert violations(db) == []
    return db


@pytest.mark.parametrize(("found", "statement"), BREAK.items(), ids=BREAK)
def test_each_disagreement_is_found(company: psycopg.Connection, found: str, statement: str) -> None:
    company.execute(statement)
    assert [one for one in violations(company) if found in one]
