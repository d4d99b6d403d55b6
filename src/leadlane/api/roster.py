"""Who receives leads, and which companies are known: `/v1/people`, `/v1/teams`, `/v1/accounts`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import Query
from psycopg import Connection
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from leadlane.api.body import JSON
from leadlane.api.entries import read_part, read_parts
from leadlane.api.front import Front, front_of
from leadlane.api.pages import NoQuery, PageQuery, page, read_cursor
from leadlane.api.problems import ProblemError
from leadlane.i18n import _
from leadlane.policy.roster import RosterDocument, build_account, entry_of
from leadlane.policy.roster_schema import AccountPart, PersonPart, TeamPart
from leadlane.service.publish import current_document
from leadlane.service.roster import put_accounts, put_roster
from leadlane.service.views import AccountView, LoadView, account_view, person_view
from leadlane.store import accounts, roster
from leadlane.store.codec import encode


class PersonView(PersonPart):
    """A person as in the roster, and what they have in hand."""

    load: LoadView


class PeopleView(TypedDict):
    """Everyone in the roster, in order of id."""

    people: list[PersonView]


class TeamsView(TypedDict):
    """All teams, in order of id."""

    teams: list[TeamPart]


class AccountsView(TypedDict):
    """A page of accounts, in order of id."""

    accounts: list[AccountView]
    cursor: str | None
    next: str | None


class StoredView(TypedDict):
    """How many entries were stored."""

    stored: int


# ---------------------------------------------------------------- people and teams


def get_people(request: Request, query: Annotated[NoQuery, Query()]) -> Response:
    """Everyone who can receive leads, with what they have in hand."""
    front = front_of(request)
    with front.leadlane.pool.connection() as connection:
        return _json({"people": _people(front, connection)})


def get_person(request: Request, person_id: str, query: Annotated[NoQuery, Query()]) -> Response:
    """One person, with what they have in hand."""
    front = front_of(request)
    with front.leadlane.pool.connection() as connection:
        return _json(_one(_people(front, connection), person_id))


def get_teams(request: Request, query: Annotated[NoQuery, Query()]) -> Response:
    """All teams."""
    with front_of(request).leadlane.pool.connection() as connection:
        return _json({"teams": _teams(connection)})


def get_team(request: Request, team_id: str, query: Annotated[NoQuery, Query()]) -> Response:
    """One team."""
    with front_of(request).leadlane.pool.connection() as connection:
        return _json(_one(_teams(connection), team_id))


async def put_people(request: Request) -> Response:
    """Store people in place of those of the same ids; others stay. All of them or, on any error, none."""
    parts = await read_parts(request, PersonPart, "people")
    return await _put_roster(request, RosterDocument(people={part.id: entry_of(part) for part in parts}))


async def put_person(request: Request, person_id: str) -> Response:
    """Store a person under an id, in place of what was there."""
    part = await read_part(request, PersonPart, person_id)
    await _put_roster(request, RosterDocument(people={part.id: entry_of(part)}))
    return await run_in_threadpool(get_person, request, part.id, NoQuery())


async def put_teams(request: Request) -> Response:
    """Store teams in place of those of the same ids; others stay. All of them or, on any error, none."""
    parts = await read_parts(request, TeamPart, "teams")
    return await _put_roster(request, RosterDocument(teams={part.id: entry_of(part) for part in parts}))


async def put_team(request: Request, team_id: str) -> Response:
    """Store a team under an id, in place of what was there."""
    part = await read_part(request, TeamPart, team_id)
    await _put_roster(request, RosterDocument(teams={part.id: entry_of(part)}))
    return await run_in_threadpool(get_team, request, part.id, NoQuery())


def _people(front: Front, connection: Connection) -> list[dict[str, Any]]:
    loads = {load.person: load for load in roster.loads(connection)}
    entries = current_document(connection).people
    now = front.leadlane.now()
    return [person_view(id_, entries[id_], loads.get(id_), now) for id_ in sorted(entries)]


def _teams(connection: Connection) -> list[dict[str, Any]]:
    entries = current_document(connection).teams
    return [{"id": id_, **entries[id_]} for id_ in sorted(entries)]


def _one(views: Sequence[Mapping[str, Any]], id_: str) -> Mapping[str, Any]:
    found = next((view for view in views if view["id"] == id_), None)
    if found is None:
        raise ProblemError("not_found", _("There is nothing of this id."))
    return found


async def _put_roster(request: Request, document: RosterDocument) -> Response:
    front = front_of(request)

    def put() -> int:
        with front.leadlane.pool.connection() as connection:
            put_roster(connection, document, request.scope["key"].name, front.leadlane.now())
        return len(document.people) + len(document.teams)

    return _json({"stored": await run_in_threadpool(put)})


# ---------------------------------------------------------------- accounts


def get_accounts(request: Request, query: Annotated[PageQuery, Query()]) -> Response:
    """The companies that are known, in order of id, a page at a time."""
    after = read_cursor(query.cursor, 1)
    with front_of(request).leadlane.pool.connection() as connection:
        found = accounts.accounts(connection, after[0] if after else "", query.limit + 1)
    last = [found[query.limit - 1].id] if len(found) > query.limit else None
    views = [account_view(account) for account in found[: query.limit]]
    return page("accounts", views, last, "/v1/accounts", {"limit": query.limit})


def get_account(request: Request, account_id: str, query: Annotated[NoQuery, Query()]) -> Response:
    """One company: who owns it, and by which domains it is recognised."""
    with front_of(request).leadlane.pool.connection() as connection:
        account = accounts.account(connection, account_id)
    if account is None:
        raise ProblemError("not_found", _("There is no account of this id."))
    return _json(account_view(account))


async def put_many_accounts(request: Request) -> Response:
    """Store companies in place of those of the same ids; others stay. All of them or, on any error, none."""
    return await _put_accounts(request, await read_parts(request, AccountPart, "accounts"))


async def put_account(request: Request, account_id: str) -> Response:
    """Store a company under an id, in place of what was there."""
    part = await read_part(request, AccountPart, account_id)
    await _put_accounts(request, [part])
    return await run_in_threadpool(get_account, request, part.id, NoQuery())


async def _put_accounts(request: Request, parts: Sequence[AccountPart]) -> Response:
    front = front_of(request)
    given = [build_account({**entry_of(part), "id": part.id}) for part in parts]

    def put() -> int:
        with front.leadlane.pool.connection() as connection:
            return put_accounts(connection, given, front.leadlane.now())

    return _json({"stored": await run_in_threadpool(put)})


def _json(content: object) -> Response:
    return Response(encode(content), media_type=JSON)
