"""Which leads are there of this person, this company, this number or this name? And how do pools stand?"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from leadlane.core.fairness import Ledger
from leadlane.store.batches import LoadRow
from leadlane.store.contacts import Contact

# Asked for one by one, so that a million closed leads do not stand before one that is open.
_STAGES = ("working", "accepted", "assigned", "review", "nurture", "closed")
# Behind every text that begins with a given one: text_pattern_ops compares bytes, and no character has more.
_BEHIND = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class LeadCard:
    """A lead as far as it says whose somebody is. `fields` are as stored."""

    id: str
    arrived_at: datetime
    fields: dict[str, Any]
    email_key: str | None
    domain: str | None
    account_id: str | None
    segment: str | None
    stage: str
    route: str
    destination: str
    owner: str | None
    covered_by: str | None
    next_step: str | None
    next_step_due_at: datetime | None
    respond_by: datetime | None
    outcome: str | None
    closed_at: datetime | None
    changed_at: datetime

    @property
    def is_open(self) -> bool:
        """Not closed yet."""
        return self.stage != "closed"


@dataclass(frozen=True, slots=True)
class Named:
    """A lead found by a name. `spoken` is the name by which it was found, as names are compared."""

    lead: LeadCard
    kind: str
    spoken: str


@dataclass(frozen=True, slots=True)
class LastTouch:
    """The last touch of a lead: when, by whom (None: unknown), and how."""

    lead_id: str
    at: datetime
    person: str | None
    kind: str


# The columns that hold a name, and of what.
_NAMES = (("person", "first_last"), ("person", "last_first"), ("company", "company_spoken"))
_CARD = (
    "l.id, l.arrived_at, l.fields, l.email_key, l.domain, l.account_id, l.segment, l.stage, l.route,"
    " l.destination, l.owner, l.covered_by, l.next_step, l.next_step_due_at, l.respond_by, l.outcome,"
    " l.closed_at, l.changed_at"
)


def by_id(connection: Connection, lead_id: str) -> list[LeadCard]:
    """The lead that goes by this id, its own or one of a lead that was merged into it."""
    return _cards(connection, f"SELECT {_CARD} FROM leads l WHERE l.id = lead_now(%(id)s)", {"id": lead_id})


def by_email(connection: Connection, email_key: str, most: int) -> list[LeadCard]:
    """The open lead of a mailbox, then its closed ones, the newest first, at most so many."""
    return _of_person(connection, "email_key", [email_key], most)


def by_phone(connection: Connection, phone_keys: Sequence[str], most: int) -> list[LeadCard]:
    """The leads of these numbers, at most so many open and so many closed, the newest first."""
    return _of_person(connection, "phone_key", phone_keys, most)


def _of_person(connection: Connection, column: str, keys: Sequence[str], most: int) -> list[LeadCard]:
    return _cards(
        connection,
        f"SELECT {_CARD} FROM unnest(%(keys)s::text[]) AS wanted (key), LATERAL ("
        f"(SELECT * FROM leads WHERE {column} = wanted.key AND stage <> 'closed'"
        " ORDER BY arrived_at DESC LIMIT %(most)s) UNION ALL"
        f" (SELECT * FROM leads WHERE {column} = wanted.key AND stage = 'closed' AND merged_into IS NULL"
        " ORDER BY arrived_at DESC LIMIT %(most)s)) AS l",
        {"keys": list(keys), "most": most},
    )


def by_companies(
    connection: Connection, domains: Collection[str], account_ids: Collection[str], most: int
) -> list[LeadCard]:
    """The leads of these companies, at most so many in each stage.

    Worked ones the oldest first, as routing meets them, and also those that belong to an account for
    another reason than their domain; the others the newest first.
    """
    worked = "stage IN ('assigned', 'accepted', 'working')"
    return _cards(
        connection,
        f"SELECT {_CARD} FROM unnest(%(domains)s::text[]) AS wanted (domain), LATERAL ("
        f" SELECT * FROM leads WHERE leads.domain = wanted.domain AND {worked}"
        " ORDER BY arrived_at, id LIMIT %(most)s) AS l"
        f" UNION ALL SELECT {_CARD} FROM unnest(%(accounts)s::text[]) AS wanted (id), LATERAL ("
        f" SELECT * FROM leads WHERE leads.account_id = wanted.id AND linked AND {worked}"
        " ORDER BY arrived_at, id LIMIT %(most)s) AS l"
        f" UNION ALL SELECT {_CARD} FROM unnest(%(domains)s::text[]) AS wanted (domain),"
        " unnest(ARRAY['review', 'nurture', 'closed']) AS resting (stage), LATERAL ("
        " SELECT * FROM leads WHERE leads.domain = wanted.domain AND leads.stage = resting.stage"
        " AND leads.stage IN ('review', 'nurture', 'closed') AND merged_into IS NULL"
        " ORDER BY arrived_at DESC LIMIT %(most)s) AS l",
        {"domains": list(domains), "accounts": list(account_ids), "most": most},
    )


def by_name(connection: Connection, names: Sequence[str], kinds: Collection[str], most: int) -> list[Named]:
    """Leads whose person (in either order of the name) or company begins with one of `names`.

    `names` are as `matching.spoken` writes them, `kinds` are of person, company. At most so many in each
    stage, in order of the name.
    """
    found: list[Named] = []
    for kind, column in _NAMES:
        if kind not in kinds:
            continue
        rows = connection.execute(
            f"SELECT l.{column}, {_CARD} FROM unnest(%(names)s::text[]) AS wanted (name),"
            " unnest(%(stages)s::text[]) AS standing (stage), LATERAL ("
            f" SELECT * FROM leads WHERE leads.stage = standing.stage AND {column} ~>=~ wanted.name"
            f" AND {column} ~<~ (wanted.name || %(behind)s) AND merged_into IS NULL"
            f" ORDER BY {column} USING ~<~ LIMIT %(most)s) AS l",
            {"names": list(names), "stages": list(_STAGES), "behind": _BEHIND, "most": most},
        )
        found += [Named(LeadCard(*row[1:]), kind, row[0]) for row in rows]
    return found


def contacts_by(
    connection: Connection, *, email_key: str | None = None, phone_keys: Collection[str] = ()
) -> list[Contact]:
    """The contacts of a mailbox or of these numbers, in order of id."""
    with connection.cursor(row_factory=class_row(Contact)) as cursor:
        return cursor.execute(
            "SELECT id, account_id, first_name, last_name, email, phone, mobile, email_key, phone_key,"
            " mobile_key FROM contacts WHERE email_key = %(email)s OR phone_key = ANY(%(phones)s)"
            " OR mobile_key = ANY(%(phones)s) ORDER BY id LIMIT 10",
            {"email": email_key, "phones": list(phone_keys)},
        ).fetchall()


def last_touches(connection: Connection, lead_ids: Collection[str]) -> dict[str, LastTouch]:
    """The last touch of each of these leads that was ever touched, by id."""
    with connection.cursor(row_factory=class_row(LastTouch)) as cursor:
        rows = cursor.execute(
            "SELECT t.lead_id, t.at, t.person, t.kind FROM unnest(%s::text[]) AS wanted (id), LATERAL ("
            " SELECT * FROM touches WHERE lead_id = wanted.id ORDER BY at DESC, id DESC LIMIT 1) AS t",
            [list(lead_ids)],
        )
        return {row.lead_id: row for row in rows}


def accounts_of_domains(connection: Connection, domains: Collection[str]) -> dict[str, str]:
    """The account of each domain that is one's: domain → account id."""
    if not domains:
        return {}
    rows = connection.execute(
        "SELECT domain, account_id FROM account_domains WHERE domain = ANY(%s)", [list(domains)]
    )
    return dict(rows.fetchall())


def state_of(
    connection: Connection, pools: Iterable[str], people: Iterable[str]
) -> tuple[dict[str, Ledger], list[LoadRow]]:
    """The ledgers of `pools` and the loads of `people` as they are now; nothing is locked."""
    rows = connection.execute("SELECT pool, picks, members FROM ledgers WHERE pool = ANY(%s)", [list(pools)])
    ledgers = {
        pool: Ledger(
            {person: balance for person, (balance, _last) in members.items()},
            {person: last for person, (_balance, last) in members.items() if last},
            picks,
        )
        for pool, picks, members in rows
    }
    loads = connection.execute(
        "SELECT person, open, today, today_on FROM loads WHERE person = ANY(%s)", [list(people)]
    )
    return ledgers, loads.fetchall()


def _cards(connection: Connection, statement: str, values: dict[str, Any]) -> list[LeadCard]:
    with connection.cursor(row_factory=class_row(LeadCard)) as cursor:
        return cursor.execute(statement, values).fetchall()
