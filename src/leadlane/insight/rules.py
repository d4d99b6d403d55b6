"""How do the rules do? Which routes people override, what no rule was written for, what needs no person.

All of it is of the leads that arrived in a period, each counted once, with the route that it was last routed
by. What is named is more than chance explains, corrected for all that one report compares.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

import numpy as np
from scipy.stats import hypergeom

from leadlane.insight.groups import FALSE_SHARE, Flags, adjusted, differ, tally
from leadlane.insight.leads import Leads
from leadlane.insight.proportions import Counts, Estimate, difference, wilson

Override = Literal["handed_over", "declined", "disputed"]
OVERRIDES: tuple[Override, ...] = ("handed_over", "declined", "disputed")
# Fewer are no pattern, however improbable they are.
LEAST = 3
# A value of so few leads is not looked at for having no rule. By its leads, never by how many fell through:
# choosing by the outcome would make chance look like more.
LEAST_WITH_VALUE = 10
# By what of a lead it is asked whether a rule for it is missing.
FIELDS = (
    "segment", "country", "industry", "source", "product", "signal", "intent", "fit", "relationship",
    "deal_band",
)  # fmt: skip

# in_force: it counts today. over, ahead: its days have gone by, or are to come. never_holds: no lead can
# fulfil its condition. unreachable: earlier routes take every lead that it could take. gone: no longer in
# the policy.
State = Literal["in_force", "over", "ahead", "never_holds", "unreachable", "gone"]
# Why a lead went to a person: a rule says so; nobody of the pool was free; the owner is not there; it was
# not sure who it is; it had changed hands too often.
Why = Literal["rule", "nobody", "no_owner", "identity", "limit"]
Standing = Literal["below", "within", "above", "unsure"]
# What is compared: an override of a route ("" any), or a value of a field that fell through.
_Key = tuple[str, str | None, str]


@dataclass(frozen=True, slots=True)
class RouteFacts:
    """What is known of a route besides its leads: its place from 1 on (0: gone), where it leads, its state.

    `since`: published then, and in every version after it; None: gone, or longer than was looked back.
    `was_used`: it placed leads in the period, wherever they are by now.
    """

    name: str
    number: int
    destination: str
    state: State
    since: datetime | None = None
    last_used_at: datetime | None = None
    was_used: bool = False


@dataclass(frozen=True, slots=True)
class Handled:
    """So many leads of a route that arrived in a week (its number), and what became of them beside the rules.

    `why` they went to review, "" if they did not; `is_placed`: a person placed them from there, or is to.
    """

    route: str
    week: int
    leads: int
    why: Why | Literal[""] = ""
    is_placed: bool = False
    is_handed_over: bool = False
    is_declined: bool = False
    is_disputed: bool = False

    @property
    def is_by_rules(self) -> bool:
        """Whether no person decided who gets them. Who declined got them by a rule, and so did the next."""
        return not (self.is_placed or self.is_handed_over or self.is_disputed)

    @property
    def overrides(self) -> frozenset[Override]:
        """How people decided otherwise."""
        flags = (self.is_handed_over, self.is_declined, self.is_disputed)
        return frozenset(kind for kind, is_so in zip(OVERRIDES, flags, strict=True) if is_so)


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of the leads of a route or value, and that of all others (`others`, None without others).

    `p`: the chance of so many or more, were all alike; `q` the same corrected for the report.
    """

    hits: int
    share: Estimate
    others: float | None
    p: float
    q: float = 1.0

    @property
    def is_compared(self) -> bool:
        """Whether there are others, and any hit at all."""
        return self.others is not None and bool(self.hits or self.others)

    @property
    def is_found(self) -> bool:
        """Whether it is more than chance explains, with no more than 5 % of such findings false."""
        return self.q <= FALSE_SHARE and self.hits >= LEAST


@dataclass(frozen=True, slots=True)
class RouteUse:
    """A route: its leads, their part of all (None without any at all), and overrides of any and of each kind.

    Overrides are missing where it has no leads. `reviewed` of them went to a person to decide.
    """

    facts: RouteFacts
    leads: int
    share: Estimate | None
    reviewed: int
    overridden: Rate | None
    by_kind: Mapping[Override, Rate]

    @property
    def is_unused(self) -> bool:
        """Whether it stands in the policy and gave no lead its place in the period."""
        return self.leads == 0 and not self.facts.was_used and self.facts.state != "gone"

    @property
    def found(self) -> list[Override]:
        """The kinds of override that it has more of than other routes."""
        return [kind for kind, rate in self.by_kind.items() if rate.is_found]

    @property
    def is_found(self) -> bool:
        """Whether people override it more than other routes, in any way."""
        return bool(self.found) or (self.overridden is not None and self.overridden.is_found)


@dataclass(frozen=True, slots=True)
class FellThrough:
    """Of the leads with this value of a field (None: without one), those that only the last route took.

    `effect` is their share less that of all other leads.
    """

    field: str
    value: str | None
    rate: Rate
    effect: Estimate


