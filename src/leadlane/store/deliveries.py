"""What is sent of the outbox, by which channel, and how did that end?"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import orjson
from psycopg import Connection, sql
from psycopg.rows import class_row

from leadlane.store.leads import LeadRow

# The database notifies this channel when something was written to the outbox; see 0012_delivery.sql.
NOTIFIED = "leadlane_outbox"
# Held while rows of the outbox become deliveries, and while a person's deliveries are put together.
_PLANNING = 0x6C6C_6F75_7462  # "lloutb"

State = Literal["waiting", "sending", "sent", "uncertain", "failed", "dead", "moot"]
# A further message is not wanted once this has been done.
Unless = Literal["accepted", "responded"]
STATES: tuple[State, ...] = ("waiting", "sending", "sent", "uncertain", "failed", "dead", "moot")
# How a delivery can end without having been sent for sure; these can be sent again, or given up.
UNWELL: tuple[State, ...] = ("uncertain", "failed", "dead")
# A person is told so often in a minute; what happens meanwhile becomes one message.
MOST_A_MINUTE = 3
MOST_COUNTED = 100_000


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """Something that happened, to be told to a person; without one, to every admin."""

    id: int
    lead_id: str | None
    place: int | None
    event: str
    person: str | None
    created_at: datetime
    reason: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message on its way to a person, or (`body`) to a machine.

    `unless` makes it a further one: the person has been told before, and has not done this.
    """

    id: int
    uid: UUID
    channel: str
    person: str | None
    address: str
    lead_id: str | None
    body: str | None
    tried: list[str]
    state: State
    attempts: int
    next_at: datetime
    error: str | None
    message_id: str | None
    created_at: datetime
    finished_at: datetime | None
    unless: Unless | None


@dataclass(frozen=True, slots=True)
class Channel:
    """A way by which messages leave: how often it failed in a row, and until when nothing is sent by it."""

    name: str
    since: datetime
    failures: int
    down_since: datetime | None
    paused_until: datetime | None
    free_at: datetime | None
    error: str | None


@dataclass(frozen=True, slots=True)
class ForPerson:
    """A row of the outbox that is to be told to a person, not before `at`, and by then only `unless` …"""

    outbox_id: int
    person: str
    channel: str
    address: str
    at: datetime
    unless: Unless | None = None


@dataclass(frozen=True, slots=True)
class ForMachine:
    """A row of the outbox that is to be told to a machine, and the body in which it is."""

    outbox_id: int
    channel: str
    address: str
    lead_id: str | None
    body: str


def configure(connection: Connection) -> None:
    """Do not wait for the disk. If PostgreSQL crashes and forgets the last moments, they are made again.

    What a person must not be told twice is written by `make_durable`.
    """
    connection.execute("SET synchronous_commit = off")


def make_durable(connection: Connection) -> None:
    """What this transaction writes is on disk when it ends."""
    connection.execute("SET LOCAL synchronous_commit = on")


# ---------------------------------------------------------------- what is to be sent


def lock_planning(connection: Connection) -> None:
    """Until this transaction ends nobody else makes deliveries of the outbox, or puts a person's together."""
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [_PLANNING])


def take(connection: Connection, limit: int) -> list[OutboxRow]:
    """The oldest rows that nothing has been made of yet, at most `limit`. Call `lock_planning` first."""
    with connection.cursor(row_factory=class_row(OutboxRow)) as cursor:
        return cursor.execute(
            "SELECT id, lead_id, place, event, person, created_at, reason FROM outbox"
            " WHERE taken_at IS NULL ORDER BY id LIMIT %s",
            [limit],
        ).fetchall()


def set_taken(connection: Connection, ids: Collection[int], now: datetime) -> None:
    """Deliveries have been made of these rows, or there is nobody to tell."""
    connection.execute("UPDATE outbox SET taken_at = %s WHERE id = ANY(%s)", [now, list(ids)])


