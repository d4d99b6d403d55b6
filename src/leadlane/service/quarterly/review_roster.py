"""What does an accepted proposal change of people, and how is it done?"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from datetime import datetime

from psycopg import Connection

from leadlane.policy.edit import Edit
from leadlane.policy.roster import RosterDocument
from leadlane.service.publish import current_document
from leadlane.service.quarterly.quarter import roster_words
from leadlane.service.roster import put_roster
from leadlane.service.roster_text import edited_roster, roster_text

_FILE = "roster.yaml"


def roster_change(connection: Connection, edits: Sequence[Edit]) -> tuple[list[str], list[str]]:
    """What edits would change of the roster as it is: in words, and as unified difference of its file.

    Nothing where it says so already. EditError where there is no such person or team any more.
    """
    old = current_document(connection)
    new = edited_roster(old, edits)
    before, after = roster_text(old).splitlines(), roster_text(new).splitlines()
    return roster_words(old, new), list(difflib.unified_diff(before, after, _FILE, _FILE, lineterm="", n=1))


def into_roster(connection: Connection, edits: Sequence[Edit], by: str, now: datetime) -> int:
    """Make edits in the roster; only entries that change are stored anew. Returns the revision.

    EditError where there is no such person or team any more, RosterErrors if the roster is refused.
    """
    with connection.transaction():
        old = current_document(connection)
        new = edited_roster(old, edits)
        changed = RosterDocument(
            people={id_: entry for id_, entry in new.people.items() if old.people.get(id_) != entry},
            teams={id_: entry for id_, entry in new.teams.items() if old.teams.get(id_) != entry},
            hours={name: spec for name, spec in new.hours.items() if old.hours.get(name) != spec},
        )
        return put_roster(connection, changed, by, now)
