"""What was in force when, what did each version change, and what would going back to one change?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection

from leadlane.policy.diff import diff
from leadlane.service.publish import Published, publish, stored_policy
from leadlane.store import policies, workshop
from leadlane.store.policies import Publication

MOST = 50


@dataclass(frozen=True, slots=True)
class Version:
    """One publication.

    `changed` is what it changed of the one before, None for the first; `back` what would change by putting
    it in force again, [] where it says the same as what is in force.
    """

    publication: Publication
    in_force: Publication
    text: str
    changed: tuple[str, ...] | None
    back: tuple[str, ...]


def version(connection: Connection, number: int) -> Version | None:
    """A publication by its number, with its differences in words; None if there is none."""
    found = workshop.publications(connection, most=2, before=number + 1)
    last = workshop.last_publication(connection)
    if last is None or not found or found[0].number != number:
        return None
    policy, text = stored_policy(connection, found[0].version)
    before = stored_policy(connection, found[1].version)[0] if len(found) > 1 else None
    present, _text = stored_policy(connection, last.version)
    changed = tuple(diff(before, policy)) if before is not None else None
    return Version(found[0], last, text, changed, tuple(diff(present, policy)))


def go_back(
    connection: Connection, number: int, seen: int, by: str, comment: str, now: datetime
) -> Published | None:
    """Publish an earlier version again. None if there is no such number.

    MeanwhileError if another publication than `seen` is in force; PolicyErrors if the version no longer fits
    the roster.
    """
    found = workshop.publications(connection, most=1, before=number + 1)
    if not found or found[0].number != number:
        return None
    text = policies.source(connection, found[0].version)
    return publish(connection, text, "policy.yaml", by, comment, now, seen=seen)
