"""Who can receive leads? Changes of the roster and of accounts: checked, then stored as a new revision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from importlib.metadata import version as installed_version
from typing import Any

from psycopg import Connection

from leadlane.core.facts import Account
from leadlane.errors import LeadlaneError
from leadlane.i18n import _
from leadlane.matching.keys import registrable_domain
from leadlane.policy.check import check_against
from leadlane.policy.load import load_policy
from leadlane.policy.problems import Problem, has_errors
from leadlane.policy.roster import (
    RosterDocument,
    build_account,
    check_roster,
    holiday_keys,
    public_holidays,
)
from leadlane.policy.roster_document import instant
from leadlane.service.recognise import account_row
from leadlane.store import accounts, policies, roster

_ACCOUNTS_AT_A_TIME = 5_000


class RosterErrors(LeadlaneError):
    """A change of the roster is refused; `problems` says why, all of it."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(_("The roster is refused."), "\n".join(str(problem) for problem in problems))
        self.problems = problems


class UnknownPersonError(LeadlaneError):
    """The roster has nobody of this id."""

    def __init__(self, person_id: str) -> None:
        super().__init__(_("There is nobody of the id {id} in the roster.").format(id=person_id))


class AbsenceError(LeadlaneError):
    """An absence that is none: it ends before it begins, or before now."""


def put_roster(connection: Connection, document: RosterDocument, by: str, now: datetime) -> int:
    """Store a whole roster: entries replace those of the same id, others stay. Returns the revision.

    RosterErrors, and nothing changes, if it would leave dangling references or worse.
    """
    with connection.transaction():
        revision = _put_entries(
            connection,
            {"person": document.people, "team": document.teams, "hours": document.hours},
            by,
            now,
        )
        put_accounts(connection, (build_account(entry) for entry in document.accounts.values()), now)
    return revision


def put_entry(
    connection: Connection, kind: str, id_: str, content: Mapping[str, Any], by: str, now: datetime
) -> int:
    """Store one person, team or named hours under its id. Returns the revision; RosterErrors if refused."""
    with connection.transaction():
        return _put_entries(connection, {kind: {id_: dict(content)}}, by, now)


def set_away(
    connection: Connection,
    person_id: str,
    start: datetime,
    until: datetime,
    reason: str,
    by: str,
    now: datetime,
) -> int:
    """Somebody is away from `start` until just before `until` (aware). Returns the roster's revision.

    UnknownPersonError if there is nobody of this id, AbsenceError if it ends before it begins.
    """
    if until <= start:
        raise AbsenceError(_("The absence ends before it begins."))
    with connection.transaction():
        people = roster.entries(connection, roster.lock_revision(connection))["person"]
        if person_id not in people:
            raise UnknownPersonError(person_id)
        away = {"from": start.isoformat(), "until": until.isoformat()} | (
            {"reason": reason} if reason else {}
        )
        content = {**people[person_id], "away": [*people[person_id].get("away", []), away]}
        return _put_entries(connection, {"person": {person_id: content}}, by, now)


def go_away(
    connection: Connection,
    person_id: str,
    start: str | None,
    until: str,
    reason: str,
    by: str,
    now: datetime,
) -> int:
    """Somebody is away from `start` (now, if not said) until `until`. Returns the roster's revision.

    Both are dates, which mean whole days, or moments, in the person's time zone where they name none.
    ValueError for what is neither; else as `set_away`.
    """
    with connection.transaction():
        people = roster.entries(connection, roster.lock_revision(connection))["person"]
        if person_id not in people:
            raise UnknownPersonError(person_id)
        zone = people[person_id]["timezone"]
        # What is past is not made up for: a worker looks for what has begun since it looked last.
        begins = max(now, instant(start, zone)) if start is not None else now
        return set_away(connection, person_id, begins, instant(until, zone, end=True), reason, by, now)


def _put_entries(
    connection: Connection, changes: Mapping[str, Mapping[str, Mapping[str, Any]]], by: str, now: datetime
) -> int:
    revision = roster.lock_revision(connection)
    entries = roster.entries(connection, revision)
    changed: list[tuple[str, str, Mapping[str, Any] | None]] = []
    for kind, contents in changes.items():
        for id_, content in contents.items():
            if entries[kind].get(id_) != content:
                entries[kind][id_] = dict(content)
                changed.append((kind, id_, content))
    if not changed:
        return revision
    document = RosterDocument(entries["person"], entries["team"], entries["hours"], {})
    problems = check_roster(document)
    if not has_errors(problems):
        problems += _problems_with_policy(connection, document)
    if has_errors(problems):
        raise RosterErrors(problems)
    changed += _missing_holidays(document, entries["holidays"])
    return roster.change(connection, changed, now, by)


def _problems_with_policy(connection: Connection, document: RosterDocument) -> list[Problem]:
    """What the policy in force would have against these people: a pool that nobody is left in, for one."""
    version, _revision = policies.in_force(connection)
    if version is None:
        return []
    return check_against(load_policy(policies.source(connection, version), f"policy {version}"), document)


def _missing_holidays(
    document: RosterDocument, known: Mapping[str, Any]
) -> list[tuple[str, str, Mapping[str, Any] | None]]:
    """Public holidays become part of the roster when their country first does.

    So a decision can be made again exactly, whatever a later version of the library knows better.
    """
    source = f"holidays {installed_version('holidays')}"
    return [
        (
            "holidays",
            key,
            {"source": source, "days": {day.isoformat(): name for day, name in public_holidays(key).items()}},
        )
        for key in sorted(holiday_keys(document) - known.keys())
    ]


def put_accounts(connection: Connection, given: Iterable[Account], now: datetime) -> int:
    """Store accounts in place of those of the same ids. Returns how many.

    LeadlaneError, and nothing changes, if an owner is unknown or a domain belongs to another account.
    """
    count = 0
    with connection.transaction():
        _version, revision = policies.in_force(connection)
        people = roster.entries(connection, revision)["person"]
        chunk: list[Account] = []
        for account in given:
            if account.owner is not None and account.owner not in people:
                raise LeadlaneError(
                    _("The owner {owner} of the account {account} is not in the roster.").format(
                        owner=account.owner, account=account.id
                    )
                )
            chunk.append(account)
            count += 1
            if len(chunk) == _ACCOUNTS_AT_A_TIME:
                _put_accounts(connection, chunk, now)
                chunk = []
        _put_accounts(connection, chunk, now)
    return count


def as_stored(account: Account) -> Account:
    """An account as it is kept: by registrable domains, which is what matching looks companies up by."""
    domains = {registrable_domain(domain) or domain for domain in account.domains}
    aliases = dict.fromkeys(alias for alias in map(str.strip, account.aliases) if alias != account.name)
    return replace(
        account,
        domains=tuple(sorted(domains)),
        aliases=tuple(filter(None, aliases)),
        city=account.city.strip(),
        phone=account.phone.strip(),
    )


def _put_accounts(connection: Connection, chunk: list[Account], now: datetime) -> None:
    normal = [as_stored(one) for one in chunk]
    ids = [account.id for account in normal]
    owner_of = accounts.domains_of_others(connection, [d for one in normal for d in one.domains], ids)
    for account in normal:
        for domain in account.domains:
            other = owner_of.setdefault(domain, account.id)
            if other != account.id:
                raise LeadlaneError(
                    _("The domain {domain} of the account {account} belongs to {other} already.").format(
                        domain=domain, account=account.id, other=other
                    ),
                    _("A domain names one company; take it out of one of the two."),
                )
    accounts.put_accounts(connection, [account_row(account) for account in normal], now)
