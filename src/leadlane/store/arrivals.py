"""When do leads come? Counted by pool and hour, so that nobody has to count leads to know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection
from psycopg.rows import class_row


@dataclass(frozen=True, slots=True)
class Usual:
    """How many leads came to a pool in an hour of the week, in all weeks counted together.

    `weekday` is 0 for Monday; both are of the zone that was asked for.
    """

    pool: str
    weekday: int
    hour: int
    count: int


# In one statement, so that nobody ever reads a part.
_COUNT = """
WITH counted AS (
    SELECT date_trunc('hour', arrived_at, 'UTC') AS hour, coalesce(pool, '') AS pool, count(*) AS count
      FROM leads WHERE arrived_at >= %(since)s AND arrived_at < %(until)s
     GROUP BY 1, 2),
gone AS (
    DELETE FROM arrivals WHERE hour < %(kept_from)s
       OR (hour >= %(since)s AND (hour, pool) NOT IN (SELECT hour, pool FROM counted)))
INSERT INTO arrivals (hour, pool, count) SELECT hour, pool, count FROM counted
ON CONFLICT (hour, pool) DO UPDATE SET count = excluded.count WHERE arrivals.count <> excluded.count
"""


def count(connection: Connection, since: datetime, until: datetime, kept_from: datetime) -> None:
    """Count what came from `since` to before `until`, both full hours; forget what was before `kept_from`."""
    connection.execute(_COUNT, {"since": since, "until": until, "kept_from": kept_from})


def usual(connection: Connection, zone: str, since: datetime, until: datetime) -> list[Usual]:
    """What came in these hours, by hour of the week in a zone."""
    with connection.cursor(row_factory=class_row(Usual)) as cursor:
        return cursor.execute(
            "SELECT pool, extract(isodow FROM hour AT TIME ZONE %(zone)s)::integer - 1 AS weekday,"
            " extract(hour FROM hour AT TIME ZONE %(zone)s)::integer AS hour, sum(count)::integer AS count"
            " FROM arrivals WHERE hour >= %(since)s AND hour < %(until)s AND pool <> '' GROUP BY 1, 2, 3",
            {"zone": zone, "since": since, "until": until},
        ).fetchall()


def first(connection: Connection) -> datetime | None:
    """The first hour in which anything came, of those counted."""
    row = connection.execute("SELECT min(hour) FROM arrivals").fetchone()
    return row[0] if row else None
