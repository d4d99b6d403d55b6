"""What did people have to do with the leads of a period, which routes placed any, and what was prevented?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection
from psycopg.rows import class_row


@dataclass(frozen=True, slots=True)
class ByPeople:
    """So many leads of a route, and of the week that begins with the moment of this number (from 1).

    `why` is a reason code, `review_route` where a rule asks for a person, None for leads that did not go to
    review. `is_placed`: a person placed them from review, or is to.
    """

    route: str
    week: int
    leads: int
    why: str | None
    is_placed: bool
    is_handed_over: bool
    is_declined: bool
    is_disputed: bool


@dataclass(frozen=True, slots=True)
class Merged:
    """Arrivals that became part of open leads: of how many leads, and how many of these somebody has."""

    arrivals: int
    leads: int
    owned: int


# The condition on decisions is that of their index `decisions_by_people`, word for word. What came to review
# because nobody was free, and was given to somebody by itself, no person had to decide about.
BY_PEOPLE = """
WITH decided AS MATERIALIZED (
    SELECT lead_id, route, at, number, outcome, route_use_of(outcome, trace) AS use,
           CASE WHEN outcome IN ('placed', 'moved') THEN
                    coalesce((SELECT reason
                                FROM json_array_elements_text(trace #> '{result,reasons}') AS reason
                               WHERE reason = ANY(%(whys)s) LIMIT 1), 'review_route')
                WHEN (trace #> '{result,reasons}')::jsonb ? 'reassignment_limit' THEN 'reassignment_limit'
           END AS why
      FROM decisions
     WHERE at >= %(since)s AND at <= %(now)s
       AND (outcome IN ('reassigned', 'reviewed', 'disputed', 'served')
            OR destination LIKE 'review:%%' AND outcome IN ('placed', 'moved', 'chased'))
), leads_of AS (
    SELECT l.route, width_bucket(l.arrived_at, %(weeks)s::timestamptz[]) AS week,
           (array_agg(d.why ORDER BY d.at, d.number) FILTER (WHERE d.why IS NOT NULL))[1] AS why,
           coalesce(bool_or(d.outcome = 'reviewed'), false)
               OR (bool_or(d.why IS NOT NULL) AND NOT bool_or(d.outcome = 'served')) AS is_placed,
           coalesce(bool_or(d.use = 'handed_over'), false) AS is_handed_over,
           coalesce(bool_or(d.use = 'declined'), false) AS is_declined,
           coalesce(bool_or(d.use = 'disputed'), false) AS is_disputed
      FROM decided AS d
      JOIN leads AS l ON l.id = d.lead_id AND l.route = d.route
     WHERE l.arrived_at >= %(since)s AND l.arrived_at < %(until)s AND l.merged_into IS NULL
     GROUP BY l.id
)
SELECT route, week, count(*) AS leads, why, is_placed, is_handed_over, is_declined, is_disputed
  FROM leads_of GROUP BY route, week, why, is_placed, is_handed_over, is_declined, is_disputed
"""

MERGED = """
SELECT count(*) AS arrivals, count(DISTINCT l.id) AS leads,
       count(DISTINCT l.id) FILTER (WHERE l.owner IS NOT NULL) AS owned
  FROM timeline AS t JOIN leads AS l ON l.id = t.lead_id
 WHERE t.event = 'merged' AND t.at >= %(since)s AND t.at < %(until)s
"""


def by_people(
    connection: Connection,
    since: datetime,
    until: datetime,
    now: datetime,
    weeks: Sequence[datetime],
    whys: Sequence[str],
) -> list[ByPeople]:
    """What people did until now with the leads that arrived in a period, counted together.

    `weeks` are the moments at which weeks begin, in order; `whys` the reasons of review that are told apart.
    """
    values = {"since": since, "until": until, "now": now, "weeks": list(weeks), "whys": list(whys)}
    with connection.cursor(row_factory=class_row(ByPeople)) as cursor:
        return cursor.execute(BY_PEOPLE, values).fetchall()


def placed_by(connection: Connection, routes: Sequence[str], since: datetime, until: datetime) -> set[str]:
    """Which of these routes gave any lead its place in a period, wherever that is by now."""
    rows = connection.execute(
        "SELECT route FROM unnest(%s::text[]) AS name (route) WHERE EXISTS ("
        " SELECT FROM decisions AS d WHERE d.route = name.route AND d.outcome IN ('placed', 'moved')"
        " AND d.at >= %s AND d.at < %s)",
        [list(routes), since, until],
    )
    return {route for (route,) in rows}


def merged(connection: Connection, since: datetime, until: datetime) -> Merged:
    """The arrivals of a period that became part of a lead that was open."""
    with connection.cursor(row_factory=class_row(Merged)) as cursor:
        row = cursor.execute(MERGED, {"since": since, "until": until}).fetchone()
    assert row is not None  # an aggregate always gives one row
    return row
