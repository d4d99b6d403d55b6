"""A small company whose leads are chased: two reps, their manager, and somebody in review."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg
import pytest
from tests.service.conftest import NOW

from leadlane.core.act import Act, ActKind
from leadlane.core.facts import Lead, Signal
from leadlane.core.match import Keys
from leadlane.policy.roster import read_roster
from leadlane.service.acts import act
from leadlane.service.batch import Receipt, route_batch
from leadlane.service.publish import publish
from leadlane.service.roster import put_entry, put_roster, set_away
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.run_due import run_due
from leadlane.service.submission import Submission
from leadlane.store import roster

POLICY = """
policy: Chase
timezone: Europe/Berlin
intent: {high: [demo], medium: [visit], low: [read]}
routes:
  - {name: decide, when: {intent: medium}, review: desk}
  - {name: known, when: {relationship: customer}, owner: account}
  - {name: rest, pool: team}
pools:
  team: {members: {role: rep}}
  desk: {members: {role: revops}, method: least_open}
service_levels:
  - {name: quick, respond_within: 2 hours, chase: steps}
chases:
  steps:
    - {after: 30 minutes, unless: accepted, remind: owner}
    - {after: 60 minutes, unless: responded, notify: manager}
    - {after: 90 minutes, unless: accepted, reassign: backup}
"""
ROSTER = """
teams: [{id: crew, manager: cyd}]
people:
  - {id: ann, role: rep, teams: [crew], timezone: Europe/Berlin, backup: bob}
  - {id: bob, role: rep, teams: [crew], timezone: Europe/Berlin}
  - {id: cyd, role: manager, timezone: Europe/Berlin}
  - {id: olga, role: revops, timezone: Europe/Berlin}
hours: {default: {mon-sun: ["00:00-24:00"]}}
accounts: [{id: big, domains: [owned.example], customer: true, owner: ann}]
"""


def lead(id_: str, signal: str = "demo", domain: str | None = None) -> Submission:
    """A lead that came in at NOW."""
    return Submission(Lead(id_, NOW, {}, (Signal(signal, NOW),)), Keys(None, domain), "test")


class Company:
    """The company in a database, and what a test wants to do and to know."""

    def __init__(self, db: psycopg.Connection) -> None:
        self.db = db
        self.books = Rulebooks()
        document, problems = read_roster(ROSTER)
        assert document is not None, problems
        put_roster(db, document, "test", NOW)
        self.publish(POLICY)

    def publish(self, policy: str, now: datetime = NOW) -> None:
        publish(self.db, policy, "policy.yaml", "test", "", now)

    def route(self, leads: Sequence[Submission], now: datetime = NOW) -> list[Receipt]:
        return route_batch(self.db, self.books, leads, now)

    def run(self, now: datetime) -> int:
        return run_due(self.db, self.books, now)

    def act(self, lead_id: str, kind: ActKind, now: datetime, **more: Any) -> Receipt:
        return act(self.db, self.books, [Act(lead_id, kind, **more)], now)[0]

    def away(self, person: str, start: datetime, until: datetime, now: datetime = NOW) -> None:
        set_away(self.db, person, start, until, "", "test", now)

    def change(self, person: str, **changes: Any) -> None:
        content = roster.entries(self.db, 1_000_000)["person"][person]
        put_entry(self.db, "person", person, {**content, **changes}, "test", NOW)

    def fill_up(self) -> None:
        """Every rep has the one lead that they may have, and no round is left to be made."""
        for person in ("ann", "bob"):
            self.change(person, max_open=1)
        self.route([lead("full-1"), lead("full-2")])
        self.run(NOW)

    def row(self, lead_id: str) -> tuple[Any, ...]:
        """Owner, cover, stage, time of the next step."""
        row = self.db.execute(
            "SELECT owner, covered_by, stage, chase_at FROM leads WHERE id = %s", [lead_id]
        ).fetchone()
        assert row is not None
        return row

    def waiting(self) -> list[str]:
        rows = self.db.execute("SELECT id FROM leads WHERE waiting_pool IS NOT NULL ORDER BY id")
        return [row[0] for row in rows]

    def events(self, lead_id: str) -> list[str]:
        rows = self.db.execute("SELECT event FROM timeline WHERE lead_id = %s ORDER BY id", [lead_id])
        return [row[0] for row in rows]

    def count(self, event: str) -> int:
        row = self.db.execute("SELECT count(*) FROM timeline WHERE event = %s", [event]).fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture
def company(db: psycopg.Connection) -> Company:
    return Company(db)
