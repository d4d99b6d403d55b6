"""What went wrong with a request, told as problem details (RFC 9457): one form for every error."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NotRequired

import orjson
import psycopg
from psycopg_pool import PoolTimeout
from starlette.responses import Response
from typing_extensions import TypedDict

from leadlane.errors import DatabaseError, LeadlaneError
from leadlane.i18n import N_, _, current_language
from leadlane.intake.problems import Problem as LeadProblem
from leadlane.policy.problems import PolicyErrors
from leadlane.policy.problems import Problem as DocumentProblem
from leadlane.service.reporting.facts import NotReadyError
from leadlane.service.roster import RosterErrors
from leadlane.service.router import BusyError
from leadlane.service.rulebooks import NothingPublishedError

CONTENT_TYPE = "application/problem+json"
RETRY_SECONDS = 2

Kind = Literal[
    "unreadable",
    "unauthorized",
    "forbidden",
    "not_found",
    "method_not_allowed",
    "closed",
    "stale",
    "not_allowed",
    "too_large",
    "media_type",
    "invalid",
    "key_reused",
    "too_many_requests",
    "defect",
    "busy",
    "not_ready",
]
# The status and the title of each kind of problem.
KINDS: Mapping[Kind, tuple[int, str]] = {
    "unreadable": (400, N_("The request cannot be read")),
    "unauthorized": (401, N_("A valid key is needed")),
    "forbidden": (403, N_("The key does not allow this")),
    "not_found": (404, N_("There is nothing here")),
    "method_not_allowed": (405, N_("This cannot be done here")),
    "closed": (409, N_("The lead is closed")),
    "stale": (409, N_("The lead has moved meanwhile")),
    "not_allowed": (409, N_("This cannot be done with the lead")),
    "too_large": (413, N_("The request is too large")),
    "media_type": (415, N_("The content type is not understood")),
    "invalid": (422, N_("Something that was sent is not valid")),
    "key_reused": (422, N_("The idempotency key belongs to another request")),
    "too_many_requests": (429, N_("Too many requests")),
    "defect": (500, N_("Something is wrong on our side")),
    "busy": (503, N_("Too much to do at the moment")),
    "not_ready": (503, N_("Not ready")),
}


class FieldError(TypedDict):
    """One thing wrong with what was sent; `line` and `column` where it is a text."""

    field: str
    value: str
    reason: str
    suggestion: str
    line: NotRequired[int]
    column: NotRequired[int]


class ProblemView(TypedDict):
    """Problem details (RFC 9457). `type` names the kind for programs, the texts are for people.

    `reason` is the reason code of an act that is not allowed.
    """

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldError]
    instance: NotRequired[str]
    reason: NotRequired[str]


@dataclass(slots=True)
class ProblemError(Exception):
    """A request that is refused; it is answered with these problem details."""

    kind: Kind
    detail: str
    errors: Sequence[FieldError] = ()
    headers: Mapping[str, str] | None = None
    instance: str = ""
    reason: str = ""

    @property
    def status(self) -> int:
        """The HTTP status of the answer."""
        return KINDS[self.kind][0]


def view(problem: ProblemError) -> ProblemView:
    """A problem in the language of the context."""
    shown: ProblemView = {
        "type": f"urn:leadlane:problem:{problem.kind}",
        "title": _(KINDS[problem.kind][1]),
        "status": problem.status,
        "detail": problem.detail,
        "errors": list(problem.errors),
    }
    if problem.instance:
        shown["instance"] = problem.instance
    if problem.reason:
        shown["reason"] = problem.reason
    return shown


def response(problem: ProblemError) -> Response:
    """The answer that a problem gets."""
    headers = {"content-language": current_language(), **(problem.headers or {})}
    return Response(orjson.dumps(view(problem)), problem.status, headers, CONTENT_TYPE)


def field_error(field: str, value: str, reason: str, suggestion: str = "") -> FieldError:
    """One thing wrong with one field."""
    return {"field": field, "value": value, "reason": reason, "suggestion": suggestion}


def lead_errors(problems: Iterable[LeadProblem]) -> list[FieldError]:
    """What is wrong with a lead, field by field."""
    return [field_error(one.field, one.value, one.reason, one.suggestion) for one in problems]


def document_errors(problems: Iterable[DocumentProblem]) -> list[FieldError]:
    """The errors (not the warnings) of a policy or a roster, with their places where it is a text."""
    return [document_error(one) for one in problems if one.severity == "error"]


def document_error(problem: DocumentProblem) -> FieldError:
    """One problem of a policy or a roster."""
    expected = (
        _("expected {expected}").format(expected=problem.expected) if problem.expected else problem.message
    )
    error = field_error(problem.path, problem.found, expected, problem.suggestion)
    if problem.line:
        error["line"], error["column"] = problem.line, problem.column
    return error


def of_exception(error: Exception) -> ProblemError | None:
    """The problem that an expected failure is to the sender; None for a defect."""
    retry = {"retry-after": str(RETRY_SECONDS)}
    match error:
        case ProblemError():
            return error
        case PolicyErrors() | RosterErrors():
            count = document_errors(error.problems)
            return ProblemError("invalid", _("It is refused; nothing was changed."), count)
        case BusyError():
            return ProblemError("busy", str(error), headers=retry)
        case NothingPublishedError() | NotReadyError() | DatabaseError():
            return ProblemError("not_ready", str(error), headers=retry)
        case LeadlaneError():
            return ProblemError("invalid", str(error))
        case psycopg.DataError():
            detail = _("The database cannot store it: {error}")
            return ProblemError("invalid", detail.format(error=error.diag.message_primary or error))
        case psycopg.OperationalError() | PoolTimeout():
            return ProblemError("not_ready", _("The database cannot be reached."), headers=retry)
    return None
