"""What it costs: products of factors with their ranges, every assumption open to change."""

import pytest
from tests.insight.companies import Planted, audited, company

from leadlane.insight.costs import ASSUMPTIONS, Cost, Factor, read_assumption


def test_a_cost_is_the_product_of_its_factors_at_their_ends() -> None:
    cost = Cost(
        "slow",
        (Factor("slow_a_month", 10, 10, 10), Factor("gap", 0, 0.1, 0.2), Factor("deal_value", 1, 5, 9)),
        2,
    )
    assert cost.money == pytest.approx((0, 5, 18))
    assert cost.deals == pytest.approx((0, 1, 2))


def test_slow_response_costs_what_the_data_show() -> None:
    found = audited(company(1, Planted(fast=0.2), 4000))
    assert found.costs is not None
    assert found.months is not None
    slow = next(cost for cost in found.costs.costs if cost.name == "slow")
    assert slow.is_shown
    assert not slow.is_example
    leads, gap, recoverable, value = slow.factors
    waited = found.leads.instants["responded_at"] - found.leads.instants["arrived_at"]
    assert leads.middle == pytest.approx((waited > 3600).sum() / found.months)
    assert (gap.low, gap.middle, gap.high) == pytest.approx(
        (found.effect.best.low, found.effect.best.value, found.effect.best.high)  # type: ignore[union-attr]
    )
    assert recoverable.source == "assumed"
    assert value.source == "data"


def test_what_the_data_do_not_show_may_cost_nothing() -> None:
    found = audited(company(2, count=800))
    assert found.costs is not None
    slow = next(cost for cost in found.costs.costs if cost.name == "slow")
    assert not slow.is_shown
    assert slow.money[0] == 0


def test_without_response_times_there_is_the_example_in_no_sum() -> None:
    """100 qualified leads a month, 25 won fast against 15 slow: 10 deals a month."""
    leads = company(1, count=500)
    found = audited(type(leads)(leads.count, {"arrived_at": leads.instants["arrived_at"]}))
    assert found.costs is not None
    (example,) = found.costs.costs
    assert example.is_example
    assert example.deals == pytest.approx((10, 10, 10))
    assert example.money == pytest.approx((50_000, 100_000, 200_000))
    assert found.costs.total == (0, 0, 0)
    assert found.costs.buying is None


def test_an_assumption_that_is_given_is_used_and_named_so() -> None:
    found = audited(company(1, Planted(fast=0.2)), assumed={"deal_value": (1.0, 2.0, 3.0)})
    assert found.costs is not None
    slow = next(cost for cost in found.costs.costs if cost.name == "slow")
    assert slow.factors[-1] == Factor("deal_value", 1, 2, 3, "given")


def test_what_a_fast_response_is_can_be_said() -> None:
    leads = company(1, Planted(fast=0.2))
    assert audited(leads).effect.threshold == 3600  # type: ignore[union-attr]
    assert audited(leads, assumed={"fast_minutes": (15, 15, 15)}).effect.threshold == 900  # type: ignore[union-attr]


def test_the_price_of_buying_the_same_wins() -> None:
    found = audited(company(1, Planted(fast=0.2), 4000))
    assert found.costs is not None
    assert found.costs.buying is not None
    wins, needed, price = found.costs.buying.factors
    assert needed.middle == pytest.approx(1 / found.conversion.overall.value)  # type: ignore[union-attr]
    assert price.middle == ASSUMPTIONS["cost_per_lead"][1]
    assert wins.middle == pytest.approx(sum(cost.deals[1] for cost in found.costs.costs if cost.deals))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("hour_cost=50", (50, 50, 50)),
        ("recoverable=0.2..0.6", (0.2, 0.4, 0.6)),
        ("deal_value=1..2..9", (1, 2, 9)),
    ],
)
def test_assumptions_are_numbers_or_ranges(text: str, values: tuple[float, ...]) -> None:
    name, found = read_assumption(text)
    assert text.startswith(name)
    assert found == pytest.approx(values)


@pytest.mark.parametrize(
    "text",
    ["x=1", "hour_cost", "hour_cost=a", "hour_cost=9..2", "hour_cost=-1", "hour_cost=nan", "hour_cost=1e300"],
)
def test_what_is_no_assumption_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_assumption(text)
