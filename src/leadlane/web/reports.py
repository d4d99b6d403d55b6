"""What happened in a period, and where is there something to do? All reports at a glance, and each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlencode

from psycopg import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from leadlane.core.rulebook import Rulebook
from leadlane.errors import DatabaseError, LeadlaneError
from leadlane.i18n import _
from leadlane.service.reporting import reports
from leadlane.service.reporting.facts import NotReadyError
from leadlane.service.reporting.report_files import csv_text, parquet_bytes
from leadlane.service.reporting.report_kind import Asked, Kind
from leadlane.service.reporting.reports import KINDS, Question
from leadlane.web import service_levels
from leadlane.web.page import Page, page
from leadlane.web.render import show
from leadlane.web.roles import Capability
from leadlane.web.session import PageError, Session, leadlane_of

HOME, REVIEW = "/reports", "/reports/review"
# What is asked of every report alike, so that it goes along from one to the next.
_SHARED = ("period", "since", "until", "team")
_MEDIA = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}
# So many sections where there is something to see stand in the overview.
_MOST_TELLING = 2
# What is not ready yet is worth another look after so many seconds.
_RETRY_SECONDS = 15
T = TypeVar("T")
# What a page shows: its template, and what is in it.
Shown = Callable[[Connection, Rulebook, Asked, datetime, Session], Mapping[str, Any]]


# ---------------------------------------------------------------- all of them


def show_overview(request: Request, session: Session) -> Response:
    """Every report with what it answers; each then says by itself what it says first (`headline`)."""
    query = request.query_params
    if query.get("headline") in KINDS:
        return _headline(request, KINDS[query["headline"]])
    if any(query.get(name) for name in (*_SHARED, "by", "format")):
        # Before there were several, this was the address of the report on service levels.
        return RedirectResponse(f"{_address(KINDS['service-levels'])}?{query}", 307)
    kinds = [(kind, _address(kind)) for kind in KINDS.values()]
    return show(request, "reports/overview.html", kinds=kinds, review=REVIEW, tabs=tabs({}), at=HOME)


def _headline(request: Request, kind: Kind) -> Response:
    """The tiles of a report over its usual period, and the sections where there is something to see."""
    leadlane = leadlane_of(request)
    now = leadlane.now()
    with leadlane.pool.connection() as connection:
        book = leadlane.books.current(connection)
        asked, _none = reports.understand(kind, Question(), book, now)
        made, refused = _told(lambda: reports.make(connection, kind, book, asked, now))
    sections = made.report.sections if made else ()
    telling = [one for one in sections if one.tone in ("bad", "unsure") and one.says]
    # What is bad before what is only not certain.
    telling.sort(key=lambda one: one.tone)
    return show(
        request,
        "reports/headline.html",
        report=made and made.report,
        refused=refused,
        telling=telling[:_MOST_TELLING],
        address=_address(kind),
        kind=kind,
        retry_seconds=_RETRY_SECONDS if isinstance(refused, NotReadyError) else 0,
    )


# ---------------------------------------------------------------- one of them


@dataclass(frozen=True, slots=True)
class _Choice:
    """A period at hand: its name in the address, what it is called, whether it is the one that is shown."""

    name: str
    label: str
    is_shown: bool


def _show_report(kind: Kind, request: Request, session: Session) -> Response:
    """The page of a report; with `format` its rows as a file."""
    query = {name: value.strip() for name, value in request.query_params.items()}
    question = Question(**{name: query.get(name) for name in (*_SHARED, "by")})
    now = leadlane_of(request).now()
    with leadlane_of(request).pool.connection() as connection:
        book = leadlane_of(request).books.current(connection)
        asked, found = reports.understand(kind, question, book, now)
        # A period by its name has no field of its own.
        problems = {"since" if one.field == "period" else one.field: one.reason for one in found}
        if query.get("format") in _MEDIA:
            return _file(connection, kind, book, asked, now, query["format"], problems)
        template, shown = _PAGES.get(kind.name, (_TEMPLATE, _sections(kind)))
        what, refused = _told(lambda: shown(connection, book, asked, now, session))
    is_waiting = isinstance(refused, NotReadyError) and not problems
    response = show(
        request,
        template,
        503 if is_waiting else 422 if problems or refused else 200,
        is_waiting=is_waiting,
        refused=refused,
        kind=kind,
        asked=asked,
        given=question,
        problems=problems,
        tabs=tabs(query),
        at=_address(kind, query),
        choices=_choices(query, kind, now.astimezone(book.zone).date()),
        dimensions=[(by, _(words)) for by, words in kind.dimensions.items()],
        teams=_teams(book),
        first_day=asked.period.since.astimezone(book.zone).date(),
        last_day=(asked.period.until - timedelta(microseconds=1)).astimezone(book.zone).date(),
        **(what or {}),
    )
    if is_waiting:
        response.headers["retry-after"] = str(_RETRY_SECONDS)
    return response


def _told(tell: Callable[[], T]) -> tuple[T | None, LeadlaneError | None]:
    """What is told, or why it cannot be."""
    try:
        return tell(), None
    except DatabaseError:
        raise
    except LeadlaneError as error:
        return None, error


def _sections(kind: Kind) -> Shown:
    """A report in sections, as every kind has them."""

    def shown(
        connection: Connection, book: Rulebook, asked: Asked, now: datetime, _session: Session
    ) -> Mapping[str, Any]:
        return {"found": reports.make(connection, kind, book, asked, now).report}

    return shown


def _file(
    connection: Connection,
    kind: Kind,
    book: Rulebook,
    asked: Asked,
    now: datetime,
    format_: str,
    problems: Mapping[str, str],
) -> Response:
    """PageError (422) for what the page would say beside a field."""
    if problems:
        raise PageError(422, _("This report cannot be made"), " ".join(problems.values()))
    rows, columns = reports.make(connection, kind, book, asked, now).rows, reports.columns(kind)
    content = csv_text(columns, rows).encode() if format_ == "csv" else parquet_bytes(columns, rows)
    name = "-by-".join(filter(None, (kind.name, asked.by)))
    headers = {"content-disposition": f'attachment; filename="{name}.{format_}"'}
    return Response(content, 200, headers, _MEDIA[format_])


# ---------------------------------------------------------------- ways on


def _address(kind: Kind, query: Mapping[str, str] | None = None) -> str:
    """The page of a report, about the same period and team as the one that is open."""
    kept = {name: value for name in _SHARED if (value := (query or {}).get(name))}
    if not kind.is_of_team:
        kept.pop("team", None)
    return f"{HOME}/{kind.name}" + (f"?{urlencode(kept)}" if kept else "")


def tabs(query: Mapping[str, str]) -> list[tuple[str, str, None]]:
    """The pages of reports, about the same period and team as the one that is open; the review at the end."""
    return [
        (HOME, _("All reports"), None),
        *((_address(kind, query), _(kind.title), None) for kind in KINDS.values()),
        (REVIEW, _("Quarterly review"), None),
    ]


def _choices(query: Mapping[str, str], kind: Kind, today: date) -> list[_Choice]:
    """Periods that are asked for most."""
    quarter = (today.month + 2) // 3
    last = f"{today.year - 1}Q4" if quarter == 1 else f"{today.year}Q{quarter - 1}"
    listed = [
        ("30d", _("Last 30 days")),
        ("90d", _("Last 90 days")),
        (f"{today.year}Q{quarter}", _("This quarter")),
        (last, _("Last quarter")),
        ("365d", _("Last 12 months")),
    ]
    dates = query.get("since") or query.get("until")
    shown = query.get("period") or ("" if dates else f"{kind.days}d")
    return [_Choice(name, label, name == shown) for name, label in listed]


def _teams(book: Rulebook) -> list[tuple[str, str]]:
    teams = sorted(book.roster.teams.values(), key=lambda one: one.name.casefold())
    return [("", _("All teams")), *((one.id, one.name or one.id) for one in teams)]


_TEMPLATE = "reports/report.html"
# Kinds whose page shows more than their sections, such as what is not for all who read reports.
_PAGES: Mapping[str, tuple[str, Shown]] = {
    "service-levels": ("reports/service_levels.html", service_levels.shown),
}


def _page(kind: Kind) -> Page:
    return page(_address(kind), partial(_show_report, kind), capability=Capability.READ_REPORTS)


PAGES = (page(HOME, show_overview, capability=Capability.READ_REPORTS), *map(_page, KINDS.values()))
