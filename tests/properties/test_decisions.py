"""What holds for every policy, roster and batch: order says nothing, each lead has one place."""

from dataclasses import replace
from random import Random
from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.core.builders import Desk, excluded
from tests.properties.strategies import Story, stories

from leadlane.core.conditions import All, Test
from leadlane.core.decide import Decision
from leadlane.core.policy import Route

ENOUGH = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def told(story: Story) -> tuple[Desk, list[Decision]]:
    desk = Desk(story.policy, story.roster, story.accounts)
    return desk, [decision for batch in story.batches for decision in desk.decide(*batch)]


def as_bytes(decisions: list[Decision]) -> list[bytes]:
    return [orjson.dumps(decision.trace) for decision in decisions]


@ENOUGH
@given(stories())
def test_every_lead_has_exactly_one_place(story: Story) -> None:
    _, decisions = told(story)
    assert len(decisions) == sum(map(len, story.batches))
    for decision in decisions:
        standing = decision.standing
        kind = (standing.destination or "").partition(":")[0]
        match standing.stage:
            case "assigned":
                assert standing.owner in story.roster.people
                assert kind in ("pool", "owner")
            case "review":
                assert kind == "review"
                assert standing.owner is not None or "empty_review_pool" in decision.reasons
            case "nurture":
                assert (standing.owner, kind) == (None, "program")
            case "closed":
                assert (standing.owner, kind) == (None, "disqualified")
            case stage:
                raise AssertionError(stage)


@ENOUGH
@given(stories())
def test_balances_add_up_to_nothing_and_loads_to_the_leads_in_hand(story: Story) -> None:
    desk, _ = told(story)
    for name, ledger in desk.world.ledgers.items():
        assert sum(ledger.balances.values()) == 0, name
    owners = [standing.owner for standing in desk.world.known.leads.values()]
    for id_ in story.roster.people:
        assert desk.world.loads[id_].open == owners.count(id_)


@ENOUGH
@given(stories())
def test_everyone_of_a_pool_is_accounted_for_with_a_reason(story: Story) -> None:
    """The trace names every candidate: in the running, or excluded for one reason."""
    desk, decisions = told(story)
    for decision in decisions:
        for step in decision.trace.get("pick", ()):
            out = [id_ for ids in step["excluded"].values() for id_ in ids]
            assert sorted([*step["running"], *out]) == list(desk.book.benches[step["pool"]].ids)
            assert step.get("chosen") is None or step["chosen"] in step["running"]
        assert set(excluded(decision)) <= set(story.roster.people)


@ENOUGH
@given(stories())
def test_the_same_again_gives_the_same_bytes(story: Story) -> None:
    assert as_bytes(told(story)[1]) == as_bytes(told(story)[1])


@ENOUGH
@given(stories(), st.integers(0, 2**32))
def test_the_order_of_people_pools_and_everything_with_a_name_says_nothing(story: Story, seed: int) -> None:
    def mixed(mapping: Any) -> dict[Any, Any]:
        items = list(mapping.items())
        Random(seed).shuffle(items)
        return dict(items)

    policy = replace(story.policy, pools=mixed(story.policy.pools), programs=mixed(story.policy.programs))
    policy = replace(policy, intent=mixed(policy.intent))
    roster = replace(story.roster, people=mixed(story.roster.people), teams=mixed(story.roster.teams))
    accounts = tuple(mixed(dict(enumerate(story.accounts))).values())
    batches = tuple(
        tuple(replace(one, lead=replace(one.lead, fields=mixed(one.lead.fields))) for one in batch)
        for batch in story.batches
    )
    assert as_bytes(told(Story(policy, roster, accounts, batches))[1]) == as_bytes(told(story)[1])


@ENOUGH
@given(stories(), st.integers(0, 5))
def test_a_route_that_holds_for_none_changes_nothing_but_the_list_of_those_that_failed(
    story: Story, place: int
) -> None:
    place = min(place, len(story.policy.routes) - 1)
    unrelated = Route("unrelated", "disqualify", "never", All((Test("product", "is", ("no such product",)),)))
    before, after = story.policy.routes[:place], story.policy.routes[place:]
    wider = replace(story, policy=replace(story.policy, routes=(*before, unrelated, *after)))
    for was, now in zip(told(story)[1], told(wider)[1], strict=True):
        failed = now.trace["route"]["failed"]
        if len(failed) > place:
            assert failed.pop(place) == "0"
        assert orjson.dumps(now.trace) == orjson.dumps(was.trace)
        assert now.standing == was.standing


@ENOUGH
@given(stories())
def test_one_by_one_or_in_a_batch_is_the_same(story: Story) -> None:
    singly = replace(story, batches=tuple((one,) for batch in story.batches for one in batch))
    assert as_bytes(told(singly)[1]) == as_bytes(told(story)[1])
