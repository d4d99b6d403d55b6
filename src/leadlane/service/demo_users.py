"""As whom can one look at the demonstration company? A user of each role, and a link that lets in as them."""

from __future__ import annotations

from datetime import datetime

from psycopg import Connection

from leadlane.config import Settings
from leadlane.service import user_links
from leadlane.service import users as service
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.user_links import Given
from leadlane.store import users
from leadlane.store.users import Role, User

BY = "demonstration"
# All but the last are people of the reference roster, to whom their addresses link them.
_CAST: tuple[tuple[Role, str, str], ...] = (
    ("admin", "Olga Lis", "olga@seller.example"),
    ("manager", "Maria Hofer", "maria@seller.example"),
    ("rep", "Ida Wrona", "ida@seller.example"),
    ("viewer", "Vera Guest", "vera@seller.example"),
)


def links(
    connection: Connection, books: Rulebooks, settings: Settings, base: str, now: datetime
) -> list[Given]:
    """A link for each user of the demonstration, the admin first. `base` is where this server is reached.

    They are made where there are no users at all. Who has set a password, or may not sign in, has no link:
    whoever has real users wants no such doors.
    """
    if not users.is_anybody(connection):
        with connection.transaction():
            for role, name, email in _CAST:
                service.add(connection, email, name, role, BY, now)
    cast = [user for user in users.all_users(connection) if _is_cast(user)]
    cast.sort(key=lambda user: service.ROLES.index(user.role))
    return [
        user_links.give(connection, books, settings, user, "demonstration", base, "", now) for user in cast
    ]


def _is_cast(user: User) -> bool:
    return user.created_by == BY and user.active and user.password is None
