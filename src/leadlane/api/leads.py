"""Sending leads and signals: `POST /v1/leads`, `/v1/leads:batch`, `/v1/signals`. The hot path."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NotRequired
from urllib.parse import quote

import orjson
from psycopg import Connection
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from leadlane.api.body import JSON, NDJSON, media_type, parse_json, read_body, read_json
from leadlane.api.front import Front, Rules, front_of
from leadlane.api.problems import FieldError, ProblemError, field_error, lead_errors, of_exception
from leadlane.i18n import _
from leadlane.intake.leads import LeadInput, read_lead
from leadlane.intake.problems import Problem
from leadlane.matching.keys import email_key
from leadlane.service.batch import Receipt
from leadlane.service.submission import Submission, signal_submission, submission
from leadlane.service.views import OutcomeView, answer, next_step_of, outcome, sets_next_step
from leadlane.store import leads
from leadlane.store.codec import encode
from leadlane.store.leads import DecisionRow

MOST_LEADS = 10_000
MOST_SIGNALS = 1_000
LONGEST_KEY = 200
SOURCE = "api"


class ResultView(TypedDict):
    """What became of one of many: `status` is what it would have got alone; `outcome` or `errors`."""

    status: int
    outcome: NotRequired[OutcomeView]
    detail: NotRequired[str]
    errors: NotRequired[list[FieldError]]


class ResultsView(TypedDict):
    """A result for each, in the order in which they were sent, and how many got each status."""

    results: list[ResultView]
    statuses: dict[str, int]


# ---------------------------------------------------------------- one lead


async def post_lead(request: Request) -> Response:
    """Route a lead: who owns it, and by when must they respond."""
    front = front_of(request)
    raw = await read_json(request, front.leadlane.settings.max_body_bytes)
    now = front.leadlane.now()
    given = await _read(front, raw, now)
    key = idempotency_key(request)
    one = submission(given, SOURCE, now, key=key, fingerprint=fingerprint_of(raw) if key else "")
    return await _routed(front, one)


async def _routed(front: Front, one: Submission) -> Response:
    receipt = await front.line.route(one)
    if receipt.status == "refused":
        raise _refusal(receipt)
    if receipt.decision is not None:
        next_step = receipt.decision.standing.next_step if _sets_next_step(receipt) else None
        body = encode(answer(one.lead, receipt.decision.trace, next_step))
    else:
        body = await asyncio.to_thread(_stored_answer, front, receipt, _sent_id(one))
    if receipt.status != "created":
        return Response(body, 200, media_type=JSON)
    location = "/v1/leads/" + quote(receipt.lead_id, safe="")
    return Response(body, 201, {"location": location}, JSON)


def _sets_next_step(receipt: Receipt) -> bool:
    decision = receipt.decision
    return decision is not None and sets_next_step(decision.outcome, decision.trace)


def _stored_answer(front: Front, receipt: Receipt, sent_id: str) -> bytes:
    """The same bytes that were answered when this decision was made."""
    with front.leadlane.pool.connection() as connection:
        row = leads.decision(connection, receipt.batch_id, receipt.number)
        if row is None:
            raise LookupError(f"decision {receipt.batch_id}/{receipt.number} is not stored")
        row = _as_arrived(connection, row, sent_id)
        trace = orjson.loads(row.trace)
        next_step = _stored_next_step(front, connection, trace)
    return encode(answer(orjson.loads(row.arrival)["lead"], trace, next_step))


def _as_arrived(connection: Connection, row: DecisionRow, sent_id: str) -> DecisionRow:
    """The decision about the arrival under this id: what was decided since is not its answer."""
    if not sent_id or _came_as(row, sent_id):
        return row
    return next((one for one in leads.decisions_of(connection, row.lead_id) if _came_as(one, sent_id)), row)


def _sent_id(one: Submission) -> str:
    """The id under which a lead was sent; none for news of a lead."""
    return one.lead.id if one.target is None else ""


def _came_as(row: DecisionRow, sent_id: str) -> bool:
    happening = orjson.loads(row.arrival)
    return "lead" in happening and happening["target"] is None and happening["lead"]["id"] == sent_id


def _stored_next_step(front: Front, connection: Connection, trace: Mapping[str, Any]) -> str | None:
    book = front.leadlane.books.get(connection, trace["policy"], trace["roster"])
    return next_step_of(book.policy, trace)


def _refusal(receipt: Receipt) -> ProblemError:
    match receipt.refusal:
        case "unknown":
            return ProblemError("not_found", _("There is no lead of this id."))
        case "closed":
            return ProblemError("closed", _("News of it cannot be routed; send a new lead."))
        case "key_reused":
            detail = _("This idempotency key was used before, for a different request.")
            return ProblemError("key_reused", detail)
    return ProblemError("invalid", receipt.problem)


def idempotency_key(request: Request) -> str | None:
    """The key of a request that may be sent again, None without one; ProblemError (400) for a bad one."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not 1 <= len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        reason = _("1 to {longest} printable ASCII characters").format(longest=LONGEST_KEY)
        detail = _("The header Idempotency-Key is not valid.")
        raise ProblemError("unreadable", detail, [field_error("Idempotency-Key", key[:80], reason)])
    # Keys of one sender mean nothing to another.
    return f"{request.scope['key'].id}:{key}"


