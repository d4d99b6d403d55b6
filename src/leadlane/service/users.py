"""Who may sign in, as what, and who are they in the roster? Everything that changes a user."""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import get_args
from zoneinfo import available_timezones

from email_validator import EmailNotValidError, validate_email
from psycopg import Connection

from leadlane.core.facts import Person
from leadlane.errors import LeadlaneError
from leadlane.i18n import _, available_languages
from leadlane.logging import get_logger
from leadlane.service.rulebooks import load_roster
from leadlane.store import calendars, policies, users
from leadlane.store.users import Role, Theme, User

ROLES: tuple[Role, ...] = get_args(Role)
THEMES: tuple[Theme, ...] = get_args(Theme)
LONGEST_NAME = 100

log = get_logger(__name__)


class UserError(LeadlaneError):
    """A change of a user that is refused. `field` is what is wrong, "" where it is not about one value."""

    def __init__(self, field: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.field = field


def key_of(email: str) -> str:
    """An e-mail address as users are known by it: case does not count, everything else does."""
    return unicodedata.normalize("NFC", email.strip()).casefold()


# ---------------------------------------------------------------- who there is


def find(connection: Connection, who: str) -> User:
    """The user of an id or an e-mail address. UserError if there is none."""
    found = users.get(connection, who) or users.by_email(connection, key_of(who))
    if found is None:
        raise UserError(
            "", _("There is no user {who}.").format(who=who), _("`leadlane users list` shows them.")
        )
    return found


def people(connection: Connection) -> dict[str, Person]:
    """The people of the roster in force, by id; also where no policy is published yet."""
    return dict(load_roster(connection, policies.in_force(connection)[1]).people)


def person_by_email(everybody: Iterable[Person], email_key: str) -> str | None:
    """The one person of the roster who has this address; None where nobody has, or several."""
    found = [person.id for person in everybody if person.email and key_of(person.email) == email_key]
    return found[0] if len(found) == 1 else None


# ---------------------------------------------------------------- what admins do


def add(connection: Connection, email: str, name: str, role: str, by: str, now: datetime) -> User:
    """Make a user who has no password yet; whoever in the roster has this address is linked.

    UserError for an address that is none or has a user, an unknown role, or a name that is too long.
    """
    address = _address(email)
    key = key_of(address)
    roster = people(connection)
    person = person_by_email(roster.values(), key)
    if person is not None and users.by_person(connection, person) is not None:
        person = None
    called = name.strip() or (roster[person].name if person else "") or address.partition("@")[0]
    user = User(
        id="u_" + secrets.token_hex(6),
        email=address,
        email_key=key,
        name=_name(called),
        role=_role(role),
        person=person,
        person_chosen=False,
        language="",
        zone="",
        theme="system",
        password=None,
        active=True,
        created_at=now,
        created_by=by,
        signed_in_at=None,
    )
    if not users.insert(connection, user):
        raise UserError(
            "email",
            _("{email} has a user already.").format(email=address),
            _("If they cannot sign in, make a link for a new password."),
        )
    log.debug("user added", user=user.id, role=role, by=by)
    return user


def change_role(connection: Connection, id_: str, role: str, by: str) -> User:
    """Give a user another role; their sessions end, so that nothing is done by what they were.

    UserError for an unknown role, and for the last admin.
    """
    with connection.transaction():
        user = _locked(connection, id_, stays_admin=_role(role) == "admin")
        if user.role != role:
            users.update(connection, user.id, role=role)
            users.end_sessions(connection, user.id)
            log.info("user has another role", user=user.id, role=role, by=by)
        return replace(user, role=_role(role))


def deactivate(connection: Connection, id_: str, by: str) -> None:
    """Keep a user out: sessions and links end at once. UserError for the last admin."""
    with connection.transaction():
        user = _locked(connection, id_, stays_admin=False)
        users.update(connection, user.id, active=False)
        users.end_sessions(connection, user.id)
        users.drop_links(connection, user.id)
        users.forget_browsers(connection, user.id)
    log.info("user deactivated", user=id_, by=by)


def activate(connection: Connection, id_: str, by: str) -> None:
    """Let a user in again, with the password they had."""
    users.update(connection, find(connection, id_).id, active=True)
    log.info("user activated", user=id_, by=by)


def link_person(connection: Connection, id_: str, person: str | None, by: str) -> None:
    """Say who a user is in the roster; None: nobody, whatever their address.

    UserError if the roster has nobody of this id, or they have a user already.
    """
    if person is not None and person not in people(connection):
        raise UserError("person", _("There is nobody of the id {id} in the roster.").format(id=person))
    with connection.transaction():
        user = find(connection, id_)
        other = users.by_person(connection, person) if person is not None else None
        if other is not None and other.id != user.id:
            raise UserError(
                "person", _("{person} is {user} already.").format(person=person, user=other.email)
            )
        if user.person not in (None, person):
            # Whoever was this person has the secret of its calendar, and is it no more.
            calendars.drop_feed(connection, user.person)
        users.update(connection, user.id, person=person, person_chosen=True)
    log.info("user linked", user=user.id, person=person, by=by)


def link_by_email(connection: Connection, user: User) -> User:
    """The user, linked to whoever in the roster has their address by now, unless an admin has chosen."""
    if user.person is not None or user.person_chosen:
        return user
    person = person_by_email(people(connection).values(), user.email_key)
    if person is None or users.by_person(connection, person) is not None:
        return user
    users.update(connection, user.id, person=person)
    return replace(user, person=person)


def _locked(connection: Connection, id_: str, *, stays_admin: bool) -> User:
    """A user that nobody else changes until this transaction ends; an installation keeps an admin."""
    admins = users.lock_admins(connection)
    user = users.lock(connection, find(connection, id_).id)
    assert user is not None  # users are never deleted
    if admins == [user.id] and not stays_admin:
        raise UserError(
            "role",
            _("{email} is the only admin.").format(email=user.email),
            _("Make somebody else an admin first."),
        )
    return user


# ---------------------------------------------------------------- what users do


def change_profile(
    connection: Connection, id_: str, *, name: str, language: str, zone: str, theme: str
) -> None:
    """Store what a user chose for themselves; an empty language or zone: whatever fits best.

    UserError for what we do not have.
    """
    if language and language not in available_languages():
        raise UserError("language", _("Leadlane does not speak this language."))
    if zone and zone not in available_timezones():
        raise UserError("zone", _("There is no such time zone."), _("They are called like Europe/Berlin."))
    if theme not in THEMES:
        raise UserError("theme", _("There is no such look."))
    users.update(connection, id_, name=_name(name), language=language, zone=zone, theme=theme)


def change_theme(connection: Connection, id_: str, theme: str) -> None:
    """Store whether a user likes pages light or dark, or as their system is. UserError for another."""
    if theme not in THEMES:
        raise UserError("theme", _("There is no such look."))
    users.update(connection, id_, theme=theme)


def rename(connection: Connection, id_: str, name: str) -> None:
    """Call a user otherwise. UserError for a name that is empty or too long."""
    users.update(connection, id_, name=_name(name))


# ---------------------------------------------------------------- values


def _address(email: str) -> str:
    try:
        # Companies have mail servers inside that the rest of the world does not see.
        options = {"check_deliverability": False, "globally_deliverable": False, "test_environment": True}
        return validate_email(email.strip(), **options).normalized  # type: ignore[arg-type]
    except EmailNotValidError:
        raise UserError(
            "email", _("This is no e-mail address."), _("It is written as name@company.example.")
        ) from None


def _name(name: str) -> str:
    short = " ".join(name.split())
    if not 1 <= len(short) <= LONGEST_NAME or not short.isprintable():
        text = _("A name has 1 to {longest} printable characters.")
        raise UserError("name", text.format(longest=LONGEST_NAME))
    return short


def _role(role: str) -> Role:
    for known in ROLES:
        if role == known:
            return known
    raise UserError(
        "role",
        _("There is no role {role}.").format(role=role),
        _("Roles are: {roles}").format(roles=", ".join(ROLES)),
    )
