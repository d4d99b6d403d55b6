"""How leads ended, also long after: `POST /v1/outcomes`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NotRequired
from zoneinfo import ZoneInfo

from pydantic import Field, JsonValue
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from leadlane.api.acts import Closing
from leadlane.api.body import JSON, read_json
from leadlane.api.front import Front, front_of
from leadlane.api.problems import FieldError, ProblemError, document_errors, field_error
from leadlane.i18n import N_, _
from leadlane.policy.problems import located
from leadlane.policy.roster_schema import Moment
from leadlane.policy.schema import Name, Part, Text, Worth
from leadlane.policy.structure import read_structure
from leadlane.service.late_outcomes import Recorded, Refusal, Reporter, Said, ended_at, record
from leadlane.store.codec import encode

MOST = 1_000
# Characters of one text.
LONGEST = 1_000
_LONG: dict[str, JsonValue] = {"maxLength": LONGEST}
_STATUS: dict[Refusal, int] = {
    "": 200, "unknown": 404, "ambiguous": 409, "contradicted": 409, "stale": 409, "not_allowed": 409,
    "invalid": 422,
}  # fmt: skip


class OutcomePart(Part):
    """How a lead ended. It goes by its id; else by the e-mail address, else by the domain of the company."""

    lead: Name | None = Field(default=None, description="The id of the lead.")
    email: Text = Field(
        default="",
        description="The address of the prospect, where no id is known.",
        json_schema_extra=_LONG,
    )
    domain: Text = Field(
        default="",
        description="The domain of the company, where neither is known.",
        json_schema_extra=_LONG,
    )
    outcome: Closing = Field(description=N_("How it ended."))
    value: Worth | None = Field(
        default=None, description="What it was worth; without it, what is known stays."
    )
    closed_at: Moment | None = Field(
        default=None,
        description="When it ended, between its arrival and now; a date means by the end of that day. Without"
        " it an open lead ends now, and of a closed one what is known stays.",
    )
    reason: Text = Field(default="", description="Why, in your own words.", json_schema_extra=_LONG)


class OutcomeResultView(TypedDict):
    """What became of one: `result` and `lead`, or why it was refused, and which `leads` it could mean."""

    status: int
    result: NotRequired[Literal["closed", "corrected", "unchanged"]]
    lead: NotRequired[str]
    detail: NotRequired[str]
    leads: NotRequired[list[str]]
    errors: NotRequired[list[FieldError]]


class OutcomesView(TypedDict):
    """A result for each, in the order in which they were sent, and how many got each status."""

    results: list[OutcomeResultView]
    statuses: dict[str, int]


async def post_outcomes(request: Request) -> Response:
    """Say how up to 1,000 leads ended, open or closed long ago. Each gets its own result."""
    front = front_of(request)
    raw = await read_json(request, front.leadlane.settings.max_body_bytes)
    items, by = _items(raw)
    zone, now = (await front.foreknown.rules()).zone, front.leadlane.now()
    reporter = Reporter(by) if by else Reporter(name=request.scope["key"].name)
    read = [_read(item, zone, now) for item in items]
    return Response(await run_in_threadpool(_record, front, read, reporter, now), media_type=JSON)


def _items(raw: object) -> tuple[list[object], str | None]:
    """The outcomes of a body, and the person who says so, if it names one."""
    items, by = raw, None
    if isinstance(raw, dict) and raw.keys() <= {"outcomes", "by"}:
        items, by = raw.get("outcomes"), raw.get("by")
    if not isinstance(items, list) or not (by is None or isinstance(by, str)):
        detail = _("Send a list, or an object with the list “outcomes” and, if you like, “by”.")
        raise ProblemError("invalid", detail)
    if by is not None and len(by) > LONGEST:
        raise ProblemError("invalid", _too_long(by), [field_error("by", by[:80], _too_long(by))])
    if not 1 <= len(items) <= MOST:
        detail = _("There are {count}; send 1 to {most} at a time.").format(count=len(items), most=MOST)
        raise ProblemError("invalid", detail)
    return items, by


def _too_long(text: str) -> str:
    words = _("the text is too long: {length} characters, at most {longest}")
    return words.format(length=len(text), longest=LONGEST)


def _read(item: object, zone: ZoneInfo, now: datetime) -> Said | list[FieldError]:
    part, findings = read_structure(OutcomePart, item)
    if part is None:
        return document_errors(located(findings, None, ""))
    # What the database cannot store is the fault of one, and must not cost the others their answer.
    for name in ("email", "domain", "reason"):
        if len(text := getattr(part, name)) > LONGEST:
            return [field_error(name, text[:80], _too_long(text))]
        if "\0" in text:
            return [field_error(name, text[:80], _("a text cannot have the character NUL in it"))]
    closed_at, day_began = None, None
    if part.closed_at is not None:
        try:
            closed_at, day_began = ended_at(part.closed_at, zone, now)
        except ValueError:
            reason = _("this moment cannot be told in every time zone")
            return [field_error("closed_at", part.closed_at[:80], reason)]
    ids = (part.lead,) if part.lead else ()
    return Said(part.outcome, ids, part.email, part.domain, part.value, closed_at, day_began, part.reason)


def _record(front: Front, read: Sequence[Said | list[FieldError]], by: Reporter, now: datetime) -> bytes:
    said = [one for one in read if isinstance(one, Said)]
    with front.leadlane.pool.connection() as connection:
        recorded = iter(record(connection, front.leadlane.books, said, by, now))
    results = [_result(next(recorded)) if isinstance(one, Said) else _invalid(one) for one in read]
    return encode({"results": results, "statuses": Counter(str(one["status"]) for one in results)})


def _result(one: Recorded) -> OutcomeResultView:
    if one.status != "refused":
        return {"status": 200, "result": one.status, "lead": one.lead_id}
    refused: OutcomeResultView = {"status": _STATUS[one.refusal], "detail": one.problem}
    if one.leads:
        refused["leads"] = list(one.leads)
    return refused


def _invalid(errors: list[FieldError]) -> OutcomeResultView:
    return {"status": 422, "detail": _("This is not an outcome that can be read."), "errors": errors}
