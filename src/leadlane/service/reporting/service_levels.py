"""How were the promises to prospects kept in a period, by whom, and where did the time go?"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

import numpy as np
from psycopg import Connection

from leadlane.core.facts import Roster
from leadlane.core.rulebook import Rulebook
from leadlane.insight.facts import team_of
from leadlane.insight.groups import crossed
from leadlane.insight.promises import ENDED, KEPT, MISSED, Promises, promises_of
from leadlane.insight.service_levels import (
    Beyond,
    Coaching,
    Figures,
    Pattern,
    beyond_chance,
    figures,
    grouped,
    patterns,
)
from leadlane.service.reporting import periods
from leadlane.service.reporting.facts import facts
from leadlane.store import service_levels as store

By = Literal[
    "person", "team", "region", "route", "source", "service_level", "segment", "week", "weekday", "hour"
]
DIMENSIONS: tuple[By, ...] = get_args(By)
# What of it is in an order of its own; other groups are listed by their size.
ORDERED = frozenset({"week", "weekday", "hour"})
# Where to look for a pattern in what was missed. Not by person: there, like is compared with like.
PATTERNS: tuple[By, ...] = ("hour", "weekday", "region", "service_level", "source")


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
    promises: Promises


def service_levels(
    connection: Connection,
    book: Rulebook,
    period: periods.Span,
    now: datetime,
    by: By = "person",
    team: str | None = None,
) -> ServiceLevels:
    """The report on the promises that ended in a period, of everybody or of a team.

    Teams, regions, hours and holidays are those of the roster in `book`. NotReadyError as of `facts`.
    """
    leads = facts(connection, book, period.since, period.until, "ended", with_merged=True)
    everything = promises_of(leads, book, now)
    wanted = everything if team is None else _of_team(everything, team)
    compared = _compare(everything)
    found = {
        id_: one
        for id_, one in compared.items()
        if one.is_found and (team is None or team_of(book.roster, id_) == team)
    }
    return ServiceLevels(
        period,
        by,
        team,
        figures(wanted),
        _groups(wanted, by),
        _groups(wanted, "week"),
        patterns(wanted, PATTERNS),
        _coaching(connection, book.roster, found, everything),
        len(compared),
        wanted,
    )


def _of_team(promises: Promises, team: str) -> Promises:
    by = promises.by["team"]
    # No team that nobody is of has a number.
    return promises.only(by.codes == (by.names.index(team) if team in by.names else len(by.names)))


def _groups(promises: Promises, by: By) -> list[Group]:
    groups = [Group(value, found) for value, found in grouped(promises, promises.by[by])]
    if by in ORDERED:
        return sorted(groups, key=lambda one: one.value or "")
    return sorted(groups, key=lambda one: (one.value is None, -one.figures.count, one.value or ""))


# ---------------------------------------------------------------- who misses again and again


def _compare(promises: Promises) -> dict[str, Beyond]:
    """Each person against the others, among promises of one service level that came in or outside hours."""
    judged = promises.state != ENDED
    person, level = promises.by["person"], promises.by["service_level"]
    kinds = crossed([level.codes[judged], promises.came_outside[judged].astype(np.int32)])
    missed, day = promises.state[judged] == MISSED, promises.by["day"].codes[judged]
    found = beyond_chance(person.codes[judged], missed, kinds, day)
    return {person.names[one.group]: one for one in found}


def _coaching(
    connection: Connection, roster: Roster, found: Mapping[str, Beyond], promises: Promises
) -> list[Coaching]:
    """What may help those who were found, who missed most beyond expectation first."""
    if not found:
        return []
    loads = store.open_leads(connection, list(found))
    person = promises.by["person"]
    counts = np.bincount(person.codes[person.codes >= 0], minlength=len(person.names)).tolist()
    had = dict(zip(person.names, counts, strict=True))
    made = [_help(roster, id_, beyond, promises, had, loads.get(id_, 0)) for id_, beyond in found.items()]
    return sorted(made, key=lambda one: one.beyond.count * one.beyond.expected - one.beyond.missed)


def _help(
    roster: Roster, id_: str, beyond: Beyond, promises: Promises, had: Mapping[str, int], open_now: int
) -> Coaching:
    person = promises.by["person"]
    theirs = promises.only((person.codes == person.names.index(id_)) & (promises.state != ENDED))
    missed = theirs.state == MISSED
    is_any_told = not np.isnan(promises.spans["telling"].seconds).all()
    team = team_of(roster, id_)
    others = [
        count for other, count in had.items() if team and other != id_ and team_of(roster, other) == team
    ]
    known = roster.people.get(id_)
    return Coaching(
        id_,
        beyond,
        had[id_],
        int((missed & theirs.came_outside).sum()),
        int((missed & ~theirs.told_in_time).sum()) if is_any_told else None,
        _channels(theirs),
        open_now,
        known.max_open if known else None,
        sum(others) / len(others) if others else None,
    )


def _channels(promises: Promises) -> list[tuple[str, int, int]]:
    """By which channels somebody was told in time, and how many of those promises they kept."""
    by = promises.by["channel"]
    told = promises.told_in_time & (by.codes >= 0)
    counts = np.bincount(by.codes[told], minlength=len(by.names)).tolist()
    kept = np.bincount(by.codes[told & (promises.state == KEPT)], minlength=len(by.names)).tolist()
    used = [one for one in zip(by.names, kept, counts, strict=True) if one[2]]
    return sorted(used, key=lambda one: -one[2])


def seen_by(report: ServiceLevels, people: Collection[str] | None) -> Sequence[Coaching]:
    """Of those to be coached, the ones among `people`; None: all."""
    return [one for one in report.coaching if people is None or one.person in people]
