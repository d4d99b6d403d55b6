"""Receiving what people click in Slack: `/v1/slack/actions`."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import orjson
from fastapi import FastAPI
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from leadlane.api.body import JSON, read_body
from leadlane.api.front import front_of
from leadlane.api.problems import ProblemError
from leadlane.i18n import _
from leadlane.outbound import slack as channel
from leadlane.service import slack
from leadlane.service.slack import Desk

PATH = "/v1/slack/actions"
# Slack delivers the message with the click; it is never as large.
LARGEST = 1_000_000


def add_slack(api: FastAPI) -> None:
    """The address for Slack, which has no key of ours, but signs what it sends."""
    api.add_route(PATH, take_interaction, methods=["POST"], include_in_schema=False)


async def take_interaction(request: Request) -> Response:
    """Do what was clicked, answer within Slack's three seconds, and change the message afterwards."""
    leadlane = front_of(request).leadlane
    settings = leadlane.settings
    reached = channel.set_up(settings, channel.Section(), ())
    if reached is None or not settings.slack_signing_secret:
        detail = _("Slack is not set up: it takes slack_bot_token and slack_signing_secret.")
        raise ProblemError("not_found", detail)
    body = await read_body(request, min(LARGEST, settings.max_body_bytes))
    timestamp = request.headers.get("x-slack-request-timestamp", "")
    signature = request.headers.get("x-slack-signature", "")
    try:
        slack.verify(settings.slack_signing_secret, timestamp, signature, body, leadlane.now())
    except slack.RefusedError as error:
        raise ProblemError("unauthorized", error.message) from None
    payload = _payload(request, body)
    if payload.get("type") == "url_verification":
        return Response(orjson.dumps({"challenge": payload.get("challenge")}), media_type=JSON)
    desk = Desk(leadlane.pool, leadlane.books, settings, reached, leadlane.now)
    reaction = await run_in_threadpool(slack.react, desk, payload)
    # An answer that says nothing has to be empty, or Slack shows an error.
    answer = orjson.dumps(reaction.answer) if reaction.answer is not None else b""
    return Response(answer, media_type=JSON, background=BackgroundTask(slack.follow_up, desk, reaction))


def _payload(request: Request, body: bytes) -> dict[str, Any]:
    """What Slack delivers: JSON, which clicks have in a field of a form."""
    try:
        if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            (text,) = parse_qs(body.decode(), strict_parsing=True, max_num_fields=20)["payload"]
        else:
            text = body.decode()
        payload = orjson.loads(text)
    except (ValueError, KeyError):
        raise ProblemError("unreadable", _("This is nothing that Slack delivers.")) from None
    if not isinstance(payload, dict):
        raise ProblemError("unreadable", _("This is nothing that Slack delivers."))
    return payload
