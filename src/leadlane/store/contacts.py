"""Which persons are known at which account, and to which account do an address or a number lead?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import orjson
from psycopg import Connection
from psycopg.rows import class_row


@dataclass(frozen=True, slots=True)
class Contact:
    """A person at an account. Texts are as people wrote them, "" where there is none; the keys are what
    `leadlane.matching.keys` makes of them, None where nothing can be made.
    """

    id: str
    account_id: str | None = None
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone: str = ""
    mobile: str = ""
    email_key: str | None = None
    phone_key: str | None = None
    mobile_key: str | None = None


_CONTACT = (
    "SELECT id, account_id, first_name, last_name, email, phone, mobile, email_key, phone_key, mobile_key"
    " FROM contacts"
)


def contacts(connection: Connection, after: str = "", limit: int = 100) -> list[Contact]:
    """Contacts in order of id, those after a given id."""
    return _found(connection, " WHERE id > %s ORDER BY id LIMIT %s", [after, limit])


def contacts_of(connection: Connection, ids: Iterable[str], *, lock: bool = False) -> dict[str, Contact]:
    """The contacts of these ids, those that there are, by id.

    With `lock`, nobody else changes them until this transaction ends.
    """
    where = " WHERE id = ANY(%s) ORDER BY id" + (" FOR UPDATE" if lock else "")
    return {one.id: one for one in _found(connection, where, [list(ids)])}


def contact(connection: Connection, contact_id: str) -> Contact | None:
    """A contact by its id."""
    return contacts_of(connection, [contact_id]).get(contact_id)


def _found(connection: Connection, where: str, values: Sequence[Any]) -> list[Contact]:
    with connection.cursor(row_factory=class_row(Contact)) as cursor:
        return cursor.execute(_CONTACT + where, values).fetchall()


def put_contacts(connection: Connection, changed: Iterable[Contact], at: datetime) -> None:
    """Store contacts in place of those of the same ids. Their accounts must exist."""
    # In order of id, so that two writers of the same contacts wait for each other and do not deadlock.
    rows = [asdict(one) for one in sorted(changed, key=lambda one: one.id)]
    connection.execute(
        "INSERT INTO contacts (id, account_id, first_name, last_name, email, phone, mobile,"
        " email_key, phone_key, mobile_key, changed_at)"
        " SELECT id, account_id, first_name, last_name, email, phone, mobile,"
        " email_key, phone_key, mobile_key, %s"
        " FROM json_to_recordset(%s::json) AS c (id text, account_id text, first_name text, last_name text,"
        " email text, phone text, mobile text, email_key text, phone_key text, mobile_key text)"
        " ON CONFLICT (id) DO UPDATE SET account_id = excluded.account_id,"
        " first_name = excluded.first_name, last_name = excluded.last_name, email = excluded.email,"
        " phone = excluded.phone, mobile = excluded.mobile, email_key = excluded.email_key,"
        " phone_key = excluded.phone_key, mobile_key = excluded.mobile_key,"
        " changed_at = excluded.changed_at",
        [at, orjson.dumps(rows).decode()],
    )


def accounts_of_emails(connection: Connection, email_keys: Iterable[str]) -> dict[str, str]:
    """The account of each key (see `matching.keys.email_key`) that is a contact's: key → account id.

    An address that contacts of several accounts share names none of them.
    """
    return _only_accounts(
        connection,
        "SELECT email_key, min(account_id) FROM contacts"
        " WHERE email_key = ANY(%(keys)s) AND account_id IS NOT NULL"
        " GROUP BY email_key HAVING min(account_id) = max(account_id)",
        email_keys,
    )


def accounts_of_phones(connection: Connection, phone_keys: Iterable[str]) -> dict[str, str]:
    """The account of each number in E.164 that is a contact's phone or mobile: key → account id.

    A number that contacts of several accounts share names none of them.
    """
    return _only_accounts(
        connection,
        "SELECT key, min(account_id) FROM ("
        " SELECT phone_key AS key, account_id FROM contacts WHERE phone_key = ANY(%(keys)s)"
        " UNION ALL"
        " SELECT mobile_key, account_id FROM contacts WHERE mobile_key = ANY(%(keys)s)) AS numbers"
        " WHERE account_id IS NOT NULL"
        " GROUP BY key HAVING min(account_id) = max(account_id)",
        phone_keys,
    )


def _only_accounts(connection: Connection, statement: str, keys: Iterable[str]) -> dict[str, str]:
    wanted = list(keys)
    if not wanted:
        return {}
    return dict(connection.execute(statement, {"keys": wanted}).fetchall())


def accounts_of_names(connection: Connection, names: Iterable[str]) -> dict[str, list[str]]:
    """The accounts of exactly this name or alias, case aside: name as given → account ids, in order."""
    rows = connection.execute(
        "WITH called AS ("
        " SELECT id, lower(name) AS name FROM accounts"
        " UNION SELECT id, lower(alias) FROM accounts, unnest(aliases) AS alias)"
        " SELECT wanted.name, array_agg(called.id ORDER BY called.id)"
        " FROM unnest(%s::text[]) AS wanted (name) JOIN called ON called.name = lower(wanted.name)"
        " GROUP BY wanted.name",
        [list(names)],
    )
    return dict(rows.fetchall())
