"""Somebody known or not: what follows from likenesses, whoever judged them."""

import pytest
from tests.core.builders import Desk, arrival, is_, person, pool_of, pool_policy, roster_of

from leadlane.core.decide import Arrival
from leadlane.core.facts import Account
from leadlane.core.match import Evidence, Keys, Known, Likeness, find_match, recognise
from leadlane.core.policy import Matching, Route

BIG = Account("big", "Big Bank AG", ("big.example",), named=True, owner="ann")
TWIN = Account("twin", "Big Bank", (), customer=True, owner="bob")
NAME = Evidence("name_equal", 8.0, "Big Bank", "Big Bank AG")
POLICY = pool_policy(
    pool_of("reps", "ann", "bob"),
    routes=(
        Route("out", "disqualify", "competitor", is_("source", "rival")),
        Route("known", "owner", "account", is_("relationship", "named_account", "customer")),
        Route("all", "pool", "reps"),
        Route("rest", "review", "desk"),
    ),
)
ROSTER = roster_of(person("ann"), person("bob"), person("rita"))


def account(one: Account, probability: float) -> Likeness:
    return Likeness(probability, (NAME,), account=one)


def someone(lead: str, probability: float) -> Likeness:
    return Likeness(probability, (), lead=lead)


def arriving(id_: str, *likely: Likeness, **fields: object) -> Arrival:
    one = arrival(id_, "demo_request", **fields)
    return Arrival(one.lead, one.keys, None, likely)


@pytest.fixture
def desk() -> Desk:
    desk = Desk(POLICY, ROSTER)
    desk.world.known.linked = {"big": BIG, "twin": TWIN}
    return desk


@pytest.mark.parametrize(
    ("probability", "linked", "doubts"),
    [
        (1.0, "big", 0),
        (0.98, "big", 0),
        (0.979999, None, 1),
        (0.5, None, 1),
        (0.499999, None, 0),
        (0, None, 0),
    ],
)
def test_both_thresholds_include_themselves(probability: float, linked: str | None, doubts: int) -> None:
    found = recognise(Keys(), None, [account(BIG, probability)], Known(), Matching(0.98, 0.5))
    assert (found.account, len(found.doubts)) == (linked, doubts)


def test_whoever_is_surely_of_an_account_goes_to_its_owner(desk: Desk) -> None:
    [decision] = desk.decide(arriving("L1", account(BIG, 0.99)))
    assert decision.standing.owner == "ann"
    assert decision.standing.keys.account == "big"
    assert decision.trace["match"]["likely"][0]["outcome"] == "sure"


def test_whoever_may_be_of_an_account_is_linked_to_nothing_and_asked_about(desk: Desk) -> None:
    [decision] = desk.decide(arriving("L1", account(BIG, 0.9)))
    standing = decision.standing
    assert (standing.stage, standing.owner, standing.unsure) == ("review", "rita", True)
    assert standing.keys.account is None
    assert decision.match is not None
    assert decision.match.relationship == "none"
    assert decision.reasons[0] == "unsure_match"
    assert ("review", "rita") in decision.messages


def test_two_accounts_that_are_both_sure_are_for_a_person_to_tell(desk: Desk) -> None:
    [decision] = desk.decide(arriving("L1", account(BIG, 0.999), account(TWIN, 0.99)))
    assert decision.standing.unsure


def test_a_company_domain_leaves_no_doubt_about_the_account() -> None:
    desk = Desk(POLICY, ROSTER, [BIG])
    [decision] = desk.decide(arriving("L1", account(TWIN, 0.9), email="jo@big.example"))
    assert (decision.standing.owner, decision.standing.unsure) == ("ann", False)


def test_whoever_is_disqualified_is_not_asked_about(desk: Desk) -> None:
    [decision] = desk.decide(arriving("L1", account(BIG, 0.9), source="rival"))
    assert decision.standing.stage == "closed"


def test_with_nobody_to_ask_a_doubt_holds_nothing_up() -> None:
    policy = pool_policy(pool_of("reps", "ann"), routes=(Route("all", "pool", "reps"),))
    [decision] = Desk(policy, ROSTER).decide(arriving("L1", account(BIG, 0.9)))
    assert decision.standing.owner == "ann"


def test_who_is_surely_somebody_before_is_the_same_person(desk: Desk) -> None:
    desk.decide(arrival("A", "demo_request"), arrival("B", "demo_request"))
    [decision] = desk.decide(arriving("C", someone("A", 0.9), someone("B", 0.99)))
    assert decision.lead_id == "B"
    assert "same_person" in decision.reasons


def test_who_is_as_surely_one_lead_as_another_is_for_a_person_to_tell(desk: Desk) -> None:
    desk.decide(arrival("A", "demo_request"), arrival("B", "demo_request"))
    [decision] = desk.decide(arriving("C", someone("A", 0.985), someone("B", 0.99)))
    assert (decision.lead_id, decision.standing.unsure) == ("C", True)


def test_a_lead_that_became_part_of_another_in_the_same_batch_leads_there(desk: Desk) -> None:
    first = arrival("A", "demo_request", email="jo@one.example")
    again = arrival("B", "demo_request", email="jo@one.example")
    decisions = desk.decide(first, again, arriving("C", someone("B", 0.99)))
    assert [one.lead_id for one in decisions] == ["A", "A", "A"]


def test_a_mailbox_is_surer_than_any_likeness(desk: Desk) -> None:
    desk.decide(arrival("A", "demo_request", email="jo@one.example"), arrival("B", "demo_request"))
    [decision] = desk.decide(arriving("C", someone("B", 1.0), email="jo@one.example"))
    assert decision.lead_id == "A"


def test_news_of_a_lead_in_doubt_leave_it_with_whoever_is_asked(desk: Desk) -> None:
    desk.decide(arriving("L1", account(BIG, 0.9), email="jo@gmail.com"))
    [decision] = desk.decide(arrival("L2", "demo_request", email="jo@gmail.com"))
    assert decision.lead_id == "L1"
    assert (decision.standing.stage, decision.standing.unsure) == ("review", True)


def test_colleagues_come_by_any_domain_of_their_account_or_by_its_name() -> None:
    group = Account("big", "Big", ("big.example", "big-labs.example"))
    desk = Desk(POLICY, ROSTER, [group])
    desk.world.known.linked = {"big": group}
    desk.decide(arrival("A", email="jo@big.example"))
    by_domain, by_name = desk.decide(
        arrival("B", email="kim@big-labs.example"), arriving("C", account(group, 0.99), email="al@gmail.com")
    )
    assert by_domain.match is not None
    assert (by_domain.match.relationship, by_domain.match.open_lead) == ("open_lead", "A")
    assert by_name.match is not None
    assert (by_name.match.relationship, by_name.match.open_lead) == ("open_lead", "A")


def test_an_account_that_was_said_comes_before_that_of_the_domain() -> None:
    known = Known(accounts={"big.example": BIG}, linked={"twin": TWIN})
    assert find_match("L1", Keys(domain="big.example", account="twin"), known).account == TWIN
