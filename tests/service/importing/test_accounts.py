"""Accounts from exports: recognised columns, refused rows, and nothing done twice."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from tests.service.importing.conftest import NOW

from leadlane.core.facts import Account
from leadlane.errors import LeadlaneError
from leadlane.service.importing.difference import Difference, FieldChange
from leadlane.service.roster import put_accounts
from leadlane.store.accounts import account

Bring = Callable[..., Difference]

SALESFORCE = """\
Account ID,Account Name,Type,Billing City,Billing Country,Billing Country Code,Phone,Website,Account Owner,SIC
001A0000006Vm9r,Brightwater GmbH,Customer - Direct,Berlin,Germany,DE,+49 30 5550123,\
https://www.brightwater.example/de,Anna Nowak,4941
001A0000006Vm9s,"Coastline Foods, Inc.",Prospect,Boston,United States,US,(617) 555-0123,\
coastline.example,Boris Keller,2099
"""
HUBSPOT = """\
Record ID;Company name;Company owner;Lifecycle Stage;Company Domain Name;Website URL;Country/Region;\
City;Target Account
880011;Fjordlys AS;ida@seller.example;Customer;fjordlys.example;https://www.fjordlys.example;Norway;Oslo;Yes
880012;Stille Vann;No owner;Lead;facebook.com/stille;https://www.linkedin.com/company/stille;Norway;;
"""


def changed_at(connection: psycopg.Connection) -> list[tuple[object, ...]]:
    return connection.execute("SELECT id, changed_at, xmin::text FROM accounts ORDER BY id").fetchall()


def test_an_export_of_salesforce_comes_over_as_it_is(published: psycopg.Connection, bring: Bring) -> None:
    difference = bring("accounts", SALESFORCE)
    assert (difference.new["account"], difference.refused, difference.total) == (2, 0, 2)
    # Reports cut ids to 15 characters; this is the same id.
    assert account(published, "001A0000006Vm9rIAC") == Account(
        "001A0000006Vm9rIAC",
        "Brightwater GmbH",
        ("brightwater.example",),
        customer=True,
        owner="anna",
        country="DE",
        city="Berlin",
        phone="+49 30 5550123",
    )
    assert difference.notes == ["These columns are not used: Billing Country Code, SIC."]


def test_an_export_of_hubspot_comes_over_as_it_is(published: psycopg.Connection, bring: Bring) -> None:
    difference = bring("accounts", HUBSPOT)
    assert (difference.new["account"], difference.refused) == (2, 0)
    assert account(published, "880011") == Account(
        "880011",
        "Fjordlys AS",
        ("fjordlys.example",),
        named=True,
        customer=True,
        owner="ida",
        country="NO",
        city="Oslo",
    )
    # A profile on somebody's site is no domain of the company.
    assert account(published, "880012") == Account("880012", "Stille Vann", country="NO")


def test_the_same_again_changes_nothing(published: psycopg.Connection, bring: Bring) -> None:
    bring("accounts", SALESFORCE)
    before = changed_at(published)
    again = bring("accounts", SALESFORCE, now=NOW + timedelta(days=1))
    assert (again.is_empty, again.unchanged) == (True, 2)
    assert changed_at(published) == before
    # The long form of the ids, as another kind of export has them, is the same again too.
    long = SALESFORCE.replace("001A0000006Vm9r", "001A0000006Vm9rIAC")
    assert bring("accounts", long).unchanged == 2


def test_a_dry_run_shows_what_a_real_one_does_and_writes_nothing(
    published: psycopg.Connection, bring: Bring, tmp_path: Path
) -> None:
    bring("accounts", SALESFORCE)
    before = changed_at(published)
    text = SALESFORCE.replace("Boston", "Quincy").replace("Anna Nowak", "dora") + "9,New,,,,,,gmail.com,,\n"
    trial = bring("accounts", text, dry_run=True)
    assert changed_at(published) == before
    assert not list(tmp_path.glob("*.rejected*"))
    assert [(change.id, change.fields) for change in trial.changes] == [
        ("001A0000006Vm9rIAC", (FieldChange("owner", "anna", "dora"),)),
        ("001A0000006Vm9sIAC", (FieldChange("city", "Boston", "Quincy"),)),
    ]
    real = bring("accounts", text)
    assert (real.changes, real.refusals, real.unchanged) == (trial.changes, trial.refusals, trial.unchanged)
    assert Path(trial.rejects).name == Path(real.rejects).name == "export.rejected.csv"


def test_rows_and_columns_that_the_file_does_not_have_stay(
    published: psycopg.Connection, bring: Bring
) -> None:
    put_accounts(
        published,
        [
            Account(
                "7", "Vale", ("vale.example",), True, True, "dora", "IT", ("Valle",), "Rome", "+39 06 555012"
            )
        ],
        NOW,
    )
    difference = bring("accounts", "id,domain,aliases,city,owner\n7,vale.test,Vale Group|VALE,,\n")
    assert [change.fields for change in difference.changes] == [
        (
            FieldChange("domains", "vale.example", "vale.example, vale.test"),
            FieldChange("aliases", "Valle", "Valle, Vale Group"),
        )
    ]
    left = account(published, "7")
    assert left is not None
    assert (left.city, left.owner, left.named) == ("Rome", "dora", True)
    assert account(published, "helix") is not None
    # Names that are there stay, however they are written.
    renamed = bring("accounts", "id,name,aliases\n7,Valle S.p.A.,VALLE\n")
    assert [change.field for change in renamed.changes[0].fields] == ["name"]
    cleared = bring("accounts", "id,city,owner\n7,,\n", clears=True)
    assert {change.field: (change.old, change.new) for change in cleared.changes[0].fields} == {
        "city": ("Rome", ""),
        "owner": ("dora", ""),
    }


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ("1,One,gmail.com,,,,", "domain", "gmail.com gives mailboxes to anybody"),
        ("1,One,shop.acme.example,,,,", "domain", "acme.example belongs to the account acme already"),
        ("1,One,one,,,,", "domain", "this is not a domain"),
        ("1,One,,Ytaly,,,", "country", "this is not a country (did you mean Italy?)"),
        ("1,One,,,12,,", "phone", "this is no possible phone number"),
        ("1,One,,DE,+49 1,,", "phone", "this is no possible phone number"),
        ("1,One,,,,Ana Nowak,", "owner", "nobody in the roster has this e-mail address, name or id"),
        ("1,One,,,,Ana Nowak,", "owner", "did you mean Anna Nowak?"),
        ("1,One,,,,,perhaps", "named", "this is neither yes nor no"),
        (",One,,,,,", "", "neither an id nor a domain"),
        ("1.2E+10,One,,,,,", "id", "a spreadsheet has rounded this id"),
    ],
)
def test_what_is_wrong_with_a_row_is_said_and_the_others_go_in(
    published: psycopg.Connection, bring: Bring, tmp_path: Path, row: str, column: str, reason: str
) -> None:
    header = "id,name,domain,country,phone,owner,named\n"
    difference = bring("accounts", f"{header}{row}\n2,Two,two.example,,,,\n")
    assert (difference.new["account"], difference.refused) == (1, 1)
    assert (difference.refusals[0].place, difference.refusals[0].column) == (2, column)
    assert reason in difference.refusals[0].reason
    with (tmp_path / "export.rejected.csv").open(encoding="utf-8-sig") as file:
        refused = list(csv.DictReader(file))
    assert [one["_row"] for one in refused] == ["1"]
    assert reason in refused[0]["_reason"]


def test_an_id_or_a_domain_that_stands_twice_goes_to_the_first(
    published: psycopg.Connection, bring: Bring
) -> None:
    text = (
        "id,name,domain\n1,One,one.example\n1,Again,again.example\n2,Two,one.example\n3,Three,again.example\n"
    )
    difference = bring("accounts", text)
    assert [(one.place, one.reason) for one in difference.refusals] == [
        (3, "id “1”: row 1 of the data has this id already"),
        (
            4,
            "domain “one.example”: the domain one.example belongs to the account 1 already"
            " (a domain names one company: take it out of one of the two)",
        ),
    ]
    # What a refused row says takes nothing from anybody.
    assert account(published, "3") is not None


def test_without_an_id_an_account_is_known_by_its_domain(published: psycopg.Connection, bring: Bring) -> None:
    difference = bring(
        "accounts", "Company,Domain,City\nAcme,acme.example,Ulm\nNew,https://new.example/x,Bonn\n"
    )
    assert [(change.id, change.is_new) for change in difference.changes] == [
        ("acme", False),
        ("new.example", True),
    ]


def test_json_lines_may_have_lists_and_numbers(published: psycopg.Connection, bring: Bring) -> None:
    row = {"id": 42, "name": "Forty Two", "domains": ["a42.example", "b42.example"], "named": True}
    difference = bring("accounts", json.dumps(row) + "\n", name="accounts.jsonl")
    assert difference.refused == 0
    assert account(published, "42") == Account("42", "Forty Two", ("a42.example", "b42.example"), named=True)


def test_columns_can_be_said_and_left_out(published: psycopg.Connection, bring: Bring) -> None:
    text = "Nr,Haus,Owner\n1,One,nobody at all\n"
    difference = bring("accounts", text, columns={"id": "Nr", "name": "haus", "owner": ""})
    assert (difference.new["account"], difference.refused) == (1, 0)
    with pytest.raises(LeadlaneError, match="no field “nme”"):
        bring("accounts", text, columns={"nme": ""})
    with pytest.raises(LeadlaneError, match="no column is known"):
        bring("accounts", "x,y\n1,2\n")


def test_two_people_of_one_name_are_told_apart_by_address(
    published: psycopg.Connection, bring: Bring
) -> None:
    bring("people", "User ID,Full Name,Email\n77,Anna Nowak,a.nowak@seller.example\n")
    refused = bring("accounts", "id,owner\n1,Anna Nowak\n")
    assert "2 people of the roster have this name: 77, anna" in refused.refusals[0].reason
    bring("accounts", "Account ID,Account Owner,Account Owner Email\n1,Anna Nowak,a.nowak@seller.example\n")
    found = account(published, "1")
    assert found is not None
    assert found.owner == "77"
