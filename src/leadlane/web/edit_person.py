"""What does the roster say of somebody? An admin's form of all of it, checked as a roster is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest

from starlette.requests import Request
from starlette.responses import Response

from leadlane.i18n import _
from leadlane.policy.values import zones
from leadlane.service.edit_person import (
    LISTS,
    MOST_ATTRIBUTES,
    NUMBERS,
    TEXTS,
    Draft,
    EditErrors,
    StaleEntryError,
    choices,
    draft_of,
    edit_person,
)
from leadlane.service.roster import UnknownPersonError
from leadlane.service.ways import MEDIA
from leadlane.web.page import form_of, page, text_of
from leadlane.web.people import HOME, address_of, by_of, nobody
from leadlane.web.render import redirect, show
from leadlane.web.roles import Capability
from leadlane.web.session import Session, leadlane_of

_PATH = HOME + "/{person_id:path}/edit"
# Empty rows for attributes that somebody does not have yet.
_NEW_ATTRIBUTES = 2
# Lists that are written with commas; the others are chosen from.
_WRITTEN = ("languages", "industries")


def show_edit(request: Request, _session: Session) -> Response:
    """The form, as things are."""
    with leadlane_of(request).pool.connection() as connection:
        try:
            draft = draft_of(connection, request.path_params["person_id"])
        except UnknownPersonError:
            raise nobody() from None
    return _form(request, draft)


def save(request: Request, session: Session) -> Response:
    """Store what the form says; or the form again, with what is wrong beside the fields."""
    leadlane, person_id = leadlane_of(request), request.path_params["person_id"]
    draft = _draft(request)
    with leadlane.pool.connection() as connection:
        try:
            edit_person(connection, person_id, draft, by_of(session), leadlane.now())
        except UnknownPersonError:
            raise nobody() from None
        except StaleEntryError as error:
            return _form(request, draft, {"": f"{error.message} {error.hint}"})
        except EditErrors as error:
            return _form(request, draft, error.problems)
    name = draft.texts["name"] or person_id
    return redirect(address_of(person_id), _("{name} is saved.").format(name=name))


def _draft(request: Request) -> Draft:
    form = form_of(request)

    def texts(field: str) -> list[str]:
        return [value.replace("\0", "").strip() for value in form.getlist(field) if isinstance(value, str)]

    pairs = zip_longest(
        texts("attribute")[:MOST_ATTRIBUTES], texts("attribute_value")[:MOST_ATTRIBUTES], fillvalue=""
    )
    return Draft(
        seen=text_of(request, "seen"),
        texts={name: text_of(request, name) for name in (*TEXTS, *NUMBERS, "hours")},
        lists={
            name: [one.strip() for one in text_of(request, name).split(",")]
            if name in _WRITTEN
            else texts(name)
            for name in LISTS
        },
        active=text_of(request, "active") == "on",
        attributes=[(name, value) for name, value in pairs if name],
    )


def _form(request: Request, draft: Draft, problems: Mapping[str, str] | None = None) -> Response:
    leadlane, person_id = leadlane_of(request), request.path_params["person_id"]
    with leadlane.pool.connection() as connection:
        people = leadlane.books.current(connection).roster.people
        hours, teams = choices(connection)
    if person_id not in people:
        raise nobody()
    by_name = sorted(people.values(), key=lambda one: (one.name.casefold(), one.id))
    others = [(one.id, one.name) for one in by_name if one.id != person_id]
    problems = problems or {}
    shown = {*TEXTS, *NUMBERS, *LISTS, "hours"}
    return show(
        request,
        "people/edit.html",
        422 if problems else 200,
        person=people[person_id],
        draft=draft,
        attributes=[*draft.attributes, *[("", "")] * _NEW_ATTRIBUTES],
        problems=problems,
        general=[text for name, text in problems.items() if name not in shown],
        hours=hours,
        teams=_in_order(draft.lists["teams"], dict(teams)),
        channels=_in_order(draft.lists["channels"], {name: name for name in sorted(MEDIA)}),
        zones=sorted(zones()),
        nobody=[("", _("nobody")), *others],
        default_manager=[("", _("the manager of their first team")), *others],
    )


def _in_order(chosen: Sequence[str], known: Mapping[str, str]) -> list[tuple[str, str]]:
    """What there is to choose from, as (value, words): what is chosen first, because its order counts."""
    return [
        *((one, known.get(one, one)) for one in chosen),
        *(one for one in known.items() if one[0] not in chosen),
    ]


PAGES = (
    page(_PATH, show_edit, capability=Capability.EDIT_PEOPLE),
    page(_PATH, save, capability=Capability.EDIT_PEOPLE, method="POST"),
)
