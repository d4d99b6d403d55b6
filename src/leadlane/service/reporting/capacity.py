"""Is there enough of whom, when? Coverage, load and forecast of pools and people, from roster and leads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from leadlane.core.coverage import Interval, at_work, usual_calendar
from leadlane.core.facts import Person
from leadlane.core.rulebook import Rulebook
from leadlane.insight.attendance import HOUR, Attendance, Hours, attendance, hours_between, mondays
from leadlane.insight.capacity import CapacityReport, PersonCapacity, PoolCapacity, Series, peaks
from leadlane.insight.forecast import Ahead, forecast
from leadlane.insight.groups import Codes, Flags, tally
from leadlane.insight.leads import Group, Instants, Leads
from leadlane.insight.load import Turn, in_hand, owed, turns
from leadlane.insight.pace import pace_of, usual_of, week_ahead, weeks_of
from leadlane.insight.spread import gini
from leadlane.insight.staffed import (
    Promises,
    compared,
    ended_promises,
    holes,
    hour_cells,
    is_judged,
    is_missed,
)
from leadlane.service.reporting.facts import facts
from leadlane.service.reporting.periods import Span
from leadlane.service.reporting.report_kind import Asked

# The forecast rests on so many weeks at most, and reaches so many full weeks ahead.
HISTORY_WEEKS, WEEKS_AHEAD = 156, 13
# So many segments and sources are forecast, those with the most leads.
_MOST_SERIES = 12
_HOUR, _WEEK = timedelta(hours=1), timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the report is made from.

    `leads` arrived in the period; `history` are all that are looked back on. `ended`: leads whose promise
    ended in the period. `work` is when each active person works, from when the first of these came, or the
    period's beginning, to the last week ahead, `times` the same as intervals. `past` are the hours of the
    period, `weeks` its Mondays. `begins` are the Mondays of the full weeks that are known, `coming` those of
    the weeks ahead, each with the Monday after the last.
    """

    book: Rulebook
    leads: Leads
    history: Leads
    ended: Leads
    times: Mapping[str, Sequence[Interval]]
    work: Mapping[str, Attendance]
    past: Hours
    weeks: Sequence[datetime]
    begins: Sequence[datetime]
    coming: Sequence[datetime]


def capacity_of(connection: Connection, book: Rulebook, asked: Asked, now: datetime) -> CapacityReport:
    """Coverage and load in a period, by the roster of today; forecast and peaks of the weeks from `now` on.

    Absences, hours and holidays are those of the roster, so who left since is not seen. NotReadyError (facts)
    while leads are still being read for reports.
    """
    period = asked.period
    since = min(_this_week(book, now) - HISTORY_WEEKS * _WEEK, period.since)
    arrived = facts(connection, book, since, max(now, period.until))
    ended = facts(connection, book, period.since, period.until, "ended")
    return capacity(book, period, arrived, ended, now)


def capacity(book: Rulebook, period: Span, arrived: Leads, ended: Leads, now: datetime) -> CapacityReport:
    """The same from leads that arrived, also before the period, and those whose promise ended in it."""
    known = _known(book, period, arrived, ended, now)
    series = _series(known)
    pools = _pools(known, {one.name: one.ahead for one in series if one.role == "pool"})
    people, inequality = _people(known)
    return CapacityReport(
        pools,
        people,
        series,
        [hole for pool in pools for hole in holes(pool.name, pool.cells)],
        peaks(
            pools,
            {name: bench.pool.backup_pool for name, bench in book.benches.items()},
            _candidates(book),
            _own_hours(known),
            _routes(known),
        ),
        inequality,
        max(0, len(known.begins) - 1),
    )


def _this_week(book: Rulebook, now: datetime) -> datetime:
    """The Monday of the week that is not over yet."""
    return mondays(now - _WEEK, now, book.zone)[-1]


def _known(book: Rulebook, period: Span, history: Leads, ended: Leads, now: datetime) -> _Known:
    # By calendar days, so that a change of the clocks moves no Monday.
    this_week = _this_week(book, now)
    first, last = this_week - HISTORY_WEEKS * _WEEK, this_week + (WEEKS_AHEAD + 1) * _WEEK
    arrived = history.instants["arrived_at"]
    earliest = datetime.fromtimestamp(float(arrived.min()), book.zone) if history.count else this_week
    # Before the first lead nobody was idle: Leadlane was not there.
    since = max(period.since, min(earliest, period.until - _HOUR)) if history.count else period.since
    # A promise that ended in the period may have begun before it, when somebody was at work.
    asked = ended.instants["asked_at"]
    begun = datetime.fromtimestamp(float(asked.min()), UTC) if ended.count else since
    times = {
        person.id: at_work(person, book.calendars[person.id], min(since, begun), last.astimezone(UTC))
        for person in book.roster.people.values()
        if person.active
    }
    return _Known(
        book,
        history.only((arrived >= since.timestamp()) & (arrived < period.until.timestamp())),
        history,
        ended,
        times,
        {id_: attendance([own]) for id_, own in times.items()},
        hours_between(since, period.until, book.zone),
        mondays(since, period.until, book.zone),
        mondays(max(first, earliest), this_week, book.zone),
        mondays(this_week + _WEEK, last, book.zone),
    )


