"""Which companies are known, and which of them are called nearly like this one?"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from psycopg import Connection

from leadlane.core.facts import Account

# A key that more accounts share tells too little to be worth comparing all of them.
MOST_OF_A_KEY = 48
# Where only such keys are left, so many accounts of each are looked through for those that share several.
MOST_OF_A_COMMON_KEY = 1_000
MOST_LOOK_ALIKES = 24

_COLUMNS = """
a.id, a.name, a.named, a.customer, a.owner, a.country, a.aliases, a.city, a.phone,
ARRAY(SELECT d.domain FROM account_domains d WHERE d.account_id = a.id
       ORDER BY d.domain COLLATE "C") AS domains
"""

# Numbers stay what they were: an identity that every repeated import drew from would run out.
_PUT = """
WITH given AS (
    SELECT * FROM json_to_recordset(%(rows)s::json) AS g (
           id text, name text, named boolean, customer boolean, owner text, country text, aliases text[],
           city text, phone text, domains text[], keys integer[], names text[], keys_version integer)
), changed AS (
    SELECT g.*, coalesce(a.number, nextval(pg_get_serial_sequence('accounts', 'number'))::integer) AS number
      FROM given AS g LEFT JOIN accounts AS a ON a.id = g.id
     WHERE a.id IS NULL
        OR (a.name, a.named, a.customer, a.owner, a.country, a.aliases, a.city, a.phone, a.keys, a.names,
            a.keys_version,
            ARRAY(SELECT d.domain FROM account_domains d WHERE d.account_id = a.id
                   ORDER BY d.domain COLLATE "C"))
           IS DISTINCT FROM
           (g.name, g.named, g.customer, g.owner, g.country, g.aliases, g.city, g.phone, g.keys, g.names,
            g.keys_version, g.domains)
)
INSERT INTO accounts (number, id, name, named, customer, owner, country, aliases, city, phone, keys, names,
                      keys_version, changed_at)
SELECT number, id, name, named, customer, owner, country, aliases, city, phone, keys, names, keys_version,
       %(at)s
  FROM changed ORDER BY id
    ON CONFLICT (id) DO UPDATE
   SET name = excluded.name, named = excluded.named, customer = excluded.customer, owner = excluded.owner,
       country = excluded.country, aliases = excluded.aliases, city = excluded.city, phone = excluded.phone,
       keys = excluded.keys, names = excluded.names, keys_version = excluded.keys_version,
       changed_at = excluded.changed_at
"""

_DROP_DOMAINS = """
DELETE FROM account_domains AS d USING json_to_recordset(%(rows)s::json) AS g (id text, domains text[])
 WHERE d.account_id = g.id AND d.domain <> ALL (g.domains)
"""

_PUT_DOMAINS = """
INSERT INTO account_domains (domain, account_id)
SELECT domain, g.id FROM json_to_recordset(%(rows)s::json) AS g (id text, domains text[]),
       unnest(g.domains) AS domain
EXCEPT SELECT domain, account_id FROM account_domains WHERE account_id = ANY (%(ids)s)
"""

# A question is answered by the accounts that share the most of its keys that few share; where it has no
# such key, by those that share several that many do. Both lists are cut, so every question's cost is bounded.
_LOOK_ALIKES = f"""
WITH asked AS (
    SELECT question, key, is_strong
      FROM unnest(%(questions)s::integer[], %(keys)s::integer[], %(strong)s::boolean[])
           AS a (question, key, is_strong)
), listed AS MATERIALIZED (
    SELECT question, key, is_strong,
           ARRAY(SELECT number FROM account_keys AS k WHERE k.key = asked.key
                  ORDER BY number LIMIT {MOST_OF_A_KEY + 1}) AS numbers
      FROM asked
), judged AS (
    SELECT *, bool_or(cardinality(numbers) BETWEEN 1 AND {MOST_OF_A_KEY})
              OVER (PARTITION BY question) AS is_told
      FROM listed
), telling AS (
    SELECT question, number, count(*) AS shared, bool_or(is_strong) AS is_strong,
           sum(1.0 / cardinality(numbers)) AS weight
      FROM judged, unnest(numbers) AS number
     WHERE cardinality(numbers) <= {MOST_OF_A_KEY}
     GROUP BY question, number
), common AS (
    SELECT question, number, count(*) AS shared, bool_or(is_strong), 0.0 AS weight
      FROM judged,
           LATERAL (SELECT number FROM account_keys AS k WHERE k.key = judged.key
                     ORDER BY number LIMIT {MOST_OF_A_COMMON_KEY}) AS k
     WHERE NOT is_told
     GROUP BY question, number HAVING count(*) > 1
), ranked AS (
    SELECT question, number, is_strong,
           row_number() OVER (PARTITION BY question ORDER BY shared DESC, weight DESC, number) AS rank
      FROM (SELECT * FROM telling UNION ALL SELECT * FROM common) AS found
)
SELECT question, number, is_strong,
       (SELECT names FROM accounts WHERE accounts.number = ranked.number) AS names
  FROM ranked
 WHERE rank <= {MOST_LOOK_ALIKES}
 ORDER BY question, rank
