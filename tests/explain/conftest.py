"""A sales office with the reference policy and roster, in which leads can be decided and told about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from leadlane.core.decide import Arrival, Decision, Rulebook, World, compile_rulebook, decide_batch
from leadlane.core.facts import Account, Lead, Load, Person, Signal
from leadlane.core.fairness import Ledger
from leadlane.core.match import Keys, Known
from leadlane.core.policy import Policy
from leadlane.explain import Explanation, explain
from leadlane.matching.keys import company_domain, email_key
from leadlane.policy.load import load_policy
from leadlane.policy.roster import build_account, build_roster, read_roster

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # 10:00 in Berlin
BERLIN = ZoneInfo("Europe/Berlin")


@dataclass
class Office:
    """Rulebook, accounts, open leads and ledgers that go on from lead to lead."""

    book: Rulebook
    accounts: dict[str, Account]
    known: Known = field(default_factory=Known)
    ledgers: dict[str, Ledger] = field(default_factory=dict)
    loads: dict[str, Load] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.known.accounts = self.accounts
        self.ledgers = {pool: Ledger() for pool in self.book.policy.pools}
        self.loads = {person: Load() for person in self.book.roster.people}

    def world(self) -> World:
        """A copy of how things stand, as the store would have brought it."""
        return World(
            Known(
                dict(self.known.leads),
                dict(self.known.by_email),
                {domain: list(ids) for domain, ids in self.known.by_domain.items()},
                self.accounts,
            ),
            {n: Ledger(dict(x.balances), dict(x.last), x.picks) for n, x in self.ledgers.items()},
            dict(self.loads),
        )

    def decide(self, lead: Lead, now: datetime = MONDAY) -> Decision:
        """Decide, and let the office remember it."""
        world = self.world()
        [decision], hands = decide_batch(self.book, world, [arrival(lead)], now)
        self.known, self.ledgers = world.known, dict(hands.ledgers)
        self.loads = {person: Load(*load) for person, load in hands.loads.items()}
        return decision

    def tell(self, decision: Decision, zone: ZoneInfo = BERLIN, **more: Any) -> Explanation:
        """A decision in words, from its trace as it comes back from the database."""
        account = decision.match.account
        return explain(
            self.book.policy,
            self.book.roster,
            decision.standing.lead,
            account.name if account else None,
            stored(decision),
            zone,
            **more,
        )


def arrival(lead: Lead) -> Arrival:
    """A lead with the keys that matching would make for it."""
    email = lead.fields.get("email")
    return Arrival(lead, Keys(email_key(str(email)) if email else None, company_domain(lead.fields)))


def stored(decision: Decision) -> dict[str, Any]:
    """The trace as JSON, read back."""
    return orjson.loads(orjson.dumps(decision.trace, option=orjson.OPT_UTC_Z))


def a_lead(id_: str = "L1", signals: tuple[str, ...] = ("demo_request",), **fields: Any) -> Lead:
    """A lead that has just arrived, its signals with it."""
    return Lead(id_, MONDAY, fields, tuple(Signal(name, MONDAY) for name in signals))


@pytest.fixture(scope="session")
def reference() -> tuple[Rulebook, dict[str, Account]]:
    """The shipped policy and roster."""
    folder = files("leadlane.reference")
    policy = load_policy(folder.joinpath("policy.yaml").read_bytes())
    document, problems = read_roster(folder.joinpath("roster.yaml").read_bytes())
    assert document is not None, problems
    accounts = [build_account(entry) for entry in document.accounts.values()]
    by_domain = {domain: account for account in accounts for domain in account.domains}
    return compile_rulebook(policy, build_roster(document, 1)), by_domain


@pytest.fixture
def open_office(reference: tuple[Rulebook, dict[str, Account]]) -> Callable[..., Office]:
    """An office with changes to the policy, changes to people by id, and new people."""

    def make(
        policy: Mapping[str, Any] | None = None, hired: Iterable[Person] = (), **people: Mapping[str, Any]
    ) -> Office:
        book, accounts = reference
        changed: dict[str, Person] = {
            id_: replace(book.roster.people[id_], **changes) for id_, changes in people.items()
        }
        new = {person.id: person for person in hired}
        roster = replace(book.roster, people={**book.roster.people, **changed, **new})
        rules: Policy = replace(book.policy, **(policy or {}))
        return Office(compile_rulebook(rules, roster), accounts)

    return make


@pytest.fixture
def office(open_office: Callable[..., Office]) -> Office:
    """The office as it is shipped, with empty hands."""
    return open_office()
