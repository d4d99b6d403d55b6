"""What would other rules have made of leads that came? Stored arrivals decided under several rulebooks.

All decide about the same lead, at the same moment, on what was stored of the world then; only the rules
differ. A pool whose ledger was not at hand then begins with an empty one; its turns go on from lead to lead.
How full people were is what it was then: that fewer leads would have reached them since is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby

import orjson
from psycopg import Connection

from leadlane.core.decide import Arrival, World, compile_rulebook, decide_batch
from leadlane.core.decision import Decision
from leadlane.core.facts import Load, Roster
from leadlane.core.fairness import Ledger
from leadlane.core.pick import PoolsNeeded
from leadlane.core.policy import Policy
from leadlane.core.rulebook import Rulebook
from leadlane.explain.speech import destination_words, person_words
from leadlane.policy.edit import Edit, EditError
from leadlane.policy.roster import build_roster
from leadlane.service.roster_text import edited_roster
from leadlane.service.rulebooks import Rulebooks, document_of, field_specs
from leadlane.store import leads
from leadlane.store import roster as roster_store
from leadlane.store.codec import read_happening, read_world
from leadlane.store.leads import RoutedLead


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a policy made of a lead, in words: names, "" where there is none."""

    segment: str
    route: str
    destination: str
    service_level: str
    owner: str


@dataclass(frozen=True, slots=True)
class Made:
    """What came of a lead: in words, the person's id, and by when they had to respond.

    `running`: those between whom only turns, or how full they were, decided.
    """

    outcome: Outcome
    person: str | None
    respond_by: datetime | None
    running: frozenset[str]


@dataclass(slots=True)
class Side:
    """A policy, and what it would change of the roster, while they decide: the rulebook at hand, ledgers."""

    policy: Policy
    roster: Sequence[Edit] = ()
    revision: int = -1
    book: Rulebook | None = None
    ledgers: dict[str, Ledger] = field(default_factory=dict)


def decided_again(
    connection: Connection, sides: Sequence[Side], wanted: Sequence[RoutedLead]
) -> Iterator[tuple[RoutedLead, list[Made | None]]]:
    """Each lead with what each side makes of it, in the order of their batches.

    None: it was not routed on its arrival, or stands on what is no longer there. Where a side changes of the
    roster what it did not have then, the roster is as it was.
    """
    rulebooks = Rulebooks()  # of its own: those that serve leads stay at hand for them
    by_batch = sorted(wanted, key=lambda one: one.batch_id)
    for batch_id, group in groupby(by_batch, key=lambda one: one.batch_id):
        here = list(group)
        yield from _batch_again(connection, rulebooks, sides, batch_id, here)


def _batch_again(
    connection: Connection,
    rulebooks: Rulebooks,
    sides: Sequence[Side],
    batch_id: int,
    wanted: Sequence[RoutedLead],
) -> Iterator[tuple[RoutedLead, list[Made | None]]]:
    last = max(one.decision_number for one in wanted)
    batch = leads.stored_batch(connection, batch_id, up_to=last)
    then = rulebooks.get(connection, batch.policy_version, batch.roster_revision)
    specs = field_specs(then.policy)
    # What people did in the same moment is none of the rules' business.
    happenings = [
        (one.number, happening)
        for one in batch.decisions
        if isinstance(happening := read_happening(orjson.loads(one.arrival), specs), Arrival)
    ]
    numbers, arrivals = [number for number, _one in happenings], [one for _number, one in happenings]
    asked = {one.decision_number for one in wanted}
    made: list[dict[int, Made]] = []
    for side in sides:
        book = _book(connection, side, then.roster)
        decisions = _decide(side, book, lambda: read_world(batch.world, specs), arrivals, batch.at)
        made.append(
            {
                number: _made(book, one)
                for number, one in zip(numbers, decisions, strict=True)
                if number in asked
            }
        )
    for one in wanted:
        yield one, [found.get(one.decision_number) for found in made]


def _book(connection: Connection, side: Side, then: Roster) -> Rulebook:
    """The rulebook of a side with the roster as it was; the last one is kept, since batches come in order."""
    if side.book is None or side.revision != then.revision:
        roster = then
        if side.roster:
            entries = roster_store.entries(connection, then.revision)
            with suppress(EditError):
                document = edited_roster(document_of(entries), side.roster)
                roster = build_roster(document, then.revision, then.holidays)
        side.book, side.revision = compile_rulebook(side.policy, roster), then.revision
    return side.book


def _decide(
    side: Side, book: Rulebook, world: Callable[[], World], arrivals: Sequence[Arrival], at: datetime
) -> list[Decision]:
    own: frozenset[str] = frozenset()
    while True:
        stored = world()  # deciding changes a world
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


def _made(book: Rulebook, decision: Decision) -> Made:
    standing = decision.standing
    steps = decision.trace.get("pick") or [{"running": ()}]
    running = frozenset(steps[-1].get("running", ()))
    return Made(outcome_of(book, decision), standing.owner, standing.respond_by, running)


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
