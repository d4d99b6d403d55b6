"""A small company that plays a quarter through the real code, with what is planted in it and nothing else."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from leadlane.core.act import Act
from leadlane.core.facts import LEAD_FIELDS
from leadlane.intake.leads import read_lead
from leadlane.policy.roster import read_roster
from leadlane.service.acts import act
from leadlane.service.batch import route_batch
from leadlane.service.publish import publish
from leadlane.service.roster import put_roster
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.submission import submission

# Monday of the first full week of the quarter, and when the review is made.
FIRST = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
NOW = datetime(2026, 4, 3, 9, 0, tzinfo=UTC)
WEEKS = 12
POLICY = """\
# Written by hand: keep the comments.
policy: Small
timezone: Europe/Berlin
currency: EUR
intent:
  high: [demo_request]
  low: [content_download]
segments:
  - {name: north, when: {country: [DE]}, team: one}   # since 2019
  - {name: west, when: {country: [FR]}, team: one}
  - {name: rest, team: two}
routes:
  - {name: old-fair, when: {source: fair-2019}, pool: everybody}
  - {name: partner, when: {source: partner}, pool: everybody}
  - {name: hot, when: {intent: high, country: [DE, FR, IT]}, pool: teams}
  - {name: warm, when: {intent: low, country: [DE, FR, IT]}, pool: everybody}
  # what no rule was written for
  - {name: everything-else, review: desk}
pools:
  teams: {members: {role: ae}, prefer: {teams: team}, method: round_robin}
  everybody: {members: {role: ae}, method: round_robin}
  experts: {members: {role: expert}, method: round_robin}
  desk: {members: {role: revops}, method: least_open}
service_levels:
  - {name: quick, when: {source: evening}, respond_within: 30 minutes}
  - {name: standard, respond_within: 10 days}
"""
ROSTER = """\
teams:
  - {id: one, name: One}
  - {id: two, name: Two}
people:
  - {id: a1, name: Ada, role: ae, teams: [one], timezone: Europe/Berlin, backup: a2}
  - {id: a2, name: Alan, role: ae, teams: [one], timezone: Europe/Berlin, backup: a1}
  - {id: b1, name: Bea, role: ae, teams: [two], timezone: Europe/Berlin, backup: b2}
  - {id: b2, name: Ben, role: ae, teams: [two], timezone: Europe/Berlin, backup: b1}
  - {id: e1, name: Eve, role: expert, teams: [two], timezone: Europe/Berlin, backup: b1}
  - {id: d, name: Dora, role: revops, teams: [one], timezone: Europe/Berlin}
"""


@dataclass(frozen=True, slots=True)
class Planted:
    """What is not as everywhere: shares won more or less, and shares of leads that people place otherwise.

    `north`: of the segment north with team two. `bought`: of the source of that name. `partner`: share of the
    route that people hand to the experts. `abroad`: share of leads from Spain, for which there is no rule.
    `evening`: so many leads a day come when everybody has gone, and are promised a quick answer.
    """

    north: float = 0.0
    bought: float = 0.0
    partner: float = 0.0
    abroad: float = 0.0
    evening: int = 0


def company(
    connection: psycopg.Connection, planted: Planted = Planted(), seed: int = 0, a_week: int = 60
) -> Rulebooks:
    """Plays the quarter: leads arrive each working day, and at its end each week's leads are closed."""
    document, problems = read_roster(ROSTER)
    assert document is not None, problems
    before = FIRST - timedelta(days=30)
    put_roster(connection, document, "test", before)
    publish(connection, POLICY, "policy.yaml", "test", "first", before)
    books, rng = Rulebooks(), random.Random(seed)
    for week in range(WEEKS):
        monday = FIRST + timedelta(weeks=week)
        came: list[tuple[str, dict[str, Any], str | None]] = []
        for day in range(5):
            at = monday + timedelta(days=day)
            raws = [_lead(rng, planted, f"{week}-{day}-{n}") for n in range(a_week // 5)]
            came += _arrive(connection, books, raws, at)
            late = [_lead(rng, planted, f"{week}-{day}-late-{n}") for n in range(planted.evening)]
            late = [{**raw, "source": "evening"} for raw in late]
            came += _arrive(connection, books, late, at + timedelta(hours=8, minutes=30))
        _work(connection, books, rng, planted, came, monday + timedelta(days=4, hours=10))
    return books


def _arrive(
    connection: psycopg.Connection, books: Rulebooks, raws: list[dict[str, Any]], at: datetime
) -> list[tuple[str, dict[str, Any], str | None]]:
    given = [submission(_read(raw, at), "test", at) for raw in raws]
    receipts = route_batch(connection, books, given, at) if given else []
    return [
        (one.lead_id, raw, one.decision.standing.owner if one.decision else None)
        for one, raw in zip(receipts, raws, strict=True)
    ]


def _lead(rng: random.Random, planted: Planted, id_: str) -> dict[str, Any]:
    country = "ES" if rng.random() < planted.abroad else rng.choice(["DE", "DE", "FR", "IT"])
    return {
        "id": f"lead-{id_}",
        "email": f"someone@firm-{id_}.example",
        "country": country,
        "source": rng.choice(["web", "web", "search", "bought", "partner"]),
        "signals": [rng.choice(["demo_request", "content_download"])],
    }


def _read(raw: dict[str, Any], at: datetime) -> Any:
    given, problems = read_lead(raw, LEAD_FIELDS, at, UTC)
    assert given is not None, problems
    return given


def _work(
    connection: psycopg.Connection,
    books: Rulebooks,
    rng: random.Random,
    planted: Planted,
    came: list[tuple[str, dict[str, Any], str | None]],
    at: datetime,
) -> None:
    """Some leads are placed otherwise, all are answered, and most of them end."""
    placed, touched, closed = [], [], []
    for id_, raw, owner in came:
        who = owner
        if raw["country"] == "ES" and raw["source"] != "partner":
            placed.append(Act(id_, "review", "d", who := rng.choice(["b1", "b2", "a1"])))
        elif raw["source"] == "partner" and rng.random() < planted.partner:
            placed.append(Act(id_, "reassign", who, who := "e1"))
        touched.append(Act(id_, "touch", who, how="call"))
        if rng.random() < 0.9:
            won = rng.random() < _chance(raw, who, planted)
            value = 20_000 + rng.randrange(0, 10_000, 100) if won else None
            closed.append(Act(id_, "close", who, outcome="won" if won else "lost", value=value))
    for acts, moment in (
        (placed, at),
        (touched, at + timedelta(minutes=30)),
        (closed, at + timedelta(hours=1)),
    ):
        for receipt in act(connection, books, acts, moment) if acts else ():
            assert receipt.status != "refused", receipt.problem


def _chance(raw: dict[str, Any], who: str | None, planted: Planted) -> float:
    chance = 0.3 + planted.bought * (raw["source"] == "bought")
    return chance + planted.north * (raw["country"] == "DE" and who in ("b1", "b2", "e1"))
