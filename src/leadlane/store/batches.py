"""What does a batch meet, and how is what was decided written? Few statements, however many leads."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from hashlib import blake2b
from typing import Any

import orjson
from psycopg import Connection, RawCursor
from psycopg.rows import tuple_row

from leadlane.core.facts import Account
from leadlane.core.fairness import Ledger
from leadlane.store.db import configure_connection

_PLACEHOLDER = re.compile(r"%\((\w+)\)s")

# An open lead as it is decided about. `version` guards it until the batch is written.
_LEAD = """id, arrived_at, fields, signals, email_key, domain, phone_key, name_key, account_id, linked,
       unsure, stage, intent, owner, covered_by, pool, destination, service_level, respond_by,
       responded_at IS NOT NULL AS responded, route, next_step, next_step_due_at, planned, excluded,
       waiting_pool, policy_version AS policy, accepted_at IS NOT NULL AS accepted, held_since, chase_at,
       chased, reassigned, place, xmin AS version"""

# Everything that the arrivals of a batch may meet, in one round trip.
_MEET = """
SELECT
    nextval('batch_ids'),
    (SELECT version FROM publications ORDER BY number DESC LIMIT 1),
    (SELECT revision FROM roster_revision),
    (SELECT json_agg(found) FROM (
        SELECT id, CASE WHEN merged_into IS NULL THEN id ELSE lead_now(id) END AS lead_id,
               batch_id, decision_number AS number, email_key
          FROM leads WHERE id = ANY(%(ids)s)
        UNION ALL
        SELECT a.id, CASE WHEN l.merged_into IS NULL THEN l.id ELSE lead_now(l.id) END,
               l.batch_id, l.decision_number, l.email_key
          FROM lead_aliases a JOIN leads l ON l.id = a.lead_id WHERE a.id = ANY(%(ids)s)) found),
    (SELECT json_agg(found) FROM (
        SELECT key, fingerprint, lead_id, batch_id, number
          FROM idempotency_keys WHERE key = ANY(%(keys)s)) found),
    (SELECT json_agg(found) FROM (
        SELECT {lead} FROM leads WHERE email_key = ANY(%(emails)s) AND stage <> 'closed'
        UNION ALL
        SELECT {lead} FROM leads
         WHERE id IN (SELECT unnest(%(targets)s::text[]) UNION SELECT unnest(%(reopened)s::text[])
                      UNION SELECT lead_now(id) FROM lead_aliases WHERE lead_aliases.id = ANY(%(targets)s)
                      UNION SELECT lead_now(id) FROM leads
                             WHERE id = ANY(%(targets)s) AND merged_into IS NOT NULL
                      UNION SELECT alike.id
                              FROM unnest(%(phones)s::text[]) AS wanted (phone),
                                   LATERAL (SELECT id FROM leads
                                             WHERE phone_key = wanted.phone AND stage <> 'closed'
                                             ORDER BY phone_key, arrived_at, id LIMIT %(most_alike)s) AS alike
                      UNION SELECT alike.id
                              FROM unnest(%(names)s::text[]) AS wanted (name),
                                   LATERAL (SELECT id FROM leads
                                             WHERE name_key = wanted.name AND stage <> 'closed'
                                             ORDER BY name_key, arrived_at, id LIMIT %(most_alike)s) AS alike)
           AND (stage <> 'closed' OR id = ANY(%(reopened)s))
           AND NOT coalesce(stage <> 'closed' AND email_key = ANY(%(emails)s), false)) found),
    (SELECT json_agg(found) FROM (
        SELECT worked.*
          FROM unnest(%(domains)s::text[]) AS wanted (domain),
               LATERAL (SELECT id, arrived_at, domain, stage, owner, account_id, linked
                          FROM leads
                         WHERE leads.domain = wanted.domain AND stage IN ('assigned', 'accepted', 'working')
                         ORDER BY arrived_at, id
                         LIMIT 2) AS worked
        UNION
        SELECT worked.*
          FROM account_domains d,
               LATERAL (SELECT id, arrived_at, domain, stage, owner, account_id, linked
                          FROM leads
                         WHERE leads.account_id = d.account_id AND linked
                           AND stage IN ('assigned', 'accepted', 'working')
                         ORDER BY leads.account_id, arrived_at, id LIMIT 2) AS worked
         WHERE d.domain = ANY(%(domains)s)) found),
    (SELECT json_agg(found) FROM (
        SELECT d.domain, a.id, a.name, a.named, a.customer, a.owner, a.country, a.aliases, a.city, a.phone,
               (SELECT json_agg(o.domain ORDER BY o.domain) FROM account_domains o WHERE o.account_id = a.id)
                   AS domains
          FROM account_domains d JOIN accounts a ON a.id = d.account_id
         WHERE d.domain = ANY(%(domains)s)) found),
    (SELECT json_agg(found) FROM (
        SELECT key, min(account_id) AS account_id
          FROM (SELECT email_key AS key, account_id FROM contacts WHERE email_key = ANY(%(emails)s)
                UNION ALL
                SELECT phone_key, account_id FROM contacts WHERE phone_key = ANY(%(phones)s)
                UNION ALL
                SELECT mobile_key, account_id FROM contacts WHERE mobile_key = ANY(%(phones)s)) AS reached
         WHERE account_id IS NOT NULL
         GROUP BY key HAVING min(account_id) = max(account_id)) found),
    EXISTS (SELECT FROM accounts)
