"""What people do with leads: `POST /v1/leads/{id}/accept` and the other verbs, `/v1/people/{id}/away`."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from leadlane.api.body import JSON, read_json
from leadlane.api.front import Front, front_of
from leadlane.api.leads import fingerprint_of, idempotency_key
from leadlane.api.pages import NoQuery
from leadlane.api.problems import ProblemError, document_errors, field_error
from leadlane.api.roster import get_person
from leadlane.core.act import CLOSINGS, TOUCHES, Act, ActKind
from leadlane.i18n import N_, _
from leadlane.policy.problems import located
from leadlane.policy.roster_document import instant
from leadlane.policy.roster_schema import Moment
from leadlane.policy.schema import Name, Part, Text, Worth, checked, choice, read_count
from leadlane.policy.structure import read_structure
from leadlane.service.acts import submit_acts
from leadlane.service.batch import Receipt
from leadlane.service.late_outcomes import ended_at
from leadlane.service.roster import AbsenceError, UnknownPersonError, go_away
from leadlane.service.submission import act_submission
from leadlane.service.views import lead_view
from leadlane.store import leads
from leadlane.store.codec import encode

P = TypeVar("P", bound=Part)

Seen = Annotated[int, *checked(read_count, type="integer", minimum=1)]
Kind = Annotated[str, *choice(*TOUCHES)]
Closing = Annotated[str, *choice(*CLOSINGS)]


class ActPart(Part):
    """Something that a person does with a lead."""

    by: Name = Field(description=N_("Who does it: the id of a person."))
    reason: Text = Field(default="", description="Why, in your own words.")
    seen: Seen | None = Field(
        default=None,
        description="The `place` of the lead as you saw it: if it has moved since, nothing is done.",
    )


class DeclinePart(ActPart):
    """Hand a lead on."""

    reason: Text = Field(default="", description="Why; `junk` and `duplicate` count as no turn of yours.")


class DisputePart(ActPart):
    """Say that the rules were wrong about a lead."""

    reason: Name = Field(description=N_("What is wrong, in 1 to 200 characters."))


class TouchPart(ActPart):
    """Reach out to the prospect, or take a note."""

    kind: Kind = Field(description=N_("How: a note is no response, the others are."))
    due_at: Moment | None = Field(default=None, description="When the next step is due from now on.")


class ReassignPart(ActPart):
    """Give a lead to somebody."""

    to: Name = Field(description=N_("Who gets the lead: the id of a person."))


class ReviewPart(ActPart):
    """Place a lead that is in review."""

    to: Name = Field(description=N_("A person, or `pool:NAME`, or `program:NAME`."))


class IdentifyPart(ActPart):
    """Say whose lead it is."""

    account: Name | None = Field(description=N_("The account that it belongs to; null: nobody known."))


class MergePart(ActPart):
    """Say that two leads are the same prospect."""

    lead: Name = Field(description=N_("The other lead: it ends, and this one gets what it had."))


class SplitPart(ActPart):
    """Take out what was merged and was somebody else."""

    lead: Name = Field(description=N_("The id under which it had come: it becomes a lead of its own again."))


class ClosePart(ActPart):
    """End the story of a lead."""

    outcome: Closing = Field(description=N_("How it ended."))
    value: Worth | None = Field(default=None, description="What it was worth, in the policy's currency.")
    closed_at: Moment | None = Field(
        default=None, description="When it ended, if before now; a date means by the end of that day."
    )


class NextStepPart(Part):
    """What is to be done next with a lead, and by when."""

    by: Name = Field(description=N_("Who does it: the id of a person."))
    text: Name = Field(description=N_("What is to be done next, in 1 to 200 characters."))
    due_at: Moment = Field(description=N_("When it is due; a date means by the end of that day."))
    seen: Seen | None = Field(
        default=None,
        description="The `place` of the lead as you saw it: if it has moved since, nothing is done.",
    )


class AbsencePart(Part):
    """An absence. A date means that whole day, in the person's time zone."""

    from_: Moment | None = Field(default=None, alias="from", description="When it begins; without it, now.")
    until: Moment = Field(description=N_("The last day, or the moment it ends."))
    reason: Text = Field(default="", description="Why; shown to colleagues.")


