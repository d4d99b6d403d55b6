"""What did the request bring? Its body within the limit, and where in it a mistake is."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

import orjson
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request

from leadlane.api.problems import FieldError, ProblemError, field_error
from leadlane.i18n import _
from leadlane.intake.problems import shorten

JSON = "application/json"
NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl")
YAML = ("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml")


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body. ProblemError (413) as soon as it is known to have more than `limit` bytes."""
    announced = request.headers.get("content-length")
    if announced is not None and announced.isdigit() and int(announced) > limit:
        raise _too_large(limit)
    message = await request.receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        # The usual case: all of it at once.
        if len(body) > limit:
            raise _too_large(limit)
        return body
    chunks, size = [body], len(body)
    while message.get("more_body"):
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > limit:
            raise _too_large(limit)
    return b"".join(chunks)


def _too_large(limit: int) -> ProblemError:
    detail = _("The body may have {limit} bytes at most; send less at a time.").format(limit=limit)
    # What is still on its way will not be read.
    return ProblemError("too_large", detail, headers={"connection": "close"})


def media_type(headers: Headers, allowed: Collection[str]) -> str:
    """The content type, one of `allowed`; JSON where none is stated. ProblemError (415) for another."""
    stated = headers.get("content-type", JSON)
    if stated in allowed:
        return stated
    kind, _semicolon, parameters = stated.partition(";")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    kind = kind.strip().lower()
    if kind in allowed and charset in ("", "utf-8", "utf8"):
        return kind
    detail = _("Send {allowed} in UTF-8, not {stated}.")
    raise ProblemError("media_type", detail.format(allowed=", ".join(allowed), stated=shorten(stated)))


async def read_json(request: Request, limit: int) -> Any:
    """The JSON of the body. ProblemError: 415 another type, 413 over the limit, 400 no JSON."""
    media_type(request.headers, (JSON,))
    return parse_json(await read_body(request, limit))


def parse_json(text: bytes) -> Any:
    """JSON data; ProblemError (400) with line and column for what is none, or where a name stands twice."""
    try:
        data = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ProblemError("unreadable", _("The body is not JSON in UTF-8."), [_place(text, error)]) from None
    try:
        _scan(text.decode())
    except _StandsTwiceError as error:
        reason = _("this name stands twice in one object: keep the one that is meant")
        where = [field_error(shorten(error.name), "", reason)]
        raise ProblemError("unreadable", _("The body can be read in two ways."), where) from None
    except RecursionError:
        reason = _("the values are nested too deeply")
        raise ProblemError("unreadable", reason, [field_error("", "", reason)]) from None
    return data


class _StandsTwiceError(Exception):
    """Of one object, two members have the same name: which of them counts is anybody's guess (RFC 8259)."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def _each_once(members: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for name, _value in members:
        if name in seen:
            raise _StandsTwiceError(name)
        seen.add(name)


# orjson keeps the last of them and says nothing. Only names matter here, so nothing else is made of the text.
_scan = json.JSONDecoder(object_pairs_hook=_each_once, parse_int=len, parse_float=len).decode


def _place(text: bytes, error: orjson.JSONDecodeError) -> FieldError:
    line, column, reason = error.lineno, error.colno, error.msg
    try:
        text.decode()
    except UnicodeDecodeError as undecodable:
        before = text[: undecodable.start].decode()
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        reason = _("the byte 0x{byte} is not UTF-8").format(byte=f"{text[undecodable.start]:02x}")
    return {**field_error("", "", reason), "line": line, "column": column}
