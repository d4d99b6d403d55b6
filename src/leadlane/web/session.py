"""Who sends this request, and was it meant? The session behind a cookie, and proof that a form is ours.

The cookie holds a random token of which the database has only the hash. Every form of a signed-in page
carries a second token, derived from the first, which no other site can know (the synchronizer token pattern);
besides, the browser must say that the request comes from our own pages.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, cast
from urllib.parse import quote, urlsplit

from psycopg_pool import ConnectionPool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from leadlane.config import Settings
from leadlane.errors import LeadlaneError
from leadlane.i18n import _, current_language
from leadlane.service import sign_in
from leadlane.service.rulebooks import Rulebooks
from leadlane.store.users import Role, Theme
from leadlane.web.roles import Capability, may

CSRF_FIELD = "csrf"
CSRF_HEADER = "x-csrf-token"
SIGN_IN = "/sign-in"
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class Leadlane(Protocol):
    """An open Leadlane, as the pages use it."""

    @property
    def settings(self) -> Settings: ...
    @property
    def url(self) -> str: ...
    @property
    def pool(self) -> ConnectionPool[Any]: ...
    @property
    def books(self) -> Rulebooks: ...
    @property
    def now(self) -> Callable[[], datetime]: ...


def leadlane_of(request: Request) -> Leadlane:
    """The open Leadlane behind the application that a request came to."""
    return cast(Leadlane, request.scope["app"].state.front.leadlane)


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in. `person_id` is who they are in the roster, None where they are nobody there.

    `language` is one that we have, `zone` an IANA name, both as the user chose or as fits them best. `csrf`
    belongs into every form as the field `csrf`, or into the header `X-CSRF-Token`.
    """

    user_id: str
    name: str
    email: str
    role: Role
    person_id: str | None
    language: str
    zone: str
    theme: Theme
    csrf: str
    number: int

    def may(self, capability: Capability) -> bool:
        """Whether this user's role has a capability."""
        return may(self.role, capability)


class PageError(LeadlaneError):
    """A page that cannot be shown, or a form that was not heeded.

    `message` is the title, `hint` what to do, `status` that of the answer.
    """

    def __init__(self, status: int, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.status = status


class SignInNeededError(PageError):
    """Nobody is signed in; `address` is where they can, and will be sent on from."""

    def __init__(self, address: str) -> None:
        super().__init__(
            401, _("Please sign in"), _("Your session has ended, or you have not signed in yet.")
        )
        self.address = address


# ---------------------------------------------------------------- who


def cookie_name(settings: Settings) -> str:
    """The cookie of the session. Over https it has the prefix that lets no other host or path set it."""
    return "__Host-leadlane" if is_secure(settings) else "leadlane"


def is_secure(settings: Settings) -> bool:
    """Whether people come by https, so that cookies must not travel otherwise."""
    return settings.public_url.startswith("https://")


def set_cookie(response: Response, settings: Settings, token: str, max_age_seconds: int) -> None:
    """Give the browser the token of a session."""
    response.set_cookie(
        cookie_name(settings),
        token,
        max_age=max_age_seconds,
        path="/",
        secure=is_secure(settings),
        httponly=True,
        samesite="lax",
    )


def clear_cookie(response: Response, settings: Settings) -> None:
    """Take the token of a session back from the browser."""
    set_cookie(response, settings, "", 0)


def token_of(request: Request) -> str:
    """The token of the session's cookie, "" without one."""
    return request.cookies.get(cookie_name(leadlane_of(request).settings), "")


def find(request: Request) -> Session | None:
    """The session of a request, None where nobody is signed in. One query; kept for this request."""
    if not hasattr(request.state, "session"):
        request.state.session = _find(request)
    session: Session | None = request.state.session
    return session


def _find(request: Request) -> Session | None:
    token, leadlane = token_of(request), leadlane_of(request)
    if not token:
        return None
    with leadlane.pool.connection() as connection:
        found = sign_in.resume(connection, leadlane.books, token, leadlane.now())
    if found is None:
        return None
    user = found.user
    return Session(
        user_id=user.id,
        name=user.name,
        email=user.email,
        role=user.role,
        person_id=user.person,
        language=user.language or current_language(),
        zone=found.zone,
        theme=user.theme,
        csrf=csrf_of(token),
        number=found.number,
    )


def require(request: Request, *roles: Role) -> Session:
    """The session of a request, if there is one and its role is among these (none named: any role).

    Raises SignInNeededError, or PageError (403).
    """
    session = find(request)
    if session is None:
        raise SignInNeededError(sign_in_address(request))
    if roles and session.role not in roles:
        raise forbidden()
    return session


def forbidden() -> PageError:
    """The answer to somebody who may not do this."""
    return PageError(
        403, _("This is not for your role"), _("An admin can change your role under Settings, Users.")
    )


def person_of(session: Session) -> str:
    """Who a user is in the roster. PageError (409) that says what to do where they are nobody there."""
    if session.person_id is None:
        raise PageError(
            409,
            _("You are not linked to anybody in the roster"),
            _("Leads belong to people of the roster. An admin can link you under Settings, Users."),
        )
    return session.person_id


def sign_in_address(request: Request) -> str:
    """Where to sign in, to come back afterwards to the page that was asked for or where one was."""
    # What sends a form, or asks for a piece, is no page: that is the one that it was sent from.
    if is_htmx(request):
        asked = urlsplit(request.headers.get("hx-current-url", ""))
    elif request.method not in ("GET", "HEAD"):
        asked = urlsplit(request.headers.get("referer", ""))
    else:
        asked = urlsplit(str(request.url))
    here = asked.path + (f"?{asked.query}" if asked.query else "")
    return f"{SIGN_IN}?next={quote(here, safe='/')}" if here not in ("", "/") else SIGN_IN


def is_htmx(request: Request) -> bool:
    """Whether a request asks for a piece of a page."""
    return request.headers.get("hx-request") == "true"


# ---------------------------------------------------------------- was it meant


def csrf_of(token: str) -> str:
    """What proves that a form is ours: it follows from the token of the session, and not the other way."""
    return hmac.new(token.encode(), b"leadlane form", hashlib.sha256).hexdigest()


def require_own_origin(request: Request) -> None:
    """PageError (403) for a request that changes something and was sent by a page of another site.

    Browsers say so in Sec-Fetch-Site (where the connection is trusted) or in Origin; programs say neither.
    """
    if request.method in _SAFE_METHODS:
        return
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    is_own = site in ("same-origin", "none") if site else origin is None or _is_ours(request, origin)
    if not is_own:
        raise PageError(
            403,
            _("This was sent from another page than ours"),
            _("Nothing has been changed. Please open Leadlane in this window, and try again there."),
        )


def _is_ours(request: Request, origin: str) -> bool:
    ours = {request.headers.get("host", ""), urlsplit(leadlane_of(request).settings.public_url).netloc}
    return urlsplit(origin).netloc in ours - {""}


def require_csrf(request: Request, session: Session, form: FormData) -> None:
    """PageError (403) for a request that changes something and lacks the token of this session's forms."""
    if request.method in _SAFE_METHODS:
        return
    sent = request.headers.get(CSRF_HEADER) or form.get(CSRF_FIELD)
    if not isinstance(sent, str) or not hmac.compare_digest(sent.encode(), session.csrf.encode()):
        raise PageError(
            403,
            _("This page is out of date"),
            _("Nothing has been changed. You have signed in again since it was opened: please reload it."),
        )
