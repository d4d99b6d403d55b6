"""What is a page? An address, what answers it, and the capability that it takes, which is held before."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast

from starlette.concurrency import run_in_threadpool
from starlette.convertors import IntegerConvertor, register_url_convertor
from starlette.datastructures import FormData
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from leadlane.i18n import _, language
from leadlane.web import session as sessions
from leadlane.web.roles import Capability
from leadlane.web.session import PageError, Session, SignInNeededError, leadlane_of

# More fields than any form of ours has.
MOST_FIELDS = 2000


class _Number(IntegerConvertor):
    """A number as the database has them: what is longer is no address, and Python refuses to read it."""

    regex = "[0-9]{1,18}"


register_url_convertor("int", _Number())

# Takes the request and the session (None only on pages that are open to all). One that is not `async` may
# wait for the database: it runs in a thread of its own.
Endpoint = Callable[[Request, Any], Response] | Callable[[Request, Any], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Page:
    """An address of the pages. `capability` None: open to everybody, also to those who are not signed in.

    `takes_files`: files as large as `max_upload_bytes` may be sent to it.
    """

    path: str
    endpoint: Endpoint
    capability: Capability | None
    method: str = "GET"
    takes_files: bool = False

    def route(self) -> Route:
        """The route that answers it, and refuses whoever may not have it."""
        return Route(self.path, _guarded(self), methods=[self.method])


def page(
    path: str, endpoint: Endpoint, *, capability: Capability, method: str = "GET", takes_files: bool = False
) -> Page:
    """A page for those who are signed in and whose role has the capability."""
    return Page(path, endpoint, capability, method, takes_files)


def open_page(path: str, endpoint: Endpoint, *, method: str = "GET") -> Page:
    """A page for everybody, such as the one where one signs in."""
    return Page(path, endpoint, None, method)


def form_of(request: Request) -> FormData:
    """What was sent with a request: texts and files by their names. Empty for a GET."""
    form: FormData = request.state.form
    return form


def text_of(request: Request, field: str) -> str:
    """A text that was sent, without what surrounds it; "" where there is none."""
    value = form_of(request).get(field)
    return value.replace("\0", "").strip() if isinstance(value, str) else ""


def _guarded(one: Page) -> Callable[[Request], Awaitable[Response]]:
    is_async = inspect.iscoroutinefunction(one.endpoint)

    async def answer(request: Request) -> Response:
        sessions.require_own_origin(request)
        request.state.form = FormData()
        settings = leadlane_of(request).settings
        try:
            if one.takes_files:
                # A large body is read only from those who may send it; the token is in it, and held after.
                await run_in_threadpool(_require_role, one, request)
            most_bytes = settings.max_upload_bytes if one.takes_files else settings.max_body_bytes
            request.state.form = await _read_form(request, most_bytes)
            if not is_async:
                return await run_in_threadpool(_answer, one, request)
            session = await run_in_threadpool(_let_in, one, request)
            return await cast(Awaitable[Response], one.endpoint(request, session))
        except SignInNeededError as error:
            return _to_sign_in(request, error)
        finally:
            await form_of(request).close()

    return answer


def _answer(one: Page, request: Request) -> Response:
    session = _let_in(one, request)
    if session is None:
        return cast(Response, one.endpoint(request, None))
    with language(session.language):
        return cast(Response, one.endpoint(request, session))


def _let_in(one: Page, request: Request) -> Session | None:
    session = _require_role(one, request)
    if session is not None and one.capability is not None:
        with language(session.language):
            sessions.require_csrf(request, session, form_of(request))
    return session


def _require_role(one: Page, request: Request) -> Session | None:
    if one.capability is None:
        return sessions.find(request)
    session = sessions.require(request)
    if not session.may(one.capability):
        with language(session.language):
            raise sessions.forbidden()
    return session


def _to_sign_in(request: Request, error: SignInNeededError) -> Response:
    if sessions.is_htmx(request):
        return Response(status_code=401, headers={"hx-redirect": error.address})
    return RedirectResponse(error.address, 303)


# ---------------------------------------------------------------- forms


async def _read_form(request: Request, most_bytes: int) -> FormData:
    """The form of a request. PageError (413, 400) where it is too large, or cannot be read."""
    if request.method in ("GET", "HEAD"):
        return FormData()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    stream = _bounded(request, most_bytes)
    limits = {"max_fields": MOST_FIELDS, "max_part_size": most_bytes}
    try:
        if kind == "multipart/form-data":
            return await MultiPartParser(request.headers, stream, **limits).parse()
        if kind == "application/x-www-form-urlencoded":
            return await FormParser(request.headers, stream, **limits).parse()
    except (MultiPartException, ValueError):
        raise PageError(400, _("This form cannot be read"), _("Please open the page again.")) from None
    return FormData()


async def _bounded(request: Request, most_bytes: int) -> AsyncGenerator[bytes, None]:
    total = 0
    async for piece in request.stream():
        total += len(piece)
        if total > most_bytes:
            text = _("At most {most} kB can be sent at once.").format(most=most_bytes // 1024)
            raise PageError(413, _("This is too large"), text)
        yield piece
