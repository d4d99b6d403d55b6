"""Which leads are there to be compared, which pairs were told apart, and who reached out to whom twice?"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from typing import Any, Literal, NamedTuple

from psycopg import Connection
from psycopg.rows import class_row

Kind = Literal["lead", "account"]
# What is counted: persons, or the companies that they are of.
Counted = Literal["prospects", "companies"]

# Leads that are read at a time: a million of them never stand in memory together.
_AT_A_TIME = 2_000

# A lead that was split off, and merged again, into whatever, is no question any more.
_APART = """
SELECT DISTINCT least(one, other), greatest(one, other)
  FROM (SELECT coalesce(lead_now(one), one) AS one, coalesce(lead_now(other), other) AS other
          FROM kept_apart WHERE kind = 'lead') AS pair
 WHERE one <> other
"""

_CARD = """
l.id, l.arrived_at, l.fields, l.stage, l.owner, l.covered_by,
l.accepted_at IS NOT NULL AS accepted, l.responded_at IS NOT NULL AS responded, l.outcome
"""

# One who has a mailbox is one prospect, however often they came; others are their lead. What was merged
# counts with what it was merged into.
_REACHED = """
WITH touched AS MATERIALIZED (
    SELECT id, lead_id, person, at
      FROM touches
     WHERE kind = ANY(%(kinds)s) AND person IS NOT NULL
       AND (%(since)s::timestamptz IS NULL OR at >= %(since)s)
       AND (%(until)s::timestamptz IS NULL OR at < %(until)s)
       AND (%(leads)s::text[] IS NULL OR lead_id = ANY(%(leads)s))
), known AS MATERIALIZED (
    SELECT l.id AS lead_id, r.id AS root, r.fields ->> 'source' AS source,
           CASE %(counted)s
               WHEN 'prospects' THEN coalesce('mailbox ' || r.email_key, 'lead ' || r.id)
               ELSE coalesce('account ' || coalesce(r.account_id, d.account_id), 'domain ' || r.domain)
           END AS whom
      FROM (SELECT DISTINCT lead_id FROM touched) AS t
      JOIN leads AS l ON l.id = t.lead_id
      JOIN leads AS r ON r.id = CASE WHEN l.merged_into IS NULL THEN l.id ELSE lead_now(l.id) END
      LEFT JOIN account_domains AS d ON d.domain = r.domain
), reached AS MATERIALIZED (
    SELECT k.whom, k.root, k.source, t.* FROM touched AS t JOIN known AS k USING (lead_id)
     WHERE k.whom IS NOT NULL
), by_whom AS MATERIALIZED (
    SELECT whom, count(DISTINCT person) AS people, max(at) AS last_at,
           (array_agg(person ORDER BY at, id))[1] AS first_person,
           (array_agg(root ORDER BY at, id))[1] AS root,
           (array_agg(source ORDER BY at, id))[1] AS source
      FROM reached GROUP BY whom
)
"""

# Prospects as above, with nothing that is not needed to count them: those reached by several are few, and are
# read above. Few are merged, too: only of these it is asked what they are part of now.
_CONTACTED = """
WITH touched AS (
    SELECT lead_id, min(person) AS first, max(person) AS last
      FROM touches
     WHERE kind = ANY(%(kinds)s) AND person IS NOT NULL
       AND (%(since)s::timestamptz IS NULL OR at >= %(since)s)
       AND (%(until)s::timestamptz IS NULL OR at < %(until)s)
     GROUP BY lead_id
), by_whom AS (
    SELECT min(first) <> max(last) AS is_several, array_agg(t.lead_id) AS leads
      FROM touched AS t JOIN leads AS l ON l.id = t.lead_id
     GROUP BY CASE WHEN l.merged_into IS NULL THEN coalesce('mailbox ' || l.email_key, 'lead ' || l.id)
                   ELSE (SELECT coalesce('mailbox ' || r.email_key, 'lead ' || r.id)
                           FROM leads AS r WHERE r.id = lead_now(l.id)) END
)
SELECT count(*), coalesce((SELECT json_agg(lead) FROM by_whom, unnest(leads) AS lead WHERE is_several), '[]')
  FROM by_whom