_ADD_FOR_PEOPLE = """
WITH wanted AS (
    SELECT * FROM json_to_recordset(%(rows)s::json)
        AS w (outbox_id bigint, person text, channel text, address text, at timestamptz)
), one AS (
    SELECT person, min(channel) AS channel, min(address) AS address, min(at) AS at FROM wanted GROUP BY person
), put AS (
    INSERT INTO deliveries (channel, person, address, state, next_at, created_at)
    SELECT channel, person, address, 'waiting',
           -- A person who has just heard several times hears again when the first of these is a minute ago.
           greatest(at, (SELECT finished_at + interval '1 minute' FROM deliveries d
                          WHERE d.person = one.person AND state = 'sent'
                          ORDER BY finished_at DESC OFFSET %(most)s LIMIT 1)),
           %(now)s
      FROM one ORDER BY person
    ON CONFLICT (person) WHERE state = 'waiting' AND person IS NOT NULL AND unless IS NULL DO UPDATE
       -- What was not tried yet goes where they are reached now, not where they were at first.
       SET channel = CASE WHEN deliveries.attempts > 0 OR deliveries.tried <> '{}' THEN deliveries.channel
                          ELSE excluded.channel END,
           address = CASE WHEN deliveries.attempts > 0 OR deliveries.tried <> '{}' THEN deliveries.address
                          ELSE excluded.address END,
           next_at = CASE WHEN deliveries.attempts > 0 THEN deliveries.next_at
                          ELSE least(deliveries.next_at, excluded.next_at) END
    RETURNING id, person
)
INSERT INTO delivery_items (delivery_id, outbox_id)
SELECT put.id, wanted.outbox_id FROM wanted JOIN put USING (person)
"""


def add_for_people(connection: Connection, rows: Sequence[ForPerson], now: datetime) -> None:
    """Each becomes part of the message that waits for its person, or begins one."""
    if rows:
        connection.execute(
            _ADD_FOR_PEOPLE, {"rows": orjson.dumps(rows).decode(), "most": MOST_A_MINUTE - 1, "now": now}
        )


_ADD_AGAIN = """
WITH wanted AS MATERIALIZED (
    SELECT nextval(pg_get_serial_sequence('deliveries', 'id')) AS id, w.*
      FROM json_to_recordset(%(rows)s::json)
        AS w (outbox_id bigint, person text, channel text, address text, at timestamptz, unless text)
), put AS (
    INSERT INTO deliveries (id, channel, person, address, state, next_at, created_at, unless)
    OVERRIDING SYSTEM VALUE
    SELECT id, channel, person, address, 'waiting', at, %(now)s, unless FROM wanted
)
INSERT INTO delivery_items (delivery_id, outbox_id) SELECT id, outbox_id FROM wanted
"""


def add_again(connection: Connection, rows: Sequence[ForPerson], now: datetime) -> None:
    """Each becomes a further message with a time of its own; those due at once are joined when sent."""
    if rows:
        connection.execute(_ADD_AGAIN, {"rows": orjson.dumps(rows).decode(), "now": now})


def join_due(connection: Connection, one: Delivery, now: datetime) -> None:
    """What else is to be told to the person again now, by the same channel, becomes part of this message."""
    connection.execute(
        "WITH gone AS (DELETE FROM deliveries WHERE person = %(person)s AND channel = %(channel)s"
        "  AND unless = %(unless)s AND state = 'waiting' AND next_at <= %(now)s RETURNING id)"
        " INSERT INTO delivery_items SELECT %(into)s, outbox_id FROM delivery_items"
        " WHERE delivery_id IN (SELECT id FROM gone) ON CONFLICT DO NOTHING",
        {"person": one.person, "channel": one.channel, "unless": one.unless, "now": now, "into": one.id},
    )


_ADD_FOR_MACHINES = """
WITH wanted AS MATERIALIZED (
    SELECT nextval(pg_get_serial_sequence('deliveries', 'id')) AS id, w.*
      FROM json_to_recordset(%(rows)s::json)
        AS w (outbox_id bigint, channel text, address text, lead_id text, body text)
), put AS (
    INSERT INTO deliveries (id, channel, address, lead_id, body, state, next_at, created_at)
    OVERRIDING SYSTEM VALUE
    SELECT id, channel, address, lead_id, body, 'waiting', %(now)s, %(now)s FROM wanted
)
INSERT INTO delivery_items (delivery_id, outbox_id) SELECT id, outbox_id FROM wanted
"""


