"""Receiving what other systems and forms send: `/v1/hooks/{source}`."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from typing_extensions import TypedDict

from leadlane.api.body import JSON, read_body
from leadlane.api.front import Front, front_of
from leadlane.api.problems import RETRY_SECONDS, ProblemError
from leadlane.intake.hooks import HookPart
from leadlane.service import hooks
from leadlane.service.batch import Receipt
from leadlane.service.hooks import Outcome, Ready, Sent, Taken
from leadlane.store.codec import encode
from leadlane.store.hooks import State

# Nobody sends more for a form; what is larger is not a lead.
LARGEST = 1_000_000
# The address behind the guard, which asks for a key of ours on everything under /v1/.
# A delivery that came before, and what is not to be routed at all, is as good as done to its sender.
_STATUS: dict[State, int] = {"routed": 200, "ignored": 200, "program": 200, "failed": 202, "received": 503}


class DeliveryView(TypedDict):
    """What became of a delivery: its number, under which `leadlane hooks show` has it, and its leads."""

    delivery: int
    state: State
    leads: list[str]


def add_hooks(api: FastAPI) -> None:
    """The address of webhooks: their senders have no key of ours, but a signature."""
    path = hooks.PATH + "{source}"
    api.add_api_route(path, receive_delivery, methods=["POST"], response_model=None, include_in_schema=False)
    api.add_api_route(path, answer_handshake, methods=["GET"], response_model=None, include_in_schema=False)


async def receive_delivery(request: Request, source: str) -> Response:
    """Take in what a sender delivers: stored first, then routed."""
    front = front_of(request)
    body = await read_body(request, min(LARGEST, front.leadlane.settings.max_body_bytes))
    sent = _sent(request, front.leadlane.settings.public_url, body)
    try:
        taken = await run_in_threadpool(_take_in, front, source, sent)
    except hooks.UnknownHookError as error:
        raise ProblemError("not_found", error.message) from None
    except hooks.RefusedError as error:
        raise ProblemError("unauthorized", error.message) from None
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
        return hooks.take_in(connection, source, sent, front.leadlane.now())


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
    status = _STATUS[outcome.state]
    headers = {"retry-after": str(RETRY_SECONDS)} if status == 503 else None
    return Response(encode(view), status, headers, JSON)
