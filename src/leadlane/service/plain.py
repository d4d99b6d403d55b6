"""How does a result that was kept as JSON become what it was? Dataclasses back from data, by their types.

For results that are shown again later. What people or programs send is read by the intake instead, which
says what is wrong with it.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import orjson
from markupsafe import Markup

T = TypeVar("T")


def plain(value: object) -> Any:
    """A value of dataclasses as JSON data."""
    return orjson.loads(orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY))


def unplain(kind: type[T], raw: Any) -> T:
    """What `plain` was given, from JSON data. KeyError or ValueError for what is of another shape."""
    return cast(T, _read(kind, raw))


def _read(kind: Any, raw: Any) -> Any:
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return None if raw is None else _read(next(one for one in args if one is not type(None)), raw)
    if is_dataclass(kind) and isinstance(kind, type):
        hints = _hints(kind)
        return kind(**{one.name: _read(hints[one.name], raw[one.name]) for one in fields(kind) if one.init})
    if origin is tuple and args[-1:] != (Ellipsis,):
        return tuple(_read(each, value) for each, value in zip(args, raw, strict=True))
    if origin in (tuple, list, Sequence):
        items = [_read(args[0], value) for value in raw]
        return items if origin is list else tuple(items)
    if origin in (dict, Mapping):
        return {key: _read(args[1], value) for key, value in raw.items()}
    if kind in (datetime, date):
        return kind.fromisoformat(raw)
    if kind is Markup:
        return Markup(raw)
    return raw


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
