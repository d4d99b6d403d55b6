"""What is due, and when is the next thing due? Found by index, whatever the number of open leads."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from psycopg import Connection
from psycopg.rows import class_row

# The database notifies this channel of what a sleeping worker could not know; see 0003_health.sql.
CHANNEL = "leadlane_due"
# So long a worker may sleep without looking: what is written to be due sooner than this wakes it.
LONGEST_SLEEP = timedelta(minutes=1)

# A spot in a line: when the lead there arrived, and its id.
Spot = tuple[datetime, str]
HEAD: Spot = (datetime.min.replace(tzinfo=UTC), "")


@dataclass(frozen=True, slots=True)
class Round:
    """Up to when absences and new days have been looked after, by which roster and policy; None: never."""

    made_up_to: datetime | None
    roster_revision: int | None
    policy: str | None


@dataclass(frozen=True, slots=True)
class Due:
    """A lead whose next step is due, since when, and the domain of its company."""

    id: str
    due_at: datetime
    domain: str | None


@dataclass(frozen=True, slots=True)
class Clock:
    """What the next step of a lead's chase is counted from."""

    id: str
    policy: str
    service_level: str | None
    holder: str | None
    held_since: datetime | None
    chased: list[int]
    chase_at: datetime


def due_leads(connection: Connection, now: datetime, limit: int, but: Collection[str] = ()) -> list[Due]:
    """Open leads whose next step is due at or before `now`; the longest due first.

    Without those that somebody is at work on, and those of `but`.
    """
    # Locked only to pass over what others hold: whoever acts claims again, in a transaction that can be
    # tried again from its beginning. Nothing is rolled back to let go: psycopg forgets all statements that it
    # has prepared where something is, and each would be planned anew.
    with connection.transaction(), connection.cursor(row_factory=class_row(Due)) as cursor:
        return cursor.execute(
            "SELECT id, chase_at AS due_at, domain FROM leads WHERE chase_at <= %s AND id <> ALL(%s)"
            " ORDER BY chase_at, id LIMIT %s FOR UPDATE SKIP LOCKED",
            [now, list(but), limit],
        ).fetchall()


def next_chase_at(connection: Connection) -> datetime | None:
    """When the next step of any lead is due."""
    row = connection.execute(
        "SELECT chase_at FROM leads WHERE chase_at IS NOT NULL ORDER BY chase_at LIMIT 1"
    ).fetchone()
    return row[0] if row else None


def overdue(connection: Connection, before: datetime, most: int = 100_000) -> tuple[int, datetime | None]:
    """How many leads' steps were due before a moment (counted up to `most`), and when the first was."""
    row = connection.execute(
        "SELECT count(*), min(chase_at) FROM (SELECT chase_at FROM leads WHERE chase_at < %s"
        " ORDER BY chase_at LIMIT %s) AS late",
        [before, most],
    ).fetchone()
    assert row is not None  # an aggregate always gives one row
    return row[0], row[1]


def claim(connection: Connection, lead_ids: Iterable[str]) -> set[str]:
    """Which of these leads this transaction may act on: those that no other worker holds."""
    rows = connection.execute(
        "SELECT id FROM leads WHERE id = ANY(%s) ORDER BY id FOR UPDATE SKIP LOCKED", [list(lead_ids)]
    )
    return {row[0] for row in rows}


def clocks(connection: Connection, lead_ids: Iterable[str]) -> list[Clock]:
    """The clocks of those of these leads that have one."""
    with connection.cursor(row_factory=class_row(Clock)) as cursor:
        return cursor.execute(
            "SELECT id, policy_version AS policy, service_level, coalesce(covered_by, owner) AS holder,"
            " held_since, chased, chase_at FROM leads WHERE id = ANY(%s) AND chase_at IS NOT NULL",
            [list(lead_ids)],
        ).fetchall()


