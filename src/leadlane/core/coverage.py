"""Who is at work when, and what would nobody be there for? By hours, absences and backups alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from leadlane.core.business_time import Calendar
from leadlane.core.facts import Away, Person, Roster, WeeklyHours
from leadlane.core.pick import covering, is_out

Interval = tuple[datetime, datetime]
_NOTHING = timedelta(0)


@dataclass(frozen=True, slots=True)
class Staffing:
    """How many are at work in a slice of time: the fewest at any moment at which somebody usually works.

    `usual` is how many that is without absences and public holidays, at most; 0 where nobody ever works.
    `missing` is how long somebody usually works and nobody does: a hole.
    """

    people: int = 0
    usual: int = 0
    missing: timedelta = _NOTHING

    @property
    def is_hole(self) -> bool:
        """Whether nobody is there at a time at which somebody usually is."""
        return self.missing > _NOTHING


@dataclass(frozen=True, slots=True)
class Stretch:
    """From `start` to `until` this person would act on a lead; None: nobody."""

    person: str | None
    start: datetime
    until: datetime


def at_work(person: Person, calendar: Calendar, start: datetime, until: datetime) -> list[Interval]:
    """When somebody is at work: their working time without their absences. Never, if they are inactive."""
    found = calendar.open_between(start, until) if person.active else []
    for away in person.away:
        found = [piece for one in found for piece in _without(one, away)]
    return found


def staffing(
    people: Iterable[Person], calendars: Mapping[str, Calendar], edges: Sequence[datetime]
) -> list[Staffing]:
    """How these people staff the slices between one edge and the next; `edges` are in order, at least two.

    Counts change only where somebody comes or goes, so it is enough to look between such moments.
    """
    start, until = edges[0], edges[-1]
    # How many come (or go, below 0) at a moment: in fact, and usually.
    changes: dict[datetime, tuple[int, int]] = dict.fromkeys(edges, (0, 0))
    for person in people:
        usual = usual_calendar(person.hours, person.timezone).open_between(start, until)
        _count(changes, at_work(person, calendars[person.id], start, until), (1, 0))
        _count(changes, usual if person.active else [], (0, 1))
    slices = iter(pairwise(edges))
    _begins, ends = next(slices)
    found: list[Staffing] = [Staffing()]
    here = usually = 0
    for moment, following in pairwise(sorted(changes)):
        while moment >= ends:
            _begins, ends = next(slices)
            found.append(Staffing())
        here, usually = here + changes[moment][0], usually + changes[moment][1]
        if usually:
            found[-1] = _seen(found[-1], here, usually, following - moment)
    # Slices of no length, where the clocks are put forward, may stand last.
    return found + [Staffing() for _slice in slices]


def with_absence(roster: Roster, person_id: str, away: Away) -> Roster:
    """The roster as it would be if somebody were away besides."""
    person = roster.people[person_id]
    absent = replace(person, away=(*person.away, away))
    return replace(roster, people={**roster.people, person_id: absent})


def hands(roster: Roster, owner: str, start: datetime, until: datetime) -> list[Stretch]:
    """Who would act on a lead of `owner`: themselves, while they are out whoever covers, or nobody."""
    marks = {
        moment
        for person in roster.people.values()
        for away in person.away
        for moment in (away.start, away.until)
        if start < moment < until
    }
    found: list[Stretch] = []
    for begins, ends in pairwise([start, *sorted(marks), until]):
        person = roster.people[owner]
        holder = covering(roster, person, begins)[0] if is_out(person, begins) else owner
        if found and found[-1].person == holder:
            found[-1] = replace(found[-1], until=ends)
        else:
            found.append(Stretch(holder, begins, ends))
    return found


def first_at_work(
    roster: Roster, calendars: Mapping[str, Calendar], stretches: Iterable[Stretch]
) -> tuple[str, datetime] | None:
    """The first of these people who is at work in their stretch, and since when; None: nobody ever is."""
    for one in stretches:
        if one.person is None:
            continue
        times = at_work(roster.people[one.person], calendars[one.person], one.start, one.until)
        if times:
            return one.person, times[0][0]
    return None


@lru_cache(maxsize=1000)
def usual_calendar(hours: WeeklyHours, zone: str) -> Calendar:
    """Working time by hours alone, without public holidays."""
    return Calendar(hours, ZoneInfo(zone))


def _without(one: Interval, away: Away) -> list[Interval]:
    start, until = one
    pieces = ((start, min(until, away.start)), (max(start, away.until), until))
    if away.until <= start or away.start >= until:
        return [one]
    return [piece for piece in pieces if piece[0] < piece[1]]


def _count(
    changes: dict[datetime, tuple[int, int]], intervals: Iterable[Interval], each: tuple[int, int]
) -> None:
    for interval in intervals:
        for moment, sign in zip(interval, (1, -1), strict=True):
            here, usually = changes.get(moment, (0, 0))
            changes[moment] = (here + sign * each[0], usually + sign * each[1])


def _seen(before: Staffing, here: int, usually: int, how_long: timedelta) -> Staffing:
    people = min(before.people, here) if before.usual else here
    missing = before.missing + (how_long if not here else _NOTHING)
    return Staffing(people, max(before.usual, usually), missing)
