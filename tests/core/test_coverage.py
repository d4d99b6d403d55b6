"""Who is at work when: held against looking at every moment, one after the other."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from leadlane.core.business_time import Calendar
from leadlane.core.coverage import (
    Staffing,
    at_work,
    first_at_work,
    hands,
    staffing,
    with_absence,
)
from leadlane.core.facts import Away, Person, Roster, WeeklyHours
from leadlane.core.pick import covering, is_away, is_out

# The week in which clocks are put forward in Europe; and a quarter of an hour, on which everything happens.
START = datetime(2026, 3, 27, tzinfo=UTC)
STEP = timedelta(minutes=15)
LENGTH = timedelta(days=4)
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata")


def _moments(start: datetime, until: datetime) -> list[datetime]:
    return [start + i * STEP for i in range(round((until - start) / STEP))]


quarters = st.integers(0, round(LENGTH / STEP))
aways = st.builds(
    lambda start, length: Away(START + start * STEP, START + (start + length) * STEP),
    quarters,
    st.integers(1, 200),
)
blocks = st.tuples(st.integers(0, 60), st.integers(1, 50)).map(
    lambda one: ((one[0] * 15, min(1440, (one[0] + one[1]) * 15)),)
)
weeks: st.SearchStrategy[WeeklyHours] = st.lists(st.one_of(st.just(()), blocks), min_size=7, max_size=7).map(
    tuple
)  # type: ignore[arg-type]


@st.composite
def rosters(draw: st.DrawFn) -> tuple[Roster, dict[str, Calendar]]:
    ids = [f"p{i}" for i in range(draw(st.integers(1, 4)))]
    holidays = frozenset(draw(st.lists(st.sampled_from([date(2026, 3, 27), date(2026, 3, 30)]), max_size=1)))
    people = {
        id_: Person(
            id_,
            id_,
            draw(weeks),
            draw(st.sampled_from(ZONES)),
            backup=draw(st.sampled_from([None, *ids])),
            away=tuple(draw(st.lists(aways, max_size=2))),
            active=draw(st.integers(0, 5)) > 0,
        )
        for id_ in ids
    }
    calendars = {
        id_: Calendar(person.hours, ZoneInfo(person.timezone), holidays) for id_, person in people.items()
    }
    return Roster(1, people), calendars


def _works(person: Person, calendar: Calendar, moment: datetime) -> bool:
    """Whether somebody is at work in the quarter of an hour from a moment: closing time is its end."""
    middle = moment + STEP / 2
    return person.active and calendar.is_open(middle) and not is_away(person, moment)


@settings(max_examples=60, deadline=None)
@given(rosters(), st.lists(quarters, min_size=2, max_size=12, unique=True))
def test_staffing_is_what_one_counts_at_every_moment(
    given_: tuple[Roster, dict[str, Calendar]], marks: list[int]
) -> None:
    roster, calendars = given_
    edges = [START + mark * STEP for mark in sorted(marks)]
    usual = {id_: Calendar(one.hours, ZoneInfo(one.timezone)) for id_, one in roster.people.items()}
    for found, start, until in zip(
        staffing(roster.people.values(), calendars, edges), edges, edges[1:], strict=False
    ):
        counted = [
            (
                sum(_works(one, calendars[one.id], moment) for one in roster.people.values()),
                sum(
                    one.active and usual[one.id].is_open(moment + STEP / 2) for one in roster.people.values()
                ),
            )
            for moment in _moments(start, until)
        ]
        usually = [(here, there) for here, there in counted if there]
        assert found.usual == max((there for _here, there in usually), default=0)
        assert found.people == min((here for here, _there in usually), default=0)
        assert found.missing == STEP * sum(not here for here, _there in usually)


@settings(max_examples=60, deadline=None)
@given(rosters(), aways)
def test_who_would_act_is_whoever_one_finds_at_every_moment(
    given_: tuple[Roster, dict[str, Calendar]], away: Away
) -> None:
    roster, calendars = given_
    roster = with_absence(roster, "p0", away)
    owner, until = roster.people["p0"], START + LENGTH
    found = hands(roster, "p0", START, until)
    first = None
    for moment in _moments(START, until):
        holder = covering(roster, owner, moment)[0] if is_out(owner, moment) else "p0"
        (stretch,) = [one for one in found if one.start <= moment < one.until]
        assert stretch.person == holder
        if first is None and holder and _works(roster.people[holder], calendars[holder], moment):
            first = (holder, moment)
    assert first_at_work(roster, calendars, found) == first


def _nine_to_five(zone: str = "Europe/Berlin", **more: object) -> Person:
    day = ((540, 1020),)
    return replace(Person("anna", "Anna", (day, day, day, day, day, (), ()), zone), **more)  # type: ignore[arg-type]


def test_lunch_of_one_is_no_hole_and_of_the_only_one_it_is_none_either() -> None:
    """A hole is where somebody usually works: outside of hours nobody is missed."""
    midday = ((540, 720), (780, 1020))
    person = _nine_to_five(hours=(midday, midday, midday, midday, midday, (), ()))
    calendar = Calendar(person.hours, ZoneInfo(person.timezone))
    edges = [datetime(2026, 3, 2, 8, 30, tzinfo=UTC) + timedelta(hours=i) for i in range(8)]
    found = staffing([person], {"anna": calendar}, edges)
    assert [one.people for one in found] == [1, 1, 1, 1, 1, 1, 1]
    assert not any(one.is_hole for one in found)


def test_an_absence_and_a_public_holiday_are_holes() -> None:
    away = Away(datetime(2026, 3, 2, 9, 30, tzinfo=UTC), datetime(2026, 3, 2, 12, tzinfo=UTC))
    person = _nine_to_five(away=(away,))
    calendar = Calendar(person.hours, ZoneInfo(person.timezone), frozenset([date(2026, 3, 3)]))
    edges = [datetime(2026, 3, 2, 8, tzinfo=UTC) + timedelta(hours=i) for i in range(3)]
    monday = staffing([person], {"anna": calendar}, edges)
    assert monday == [Staffing(1, 1), Staffing(0, 1, timedelta(minutes=30))]
    assert at_work(person, calendar, edges[0], edges[2]) == [(edges[0], away.start)]
    day = [datetime(2026, 3, 3, tzinfo=UTC), datetime(2026, 3, 4, tzinfo=UTC)]
    assert staffing([person], {"anna": calendar}, day) == [Staffing(0, 1, timedelta(hours=8))]


def test_an_hour_that_the_clocks_skip_has_nobody_and_is_no_hole() -> None:
    skipped = datetime(2026, 3, 29, 1, tzinfo=UTC)
    person = _nine_to_five()
    calendar = Calendar(person.hours, ZoneInfo(person.timezone))
    found = staffing(
        [person],
        {"anna": calendar},
        [skipped, skipped, skipped + timedelta(hours=1), skipped + timedelta(hours=1)],
    )
    assert found == [Staffing(), Staffing(), Staffing()]
