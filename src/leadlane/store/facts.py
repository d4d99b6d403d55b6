"""What reports read of every lead: from which rows is it made, where is it kept, how is it read at once?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args
from uuid import UUID

from psycopg import Connection
from psycopg.rows import tuple_row

from leadlane.core.trace import Reason

Which = Literal["arrived", "ended"]
# Tables that tell which leads have changed, in the order in which they are read: what is made because of a
# telling needs not be made again because of the timeline.
Source = Literal["tellings", "timeline"]
SOURCES: tuple[Source, ...] = get_args(Source)
Columns = Mapping[str, Sequence[Any]]

# Another one whenever the row of a lead (`l`) is written. The transaction alone would do, but for backups:
# where one is restored, transactions are counted anew.
_VERSION = "hashtextextended(concat(l.xmin, ' ', date_part('epoch', l.changed_at)), 0)"
# Why a lead went to a person to decide, the last one: a rule says so. Facts have the place in it, from 1 on.
REVIEW_WHYS = (
    Reason.UNSURE_MATCH, Reason.NO_OWNER, Reason.NOBODY_AVAILABLE, Reason.REASSIGNMENT_LIMIT, "review_route",
)  # fmt: skip
# A lead is judged (`judged_at`) when it is answered, or when its promise ends: whoever has it then is
# `person`. Whoever has it still since then is read from its row; of others the timeline tells. A lead handed
# on at the very end of the promise was in the hands before.
_MADE_FROM = f"""
WITH wanted AS MATERIALIZED (
    SELECT l.*, {_VERSION} AS version, least(l.responded_at, l.respond_by) AS judged_at,
           held_since IS NOT NULL AND coalesce(held_since < respond_by, true)
               AND coalesce(held_since <= responded_at, true) AS is_theirs
      FROM leads AS l
     WHERE id = ANY(%(ids)s)
), held AS MATERIALIZED (
    SELECT w.*, d.at AS routed_at, d.owner AS routed_to, d.trace -> 'intent' -> 'by' AS intent_by,
           CASE WHEN json_array_length(d.trace -> 'intent' -> 'by') > 1 THEN d.trace -> 'signals' END
               AS signals_told,
           CASE WHEN d.outcome = 'placed' THEN w.arrived_at
                ELSE coalesce((d.trace -> 'promise' ->> 'counted_from')::timestamptz, w.arrived_at)
           END AS asked_at,
           CASE WHEN w.is_theirs THEN coalesce(w.covered_by, w.owner) ELSE coalesce(h.covered_by, h.owner) END
               AS person,
           CASE WHEN w.is_theirs THEN w.held_since ELSE h.since END AS had_since
      FROM wanted AS w
      LEFT JOIN decisions AS d ON d.batch_id = w.batch_id AND d.number = w.decision_number
      LEFT JOIN LATERAL (
          -- Every place that the timeline tells, and every end of a cover: then the owner stays.
          SELECT (array_agg(t.details ->> 'owner' ORDER BY t.id DESC) FILTER (WHERE t.event <> 'returned'))[1]
                     AS owner,
                 (array_agg(CASE WHEN t.event <> 'returned' THEN t.details ->> 'covered_by' END
                            ORDER BY t.id DESC))[1] AS covered_by,
                 max(t.at) AS since
            FROM timeline AS t
           WHERE t.lead_id = w.id AND t.at <= w.judged_at
             AND (w.respond_by IS NULL OR t.at < w.respond_by OR w.responded_at <= w.respond_by)
             AND (t.event = 'returned' OR t.details -> 'destination' IS NOT NULL)) AS h ON NOT w.is_theirs
)
SELECT h.id, h.version, h.merged_into IS NOT NULL AS is_merged,
       date_part('epoch', CASE WHEN h.service_level IS NOT NULL THEN h.respond_by END) AS promised,
       date_part('epoch', h.arrived_at) AS arrived_at,
       date_part('epoch', h.asked_at) AS asked_at,
       date_part('epoch', CASE WHEN h.routed_to IS NOT NULL THEN h.routed_at ELSE f.at END) AS assigned_at,
       date_part('epoch', h.had_since) AS had_since,
       date_part('epoch', told.at) AS told_at,
       date_part('epoch', h.respond_by) AS respond_by,
       date_part('epoch', h.responded_at) AS responded_at,
       date_part('epoch', h.closed_at) AS closed_at,
       h.deal_value, h.value, h.reassigned AS handoffs, past.declines, reached.touches,
       h.is_theirs, coalesce(array_position(%(whys)s, handled.why), 0) AS review_why,
       date_part('epoch', handled.to_review_at) AS to_review_at,
       date_part('epoch', handled.reviewed_at) AS reviewed_at,
       date_part('epoch', handled.served_at) AS served_at,
       date_part('epoch', handled.handed_over_at) AS handed_over_at,
       date_part('epoch', handled.declined_at) AS declined_at,
       date_part('epoch', handled.disputed_at) AS disputed_at,
       h.fields ->> 'source' AS source, h.segment, coalesce(h.owner, past.owner) AS owner,
       CASE WHEN h.judged_at IS NULL THEN coalesce(h.person, h.owner, past.owner) ELSE h.person END AS person,
       h.route, h.pool, h.destination, h.service_level,
       h.deal_band, h.intent, h.fit, h.relationship, told.channel, h.outcome AS closing,
       h.policy_version AS policy, h.fields ->> 'country' AS country, h.fields ->> 'industry' AS industry,
       h.intent_by, h.signals_told
  FROM held AS h
  LEFT JOIN LATERAL (
      SELECT count(*) FILTER (WHERE event = 'declined') AS declines,
             (array_agg(details ->> 'owner' ORDER BY id DESC)
                  FILTER (WHERE h.owner IS NULL AND details ->> 'owner' IS NOT NULL))[1] AS owner
        FROM timeline WHERE lead_id = h.id) AS past ON true
  LEFT JOIN LATERAL (
      SELECT min(at) AS at FROM timeline
       WHERE lead_id = h.id AND at >= h.routed_at AND details ->> 'owner' IS NOT NULL) AS f
    ON h.routed_to IS NULL
  LEFT JOIN LATERAL (
      SELECT count(*) AS touches FROM touches
       WHERE lead_id = h.id AND kind <> 'note') AS reached ON true
  LEFT JOIN LATERAL (
      SELECT at, channel FROM tellings
       WHERE lead_id = h.id AND person = h.person AND at >= h.had_since
       ORDER BY at, id LIMIT 1) AS told ON true
  LEFT JOIN LATERAL (
      -- When people did first what, beside its route. Served: it came to review because nobody was free,
      -- and was given to somebody by itself.
      SELECT (array_agg(why ORDER BY at, number) FILTER (WHERE why IS NOT NULL))[1] AS why,
             min(at) FILTER (WHERE why IS NOT NULL) AS to_review_at,
             min(at) FILTER (WHERE outcome = 'reviewed') AS reviewed_at,
             min(at) FILTER (WHERE outcome = 'served') AS served_at,
             min(at) FILTER (WHERE use = 'handed_over') AS handed_over_at,
             min(at) FILTER (WHERE use = 'declined') AS declined_at,
             min(at) FILTER (WHERE use = 'disputed') AS disputed_at
        FROM (SELECT at, number, outcome, route_use_of(outcome, trace) AS use,
                     CASE WHEN outcome IN ('placed', 'moved') THEN
                              coalesce((SELECT r.why
                                          FROM json_array_elements_text(trace #> '{{result,reasons}}')
                                                   AS r (why)
                                         WHERE r.why = ANY(%(whys)s) LIMIT 1), 'review_route')
                          WHEN (trace #> '{{result,reasons}}')::jsonb ? 'reassignment_limit'
                              THEN 'reassignment_limit'
                     END AS why
                FROM decisions
               WHERE lead_id = h.id AND route = h.route
                 AND (outcome IN ('reassigned', 'reviewed', 'disputed', 'served')
                      OR destination LIKE 'review:%%' AND outcome IN ('placed', 'moved', 'chased'))) AS d
       ) AS handled ON true
"""


def made_from(connection: Connection, ids: Sequence[str]) -> Columns:
    """What facts of these leads are made from, by columns; instants are seconds since 1970, None for none.

    `promised` is the end of what was promised; `intent_by` are the signals that gave the lead its intent when
    it was routed, `signals_told` all that it had then, where those are several.
    """
    with connection.cursor(row_factory=tuple_row) as cursor:
        cursor.execute(_MADE_FROM, {"ids": list(ids), "whys": list(map(str, REVIEW_WHYS))})
        names = [column.name for column in cursor.description or ()]
        rows = cursor.fetchall()
    return dict(zip(names, zip(*rows, strict=True) if rows else [()] * len(names), strict=True))


# ---------------------------------------------------------------- what has changed


@dataclass(frozen=True, slots=True)
class Window:
    """The next rows of a table to be read for facts: after `begin`, up to and with `end`; ids."""

    source: Source
    begin: int
    end: int


def lock_reading(connection: Connection, source: Source) -> int:
    """Up to where a table has been read; whoever else reads on waits until this transaction ends."""
    row = connection.execute("SELECT up_to FROM facts_read WHERE source = %s FOR UPDATE", [source]).fetchone()
    assert row is not None  # a migration has put it there
    return int(row[0])


def read_up_to(connection: Connection, source: Source, up_to: int) -> None:
    """Remember that a table has been read up to this row."""
    connection.execute("UPDATE facts_read SET up_to = %s WHERE source = %s", [up_to, source])


_NEXT = {
    source: f"SELECT max(id) FROM (SELECT id FROM {source} WHERE id > %s ORDER BY id LIMIT %s) AS t"
    for source in SOURCES
}
_LAST = {source: f"SELECT max(id) FROM {source}" for source in SOURCES}


def next_window(connection: Connection, source: Source, begin: int, most: int) -> Window | None:
    """The next rows of a table, at most `most`; None where there are none."""
    row = connection.execute(_NEXT[source], [begin, most]).fetchone()
    return Window(source, begin, row[0]) if row is not None and row[0] is not None else None


_MORE = {
    source: f"SELECT (SELECT max(id) FROM {source}) > greatest(%s, up_to) FROM facts_read"
    f" WHERE source = '{source}'"
    for source in SOURCES
}


def is_more(connection: Connection, source: Source, begin: int) -> bool:
    """Whether a table has rows after `begin` that have not been read; locks nothing."""
    row = connection.execute(_MORE[source], [begin]).fetchone()
    return row == (True,)


def sees_what_is_committed(connection: Connection) -> bool:
    """Whether each statement sees what is committed by then, not only what was when its transaction began."""
    row = connection.execute("SELECT current_setting('transaction_isolation')").fetchone()
    return row == ("read committed",)


def writers(connection: Connection, source: Source) -> frozenset[str]:
    """The transactions of others that may have written rows of a table which cannot be seen yet.

    Ids are given in order and committed in any. Whoever has an id holds the table's lock since before: once
    all those who hold it now have ended, whatever has a smaller id than a row that is seen now, is seen too.
    """
    rows = connection.execute(
        "SELECT virtualtransaction FROM pg_locks"
        " WHERE locktype = 'relation' AND relation = %s::regclass AND mode = 'RowExclusiveLock' AND granted"
        "   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        "   AND pid IS DISTINCT FROM pg_backend_pid()",
        [source],
    ).fetchall()
    return frozenset(name for (name,) in rows)


def rows_left(connection: Connection, source: Source, begin: int) -> int:
    """About how many rows of a table are to be read yet."""
    row = connection.execute(_LAST[source]).fetchone()
    return max(0, (row[0] if row is not None and row[0] is not None else 0) - begin)


_CHANGED = {
    # What is of the same version was made since: another reading of the same rows finds nothing to do.
    "timeline": f"""
        SELECT l.id
          FROM (SELECT DISTINCT lead_id FROM timeline WHERE id > %s AND id <= %s) AS t
          JOIN leads AS l ON l.id = t.lead_id
          LEFT JOIN lead_facts AS f ON f.lead_id = l.id
         WHERE f.version IS DISTINCT FROM {_VERSION}
    """,
    "tellings": """
        SELECT DISTINCT t.lead_id FROM tellings AS t JOIN leads AS l ON l.id = t.lead_id
         WHERE t.id > %s AND t.id <= %s
    """,
}


def changed(connection: Connection, window: Window) -> list[str]:
    """The leads that the rows of a window tell of and whose facts are to be made anew."""
    rows = connection.execute(_CHANGED[window.source], [window.begin, window.end]).fetchall()
    return [id_ for (id_,) in rows]


# ---------------------------------------------------------------- names and records


def codes_of(connection: Connection, names: Sequence[str]) -> dict[str, int]:
    """The number of each name; those that have none get one."""
    rows = connection.execute(
        "WITH wanted AS (SELECT DISTINCT name FROM unnest(%s::text[]) AS name), added AS ("
        "     INSERT INTO fact_names (name)"
        "     SELECT name FROM wanted WHERE NOT EXISTS (SELECT FROM fact_names WHERE name = wanted.name)"
        "     RETURNING name, code)"
        " SELECT name, code FROM added"
        " UNION ALL SELECT name, code FROM fact_names JOIN wanted USING (name)",
        [list(names)],
    ).fetchall()
    return dict(rows)


def names_of(connection: Connection, codes: Sequence[int]) -> dict[int, str]:
    """The names of these numbers."""
    rows = connection.execute("SELECT code, name FROM fact_names WHERE code = ANY(%s)", [list(codes)])
    return dict(rows.fetchall())


_WRITE = """
WITH given AS MATERIALIZED (
    SELECT lead_id, to_timestamp(arrived_at) AS arrived_at, to_timestamp(promised) AS respond_by, is_merged,
           version, substring(%(packed)b FROM (number - 1)::integer * %(width)s + 1 FOR %(width)s) AS packed
      FROM unnest(%(id)s::text[], %(arrived_at)s::float8[], %(promised)s::float8[], %(is_merged)s::boolean[],
                  %(version)s::bigint[])
           WITH ORDINALITY AS t (lead_id, arrived_at, promised, is_merged, version, number)
), written AS (
    INSERT INTO lead_facts AS f SELECT * FROM given
    ON CONFLICT (lead_id) DO UPDATE
       SET arrived_at = excluded.arrived_at, respond_by = excluded.respond_by,
           is_merged = excluded.is_merged, version = excluded.version, packed = excluded.packed
), touched AS (
    -- A lead may come to another month: one that was merged into an earlier one and is split off again.
    SELECT arrived_at, respond_by FROM given
    UNION ALL
    SELECT f.arrived_at, f.respond_by FROM lead_facts AS f JOIN given USING (lead_id)
)
INSERT INTO fact_months AS m (month, edition, changed_at, last_respond_by)
SELECT date_trunc('month', arrived_at AT TIME ZONE 'UTC')::date, gen_random_uuid(), clock_timestamp(),
       max(respond_by)
  FROM touched GROUP BY 1
ON CONFLICT (month) DO UPDATE
   SET edition = excluded.edition, changed_at = excluded.changed_at,
       last_respond_by = greatest(m.last_respond_by, excluded.last_respond_by)
"""


def write(connection: Connection, made: Columns, packed: bytes) -> None:
    """Store the facts of leads: `made` as of `made_from`, `packed` their records, one after the other."""
    columns = {name: list(made[name]) for name in ("id", "arrived_at", "promised", "is_merged", "version")}
    width = len(packed) // len(columns["id"])
    connection.execute(_WRITE, {**columns, "packed": packed, "width": width})


# ---------------------------------------------------------------- reading


# All records as one value: what it costs to hand over a row is far more than to hand over its bytes.
_READ = {
    (which, with_merged): f"""
    SELECT coalesce(string_agg(packed, ''::bytea), ''::bytea) FROM lead_facts
     WHERE {column} >= %s AND {column} < %s AND arrived_at >= %s AND arrived_at < %s
           {"" if with_merged else "AND NOT is_merged"}
    """
    for which, column in (("arrived", "arrived_at"), ("ended", "respond_by"))
    for with_merged in (False, True)
}


@dataclass(frozen=True, slots=True)
class Stretch:
    """From `since` until just before `until`, both aware."""

    since: datetime
    until: datetime


def read(
    connection: Connection, which: Which, period: Stretch, arrived: Stretch, *, with_merged: bool
) -> bytes:
    """The records of leads that arrived, or whose promise ended, in a period, one after the other.

    Only those that `arrived` in a certain stretch.
    """
    values = [period.since, period.until, arrived.since, arrived.until]
    with connection.cursor(row_factory=tuple_row, binary=True) as cursor:
        row = cursor.execute(_READ[which, with_merged], values).fetchone()
    assert row is not None  # an aggregate gives one row
    return bytes(row[0])


@dataclass(frozen=True, slots=True)
class Month:
    """The leads that arrived in a month (UTC), as they are at one moment; another edition has other facts."""

    arrived: Stretch
    edition: UUID


_MONTH = "m.month::timestamp AT TIME ZONE 'UTC', (m.month + interval '1 month') AT TIME ZONE 'UTC', m.edition"
_MONTHS = {
    which: f"""
    SELECT {_MONTH} FROM fact_months AS m
     WHERE m.month::timestamp AT TIME ZONE 'UTC' < %(until)s AND {reaches} >= %(since)s
     ORDER BY m.month
    """
    for which, reaches in (
        ("arrived", "(m.month + interval '1 month') AT TIME ZONE 'UTC'"),
        ("ended", "m.last_respond_by"),
    )
}


def months(connection: Connection, which: Which, period: Stretch) -> list[Month]:
    """The months of arrival that there is something of in a period."""
    rows = connection.execute(_MONTHS[which], {"since": period.since, "until": period.until}).fetchall()
    return [Month(Stretch(since, until), edition) for since, until, edition in rows]


def settled_months(connection: Connection, quiet: timedelta) -> list[Month]:
    """The months that have been over, and have not changed, for so long."""
    rows = connection.execute(
        f"SELECT {_MONTH} FROM fact_months AS m"
        " WHERE greatest(m.changed_at, (m.month + interval '1 month') AT TIME ZONE 'UTC') < now() - %s"
        " ORDER BY m.month",
        [quiet],
    ).fetchall()
    return [Month(Stretch(since, until), edition) for since, until, edition in rows]


def editions(connection: Connection) -> frozenset[UUID]:
    """The editions of all months as they are."""
    return frozenset(edition for (edition,) in connection.execute("SELECT edition FROM fact_months"))


def read_month(connection: Connection, month: Month) -> bytes | None:
    """All records of a month, merged leads too; None if there is another edition by now."""
    with connection.cursor(row_factory=tuple_row, binary=True) as cursor:
        row = cursor.execute(
            "SELECT (SELECT string_agg(packed, ''::bytea) FROM lead_facts"
            "         WHERE arrived_at >= %s AND arrived_at < %s)"
            "  FROM fact_months WHERE edition = %s",
            [month.arrived.since, month.arrived.until, month.edition],
        ).fetchone()
    return bytes(row[0]) if row is not None and row[0] is not None else None
