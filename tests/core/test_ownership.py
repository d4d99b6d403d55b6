"""May I contact them? Every ground of an answer, for strangers, owners, and who is there for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.builders import OFFICE

from leadlane.core.facts import Account, Away, Person, Roster, Team
from leadlane.core.ownership import Claims, Ground, Hold, Verdict, may_contact

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
OUT = (Away(NOW - timedelta(days=1), NOW + timedelta(days=1)),)


def person(id_: str, **more: object) -> Person:
    return Person(id_, id_.title(), OFFICE, "Europe/Berlin", **more)  # type: ignore[arg-type]


PEOPLE = [
    person("anna"),
    person("boris"),
    person("carla"),
    person("olga"),
    person("maria"),
    person("away", away=OUT, backup="anna", teams=("dach",)),
    person("alone", away=OUT, teams=("dach",)),
    person("lost", active=False),
    person("left", active=False, backup="anna"),
    person("orphan", active=False, manager="lost"),
]
ROSTER = Roster(1, {one.id: one for one in PEOPLE}, {"dach": Team("dach", "DACH", manager="maria")})

ANNAS = Hold("assigned", "anna")
CUSTOMER = Account("c", "Customer", customer=True, named=True, owner="carla")
NAMED = Account("n", "Named", named=True, owner="boris")
PLAIN = Account("p", "Plain", owner="boris")
LEFT = Account("l", "Left", named=True, owner="left")
OWNERLESS = Account("o", "Nobody's")

YES, ASK, NO = "yes", "ask", "no"


@pytest.mark.parametrize(
    ("claims", "asker", "expected"),
    [
        # somebody works the very person
        (Claims(ANNAS), None, Verdict(ASK, Ground.LEAD, "anna", "anna")),
        (Claims(ANNAS), "boris", Verdict(ASK, Ground.LEAD, "anna", "anna")),
        (Claims(ANNAS), "anna", Verdict(YES, Ground.LEAD, "anna")),
        (Claims(Hold("accepted", "anna")), None, Verdict(ASK, Ground.LEAD, "anna", "anna")),
        (Claims(Hold("working", "anna")), None, Verdict(ASK, Ground.LEAD, "anna", "anna")),
        (Claims(ANNAS, account=CUSTOMER), "carla", Verdict(ASK, Ground.LEAD, "anna", "anna")),
        (Claims(ANNAS, barred=True), "boris", Verdict(ASK, Ground.LEAD, "anna", "anna")),
        # the owner is out: who covers the lead, the backup, the manager, nobody
        (Claims(Hold("assigned", "away", "carla")), None, Verdict(ASK, Ground.LEAD, "away", "carla")),
        (Claims(Hold("assigned", "away", "carla")), "carla", Verdict(YES, Ground.LEAD, "away")),
        (Claims(Hold("assigned", "away", "carla")), "away", Verdict(YES, Ground.LEAD, "away")),
        (Claims(Hold("assigned", "away")), None, Verdict(ASK, Ground.LEAD, "away", "anna")),
        (Claims(Hold("assigned", "away", "alone")), None, Verdict(ASK, Ground.LEAD, "away", "anna")),
        (Claims(Hold("assigned", "alone")), None, Verdict(ASK, Ground.LEAD, "alone", "maria")),
        # the owner has left: whoever is there for them has it, else nobody
        (Claims(Hold("assigned", "lost")), None, Verdict(YES, Ground.FREE)),
        (Claims(Hold("assigned", "lost", "carla")), None, Verdict(ASK, Ground.LEAD, "carla", "carla")),
        (Claims(Hold("assigned", "left")), None, Verdict(ASK, Ground.LEAD, "anna", "anna")),
        (Claims(Hold("assigned", "left")), "anna", Verdict(YES, Ground.LEAD, "anna")),
        (Claims(Hold("assigned", "orphan")), "anna", Verdict(YES, Ground.FREE)),
        (Claims(account=LEFT), None, Verdict(ASK, Ground.NAMED_ACCOUNT, "anna", "anna")),
        # in review
        (Claims(Hold("review", "olga")), None, Verdict(ASK, Ground.REVIEW, "olga", "olga")),
        (Claims(Hold("review", "olga")), "olga", Verdict(YES, Ground.REVIEW, "olga")),
        (Claims(Hold("review", "olga"), account=NAMED), "boris", Verdict(ASK, Ground.REVIEW, "olga", "olga")),
        (Claims(Hold("review")), None, Verdict(NO, Ground.UNDECIDED)),
        # colleagues and accounts
        (Claims(None, [ANNAS]), None, Verdict(ASK, Ground.COLLEAGUE, "anna", "anna")),
        (Claims(None, [ANNAS]), "anna", Verdict(YES, Ground.COLLEAGUE, "anna")),
        (Claims(None, [ANNAS], CUSTOMER), "olga", Verdict(ASK, Ground.COLLEAGUE, "anna", "anna")),
        (Claims(None, [ANNAS], CUSTOMER), "carla", Verdict(YES, Ground.CUSTOMER, "carla")),
        (Claims(None, [ANNAS, Hold("working", "boris")]), "boris", Verdict(YES, Ground.COLLEAGUE, "boris")),
        (Claims(None, [Hold("nurture")], NAMED), None, Verdict(ASK, Ground.NAMED_ACCOUNT, "boris", "boris")),
        (Claims(None, [Hold("review", "olga")]), None, Verdict(YES, Ground.FREE)),
        (Claims(account=CUSTOMER), None, Verdict(ASK, Ground.CUSTOMER, "carla", "carla")),
        (Claims(account=NAMED), "boris", Verdict(YES, Ground.NAMED_ACCOUNT, "boris")),
        (Claims(account=PLAIN), None, Verdict(ASK, Ground.ACCOUNT, "boris", "boris")),
        (Claims(Hold("nurture"), account=NAMED), None, Verdict(ASK, Ground.NAMED_ACCOUNT, "boris", "boris")),
        # nobody's
        (Claims(Hold("nurture")), None, Verdict(YES, Ground.NURTURE)),
        (Claims(account=OWNERLESS), None, Verdict(YES, Ground.FREE)),
        (Claims(), None, Verdict(YES, Ground.FREE)),
        (Claims(known=False), None, Verdict(YES, Ground.UNKNOWN)),
        (Claims(Hold("assigned", "gone")), None, Verdict(YES, Ground.FREE)),
        (Claims(account=Account("x", "X", named=True, owner="gone")), None, Verdict(YES, Ground.FREE)),
        # not wanted
        (Claims(barred=True), None, Verdict(NO, Ground.DISQUALIFIED)),
        (Claims(Hold("nurture"), [ANNAS], NAMED, barred=True), "boris", Verdict(NO, Ground.DISQUALIFIED)),
    ],
)
def test_the_answer(claims: Claims, asker: str | None, expected: Verdict) -> None:
    assert may_contact(claims, ROSTER, NOW, asker) == expected


def test_who_is_out_is_there_again_afterwards() -> None:
    claims = Claims(Hold("assigned", "away"))
    assert may_contact(claims, ROSTER, NOW + timedelta(days=2)).ask == "away"


someone = st.sampled_from([None, "gone", *ROSTER.people])
holds = st.builds(
    Hold, st.sampled_from(["assigned", "accepted", "working", "review", "nurture"]), someone, someone
)
accounts = st.builds(
    Account, st.just("a"), st.just("A"), named=st.booleans(), customer=st.booleans(), owner=someone
)
claims_of_all_kinds = st.builds(
    Claims,
    st.none() | holds,
    st.lists(holds, max_size=3),
    st.none() | accounts,
    barred=st.booleans(),
    known=st.booleans(),
)


@given(claims_of_all_kinds, someone)
def test_whom_to_ask_is_somebody_there_and_never_oneself(claims: Claims, asker: str | None) -> None:
    verdict = may_contact(claims, ROSTER, NOW, asker)
    assert (verdict.ask is not None) == (verdict.answer == "ask")
    if verdict.ask is not None:
        assert ROSTER.people[verdict.ask].active
        assert verdict.ask != asker
        assert verdict.owner != asker


@given(claims_of_all_kinds, someone)
def test_nobody_who_has_left_is_named(claims: Claims, asker: str | None) -> None:
    verdict = may_contact(claims, ROSTER, NOW, asker)
    assert verdict.owner is None or ROSTER.people[verdict.owner].active


@given(claims_of_all_kinds, someone)
def test_who_is_asked_may(claims: Claims, asker: str | None) -> None:
    """Whoever others are sent to may contact the prospect themselves."""
    verdict = may_contact(claims, ROSTER, NOW, asker)
    if verdict.ask is not None:
        assert may_contact(claims, ROSTER, NOW, verdict.ask).answer == "yes"


@given(claims_of_all_kinds, someone)
def test_one_who_has_nothing_to_do_with_them_hears_what_everybody_hears(
    claims: Claims, asker: str | None
) -> None:
    heard = may_contact(claims, ROSTER, NOW, asker)
    if heard.answer != "yes":
        general = may_contact(claims, ROSTER, NOW)
        assert heard == general