def _of(leads: Leads, role: str, name: str) -> Flags:
    """Which of the leads are in a group, by its name."""
    group = leads.groups[role]
    if name not in group.names:
        return np.zeros(leads.count, dtype=bool)
    return np.asarray(group.codes == group.names.index(name))


# ---------------------------------------------------------------- forecast


def _series(known: _Known) -> list[Series]:
    """All leads, those of each pool, and of the largest segments and sources, with the weeks ahead."""
    begins = known.begins
    if len(begins) < 2:
        return []
    wanted = _wanted(known)
    # From this week on, which is not over: it is forecast too, and left out.
    shares = _working_shares(known.book, [*begins, *known.coming], [people for *_rest, people in wanted])
    counts = np.array([_since_first(count) for _role, _name, count, _people in wanted])
    ahead = _forecast(counts.tobytes(), shares.tobytes(), len(counts))
    return [
        Series(
            role,
            name,
            [(week, int(n)) for week, n in zip(begins, count.tolist(), strict=False)],
            list(zip(known.coming, weeks[1:], strict=False)),
        )
        for (role, name, count, _people), weeks in zip(wanted, ahead, strict=True)
    ]


# Weeks that are over hardly ever change: for most of a week, the same is asked each time.
@lru_cache(maxsize=8)
def _forecast(counts: bytes, shares: bytes, series: int) -> Sequence[Sequence[Ahead]]:
    """`forecast` of so many series, from the bytes of their leads by week and of their working shares."""
    known, all_weeks = (np.frombuffer(of, np.float64).reshape(series, -1) for of in (counts, shares))
    return forecast(known, all_weeks, WEEKS_AHEAD + 1)


def _wanted(known: _Known) -> list[tuple[str, str, NDArray[np.float64], list[Person]]]:
    """What is to be forecast: role, name, leads by week, and whose public holidays count."""
    everybody = [person for person in known.book.roster.people.values() if person.active]
    wanted = [("all", "", _weekly(known.history, None, known.begins)[0], everybody)]
    for role in ("pool", "segment", "source"):
        group = known.history.groups[role]
        counts = _weekly(known.history, group.codes, known.begins, len(group.names))
        order = sorted(range(len(group.names)), key=lambda at: (-counts[at].sum(), group.names[at]))
        if role == "pool":
            order = [at for at in order if group.names[at] in known.book.benches]
        for at in order if role == "pool" else order[:_MOST_SERIES]:
            name, people = group.names[at], everybody
            if role == "pool":
                ids = known.book.benches[name].ids
                people = [person for person in everybody if person.id in ids]
            wanted.append((role, name, counts[at], people))
    return wanted


def _weekly(
    leads: Leads, codes: Codes | None, begins: Sequence[datetime], groups: int = 1
) -> NDArray[np.float64]:
    """Leads by group and week."""
    edges = np.array([week.timestamp() for week in begins])
    codes = np.zeros(leads.count, np.int32) if codes is None else codes
    week = np.searchsorted(edges, leads.instants["arrived_at"], side="right") - 1
    weeks = len(edges) - 1
    kept = (week >= 0) & (week < weeks) & (codes >= 0)
    place = codes[kept].astype(np.int64) * weeks + week[kept]
    return np.bincount(place, minlength=groups * weeks).reshape(groups, weeks).astype(np.float64)


