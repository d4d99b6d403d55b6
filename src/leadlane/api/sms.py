"""Receiving replies to SMS: `/v1/sms/twilio`, and `/v1/sms/{source}` for other providers.

https://www.twilio.com/docs/usage/security#validating-requests
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

import jmespath
import orjson
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from leadlane.api.body import JSON, read_body
from leadlane.api.front import Front, front_of
from leadlane.api.problems import ProblemError, field_error
from leadlane.config import Settings
from leadlane.i18n import _
from leadlane.logging import get_logger
from leadlane.outbound import sms
from leadlane.outbound.endpoints import Outbound, read_outbound
from leadlane.outbound.message import Failure
from leadlane.outbound.sms import Section
from leadlane.service.sms import Incoming, answer

log = get_logger(__name__)

# Whoever sends here has no key of ours, but a signature or a secret.
PATH = "/v1/sms/"
# An SMS has 1,600 letters at most; what is larger is none.
_LARGEST = 64 * 1024
_TWILIO_FIELDS = ("From", "Body", "MessageSid")


def add_sms(api: FastAPI) -> None:
    """The addresses of replies."""
    api.add_api_route(
        PATH + "twilio", receive_from_twilio, methods=["POST"], response_model=None, include_in_schema=False
    )
    api.add_api_route(
        PATH + "{source}", receive_reply, methods=["POST"], response_model=None, include_in_schema=False
    )


async def receive_from_twilio(request: Request) -> Response:
    """Take a reply that Twilio passes on, signed; the answer is TwiML."""
    front = front_of(request)
    settings = front.leadlane.settings
    if not settings.twilio_auth_token:
        raise ProblemError("not_found", _("Replies by Twilio are not set up: set twilio_auth_token."))
    pairs = _pairs(await read_body(request, _LARGEST))
    signed = request.headers.get("x-twilio-signature", "")
    if not is_signed(settings.twilio_auth_token, _called(request, settings.public_url), pairs, signed):
        log.warning("a reply whose signature is not Twilio's was refused")
        raise ProblemError(
            "unauthorized", _("The signature is not right; public_url must be what Twilio calls.")
        )
    fields = dict(pairs)
    sender, text, uid = (fields.get(name, "") for name in _TWILIO_FIELDS)
    _require({"From": sender, "MessageSid": uid})
    said = await run_in_threadpool(_answered, front, Incoming(sender, text, f"sms:twilio:{uid}"))
    message = f"<Message>{escape(said)}</Message>" if said else ""
    body = f'<?xml version="1.0" encoding="UTF-8"?><Response>{message}</Response>'
    return Response(body, media_type="text/xml")


async def receive_reply(request: Request, source: str) -> Response:
    """Take a reply that another provider passes on, with its secret; the answer is `{"reply": …}`."""
    front = front_of(request)
    section = _section(_outbound(front.leadlane.settings))
    part = section.replies.get(source)
    if part is None:
        raise ProblemError("not_found", _("There is no source of replies of this name in outbound.yaml."))
    given = request.headers.get(part.header, "").encode()
    if not hmac.compare_digest(given, part.secret.get_secret_value().encode()):
        log.warning("a reply without the secret was refused", source=source)
        raise ProblemError("unauthorized", _("The secret in the header is not right."))
    data = _read(await read_body(request, _LARGEST))
    sender, text, uid = (_found(query, data) for query in (part.sender, part.text, part.id))
    _require({part.sender: sender, part.id: uid})
    incoming = Incoming(sender, text, f"sms:{source}:{uid}")
    said = await run_in_threadpool(_answered, front, incoming)
    if part.send and said:
        await run_in_threadpool(_send, front, section, incoming, said)
    return Response(orjson.dumps({"reply": said}), media_type=JSON)


def is_signed(token: str, url: str, pairs: Iterable[tuple[str, str]], signed: str) -> bool:
    """Whether Twilio, who knows the token too, signed a form sent to this address.

    HMAC-SHA1 over the address and the fields in order, each name followed by its value.
    """
    told = "".join(name + value for name, value in sorted(set(pairs)))
    digest = hmac.new(token.encode(), (url + told).encode(), "sha1").digest()
    return hmac.compare_digest(b64encode(digest), signed.encode())


def _called(request: Request, public_url: str) -> str:
    """The address as the sender called it: behind a proxy we know it by another."""
    base = public_url or f"{request.url.scheme}://{request.headers.get('host', '')}"
    path = request.scope["raw_path"].decode("latin-1").partition("?")[0]
    query = request.scope["query_string"].decode("latin-1")
    return f"{base}{path}?{query}" if query else base + path


def _pairs(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=200)
    except ValueError:
        raise ProblemError("unreadable", _("The body is no form in UTF-8.")) from None


def _read(body: bytes) -> Any:
    """The body, JSON or a form."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return dict(_pairs(body))


def _found(query: str, data: Any) -> str:
    try:
        found = jmespath.search(query, data)
    except jmespath.exceptions.JMESPathError:
        return ""
    return str(found) if isinstance(found, (str, int)) else ""


def _require(values: dict[str, str]) -> None:
    missing = [field_error(name, "", _("it is missing")) for name, value in values.items() if not value]
    if missing:
        raise ProblemError("invalid", _("This is no reply to an SMS."), missing)


def _answered(front: Front, incoming: Incoming) -> str:
    leadlane = front.leadlane
    # PostgreSQL has no NUL in its texts.
    clean = Incoming(*(one.replace("\0", "") for one in (incoming.sender, incoming.text, incoming.key)))
    with leadlane.pool.connection() as connection:
        return answer(connection, leadlane.books, leadlane.settings, clean, leadlane.now())


def _send(front: Front, section: Section, incoming: Incoming, said: str) -> None:
    settings, outbound = front.leadlane.settings, _outbound(front.leadlane.settings)
    sending = sms.set_up(settings, section, outbound.allowed)
    if sending is None:
        log.warning("an answer by SMS was not sent: no provider is set up")
        return
    number = sms.e164(incoming.sender)
    outcome = sms.send_text(sending, number, said, incoming.key, front.leadlane.now())
    if isinstance(outcome, Failure):
        log.warning("an answer by SMS was not sent", kind=outcome.kind, detail=outcome.detail)


@lru_cache(maxsize=4)
def _outbound(settings: Settings) -> Outbound:
    """The file as it was when it was first asked for, as the rest of it too."""
    return read_outbound(settings)


def _section(outbound: Outbound) -> Section:
    section = outbound.section("sms")
    assert isinstance(section, Section)  # it is the channel's own
    return section
