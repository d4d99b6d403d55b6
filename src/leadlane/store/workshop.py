"""What lies in the policy workshop? Drafts, scenarios, what is being tried, and past publications."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import orjson
from psycopg import Connection
from psycopg.rows import class_row

from leadlane.store.policies import Publication

RunKind = Literal["scenarios", "past", "review"]


@dataclass(frozen=True, slots=True)
class DraftRow:
    """A draft as stored; one that is `put_away` is worked on no more."""

    user_id: str
    content: str
    edition: int
    begun_from: int
    changed_at: datetime
    put_away: bool


@dataclass(frozen=True, slots=True)
class ScenarioRow:
    """A scenario file; one that is `removed` is run no more."""

    name: str
    content: str
    changed_at: datetime
    changed_by: str
    removed: bool


@dataclass(frozen=True, slots=True)
class RunRow:
    """Something that is being tried, or was. `problem` says in words why it came to no result."""

    user_id: str
    kind: RunKind
    id: UUID
    version: str
    started_at: datetime
    heard_at: datetime
    finished_at: datetime | None
    done: int
    total: int
    problem: str
    result: Any


# ---------------------------------------------------------------- drafts


def draft(connection: Connection, user_id: str) -> DraftRow | None:
    """The draft of a user, also one that was put away."""
    with connection.cursor(row_factory=class_row(DraftRow)) as cursor:
        return cursor.execute("SELECT * FROM policy_drafts WHERE user_id = %s", [user_id]).fetchone()


def keep_draft(
    connection: Connection, user_id: str, content: str, seen_edition: int, begun_from: int, now: datetime
) -> bool:
    """Keep a draft as it reads now, if nobody changed it since the edition seen (0: there was none).

    `begun_from` is heeded where a draft begins.
    """
    return bool(
        connection.execute(
            "INSERT INTO policy_drafts AS d (user_id, content, edition, begun_from, changed_at)"
            " VALUES (%(user)s, %(content)s, 1, %(begun_from)s, %(now)s)"
            " ON CONFLICT (user_id) DO UPDATE SET content = excluded.content, edition = d.edition + 1,"
            " begun_from = CASE WHEN d.put_away THEN excluded.begun_from ELSE d.begun_from END,"
            " changed_at = excluded.changed_at, put_away = false WHERE d.edition = %(seen)s",
            {
                "user": user_id,
                "content": content,
                "seen": seen_edition,
                "begun_from": begun_from,
                "now": now,
            },
        ).rowcount
    )


def put_away_draft(connection: Connection, user_id: str, away: bool) -> bool:
    """Put a draft away, or take it up again; whether there was one to do it with."""
    statement = (
        "UPDATE policy_drafts SET put_away = %(away)s, edition = edition + 1"
        " WHERE user_id = %(user)s AND put_away <> %(away)s"
    )
    return bool(connection.execute(statement, {"user": user_id, "away": away}).rowcount)


def rebase_draft(connection: Connection, user_id: str, number: int) -> bool:
    """Say that a draft takes account of all publications up to this one."""
    statement = "UPDATE policy_drafts SET begun_from = %s WHERE user_id = %s AND NOT put_away"
    return bool(connection.execute(statement, [number, user_id]).rowcount)


# ---------------------------------------------------------------- publications


def last_publication(connection: Connection) -> Publication | None:
    """The publication in force."""
    return next(iter(publications(connection, most=1)), None)


def publications(
    connection: Connection, *, most: int, before: int | None = None, after: int = 0
) -> list[Publication]:
    """Publications, the newest first: those with a number below `before` and above `after`."""
    with connection.cursor(row_factory=class_row(Publication)) as cursor:
        return cursor.execute(
            "SELECT number, version, published_at, published_by, comment FROM publications"
            " WHERE number < %s AND number > %s ORDER BY number DESC LIMIT %s",
            [before if before is not None else 2**62, after, most],
        ).fetchall()


# ---------------------------------------------------------------- scenarios


def scenarios(connection: Connection) -> list[ScenarioRow]:
    """The scenarios that are run, by name."""
    with connection.cursor(row_factory=class_row(ScenarioRow)) as cursor:
        return cursor.execute("SELECT * FROM policy_scenarios WHERE NOT removed ORDER BY name").fetchall()


def scenario(connection: Connection, name: str) -> ScenarioRow | None:
    """A scenario by its name."""
    with connection.cursor(row_factory=class_row(ScenarioRow)) as cursor:
        statement = "SELECT * FROM policy_scenarios WHERE name = %s AND NOT removed"
        return cursor.execute(statement, [name]).fetchone()


def keep_scenario(connection: Connection, name: str, content: str, by: str, now: datetime) -> None:
    """Keep a scenario under a name, in the place of one that had it."""
    connection.execute(
        "INSERT INTO policy_scenarios (name, content, changed_at, changed_by) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (name) DO UPDATE SET content = excluded.content, changed_at = excluded.changed_at,"
        " changed_by = excluded.changed_by, removed = false",
        [name, content, now, by],
    )


def remove_scenario(connection: Connection, name: str, removed: bool) -> bool:
    """Run a scenario no more, or again; whether there is one of this name."""
    statement = "UPDATE policy_scenarios SET removed = %s WHERE name = %s"
    return bool(connection.execute(statement, [removed, name]).rowcount)


# ---------------------------------------------------------------- runs


def run(connection: Connection, user_id: str, kind: RunKind) -> RunRow | None:
    """What a user last tried of a kind."""
    with connection.cursor(row_factory=class_row(RunRow)) as cursor:
        statement = "SELECT * FROM workshop_runs WHERE user_id = %s AND kind = %s"
        return cursor.execute(statement, [user_id, kind]).fetchone()


def begin_run(
    connection: Connection, user_id: str, kind: RunKind, id_: UUID, version: str, now: datetime
) -> None:
    """Begin to try something; what was tried before of this kind makes room for it."""
    connection.execute(
        "INSERT INTO workshop_runs (user_id, kind, id, version, started_at, heard_at)"
        " VALUES (%(user)s, %(kind)s, %(id)s, %(version)s, %(now)s, %(now)s)"
        " ON CONFLICT (user_id, kind) DO UPDATE SET id = excluded.id, version = excluded.version,"
        " started_at = excluded.started_at, heard_at = excluded.heard_at, finished_at = NULL,"
        " done = 0, total = 0, problem = '', result = NULL",
        {"user": user_id, "kind": kind, "id": id_, "version": version, "now": now},
    )


def note_run(connection: Connection, id_: UUID, done: int, total: int, now: datetime) -> bool:
    """Say how far it is; False if another has taken its place."""
    statement = "UPDATE workshop_runs SET done = %s, total = %s, heard_at = %s WHERE id = %s"
    return bool(connection.execute(statement, [done, total, now, id_]).rowcount)


def end_run(connection: Connection, id_: UUID, result: Any, problem: str, now: datetime) -> None:
    """Say what came of it."""
    connection.execute(
        "UPDATE workshop_runs SET result = %s, problem = %s, finished_at = %s, heard_at = %s WHERE id = %s",
        [orjson.dumps(result).decode(), problem, now, now, id_],
    )
