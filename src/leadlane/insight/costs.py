"""What does it cost? Products of a few factors, each with its range and where it comes from.

A cost is money a month. Its range is that of its factors: all at their low ends, all at their high ends. What
is assumed says so, and can be given instead.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal

import numpy as np

from leadlane.insight.conversion import Conversion
from leadlane.insight.groups import FALSE_SHARE
from leadlane.insight.leads import WON, Leads
from leadlane.insight.proportions import Estimate
from leadlane.insight.response import Effect, ResponseClass, Waiting
from leadlane.insight.spread import mean
from leadlane.insight.workload import BANDS, Duplicates, Mismatch, Unowned

Source = Literal["data", "assumed", "given"]


@dataclass(frozen=True, slots=True)
class Factor:
    """A number with its range, its name, and whether it comes from the data, the user, or is assumed."""

    name: str
    low: float
    middle: float
    high: float
    source: Source = "data"


@dataclass(frozen=True, slots=True)
class Cost:
    """Money a month: the product of its factors. `wins`: so many of the factors make deals that are not won.

    `is_example`: the data say nothing of how many it concerns, so it is not a part of any sum. `is_shown`:
    the data show that it is more than nothing.
    """

    name: str
    factors: Sequence[Factor]
    wins: int = 0
    is_example: bool = False
    is_shown: bool = True

    @property
    def money(self) -> tuple[float, float, float]:
        """Low, middle and high."""
        return _product(self.factors)

    @property
    def deals(self) -> tuple[float, float, float] | None:
        """Deals a month that are not won for it; None for a cost that is no lost deal."""
        return _product(self.factors[: self.wins]) if self.wins else None


# Name → low, middle, high. What each means, docs/audit.md and the report say.
ASSUMPTIONS: Mapping[str, tuple[float, float, float]] = {
    "deal_value": (5_000, 10_000, 20_000),
    "example_leads": (100, 100, 100),
    "fast_minutes": (60, 60, 60),
    "fast_rate": (0.25, 0.25, 0.25),
    "slow_rate": (0.15, 0.15, 0.15),
    "recoverable": (0.25, 0.5, 0.75),
    "minutes_per_duplicate": (30, 60, 120),
    "hour_cost": (40, 60, 90),
    "hours_per_small_deal": (2, 4, 8),
    "senior_premium": (20, 30, 50),
    "cost_per_lead": (50, 150, 300),
}
Given = Mapping[str, tuple[float, float, float]]


@dataclass(frozen=True, slots=True)
class Costs:
    """All costs, the price of buying the wins that they lose as new leads (None where it cannot be told).

    `assumptions` are all that can be changed, as they were used.
    """

    costs: Sequence[Cost]
    buying: Cost | None
    assumptions: Sequence[Factor]

    @property
    def total(self) -> tuple[float, float, float]:
        """Money a month of all that is no example."""
        each = [cost.money for cost in self.costs if not cost.is_example]
        low, middle, high = (sum(one[at] for one in each) for at in range(3))
        return low, middle, high


@dataclass(frozen=True, slots=True)
class Facts:
    """What of an audit costs are reckoned from; None: not known. `months`: the length of the period."""

    leads: Leads
    months: float
    conversion: Conversion | None
    waiting: Waiting | None
    classes: Sequence[ResponseClass]
    effect: Effect | None
    unowned: Unowned | None
    mismatch: Mismatch | None
    duplicates: Duplicates | None


def costs(facts: Facts, given: Given) -> Costs:
    """What can be put into money. `given` replaces assumptions, by name: low, middle, high."""
    assumed = {name: _assumed(name, given) for name in ASSUMPTIONS}
    value = _deal_value(facts.leads, assumed["deal_value"])
    found = [
        cost
        for cost in (
            _slow(facts, assumed, value),
            _unowned(facts, assumed, value),
            *_mismatches(facts, assumed),
            _duplicates(facts, assumed),
        )
        if cost is not None
    ]
    used = [value if factor.name == "deal_value" else factor for factor in assumed.values()]
    return Costs(found, _buying(facts, found, assumed["cost_per_lead"]), used)


def _assumed(name: str, given: Given) -> Factor:
    source: Source = "given" if name in given else "assumed"
    return Factor(name, *given.get(name, ASSUMPTIONS[name]), source)


def _deal_value(leads: Leads, assumed: Factor) -> Factor:
    """The mean of won deals, where they have values; what the user says comes before."""
    values, outcome = leads.numbers.get("deal_value"), leads.outcome
    if assumed.source == "given" or values is None or outcome is None:
        return assumed
    found = mean(values[(outcome == WON) & (values > 0)])
    return assumed if found is None else _factor("deal_value", found)


def _slow(facts: Facts, assumed: Mapping[str, Factor], value: Factor) -> Cost | None:
    gap = _assumed_gap(assumed)
    if facts.waiting is None:
        return Cost("slow", (assumed["example_leads"], gap, value), 2, is_example=True)
    threshold = assumed["fast_minutes"].middle * 60
    slow = _slow_leads(facts, threshold)
    is_shown = True
    if facts.effect is not None:
        best = facts.effect.best
        is_shown = facts.effect.q <= FALSE_SHARE and best.value > 0
        gap = _gap(best, is_shown=is_shown)
    count = _exactly("slow_a_month", slow / facts.months)
    return Cost("slow", (count, gap, assumed["recoverable"], value), 3, is_shown=is_shown)


def _slow_leads(facts: Facts, seconds: float) -> int:
    """Leads answered later than that or never; those that nobody owned are a cost of their own."""
    arrived, responded = (facts.leads.instants[role] for role in ("arrived_at", "responded_at"))
    waited = responded - arrived
    slow = ~np.isnan(arrived) & ~(waited <= seconds)
    if facts.unowned is not None:
        slow &= facts.leads.groups["owner"].codes >= 0
    return int(slow.sum())


def _gap(found: Estimate, *, is_shown: bool) -> Factor:
    """A difference as a factor: never below nothing, and from nothing where the data do not show it."""
    low = found.low if is_shown else 0.0
    return Factor("gap", max(0.0, low), max(0.0, found.value), max(0.0, found.high))


def _assumed_gap(assumed: Mapping[str, Factor]) -> Factor:
    fast, slow = assumed["fast_rate"], assumed["slow_rate"]
    source: Source = "given" if "given" in (fast.source, slow.source) else "assumed"
    return Factor(
        "gap",
        max(0.0, fast.low - slow.high),
        fast.middle - slow.middle,
        max(0.0, fast.high - slow.low),
        source,
    )


def _unowned(facts: Facts, assumed: Mapping[str, Factor], value: Factor) -> Cost | None:
    """Leads that nobody owned would be won as often as others.

    On those that were lost somebody decided: where losses are written down, only leads without an end count.
    """
    if facts.unowned is None or facts.conversion is None:
        return None
    lying = facts.unowned.count if facts.conversion.base == "all" else facts.unowned.still_open
    if not lying:
        return None
    count = _exactly("unowned_a_month", lying / facts.months)
    rate = _factor("rate", facts.conversion.overall)
    return Cost("unowned", (count, rate, assumed["recoverable"], value), 3)


def _mismatches(facts: Facts, assumed: Mapping[str, Factor]) -> list[Cost]:
    """Large deals with juniors are won less often; small deals with seniors cost their time."""
    found = facts.mismatch
    if found is None:
        return []
    made = []
    enterprise = sum(cell.count for cell in found.cells if cell.band == BANDS[2] and cell.level != "senior")
    effect = found.effects.get("enterprise")
    if enterprise and effect is not None and effect.gap.high > 0:
        factor = _gap(effect.gap, is_shown=effect.is_finding)
        worth = _exactly("deal_value", found.values["enterprise"])
        count = _exactly("above_a_month", enterprise / facts.months)
        made.append(
            Cost("above", (count, factor, assumed["recoverable"], worth), 3, is_shown=effect.is_finding)
        )
    small = sum(cell.count for cell in found.cells if cell.band == BANDS[0] and cell.level == "senior")
    if small:
        count = _exactly("below_a_month", small / facts.months)
        made.append(Cost("below", (count, assumed["hours_per_small_deal"], assumed["senior_premium"])))
    return made


def _duplicates(facts: Facts, assumed: Mapping[str, Factor]) -> Cost | None:
    found = facts.duplicates
    if found is None or not found.hands_leads:
        return None
    count = _exactly("duplicates_a_month", found.hands_leads / facts.months)
    minutes = assumed["minutes_per_duplicate"]
    hours = Factor(
        "hours_per_duplicate", minutes.low / 60, minutes.middle / 60, minutes.high / 60, minutes.source
    )
    return Cost("duplicates", (count, hours, assumed["hour_cost"]))


def _buying(facts: Facts, found: Sequence[Cost], price: Factor) -> Cost | None:
    """What as many wins cost as new leads: leads that it takes for each, times their price."""
    rate = facts.conversion.overall if facts.conversion is not None else None
    deals = [cost.deals for cost in found if cost.deals is not None and not cost.is_example]
    if rate is None or rate.low <= 0 or not deals:
        return None
    low, middle, high = (sum(one[at] for one in deals) for at in range(3))
    needed = Factor("leads_per_win", 1 / rate.high, 1 / rate.value, 1 / rate.low)
    return Cost("buying", (Factor("wins_a_month", low, middle, high), needed, price))


def _product(factors: Sequence[Factor]) -> tuple[float, float, float]:
    return (
        prod(factor.low for factor in factors),
        prod(factor.middle for factor in factors),
        prod(factor.high for factor in factors),
    )


def _factor(name: str, estimate: Estimate) -> Factor:
    return Factor(name, estimate.low, estimate.value, estimate.high)


def _exactly(name: str, value: float) -> Factor:
    return Factor(name, value, value, value)


# Beyond it sums of money would not be exact.
_MOST_ASSUMED = 2.0**53


def read_assumption(
    text: str, known: Collection[str] = ASSUMPTIONS.keys()
) -> tuple[str, tuple[float, float, float]]:
    """`deal_value=12000`, `recoverable=0.3..0.7` or `hour_cost=40..60..90`; ValueError for what is neither.

    Two numbers are a range, whose middle lies between them; none is beyond 2**53, so that no product of some
    of them is. `known` are the names that there are.
    """
    name, equals, numbers = text.partition("=")
    values = [float(part) for part in numbers.split("..")] if equals else []
    if name.strip() not in known or not 1 <= len(values) <= 3 or not np.isfinite(values).all():
        raise ValueError(text)
    if sorted(values) != values or values[0] < 0 or values[-1] > _MOST_ASSUMED:
        raise ValueError(text)
    low, high = values[0], values[-1]
    return name.strip(), (low, values[1] if len(values) == 3 else (low + high) / 2, high)
