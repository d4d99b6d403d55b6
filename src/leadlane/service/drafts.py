"""What does somebody change of the policy, what would it say, and does it still fit what is in force?"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from importlib.resources import files

from psycopg import Connection

from leadlane.core.policy import Policy
from leadlane.errors import LeadlaneError
from leadlane.i18n import _
from leadlane.policy.diff import diff
from leadlane.policy.load import read_policy
from leadlane.policy.problems import Problem, has_errors
from leadlane.policy.words import Section, describe
from leadlane.service.publish import Published, check_policy, publish, stored_policy
from leadlane.store import policies, workshop
from leadlane.store.policies import Publication

# More than any policy needs; what is read of YAML ends there too.
LONGEST = 400_000
LONGEST_COMMENT = 1_000
_SOURCE = "policy.yaml"


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody works on. Without a draft of their own: the text in force, `changed_at` None.

    `edition` is what a form sends back as seen. `begun_from` is the number of the publication that it takes
    account of, `in_force` the one that holds now.
    """

    text: str
    edition: int
    begun_from: int
    changed_at: datetime | None
    in_force: Publication | None

    @property
    def is_behind(self) -> bool:
        """Whether somebody has published since it was begun."""
        return self.in_force is not None and self.in_force.number != self.begun_from

    @property
    def is_news(self) -> bool:
        """Whether there is something to publish; where nothing is in force, the reference policy is."""
        return self.changed_at is not None or self.in_force is None


@dataclass(frozen=True, slots=True)
class Checked:
    """A policy text, looked at: what is wrong with it, and, where nothing is, what it says and changes.

    `changes` are the differences from the policy in force, in words; None where there is none to compare.
    """

    policy: Policy | None
    problems: tuple[Problem, ...]
    sections: tuple[Section, ...] = ()
    changes: tuple[str, ...] | None = None

    @property
    def errors(self) -> int:
        """How many of the problems keep it from being published."""
        return sum(problem.severity == "error" for problem in self.problems)


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """What others published since a draft was begun: the publications, and what they changed.

    `changes` is in words; `lines` is the unified diff of the text in force and the draft.
    """

    publications: tuple[Publication, ...]
    changes: tuple[str, ...]
    lines: tuple[str, ...]


def open_draft(connection: Connection, user_id: str) -> Draft:
    """The draft of a user; else the policy in force, and where there is none the reference policy."""
    kept = workshop.draft(connection, user_id)
    last = workshop.last_publication(connection)
    edition = kept.edition if kept else 0
    if kept is not None and not kept.put_away:
        return Draft(kept.content, edition, kept.begun_from, kept.changed_at, last)
    if last is not None:
        return Draft(policies.source(connection, last.version), edition, last.number, None, last)
    text = (files("leadlane") / "reference" / "policy.yaml").read_text(encoding="utf-8")
    return Draft(text, edition, 0, None, None)


def keep(
    connection: Connection, user_id: str, text: str, edition: int, begun_from: int, now: datetime
) -> bool:
    """Keep what somebody typed; False, and nothing changes, if `edition` is not the present one.

    LeadlaneError for a text that is longer than any policy may be.
    """
    if len(text) > LONGEST:
        raise LeadlaneError(
            _("This is longer than a policy may be: {n} characters.").format(n=len(text)),
            _("At most {most} characters are kept.").format(most=LONGEST),
        )
    # PostgreSQL keeps no NUL, and YAML has none.
    text = text.replace("\r\n", "\n").replace("\0", "\ufffd")
    return workshop.keep_draft(connection, user_id, text, edition, begun_from, now)


@lru_cache(maxsize=32)
def read(text: str) -> Policy | None:
    """The policy that a draft says, by itself; None while it has errors. Kept at hand: pages ask again."""
    return read_policy(text, _SOURCE)[0]


def check(connection: Connection, text: str, in_force: Policy | None) -> Checked:
    """Look at a policy text, by itself and with the roster as it stands."""
    policy, problems = check_policy(connection, text, _SOURCE)
    if policy is None or has_errors(problems):
        return Checked(None, tuple(problems))
    changes = tuple(diff(in_force, policy)) if in_force is not None else None
    return Checked(policy, tuple(problems), tuple(describe(policy)), changes)


def meanwhile(connection: Connection, draft: Draft, most: int = 10) -> Meanwhile:
    """What others published since a draft was begun."""
    later = workshop.publications(connection, most=most, after=draft.begun_from)
    begun = workshop.publications(connection, most=1, before=draft.begun_from + 1)
    assert draft.in_force is not None  # else nobody has published
    present, present_text = stored_policy(connection, draft.in_force.version)
    changes = diff(stored_policy(connection, begun[0].version)[0], present) if begun else []
    lines = difflib.unified_diff(
        present_text.splitlines(), draft.text.splitlines(), _("in force"), _("draft"), lineterm="", n=2
    )
    return Meanwhile(tuple(later), tuple(changes), tuple(lines))


def publish_draft(
    connection: Connection, user_id: str, seen: int, edition: int, by: str, comment: str, now: datetime
) -> Published:
    """Put a user's draft in force, and put it away.

    PolicyErrors if it has errors, MeanwhileError if another publication than `seen` is in force,
    LeadlaneError if the draft is another than the one seen. In all these cases nothing changes.
    """
    with connection.transaction():
        draft = open_draft(connection, user_id)
        if not draft.is_news or draft.edition != edition:
            raise LeadlaneError(
                _("The draft has changed since this page was opened. Nothing was published."),
                _("Look at it again, and publish it then."),
            )
        published = publish(connection, draft.text, _SOURCE, by, comment, now, seen=seen)
        workshop.put_away_draft(connection, user_id, True)
        return published
