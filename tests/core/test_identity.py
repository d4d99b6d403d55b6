"""A person says who a lead is: what follows for it, for the other lead, and for whoever had them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.core.builders import MONDAY, Desk, arrival, at
from tests.core.test_match import BIG, POLICY, ROSTER, TWIN, account, arriving

from leadlane.core.act import Act, Parts
from leadlane.core.decide import World, decide_batch
from leadlane.core.decision import Decision, Refusal
from leadlane.core.facts import Load
from leadlane.core.match import Keys

LATER = at("2026-03-02 11:00")


@pytest.fixture
def desk() -> Desk:
    desk = Desk(POLICY, ROSTER)
    desk.world.known.linked = {"big": BIG, "twin": TWIN}
    return desk


@pytest.fixture
def say(desk: Desk) -> Callable[..., Decision]:
    """Do an act on a desk; the decision."""

    def do(kind: Any, lead: str, to: str | None = None, **more: Any) -> Any:
        acts = [Act(lead, kind, more.pop("by", "rita"), to, **more)]
        [decided], hands = decide_batch(desk.book, desk.world, acts, LATER)
        loads = {id_: Load(*counts) for id_, counts in hands.loads.items()}
        desk.world = World(desk.world.known, hands.ledgers, loads)
        return decided

    return do


Say = Callable[..., Any]


def test_a_doubt_that_is_answered_routes_the_lead_at_once(desk: Desk, say: Say) -> None:
    [asked] = desk.decide(arriving("L1", account(BIG, 0.9)))
    decision = say("identify", "L1", "big")
    assert (decision.outcome, decision.standing.owner, decision.standing.stage) == (
        "identified",
        "ann",
        "assigned",
    )
    assert not decision.standing.unsure
    assert decision.standing.respond_by == asked.standing.respond_by
    assert decision.match.relationship == "named_account"
    assert desk.world.loads["rita"].open == 0


def test_nobody_known_is_an_answer_too(desk: Desk, say: Say) -> None:
    desk.decide(arriving("L1", account(BIG, 0.9)))
    decision = say("identify", "L1")
    assert decision.match.relationship == "none"
    assert decision.standing.destination == "pool:reps"
    assert decision.standing.next_step == "Respond"


def test_a_link_that_was_wrong_is_undone_and_redone(desk: Desk, say: Say) -> None:
    desk.decide(arriving("L1", account(BIG, 0.99)))
    assert say("identify", "L1", "twin").standing.owner == "bob"
    again = say("identify", "L1", "big")
    assert (again.standing.owner, again.match.relationship) == ("ann", "named_account")


def test_who_has_answered_keeps_the_lead_whatever_it_turns_out_to_be(desk: Desk, say: Say) -> None:
    [first] = desk.decide(arrival("L1", "demo_request"))
    other = {"ann": "bob", "bob": "ann"}[first.standing.owner or ""]
    say("touch", "L1", by=first.standing.owner, how="call")
    decision = say("identify", "L1", {"ann": "big", "bob": "twin"}[other])
    assert decision.standing.owner == first.standing.owner


def test_merging_gives_the_lead_that_stays_what_the_other_had(desk: Desk, say: Say) -> None:
    stays, ends = desk.decide(
        arrival("A", "demo_request", email="jo@one.example"), arrival("B", "demo_request", city="Rome")
    )
    decision = say("merge", "A", "B")
    assert decision.outcome == "joined"
    assert decision.standing.owner == stays.standing.owner
    assert decision.standing.respond_by == stays.standing.respond_by
    assert decision.standing.lead.fields["city"] == "Rome"
    assert decision.beside.standing.stage == "closed"
    assert decision.messages[-2:] == (("merged", stays.standing.owner), ("merged", ends.standing.owner))
    assert desk.world.loads[ends.standing.owner or ""].open == 0
    assert "B" not in desk.world.known.leads


def test_what_both_say_happened_at_one_moment_happened_once(desk: Desk, say: Say) -> None:
    desk.decide(
        arrival("A", "demo_request", "badge_scan"), arrival("B", "demo_request", "webinar_attendance")
    )
    signals = say("merge", "A", "B").standing.lead.signals
    assert [one.name for one in signals] == ["demo_request", "badge_scan", "webinar_attendance"]


def test_whoever_answered_one_has_answered_the_other(desk: Desk, say: Say) -> None:
    desk.decide(arrival("A", "demo_request"), arrival("B", "demo_request"))
    say("touch", "B", by="ann", how="call")
    decision = say("merge", "A", "B")
    assert decision.standing.responded
    assert decision.standing.chase_at is None


def test_a_split_gives_back_two_leads(desk: Desk, say: Say) -> None:
    one = arrival("A", "demo_request", email="jo@one.example")
    two = arrival("B", "demo_request", email="jo@one.example", city="Rome")
    desk.decide(one, two)
    parts = Parts(one.lead, one.keys, two.lead, two.keys)
    decision = say("split", "A", "B", parts=parts)
    assert (decision.outcome, decision.lead_id, decision.standing.stage) == ("split", "B", "assigned")
    assert decision.standing.keys.email is None, "one mailbox is one open lead"
    rest = decision.beside.standing
    assert "city" not in rest.lead.fields
    assert len(rest.lead.signals) == 1
    assert rest.keys == Keys("jo@one.example", "one.example")
    assert sum(desk.world.loads[one].open for one in ("ann", "bob")) == 2


@pytest.mark.parametrize(
    ("kind", "lead", "to", "more", "reason"),
    [
        ("identify", "A", "nowhere", {}, "unknown_account"),
        ("identify", "Z", None, {}, "not_open"),
        ("identify", "A", None, {"by": "stranger"}, "unknown_person"),
        ("merge", "A", "A", {}, "same_lead"),
        ("merge", "A", "Z", {}, "other_not_open"),
        ("split", "A", "Z", {}, "not_merged"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    desk: Desk, say: Say, kind: str, lead: str, to: str | None, more: dict[str, str], reason: str
) -> None:
    desk.decide(arrival("A", "demo_request", now=MONDAY))
    before = desk.world.known.leads["A"]
    assert say(kind, lead, to, **more) == Refusal(lead, reason)  # type: ignore[arg-type]
    assert desk.world.known.leads["A"] == before
