"""How does the report on coverage and capacity read, and what does its export say?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from psycopg import Connection
from typing_extensions import TypedDict

from leadlane.core.facts import Roster
from leadlane.core.rulebook import Rulebook
from leadlane.explain.speech import person_words
from leadlane.i18n import N_, _
from leadlane.insight.capacity import CapacityReport, Peak, PersonCapacity, PoolCapacity
from leadlane.insight.forecast import Ahead
from leadlane.insight.pace import WeekAhead
from leadlane.insight.say_capacity import (
    DIMENSIONS,
    Told,
    hour_words,
    peak_days,
    report_on_capacity,
    series_words,
    week_words,
)
from leadlane.insight.staffed import Hole, HourCell, Promises
from leadlane.service.reporting.capacity import capacity_of
from leadlane.service.reporting.periods import period_words
from leadlane.service.reporting.report_kind import Asked, ColumnType, Kind, Made

# A pace takes some full weeks, so some three months are looked at where nothing else is asked.
_DAYS = 90
_DIGITS = 6


def make(connection: Connection, book: Rulebook, asked: Asked, now: datetime) -> Made:
    """The report for people and programs."""
    found = capacity_of(connection, book, asked, now)
    names = {id_: person_words(book.roster, id_) for id_ in book.roster.people}
    told = Told(period_words(asked.period, book.zone), names, asked.by)
    return Made(report_on_capacity(found, told), rows(found, asked.by, book.roster), data(found))


# ---------------------------------------------------------------- the export

COLUMNS: Mapping[str, ColumnType] = {
    "value": "text",
    "name": "text",
    "pool": "text",
    "weekday": "integer",
    "hour": "integer",
    "hours": "number",
    "leads": "integer",
    "promises": "integer",
    "missed": "integer",
    "share_missed": "number",
    "share_low": "number",
    "share_high": "number",
    "is_small": "boolean",
    "nobody_there": "integer",
    "people": "number",
    "q": "number",
    "carried_per_hour": "number",
    "used": "number",
    "in_hand": "number",
    "in_hand_most": "integer",
    "limit": "integer",
    "share_at_limit": "number",
    "share_idle": "number",
    "always_full": "boolean",
    "always_idle": "boolean",
    "owed": "number",
    "expected": "number",
    "expected_low": "number",
    "expected_high": "number",
    "expected_low_80": "number",
    "expected_high_80": "number",
    "carried": "number",
    "chance_of_more": "number",
    "missed_expected": "number",
    "missed_low": "number",
    "missed_high": "number",
}

_Row = dict[str, Any]


def rows(found: CapacityReport, by: str, roster: Roster) -> list[_Row]:
    """A row for each pool, person, hour of the week of a pool, or week to come of what is forecast."""
    match by:
        case "person":
            made = [_person_row(one, roster) for one in found.people]
        case "hour":
            made = [
                _hour_row(pool.name, cell)
                for pool in found.pools
                for cell in pool.cells
                if cell.people or cell.leads or cell.promises.count
            ]
        case "week":
            made = list(_week_rows(found))
        case _pool:
            made = [_pool_row(pool) for pool in found.pools]
    return [dict.fromkeys(COLUMNS) | row for row in made]


def _promises(one: Promises) -> _Row:
    share = one.share
    return {
        "promises": one.count,
        "missed": one.missed,
        "share_missed": _round(share.value if share else None),
        "share_low": _round(share.low if share else None),
        "share_high": _round(share.high if share else None),
        "is_small": share is None or share.is_small,
    }


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)


def _pool_row(pool: PoolCapacity) -> _Row:
    row = {
        "value": pool.name,
        "name": pool.name,
        "pool": pool.name,
        "hours": _round(pool.hours),
        "leads": pool.leads,
        **_promises(pool.promises),
        "nobody_there": pool.alone,
        "people": len(pool.people),
        "carried_per_hour": _round(pool.pace.per_hour if pool.pace else None),
        "used": _round(pool.used),
    }
    # The first full week from now on.
    return row | (_week(pool.ahead[0]) if pool.ahead else {})


def _person_row(one: PersonCapacity, roster: Roster) -> _Row:
    held = one.in_hand
    return {
        "value": one.id,
        "name": person_words(roster, one.id),
        "hours": _round(held.hours),
        "leads": one.leads,
        **_promises(one.promises),
        "in_hand": _round(held.mean),
        "in_hand_most": held.peak,
        "limit": one.most_open,
        "share_at_limit": _round(held.full),
        "share_idle": _round(held.idle),
        "always_full": held.is_always_full,
        "always_idle": held.is_always_idle,
        "owed": _round(sum(turn.owed for turn in one.turns)) if one.turns else None,
        "q": _round(min((turn.q for turn in one.turns), default=None)),
    }


def _hour_row(pool: str, cell: HourCell) -> _Row:
    return {
        "value": f"{pool} {cell.weekday + 1}-{cell.hour:02}",
        "name": hour_words(cell.weekday, cell.hour),
        "pool": pool,
        "weekday": cell.weekday + 1,
        "hour": cell.hour,
        "people": _round(cell.people),
        "leads": cell.leads,
        **_promises(cell.promises),
        "nobody_there": cell.alone,
        "q": _round(cell.q),
    }


def _week_rows(found: CapacityReport) -> Iterable[_Row]:
    carried = {(pool.name, week.first): week for pool in found.pools for week in pool.ahead}
    for one in found.forecast:
        for first, leads in one.ahead:
            pool = one.name if one.role == "pool" else None
            week = carried.get((one.name, first)) if pool else None
            yield {
                "value": f"{one.role}{' ' if one.name else ''}{one.name} {first.date().isoformat()}",
                "name": _("{name}, week from {day}").format(name=series_words(one), day=week_words(first)),
                "pool": pool,
                **(_expected(leads) if week is None else _week(week) | {"hours": _round(week.hours)}),
            }


def _expected(leads: Ahead) -> _Row:
    return {
        "expected": _round(leads.expected.value),
        "expected_low": leads.expected.low,
        "expected_high": leads.expected.high,
        "expected_low_80": leads.low,
        "expected_high_80": leads.high,
    }


def _week(week: WeekAhead) -> _Row:
    breaches = week.breaches
    return _expected(week.leads) | {
        "carried": _round(week.capacity),
        "chance_of_more": _round(week.chance),
        "missed_expected": _round(breaches.value if breaches else None),
        "missed_low": breaches.low if breaches else None,
        "missed_high": breaches.high if breaches else None,
    }


# ---------------------------------------------------------------- what JSON tells besides


class HoleView(TypedDict):
    """Hours of a weekday (1 for Monday) from `start` until before `until`, in which leads came to a pool.

    `nobody_there` of their promises were missed before anybody of the pool was at work.
    """

    pool: str
    weekday: int
    start: int
    until: int
    leads: int
    promises: int
    missed: int
    nobody_there: int


class TurnView(TypedDict):
    """What somebody got of a pool's leads, and what weight and working hours owed them.

    `q` is how probable such a gap is by chance, corrected for all that were compared.
    """

    pool: str
    person: str
    got: int
    owed: float
    q: float


class PeakView(TypedDict):
    """A week to come that may bring a pool more than it carries, from Monday `first_day` to `last_day`.

    `route` and `to_pool` are the temporary route that would take `relief` leads off it; null where none fits.
    """

    pool: str
    first_day: str
    last_day: str
    usual: float
    expected: float
    low: float
    high: float
    carried: float | None
    chance_of_more: float | None
    route: str | None
    to_pool: str | None
    relief: float | None


class CapacityData(TypedDict):
    """Coverage and capacity besides the groups. `known_weeks` are what the forecast rests on."""

    known_weeks: int
    inequality: float | None
    holes: list[HoleView]
    turns: list[TurnView]
    peaks: list[PeakView]


def data(found: CapacityReport) -> CapacityData:
    """Holes, shares, and peaks to come."""
    return {
        "known_weeks": found.known_weeks,
        "inequality": _round(found.inequality),
        "holes": [_hole(hole) for hole in found.holes],
        "turns": [
            {
                "pool": turn.pool,
                "person": turn.person,
                "got": turn.got,
                "owed": round(turn.owed, _DIGITS),
                "q": round(turn.q, _DIGITS),
            }
            for person in found.people
            for turn in person.turns
        ],
        "peaks": [_peak(peak) for peak in found.peaks],
    }


def _hole(hole: Hole) -> HoleView:
    return {
        "pool": hole.pool,
        "weekday": hole.weekday + 1,
        "start": hole.start,
        "until": hole.until,
        "leads": hole.leads,
        "promises": hole.promises.count,
        "missed": hole.promises.missed,
        "nobody_there": hole.alone,
    }


def _peak(peak: Peak) -> PeakView:
    first, last = peak_days(peak)
    leads, relief = peak.week.leads.expected, peak.relief
    return {
        "pool": peak.pool,
        "first_day": first.isoformat(),
        "last_day": last.isoformat(),
        "usual": round(peak.usual, _DIGITS),
        "expected": round(leads.value, _DIGITS),
        "low": leads.low,
        "high": leads.high,
        "carried": _round(peak.week.capacity),
        "chance_of_more": _round(peak.week.chance),
        "route": relief.route if relief else None,
        "to_pool": relief.pool if relief else None,
        "relief": _round(relief.leads if relief else None),
    }


KIND = Kind(
    "coverage",
    N_("Coverage and capacity"),
    N_("Is somebody there when leads come, who has too much or too little, and what will come?"),
    DIMENSIONS,
    COLUMNS,
    make,
    CapacityData,
    _DAYS,
    is_of_team=False,
)
