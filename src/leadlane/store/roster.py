"""Who can receive leads, now and at every revision before? And which accounts are known?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson
from psycopg import Connection
from psycopg.rows import class_row

from leadlane.core.facts import Account

Entries = dict[str, dict[str, dict[str, Any]]]
KINDS = ("person", "team", "hours", "holidays")


def entries(connection: Connection, revision: int) -> Entries:
    """The contents of the roster at a revision: kind → id → content."""
    found: Entries = {kind: {} for kind in KINDS}
    rows = connection.execute(
        "SELECT DISTINCT ON (kind, id) kind, id, content FROM roster_entries"
        " WHERE revision <= %s ORDER BY kind, id, revision DESC",
        [revision],
    )
    for kind, id_, content in rows:
        if content is not None:
            found[kind][id_] = content
    return found


def lock_revision(connection: Connection) -> int:
    """The present revision, locked: until this transaction ends nobody else changes the roster."""
    row = connection.execute("SELECT revision FROM roster_revision FOR UPDATE").fetchone()
    assert row is not None  # the table has exactly one row
    return int(row[0])


def change(
    connection: Connection,
    changes: Iterable[tuple[str, str, Mapping[str, Any] | None]],
    at: datetime,
    by: str,
    today: date,
) -> int:
    """Store (kind, id, content) entries under a new revision; content None removes. Returns the revision.

    Every person gets a row in `loads`, counted from `today`. Call `lock_revision` first.
    """
    revision = lock_revision(connection) + 1
    rows = [{"kind": kind, "id": id_, "content": content} for kind, id_, content in changes]
    text = orjson.dumps(rows).decode()
    connection.execute("UPDATE roster_revision SET revision = %s", [revision])
    connection.execute(
        "INSERT INTO roster_entries (kind, id, revision, content, changed_at, changed_by)"
        " SELECT kind, id, %s, content, %s, %s"
        " FROM json_to_recordset(%s::json) AS e (kind text, id text, content json)",
        [revision, at, by, text],
    )
    connection.execute(
        "INSERT INTO loads (person, open, today, today_on)"
        " SELECT id, 0, 0, %s FROM json_to_recordset(%s::json) AS e (kind text, id text)"
        " WHERE kind = 'person' ON CONFLICT DO NOTHING",
        [today, text],
    )
    return revision


def holiday_dates(content: Mapping[str, Any]) -> frozenset[date]:
    """The dates of a stored entry of public holidays."""
    return frozenset(date.fromisoformat(day) for day in content["days"])


@dataclass(frozen=True, slots=True)
class LoadRow:
    """What a person has in hand, as stored."""

    person: str
    open: int
    today: int
    today_on: date


def loads(connection: Connection) -> list[LoadRow]:
    """Everyone's load, in order of id."""
    with connection.cursor(row_factory=class_row(LoadRow)) as cursor:
        return cursor.execute("SELECT person, open, today, today_on FROM loads ORDER BY person").fetchall()


_ACCOUNT = """
SELECT a.id, a.name, a.named, a.customer, a.owner, a.country,
       ARRAY(SELECT d.domain FROM account_domains d WHERE d.account_id = a.id ORDER BY d.domain) AS domains
  FROM accounts a
"""


def _account(row: tuple[Any, ...]) -> Account:
    id_, name, named, customer, owner, country, domains = row
    return Account(id_, name, tuple(domains), named, customer, owner, country)


def account(connection: Connection, account_id: str) -> Account | None:
    """An account by its id."""
    row = connection.execute(_ACCOUNT + " WHERE a.id = %s", [account_id]).fetchone()
    return _account(row) if row else None


def accounts(connection: Connection, after: str = "", limit: int = 100) -> list[Account]:
    """Accounts in order of id, those after a given id."""
    rows = connection.execute(_ACCOUNT + " WHERE a.id > %s ORDER BY a.id LIMIT %s", [after, limit])
    return [_account(row) for row in rows]


def domains_of_others(
    connection: Connection, domains: Iterable[str], account_ids: Iterable[str]
) -> dict[str, str]:
    """Which of these domains belong to accounts other than those named: domain → account id."""
    rows = connection.execute(
        "SELECT domain, account_id FROM account_domains WHERE domain = ANY(%s) AND account_id <> ALL(%s)",
        [list(domains), list(account_ids)],
    )
    return dict(rows.fetchall())


def put_accounts(connection: Connection, changed: Iterable[Account], at: datetime) -> None:
    """Store accounts with their domains in place of what was stored under their ids."""
    rows = [
        {
            "id": one.id,
            "name": one.name,
            "named": one.named,
            "customer": one.customer,
            "owner": one.owner,
            "country": one.country,
            "domains": list(one.domains),
        }
        for one in changed
    ]
    text = orjson.dumps(rows).decode()
    connection.execute(
        "INSERT INTO accounts (id, name, named, customer, owner, country, changed_at)"
        " SELECT id, name, named, customer, owner, country, %s FROM json_to_recordset(%s::json)"
        " AS a (id text, name text, named boolean, customer boolean, owner text, country text)"
        " ON CONFLICT (id) DO UPDATE SET name = excluded.name, named = excluded.named,"
        " customer = excluded.customer, owner = excluded.owner, country = excluded.country,"
        " changed_at = excluded.changed_at",
        [at, text],
    )
    connection.execute(
        "DELETE FROM account_domains WHERE account_id IN"
        " (SELECT id FROM json_to_recordset(%s::json) AS a (id text))",
        [text],
    )
    connection.execute(
        "INSERT INTO account_domains (domain, account_id)"
        " SELECT domain, a.id FROM json_to_recordset(%s::json) AS a (id text, domains text[]),"
        " unnest(a.domains) AS domain",
        [text],
    )