"""

# LATERAL and LIMIT: one probe for each key, however many accounts have it.
_KEYS_IN_USE = """
SELECT key FROM unnest(%s::integer[]) AS asked (key),
       LATERAL (SELECT FROM account_keys AS k WHERE k.key = asked.key LIMIT 1) AS k
"""

_STARTING = f"""
SELECT {_COLUMNS}
  FROM (SELECT number, min(start) AS start
          FROM (SELECT start, number FROM account_starts
                 WHERE start >= %(typed)s AND start < %(end)s ORDER BY start, number LIMIT %(most)s) AS s
         GROUP BY number) AS found,
       LATERAL (SELECT * FROM accounts WHERE accounts.number = found.number OFFSET 0) AS a
 ORDER BY found.start, a.name, a.id LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account, and what it is found by: hashes of its search keys, and its names as they are compared.

    `version` is that of the rules which made them.
    """

    account: Account
    keys: Collection[int]
    names: Collection[str]
    version: int


class SearchKey(NamedTuple):
    """The hash of a search key. Whoever shares a strong one is a candidate whatever the names are like."""

    key: int
    is_strong: bool = False


class Candidate(NamedTuple):
    """An account that shares keys: the number that stands for it, and its names as they are compared."""

    number: int
    is_strong: bool
    names: list[str]


def _account(row: tuple[Any, ...]) -> Account:
    id_, name, named, customer, owner, country, aliases, city, phone, domains = row
    return Account(id_, name, tuple(domains), named, customer, owner, country, tuple(aliases), city, phone)


def account(connection: Connection, account_id: str) -> Account | None:
    """An account by its id."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM accounts a WHERE a.id = %s", [account_id]).fetchone()
    return _account(row) if row else None


def accounts_of(connection: Connection, account_ids: Iterable[str]) -> dict[str, Account]:
    """Those of these accounts that are known, by id."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM accounts a WHERE a.id = ANY(%s)", [list(account_ids)])
    return {one.id: one for one in map(_account, rows)}


def accounts(connection: Connection, after: str = "", limit: int = 100) -> list[Account]:
    """Accounts in order of id, those after a given id."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM accounts a WHERE a.id > %s ORDER BY a.id LIMIT %s", [after, limit]
    )
    return [_account(row) for row in rows]


def lock_accounts(connection: Connection, ids: Iterable[str]) -> None:
    """Until this transaction ends nobody else changes these accounts; read them afterwards."""
    # In one order, so that two who lock the same accounts wait for each other instead of for nobody.
    connection.execute("SELECT FROM accounts WHERE id = ANY(%s) ORDER BY id FOR UPDATE", [sorted(ids)])


def domains_of_others(
    connection: Connection, domains: Iterable[str], account_ids: Iterable[str]
) -> dict[str, str]:
    """Which of these domains belong to accounts other than those named: domain → account id."""
    rows = connection.execute(
        "SELECT domain, account_id FROM account_domains WHERE domain = ANY(%s) AND account_id <> ALL(%s)",
        [list(domains), list(account_ids)],
    )
    return dict(rows.fetchall())