def add_for_machines(connection: Connection, rows: Sequence[ForMachine], now: datetime) -> None:
    """Each becomes a message of its own, in this order."""
    if rows:
        connection.execute(_ADD_FOR_MACHINES, {"rows": orjson.dumps(rows).decode(), "now": now})


def add_dead(connection: Connection, rows: Sequence[tuple[int, str]], reason: str, now: datetime) -> None:
    """There is no way to tell these (outbox id, person). They can be sent again once there is one."""
    connection.execute(
        "WITH wanted AS MATERIALIZED ("
        " SELECT nextval(pg_get_serial_sequence('deliveries', 'id')) AS id, w.*"
        " FROM unnest(%(ids)s::bigint[], %(people)s::text[]) AS w (outbox_id, person)"
        "), put AS ("
        " INSERT INTO deliveries"
        "  (id, channel, person, address, state, next_at, error, created_at, finished_at)"
        " OVERRIDING SYSTEM VALUE"
        " SELECT id, 'none', person, '', 'dead', %(now)s, %(reason)s, %(now)s, %(now)s FROM wanted"
        ") INSERT INTO delivery_items (delivery_id, outbox_id) SELECT id, outbox_id FROM wanted",
        {
            "ids": [id_ for id_, _person in rows],
            "people": [person for _id, person in rows],
            "reason": reason,
            "now": now,
        },
    )


# ---------------------------------------------------------------- channels


def know_channels(connection: Connection, names: Iterable[str], now: datetime) -> None:
    """Remember these channels; one that is new gets what happens from now on."""
    connection.execute(
        "INSERT INTO channels (name, since) SELECT unnest(%s::text[]), %s ON CONFLICT DO NOTHING",
        [list(names), now],
    )


def channels(connection: Connection) -> dict[str, Channel]:
    """Every channel that is configured, by name."""
    with connection.cursor(row_factory=class_row(Channel)) as cursor:
        return {one.name: one for one in cursor.execute("SELECT * FROM channels ORDER BY name")}


def lock_channel(connection: Connection, name: str) -> Channel | None:
    """A channel; until this transaction ends nobody else sends by it, or changes it."""
    with connection.cursor(row_factory=class_row(Channel)) as cursor:
        return cursor.execute("SELECT * FROM channels WHERE name = %s FOR UPDATE", [name]).fetchone()


def set_free_at(connection: Connection, name: str, free_at: datetime) -> None:
    """When a channel has used up what its rate allows."""
    connection.execute("UPDATE channels SET free_at = %s WHERE name = %s", [free_at, name])


def set_up(connection: Connection, name: str) -> bool:
    """A channel works. Returns whether it was thought not to."""
    row = connection.execute(
        "UPDATE channels SET failures = 0, down_since = NULL, paused_until = NULL, error = NULL"
        " WHERE name = %s AND (failures > 0 OR paused_until IS NOT NULL) RETURNING 1",
        [name],
    ).fetchone()
    return row is not None


def pause(connection: Connection, name: str, until: datetime, error: str, now: datetime) -> None:
    """A channel has failed: send nothing by it until then."""
    connection.execute(
        "UPDATE channels SET paused_until = greatest(paused_until, %(until)s), error = %(error)s,"
        " failures = failures + 1, down_since = coalesce(down_since, %(now)s) WHERE name = %(name)s",
        {"until": until, "error": error, "now": now, "name": name},
    )


# ---------------------------------------------------------------- sending

