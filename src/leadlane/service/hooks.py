"""Did this come from who may send it, and what becomes of it? Deliveries of webhooks, from receipt to leads.

A delivery is stored before anything is made of it, and kept whole until its leads are routed. What cannot be
read or mapped waits, with its reasons, for somebody who mends the mapping.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import math
import random
import re
import secrets
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import Any, Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo

import orjson
import psycopg
from prometheus_client import Counter
from psycopg import Connection
from psycopg_pool import ConnectionPool, PoolTimeout

from leadlane.core.facts import FieldSpec
from leadlane.core.policy import Policy
from leadlane.errors import DatabaseError, LeadlaneError
from leadlane.i18n import _
from leadlane.intake.hooks import (
    HookPart,
    Scheme,
    delivery_id,
    is_from_a_program,
    leads_in,
    load_hook,
    map_lead,
    read_body,
)
from leadlane.intake.leads import read_lead
from leadlane.intake.problems import BadValueError, Problem
from leadlane.logging import get_logger
from leadlane.outbound.limits import granted, wait
from leadlane.service.batch import Receipt
from leadlane.service.router import BusyError, Router
from leadlane.service.rulebooks import NothingPublishedError, Rulebooks, field_specs
from leadlane.service.submission import Submission, submission
from leadlane.store import hooks
from leadlane.store.hooks import DeliveryRow, Secret, State

log = get_logger(__name__)

DELIVERIES = Counter(
    "leadlane_hook_deliveries_total", "Deliveries, each time that routing ended", ["hook", "state"]
)
REFUSALS = Counter("leadlane_hook_refusals_total", "Requests that were not let in", ["hook"])

PATH = "/v1/hooks/"
KEY_PARAMETER = "key"
# A signed time further away than this is not believed, as the senders themselves recommend.
TOLERANCE = timedelta(minutes=5)
# The same body again within this time is the same delivery, where the sender gives it no id: more than twice
# the tolerance, so that whatever is still believed is still remembered.
SAME_WITHIN = timedelta(minutes=15)
# A secret that was replaced is good for this long, until the sender has the new one.
OVERLAP = timedelta(hours=24)
# So long a delivery is whose who took it in or tries it again; then whoever that was is taken for dead.
IN_HAND = timedelta(seconds=30)
# What waits is tried again ever less often, but not less often than this.
LONGEST_WAIT = timedelta(minutes=10)
REFUSALS_NOTED_EVERY = 1.0
SHORTEST_SECRET = 8
LONGEST_ID = 200

# Whose signature covers no time: only their bodies tell a replay.
_TIMELESS: frozenset[Scheme] = frozenset({"typeform", "meta", "linkedin"})
# Who sends the secret itself instead of signing with it.
SHARED: frozenset[Scheme] = frozenset({"header", "address"})
# Failures that pass: the delivery waits, and is tried again.
_PASSING = (BusyError, NothingPublishedError, DatabaseError, psycopg.OperationalError, PoolTimeout)


class RefusedError(LeadlaneError):
    """A request does not prove that it is the sender's."""


class TooManyError(LeadlaneError):
    """A sender brings more than its mapping allows; more is taken in so many `seconds`."""

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds


class UnknownHookError(LeadlaneError):
    """There is no webhook of this name."""


class NoHandshakeError(LeadlaneError):
    """The sender of this webhook does not ask whether we are there."""


# ---------------------------------------------------------------- who sends


