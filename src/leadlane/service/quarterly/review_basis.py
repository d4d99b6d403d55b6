"""What do all findings of a review rest on? The rules, the leads, and what things are assumed to be worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from psycopg import Connection

from leadlane.core.rulebook import Rulebook
from leadlane.i18n import N_
from leadlane.insight.conversion_report import ConversionReport, conversion_report
from leadlane.insight.costs import ASSUMPTIONS, Cost, Factor, Given, Source
from leadlane.insight.findings import Kind
from leadlane.insight.groups import FALSE_SHARE
from leadlane.insight.leads import WON, Leads
from leadlane.insight.proportions import Estimate, difference
from leadlane.insight.response import Effect
from leadlane.insight.spread import mean
from leadlane.insight.staffed import is_judged, is_missed
from leadlane.policy.roster import RosterDocument
from leadlane.service.publish import current_document, in_force
from leadlane.service.reporting.facts import facts
from leadlane.service.reporting.periods import Span

# What a review assumes beside what an audit does: low, middle, high.
MINUTES_PER_OVERRIDE = "minutes_per_override"
REVIEW_ASSUMPTIONS: Mapping[str, tuple[float, float, float]] = {
    **{
        name: ASSUMPTIONS[name]
        for name in ("deal_value", "recoverable", "fast_minutes", "hour_cost", "cost_per_lead")
    },
    MINUTES_PER_OVERRIDE: (5, 10, 20),
}
# What each factor is, as it is told beside the figure.
FACTORS: Mapping[str, str] = {
    "deal_value": N_("value of a deal"),
    "recoverable": N_("part of a difference that better routing brings back"),
    "fast_minutes": N_("a fast response, in minutes"),
    "hour_cost": N_("cost of an hour of sales"),
    "cost_per_lead": N_("price of a lead"),
    MINUTES_PER_OVERRIDE: N_("minutes for a person to decide where a lead goes"),
    "leads": N_("leads a quarter"),
    "hours": N_("hours for each"),
    "gap": N_("share won more"),
    "faster": N_("share answered fast more often, of promises that are kept"),
    "wasted": N_("part of the price for which nothing comes"),
}
_YEAR = timedelta(days=365)
# A quarter has 90 to 92 days; what is about as long is one.
_QUARTER_DAYS = 91.3125
_ABOUT = 2.0


@dataclass(frozen=True, slots=True)
class Basis:
    """The period that is reviewed, the rules and people as they are now, and the leads that arrived in it.

    `text` is the policy in force, `value` that of a deal. A quarter has too few wins to compare results by:
    `year` are the leads that arrived in the year until its end, and `conversion` is theirs.
    """

    connection: Connection
    book: Rulebook
    text: str
    roster: RosterDocument
    period: Span
    now: datetime
    leads: Leads
    assumed: Mapping[str, Factor]
    value: Factor
    year: Leads
    conversion: ConversionReport

    @property
    def effect(self) -> Effect | None:
        """What a fast response goes together with; None where it is not known."""
        return self.conversion.response

    def claiming(self, level: Mapping[Kind, float]) -> Basis:
        """The same, with only those results that a review may claim at these levels (of `levels`).

        Money, and what teams gain, rest on them: what is too uncertain to be told is no ground for either.
        """
        report = self.conversion
        moves = [one for one in report.moves if one.q <= level["segment"]]
        fast = report.response if report.response and report.response.q <= level["response"] else None
        return replace(self, conversion=replace(report, moves=moves, response=fast))

    def a_quarter(self, count: float) -> Factor:
        """So many leads of the period, as leads a quarter."""
        days = (self.period.until - self.period.since).total_seconds() / 86_400
        scale = 1.0 if abs(days - _QUARTER_DAYS) < _ABOUT else _QUARTER_DAYS / days
        return exactly("leads", count * scale)

    def of_time(self, count: float) -> Cost:
        """What it costs that people decide where so many leads of the period go."""
        minutes = self.assumed[MINUTES_PER_OVERRIDE]
        hours = Factor("hours", minutes.low / 60, minutes.middle / 60, minutes.high / 60, minutes.source)
        return Cost("time", (self.a_quarter(count), hours, self.assumed["hour_cost"]))

    def of_wins(self, count: float, gap: Estimate, *, is_shown: bool = True) -> Cost | None:
        """What it costs that so many leads are won less often; None where the gap is nothing."""
        if gap.value <= 0:
            return None
        low = max(0.0, gap.low) if is_shown else 0.0
        factor = Factor("gap", low, gap.value, gap.high)
        return Cost(
            "wins", (self.a_quarter(count), factor, self.assumed["recoverable"], self.value), 3,
            is_shown=is_shown,
        )  # fmt: skip

    def of_missed(self, count: float) -> Cost | None:
        """What missed promises cost, where a fast response is shown to win more; else None.

        Not every promise that is kept is answered fast, nor every one that is missed slowly: only by so much
        as kept ones are answered fast more often.
        """
        effect = self.effect
        if effect is None or effect.q > FALSE_SHARE:
            return None
        cost, faster = self.of_wins(count, effect.best), self._faster_if_kept(effect.threshold)
        if cost is None or faster is None or faster.value <= 0:
            return None
        factor = Factor("faster", max(0.0, faster.low), faster.value, faster.high)
        return replace(cost, factors=(cost.factors[0], factor, *cost.factors[1:]), wins=cost.wins + 1)

    def _faster_if_kept(self, threshold: float) -> Estimate | None:
        """The share answered within so many seconds of promises that were kept, less that of missed ones."""
        judged = is_judged(self.year) & (self.year.instants["respond_by"] <= self.now.timestamp())
        missed = is_missed(self.year)
        fast = self.year.instants["responded_at"] - self.year.instants["asked_at"] <= threshold
        kept, late = judged & ~missed, judged & missed
        if not kept.any() or not late.any():
            return None
        k, n, j, m = (int(of.sum()) for of in (kept & fast, kept, late & fast, late))
        return difference(k, n, j, m)


def basis(
    connection: Connection, book: Rulebook, period: Span, now: datetime, given: Given | None = None
) -> Basis:
    """What a review of a period rests on. `given` replaces assumptions, by name: low, middle, high."""
    given = given or {}
    assumed = {name: _assumed(name, given) for name in REVIEW_ASSUMPTIONS}
    _policy, text = in_force(connection)
    year = _real(facts(connection, book, min(period.since, period.until - _YEAR), period.until))
    leads = year.only(year.instants["arrived_at"] >= period.since.timestamp())
    return Basis(
        connection,
        book,
        text,
        current_document(connection),
        period,
        now,
        leads,
        assumed,
        _value(year, assumed["deal_value"]),
        year,
        conversion_report(year, "source", now),
    )


# Closed as these, they were no leads: conversion leaves them out.
_NO_LEADS = ("junk", "duplicate")


def _real(leads: Leads) -> Leads:
    closing = leads.groups["closing"]
    none = [closing.names.index(one) for one in _NO_LEADS if one in closing.names]
    return leads.only(~np.isin(closing.codes, none))


def _assumed(name: str, given: Given) -> Factor:
    source: Source = "given" if name in given else "assumed"
    return Factor(name, *given.get(name, REVIEW_ASSUMPTIONS[name]), source)


def _value(leads: Leads, assumed: Factor) -> Factor:
    """The mean of won deals, as they were closed or else guessed; what the user says comes first."""
    if assumed.source == "given" or leads.outcome is None:
        return assumed
    value = leads.numbers["value"]
    value = np.where(np.isnan(value), leads.numbers["deal_value"], value)
    found = mean(value[(leads.outcome == WON) & (value > 0)])
    if found is None:
        return assumed
    return Factor("deal_value", found.low, found.value, found.high)


def exactly(name: str, value: float) -> Factor:
    """A factor without a range."""
    return Factor(name, value, value, value)


def less(share: Estimate, expected: float) -> Estimate:
    """A share less one that is taken as known."""
    return replace(share, value=share.value - expected, low=share.low - expected, high=share.high - expected)
