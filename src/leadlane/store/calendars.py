"""Which calendars are read for absences, and by which links may calendars read ours?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection
from psycopg.rows import class_row


@dataclass(frozen=True, slots=True)
class Link:
    """A calendar that somebody keeps elsewhere. `found` is how many absences were in it when it was read
    last, `problem` what was wrong; the absences of the time before stay then.
    """

    person: str
    url: str
    set_by: str
    set_at: datetime
    due_at: datetime
    read_at: datetime | None
    found: int | None
    problem: str | None


_COLUMNS = "person, url, set_by, set_at, due_at, read_at, found, problem"


def link(connection: Connection, person: str) -> Link | None:
    """Somebody's calendar, if one is read."""
    with connection.cursor(row_factory=class_row(Link)) as cursor:
        return cursor.execute(f"SELECT {_COLUMNS} FROM calendar_links WHERE person = %s", [person]).fetchone()


def put_link(connection: Connection, person: str, url: str, by: str, now: datetime, due_at: datetime) -> None:
    """Read somebody's calendar from now on, in place of another one."""
    connection.execute(
        "INSERT INTO calendar_links (person, url, set_by, set_at, due_at) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT (person) DO UPDATE SET url = excluded.url, set_by = excluded.set_by,"
        " set_at = excluded.set_at, due_at = excluded.due_at, read_at = NULL, found = NULL, problem = NULL",
        [person, url, by, now, due_at],
    )


def drop_link(connection: Connection, person: str) -> bool:
    """Read somebody's calendar no longer. Whether one was read."""
    return connection.execute("DELETE FROM calendar_links WHERE person = %s", [person]).rowcount == 1


def claim(connection: Connection, now: datetime, due_at: datetime) -> Link | None:
    """The calendar that is due longest; it is due again at `due_at`, also if whoever claims it dies."""
    with connection.cursor(row_factory=class_row(Link)) as cursor:
        return cursor.execute(
            "UPDATE calendar_links SET due_at = %s WHERE person = (SELECT person FROM calendar_links"
            f" WHERE due_at <= %s ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING {_COLUMNS}",
            [due_at, now],
        ).fetchone()


def next_due_at(connection: Connection) -> datetime | None:
    """When a calendar is to be read next."""
    row = connection.execute("SELECT min(due_at) FROM calendar_links").fetchone()
    return row[0] if row else None


def lock_link(connection: Connection, person: str, url: str) -> bool:
    """Whether this calendar is still read; it stays so until the transaction ends."""
    found = connection.execute(
        "SELECT FROM calendar_links WHERE person = %s AND url = %s FOR UPDATE", [person, url]
    )
    return found.fetchone() is not None


def note_read(connection: Connection, person: str, url: str, found: int, now: datetime) -> None:
    """A calendar was read, with so many absences in it."""
    connection.execute(
        "UPDATE calendar_links SET read_at = %s, found = %s, problem = NULL WHERE person = %s AND url = %s",
        [now, found, person, url],
    )


def note_problem(connection: Connection, person: str, url: str, problem: str) -> None:
    """A calendar could not be read."""
    connection.execute(
        "UPDATE calendar_links SET problem = %s WHERE person = %s AND url = %s", [problem, person, url]
    )


# ---------------------------------------------------------------- ours


def put_feed(connection: Connection, token_hash: bytes, person: str, by: str, now: datetime) -> None:
    """Let calendars read what is due for somebody by this link, and by none from before."""
    connection.execute(
        "INSERT INTO calendar_feeds (token_hash, person, made_by, made_at) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (person) DO UPDATE SET token_hash = excluded.token_hash, made_by = excluded.made_by,"
        " made_at = excluded.made_at",
        [token_hash, person, by, now],
    )


def drop_feed(connection: Connection, person: str) -> None:
    """End somebody's link."""
    connection.execute("DELETE FROM calendar_feeds WHERE person = %s", [person])


def feed_made_at(connection: Connection, person: str) -> datetime | None:
    """Since when there is a link by which calendars read what is due for somebody; None: there is none."""
    row = connection.execute("SELECT made_at FROM calendar_feeds WHERE person = %s", [person]).fetchone()
    return row[0] if row else None


def feed_person(connection: Connection, token_hash: bytes) -> str | None:
    """Whose link this is; None also for somebody who is kept out."""
    row = connection.execute(
        "SELECT person FROM calendar_feeds AS feed WHERE token_hash = %s AND NOT EXISTS"
        " (SELECT FROM users WHERE users.person = feed.person AND NOT users.active)",
        [token_hash],
    ).fetchone()
    return row[0] if row else None
