"""Who gets in, who is held back and for how long, and what ends a session."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlane.service import passwords, sign_in, users
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.sign_in import From, Refused, SignedIn
from leadlane.service.users import UserError
from leadlane.store import users as store
from leadlane.store.db import connect
from leadlane.store.users import User

NOW = datetime(2026, 3, 3, 10, 0, tzinfo=UTC)
PASSWORD = "otters knit blue kettles"
HOME = From("192.0.2.1", "Firefox on Linux")
ELSEWHERE = From("198.51.100.7", "curl")


@pytest.fixture
def ann(db: psycopg.Connection) -> User:
    """An admin who has set her password, from a browser that is forgotten."""
    user = users.add(db, "Ann@Seller.example", "Ann Nowak", "admin", "test", NOW)
    sign_in.set_password(db, user, PASSWORD)
    return user


def enter(
    db: psycopg.Connection, password: str = PASSWORD, origin: From = HOME, at: datetime = NOW
) -> object:
    return sign_in.sign_in(db, "ann@seller.example", password, origin, at)


def resumed(db: psycopg.Connection, token: str, at: datetime) -> bool:
    return sign_in.resume(db, Rulebooks(), token, at) is not None


def test_whoever_knows_the_password_is_let_in_whatever_the_case_of_the_address(
    db: psycopg.Connection, ann: User
) -> None:
    done = sign_in.sign_in(db, " ANN@seller.EXAMPLE ", PASSWORD, HOME, NOW)
    assert isinstance(done, SignedIn)
    assert done.user.id == ann.id
    found = sign_in.resume(db, Rulebooks(), done.token, NOW)
    assert found is not None
    assert (found.user.role, found.zone) == ("admin", "UTC")


def test_neither_token_nor_password_is_stored(db: psycopg.Connection, ann: User) -> None:
    done = enter(db)
    assert isinstance(done, SignedIn)
    link, _until = sign_in.make_link(db, ann, "reset", NOW)
    for table in ("users", "sessions", "known_browsers", "user_links", "sign_in_attempts"):
        stored = str(db.execute(f"SELECT row_to_json(t)::text FROM {table} t").fetchall())  # type: ignore[arg-type]
        for secret in (PASSWORD, done.token, done.browser, link):
            assert secret not in stored


def test_what_is_refused_says_nothing_of_why(db: psycopg.Connection, ann: User) -> None:
    users.add(db, "new@seller.example", "", "rep", "test", NOW)  # has set no password
    wrong = sign_in.sign_in(db, "ann@seller.example", "wrong", HOME, NOW)
    nobody = sign_in.sign_in(db, "nobody@seller.example", PASSWORD, HOME, NOW)
    unset = sign_in.sign_in(db, "new@seller.example", PASSWORD, HOME, NOW)
    assert wrong == nobody == unset == Refused()


# ---------------------------------------------------------------- those who guess


@pytest.mark.parametrize("email", ["ann@seller.example", "nobody@seller.example"])
def test_whoever_guesses_waits_ever_longer(db: psycopg.Connection, ann: User, email: str) -> None:
    at, waits = NOW, []
    for _attempt in range(sign_in.FREE_FAILURES + 8):
        assert sign_in.sign_in(db, email, "wrong", ELSEWHERE, at) == Refused()
        row = db.execute("SELECT open_at FROM sign_in_attempts WHERE name LIKE 'email:%'").fetchone()
        assert row is not None
        waits.append((row[0] - at).total_seconds())
        if row[0] > at:
            # The right password does not help, and costs nothing.
            assert sign_in.sign_in(db, email, PASSWORD, ELSEWHERE, at) == Refused(row[0])
        at = row[0]
    assert waits[: sign_in.FREE_FAILURES] == [0, 0, 0, 0, 10]
    assert waits == sorted(waits)
    assert waits[-1] == sign_in.LONGEST_WAIT.total_seconds()


def test_many_attempts_at_once_are_counted_one_after_another(
    database_url: str, db: psycopg.Connection, ann: User
) -> None:
    heeded: list[bool] = []

    def guess() -> None:
        with connect(database_url) as connection:
            refused = sign_in.sign_in(connection, "ann@seller.example", "wrong", ELSEWHERE, NOW)
            heeded.append(refused == Refused())

    threads = [threading.Thread(target=guess) for _n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(heeded) == sign_in.FREE_FAILURES


def test_somebody_who_guesses_does_not_lock_out_whose_browser_is_known(
    db: psycopg.Connection, ann: User
) -> None:
    first = enter(db)
    assert isinstance(first, SignedIn)
    for _attempt in range(20):
        enter(db, "wrong", ELSEWHERE)
    assert isinstance(enter(db, origin=From("203.0.113.9", "Firefox")), Refused)
    assert isinstance(enter(db, origin=From("203.0.113.9", "Firefox", first.browser)), SignedIn)
    # And who has only stolen the browser's token is held back too.
    for _attempt in range(sign_in.FREE_FAILURES):
        enter(db, "wrong", From("203.0.113.9", "Firefox", first.browser))
    refused = enter(db, origin=From("203.0.113.9", "Firefox", first.browser))
    assert refused == Refused(NOW + sign_in.FIRST_WAIT)


def test_an_address_that_tries_many_accounts_is_held_back(db: psycopg.Connection, ann: User) -> None:
    for number in range(sign_in.FREE_FAILURES_OF_ADDRESS):
        sign_in.sign_in(db, f"guess{number}@seller.example", "wrong", From("2001:db8::1", "bot"), NOW)
    same_network = enter(db, origin=From("2001:db8::ffff:1", "bot"))
    assert isinstance(same_network, Refused)
    assert same_network.open_at is not None
    assert isinstance(enter(db, origin=From("2001:db8:0:1::1", "Firefox")), SignedIn)


def test_an_account_of_ones_own_does_not_help_to_guess_others(db: psycopg.Connection, ann: User) -> None:
    for number in range(sign_in.FREE_FAILURES_OF_ADDRESS):
        sign_in.sign_in(db, f"guess{number}@seller.example", "wrong", ELSEWHERE, NOW)
        if number % 10 == 9 and number < 29:
            assert isinstance(enter(db, origin=ELSEWHERE), SignedIn)
    assert isinstance(sign_in.sign_in(db, "x@seller.example", "wrong", ELSEWHERE, NOW), Refused)
    row = db.execute("SELECT failures FROM sign_in_attempts WHERE name LIKE 'address:%'").fetchone()
    assert row == (sign_in.FREE_FAILURES_OF_ADDRESS,)


def test_what_was_guessed_is_forgiven_after_a_day(db: psycopg.Connection, ann: User) -> None:
    for _attempt in range(10):
        enter(db, "wrong", ELSEWHERE)
    later = NOW + sign_in.FORGIVEN_AFTER
    assert enter(db, "wrong", ELSEWHERE, later) == Refused()
    assert isinstance(enter(db, PASSWORD, ELSEWHERE, later), SignedIn)


@given(failures=st.integers(1, 10**9), name=st.sampled_from(["address:x", "email:x", "browser:x"]))
def test_a_wait_never_shrinks_and_has_an_end(failures: int, name: str) -> None:
    wait = sign_in.wait_after(name, failures)
    assert timedelta(0) <= wait <= sign_in.wait_after(name, failures + 1) <= sign_in.LONGEST_WAIT


# ---------------------------------------------------------------- sessions


def test_a_session_lasts_as_long_as_it_is_used_and_not_for_ever(db: psycopg.Connection, ann: User) -> None:
    done = enter(db)
    assert isinstance(done, SignedIn)
    at = NOW
    while at < NOW + sign_in.LONGEST - timedelta(days=6):
        assert resumed(db, done.token, at)
        at += timedelta(days=6)
    assert not resumed(db, done.token, NOW + sign_in.LONGEST)


def test_a_session_that_is_not_used_ends(db: psycopg.Connection, ann: User) -> None:
    done = enter(db)
    assert isinstance(done, SignedIn)
    assert not resumed(db, done.token, NOW + sign_in.IDLE)
    enter(db, at=NOW + sign_in.IDLE)
    assert len(store.sessions_of(db, ann.id, NOW)) == 1  # the old one is not kept


def test_what_ends_sessions(db: psycopg.Connection, ann: User) -> None:
    users.add(db, "bob@seller.example", "Bob", "admin", "test", NOW)
    sessions = [enter(db) for _n in range(3)]
    one, two, three = [done.token for done in sessions if isinstance(done, SignedIn)]
    sign_in.sign_out(db, one, NOW)
    assert [resumed(db, token, NOW) for token in (one, two, three)] == [False, True, True]
    found = sign_in.resume(db, Rulebooks(), two, NOW)
    assert found is not None
    sign_in.change_password(db, ann.id, PASSWORD, "nine lamps sing in tune", found.number, NOW)
    assert [resumed(db, token, NOW) for token in (two, three)] == [True, False]
    users.change_role(db, ann.id, "rep", "test")
    assert not resumed(db, two, NOW)
    again = enter(db, "nine lamps sing in tune")
    assert isinstance(again, SignedIn)
    users.deactivate(db, ann.id, "test")
    assert not resumed(db, again.token, NOW)
    assert enter(db, "nine lamps sing in tune") == Refused()
    users.activate(db, ann.id, "test")
    assert not resumed(db, again.token, NOW)
    assert isinstance(enter(db, "nine lamps sing in tune"), SignedIn)


def test_changing_a_password_takes_the_present_one(db: psycopg.Connection, ann: User) -> None:
    for _attempt in range(sign_in.FREE_FAILURES):
        with pytest.raises(UserError, match="not your present"):
            sign_in.change_password(db, ann.id, "wrong", "nine lamps sing in tune", 0, NOW)
    with pytest.raises(UserError, match="Too many"):
        sign_in.change_password(db, ann.id, PASSWORD, "nine lamps sing in tune", 0, NOW)


# ---------------------------------------------------------------- links


def test_an_invitation_lets_in_once_with_a_password_of_their_own(db: psycopg.Connection) -> None:
    user = users.add(db, "new@seller.example", "", "rep", "test", NOW)
    token, until = sign_in.make_link(db, user, "invitation", NOW)
    assert until == NOW + timedelta(days=7)
    opened = sign_in.look(db, token, NOW)
    assert opened is not None
    assert opened.works
    with pytest.raises(UserError, match="too easy"):
        sign_in.follow(db, token, "password1234", HOME, NOW)
    done = sign_in.follow(db, token, PASSWORD, HOME, NOW)
    assert done is not None
    assert resumed(db, done.token, NOW)
    assert sign_in.follow(db, token, PASSWORD, HOME, NOW) is None
    opened = sign_in.look(db, token, NOW)
    assert opened is not None
    assert not opened.works
    assert isinstance(sign_in.sign_in(db, "new@seller.example", PASSWORD, HOME, NOW), SignedIn)


def test_a_link_is_used_once_by_many_at_once(database_url: str, db: psycopg.Connection, ann: User) -> None:
    token, _until = sign_in.make_link(db, ann, "reset", NOW)
    let_in: list[bool] = []

    def use(number: int) -> None:
        with connect(database_url) as connection:
            done = sign_in.follow(connection, token, f"nine lamps sing in tune {number}", HOME, NOW)
            let_in.append(done is not None)

    threads = [threading.Thread(target=use, args=[number]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(let_in) == 1


def test_a_new_password_ends_what_others_had(db: psycopg.Connection, ann: User) -> None:
    thief = enter(db, origin=ELSEWHERE)
    assert isinstance(thief, SignedIn)
    other, _until = sign_in.make_link(db, ann, "reset", NOW)
    token, _until = sign_in.make_link(db, ann, "reset", NOW)
    for _attempt in range(10):
        enter(db, "wrong", ELSEWHERE)
    done = sign_in.follow(db, token, "nine lamps sing in tune", HOME, NOW)
    assert done is not None
    assert not resumed(db, thief.token, NOW)
    assert sign_in.look(db, other, NOW) is None
    assert isinstance(enter(db, PASSWORD, From("203.0.113.5", "", thief.browser)), Refused)
    # What was guessed before no longer holds her back.
    assert isinstance(enter(db, "nine lamps sing in tune", From("203.0.113.6", "")), SignedIn)


def test_a_link_ends(db: psycopg.Connection, ann: User) -> None:
    users.add(db, "bob@seller.example", "Bob", "admin", "test", NOW)
    token, until = sign_in.make_link(db, ann, "reset", NOW)
    assert sign_in.follow(db, token, PASSWORD, HOME, until) is None
    assert sign_in.look(db, "made up", NOW) is None
    users.deactivate(db, ann.id, "test")
    assert sign_in.follow(db, token, PASSWORD, HOME, NOW) is None


# ---------------------------------------------------------------- passwords


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("short", "at least 12"),
        ("x" * 201, "at most 200"),
        ("password1234", "easy to guess"),
        ("qwertyuiop12", "easy to guess"),
        ("leadlane2026", "easy to guess"),
        ("ann@seller.example", "easy to guess"),
        ("correct horse", None),
        ("otters knit blue kettles", None),
        ("zażółć gęślą jaźń", None),
    ],
)
def test_which_passwords_are_good_enough(password: str, problem: str | None) -> None:
    found = passwords.problem(password, ["ann@seller.example", "Ann Nowak"])
    assert (problem is None and found is None) or (problem is not None and problem in str(found))
