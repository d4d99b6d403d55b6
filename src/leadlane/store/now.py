"""What comes in, what is promised, and who waits for whom, at this moment? Each read up to a bound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

# Counting stops here, and is told to have: a page about now must not wait for a day of a million leads.
MOST_ARRIVALS = 5000
MOST_OF_A_PERSON = 50
MOST_OF_A_LINE = 1000


@dataclass(frozen=True, slots=True)
class Arrived:
    """How many leads of a route came in one hour; `hours_ago` is 0 for the last 60 minutes."""

    route: str
    hours_ago: int
    is_today: bool
    count: int


@dataclass(frozen=True, slots=True)
class Promised:
    """An open lead that was promised an answer, and got none so far."""

    id: str
    fields: dict[str, Any]
    route: str
    stage: str
    owner: str
    covered_by: str | None
    respond_by: datetime
    place: int


@dataclass(frozen=True, slots=True)
class Promises:
    """Somebody's promises: how many are broken, how many end soon, the next of these. Counts are bounded."""

    owner: str
    broken: int
    soon: int
    next_at: datetime | None

    @property
    def count(self) -> int:
        """Both together, at most MOST_OF_A_PERSON."""
        return self.broken + self.soon


@dataclass(frozen=True, slots=True)
class Line:
    """Leads that wait in line for a pool; counted up to MOST_OF_A_LINE."""

    pool: str
    count: int
    oldest: datetime


_ARRIVED = """
WITH newest AS MATERIALIZED (
    SELECT route, arrived_at, owner, covered_by FROM leads
     WHERE arrived_at > %(since)s AND arrived_at <= %(now)s
     ORDER BY arrived_at DESC, id DESC LIMIT %(most)s)
SELECT route, date_bin('1 hour', arrived_at, %(now)s) AS hour, arrived_at >= %(midnight)s,
       count(*), (SELECT count(*) FROM newest)
  FROM newest
 WHERE %(people)s::text[] IS NULL OR owner = ANY(%(people)s) OR covered_by = ANY(%(people)s)
 GROUP BY 1, 2, 3
"""


def arrived(
    connection: Connection, people: Sequence[str] | None, since: datetime, midnight: datetime, now: datetime
) -> tuple[list[Arrived], bool]:
    """What came in since a moment, by route and hour, and whether these are only the newest MOST_ARRIVALS.

    `people`: only what they own or cover.
    """
    values = {"people": _listed(people), "since": since, "midnight": midnight, "now": now}
    rows = connection.execute(_ARRIVED, {**values, "most": MOST_ARRIVALS}).fetchall()
    found = [Arrived(route, _hours_ago(hour, now), *others) for route, hour, *others, _all in rows]
    return found, any(row[4] >= MOST_ARRIVALS for row in rows)


def _hours_ago(hour: datetime, now: datetime) -> int:
    """How many whole hours ago an hour ended that began then; this very moment is of the last."""
    return max(0, round((now - hour) / timedelta(hours=1)) - 1)


# Of each person what ends last within the time, and before it: what ends soon, then what broke lately.
_DUE = """
WITH due AS MATERIALIZED (
    SELECT one.* FROM unnest(%(people)s::text[]) AS person (id), LATERAL (
        SELECT owner, respond_by, id FROM leads
         WHERE owner = person.id AND respond_by <= %(until)s AND responded_at IS NULL AND stage <> 'closed'
         ORDER BY respond_by DESC, id DESC LIMIT %(each)s) AS one)
"""
_BY_PERSON = (
    _DUE
    + """
SELECT owner, count(*) FILTER (WHERE respond_by <= %(now)s) AS broken,
       count(*) FILTER (WHERE respond_by > %(now)s) AS soon,
       min(respond_by) FILTER (WHERE respond_by > %(now)s) AS next_at
  FROM due GROUP BY owner
"""
)
_URGENT = (
    _DUE
    + """
, urgent AS MATERIALIZED (
    SELECT id FROM due
     ORDER BY respond_by <= %(now)s, CASE WHEN respond_by > %(now)s THEN respond_by END, respond_by DESC
     LIMIT %(most)s)
SELECT id, fields, route, stage, owner, covered_by, respond_by, place
  FROM urgent JOIN leads USING (id)
 ORDER BY respond_by <= %(now)s, CASE WHEN respond_by > %(now)s THEN respond_by END, respond_by DESC
"""
)


def promises(connection: Connection, people: Sequence[str], until: datetime, now: datetime) -> list[Promises]:
    """For each of these people with any, the unanswered promises that are broken or end before a moment."""
    values = {"people": list(people), "until": until, "now": now, "each": MOST_OF_A_PERSON}
    with connection.cursor(row_factory=class_row(Promises)) as cursor:
        return cursor.execute(_BY_PERSON, values).fetchall()


def urgent(
    connection: Connection, people: Sequence[str], until: datetime, now: datetime, most: int
) -> list[Promised]:
    """The same leads one by one, at most `most`: the next to break first, then the last that broke."""
    values = {"people": list(people), "until": until, "now": now, "each": MOST_OF_A_PERSON, "most": most}
    with connection.cursor(row_factory=class_row(Promised)) as cursor:
        return cursor.execute(_URGENT, values).fetchall()


def lines(connection: Connection, pools: Sequence[str]) -> list[Line]:
    """How many wait in line for each of these pools, and since when the first does."""
    with connection.cursor(row_factory=class_row(Line)) as cursor:
        return cursor.execute(
            "SELECT pool.name AS pool, count(*) AS count, min(waits.arrived_at) AS oldest"
            " FROM unnest(%s::text[]) AS pool (name), LATERAL ("
            " SELECT arrived_at FROM leads WHERE waiting_pool = pool.name AND stage = 'review'"
            " ORDER BY arrived_at, id LIMIT %s) AS waits GROUP BY pool.name ORDER BY oldest",
            [list(pools), MOST_OF_A_LINE],
        ).fetchall()


def _listed(people: Sequence[str] | None) -> list[str] | None:
    return None if people is None else list(people)
