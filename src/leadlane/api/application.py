"""The HTTP interface put together: which address is answered by what, and what holds while it runs."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    nullcontext,
    suppress,
)
from typing import Any

import psycopg
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from leadlane.api import (
    acts,
    contacts,
    docs,
    health,
    hooks,
    leads,
    outcomes,
    ownership,
    policy,
    reading,
    reports,
    reviews,
    roster,
    schema,
    slack,
    sms,
)
from leadlane.api.answers import add_answers
from leadlane.api.front import Foreknown, Front, Leadlane, Line
from leadlane.api.guard import SIGNED, Guard
from leadlane.api.problems import FieldError, ProblemError, field_error, of_exception, response
from leadlane.api.schema import answers, refusals
from leadlane.errors import LeadlaneError
from leadlane.i18n import _
from leadlane.policy.roster_schema import AccountPart, ContactPart, PersonPart, TeamPart
from leadlane.service.candidates import CandidatesView
from leadlane.service.ownership import OwnershipView
from leadlane.service.reporting.contact_rate import DuplicatesReportView
from leadlane.service.reporting.reports import KINDS
from leadlane.service.views import AccountView, AnswerView, LeadView

# The responses of an operation, by status.
Responses = dict[int | str, dict[str, Any]]
# Opens what answers everything that is no address of this interface: the pages.
OpenPages = Callable[[Any], AbstractAsyncContextManager[ASGIApp]]

# Objects made since the last collection of garbage before the next, by generation.
COLLECT_AFTER = (100_000, 50, 100)


def create(
    open_leadlane: Callable[[], AbstractContextManager[Leadlane]], open_pages: OpenPages | None = None
) -> FastAPI:
    """The ASGI application. While it runs, it holds open what `open_leadlane` opens, and routes.

    With `open_pages`, every address that is none of the interface's is answered by the pages.
    """

    @asynccontextmanager
    async def lifespan(api: FastAPI) -> AsyncIterator[None]:
        with open_leadlane() as leadlane:
            line, foreknown = Line(), Foreknown(leadlane)
            with leadlane.router(line.deliver) as line.router:
                api.state.front = Front(leadlane, foreknown, line)
                await foreknown.renew(0)
                renewing = asyncio.create_task(foreknown.keep_fresh())
                # What is there now stays: to look through it again and again would only cost time.
                gc.collect()
                gc.freeze()
                # A batch makes tens of thousands of objects and drops them again, none of them in circles.
                gc.set_threshold(*COLLECT_AFTER)
                async with open_pages(leadlane) if open_pages else nullcontext() as api.state.pages:
                    yield
                renewing.cancel()
                with suppress(asyncio.CancelledError):
                    await renewing

    api = FastAPI(docs_url=None, redoc_url=None, lifespan=lifespan, redirect_slashes=False)
    api.openapi = lambda: schema.build(api)  # type: ignore[method-assign]
    api.add_middleware(Guard)
    _add_handlers(api)
    # The hot path is answered by a plain route, before FastAPI's own of the same address, which is there for
    # the documentation: what FastAPI does with a request costs as much as all that we do with it.
    api.add_route("/v1/leads", leads.post_lead, methods=["POST"], include_in_schema=False)
    _add_leads(api)
    _add_acts(api)
    _add_roster(api)
    _add_policy(api)
    _add_ownership(api)
    _add_reports(api)
    _add_reviews(api)
    _add_health(api)
    add_answers(api)
    slack.add_slack(api)
    sms.add_sms(api)
    _add_hooks(api)
    docs.add_docs(api)
    if open_pages is None:
        api.add_route("/", docs.to_docs, include_in_schema=False)
    else:
        api.router.routes.append(_Pages(frozenset(_room(route.path) for route in api.routes)))  # type: ignore[attr-defined]
    return api


class _Pages(BaseRoute):
    """All addresses in whose first part (`/v1`, `/docs`, …) the interface has none."""

    def __init__(self, taken: frozenset[str]) -> None:
        self._taken = taken

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        is_page = scope["type"] == "http" and _room(scope["path"]) not in self._taken
        return (Match.FULL if is_page else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await scope["app"].state.pages(scope, receive, send)


def _room(path: str) -> str:
    return path.split("/", 2)[1]


# ---------------------------------------------------------------- addresses


def _add(
    api: FastAPI,
    method: str,
    path: str,
    endpoint: Callable[..., Any],
    good: Responses,
    refused: Responses,
    extra: dict[str, Any] | None = None,
) -> None:
    """An operation that makes its own response, with what the documentation says of it."""
    first = next(iter(good))
    api.add_api_route(
        path,
        endpoint,
        methods=[method],
        status_code=int(first),
        response_model=None,
        response_class=Response,
        responses={**good, **refused},
        openapi_extra=extra,
        tags=[path.split("/")[2].split(":")[0] if path.startswith("/v1/") else "health"],
        operation_id=endpoint.__name__,
        summary=(endpoint.__doc__ or "").split(".")[0].split(":")[0],
    )


def _add_leads(api: FastAPI) -> None:
    routed: Responses = {
        201: answers(AnswerView, "A new lead: its owner, and how that was decided."),
        200: answers(AnswerView, "Known before, or part of an open lead of the same person (`merged`)."),
    }
    told: Responses = {200: answers(AnswerView, "What became of the lead, or of each (`results`).")}
    told[200]["content"]["application/json"]["schema"] = {
        "anyOf": [told[200]["content"]["application/json"]["schema"], _schema_of(leads.ResultsView)]
    }
    sent = (409, 413, 415, 422)
    _add(
        api,
        "POST",
        "/v1/leads",
        leads.post_lead,
        routed,
        refusals(413, 415, 422),
        {**schema.LEAD_BODY, **schema.IDEMPOTENCY},
    )
    batch = {**schema.LEADS_BODY, **schema.IDEMPOTENCY}
    many: Responses = {200: answers(leads.ResultsView, "A result for each, in order.")}
    _add(api, "POST", "/v1/leads:batch", leads.post_leads, many, refusals(413, 415, 422), batch)
    signals = {**schema.SIGNALS_BODY, **schema.IDEMPOTENCY}
    _add(api, "POST", "/v1/signals", leads.post_signals, told, refusals(404, *sent), signals)
    found: Responses = {200: answers(reading.LeadsView, "A page of leads.")}
    _add(api, "GET", "/v1/leads", reading.get_leads, found, refusals(422))
    for end, endpoint, view, words in (
        ("/decision", reading.get_decision, reading.ExplainedView, "The decision."),
        ("/candidates", reading.get_candidates, CandidatesView, "The lead, and whom it may be."),
        ("/timeline", reading.get_timeline, reading.TimelineView, "The timeline."),
        ("", reading.get_lead, LeadView, "The lead."),
    ):
        path = "/v1/leads/{lead_id:path}" + end
        _add(api, "GET", path, endpoint, {200: answers(view, words)}, refusals(404, 422))


def _add_acts(api: FastAPI) -> None:
    stands: Responses = {200: answers(LeadView, "The lead as it stands now.")}
    refused = refusals(404, 409, 413, 415, 422)
    for verb, endpoint, part in (
        ("accept", acts.accept_lead, acts.ActPart),
        ("decline", acts.decline_lead, acts.DeclinePart),
        ("dispute", acts.dispute_lead, acts.DisputePart),
        ("touch", acts.touch_lead, acts.TouchPart),
        ("reassign", acts.reassign_lead, acts.ReassignPart),
        ("review", acts.review_lead, acts.ReviewPart),
        ("identify", acts.identify_lead, acts.IdentifyPart),
        ("merge", acts.merge_lead, acts.MergePart),
        ("split", acts.split_lead, acts.SplitPart),
        ("close", acts.close_lead, acts.ClosePart),
        ("next-step", acts.plan_lead, acts.NextStepPart),
    ):
        sent = {**schema.entry_body(part), **schema.IDEMPOTENCY}
        _add(api, "POST", f"/v1/leads/{{lead_id:path}}/{verb}", endpoint, stands, refused, sent)
    told: Responses = {200: answers(outcomes.OutcomesView, "A result for each, in order.")}
    sent = schema.outcomes_body()
    _add(api, "POST", "/v1/outcomes", outcomes.post_outcomes, told, refusals(413, 415, 422), sent)
    away: Responses = {200: answers(roster.PersonView, "The person, with the absence.")}
    sent = schema.entry_body(acts.AbsencePart)
    missing = refusals(404, 413, 415, 422)
    _add(api, "POST", "/v1/people/{person_id:path}/away", acts.away_person, away, missing, sent)


def _schema_of(model: Any) -> dict[str, Any]:
    content: dict[str, Any] = answers(model, "")["content"]["application/json"]["schema"]
    return content


def _add_roster(api: FastAPI) -> None:
    stored: Responses = {200: answers(roster.StoredView, "Stored.")}
    refused = refusals(413, 415, 422)
    for name, part, one, many, get, get_all, put, put_all in (
        (
            "people/{person_id:path}", PersonPart, roster.PersonView, roster.PeopleView,
            roster.get_person, roster.get_people, roster.put_person, roster.put_people,
        ),
        (
            "teams/{team_id:path}", TeamPart, TeamPart, roster.TeamsView,
            roster.get_team, roster.get_teams, roster.put_team, roster.put_teams,
        ),
        (
            "accounts/{account_id:path}", AccountPart, AccountView, roster.AccountsView,
            roster.get_account, roster.get_accounts, roster.put_account, roster.put_many_accounts,
        ),
        (
            "contacts/{contact_id:path}", ContactPart, contacts.ContactView, contacts.ContactsView,
            contacts.get_contact, contacts.get_contacts, contacts.put_contact, contacts.put_contacts,
        ),
    ):  # fmt: skip
        path = f"/v1/{name}"
        collection = path.rpartition("/")[0]
        found: Responses = {200: answers(one, "As it is stored.")}
        _add(api, "GET", collection, get_all, {200: answers(many, "As they are stored.")}, refusals(422))
        entries = schema.entries_body(part, collection.rpartition("/")[2])
        _add(api, "PUT", collection, put_all, stored, refused, entries)
        _add(api, "GET", path, get, found, refusals(404, 422))
        _add(api, "PUT", path, put, found, refused, schema.entry_body(part))


def _add_policy(api: FastAPI) -> None:
    shown = answers(policy.PolicyView, "The policy in force.")
    text = {"application/yaml": {"schema": {"type": "string"}}}
    both = {**shown, "content": {**shown["content"], **text}}
    refused = refusals(413, 415, 422)
    _add(api, "GET", "/v1/policy", policy.get_policy, {200: both}, refusals(404, 422))
    published: Responses = {
        201: shown,
        200: {**shown, "description": "This very policy was in force already."},
    }
    sent = {**schema.POLICY_BODY, **schema.POLICY_COMMENT}
    _add(api, "POST", "/v1/policy", policy.post_policy, published, refused, sent)
    checked: Responses = {200: answers(policy.CheckView, "What there is to say about it.")}
    _add(api, "POST", "/v1/policy:check", policy.post_check, checked, refused, schema.POLICY_BODY)


def _add_ownership(api: FastAPI) -> None:
    found: Responses = {200: answers(OwnershipView, "Everybody who may be meant, the best first.")}
    _add(api, "GET", "/v1/ownership", ownership.get_ownership, found, refusals(422))
    known: Responses = {200: answers(ownership.TerritoriesView, "The territories.")}
    _add(api, "GET", "/v1/territories", ownership.get_territories, known, refusals(422))


def _add_reports(api: FastAPI) -> None:
    told: Responses = {200: answers(DuplicatesReportView, "The rates, and the prospects concerned.")}
    _add(api, "GET", "/v1/reports/duplicates", reports.get_duplicates_report, told, refusals(422))
    for kind in KINDS.values():
        shown = answers(reports.view(kind), "The report: its groups, and what is beyond chance.")
        as_csv = {**shown, "content": {**shown["content"], "text/csv": {"schema": {"type": "string"}}}}
        refused = refusals(422)
        _add(api, "GET", f"/v1/reports/{kind.name}", reports.operation(kind), {200: as_csv}, refused)


def _add_reviews(api: FastAPI) -> None:
    listed: Responses = {200: answers(reviews.ReviewsView, "The reviews that there are.")}
    _add(api, "GET", "/v1/reviews", reviews.get_reviews, listed, refusals(422))
    shown: Responses = {200: answers(reviews.ReviewView, "The review.")}
    _add(api, "GET", "/v1/reviews/{period}", reviews.get_review, shown, refusals(404, 422))
    decided: Responses = {200: answers(reviews.FindingView, "The finding as it stands now.")}
    sent, refused = schema.entry_body(reviews.VerdictPart), refusals(404, 413, 415, 422)
    _add(api, "POST", "/v1/reviews/{period}/verdicts", reviews.post_verdict, decided, refused, sent)


def _add_hooks(api: FastAPI) -> None:
    path = SIGNED + "{source}"
    taken: Responses = {
        200: answers(hooks.DeliveryView, "Its leads are routed, or it is to bring none."),
        202: answers(hooks.DeliveryView, "Stored: it waits and is routed by itself, or it cannot be read."),
        303: {"description": "A browser is sent to the page that the mapping names."},
    }
    _add(api, "POST", path, hooks.receive_delivery, taken, refusals(404, 413, 422), schema.DELIVERY_BODY)
    api.add_api_route(
        path, hooks.answer_handshake, methods=["GET"], response_model=None, include_in_schema=False
    )


def _add_health(api: FastAPI) -> None:
    ready = answers(health.ReadyView, "Whether it is ready.")
    _add(api, "GET", "/healthz", health.healthz, {200: answers(health.HealthView, "Alive.")}, {})
    _add(api, "GET", "/readyz", health.readyz, {200: ready, 503: ready}, {})
    text = {"description": "Counts and durations.", "content": {"text/plain": {"schema": {"type": "string"}}}}
    _add(api, "GET", "/metrics", health.metrics, {200: text}, {})


# ---------------------------------------------------------------- failures


def _add_handlers(api: FastAPI) -> None:
    api.add_exception_handler(RequestValidationError, _bad_parameters)
    api.add_exception_handler(HTTPException, _http_error)
    for expected in (ProblemError, LeadlaneError, psycopg.DataError, psycopg.OperationalError, PoolTimeout):
        api.add_exception_handler(expected, _expected_failure)


async def _expected_failure(_request: Request, error: Exception) -> Response:
    problem = of_exception(error)
    if problem is None:
        raise error
    return response(problem)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        allowed = sorted(_methods(request))
        detail = _("Possible here: {methods}.").format(methods=", ".join(allowed))
        return response(ProblemError("method_not_allowed", detail, headers={"allow": ", ".join(allowed)}))
    if error.status_code == 404:
        return response(
            ProblemError("not_found", _("There is no such address; /docs lists those there are."))
        )
    return response(ProblemError("unreadable", str(error.detail)))


def _methods(request: Request) -> set[str]:
    return {
        method
        for route in request.app.routes
        if route.matches(request.scope)[0] is not Match.NONE
        for method in getattr(route, "methods", None) or ()
    }


async def _bad_parameters(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [_parameter_error(detail) for detail in error.errors()]
    return response(ProblemError("invalid", _("A query parameter is not valid."), errors))


def _parameter_error(detail: dict[str, Any]) -> FieldError:
    name, context = str(detail["loc"][-1]), detail.get("ctx", {})
    value = str(detail["input"])[:80] if detail["type"] != "extra_forbidden" else ""
    match detail["type"]:
        case "extra_forbidden":
            reason = _("there is no query parameter of this name")
        case "int_parsing" | "int_type" | "int_from_float" | "int_parsing_size":
            reason = _("expected a whole number")
        case "bool_parsing" | "bool_type":
            reason = _("expected true or false")
        case "greater_than_equal":
            reason = _("expected at least {least}").format(least=context["ge"])
        case "less_than_equal":
            reason = _("expected at most {most}").format(most=context["le"])
        case "literal_error":
            reason = _("expected one of {values}").format(values=str(context["expected"]).replace("'", ""))
        case _other:
            reason = str(detail["msg"])
    return field_error(name, value, reason)
