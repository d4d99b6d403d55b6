"""Who may sign in here, and as what? Settings, Users: invite, change, keep out."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import Response

from leadlane.core.facts import Person
from leadlane.i18n import N_, _
from leadlane.service import user_links
from leadlane.service import users as service
from leadlane.service.users import ROLES, UserError
from leadlane.store import users
from leadlane.store.users import Purpose, User
from leadlane.web.my_account import told_of
from leadlane.web.page import page, text_of
from leadlane.web.render import redirect, show
from leadlane.web.roles import Capability
from leadlane.web.session import PageError, Session, leadlane_of

HOME = "/settings/users"
ROLE_WORDS = {
    "admin": N_("Admin"),
    "manager": N_("Manager"),
    "rep": N_("Rep"),
    "viewer": N_("Viewer"),
}
ROLE_MEANS = {
    "admin": N_("may do everything, also settings, users and publishing the policy"),
    "manager": N_("sees what happens, reviews, acts on leads of their teams, drafts the policy"),
    "rep": N_("works on their own leads; sees the rules and who owns what"),
    "viewer": N_("sees leads, rules and reports; changes nothing"),
}


def show_users(request: Request, _session: Session) -> Response:
    """Everybody who may sign in."""
    return _users(request)


def invite(request: Request, session: Session) -> Response:
    """Make a user, and a link by which they choose a password."""
    given = {field: text_of(request, field) for field in ("email", "name", "role")}
    leadlane = leadlane_of(request)
    try:
        with leadlane.pool.connection() as connection:
            user = service.add(connection, by=session.email, now=leadlane.now(), **given)
    except UserError as error:
        return _users(request, error, given)
    return _give(request, session, user, "invitation")


def show_user(request: Request, session: Session) -> Response:
    """One user."""
    return _user(request, session)


def change_user(request: Request, session: Session) -> Response:
    """Store the name, the role and who they are in the roster."""
    user = _of(request)
    person = text_of(request, "person") or None
    try:
        with leadlane_of(request).pool.connection() as connection, connection.transaction():
            service.rename(connection, user.id, text_of(request, "name"))
            if person != user.person:
                service.link_person(connection, user.id, person, session.email)
            service.change_role(connection, user.id, text_of(request, "role"), session.email)
    except UserError as error:
        return _user(request, session, error)
    return redirect(HOME, _("{name} is saved.").format(name=text_of(request, "name")))


def deactivate(request: Request, session: Session) -> Response:
    """Keep somebody out."""
    user = _of(request)
    try:
        with leadlane_of(request).pool.connection() as connection:
            service.deactivate(connection, user.id, session.email)
    except UserError as error:
        return _user(request, session, error)
    told = _("{name} can no longer sign in.").format(name=user.name)
    return redirect(HOME, told, undo=f"{HOME}/{user.id}/activate")


def activate(request: Request, session: Session) -> Response:
    """Let somebody in again."""
    user = _of(request)
    with leadlane_of(request).pool.connection() as connection:
        service.activate(connection, user.id, session.email)
    return redirect(HOME, _("{name} can sign in again.").format(name=user.name))


def make_link(request: Request, session: Session) -> Response:
    """Another link: for a first password, or for a new one."""
    user = _of(request)
    if not user.active:
        raise PageError(
            409, _("{name} may not sign in").format(name=user.name), _("Let them in again first.")
        )
    return _give(request, session, user, "reset" if user.password else "invitation")


def _give(request: Request, session: Session, user: User, purpose: Purpose) -> Response:
    leadlane = leadlane_of(request)
    with leadlane.pool.connection() as connection:
        given = user_links.give(
            connection,
            leadlane.books,
            leadlane.settings,
            user,
            purpose,
            str(request.base_url),
            session.name,
            leadlane.now(),
        )
    # Not sent on to another page: the link must stand in no address.
    return show(request, "sign_in/link_given.html", given=given, purpose=purpose)


def _of(request: Request) -> User:
    with leadlane_of(request).pool.connection() as connection:
        user = users.get(connection, request.path_params["user_id"])
    if user is None:
        raise PageError(404, _("There is no such user"))
    return user


def _users(request: Request, error: UserError | None = None, given: dict[str, str] | None = None) -> Response:
    leadlane = leadlane_of(request)
    with leadlane.pool.connection() as connection:
        everybody = users.all_users(connection)
        invited = users.invited(connection, leadlane.now())
        people = service.people(connection)
    taken = {user.person for user in everybody}
    missing = [
        person for person in people.values() if person.active and person.email and person.id not in taken
    ]
    return show(
        request,
        "sign_in/users.html",
        422 if error else 200,
        users=everybody,
        invited=invited,
        missing=missing,
        given=given or {"email": "", "name": "", "role": "rep"},
        role_words=ROLE_WORDS,
        role_choices=_role_choices(),
        can_mail=user_links.can_mail(leadlane.settings),
        errors=_told(error),
    )


def _user(request: Request, session: Session, error: UserError | None = None) -> Response:
    user = _of(request)
    leadlane = leadlane_of(request)
    with leadlane.pool.connection() as connection:
        people = service.people(connection)
        theirs = users.sessions_of(connection, user.id, leadlane.now())
    given = {"name": user.name, "role": user.role, "person": user.person or ""}
    if error:
        given |= {field: text_of(request, field) for field in given if field in request.state.form}
    return show(
        request,
        "sign_in/user.html",
        422 if error else 200,
        user=user,
        is_self=user.id == session.user_id,
        people_choices=[("", _("nobody")), *_known(people.values(), user.person)],
        sessions=[told_of(one) for one in theirs],
        given=given,
        role_choices=_role_choices(),
        errors=_told(error),
    )


def _role_choices() -> list[tuple[str, str]]:
    form = _("{role}: {means}")
    return [(role, form.format(role=_(ROLE_WORDS[role]), means=_(ROLE_MEANS[role]))) for role in ROLES]


def _known(people: Iterable[Person], present: str | None) -> list[tuple[str, str]]:
    """People of the roster to choose from; also who is chosen now and no longer there."""
    known = {person.id: f"{person.name} ({person.id})" for person in people}
    return sorted({**({present: present} if present else {}), **known}.items(), key=lambda one: one[1])


def _told(error: UserError | None) -> dict[str, str]:
    return {error.field: f"{error.message} {error.hint}".strip()} if error else {}


PAGES = (
    page(HOME, show_users, capability=Capability.USERS),
    page(HOME, invite, capability=Capability.USERS, method="POST"),
    page(HOME + "/{user_id}", show_user, capability=Capability.USERS),
    page(HOME + "/{user_id}", change_user, capability=Capability.USERS, method="POST"),
    page(HOME + "/{user_id}/deactivate", deactivate, capability=Capability.USERS, method="POST"),
    page(HOME + "/{user_id}/activate", activate, capability=Capability.USERS, method="POST"),
    page(HOME + "/{user_id}/link", make_link, capability=Capability.USERS, method="POST"),
)
