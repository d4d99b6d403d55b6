"""Working time against a model that looks at every single minute, and against what other projects assert."""

import json
from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.core.builders import ALWAYS_OPEN, BERLIN, NEVER_OPEN, OFFICE, at

from leadlane.core.business_time import Calendar, NoWorkingTime
from leadlane.core.facts import WeeklyHours
from leadlane.core.policy import Duration

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
BEFORE, AFTER = 6, 12  # days of the window around a clock change
# A zone and a day in it on which, or near which, the clocks change.
CHANGES = [
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),  # half an hour
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Africa/Cairo", date(2026, 4, 24)),  # midnight does not exist
    ("Africa/Cairo", date(2026, 10, 30)),
    ("America/Sao_Paulo", date(2018, 11, 4)),  # midnight does not exist
    ("America/Sao_Paulo", date(2018, 2, 18)),
    ("Asia/Kolkata", date(2026, 5, 4)),  # no change, half-hour offset
    ("Pacific/Apia", date(2011, 12, 30)),  # a day that does not exist
]


class EveryMinute:
    """The oracle: a list with an entry for each minute of the window, open or not. No interval arithmetic."""

    def __init__(self, hours: WeeklyHours, zone: str, middle: date, holidays: frozenset[date]) -> None:
        self.first = datetime.combine(middle, time(), UTC) - BEFORE * DAY
        self.zone, self.passed = ZoneInfo(zone), passed_local_times(zone, self.first)
        self.open = [False] * len(self.passed)
        self.days: list[date] = []
        for n in range(1, BEFORE + AFTER - 1):
            day = self.first.date() + n * DAY
            blocks = () if day in holidays else hours[day.weekday()]
            spans = [(self.minute_of(day, opens), self.minute_of(day, closes)) for opens, closes in blocks]
            for start, end in spans:
                self.open[start:end] = [True] * (end - start)
            if any(start < end for start, end in spans):
                self.days.append(day)

    def minute_of(self, day: date, minutes: int) -> int:
        """The first minute at which the local clock has reached a time: a gap ends, or the first of two."""
        return bisect_left(self.passed, datetime.combine(day, time()) + minutes * MINUTE)

    def instant(self, minute: int) -> datetime:
        return self.first + minute * MINUTE

    def is_open(self, minute: int) -> bool:
        return self.open[minute] or self.open[minute - 1]  # closing time is still open

    def next_open(self, minute: int) -> int:
        return minute if self.is_open(minute) else self.open.index(True, minute)

    def add_minutes(self, minute: int, count: int) -> int:
        if count == 0:
            return self.next_open(minute)
        working = (m for m in range(minute, len(self.open)) if self.open[m])
        return next(m for n, m in enumerate(working, 1) if n == count) + 1

    def add_days(self, minute: int, count: int) -> int:
        local = self.instant(self.next_open(minute)).astimezone(self.zone)
        day = [day for day in self.days if day > local.date()][count - 1]
        return self.minute_of(day, local.hour * 60 + local.minute)


@cache
def passed_local_times(zone: str, first: datetime) -> list[datetime]:
    """For every minute of the window the latest local time that the clock has shown so far."""
    passed, latest = [], datetime.min
    for n in range((BEFORE + AFTER) * 1440):
        local = (first + n * MINUTE).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        latest = max(latest, local)
        passed.append(latest)
    return passed


@st.composite
def blocks(draw: st.DrawFn) -> tuple[int, int]:
    opens = draw(st.integers(0, 1439) | st.sampled_from([0, 60, 120, 150, 540, 1320]))
    length = draw(st.integers(1, 1440) | st.sampled_from([30, 60, 480, 1440 - opens]))
    return opens, opens + length