""".replace("{lead}", _LEAD)

_MEET_ACCOUNTS = """
SELECT
    (SELECT json_agg(found) FROM (
        SELECT a.id, a.name, a.named, a.customer, a.owner, a.country, a.aliases, a.city, a.phone,
               coalesce((SELECT json_agg(o.domain ORDER BY o.domain) FROM account_domains o
                          WHERE o.account_id = a.id), '[]') AS domains
          FROM accounts a WHERE a.id = ANY(%(accounts)s) ORDER BY a.id) found),
    (SELECT json_agg(found) FROM (
        SELECT worked.*
          FROM account_domains d,
               LATERAL (SELECT id, arrived_at, domain, stage, owner, account_id, linked
                          FROM leads
                         WHERE leads.domain = d.domain AND stage IN ('assigned', 'accepted', 'working')
                         ORDER BY arrived_at, id LIMIT 2) AS worked
         WHERE d.account_id = ANY(%(accounts)s)
        UNION
        SELECT worked.*
          FROM unnest(%(accounts)s::text[]) AS wanted (account_id),
               LATERAL (SELECT id, arrived_at, domain, stage, owner, account_id, linked
                          FROM leads
                         WHERE leads.account_id = wanted.account_id AND linked
                           AND stage IN ('assigned', 'accepted', 'working')
                         ORDER BY leads.account_id, arrived_at, id LIMIT 2) AS worked
         ORDER BY arrived_at, id) found)
"""

# Colleagues who come at the same moment through two processes: the second waits, and meets the first.
_HOLD_PROSPECTS = "SELECT pg_advisory_xact_lock(key) FROM unnest(%s::bigint[]) AS key"

_HOLD_LEADS = """
SELECT FROM leads
 WHERE id IN (SELECT id FROM leads WHERE email_key = ANY(%(emails)s) AND stage <> 'closed'
              UNION SELECT unnest(%(targets)s::text[])
              UNION SELECT lead_id FROM lead_aliases WHERE id = ANY(%(targets)s))
 ORDER BY id FOR UPDATE
"""

_REMEMBER_KEYS = """
INSERT INTO idempotency_keys (key, fingerprint, lead_id, batch_id, number, at)
SELECT key, fingerprint, lead_id, batch_id, number, %(at)s
  FROM json_to_recordset(%(keys)s::json) AS k (
       key text, fingerprint text, lead_id text, batch_id bigint, number integer)
