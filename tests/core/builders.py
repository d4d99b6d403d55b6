"""What the tests of the core are made of: the reference policy and roster, small leads, moments in Berlin."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from leadlane.core.conditions import ALWAYS, Condition, Test
from leadlane.core.decide import Arrival, Decision, Rulebook, World, compile_rulebook, decide_batch
from leadlane.core.facts import Account, Lead, Load, Person, Roster, Signal
from leadlane.core.fairness import Ledger
from leadlane.core.match import Keys, Known
from leadlane.core.pick import Hands
from leadlane.core.policy import Duration, IntentItem, Limits, Policy, Pool, Route
from leadlane.matching.keys import company_domain, email_key
from leadlane.policy.load import load_policy
from leadlane.policy.roster import build_account, build_roster, read_roster

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = (((540, 1020),),) * 5 + ((), ())
ALWAYS_OPEN = (((0, 1440),),) * 7
NEVER_OPEN = ((),) * 7


def at(text: str) -> datetime:
    """An instant from a local time in Berlin ("2026-03-02 10:00") or from one with its offset."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=BERLIN)).astimezone(UTC)


MONDAY = at("2026-03-02 10:00")


@cache
def reference_policy() -> Policy:
    return load_policy(_shipped("policy.yaml"))


@cache
def reference_roster() -> Roster:
    document, problems = read_roster(_shipped("roster.yaml"))
    assert document is not None, problems
    return build_roster(document, 1)


@cache
def reference_accounts() -> tuple[Account, ...]:
    document, problems = read_roster(_shipped("roster.yaml"))
    assert document is not None, problems
    return tuple(build_account(entry) for entry in document.accounts.values())


def _shipped(name: str) -> str:
    return (files("leadlane") / "reference" / name).read_text(encoding="utf-8")


def person(id_: str, **changes: Any) -> Person:
    values: dict[str, Any] = {"name": id_.title(), "hours": ALWAYS_OPEN, "timezone": "UTC", **changes}
    return Person(id_, **values)


def roster_of(*people: Person, **changes: Any) -> Roster:
    return Roster(1, {one.id: one for one in people}, **changes)


def with_people(roster: Roster, **changes: Mapping[str, Any]) -> Roster:
    """The roster with fields of people changed: `with_people(roster, anna={"max_open": 1})`."""
    changed = {id_: replace(roster.people[id_], **fields) for id_, fields in changes.items()}
    return replace(roster, people={**roster.people, **changed})


def is_(field: str, *values: Any) -> Test:
    return Test(field, "is", values)


def pool_policy(*pools: Pool, route: str | None = None, **changes: Any) -> Policy:
    """A policy that sends every lead to one pool (the first); the pool `desk` reviews."""
    every = {pool.name: pool for pool in (*pools, Pool("desk", ("rita",), "least_open"))}
    values: dict[str, Any] = {
        "version": "v1",
        "name": "Small",
        "currency": "EUR",
        "timezone": "Europe/Berlin",
        "counts_for": Duration(90, "days"),
        "intent": {"high": (IntentItem("demo_request"),), "medium": (), "low": ()},
        "strong_at": 60,
        "fit": (),
        "segments": (),
        "deal_values": (),
        "deal_bands": (),
        "routes": (
            Route("to-pool", "pool", route or pools[0].name, is_("country", "DE")),
            Route("rest", "review", "desk"),
        ),
        "pools": every,
        "programs": {},
        "service_levels": (),
        "chases": {},
        "limits": Limits(),
    }
    return Policy(**{**values, **changes})


def pool_of(name: str, *members: str, when: Condition = ALWAYS, **changes: Any) -> Pool:
    return Pool(name, members or when, **changes)


def arrival(
    id_: str, *signals: str, now: datetime = MONDAY, target: str | None = None, **fields: Any
) -> Arrival:
    """A lead that arrives `now` with these signals; its keys are made as in production."""
    keys = Keys(email_key(fields.get("email")), company_domain(fields))
    return Arrival(Lead(id_, now, fields, tuple(Signal(name, now) for name in signals)), keys, target)


def fresh_world(book: Rulebook, accounts: Sequence[Account] = ()) -> World:
    """An empty world in which every pool of a policy is brought."""
    return World(
        Known(accounts={domain: account for account in accounts for domain in account.domains}),
        {name: Ledger() for name in book.policy.pools},
        {id_: Load() for id_ in book.roster.people},
    )


class Desk:
    """A world kept between batches, as the shell keeps it; loads and ledgers go on."""

    def __init__(self, policy: Policy, roster: Roster, accounts: Sequence[Account] = ()) -> None:
        self.book = compile_rulebook(policy, roster)
        self.world = fresh_world(self.book, accounts)
        self.hands: Hands | None = None
        self.decisions: dict[str, Decision] = {}

    def change(self, roster: Roster) -> None:
        self.book = compile_rulebook(self.book.policy, roster)

    def decide(self, *arrivals: Arrival, now: datetime = MONDAY) -> list[Decision]:
        decisions, self.hands = decide_batch(self.book, self.world, arrivals, now)
        loads = {id_: Load(*counts) for id_, counts in self.hands.loads.items()}
        self.world = World(self.world.known, self.hands.ledgers, loads)
        for one, decision in zip(arrivals, decisions, strict=True):
            self.decisions[one.lead.id] = self.decisions[decision.lead_id] = decision
        return decisions

    def owners(self, *arrivals: Arrival, now: datetime = MONDAY) -> list[str | None]:
        return [decision.standing.owner for decision in self.decide(*arrivals, now=now)]

    def balances(self, pool: str) -> dict[str, int]:
        return self.world.ledgers[pool].balances


def reference_desk(**people: Mapping[str, Any]) -> Desk:
    return Desk(reference_policy(), with_people(reference_roster(), **people), reference_accounts())


def excluded(decision: Decision) -> dict[str, str]:
    """Everyone who could not take the lead, with the reason, over all pools that were tried."""
    return {
        id_: reason
        for step in decision.trace.get("pick", ())
        for reason, ids in step["excluded"].items()
        for id_ in ids
    }


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)