@st.composite
def calendars(draw: st.DrawFn) -> tuple[Calendar, EveryMinute]:
    zone, middle = draw(st.sampled_from(CHANGES))
    week = draw(st.lists(st.lists(blocks(), max_size=3).map(tuple), min_size=7, max_size=7).map(tuple))
    days = st.integers(-3, 5).map(lambda n: middle + n * DAY)
    holidays = draw(st.frozensets(days, max_size=3))
    return Calendar(week, ZoneInfo(zone), holidays), EveryMinute(week, zone, middle, holidays)


MINUTES = st.integers((BEFORE - 2) * 1440, (BEFORE + 2) * 1440)


@settings(max_examples=60, deadline=None)
@given(calendars(), MINUTES, MINUTES, st.integers(0, 2000))
def test_as_a_look_at_every_minute(
    pair: tuple[Calendar, EveryMinute], minute: int, other: int, count: int
) -> None:
    calendar, model = pair
    moment = model.instant(minute)
    assert calendar.is_open(moment) is model.is_open(minute)
    worked = sum(model.open[min(minute, other) : max(minute, other)]) * MINUTE
    assert calendar.between(moment, model.instant(other)) == (worked if other >= minute else -worked)
    # What lies beyond the window the model does not know.
    assume(sum(model.open[minute : -2 * 1440]) > count)
    assert calendar.next_open(moment) == model.instant(model.next_open(minute))
    assert calendar.add_minutes(moment, count) == model.instant(model.add_minutes(minute, count))


@settings(max_examples=60, deadline=None)
@given(calendars(), MINUTES, st.integers(1, 4))
def test_days_as_a_look_at_every_minute(pair: tuple[Calendar, EveryMinute], minute: int, count: int) -> None:
    calendar, model = pair
    try:
        expected = model.instant(model.add_days(minute, count))
    except (IndexError, ValueError):
        assume(False)  # beyond the window
    assert calendar.add_days(model.instant(minute), count) == expected


@settings(max_examples=60, deadline=None)
@given(calendars(), MINUTES, st.timedeltas(timedelta(0), DAY), st.integers(1, 500))
def test_adding_and_measuring_agree_to_the_microsecond(
    pair: tuple[Calendar, EveryMinute], minute: int, more: timedelta, count: int
) -> None:
    calendar, model = pair
    assume(any(calendar.hours[day.weekday()] for day in model.days))
    start = model.instant(minute) + more
    end = calendar.add_minutes(start, count)
    assert calendar.between(start, end) == count * MINUTE
    assert calendar.is_open(end)


def office(*holidays: str) -> Calendar:
    return Calendar(OFFICE, BERLIN, frozenset(date.fromisoformat(day) for day in holidays))


def test_closing_time_is_still_open() -> None:
    calendar = office()
    assert calendar.is_open(at("2026-03-02 17:00"))
    assert not calendar.is_open(at("2026-03-02 17:00:00.000001"))
    assert calendar.next_open(at("2026-03-02 17:00")) == at("2026-03-02 17:00")
    assert calendar.add_minutes(at("2026-03-02 17:00"), 1) == at("2026-03-03 09:01")
    assert calendar.add_minutes(at("2026-03-02 16:00"), 60) == at("2026-03-02 17:00")


def test_over_easter_and_the_change_to_summer_time() -> None:
    calendar = office("2026-04-03", "2026-04-06")
    assert calendar.add_minutes(at("2026-03-27 16:50"), 15) == at("2026-03-30 09:05")
    assert calendar.add_minutes(at("2026-04-02 16:50"), 15) == at("2026-04-07 09:05")
    assert calendar.add_days(at("2026-04-02 16:50"), 1) == at("2026-04-07 16:50")


def test_business_days_keep_the_local_time_and_count_from_the_next_opening_outside_hours() -> None:
    calendar = office()
    assert calendar.add_days(at("2026-03-02 16:00"), 5) == at("2026-03-09 16:00")
    assert calendar.add_days(at("2026-03-02 20:00"), 1) == at("2026-03-04 09:00")
    assert calendar.add_days(at("2026-03-07 12:00"), 1) == at("2026-03-10 09:00")


