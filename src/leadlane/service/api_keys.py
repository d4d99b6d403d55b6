"""How does a program get into the HTTP interface, and how is it kept out again? Keys with scopes."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime

from psycopg import Connection

from leadlane.errors import LeadlaneError
from leadlane.i18n import _
from leadlane.store import api_keys

# intake: send leads and signals; read: see everything; write: act on leads, and change people, teams
# and accounts; admin: all of these, and the policy.
SCOPES = ("intake", "read", "write", "admin")
PREFIX = "ll_"
LONGEST_NAME = 100


def create(connection: Connection, name: str, scopes: Collection[str], now: datetime) -> tuple[str, str]:
    """Make a key. Returns its id and its secret, which is told this once.

    LeadlaneError for a bad name or scope.
    """
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise LeadlaneError(
            _("A key needs a name of 1 to {longest} printable characters.").format(longest=LONGEST_NAME)
        )
    if unknown := [scope for scope in scopes if scope not in SCOPES]:
        raise LeadlaneError(
            _("There is no scope {scope}.").format(scope=unknown[0]),
            _("Scopes are: {scopes}").format(scopes=", ".join(SCOPES)),
        )
    if not scopes:
        raise LeadlaneError(
            _("A key needs a scope, or it opens nothing."),
            _("Scopes are: {scopes}").format(scopes=", ".join(SCOPES)),
        )
    id_, secret = "k_" + secrets.token_hex(6), PREFIX + secrets.token_urlsafe(32)
    ordered = [scope for scope in SCOPES if scope in scopes]
    with connection.transaction():
        api_keys.insert(connection, id_, name.strip(), hash_of(secret), ordered, now)
    return id_, secret


def revoke(connection: Connection, id_: str, now: datetime) -> None:
    """Take a key back; running servers refuse it within seconds. LeadlaneError if there is no such key."""
    with connection.transaction():
        if not api_keys.revoke(connection, id_, now):
            raise LeadlaneError(
                _("There is no key {id}.").format(id=id_), _("`leadlane keys list` shows them.")
            )


def hash_of(secret: str) -> bytes:
    """What is stored of a secret. It has 256 random bits, so one fast hash is as good as a slow one."""
    return hashlib.sha256(secret.encode()).digest()
