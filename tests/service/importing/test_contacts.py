"""Contacts from exports: at which account, by which keys, refused rows, and nothing done twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest
from tests.service.importing.conftest import NOW

from leadlane.core.facts import Account
from leadlane.matching.keys import email_key
from leadlane.service.importing.difference import Difference, FieldChange
from leadlane.service.roster import put_accounts
from leadlane.store.contacts import Contact, accounts_of_emails, accounts_of_phones, contact

Bring = Callable[..., Difference]

SALESFORCE = """\
Contact ID,First Name,Last Name,Email,Phone,Mobile,Account ID,Account Name
003A0000006Vm9r,Lena,Holt,lena@acme.example,030 5550123,,acme,Acme Maschinenbau GmbH
003A0000006Vm9s,Ugo,Prati,Ugo.Prati+news@gmail.com,,+39 333 5550123,,HELIX Versicherung AG
"""
HUBSPOT = """\
Record ID,First Name,Last Name,Email,Phone Number,Associated Company,Associated Company IDs,Company Name
5501,Lena,Holt,lena@acme.example,,Acme Maschinenbau GmbH;Other,acme;zzz,Somewhere
5502,Nobody,Known,n@nowhere.example,,,,
"""


def test_an_export_of_salesforce_comes_over_as_it_is(published: psycopg.Connection, bring: Bring) -> None:
    difference = bring("contacts", SALESFORCE)
    assert (difference.new["contact"], difference.refused) == (2, 0)
    # A number without a prefix is one of the account's country.
    assert contact(published, "003A0000006Vm9rIAC") == Contact(
        *("003A0000006Vm9rIAC", "acme", "Lena", "Holt", "lena@acme.example", "030 5550123", ""),
        *("lena@acme.example", "+49305550123", None),
    )
    found = contact(published, next(change.id for change in difference.changes if change.name == "Ugo Prati"))
    assert found is not None
    assert (found.account_id, found.email_key, found.mobile_key) == (
        "helix",
        email_key("ugo.prati@gmail.com"),
        "+393335550123",
    )


def test_an_export_of_hubspot_comes_over_as_it_is(published: psycopg.Connection, bring: Bring) -> None:
    difference = bring("contacts", HUBSPOT)
    assert (difference.new["contact"], difference.refused) == (2, 0)
    assert [getattr(contact(published, id_), "account_id", "") for id_ in ("5501", "5502")] == ["acme", None]


def test_the_same_again_changes_nothing(published: psycopg.Connection, bring: Bring) -> None:
    bring("contacts", SALESFORCE)
    before = published.execute("SELECT id, changed_at, xmin::text FROM contacts ORDER BY id").fetchall()
    again = bring("contacts", SALESFORCE, now=NOW + timedelta(days=1))
    assert (again.is_empty, again.unchanged) == (True, 2)
    assert (
        published.execute("SELECT id, changed_at, xmin::text FROM contacts ORDER BY id").fetchall() == before
    )
    trial = bring("contacts", SALESFORCE.replace("Holt", "Hold"), dry_run=True)
    assert [change.fields for change in trial.changes] == [(FieldChange("last_name", "Holt", "Hold"),)]
    assert (
        published.execute("SELECT id, changed_at, xmin::text FROM contacts ORDER BY id").fetchall() == before
    )


def test_an_address_or_a_number_leads_to_the_account(published: psycopg.Connection, bring: Bring) -> None:
    text = """\
id,email,phone,mobile,account_id
1,jo@gmail.com,+49 30 5550100,,acme
2,info@shared.example,+49 30 5550101,+49 171 5550100,acme
3,info@shared.example,+49 30 5550102,+49 30 5550101,helix
4,alone@gmail.com,+49 30 5550103,,
"""
    assert bring("contacts", text).refused == 0
    keys = ["jo@gmail.com", "info@shared.example", "alone@gmail.com", "new@gmail.com"]
    # What two accounts share, or a contact of no account has, tells nothing.
    assert accounts_of_emails(published, keys) == {"jo@gmail.com": "acme"}
    numbers = [f"+4930555010{n}" for n in range(5)] + ["+491715550100"]
    assert accounts_of_phones(published, numbers) == {
        "+49305550100": "acme",
        "+49305550102": "helix",
        "+491715550100": "acme",
    }
    assert accounts_of_emails(published, []) == {}


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ("1,no address,,,", "email", "this is not an e-mail address"),
        ("1,a@b.example,1,,", "phone", "this is no possible phone number"),
        ("1,a@b.example,,A99,", "account_id", "there is no account of this id"),
        ("1,a@b.example,,,Nobody Ltd", "account", "there is no account of this name"),
        ("1,a@b.example,,,Twin", "account", "2 accounts have this name: t1, t2"),
        (",,+49 30 5550100,,", "", "neither an id nor an e-mail address"),
        ("2,a@b.example,,,", "id", "row 1 of the data has this id already"),
    ],
)
def test_what_is_wrong_with_a_row_is_said_and_the_others_go_in(
    published: psycopg.Connection, bring: Bring, row: str, column: str, reason: str
) -> None:
    put_accounts(published, [Account("t1", "Twin", ("t1.example",)), Account("t2", "Twin")], NOW)
    text = f"id,email,phone,account_id,account\n2,ok@acme.example,,,\n{row}\n"
    difference = bring("contacts", text)
    assert (difference.new["contact"], difference.refused) == (1, 1)
    assert difference.refusals[0].column == column
    assert reason in difference.refusals[0].reason


def test_the_domain_decides_where_a_name_does_not(published: psycopg.Connection, bring: Bring) -> None:
    put_accounts(published, [Account("t1", "Twin", ("t1.example",)), Account("t2", "Twin")], NOW)
    text = "id,email,account\n1,a@t1.example,Twin\n2,b@t1.example,T-One\n3,c@t1.example,\n"
    assert bring("contacts", text).refused == 0
    assert published.execute("SELECT DISTINCT account_id FROM contacts").fetchall() == [("t1",)]


def test_a_contact_without_an_id_is_known_by_the_address(published: psycopg.Connection, bring: Bring) -> None:
    bring("contacts", "Full Name,Email\nMia Berg,Mia@acme.example\n")
    found = contact(published, "mia@acme.example")
    assert found is not None
    assert (found.first_name, found.last_name, found.account_id) == ("Mia", "Berg", "acme")
    assert bring("contacts", "Full Name,Email\nMia Berg,Mia@acme.example\n").unchanged == 1