# By a channel one message at a time to a person, and of one lead to a machine: they arrive in order.
_CLAIM = """
UPDATE deliveries SET state = 'sending', attempts = attempts + 1, next_at = %(lease)s
 WHERE id IN (
    SELECT id FROM deliveries d
     WHERE channel = %(channel)s AND state = 'waiting' AND next_at <= %(now)s
       AND NOT EXISTS (
           SELECT FROM deliveries o
            WHERE d.person IS NULL AND o.person IS NULL AND o.channel = d.channel AND o.lead_id = d.lead_id
              AND o.id < d.id AND o.state IN ('waiting', 'sending'))
       AND NOT EXISTS (
           SELECT FROM deliveries o
            WHERE o.person IS NOT NULL AND o.person = d.person AND o.channel = d.channel
              AND o.state = 'sending')
       AND NOT EXISTS (
           SELECT FROM deliveries o
            WHERE d.unless IS NOT NULL AND o.unless IS NOT NULL AND o.person = d.person
              AND o.channel = d.channel AND o.state = 'waiting'
              AND (o.next_at, o.id) < (d.next_at, d.id))
     ORDER BY next_at, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
RETURNING *
"""


def claim(
    connection: Connection, channel: str, now: datetime, limit: int, lease_until: datetime
) -> list[Delivery]:
    """What is sent by this channel next, at most `limit`, in order; the caller's until the lease ends.

    Call `lock_channel` first.
    """
    with connection.cursor(row_factory=class_row(Delivery)) as cursor:
        values = {"channel": channel, "now": now, "limit": limit, "lease": lease_until}
        return sorted(cursor.execute(_CLAIM, values), key=lambda one: one.id)


def is_sending(connection: Connection, channel: str) -> bool:
    """Whether anybody is sending by a channel."""
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM deliveries WHERE channel = %s AND state = 'sending')", [channel]
    ).fetchone()
    assert row is not None  # a SELECT of a scalar always gives one row
    return bool(row[0])


def finish(
    connection: Connection,
    one: Delivery,
    state: State,
    now: datetime,
    error: str | None = None,
    message_id: str | None = None,
) -> bool:
    """A delivery that this caller was sending has ended. False, and nothing is done, if it no longer was.

    Whoever was taken for dead and comes back with an answer is believed.
    """
    row = connection.execute(
        "UPDATE deliveries SET state = %s, finished_at = %s, error = %s, message_id = %s"
        " WHERE id = %s AND attempts = %s AND state IN ('sending', 'uncertain') RETURNING 1",
        [state, now, error, message_id, one.id, one.attempts],
    ).fetchone()
    return row is not None


def put_back(connection: Connection, one: Delivery, at: datetime, error: str, *, counts: bool = True) -> None:
    """Try a delivery that this caller was sending again then. `counts`: it was an attempt.

    What was made for the same person meanwhile becomes part of it.
    """
    lock_planning(connection)
    found = connection.execute(
        "SELECT 1 FROM deliveries WHERE id = %s AND attempts = %s AND state = 'sending' FOR UPDATE",
        [one.id, one.attempts],
    ).fetchone()
    if found is None:  # whoever took this caller for dead has seen to it
        return
    _absorb(connection, one)
    connection.execute(
        "UPDATE deliveries SET state = 'waiting', next_at = %s, error = %s, attempts = attempts - %s"
        " WHERE id = %s",
        [at, error, int(not counts), one.id],
    )


def hand_over(connection: Connection, one: Delivery, channel: str, address: str, now: datetime) -> None:
    """Tell the person of a delivery that ended by another channel: a new delivery of the same."""
    lock_planning(connection)
    row = connection.execute(
        "INSERT INTO deliveries (channel, person, address, tried, state, next_at, created_at)"
        " VALUES (%s, %s, %s, %s, 'waiting', %s, %s)"
        " ON CONFLICT (person) WHERE state = 'waiting' AND person IS NOT NULL AND unless IS NULL DO UPDATE"
        " SET channel = excluded.channel, address = excluded.address, tried = excluded.tried,"
        " next_at = excluded.next_at RETURNING id",
        [channel, one.person, address, [*one.tried, one.channel], now, now],
    ).fetchone()
    assert row is not None  # it is inserted or updated
    connection.execute(
        "INSERT INTO delivery_items SELECT %s, outbox_id FROM delivery_items WHERE delivery_id = %s"
        " ON CONFLICT DO NOTHING",
        [row[0], one.id],
    )


