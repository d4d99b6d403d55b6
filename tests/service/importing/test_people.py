"""People from exports: who is who, roles, teams, managers, and all the checks of the roster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from leadlane.service.importing.cells import long_id
from leadlane.service.importing.difference import Difference
from leadlane.service.publish import current_document

Bring = Callable[..., Difference]

SALESFORCE = """\
User ID|Full Name|Email|Title|Role|Manager|Time Zone|Country|Active|Department
005A0000006Vm9r|Nora Lind|nora@seller.example|Account Executive|Nordics|Pia Sund|\
(GMT+01:00) Central European Standard Time (Europe/Stockholm)|Sweden|1|Nordics
005A0000006Vm9s|Pia Sund|pia@seller.example|Sales Manager|EMEA|Maria Hofer|\
W. Europe Standard Time|SE|TRUE|Nordics
005A0000006Vm9t|Anna Nowak|Anna@Seller.example|Senior AE|DACH Team||||1|Sales
005A0000006Vm9u|Old Timer|old@seller.example||||||0|
"""


def people(connection: psycopg.Connection) -> dict[str, Any]:
    return dict(current_document(connection).people)


def revision(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT revision FROM roster_revision").fetchone()
    assert row is not None
    return int(row[0])


def test_an_export_of_users_comes_over_as_it_is(published: psycopg.Connection, bring: Bring) -> None:
    before = people(published)
    difference = bring("people", SALESFORCE)
    assert (difference.refused, difference.new["person"], difference.new["team"]) == (0, 3, 1)
    after = people(published)
    assert after["005A0000006Vm9rIAC"] == {
        "id": "005A0000006Vm9rIAC",
        "name": "Nora Lind",
        "email": "nora@seller.example",
        "title": "Account Executive",
        "role": "ae",
        "timezone": "Europe/Stockholm",
        "country": "SE",
        "teams": ["Nordics"],
        "manager": long_id("005A0000006Vm9s"),
    }
    # Anna was there under an id of her own: she keeps it, her role and her team.
    assert after["anna"] == {**before["anna"], "title": "Senior AE", "crm_id": long_id("005A0000006Vm9t")}
    old = next(entry for entry in after.values() if entry.get("name") == "Old Timer")
    assert old["active"] is False
    # Nothing is said of a time zone: the policy's.
    assert old["timezone"] == "Europe/Berlin"


def test_the_same_again_makes_no_new_revision(published: psycopg.Connection, bring: Bring) -> None:
    bring("people", SALESFORCE)
    before = revision(published)
    again = bring("people", SALESFORCE)
    assert (again.is_empty, again.unchanged, revision(published)) == (True, 4, before)
    trial = bring("people", SALESFORCE.replace("Nora Lind", "Nora Lund"), dry_run=True)
    assert ((trial.changed["person"]), revision(published)) == (1, before)


def test_a_dry_run_leaves_the_roster_alone(published: psycopg.Connection, bring: Bring) -> None:
    before = (revision(published), people(published))
    trial = bring("people", SALESFORCE, dry_run=True)
    assert (revision(published), people(published)) == before
    assert bring("people", SALESFORCE).changes == trial.changes


def test_owners_are_found_by_the_ids_of_the_crm(published: psycopg.Connection, bring: Bring) -> None:
    bring("people", SALESFORCE)
    difference = bring(
        "accounts",
        "Account ID,Account Name,Owner ID\n1,One,005A0000006Vm9t\n",
        columns={"owner_id": "Owner ID"},
    )
    assert difference.refused == 0
    assert published.execute("SELECT owner FROM accounts WHERE id = '1'").fetchall() == [("anna",)]


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ("9,Zoe,zoe@seller.example,Mars/Olympus,,,", "timezone", "this is not a time zone"),
        ("9,Zoe,zoe@seller.example,,Nobody Known,,", "manager", "nobody in the roster"),
        ("9,Zoe,zoe@seller.example,,,-1,", "weight", "expected a weight above 0"),
        ("9,Zoe,zoe@seller.example,,,,Night", "hours", "“Night”; expected a name of `hours`"),
        ("9,Zoe,no address,,,,", "email", "this is not an e-mail address"),
        (",Zoe,,,,,", "", "neither an id nor an e-mail address"),
        ("anna,Zoe,boris@seller.example,,,,", "email", "the address of"),
    ],
)
def test_what_is_wrong_with_a_row_is_said_and_the_others_go_in(
    published: psycopg.Connection, bring: Bring, row: str, column: str, reason: str
) -> None:
    text = f"id,name,email,timezone,manager,weight,hours\n8,Yan,yan@seller.example,Rome,anna,2,\n{row}\n"
    difference = bring("people", text)
    assert (difference.new["person"], difference.refused) == (1, 1)
    assert difference.refusals[0].column == column
    assert reason in difference.refusals[0].reason
    assert people(published)["8"]["timezone"] == "Europe/Rome"


def test_whoever_names_somebody_who_is_refused_is_refused_too(
    published: psycopg.Connection, bring: Bring
) -> None:
    text = "id,name,email,backup\na,Ada,ada@seller.example,b\nb,Bo,bo at home,\nc,Cy,cy@seller.example,a\n"
    difference = bring("people", text)
    assert sorted(refusal.place for refusal in difference.refusals) == [2, 3, 4]
    assert "a" not in people(published)


def test_two_spellings_of_a_new_team_are_one(published: psycopg.Connection, bring: Bring) -> None:
    text = "User ID,Email,Team\n1,a@seller.example,Alps\n2,b@seller.example,ALPS;dach\n"
    assert bring("people", text).new["team"] == 1
    assert people(published)["2"]["teams"] == ["Alps", "dach"]


def test_an_empty_cell_empties_only_if_it_is_to(published: psycopg.Connection, bring: Bring) -> None:
    text = "User ID,Backup Person,Max Open Leads,Title\nanna,,,\n"
    assert bring("people", text).is_empty
    cleared = bring("people", text, clears=True)
    assert [(one.field, one.old, one.new) for one in cleared.changes[0].fields] == [
        ("max_open", "40", ""),
        ("backup", "boris", ""),
    ]
    assert not {"backup", "max_open"} & people(published)["anna"].keys()


def test_teams_are_found_by_name_and_replaced_and_a_department_moves_nobody(
    published: psycopg.Connection, bring: Bring
) -> None:
    bring("people", "User ID,Team,Department\nanna,Central and Eastern Europe,Sales\nboris,,Sales\n")
    assert (people(published)["anna"]["teams"], people(published)["boris"]["teams"]) == (["cee"], ["dach"])
