"""Which reports are there, and what is one asked? The registry that pages, interface and terminal read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from psycopg import Connection

from leadlane.core.rulebook import Rulebook
from leadlane.i18n import _
from leadlane.service.reporting import capacity_report, conversion_report, rules_report, service_levels_report
from leadlane.service.reporting.contact_rate import PeriodError
from leadlane.service.reporting.periods import report_period
from leadlane.service.reporting.report_kind import Asked, ColumnType, Kind, Made

# In the order in which they are offered. A kind that stands here is a page, an address and a command.
KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        service_levels_report.KIND,
        conversion_report.KIND,
        capacity_report.KIND,
        rules_report.KIND,
    )
}  # fmt: skip
_COMMON: Mapping[str, ColumnType] = {"since": "moment", "until": "moment", "by": "text"}


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody asks of a report, as text; None or "" where nothing is said."""

    period: str | None = None
    since: str | None = None
    until: str | None = None
    by: str | None = None
    team: str | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one field of a question, as it was given."""

    field: str
    value: str
    reason: str


def understand(kind: Kind, asked: Question, book: Rulebook, now: datetime) -> tuple[Asked, list[Problem]]:
    """What is meant, and every problem with it; where there is one, the usual stands for what was given."""
    problems = []
    if asked.period and (asked.since or asked.until):
        problems.append(Problem("period", asked.period[:80], _("either a period is meant, or dates")))
    try:
        period = report_period(asked.period, asked.since, asked.until, book.zone, now, kind.days)
    except PeriodError as error:
        period = report_period(None, None, None, book.zone, now, kind.days)
        problems.append(Problem(error.bound, error.value, error.reason))
    found = Asked(period, next(iter(kind.dimensions), ""))
    if asked.by and asked.by in kind.dimensions:
        found = replace(found, by=asked.by)
    elif asked.by:
        known = ", ".join(kind.dimensions) or _("none")
        problems.append(Problem("by", asked.by[:80], _("the groupings are: {names}").format(names=known)))
    if asked.team and not kind.is_of_team:
        problems.append(Problem("team", asked.team[:80], _("this report is of all teams")))
    elif asked.team and asked.team not in book.roster.teams:
        problems.append(Problem("team", asked.team[:80], _("there is no team of this id")))
    elif asked.team:
        found = replace(found, team=asked.team)
    return found, problems


def make(connection: Connection, kind: Kind, book: Rulebook, asked: Asked, now: datetime) -> Made:
    """The report, its rows with the columns that every report has. LeadlaneError for what cannot be told."""
    made = kind.make(connection, book, asked, now)
    common = {"since": asked.period.since, "until": asked.period.until, "by": asked.by or None}
    return replace(made, rows=[{**common, **row} for row in made.rows])


def columns(kind: Kind) -> Mapping[str, ColumnType]:
    """All columns of the export of a kind, in order."""
    return {**_COMMON, **kind.columns}


def as_json(kind: Kind, asked: Asked, made: Made) -> dict[str, Any]:
    """The report as programs read it: what was asked, the groups, and what the kind tells besides."""
    names = columns(kind)
    return {
        "report": kind.name,
        "since": asked.period.since,
        "until": asked.period.until,
        "by": asked.by or None,
        "team": asked.team,
        "groups": [{name: row[name] for name in names} for row in made.rows],
        **made.data,
    }