def fingerprint_of(raw: object) -> str:
    """The same for the same JSON, however its keys are ordered and spaced."""
    return hashlib.sha256(orjson.dumps(raw, option=orjson.OPT_SORT_KEYS)).hexdigest()


async def _read(front: Front, raw: object, now: datetime) -> LeadInput:
    given, problems = _read_lead(raw, await front.foreknown.rules(), now)
    if given is None and isinstance(raw, dict):
        # The policy may have got new fields a moment ago.
        await front.foreknown.renew()
        given, problems = _read_lead(raw, await front.foreknown.rules(), now)
    if given is None:
        raise ProblemError("invalid", _("This is not a lead that can be routed."), lead_errors(problems))
    return given


def _read_lead(raw: object, rules: Rules, now: datetime) -> tuple[LeadInput | None, list[Problem]]:
    if not isinstance(raw, dict):
        return None, [Problem("", "", _("a lead is an object with fields"))]
    return read_lead(raw, rules.fields, now, rules.zone, currency=rules.policy.currency)


# ---------------------------------------------------------------- many leads


async def post_leads(request: Request) -> Response:
    """Route up to 10,000 leads. Each gets its own result; bad ones do not hold up the others."""
    front = front_of(request)
    kind = media_type(request.headers, (JSON, *NDJSON))
    body = await read_body(request, front.leadlane.settings.max_body_bytes)
    rules, now = await front.foreknown.rules(), front.leadlane.now()
    ready = await asyncio.to_thread(_read_many, body, kind, rules, now, idempotency_key(request))
    return await _route_many(front, ready)


def _read_many(
    body: bytes, kind: str, rules: Rules, now: datetime, key: str | None
) -> list[Submission | ProblemError]:
    if kind == JSON:
        rows: Sequence[object] = _items(parse_json(body), "leads", MOST_LEADS)
    else:
        rows = _lines(body)
    return _keyed([_read_one(row, rules, now) for row in rows], rows, key)


def _keyed(
    ready: list[Submission | ProblemError], rows: Sequence[object], key: str | None
) -> list[Submission | ProblemError]:
    """Each of many under a key of its own, made of the key of all: so all of them can be sent again."""
    if key is None:
        return ready
    return [
        one
        if isinstance(one, ProblemError)
        else replace(one, key=f"{key}#{number}", fingerprint=fingerprint_of(row))
        for number, (one, row) in enumerate(zip(ready, rows, strict=True))
    ]


def _items(raw: object, name: str, most: int) -> list[object]:
    items = raw.get(name) if isinstance(raw, dict) and raw.keys() == {name} else raw
    if not isinstance(items, list):
        detail = _("Send a list, or an object with nothing but the list “{name}”.").format(name=name)
        raise ProblemError("invalid", detail)
    _refuse_too_many(len(items), most)
    return items


def _lines(body: bytes) -> list[object]:
    lines = [line for line in body.split(b"\n") if line.strip()]
    _refuse_too_many(len(lines), MOST_LEADS)
    return [_line(line) for line in lines]


def _line(line: bytes) -> object:
    try:
        return parse_json(line)
    except ProblemError as problem:
        return problem


def _refuse_too_many(count: int, most: int) -> None:
    if not 1 <= count <= most:
        detail = _("There are {count}; send 1 to {most} at a time.").format(count=count, most=most)
        raise ProblemError("invalid", detail)


def _read_one(raw: object, rules: Rules, now: datetime) -> Submission | ProblemError:
    if isinstance(raw, ProblemError):
        return raw
    given, problems = _read_lead(raw, rules, now)
    if given is None:
        return ProblemError("invalid", _("This is not a lead that can be routed."), lead_errors(problems))
    return submission(given, SOURCE, now)


async def _route_many(front: Front, ready: Sequence[Submission | ProblemError]) -> Response:
    good = [one for one in ready if not isinstance(one, ProblemError)]
    receipts = iter(await front.line.route_all(good) if good else ())
    answers = [one if isinstance(one, ProblemError) else next(receipts) for one in ready]
    sent_ids = ["" if isinstance(one, ProblemError) else _sent_id(one) for one in ready]
    return Response(await asyncio.to_thread(_results, front, answers, sent_ids), media_type=JSON)


