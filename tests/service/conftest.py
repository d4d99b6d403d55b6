"""A published reference policy with its people, and leads made in one line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import psycopg
import pytest

from leadlane.core.facts import LEAD_FIELDS
from leadlane.intake.leads import read_lead
from leadlane.policy.roster import read_roster
from leadlane.service.publish import publish
from leadlane.service.roster import put_roster
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.submission import Submission, submission

# A Monday morning in working hours of everyone in the reference roster.
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
POLICY = files("leadlane").joinpath("reference/policy.yaml").read_text(encoding="utf-8")
ROSTER = files("leadlane").joinpath("reference/roster.yaml").read_text(encoding="utf-8")


@pytest.fixture
def books() -> Rulebooks:
    return Rulebooks()


@pytest.fixture
def published(db: psycopg.Connection) -> psycopg.Connection:
    """A database in which the reference policy is in force for the reference roster."""
    document, problems = read_roster(ROSTER, "roster.yaml")
    assert document is not None, problems
    put_roster(db, document, "tester", NOW)
    publish(db, POLICY, "policy.yaml", "tester", "the first", NOW)
    return db


@pytest.fixture
def lead() -> Callable[..., Submission]:
    """A submission from fields, as an intake would read it: `lead(id="L1", email=…, signals=[…])`."""

    def make(now: datetime = NOW, **raw: Any) -> Submission:
        given, problems = read_lead(raw, LEAD_FIELDS, now, UTC)
        assert given is not None, problems
        return submission(given, "test", now)

    return make
