"""Who of a pool can take a lead, in the order of the policy language, and what happens when nobody can."""

from dataclasses import replace
from typing import Any

import pytest
from tests.core.builders import (
    MONDAY,
    NEVER_OPEN,
    OFFICE,
    Desk,
    arrival,
    at,
    excluded,
    is_,
    minutes,
    person,
    pool_of,
    pool_policy,
    roster_of,
)

from leadlane.core.conditions import All
from leadlane.core.decide import Decision, World, compile_rulebook, decide_batch
from leadlane.core.facts import Away, Load, Person, Roster
from leadlane.core.fairness import ONE, Ledger
from leadlane.core.match import Known, Standing
from leadlane.core.pick import PoolsNeeded
from leadlane.core.policy import Pool

RITA = person("rita", role="revops")
AWAY = (Away(MONDAY, MONDAY + minutes(60)),)


def desk(*people: Person, pools: tuple[Pool, ...] = (), **pool: Any) -> Desk:
    """A desk where leads from Germany go to everyone but Rita, in one pool."""
    main = pool_of("main", *(one.id for one in people), **pool)
    return Desk(pool_policy(main, *pools), roster_of(*people, RITA))


def one(desk_: Desk, **fields: Any) -> Decision:
    return desk_.decide(arrival(f"L{len(desk_.decisions)}", country="DE", **fields))[0]


def step_of(decision: Decision) -> dict[str, Any]:
    return decision.trace["pick"][0]


def test_each_is_left_out_for_the_first_reason_that_applies() -> None:
    """Everyone has this reason and all that come after it."""
    closed = {"hours": OFFICE, "timezone": "America/New_York"}
    capped = {**closed, "per_day": 0}
    full = {**capped, "max_open": 0}
    away = {**full, "away": AWAY}
    fit = {"languages": ("de",)}
    pool = desk(
        person("a-inactive", active=False, **away),
        person("b-away", **away),
        person("c-requirement", **full),
        person("d-full", **fit, **full),
        person("e-capped", **fit, **capped),
        person("f-closed", **fit, **closed),
        person("g-unlike", **fit),
        person("h-chosen", industries=("fintech",), **fit),
        require=(("languages", "language"),),
        prefer=(("industries", "industry"),),
    )
    decision = one(pool, language="DE", industry="Fintech")
    assert decision.standing.owner == "h-chosen"
    assert list(step_of(decision)["excluded"].items()) == [
        ("inactive", ["a-inactive"]),
        ("away", ["b-away"]),
        ("requirement", ["c-requirement"]),
        ("full", ["d-full"]),
        ("daily_cap", ["e-capped"]),
        ("closed", ["f-closed"]),
        ("not_preferred", ["g-unlike"]),
    ]
    assert step_of(decision)["by"] == "only_one"


def test_who_had_the_lead_before_is_excluded_for_it() -> None:
    pool = desk(person("a"), person("b"))
    first = arrival("L", country="DE")
    known = Known()
    known.put(Standing(first.lead, first.keys, "nurture", excluded=("a",)))
    world = World(known, {"main": Ledger(), "desk": Ledger()}, {id_: Load() for id_ in ("a", "b", "rita")})
    (decision,), _ = decide_batch(pool.book, world, [replace(first, target="L")], MONDAY)
    assert decision.standing.owner == "b"
    assert excluded(decision) == {"a": "excluded"}


def test_an_absence_ends_just_before_its_until() -> None:
    pool = desk(person("a", away=AWAY), person("b"))
    assert excluded(pool.decide(arrival("1", country="DE"), now=MONDAY + minutes(59))[0]) == {"a": "away"}
    assert excluded(pool.decide(arrival("2", country="DE"), now=MONDAY + minutes(60))[0]) == {}
    assert excluded(pool.decide(arrival("3", country="DE"), now=MONDAY - minutes(1))[0]) == {}


def test_those_inside_their_hours_stay() -> None:
    pool = desk(
        person("a", hours=OFFICE, timezone="Europe/Berlin"), person("b", hours=OFFICE, timezone="Asia/Tokyo")
    )
    decision = one(pool)
    assert (decision.standing.owner, excluded(decision)) == ("a", {"b": "closed"})
    assert decision.reasons == ()


