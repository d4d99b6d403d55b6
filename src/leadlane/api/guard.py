"""May this request come in? Language, key, scope and rate, before anything else looks at it."""

from __future__ import annotations

import hmac
import math
import re
import time
import uuid
from collections.abc import Iterable

from prometheus_client import Counter, Histogram
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from leadlane.api.front import Front
from leadlane.api.problems import ProblemError, of_exception, response
from leadlane.i18n import _, available_languages, current_language, language
from leadlane.logging import get_logger
from leadlane.service.api_keys import PREFIX, hash_of
from leadlane.store.api_keys import KeyRow

log = get_logger(__name__)

REQUESTS = Counter("leadlane_requests_total", "Requests by route and status", ["route", "status"])
SECONDS = Histogram(
    "leadlane_request_seconds",
    "Time to answer a request, in seconds",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]").search
# Whoever sends here has no key of ours: `service.hooks` lets nobody in whose signature is not right.
SIGNED = "/v1/hooks/"
# Nor has whoever sends to these: their own modules check who it is.
KEYLESS = (SIGNED, "/v1/slack/", "/v1/sms/")
_REALM = 'Bearer realm="leadlane"'


def needed_scope(method: str, path: str) -> str:
    """The scope that a request to the interface takes; `admin` has all of them."""
    if method in ("GET", "HEAD", "OPTIONS") or path == "/v1/policy:check":
        return "read"
    if path in ("/v1/leads", "/v1/leads:batch", "/v1/signals"):
        return "intake"
    is_act = path.startswith(("/v1/leads/", "/v1/people/")) or path == "/v1/outcomes"
    return "write" if method == "PUT" or is_act else "admin"


class Guard:
    """ASGI middleware: lets requests in, turns what escapes into problem details, and counts."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._rates: dict[str, tuple[float, float]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        wanted = _language_wanted(headers.get(b"accept-language"))
        if wanted == current_language():
            await self._answer(scope, receive, send, headers)
        else:
            with language(wanted):
                await self._answer(scope, receive, send, headers)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, headers: dict[bytes, bytes]) -> None:
        began, status = time.perf_counter(), 0

        async def sent(message: Message) -> None:
            nonlocal status
            status = status or message["status"]
            await send(message)

        try:
            _require_text(scope)
            if scope["path"].startswith("/v1/") and not scope["path"].startswith(KEYLESS):
                scope["key"] = await self._let_in(scope, headers)
            await self.app(scope, receive, sent)
        except ClientDisconnect:
            status = 499
        except Exception as error:
            if status:
                raise
            await response(of_exception(error) or _defect(scope, error))(scope, receive, sent)
        finally:
            REQUESTS.labels(_route_of(scope), status).inc()
            SECONDS.observe(time.perf_counter() - began)

    async def _let_in(self, scope: Scope, headers: dict[bytes, bytes]) -> KeyRow:
        front: Front = scope["app"].state.front
        key = await _key_of(front, headers.get(b"authorization"))
        needed = needed_scope(scope["method"], scope["path"])
        if needed not in key.scopes and "admin" not in key.scopes:
            detail = _("This takes a key with the scope {scope}; yours has {scopes}.")
            raise ProblemError(
                "forbidden",
                detail.format(scope=needed, scopes=", ".join(key.scopes)),
                headers={"www-authenticate": f'{_REALM}, error="insufficient_scope", scope="{needed}"'},
            )
        self._take_one(key.id, front.leadlane.settings.rate_limit_per_minute)
        front.foreknown.used[key.id] = front.leadlane.now()
        return key

    def _take_one(self, key_id: str, per_minute: int) -> None:
        """Takes one from the key's bucket, which holds a minute's worth and fills up steadily."""
        if not per_minute:
            return
        now = time.monotonic()
        left, at = self._rates.get(key_id, (per_minute, now))
        left = min(per_minute, left + (now - at) * per_minute / 60)
        if left < 1:
            wait = math.ceil((1 - left) * 60 / per_minute)
            detail = _("This key may make {n} requests a minute.").format(n=per_minute)
            raise ProblemError("too_many_requests", detail, headers={"retry-after": str(wait)})
        self._rates[key_id] = (left - 1, now)


async def _key_of(front: Front, authorization: bytes | None) -> KeyRow:
    scheme, _space, secret = (authorization or b"").decode("latin-1").partition(" ")
    if scheme.lower() != "bearer" or not secret:
        raise _unauthorized(_("Send your key in the header: Authorization: Bearer ll_…"), "")
    digest = hash_of(secret.strip())
    known = front.foreknown
    key = known.snapshot.keys.get(digest)
    if known.is_stale or (key is None and secret.startswith(PREFIX)):
        key = (await known.renew()).keys.get(digest)
    if key is None or not hmac.compare_digest(key.hash, digest):
        raise _unauthorized(_("This key is unknown or was revoked."), ', error="invalid_token"')
    return key


def _unauthorized(detail: str, error: str) -> ProblemError:
    return ProblemError("unauthorized", detail, headers={"www-authenticate": _REALM + error})


def _route_of(scope: Scope) -> str:
    """The pattern of the address, of which there are few; never what a sender made up."""
    if "route" in scope:
        return str(scope["route"].path)
    is_plain = "endpoint" in scope and not scope.get("path_params") and not scope.get("root_path")
    return str(scope["path"]) if is_plain else "other"


def _require_text(scope: Scope) -> None:
    # Nothing goes by a name with a control character, and PostgreSQL has no NUL in its texts.
    if _CONTROL(scope["path"]) or b"%00" in scope["query_string"]:
        raise ProblemError("unreadable", _("There is a control character in the address."))


def _defect(scope: Scope, error: Exception) -> ProblemError:
    instance = uuid.uuid4().urn
    log.error("request failed", instance=instance, method=scope["method"], path=scope["path"], exc_info=error)
    detail = _("The request could not be answered. The log of the server says more, under the instance.")
    return ProblemError("defect", detail, instance=instance)


def _language_wanted(accepted: bytes | None) -> str:
    """The first of our languages that `Accept-Language` prefers; the installation's own without a wish."""
    if not accepted:
        return current_language()
    wishes = sorted(_wishes(accepted.decode("latin-1")), key=lambda wish: -wish[1])
    ours = available_languages()
    return next((code for code, weight in wishes if weight > 0 and code in ours), current_language())


def _wishes(accepted: str) -> Iterable[tuple[str, float]]:
    for part in accepted[:500].split(","):
        tag, _semicolon, weight = part.partition(";")
        try:
            yield tag.strip().lower().split("-")[0], float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
