"""Whose is it? `GET /v1/ownership` and, for all of the market, `GET /v1/territories`."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

from fastapi import Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from leadlane.api.body import JSON
from leadlane.api.front import front_of
from leadlane.api.pages import NoQuery
from leadlane.api.problems import FieldError, ProblemError, field_error, lead_errors
from leadlane.i18n import _
from leadlane.service.ownership import (
    MOST_PROSPECTS,
    MOST_SHOWN,
    FactsError,
    Question,
    TerritoryView,
    territories,
    whose,
)
from leadlane.service.prospects import ClueError
from leadlane.store.codec import encode


class TerritoriesView(TypedDict):
    """The segments of the policy in force, in their order: the first that fits a prospect is theirs."""

    territories: list[TerritoryView]


class OwnershipQuery(NoQuery):
    """Who is meant: one of `q`, `email`, `domain`, `company` and `phone`, or several."""

    q: str | None = Field(
        None,
        description="An e-mail address, a domain, a phone number, an id of a lead or an account, or a name"
        " or the beginning of one; 2 to 200 characters.",
    )
    email: str | None = Field(None, description="An e-mail address.")
    domain: str | None = Field(None, description="A domain or the address of a page.")
    company: str | None = Field(None, description="The name of a company, or the beginning of it.")
    phone: str | None = Field(None, description="A phone number.")
    person: str | None = Field(
        None, alias="for", description="Who wants to contact them: id, e-mail or name of a person."
    )
    country: str | None = Field(None, description="Their country, if they are not known yet.")
    fields: list[str] = Field(
        [], alias="field", max_length=50, description="More of who is not known yet: `name=value`."
    )
    limit: int = Field(MOST_SHOWN, ge=1, le=MOST_PROSPECTS, description="How many prospects at most.")


def get_ownership(request: Request, query: Annotated[OwnershipQuery, Query()]) -> Response:
    """Whose a prospect is, how it stands, who would get it, and whether one may contact them."""
    _require_each_once(request)
    front = front_of(request)
    asked = Question(
        query.q,
        query.email,
        query.domain,
        query.company,
        query.phone,
        query.person,
        _facts(query),
        query.limit,
    )
    with front.leadlane.pool.connection() as connection:
        book = front.leadlane.books.current(connection)
        try:
            answer = whose(connection, book, asked, front.leadlane.now())
        except FactsError as error:
            raise _invalid(lead_errors(error.problems)) from None
        except ClueError as error:
            raise _invalid([field_error(error.what, error.value, error.message, error.hint)]) from None
    return Response(encode(answer), media_type=JSON)


def get_territories(request: Request, query: Annotated[NoQuery, Query()]) -> Response:
    """The territories, written down and open to all: segments, their teams, and whose they are."""
    front = front_of(request)
    with front.leadlane.pool.connection() as connection:
        book = front.leadlane.books.current(connection)
    return Response(encode({"territories": territories(book)}), media_type=JSON)


def _require_each_once(request: Request) -> None:
    # Whoever is asked about twice could be told whose the other one is.
    counted = Counter(name for name, _value in request.query_params.multi_items() if name != "field")
    if twice := [name for name, count in counted.items() if count > 1]:
        reason = _("it stands there twice: keep the one that is meant")
        raise _invalid([field_error(name, "", reason) for name in twice])


def _facts(query: OwnershipQuery) -> dict[str, str]:
    facts = {} if query.country is None else {"country": query.country}
    for text in query.fields:
        name, equals, value = text.partition("=")
        if not equals:
            raise _invalid([field_error("field", text[:80], _("expected name=value"))])
        facts[name.strip()] = value.strip()
    return facts


def _invalid(errors: list[FieldError]) -> ProblemError:
    return ProblemError("invalid", _("A query parameter is not valid."), errors)