def test_when_nobody_is_inside_those_stay_who_open_first() -> None:
    pool = desk(
        person("a", hours=OFFICE, timezone="America/New_York"),
        person("b", hours=OFFICE, timezone="Europe/Berlin"),
        person("c", hours=OFFICE, timezone="Europe/Rome"),
        person("d", hours=NEVER_OPEN),
    )
    evening = at("2026-03-03 00:30")
    decision = pool.decide(arrival("1", country="DE"), now=evening)[0]
    assert step_of(decision)["running"] == ["b", "c"]
    assert excluded(decision) == {"a": "closed", "d": "closed"}
    assert decision.reasons == ("off_hours",)


def test_people_whose_hours_never_open_still_take_leads_when_there_is_nobody_else() -> None:
    decision = one(desk(person("a", hours=NEVER_OPEN)))
    assert (decision.standing.owner, decision.reasons) == ("a", ("off_hours",))


LINGUISTS = (
    person("a", languages=("de", "en"), teams=("north",)),
    person("b", languages=("en",), teams=("north",)),
    person("c", languages=("pl",), teams=("south",)),
)


@pytest.mark.parametrize(
    ("fields", "running", "steps"),
    [
        ({"language": "de", "region": "north"}, ["a"], ["narrowed", "narrowed"]),
        ({"language": "pl", "region": "north"}, ["a", "b"], ["narrowed", "nobody"]),
        ({"language": "PL"}, ["c"], ["missing", "narrowed"]),
        ({"region": "west"}, ["a", "b", "c"], ["nobody", "missing"]),
        ({}, ["a", "b", "c"], ["missing", "missing"]),
    ],
)
def test_preferences_narrow_pair_by_pair(
    fields: dict[str, str], running: list[str], steps: list[str]
) -> None:
    decision = one(desk(*LINGUISTS, prefer=(("teams", "region"), ("languages", "language"))), **fields)
    assert step_of(decision)["running"] == running
    assert [step for _, _, step in step_of(decision)["preferred"]] == steps


def test_a_preference_by_tags_takes_whoever_has_one_of_them() -> None:
    decision = one(desk(*LINGUISTS, prefer=(("languages", "tech_stack"),)), tech_stack=("DE", "pl"))
    assert step_of(decision)["running"] == ["a", "c"]


def test_a_requirement_of_a_field_that_the_lead_lacks_excludes_nobody() -> None:
    pool = desk(*LINGUISTS, require=(("languages", "language"),))
    assert step_of(one(pool))["running"] == ["a", "b", "c"]
    assert step_of(one(pool, language="pl"))["running"] == ["c"]


def test_every_requirement_must_be_met() -> None:
    pool = desk(*LINGUISTS, require=(("languages", "language"), ("teams", "region")))
    decision = one(pool, language="en", region="south")
    assert excluded(decision) == {"a": "requirement", "b": "requirement", "c": "requirement"}
    assert step_of(decision)["excluded"]["requirement"] == ["a", "b", "c"]
    assert step_of(one(pool, language="de", region="north"))["running"] == ["a"]


def test_a_requirement_that_nobody_meets_sends_the_lead_to_review() -> None:
    decision = one(desk(*LINGUISTS, require=(("languages", "language"),)), language="it")
    assert decision.standing.owner == "rita"
    assert decision.reasons == ("nobody_available",)
    assert decision.waiting_pool == "main"


@pytest.mark.parametrize(("limit", "owners"), [(0, ["b", "b", "b"]), (1, ["a", "b", "b"])])
@pytest.mark.parametrize(("cap", "reason"), [("max_open", "full"), ("per_day", "daily_cap")])
def test_caps_hold_within_a_batch(limit: int, owners: list[str], cap: str, reason: str) -> None:
    pool = desk(person("a", **{cap: limit}), person("b"))
    decisions = pool.decide(*(arrival(f"L{i}", country="DE") for i in range(3)))
    assert [decision.standing.owner for decision in decisions] == owners
    assert excluded(decisions[-1]) == {"a": reason}


