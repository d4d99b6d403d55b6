"""Which leads could somebody mean who tells how one ended, and how is it written down of closed ones?"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import orjson
from psycopg import Connection
from psycopg.rows import class_row

# Of a mailbox or a company with more leads than this nobody can say which one is meant.
MOST_FOUND = 50


@dataclass(frozen=True, slots=True)
class Ending:
    """How a lead ended: an outcome of `core.act.CLOSINGS` (None while it is open), its value, and when."""

    outcome: str | None
    value: float | None
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Found:
    """A lead that goes by `clue` (an id, the key of a mailbox, or a domain), and how it stands."""

    clue: str
    id: str
    arrived_at: datetime
    is_open: bool
    outcome: str | None
    value: float | None
    closed_at: datetime | None

    @property
    def ending(self) -> Ending:
        """How it ended, so far as that is known."""
        return Ending(self.outcome, self.value, self.closed_at)


@dataclass(frozen=True, slots=True)
class Correction:
    """What is written of a closed lead instead of what was, by whom (as the timeline says it), and why."""

    lead_id: str
    was: Ending
    now: Ending
    actor: str
    reason: str


_FOUND = "l.id, l.arrived_at, l.stage <> 'closed' AS is_open, l.outcome, l.value, l.closed_at"
_BY_ID = f"""
SELECT wanted.clue, {_FOUND}
  FROM unnest(%(clues)s::text[]) AS wanted (clue) JOIN leads l ON l.id = lead_now(wanted.clue)
"""
# Each half has an index of its own: that of open leads is what keeps a person from being two of them.
_BY_EMAIL = f"""
SELECT wanted.clue, {_FOUND}
  FROM unnest(%(clues)s::text[]) AS wanted (clue), LATERAL (
       SELECT * FROM leads WHERE email_key = wanted.clue AND stage <> 'closed'
       UNION ALL
       (SELECT * FROM leads WHERE email_key = wanted.clue AND stage = 'closed' AND merged_into IS NULL
         ORDER BY arrived_at DESC LIMIT %(most)s)) AS l
"""
_BY_DOMAIN = f"""
SELECT wanted.clue, {_FOUND}
  FROM unnest(%(clues)s::text[]) AS wanted (clue), LATERAL (
       (SELECT * FROM leads WHERE domain = wanted.clue AND stage IN ('assigned', 'accepted', 'working')
         ORDER BY arrived_at LIMIT %(most)s)
       UNION ALL
       (SELECT * FROM leads WHERE domain = wanted.clue AND stage IN ('review', 'nurture', 'closed')
           AND merged_into IS NULL ORDER BY arrived_at DESC LIMIT %(most)s)) AS l
"""
_CORRECT = """
WITH given AS (
    SELECT * FROM json_to_recordset(%(given)s::json) AS g (
           lead_id text, outcome text, value float8, closed_at timestamptz, actor text, details json)
), changed AS (
    UPDATE leads
       SET outcome = g.outcome, value = g.value, closed_at = g.closed_at, changed_at = %(now)s
      FROM given g WHERE leads.id = g.lead_id
)
INSERT INTO timeline (lead_id, at, event, actor, details)
SELECT lead_id, %(now)s, 'outcome_corrected', actor, details FROM given
"""


def by_ids(connection: Connection, ids: Collection[str]) -> list[Found]:
    """The leads that go by these ids, their own or of what was merged into them."""
    return _found(connection, _BY_ID, ids)


def by_emails(connection: Connection, email_keys: Collection[str]) -> list[Found]:
    """The leads of these mailboxes, open and closed, the last MOST_FOUND of each."""
    return _found(connection, _BY_EMAIL, email_keys)


def by_domains(connection: Connection, domains: Collection[str]) -> list[Found]:
    """The leads of these companies, open and closed, about MOST_FOUND of each."""
    return _found(connection, _BY_DOMAIN, domains)


def hold_closed(connection: Connection, lead_ids: Iterable[str]) -> dict[str, Ending]:
    """Lock those of these leads that are closed, and how they ended; others are left out."""
    rows = connection.execute(
        "SELECT id, outcome, value, closed_at FROM leads"
        " WHERE id = ANY(%s) AND stage = 'closed' AND merged_into IS NULL ORDER BY id FOR UPDATE",
        [list(lead_ids)],
    )
    return {lead_id: Ending(*ending) for lead_id, *ending in rows}


def correct(connection: Connection, corrections: Sequence[Correction], now: datetime) -> None:
    """Write corrections of leads that this transaction holds, with a line in the timeline of each."""
    given = [
        {"lead_id": one.lead_id, **asdict(one.now), "actor": one.actor, "details": _details(one)}
        for one in corrections
    ]
    connection.execute(_CORRECT, {"given": orjson.dumps(given).decode(), "now": now})


def _details(one: Correction) -> Mapping[str, object]:
    details = {**asdict(one.now), "was": asdict(one.was)}
    return {**details, "reason": one.reason} if one.reason else details


def _found(connection: Connection, statement: str, clues: Collection[str]) -> list[Found]:
    if not clues:
        return []
    with connection.cursor(row_factory=class_row(Found)) as cursor:
        return cursor.execute(statement, {"clues": list(clues), "most": MOST_FOUND}).fetchall()
