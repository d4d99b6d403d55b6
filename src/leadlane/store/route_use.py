"""How often is a route used, how often do people override it, and which leads took it lately?"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row


@dataclass(frozen=True, slots=True)
class Use:
    """What became of a route from one day (UTC) on.

    `placed` leads got their place by it. Of whatever leads of it, in that time so many were `handed_over` to
    somebody else by hand, `declined` by whoever got them, and `disputed` as wrong.
    """

    route: str
    placed: int = 0
    handed_over: int = 0
    declined: int = 0
    disputed: int = 0

    @property
    def overridden(self) -> int:
        """How often a person decided otherwise."""
        return self.handed_over + self.declined + self.disputed


@dataclass(frozen=True, slots=True)
class Placed:
    """A lead that a route gave its place to, when, and how the lead stands now."""

    lead_id: str
    at: datetime
    fields: dict[str, Any]
    stage: str
    owner: str | None
    covered_by: str | None


@dataclass(frozen=True, slots=True)
class Dispute:
    """Somebody said that a route was wrong about a lead; `by` is a person's id, `user` another's name."""

    lead_id: str
    at: datetime
    by: str | None
    user: str | None
    reason: str
    fields: dict[str, Any]


def since(connection: Connection, day: date) -> dict[str, Use]:
    """The use of every route from a day (UTC) on, by its name; routes without any are left out."""
    with connection.cursor(row_factory=class_row(Use)) as cursor:
        rows = cursor.execute(
            "SELECT route, sum(placed)::int AS placed, sum(handed_over)::int AS handed_over,"
            " sum(declined)::int AS declined, sum(disputed)::int AS disputed"
            " FROM route_use WHERE day >= %s GROUP BY route",
            [day],
        ).fetchall()
    return {use.route: use for use in rows}


def last_used(connection: Connection, routes: Collection[str]) -> dict[str, datetime]:
    """When each of these routes was used last; one that never was is left out."""
    rows = connection.execute(
        "SELECT route, (SELECT max(placed_at) FROM route_use WHERE route = name.route AND day ="
        " (SELECT max(day) FROM route_use WHERE route = name.route AND placed > 0))"
        " FROM unnest(%s::text[]) AS name (route)",
        [list(routes)],
    ).fetchall()
    return {route: at for route, at in rows if at is not None}


def by_day(connection: Connection, route: str, first: date) -> dict[date, int]:
    """How many leads a route placed on each day (UTC) from `first` on; days without any are left out."""
    rows = connection.execute(
        "SELECT day, sum(placed)::int FROM route_use"
        " WHERE route = %s AND day >= %s AND placed > 0 GROUP BY day",
        [route, first],
    ).fetchall()
    return dict(rows)


def latest(connection: Connection, route: str, most: int) -> list[Placed]:
    """The leads that a route placed last, the newest first."""
    with connection.cursor(row_factory=class_row(Placed)) as cursor:
        return cursor.execute(
            "SELECT d.lead_id, d.at, l.fields, l.stage, l.owner, l.covered_by"
            " FROM (SELECT lead_id, at FROM decisions WHERE route = %s AND outcome IN ('placed', 'moved')"
            " ORDER BY at DESC LIMIT %s) AS d JOIN leads AS l ON l.id = d.lead_id ORDER BY d.at DESC",
            [route, most],
        ).fetchall()


def disputes(connection: Connection, route: str, most: int) -> list[Dispute]:
    """The last times that somebody said a route was wrong, the newest first."""
    with connection.cursor(row_factory=class_row(Dispute)) as cursor:
        return cursor.execute(
            "SELECT d.lead_id, d.at, d.trace->'act'->>'by' AS by, d.trace->'act'->>'user' AS user,"
            " coalesce(d.trace->'act'->>'reason', '') AS reason, l.fields"
            " FROM (SELECT lead_id, at, trace FROM decisions WHERE route = %s AND outcome = 'disputed'"
            " ORDER BY at DESC LIMIT %s) AS d JOIN leads AS l ON l.id = d.lead_id ORDER BY d.at DESC",
            [route, most],
        ).fetchall()