def test_a_person_in_two_pools_has_one_capacity_and_two_ledgers() -> None:
    both = person("a", max_open=2)
    routes = pool_policy(pool_of("main", "a", "b"), pool_of("other", "a", "c"))
    other = replace(routes.routes[0], name="to-other", target="other", when=All((is_("country", "FR"),)))
    policy = replace(routes, routes=(routes.routes[0], other, routes.routes[1]))
    pool = Desk(policy, roster_of(both, person("b"), person("c"), RITA))
    owners = pool.owners(
        *(arrival(f"L{i}", country=country) for i, country in enumerate(["DE", "FR", "FR", "DE", "DE"]))
    )
    assert owners == ["a", "a", "c", "b", "b"]
    # The second lead for `other` met only c in the running, and so moved nobody's balance.
    assert pool.balances("other") == {"a": -ONE // 2, "c": ONE // 2}


def test_backup_pools_are_tried_in_turn_and_each_once() -> None:
    pools = (pool_of("second", "b", backup_pool="third"), pool_of("third", "c", backup_pool="main"))
    people = [person("a", max_open=1), person("b", max_open=1), person("c", max_open=1)]
    policy = pool_policy(pool_of("main", "a", backup_pool="second"), *pools)
    pool = Desk(policy, roster_of(*people, RITA))
    decisions = pool.decide(*(arrival(f"L{i}", country="DE") for i in range(4)))
    assert [decision.standing.owner for decision in decisions] == ["a", "b", "c", "rita"]
    assert [decision.standing.pool for decision in decisions] == ["main", "second", "third", "desk"]
    assert [decision.reasons for decision in decisions] == [
        (),
        ("backup_pool",),
        ("backup_pool",),
        ("nobody_available",),
    ]
    assert [step["pool"] for step in decisions[3].trace["pick"]] == ["main", "second", "third", "desk"]
    assert decisions[1].standing.destination == "pool:main"
    assert ("alarm", "rita") in decisions[3].messages


def review(*reviewers: Person) -> Decision:
    policy = pool_policy(pool_of("main", "a"))
    policy = replace(
        policy, pools={**policy.pools, "desk": Pool("desk", is_("role", "revops"), "least_open")}
    )
    return Desk(policy, roster_of(person("a"), *reviewers)).decide(arrival("L", country="FR"))[0]


def test_a_review_ignores_capacity_and_hours() -> None:
    decision = review(person("r", role="revops", max_open=0, per_day=0, hours=NEVER_OPEN))
    assert (decision.standing.owner, decision.standing.stage, decision.reasons) == ("r", "review", ())


def test_a_review_rather_goes_to_someone_present() -> None:
    decision = review(person("q", role="revops", away=AWAY), person("r", role="revops"))
    assert (decision.standing.owner, excluded(decision)) == ("r", {"q": "away"})
    assert review(person("q", role="revops", away=AWAY)).standing.owner == "q"


@pytest.mark.parametrize(
    "reviewers", [(), (person("r", role="revops", active=False),)], ids=["none", "inactive"]
)
def test_an_empty_review_pool_alarms_every_admin(reviewers: tuple[Person, ...]) -> None:
    decision = review(*reviewers)
    assert decision.standing.owner is None
    assert decision.standing.stage == "review"
    assert decision.reasons == ("empty_review_pool",)
    assert decision.messages == (("alarm", None),)


def test_round_robin_has_no_weights_and_weighted_has() -> None:
    people = (person("a", weight=1), person("b", weight=3))
    batch = [arrival(f"L{i}", country="DE") for i in range(4)]
    assert desk(*people).owners(*batch) == ["a", "b", "a", "b"]
    assert desk(*people, method="weighted").owners(*batch).count("b") == 3


def test_least_open_looks_at_open_leads_in_relation_to_weight() -> None:
    people = (person("a", weight=1), person("b", weight=3))
    batch = [arrival(f"L{i}", country="DE") for i in range(8)]
    owners = desk(*people, method="least_open").owners(*batch)
    assert owners[0] == "b"
    assert (owners.count("a"), owners.count("b")) == (2, 6)


def test_pools_that_were_not_brought_are_asked_for() -> None:
    policy = pool_policy(pool_of("main", "a", backup_pool="second"), pool_of("second", "b"))
    book = compile_rulebook(policy, roster_of(person("a", max_open=0), person("b", max_open=0), RITA))
    with pytest.raises(PoolsNeeded) as needed:
        decide_batch(book, World(), [arrival("L", country="DE")], MONDAY)
    assert needed.value.pools == {"main", "second"}
    loads = {id_: Load() for id_ in ("a", "b")}
    world = World(Known(), {"main": Ledger(), "second": Ledger()}, loads)
    with pytest.raises(PoolsNeeded) as needed:
        decide_batch(book, world, [arrival("L", country="DE")], MONDAY)
    assert needed.value.pools == {"desk"}


def test_members_who_are_not_in_the_roster_are_not_on_the_bench() -> None:
    roster: Roster = roster_of(person("a"), RITA)
    assert compile_rulebook(pool_policy(pool_of("main", "gone", "a")), roster).benches["main"].ids == ("a",)
