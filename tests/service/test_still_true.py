"""Nobody is told what is not true any more; what is, they are told once and in order."""

import pytest

from leadlane.outbound.message import EVENTS
from leadlane.service.still_true import News, Present, still_true, worth_telling
from leadlane.store.deliveries import Unless


def lead(
    stage: str = "assigned",
    place: int = 1,
    owner: str | None = "anna",
    cover: str | None = None,
    *,
    responded: bool = False,
) -> Present:
    return Present(stage, place, owner, cover, responded)


@pytest.mark.parametrize(
    ("event", "now", "is_told"),
    [
        ("assigned", lead(), True),
        ("assigned", lead("accepted"), False),
        ("assigned", lead("working", responded=True), False),
        ("assigned", lead(place=2), True),  # routed again, to the same person
        ("assigned", lead(place=2, owner="boris"), False),
        ("assigned", lead(owner="boris", cover="anna"), True),
        ("assigned", lead(cover="boris"), False),
        ("assigned", lead("review"), False),
        ("covering", lead(owner="boris", cover="anna"), True),
        ("covering", lead("working", owner="boris", cover="anna"), True),
        ("covering", lead(owner="boris"), False),
        ("returned", lead("accepted"), True),
        ("returned", lead(cover="boris"), False),
        ("returned", lead("working", responded=True), False),
        ("reassigned_away", lead(place=2, owner="boris"), True),
        ("reassigned_away", lead("nurture", 2, None), True),
        ("reassigned_away", lead(place=3), False),
        ("reminder", lead(), True),
        ("reminder", lead("accepted"), True),
        ("reminder", lead("working", responded=True), False),
        ("reminder", lead(place=2), False),
        ("reminder", lead(owner="boris"), False),
        ("escalated", lead(owner="boris"), True),
        ("escalated", lead(owner="boris", responded=True), False),
        ("escalated", lead(owner="clara", place=2), False),
        ("review", lead("review"), True),
        ("review", lead("review", owner="boris"), False),
        ("review", lead("assigned"), False),
        ("uncovered", lead(cover="boris"), True),  # the last one keeps it
        ("uncovered", lead(place=2, cover="clara"), False),
        ("alarm", lead("review", owner=None), True),
        ("alarm", lead(place=2), False),
        ("merged", lead(), True),
    ],
)  # fmt: skip
def test_each_event_is_told_while_it_is_true(event: str, now: Present, is_told: bool) -> None:
    assert still_true(event, 1, "anna", now) is is_told


@pytest.mark.parametrize("event", EVENTS)
def test_nobody_is_told_of_a_lead_that_is_closed(event: str) -> None:
    assert not still_true(event, 1, "anna", lead("closed"))


def told(*news: tuple[str, str, int], leads: dict[str, Present]) -> list[tuple[str, str]]:
    rows = [News(n, event, lead_id, place) for n, (event, lead_id, place) in enumerate(news)]
    worth = worth_telling(rows, "anna", leads, frozenset())
    return [(one.event, str(one.lead_id)) for one in worth]


def test_of_the_same_message_twice_the_last_is_told() -> None:
    leads = {"L1": lead(place=3), "L2": lead()}
    news = (("assigned", "L1", 1), ("assigned", "L2", 1), ("assigned", "L1", 3))
    assert told(*news, leads=leads) == [("assigned", "L2"), ("assigned", "L1")]


def test_who_never_heard_of_a_lead_need_not_hear_that_it_is_gone() -> None:
    leads = {"L1": lead(place=2, owner="boris"), "L2": lead(place=2, owner="boris")}
    news = (("assigned", "L1", 1), ("reassigned_away", "L1", 2), ("reassigned_away", "L2", 2))
    assert told(*news, leads=leads) == [("reassigned_away", "L2")]


def test_an_alarm_about_no_single_lead_is_told_while_it_lasts() -> None:
    rows = [News(7, "alarm", None, None), News(8, "alarm", None, None)]
    assert worth_telling(rows, "anna", {}, frozenset({8})) == [rows[1]]


def test_those_who_read_along_hear_what_others_need_not_while_it_is_news() -> None:
    rows = [News(1, "assigned", "L1", 1), News(2, "escalated", "L1", 1), News(3, "escalated", "L2", 1)]
    leads = {"L1": lead("accepted"), "L2": lead(place=2)}
    assert worth_telling(rows, "post:dach", leads, frozenset(), reads_along=True) == rows[:2]


@pytest.mark.parametrize(
    ("unless", "now", "is_told"),
    [
        ("accepted", lead(), True),
        ("accepted", lead("accepted"), False),
        ("accepted", lead("working", responded=True), False),
        ("accepted", lead(place=2), False),  # what happened meanwhile was told
        ("accepted", lead("closed"), False),
        ("responded", lead(), True),
        ("responded", lead("accepted"), True),
        ("responded", lead("assigned", responded=True), False),
        ("responded", lead("review"), False),
    ],
)  # fmt: skip
def test_who_was_told_hears_again_only_of_what_they_have_not_done(
    unless: Unless, now: Present, is_told: bool
) -> None:
    row = News(1, "assigned", "L1", 1)
    assert bool(worth_telling([row], "anna", {"L1": now}, frozenset(), unless=unless)) is is_told


def test_a_digest_is_told_whatever_becomes_of_single_leads() -> None:
    row = News(1, "digest", None, None)
    assert worth_telling([row], "anna", {}, frozenset()) == [row]
