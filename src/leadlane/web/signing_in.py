"""How does one get in and out by a browser? Sign in, sign out, forgotten passwords, one-time links."""

from __future__ import annotations

import math
from datetime import datetime
from functools import partial
from typing import Any

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from leadlane.i18n import _, ngettext
from leadlane.service import sign_in, user_links
from leadlane.service.passwords import SHORTEST
from leadlane.service.sign_in import From, Opened, Refused, SignedIn
from leadlane.service.users import UserError
from leadlane.store import users
from leadlane.web import session as sessions
from leadlane.web.page import open_page, page, text_of
from leadlane.web.render import own_path, redirect, show
from leadlane.web.roles import Capability
from leadlane.web.session import Leadlane, Session, leadlane_of

BROWSER_COOKIE = "leadlane-browser"


def show_sign_in(request: Request, session: Session | None) -> Response:
    """The form; whoever is signed in is sent on."""
    to = own_path(request.query_params.get("next", "/"))
    return redirect(to) if session is not None else _form(request, to)


def do_sign_in(request: Request, _session: Session | None) -> Response:
    """Let somebody in, and send them on to where they wanted to go."""
    to, email = own_path(text_of(request, "next") or "/"), text_of(request, "email")
    leadlane = leadlane_of(request)
    password, now = _password_of(request), leadlane.now()
    with leadlane.pool.connection() as connection:
        done = sign_in.sign_in(connection, email, password, origin_of(request), now)
    if isinstance(done, SignedIn):
        return enter(request, done, to)
    if done.open_at is None:
        return _form(
            request, to, email, _("This e-mail address and this password do not belong together."), 422
        )
    response = _form(request, to, email, _wait_words(done, now), 429)
    response.headers["retry-after"] = str(math.ceil((done.open_at - now).total_seconds()))
    return response


def _form(request: Request, to: str, email: str = "", problem: str = "", status: int = 200) -> Response:
    leadlane = leadlane_of(request)
    with leadlane.pool.connection() as connection:
        is_empty = not users.is_anybody(connection)
    shown: dict[str, Any] = {"to": to, "email": email, "problem": problem, "is_empty": is_empty}
    return show(request, "sign_in/sign_in.html", status, **shown)


def _wait_words(refused: Refused, now: datetime) -> str:
    assert refused.open_at is not None  # so says whoever asks
    n = math.ceil((refused.open_at - now).total_seconds() / 60)
    text = ngettext(
        "Too many attempts. Please try again in {n} minute.",
        "Too many attempts. Please try again in {n} minutes.",
        n,
    )
    return text.format(n=n)


def enter(request: Request, done: SignedIn, to: str, told: str = "") -> Response:
    """Send somebody on who has been let in, with the cookies of their session."""
    leadlane, response = leadlane_of(request), redirect(to, told)
    settings, before = leadlane.settings, sessions.token_of(request)
    if before:
        # Its cookie is written over: nobody could end it any more.
        with leadlane.pool.connection() as connection:
            sign_in.sign_out(connection, before, leadlane.now())
    sessions.set_cookie(response, settings, done.token, int(sign_in.LONGEST.total_seconds()))
    response.set_cookie(
        BROWSER_COOKIE,
        done.browser,
        max_age=int(sign_in.BROWSER_KNOWN.total_seconds()),
        path=sessions.SIGN_IN,
        secure=sessions.is_secure(settings),
        httponly=True,
        samesite="lax",
    )
    return response


def origin_of(request: Request) -> From:
    """Where a request comes from."""
    return From(
        address=request.client.host if request.client is not None else "",
        agent=request.headers.get("user-agent", ""),
        browser=request.cookies.get(BROWSER_COOKIE, ""),
    )


def _password_of(request: Request, field: str = "password") -> str:
    """As it was typed: blanks around a password are part of it."""
    value = request.state.form.get(field)
    return value if isinstance(value, str) else ""


def sign_out(request: Request, _session: Session) -> Response:
    """End this session."""
    leadlane = leadlane_of(request)
    with leadlane.pool.connection() as connection:
        sign_in.sign_out(connection, sessions.token_of(request), leadlane.now())
    response = redirect(sessions.SIGN_IN)
    sessions.clear_cookie(response, leadlane.settings)
    return response


# ---------------------------------------------------------------- forgotten


def show_forgot(request: Request, _session: Session | None) -> Response:
    """Ask for the address to which a link is to be sent."""
    settings = leadlane_of(request).settings
    is_asked = request.query_params.get("asked") == "1"
    can_mail = user_links.can_mail(settings)
    return show(request, "sign_in/forgot.html", is_asked=is_asked, can_mail=can_mail)


def do_forgot(request: Request, _session: Session | None) -> Response:
    """Send a link, if there is such a user. The answer is the same, and comes as fast, if there is none."""
    response = redirect("/forgot?asked=1")
    leadlane = leadlane_of(request)
    if user_links.can_mail(leadlane.settings):
        email, origin = text_of(request, "email"), origin_of(request)
        response.background = BackgroundTask(partial(_send_reset, leadlane, email, origin))
    return response


def _send_reset(leadlane: Leadlane, email: str, origin: From) -> None:
    now = leadlane.now()
    with leadlane.pool.connection() as connection:
        user = sign_in.ask_reset(connection, email, origin, now)
        if user is not None:
            user_links.give(connection, leadlane.books, leadlane.settings, user, "reset", "", "", now)


# ---------------------------------------------------------------- one-time links


def show_welcome(request: Request, _session: Session | None) -> Response:
    """What a link is for. Changes nothing: programs that look through mails follow every link in them."""
    return _welcome(request, request.query_params.get("link", ""))


def do_welcome(request: Request, _session: Session | None) -> Response:
    """Let somebody in by their link, with the password that they chose."""
    token, leadlane = text_of(request, "link"), leadlane_of(request)
    password = _password_of(request)
    if _password_of(request, "again") != password:
        return _welcome(request, token, _("These two are not the same."))
    try:
        with leadlane.pool.connection() as connection:
            done = sign_in.follow(connection, token, password, origin_of(request), leadlane.now())
    except UserError as error:
        return _welcome(request, token, error.message)
    if done is None:
        return _welcome(request, token)
    return enter(request, done, "/", _("Welcome, {name}.").format(name=done.user.name))


def _welcome(request: Request, token: str, problem: str = "") -> Response:
    leadlane = leadlane_of(request)
    with leadlane.pool.connection() as connection:
        opened = sign_in.look(connection, token, leadlane.now())
    if opened is None or not opened.works:
        return show(request, "sign_in/link_ended.html", 410, why=_why_ended(opened))
    status = 422 if problem else 200
    shown: dict[str, Any] = {"opened": opened, "token": token, "problem": problem, "shortest": SHORTEST}
    return show(request, "sign_in/welcome.html", status, **shown)


def _why_ended(opened: Opened | None) -> str:
    if opened is None:
        return _(
            "There is no such link, or it ended long ago. Links are long: perhaps it was not copied whole."
        )
    if opened.link.used_at is not None:
        return _("It has been used, and works once. If that was you, simply sign in.")
    return _("It has ended. Ask for another one.")


PAGES = (
    open_page("/sign-in", show_sign_in),
    open_page("/sign-in", do_sign_in, method="POST"),
    page("/sign-out", sign_out, capability=Capability.OWN_ACCOUNT, method="POST"),
    open_page("/forgot", show_forgot),
    open_page("/forgot", do_forgot, method="POST"),
    open_page("/welcome", show_welcome),
    open_page("/welcome", do_welcome, method="POST"),
)
