"""Who may sign in, who is signed in, which links let somebody in once? Of secrets only hashes are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from psycopg import Connection, sql
from psycopg.rows import class_row, scalar_row

Role = Literal["admin", "manager", "rep", "viewer"]
Theme = Literal["system", "light", "dark"]
Purpose = Literal["invitation", "reset", "demonstration"]


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may sign in. `person` is who they are in the roster, None for nobody.

    `person_chosen`: an admin has said so, and the e-mail address says nothing any more. `language` and `zone`
    are empty where the user has chosen none. `password` is an argon2 hash, None where none was set yet.
    """

    id: str
    email: str
    email_key: str
    name: str
    role: Role
    person: str | None
    person_chosen: bool
    language: str
    zone: str
    theme: Theme
    password: str | None
    active: bool
    created_at: datetime
    created_by: str
    signed_in_at: datetime | None


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as stored, without its hash. It ends at `expires_at` unless it is used before."""

    number: int
    user_id: str
    agent: str
    address: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A one-time link as stored."""

    user_id: str
    purpose: Purpose
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None


_USER = (
    "id, email, email_key, name, role, person, person_chosen, language, zone, theme, password, active,"
    " created_at, created_by, signed_in_at"
)
_SESSION = "number, user_id, agent, address, created_at, seen_at, expires_at"

# ---------------------------------------------------------------- users


def insert(connection: Connection, user: User) -> bool:
    """Store a new user. False, and nothing is stored, if this e-mail address has one."""
    done = connection.execute(
        "INSERT INTO users (id, email, email_key, name, role, person, person_chosen, created_at, created_by)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (email_key) DO NOTHING",
        [
            *(user.id, user.email, user.email_key, user.name, user.role, user.person, user.person_chosen),
            *(user.created_at, user.created_by),
        ],
    )
    return done.rowcount == 1


def get(connection: Connection, id_: str) -> User | None:
    """The user of an id."""
    return _one(connection, "id = %s", id_)


def by_email(connection: Connection, email_key: str) -> User | None:
    """The user of an e-mail address, as `service.users.key_of` writes it."""
    return _one(connection, "email_key = %s", email_key)


def by_person(connection: Connection, person: str) -> User | None:
    """The user who is this person of the roster."""
    return _one(connection, "person = %s", person)


def lock(connection: Connection, id_: str) -> User | None:
    """The user of an id; until this transaction ends nobody else changes it."""
    return _one(connection, "id = %s FOR UPDATE", id_)


def lock_admins(connection: Connection) -> list[str]:
    """The ids of all active admins, locked, so that two of them cannot remove each other at once."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(
            "SELECT id FROM users WHERE role = 'admin' AND active ORDER BY id FOR UPDATE"
        ).fetchall()


def all_users(connection: Connection) -> list[User]:
    """Everybody, active ones first, by name."""
    with connection.cursor(row_factory=class_row(User)) as cursor:
        return cursor.execute(
            f"SELECT {_USER} FROM users ORDER BY active DESC, lower(name), email_key"
        ).fetchall()


def is_anybody(connection: Connection) -> bool:
    """Whether there is any user at all."""
    row = connection.execute("SELECT EXISTS (SELECT FROM users)").fetchone()
    return row is not None and bool(row[0])


def update(connection: Connection, id_: str, **values: Any) -> None:
    """Change columns of a user."""
    pairs = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in values)
    connection.execute(sql.SQL("UPDATE users SET {} WHERE id = %s").format(pairs), [*values.values(), id_])


def _one(connection: Connection, condition: str, value: str) -> User | None:
    with connection.cursor(row_factory=class_row(User)) as cursor:
        # The condition is one of those above, never a text of somebody's.
        query = f"SELECT {_USER} FROM users WHERE {condition}"
        return cursor.execute(query, [value]).fetchone()


# ---------------------------------------------------------------- sessions


def start_session(
    connection: Connection,
    hash_: bytes,
    user_id: str,
    agent: str,
    address: str,
    now: datetime,
    expires_at: datetime,
) -> int:
    """Store a session, and forget those that have ended by themselves. Returns its number."""
    connection.execute("DELETE FROM sessions WHERE expires_at <= %s", [now])
    row = connection.execute(
        "INSERT INTO sessions (hash, user_id, agent, address, created_at, seen_at, expires_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING number",
        [hash_, user_id, agent, address, now, now, expires_at],
    ).fetchone()
    assert row is not None  # RETURNING gives the row
    return int(row[0])


def session(connection: Connection, hash_: bytes, now: datetime) -> tuple[SessionRow, User] | None:
    """The session of a token's hash with its user, if it has not ended and the user may sign in."""
    row = connection.execute(
        "SELECT s.number, s.user_id, s.agent, s.address, s.created_at, s.seen_at, s.expires_at,"
        " u.id, u.email, u.email_key, u.name, u.role, u.person, u.person_chosen, u.language, u.zone, u.theme,"
        " u.password, u.active, u.created_at, u.created_by, u.signed_in_at"
        " FROM sessions s JOIN users u ON u.id = s.user_id"
        " WHERE s.hash = %s AND s.expires_at > %s AND u.active",
        [hash_, now],
    ).fetchone()
    return None if row is None else (SessionRow(*row[:7]), User(*row[7:]))


def prolong_session(connection: Connection, number: int, now: datetime, expires_at: datetime) -> None:
    """Say that a session was used just now, and when it ends from now on."""
    connection.execute(
        "UPDATE sessions SET seen_at = %s, expires_at = %s WHERE number = %s", [now, expires_at, number]
    )