"""

_COUNTS = f"""{_REACHED}
SELECT source, first_person, count(*) FROM by_whom GROUP BY source, first_person
"""

_BY_SEVERAL = f"""{_REACHED}
, several AS MATERIALIZED (
    SELECT r.* FROM reached AS r JOIN by_whom AS b USING (whom) WHERE b.people > 1
), moved AS (
    -- Who had a lead since when: every place that the timeline tells, and every end of one. When cover ends,
    -- the owner stays.
    SELECT t.lead_id, t.at, lead(t.at) OVER in_order AS until,
           CASE t.event WHEN 'returned' THEN lag(t.details ->> 'owner') OVER in_order
                        ELSE t.details ->> 'owner' END AS owner,
           t.details ->> 'covered_by' AS covered_by
      FROM (SELECT DISTINCT lead_id FROM several) AS s
      JOIN timeline AS t USING (lead_id)
     WHERE t.event IN ('closed', 'merged_into', 'returned') OR t.details -> 'destination' IS NOT NULL
    WINDOW in_order AS (PARTITION BY t.lead_id ORDER BY t.id)
), touches_of AS (
    SELECT whom, json_agg(json_build_array(person, extract(epoch FROM at)) ORDER BY at, id) AS touches
      FROM several GROUP BY whom
), holds_of AS (
    SELECT k.whom, json_agg(json_build_array(m.owner, m.covered_by, extract(epoch FROM m.at),
                                             extract(epoch FROM m.until))) AS holds
      FROM moved AS m JOIN known AS k USING (lead_id) WHERE m.owner IS NOT NULL GROUP BY k.whom
)
SELECT b.source, b.first_person, b.root, b.last_at, t.touches, coalesce(h.holds, '[]')
  FROM by_whom AS b JOIN touches_of AS t USING (whom) LEFT JOIN holds_of AS h USING (whom)
