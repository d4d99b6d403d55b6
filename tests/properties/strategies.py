"""Random but valid policies, rosters, accounts and batches, small enough that leads meet each other."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from tests.core.builders import ALWAYS_OPEN, MONDAY, NEVER_OPEN, OFFICE

from leadlane.core.conditions import ALWAYS, All, Any_, Bounds, Condition, Not, Test
from leadlane.core.decide import Arrival
from leadlane.core.facts import Account, Away, Lead, Person, Roster, Signal, Team
from leadlane.core.match import Keys
from leadlane.core.policy import (
    DealBand,
    DealValueRow,
    Duration,
    FitRow,
    IntentItem,
    Policy,
    Pool,
    Program,
    Route,
    Segment,
    ServiceLevel,
)

COUNTRIES, LANGUAGES, TEAMS = ("DE", "PL", "US"), ("de", "en", "pl"), ("north", "south")
SIGNALS = ("demo_request", "webinar", "download", "unheard_of")
DOMAINS = ("acme.example", "helix.example", "new.example")
POOLS = ("hunters", "farmers", "starters", "desk")
PEOPLE = ("ann", "bob", "cem", "dee", "eve", "fay")

LEAD_TESTS = st.sampled_from(
    [
        Test("country", "is", ("DE",)),
        Test("country", "is", ("DE", "PL"), negated=True),
        Test("employees", "range", Bounds(min=100)),
        Test("employees", "range", Bounds(above=10, below=1000)),
        Test("tech_stack", "any", ("salesforce",)),
        Test("tech_stack", "none", ("salesforce",)),
        Test("company", "contains", "a"),
        Test("language", "missing"),
        Test("product", "is", ("12",)),
    ]
)
DERIVED_TESTS = st.sampled_from(
    [
        Test("intent", "is", ("high",)),
        Test("fit", "is", ("strong",)),
        Test("relationship", "is", ("open_lead", "customer")),
        Test("segment", "present"),
        Test("deal_band", "is", ("small",)),
        Test("signal", "is", ("webinar",)),
    ]
)


def conditions(tests: st.SearchStrategy[Test]) -> st.SearchStrategy[Condition]:
    """Conditions that nest, as the loader makes them: `All` at the top."""
    parts: st.SearchStrategy[Condition] = st.recursive(
        tests,
        lambda inner: (
            st.lists(inner, min_size=1, max_size=2).map(lambda some: Any_(tuple(some))) | inner.map(Not)
        ),
        max_leaves=4,
    )
    return st.just(ALWAYS) | st.lists(parts, min_size=1, max_size=2).map(lambda some: All(tuple(some)))


@st.composite
def people(draw: st.DrawFn, id_: str) -> Person:
    def some(values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(draw(st.lists(st.sampled_from(values), unique=True)))

    start = MONDAY + timedelta(hours=draw(st.integers(-4, 4)))
    return Person(
        id_,
        id_.title(),
        hours=draw(st.sampled_from([ALWAYS_OPEN, OFFICE, OFFICE, NEVER_OPEN])),
        timezone=draw(st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Tokyo"])),
        role=draw(st.sampled_from(["ae", "sdr"])),
        teams=some(TEAMS),
        country=draw(st.sampled_from(COUNTRIES)),
        languages=some(LANGUAGES),
        weight=draw(st.sampled_from([0.5, 1, 1, 2, 3])),
        max_open=draw(st.sampled_from([None, None, 0, 1, 3])),
        per_day=draw(st.sampled_from([None, None, 0, 2])),
        backup=draw(st.none() | st.sampled_from([other for other in PEOPLE if other != id_])),
        away=draw(st.sampled_from([(), (), (Away(start, start + timedelta(hours=3)),)])),
        active=draw(st.sampled_from([True, True, True, False])),
    )


@st.composite
def rosters(draw: st.DrawFn) -> Roster:
    ids = draw(st.lists(st.sampled_from(PEOPLE), min_size=1, unique=True))
    teams = {id_: Team(id_, id_.title(), manager=ids[0]) for id_ in TEAMS}
    return Roster(1, {id_: draw(people(id_)) for id_ in ids}, teams)


@st.composite
def pools(draw: st.DrawFn, name: str) -> Pool:
    condition = conditions(st.sampled_from([Test("role", "is", ("ae",)), Test("languages", "any", ("de",))]))
    pairs = st.lists(
        st.sampled_from([("languages", "language"), ("teams", "team"), ("country", "country")]), unique=True
    )
    return Pool(
        name,
        draw(condition | st.lists(st.sampled_from(PEOPLE), min_size=1, unique=True).map(tuple)),
        draw(st.sampled_from(["round_robin", "weighted", "least_open"])),
        require=tuple(draw(pairs)) if draw(st.booleans()) else (),
        prefer=tuple(draw(pairs)),
        backup_pool=draw(st.none() | st.sampled_from([other for other in POOLS if other != name])),
    )


@st.composite
def routes(draw: st.DrawFn, name: str) -> Route:
    kind, target = draw(
        st.sampled_from(
            [
                *[("pool", pool) for pool in POOLS],
                ("owner", "account"),
                ("owner", "open_lead"),
                ("review", "desk"),
                ("program", "nurture"),
                ("disqualify", "unfit"),
            ]
        )
    )
    when = draw(conditions(LEAD_TESTS | DERIVED_TESTS))
    return Route(name, kind, target, when, draw(st.sampled_from([None, "named"])))  # type: ignore[arg-type]


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    units = st.sampled_from(["minutes", "hours", "days"])
    levels = tuple(
        ServiceLevel(
            name,
            Duration(draw(st.integers(1, 9)), draw(units), draw(st.booleans())),
            draw(conditions(DERIVED_TESTS)),
        )
        for name in ("named", "other")
    )
    rows = draw(st.lists(conditions(LEAD_TESTS), max_size=3))
    names = draw(st.lists(st.sampled_from("abcdefgh"), max_size=5, unique=True))
    return Policy(
        version="v",
        name="Random",
        currency="EUR",
        timezone=draw(st.sampled_from(["Europe/Berlin", "Asia/Tokyo"])),
        counts_for=Duration(30, "days"),
        intent={
            "high": (IntentItem("demo_request"), IntentItem("webinar", 2)),
            "medium": (IntentItem("webinar"), IntentItem("download", 2)),
            "low": (IntentItem("download"),),
        },
        strong_at=10,
        fit=tuple(FitRow(f"row {i}", when, 10) for i, when in enumerate(rows)),
        segments=tuple(
            Segment(f"segment {i}", when, draw(st.sampled_from([*TEAMS, None])))
            for i, when in enumerate(rows)
        ),
        deal_values=tuple(DealValueRow(10 ** (i + 3), when) for i, when in enumerate(rows)),
        deal_bands=(DealBand("small", All((Test("deal_value", "range", Bounds(below=5000)),))),),
        routes=(*(draw(routes(name)) for name in names), Route("rest", "review", "desk")),
        pools={name: draw(pools(name)) for name in POOLS},
        programs={"nurture": Program("nurture")},
        service_levels=levels,
        chases={},
    )


ACCOUNTS = st.lists(
    st.builds(
        Account,
        st.just("account"),
        st.just("Account"),
        st.sampled_from(DOMAINS).map(lambda domain: (domain,)),
        st.booleans(),
        st.booleans(),
        st.none() | st.sampled_from([*PEOPLE, "nobody"]),
    ),
    max_size=3,
    unique_by=lambda account: account.domains,
).map(lambda accounts: tuple(replace(one, id=one.domains[0]) for one in accounts))

FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "country": st.sampled_from(COUNTRIES),
        "language": st.sampled_from(LANGUAGES),
        "employees": st.sampled_from([0, 1, 100, 1000.5]),
        "tech_stack": st.sampled_from([("salesforce",), ("SAP", "Salesforce"), ()]),
        "company": st.text(max_size=8),
        "product": st.sampled_from(["12", "12.0", "x"]),
        "deal_value": st.sampled_from([0, 4999.99, 5000, 1e12]),
        "message": st.text(max_size=20),
    },
)


@st.composite
def arrivals(draw: st.DrawFn, id_: str, known: tuple[str, ...]) -> Arrival:
    fields: dict[str, Any] = draw(FIELDS)
    ages = st.timedeltas(timedelta(days=-40), timedelta(minutes=1))
    signals = st.builds(Signal, st.sampled_from(SIGNALS), ages.map(lambda age: MONDAY + age))
    keys = Keys(
        draw(st.none() | st.sampled_from(["a@x.example", "b@x.example", f"{id_}@x.example"])),
        draw(st.none() | st.sampled_from(DOMAINS)),
    )
    target = draw(st.none() | st.sampled_from(known)) if known else None
    return Arrival(Lead(id_, MONDAY, fields, tuple(draw(st.lists(signals, max_size=3)))), keys, target)


@dataclass(frozen=True)
class Story:
    """A policy, a roster, accounts, and batches that arrive one after the other."""

    policy: Policy
    roster: Roster
    accounts: tuple[Account, ...]
    batches: tuple[tuple[Arrival, ...], ...]


@st.composite
def stories(draw: st.DrawFn) -> Story:
    batches, ids = [], []
    for size in draw(st.lists(st.integers(1, 6), min_size=1, max_size=3)):
        known = tuple(ids)
        batch = [draw(arrivals(f"L{len(ids) + i}", known)) for i in range(size)]
        ids += [one.lead.id for one in batch]
        batches.append(tuple(batch))
    return Story(draw(policies()), draw(rosters()), draw(ACCOUNTS), tuple(batches))