def _results(front: Front, answers: Sequence[Receipt | Exception], sent_ids: Sequence[str]) -> bytes:
    sent = list(zip(answers, sent_ids, strict=True))
    stored = _stored_outcomes(
        front,
        {
            (one.batch_id, one.number, sent_id)
            for one, sent_id in sent
            if isinstance(one, Receipt) and one.status == "repeated"
        },
    )
    results = [_result(one, sent_id, stored) for one, sent_id in sent]
    statuses: dict[str, int] = {}
    for result in results:
        status = str(result["status"])
        statuses[status] = statuses.get(status, 0) + 1
    return encode({"results": results, "statuses": statuses})


# What was repeated: batch and number of the decision that answers it, and the id under which it was sent.
_Repeated = tuple[int, int, str]


def _stored_outcomes(front: Front, wanted: set[_Repeated]) -> dict[_Repeated, OutcomeView]:
    if not wanted:
        return {}
    outcomes = {}
    with front.leadlane.pool.connection() as connection:
        rows = leads.decisions_at(connection, sorted({one[:2] for one in wanted}))
        for one in wanted:
            row = _as_arrived(connection, rows[one[:2]], one[2])
            trace = orjson.loads(row.trace)
            outcomes[one] = outcome(trace, _stored_next_step(front, connection, trace))
    return outcomes


def _result(given: Receipt | Exception, sent_id: str, stored: Mapping[_Repeated, OutcomeView]) -> ResultView:
    if isinstance(given, Receipt) and given.status != "refused":
        if given.decision is None:
            return {"status": 200, "outcome": stored[given.batch_id, given.number, sent_id]}
        next_step = given.decision.standing.next_step if _sets_next_step(given) else None
        status = 201 if given.status == "created" else 200
        return {"status": status, "outcome": outcome(given.decision.trace, next_step)}
    problem = _refusal(given) if isinstance(given, Receipt) else of_exception(given)
    if problem is None:
        return {"status": 500, "detail": _("This one could not be routed; the log of the server says why.")}
    return {"status": problem.status, "detail": problem.detail, "errors": list(problem.errors)}


# ---------------------------------------------------------------- signals


async def post_signals(request: Request) -> Response:
    """Tell what prospects did. An open lead whose intent rises is routed again."""
    front = front_of(request)
    raw = await read_json(request, front.leadlane.settings.max_body_bytes)
    rules, now = await front.foreknown.rules(), front.leadlane.now()
    key = idempotency_key(request)
    if isinstance(raw, dict) and "signals" not in raw:
        read = await asyncio.to_thread(_read_signals, front, [raw], rules, now)
        if isinstance(read[0], ProblemError):
            raise read[0]
        return await _routed(front, replace(read[0], key=key, fingerprint=fingerprint_of(raw) if key else ""))
    items = _items(raw, "signals", MOST_SIGNALS)
    ready = await asyncio.to_thread(_read_signals, front, items, rules, now)
    return await _route_many(front, _keyed(ready, items, key))


def _read_signals(
    front: Front, items: Sequence[object], rules: Rules, now: datetime
) -> list[Submission | ProblemError]:
    emails = {key for item in items if (key := _mailbox(item))}
    with front.leadlane.pool.connection() as connection:
        open_leads = leads.open_by_email(connection, sorted(emails)) if emails else {}
    return [_read_signal(item, open_leads, rules, now) for item in items]


def _mailbox(item: object) -> str | None:
    email = item.get("email") if isinstance(item, dict) else None
    return email_key(email) if isinstance(email, str) and "\x00" not in email else None


def _read_signal(
    item: object, open_leads: Mapping[str, str], rules: Rules, now: datetime
) -> Submission | ProblemError:
    """News of the lead that an item names by its id or by the e-mail address of the prospect."""
    if not isinstance(item, dict):
        return ProblemError(
            "invalid", _("A signal is an object with a name, and a lead or an e-mail address.")
        )
    errors = [
        field_error(str(name)[:80], "", _("there is no field of this name"))
        for name in item
        if name not in ("lead", "email", "name", "at")
    ]
    if ("lead" in item) == ("email" in item):
        errors.append(
            field_error("lead", "", _("name the lead by its id, or by the e-mail address: one of both"))
        )
    signal = {name: item[name] for name in ("name", "at") if item.get(name) is not None}
    # As a lead that has nothing but this signal: so a signal is read in one way only.
    named = {"id": item["lead"]} if item.get("lead") is not None else {"email": item.get("email")}
    given, problems = read_lead({**named, "signals": [signal]}, rules.fields, now, rules.zone)
    errors += [
        {**error, "field": {"id": "lead", "signals[0]": "name"}.get(error["field"], error["field"])}
        for error in lead_errors(problems)
    ]
    if errors or given is None:
        return ProblemError("invalid", _("This is not a signal of a lead."), errors)
    lead_id = given.id or open_leads.get(_mailbox(item) or "")
    if lead_id is None:
        return ProblemError("not_found", _("There is no open lead of this e-mail address."))
    return signal_submission(lead_id, given.signals, SOURCE, now)