def set_chase_at(connection: Connection, clock: Clock, chase_at: datetime | None) -> None:
    """The next step of a lead is due at another time; nothing happens if its clock has changed meanwhile."""
    connection.execute(
        "UPDATE leads SET chase_at = %s"
        " WHERE id = %s AND chase_at = %s AND held_since IS NOT DISTINCT FROM %s",
        [chase_at, clock.id, clock.chase_at, clock.held_since],
    )


def covered_leads(connection: Connection, owners: Iterable[str]) -> list[str]:
    """Open leads of these owners that somebody else covers."""
    rows = connection.execute(
        "SELECT id FROM leads WHERE owner = ANY(%s) AND covered_by IS NOT NULL AND stage <> 'closed'"
        " ORDER BY arrived_at, id",
        [list(owners)],
    )
    return [row[0] for row in rows]


def uncovered_leads(connection: Connection, owners: Iterable[str]) -> list[str]:
    """Protected leads of these people that nobody covers, and leads that these people cover."""
    rows = connection.execute(
        "SELECT id, arrived_at FROM leads WHERE owner = ANY(%(people)s) AND destination LIKE 'owner:%%'"
        " AND covered_by IS NULL AND stage IN ('assigned', 'accepted', 'working')"
        " UNION SELECT id, arrived_at FROM leads WHERE covered_by = ANY(%(people)s) AND stage <> 'closed'"
        " ORDER BY 2, 1",
        {"people": list(owners)},
    )
    return [row[0] for row in rows]


def waiting_leads(connection: Connection, pool: str, after: Spot, limit: int) -> list[Spot]:
    """Leads in review that wait in line for a pool, the oldest first, those behind a spot in the line."""
    return connection.execute(
        "SELECT arrived_at, id FROM leads WHERE waiting_pool = %s AND stage = 'review'"
        " AND (arrived_at, id) > (%s, %s) ORDER BY arrived_at, id LIMIT %s",
        [pool, *after, limit],
    ).fetchall()


# From pool to pool through the index: a DISTINCT would read every lead that waits.
_POOLS_WAITED_FOR = """
WITH RECURSIVE pools (name) AS (
    (SELECT waiting_pool FROM leads WHERE waiting_pool IS NOT NULL AND stage = 'review'
      ORDER BY waiting_pool LIMIT 1)
    UNION ALL
    SELECT (SELECT waiting_pool FROM leads WHERE waiting_pool > pools.name AND stage = 'review'
             ORDER BY waiting_pool LIMIT 1)
      FROM pools WHERE pools.name IS NOT NULL
)
SELECT name FROM pools WHERE name IS NOT NULL
"""


def pools_waited_for(connection: Connection) -> list[str]:
    """The pools in whose line leads wait."""
    return [row[0] for row in connection.execute(_POOLS_WAITED_FOR)]


def is_anybody_waiting(connection: Connection) -> bool:
    """Whether a lead waits in line for any pool."""
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM leads WHERE waiting_pool IS NOT NULL AND stage = 'review')"
    ).fetchone()
    assert row is not None  # a SELECT of a scalar always gives one row
    return bool(row[0])


def last_round(connection: Connection) -> Round:
    """The last round that was made."""
    with connection.cursor(row_factory=class_row(Round)) as cursor:
        row = cursor.execute("SELECT made_up_to, roster_revision, policy FROM rounds").fetchone()
    return row or Round(None, None, None)


def set_round(connection: Connection, made: Round) -> None:
    """Remember a round that was made; never goes back."""
    connection.execute(
        "UPDATE rounds SET made_up_to = greatest(made_up_to, %s),"
        " roster_revision = greatest(roster_revision, %s), policy = %s",
        [made.made_up_to, made.roster_revision, made.policy],
    )


def people_changed_since(connection: Connection, revision: int | None) -> set[str]:
    """The people whose entry in the roster was changed after a revision; everyone for None."""
    rows = connection.execute(
        "SELECT DISTINCT id FROM roster_entries WHERE kind = 'person' AND revision > %s", [revision or 0]
    )
    return {row[0] for row in rows}
