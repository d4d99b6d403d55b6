"""How does a policy come into force? Checked against the roster, stored, published with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection

from leadlane.core.policy import Policy
from leadlane.errors import LeadlaneError
from leadlane.i18n import _
from leadlane.policy.check import check_against
from leadlane.policy.load import load_policy, read_policy
from leadlane.policy.problems import PolicyErrors, Problem, has_errors
from leadlane.policy.roster import RosterDocument
from leadlane.service.rulebooks import document_of
from leadlane.store import policies, roster


@dataclass(frozen=True, slots=True)
class Published:
    """The outcome of publishing: `number` is None if this very version was in force already."""

    policy: Policy
    number: int | None
    warnings: tuple[Problem, ...]


class MeanwhileError(LeadlaneError):
    """Somebody has published since whoever wants to publish now looked."""

    def __init__(self, number: int) -> None:
        super().__init__(
            _("Somebody published version {number} meanwhile. Nothing was published.").format(number=number),
            _("Look at what is different, take account of it, and publish again."),
        )


def check_policy(connection: Connection, text: str, source: str) -> tuple[Policy | None, list[Problem]]:
    """Every problem of a policy, by itself and with the roster as it stands."""
    policy, problems = read_policy(text, source)
    document = current_document(connection)
    if policy is not None and document.people:
        problems = [*problems, *check_against(policy, document, text, source)]
    return policy, problems


def current_document(connection: Connection) -> RosterDocument:
    """The roster as it stands, without accounts."""
    _version, revision = policies.in_force(connection)
    return document_of(roster.entries(connection, revision))


def publish(
    connection: Connection,
    text: str,
    source: str,
    by: str,
    comment: str,
    now: datetime,
    *,
    seen: int | None = None,
) -> Published:
    """Put a policy in force. PolicyErrors, and nothing changes, if it has errors.

    `seen` is the number of the publication that whoever publishes knows to be in force (0: none);
    MeanwhileError if it is another.
    """
    with connection.transaction():
        roster.lock_revision(connection)  # the people that it is checked against stay as they are
        if seen is not None and (number := policies.last_number(connection)) != seen:
            raise MeanwhileError(number)
        policy, problems = check_policy(connection, text, source)
        if policy is None or has_errors(problems):
            raise PolicyErrors(problems)
        version, _revision = policies.in_force(connection)
        if version == policy.version:
            return Published(policy, None, tuple(problems))
        policies.keep(connection, policy.version, text, policy.pools)
        number = policies.publish(connection, policy.version, now, by, comment)
        return Published(policy, number, tuple(problems))


def in_force(connection: Connection) -> tuple[Policy, str]:
    """The policy in force and its text. LeadlaneError if there is none."""
    version, _revision = policies.in_force(connection)
    if version is None:
        raise LeadlaneError(
            _("No policy is in force yet."), _("Publish one: leadlane policy publish POLICY.yaml")
        )
    return stored_policy(connection, version)


def stored_policy(connection: Connection, version: str) -> tuple[Policy, str]:
    """A policy that was published, by its version or an unambiguous beginning of it, and its text."""
    found = [one for one in _versions(connection) if one.startswith(version)] if version else []
    text = policies.source(connection, found[0] if len(found) == 1 else version)
    return load_policy(text, f"policy {version}"), text


def _versions(connection: Connection) -> list[str]:
    return list(dict.fromkeys(one.version for one in policies.publications(connection)))
