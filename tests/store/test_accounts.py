"""Accounts are stored with what they are found by, and found by what few others share."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from leadlane.core.facts import Account
from leadlane.store import accounts
from leadlane.store.accounts import MOST_LOOK_ALIKES, MOST_OF_A_KEY, AccountRow, SearchKey

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def _row(id_: str, keys: Collection[int] = (), names: Collection[str] = (), version: int = 1) -> AccountRow:
    return AccountRow(Account(id_, id_.title()), keys, names, version)


def _put(db: psycopg.Connection, *rows: AccountRow, at: datetime = NOW) -> int:
    with db.transaction():
        return accounts.put_accounts(db, rows, at)


def _found(db: psycopg.Connection, *wanted: Collection[int]) -> list[list[str]]:
    found = accounts.find_look_alikes(db, [[SearchKey(key) for key in keys] for keys in wanted])
    known = accounts.accounts_of_numbers(db, {one.number for some in found for one in some})
    return [[known[one.number].id for one in some] for some in found]


def test_an_account_is_read_as_it_was_stored(db: psycopg.Connection) -> None:
    one = Account(
        "volta", "Volta AG", ("volta.example", "volta-energie.example"), True, True, None, "DE",
        ("Volta Energie", "VE"), "Köln", "+49 221 123456",
    )  # fmt: skip
    _put(db, AccountRow(one, [], [], 1))
    stored = accounts.account(db, "volta")
    assert stored is not None
    assert {**_plain(stored), "domains": set(stored.domains)} == {**_plain(one), "domains": set(one.domains)}
    assert accounts.accounts_of(db, ["volta", "nobody"]) == {"volta": stored}


def _plain(account: Account) -> dict[str, object]:
    return {name: getattr(account, name) for name in Account.__slots__}


def test_what_is_as_stored_is_not_written_again(db: psycopg.Connection) -> None:
    assert _put(db, _row("a", [1]), _row("b", [2])) == 2
    later = NOW + timedelta(days=1)
    assert _put(db, _row("a", [1]), _row("b", [3]), at=later) == 1
    changed = db.execute("SELECT id FROM accounts WHERE changed_at = %s", [later]).fetchall()
    assert changed == [("b",)]


def test_a_changed_domain_is_a_change(db: psycopg.Connection) -> None:
    for domains in (("x.example", "a-b.example"), ("x.example",), ("ab.example", "a-b.example")):
        row = AccountRow(Account("a", "A", domains), [], [], 1)
        assert _put(db, row) == 1
        assert _put(db, row) == 0
        stored = accounts.account(db, "a")
        assert stored is not None
        assert set(stored.domains) == set(domains)


def test_repeated_imports_use_up_no_numbers(db: psycopg.Connection) -> None:
    for number in range(5):
        _put(db, _row("a", [number]))
    _put(db, _row("b"))
    assert db.execute("SELECT number FROM accounts ORDER BY id").fetchall() == [(1,), (2,)]


def test_keys_and_starts_follow_the_account(db: psycopg.Connection) -> None:
    _put(db, _row("a", [1, 2], ["acme foods"]), _row("b", [2, 3], ["foods"]))
    assert _found(db, [1], [2], [3]) == [["a"], ["a", "b"], ["b"]]
    _put(db, _row("a", [2, 4], ["acme"]))
    assert _found(db, [1], [2], [4]) == [[], ["a", "b"], ["a"]]
    assert [one.id for one in accounts.accounts_starting(db, "foo", 5)] == ["b"]
    db.execute("DELETE FROM accounts WHERE id = 'a'")
    assert _found(db, [2], [4]) == [["b"], []]
    assert db.execute("SELECT count(*) FROM account_starts").fetchone() == (1,)


def test_those_who_share_more_keys_come_first(db: psycopg.Connection) -> None:
    _put(db, _row("a", [1]), _row("b", [1, 2, 3]), _row("c", [1, 2]))
    assert _found(db, [1, 2, 3]) == [["b", "c", "a"]]


def test_questions_of_a_batch_do_not_mix(db: psycopg.Connection) -> None:
    _put(db, _row("a", [1]), _row("b", [2]))
    assert _found(db, [2], [], [9], [1, 2]) == [["b"], [], [], ["a", "b"]]
    assert _found(db) == []


@pytest.fixture
def crowd(db: psycopg.Connection) -> psycopg.Connection:
    """Keys 1 and 2 of everybody, 3 of every hundredth, and a key of their own."""
    count = 50 * MOST_OF_A_KEY
    rows = [_row(f"c{n:04}", [1, 2, *([3] if n % 100 == 7 else []), 1_000 + n]) for n in range(count)]
    _put(db, *rows)
    return db


def test_a_key_that_many_share_adds_nobody(crowd: psycopg.Connection) -> None:
    assert _found(crowd, [1, 2, 1_005]) == [["c0005"]]


def test_where_only_common_keys_are_left_those_of_several_are_found(crowd: psycopg.Connection) -> None:
    (found,) = _found(crowd, [1, 2])
    assert len(found) == MOST_LOOK_ALIKES
    assert _found(crowd, [1]) == [[]]


def test_a_rare_key_beats_common_ones(crowd: psycopg.Connection) -> None:
    (found,) = _found(crowd, [1, 2, 3])
    assert found[0] == "c0007"
    assert all(int(id_[1:]) % 100 == 7 for id_ in found)


def test_the_same_question_has_the_same_answer(crowd: psycopg.Connection) -> None:
    once = _found(crowd, [3, 1, 2], [2, 1])
    crowd.execute("UPDATE accounts SET owner = 'x' WHERE number % 3 = 0")
    assert _found(crowd, [3, 1, 2], [2, 1]) == once
    assert _found(crowd, [1, 2, 3], [1, 2]) == once


def test_typing_finds_a_name_by_its_beginning(db: psycopg.Connection) -> None:
    _put(
        db,
        _row("a", names=["bank of ohio"]),
        _row("b", names=["bank of omaha"]),
        _row("c", names=["banker"]),
    )
    assert [one.id for one in accounts.accounts_starting(db, "bank of", 5)] == ["a", "b"]
    assert [one.id for one in accounts.accounts_starting(db, "ban", 2)] == ["a", "b"]
    assert [one.id for one in accounts.accounts_starting(db, "oh", 5)] == ["a"]


def test_only_keys_of_another_version_are_outdated(db: psycopg.Connection) -> None:
    _put(db, _row("a", version=1), _row("b", version=2))
    with db.transaction():
        old = accounts.outdated(db, 2, 10)
        assert [one.id for one in old] == ["a"]
        accounts.put_keys(db, [AccountRow(old[0], [7], ["new"], 2)])
    assert accounts.outdated(db, 2, 10) == []
    assert _found(db, [7]) == [["a"]]
