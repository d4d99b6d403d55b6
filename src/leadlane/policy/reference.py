"""What may be written in a policy and in a roster? The reference for people and editors, from the models.

python -m leadlane.policy.reference docs      rewrites docs/policy_reference.md and docs/policy.schema.json
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from leadlane.core.facts import DERIVED_FIELDS, LEAD_FIELDS, PERSON_FIELDS, FieldSpec
from leadlane.policy.roster_schema import RosterPart
from leadlane.policy.schema import PolicyPart
from leadlane.policy.structure import json_schema

_HEAD = """# Policy reference

This page is made from the source by `python -m leadlane.policy.reference docs`; a test holds it true.
Editors that understand JSON Schema check a policy while it is written with
[policy.schema.json](policy.schema.json).

A policy is one YAML 1.2 document: `NO` is Norway, `10:30` is a text, keys stand once. In braces, the text of
a `description` may have commas; any other text with a comma needs quotes there. `leadlane check POLICY` says
every problem at once.
"""

_CONDITIONS = """## Conditions

`when:` is a mapping `field: test`; all must hold. `any: [..]`, `all: [..]` and `not: {..}` take conditions
and nest. Without `when:` a row holds always; `when: {}` is an error.

| test | holds when the value |
|---|---|
| `DE`, `12`, `true` | equals it (text without regard to case; `12`, `12.0` and `"12"` are the same number) |
| `[DE, AT]` | is one of them; an empty list never holds |
| `{min: 200}`, `{max: 999}`, `{above: 50000}`, `{below: 10000}`, together too | is inside the bounds; \
`min` and `max` include the bound, `above` and `below` exclude it; for numbers, dates and date-times |
| `{any: [a, b]}`, `{all: [..]}`, `{none: [..]}` | has some, all, none of these words (for lists of words) |
| `{starts_with: x}`, `{ends_with: x}`, `{contains: x}` | begins with, ends with, contains the text, without \
regard to case |
| `{missing: true}`, `{present: true}` | is absent, null or empty; is there |
| `{not: TEST}` | is there, and TEST does not hold |

A missing value fails every test but `missing`, also `not` and `none`; who wants "not X or unknown" writes
both under `any`. Countries are ISO 3166 alpha-2 codes, languages ISO 639-1.
"""


def policy_reference() -> str:
    """The reference of policies and rosters as Markdown."""
    parts = [
        _HEAD,
        *_document(json_schema(PolicyPart), "## The document"),
        _CONDITIONS,
        "## Fields\n",
        _fields(
            "### Of a lead", "Known when a lead arrives; more can be declared under `fields`.", LEAD_FIELDS
        ),
        _fields("### Found out", "For conditions of `routes` and `service_levels`.", DERIVED_FIELDS),
        _fields("### Of a person", "For `members` of pools, besides attributes of your own.", PERSON_FIELDS),
        *_document(json_schema(RosterPart), "## The roster"),
    ]
    return "\n".join(parts)


def policy_schema() -> str:
    """The JSON Schema of policies, for editors."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Leadlane policy",
        **json_schema(PolicyPart),
    }
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


def _document(schema: dict[str, Any], heading: str) -> Iterator[str]:
    """The keys of a document, then those of each of its parts in the order in which they are met."""
    definitions = schema["$defs"]
    yield f"{heading}\n"
    yield _keys(schema)
    waiting, done = _parts(schema), set()
    while waiting:
        name, path = waiting.pop(0)
        if name in done or name in ("Condition", "Test"):
            continue
        done.add(name)
        yield f"### `{path}`\n"
        yield f"{' '.join(definitions[name]['description'].split())}\n"
        yield _keys(definitions[name])
        waiting = [(below, f"{path}.{key}") for below, key in _parts(definitions[name])] + waiting


def _keys(part: dict[str, Any]) -> str:
    lines = ["| key | value | default | meaning |", "|---|---|---|---|"]
    for key, spec in part["properties"].items():
        meaning = str(spec.get("description", "")).replace("|", "\\|")
        lines.append(f"| `{key}` | {_type(spec)} | {_default(key, spec, part)} | {meaning} |")
    return "\n".join([*lines, ""])


def _default(key: str, spec: dict[str, Any], part: dict[str, Any]) -> str:
    if key in part.get("required", []):
        return "required"
    default = spec.get("default")
    return "" if default in (None, "", [], {}) else f"`{json.dumps(default)}`".replace('"', "")


def _type(spec: dict[str, Any]) -> str:
    """What kind of value a key has, in words."""
    if "enum" in spec:
        return " \\| ".join(f"`{value}`" for value in spec["enum"])
    if "$ref" in spec:
        return "a condition" if spec["$ref"].endswith("/Condition") else "a mapping, see below"
    if "anyOf" in spec:
        return " or ".join(dict.fromkeys(_type(one) for one in spec["anyOf"] if one.get("type") != "null"))
    match spec.get("type"):
        case "array":
            items = spec.get("items", {})
            return "a list, see below" if "$ref" in items else f"a list: {_type(items)}"
        case "object":
            below = spec.get("additionalProperties", {})
            named = isinstance(below, dict) and ("$ref" in below or "$ref" in below.get("items", {}))
            return "by name, see below" if named else "a mapping"
        case "integer":
            return "a whole number"
        case "boolean":
            return "`true` \\| `false`"
        case "string" if spec.get("format") == "date":
            return "a date, `2026-03-02`"
        case "string" if "business" in spec.get("pattern", ""):
            return "a duration"
    return {"number": "a number", "string": "text"}.get(str(spec.get("type")), "a value")


def _parts(part: dict[str, Any]) -> list[tuple[str, str]]:
    """The parts that the keys of a part lead to, and how the way there is written."""
    found = []
    for key, spec in part["properties"].items():
        for name, suffix in _references(spec):
            found.append((name, f"{key}{suffix}"))
    return found


def _references(spec: dict[str, Any], suffix: str = "") -> Iterator[tuple[str, str]]:
    if "$ref" in spec:
        yield spec["$ref"].rpartition("/")[2], suffix
    for one in spec.get("anyOf", []):
        yield from _references(one, suffix)
    if spec.get("type") == "array":
        yield from _references(spec.get("items", {}), f"{suffix}[]")
    if isinstance(spec.get("additionalProperties"), dict):
        yield from _references(spec["additionalProperties"], f"{suffix}.NAME")


def _fields(heading: str, what: str, specs: Any) -> str:
    rows = [f"| `{spec.name}` | {_field_type(spec)} |" for spec in specs.values()]
    return "\n".join([f"{heading}\n", f"{what}\n", "| field | type |", "|---|---|", *rows, ""])


def _field_type(spec: FieldSpec) -> str:
    return " \\| ".join(f"`{value}`" for value in spec.values) if spec.values else spec.type


def main() -> None:
    """Writes both files into the folder that is given."""
    folder = Path(sys.argv[1])
    (folder / "policy_reference.md").write_text(policy_reference(), "utf-8")
    (folder / "policy.schema.json").write_text(policy_schema(), "utf-8")


if __name__ == "__main__":
    main()
