"""Who receives leads, and which companies are known: `/v1/people`, `/v1/teams`, `/v1/accounts`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import Query
from psycopg import Connection
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from leadlane.api.body import JSON, read_json
from leadlane.api.front import Front, front_of
from leadlane.api.pages import NoQuery, PageQuery, page, read_cursor
from leadlane.api.problems import FieldError, ProblemError, document_errors, field_error
from leadlane.i18n import _
from leadlane.policy.problems import Finding, located
from leadlane.policy.roster import RosterDocument, build_account, entry_of
from leadlane.policy.roster_schema import AccountPart, PersonPart, TeamPart
from leadlane.policy.structure import read_structure
from leadlane.service.publish import current_document
from leadlane.service.roster import put_accounts, put_roster
from leadlane.service.views import AccountView, LoadView, account_view, person_view
from leadlane.store import roster
from leadlane.store.codec import encode

MOST = 10_000

P = TypeVar("P", PersonPart, TeamPart, AccountPart)


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
    parts = await _parts(request, PersonPart, "people")
    return await _put_roster(request, RosterDocument(people={part.id: entry_of(part) for part in parts}))


async def put_person(request: Request, person_id: str) -> Response:
    """Store a person under an id, in place of what was there."""
    part = await _part(request, PersonPart, person_id)
    await _put_roster(request, RosterDocument(people={part.id: entry_of(part)}))
    return await run_in_threadpool(get_person, request, part.id, NoQuery())


async def put_teams(request: Request) -> Response:
    """Store teams in place of those of the same ids; others stay. All of them or, on any error, none."""
    parts = await _parts(request, TeamPart, "teams")
    return await _put_roster(request, RosterDocument(teams={part.id: entry_of(part) for part in parts}))


async def put_team(request: Request, team_id: str) -> Response:
    """Store a team under an id, in place of what was there."""
    part = await _part(request, TeamPart, team_id)
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
        found = roster.accounts(connection, after[0] if after else "", query.limit + 1)
    last = [found[query.limit - 1].id] if len(found) > query.limit else None
    views = [account_view(account) for account in found[: query.limit]]
    return page("accounts", views, last, "/v1/accounts", {"limit": query.limit})


def get_account(request: Request, account_id: str, query: Annotated[NoQuery, Query()]) -> Response:
    """One company: who owns it, and by which domains it is recognised."""
    with front_of(request).leadlane.pool.connection() as connection:
        account = roster.account(connection, account_id)
    if account is None:
        raise ProblemError("not_found", _("There is no account of this id."))
    return _json(account_view(account))


async def put_many_accounts(request: Request) -> Response:
    """Store companies in place of those of the same ids; others stay. All of them or, on any error, none."""
    return await _put_accounts(request, await _parts(request, AccountPart, "accounts"))


async def put_account(request: Request, account_id: str) -> Response:
    """Store a company under an id, in place of what was there."""
    part = await _part(request, AccountPart, account_id)
    await _put_accounts(request, [part])
    return await run_in_threadpool(get_account, request, part.id, NoQuery())


async def _put_accounts(request: Request, parts: Sequence[AccountPart]) -> Response:
    front = front_of(request)
    accounts = [build_account({**entry_of(part), "id": part.id}) for part in parts]

    def put() -> int:
        with front.leadlane.pool.connection() as connection:
            return put_accounts(connection, accounts, front.leadlane.now())

    return _json({"stored": await run_in_threadpool(put)})


# ---------------------------------------------------------------- reading


async def _parts(request: Request, model: type[P], name: str) -> list[P]:
    """The list of a request, every entry read as `model`; ProblemError with every problem of all of them."""
    raw = await read_json(request, front_of(request).leadlane.settings.max_body_bytes)
    items = raw.get(name) if isinstance(raw, dict) and raw.keys() == {name} else raw
    if not isinstance(items, list) or not 1 <= len(items) <= MOST:
        detail = _("Send a list of 1 to {most}, or an object with nothing but the list “{name}”.")
        raise ProblemError("invalid", detail.format(most=MOST, name=name))
    parts: list[P] = []
    errors: list[FieldError] = []
    seen: set[str] = set()
    for position, item in enumerate(items):
        part, found = _read(model, item, (name, position))
        errors += found
        if part is not None and part.id in seen:
            errors.append(field_error(f"{name}[{position}].id", part.id, _("this id stands here twice")))
        if part is not None:
            parts.append(part)
            seen.add(part.id)
    if errors:
        raise ProblemError("invalid", _("It is refused; nothing was changed."), errors)
    return parts


async def _part(request: Request, model: type[P], id_: str) -> P:
    """The entry of a request whose address says the id; a body may repeat it."""
    raw = await read_json(request, front_of(request).leadlane.settings.max_body_bytes)
    if isinstance(raw, dict) and raw.get("id", id_) != id_:
        error = field_error("id", str(raw["id"])[:80], _("the address says {id}").format(id=id_))
        raise ProblemError("invalid", _("It is refused; nothing was changed."), [error])
    part, errors = _read(model, {**raw, "id": id_} if isinstance(raw, dict) else raw, ())
    if part is None or errors:
        raise ProblemError("invalid", _("It is refused; nothing was changed."), errors)
    return part


def _read(model: type[P], item: object, path: tuple[str | int, ...]) -> tuple[P | None, list[FieldError]]:
    # What a view adds may be sent back.
    data = {key: value for key, value in item.items() if key != "load"} if isinstance(item, dict) else item
    part, findings = read_structure(model, data)
    problems = located([_below(finding, path) for finding in findings], None, "")
    return part, document_errors(problems)


def _below(finding: Finding, path: tuple[str | int, ...]) -> Finding:
    return Finding(
        (*path, *finding.path),
        finding.code,
        finding.found,
        finding.expected,
        finding.suggestion,
        finding.severity,
    )


def _json(content: object) -> Response:
    return Response(encode(content), media_type=JSON)