"""

_PREVENTED = """
SELECT l.fields ->> 'source' AS source, l.owner, count(*)
  FROM timeline AS t JOIN leads AS l ON l.id = t.lead_id
 WHERE t.event = 'merged'
   AND (%(since)s::timestamptz IS NULL OR t.at >= %(since)s)
   AND (%(until)s::timestamptz IS NULL OR t.at < %(until)s)
 GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class LeadCard:
    """A lead as far as it says who it is and who works on it. `fields` are as stored."""

    id: str
    arrived_at: datetime
    fields: dict[str, Any]
    stage: str
    owner: str | None
    covered_by: str | None
    accepted: bool
    responded: bool
    outcome: str | None

    @property
    def is_open(self) -> bool:
        """Not closed yet."""
        return self.stage != "closed"


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` until just before `until`; None is without end on that side."""

    since: datetime | None = None
    until: datetime | None = None


class Reached(NamedTuple):
    """So many were reached, of one source and by one first person."""

    source: str | None
    first_person: str
    leads: int


class Touch(NamedTuple):
    """Somebody reached out, at an instant in seconds."""

    person: str
    at: float


class Hold(NamedTuple):
    """Somebody had a lead, and somebody or nobody covered it, from an instant until another (None: still)."""

    owner: str
    covered_by: str | None
    since: float
    until: float | None


@dataclass(frozen=True, slots=True)
class BySeveral:
    """Somebody, or a company, whom several people reached: the touches in order, and who had the leads.

    `root` is the lead touched first, or the one that it is part of now.
    """

    source: str | None
    first_person: str
    root: str
    last_at: datetime
    touches: list[Touch]
    holds: list[Hold]


class Prevented(NamedTuple):
    """So many arrivals became part of open leads of this source that this person has."""

    source: str | None
    owner: str | None
    leads: int


def all_leads(connection: Connection) -> Iterator[tuple[str, dict[str, Any]]]:
    """The ids and fields of all leads that are not part of another, as of one moment, read as they are used.

    Wants a transaction around it.
    """
    with connection.cursor(name="all_leads") as cursor:
        cursor.itersize = _AT_A_TIME
        yield from cursor.execute("SELECT id, fields FROM leads WHERE merged_into IS NULL")


def cards(connection: Connection, ids: Iterable[str]) -> dict[str, LeadCard]:
    """The leads of these ids, by id."""
    with connection.cursor(row_factory=class_row(LeadCard)) as cursor:
        rows = cursor.execute(f"SELECT {_CARD} FROM leads AS l WHERE l.id = ANY(%s)", [list(ids)])
        return {row.id: row for row in rows}


def open_now(connection: Connection, ids: Iterable[str]) -> list[LeadCard]:
    """The open leads that go by these ids now, each once, in order of id."""
    with connection.cursor(row_factory=class_row(LeadCard)) as cursor:
        return cursor.execute(
            f"SELECT {_CARD} FROM leads AS l"
            " WHERE l.id IN (SELECT lead_now(wanted) FROM unnest(%s::text[]) AS wanted)"
            " AND l.stage <> 'closed' ORDER BY l.id",
            [list(ids)],
        ).fetchall()


def told_apart(connection: Connection, kind: Kind) -> set[tuple[str, str]]:
    """The pairs (smaller id, larger id) that a person has told apart; of leads, as they are called now."""
    statement = _APART if kind == "lead" else "SELECT one, other FROM kept_apart WHERE kind = 'account'"
    return {(one, other) for one, other in connection.execute(statement)}


def tell_apart(connection: Connection, kind: Kind, ids: Collection[str], by: str | None, at: datetime) -> int:
    """Remember that no two of these are the same. Returns how many pairs that had not been said of."""
    pairs = list(combinations(sorted(set(ids)), 2))
    return connection.execute(
        "INSERT INTO kept_apart (kind, one, other, at, by)"
        " SELECT %(kind)s, one, other, %(at)s, %(by)s"
        "   FROM unnest(%(ones)s::text[], %(others)s::text[]) AS pair (one, other)"
        " ON CONFLICT DO NOTHING",
        {
            "kind": kind,
            "at": at,
            "by": by,
            "ones": [one for one, _other in pairs],
            "others": [other for _one, other in pairs],
        },
    ).rowcount


def reached(
    connection: Connection, counted: Counted, kinds: Collection[str], period: Period
) -> list[Reached]:
    """How many were reached by touches of these kinds in a period, by source and by who was first."""
    values = _values(counted, kinds, period)
    return [Reached(*row) for row in connection.execute(_COUNTS, values)]


def contacted(connection: Connection, kinds: Collection[str], period: Period) -> tuple[int, list[str]]:
    """How many prospects were reached in a period, and the leads of those whom several people reached."""
    row = connection.execute(_CONTACTED, _values("prospects", kinds, period)).fetchone()
    assert row is not None  # an aggregate always gives one row
    return row[0], row[1]


def reached_by_several(
    connection: Connection,
    counted: Counted,
    kinds: Collection[str],
    period: Period,
    leads: Collection[str] | None = None,
) -> Iterator[BySeveral]:
    """Those of them whom more than one person reached, in no order, read as they are used.

    `leads`: only the touches of these. Wants a transaction around it.
    """
    with connection.cursor(name="reached_by_several") as cursor:
        cursor.itersize = _AT_A_TIME
        for row in cursor.execute(_BY_SEVERAL, _values(counted, kinds, period, leads)):
            source, first_person, root, last_at, touches, holds = row
            yield BySeveral(
                source,
                first_person,
                root,
                last_at,
                [Touch(*one) for one in touches],
                [Hold(*one) for one in holds],
            )


def prevented(connection: Connection, period: Period) -> list[Prevented]:
    """How many arrivals became part of an open lead in a period, instead of a second lead."""
    values = {"since": period.since, "until": period.until}
    return [Prevented(*row) for row in connection.execute(_PREVENTED, values)]


def _values(
    counted: Counted, kinds: Collection[str], period: Period, leads: Collection[str] | None = None
) -> dict[str, Any]:
    return {
        "counted": counted,
        "kinds": list(kinds),
        "since": period.since,
        "until": period.until,
        "leads": list(leads) if leads is not None else None,
    }
