"""Links into the demonstration: for those who are of it, and no door where there are real users."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.resources import files

import psycopg
import pytest

from leadlane.config import Settings
from leadlane.policy.roster import read_roster
from leadlane.service import demo_users, sign_in, users
from leadlane.service.roster import put_roster
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.sign_in import From
from leadlane.service.user_links import Given
from leadlane.store import users as store

NOW = datetime(2026, 3, 3, 10, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _roster(db: psycopg.Connection) -> None:
    document, _problems = read_roster((files("leadlane") / "reference" / "roster.yaml").read_bytes())
    assert document is not None
    put_roster(db, document, "test", NOW)


def links(db: psycopg.Connection) -> list[Given]:
    return demo_users.links(db, Rulebooks(), Settings(), "http://127.0.0.1:8300", NOW)


def test_one_of_each_role_each_time_with_a_new_link(db: psycopg.Connection) -> None:
    first, second = links(db), links(db)
    assert [(one.user.role, one.user.person) for one in first] == [
        ("admin", "olga"),
        ("manager", "maria"),
        ("rep", "ida"),
        ("viewer", None),
    ]
    assert [one.user.id for one in first] == [one.user.id for one in second]
    for one in (*first, *second):
        token = one.url.removeprefix("http://127.0.0.1:8300/welcome?link=")
        assert sign_in.follow(db, token, "", From("127.0.0.1", ""), NOW) is not None


def test_no_door_where_there_are_real_users(db: psycopg.Connection) -> None:
    users.add(db, "ann@company.example", "Ann", "admin", "test", NOW)
    assert links(db) == []
    assert len(store.all_users(db)) == 1


def test_no_door_for_whoever_has_a_password_or_is_kept_out(db: psycopg.Connection) -> None:
    admin, manager, *_others = links(db)
    sign_in.set_password(db, admin.user, "otters knit blue kettles")
    users.deactivate(db, manager.user.id, "test")
    assert [one.user.role for one in links(db)] == ["rep", "viewer"]