"""

_LOCK_LEDGERS = """
SELECT pool, picks, members FROM ledgers WHERE pool = ANY(%(pools)s) ORDER BY pool FOR UPDATE
"""

# A statement of its own: it must see what was committed while we waited for the ledgers.
_READ_LOADS = "SELECT person, open, today, today_on FROM loads WHERE person = ANY(%(people)s)"

# Of the open leads of one telephone number or one name so many are looked at, the oldest: a switchboard has
# thousands.
MOST_ALIKE = 5

# Everything that a batch decided, in one statement: all of it or nothing.
_WRITE = """
WITH batch AS (
    INSERT INTO batches (id, at, policy_version, roster_revision, world)
    VALUES (%(batch_id)s, %(at)s, %(policy)s, %(roster)s, %(world)s::json)
), decided AS (
    INSERT INTO decisions (batch_id, number, lead_id, at, outcome, route, destination, owner, arrival, trace)
    SELECT %(batch_id)s, number, lead_id, %(at)s, outcome, route, destination, owner, arrival, trace
      FROM json_to_recordset(%(decisions)s::json) AS d (
           number integer, lead_id text, outcome text, route text, destination text, owner text,
           arrival json, trace json)
), placed AS (
    INSERT INTO leads SELECT * FROM json_populate_recordset(NULL::leads, %(placed)s::json)
    RETURNING 1
), changed AS (
    UPDATE leads AS l
       SET fields = n.fields, signals = n.signals, intent = n.intent, fit = n.fit, fit_score = n.fit_score,
           segment = n.segment, deal_value = n.deal_value, deal_band = n.deal_band,
           relationship = coalesce(n.relationship, l.relationship), email_key = n.email_key,
           domain = n.domain, stage = n.stage, route = n.route, destination = n.destination,
           pool = n.pool, waiting_pool = n.waiting_pool, owner = n.owner, covered_by = n.covered_by,
           service_level = n.service_level, respond_by = n.respond_by, next_step = n.next_step,
           next_step_due_at = n.next_step_due_at, planned = n.planned,
           excluded = n.excluded, policy_version = n.policy_version, held_since = n.held_since,
           chase_at = n.chase_at, chased = n.chased, reassigned = n.reassigned,
           closed_at = n.closed_at, outcome = n.outcome, value = n.value, place = n.place,
           phone_key = n.phone_key, name_key = n.name_key, linked = n.linked, unsure = n.unsure,
           first_last = n.first_last, last_first = n.last_first, company_spoken = n.company_spoken,
           account_id = CASE WHEN n.relationship IS NULL THEN l.account_id ELSE n.account_id END,
           merged_into = n.merged_into,
           batch_id = coalesce(n.batch_id, l.batch_id),
           decision_number = coalesce(n.decision_number, l.decision_number), changed_at = n.changed_at,
           -- What happened once, happened then.
           accepted_at = CASE WHEN n.accepted_at IS NOT NULL THEN coalesce(l.accepted_at, n.accepted_at) END,
           responded_at = CASE WHEN n.responded_at IS NOT NULL
                               THEN coalesce(l.responded_at, n.responded_at) END
      FROM json_to_recordset(%(changed)s::json) AS c (place integer, version text, lead json),
           json_populate_record(NULL::leads, c.lead) AS n
     -- The place guards what people see; the version of the row guards all else, such as its signals.
     WHERE l.id = n.id AND l.place = c.place AND l.xmin::text = c.version
    RETURNING 1
), told AS (
    INSERT INTO timeline (lead_id, at, event, actor, details)
    SELECT lead_id, %(at)s, event, actor, details
      FROM json_to_recordset(%(timeline)s::json) AS t (lead_id text, event text, actor text, details json)
), touched AS (
    INSERT INTO touches (lead_id, at, person, kind, note)
    SELECT lead_id, %(at)s, person, kind, note
      FROM json_to_recordset(%(touches)s::json) AS c (lead_id text, person text, kind text, note text)
), sent AS (
    INSERT INTO outbox (lead_id, place, event, person, created_at)
    SELECT lead_id, place, event, person, %(at)s
      FROM json_to_recordset(%(outbox)s::json) AS o (lead_id text, place integer, event text, person text)
), booked AS (
    UPDATE ledgers SET picks = b.picks, members = b.members
      FROM json_to_recordset(%(ledgers)s::json) AS b (pool text, picks bigint, members json)
     WHERE ledgers.pool = b.pool
), loaded AS (
    -- The database itself never lets a pick pass max_open, whatever the writer believed.
    UPDATE loads
       SET open = loads.open + n.open,
           -- What is decided as of an earlier day does not count today, and does not make today forgotten.
           today = CASE WHEN loads.today_on = n.today_on THEN loads.today + n.today
                        WHEN loads.today_on > n.today_on THEN loads.today ELSE n.today END,
           today_on = greatest(loads.today_on, n.today_on)
      FROM json_to_recordset(%(loads)s::json) AS n (
           person text, open integer, today integer, today_on date, peak integer, cap integer)
     WHERE loads.person = n.person AND (n.cap IS NULL OR n.peak IS NULL OR loads.open + n.peak <= n.cap)
    RETURNING 1
), aliased AS (
    INSERT INTO lead_aliases (id, lead_id)
    SELECT id, lead_id FROM json_to_recordset(%(aliases)s::json) AS a (id text, lead_id text)
), parted AS (
    DELETE FROM lead_aliases WHERE id = ANY(%(parted)s)
), kept_apart AS (
    INSERT INTO kept_apart (kind, one, other, at, by)
    SELECT 'lead', one, other, %(at)s, by
      FROM json_to_recordset(%(kept_apart)s::json) AS k (one text, other text, by text)
    ON CONFLICT DO NOTHING
), keyed AS (
    INSERT INTO idempotency_keys (key, fingerprint, lead_id, batch_id, number, at)
    SELECT key, fingerprint, lead_id, %(batch_id)s, number, %(at)s
      FROM json_to_recordset(%(keys)s::json) AS k (
           key text, fingerprint text, lead_id text, number integer)
)
SELECT (SELECT count(*) FROM changed), (SELECT count(*) FROM loaded)
"""


# The statements above reach every row by an index, whatever the tables' size: one plan, made once. A
# plan chosen by the size of a table that was small then would read all of it when it no longer is.
_PLANS = """
SET plan_cache_mode = force_generic_plan;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
"""


def configure(connection: Connection) -> None:
    """Set up a connection on which batches are routed; see `open_pool`."""
    configure_connection(connection)
    connection.execute(_PLANS)
    connection.commit()


class StaleError(Exception):
    """Somebody else changed what this batch was decided on; decide it again."""


@dataclass(frozen=True, slots=True)
class Met:
    """What the arrivals of a batch may meet. Rows are as the statement names their columns.

    `batch_id` is reserved for the batch; `policy` is None if nothing was ever published. `accounts` are by
    domain; `contacts` say to which one account a contact's mailbox or number belongs; `has_accounts` is
    whether any is known at all.
    """

    batch_id: int
    policy: str | None
    roster: int
    ids: list[dict[str, Any]]
    keys: list[dict[str, Any]]
    open_leads: list[dict[str, Any]]
    worked: list[dict[str, Any]]
    accounts: dict[str, Account]
    contacts: list[dict[str, Any]]
    has_accounts: bool


# A person's load as stored: person, open, today, and the day that `today` counts for.
LoadRow = tuple[str, int, int, date]


@dataclass(frozen=True, slots=True)
class Written:
    """Everything that a batch writes; lists of rows as `_WRITE` names their columns."""

    batch_id: int
    at: datetime
    policy: str
    roster: int
    world: bytes
    decisions: bytes
    placed: list[dict[str, Any]]
    changed: list[dict[str, Any]]
    timeline: list[dict[str, Any]]
    outbox: list[dict[str, Any]]
    touches: list[dict[str, Any]]
    ledgers: list[dict[str, Any]]
    loads: list[dict[str, Any]]
    aliases: list[dict[str, Any]]
    keys: list[dict[str, Any]]
    parted: list[str]
    kept_apart: list[dict[str, Any]]


def account_of(row: Mapping[str, Any]) -> Account:
    """An account from a row as the statements name its columns."""
    return Account(
        row["id"],
        row["name"],
        tuple(row["domains"]),
        row["named"],
        row["customer"],
        row["owner"],
        row["country"],
        tuple(row["aliases"]),
        row["city"],
        row["phone"],
    )


def meet(
    connection: Connection,
    ids: Sequence[str],
    targets: Sequence[str],
    emails: Sequence[str],
    domains: Sequence[str],
    keys: Sequence[str],
    phones: Sequence[str] = (),
    names: Sequence[str] = (),
    reopened: Sequence[str] = (),
) -> Met:
    """Look up everything that arrivals with these ids, targets and keys may meet.

    Open leads of the same phone or name are met too, the oldest few of each; of `reopened` also those that
    are closed.
    """
    row = _one(
        connection,
        _MEET,
        {
            "ids": ids,
            "targets": targets,
            "emails": emails,
            "domains": domains,
            "keys": keys,
            "phones": list(phones),
            "names": list(names),
            "reopened": list(reopened),
            "most_alike": MOST_ALIKE,
        },
    )
    accounts = {found["domain"]: account_of(found) for found in row[7] or ()}
    return Met(
        batch_id=row[0],
        policy=row[1],
        roster=row[2],
        ids=row[3] or [],
        keys=row[4] or [],
        open_leads=row[5] or [],
        worked=row[6] or [],
        accounts=accounts,
        contacts=row[8] or [],
        has_accounts=row[9],
    )


def hold_prospects(connection: Connection, names: Iterable[str]) -> None:
    """Wait until nobody else decides about these prospects; nobody does until this transaction ends.

    `names` are what they are known by: domains, telephone numbers, names, accounts.
    """
    keys = sorted(
        int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), signed=True) for name in names
    )
    if keys:
        connection.execute(_HOLD_PROSPECTS, [keys])


def meet_accounts(
    connection: Connection, account_ids: Sequence[str]
) -> tuple[list[Account], list[dict[str, Any]]]:
    """These accounts, and the oldest leads that are worked at each: by its domains, or linked to it."""
    found, worked = _one(connection, _MEET_ACCOUNTS, {"accounts": list(account_ids)})
    return [account_of(row) for row in found or ()], worked or []


def hold_leads(
    connection: Connection, pools: Iterable[str], targets: Sequence[str], emails: Sequence[str]
) -> None:
    """Lock ledgers and open leads before they are met: who lost a race cannot lose it again."""
    connection.execute(_LOCK_LEDGERS, {"pools": sorted(pools)})
    connection.execute(_HOLD_LEADS, {"targets": list(targets), "emails": list(emails)})


def remember_keys(connection: Connection, keys: Sequence[dict[str, Any]], now: datetime) -> None:
    """Store idempotency keys whose requests were answered from decisions made before."""
    connection.execute(_REMEMBER_KEYS, {"keys": orjson.dumps(keys).decode(), "at": now})


def lock_ledgers(
    connection: Connection, pools: Collection[str], people: Iterable[str]
) -> tuple[dict[str, Ledger], list[LoadRow]]:
    """Lock the ledgers of `pools` in one order, then read the loads of `people`.

    Whoever else picks from one of the pools waits until this transaction ends.
    """
    people = list(people)
    if not pools and not people:
        return {}, []
    locked = connection.execute(_LOCK_LEDGERS, {"pools": sorted(pools)})
    read = connection.execute(_READ_LOADS, {"people": people})
    ledgers = {
        pool: Ledger(
            {person: balance for person, (balance, _) in members.items()},
            {person: last for person, (_, last) in members.items() if last},
            picks,
        )
        for pool, picks, members in locked.fetchall()
    }
    return ledgers, read.fetchall()


def read_loads(connection: Connection, people: Iterable[str]) -> list[LoadRow]:
    """The loads of `people` as they are now."""
    return connection.execute(_READ_LOADS, {"people": list(people)}).fetchall()


def ledger_row(pool: str, ledger: Ledger) -> dict[str, Any]:
    """A ledger as it is stored."""
    people = sorted(ledger.balances.keys() | ledger.last.keys())
    members = {person: [ledger.balances.get(person, 0), ledger.last.get(person, 0)] for person in people}
    return {"pool": pool, "picks": ledger.picks, "members": members}


def write(connection: Connection, written: Written) -> None:
    """Write a batch. StaleError if a lead or a load is no longer what the batch was decided on."""
    changed, loaded = _one(
        connection,
        _WRITE,
        {
            "batch_id": written.batch_id,
            "at": written.at,
            "policy": written.policy,
            "roster": written.roster,
            "world": written.world,
            "decisions": written.decisions,
            "placed": orjson.dumps(written.placed),
            "changed": orjson.dumps(written.changed),
            "timeline": orjson.dumps(written.timeline),
            "outbox": orjson.dumps(written.outbox),
            "touches": orjson.dumps(written.touches),
            "ledgers": orjson.dumps(written.ledgers),
            "loads": orjson.dumps(written.loads),
            "aliases": orjson.dumps(written.aliases),
            "keys": orjson.dumps(written.keys),
            "parted": written.parted,
            "kept_apart": orjson.dumps(written.kept_apart),
        },
    )
    if changed != len(written.changed) or loaded != len(written.loads):
        raise StaleError


def _one(connection: Connection, statement: str, values: Mapping[str, Any]) -> tuple[Any, ...]:
    # JSON goes as text of an unknown type: bytes would be taken for bytea.
    texts = {name: value.decode() if isinstance(value, bytes) else value for name, value in values.items()}
    numbered, names = _numbered(statement)
    with RawCursor(connection, row_factory=tuple_row) as cursor:
        row = cursor.execute(numbered, [texts[name] for name in names]).fetchone()
    if row is None:
        raise RuntimeError("a SELECT of aggregates always gives one row")
    return row


@cache
def _numbered(statement: str) -> tuple[bytes, tuple[str, ...]]:
    """A statement with $1, $2 … for its %(name)s, and those names in order.

    Psycopg does the same, but takes statements as long as these apart anew each time.
    """
    names = tuple(dict.fromkeys(_PLACEHOLDER.findall(statement)))
    numbered = _PLACEHOLDER.sub(lambda found: f"${names.index(found[1]) + 1}", statement)
    return numbered.encode(), names
