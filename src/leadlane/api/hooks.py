"""Receiving what other systems and forms send: `/v1/hooks/{source}`."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from typing_extensions import TypedDict

from leadlane.api.body import JSON, read_body
from leadlane.api.front import Front, front_of
from leadlane.api.problems import ProblemError
from leadlane.intake.hooks import HookPart
from leadlane.service import hooks
from leadlane.service.batch import Receipt
from leadlane.service.hooks import Outcome, Ready, Sent, Taken
from leadlane.store.codec import encode
from leadlane.store.hooks import State

# Stored, and ours to see to: sending it again would bring nothing. Everything else is done.
_UNDONE: tuple[State, ...] = ("failed", "received")


class DeliveryView(TypedDict):
    """What became of a delivery: its number, under which `leadlane hooks show` has it, and its leads."""

    delivery: int
    state: State
    leads: list[str]


async def receive_delivery(request: Request, source: str) -> Response:
    """Take in what a sender delivers: stored first, then routed. The mapping `source` says how it is read."""
    front = front_of(request)
    body = await read_body(request, front.leadlane.settings.max_body_bytes)
    sent = _sent(request, front.leadlane.settings.public_url, body)
    try:
        taken = await run_in_threadpool(_take_in, front, source, sent)
    except hooks.UnknownHookError as error:
        raise ProblemError("not_found", error.message) from None
    except hooks.RefusedError as error:
        raise ProblemError("unauthorized", error.message) from None
    except hooks.TooManyError as error:
        wait = {"retry-after": str(error.seconds)}
        raise ProblemError("too_many_requests", error.message, headers=wait) from None
    if taken.is_settled:
        return _answer(request, taken.hook, Outcome(taken.row.id, taken.row.state, tuple(taken.row.leads)))
    ready, answers = await _route(front, taken)
    outcome = await run_in_threadpool(_conclude, front, taken, ready, answers)
    return _answer(request, taken.hook, outcome)


async def answer_handshake(request: Request, source: str) -> Response:
    """Answer a sender who asks, before it sends anything, whether this address expects it."""
    front = front_of(request)

    def ask() -> tuple[str, str]:
        with front.leadlane.pool.connection() as connection:
            return hooks.handshake(connection, source, dict(request.query_params), front.leadlane.now())

    try:
        body, media_type = await run_in_threadpool(ask)
    except hooks.UnknownHookError as error:
        raise ProblemError("not_found", error.message) from None
    except hooks.NoHandshakeError as error:
        raise ProblemError("method_not_allowed", error.message, headers={"allow": "POST"}) from None
    except hooks.RefusedError as error:
        raise ProblemError("forbidden", error.message) from None
    return PlainTextResponse(body, media_type=media_type, headers={"x-content-type-options": "nosniff"})


def _sent(request: Request, public_url: str, body: bytes) -> Sent:
    # As the sender called it: behind a proxy we know it by another address.
    base = public_url or f"{request.url.scheme}://{request.headers.get('host', '')}"
    path = request.scope["raw_path"].decode("latin-1").partition("?")[0]
    query = request.scope["query_string"].decode("latin-1")
    url = f"{base}{path}?{query}" if query else base + path
    return Sent(request.method, url, dict(request.headers), dict(request.query_params), body)


def _take_in(front: Front, source: str, sent: Sent) -> Taken:
    with front.leadlane.pool.connection() as connection:
        return hooks.take_in(connection, source, sent, front.leadlane.now(), front.granted_until)


async def _route(front: Front, taken: Taken) -> tuple[Ready, Sequence[Receipt | Exception]]:
    ready = Ready()
    try:
        rules = await front.foreknown.rules()
        ready = await run_in_threadpool(hooks.read_delivery, taken, rules.policy)
        if ready.problems:
            # The policy may have got new fields a moment ago.
            await front.foreknown.renew()
            rules = await front.foreknown.rules()
            ready = await run_in_threadpool(hooks.read_delivery, taken, rules.policy)
        return ready, await front.line.route_all(ready.submissions)
    except Exception as error:
        if not hooks.is_passing(error):
            raise
        return ready, [error]


def _conclude(front: Front, taken: Taken, ready: Ready, answers: Sequence[Receipt | Exception]) -> Outcome:
    with front.leadlane.pool.connection() as connection:
        return hooks.conclude(connection, taken, ready, answers, front.leadlane.now())


def _answer(request: Request, hook: HookPart, outcome: Outcome) -> Response:
    # A browser is shown the page that was promised, whatever became of it: it is stored, and that is enough.
    if hook.form.redirect and "text/html" in request.headers.get("accept", ""):
        return RedirectResponse(hook.form.redirect, 303)
    view: DeliveryView = {"delivery": outcome.number, "state": outcome.state, "leads": list(outcome.leads)}
    if outcome.state == "program":
        # Told as any other, so that programs learn nothing.
        view = {**view, "state": "routed"}
    return Response(encode(view), 202 if outcome.state in _UNDONE else 200, media_type=JSON)
