"""What do a company's own exports say of how it treats its leads? All facts of an audit, as numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from leadlane.core.business_time import Calendar
from leadlane.insight.conversion import Conversion, as_of, conversion, settle
from leadlane.insight.costs import ASSUMPTIONS, Costs, Facts, Given, costs
from leadlane.insight.leads import Leads
from leadlane.insight.proportions import Estimate, wilson
from leadlane.insight.response import (
    DAY,
    Effect,
    ResponseClass,
    Urgency,
    Waiting,
    business_clock,
    effect,
    hours_of_week,
    response_classes,
    urgency,
    waiting,
)
from leadlane.insight.spread import median
from leadlane.insight.workload import (
    Duplicates,
    HandOffs,
    Load,
    Mismatch,
    Unowned,
    duplicates,
    hand_offs,
    load,
    mismatch,
    unowned,
    untouched,
)

_MONTH = 365.25 / 12 * DAY


@dataclass(frozen=True, slots=True)
class Asked:
    """How an audit is to be made: whose clocks, which working hours, which leads, what is assumed.

    Leads that arrived from `since` on and before `until` count. `useless`: why a role that has a column says
    nothing. `compared_all`: whether all leads were compared when prospects were recognised.
    """

    zone: ZoneInfo
    calendar: Calendar
    since: datetime | None = None
    until: datetime | None = None
    assumed: Given = field(default_factory=dict)
    useless: Mapping[str, str] = field(default_factory=dict)
    compared_all: bool = True
    currency: str = "EUR"


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Arrivals and answers by hour of the week (7 × 24, Monday first), and arrivals outside working hours."""

    arrivals: NDArray[np.int64]
    answers: NDArray[np.int64] | None
    outside: Estimate


@dataclass(frozen=True, slots=True)
class Audit:
    """The facts; what cannot be said is None, and `missing` has the roles that it would take, by its name.

    `first`, `last`: the first and the last arrival. `time_to_win_ever` is that of all wins in the files,
    where only leads of some time count. `tests`: how many comparisons were corrected for together.
    """

    asked: Asked
    leads: Leads
    left_out: int
    first: datetime | None
    last: datetime | None
    as_of: datetime | None
    months: float | None
    unowned: Unowned | None
    untouched: tuple[int, Estimate] | None
    waiting: Waiting | None
    classes: Sequence[ResponseClass]
    effect: Effect | None
    urgency: Urgency | None
    conversion: Conversion | None
    time_to_win: Estimate | None
    time_to_win_ever: Estimate | None
    duplicates: Duplicates | None
    hand_offs: HandOffs | None
    mismatch: Mismatch | None
    load: Load | None
    rhythm: Rhythm | None
    costs: Costs | None
    tests: int
    missing: Mapping[str, Sequence[str]]


# What each part needs; alternatives are separated by |.
NEEDS: Mapping[str, Sequence[str]] = {
    "unowned": ("owner",),
    "untouched": ("touches",),
    "waiting": ("arrived_at|event_at", "responded_at|response_minutes|event_at"),
    "classes": ("arrived_at", "responded_at|response_minutes|event_at", "outcome|is_won|won_at|activity"),
    "conversion": ("outcome|is_won|won_at|activity",),
    "time_to_win": ("arrived_at|event_at", "won_at|closed_at|activity", "outcome|is_won|won_at|activity"),
    "duplicates": ("email|phone|first_name",),
    "hand_offs": ("handoffs|event_at",),
    "mismatch": ("deal_value", "level"),
    "load": ("owner",),
    "rhythm": ("arrived_at|event_at",),
    "costs": ("arrived_at|event_at",),
}


def audit(leads: Leads, asked: Asked, roles: frozenset[str]) -> Audit:
    """The facts of some leads. `roles` are those that the files have columns for."""
    everything = leads
    until = asked.until or as_of(leads)
    leads = _of_period(leads, asked)
    arrived = leads.instants.get("arrived_at")
    first, last = _ends(arrived)
    months = None if first is None or last is None else max((last - first).total_seconds(), DAY) / _MONTH
    threshold = _threshold(leads, asked)
    waited = None if until is None else waiting(leads, until, asked.calendar)
    tested = _tested(leads, threshold)
    parts = {
        "unowned": unowned(leads),
        "untouched": untouched(leads),
        "waiting": waited,
        "classes": response_classes(leads),
        "conversion": tested.conversion,
        "time_to_win": _time_to_win(leads),
        "time_to_win_ever": _time_to_win(everything) if leads.count < everything.count else None,
        "duplicates": duplicates(leads, compared_all=asked.compared_all),
        "hand_offs": hand_offs(leads),
        "mismatch": tested.mismatch,
        "load": load(leads),
        "rhythm": _rhythm(leads, asked),
    }
    made = Audit(
        asked, leads, everything.count - leads.count, first, last, until, months, effect=tested.effect,
        urgency=tested.urgency, costs=None, tests=tested.tests, missing={},
        **parts,  # type: ignore[arg-type]
    )  # fmt: skip
    return _with_costs(made, roles)


