"""How well does it go? Figures over a period: `GET /v1/reports/duplicates` and every kind of report."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel, Field, create_model
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import get_type_hints

from leadlane.api.body import JSON
from leadlane.api.front import front_of
from leadlane.api.pages import NoQuery
from leadlane.api.problems import ProblemError, field_error
from leadlane.i18n import _
from leadlane.service.reporting import reports
from leadlane.service.reporting.contact_rate import MOST_LISTED, PeriodError, duplicates_report, read_period
from leadlane.service.reporting.report_files import csv_text
from leadlane.service.reporting.report_kind import Kind
from leadlane.store.codec import encode

CSV = "text/csv; charset=utf-8"


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


# ---------------------------------------------------------------- kinds of reports


class KindQuery(NoQuery):
    """Which period, and as what."""

    period: str | None = Field(None, description="A year, quarter, month, days: 2026, 2026Q1, 2026-03, 90d.")
    since: str | None = Field(None, description="From this date or moment on.")
    until: str | None = Field(None, description="Up to the end of this date, or just before this moment.")
    format: Literal["json", "csv"] = Field("json", description="CSV has the groups alone.")


def operation(kind: Kind) -> Callable[..., Response]:
    """What answers `GET /v1/reports/NAME`: its query takes what the kind can be asked, and nothing else."""

    def get_report(request: Request, query: KindQuery) -> Response:
        front = front_of(request)
        now, given = front.leadlane.now(), query.model_dump(exclude={"format"})
        with front.leadlane.pool.connection() as connection:
            book = front.leadlane.books.current(connection)
            asked, problems = reports.understand(kind, reports.Question(**given), book, now)
            if problems:
                told = [field_error(one.field, one.value, one.reason) for one in problems]
                raise ProblemError("invalid", _("A query parameter is not valid."), told)
            made = reports.make(connection, kind, book, asked, now)
        if query.format == "csv":
            return Response(csv_text(reports.columns(kind), made.rows), media_type=CSV)
        return Response(encode(reports.as_json(kind, asked, made)), media_type=JSON)

    # What the documentation, and reading the query, go by; it is known only here.
    get_report.__annotations__["query"] = Annotated[_query(kind), Query()]
    get_report.__name__ = f"get_{kind.name.replace('-', '_')}"
    get_report.__doc__ = f"{kind.title}. {kind.about}"
    return get_report


def _query(kind: Kind) -> type[KindQuery]:
    fields: dict[str, Any] = {}
    if kind.dimensions:
        by: Any = Literal[tuple(kind.dimensions)]
        fields["by"] = (by, Field(next(iter(kind.dimensions)), description="What the groups are."))
    if kind.is_of_team:
        text = "Only what people of this team have (its id)."
        fields["team"] = (str | None, Field(None, description=text))
    return create_model(f"{_camel(kind)}Query", __base__=KindQuery, **fields)


_TYPES = {"text": str, "integer": int, "number": float, "boolean": bool, "moment": datetime}


def view(kind: Kind) -> type[BaseModel]:
    """The shape of a report as JSON, for the documentation."""
    name = _camel(kind)
    columns: dict[str, Any] = {
        column: (_TYPES[type_] | None, ...) for column, type_ in reports.columns(kind).items()
    }
    group = create_model(f"{name}Group", __doc__=_GROUP_DOC, **columns)
    told: dict[str, Any] = {key: (type_, ...) for key, type_ in get_type_hints(kind.data).items()}
    return create_model(
        f"{name}Report", __base__=ReportHead, __doc__=kind.about, groups=(list[group], ...), **told
    )


class ReportHead(BaseModel):
    """What was asked."""

    report: str
    since: datetime
    until: datetime
    by: str | None
    team: str | None


_GROUP_DOC = "A group, with the columns of the CSV. docs/reports.md says what each means."


def _camel(kind: Kind) -> str:
    return "".join(part.capitalize() for part in kind.name.split("-"))
