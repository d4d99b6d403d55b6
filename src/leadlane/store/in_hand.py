"""What do these people have in hand, the most urgent first? And how did it come to them?"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from leadlane.store.leads import Event


@dataclass(frozen=True, slots=True)
class InHand:
    """An open lead that somebody owns or covers.

    `due_at` is when it needs somebody next: the promise while nobody has answered, or the next step. `of_all`
    is how many there are in all.
    """

    id: str
    arrived_at: datetime
    fields: dict[str, Any]
    intent: str
    fit: str
    deal_value: float | None
    stage: str
    route: str
    owner: str | None
    covered_by: str | None
    respond_by: datetime | None
    responded_at: datetime | None
    next_step: str | None
    next_step_due_at: datetime | None
    unsure: bool
    place: int
    batch_id: int
    decision_number: int
    due_at: datetime | None
    of_all: int


# Both halves by an index of their own; what somebody has in hand is little, whatever they have closed.
_IN_HAND = """
SELECT id, arrived_at, fields, intent, fit, deal_value, stage, route, owner, covered_by, respond_by,
       responded_at, next_step, next_step_due_at, unsure, place, batch_id, decision_number, due_at,
       count(*) OVER () AS of_all
  FROM (SELECT *, least(CASE WHEN responded_at IS NULL THEN respond_by END, next_step_due_at) AS due_at
          FROM (SELECT * FROM leads WHERE owner = ANY(%(people)s) AND stage <> 'closed'
                UNION ALL
                SELECT * FROM leads WHERE covered_by = ANY(%(people)s) AND owner <> ALL(%(people)s)
                   AND stage <> 'closed') AS had) AS mine
 WHERE (%(stages)s::text[] IS NULL OR stage = ANY(%(stages)s))
   AND (%(intent)s::text IS NULL OR intent = %(intent)s)
   AND (%(text)s::text IS NULL OR position(lower(%(text)s) IN lower(concat_ws(
        ' ', fields->>'first_name', fields->>'last_name', fields->>'company', fields->>'email', id))) > 0)
 ORDER BY due_at NULLS LAST, arrived_at, id
 LIMIT %(most)s
"""


def in_hand(
    connection: Connection,
    people: Sequence[str],
    most: int,
    *,
    stages: Sequence[str] | None = None,
    intent: str | None = None,
    text: str | None = None,
) -> list[InHand]:
    """The open leads that these people own or cover, at most so many, those first that are due first.

    `text` is looked for in the names of person and company, the e-mail address and the id.
    """
    values = {"people": list(people), "most": most, "stages": list(stages) if stages is not None else None}
    with connection.cursor(row_factory=class_row(InHand)) as cursor:
        return cursor.execute(_IN_HAND, {**values, "intent": intent, "text": text}).fetchall()


def last_events(
    connection: Connection, lead_ids: Collection[str], events: Collection[str]
) -> dict[str, Event]:
    """The last of these events in the timeline of each lead that has one, by lead."""
    with connection.cursor(row_factory=class_row(Event)) as cursor:
        rows = cursor.execute(
            "SELECT t.* FROM unnest(%s::text[]) AS wanted (id), LATERAL ("
            " SELECT id, lead_id, at, event, actor, details FROM timeline"
            " WHERE lead_id = wanted.id AND event = ANY(%s) ORDER BY id DESC LIMIT 1) AS t",
            [list(lead_ids), list(events)],
        )
        return {row.lead_id: row for row in rows}


@dataclass(frozen=True, slots=True)
class Promised:
    """An open lead whose promise nobody has kept so far."""

    id: str
    fields: dict[str, Any]
    owner: str
    respond_by: datetime


_PROMISED = """
SELECT id, fields, owner, respond_by
  FROM (SELECT * FROM leads WHERE owner = %(person)s AND stage <> 'closed'
        UNION ALL
        SELECT * FROM leads
         WHERE covered_by = %(person)s AND owner <> %(person)s AND stage <> 'closed') AS had
 WHERE respond_by > %(after)s AND respond_by <= %(until)s AND responded_at IS NULL
 ORDER BY respond_by, id LIMIT %(most)s
"""


def promised(
    connection: Connection, person: str, after: datetime, until: datetime, most: int
) -> list[Promised]:
    """The first of the open promises on leads that somebody owns or covers, of those that end after a moment
    and at or before another.
    """
    values = {"person": person, "after": after, "until": until, "most": most}
    with connection.cursor(row_factory=class_row(Promised)) as cursor:
        return cursor.execute(_PROMISED, values).fetchall()
