"""Owners, load, duplicates, levels; and what a log of events says of hand-offs."""

import numpy as np
import pytest

from leadlane.insight.leads import LOST, OPEN, WON, Events, Group, Leads, cases_of
from leadlane.insight.workload import duplicates, hand_offs, level_of, load, mismatch, unowned, untouched


def codes(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.int32)


def owned(*numbers: int, late: str = "") -> Group:
    return Group("owner", "Owner", codes(*numbers), ["anna", "boris", "clara"], late)  # type: ignore[arg-type]


def test_leads_that_nobody_owns_are_counted_with_those_that_are_open() -> None:
    leads = Leads(
        4,
        groups={"owner": owned(0, -1, -1, 1)},
        outcome=np.array([WON, LOST, OPEN, LOST], dtype=np.int8),
    )
    found = unowned(leads)
    assert found is not None
    assert (found.count, found.share.value, found.still_open) == (2, 0.5, 1)


def test_owners_of_won_leads_only_do_not_say_who_has_none() -> None:
    leads = Leads(3, groups={"owner": owned(0, -1, -1, late="won")})
    assert unowned(leads) is None
    assert load(Leads(2, groups={"owner": owned(0, 1, late="won")})).won_only  # type: ignore[union-attr]


def test_leads_without_a_touch_are_counted_among_those_with_a_count() -> None:
    found = untouched(Leads(4, numbers={"touches": np.array([0.0, 3, np.nan, 0])}))
    assert found is not None
    assert (found[0], found[1].count) == (2, 3)
    assert untouched(Leads(1)) is None


def test_load_is_by_person_the_fullest_first() -> None:
    leads = Leads(
        5,
        groups={"owner": owned(1, 1, 1, 0, -1)},
        outcome=np.array([OPEN, OPEN, LOST, WON, OPEN], dtype=np.int8),
    )
    found = load(leads)
    assert found is not None
    assert list(found.people) == [("boris", 3, 2), ("anna", 1, 0)]
    assert found.inequality == pytest.approx(0.25)
    assert load(Leads(2, groups={"owner": owned(1, 1)})) is None


def test_duplicates_are_surplus_leads_and_prospects_in_several_hands() -> None:
    leads = Leads(6, groups={"owner": owned(0, 1, 0, 0, 2, -1)}, prospect=codes(0, 0, 2, 2, 4, 4))
    found = duplicates(leads, compared_all=True)
    assert found is not None
    assert (found.prospects, found.repeated, found.surplus_leads) == (3, 3, 3)
    assert (found.hands_prospects, found.hands_leads) == (1, 1)
    assert found.several_hands is not None
    assert found.several_hands.value == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("title", "level"),
    [("Senior AE", "senior"), ("Junior", "junior"), ("SDR", "junior"), ("Mid-level AE", "mid"),
     ("Janitor", None), ("account executive", "mid"), ("Account Director", "senior")],
)  # fmt: skip
def test_levels_are_read_from_titles(title: str, level: str | None) -> None:
    assert level_of(title) == level


def test_deals_above_and_below_the_level_of_their_owner() -> None:
    level = Group("level", "Level", codes(0, 0, 1, 1, 2), ["junior", "senior", "wizard"])
    leads = Leads(
        5,
        numbers={"deal_value": np.array([5_000.0, 90_000, 90_000, 5_000, 5_000])},
        groups={"level": level},
        outcome=np.array([WON, LOST, WON, WON, WON], dtype=np.int8),
    )
    found = mismatch(leads)
    assert found is not None
    assert (found.count, found.above.value, found.below.value) == (4, 0.25, 0.25)
    assert found.effects["enterprise"].gap.value == 1.0
    assert found.unread_levels == ["wizard"]


def test_the_middle_band_has_both_of_its_ends() -> None:
    level = Group("level", "Level", codes(0, 0, 0), ["mid"])
    leads = Leads(3, numbers={"deal_value": np.array([10_000.0, 50_000, 50_001])}, groups={"level": level})
    found = mismatch(leads)
    assert found is not None
    assert (found.above.value, found.below.value) == (pytest.approx(1 / 3), 0)


def test_a_log_says_when_leads_came_who_answered_and_through_whose_hands_they_went() -> None:
    """Case 0: anna, boris, anna. Case 1: nobody, then clara. Events come in any order."""
    events = Events(
        codes(0, 1, 0, 0, 1),
        np.array([30.0, 5, 10, 20, 65]),
        codes(0, -1, 0, 1, 2),
        ["anna", "boris", "clara"],
    )
    found = cases_of(events, 2)
    assert found.arrived_at.tolist() == [10, 5]
    assert found.responded_at.tolist() == [10, 65]
    assert found.owner.tolist() == [0, 2]
    assert found.handling.changes.tolist() == [2, 0]
    assert found.handling.ping_pong.tolist() == [True, False]
    assert list(found.handling.pairs) == [("anna", "boris", 1), ("boris", "anna", 1)]
    assert found.starts_with_people == 0.5


def test_who_works_around_the_clock_on_most_cases_is_a_program() -> None:
    """The robot opens a case every hour of the week; anna takes each up at ten in the morning."""
    hours = np.arange(168) * 3600.0
    at_ten = (hours // 86_400 + 1) * 86_400 + 36_000
    case = np.concatenate([np.arange(168), np.arange(168)]).astype(np.int32)
    person = np.repeat([0, 1], 168).astype(np.int32)
    found = cases_of(Events(case, np.concatenate([hours, at_ten]), person, ["robot", "anna"]), 168)
    assert found.machines == ["robot"]
    assert found.responded_at.tolist() == at_ten.tolist()
    named = cases_of(Events(case, np.concatenate([hours, at_ten]), person, ["robot", "anna"]), 168, ["anna"])
    assert named.responded_at.tolist() == hours.tolist()


def test_hand_offs_come_from_a_log_or_from_a_column() -> None:
    found = hand_offs(Leads(4, numbers={"handoffs": np.array([0.0, 1, 4, np.nan])}))
    assert found is not None
    assert (found.mean, found.once.value, found.often.value, found.ping_pong) == (
        pytest.approx(5 / 3), pytest.approx(2 / 3), pytest.approx(1 / 3), None,
    )  # fmt: skip
    assert hand_offs(Leads(4)) is None
