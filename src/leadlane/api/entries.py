"""Which entries did a request bring? One, whose address says its id, or a list of them."""

from __future__ import annotations

from typing import TypeVar

from starlette.requests import Request

from leadlane.api.body import read_json
from leadlane.api.front import front_of
from leadlane.api.problems import FieldError, ProblemError, document_errors, field_error
from leadlane.i18n import _
from leadlane.policy.problems import Finding, located
from leadlane.policy.roster_schema import AccountPart, ContactPart, PersonPart, TeamPart
from leadlane.policy.structure import read_structure

MOST = 10_000

P = TypeVar("P", PersonPart, TeamPart, AccountPart, ContactPart)


async def read_parts(request: Request, model: type[P], name: str) -> list[P]:
    """The list of a request, every entry read as `model`; ProblemError with every problem of all of them."""
    raw = await read_json(request, front_of(request).leadlane.settings.max_body_bytes)
    items = raw.get(name) if isinstance(raw, dict) and raw.keys() == {name} else raw
    if not isinstance(items, list) or not 1 <= len(items) <= MOST:
        detail = _("Send a list of 1 to {most}, or an object with nothing but the list “{name}”.")
        raise ProblemError("invalid", detail.format(most=MOST, name=name))
    parts: list[P] = []
    errors: list[FieldError] = []
    seen: set[str] = set()
    for position, item in enumerate(items):
        part, found = _read(model, item, (name, position))
        errors += found
        if part is not None and part.id in seen:
            errors.append(field_error(f"{name}[{position}].id", part.id, _("this id stands here twice")))
        if part is not None:
            parts.append(part)
            seen.add(part.id)
    if errors:
        raise ProblemError("invalid", _("It is refused; nothing was changed."), errors)
    return parts


async def read_part(request: Request, model: type[P], id_: str) -> P:
    """The entry of a request whose address says the id; a body may repeat it."""
    raw = await read_json(request, front_of(request).leadlane.settings.max_body_bytes)
    if isinstance(raw, dict) and raw.get("id", id_) != id_:
        error = field_error("id", str(raw["id"])[:80], _("the address says {id}").format(id=id_))
        raise ProblemError("invalid", _("It is refused; nothing was changed."), [error])
    part, errors = _read(model, {**raw, "id": id_} if isinstance(raw, dict) else raw, ())
    if part is None or errors:
        raise ProblemError("invalid", _("It is refused; nothing was changed."), errors)
    return part


def _read(model: type[P], item: object, path: tuple[str | int, ...]) -> tuple[P | None, list[FieldError]]:
    # What a view adds may be sent back.
    data = {key: value for key, value in item.items() if key != "load"} if isinstance(item, dict) else item
    part, findings = read_structure(model, data)
    problems = located([_below(finding, path) for finding in findings], None, "")
    return part, document_errors(problems)


def _below(finding: Finding, path: tuple[str | int, ...]) -> Finding:
    return Finding(
        (*path, *finding.path),
        finding.code,
        finding.found,
        finding.expected,
        finding.suggestion,
        finding.severity,
    )