def waiting_people(connection: Connection, channel: str, limit: int) -> list[Delivery]:
    """Messages to people that wait for a channel, the oldest first."""
    with connection.cursor(row_factory=class_row(Delivery)) as cursor:
        return cursor.execute(
            "SELECT * FROM deliveries WHERE channel = %s AND state = 'waiting' AND person IS NOT NULL"
            " AND unless IS NULL ORDER BY next_at, id LIMIT %s",
            [channel, limit],
        ).fetchall()


def redirect(connection: Connection, one: Delivery, channel: str, address: str, now: datetime) -> None:
    """Send what waits by another channel, which has not been tried yet; now, if it was to be sent before."""
    connection.execute(
        "UPDATE deliveries"
        " SET channel = %s, address = %s, tried = tried || channel, attempts = 0,"
        # Without an error it was never tried: then it waits for working hours, or for its turn.
        " next_at = CASE WHEN error IS NULL THEN next_at ELSE %s END"
        " WHERE id = %s AND channel = %s AND state = 'waiting'",
        [channel, address, now, one.id, one.channel],
    )


def _absorb(connection: Connection, one: Delivery) -> None:
    """What waits for the person of a delivery becomes part of it."""
    if one.person is None or one.unless is not None:
        return
    values = {"into": one.id, "person": one.person}
    connection.execute(
        "INSERT INTO delivery_items SELECT %(into)s, i.outbox_id FROM delivery_items i"
        " JOIN deliveries d ON d.id = i.delivery_id"
        " WHERE d.person = %(person)s AND d.state = 'waiting' AND d.unless IS NULL AND d.id <> %(into)s"
        " ON CONFLICT DO NOTHING",
        values,
    )
    connection.execute(
        "DELETE FROM deliveries"
        " WHERE person = %(person)s AND state = 'waiting' AND unless IS NULL AND id <> %(into)s",
        values,
    )


def recover(connection: Connection, now: datetime, reason: str) -> list[Delivery]:
    """What was being sent by somebody who is taken for dead.

    A machine gets it again, under the same id. Whether a person got it nobody knows, so they do not.
    """
    with connection.cursor(row_factory=class_row(Delivery)) as cursor:
        return cursor.execute(
            "UPDATE deliveries SET"
            " state = CASE WHEN person IS NULL THEN 'waiting' ELSE 'uncertain' END,"
            " finished_at = CASE WHEN person IS NULL THEN NULL ELSE %(now)s END,"
            " next_at = %(now)s, error = %(reason)s"
            " WHERE id IN (SELECT id FROM deliveries WHERE state = 'sending' AND next_at <= %(now)s"
            " FOR UPDATE SKIP LOCKED) RETURNING *",
            {"now": now, "reason": reason},
        ).fetchall()


def next_moment(connection: Connection, names: Collection[str]) -> datetime | None:
    """When something is to be sent next by one of these channels, or somebody will be taken for dead."""
    row = connection.execute(
        "SELECT min(at) FROM ("
        "  SELECT greatest(c.paused_until, (SELECT next_at FROM deliveries d WHERE d.channel = c.name"
        "    AND d.state = 'waiting' ORDER BY next_at LIMIT 1)) AS at,"
        "    EXISTS (SELECT FROM deliveries d WHERE d.channel = c.name AND d.state = 'waiting') AS is_waiting"
        "  FROM channels c WHERE c.name = ANY(%s)"
        "  UNION ALL (SELECT next_at, true FROM deliveries WHERE state = 'sending' ORDER BY next_at LIMIT 1)"
        ") AS moments WHERE is_waiting",
        [list(names)],
    ).fetchone()
    return row[0] if row else None


# ---------------------------------------------------------------- what a message tells of


def items(connection: Connection, delivery_id: int) -> list[OutboxRow]:
    """The rows of the outbox that a delivery tells of, in the order in which they happened."""
    with connection.cursor(row_factory=class_row(OutboxRow)) as cursor:
        return cursor.execute(
            "SELECT o.id, o.lead_id, o.place, o.event, o.person, o.created_at, o.reason FROM outbox o"
            " JOIN delivery_items i ON i.outbox_id = o.id WHERE i.delivery_id = %s ORDER BY o.id",
            [delivery_id],
        ).fetchall()