def _since_first(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """What is before the first lead is not a week without leads: the pool, or the source, was not there."""
    some = np.flatnonzero(counts)
    begins = some[0] if len(some) else len(counts)
    return np.where(np.arange(len(counts)) < begins, np.nan, counts)


def _working_shares(
    book: Rulebook, weeks: Sequence[datetime], groups: Sequence[Sequence[Person]]
) -> NDArray[np.float64]:
    """How much of the usual working time of each group of people is no public holiday, week by week.

    0 to 1, (groups, weeks); 1 where they never work.
    """
    edges = [week.astimezone(UTC) for week in weeks]
    found: dict[tuple[int, int], NDArray[np.float64]] = {}
    shares = np.ones((len(groups), len(edges) - 1))
    for place, people in enumerate(groups):
        worked = np.zeros((2, len(edges) - 1))
        for person in people:
            both = book.calendars[person.id], usual_calendar(person.hours, person.timezone)
            key = id(both[0]), id(both[1])
            if key not in found:
                times = [[one.between(*pair).total_seconds() for pair in pairwise(edges)] for one in both]
                found[key] = np.array(times)
            worked += found[key]
        shares[place] = np.where(worked[1] > 0, worked[0] / np.maximum(worked[1], 1), 1.0)
    return shares


# ---------------------------------------------------------------- pools


def _pools(known: _Known, ahead: Mapping[str, Sequence[tuple[datetime, Ahead]]]) -> list[PoolCapacity]:
    """The pools of the policy that have people, in its order."""
    coming = [hours_between(*pair, known.book.zone) for pair in pairwise(known.coming)]
    made = [
        _pool(known, name, bench.ids, ahead.get(name, ()), coming)
        for name, bench in known.book.benches.items()
        if bench.ids
    ]
    cells = compared({pool.name: (pool.cells, pool.promises) for pool in made})
    return [replace(pool, cells=cells[pool.name]) for pool in made]


def _pool(
    known: _Known,
    name: str,
    ids: Sequence[str],
    ahead: Sequence[tuple[datetime, Ahead]],
    coming: Sequence[Hours],
) -> PoolCapacity:
    own = _of(known.leads, "pool", name)
    arrived = known.leads.instants["arrived_at"][own]
    promised = ~np.isnan(known.leads.instants["respond_by"][own])
    ended = ended_promises(known.ended, _of(known.ended, "pool", name))
    every = Promises(len(ended.missed), int(ended.missed.sum()))
    work = attendance([known.times[id_] for id_ in ids if id_ in known.times])
    cells, alone = hour_cells(known.past, work, arrived, ended)
    weeks = weeks_of(known.weeks, work, arrived, ended)
    pace = pace_of(weeks, every)
    usual = usual_of(known.past, work, arrived, ended, float(promised.mean()) if len(promised) else 0.0)
    pool = known.book.policy.pools[name]
    return PoolCapacity(
        name,
        ids,
        bool(pool.require or pool.prefer),
        float(np.ptp(work.worked(known.past.edges))) / HOUR,
        len(arrived),
        every,
        int(alone.sum()),
        cells,
        weeks,
        pace,
        [
            week_ahead(week, leads, hours, work, pace, usual)
            for (week, leads), hours in zip(ahead, coming, strict=False)
        ],
    )


def _candidates(book: Rulebook) -> list[str]:
    """The pools that could take leads of another: those that a route sends leads to, not to review."""
    sent = {route.target for route in book.policy.routes if route.kind == "pool"}
    return [name for name, bench in book.benches.items() if name in sent and bench.ids]


def _own_hours(known: _Known) -> dict[tuple[str, str], float]:
    """For each two pools the share of the first one's hours that is of people who are not in the second."""
    worked = {id_: float(np.ptp(work.spent)) for id_, work in known.work.items()}
    ids = {name: [id_ for id_ in bench.ids if id_ in worked] for name, bench in known.book.benches.items()}
    found = {}
    for one, people in ids.items():
        total = sum(worked[id_] for id_ in people)
        for other, others in ids.items():
            own = sum(worked[id_] for id_ in people if id_ not in others)
            found[one, other] = own / total if total else 0.0
    return found


def _routes(known: _Known) -> dict[str, dict[str, float]]:
    """For each pool the routes of the policy that send leads to it, with their leads a week in the period."""
    weeks = float(known.past.edges[-1] - known.past.edges[0]) / _WEEK.total_seconds()
    found: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for route in known.book.policy.routes:
        if route.kind == "pool":
            own = _of(known.leads, "route", route.name) & _of(known.leads, "pool", route.target)
            found[route.target][route.name] = int(own.sum()) / weeks
    return found


# ---------------------------------------------------------------- people


def _people(known: _Known) -> tuple[list[PersonCapacity], float | None]:
    """Everybody of a pool or with a lead who worked, by id; how unevenly leads are spread in pools."""
    first = _first_hands(known.leads)
    counts = np.bincount(first.codes[first.codes >= 0], minlength=len(first.names))
    given = dict(zip(first.names, counts.tolist(), strict=True))
    by_person: defaultdict[str, list[Turn]] = defaultdict(list)
    for turn in turns(_turns(known, first)):
        by_person[turn.person].append(turn)
    weeks = [week.timestamp() for week in known.weeks]
    edges = np.unique([known.past.edges[0], *weeks, known.past.edges[-1]])
    spans, promises = _spans(known.history), _promises(known.ended)
    seated = {id_ for bench in known.book.benches.values() for id_ in bench.ids}
    people = []
    for id_, work in sorted(known.work.items()):
        most = known.book.roster.people[id_].max_open
        held = in_hand(*spans.get(id_, (np.zeros(0), np.zeros(0))), work, edges, most)
        if held is not None and (id_ in seated or held.peak):
            kept = promises.get(id_, Promises(0, 0))
            people.append(PersonCapacity(id_, given.get(id_, 0), kept, most, held, by_person[id_]))
    return people, _inequality(known.book, [one for one in people if one.id in seated])


def _first_hands(leads: Leads) -> Group:
    """Who got each lead: whoever had it when it was answered or its promise ended, else has it now.

    The facts do not keep who had it before; a chase hands leads on after the promise has ended.
    """
    person, owner = leads.groups["person"], leads.groups["owner"]
    names = sorted({*person.names, *owner.names})
    of_person, of_owner = (
        np.array([*(names.index(name) for name in group.names), -1], np.int32)[group.codes]
        for group in (person, owner)
    )
    return Group("first", "first", np.where(of_person >= 0, of_person, of_owner), names)


def _turns(known: _Known, first: Group) -> dict[str, dict[str, tuple[int, float]]]:
    """For each pool what its people got of its leads, and what they were owed."""
    assigned = known.past.place(known.leads.instants["assigned_at"])
    number = {id_: at for at, id_ in enumerate(first.names)}
    found: dict[str, dict[str, tuple[int, float]]] = {}
    for name, bench in known.book.benches.items():
        seats = [
            (id_, weight) for id_, weight in zip(bench.ids, bench.weights, strict=True) if id_ in known.work
        ]
        codes = np.array([number.get(id_, -2) for id_, _weight in seats], np.int32)
        own = _of(known.leads, "pool", name) & (assigned >= 0) & np.isin(first.codes, codes)
        if not own.any():
            continue
        due = owed(
            assigned[own],
            known.past,
            [known.work[id_] for id_, _weight in seats],
            [weight for _id, weight in seats],
        )
        got = np.bincount(first.codes[own], minlength=len(first.names) + 1)
        found[name] = {
            id_: (int(got[code]) if code >= 0 else 0, float(one))
            for (id_, _weight), code, one in zip(seats, codes.tolist(), due, strict=True)
        }
    return found


def _spans(leads: Leads) -> dict[str, tuple[Instants, Instants]]:
    """When leads came into the hands of whoever has them now or had them last, and when they left them.

    Of a lead that was handed on it is known since when its last owner has it if they are also who answered
    it, or had it when its promise ended; else it counts from when it was first given to somebody.
    """
    person, owner = leads.groups["person"], leads.groups["owner"]
    place = {name: at for at, name in enumerate(owner.names)}
    same = np.array([*(place.get(name, -2) for name in person.names), -2], np.int32)[person.codes]
    since = np.where(same == owner.codes, leads.instants["had_since"], np.nan)
    starts = np.where(np.isnan(since), leads.instants["assigned_at"], since)
    kept = np.flatnonzero((owner.codes >= 0) & ~np.isnan(starts))
    order = kept[np.argsort(owner.codes[kept], kind="stable")]
    edges = np.searchsorted(owner.codes[order], np.arange(len(owner.names) + 1))
    return {
        name: (starts[order[a:b]], leads.instants["closed_at"][order[a:b]])
        for name, a, b in zip(owner.names, edges[:-1].tolist(), edges[1:].tolist(), strict=True)
    }


def _promises(leads: Leads) -> dict[str, Promises]:
    """By person, the promises that ended in their hands."""
    group, judged = leads.groups["person"], is_judged(leads)
    missed, count = tally(np.where(judged, group.codes, -1), is_missed(leads), len(group.names))
    return {
        name: Promises(n, late)
        for name, n, late in zip(group.names, count.tolist(), missed.tolist(), strict=True)
    }


def _inequality(book: Rulebook, people: Sequence[PersonCapacity]) -> float | None:
    """The Gini coefficient of leads for each hour of work, by weight; None for fewer than two people."""
    rates = [one.leads / one.in_hand.hours / book.roster.people[one.id].weight for one in people]
    return gini(np.array(rates)) if len(rates) > 1 else None
