"""How was each promise kept, through whose hands did it go, and how long did each stage take?

From facts of leads to columns of promises: one entry a promise in every array.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from leadlane.core.business_time import Calendar
from leadlane.core.rulebook import Rulebook
from leadlane.insight.facts import region_of, regrouped, team_of
from leadlane.insight.groups import Codes, Flags
from leadlane.insight.leads import Group, Instants, Leads, Numbers
from leadlane.insight.wall_clock import DAY, HOUR, local_seconds, weekday_of

# `ended`: the lead was closed, unanswered, before the promise ended; it is neither kept nor missed.
KEPT, MISSED, ENDED = 0, 1, 2
Stage = Literal[
    "response", "response_in_hours", "assigning", "telling", "answering", "answering_in_hours"
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Spans:
    """So many seconds each, NaN where it is not known when it began; not over: it went on until then."""

    seconds: Numbers
    is_over: Flags


@dataclass(frozen=True, slots=True)
class Promises:
    """Promises and how they were kept: `state` is KEPT, MISSED or ENDED; `by` are groupings by dimension.

    `response` is from arrival to answer, `assigning` from arrival until somebody had the lead, `telling` from
    then until the person who had it in the end was told, and `answering` from then until the answer; those
    `in_hours` count the working time of that person. `came_outside`: outside of their hours. `told_in_time`:
    before the promise ended.
    """

    count: int
    state: NDArray[np.int8]
    by: Mapping[str, Group]
    spans: Mapping[Stage, Spans]
    came_outside: Flags
    told_in_time: Flags

    def __len__(self) -> int:
        return self.count

    def only(self, kept: Flags) -> Promises:
        """These promises without those that are not kept."""
        return Promises(
            int(kept.sum()),
            self.state[kept],
            {name: replace(group, codes=group.codes[kept]) for name, group in self.by.items()},
            {stage: Spans(spans.seconds[kept], spans.is_over[kept]) for stage, spans in self.spans.items()},
            self.came_outside[kept],
            self.told_in_time[kept],
        )


def promises_of(leads: Leads, book: Rulebook, now: datetime) -> Promises:
    """The promises that leads were made, by facts of those whose promise has ended.

    Each belongs to whoever had the lead when it was answered, or else when the promise ended. Team, region,
    hours and holidays are those that the person has in `book`.
    """
    at = leads.instants
    asked, respond_by, responded = at["asked_at"], at["respond_by"], at["responded_at"]
    is_over = ~np.isnan(responded)
    end = np.where(is_over, responded, np.where(np.isnan(at["closed_at"]), now.timestamp(), at["closed_at"]))
    # Where somebody else has it since: how long the first would have taken is not known.
    answering_end = np.where(leads.numbers["is_theirs"] > 0, end, np.fmin(end, respond_by))
    is_answering_over = is_over & (answering_end == end)
    begun = np.where(np.isnan(at["told_at"]), at["had_since"], at["told_at"])
    in_hours, came_outside = _in_hours(leads.groups["person"], book, asked, end, begun, answering_end)
    certain = np.ones(leads.count, dtype=bool)
    spans: dict[Stage, Spans] = {
        "response": _spans(asked, end, is_over),
        "response_in_hours": Spans(in_hours[0], is_over),
        "assigning": _spans(asked, at["assigned_at"], certain),
        "telling": _spans(at["had_since"], at["told_at"], certain),
        "answering": _spans(begun, answering_end, is_answering_over),
        "answering_in_hours": Spans(in_hours[1], is_answering_over),
    }
    # What was never answered was missed, unless the lead was closed before the promise ended.
    state = np.where(is_over, responded > respond_by, MISSED).astype(np.int8)
    state[~is_over & (at["closed_at"] <= respond_by)] = ENDED
    told_in_time = at["told_at"] < respond_by
    return Promises(leads.count, state, _groupings(leads, book), spans, came_outside, told_in_time)


def _spans(start: Instants, end: Instants, is_over: Flags) -> Spans:
    return Spans(np.maximum(0.0, end - start), is_over)


# ---------------------------------------------------------------- working time


def _in_hours(
    person: Group, book: Rulebook, asked: Instants, end: Instants, begun: Instants, answering_end: Instants
) -> tuple[tuple[Numbers, Numbers], Flags]:
    """Working time of each person from being asked, and from being told, to the end of each; NaN where the
    person or the moment is not known. And whether a promise came outside of their hours.
    """
    waited, answered = np.full(len(asked), np.nan), np.full(len(asked), np.nan)
    came_outside = np.ones(len(asked), dtype=bool)
    calendars = [book.calendars.get(id_) for id_ in person.names]
    shared = {id(calendar): calendar for calendar in calendars if calendar is not None}
    number = {key: at for at, key in enumerate(shared)}
    of_person = [-1 if calendar is None else number[id(calendar)] for calendar in calendars]
    calendar_of = np.array([*of_person, -1], np.int32)[person.codes]
    for at, calendar in enumerate(shared.values()):
        mine = np.flatnonzero(calendar_of == at)
        if len(mine):
            clock = _Clock(calendar, *(of[mine] for of in (asked, end, begun, answering_end)))
            waited[mine] = clock.worked(asked[mine], end[mine])
            answered[mine] = clock.worked(begun[mine], answering_end[mine])
            came_outside[mine] = ~clock.is_open(asked[mine])
    return (waited, answered), came_outside


class _Clock:
    """The working time of a calendar around some instants, NaN among them; asked for many at once."""

    def __init__(self, calendar: Calendar, *instants: Instants) -> None:
        first = min(float(np.fmin.reduce(of)) for of in instants)
        last = max(float(np.fmax.reduce(of)) for of in instants)
        times = calendar.open_between(
            datetime.fromtimestamp(first, UTC) - timedelta(days=1),
            datetime.fromtimestamp(last, UTC) + timedelta(days=1),
        )
        edges = [moment.timestamp() for interval in times for moment in interval]
        self._edges = np.array(edges or [first])
        length = np.diff(self._edges, prepend=self._edges[:1])
        # Every other edge closes: only what lies before those is worked.
        length[::2] = 0.0
        self._spent = np.cumsum(length)

    def worked(self, start: Instants, end: Instants) -> Numbers:
        """The seconds worked from each start to each end, to the millisecond."""
        between = np.interp(end, self._edges, self._spent) - np.interp(start, self._edges, self._spent)
        return np.asarray(np.round(np.maximum(0.0, between), 3))

    def is_open(self, moments: Instants) -> Flags:
        """Whether each moment is working time; closing time still is."""
        place = np.searchsorted(self._edges, moments, side="right")
        is_closing = self._edges[np.maximum(place - 1, 0)] == moments
        return np.asarray((len(self._edges) > 1) & ((place % 2 == 1) | (is_closing & (place > 0))))


# ---------------------------------------------------------------- what promises are grouped by


def _groupings(leads: Leads, book: Rulebook) -> dict[str, Group]:
    person = leads.groups["person"]
    asked = local_seconds(leads.instants["asked_at"], book.zone)
    ended = local_seconds(leads.instants["respond_by"], book.zone)
    return {
        "person": person,
        "team": regrouped(person, "team", [team_of(book.roster, id_) for id_ in person.names]),
        "region": regrouped(person, "region", [region_of(book.roster, id_) for id_ in person.names]),
        **{name: leads.groups[name] for name in ("route", "source", "service_level", "segment", "channel")},
        "day": _dates("day", ended // DAY, 1),
        "week": _dates("week", ended // DAY - weekday_of(ended), 7),
        "weekday": Group("weekday", "weekday", _codes(weekday_of(asked)), [str(day) for day in range(1, 8)]),
        "hour": Group("hour", "hour", _codes(asked // HOUR % 24), [f"{hour:02}" for hour in range(24)]),
    }


def _dates(role: str, first_day: NDArray[np.int64], step: int) -> Group:
    """By periods of `step` days, named by the first day of each; days are numbered from 1970."""
    first = int(first_day.min()) if len(first_day) else 0
    place = (first_day - first) // step
    names = [
        (date(1970, 1, 1) + timedelta(days=first + step * number)).isoformat()
        for number in range(int(place.max(initial=-1)) + 1)
    ]
    return Group(role, role, _codes(place), names)


def _codes(numbers: NDArray[np.int64]) -> Codes:
    return numbers.astype(np.int32)
