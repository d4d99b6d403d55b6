"""Waiting: business time for many instants at once, curves of leads that wait, classes, hours of the week."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from scipy.stats import fisher_exact

from leadlane.core.business_time import Calendar
from leadlane.insight.leads import LOST, WON, Group, Leads
from leadlane.insight.response import (
    business_clock,
    effect,
    hours_of_week,
    response_classes,
    urgency,
    waiting,
)
from leadlane.policy.hours import weekly_hours

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 3, 2, 8, tzinfo=UTC)
TIMED = frozenset(("arrived_at", "responded_at"))


def at(*hours: float | None) -> np.ndarray:
    """Instants so many hours after a Monday morning; None is unknown."""
    return np.array([np.nan if hour is None else MONDAY.timestamp() + hour * 3600 for hour in hours])


@pytest.mark.parametrize(
    "spec",
    [{"mon-fri": ["09:00-12:30", "13:15-17:00"]}, {"mon-sun": ["22:00-06:00"]}, {"sat": ["00:00-24:00"]}],
)
def test_working_time_of_many_instants_is_that_of_the_calendar(spec: dict[str, list[str]]) -> None:
    """Over both changes of the clock, with a holiday."""
    calendar = Calendar(weekly_hours(spec), BERLIN, frozenset([date(2026, 4, 3)]))
    rng = np.random.default_rng(1)
    start = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    instants = np.sort(start + rng.uniform(0, 330 * 86_400, 300))
    clock = business_clock(calendar, instants)
    found = np.diff(clock(instants))
    moments = [datetime.fromtimestamp(float(one), UTC) for one in instants]
    for seconds, one, other in zip(found, moments, moments[1:], strict=False):
        assert seconds == pytest.approx(calendar.between(one, other).total_seconds(), abs=0.01)


def test_who_was_not_answered_waits_until_the_end_or_until_the_lead_was_closed() -> None:
    leads = Leads(
        4,
        {
            "arrived_at": at(0, 0, 0, 0),
            "responded_at": at(1, None, None, -1),
            "closed_at": at(None, None, 2, None),
        },
        timed=TIMED,
    )
    calendar = Calendar(weekly_hours({"mon-fri": ["09:00-17:00"]}), BERLIN)
    found = waiting(leads, MONDAY + timedelta(hours=10), calendar)
    assert found is not None
    assert found.calendar is not None
    assert (found.count, found.answered, found.earlier) == (3, 1, 1)
    # Of three one is answered after an hour, one is seen until the second hour, one until the tenth.
    assert found.calendar.done_by(1.5 * 3600).value == pytest.approx(1 / 3)
    assert found.calendar.waiting == 2


def test_dates_without_times_are_counted_in_days() -> None:
    leads = Leads(2, {"arrived_at": at(0, 0), "responded_at": at(5, 30)})
    calendar = Calendar(weekly_hours({"mon-fri": ["09:00-17:00"]}), BERLIN)
    found = waiting(leads, MONDAY + timedelta(days=9), calendar)
    assert found is not None
    assert found.calendar is not None
    assert not found.timed
    assert found.business is None
    assert found.calendar.done_by(0).value == 0.5
    assert found.calendar.done_by(86_400).value == 1


def test_leads_are_classed_by_how_soon_they_were_answered() -> None:
    leads = Leads(
        5,
        {"arrived_at": at(0, 0, 0, 0, 0), "responded_at": at(0.05, 0.05, 3, 500, None)},
        outcome=np.array([WON, LOST, WON, LOST, LOST], dtype=np.int8),
        timed=TIMED,
    )
    found = {one.until: (one.count, one.won) for one in response_classes(leads) if one.count}
    assert found == {300: (2, 1), 4 * 3600: (1, 1), float("inf"): (1, 0), None: (1, 0)}


def test_fast_and_slow_need_both() -> None:
    leads = Leads(
        2,
        {"arrived_at": at(0, 0), "responded_at": at(0.1, 0.2)},
        outcome=np.array([WON, LOST], dtype=np.int8),
        timed=TIMED,
    )
    assert effect(leads, 3600) is None
    found = effect(leads, 600)
    assert found is not None
    assert (found.fast.count, found.slow.count, found.best.value) == (1, 1, 1.0)
    assert effect(Leads(2, {"arrived_at": at(0, 0)}), 3600) is None


def _few_fast(rng: np.random.Generator, fast: int) -> Leads:
    """1,000 leads of four sources, 2 % won whoever is answered when; some answered fast."""
    seconds = np.where(np.arange(1000) < fast, 600.0, 90_000.0)
    source = Group("source", "source", rng.integers(0, 4, 1000).astype(np.int32), list("abcd"))
    outcome = np.where(rng.random(1000) < 0.02, WON, LOST).astype(np.int8)
    instants = {"arrived_at": np.zeros(1000), "responded_at": seconds}
    return Leads(1000, instants, {}, {"source": source}, outcome, timed=TIMED)


@pytest.mark.parametrize("fast", [1, 5, 30, 100])
def test_a_few_fast_ones_that_were_won_by_chance_show_nothing(fast: int) -> None:
    """By chi-square a p-value up to 0.001 comes of 1 % to 3 % of such companies, instead of 0.1 %."""
    rng = np.random.default_rng(1)
    found = [effect(_few_fast(rng, fast), 3600.0) for _number in range(400)]
    chances = np.array([one.p for one in found if one is not None])
    assert (chances <= 0.05).mean() <= 0.07
    assert (chances <= 0.001).sum() <= 2


def test_of_few_fast_ones_in_one_kind_the_chance_is_fishers() -> None:
    outcome = np.array([WON] * 3 + [LOST] * 2 + [WON] * 4 + [LOST] * 41, np.int8)
    seconds = np.array([60.0] * 5 + [9000.0] * 45)
    leads = Leads(50, {"arrived_at": np.zeros(50), "responded_at": seconds}, outcome=outcome, timed=TIMED)
    found = effect(leads, 3600.0)
    assert found is not None
    more = fisher_exact([[3, 2], [4, 41]], alternative="greater").pvalue
    assert found.p == pytest.approx(2 * more)


def test_urgency_is_who_is_answered_in_time() -> None:
    signal = Group("signal", "Signal", np.array([0] * 40 + [1] * 40, dtype=np.int32), ["demo", "download"])
    leads = Leads(
        80,
        {"arrived_at": at(*[0] * 80), "responded_at": at(*[0.2] * 40, *[9] * 40)},
        groups={"signal": signal},
    )
    found = urgency(leads, 3600)
    assert found is not None
    assert list(found.kinds) == [("demo", 40, 40), ("download", 40, 0)]
    assert found.p < 1e-6
    assert urgency(Leads(1, {"arrived_at": at(0)}), 3600) is None


def test_hours_of_the_week_are_those_of_the_zone() -> None:
    found = hours_of_week(at(0, 0.5, None, 24 * 6), BERLIN)
    assert found[0, 9] == 2
    assert found[6, 9] == 1
    assert found.sum() == 3
    assert hours_of_week(at(None), BERLIN).sum() == 0