def _with_costs(made: Audit, roles: frozenset[str]) -> Audit:
    reckoned = None
    if made.months is not None:
        facts = Facts(
            made.leads,
            made.months,
            made.conversion,
            made.waiting,
            made.classes,
            made.effect,
            made.unowned,
            made.mismatch,
            made.duplicates,
        )
        reckoned = costs(facts, made.asked.assumed)
    made = replace(made, costs=reckoned)
    absent = {part: needs for part, needs in NEEDS.items() if not getattr(made, part)}
    return replace(
        made,
        missing={
            part: [need for need in needs if not roles & set(need.split("|"))]
            for part, needs in absent.items()
        },
    )


def _of_period(leads: Leads, asked: Asked) -> Leads:
    arrived = leads.instants.get("arrived_at")
    if arrived is None or (asked.since is None and asked.until is None):
        return leads
    kept = ~np.isnan(arrived)
    if asked.since is not None:
        kept &= arrived >= asked.since.timestamp()
    if asked.until is not None:
        kept &= arrived < asked.until.timestamp()
    return leads.only(kept)


def _ends(arrived: NDArray[np.float64] | None) -> tuple[datetime | None, datetime | None]:
    if arrived is None or np.isnan(arrived).all():
        return None, None
    return (
        datetime.fromtimestamp(float(np.nanmin(arrived)), UTC),
        datetime.fromtimestamp(float(np.nanmax(arrived)), UTC),
    )


def _threshold(leads: Leads, asked: Asked) -> float:
    """What a fast response is, in seconds; where only dates are known, one on the same day."""
    if not {"arrived_at", "responded_at"} <= leads.timed:
        return 0.0
    return asked.assumed.get("fast_minutes", ASSUMPTIONS["fast_minutes"])[1] * 60


@dataclass(frozen=True, slots=True)
class _Tested:
    """All that an audit tests, corrected together; `tests` is how many comparisons that were."""

    conversion: Conversion | None
    effect: Effect | None
    urgency: Urgency | None
    mismatch: Mismatch | None
    tests: int


def _tested(leads: Leads, threshold: float) -> _Tested:
    found, compared = conversion(leads), effect(leads, threshold)
    urgent, levels = urgency(leads, threshold), mismatch(leads)
    others = [one.p for one in (compared, urgent) if one is not None]
    others += [] if levels is None else [one.p for one in levels.effects.values()]
    settled, corrected = settle(found, leads, others)
    rest = iter(corrected)
    return _Tested(
        settled,
        None if compared is None else compared.corrected(next(rest)),
        None if urgent is None else urgent.corrected(next(rest)),
        None if levels is None else levels.corrected(list(rest)),
        len(others) + (0 if settled is None else len(settled.dimensions)),
    )


def _time_to_win(leads: Leads) -> Estimate | None:
    """Days from arrival to win: the median of those won. A win before its arrival is left out."""
    arrived, won = leads.instants.get("arrived_at"), leads.won
    at = leads.instants.get("won_at", leads.instants.get("closed_at"))
    if arrived is None or at is None or won is None:
        return None
    days = ((at - arrived) / DAY)[won]
    days = days[days >= 0]
    return median(days) if len(days) else None


def _rhythm(leads: Leads, asked: Asked) -> Rhythm | None:
    arrived = leads.instants.get("arrived_at")
    if arrived is None or "arrived_at" not in leads.timed or np.isnan(arrived).all():
        return None
    known = arrived[~np.isnan(arrived)]
    clock = business_clock(asked.calendar, known)
    is_open = clock(known + 60) > clock(known - 60)
    answers = leads.instants.get("responded_at")
    if answers is None or "responded_at" not in leads.timed:
        answers = None
    return Rhythm(
        hours_of_week(known, asked.zone),
        None if answers is None else hours_of_week(answers, asked.zone),
        wilson(int((~is_open).sum()), len(known)),
    )
