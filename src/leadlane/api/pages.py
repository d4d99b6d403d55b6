"""Lists that are read page by page: an opaque cursor says where the next page begins."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import orjson
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from leadlane.api.problems import ProblemError, field_error
from leadlane.i18n import _
from leadlane.store.codec import encode

DEFAULT_LIMIT, MOST = 50, 500


class NoQuery(BaseModel):
    """No query parameters: what is not known is refused, because it would be a filter that does nothing."""

    model_config = ConfigDict(extra="forbid")


class PageQuery(NoQuery):
    """Which page of a list."""

    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MOST, description="How many entries a page has at most.")
    cursor: str | None = Field(None, description="Where the page begins: `cursor` of the page before.")


def read_cursor(cursor: str | None, size: int) -> list[str] | None:
    """The `size` texts that a cursor was made of; ProblemError for what is none of ours."""
    if cursor is None:
        return None
    try:
        parts = orjson.loads(base64.urlsafe_b64decode(cursor.encode()))
    except ValueError:
        parts = None
    if (
        not isinstance(parts, list)
        or len(parts) != size
        or not all(isinstance(part, str) and "\x00" not in part for part in parts)
    ):
        raise bad_cursor(cursor)
    return parts


def bad_cursor(cursor: str) -> ProblemError:
    """The problem of a cursor that is none of ours."""
    reason = _("this is not a cursor that a page gave")
    return ProblemError(
        "invalid", _("A query parameter is not valid."), [field_error("cursor", cursor[:80], reason)]
    )


def page(
    name: str,
    entries: Sequence[Any],
    last: Sequence[str] | None,
    path: str,
    query: Mapping[str, Any],
) -> Response:
    """A page: its entries, and when there are more, the cursor and the address of the next page.

    `last` is what the cursor is made of, None on the last page.
    """
    if last is None:
        return Response(encode({name: entries, "cursor": None, "next": None}), media_type="application/json")
    cursor = base64.urlsafe_b64encode(orjson.dumps(list(last))).decode()
    following = f"{path}?{urlencode({**query, 'cursor': cursor})}"
    return Response(
        encode({name: entries, "cursor": cursor, "next": following}),
        headers={"link": f'<{following}>; rel="next"'},
        media_type="application/json",
    )
