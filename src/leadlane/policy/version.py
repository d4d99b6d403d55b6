"""Which version is a policy? The hash of what it says, whatever its layout, comments and order of keys."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import date
from typing import Any

from leadlane.core.conditions import All, Any_, Not, Test
from leadlane.core.policy import Policy, Pool


def with_version(policy: Policy) -> Policy:
    """The policy with its version: the first 16 hexadecimal digits of the SHA-256 of its content."""
    content = _canonical(replace(policy, version=""))
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return replace(policy, version=hashlib.sha256(text.encode()).hexdigest()[:16])


def _canonical(value: Any) -> Any:
    """The value as JSON data that is equal whenever two policies say the same."""
    match value:
        case All(parts):
            # The parts stood in a mapping, whose order says nothing.
            return ["all", sorted((_canonical(part) for part in parts), key=_text)]
        case Any_(parts):
            return ["any", [_canonical(part) for part in parts]]
        case Not(part):
            return ["not", _canonical(part)]
        case Test():
            return [value.field, value.op, value.negated, _canonical(value.value)]
        case Pool():
            return {**_fields(value), "require": sorted(value.require)}
        case Mapping():
            return {key: _canonical(item) for key, item in value.items()}
        case list() | tuple():
            return [_canonical(item) for item in value]
        case date():
            return value.isoformat()
    return _fields(value) if is_dataclass(value) else value


def _fields(value: Any) -> dict[str, Any]:
    return {field.name: _canonical(getattr(value, field.name)) for field in fields(value)}


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
