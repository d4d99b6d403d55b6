"""When is working time, and what moment is so much working time later?

A `Calendar` turns weekly hours, a zone and public holidays into a sorted list of UTC intervals with
their running total, so that every question is a binary search. Instants inside are integer
microseconds since 1970 (exact); outside they are aware datetimes. An interval includes its closing
moment: closing time is still open. Local times that a clock change skips mean the first instant
after the gap; repeated ones the first.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import accumulate
from zoneinfo import ZoneInfo

from leadlane.core.facts import WeeklyHours
from leadlane.core.policy import Duration

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MINUTE = 60_000_000
_LONGEST_SHIFT = timedelta(days=2)  # from the midnight before it opens
# How far a search may look before it concludes that there is no more working time.
_HORIZON_YEARS = 40


def _to_us(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _from_us(us: int) -> datetime:
    return _EPOCH + timedelta(0, 0, us)  # by position: by name takes half as long again


def _time_of_day_us(local: datetime) -> int:
    return ((local.hour * 60 + local.minute) * 60 + local.second) * 1_000_000 + local.microsecond


class NoWorkingTime(ValueError):
    """The calendar has too little working time ahead to answer."""


class Calendar:
    """Working time of everyone who shares these hours, this zone and these holidays.

    `closed` are further intervals without working time, as pairs of aware datetimes.
    Intervals are built a few years at a time, when a question first needs them.
    """

    __slots__ = ("_built", "_closed", "_closes", "_days", "_opens", "_totals", "holidays", "hours", "zone")

    def __init__(
        self,
        hours: WeeklyHours,
        zone: ZoneInfo,
        holidays: frozenset[date] = frozenset(),
        closed: tuple[tuple[datetime, datetime], ...] = (),
    ) -> None:
        self.hours = hours
        self.zone = zone
        self.holidays = holidays
        self._closed = sorted((_to_us(start), _to_us(end)) for start, end in closed)
        self._built: tuple[int, int] = (1, 0)  # first and last year built; empty at first
        self._opens: list[int] = []
        self._closes: list[int] = []
        self._totals: list[int] = [0]  # working time before interval i
        self._days: list[int] = []  # working days, as ordinals of local dates

    def is_open(self, moment: datetime) -> bool:
        """Whether `moment` is working time; closing time is still open."""
        self._need(moment)
        at = _to_us(moment)
        i = bisect_right(self._opens, at) - 1
        return i >= 0 and at <= self._closes[i]

    def next_open(self, moment: datetime) -> datetime:
        """`moment` itself if open, else the next opening. NoWorkingTime if there is none."""
        self._need(moment)
        return _from_us(self._next_open(moment))

    def add_minutes(self, start: datetime, minutes: int) -> datetime:
        """The moment at which `minutes` of working time (>= 0) have passed since `start`.

        An amount that ends exactly at closing time ends there, not at the next opening.
        """
        self._need(start)
        at = self._next_open(start)
        i = bisect_right(self._opens, at) - 1
        goal = self._totals[i] + (at - self._opens[i]) + minutes * _MINUTE
        if minutes == 0:
            return _from_us(at)
        while goal > self._totals[-1]:
            self._extend(start)
        # The interval in which the running total reaches the goal; at closing time if exactly there.
        i = bisect_left(self._totals, goal) - 1
        return _from_us(self._opens[i] + goal - self._totals[i])

    def add_days(self, start: datetime, days: int) -> datetime:
        """The same local time on the `days`-th following working day (days >= 1).

        Outside working hours it counts from the next opening. A working day is a local date on
        which working time begins.
        """
        local = self.next_open(start).astimezone(self.zone)
        i = bisect_right(self._days, local.toordinal()) + days - 1
        while i >= len(self._days):
            self._extend(start)
        day = date.fromordinal(self._days[i])
        midnight_us = _steady_midnight_us(day, self.zone)
        if midnight_us is None:
            return _from_us(_local_us(datetime.combine(day, local.time()), self.zone))
        return _from_us(midnight_us + _time_of_day_us(local))

    def add(self, start: datetime, duration: Duration) -> datetime:
        """`start` plus a duration of the policy language, elapsed or business time."""
        if not duration.business:
            return start + timedelta(minutes=duration.minutes)
        if duration.unit == "days":
            return self.add_days(start, duration.amount)
        return self.add_minutes(start, duration.minutes)

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Working time from `start` to `end`; negative when `end` comes first."""
        if end < start:
            return -self.between(end, start)
        self._need(start)
        self._need(end)
        return timedelta(microseconds=self._before(_to_us(end)) - self._before(_to_us(start)))

    def open_between(self, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
        """The working time from `start` to `end`, as intervals in order."""
        self._need(start)
        self._need(end)
        low, high = _to_us(start), _to_us(end)
        first, last = max(0, bisect_right(self._opens, low) - 1), bisect_left(self._opens, high)
        clipped = (
            (max(low, self._opens[i]), min(high, self._closes[i])) for i in range(first, max(first, last))
        )
        return [(_from_us(opens), _from_us(closes)) for opens, closes in clipped if opens < closes]

    def _before(self, at: int) -> int:
        i = bisect_right(self._opens, at) - 1
        if i < 0:
            return 0
        return self._totals[i] + min(at, self._closes[i]) - self._opens[i]

    def _next_open(self, moment: datetime) -> int:
        at = _to_us(moment)
        while True:
            i = bisect_right(self._opens, at) - 1
            if i >= 0 and at <= self._closes[i]:
                return at
            if i + 1 < len(self._opens):
                return self._opens[i + 1]
            self._extend(moment)

    def _need(self, moment: datetime) -> None:
        first, last = self._built
        # A year of margin on both sides: local dates and long shifts reach over the year's end.
        if first < moment.year < last:
            return
        wanted_first, wanted_last = max(2, moment.year - 1), min(9998, moment.year + 1)
        if first <= last:
            wanted_first, wanted_last = min(first, wanted_first), max(last, wanted_last)
        self._build(wanted_first, wanted_last)

    def _extend(self, asked: datetime) -> None:
        """Build further ahead; NoWorkingTime if that is further than anyone would wait."""
        first, last = self._built
        if last - asked.year > _HORIZON_YEARS:
            raise NoWorkingTime("these hours have no working time ahead")
        self._build(first, min(9998, 2 * last - first))

    def _build(self, first: int, last: int) -> None:
        ordinals = range(date(first, 1, 1).toordinal(), date(last, 12, 31).toordinal() + 1)
        shifts = {day: found for day in ordinals if (found := self._shifts(date.fromordinal(day)))}
        intervals = _without(_merged([shift for found in shifts.values() for shift in found]), self._closed)
        self._days = list(shifts)
        self._opens = [start for start, _ in intervals]
        self._closes = [end for _, end in intervals]
        self._totals = [0, *accumulate(end - start for start, end in intervals)]
        self._built = (first, last)

    def _shifts(self, day: date) -> list[tuple[int, int]]:
        """The working time that begins on a local date; none of what a clock change swallows whole."""
        blocks = self.hours[day.weekday()]
        if not blocks or day in self.holidays:
            return []
        midnight_us = _steady_midnight_us(day, self.zone)
        if midnight_us is not None:
            return [
                (midnight_us + opens * _MINUTE, midnight_us + closes * _MINUTE) for opens, closes in blocks
            ]
        midnight = datetime.combine(day, time.min)
        shifts = (
            (
                _local_us(midnight + timedelta(minutes=opens), self.zone),
                _local_us(midnight + timedelta(minutes=closes), self.zone),
            )
            for opens, closes in blocks
        )
        return [(start, end) for start, end in shifts if end > start]


@lru_cache(maxsize=50_000)
def _steady_midnight_us(day: date, zone: ZoneInfo) -> int | None:
    """The instant at which a day begins; None if the clocks change before its longest shift could end."""
    begins = datetime.combine(day, time.min, zone)
    ends = begins + _LONGEST_SHIFT
    return _to_us(begins) if begins.utcoffset() == ends.utcoffset() else None


def _local_us(local: datetime, zone: ZoneInfo) -> int:
    """The instant of a wall-clock time: the first of repeated ones, the end of the gap for skipped ones."""
    first = _to_us(local.replace(tzinfo=zone, fold=0))
    second = _to_us(local.replace(tzinfo=zone, fold=1))
    # Only in a gap, read with the offset before it and after it, does the second reading come first.
    return first if second >= first else _gap_end(second, first, zone)


def _gap_end(low: int, high: int, zone: ZoneInfo) -> int:
    """The instant in (low, high] at which the zone's offset changes: bisection to the second."""
    offset_after = _from_us(high).astimezone(zone).utcoffset()
    while high - low > 1_000_000:
        middle = (low + high) // 2
        if _from_us(middle).astimezone(zone).utcoffset() == offset_after:
            high = middle
        else:
            low = middle
    return high - high % 1_000_000


def _merged(intervals: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sorted, with those that touch or overlap joined: a shift past midnight may meet the next one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _without(intervals: list[tuple[int, int]], closed: list[tuple[int, int]]) -> list[tuple[int, int]]:
    for gap_start, gap_end in closed:
        kept = []
        for start, end in intervals:
            if gap_end <= start or gap_start >= end:
                kept.append((start, end))
                continue
            if start < gap_start:
                kept.append((start, gap_start))
            if gap_end < end:
                kept.append((gap_end, end))
        intervals = kept
    return intervals