# ---------------------------------------------------------------- leads


async def accept_lead(request: Request, lead_id: str) -> Response:
    """Accept a lead: whoever has it has seen it and takes it on."""
    return await _acted(request, lead_id, "accept", ActPart)


async def decline_lead(request: Request, lead_id: str) -> Response:
    """Decline a lead: it goes to whoever is next, and not to the same person again."""
    return await _acted(request, lead_id, "decline", DeclinePart)


async def dispute_lead(request: Request, lead_id: str) -> Response:
    """Dispute a lead: the rules were wrong about it, so it goes to review with the reason."""
    return await _acted(request, lead_id, "dispute", DisputePart)


async def touch_lead(request: Request, lead_id: str) -> Response:
    """Record a touch: one that reaches out to the prospect is the response, and ends the chase."""
    return await _acted(request, lead_id, "touch", TouchPart)


async def reassign_lead(request: Request, lead_id: str) -> Response:
    """Give a lead to somebody, whatever their capacity and hours."""
    return await _acted(request, lead_id, "reassign", ReassignPart)


async def review_lead(request: Request, lead_id: str) -> Response:
    """Place a lead that is in review: with a person, in a pool, or in a program."""
    return await _acted(request, lead_id, "review", ReviewPart)


async def close_lead(request: Request, lead_id: str) -> Response:
    """Close a lead: whoever had it has room for another."""
    return await _acted(request, lead_id, "close", ClosePart)


async def identify_lead(request: Request, lead_id: str) -> Response:
    """Say who a lead is: the account that it belongs to, or nobody known. It is routed again."""
    return await _acted(request, lead_id, "identify", IdentifyPart)


async def merge_lead(request: Request, lead_id: str) -> Response:
    """Merge another lead into this one: they are the same prospect. This one keeps owner and clock."""
    return await _acted(request, lead_id, "merge", MergePart)


async def split_lead(request: Request, lead_id: str) -> Response:
    """Split off what was merged into this lead: it was somebody else, and is routed as a lead of its own."""
    return await _acted(request, lead_id, "split", SplitPart)


async def plan_lead(request: Request, lead_id: str) -> Response:
    """Say what is to be done next with a lead, and by when."""
    return await _acted(request, lead_id, "plan", NextStepPart)


async def _acted(
    request: Request, lead_id: str, kind: ActKind, model: type[ActPart | NextStepPart]
) -> Response:
    front = front_of(request)
    raw = await read_json(request, front.leadlane.settings.max_body_bytes)
    part, now = _read(model, raw), front.leadlane.now()
    key = idempotency_key(request)
    zone = (await front.foreknown.rules()).zone
    one = act_submission(_act(lead_id, kind, part, zone, now), now, part.seen, key)
    if key is not None:
        one = replace(one, fingerprint=fingerprint_of([kind, lead_id, raw]))

    def do() -> bytes:
        with front.leadlane.pool.connection() as connection:
            (receipt,) = submit_acts(connection, front.leadlane.books, [one], now)
            if receipt.status == "refused":
                raise _refusal(receipt)
            row = leads.get(connection, receipt.lead_id)
        assert row is not None  # it was acted on, and no lead is ever deleted
        return encode(lead_view(row, now))

    return Response(await run_in_threadpool(do), media_type=JSON)


