"""Which persons are known at which account: `/v1/contacts`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from leadlane.api.body import JSON
from leadlane.api.entries import read_part, read_parts
from leadlane.api.front import front_of
from leadlane.api.pages import NoQuery, PageQuery, page, read_cursor
from leadlane.api.problems import ProblemError
from leadlane.i18n import _
from leadlane.policy.roster_schema import ContactPart
from leadlane.service import contacts as service
from leadlane.store import contacts as store
from leadlane.store.codec import encode
from leadlane.store.contacts import Contact


class ContactView(TypedDict):
    """A person who is known at an account."""

    id: str
    account: str | None
    first_name: str
    last_name: str
    email: str | None
    phone: str
    mobile: str


class ContactsView(TypedDict):
    """A page of contacts, in order of id."""

    contacts: list[ContactView]
    cursor: str | None
    next: str | None


def get_contacts(request: Request, query: Annotated[PageQuery, Query()]) -> Response:
    """The persons that are known at accounts, in order of id, a page at a time."""
    after = read_cursor(query.cursor, 1)
    with front_of(request).leadlane.pool.connection() as connection:
        found = store.contacts(connection, after[0] if after else "", query.limit + 1)
    last = [found[query.limit - 1].id] if len(found) > query.limit else None
    views = [_view(contact) for contact in found[: query.limit]]
    return page("contacts", views, last, "/v1/contacts", {"limit": query.limit})


def get_contact(request: Request, contact_id: str, query: Annotated[NoQuery, Query()]) -> Response:
    """One person, and the account that a lead of theirs belongs to."""
    with front_of(request).leadlane.pool.connection() as connection:
        contact = store.contact(connection, contact_id)
    if contact is None:
        raise ProblemError("not_found", _("There is no contact of this id."))
    return Response(encode(_view(contact)), media_type=JSON)


async def put_contacts(request: Request) -> Response:
    """Store persons in place of those of the same ids; others stay. All of them or, on any error, none."""
    return await _put(request, await read_parts(request, ContactPart, "contacts"))


async def put_contact(request: Request, contact_id: str) -> Response:
    """Store a person under an id, in place of what was there."""
    part = await read_part(request, ContactPart, contact_id)
    await _put(request, [part])
    return await run_in_threadpool(get_contact, request, part.id, NoQuery())


async def _put(request: Request, parts: Sequence[ContactPart]) -> Response:
    front = front_of(request)
    given = [
        Contact(
            part.id,
            part.account,
            *(part.first_name, part.last_name, part.email or "", part.phone, part.mobile),
        )
        for part in parts
    ]

    def put() -> int:
        with front.leadlane.pool.connection() as connection:
            return service.put_contacts(connection, given, front.leadlane.now())

    return Response(encode({"stored": await run_in_threadpool(put)}), media_type=JSON)


def _view(contact: Contact) -> ContactView:
    return {
        "id": contact.id,
        "account": contact.account_id,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "email": contact.email or None,
        "phone": contact.phone,
        "mobile": contact.mobile,
    }
