"""How were promises kept, and where did the time go? The report on service levels."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from math import isinf
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from leadlane.core.rulebook import Rulebook
from leadlane.explain.service_levels import (
    beyond_words,
    compared_words,
    dimension_words,
    help_words,
    pattern_words,
    value_words,
)
from leadlane.i18n import _
from leadlane.insight import say
from leadlane.insight.proportions import SMALL, Estimate
from leadlane.service.contact_rate import PeriodError
from leadlane.service.periods import Span, report_period
from leadlane.service.report_files import csv_text, rows
from leadlane.service.service_levels import (
    DIMENSIONS,
    By,
    Group,
    TooManyError,
    seen_by,
    service_levels,
)
from leadlane.service.who_acts import answers_for
from leadlane.web import words
from leadlane.web.acting import actor_of
from leadlane.web.page import page
from leadlane.web.render import show
from leadlane.web.roles import Capability
from leadlane.web.session import PageError, Session, leadlane_of

HOME = "/reports"
_FIELDS = ("since", "until", "by", "team")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the address asks for, as it was given; problems by field."""

    given: Mapping[str, str]
    period: Span
    by: By = "person"
    team: str | None = None
    problems: dict[str, str] = field(default_factory=dict)


def show_reports(request: Request, session: Session) -> Response:
    """The page; with `format=csv` its groups as a file."""
    if request.query_params.get("format") == "csv":
        return _file(request)
    leadlane = leadlane_of(request)
    now = leadlane.now()
    with leadlane.pool.connection() as connection:
        book = leadlane.books.current(connection)
        asked = _asked(request, book)
        report = None
        try:
            report = service_levels(connection, book, asked.period, now, asked.by, asked.team)
        except TooManyError as error:
            asked.problems["until"] = f"{error.message} {error.hint}"
    teams = sorted(book.roster.teams.values(), key=lambda one: one.name.casefold())
    return show(
        request,
        "reports/service_levels.html",
        422 if asked.problems else 200,
        found=report,
        asked=asked,
        problems=asked.problems,
        dimensions=[(by, dimension_words(by)) for by in DIMENSIONS],
        teams=[("", _("All teams")), *((one.id, one.name or one.id) for one in teams)],
        coaching=seen_by(report, _coached_by(book, session)) if report else (),
        sees_coaching=session.may(Capability.ACT_ON_TEAM_LEADS),
        weeks=_weeks(report.weeks, ZoneInfo(session.zone)) if report else None,
        last_day=(asked.period.until - timedelta(microseconds=1)).astimezone(book.zone).date(),
        first_day=asked.period.since.astimezone(book.zone).date(),
        zone=book.zone.key,
        name_of_value=lambda value: value_words(asked.by, value, book.roster),
        pattern_words=lambda one: pattern_words(one, book.roster),
        by_words=dimension_words(asked.by),
        compared_words=compared_words,
        beyond_words=beyond_words,
        help_words=help_words,
        share_words=say.share,
        percent=say.percent,
        span=_span,
        range=_range,
        few=SMALL,
    )


def _file(request: Request) -> Response:
    """PageError (422) for what the page would say beside a field."""
    leadlane = leadlane_of(request)
    with leadlane.pool.connection() as connection:
        book = leadlane.books.current(connection)
        asked = _asked(request, book)
        if asked.problems:
            raise PageError(422, _("This report cannot be made"), " ".join(asked.problems.values()))
        report = service_levels(connection, book, asked.period, leadlane.now(), asked.by, asked.team)
    name = f"service-levels-by-{asked.by}.csv"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(csv_text(rows(report, book.roster)), 200, headers, "text/csv; charset=utf-8")


def _asked(request: Request, book: Rulebook) -> _Asked:
    query, now = request.query_params, leadlane_of(request).now()
    given = {name: query.get(name, "").strip() for name in _FIELDS}
    problems: dict[str, str] = {}
    if given["by"] and given["by"] not in DIMENSIONS:
        problems["by"] = _("There is no such grouping.")
    if given["team"] and given["team"] not in book.roster.teams:
        problems["team"] = _("There is no team of this id.")
    try:
        period = report_period(query.get("period"), given["since"], given["until"], book.zone, now)
    except PeriodError as error:
        period = report_period(None, None, None, book.zone, now)
        problems[error.bound if error.bound in _FIELDS else "since"] = error.reason
    by: By = next((one for one in DIMENSIONS if one == given["by"]), "person")
    team = given["team"] if given["team"] in book.roster.teams else None
    return _Asked(given, period, by, team, problems)


def _coached_by(book: Rulebook, session: Session) -> Collection[str] | None:
    """Whose missing is for whoever looks to talk about: None for an admin, everybody; nobody for most."""
    actor = actor_of(session)
    if actor.scope == "all":
        return None
    return answers_for(book.roster, actor.person) if actor.scope == "teams" and actor.person else ()


def _span(median: Estimate | None) -> str:
    return say.span(median.value) if median is not None else "–"


def _range(median: Estimate | None) -> str:
    """The interval of a median; open where the data do not reach its end."""
    if median is None:
        return ""
    if isinf(median.high):
        return _("{low} or longer").format(low=say.span(median.low))
    return _("{low} to {high}").format(low=say.span(median.low), high=say.span(median.high))


# The theme's colours come in an order: an empty series takes the one that says nothing here.
def _weeks(weeks: Collection[Group], zone: ZoneInfo) -> dict[str, Any]:
    """Kept and missed by week, as an option of ECharts, and as rows."""
    days = [words.day(date.fromisoformat(one.value or ""), zone) for one in weeks]
    kept, missed = [one.figures.kept for one in weeks], [one.figures.missed for one in weeks]
    bars = {"type": "bar", "stack": "all", "barMaxWidth": 40}
    option = {
        "tooltip": {"trigger": "axis"},
        "legend": {"data": [_("kept"), _("missed")], "top": 0},
        "xAxis": {"type": "category", "data": days},
        "yAxis": {"type": "value", "minInterval": 1},
        "series": [
            {**bars, "data": []},
            {**bars, "name": _("kept"), "data": kept},
            {**bars, "data": []},
            {**bars, "name": _("missed"), "data": missed},
        ],
    }
    shares = [say.share(one.figures.share) if one.figures.share else "–" for one in weeks]
    return {"option": option, "rows": list(zip(days, kept, missed, shares, strict=True))}


PAGES = (page(HOME, show_reports, capability=Capability.READ_REPORTS),)
