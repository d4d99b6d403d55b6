"""The rules: which are in force, are these ones fine, put them in force. `/v1/policy`, `/v1/policy:check`."""

from __future__ import annotations

from typing import Annotated, Any, NotRequired

from fastapi import Query
from psycopg import Connection
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from leadlane.api.body import JSON, YAML, media_type, parse_json, read_body
from leadlane.api.front import front_of
from leadlane.api.pages import NoQuery
from leadlane.api.problems import FieldError, ProblemError, document_error, field_error
from leadlane.i18n import _
from leadlane.policy.problems import has_errors
from leadlane.service.publish import check_policy, in_force, publish
from leadlane.service.views import PublicationView, publication_view
from leadlane.store import policies
from leadlane.store.codec import encode

SOURCE = "policy.yaml"
LONGEST_COMMENT = 1_000


class PolicyView(PublicationView):
    """The policy in force: its name, its text, and how it came into force."""

    name: str
    source: str
    warnings: NotRequired[list[FieldError]]


class CheckView(TypedDict):
    """Whether a policy could be published, and everything wrong or suspicious, with line and column."""

    ok: bool
    version: str | None
    errors: list[FieldError]
    warnings: list[FieldError]


def get_policy(request: Request, query: Annotated[NoQuery, Query()]) -> Response:
    """The policy in force. `Accept: application/yaml` gives its text alone."""
    with front_of(request).leadlane.pool.connection() as connection:
        view = _policy_view(connection)
    if any(kind in request.headers.get("accept", "") for kind in YAML):
        return Response(view["source"], media_type="application/yaml")
    return Response(encode(view), media_type=JSON)


async def post_policy(request: Request) -> Response:
    """Put a policy in force. Refused, with every problem, if it has any error."""
    front = front_of(request)
    source, comment = await _sent(request)

    def put() -> tuple[int, dict[str, Any]]:
        by, now = request.scope["key"].name, front.leadlane.now()
        with front.leadlane.pool.connection() as connection:
            published = publish(connection, source, SOURCE, by, comment, now)
            view = _policy_view(connection)
        warnings = [document_error(problem) for problem in published.warnings]
        return 200 if published.number is None else 201, {**view, "warnings": warnings}

    status, view = await run_in_threadpool(put)
    # Whoever sends a lead next, to this process at least, meets the new rules.
    await front.foreknown.renew(0)
    return Response(encode(view), status, media_type=JSON)


async def post_check(request: Request) -> Response:
    """Say everything that is wrong or suspicious in a policy. Nothing is changed."""
    front = front_of(request)
    source, _comment = await _sent(request)

    def check() -> bytes:
        with front.leadlane.pool.connection() as connection:
            policy, problems = check_policy(connection, source, SOURCE)
        by_severity: dict[str, list[FieldError]] = {"error": [], "warning": []}
        for problem in problems:
            by_severity[problem.severity].append(document_error(problem))
        return encode(
            {
                "ok": not has_errors(problems),
                "version": policy.version if policy else None,
                "errors": by_severity["error"],
                "warnings": by_severity["warning"],
            }
        )

    return Response(await run_in_threadpool(check), media_type=JSON)


def _policy_view(connection: Connection) -> dict[str, Any]:
    if policies.in_force(connection)[0] is None:
        raise ProblemError("not_found", _("No policy is in force yet."))
    policy, text = in_force(connection)
    return {
        **publication_view(policies.publications(connection)[0]),
        "name": policy.name,
        "source": text,
    }


async def _sent(request: Request) -> tuple[str, str]:
    """The text of a policy and the comment on it, from YAML or from JSON."""
    kind = media_type(request.headers, (*YAML, JSON))
    body = await read_body(request, front_of(request).leadlane.settings.max_body_bytes)
    if kind != JSON:
        try:
            return body.decode(), _comment(request.query_params.get("comment", ""))
        except UnicodeDecodeError as error:
            detail = _("The byte 0x{byte} at position {position} is not UTF-8.")
            where = detail.format(byte=f"{body[error.start]:02x}", position=error.start + 1)
            raise ProblemError("unreadable", where) from None
    raw = parse_json(body)
    if not isinstance(raw, dict) or not isinstance(raw.get("source"), str):
        raise _no_policy("source", _("the text of the policy is missing"))
    if unknown := raw.keys() - {"source", "comment"}:
        raise _no_policy(min(unknown)[:80], _("there is no field of this name"))
    return raw["source"], _comment(raw.get("comment", ""))


def _no_policy(field: str, reason: str) -> ProblemError:
    detail = _("Send the policy as YAML, or in an object as “source”.")
    return ProblemError("invalid", detail, [field_error(field, "", reason)])


def _comment(value: object) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_COMMENT or "\x00" in value:
        reason = _("a text of at most {longest} characters").format(longest=LONGEST_COMMENT)
        raise ProblemError("invalid", _("The comment is not valid."), [field_error("comment", "", reason)])
    return value