@dataclass(frozen=True, slots=True)
class Week:
    """A week by its first day: the leads that arrived in it, and for how many no person had to decide."""

    first_day: date
    leads: int
    by_rules: int

    @property
    def share(self) -> Estimate | None:
        """The share for which no person had to decide; None without leads."""
        return wilson(self.by_rules, self.leads) if self.leads else None


@dataclass(frozen=True, slots=True)
class Automation:
    """The share of leads that the rules placed alone, against its target band (`low` to `high`, 0 to 1).

    `weeks_q`: the corrected chance that the weeks differ so much. `whys`: leads that went to review, by why
    and route, the most first. `placed` of them a person placed, or is to; `moved` are those that the rules
    had placed and a person placed elsewhere.
    """

    share: Estimate | None
    low: float
    high: float
    weeks: Sequence[Week]
    weeks_q: float
    whys: Sequence[tuple[Why, str, int]]
    placed: int
    moved: int

    @property
    def standing(self) -> Standing:
        """Where the share lies: outside of the band only where its whole interval is, of enough leads."""
        if self.share is None or self.share.is_small:
            return "unsure"
        if self.share.high < self.low:
            return "below"
        if self.share.low > self.high:
            return "above"
        return "within" if self.low <= self.share.value <= self.high else "unsure"


@dataclass(frozen=True, slots=True)
class Duplicates:
    """What was prevented: `merged` arrivals became part of open leads of `prospects`, `owned` of which
    somebody has. `to_owner` leads went to whoever has the account, `to_colleague` to whoever works on a lead
    of the company. `rate` is the share of prospects contacted by several people all the same.
    """

    merged: int
    prospects: int
    owned: int
    to_owner: int
    to_colleague: int
    contacted_twice: int
    rate: Estimate | None


@dataclass(frozen=True, slots=True)
class RulesReport:
    """How the rules did with the `leads` that arrived in a period.

    `routes` in the order of the policy, then those that are gone. `fell` leads were taken by the last route
    only, whose name is `last_route` now; `missing` are values that did so more often than others. `compared`
    comparisons were made.
    """

    leads: int
    routes: Sequence[RouteUse]
    automation: Automation
    last_route: str
    fell: Estimate | None
    missing: Sequence[FellThrough]
    duplicates: Duplicates
    compared: int

    @property
    def unused(self) -> list[RouteUse]:
        """The routes of the policy that placed no lead."""
        return [one for one in self.routes if one.is_unused]

    @property
    def overridden(self) -> list[RouteUse]:
        """The routes that people override more than others, by more than chance."""
        return [one for one in self.routes if one.is_found]


def rules_report(
    leads: Leads,
    handled: Sequence[Handled],
    routes: Sequence[RouteFacts],
    last_routes: Mapping[str, str],
    weeks: Sequence[tuple[date, float]],
    band: tuple[float, float],
    duplicates: Duplicates,
) -> RulesReport:
    """The report on leads with `arrived_at` and the groups `route` and `policy`.

    `handled` are those of them that people had to do with, `last_routes` the name of the last route by policy
    version, `weeks` the first day of each week with the instant at which it begins (seconds since 1970, in
    order); `band` is the target of the share that needs no person.
    """
    fell, by_week = _fell(leads, last_routes), _weeks(leads, handled, weeks)
    counted = Counter(_leads_of(leads))
    known = [one for one in by_week if one.leads]
    by_chance = differ(np.array([one.by_rules for one in known]), np.array([one.leads for one in known])).p
    rates, weeks_q = _corrected({**_override_rates(counted, handled), **_value_rates(leads, fell)}, by_chance)
    return RulesReport(
        leads.count,
        [_use(one, counted, handled, rates) for one in routes],
        _automation(handled, by_week, weeks_q, band),
        next((one.name for one in reversed(routes) if one.number), ""),
        wilson(int(fell.sum()), leads.count) if leads.count else None,
        _missing(rates, int(fell.sum()), leads.count),
        duplicates,
        sum(rate.is_compared for rate in rates.values()) + 1,
    )


def rates_above(hits: Counts, counts: Counts) -> list[Rate]:
    """The share of each group, and how probable so many or more are had it that of all others; counts > 0.

    One-sided and exact: given how many hits there are in all, how many of them are a group's is
    hypergeometric, were there no difference (R. A. Fisher, 1935). Not corrected yet.
    """
    total, all_hits = int(counts.sum()), int(hits.sum())
    chances = hypergeom.sf(hits - 1, total, all_hits, counts)
    return [
        Rate(k, wilson(k, n), (all_hits - k) / (total - n) if total > n else None, min(1.0, float(p)))
        for k, n, p in zip(hits.tolist(), counts.tolist(), chances, strict=True)
    ]


def _corrected(rates: Mapping[_Key, Rate], other: float) -> tuple[dict[_Key, Rate], float]:
    """The rates with their q, and that of another test of the same report."""
    compared = [key for key, rate in rates.items() if rate.is_compared]
    q = adjusted([*(rates[key].p for key in compared), other])
    settled = {key: replace(rates[key], q=one) for key, one in zip(compared, q, strict=False)}
    return {**rates, **settled}, q[-1]


