"""How is Leadlane for me? My name, language, time zone and look; my password; where I am signed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from zoneinfo import available_timezones

from starlette.requests import Request
from starlette.responses import Response

from leadlane.i18n import _
from leadlane.service import passwords, sign_in
from leadlane.service import users as service
from leadlane.service.users import UserError
from leadlane.store import users
from leadlane.store.users import SessionRow
from leadlane.web.page import page, text_of
from leadlane.web.render import redirect, show
from leadlane.web.roles import Capability
from leadlane.web.session import PageError, Session, leadlane_of

HOME = "/account"
# Browsers say that they are others too: the first sign that is found tells.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
# In their own language each, so that whoever reads none of the others finds theirs.
LANGUAGES = [("en", "English"), ("it", "Italiano"), ("pl", "Polski")]


def show_account(request: Request, session: Session) -> Response:
    """Everything that users say about themselves."""
    return _account(request, session)


def change_profile(request: Request, session: Session) -> Response:
    """Store name, language, time zone and look."""
    given = {field: text_of(request, field) for field in ("name", "language", "zone", "theme")}
    try:
        with leadlane_of(request).pool.connection() as connection:
            service.change_profile(connection, session.user_id, **given)
    except UserError as error:
        return _account(request, session, error, given)
    return redirect(HOME, _("Saved."))


def change_theme(request: Request, session: Session) -> Response:
    """Store the look alone, from the switch that every page has, and go back there."""
    try:
        with leadlane_of(request).pool.connection() as connection:
            service.change_theme(connection, session.user_id, text_of(request, "theme"))
    except UserError as error:
        raise PageError(422, error.message) from None
    return redirect(text_of(request, "next") or HOME)


def change_password(request: Request, session: Session) -> Response:
    """Store another password; everywhere else one is signed out."""
    leadlane, form = leadlane_of(request), request.state.form
    old, new, again = (str(form.get(field, "")) for field in ("old", "password", "again"))
    if new != again:
        return _account(request, session, UserError("again", _("These two are not the same.")))
    try:
        with leadlane.pool.connection() as connection:
            sign_in.change_password(connection, session.user_id, old, new, session.number, leadlane.now())
    except UserError as error:
        return _account(request, session, error)
    return redirect(HOME, _("Your password is changed. Everywhere else you are signed out."))


def end_session(request: Request, session: Session) -> Response:
    """Sign out somewhere else."""
    with leadlane_of(request).pool.connection() as connection:
        users.end_sessions(connection, session.user_id, only=int(request.path_params["number"]))
    return redirect(HOME, _("Signed out there."))


def end_other_sessions(request: Request, session: Session) -> Response:
    """Sign out everywhere else."""
    with leadlane_of(request).pool.connection() as connection:
        users.end_sessions(connection, session.user_id, but=session.number)
    return redirect(HOME, _("You are signed out everywhere else."))


def _account(
    request: Request, session: Session, error: UserError | None = None, given: dict[str, str] | None = None
) -> Response:
    leadlane = leadlane_of(request)
    with leadlane.pool.connection() as connection:
        user = service.find(connection, session.user_id)
        person = sign_in.person_of(connection, leadlane.books, user)
        own = users.sessions_of(connection, user.id, leadlane.now())
    stored = {"name": user.name, "language": user.language, "zone": user.zone, "theme": user.theme}
    return show(
        request,
        "sign_in/account.html",
        422 if error else 200,
        user=user,
        person=person,
        given={**stored, **(given or {})},
        sessions=[told_of(one) for one in own],
        languages=LANGUAGES,
        zones=zones(),
        shortest=passwords.SHORTEST,
        errors={error.field: f"{error.message} {error.hint}".strip()} if error else {},
    )


@cache
def zones() -> list[tuple[str, str]]:
    """Time zones to choose from: those that are called after a place."""
    places = (zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/"))
    return [(zone, zone.replace("_", " ")) for zone in sorted(places)]


@dataclass(frozen=True, slots=True)
class Place:
    """A session as its user can tell it from others."""

    number: int
    where: str
    address: str
    seen_at: datetime


def told_of(session: SessionRow) -> Place:
    """A session with the browser and the system in words, as far as the browser tells."""
    browser = next((name for sign, name in _BROWSERS if sign in session.agent), "")
    system = next((name for sign, name in _SYSTEMS if sign in session.agent), "")
    if browser and system:
        where = _("{browser} on {system}").format(browser=browser, system=system)
    else:
        where = browser or system or _("Something else than a browser")
    return Place(session.number, where, session.address, session.seen_at)


PAGES = (
    page(HOME, show_account, capability=Capability.OWN_ACCOUNT),
    page(HOME, change_profile, capability=Capability.OWN_ACCOUNT, method="POST"),
    page("/account/theme", change_theme, capability=Capability.OWN_ACCOUNT, method="POST"),
    page("/account/password", change_password, capability=Capability.OWN_ACCOUNT, method="POST"),
    page("/account/sessions/{number:int}/end", end_session, capability=Capability.OWN_ACCOUNT, method="POST"),
    page(
        "/account/sessions/end-others", end_other_sessions, capability=Capability.OWN_ACCOUNT, method="POST"
    ),
)