@dataclass(frozen=True, slots=True, repr=False)
class Sent:
    """A request as it came: the address as its sender knows it, names of headers in lower case.

    It has no repr, because secrets are among what it holds.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class _Signature:
    """Digests that came with a request, the texts that one of them may be of, and the time that is signed."""

    digests: Sequence[bytes]
    texts: Sequence[bytes]
    at: float | None = None


def verify(hook: HookPart, known: Iterable[Secret], sent: Sent, now: datetime) -> None:
    """Nothing, if a request comes from who knows one of the secrets; else RefusedError says what is wrong."""
    keys = [one.secret for one in known if one.purpose == "signature"]
    scheme = hook.signature.scheme
    if scheme in SHARED:
        in_header = sent.headers.get(hook.signature.header.lower(), "")
        given = in_header if scheme == "header" else sent.query.get(KEY_PARAMETER, "")
        digest = _hash(given)
        good = [hmac.compare_digest(digest, key) for key in keys]
    else:
        signature = _SIGNATURES[scheme](sent)
        if signature.at is not None and abs(now.timestamp() - signature.at) > TOLERANCE.total_seconds():
            raise RefusedError(_("The signed time is too far away: a clock is wrong, or this is a replay."))
        good = [
            hmac.compare_digest(hmac.digest(key, text, "sha256"), digest)
            for key in keys
            for text in signature.texts
            for digest in signature.digests
        ]
    if not any(good):
        raise RefusedError(_("The signature or the secret is not right."))


def _hubspot(sent: Sent) -> _Signature:
    # https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation
    stated = _header(sent, "x-hubspot-request-timestamp")
    text = sent.method.encode() + _hubspot_url(sent.url).encode() + sent.body + stated.encode()
    return _Signature([_base64(_header(sent, "x-hubspot-signature-v3"))], [text], _seconds(stated, 1000))


def _hubspot_url(url: str) -> str:
    # Of what is percent-encoded, HubSpot signs these as they are.
    plain = "%(3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)"
    return re.sub(plain, lambda found: chr(int(found[1], 16)), url, flags=re.IGNORECASE)


def _typeform(sent: Sent) -> _Signature:
    # https://www.typeform.com/developers/webhooks/secure-your-webhooks/
    return _Signature([_base64(_header(sent, "typeform-signature").removeprefix("sha256="))], [sent.body])


def _webflow(sent: Sent) -> _Signature:
    # https://developers.webflow.com/data/docs/working-with-webhooks
    stated = _header(sent, "x-webflow-timestamp")
    digest = _hex(_header(sent, "x-webflow-signature"))
    return _Signature([digest], [stated.encode() + b":" + sent.body], _seconds(stated, 1000))


def _calendly(sent: Sent) -> _Signature:
    # https://developer.calendly.com/api-docs/4c305798a61d3-webhook-signatures
    pairs = [part.strip().partition("=") for part in _header(sent, "calendly-webhook-signature").split(",")]
    stated = next((value for name, _equals, value in pairs if name == "t"), "")
    digests = [_hex(value) for name, _equals, value in pairs if name == "v1"]
    return _Signature(digests, [stated.encode() + b"." + sent.body], _seconds(stated))


def _meta(sent: Sent) -> _Signature:
    # https://developers.facebook.com/docs/graph-api/webhooks/getting-started#validate-payloads
    return _Signature([_hex(_header(sent, "x-hub-signature-256").removeprefix("sha256="))], [sent.body])


def _linkedin(sent: Sent) -> _Signature:
    # https://learn.microsoft.com/en-us/linkedin/shared/api-guide/webhook-validation
    # It can be read in two ways whether the prefix stands before the hash or before what is hashed. Either
    # takes the secret, so both are good.
    digest = _hex(_header(sent, "x-li-signature").removeprefix("hmacsha256="))
    return _Signature([digest], [b"hmacsha256=" + sent.body, sent.body])


def _standard(sent: Sent) -> _Signature:
    # https://www.standardwebhooks.com; its library asks the clock itself, which nothing here may.
    id_, stated = _header(sent, "webhook-id"), _header(sent, "webhook-timestamp")
    digests = [
        _base64(one.removeprefix("v1,"))
        for one in _header(sent, "webhook-signature").split()
        if one.startswith("v1,")
    ]
    return _Signature(digests, [f"{id_}.{stated}.".encode() + sent.body], _seconds(stated))


_SIGNATURES: Mapping[Scheme, Callable[[Sent], _Signature]] = {
    "hubspot-v3": _hubspot,
    "typeform": _typeform,
    "webflow": _webflow,
    "calendly": _calendly,
    "meta": _meta,
    "linkedin": _linkedin,
    "standard-webhooks": _standard,
}


def _header(sent: Sent, name: str) -> str:
    found = sent.headers.get(name, "").strip()
    if not found:
        raise RefusedError(_("The header {name} is missing.").format(name=name))
    return found


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _seconds(stated: str, per_second: int = 1) -> float:
    if not re.fullmatch(r"[0-9]{1,16}", stated):
        raise RefusedError(_("The signed time cannot be read."))
    return int(stated) / per_second


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def handshake(connection: Connection, name: str, query: Mapping[str, str], now: datetime) -> tuple[str, str]:
    """The answer (body, media type) to a sender who asks whether we are there before it sends anything.

    UnknownHookError, NoHandshakeError, or RefusedError where the question is not the sender's.
    """
    hook = _hook(connection, name)
    known = hooks.secrets_of(connection, name, now)
    if hook.signature.scheme == "linkedin" and (code := query.get("challengeCode")):
        keys = [one.secret for one in known if one.purpose == "signature"]
        if len(code) > LONGEST_ID or not keys:
            raise RefusedError(_("The challenge cannot be answered."))
        answer = hmac.digest(keys[0], code.encode(), "sha256").hex()
        body = orjson.dumps({"challengeCode": code, "challengeResponse": answer}).decode()
        return body, "application/json"
    if hook.signature.scheme == "meta" and query.get("hub.mode") == "subscribe":
        given, challenge = _hash(query.get("hub.verify_token", "")), query.get("hub.challenge", "")
        good = [hmac.compare_digest(given, one.secret) for one in known if one.purpose == "handshake"]
        if not any(good) or not re.fullmatch(r"[\w.-]{1,200}", challenge, re.ASCII):
            raise RefusedError(_("The verify token is not right."))
        return challenge, "text/plain"
    raise NoHandshakeError(_("There is nothing to be asked here; deliveries are sent with POST."))


# ---------------------------------------------------------------- taking in


@dataclass(frozen=True, slots=True)
class Taken:
    """A delivery that is stored, and the mapping by which it is read."""

    hook: HookPart
    row: DeliveryRow

    @property
    def is_settled(self) -> bool:
        """Whether it came before and there is nothing left to do."""
        return self.row.state in ("routed", "ignored", "program")


def take_in(
    connection: Connection, name: str, sent: Sent, now: datetime, granted_until: MutableMapping[str, datetime]
) -> Taken:
    """Store a request that its sender signed; one that came before is found again, not stored twice.

    `granted_until` keeps, by webhook, what was granted so far; its senders share it. UnknownHookError,
    RefusedError or TooManyError, and nothing is stored but why.
    """
    hook = _hook(connection, name)
    try:
        verify(hook, hooks.secrets_of(connection, name, now), sent, now)
        # After the signature: strangers use up nothing of what the sender may.
        _take_one(hook, now, granted_until)
    except (RefusedError, TooManyError) as error:
        REFUSALS.labels(name).inc()
        hooks.note_refusal(connection, name, error.message, now, REFUSALS_NOTED_EVERY)
        log.warning("webhook refused", hook=name, reason=error.message)
        raise
    content_type, body_hash = sent.headers.get("content-type", ""), hashlib.sha256(sent.body).digest()
    own_id = _own_id(hook, sent, content_type)
    is_remembered = own_id is not None or hook.signature.scheme in _TIMELESS
    with connection.transaction():
        hooks.lock_body(connection, name, body_hash)
        since = None if is_remembered else now - SAME_WITHIN
        row = hooks.same_delivery(connection, name, body_hash, own_id, since)
        if row is None:
            row = hooks.insert_delivery(
                connection, name, own_id, body_hash, content_type[:LONGEST_ID], sent.body, now, now + IN_HAND
            )
    return Taken(hook, row)


def _take_one(hook: HookPart, now: datetime, granted_until: MutableMapping[str, datetime]) -> None:
    count, until, next_at = granted(granted_until.get(hook.hook), now, hook.per_minute, 1)
    if not count:
        message = _("This webhook takes {n} deliveries a minute.").format(n=hook.per_minute)
        raise TooManyError(message, math.ceil((next_at - now).total_seconds()))
    granted_until[hook.hook] = until


def _own_id(hook: HookPart, sent: Sent, content_type: str) -> str | None:
    # Only what is signed can be trusted to be the same in a replay: the body, and this one header.
    found = sent.headers.get("webhook-id") if hook.signature.scheme == "standard-webhooks" else None
    if found is None and hook.delivery_id:
        try:
            found = delivery_id(hook, read_body(sent.body, content_type))
        except BadValueError:
            return None
    if found is not None and (len(found) > LONGEST_ID or not found.isprintable()):
        return hashlib.sha256(found.encode("utf-8", "surrogatepass")).hexdigest()
    return found


def taken_before(connection: Connection, row: DeliveryRow) -> Taken:
    """A delivery that is stored, with the mapping as it is now."""
    return Taken(_hook(connection, row.hook), row)


def _hook(connection: Connection, name: str) -> HookPart:
    row = hooks.hook(connection, name)
    if row is None:
        raise UnknownHookError(
            _("There is no webhook {name}.").format(name=name), _("`leadlane hooks list` shows them.")
        )
    return _compiled(row.source)


_compiled = lru_cache(maxsize=256)(load_hook)


# ---------------------------------------------------------------- reading and routing


@dataclass(frozen=True, slots=True)
class Ready:
    """What a delivery brings: leads to route, and what is wrong with others; `state` if it brings none."""

    submissions: Sequence[Submission] = ()
    problems: Sequence[Problem] = ()
    state: State | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a delivery: its number, its state, the ids of its leads, and what is wrong.

    A state of `received` says that it waits: what failed will pass.
    """

    number: int
    state: State
    leads: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def read_delivery(taken: Taken, policy: Policy, *, by_hand: bool = False) -> Ready:
    """The leads of a delivery under a policy. `by_hand`: somebody has seen that it is from a person."""
    row, hook = taken.row, taken.hook
    try:
        sent = read_body(row.body or b"", row.content_type)
        if not by_hand and is_from_a_program(hook, sent):
            return Ready(state="program")
        found = leads_in(hook, sent)
    except BadValueError as error:
        return Ready(problems=[Problem("", "", error.reason, error.suggestion)])
    if not found:
        return Ready(state="ignored")
    submissions: list[Submission] = []
    wrong: list[Problem] = []
    for number, one in enumerate(found):
        read, problems = _submission(taken, policy, number, one)
        wrong += [_of_lead(number, one) for one in problems] if hook.leads is not None else problems
        submissions += [read] if read is not None else []
    return Ready(submissions, wrong)