# ---------------------------------------------------------------- routes


def _leads_of(leads: Leads) -> dict[str, int]:
    group = leads.groups["route"]
    counts = np.bincount(group.codes[group.codes >= 0], minlength=len(group.names))
    return {name: count for name, count in zip(group.names, counts.tolist(), strict=True) if count}


def _override_rates(counted: Mapping[str, int], handled: Sequence[Handled]) -> dict[_Key, Rate]:
    """Of each route with leads, those overridden in any way, and in each."""
    if not counted:
        return {}
    number = np.array(list(counted.values()), np.int64)
    found: dict[_Key, Rate] = {}
    for kind in ("", *OVERRIDES):
        hits = Counter[str]()
        for one in handled:
            hits[one.route] += one.leads * (kind in one.overrides if kind else bool(one.overrides))
        # What people did is counted a moment after the leads: one may have got another route in between.
        most = np.minimum(np.array([hits[name] for name in counted], np.int64), number)
        for name, rate in zip(counted, rates_above(most, number), strict=True):
            found["route", name, kind] = rate
    return found


def _use(
    facts: RouteFacts, counted: Mapping[str, int], handled: Sequence[Handled], rates: Mapping[_Key, Rate]
) -> RouteUse:
    count, total = counted.get(facts.name, 0), sum(counted.values())
    reviewed = sum(one.leads for one in handled if one.route == facts.name and one.why)
    return RouteUse(
        facts,
        count,
        wilson(count, total) if total else None,
        min(reviewed, count),
        rates.get(("route", facts.name, "")),
        {kind: rates["route", facts.name, kind] for kind in OVERRIDES} if count else {},
    )


# ---------------------------------------------------------------- what no rule was written for


def _fell(leads: Leads, last_routes: Mapping[str, str]) -> Flags:
    """Which leads only the last route of their policy took."""
    route, policy = leads.groups["route"], leads.groups["policy"]
    number = {name: place for place, name in enumerate(route.names)}
    last = [number.get(last_routes.get(version, ""), -2) for version in policy.names]
    # One more at the end, for a lead without a version: its code is -1.
    return np.asarray(np.array([*last, -2])[policy.codes] == route.codes)


def _value_rates(leads: Leads, fell: Flags) -> dict[_Key, Rate]:
    """Of each value of each field with enough leads, those that fell through; "" stands for no value."""
    found: dict[_Key, Rate] = {}
    for name in FIELDS if 0 < fell.sum() < leads.count else ():
        group = leads.groups.get(name)
        if group is None:
            continue
        hits, counts = tally(group.codes + 1, fell, len(group.names) + 1)
        values = [None, *group.names]
        present = np.flatnonzero(counts)
        for place, rate in zip(present.tolist(), rates_above(hits[present], counts[present]), strict=True):
            if rate.is_compared and rate.share.count >= LEAST_WITH_VALUE:
                found["value", values[place], name] = rate
    return found


def _missing(rates: Mapping[_Key, Rate], fell: int, total: int) -> list[FellThrough]:
    """The values that fell through more than others, the surest effect first."""
    found = []
    for (kind, value, name), rate in rates.items():
        if kind == "value" and rate.is_found:
            count = rate.share.count
            effect = difference(rate.hits, count, fell - rate.hits, total - count)
            found.append(FellThrough(name, value, rate, effect))
    return sorted(found, key=lambda one: -one.effect.low)


# ---------------------------------------------------------------- what needs no person


def _weeks(leads: Leads, handled: Sequence[Handled], weeks: Sequence[tuple[date, float]]) -> list[Week]:
    begins = np.array([begin for _day, begin in weeks])
    place = np.searchsorted(begins, leads.instants["arrived_at"], side="right") - 1
    arrived = np.bincount(np.maximum(place, 0), minlength=len(weeks)).tolist()
    by_person = Counter[int]()
    for one in handled:
        by_person[one.week] += one.leads * (not one.is_by_rules)
    return [
        Week(day, arrived[number], max(0, arrived[number] - by_person[number]))
        for number, (day, _begin) in enumerate(weeks)
    ]


def _automation(
    handled: Sequence[Handled], weeks: Sequence[Week], weeks_q: float, band: tuple[float, float]
) -> Automation:
    total, by_rules = sum(one.leads for one in weeks), sum(one.by_rules for one in weeks)
    whys = Counter[tuple[Why, str]]()
    for one in handled:
        if one.why:
            whys[one.why, one.route] += one.leads
    return Automation(
        wilson(by_rules, total) if total else None,
        *band,
        weeks,
        weeks_q,
        [
            (why, route, count)
            for (why, route), count in sorted(whys.items(), key=lambda one: (-one[1], one[0]))
        ],
        sum(one.leads for one in handled if one.why and not one.is_by_rules),
        sum(one.leads for one in handled if not one.why and not one.is_by_rules),
    )
