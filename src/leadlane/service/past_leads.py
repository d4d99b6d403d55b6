"""What would have been decided differently? The last leads again, under the policy in force and another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection

from leadlane.core.policy import Policy
from leadlane.service.deciding_again import Outcome, Side, decided_again
from leadlane.service.prospects import person_name
from leadlane.service.rulebooks import Rulebooks
from leadlane.store import leads
from leadlane.store.leads import RoutedLead

MOST = 2_000
# What is compared, in the order of a decision.
COMPARED = ("segment", "route", "destination", "service_level", "owner")


@dataclass(frozen=True, slots=True)
class Differing:
    """A lead about which two policies disagree."""

    lead: str
    name: str
    company: str
    arrived_at: datetime
    before: Outcome
    after: Outcome


@dataclass(frozen=True, slots=True)
class Past:
    """What came of deciding again. `moved` counts leads by what was compared: (name, from, to, how many).

    `left_out` leads were not routed on their arrival, or stand on what is no longer there.
    """

    looked_at: int
    left_out: int
    differing: list[Differing]
    moved: list[tuple[str, str, str, int]]


def decide_again(
    connection: Connection, draft: Policy, most: int, report: Callable[[int, int], None]
) -> Past:
    """Decide about the last `most` leads (up to MOST) under the policy in force and under a draft.

    `report` hears how many are done, and of how many. NothingPublishedError without a policy in force.
    """
    sides = (Side(Rulebooks().current(connection).policy), Side(draft))
    wanted = leads.last_routed(connection, min(most, MOST))
    differing, left_out = [], 0
    for done, (one, (before, after)) in enumerate(decided_again(connection, sides, wanted), start=1):
        if before is None or after is None:
            left_out += 1
        elif before.outcome != after.outcome:
            differing.append(differs(one, before.outcome, after.outcome))
        report(done, len(wanted))
    differing.reverse()
    return Past(len(wanted), left_out, differing, moved(differing))


def as_json(past: Past) -> dict[str, Any]:
    """The same as plain data."""
    return asdict(past)


def read_past(raw: Mapping[str, Any]) -> Past:
    """The same from plain data."""
    differing = [
        Differing(
            **{
                **one,
                "arrived_at": datetime.fromisoformat(one["arrived_at"]),
                "before": Outcome(**one["before"]),
                "after": Outcome(**one["after"]),
            }
        )
        for one in raw["differing"]
    ]
    return Past(raw["looked_at"], raw["left_out"], differing, [tuple(one) for one in raw["moved"]])


def differs(one: RoutedLead, before: Outcome, after: Outcome) -> Differing:
    """A lead with what both made of it."""
    company = str(one.fields.get("company") or one.domain or "")
    return Differing(one.id, person_name(one.fields) or one.id, company, one.arrived_at, before, after)


def moved(differing: Iterable[Differing]) -> list[tuple[str, str, str, int]]:
    """How many leads went from where to where, by what was compared; the most first."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for one in differing:
        for name in COMPARED:
            pair = (getattr(one.before, name), getattr(one.after, name))
            counts[(name, *pair)] += pair[0] != pair[1]
    rows = [(*key, n) for key, n in counts.items() if n]
    return sorted(rows, key=lambda row: (COMPARED.index(row[0]), -row[3], row[1:3]))