def test_skipped_and_repeated_local_times() -> None:
    skipped = Calendar((((150, 600),),) * 7, BERLIN)  # 02:30-10:00
    assert skipped.next_open(at("2026-03-29 00:00")) == at("2026-03-29T03:00+02:00")
    assert skipped.add_days(at("2026-03-28 02:30"), 1) == at("2026-03-29T03:00+02:00")
    assert skipped.next_open(at("2026-10-25 00:00")) == at("2026-10-25T02:30+02:00")
    assert skipped.add_days(at("2026-10-24 02:45"), 1) == at("2026-10-25T02:45+02:00")


def test_a_shift_past_midnight_and_an_end_at_midnight() -> None:
    night = Calendar((((1320, 1800),),) + ((),) * 6, BERLIN)  # Monday 22:00 to Tuesday 06:00
    assert night.is_open(at("2026-03-03 06:00"))
    assert night.add_minutes(at("2026-03-02 23:00"), 420) == at("2026-03-03 06:00")
    round_the_clock = Calendar(ALWAYS_OPEN, BERLIN)
    assert round_the_clock.add_minutes(at("2026-03-28 12:00"), 1440) == at("2026-03-28 12:00") + DAY


def test_durations_elapsed_and_business() -> None:
    calendar, friday = office(), at("2026-03-06 16:00")
    assert calendar.add(friday, Duration(48, "hours")) == friday + 2 * DAY
    assert calendar.add(friday, Duration(90, "minutes", business=True)) == at("2026-03-09 09:30")
    assert calendar.add(friday, Duration(2, "hours", business=True)) == at("2026-03-09 10:00")
    assert calendar.add(friday, Duration(2, "days", business=True)) == at("2026-03-10 16:00")


def test_closed_intervals_are_no_working_time() -> None:
    lunch = (at("2026-03-02 12:00"), at("2026-03-02 13:00"))
    calendar = Calendar(OFFICE, BERLIN, closed=(lunch,))
    assert calendar.add_minutes(at("2026-03-02 11:30"), 60) == at("2026-03-02 13:30")


def test_no_working_time_is_said_and_not_searched_for_ever() -> None:
    never = Calendar(NEVER_OPEN, BERLIN)
    for _ in range(2):
        with pytest.raises(NoWorkingTime):
            never.next_open(at("2026-03-02 10:00"))
    assert not never.is_open(at("2026-03-02 10:00"))
    assert never.between(at("2026-03-02 10:00"), at("2026-05-02 10:00")) == timedelta(0)


def test_a_question_about_long_ago_does_not_shorten_the_view_ahead() -> None:
    calendar = office()
    assert calendar.is_open(at("1961-03-01 10:00"))
    assert calendar.add_days(at("2026-03-02 10:00"), 1000) > at("2029-01-01 10:00")
    assert calendar.add_minutes(at("2026-03-02 10:00"), 480 * 1000) > at("2029-01-01 10:00")


def test_far_ends_of_the_calendar_are_answered() -> None:
    assert office().next_open(datetime(9997, 5, 1, 12, tzinfo=UTC)).year == 9997
    assert office().next_open(datetime(3, 5, 1, 12, tzinfo=UTC)).year == 3


# ---------------------------------------------------------------- what other projects assert

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# Questions that Leadlane asks of a calendar; the others (the last closing, lists of periods, the days of a
# span) it never does. Backward amounts, breaks that are cut out of a date for ever and dates with hours of
# their own (date_overrides) are not in the policy language.
OPERATIONS = ("add_time", "add_days", "is_open", "next_open_instant", "working_time_between")


def _weekly(schedule: dict) -> WeeklyHours:
    def minutes(text: str) -> int:
        hour, minute = text.split(":")[:2]
        return int(hour) * 60 + int(minute)

    week = []
    for name in WEEKDAYS:
        spans = [(minutes(opens), minutes(closes)) for opens, closes in schedule["weekly"].get(name, ())]
        week.append(tuple((opens, closes if closes > opens else closes + 1440) for opens, closes in spans))
    return tuple(week)


