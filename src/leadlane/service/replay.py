"""Would it be decided the same way again? Decisions made once more from what was stored."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import orjson
from psycopg import Connection

from leadlane.core.act import Act
from leadlane.core.decide import Arrival, World, decide_batch
from leadlane.core.decision import Decision, Refusal
from leadlane.core.pick import Hands, PoolsNeeded
from leadlane.core.rulebook import Rulebook
from leadlane.service.rulebooks import Rulebooks, field_specs
from leadlane.store import leads
from leadlane.store.codec import encode, read_happening, read_world
from leadlane.store.leads import StoredBatch


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
            orjson.dumps(orjson.loads(text), option=orjson.OPT_INDENT_2).decode().splitlines() if text else []
            for text in (self.stored, self.again)
        ]
        return list(difflib.unified_diff(texts[0], texts[1], "stored", "again", lineterm="", n=2))


@dataclass(frozen=True, slots=True)
class Reopened:
    """A stored batch, ready to be decided again: its rules, and what happened in it, in order."""

    batch: StoredBatch
    book: Rulebook
    own_books: dict[str, Rulebook]
    happenings: list[Arrival | Act]

    def world(self) -> World:
        """What the batch met, made anew at every call: deciding changes it."""
        return read_world(self.batch.world, field_specs(self.book.policy))

    def decide(
        self, world: World, happenings: Sequence[Arrival | Act]
    ) -> tuple[list[Decision | Refusal | None], Hands]:
        """Decide some of it in a world."""
        return decide_batch(self.book, world, happenings, self.batch.at, self.own_books)


def reopen(connection: Connection, books: Rulebooks, batch_id: int) -> Reopened:
    """Read a batch back. KeyError if there is none."""
    batch = leads.stored_batch(connection, batch_id)
    book = books.get(connection, batch.policy_version, batch.roster_revision)
    specs = field_specs(book.policy)
    versions = {lead["policy"] for lead in batch.world["known"]["leads"].values()} - {""}
    own_books = {version: books.get(connection, version, batch.roster_revision) for version in versions}
    happenings = [read_happening(orjson.loads(one.arrival), specs) for one in batch.decisions]
    return Reopened(batch, book, own_books, happenings)


def replay_batch(connection: Connection, books: Rulebooks, batch_id: int) -> list[Replayed]:
    """Decide a whole batch again: each decision knows what became of those before it."""
    stored = reopen(connection, books, batch_id)
    try:
        decided, _hands = stored.decide(stored.world(), stored.happenings)
        again = [encode(one.trace).decode() if isinstance(one, Decision) else "" for one in decided]
    except PoolsNeeded:
        # What was stored no longer suffices: as different as can be, and shown as such.
        again = [""] * len(stored.happenings)
    return [
        Replayed(one.batch_id, one.number, one.lead_id, one.trace, text)
        for one, text in zip(stored.batch.decisions, again, strict=True)
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