def _of_lead(number: int, problem: Problem) -> Problem:
    """Of several leads, a problem says which one has it."""
    where = f"leads[{number}].{problem.field}".rstrip(".")
    return Problem(where, problem.value, problem.reason, problem.suggestion)


def _submission(
    taken: Taken, policy: Policy, number: int, sent: Any
) -> tuple[Submission | None, list[Problem]]:
    mapped, problems = map_lead(taken.hook, sent)
    if mapped is None:
        return None, problems
    row = taken.row
    # It arrived when it was received, however long its mapping took to be mended: the promise counts so.
    given, problems = read_lead(
        mapped.raw,
        field_specs(policy),
        row.received_at,
        ZoneInfo(policy.timezone),
        currency=policy.currency,
        extra=mapped.extra,
    )
    if given is None:
        return None, problems
    # What was sent, not what was made of it: a mended mapping does not make another delivery of it.
    fingerprint = hashlib.sha256(orjson.dumps(sent, option=orjson.OPT_SORT_KEYS)).hexdigest()
    own = row.delivery_id if row.delivery_id is not None else f"number {row.id}"
    key = f"hook:{row.hook}:{own}#{number}"
    source = f"hook:{row.hook}"
    return submission(given, source, row.received_at, key=key, fingerprint=fingerprint), []


