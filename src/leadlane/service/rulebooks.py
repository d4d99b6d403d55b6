"""Which rules hold, for whom? Policies and rosters as stored, compiled for deciding and kept at hand."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

from psycopg import Connection

from leadlane.core.decide import Rulebook, compile_rulebook
from leadlane.core.facts import LEAD_FIELDS, FieldSpec, Roster
from leadlane.core.policy import Policy
from leadlane.errors import LeadlaneError
from leadlane.i18n import _
from leadlane.policy.load import load_policy
from leadlane.policy.roster import RosterDocument, build_roster
from leadlane.store import policies, roster

# A batch needs one; replaying history walks through a few at a time.
_KEPT = 8


class NothingPublishedError(LeadlaneError):
    """There is no policy in force."""

    def __init__(self) -> None:
        super().__init__(
            _("No policy is in force yet."),
            _("Publish one: leadlane policy publish POLICY.yaml --roster ROSTER.yaml"),
        )


class Rulebooks:
    """Compiled rulebooks by policy version and roster revision; both are immutable, so none goes stale.

    Safe to share between threads.
    """

    def __init__(self) -> None:
        self._books: OrderedDict[tuple[str, int], Rulebook] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, connection: Connection, version: str | None, revision: int) -> Rulebook:
        """The rulebook of a policy version at a roster revision. NothingPublishedError for version None."""
        if version is None:
            raise NothingPublishedError
        key = (version, revision)
        with self._lock:
            book = self._books.get(key)
            if book is not None:
                self._books.move_to_end(key)
                return book
        book = compile_rulebook(self._policy(connection, version), load_roster(connection, revision))
        with self._lock:
            self._books[key] = book
            while len(self._books) > _KEPT:
                self._books.popitem(last=False)
        return book

    def current(self, connection: Connection) -> Rulebook:
        """The rulebook in force. NothingPublishedError if there is none."""
        version, revision = policies.in_force(connection)
        return self.get(connection, version, revision)

    def _policy(self, connection: Connection, version: str) -> Policy:
        with self._lock:
            known = next((book.policy for (v, _), book in self._books.items() if v == version), None)
        return known or load_policy(policies.source(connection, version), f"policy {version}")


def field_specs(policy: Policy) -> dict[str, FieldSpec]:
    """The fields that a lead may have under a policy: the built-in ones and the policy's own."""
    return {**LEAD_FIELDS, **policy.fields}


def load_roster(connection: Connection, revision: int) -> Roster:
    """The roster as it was at a revision."""
    entries = roster.entries(connection, revision)
    holidays = {key: roster.holiday_dates(content) for key, content in entries["holidays"].items()}
    return build_roster(document_of(entries), revision, holidays)


def document_of(entries: dict[str, dict[str, dict[str, Any]]]) -> RosterDocument:
    """The roster document that stored entries make up (accounts are kept apart)."""
    return RosterDocument(
        people=entries["person"], teams=entries["team"], hours=entries["hours"], accounts={}
    )