def _act(lead_id: str, kind: ActKind, part: Part, zone: ZoneInfo, now: datetime) -> Act:
    given: dict[str, Any] = part.model_dump()
    due_at, closed_at = given.get("due_at"), given.get("closed_at")
    return Act(
        lead_id,
        kind,
        by=given["by"],
        to=given.get("to") or given.get("account") or given.get("lead"),
        reason=given.get("text") or given.get("reason", ""),
        how=given.get("kind", ""),
        outcome=given.get("outcome", ""),
        value=given.get("value"),
        due_at=_future("due_at", due_at, zone, now) if due_at is not None else None,
        closed_at=_past("closed_at", closed_at, zone, now) if closed_at is not None else None,
    )


def _future(field: str, text: str, zone: ZoneInfo, now: datetime) -> datetime:
    """A moment to come; of a date, its end."""
    try:
        moment = instant(text, zone.key, end=True)
    except (ValueError, OverflowError):
        raise _bad(field, text, _("this moment cannot be told in every time zone")) from None
    if moment <= now:
        raise _bad(field, text, _("this is past; it is {now} now").format(now=f"{now:%Y-%m-%dT%H:%MZ}"))
    return moment


def _past(field: str, text: str, zone: ZoneInfo, now: datetime) -> datetime:
    """A moment until now."""
    try:
        moment, _began = ended_at(text, zone, now)
    except ValueError:
        raise _bad(field, text, _("this moment cannot be told in every time zone")) from None
    if moment > now:
        raise _bad(
            field, text, _("this is still to come; it is {now} now").format(now=f"{now:%Y-%m-%dT%H:%MZ}")
        )
    return moment


def _refusal(receipt: Receipt) -> ProblemError:
    match receipt.refusal:
        case "unknown":
            return ProblemError("not_found", receipt.problem)
        case "closed":
            return ProblemError("closed", _("Nothing more can be done with it."))
        case "key_reused":
            return ProblemError("key_reused", receipt.problem)
        case "stale":
            return ProblemError("stale", receipt.problem)
        case "not_allowed":
            return ProblemError("not_allowed", receipt.problem, reason=receipt.reason)
    return ProblemError("invalid", receipt.problem)


# ---------------------------------------------------------------- people


async def away_person(request: Request, person_id: str) -> Response:
    """Say that somebody is away: they get no leads meanwhile, and their protected leads are covered."""
    front = front_of(request)
    part = _read(AbsencePart, await read_json(request, front.leadlane.settings.max_body_bytes))
    await run_in_threadpool(_go_away, front, person_id, part, request.scope["key"].name)
    return await run_in_threadpool(get_person, request, person_id, NoQuery())


def _go_away(front: Front, person_id: str, part: AbsencePart, by: str) -> None:
    now = front.leadlane.now()
    try:
        with front.leadlane.pool.connection() as connection:
            go_away(connection, person_id, part.from_, part.until, part.reason, by, now)
    except UnknownPersonError as error:
        raise ProblemError("not_found", str(error)) from None
    except AbsenceError as error:
        raise _bad("until", part.until, str(error)) from None
    except (ValueError, OverflowError):
        raise _bad("until", part.until, _("this moment cannot be told in every time zone")) from None


# ---------------------------------------------------------------- reading


def _read(model: type[P], raw: object) -> P:
    """The body as `model`; ProblemError (422) with everything that is wrong with it, field by field."""
    part, findings = read_structure(model, raw)
    if part is None:
        errors = [
            field_error(
                field.alias or name,
                "",
                _("this is needed: {what}").format(what=_(field.description) if field.description else name),
            )
            for name, field in model.model_fields.items()
            if field.is_required() and isinstance(raw, dict) and (field.alias or name) not in raw
        ]
        others = [one for one in findings if one.code != "missing_key"]
        errors += document_errors(located(others, None, ""))
        raise ProblemError("invalid", _("It is refused; nothing was changed."), errors)
    return part


def _bad(field: str, value: str, reason: str) -> ProblemError:
    detail = _("It is refused; nothing was changed.")
    return ProblemError("invalid", detail, [field_error(field, value[:80], reason)])
