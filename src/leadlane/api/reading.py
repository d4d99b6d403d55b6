"""Looking at leads: where each stands, what was decided and why, and what happened to it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, NotRequired

from fastapi import Query
from psycopg import Connection
from pydantic import Field, create_model
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from leadlane.api.body import JSON
from leadlane.api.front import front_of
from leadlane.api.pages import NoQuery, PageQuery, bad_cursor, page, read_cursor
from leadlane.api.problems import ProblemError
from leadlane.core.facts import FITS, INTENTS, RELATIONSHIPS, STAGES
from leadlane.i18n import _
from leadlane.service.candidates import candidates_of
from leadlane.service.explain import explain_decision
from leadlane.service.views import DecisionView, EventView, LeadView, decision_view, event_view, lead_view
from leadlane.store import leads
from leadlane.store.codec import encode

_CLOSED_SETS: dict[str, Any] = {
    "stage": Literal[STAGES[1:]],
    "intent": Literal[INTENTS],
    "fit": Literal[FITS],
    "relationship": Literal[RELATIONSHIPS],
}
# A filter for each column that leads can be found by.
LeadQuery: Any = create_model(  # type: ignore[call-overload]
    "LeadQuery",
    __base__=PageQuery,
    __doc__="Which leads: those to which all of the filters apply, newest first.",
    **{
        name: (_CLOSED_SETS.get(name, str) | None, Field(None, description=f"Only leads with this {name}."))
        for name in leads.FILTERS
    },
)


class LeadsView(TypedDict):
    """A page of leads, newest first."""

    leads: list[LeadView]
    cursor: str | None
    next: str | None


class LineView(TypedDict):
    """One line of an explanation; several cells are a row of a table."""

    mark: Literal["ok", "failed", "info"]
    cells: list[str]


class SectionView(TypedDict):
    """One question of the decision, answered in lines."""

    key: str
    heading: str
    lines: list[LineView]


class WordsView(TypedDict):
    """A decision in words, in the language of the request."""

    lead: str
    summary: str
    sections: list[SectionView]


class ExplainedView(DecisionView):
    """A stored decision: what arrived, every step, and on request the words."""

    words: NotRequired[WordsView]


class TimelineView(TypedDict):
    """Everything that happened to a lead, oldest first."""

    lead: str
    events: list[EventView]


class DecisionQuery(NoQuery):
    """How the decision is wanted."""

    words: bool = Field(False, description="Tell it in sentences as well.")


def get_leads(request: Request, query: Annotated[LeadQuery, Query()]) -> Response:
    """The leads to which all filters apply, newest first, a page at a time."""
    given: dict[str, Any] = query.model_dump(exclude_none=True)
    filters = {name: given[name] for name in leads.FILTERS if name in given}
    limit = given["limit"]
    front = front_of(request)
    with front.leadlane.pool.connection() as connection:
        # One more than the page has: whether there are more is then known.
        rows = leads.search(connection, filters, _after(given.get("cursor")), limit + 1)
    last = [rows[limit - 1].arrived_at.isoformat(), rows[limit - 1].id] if len(rows) > limit else None
    now = front.leadlane.now()
    views = [lead_view(row, now) for row in rows[:limit]]
    return page("leads", views, last, "/v1/leads", {**filters, "limit": limit})


def _after(cursor: str | None) -> tuple[datetime, str] | None:
    parts = read_cursor(cursor, 2)
    if cursor is None or parts is None:
        return None
    try:
        arrived_at = datetime.fromisoformat(parts[0])
    except ValueError:
        raise bad_cursor(cursor) from None
    return arrived_at, parts[1]


def get_lead(request: Request, lead_id: str, query: Annotated[NoQuery, Query()]) -> Response:
    """A lead as it stands, by its id or by one under which the same person came again."""
    front = front_of(request)
    with front.leadlane.pool.connection() as connection:
        row = leads.get(connection, lead_id)
    if row is None:
        raise _no_lead()
    return Response(encode(lead_view(row, front.leadlane.now())), media_type=JSON)


def get_decision(request: Request, lead_id: str, query: Annotated[DecisionQuery, Query()]) -> Response:
    """The last decision about a lead: every candidate, and the reason of every exclusion."""
    front = front_of(request)
    with front.leadlane.pool.connection() as connection:
        lead = leads.get(connection, lead_id)
        row = leads.decision(connection, lead.batch_id, lead.decision_number) if lead else None
        if row is None:
            raise _no_lead()
        shown = decision_view(row)
        if query.words:
            told = explain_decision(connection, front.leadlane.books, row.batch_id, row.number)
            shown["words"] = told.explanation.as_json()
    return Response(encode(shown), media_type=JSON)


def get_candidates(request: Request, lead_id: str, query: Annotated[NoQuery, Query()]) -> Response:
    """Whom a lead may be: those whom it was compared with, side by side, and why."""
    leadlane = front_of(request).leadlane
    with leadlane.pool.connection() as connection:
        row = leads.get(connection, lead_id)
        if row is None:
            raise _no_lead()
        shown = candidates_of(connection, row, leadlane.now())
    return Response(encode(shown), media_type=JSON)


def get_timeline(request: Request, lead_id: str, query: Annotated[NoQuery, Query()]) -> Response:
    """Everything that happened to a lead, oldest first; of one that was merged, up to its end."""
    with front_of(request).leadlane.pool.connection() as connection:
        resolved = leads.first_resolved(connection, lead_id)
        if resolved is None:
            raise _no_lead()
        events = leads.timeline(connection, resolved)
    return Response(
        encode({"lead": resolved, "events": [event_view(event) for event in events]}), media_type=JSON
    )


def _resolved(connection: Connection, lead_id: str) -> str:
    resolved = leads.resolve(connection, lead_id)
    if resolved is None:
        raise _no_lead()
    return resolved


def _no_lead() -> ProblemError:
    return ProblemError("not_found", _("There is no lead of this id."))
