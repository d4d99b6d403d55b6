"""What would have been decided differently? The last leads again, under the policy in force and another.

Both decide about the same lead, at the same moment, on what was stored of the world then; only the rules
differ. A pool whose ledger was not at hand then begins with an empty one; its turns go on from lead to lead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

import orjson
from psycopg import Connection

from leadlane.core.decide import Arrival, World, compile_rulebook, decide_batch
from leadlane.core.decision import Decision
from leadlane.core.facts import Load
from leadlane.core.fairness import Ledger
from leadlane.core.pick import PoolsNeeded
from leadlane.core.policy import Policy
from leadlane.core.rulebook import Rulebook
from leadlane.explain.speech import destination_words, person_words
from leadlane.service.prospects import person_name
from leadlane.service.rulebooks import Rulebooks, field_specs
from leadlane.store import leads
from leadlane.store.codec import read_happening, read_world
from leadlane.store.leads import RoutedLead

MOST = 2_000
# What is compared, in the order of a decision.
COMPARED = ("segment", "route", "destination", "service_level", "owner")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a policy made of a lead, in words: names, "" where there is none."""

    segment: str
    route: str
    destination: str
    service_level: str
    owner: str


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


@dataclass(slots=True)
class _Side:
    """One of the two policies while it decides: its rulebooks by roster revision, and ledgers of its own."""

    policy: Policy
    books: dict[int, Rulebook] = field(default_factory=dict)
    ledgers: dict[str, Ledger] = field(default_factory=dict)


def decide_again(
    connection: Connection, draft: Policy, most: int, report: Callable[[int, int], None]
) -> Past:
    """Decide about the last `most` leads (up to MOST) under the policy in force and under a draft.

    `report` hears how many are done, and of how many. NothingPublishedError without a policy in force.
    """
    rulebooks = Rulebooks()  # of its own: those that serve leads stay at hand for them
    sides = (_Side(rulebooks.current(connection).policy), _Side(draft))
    wanted = leads.last_routed(connection, min(most, MOST))
    by_batch: dict[int, list[RoutedLead]] = {}
    for one in wanted:
        by_batch.setdefault(one.batch_id, []).append(one)
    differing, done, left_out = [], 0, 0
    for batch_id in sorted(by_batch):
        here = by_batch[batch_id]
        outcomes = [_outcomes(connection, rulebooks, side, batch_id, here) for side in sides]
        for one in here:
            before, after = outcomes[0].get(one.id), outcomes[1].get(one.id)
            if before is None or after is None:
                left_out += 1
            elif before != after:
                differing.append(_differing(one, before, after))
        done += len(here)
        report(done, len(wanted))
    differing.reverse()
    return Past(len(wanted), left_out, differing, _moved(differing))


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


def _differing(one: RoutedLead, before: Outcome, after: Outcome) -> Differing:
    company = str(one.fields.get("company") or one.domain or "")
    return Differing(one.id, person_name(one.fields) or one.id, company, one.arrived_at, before, after)


def _moved(differing: Iterable[Differing]) -> list[tuple[str, str, str, int]]:
    """How many leads went from where to where, by what was compared; the most first."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for one in differing:
        for name in COMPARED:
            pair = (getattr(one.before, name), getattr(one.after, name))
            counts[(name, *pair)] += pair[0] != pair[1]
    rows = [(*key, n) for key, n in counts.items() if n]
    return sorted(rows, key=lambda row: (COMPARED.index(row[0]), -row[3], row[1:3]))


# ---------------------------------------------------------------- one side


def _outcomes(
    connection: Connection, rulebooks: Rulebooks, side: _Side, batch_id: int, wanted: Sequence[RoutedLead]
) -> dict[str, Outcome]:
    """What one policy makes of the leads of a batch that arrived in it, by id."""
    last = max(one.decision_number for one in wanted)
    batch = leads.stored_batch(connection, batch_id, up_to=last)
    then = rulebooks.get(connection, batch.policy_version, batch.roster_revision)
    book = side.books.get(batch.roster_revision)
    if book is None:
        book = side.books[batch.roster_revision] = compile_rulebook(side.policy, then.roster)
    specs = field_specs(then.policy)
    # What people did in the same moment is none of the rules' business.
    happenings = [
        (one.number, happening)
        for one in batch.decisions
        if isinstance(happening := read_happening(orjson.loads(one.arrival), specs), Arrival)
    ]
    world = lambda: read_world(batch.world, specs)  # noqa: E731  # deciding changes a world
    decisions = _decide(side, book, world, [one for _number, one in happenings], batch.at)
    by_number = {number: one for (number, _), one in zip(happenings, decisions, strict=True)}
    return {
        one.id: outcome_of(book, by_number[one.decision_number])
        for one in wanted
        if one.decision_number in by_number
    }


def _decide(
    side: _Side, book: Rulebook, world: Callable[[], World], arrivals: Sequence[Arrival], at: datetime
) -> list[Decision]:
    own: frozenset[str] = frozenset()
    while True:
        stored = world()
        mine = {pool: side.ledgers.setdefault(pool, Ledger()) for pool in own}
        mine = {pool: _copy(ledger) for pool, ledger in mine.items()}
        ledgers = {**mine, **{pool: one for pool, one in stored.ledgers.items() if pool in book.benches}}
        people = {person for pool in ledgers for person in book.benches[pool].ids}
        loads = {**dict.fromkeys(people, Load(0, 0)), **stored.loads}
        try:
            decisions, hands = decide_batch(book, replace(stored, ledgers=ledgers, loads=loads), arrivals, at)
        except PoolsNeeded as more:
            if more.pools <= own:
                raise
            own |= more.pools
        else:
            side.ledgers.update({pool: hands.ledgers[pool] for pool in own})
            return decisions


def _copy(ledger: Ledger) -> Ledger:
    return Ledger(dict(ledger.balances), dict(ledger.last), ledger.picks)


def outcome_of(book: Rulebook, decision: Decision) -> Outcome:
    """What a decision came to, in words."""
    standing, name = decision.standing, decision.trace["route"]["name"]
    route = next(route for route in book.policy.routes if route.name == name)
    return Outcome(
        segment=decision.qualified.segment or "",
        route=name,
        destination=destination_words(route),
        service_level=standing.service_level or "",
        owner=person_words(book.roster, standing.owner) if standing.owner is not None else "",
    )
