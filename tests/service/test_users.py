"""Users: who may be made, changed and linked, and that somebody stays who can do so."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from importlib.resources import files

import psycopg
import pytest

from leadlane.policy.roster import read_roster
from leadlane.service import users
from leadlane.service.calendars import make_feed, whose_feed
from leadlane.service.roster import put_roster
from leadlane.service.users import UserError
from leadlane.store import users as store
from leadlane.store.db import connect

NOW = datetime(2026, 3, 3, 10, 0, tzinfo=UTC)


@pytest.fixture
def roster(db: psycopg.Connection) -> None:
    document, _problems = read_roster((files("leadlane") / "reference" / "roster.yaml").read_bytes())
    assert document is not None
    put_roster(db, document, "test", NOW)


@pytest.mark.usefixtures("roster")
def test_somebody_of_the_roster_is_linked_by_their_address(db: psycopg.Connection) -> None:
    user = users.add(db, "Anna@seller.example", "", "rep", "test", NOW)
    assert (user.person, user.name) == ("anna", "Anna Nowak")
    assert store.get(db, user.id) == user


@pytest.mark.usefixtures("roster")
def test_whoever_comes_into_the_roster_later_is_linked_unless_an_admin_chose(db: psycopg.Connection) -> None:
    user = users.add(db, "else@seller.example", "", "rep", "test", NOW)
    assert users.link_by_email(db, user).person is None
    db.execute(
        "INSERT INTO roster_entries SELECT kind, 'new', revision, jsonb_set(content::jsonb, '{email}',"
        " '\"Else@seller.example\"')::json, changed_at, changed_by FROM roster_entries WHERE id = 'anna'"
    )
    assert users.link_by_email(db, user).person == "new"
    users.link_person(db, user.id, None, "test")
    assert users.link_by_email(db, users.find(db, user.id)).person is None


@pytest.mark.usefixtures("roster")
def test_a_person_is_one_user(db: psycopg.Connection) -> None:
    anna = users.add(db, "anna@seller.example", "", "rep", "test", NOW)
    other = users.add(db, "other@seller.example", "", "rep", "test", NOW)
    with pytest.raises(UserError, match=r"anna is anna@seller\.example already") as refused:
        users.link_person(db, other.id, "anna", "test")
    assert refused.value.field == "person"
    users.link_person(db, anna.id, "anna", "test")
    token = make_feed(db, "anna", "anna", NOW)
    users.link_person(db, anna.id, "anna", "test")
    assert whose_feed(db, token) == "anna"
    users.link_person(db, anna.id, "boris", "test")
    assert whose_feed(db, token) is None
    users.link_person(db, other.id, "anna", "test")
    with pytest.raises(UserError, match="nobody of the id zoe"):
        users.link_person(db, other.id, "zoe", "test")


@pytest.mark.parametrize(
    ("email", "name", "role", "field"),
    [
        ("nobody", "", "rep", "email"),
        ("a@b c.example", "", "rep", "email"),
        ("", "", "rep", "email"),
        ("a@b.example", "", "boss", "role"),
        ("a@b.example", "x" * 101, "rep", "name"),
        ("a@b.example", "x\x07", "rep", "name"),
        ("Known@b.example", "", "rep", "email"),
    ],
)
def test_who_cannot_be_made(db: psycopg.Connection, email: str, name: str, role: str, field: str) -> None:
    users.add(db, "known@b.example", "", "rep", "test", NOW)
    with pytest.raises(UserError) as refused:
        users.add(db, email, name, role, "test", NOW)
    assert refused.value.field == field
    assert len(store.all_users(db)) == 1


def test_addresses_of_a_network_of_ones_own_are_addresses(db: psycopg.Connection) -> None:
    assert users.add(db, "me@x", "", "admin", "test", NOW).email == "me@x"
    assert users.find(db, "ME@X").name == "me"


def test_an_installation_keeps_an_admin(db: psycopg.Connection) -> None:
    ann = users.add(db, "ann@b.example", "Ann", "admin", "test", NOW)
    for change in (
        lambda: users.change_role(db, ann.id, "rep", "t"),
        lambda: users.deactivate(db, ann.id, "t"),
    ):
        with pytest.raises(UserError, match="only admin"):
            change()
    users.change_role(db, ann.id, "admin", "test")
    users.add(db, "bob@b.example", "Bob", "admin", "test", NOW)
    users.deactivate(db, ann.id, "test")


def test_two_admins_cannot_remove_each_other_at_once(database_url: str, db: psycopg.Connection) -> None:
    both = [users.add(db, f"{name}@b.example", name, "admin", "test", NOW).id for name in ("ann", "bob")]
    refused: list[bool] = []

    def remove(id_: str) -> None:
        with connect(database_url) as connection:
            try:
                users.deactivate(connection, id_, "test")
                refused.append(False)
            except UserError:
                refused.append(True)

    threads = [threading.Thread(target=remove, args=[id_]) for id_ in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(refused) == [False, True]
    assert sum(user.active for user in store.all_users(db)) == 1


def test_what_users_choose_for_themselves(db: psycopg.Connection) -> None:
    user = users.add(db, "ann@b.example", "Ann", "rep", "test", NOW)
    users.change_profile(db, user.id, name="Ann B", language="pl", zone="Europe/Warsaw", theme="dark")
    found = users.find(db, user.id)
    assert (found.name, found.language, found.zone, found.theme) == ("Ann B", "pl", "Europe/Warsaw", "dark")
    for field, value in (("language", "xx"), ("zone", "Mars/Base"), ("theme", "pink"), ("name", " ")):
        good = {"name": "A", "language": "", "zone": "", "theme": "system"}
        with pytest.raises(UserError) as refused:
            users.change_profile(db, user.id, **{**good, field: value})
        assert refused.value.field == field
    assert users.find(db, user.id) == found