def _calendar(vector: dict) -> Calendar:
    schedule, zone = vector["schedule"], ZoneInfo(vector["tz"] or "UTC")
    holidays = frozenset(date.fromisoformat(day) for day in schedule.get("holidays", ()))
    closed = tuple(
        tuple(datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=zone) for clock in span)
        for day, spans in schedule.get("breaks", {}).items()
        for span in spans
    )
    return Calendar(_weekly(schedule), zone, holidays, closed)


def _moment(text: str, vector: dict) -> datetime:
    given = vector["input"]
    zone = ZoneInfo(given.get("at_tz") or given.get("input_tz") or vector["tz"] or "UTC")
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _amounts(vector: dict) -> list[dict]:
    amount = vector["input"].get("amount", [])
    return amount if isinstance(amount, list) else [amount]


def _is_ours(vector: dict) -> bool:
    """Forward, in whole minutes or days, on weekly hours with holidays and breaks."""
    schedule, amounts = vector["schedule"], _amounts(vector)
    whole = all(
        amount["value"] >= 0 and float(amount["value"] * _SECONDS[amount["unit"]] / 60).is_integer()
        for amount in amounts
    )
    return bool(
        vector["agrees_with_plain_model"]
        and vector["op"] in OPERATIONS
        and whole
        and not schedule.get("date_overrides")
        and not any("24:00" in span for spans in schedule.get("breaks", {}).values() for span in spans)
    )


_SECONDS = {"milliseconds": 0.001, "seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}


def _answer(vector: dict) -> Iterator[tuple[object, object]]:
    """Pairs of what Leadlane answers and what was asserted."""
    calendar, given, expected = _calendar(vector), vector["input"], vector["expected"]
    start = _moment(given.get("start") or given.get("at"), vector)
    match vector["op"]:
        case "is_open" if not (vector["boundary"] and not expected):  # closing time is still open here
            yield calendar.is_open(start), expected
        case "next_open_instant":
            wanted = _moment(expected, vector)
            if not (vector["boundary"] and calendar.is_open(start)):
                yield calendar.next_open(start), wanted
        case "working_time_between":
            ((unit, amount),) = expected.items()
            yield (
                calendar.between(start, _moment(given["end"], vector)).total_seconds(),
                amount * _SECONDS[unit],
            )
        case "add_time":
            total = sum(amount["value"] * _SECONDS[amount["unit"]] for amount in _amounts(vector)) // 60
            if total:
                yield calendar.add_minutes(start, int(total)), _moment(expected, vector)
        case "add_days":
            (amount,) = _amounts(vector)
            if amount["value"] and calendar.is_open(start):  # outside hours every library has its own rule
                found = calendar.add_days(start, amount["value"])
                if len(expected) == len("2015-03-02"):
                    yield found.astimezone(calendar.zone).date().isoformat(), expected
                else:
                    yield found, _moment(expected, vector)


@pytest.fixture(scope="session")
def vectors(shared_data) -> list[dict]:
    path = shared_data / "business_hours_vectors.json"
    if not path.is_file():
        pytest.skip(f"there is no {path}")
    return json.loads(path.read_text(encoding="utf-8"))["vectors"]


def test_what_other_projects_assert(vectors: list[dict]) -> None:
    ours = [vector for vector in vectors if _is_ours(vector)]
    answers = [(vector, *answer) for vector in ours for answer in _answer(vector)]
    wrong = [
        f"{vector['id']} {vector['op']} {vector['input']}: {found}, expected {expected}"
        for vector, found, expected in answers
        if found != expected
    ]
    assert not wrong, "\n".join(wrong)
    assert len(answers) > 150, "the file has changed its form"
