"""Does a document have the shape of a model? Pydantic's errors, in our words, with paths into it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from leadlane.i18n import _
from leadlane.policy.conditions import BOUNDS, TAG_TESTS, TEXT_TESTS
from leadlane.policy.problems import CODES, Finding, quoted
from leadlane.policy.values import did_you_mean
from leadlane.policy.yaml import Path

M = TypeVar("M", bound=BaseModel)


def read_structure(model: type[M], data: Any) -> tuple[M | None, list[Finding]]:
    """The document as `model`, or None and everything in its shape that is wrong."""
    if not isinstance(data, dict):
        found = _("an empty document") if data is None else quoted(data)
        return None, [Finding((), "wrong_type", found, _("a mapping: `key: value` lines"))]
    try:
        return model.model_validate(data), []
    except ValidationError as errors:
        details = errors.errors(include_url=False, include_input=True)
        return None, [_finding(detail, model) for detail in details]


def _finding(detail: ErrorDetails, model: type[BaseModel]) -> Finding:
    path: Path = tuple(step for step in detail["loc"] if step != "[key]")
    context = detail.get("ctx", {})
    match detail["type"]:
        case "extra_forbidden":
            return _unknown_key(path, model)
        case "missing":
            found = _("{key} is missing").format(key=quoted(path[-1]))
            return Finding(path[:-1], "missing_key", found, _description(path, model))
        case code if code in CODES:
            texts = (context["found"], context["expected"], context["suggestion"])
            return Finding(path, code, *texts, at_key="[key]" in detail["loc"])  # type: ignore[arg-type]
        case "list_type" | "tuple_type":
            expected = _("a list: a line with `- ` for each")
            return Finding(path, "wrong_type", quoted(detail["input"]), expected)
        case "dict_type" | "model_type" | "model_attributes_type":
            return Finding(path, "wrong_type", quoted(detail["input"]), _("a mapping: `key: value`"))
        case "bool_type" | "bool_parsing":
            return Finding(path, "wrong_type", quoted(detail["input"]), "true | false")
    return Finding(path, "wrong_value", quoted(detail["input"]), detail["msg"])


def _unknown_key(path: Path, model: type[BaseModel]) -> Finding:
    known = list(_schema_at(path[:-1], model).get("properties", {}))
    found = _("the unknown key {key}").format(key=quoted(path[-1]))
    return Finding(path, "unknown_key", found, " | ".join(known), did_you_mean(path[-1], known), at_key=True)


def _description(path: Path, model: type[BaseModel]) -> str:
    """What a key that must be there is for; such descriptions are marked for translation."""
    return _(str(_schema_at(path, model).get("description", "")))


@cache
def json_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of a model, with what a condition is under `$defs`."""
    written = model.model_json_schema(by_alias=True)
    written.setdefault("$defs", {}).update(_CONDITIONS)
    schema: dict[str, Any] = _tidied(written)
    return schema


def _tidied(part: Any) -> Any:
    """Without the titles that repeat names, and with the conditions in their places."""
    if isinstance(part, list):
        return [_tidied(item) for item in part]
    if not isinstance(part, dict):
        return part
    if part.get("title") == "Condition":
        described = {"description": part["description"]} if "description" in part else {}
        return {"$ref": "#/$defs/Condition", **described}
    # A key called title, as in `properties`, is not a title of its own.
    return {key: _tidied(item) for key, item in part.items() if key != "title" or isinstance(item, dict)}


_SCALAR: dict[str, Any] = {"type": ["string", "number", "boolean"]}
_BOUND: dict[str, Any] = {"type": ["string", "number"]}
_CONDITION_REF = {"$ref": "#/$defs/Condition"}
_CONDITIONS: dict[str, Any] = {
    "Condition": {
        "type": "object",
        "description": "`field: test`; all must hold.",
        "minProperties": 1,
        "properties": {
            "any": {"type": "array", "items": _CONDITION_REF, "minItems": 1, "description": "One must hold."},
            "all": {"type": "array", "items": _CONDITION_REF, "minItems": 1, "description": "All must hold."},
            "not": {**_CONDITION_REF, "description": "Must not hold."},
        },
        "additionalProperties": {"$ref": "#/$defs/Test"},
    },
    "Test": {
        "description": "A value, a list of values (one of them), or an operator.",
        "anyOf": [
            _SCALAR,
            {"type": "array", "items": _SCALAR},
            {
                "type": "object",
                "minProperties": 1,
                "additionalProperties": False,
                "properties": {
                    **dict.fromkeys(BOUNDS, _BOUND),
                    **{test: {"type": "array", "items": _SCALAR} for test in TAG_TESTS},
                    **{test: {"type": ["string", "number"]} for test in TEXT_TESTS},
                    "missing": {"type": "boolean"},
                    "present": {"type": "boolean"},
                    "not": {"$ref": "#/$defs/Test"},
                },
            },
        ],
    },
}


def _schema_at(path: Path, model: type[BaseModel]) -> dict[str, Any]:
    """The part of the JSON Schema of a model that a path into a document leads to, {} when there is none."""
    whole = json_schema(model)
    here: dict[str, Any] = whole
    for step in path:
        here = next(_below(_resolved(here, whole), step), {})
    return {**_resolved(here, whole), **{key: here[key] for key in ("description",) if key in here}}


def _resolved(part: dict[str, Any], whole: dict[str, Any]) -> dict[str, Any]:
    for option in part.get("anyOf", []):
        if "$ref" in option:
            part = option
    reference = part.get("$ref", "")
    found: dict[str, Any] = whole["$defs"].get(reference.rpartition("/")[2], part) if reference else part
    return found


def _below(part: dict[str, Any], step: str | int) -> Iterator[dict[str, Any]]:
    if isinstance(step, int):
        yield part.get("items", {})
    elif step in part.get("properties", {}):
        yield part["properties"][step]
    elif isinstance(part.get("additionalProperties"), dict):
        yield part["additionalProperties"]
