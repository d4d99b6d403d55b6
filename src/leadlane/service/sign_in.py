"""How does somebody get in, stay in, and get out again? Passwords, sessions, one-time links.

Whoever guesses is held back, ever longer, by the address they come from and by the account they try. So that
nobody can keep somebody else out by guessing, a browser that has signed in before is counted for itself; and
a link for a new password always lets in. What is answered does not tell whether there is such an account.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network

from psycopg import Connection

from leadlane.core.facts import Person
from leadlane.i18n import _
from leadlane.logging import get_logger
from leadlane.service import passwords
from leadlane.service.rulebooks import NothingPublishedError, Rulebooks
from leadlane.service.users import UserError, key_of, link_by_email
from leadlane.store import users
from leadlane.store.users import LinkRow, Purpose, User

log = get_logger(__name__)

# A session ends when it is not used for so long, and after the longest time in any case.
IDLE, LONGEST = timedelta(days=7), timedelta(days=30)
# How exact "last seen" is: not every request writes.
_SEEN_AGAIN = timedelta(minutes=5)
BROWSER_KNOWN = timedelta(days=365)
LINK_LIFETIME: dict[Purpose, timedelta] = {
    "invitation": timedelta(days=7),
    "reset": timedelta(hours=4),
    "demonstration": timedelta(days=7),
}
_LONGEST_AGENT = 300

# So many failures cost nothing; then each doubles the wait, up to the longest.
FREE_FAILURES, FREE_FAILURES_OF_ADDRESS = 5, 30
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=10), timedelta(minutes=15)
# After so long without a failure it is as if there had been none.
FORGIVEN_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class From:
    """Where a request comes from: the network address, what the browser says it is, and its own token."""

    address: str
    agent: str
    browser: str = ""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The tokens of a new session and of the browser, for its cookies."""

    user: User
    token: str
    browser: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Not let in; the next attempt is heeded at `open_at` (None: at once)."""

    open_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Resumed:
    """A session that goes on. `zone` is the user's, else that of their person, else the policy's."""

    user: User
    number: int
    zone: str


@dataclass(frozen=True, slots=True)
class Opened:
    """What a one-time link is for, whom it lets in, and whether it still does."""

    link: LinkRow
    user: User
    works: bool


def hash_of(token: str) -> bytes:
    """What is stored of a token. It has 256 random bits: a fast hash will do, and no timing tells of it."""
    return hashlib.sha256(token.encode()).digest()


# ---------------------------------------------------------------- in, by password


def sign_in(
    connection: Connection, email: str, password: str, origin: From, now: datetime
) -> SignedIn | Refused:
    """Let somebody in who knows the password. What is refused says nothing of why."""
    names = _names(connection, key_of(email), origin, now)
    open_at = _count(connection, names, now)
    if open_at is not None:
        return Refused(open_at)
    user = users.by_email(connection, key_of(email))
    is_right, newer = passwords.check(password, user.password if user is not None else None)
    if user is None or not is_right or not user.active:
        log.info("sign-in refused", address=origin.address)
        return Refused()
    if newer is not None:
        users.update(connection, user.id, password=newer)
    _forgive(connection, names, now)
    return enter(connection, user, origin, now)


def enter(connection: Connection, user: User, origin: From, now: datetime) -> SignedIn:
    """Begin a session of a user who has proved to be them."""
    token = secrets.token_urlsafe(32)
    with connection.transaction():
        expires_at = now + IDLE
        agent = origin.agent[:_LONGEST_AGENT]
        users.start_session(connection, hash_of(token), user.id, agent, origin.address, now, expires_at)
        browser = origin.browser
        if not browser or not users.is_known_browser(connection, hash_of(browser), user.email_key, now):
            # A new token: whoever shares this browser is known by another.
            browser = secrets.token_urlsafe(32)
            users.know_browser(connection, hash_of(browser), user.id, now, now + BROWSER_KNOWN)
        users.update(connection, user.id, signed_in_at=now)
        user = link_by_email(connection, user)
    log.info("signed in", user=user.id, address=origin.address)
    return SignedIn(user, token, browser)


# ---------------------------------------------------------------- those who guess


def _names(connection: Connection, email_key: str, origin: From, now: datetime) -> list[str]:
    """Under which names an attempt is counted."""
    known = hash_of(origin.browser) if origin.browser else b""
    if known and users.is_known_browser(connection, known, email_key, now):
        return [f"browser:{known.hex()}"]
    # People type passwords into the field for the address: what was typed is not kept.
    return [f"address:{_network(origin.address)}", f"email:{hash_of(email_key).hex()}"]


def _network(address: str) -> str:
    """The address, or the network of 64 bits that one holder has (RFC 6177)."""
    try:
        is_new = ip_address(address).version == 6
    except ValueError:
        return address
    return str(ip_network((address, 64), strict=False)) if is_new else address


def _count(connection: Connection, names: list[str], now: datetime) -> datetime | None:
    """Count an attempt as failed until it has succeeded; or, uncounted, until when none is heeded."""
    with connection.transaction():
        counted = users.lock_attempts(connection, names, now)
        open_at = max(open_at for _failures, _failed_at, open_at in counted.values())
        if open_at > now:
            return open_at
        for name, (failures, failed_at, _open_at) in counted.items():
            more = failures + 1 if now - failed_at < FORGIVEN_AFTER else 1
            users.count_attempt(connection, name, more, now, now + wait_after(name, more))
    return None


def wait_after(name: str, failures: int) -> timedelta:
    """How long after so many failures under a name the next attempt is heeded."""
    free = FREE_FAILURES_OF_ADDRESS if name.startswith("address:") else FREE_FAILURES
    if failures < free:
        return timedelta(0)
    # Enough doublings to reach the longest; more would only make the number large.
    doublings: int = 2 ** min(failures - free, 20)
    return min(LONGEST_WAIT, FIRST_WAIT * doublings)


def _forgive(connection: Connection, names: list[str], now: datetime) -> None:
    """What was counted was no failure. Of an address only this: others may be guessing from it."""
    with connection.transaction():
        counted = users.lock_attempts(connection, names, now)
        for name, (failures, failed_at, _open_at) in counted.items():
            if name.startswith("address:"):
                users.count_attempt(connection, name, max(0, failures - 1), failed_at, now)
        users.forgive_attempts(connection, [name for name in names if not name.startswith("address:")])
        users.forget_attempts(connection, now - FORGIVEN_AFTER)


# ---------------------------------------------------------------- stay in, and out


def resume(connection: Connection, books: Rulebooks, token: str, now: datetime) -> Resumed | None:
    """The session of a token, which now ends later; None if there is none, or it has ended."""
    found = users.session(connection, hash_of(token), now)
    if found is None:
        return None
    session, user = found
    if session.created_at + LONGEST <= now:
        return None
    if now - session.seen_at >= _SEEN_AGAIN:
        expires_at = min(now + IDLE, session.created_at + LONGEST)
        users.prolong_session(connection, session.number, now, expires_at)
    return Resumed(user, session.number, zone_of(connection, books, user))


def zone_of(connection: Connection, books: Rulebooks, user: User) -> str:
    """The time zone in which a user reads moments: an IANA name."""
    if user.zone:
        return user.zone
    try:
        book = books.current(connection)
    except NothingPublishedError:
        return "UTC"
    person = book.roster.people.get(user.person or "")
    return person.timezone if person is not None else book.policy.timezone


def person_of(connection: Connection, books: Rulebooks, user: User) -> Person | None:
    """Who a user is in the roster in force."""
    if user.person is None:
        return None
    try:
        return books.current(connection).roster.people.get(user.person)
    except NothingPublishedError:
        return None


def sign_out(connection: Connection, token: str, now: datetime) -> None:
    """End the session of a token."""
    found = users.session(connection, hash_of(token), now)
    if found is not None:
        users.end_sessions(connection, found[1].id, only=found[0].number)


# ---------------------------------------------------------------- in, by a link


def make_link(connection: Connection, user: User, purpose: Purpose, now: datetime) -> tuple[str, datetime]:
    """A token that lets a user in once, and until when."""
    token, expires_at = secrets.token_urlsafe(32), now + LINK_LIFETIME[purpose]
    with connection.transaction():
        users.insert_link(connection, hash_of(token), user.id, purpose, now, expires_at)
    return token, expires_at


def look(connection: Connection, token: str, now: datetime) -> Opened | None:
    """What the link of a token is for; None if there is none. Changes nothing."""
    return _opened(connection, users.link(connection, hash_of(token)), now)


def follow(connection: Connection, token: str, password: str, origin: From, now: datetime) -> SignedIn | None:
    """Let somebody in by their link, with the password that they set; None if the link no longer works.

    Whoever else was signed in as them is out, and what others have guessed is forgiven. A demonstration takes
    no password. UserError for a password that is not good enough.
    """
    with connection.transaction():
        opened = _opened(connection, users.link(connection, hash_of(token), locked=True), now)
        if opened is None or not opened.works:
            return None
        user = opened.user
        users.use_link(connection, hash_of(token), now)
        if opened.link.purpose != "demonstration":
            set_password(connection, user, password)
            users.forget_browsers(connection, user.id)
            users.forgive_attempts(connection, [f"email:{hash_of(user.email_key).hex()}"])
        return enter(connection, user, origin, now)


def ask_reset(connection: Connection, email: str, origin: From, now: datetime) -> User | None:
    """Who may be sent a link for a new password: not who asks too often, nor who may not sign in."""
    names = [f"address:{_network(origin.address)}", f"reset:{hash_of(key_of(email)).hex()}"]
    user = users.by_email(connection, key_of(email))
    if _count(connection, names, now) is not None:
        log.info("too many requests for a new password", address=origin.address)
        return None
    return user if user is not None and user.active else None


def _opened(connection: Connection, link: LinkRow | None, now: datetime) -> Opened | None:
    user = users.get(connection, link.user_id) if link is not None else None
    if link is None or user is None:
        return None
    return Opened(link, user, user.active and link.used_at is None and link.expires_at > now)


# ---------------------------------------------------------------- passwords


def set_password(connection: Connection, user: User, password: str, keep: int | None = None) -> None:
    """Give a user a password; all their sessions end, but the one of the number `keep`.

    UserError if it is not good enough.
    """
    problem = passwords.problem(password, _known_of(user))
    if problem is not None:
        raise UserError("password", problem)
    users.update(connection, user.id, password=passwords.hashed(password))
    users.end_sessions(connection, user.id, but=keep)
    users.drop_links(connection, user.id)
    log.info("password set", user=user.id)


def change_password(
    connection: Connection, user_id: str, old: str, new: str, keep: int, now: datetime
) -> None:
    """Let a user who knows their password have another.

    UserError if they do not know it, or the other is not good enough.
    """
    user = users.get(connection, user_id)
    assert user is not None  # users are never deleted
    name = f"own:{user.id}"
    if _count(connection, [name], now) is not None:
        raise UserError("old", _("Too many attempts. Please try again in some minutes."))
    if not passwords.check(old, user.password)[0]:
        raise UserError("old", _("This is not your present password."))
    users.forgive_attempts(connection, [name])
    with connection.transaction():
        set_password(connection, user, new, keep)


def _known_of(user: User) -> Iterable[str]:
    return (user.email, user.name)
