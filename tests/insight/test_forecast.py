"""Leads of the weeks to come: do the intervals hold what they say, on weeks that were held out?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from math import isclose
from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from statsmodels.tsa.statespace.structural import UnobservedComponents

from leadlane.insight.forecast import LEAST_WEEKS, Ahead, forecast

Numbers = NDArray[np.float64]
Rng = np.random.Generator
HORIZON = 8


def ahead(counts: Numbers, weeks: int = HORIZON, shares: Numbers | None = None) -> list[list[Ahead]]:
    counts = np.atleast_2d(counts)
    if shares is None:
        shares = np.ones(counts.shape[1] + weeks)
    return [list(one) for one in forecast(counts, np.tile(shares, (len(counts), 1)), weeks)]


def held_out(series: Numbers, first: int, step: int = 1) -> Counter[str]:
    """How many held-out weeks fall into the intervals, of how many, from every origin on."""
    found: Counter[str] = Counter()
    for origin in range(first, series.shape[1], step):
        weeks = min(HORIZON, series.shape[1] - origin)
        past = series[:, :origin].copy()
        for row in past:
            row[: np.argmax(row > 0) if row.any() else len(row)] = np.nan
        for row, made in zip(series[:, origin : origin + weeks], ahead(past, weeks), strict=True):
            for count, one in zip(row.tolist(), made, strict=False):
                found["weeks"] += 1
                found["95"] += one.expected.low <= count <= one.expected.high
                found["80"] += one.low <= count <= one.high
    return found


# ---------------------------------------------------------------- coverage

T = np.arange(120)
SIMULATED: dict[str, Callable[[Rng], Numbers]] = {
    "few": lambda rng: rng.poisson(4, len(T)),
    "poisson": lambda rng: rng.poisson(30, len(T)),
    "many": lambda rng: rng.poisson(300, len(T)),
    "overdispersed": lambda rng: rng.poisson(40 * rng.gamma(10, 1 / 10, len(T))),
    "growing": lambda rng: rng.poisson(30 * 1.01**T),
    "yearly": lambda rng: rng.poisson(60 * (1 + 0.3 * np.sin(2 * np.pi * T / 52.18))),
    "drifting": lambda rng: rng.poisson(50 * np.exp(np.cumsum(rng.normal(0, 0.05, len(T))))),
    "shifted": lambda rng: rng.poisson(np.where(rng.integers(40, 80) > T, 30, 50)),
}


@pytest.mark.parametrize("kind", SIMULATED)
def test_the_intervals_cover_what_they_say_in_simulated_series(kind: str) -> None:
    rng = np.random.default_rng(7)
    series = np.array([SIMULATED[kind](rng) for _ in range(30)], dtype=float)
    found = held_out(series, 16, step=13)
    share, narrow = (found[name] / found["weeks"] for name in ("95", "80"))
    print(
        f"{kind}: {share:.1%} of {found['weeks']} held-out weeks in the 95 % interval, {narrow:.1%} in 80 %"
    )
    assert share >= 0.9
    assert 0.72 <= narrow <= 0.96


def test_all_together_they_are_no_wider_than_they_need_be() -> None:
    found: Counter[str] = Counter()
    for kind in SIMULATED:
        rng = np.random.default_rng(11)
        found += held_out(np.array([SIMULATED[kind](rng) for _ in range(12)], dtype=float), 20, step=20)
    share = found["95"] / found["weeks"]
    print(f"all: {share:.1%} of {found['weeks']} held-out weeks in the 95 % interval")
    assert 0.94 <= share <= 0.985


FILES = {
    "olist": (
        "read_csv('{}/olist_marketing_funnel/olist_marketing_qualified_leads_dataset.csv')",
        "first_contact_date",
        "origin",
    ),
    "maven": ("read_csv('{}/maven_crm/sales_pipeline.csv')", "engage_date", "product"),
    "bpi2012": (
        "(SELECT DISTINCT case_id, reg_date FROM read_csv('{}/bpi2012/bpi_challenge_2012.csv.gz'))",
        "reg_date",
        "'all'",
    ),
}


def weekly(source: str, day: str, group: str) -> Numbers:
    """Leads by week of all and of each group, without the first and the last week, which are not whole."""
    rows = duckdb.sql(
        f"SELECT date_diff('week', (SELECT min({day}::date) FROM {source}), {day}::date), {group}, count(*)"
        f" FROM {source} WHERE {day} IS NOT NULL AND {group} IS NOT NULL GROUP BY 1, 2"
    ).fetchall()
    names = sorted({name for _week, name, _count in rows})
    counts = np.zeros((len(names) + 1, max(week for week, _name, _count in rows) + 1))
    for week, name, count in rows:
        counts[[0, names.index(name) + 1], week] += count
    return counts[:, 1:-1]


def test_the_intervals_cover_what_they_say_in_real_arrivals(shared_data: Path) -> None:
    """Where leads come by campaigns, weeks jump as nothing before has: there 95 % is out of reach."""
    found: Counter[str] = Counter()
    for name, (source, day, group) in FILES.items():
        part = held_out(weekly(source.format(shared_data), day, group), 12, step=2)
        print(
            f"{name}: {part['95'] / part['weeks']:.1%} of {part['weeks']} held-out weeks in the 95 % interval"
        )
        found += part
    share = found["95"] / found["weeks"]
    print(f"all: {share:.1%}")
    assert 0.9 <= share <= 0.98


# ---------------------------------------------------------------- what a forecast is


def test_with_fewer_than_eight_weeks_nothing_is_said() -> None:
    assert ahead(np.full(LEAST_WEEKS - 1, 9.0)) == [[]]
    assert len(ahead(np.full(LEAST_WEEKS, 9.0))[0]) == HORIZON
    unknown = np.full(20, np.nan)
    unknown[-(LEAST_WEEKS - 1) :] = 9
    assert ahead(unknown) == [[]]


def test_what_comes_at_an_even_pace_goes_on() -> None:
    counts = np.random.default_rng(3).poisson(100, (20, 60)).astype(float)
    first = [made[0].expected for made in ahead(counts)]
    assert max(abs(one.value - row.mean()) for row, one in zip(counts, first, strict=True)) < 8
    # Little more than the chance that is in every count: 2 × 1.96 × √100.
    assert 39 < np.mean([one.high - one.low for one in first]) < 48


def test_the_further_away_the_less_is_known() -> None:
    rng = np.random.default_rng(5)
    counts = rng.poisson(60 * np.exp(np.cumsum(rng.normal(0, 0.1, 80)))).astype(float)
    (made,) = ahead(counts, 13)
    widths = [one.expected.high - one.expected.low for one in made]
    assert widths[12] > widths[0] * 1.5


def test_intervals_lie_in_each_other_around_the_expected_count() -> None:
    rng = np.random.default_rng(9)
    for mean in (0.2, 1, 5, 50, 2000):
        (made,) = ahead(rng.poisson(mean, 30).astype(float), 13)
        for one in made:
            assert 0 <= one.expected.low <= one.low <= one.high <= one.expected.high
            assert one.expected.low <= one.expected.value <= one.expected.high
            assert one.expected.count == 30


def test_the_chance_of_more_agrees_with_the_intervals() -> None:
    (made,) = ahead(np.random.default_rng(2).poisson(40, 40).astype(float))
    for one in made:
        assert one.above(-1) == 1
        assert one.above(one.expected.high) <= 0.026
        assert one.above(one.expected.high - 1) >= 0.0245
        assert one.above(one.high) <= 0.102
        assert one.above(one.high - 1) >= 0.098
        assert isclose(one.above(one.high), one.above(one.high + 0.9))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 500), min_size=8, max_size=40), st.integers(1, 20))
def test_weeks_before_the_first_change_nothing(counts: list[int], before: int) -> None:
    known = np.array(counts, dtype=float)
    (alone,), (later,) = ahead(known, 4), ahead(np.r_[np.full(before, np.nan), known], 4)
    for one, other in zip(alone, later, strict=True):
        assert isclose(one.expected.value, other.expected.value, rel_tol=1e-9, abs_tol=1e-9)
        assert (one.expected.low, one.expected.high) == (other.expected.low, other.expected.high)


def test_series_do_not_change_each_other() -> None:
    rng = np.random.default_rng(4)
    counts = rng.poisson([[5], [80]], (2, 30)).astype(float)
    together, alone = ahead(counts), [ahead(row)[0] for row in counts]
    assert [one.expected for one in together[0]] == [one.expected for one in alone[0]]
    assert [one.expected for one in together[1]] == [one.expected for one in alone[1]]


# ---------------------------------------------------------------- holidays, years, and another program


def test_a_week_with_public_holidays_brings_less_where_it_has_so_far() -> None:
    rng = np.random.default_rng(1)
    shares = np.ones(60 + HORIZON)
    shares[[8, 17, 26, 35, 44, 53, 63]] = 0.6
    with_effect = rng.poisson(100 * shares[:60]).astype(float)
    without = rng.poisson(100, 60).astype(float)
    (quiet,), (same,) = ahead(with_effect, shares=shares), ahead(without, shares=shares)
    assert quiet[3].expected.value / quiet[2].expected.value == pytest.approx(0.6, abs=0.06)
    assert same[3].expected.value / same[2].expected.value == pytest.approx(1, abs=0.06)


def test_what_comes_back_every_year_is_foreseen_when_it_was_seen_twice() -> None:
    rng = np.random.default_rng(8)
    at = np.arange(156 + 13)
    mean = 80 * (1 + 0.4 * np.sin(2 * np.pi * at / 52.18))
    (made,) = ahead(rng.poisson(mean[:156]).astype(float), 13)
    for week, one in enumerate(made):
        assert one.expected.value == pytest.approx(mean[156 + week], rel=0.2)


def test_it_agrees_with_a_local_level_by_statsmodels() -> None:
    """On the scale of the root, where both have normal errors: place and width of the interval."""
    rng = np.random.default_rng(6)
    counts = rng.poisson(200 * np.exp(np.cumsum(rng.normal(0, 0.04, 100)))).astype(float)
    other = UnobservedComponents(np.sqrt(counts + 3 / 8), "llevel").fit(disp=False).get_forecast(4)
    low, high = (other.conf_int()[:, side] ** 2 - 3 / 8 for side in (0, 1))
    (made,) = ahead(counts, 4)
    for week, one in enumerate(made):
        assert one.expected.value == pytest.approx(other.predicted_mean[week] ** 2 - 3 / 8, rel=0.05)
        width = one.expected.high - one.expected.low
        assert width / (high[week] - low[week]) == pytest.approx(1, abs=0.25)
