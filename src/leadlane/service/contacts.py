"""Who is known at which account? Contacts: checked, given their keys, then stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from psycopg import Connection

from leadlane.errors import LeadlaneError
from leadlane.i18n import _
from leadlane.matching.keys import email_key, phone_key
from leadlane.store import contacts
from leadlane.store.accounts import accounts_of
from leadlane.store.contacts import Contact


def put_contacts(connection: Connection, given: Sequence[Contact], now: datetime) -> int:
    """Store contacts in place of those of the same ids; their keys follow from what they say.

    Returns how many were given; those that are as stored stay untouched. LeadlaneError, and nothing changes,
    if an account is unknown.
    """
    with connection.transaction():
        accounts = accounts_of(connection, {one.account_id for one in given if one.account_id})
        for one in given:
            if one.account_id and one.account_id not in accounts:
                raise LeadlaneError(
                    _("The account {account} of the contact {contact} is not known.").format(
                        account=one.account_id, contact=one.id
                    )
                )
        countries = {id_: account.country for id_, account in accounts.items()}
        stored = contacts.contacts_of(connection, (one.id for one in given))
        keyed = [with_keys(one, countries.get(one.account_id or "", "")) for one in given]
        contacts.put_contacts(connection, [one for one in keyed if stored.get(one.id) != one], now)
    return len(given)


def with_keys(contact: Contact, country: str) -> Contact:
    """A contact with the keys that follow from its address and its numbers.

    `country` (ISO alpha-2, or "") is that of its account: numbers without a country's prefix are read there.
    """
    return replace(
        contact,
        email_key=email_key(contact.email),
        phone_key=phone_key(contact.phone, country or None),
        mobile_key=phone_key(contact.mobile, country or None),
    )