def leads_of(connection: Connection, lead_ids: Iterable[str]) -> dict[str, LeadRow]:
    """Leads as they stand, by id."""
    with connection.cursor(row_factory=class_row(LeadRow)) as cursor:
        rows = cursor.execute("SELECT * FROM leads WHERE id = ANY(%s)", [list(set(lead_ids))])
        return {row.id: row for row in rows}


def told_then(
    connection: Connection, moments: Sequence[tuple[str, datetime]]
) -> dict[tuple[str, datetime], dict[str, Any]]:
    """What the timelines of these leads tell of these moments, put together: from, reason, reasons …"""
    rows = connection.execute(
        "SELECT t.lead_id, t.at, t.details FROM timeline t"
        " JOIN unnest(%s::text[], %s::timestamptz[]) AS m (lead_id, at)"
        " ON t.lead_id = m.lead_id AND t.at = m.at ORDER BY t.id",
        [[lead_id for lead_id, _at in moments], [at for _lead, at in moments]],
    )
    found: dict[tuple[str, datetime], dict[str, Any]] = {}
    for lead_id, at, details in rows:
        known = {name: value for name, value in details.items() if value not in (None, "", [])}
        found.setdefault((lead_id, at), {}).update(known)
    return found


def lasting_alarms(connection: Connection, outbox_ids: Collection[int]) -> frozenset[int]:
    """Which of these messages about no single lead tell of an alarm that is not over."""
    rows = connection.execute(
        "SELECT o.id FROM outbox o JOIN alarms a ON a.reason = o.reason"
        " WHERE o.id = ANY(%s) AND o.lead_id IS NULL",
        [list(outbox_ids)],
    )
    return frozenset(row[0] for row in rows)


def begin_alarm(connection: Connection, kind: str, reason: str, person: str | None, now: datetime) -> bool:
    """Begin an alarm and write one person (None: every admin) a message.

    False, and nothing is done, while one of its kind lasts.
    """
    row = connection.execute(
        "WITH begun AS (INSERT INTO alarms (kind, since, reason) VALUES (%(kind)s, %(at)s, %(reason)s)"
        " ON CONFLICT DO NOTHING RETURNING reason)"
        " INSERT INTO outbox (event, person, created_at, reason)"
        " SELECT 'alarm', %(person)s, %(at)s, reason FROM begun RETURNING 1",
        {"kind": kind, "at": now, "reason": reason, "person": person},
    ).fetchone()
    return row is not None


