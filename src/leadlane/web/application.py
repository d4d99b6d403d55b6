"""The pages put together: what answers which address, how they are protected, how a failure looks."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg_pool import PoolTimeout
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from leadlane.errors import DatabaseError, LeadlaneError
from leadlane.i18n import _
from leadlane.logging import get_logger
from leadlane.service.reporting.facts import NotReadyError
from leadlane.service.rulebooks import NothingPublishedError
from leadlane.web import (
    assets,
    calendars,
    coverage,
    edit_person,
    lead,
    live,
    my_account,
    my_leads,
    navigation,
    now,
    people,
    quarter,
    reports,
    review,
    rulebook,
    settings_channels,
    settings_home,
    settings_hooks,
    settings_import,
    settings_keys,
    signing_in,
    user_settings,
    whose,
    workshop,
    workshop_trials,
)
from leadlane.web.page import Page
from leadlane.web.render import show_problem
from leadlane.web.session import Leadlane, PageError, find, is_secure, require

log = get_logger(__name__)

# Every module of pages has its PAGES; this list is all there is to register.
MODULES: tuple[Any, ...] = (
    live,
    signing_in,
    my_account,
    my_leads,
    lead,
    now,
    review,
    user_settings,
    rulebook,
    whose,
    calendars,
    edit_person,
    people,
    coverage,
    reports,
    quarter,
    settings_home,
    settings_keys,
    settings_channels,
    settings_hooks,
    settings_import,
    workshop,
    workshop_trials,
)

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self';"
        " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
# What is about people and deals is kept by no cache.
_PRIVATE = "private, no-store"


def all_pages() -> list[Page]:
    """Every page and every act, in the order in which an address is looked for."""
    return [page for module in MODULES for page in module.PAGES]


@asynccontextmanager
async def open_pages(leadlane: Leadlane) -> AsyncIterator[ASGIApp]:
    """Within the block, the pages of an open Leadlane, as an ASGI application."""
    assets.assets()  # whoever starts the server hears of it if they are not there
    hub = live.Live(leadlane.url, leadlane.now)
    with live.closed_by_signals(hub):
        pages = GZipMiddleware(_answering(all_pages(), hub), minimum_size=600)
        yield _protected(pages, over_https=is_secure(leadlane.settings))
        await hub.stop()


def _answering(pages: Iterable[Page], hub: live.Live) -> ASGIApp:
    listed = list(pages)
    there = frozenset(page.path for page in listed if page.method == "GET")
    routes = [
        Route("/", _to_home),
        Route(assets.PATH + "{name}", assets.serve),
        *(page.route() for page in listed),
    ]
    router = Router(routes, redirect_slashes=False)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        scope["pages"], scope["live"] = there, hub
        # Not as problem details: those of the interface around us are for programs.
        scope["starlette.exception_handlers"] = ({}, {})
        started = False

        async def sent(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await router(scope, receive, sent)
        except ClientDisconnect:
            raise
        except Exception as error:
            if started:
                raise
            request = Request(scope, receive)
            response = await run_in_threadpool(_failed, request, error)
            await response(scope, receive, send)

    return answer


async def _to_home(request: Request) -> Response:
    session = await run_in_threadpool(require, request)
    return RedirectResponse(navigation.home(session, request.scope["pages"]), 303)


def _failed(request: Request, error: Exception) -> Response:
    """What is shown instead of the page that failed."""
    is_away = isinstance(error, psycopg.OperationalError | PoolTimeout | DatabaseError)
    session = None if is_away else find(request)
    address = getattr(error, "address", None)
    if address and request.headers.get("hx-request") != "true":
        return RedirectResponse(address, 303)
    return show_problem(request, *_told_of(request, error), session)


def _told_of(request: Request, error: Exception) -> tuple[int, str, str]:
    match error:
        case PageError():
            return error.status, error.message, error.hint
        case HTTPException(status_code=404):
            text = _("It may have moved, or never was. The search finds people, companies and places.")
            return 404, _("There is nothing here"), text
        case HTTPException():
            return error.status_code, _("This cannot be done here"), ""
        case psycopg.OperationalError() | PoolTimeout() | DatabaseError():
            return 503, _("The database cannot be reached"), _("Please try again in a moment.")
        case NothingPublishedError():
            text = _("Leads are routed as soon as there is one. An admin sees under First steps what to do.")
            return 409, error.message, text
        case NotReadyError():
            return 503, error.message, error.hint
        case LeadlaneError():
            return 422, error.message, error.hint
    instance = uuid.uuid4().hex[:12]
    log.error("page failed", instance=instance, method=request.method, path=request.url.path, exc_info=error)
    text = _("It is not your doing. The log of the server says more, under {instance}.")
    return 500, _("Something is wrong on our side"), text.format(instance=instance)


def _protected(app: ASGIApp, *, over_https: bool) -> ASGIApp:
    """The same, its answers with the headers that keep browsers from doing what pages do not need.

    Where people come by https, no cookie travels otherwise, whoever sets it.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.setdefault("cache-control", _PRIVATE)
                if over_https:
                    message["headers"] = [_secured(*header) for header in message["headers"]]
            await send(message)

        await app(scope, receive, sent)

    return answer


def _secured(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    is_open = name.lower() == b"set-cookie" and b"; secure" not in value.lower()
    return name, value + b"; Secure" if is_open else value