def conclude(
    connection: Connection,
    taken: Taken,
    ready: Ready,
    answers: Sequence[Receipt | Exception],
    now: datetime,
) -> Outcome:
    """Store and tell what became of a delivery, from what became of its leads."""
    problems = list(ready.problems)
    leads: list[str] = []
    passing = False
    for answer in answers:
        if isinstance(answer, Receipt) and answer.status != "refused":
            leads.append(answer.lead_id)
        else:
            passing |= isinstance(answer, _PASSING)
            problems.append(_failure(answer))
    state: State = ready.state or ("received" if passing else "failed" if problems else "routed")
    outcome = Outcome(taken.row.id, state, tuple(dict.fromkeys(leads)), tuple(problems))
    told = [asdict(problem) for problem in problems]
    due_at = now + _wait(taken.row.attempts) if state == "received" else None
    hooks.finish_delivery(connection, outcome.number, state, told, outcome.leads, now, due_at)
    DELIVERIES.labels(taken.row.hook, state).inc()
    if problems:
        log.warning("webhook not routed", hook=taken.row.hook, delivery=taken.row.id, problems=len(problems))
    return outcome


def is_passing(error: Exception) -> bool:
    """Whether what went wrong is over soon, so that a delivery may wait for it."""
    return isinstance(error, _PASSING)


def _wait(attempts: int) -> timedelta:
    return min(wait(attempts, random.random()), LONGEST_WAIT)


def _failure(answer: Receipt | Exception) -> Problem:
    if isinstance(answer, Receipt):
        if answer.refusal == "key_reused":
            return Problem(
                "delivery_id",
                "",
                _("a delivery of the same id came before, with other content"),
                _("check that `delivery_id` names what is different in each delivery"),
            )
        return Problem("", "", answer.problem or _("the lead was refused"))
    if isinstance(answer, LeadlaneError):
        return Problem("", "", answer.message, answer.hint)
    if is_passing(answer):
        return Problem("", "", _("The database cannot be reached."))
    log.error("webhook could not be routed", exc_info=answer)
    return Problem("", "", _("This one could not be routed; the log of the server says why."))


