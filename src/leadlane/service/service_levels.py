"""How were the promises to prospects kept in a period, by whom, and where did the time go?"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isnan, nan
from typing import Literal, get_args

import numpy as np
from psycopg import Connection

from leadlane.core.facts import Roster
from leadlane.core.rulebook import Rulebook
from leadlane.errors import LeadlaneError
from leadlane.i18n import _
from leadlane.insight.response import business_clock
from leadlane.insight.service_levels import (
    Beyond,
    Coaching,
    Figures,
    Judged,
    Pattern,
    Span,
    State,
    beyond_chance,
    figures,
    grouped,
    patterns,
)
from leadlane.service import periods
from leadlane.store import service_levels as store
from leadlane.store.service_levels import Promised

By = Literal[
    "person", "team", "region", "route", "source", "service_level", "segment", "week", "weekday", "hour"
]
DIMENSIONS: tuple[By, ...] = get_args(By)
# What of it is in an order of its own; other groups are listed by their size.
ORDERED = frozenset({"week", "weekday", "hour"})
# Where to look for a pattern in what was missed. Not by person: there, like is compared with like.
PATTERNS: tuple[By, ...] = ("hour", "weekday", "region", "service_level", "source")
# More than this is not read at once, on a server that has leads to route.
MOST = 200_000


@dataclass(frozen=True, slots=True)
class Group:
    """The promises of one value of a dimension. None: it is not known, or there is none."""

    value: str | None
    figures: Figures


@dataclass(frozen=True, slots=True)
class ServiceLevels:
    """A report: of all promises, by groups of a dimension, by week, and what is more than chance explains.

    `compared` people were tested for missing more than others. `promises` are all that it speaks of.
    """

    period: periods.Span
    by: By
    team: str | None
    all: Figures
    groups: Sequence[Group]
    weeks: Sequence[Group]
    patterns: Sequence[Pattern]
    coaching: Sequence[Coaching]
    compared: int
    promises: Sequence[Judged]


class TooManyError(LeadlaneError):
    """A period with more promises than are read at once."""

    def __init__(self) -> None:
        super().__init__(
            _("More than {most} promises ended in this period.").format(most=f"{MOST:,}"),
            _("Choose a shorter one, such as a month; periods can be put together from their exports."),
        )


def service_levels(
    connection: Connection,
    book: Rulebook,
    period: periods.Span,
    now: datetime,
    by: By = "person",
    team: str | None = None,
) -> ServiceLevels:
    """The report on the promises that ended in a period, of everybody or of a team.

    Teams, regions, hours and holidays are those of the roster in `book`. TooManyError beyond MOST promises.
    """
    rows = store.ended(connection, period.since, period.until, now, MOST + 1)
    if len(rows) > MOST:
        raise TooManyError
    worked = _working_time(rows, book, now)
    everything = [_judged(one, book, now, seconds) for one, seconds in zip(rows, worked, strict=True)]
    wanted = [one for one in everything if team is None or one.by["team"] == team]
    compared = _compare(everything, rows, book)
    found = {id_: one for id_, one in compared.items() if one.is_found and _team_of(book.roster, id_, team)}
    return ServiceLevels(
        period,
        by,
        team,
        figures(wanted),
        _groups(wanted, by),
        _groups(wanted, "week"),
        patterns(wanted, PATTERNS),
        _coaching(connection, book, found, everything, rows),
        len(compared),
        wanted,
    )


def _groups(promises: Iterable[Judged], by: By) -> list[Group]:
    groups = [Group(value, figures(part)) for value, part in grouped(promises, by).items()]
    if by in ORDERED:
        return sorted(groups, key=lambda one: one.value or "")
    return sorted(groups, key=lambda one: (one.value is None, -one.figures.count, one.value or ""))


def _team_of(roster: Roster, person: str, team: str | None) -> bool:
    return team is None or _team_and_region(roster, person)[0] == team


# ---------------------------------------------------------------- one promise


# Seconds of working time: since the arrival, and since somebody was told.
Worked = tuple[float | None, float | None]


def _judged(one: Promised, book: Rulebook, now: datetime, worked: Worked) -> Judged:
    end, answering_end = _ends(one, now)
    response_worked, answering_worked = worked
    is_over = one.responded_at is not None
    is_answering_over = is_over and answering_end == end
    begun = one.told_at or one.had_since
    return Judged(
        one.lead_id,
        _state(one),
        one.person,
        _dimensions(one, book),
        Span(max(0.0, (end - one.arrived_at).total_seconds()), is_over),
        Span(response_worked, is_over) if response_worked is not None else None,
        _span(one.arrived_at, one.assigned_at),
        _span(one.had_since, one.told_at),
        _span(begun, answering_end, is_over=is_answering_over),
        Span(answering_worked, is_answering_over) if answering_worked is not None else None,
    )


def _state(one: Promised) -> State:
    if one.responded_at is not None:
        return "kept" if one.responded_at <= one.respond_by else "missed"
    return "ended" if one.closed_at is not None and one.closed_at <= one.respond_by else "missed"


def _ends(one: Promised, now: datetime) -> tuple[datetime, datetime]:
    """Until when the prospect waited, and until when it is known of `person` how long they took."""
    end = one.responded_at or one.closed_at or now
    # Where somebody else has it since: how long the first would have taken is not known.
    return end, end if one.is_theirs else min(end, one.respond_by)


def _span(start: datetime | None, end: datetime | None, *, is_over: bool = True) -> Span | None:
    if start is None or end is None:
        return None
    return Span(max(0.0, (end - start).total_seconds()), is_over)


def _working_time(rows: Sequence[Promised], book: Rulebook, now: datetime) -> list[Worked]:
    """For each promise the seconds of working time of whoever had it: since its arrival, and since they were
    told, or had it, each until the end of that. None where the person or the moment is not known.
    """
    found: list[Worked] = [(None, None)] * len(rows)
    places: defaultdict[int, list[int]] = defaultdict(list)
    calendars = {}
    for place, one in enumerate(rows):
        if (calendar := book.calendars.get(one.person or "")) is not None:
            calendars[id(calendar)] = calendar
            places[id(calendar)].append(place)
    for key, listed in places.items():
        moments = np.array([_moments(rows[place], now) for place in listed]).T
        clock = business_clock(calendars[key], *moments)
        arrived, end, begun, answering_end = (clock(of) for of in moments)
        waited, answered = np.maximum(0, end - arrived), np.maximum(0, answering_end - begun)
        for place, one, other in zip(listed, waited.tolist(), answered.tolist(), strict=True):
            found[place] = (round(one, 3), None if isnan(other) else round(other, 3))
    return found


def _moments(one: Promised, now: datetime) -> tuple[float, float, float, float]:
    """Arrival, its end, told or had, its end; seconds since 1970."""
    end, answering_end = _ends(one, now)
    begun = one.told_at or one.had_since
    return (
        one.arrived_at.timestamp(),
        end.timestamp(),
        begun.timestamp() if begun else nan,
        answering_end.timestamp(),
    )


def _dimensions(one: Promised, book: Rulebook) -> dict[str, str | None]:
    team, region = _team_and_region(book.roster, one.person)
    arrived, ended = one.arrived_at.astimezone(book.zone), one.respond_by.astimezone(book.zone).date()
    return {
        "person": one.person,
        "team": team,
        "region": region,
        "route": one.route,
        "source": one.source or None,
        "service_level": one.service_level,
        "segment": one.segment,
        "week": (ended - timedelta(days=ended.weekday())).isoformat(),
        "weekday": str(arrived.isoweekday()),
        "hour": f"{arrived.hour:02}",
    }


def _team_and_region(roster: Roster, id_: str | None) -> tuple[str | None, str | None]:
    """The first team of a person, and their region, or else that of the team."""
    person = roster.people.get(id_ or "")
    if person is None:
        return None, None
    team = roster.teams.get(person.teams[0]) if person.teams else None
    return (team.id if team else None), (person.region or (team.region if team else "") or None)


# ---------------------------------------------------------------- who misses again and again


def _compare(promises: Sequence[Judged], rows: Sequence[Promised], book: Rulebook) -> dict[str, Beyond]:
    """Each person against the others, among promises of one service level that came in or outside hours."""
    kinds: dict[tuple[str, bool], int] = {}
    people: dict[str, int] = {}
    group, missed, stratum = [], [], []
    for one, row in zip(promises, rows, strict=True):
        if one.state == "ended":
            continue
        kind = (row.service_level, _came_outside(row, book))
        stratum.append(kinds.setdefault(kind, len(kinds)))
        group.append(people.setdefault(one.person, len(people)) if one.person is not None else -1)
        missed.append(one.state == "missed")
    found = beyond_chance(
        np.array(group, np.int32), np.array(missed, dtype=bool), np.array(stratum, np.int32)
    )
    ids = list(people)
    return {ids[one.group]: one for one in found}


def _came_outside(row: Promised, book: Rulebook) -> bool:
    """Whether a lead came outside of the working hours of whoever had it."""
    calendar = book.calendars.get(row.person or "")
    return calendar is None or not calendar.is_open(row.arrived_at)


def _coaching(
    connection: Connection,
    book: Rulebook,
    found: dict[str, Beyond],
    promises: Sequence[Judged],
    rows: Sequence[Promised],
) -> list[Coaching]:
    """What may help those who were found, who missed most beyond expectation first."""
    if not found:
        return []
    loads = store.open_leads(connection, list(found))
    had = Counter(one.person for one in promises if one.person is not None)
    is_any_told = any(row.told_at is not None for row in rows)
    made = [
        _help(book, id_, beyond, promises, rows, had, loads.get(id_, 0), is_any_told)
        for id_, beyond in found.items()
    ]
    return sorted(made, key=lambda one: one.beyond.count * one.beyond.expected - one.beyond.missed)


def _help(
    book: Rulebook,
    id_: str,
    beyond: Beyond,
    promises: Sequence[Judged],
    rows: Sequence[Promised],
    had: Counter[str],
    open_now: int,
    is_any_told: bool,
) -> Coaching:
    theirs = [
        (one, row)
        for one, row in zip(promises, rows, strict=True)
        if one.person == id_ and one.state != "ended"
    ]
    missed = [row for one, row in theirs if one.state == "missed"]
    in_time = [(one, row) for one, row in theirs if _told_in_time(row)]
    told = Counter(row.channel for _one, row in in_time)
    kept = Counter(row.channel for one, row in in_time if one.state == "kept")
    person = book.roster.people.get(id_)
    team, _region = _team_and_region(book.roster, id_)
    others = [
        count for other, count in had.items() if other != id_ and _team_of(book.roster, other, team) and team
    ]
    return Coaching(
        id_,
        beyond,
        had[id_],
        sum(_came_outside(row, book) for row in missed),
        sum(not _told_in_time(row) for row in missed) if is_any_told else None,
        [(channel, kept[channel], count) for channel, count in told.most_common() if channel is not None],
        open_now,
        person.max_open if person else None,
        sum(others) / len(others) if others else None,
    )


def _told_in_time(row: Promised) -> bool:
    return row.told_at is not None and row.told_at < row.respond_by


def seen_by(report: ServiceLevels, people: Collection[str] | None) -> Sequence[Coaching]:
    """Of those to be coached, the ones among `people`; None: all."""
    return [one for one in report.coaching if people is None or one.person in people]
