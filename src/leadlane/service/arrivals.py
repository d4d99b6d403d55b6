"""How many leads are to be expected in an hour of the week? As many as came in the last weeks, on average."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from psycopg import Connection

from leadlane.store import arrivals

WEEKS = 8
_WEEK = timedelta(weeks=1)
# Leads may be stored some time after they came; older ones are counted anew when a worker starts.
RECENT = timedelta(days=2)

# (pool, weekday with 0 for Monday, hour) → leads.
Expected = Mapping[tuple[str, int, int], float]


def count_arrivals(connection: Connection, now: datetime, back: timedelta = WEEKS * _WEEK) -> None:
    """Bring the counts up to date, from `back` before the present hour until that hour."""
    hour = _full_hour(now)
    arrivals.count(connection, hour - back, hour, hour - WEEKS * _WEEK)


def expected_arrivals(connection: Connection, zone: str, now: datetime) -> tuple[Expected, int]:
    """How many leads come to each pool in each hour of a week (in a zone), and of how many weeks that is
    the average: at most WEEKS, 0 where nothing has been counted.
    """
    until = _full_hour(now)
    first = arrivals.first(connection)
    if first is None:
        return {}, 0
    # Whole weeks, so that every hour of the week was seen as often as the others.
    weeks = max(1, min(WEEKS, round((until - first) / _WEEK)))
    rows = arrivals.usual(connection, zone, until - weeks * _WEEK, until)
    return {(row.pool, row.weekday, row.hour): row.count / weeks for row in rows}, weeks


def _full_hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