def retry(pool: ConnectionPool[Any], books: Rulebooks, router: Router, number: int, now: datetime) -> Outcome:
    """Read and route a stored delivery again, by the mapping as it is now. LeadlaneError if there is none.

    Leads of it that were routed before stay as they are.
    """
    with pool.connection() as connection:
        row = hooks.delivery(connection, number)
        if row is None:
            raise LeadlaneError(
                _("There is no delivery {number}.").format(number=number),
                _("`leadlane hooks failed` shows what waits."),
            )
        if row.state == "routed":
            return Outcome(row.id, row.state, tuple(row.leads))
        taken = taken_before(connection, row)
        policy = books.current(connection).policy
    ready = read_delivery(taken, policy, by_hand=True)
    answers = _route_and_wait(router, ready.submissions)
    with pool.connection() as connection:
        return conclude(connection, taken, ready, answers, now)


def _route_and_wait(router: Router, submissions: Sequence[Submission]) -> list[Receipt | Exception]:
    futures: list[Future[Receipt | Exception]] = [Future() for _one in submissions]
    router.submit(
        [(one, partial(Future.set_result, future)) for one, future in zip(submissions, futures, strict=True)]
    )
    return [future.result() for future in futures]


# ---------------------------------------------------------------- setting up


Told = Literal["secret", "verify_token"]


@dataclass(frozen=True, slots=True)
class Stored:
    """A webhook that was stored. What is `told` of secrets is told this once: (what it is, the secret)."""

    hook: HookPart
    path: str = field(repr=False)
    told: tuple[tuple[Told, str], ...] = field(default=(), repr=False)


def needs_secret(connection: Connection, hook: HookPart, now: datetime) -> bool:
    """Whether a webhook has no secret for its scheme yet."""
    row = hooks.hook(connection, hook.hook)
    if row is None or _compiled(row.source).signature.scheme != hook.signature.scheme:
        return True
    return not any(one.purpose == "signature" for one in hooks.secrets_of(connection, hook.hook, now))


Fields = Mapping[str, FieldSpec]


def known_fields(connection: Connection, books: Rulebooks) -> Fields | None:
    """The fields that a lead may have under the policy in force; None while none is."""
    try:
        return field_specs(books.current(connection).policy)
    except NothingPublishedError:
        return None


def put(
    connection: Connection,
    text: str,
    now: datetime,
    *,
    secret: str | None = None,
    generate: bool = False,
    source: str = "hook.yaml",
) -> Stored:
    """Store a mapping and, if one is given or to be made, the secret of its sender.

    PolicyErrors for a mapping that is none; LeadlaneError where a secret is needed and there is none, or it
    cannot be one. A secret that is replaced holds for another day, unless the way of signing has changed.
    """
    hook = load_hook(text, source)
    scheme = hook.signature.scheme
    told: list[tuple[Told, str]] = []
    with connection.transaction():
        needed = needs_secret(connection, hook, now)
        if generate or (needed and secret is None and scheme in SHARED):
            secret = _new_secret(scheme)
            told.append(("secret", secret))
        elif needed and secret is None:
            raise LeadlaneError(
                _("The webhook {name} needs the secret of its sender.").format(name=hook.hook),
                _("Give it in a file with --secret-file, or have one made with --generate."),
            )
        hooks.put_hook(connection, hook.hook, text, now)
        if secret is not None:
            until = now if needed else now + OVERLAP
            hooks.put_secret(connection, hook.hook, "signature", _key(scheme, secret), now, until)
        if scheme == "meta" and needed:
            token = secrets.token_urlsafe(24)
            hooks.put_secret(connection, hook.hook, "handshake", _hash(token), now, now)
            told.append(("verify_token", token))
    path = PATH + hook.hook
    if scheme == "address":
        shown = next((value for _name, value in told), "…")
        path += f"?{KEY_PARAMETER}={quote(shown, safe='…')}"
    return Stored(hook, path, tuple(told))


def _new_secret(scheme: Scheme) -> str:
    if scheme == "standard-webhooks":
        return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    return secrets.token_urlsafe(32)


def _key(scheme: Scheme, secret: str) -> bytes:
    """What is stored of a secret: what a signature is made with, or the hash of one that is sent itself."""
    secret = secret.strip()
    if len(secret) < SHORTEST_SECRET or not secret.isprintable():
        raise LeadlaneError(
            _("A secret has at least {least} characters, all of them printable.").format(
                least=SHORTEST_SECRET
            )
        )
    if scheme in SHARED:
        return _hash(secret)
    if scheme == "standard-webhooks":
        key = _base64(secret.removeprefix("whsec_"))
        if not key:
            raise LeadlaneError(
                _("This is not a secret of Standard Webhooks."),
                _("It begins with whsec_ and goes on in base64."),
            )
        return key
    return secret.encode()
