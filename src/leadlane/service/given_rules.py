"""May leads be routed by a policy and a roster that the caller brings? Yes, where that changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection

from leadlane.errors import LeadlaneError
from leadlane.i18n import _
from leadlane.policy.load import load_policy
from leadlane.policy.roster import RosterDocument, build_account, read_roster
from leadlane.service.publish import current_document, publish
from leadlane.service.roster import RosterErrors, as_stored, put_roster
from leadlane.store import accounts, policies


@dataclass(frozen=True, slots=True)
class Text:
    """What a file says, and what the file is called."""

    content: bytes
    source: str


def use_rules(
    connection: Connection,
    policy: Text | None,
    people: Text | None,
    by: str,
    now: datetime,
    *,
    replace: bool = False,
) -> None:
    """Have leads routed by this policy and roster (None: by what is in force), or refuse.

    Where nothing is in force yet, or with `replace`, they are imported and published; else they must be what
    is in force. PolicyErrors or RosterErrors if they are not well-formed, LeadlaneError if they are others.
    """
    with connection.transaction():
        version, _revision = policies.in_force(connection)
        document = _roster_of(people) if people is not None else None
        if version is not None and not replace:
            _refuse_others(connection, version, policy, document)
            return
        if version is None and policy is None:
            if document is None:
                return
            raise LeadlaneError(
                _("No policy is in force yet, and none is given."), _("Give one: --policy POLICY.yaml")
            )
        if document is not None:
            put_roster(connection, document, by, now)
        if policy is not None:
            text = policy.content.decode(errors="replace")
            publish(connection, text, policy.source, by, "", now)
        if not current_document(connection).people:
            raise LeadlaneError(
                _("There is nobody who could receive leads."), _("Give a roster: --roster ROSTER.yaml")
            )


def _roster_of(text: Text) -> RosterDocument:
    document, problems = read_roster(text.content, text.source)
    if document is None:
        raise RosterErrors(problems)
    return document


def _refuse_others(
    connection: Connection, version: str, policy: Text | None, document: RosterDocument | None
) -> None:
    hint = _("Publish it first (leadlane policy publish), or try it without any effect: --dry-run")
    if policy is not None:
        given = load_policy(policy.content, policy.source).version
        if given != version:
            raise LeadlaneError(
                _("{file} is version {given}, and version {version} is in force.").format(
                    file=policy.source, given=given, version=version
                ),
                hint,
            )
    if document is not None and (differing := _differing(connection, document)):
        raise LeadlaneError(
            _("The roster given is not the one in force; it differs in {entries}.").format(
                entries=", ".join(differing[:5]) + (" …" if len(differing) > 5 else "")
            ),
            hint,
        )


def _differing(connection: Connection, document: RosterDocument) -> list[str]:
    """Ids of the entries of a document that are not stored just so."""
    stored = current_document(connection)
    differing = [
        id_
        for given, there in (
            (document.people, stored.people),
            (document.teams, stored.teams),
            (document.hours, stored.hours),
        )
        for id_, entry in given.items()
        if there.get(id_) != entry
    ]
    for entry in document.accounts.values():
        given_account = build_account(entry)
        if accounts.account(connection, given_account.id) != as_stored(given_account):
            differing.append(given_account.id)
    return differing
