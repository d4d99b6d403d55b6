"""Would it be decided the same way again? Decisions made once more from what was stored."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass

import orjson
from psycopg import Connection

from leadlane.core.decide import decide_batch
from leadlane.core.pick import PoolsNeeded
from leadlane.service.rulebooks import Rulebooks, field_specs
from leadlane.store import leads
from leadlane.store.codec import encode, read_arrival, read_world


@dataclass(frozen=True, slots=True)
class Replayed:
    """One decision made again: the trace as stored and as it came out, exact JSON texts."""

    batch_id: int
    number: int
    lead_id: str
    stored: str
    again: str

    @property
    def is_identical(self) -> bool:
        """Whether every byte is the same."""
        return self.stored == self.again

    def difference(self) -> list[str]:
        """The lines in which the two traces differ, as a unified diff of indented JSON."""
        texts = [
            orjson.dumps(orjson.loads(text), option=orjson.OPT_INDENT_2).decode().splitlines()
            if text
            else []
            for text in (self.stored, self.again)
        ]
        return list(difflib.unified_diff(texts[0], texts[1], "stored", "again", lineterm="", n=2))


def replay_batch(connection: Connection, books: Rulebooks, batch_id: int) -> list[Replayed]:
    """Decide a whole batch again: each decision knows what became of those before it."""
    batch = leads.stored_batch(connection, batch_id)
    book = books.get(connection, batch.policy_version, batch.roster_revision)
    specs = field_specs(book.policy)
    arrivals = [read_arrival(orjson.loads(one.arrival), specs) for one in batch.decisions]
    try:
        decisions, _hands = decide_batch(book, read_world(batch.world, specs), arrivals, batch.at)
        again = [encode(decision.trace).decode() for decision in decisions]
    except PoolsNeeded:
        # What was stored no longer suffices: as different as can be, and shown as such.
        again = [""] * len(arrivals)
    return [
        Replayed(one.batch_id, one.number, one.lead_id, one.trace, text)
        for one, text in zip(batch.decisions, again, strict=True)
    ]


def replay_lead(connection: Connection, books: Rulebooks, lead_id: str) -> list[Replayed]:
    """Every decision about one lead made again, oldest first."""
    batches = dict.fromkeys(row.batch_id for row in leads.decisions_of(connection, lead_id))
    return [
        one
        for batch_id in batches
        for one in replay_batch(connection, books, batch_id)
        if one.lead_id == lead_id
    ]


def replay_all(connection: Connection, books: Rulebooks) -> Iterator[Replayed]:
    """Every decision ever made, made again."""
    for batch_id in leads.batch_ids(connection):
        yield from replay_batch(connection, books, batch_id)
