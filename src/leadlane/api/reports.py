"""How well does it go? Figures over a period: `GET /v1/reports/duplicates`."""

from __future__ import annotations

from typing import Annotated

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
