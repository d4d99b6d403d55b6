"""Which promises ended in a period, in whose hands, and when was what done about them?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection
from psycopg.rows import class_row


@dataclass(frozen=True, slots=True)
class Promised:
    """A promise to a prospect that ended at `respond_by`.

    `arrived_at` is the arrival of the lead, or of the signal that got it routed again; `assigned_at` when
    somebody first had it after that. `person` had it when they answered, or else when the promise ended,
    since `had_since`; they were told at `told_at` by `channel`, where that is still known.
    `is_theirs`: nobody else has had it between that moment and the answer, or its close, or now.
    """

    lead_id: str
    arrived_at: datetime
    assigned_at: datetime | None
    person: str | None
    had_since: datetime | None
    is_theirs: bool
    told_at: datetime | None
    channel: str | None
    respond_by: datetime
    responded_at: datetime | None
    closed_at: datetime | None
    service_level: str
    route: str
    segment: str | None
    source: str | None


# `judged_at`: a promise is judged when it is answered, or when it ends. Whoever has the lead still since then
# is read from its row; of others the timeline tells. A lead handed on at the very end of the promise was in
# the hands before.
ENDED = """
WITH ended AS MATERIALIZED (
    SELECT id, arrived_at, respond_by, responded_at, closed_at, service_level, route, segment,
           fields ->> 'source' AS source, batch_id, decision_number, owner, covered_by, held_since,
           least(responded_at, respond_by) AS judged_at,
           coalesce(held_since < respond_by AND held_since <= responded_at, held_since < respond_by, false)
               AS is_theirs
      FROM leads
     WHERE respond_by >= %(since)s AND respond_by < %(until)s AND service_level IS NOT NULL
     ORDER BY respond_by
     LIMIT %(most)s
), held AS MATERIALIZED (
    SELECT e.*, d.at AS routed_at, d.owner AS routed_to,
           CASE WHEN d.outcome = 'placed' THEN e.arrived_at
                ELSE coalesce((d.trace -> 'promise' ->> 'counted_from')::timestamptz, e.arrived_at)
           END AS asked_at,
           CASE WHEN e.is_theirs THEN coalesce(e.covered_by, e.owner) ELSE coalesce(h.covered_by, h.owner) END
               AS person,
           CASE WHEN e.is_theirs THEN e.held_since ELSE h.since END AS had_since
      FROM ended AS e
      LEFT JOIN decisions AS d ON d.batch_id = e.batch_id AND d.number = e.decision_number
      LEFT JOIN LATERAL (
          -- Every place that the timeline tells, and every end of a cover: then the owner stays.
          SELECT (array_agg(t.details ->> 'owner' ORDER BY t.id DESC) FILTER (WHERE t.event <> 'returned'))[1]
                     AS owner,
                 (array_agg(CASE WHEN t.event <> 'returned' THEN t.details ->> 'covered_by' END
                            ORDER BY t.id DESC))[1] AS covered_by,
                 max(t.at) AS since
            FROM timeline AS t
           WHERE t.lead_id = e.id AND t.at <= e.judged_at
             AND (t.at < e.respond_by OR e.responded_at <= e.respond_by)
             AND (t.event = 'returned' OR t.details -> 'destination' IS NOT NULL)) AS h ON NOT e.is_theirs
), told AS MATERIALIZED (
    SELECT o.lead_id, d.person, d.finished_at, d.channel
      FROM deliveries AS d
      JOIN delivery_items AS i ON i.delivery_id = d.id
      JOIN outbox AS o ON o.id = i.outbox_id
     WHERE d.state = 'sent' AND d.person IS NOT NULL AND o.lead_id IS NOT NULL
       AND d.finished_at >= (SELECT min(had_since) FROM held) AND d.finished_at <= %(now)s
)
SELECT h.id AS lead_id, h.asked_at AS arrived_at,
       CASE WHEN h.routed_to IS NOT NULL THEN h.routed_at ELSE f.at END AS assigned_at,
       h.person, h.had_since, h.is_theirs, t.finished_at AS told_at, t.channel, h.respond_by, h.responded_at,
       h.closed_at, h.service_level, h.route, h.segment, h.source
  FROM held AS h
  LEFT JOIN LATERAL (
      SELECT min(at) AS at FROM timeline
       WHERE lead_id = h.id AND at >= h.routed_at AND details ->> 'owner' IS NOT NULL) AS f
    ON h.routed_to IS NULL
  LEFT JOIN (
      SELECT DISTINCT ON (held.id) held.id, told.finished_at, told.channel
        FROM held JOIN told ON told.lead_id = held.id AND told.person = held.person
                           AND told.finished_at >= held.had_since
       ORDER BY held.id, told.finished_at) AS t ON t.id = h.id
 ORDER BY h.respond_by, h.id
"""


def ended(
    connection: Connection, since: datetime, until: datetime, now: datetime, most: int
) -> list[Promised]:
    """The promises that ended from `since` until before `until`, in that order, at most `most`.

    A lead that was promised something anew counts with its last promise.
    """
    values = {"since": since, "until": until, "now": now, "most": most}
    with connection.cursor(row_factory=class_row(Promised)) as cursor:
        return cursor.execute(ENDED, values).fetchall()


def open_leads(connection: Connection, people: Sequence[str]) -> dict[str, int]:
    """How many leads each of these people has in hand."""
    rows = connection.execute("SELECT person, open FROM loads WHERE person = ANY(%s)", [list(people)])
    return dict(rows.fetchall())