def put_accounts(connection: Connection, rows: Sequence[AccountRow], at: datetime) -> int:
    """Store accounts in place of what was stored under their ids; those that are as stored stay untouched.

    Returns how many were new or differed. Wants a transaction around it.
    """
    ids = sorted(row.account.id for row in rows)
    text = orjson.dumps([_json(row) for row in rows]).decode()
    # In one order, so that two who store the same accounts wait for each other instead of for nobody.
    connection.execute("SELECT FROM accounts WHERE id = ANY(%s) ORDER BY id FOR UPDATE", [ids])
    written = connection.execute(_PUT, {"rows": text, "at": at}).rowcount
    connection.execute(_DROP_DOMAINS, {"rows": text})
    connection.execute(_PUT_DOMAINS, {"rows": text, "ids": ids})
    return written


def _json(row: AccountRow) -> dict[str, Any]:
    one = row.account
    return {
        "id": one.id,
        "name": one.name,
        "named": one.named,
        "customer": one.customer,
        "owner": one.owner,
        "country": one.country,
        "aliases": one.aliases,
        "city": one.city,
        "phone": one.phone,
        "domains": sorted(one.domains),
        "keys": sorted(row.keys),
        "names": list(row.names),
        "keys_version": row.version,
    }


def counts(connection: Connection, version: int) -> tuple[int, int]:
    """How many accounts are known, and of how many another version of the rules made the keys."""
    row = connection.execute(
        "SELECT count(*), count(*) FILTER (WHERE keys_version <> %s) FROM accounts", [version]
    ).fetchone()
    assert row is not None  # an aggregate gives one row
    return int(row[0]), int(row[1])


def outdated(connection: Connection, version: int, limit: int) -> list[Account]:
    """Accounts whose keys another version of the rules made, locked; what others hold is left to them."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM accounts a WHERE a.id IN ("
        "SELECT id FROM accounts WHERE keys_version <> %s LIMIT %s FOR UPDATE SKIP LOCKED)",
        [version, limit],
    )
    return [_account(row) for row in rows]


def put_keys(connection: Connection, rows: Iterable[AccountRow]) -> None:
    """Store what accounts are found by, and nothing else of them."""
    text = orjson.dumps([_json(row) for row in rows]).decode()
    connection.execute(
        "UPDATE accounts AS a SET keys = g.keys, names = g.names, keys_version = g.keys_version"
        "  FROM json_to_recordset(%s::json)"
        "    AS g (id text, keys integer[], names text[], keys_version integer)"
        " WHERE a.id = g.id",
        [text],
    )


def find_look_alikes(connection: Connection, wanted: Sequence[Sequence[SearchKey]]) -> list[list[Candidate]]:
    """For each list of keys the accounts that share one, those that share the most first.

    At most `MOST_LOOK_ALIKES` each, in one statement, always the same for the same accounts.
    """
    asked = [(number, *key) for number, keys in enumerate(wanted) for key in dict.fromkeys(keys)]
    found: list[list[Candidate]] = [[] for _keys in wanted]
    if asked:
        questions, keys, strong = map(list, zip(*asked, strict=True))
        values = {"questions": questions, "keys": keys, "strong": strong}
        for question, *candidate in connection.execute(_LOOK_ALIKES, values):
            found[question].append(Candidate(*candidate))
    return found


def keys_in_use(connection: Connection, keys: Collection[int]) -> set[int]:
    """Those of these keys that an account has; most keys of a company that nobody knows are nobody's."""
    if not keys:
        return set()
    # In order of the index: neighbours are on the same page.
    rows = connection.execute(_KEYS_IN_USE, [sorted(keys)])
    return {key for (key,) in rows}


def accounts_of_numbers(connection: Connection, numbers: Iterable[int]) -> dict[int, Account]:
    """Accounts by the numbers that stand for them."""
    rows = connection.execute(
        f"SELECT a.number, {_COLUMNS} FROM accounts a WHERE a.number = ANY(%s)", [list(numbers)]
    )
    return {number: _account(tuple(row)) for number, *row in rows}


def accounts_starting(connection: Connection, typed: str, limit: int) -> list[Account]:
    """Accounts of whose names one begins, from some word on, with `typed`, in order of that."""
    # U+10FFFF is nothing that a name has in it.
    values = {"typed": typed, "end": typed + "\U0010ffff", "limit": limit, "most": limit * 4}
    return [_account(row) for row in connection.execute(_STARTING, values)]