# ---------------------------------------------------------------- what people see and do


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much waits, and since when; of a channel, or (`channel` None) of the outbox."""

    channel: str | None
    count: int
    oldest: datetime | None


def waiting(connection: Connection) -> list[Waiting]:
    """What waits, by channel, and what nothing has been made of yet; each counted up to MOST_COUNTED."""
    rows = connection.execute(
        "SELECT channel, count(*), min(created_at) FROM"
        " (SELECT channel, created_at FROM deliveries WHERE state = 'waiting' LIMIT %(most)s) AS d"
        " GROUP BY channel"
        " UNION ALL SELECT NULL, count(*), min(created_at) FROM"
        " (SELECT created_at FROM outbox WHERE taken_at IS NULL ORDER BY id LIMIT %(most)s) AS o",
        {"most": MOST_COUNTED},
    ).fetchall()
    return [Waiting(*row) for row in sorted(rows, key=lambda row: row[0] or "") if row[1]]


def counts(connection: Connection, states: Sequence[State] = UNWELL) -> dict[State, int]:
    """How many deliveries are in each of these states; those without any are left out."""
    rows = connection.execute(
        "SELECT state, count(*) FROM deliveries WHERE state = ANY(%s) GROUP BY state", [list(states)]
    )
    return dict(rows.fetchall())


def search(
    connection: Connection, filters: Mapping[str, str], limit: int, before: int | None = None
) -> list[Delivery]:
    """Deliveries, the newest first, with an id below `before`; the keys of `filters` are columns."""
    conditions: list[sql.Composable] = [sql.SQL("true")]
    conditions += [sql.SQL("{} = {}").format(sql.Identifier(key), sql.Placeholder(key)) for key in filters]
    if before is not None:
        conditions.append(sql.SQL("id < %(before)s"))
    statement = sql.SQL("SELECT * FROM deliveries WHERE {} ORDER BY id DESC LIMIT %(limit)s").format(
        sql.SQL(" AND ").join(conditions)
    )
    with connection.cursor(row_factory=class_row(Delivery)) as cursor:
        return cursor.execute(statement, {**filters, "limit": limit, "before": before}).fetchall()


def get(connection: Connection, delivery_id: int) -> Delivery | None:
    """One delivery."""
    with connection.cursor(row_factory=class_row(Delivery)) as cursor:
        return cursor.execute("SELECT * FROM deliveries WHERE id = %s", [delivery_id]).fetchone()


def retry(connection: Connection, delivery_id: int, channel: str, address: str, now: datetime) -> bool:
    """Send a delivery that ended again, under the id that it had, as if it had never been tried.

    False, and nothing is done, unless it ended without having been sent for sure.
    """
    with connection.transaction():
        lock_planning(connection)
        one = get(connection, delivery_id)
        if one is None or one.state not in UNWELL:
            return False
        _absorb(connection, one)
        connection.execute(
            "UPDATE deliveries SET state = 'waiting', attempts = 0, tried = '{}', channel = %s, address = %s,"
            " next_at = %s, finished_at = NULL WHERE id = %s",
            [channel, address, now, delivery_id],
        )
        connection.execute("SELECT pg_notify(%s, '')", [NOTIFIED])
    return True


def discard(connection: Connection, delivery_id: int, reason: str, now: datetime) -> bool:
    """Never send a delivery. False, and nothing is done, if it was sent, is being sent, or is moot."""
    row = connection.execute(
        "UPDATE deliveries SET state = 'moot', finished_at = %s, error = %s"
        " WHERE id = %s AND state IN ('waiting', 'uncertain', 'failed', 'dead') RETURNING 1",
        [now, reason, delivery_id],
    ).fetchone()
    return row is not None


# ---------------------------------------------------------------- what ended long ago

# What was not sent for sure stays until a person has seen to it.
_FORGET_DELIVERIES = """
DELETE FROM deliveries WHERE id IN (
    SELECT id FROM deliveries WHERE state IN ('sent', 'failed', 'moot') AND finished_at < %(before)s
     ORDER BY finished_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
"""
# Of an open lead everything stays: the watchdog asks whether its owner was told.
_FORGET_OUTBOX = """
DELETE FROM outbox WHERE id IN (
    SELECT id FROM outbox o
     WHERE taken_at < %(before)s
       AND NOT EXISTS (SELECT FROM delivery_items i WHERE i.outbox_id = o.id)
       AND NOT EXISTS (SELECT FROM leads l WHERE l.id = o.lead_id AND l.stage <> 'closed')
     ORDER BY taken_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
"""
_FORGET_ANSWERS = """
DELETE FROM answers WHERE hash IN (
    SELECT hash FROM answers WHERE expires_at < %(before)s
     ORDER BY expires_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
"""
_FORGET_DIGESTS = """
DELETE FROM digests WHERE (person, day) IN (
    SELECT person, day FROM digests WHERE day < %(before)s::timestamptz::date
     LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
"""


def forget(connection: Connection, before: datetime, limit: int) -> int:
    """Delete what ended before a moment, at most `limit` of each kind. Returns the most of any kind.

    Never what waits, is being sent, is uncertain or dead, nor what tells of an open lead.
    """
    values = {"before": before, "limit": limit}
    statements = (_FORGET_DELIVERIES, _FORGET_OUTBOX, _FORGET_ANSWERS, _FORGET_DIGESTS)
    return max(connection.execute(one, values).rowcount for one in statements)
