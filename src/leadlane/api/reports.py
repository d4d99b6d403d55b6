"""How well does it go? Figures over a period: `GET /v1/reports/duplicates`, `/v1/reports/service-levels`."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from leadlane.api.body import JSON
from leadlane.api.front import front_of
from leadlane.api.pages import NoQuery
from leadlane.api.problems import ProblemError, field_error
from leadlane.i18n import _
from leadlane.service.contact_rate import MOST_LISTED, PeriodError, duplicates_report, read_period
from leadlane.service.periods import report_period
from leadlane.service.report_files import csv_text, rows, view
from leadlane.service.service_levels import By, service_levels
from leadlane.store.codec import encode


class ReportQuery(NoQuery):
    """Which period; all of the time without bounds. Dates are days in the time zone of the policy."""

    since: str | None = Field(None, description="From this date or moment on.")
    until: str | None = Field(None, description="Up to the end of this date, or just before this moment.")
    limit: int = Field(50, ge=0, le=MOST_LISTED, description="How many of the prospects concerned at most.")


def get_duplicates_report(request: Request, query: Annotated[ReportQuery, Query()]) -> Response:
    """The duplicate contact rate: which share of prospects was contacted by more than one person."""
    front = front_of(request)
    with front.leadlane.pool.connection() as connection:
        book = front.leadlane.books.current(connection)
        try:
            period = read_period(query.since, query.until, book.policy.timezone)
        except PeriodError as error:
            problem = field_error(error.bound, error.value, error.reason)
            raise ProblemError("invalid", _("A query parameter is not valid."), [problem]) from None
        report = duplicates_report(connection, book.roster, period, query.limit)
    return Response(encode(report), media_type=JSON)


class ServiceLevelsQuery(NoQuery):
    """Which promises, by what, and as what. Without a period, those of the last 30 days."""

    period: str | None = Field(None, description="A year, quarter, month, days: 2026, 2026Q1, 2026-03, 90d.")
    since: str | None = Field(None, description="From this date or moment on.")
    until: str | None = Field(None, description="Up to the end of this date, or just before this moment.")
    by: By = Field("person", description="What the groups are.")
    team: str | None = Field(None, description="Only promises of people of this team (its id).")
    format: Literal["json", "csv"] = Field("json", description="CSV has the groups alone.")


def get_service_levels(request: Request, query: Annotated[ServiceLevelsQuery, Query()]) -> Response:
    """How the promises that ended in a period were kept, and where the time went."""
    front = front_of(request)
    now = front.leadlane.now()
    with front.leadlane.pool.connection() as connection:
        book = front.leadlane.books.current(connection)
        try:
            period = report_period(query.period, query.since, query.until, book.zone, now)
        except PeriodError as error:
            problem = field_error(error.bound, error.value, error.reason)
            raise ProblemError("invalid", _("A query parameter is not valid."), [problem]) from None
        if query.team is not None and query.team not in book.roster.teams:
            problem = field_error("team", query.team[:80], _("there is no team of this id"))
            raise ProblemError("invalid", _("A query parameter is not valid."), [problem])
        report = service_levels(connection, book, period, now, query.by, query.team)
    if query.format == "csv":
        return Response(csv_text(rows(report, book.roster)), media_type="text/csv; charset=utf-8")
    return Response(encode(view(report, book.roster)), media_type=JSON)
