"""How much is worked until when? Working time as running totals, so that many moments are asked at once.

Instants are seconds since 1970 (UTC), as everywhere in `insight`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import chain
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from leadlane.core.coverage import Interval
from leadlane.insight.leads import Instants

HOUR = 3600.0
WEEK_HOURS = 168


@dataclass(frozen=True, slots=True)
class Attendance:
    """Working time of some people together: by the moments `at` they had worked so many seconds, `spent`.

    Between two moments it grows evenly; outside of all, nobody is known to work.
    """

    at: Instants
    spent: Instants

    def worked(self, until: Instants) -> Instants:
        """The seconds worked until each moment."""
        return np.interp(until, self.at, self.spent)


def attendance(people: Iterable[Sequence[Interval]]) -> Attendance:
    """The working time of people together, from the intervals in which each is at work."""
    times = list(chain.from_iterable(people))
    if not times:
        return Attendance(np.zeros(1), np.zeros(1))
    starts, ends = (np.array([one[side].timestamp() for one in times]) for side in (0, 1))
    at = np.concatenate([starts, ends])
    order = np.argsort(at, kind="stable")
    at = at[order]
    here = np.cumsum(np.where(order < len(starts), 1, -1))
    return Attendance(at, np.concatenate([[0.0], np.cumsum(here[:-1] * np.diff(at))]))


@dataclass(frozen=True, slots=True)
class Hours:
    """The hours of a stretch of days on the clocks of a zone: their `edges`, one more than hours.

    `of_week` is the hour of the week of each, 0 to 167 from Monday midnight on.
    """

    edges: Instants
    of_week: NDArray[np.int64]
    zone: ZoneInfo

    def place(self, instants: Instants) -> NDArray[np.int64]:
        """In which of the hours each moment is, -1 for those in none."""
        found = np.searchsorted(self.edges, instants, side="right") - 1
        return np.where(np.isnan(instants) | (found >= len(self.of_week)), -1, found)


def hours_between(since: datetime, until: datetime, zone: ZoneInfo) -> Hours:
    """The hours from one moment to another; the first and the last may be shorter than an hour.

    One that a clock change skips has no length, one that it repeats is two hours long.
    """
    first, last = since.astimezone(zone).date(), until.astimezone(zone).date()
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    begins = np.array(
        [datetime.combine(day, time(hour), zone).timestamp() for day in days for hour in range(24)]
    )
    of_week = np.array([day.weekday() * 24 + hour for day in days for hour in range(24)])
    start, end = since.timestamp(), until.timestamp()
    edges = np.clip(np.append(begins, begins[-1] + HOUR), start, end)
    kept = np.diff(edges) > 0
    return Hours(np.append(edges[:-1][kept], end), of_week[kept], zone)


def mondays(since: datetime, until: datetime, zone: ZoneInfo) -> list[datetime]:
    """The beginnings of all weeks from the first at or after `since` to the last at or before `until`."""
    first = since.astimezone(zone).date()
    day = first - timedelta(days=first.weekday())
    found = []
    while (begins := datetime.combine(day, time(), zone)) <= until:
        if begins >= since:
            found.append(begins)
        day += timedelta(days=7)
    return found
