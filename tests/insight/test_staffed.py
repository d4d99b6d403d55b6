"""Who was there when leads came: hours in which nobody could answer, and hours that are worse than others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from leadlane.insight.attendance import attendance, hours_between
from leadlane.insight.leads import Leads
from leadlane.insight.staffed import (
    Ended,
    HourCell,
    Promises,
    compared,
    ended_promises,
    holes,
    hour_cells,
    is_judged,
)

START = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = 3600.0
WEEKS = 4
HOURS = hours_between(START, START + timedelta(weeks=WEEKS), ZoneInfo("UTC"))
NAN = float("nan")


def moment(day: int, hour: float) -> float:
    return START.timestamp() + (24 * day + hour) * HOUR


# Two people, Monday to Friday: one from 9 to 17, the other from 12 to 17.
WORK = attendance(
    [
        [
            (START + timedelta(days=day, hours=opens), START + timedelta(days=day, hours=17))
            for day in range(7 * WEEKS)
            if day % 7 < 5
        ]
        for opens in (9, 12)
    ]
)


def promises(*each: tuple[float, float, bool]) -> Ended:
    came, ended, missed = zip(*each, strict=True)
    return Ended(np.array(came), np.array(ended), np.array(missed))


def cell(weekday: int, hour: int, cells: list[HourCell]) -> HourCell:
    (found,) = [one for one in cells if (one.weekday, one.hour) == (weekday, hour)]
    return found


def test_people_leads_and_promises_by_hour_of_the_week() -> None:
    came = [moment(1, 10.5), moment(8, 10.2), moment(8, 13)]
    ended = promises((came[0], came[0] + HOUR, True), (came[1], came[1] + HOUR, False))
    cells, alone = hour_cells(HOURS, WORK, np.array(came), ended)
    assert len(cells) == 168
    tuesday = cell(1, 10, cells)
    assert (tuesday.people, tuesday.leads, tuesday.promises, tuesday.alone) == (1, 2, Promises(2, 1), 0)
    assert (cell(1, 13, cells).people, cell(1, 13, cells).leads) == (2, 1)
    assert cell(5, 10, cells).people == 0
    assert not alone.any()


def test_a_promise_is_alone_when_nobody_works_before_it_ends() -> None:
    ended = promises(
        # Saturday, 4 hours: nobody. Friday 16:30, an hour: half of it. Sunday, two days: Monday comes.
        (moment(5, 10), moment(5, 14), True),
        (moment(4, 16.5), moment(4, 17.5), True),
        (moment(6, 10), moment(8, 10), True),
        # In working time it would end on Monday, when somebody is there.
        (moment(5, 10), moment(7, 9.25), True),
        # Somebody answered all the same.
        (moment(12, 10), moment(12, 14), False),
    )
    cells, alone = hour_cells(HOURS, WORK, ended.came, ended)
    assert alone.tolist() == [True, False, False, False, False]
    assert [(hole.weekday, hole.start, hole.alone) for hole in holes("sdr", cells)] == [(5, 10, 1)]


def test_a_lead_that_came_before_the_period_counts_in_its_hour_of_the_week() -> None:
    ended = promises((moment(-2, 14), moment(0, 3), True))
    cells, alone = hour_cells(HOURS, WORK, np.array([]), ended)
    assert alone.tolist() == [True]
    assert cell(5, 14, cells).promises == Promises(1, 1)
    assert [(hole.weekday, hole.start, hole.alone) for hole in holes("sdr", cells)] == [(5, 14, 1)]


def test_hours_one_after_the_other_are_one_hole() -> None:
    ended = promises(
        *((moment(day, hour), moment(day, hour + 0.25), True) for day in (5, 12) for hour in (9, 10, 14))
    )
    cells, _alone = hour_cells(HOURS, WORK, ended.came, ended)
    found = holes("sdr", cells)
    assert [(hole.start, hole.until, hole.leads, hole.alone) for hole in found] == [
        (9, 11, 4, 4),
        (14, 15, 2, 2),
    ]
    assert found[0].promises == Promises(4, 4)


def test_what_was_closed_unanswered_before_the_promise_ended_is_neither_kept_nor_missed() -> None:
    leads = Leads(
        4,
        {
            "asked_at": np.zeros(4),
            "respond_by": np.array([10.0, 10, 10, NAN]),
            "responded_at": np.array([9.0, 12, NAN, 3]),
            "closed_at": np.array([NAN, NAN, 8, NAN]),
        },
    )
    assert is_judged(leads).tolist() == [True, True, False, False]
    assert ended_promises(leads, np.ones(4, dtype=bool)).missed.tolist() == [False, True]


def cells_of(rng: np.random.Generator, worse: float = 0.2) -> list[HourCell]:
    """60 hours with 30 promises each, of which a fifth is missed; `worse`: in the first of them."""
    shares = np.r_[worse, np.full(59, 0.2)]
    missed = rng.binomial(30, shares)
    return [HourCell(at // 12, at % 12 + 8, 1, 30, Promises(30, int(n)), 0) for at, n in enumerate(missed)]


def claimed(cells: list[HourCell]) -> list[HourCell]:
    every = Promises(sum(c.promises.count for c in cells), sum(c.promises.missed for c in cells))
    return [one for one in compared({"sdr": (cells, every)})["sdr"] if one.is_worse]


def test_where_all_hours_are_alike_none_is_said_to_be_worse() -> None:
    rng = np.random.default_rng(0)
    wrong = sum(bool(claimed(cells_of(rng))) for _company in range(200))
    print(f"an hour was claimed to be worse in {wrong} of 200 companies in which none is")
    assert wrong <= 16


def test_an_hour_that_is_worse_is_found() -> None:
    rng = np.random.default_rng(1)
    found = [claimed(cells_of(rng, 0.6)) for _company in range(50)]
    assert sum(any((one.weekday, one.hour) == (0, 8) for one in each) for each in found) >= 45
