"""When is nobody there, who is always full or idle, and which weeks to come need a route of their own?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from math import ceil

from leadlane.core.facts import Blocks, Person
from leadlane.explain.service_levels import value_words
from leadlane.explain.speech import person_words
from leadlane.i18n import _, ngettext
from leadlane.insight import say
from leadlane.insight.capacity import CapacityReport, Peak, PersonCapacity, PoolCapacity
from leadlane.insight.costs import Cost, Factor
from leadlane.insight.findings import Finding, Proposal, key_of
from leadlane.insight.proportions import SMALL, Estimate, wilson
from leadlane.insight.section import Grid, Row
from leadlane.insight.staffed import HourCell
from leadlane.policy.edit import Edit
from leadlane.policy.hours import DAYS
from leadlane.policy.yaml import read_yaml
from leadlane.service.quarterly.review_basis import Basis, less
from leadlane.service.reporting.capacity import capacity_of
from leadlane.service.reporting.periods import Span
from leadlane.service.reporting.report_kind import Asked

# Hours without anybody are told from so many promises on that ended in them; fewer may happen.
_LEAST_ALONE = 3
# So many hours earlier or later it is proposed to work, on the days that are worked anyway.
_LONGER = ((1, 0), (2, 0), (0, 1), (0, 2))
_MOST_HOURS = 10
# Less probable weeks are in the report on coverage.
_LIKELY = 0.5
# The last full quarter has ended at most so long ago.
_LATELY = timedelta(days=93)
_YEAR = timedelta(days=365)
# How much more, or less, somebody is proposed to get.
_STEP = 1.25
_SHARED_BY_WEIGHT = frozenset(("weighted", "least_open"))


def capacity_findings(basis: Basis) -> list[Finding]:
    """What coverage, load and forecast show."""
    report = capacity_of(basis.connection, basis.book, Asked(basis.period, ""), basis.now)
    return [
        *(_hole(basis, report, pool) for pool in report.pools if _alone(pool.cells) >= _LEAST_ALONE),
        *_short_hours(basis, report),
        *_loads(basis, report),
        *_peaks(basis, _to_come(basis)),
    ]


def _to_come(basis: Basis) -> Sequence[Peak]:
    """Weeks to come with more than was ever carried, up to now: what came after the period counts as well.

    Only where it is the last full quarter or later: what is to come is no matter of one long past.
    """
    if basis.now - basis.period.until > _LATELY:
        return ()
    lately = Span(basis.now - _YEAR, basis.now)
    return capacity_of(basis.connection, basis.book, Asked(lately, ""), basis.now).peaks


# ---------------------------------------------------------------- hours


def _alone(cells: Sequence[HourCell]) -> int:
    return sum(cell.alone for cell in cells)


def _hole(basis: Basis, report: CapacityReport, pool: PoolCapacity) -> Finding:
    alone = _alone(pool.cells)
    text = ngettext(
        "{n} promise of the pool “{pool}” ended before anybody of it was at work.",
        "{n} promises of the pool “{pool}” ended before anybody of it was at work.",
        alone,
    )
    worst = sorted((cell for cell in pool.cells if cell.alone), key=lambda cell: -cell.alone)
    return Finding(
        key_of("hours", pool.name),
        "hours",
        _("Nobody of the pool “{pool}” is there when some of its leads come").format(pool=pool.name),
        [text.format(n=say.number(alone), pool=pool.name)],
        1.0,
        alone,
        money=basis.of_missed(alone),
        evidence=[_cell_grid(basis, worst)],
        proposal=_longer(basis, report, pool),
    )


def _cell_grid(basis: Basis, cells: Sequence[HourCell]) -> Grid:
    rows = [
        Row(
            [
                f"{value_words('weekday', str(cell.weekday + 1), basis.book.roster)} {cell.hour:02}:00",
                say.number(cell.people, 1),
                say.number(cell.leads),
                say.number(cell.promises.count),
                say.number(cell.promises.missed),
                say.number(cell.alone),
            ],
            is_faint=cell.promises.share is None or cell.promises.share.is_small,
        )
        for cell in cells[:_MOST_HOURS]
    ]
    headings = [_("hour"), _("people"), _("leads"), _("promises"), _("missed"), _("with nobody there")]
    return Grid(headings, rows, _("Hours in the time zone of the policy; few are pale"))


def _longer(basis: Basis, report: CapacityReport, pool: PoolCapacity) -> Proposal | None:
    """Somebody of the pool begins earlier or ends later on the days that they work; None if it helps little.

    Of those whose hours could be, it is who has the fewest promises for each hour.
    """
    busy = {one.id: one.per_hour for one in report.people}
    people = [basis.book.roster.people[id_] for id_ in pool.people if id_ in busy]
    if not people:
        return None

    def worth(way: tuple[Person, int, int]) -> tuple[int, int, float]:
        person, early, late = way
        return _covered(basis, pool, person, early, late), -(early + late), -busy[person.id]

    best = max(((person, *way) for person in people for way in _LONGER), key=worth)
    person, early, late = best
    covered = worth(best)[0]
    if covered < _LEAST_ALONE:
        return None
    title = ngettext("Let {name} end {n} hour later", "Let {name} end {n} hours later", late)
    if early:
        title = ngettext("Let {name} begin {n} hour earlier", "Let {name} begin {n} hours earlier", early)
    said = _("{n} of these promises came in those hours. Who has the fewest promises an hour is named.")
    hours = _spec(person, early, late)
    return Proposal(
        title.format(name=person.name, n=early or late),
        [said.format(n=say.number(covered))],
        roster=(Edit("set", ("people", person.id, "hours"), hours),),
    )


def _covered(basis: Basis, pool: PoolCapacity, person: Person, early: int, late: int) -> int:
    """How many promises that ended with nobody there came in hours that somebody would work besides."""
    middle = basis.period.since + (basis.period.until - basis.period.since) / 2
    own, zone = middle.astimezone(basis.book.calendars[person.id].zone), middle.astimezone(basis.book.zone)
    # The hours of the report are those of the policy's zone.
    shift = round(((zone.utcoffset() or timedelta()) - (own.utcoffset() or timedelta())) / timedelta(hours=1))
    wanted = set()
    for day, blocks in enumerate(person.hours):
        if blocks:
            first, last = blocks[0][0] // 60, ceil(blocks[-1][1] / 60)
            hours = [*range(first - early, first), *range(last, last + late)]
            wanted |= {(day, hour + shift) for hour in hours if 0 <= hour + shift < 24}
    return sum(cell.alone for cell in pool.cells if (cell.weekday, cell.hour) in wanted)


def _spec(person: Person, early: int, late: int) -> dict[str, list[str]]:
    """Hours of a week as they are written, with the first block of a day earlier or the last one later."""
    return {
        day: [_block(opens, closes) for opens, closes in _stretched(blocks, early, late)]
        for day, blocks in zip(DAYS, person.hours, strict=True)
        if blocks
    }


def _stretched(blocks: Blocks, early: int, late: int) -> list[tuple[int, int]]:
    found = list(blocks)
    found[0] = (max(0, found[0][0] - 60 * early), found[0][1])
    found[-1] = (found[-1][0], found[-1][1] + 60 * late)
    return found


def _block(opens: int, closes: int) -> str:
    return "-".join(f"{minute // 60:02}:{minute % 60:02}" for minute in (opens, _of_day(closes)))


def _of_day(minute: int) -> int:
    """Midnight at the end of a day is 24:00; what passes it is of the next day."""
    return minute if minute <= 24 * 60 else minute - 24 * 60


def _short_hours(basis: Basis, report: CapacityReport) -> Iterator[Finding]:
    """Hours with people, in which more is missed than in the other hours of the pool."""
    for pool in report.pools:
        worse = [cell for cell in pool.cells if cell.is_worse and cell.people]
        if not worse:
            continue
        q = max(cell.q for cell in worse)
        count = sum(cell.promises.count for cell in worse)
        missed = sum(cell.promises.missed for cell in worse)
        usual = pool.promises.missed / pool.promises.count
        text = _("In these hours {share} of the promises were missed; in all hours of the pool {usual}.")
        share = wilson(missed, count)
        yield Finding(
            key_of("capacity", "hours", pool.name),
            "capacity",
            _("The pool “{pool}” misses more in some hours of the week").format(pool=pool.name),
            [
                text.format(share=say.percent(share.value), usual=say.percent(usual)),
                _("More people at these hours would help, or fewer other things to do at them."),
            ],
            1 - q,
            missed,
            less(share, usual),
            basis.of_missed(missed - usual * count),
            [_cell_grid(basis, sorted(worse, key=lambda cell: cell.q))],
            q=q,
        )


# ---------------------------------------------------------------- full and idle


def _loads(basis: Basis, report: CapacityReport) -> Iterator[Finding]:
    for one in report.people:
        if one.in_hand.is_always_full and one.in_hand.weeks_full is not None:
            title = _("{name} always has as many open leads as they may have")
            yield _load(basis, one, title, one.in_hand.weeks_full, _fuller(basis, one))
        elif one.in_hand.is_always_idle and one.in_hand.weeks_idle is not None and one.leads:
            title = _("{name} mostly has nothing in hand")
            yield _load(basis, one, title, one.in_hand.weeks_idle, _weighed(basis, one, _STEP))


def _load(
    basis: Basis, one: PersonCapacity, title: str, weeks: Estimate, proposal: Proposal | None
) -> Finding:
    name = person_words(basis.book.roster, one.id)
    said = _("In {share} of the weeks that they worked it was mostly so; {mean} leads in hand on average.")
    return Finding(
        key_of("capacity", "person", one.id),
        "capacity",
        title.format(name=name),
        [
            said.format(share=say.share(weeks), mean=say.number(one.in_hand.mean, 1)),
            _("That is a count of weeks, no comparison: of many people a few have such weeks by chance."),
        ],
        1.0,
        one.leads,
        weeks,
        proposal=proposal,
    )


def _fuller(basis: Basis, one: PersonCapacity) -> Proposal | None:
    """More at once for somebody who keeps their promises so full, else a smaller share."""
    if one.most_open is None or one.promises.count < SMALL:
        return None
    if one.promises.missed * 10 > one.promises.count:
        return _weighed(basis, one, 1 / _STEP)
    most = ceil(one.most_open * _STEP)
    name = person_words(basis.book.roster, one.id)
    text = _("Let {name} have {n} open leads at once instead of {before}")
    return Proposal(
        text.format(name=name, n=say.number(most), before=say.number(one.most_open)),
        [_("They keep at least nine of ten promises as it is.")],
        roster=(Edit("set", ("people", one.id, "max_open"), most),),
    )


def _weighed(basis: Basis, one: PersonCapacity, times: float) -> Proposal | None:
    """Another weight, where a pool goes by it."""
    policy = basis.book.policy
    pools = [name for name, bench in basis.book.benches.items() if one.id in bench.ids]
    if not any(policy.pools[name].method in _SHARED_BY_WEIGHT for name in pools):
        return None
    before = float(basis.book.roster.people[one.id].weight)
    weight = round(before * times, 2)
    text = _("Give {name} the weight {weight} instead of {before}")
    return Proposal(
        text.format(
            name=person_words(basis.book.roster, one.id),
            weight=say.number(weight, 2),
            before=say.number(before, 2),
        ),
        roster=(Edit("set", ("people", one.id, "weight"), weight),),
    )


# ---------------------------------------------------------------- weeks to come


def _peaks(basis: Basis, peaks: Sequence[Peak]) -> Iterator[Finding]:
    """For each pool the weeks to come that more probably than not bring more than it carries."""
    by_pool: defaultdict[str, list[Peak]] = defaultdict(list)
    for one in peaks:
        if (one.week.chance or 0.0) >= _LIKELY:
            by_pool[one.pool].append(one)
    for pool, some in by_pool.items():
        yield _peak(basis, pool, some)


def _peak(basis: Basis, pool: str, weeks: Sequence[Peak]) -> Finding:
    worst = max(weeks, key=lambda one: (one.week.chance or 0.0, -one.week.first.timestamp()))
    text = ngettext(
        "In {n} week to come the pool “{pool}” probably gets more leads than it ever carried in such a week.",
        "In {n} weeks to come the pool “{pool}” probably gets more leads than it ever carried in such weeks.",
        len(weeks),
    )
    more = sum(max(0.0, one.week.leads.expected.value - (one.week.capacity or 0.0)) for one in weeks)
    return Finding(
        key_of("peak", pool),
        "peak",
        _("The pool “{pool}” will get more than it carries").format(pool=pool),
        [text.format(n=say.number(len(weeks)), pool=pool)],
        worst.week.chance or 0.0,
        round(more),
        worst.week.leads.expected,
        _of_peak(basis, more, sum(one.beyond for one in weeks)),
        [_week_grid(basis, weeks)],
        _temporary(basis, next((one for one in weeks if one.relief is not None), worst)),
    )


def _week_grid(basis: Basis, weeks: Sequence[Peak]) -> Grid:
    rows = [
        Row(
            [
                say.day(one.week.first, basis.book.zone),
                say.number(one.week.leads.expected.value),
                f"{say.number(one.week.leads.expected.low)} – {say.number(one.week.leads.expected.high)}",
                say.number(one.week.capacity or 0.0),
                say.percent(one.week.chance or 0.0),
            ]
        )
        for one in weeks
    ]
    headings = [_("week of"), _("expected"), _("95 %"), _("carried"), _("chance of more")]
    return Grid(headings, rows, _("Leads that are expected, and the most that were carried at such hours"))


def _of_peak(basis: Basis, more: float, most: float) -> Cost | None:
    """Leads that come beyond what is carried: none at best, `most` if every week comes as 1 in 10 times.

    These weeks come once, so they are not scaled to a quarter.
    """
    cost = basis.of_missed(more)
    return cost and replace(cost, factors=(Factor("leads", 0.0, more, most), *cost.factors[1:]))


def _temporary(basis: Basis, one: Peak) -> Proposal | None:
    """A route before the one that brings most of it, with its condition, to the pool that has room."""
    if one.relief is None:
        return None
    rows = read_yaml(basis.text).data["routes"]
    row = next((row for row in rows if row.get("name") == one.relief.route), None)
    if row is None or "pool" not in row or "when" not in row:
        return None
    first = one.week.first.astimezone(basis.book.zone).date()
    last = first + timedelta(days=6)
    name = f"{one.relief.route}-{first.isoformat()}"
    days = {"from": first.isoformat(), "until": last.isoformat()}
    route = {**row, "name": name, "pool": one.relief.pool, **days}
    title = _("Send the route “{route}” to the pool “{pool}” from {first} to {last}").format(
        route=one.relief.route,
        pool=one.relief.pool,
        first=say.day(one.week.first, basis.book.zone),
        last=say.day(one.week.first + timedelta(days=6), basis.book.zone),
    )
    text = _("That is about {n} leads in that week; afterwards the route is over by itself.")
    edit = Edit("insert", ("routes", one.relief.route), route)
    return Proposal(title, [text.format(n=say.number(one.relief.leads))], (edit,), is_ahead=True)
