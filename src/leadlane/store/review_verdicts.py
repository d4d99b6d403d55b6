"""What was made of past quarters, and what did people say of the findings?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson
from psycopg import Connection
from psycopg.rows import class_row

Said = Literal["accepted", "edited", "dismissed", "reopened"]
_COLUMNS = "finding, period, verdict, given_at, given_by, reason, figures, proposal"


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """A verdict as stored. `figures` and `proposal` are what the finding said when it was given."""

    finding: str
    period: str
    verdict: Said
    given_at: datetime
    given_by: str
    reason: str
    figures: Mapping[str, Any]
    proposal: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """A review as it was last made of a period."""

    period: str
    language: str
    made_at: datetime
    content: Any


def add_verdict(connection: Connection, row: VerdictRow) -> None:
    """Write a verdict; it counts from now on, the earlier ones stay as history."""
    connection.execute(
        f"INSERT INTO review_verdicts ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        [
            row.finding,
            row.period,
            row.verdict,
            row.given_at,
            row.given_by,
            row.reason,
            orjson.dumps(row.figures).decode(),
            orjson.dumps(row.proposal).decode(),
        ],
    )


def last_verdicts(connection: Connection) -> list[VerdictRow]:
    """The verdict that counts of every finding, the newest first."""
    with connection.cursor(row_factory=class_row(VerdictRow)) as cursor:
        return cursor.execute(
            f"SELECT {_COLUMNS} FROM (SELECT DISTINCT ON (finding) * FROM review_verdicts"
            " ORDER BY finding, id DESC) AS last ORDER BY id DESC"
        ).fetchall()


def history(connection: Connection, finding: str) -> list[VerdictRow]:
    """All that was said of a finding, the newest first."""
    with connection.cursor(row_factory=class_row(VerdictRow)) as cursor:
        return cursor.execute(
            f"SELECT {_COLUMNS} FROM review_verdicts WHERE finding = %s ORDER BY id DESC", [finding]
        ).fetchall()


def keep_review(connection: Connection, period: str, language: str, content: Any, now: datetime) -> None:
    """Keep what was made of a period, in the place of what was made before."""
    connection.execute(
        "INSERT INTO quarterly_reviews (period, language, made_at, content) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (period, language)"
        " DO UPDATE SET made_at = excluded.made_at, content = excluded.content",
        [period, language, now, orjson.dumps(content).decode()],
    )


def review(connection: Connection, period: str, language: str = "") -> ReviewRow | None:
    """The review of a period: the one in a language, else the last that was made."""
    with connection.cursor(row_factory=class_row(ReviewRow)) as cursor:
        return cursor.execute(
            "SELECT period, language, made_at, content FROM quarterly_reviews WHERE period = %s"
            " ORDER BY (language = %s) DESC, made_at DESC LIMIT 1",
            [period, language],
        ).fetchone()


def reviews(connection: Connection) -> list[tuple[str, datetime]]:
    """The periods that there are reviews of, and when each was last made; the newest period first."""
    return connection.execute(
        "SELECT period, max(made_at) FROM quarterly_reviews GROUP BY period ORDER BY period DESC"
    ).fetchall()
