"""What people have in hand against counting it minute by minute, and what they are owed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadlane.insight.attendance import Attendance, Hours, attendance, hours_between
from leadlane.insight.load import in_hand, owed, turns

START = datetime(2026, 3, 2, tzinfo=UTC)
BEGIN = START.timestamp()
WEEK = 604_800.0


def at_work(*spans: tuple[float, float]) -> Attendance:
    """Somebody who works from one hour to another, hours counted from START."""
    return attendance([[tuple(START + timedelta(hours=at) for at in span) for span in spans]])  # type: ignore[misc]


def weeks(count: int) -> np.ndarray:
    return BEGIN + WEEK * np.arange(count + 1)


def office(count: int) -> Attendance:
    """Monday to Friday, 9 to 17."""
    return at_work(*((24 * d + 9, 24 * d + 17) for d in range(7 * count) if d % 7 < 5))


held = st.lists(st.tuples(st.integers(-300, 1100), st.one_of(st.none(), st.integers(0, 900))), max_size=12)


@settings(max_examples=60, deadline=None)
@given(held, st.integers(1, 4))
def test_what_is_in_hand_as_minutes_tell(leads: list[tuple[int, int | None]], most: int) -> None:
    """Two half days of work within some 13 hours; leads come and go at full minutes."""
    spans = ((1.0, 4.0), (6.0, 12.0))
    starts = np.array([BEGIN + 60 * begins for begins, _length in leads])
    ends = np.array([np.nan if length is None else BEGIN + 60 * (b + length) for b, length in leads])
    found = in_hand(starts, ends, at_work(*spans), np.array([BEGIN, BEGIN + 13 * 3600]), most)
    counts = [
        sum(begins <= at and (length is None or at < begins + length) for begins, length in leads)
        for first, last in spans
        for at in range(int(first * 60), int(last * 60))
    ]
    assert found is not None
    assert found.hours == pytest.approx(9)
    assert found.mean == pytest.approx(np.mean(counts))
    assert found.peak == max(counts)
    assert found.full == pytest.approx(np.mean([count >= most for count in counts]))
    assert found.idle == pytest.approx(np.mean([count == 0 for count in counts]))


def test_who_does_not_work_has_no_load() -> None:
    assert in_hand(np.array([BEGIN]), np.array([np.nan]), at_work(), weeks(2), 5) is None


def test_without_a_limit_nobody_is_full() -> None:
    found = in_hand(np.full(50, BEGIN), np.full(50, np.nan), office(10), weeks(10), None)
    assert found is not None
    assert (found.full, found.weeks_full, found.is_always_full) == (None, None, False)


def test_always_full_and_always_idle_are_said_of_many_weeks_only() -> None:
    many, few = (in_hand(np.full(3, BEGIN), np.full(3, np.nan), office(n), weeks(n), 3) for n in (8, 2))
    assert many is not None
    assert few is not None
    assert (many.full, few.full) == (1, 1)
    assert (many.is_always_full, few.is_always_full) == (True, False)
    nothing = in_hand(np.zeros(0), np.zeros(0), office(8), weeks(8), 3)
    assert nothing is not None
    assert (nothing.is_always_idle, nothing.is_always_full) == (True, False)


def test_half_of_the_weeks_full_is_not_always() -> None:
    starts = np.repeat(BEGIN + 2 * WEEK * np.arange(5), 3)
    found = in_hand(starts, starts + WEEK, office(10), weeks(10), 3)
    assert found is not None
    assert found.weeks_full is not None
    assert found.weeks_full.value == pytest.approx(0.5)
    assert not found.is_always_full


# ---------------------------------------------------------------- shares


def day() -> Hours:
    return hours_between(START, START + timedelta(days=2), ZoneInfo("UTC"))


def test_owed_is_the_weight_among_those_at_work() -> None:
    """One works from 8 to 16, the other, of twice the weight, from 12 to 20."""
    work = [at_work((8, 16), (32, 40)), at_work((12, 20), (36, 44))]
    given = np.array([9, 9, 9, 13, 13, 13, 18])
    assert owed(given, day(), work, [1, 2]).tolist() == pytest.approx([4, 3])


def test_what_comes_when_nobody_is_at_work_is_owed_to_those_who_open_first() -> None:
    work = [at_work((8, 16), (32, 40)), at_work((12, 20), (36, 44))]
    assert owed(np.array([2, 22, 23]), day(), work, [1, 1]).tolist() == pytest.approx([3, 0])
    # After the last hour in which anybody works nobody is owed anything.
    assert owed(np.array([45, 46]), day(), work, [1, 1]).tolist() == [0, 0]


def test_where_turns_go_by_weight_nothing_is_found() -> None:
    rng = np.random.default_rng(0)
    wrong = 0
    for _company in range(200):
        people = {f"p{i}": weight for i, weight in enumerate((1, 1, 2, 2, 4))}
        got = rng.multinomial(200, np.array([*people.values()]) / 10)
        due = {name: 200 * weight / 10 for name, weight in people.items()}
        found = turns({"pool": {name: (int(n), due[name]) for name, n in zip(people, got, strict=True)}})
        wrong += any(turn.is_found for turn in found)
    print(f"a gap was claimed in {wrong} of 200 companies without any")
    assert wrong <= 16


def test_who_gets_half_of_what_is_theirs_is_found() -> None:
    found = turns({"pool": {"anna": (100, 200.0), "boris": (300, 200.0)}, "lone": {"olga": (5, 5.0)}})
    assert [(turn.person, turn.is_found, turn.owed) for turn in found] == [
        ("anna", True, 200.0),
        ("boris", True, 200.0),
    ]
    assert found[0].share.value == pytest.approx(0.25)