def sessions_of(connection: Connection, user_id: str, now: datetime) -> list[SessionRow]:
    """The sessions of a user that have not ended, the one last used first."""
    with connection.cursor(row_factory=class_row(SessionRow)) as cursor:
        return cursor.execute(
            f"SELECT {_SESSION} FROM sessions WHERE user_id = %s AND expires_at > %s"
            " ORDER BY seen_at DESC, number DESC",
            [user_id, now],
        ).fetchall()


def end_sessions(
    connection: Connection, user_id: str, *, only: int | None = None, but: int | None = None
) -> int:
    """End the sessions of a user: all, `only` one, or all `but` one. Returns how many there were."""
    return connection.execute(
        "DELETE FROM sessions WHERE user_id = %s AND (%s::bigint IS NULL OR number = %s)"
        " AND (%s::bigint IS NULL OR number <> %s)",
        [user_id, only, only, but, but],
    ).rowcount


# ---------------------------------------------------------------- one-time links


def insert_link(
    connection: Connection, hash_: bytes, user_id: str, purpose: Purpose, now: datetime, expires_at: datetime
) -> None:
    """Store a link, and forget those that have expired.

    Those made before still work: whoever asks for links in somebody's name must not spoil theirs.
    """
    connection.execute("DELETE FROM user_links WHERE expires_at <= %s", [now])
    connection.execute(
        "INSERT INTO user_links (hash, user_id, purpose, created_at, expires_at) VALUES (%s, %s, %s, %s, %s)",
        [hash_, user_id, purpose, now, expires_at],
    )


def link(connection: Connection, hash_: bytes, *, locked: bool = False) -> LinkRow | None:
    """The link of a token's hash; `locked`: until this transaction ends nobody else uses it."""
    with connection.cursor(row_factory=class_row(LinkRow)) as cursor:
        return cursor.execute(
            "SELECT user_id, purpose, created_at, expires_at, used_at FROM user_links WHERE hash = %s"
            + (" FOR UPDATE" if locked else ""),
            [hash_],
        ).fetchone()


def use_link(connection: Connection, hash_: bytes, now: datetime) -> None:
    """Note that a link was used."""
    connection.execute("UPDATE user_links SET used_at = %s WHERE hash = %s", [now, hash_])


def drop_links(connection: Connection, user_id: str) -> None:
    """Make the links of a user that are not used yet worth nothing."""
    connection.execute("DELETE FROM user_links WHERE user_id = %s AND used_at IS NULL", [user_id])


def invited(connection: Connection, now: datetime) -> dict[str, datetime]:
    """Until when the open link of each user works: user id → moment."""
    rows = connection.execute(
        "SELECT user_id, max(expires_at) FROM user_links WHERE used_at IS NULL AND expires_at > %s"
        " GROUP BY user_id",
        [now],
    )
    return dict(rows.fetchall())


# ---------------------------------------------------------------- those who guess


def know_browser(
    connection: Connection, hash_: bytes, user_id: str, now: datetime, expires_at: datetime
) -> None:
    """Remember that a user has signed in from a browser, and forget those not seen for long."""
    connection.execute("DELETE FROM known_browsers WHERE expires_at <= %s", [now])
    connection.execute(
        "INSERT INTO known_browsers (hash, user_id, expires_at) VALUES (%s, %s, %s)",
        [hash_, user_id, expires_at],
    )


def is_known_browser(connection: Connection, hash_: bytes, email_key: str, now: datetime) -> bool:
    """Whether the user of this e-mail address has signed in from a browser before."""
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM known_browsers k JOIN users u ON u.id = k.user_id"
        " WHERE k.hash = %s AND u.email_key = %s AND k.expires_at > %s)",
        [hash_, email_key, now],
    ).fetchone()
    return row is not None and bool(row[0])


def forget_browsers(connection: Connection, user_id: str) -> None:
    """Forget all browsers that a user has signed in from."""
    connection.execute("DELETE FROM known_browsers WHERE user_id = %s", [user_id])


def lock_attempts(
    connection: Connection, names: Sequence[str], now: datetime
) -> dict[str, tuple[int, datetime, datetime]]:
    """What is counted under each name: failures, the last of them, and when the next attempt may be.

    The rows are made where there are none, and locked: attempts at once are counted one after another.
    """
    connection.execute(
        "INSERT INTO sign_in_attempts (name, failures, failed_at, open_at)"
        " SELECT name, 0, %s, %s FROM unnest(%s::text[]) AS name ORDER BY name ON CONFLICT DO NOTHING",
        [now, now, list(names)],
    )
    rows = connection.execute(
        "SELECT name, failures, failed_at, open_at FROM sign_in_attempts WHERE name = ANY(%s)"
        " ORDER BY name FOR UPDATE",
        [list(names)],
    )
    return {name: (failures, failed_at, open_at) for name, failures, failed_at, open_at in rows}


def count_attempt(
    connection: Connection, name: str, failures: int, failed_at: datetime, open_at: datetime
) -> None:
    """Store what is counted under a name."""
    connection.execute(
        "UPDATE sign_in_attempts SET failures = %s, failed_at = %s, open_at = %s WHERE name = %s",
        [failures, failed_at, open_at, name],
    )


def forgive_attempts(connection: Connection, names: Sequence[str]) -> None:
    """Forget what is counted under these names."""
    connection.execute("DELETE FROM sign_in_attempts WHERE name = ANY(%s)", [list(names)])


def forget_attempts(connection: Connection, before: datetime) -> None:
    """Forget everything whose last failure was before a moment."""
    connection.execute("DELETE FROM sign_in_attempts WHERE failed_at < %s", [before])
