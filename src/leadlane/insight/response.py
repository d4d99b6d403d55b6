"""How long do leads wait for a response, in calendar and working time, and does waiting lose them?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from leadlane.core.business_time import Calendar
from leadlane.insight.exact import chance_of_other
from leadlane.insight.groups import Codes, Flags, cells, crossed, differ, differ_in, tally
from leadlane.insight.leads import Instants, Leads
from leadlane.insight.proportions import Counts, Estimate, difference, stratified_difference, wilson
from leadlane.insight.survival import Curve, curve

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
# Upper ends of the classes of response time, in seconds; slower ones are the last class.
CLASSES = (5 * MINUTE, 15 * MINUTE, HOUR, 4 * HOUR, DAY, 3 * DAY, 7 * DAY)
_DATED_CLASSES = (0.0, DAY, 3 * DAY, 7 * DAY, 30 * DAY)
# What like leads are alike in, when fast and slow responses are compared: what a lead is before anyone
# answers.
_ALIKE = (
    "intent", "fit", "source", "segment", "deal_band", "employees", "signal", "product", "industry",
    "country",
)  # fmt: skip
_MOST_STRATA_SHARE = 0.05
# With fewer wins of fast ones to be expected than this beyond the least or below the most that is possible,
# chi-square makes chance look like more: ten times and worse where few of a thousand are fast.
_EXPECTED = 50.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """Time to first response: the curve over seconds, and what of `count` leads is known.

    `timed` says whether times of day are known; without, everything is in whole days. `earlier` leads have a
    response before their arrival and are left out. `business` is the same curve in working time.
    """

    count: int
    answered: int
    earlier: int
    timed: bool
    calendar: Curve | None
    business: Curve | None


@dataclass(frozen=True, slots=True)
class ResponseClass:
    """The leads answered within `until` seconds (inf: later than all others; None: never), and their wins."""

    until: float | None
    count: int
    won: int
    rate: Estimate | None


@dataclass(frozen=True, slots=True)
class Effect:
    """Leads answered within `threshold` seconds against those answered later: the difference of their shares.

    `alike` is the difference among leads alike in `compared` (columns), None where there is nothing to
    compare by; `p` belongs to it, else to the plain one. `q` is corrected for all tests of the report.
    """

    threshold: float
    fast: ResponseClass
    slow: ResponseClass
    plain: Estimate
    alike: Estimate | None
    compared: Sequence[str]
    p: float
    q: float = 1.0

    @property
    def best(self) -> Estimate:
        """The comparison of like with like where there is one."""
        return self.alike or self.plain

    def corrected(self, q: float) -> Effect:
        """The same with its corrected p-value."""
        return replace(self, q=q)


def waiting(leads: Leads, until: datetime, calendar: Calendar) -> Waiting | None:
    """Time to first response; leads not answered by `until`, or closed without, are censored then.

    None where arrivals or responses are not known.
    """
    arrived, responded = leads.instants.get("arrived_at"), leads.instants.get("responded_at")
    if arrived is None or responded is None:
        return None
    timed = {"arrived_at", "responded_at"} <= leads.timed
    seconds = (
        responded - arrived if timed else np.floor(responded / DAY) * DAY - np.floor(arrived / DAY) * DAY
    )
    earlier = seconds < 0
    end = _ends(leads, until)
    usable = ~np.isnan(arrived) & ~earlier & (end >= arrived)
    answered = usable & ~np.isnan(responded)
    last = np.where(answered, responded, end)
    business = None
    if timed:
        clock = business_clock(calendar, arrived[usable], last[usable])
        business = curve(clock(last[usable]) - clock(arrived[usable]), answered[usable])
    spent = np.where(answered, seconds, end - arrived)[usable]
    return Waiting(
        int(usable.sum()),
        int(answered.sum()),
        int(earlier.sum()),
        timed,
        curve(spent, answered[usable]),
        business,
    )


def _ends(leads: Leads, until: datetime) -> Instants:
    """Until when each lead is known to have waited."""
    end = np.full(leads.count, until.timestamp())
    for role in ("closed_at", "won_at"):
        if (closed := leads.instants.get(role)) is not None:
            end = np.fmin(end, closed)
    return end


def business_clock(calendar: Calendar, *instants: Instants) -> Callable[[Instants], Instants]:
    """A function from instants, in the range of these, to working time since some moment, in seconds.

    The calendar is asked at every moment at which working time may begin or end; in between, working time
    runs evenly or stands still.
    """
    known = np.concatenate([values[~np.isnan(values)] for values in instants])
    first, last = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
    origin = datetime.fromtimestamp(first, UTC) - timedelta(days=1)
    knots = _knots(calendar, origin, datetime.fromtimestamp(last, UTC) + timedelta(days=2))
    at = np.array([moment.timestamp() for moment in knots])
    spent = np.array([calendar.between(origin, moment).total_seconds() for moment in knots])
    return lambda moments: np.interp(moments, at, spent)


def _knots(calendar: Calendar, first: datetime, last: datetime) -> list[datetime]:
    """Every moment between two at which working time may begin or end: all edges of all days."""
    edges = sorted({minute for day in calendar.hours for block in day for minute in block} | {0})
    knots = {first, last}
    day = first.astimezone(calendar.zone).date()
    while day <= last.astimezone(calendar.zone).date():
        midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - wall-clock time, placed in the zone
        for minute in edges:
            for fold in (0, 1):
                wall = (midnight + timedelta(minutes=minute)).replace(tzinfo=calendar.zone, fold=fold)
                knots.add(wall.astimezone(UTC))
        day += timedelta(days=1)
    return sorted(knot for knot in knots if first <= knot <= last)


# ---------------------------------------------------------------- conversion against response time


def response_classes(leads: Leads) -> list[ResponseClass]:
    """Leads and wins by how soon they were answered, those never answered last. [] where nothing is known."""
    found = _seconds_and_wins(leads)
    if found is None:
        return []
    seconds, hit, counted = found
    timed = {"arrived_at", "responded_at"} <= leads.timed
    edges: Sequence[float] = CLASSES if timed else _DATED_CLASSES
    answered = counted & (seconds >= 0)
    place = np.searchsorted(edges, seconds[answered], side="left")
    counts = np.bincount(place, minlength=len(edges) + 1)
    wins = np.bincount(place, weights=hit[answered], minlength=len(edges) + 1)
    classes = [
        _class(until, int(count), int(won))
        for until, count, won in zip((*edges, float("inf")), counts, wins, strict=True)
    ]
    never = counted & np.isnan(seconds)
    return [*classes, _class(None, int(never.sum()), int(hit[never].sum()))]


def _class(until: float | None, count: int, won: int) -> ResponseClass:
    return ResponseClass(until, count, won, wilson(won, count) if count else None)


def effect(leads: Leads, threshold: float) -> Effect | None:
    """Fast against slow: leads answered within `threshold` seconds and later ones, like with like.

    Leads that were never answered are in neither: that they were not won may be why nobody answered any more.
    None where one of the two is empty.
    """
    found = _seconds_and_wins(leads)
    if found is None:
        return None
    seconds, hit, counted = found
    answered = counted & (seconds >= 0)
    fast = seconds[answered] <= threshold
    hit = hit[answered]
    sides = [(int(side.sum()), int(hit[side].sum())) for side in (fast, ~fast)]
    if not sides[0][0] or not sides[1][0]:
        return None
    (n, k), (m, j) = sides
    compared, stratum = _strata(leads, answered)
    alike = _alike(fast, hit, stratum) if compared else None
    p = _chance(fast, hit, stratum)
    return Effect(
        threshold,
        _class(threshold, n, k),
        _class(float("inf"), m, j),
        difference(k, n, j, m),
        alike,
        compared if alike else (),
        p,
    )


def _seconds_and_wins(leads: Leads) -> tuple[NDArray[np.float64], Flags, Flags] | None:
    arrived, responded = leads.instants.get("arrived_at"), leads.instants.get("responded_at")
    won, decided = leads.won, leads.decided
    if arrived is None or responded is None or won is None or decided is None:
        return None
    seconds = responded - arrived
    if not {"arrived_at", "responded_at"} <= leads.timed:
        seconds = np.floor(responded / DAY) * DAY - np.floor(arrived / DAY) * DAY
    return seconds, won, decided & ~np.isnan(arrived)


def _strata(leads: Leads, kept: Flags) -> tuple[list[str], Codes]:
    """What leads are alike in, as far as kinds of leads stay large enough to have both fast and slow ones."""
    chosen: list[Codes] = []
    names = []
    for role in _ALIKE:
        group = leads.groups.get(role)
        if group is None or group.by_outcome:
            continue
        codes = group.codes[kept]
        joint = crossed([*chosen, codes])
        if int(joint.max(initial=0)) + 1 <= _MOST_STRATA_SHARE * len(joint):
            chosen.append(codes)
            names.append(group.column)
    return names, crossed(chosen) if chosen else np.zeros(int(kept.sum()), dtype=np.int32)


def _chance(fast: Flags, hit: Flags, stratum: Codes) -> float:
    """The p-value of fast against slow within strata: exact unless there are many (N. Mantel, J. L. Fleiss:
    Minimum Expected Cell Size Requirements for the Mantel–Haenszel One-Degree-of-Freedom Chi-Square Test,
    1980, whose criterion it is; they ask for 5, enough at 5 % but not for what is left of it by correction).
    """
    counts, hits = cells(stratum, fast.astype(np.int32), hit, 2)
    n, own, total, won = counts[:, 1], hits[:, 1], counts.sum(axis=1), hits.sum(axis=1)
    expected = float((n * won / np.maximum(total, 1)).sum())
    least, most = np.maximum(0, n + won - total), np.minimum(n, won)
    if min(expected - float(least.sum()), float(most.sum()) - expected) >= _EXPECTED:
        return differ_in(counts, hits)
    open_ = most > least
    if not open_.any():
        return 1.0
    return chance_of_other(own[open_], n[open_], won[open_], total[open_])


def _alike(fast: Flags, hit: Flags, stratum: Codes) -> Estimate | None:
    strata = int(stratum.max(initial=0)) + 1

    def count(flags: Flags) -> Counts:
        return np.bincount(stratum[flags], minlength=strata)

    try:
        return stratified_difference(count(fast & hit), count(fast), count(~fast & hit), count(~fast))
    except ValueError:
        return None


# ---------------------------------------------------------------- who is answered first


@dataclass(frozen=True, slots=True)
class Urgency:
    """Whether some kinds of leads are answered sooner: (kind, leads, answered within the threshold).

    `p` is the chance of such a difference if there were none; `q` corrected for all tests of the report.
    """

    column: str
    threshold: float
    kinds: Sequence[tuple[str, int, int]]
    p: float
    q: float = 1.0

    def corrected(self, q: float) -> Urgency:
        """The same with its corrected p-value."""
        return replace(self, q=q)


def urgency(leads: Leads, threshold: float) -> Urgency | None:
    """Leads answered within `threshold` seconds, by their signal; None where one of both is not known."""
    arrived, responded = leads.instants.get("arrived_at"), leads.instants.get("responded_at")
    signal = leads.groups.get("signal")
    if arrived is None or responded is None or signal is None or signal.by_outcome:
        return None
    in_time = (responded - arrived >= 0) & (responded - arrived <= threshold)
    hits, counts = tally(signal.codes, in_time, len(signal.names))
    present = np.flatnonzero(counts)
    if len(present) < 2:
        return None
    kinds = [
        (signal.names[at], int(counts[at]), int(hits[at])) for at in present[np.argsort(-counts[present])]
    ]
    return Urgency(signal.column, threshold, kinds, differ(hits, counts).p)


# ---------------------------------------------------------------- hours of the week


def hours_of_week(instants: Instants, zone: ZoneInfo) -> NDArray[np.int64]:
    """How many of the instants are in each hour of the week: 7 × 24, Monday first, on the zone's clocks."""
    known = instants[~np.isnan(instants)]
    hour, place = np.unique((known // HOUR).astype(np.int64), return_inverse=True)
    local = [datetime.fromtimestamp(int(at) * 3600, UTC).astimezone(zone) for at in hour]
    of_hour = np.array([moment.weekday() * 24 + moment.hour for moment in local], dtype=np.int64)
    counts = np.bincount(of_hour[place] if len(place) else of_hour, minlength=168)
    return counts.reshape(7, 24)
