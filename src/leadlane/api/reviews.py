"""What did a quarter show, and what is decided of it? `/v1/reviews`, `/v1/reviews/{period}`, `…/verdicts`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import Query
from psycopg import Connection
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from leadlane.api.body import JSON, read_json
from leadlane.api.front import Front, front_of
from leadlane.api.pages import NoQuery
from leadlane.api.problems import ProblemError, document_errors, field_error
from leadlane.errors import LeadlaneError
from leadlane.i18n import N_, _
from leadlane.insight.proportions import Estimate
from leadlane.insight.verdicts import Said, Verdict, figures_of, is_folded
from leadlane.policy.problems import located
from leadlane.policy.schema import Name, Part, Text, choice
from leadlane.policy.structure import read_structure
from leadlane.service.quarterly import quarter_verbs, review_verdicts
from leadlane.service.quarterly.quarter import Item, Quarterly, Tried
from leadlane.service.quarterly.review_verdicts import ReasonError
from leadlane.store import review_verdicts as store
from leadlane.store.codec import encode

_REFUSED = N_("It is refused; nothing was changed.")


class VerdictPart(Part):
    """What is decided of a finding."""

    finding: Name = Field(description=N_("The key of the finding."))
    verdict: Annotated[str, *choice("accepted", "edited", "dismissed", "reopened")] = Field(
        description=N_("accepted, edited (accepted with changes), dismissed, or reopened.")
    )
    reason: Text = Field(default="", description="Why; needed to dismiss, so that the next review remembers.")


class EstimateView(TypedDict):
    """A figure with its 95 % interval, and from how many observations it comes."""

    value: float
    low: float
    high: float
    count: int


class MoneyView(TypedDict):
    """What a finding costs a quarter: low, middle, high."""

    low: float
    middle: float
    high: float
    currency: str


class PastView(TypedDict):
    """What a proposal would have changed in the period: of all leads, how many differ, and go to others."""

    leads: int
    looked_at: int
    changed: EstimateView
    hands: EstimateView
    people: list[dict[str, Any]]


class ProposalView(TypedDict):
    """A proposal: the differences in words and as unified diff, the changed texts, what it would have done.

    `refused` says why it cannot be made; then there are no texts.
    """

    title: str
    says: list[str]
    changes: list[str]
    diff: list[str]
    policy: str | None
    roster: str | None
    refused: str
    past: PastView | None


class VerdictView(TypedDict):
    """What was decided of a finding, in the review of which period."""

    verdict: Said
    period: str
    at: str
    by: str
    reason: str


class FindingView(TypedDict):
    """A finding. `folded`: it was dismissed, and is not clearly more than it was then."""

    key: str
    kind: str
    title: str
    says: list[str]
    certainty: float
    leads: int
    effect: EstimateView | None
    money: MoneyView | None
    proposal: ProposalView | None
    verdict: VerdictView | None
    folded: bool


class ReviewView(TypedDict):
    """The review of a period as it was last made, the most expected money first."""

    period: str
    since: str
    until: str
    made_at: str
    policy: str
    leads: int
    won: int
    findings: list[FindingView]
    cannot: list[str]


class MadeView(TypedDict):
    """A period that there is a review of, and when it was last made."""

    period: str
    made_at: str


class ReviewsView(TypedDict):
    """The reviews that there are, the newest period first."""

    reviews: list[MadeView]


def get_reviews(request: Request, query: Annotated[NoQuery, Query()]) -> Response:
    """The reviews that were made. `leadlane review`, or the page, makes one."""
    with front_of(request).leadlane.pool.connection() as connection:
        made = [{"period": period, "made_at": at} for period, at in store.reviews(connection)]
    return Response(encode({"reviews": made}), media_type=JSON)


def get_review(request: Request, period: str, query: Annotated[NoQuery, Query()]) -> Response:
    """The review of a period (`2026Q1`) with what was decided of its findings up to now."""
    with front_of(request).leadlane.pool.connection() as connection:
        made = _made(connection, period)
        given = review_verdicts.verdicts(connection)
    return Response(encode(_view(made, given)), media_type=JSON)


async def post_verdict(request: Request, period: str) -> Response:
    """Decide of a finding. Nothing is published: an accepted one is followed until its change is in force."""
    front = front_of(request)
    raw = await read_json(request, front.leadlane.settings.max_body_bytes)
    part, findings = read_structure(VerdictPart, raw)
    if part is None:
        raise ProblemError("invalid", _(_REFUSED), document_errors(located(findings, None, "")))
    return await run_in_threadpool(_decide, front, period, part, request.scope["key"].name)


def _decide(front: Front, period: str, part: VerdictPart, by: str) -> Response:
    now = front.leadlane.now()
    said: Said = next(one for one in _SAID if one == part.verdict)
    with front.leadlane.pool.connection() as connection:
        made = _made(connection, period)
        try:
            item = quarter_verbs.item_of(made, part.finding)
        except LeadlaneError as error:
            problem = field_error("finding", part.finding[:80], error.message)
            raise ProblemError("invalid", _(_REFUSED), [problem]) from None
        if said in ("accepted", "edited"):
            try:
                quarter_verbs.check_can_be_made(item)
            except LeadlaneError as error:
                problem = field_error("verdict", said, f"{error.message} {error.hint}".strip())
                raise ProblemError("invalid", _(_REFUSED), [problem]) from None
        try:
            review_verdicts.give(connection, item.finding, made.name, said, by, part.reason, now)
        except ReasonError as error:
            problem = field_error("reason", part.reason[:80], f"{error.message} {error.hint}")
            raise ProblemError("invalid", _(_REFUSED), [problem]) from None
        given = review_verdicts.verdicts(connection)
    return Response(encode(_finding(made, item, given)), media_type=JSON)


_SAID: Sequence[Said] = ("accepted", "edited", "dismissed", "reopened")


def _made(connection: Connection, period: str) -> Quarterly:
    made = quarter_verbs.kept(connection, period.replace("\0", ""))
    if made is None:
        detail = _("There is no review of {period}. `leadlane review --period`, or the page, makes one.")
        raise ProblemError("not_found", detail.format(period=period[:20]))
    return made


# ---------------------------------------------------------------- as JSON


def _view(made: Quarterly, given: Mapping[str, Verdict]) -> dict[str, Any]:
    return {
        "period": made.name,
        "since": made.since,
        "until": made.until,
        "made_at": made.made_at,
        "policy": made.version,
        "leads": made.leads,
        "won": made.won,
        "findings": [_finding(made, one, given) for one in made.items],
        "cannot": list(made.cannot),
    }


def _finding(made: Quarterly, item: Item, given: Mapping[str, Verdict]) -> dict[str, Any]:
    one, verdict = item.finding, given.get(item.finding.key)
    money = None if one.money is None else one.money.money
    return {
        "key": one.key,
        "kind": one.kind,
        "title": one.title,
        "says": list(one.says),
        "certainty": one.certainty,
        "leads": one.leads,
        "effect": _estimate(one.effect) if one.effect else None,
        "money": dict(zip(("low", "middle", "high"), money, strict=True), currency=made.currency)
        if money
        else None,
        "proposal": _proposal(item),
        "verdict": {
            "verdict": verdict.said,
            "period": verdict.period,
            "at": verdict.at,
            "by": verdict.by,
            "reason": verdict.reason,
        }
        if verdict
        else None,
        "folded": is_folded(verdict, figures_of(one)),
    }


def _proposal(item: Item) -> dict[str, Any] | None:
    proposal, tried = item.finding.proposal, item.tried
    if proposal is None:
        return None
    tried = tried or Tried((), (), None, None, refused=_("It was not tried out."))
    return {
        "title": proposal.title,
        "says": list(proposal.says),
        "changes": list(tried.words),
        "diff": list(tried.lines),
        "policy": tried.policy,
        "roster": tried.roster,
        "refused": tried.refused,
        "past": _past(tried),
    }


def _past(tried: Tried) -> dict[str, Any] | None:
    past = tried.past
    if past is None:
        return None
    return {
        "leads": past.leads,
        "looked_at": past.looked_at,
        "changed": _estimate(past.changed),
        "hands": _estimate(past.hands),
        "people": [{"person": id_, "before": old, "after": new} for id_, old, new in past.people],
    }


def _estimate(known: Estimate) -> dict[str, Any]:
    return {"value": known.value, "low": known.low, "high": known.high, "count": known.count}
