"""How is it told whether there is enough of whom, when? Coverage, load, forecast and peaks in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
from babel.dates import format_date, get_day_names

from leadlane.i18n import N_, _, current_language, ngettext
from leadlane.insight import pictures, say
from leadlane.insight.capacity import CapacityReport, Peak, PersonCapacity, PoolCapacity, Series, worse_pools
from leadlane.insight.forecast import LEAST_WEEKS, Ahead
from leadlane.insight.load import Turn
from leadlane.insight.proportions import SMALL, Estimate
from leadlane.insight.section import Grid, Legend, Picture, Report, Row, Section, Tile
from leadlane.insight.staffed import Hole, HourCell, Promises

DIMENSIONS: Mapping[str, str] = {
    "pool": N_("pool"),
    "person": N_("person"),
    "hour": N_("hour of the week"),
    "week": N_("week to come"),
}
# Which section a grouping is about; it comes first.
_FIRST = {"pool": "pools", "person": "people", "hour": "hours", "week": "forecast"}
_MOST_NAMED, _MOST_HOURS, _MOST_PICTURED, _MOST_HOLES, _MOST_PEAKS = 3, 12, 4, 20, 20
_MOST_OPEN = 2
_SHOWN_WEEKS = 26
# An hour with fewer promises is shown only where it is found to be worse.
_LEAST_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Told:
    """What it is told by: the period in words, what people are called by their ids, what was asked about."""

    period: str
    names: Mapping[str, str]
    by: str

    def name(self, id_: str) -> str:
        """What somebody is called."""
        return self.names.get(id_, id_)


def report_on_capacity(found: CapacityReport, told: Told) -> Report:
    """The report in words: what was asked about first, then where there is something to do."""
    sections = [
        _pools(found),
        _hours(found),
        _holes(found.holes),
        _people(found, told),
        _turns(found, told),
        _forecast(found),
        _peaks(found),
    ]
    shown = [section for section in sections if section is not None]
    # Without a grouping of one's own it is the first one that is asked for: then findings lead.
    first = _FIRST[told.by] if told.by != next(iter(DIMENSIONS)) else ""
    shown.sort(key=lambda section: (section.id != first, _urgency(section)))
    return Report(
        _("Coverage and capacity"),
        _("Leads that arrived and promises that ended: {period}. Forecast from now on.").format(
            period=told.period
        ),
        _tiles(found),
        shown,
    )


def _urgency(section: Section) -> int:
    """What is to be mended first, then what is to be looked at; what is not known yet is neither."""
    if section.tone == "bad":
        return 0
    return 1 if section.tone == "unsure" and section.grids else 2


def hour_words(weekday: int, hour: int, until: int | None = None) -> str:
    """`Monday 09:00–10:00`; weekday 0 for Monday."""
    day = get_day_names("wide", locale=current_language())[weekday]
    return _("{day} {start:02}:00–{end:02}:00").format(day=day, start=hour, end=until or hour + 1)


def week_words(first: datetime) -> str:
    """A week by its Monday."""
    return say.date_words(first.date())


def few(share: Estimate | None) -> str:
    """A share with its interval, and that it rests on few where it does."""
    if share is None:
        return "–"
    return _("{share}, few").format(share=say.share(share)) if share.is_small else say.share(share)


def ahead_words(one: Ahead) -> str:
    """An expected count with its 95 % interval."""
    value = one.expected
    return _("{value} ({low} to {high})").format(
        value=say.number(value.value, 0 if value.value >= 10 else 1),
        low=say.number(value.low),
        high=say.number(value.high),
    )


def _count_words(value: Estimate | None) -> str:
    if value is None:
        return "–"
    return _("{value} ({low} to {high})").format(
        value=say.number(value.value, 1), low=say.number(value.low), high=say.number(value.high)
    )


def _percent(share: float | None) -> str:
    return "–" if share is None else say.percent(share)


def _tiles(found: CapacityReport) -> list[Tile]:
    leads, promises = sum(pool.leads for pool in found.pools), _all_promises(found)
    alone = sum(pool.alone for pool in found.pools)
    every = next((one for one in found.forecast if one.role == "all" and one.ahead), None)
    return [
        Tile(_("Leads to pools"), say.number(leads), _("that arrived in the period")),
        Tile(
            _("Promises missed"),
            _percent(promises.share.value if promises.share else None),
            _missed_words(promises),
        ),
        Tile(
            _("Nobody was there"),
            say.number(alone),
            _("promises missed before anybody of the pool was at work"),
            "bad" if alone else "good",
        ),
        Tile(
            _("Leads next week"),
            say.number(every.ahead[0][1].expected.value) if every else "–",
            _expected_between(every.ahead[0][1]) if every else _("too few weeks are known"),
        ),
        _peaks_tile(found),
    ]


def _peaks_tile(found: CapacityReport) -> Tile:
    """In how many of the weeks to come a pool may get more than it can answer in time, and which ones."""
    weeks = max((len(pool.ahead) for pool in found.pools), default=0)
    busy = len({peak.week.first for peak in found.peaks})
    if not busy:
        return Tile(_("Weeks with too many leads"), "–" if not weeks else "0", _("of those to come"))
    count = Counter(peak.pool for peak in found.peaks)
    named = [
        _("“{pool}” in {n}").format(pool=pool, n=say.number(n)) for pool, n in count.most_common(_MOST_NAMED)
    ]
    figure = _("{n} of {all}").format(n=say.number(busy), all=say.number(weeks))
    note = _("weeks to come may bring more than is answered in time: {pools}")
    return Tile(_("Weeks with too many leads"), figure, note.format(pools=", ".join(named)), "bad")


def _missed_words(promises: Promises) -> str:
    said = _("of {n} that ended").format(n=say.number(promises.count))
    if promises.share is None:
        return said
    return _("{counts}; 95 % interval: {low} to {high}").format(
        counts=said, low=say.percent(promises.share.low), high=say.percent(promises.share.high)
    )


def _expected_between(one: Ahead) -> str:
    text = _("95 % interval: {low} to {high}")
    return text.format(low=say.number(one.expected.low), high=say.number(one.expected.high))


def _all_promises(found: CapacityReport) -> Promises:
    return Promises(
        sum(pool.promises.count for pool in found.pools), sum(pool.promises.missed for pool in found.pools)
    )


# ---------------------------------------------------------------- pools and hours


def _pools(found: CapacityReport) -> Section:
    rows, worse = [_pool_row(pool) for pool in found.pools], worse_pools(found.pools)
    headings = [
        _("Pool"), _("people"), _("hours worked"), _("leads"), _("missed, with 95 % interval"),
        _("carries an hour"), _("used"), _("leads next week"), _("missed next week"),
    ]  # fmt: skip
    return Section(
        "pools",
        _("Pools"),
        [_worse_pool_words(*one) for one in worse]
        or [_("No pool misses more than the others beyond chance.")],
        [Grid(headings, rows)],
        cautions=[
            _(
                "What a pool carries is the most leads an hour of work that came to it in a full week of the"
                " period and were answered in time no worse than usual; with fewer than four weeks it is not"
                " known. A pool that was never put to the test may carry more. “used” is what came of that."
            ),
            _(
                "Next week is the first full week from now on, with its public holidays and absences. What"
                " will be missed assumes that like hours go as they did; its interval counts the doubt in"
                " both. “few” are fewer than {few}."
            ).format(few=SMALL),
        ],
        tone="bad" if worse else "",
    )


def _worse_pool_words(pool: PoolCapacity, others: Promises, q: float) -> str:
    text = _(
        "“{pool}” misses more than the others: {share} of {n} promises, all others {others} of {m} (corrected"
        " p: {p})."
    )
    return text.format(
        pool=pool.name,
        share=few(pool.promises.share),
        n=say.number(pool.promises.count),
        others=few(others.share),
        m=say.number(others.count),
        p=say.chance(q),
    )


def _pool_row(pool: PoolCapacity) -> Row:
    ahead = pool.ahead[0] if pool.ahead else None
    return Row(
        [
            pool.name,
            say.number(len(pool.people)),
            say.number(pool.hours),
            say.number(pool.leads),
            few(pool.promises.share),
            "–" if pool.pace is None else say.number(pool.pace.per_hour, 2),
            _percent(pool.used),
            "–" if ahead is None else ahead_words(ahead.leads),
            "–" if ahead is None else _count_words(ahead.breaches),
        ],
        is_faint=not pool.leads,
    )


def _hours(found: CapacityReport) -> Section:
    cells = [
        (pool, cell)
        for pool in found.pools
        for cell in pool.cells
        if cell.promises.missed and (cell.is_worse or cell.promises.count >= _LEAST_SHOWN)
    ]
    cells.sort(key=lambda one: (one[1].q, -_low(one[1]), one[0].name))
    worst, worse = cells[:_MOST_HOURS], [one for one in cells if one[1].is_worse]
    compared = sum(cell.promises.count > 0 for pool in found.pools for cell in pool.cells)
    said = (
        ngettext(
            "In {n} hour of the week more is missed than chance explains: {names}.",
            "In {n} hours of the week more is missed than chance explains: {names}.",
            len(worse),
        ).format(n=say.number(len(worse)), names=say.names([_hour_name(*one) for one in worse], _MOST_NAMED))
        if worse
        else _("In no hour of the week more is missed than chance explains.")
    )
    method = ngettext(
        "{n} hour of the week of a pool was compared with the share that the pool misses.",
        "{n} hours of the week of pools were compared with the share that the pool misses.",
        compared,
    ).format(n=say.number(compared))
    return Section(
        "hours",
        _("When leads come, and who is there"),
        [said],
        [_worst_hours(worst, is_any=bool(worse))] if worst else [],
        _week_pictures(found),
        [
            _(
                "People at work are counted by the hours, holidays and absences of the roster as it is today."
                " A promise in working time that begins out of hours ends in hours: it is none that nobody"
                " could keep."
            ),
            method,
        ],
        "bad" if worse else "",
    )


def _worst_hours(worst: Sequence[tuple[PoolCapacity, HourCell]], *, is_any: bool) -> Grid:
    headings = [
        _("Pool and hour in which leads came"), _("people at work"), _("leads"), _("promises"),
        _("missed, with 95 % interval"), _("corrected p"),
    ]  # fmt: skip
    rows = [_hour_row(pool, cell) for pool, cell in worst]
    fold = "" if is_any else _("Hours in which most was missed; it may be chance")
    return Grid(headings, rows, _("The worst hours"), fold=fold)


def _hour_name(pool: PoolCapacity, cell: HourCell) -> str:
    return _("{pool}, {hour}").format(pool=pool.name, hour=hour_words(cell.weekday, cell.hour))


def _low(cell: HourCell) -> float:
    share = cell.promises.share
    return share.low if share else 0.0


def _hour_row(pool: PoolCapacity, cell: HourCell) -> Row:
    return Row(
        [
            _hour_name(pool, cell),
            say.number(cell.people, 1),
            say.number(cell.leads),
            say.number(cell.promises.count),
            few(cell.promises.share),
            say.chance(cell.q),
        ],
        is_marked=cell.is_worse,
    )


def _telling(found: CapacityReport) -> list[str]:
    """Pools of whose hours there is something to say: nobody there, or more missed; the most first."""
    alone = {pool.name: pool.alone + sum(cell.is_worse for cell in pool.cells) for pool in found.pools}
    worse = {pool.name for pool, _others, _q in worse_pools(found.pools)}
    told = [name for name, count in alone.items() if count or name in worse]
    return sorted(told, key=lambda name: (-alone[name], name))


def _week_pictures(found: CapacityReport) -> list[Picture]:
    """Of some pools, when leads come, and how many are at work then: where there is something to say, first.

    Of those few stand open, or the largest pool where there is nothing; the others are folded.
    """
    telling = _telling(found)
    place = {name: place for place, name in enumerate(telling)}
    pools = sorted(found.pools, key=lambda one: (place.get(one.name, len(place)), -one.leads))
    names = get_day_names("abbreviated", locale=current_language())
    days = [str(names[day]) for day in range(7)]
    made = []
    for number, pool in enumerate([one for one in pools if one.leads][:_MOST_PICTURED]):
        is_open = number < max(1, min(len(telling), _MOST_OPEN))
        shown: tuple[tuple[str, Callable[[HourCell], float]], ...] = (
            (_("{pool}: leads by hour of the week"), lambda cell: cell.leads),
            (_("{pool}: people at work"), lambda cell: round(cell.people)),
        )
        for text, of in shown:
            title = text.format(pool=pool.name)
            counts = np.array([of(cell) for cell in pool.cells], dtype=np.int64).reshape(7, 24)
            fold = "" if is_open else _("Hours of other pools")
            made.append(Picture(pictures.week(counts, days, title), title, fold=fold))
    return made


def _holes(found: Sequence[Hole]) -> Section:
    heading = _("Hours in which nobody could answer")
    if not found:
        none = _("No promise was missed before somebody of its pool was at work.")
        return Section("holes", heading, [none], tone="good")
    count = sum(hole.alone for hole in found)
    said = ngettext(
        "{n} promise was missed before anybody of its pool was at work.",
        "{n} promises were missed before anybody of their pool was at work.",
        count,
    ).format(n=say.number(count))
    rows = [
        Row(
            [
                _("{pool}, {hour}").format(
                    pool=hole.pool, hour=hour_words(hole.weekday, hole.start, hole.until)
                ),
                say.number(hole.leads),
                say.number(hole.promises.count),
                say.number(hole.alone),
                say.number(hole.promises.missed),
            ]
        )
        for hole in sorted(found, key=lambda one: -one.alone)[:_MOST_HOLES]
    ]
    headings = [
        _("Pool and hours in which leads came"), _("leads"), _("promises"), _("nobody there"), _("missed"),
    ]  # fmt: skip
    caution = _("Somebody at work then, or a promise in working time, would mend these.")
    return Section("holes", heading, [said], [Grid(headings, rows)], cautions=[caution], tone="bad")


# ---------------------------------------------------------------- people


def _people(found: CapacityReport, told: Told) -> Section | None:
    if not found.people:
        return None
    says = []
    for text, those in (
        (N_("Always full: {names}."), [one for one in found.people if one.in_hand.is_always_full]),
        (N_("Always idle: {names}."), [one for one in found.people if one.in_hand.is_always_idle]),
    ):
        if those:
            says.append(_(text).format(names=say.names([told.name(one.id) for one in those], 12)))
    if found.inequality is not None:
        says.append(
            _(
                "For each hour of work, by weight, two people of pools have leads that differ by {share} of"
                " the average, taken over all pairs (0 %: everybody has the same)."
            ).format(share=say.percent(2 * found.inequality))
        )
    ordered = sorted(found.people, key=lambda one: (-(one.filled or 0), -one.in_hand.mean, one.id))
    headings = [
        _("Person"), _("hours worked"), _("leads"), _("promises an hour"), _("in hand, mean"), _("most"),
        _("limit"), _("of the time at the limit"), _("with nothing"),
    ]  # fmt: skip
    cautions = [
        _(
            "Always full, or idle: in more than half of the weeks mostly so, by more than chance (95 %"
            " interval). Counted is working time only; what is in hand are open leads, answered or not."
        ),
        _(
            "Of a lead that was handed on, the time in the hands before is not counted. How busy somebody is"
            " with other work is not known here."
        ),
    ]
    rows = [_person_row(one, told) for one in ordered]
    fold = "" if told.by == "person" else _("The load of everybody")
    return Section("people", _("Load of people"), says, [Grid(headings, rows, fold=fold)], cautions=cautions)


def _person_row(one: PersonCapacity, told: Told) -> Row:
    held = one.in_hand
    return Row(
        [
            told.name(one.id),
            say.number(held.hours),
            say.number(one.leads),
            say.number(one.per_hour, 2),
            say.number(held.mean, 1),
            say.number(held.peak),
            "–" if one.most_open is None else say.number(one.most_open),
            _percent(held.full),
            _percent(held.idle),
        ],
        is_marked=held.is_always_full,
        is_faint=held.is_always_idle,
    )


def _turns(found: CapacityReport, told: Told) -> Section | None:
    every = [turn for person in found.people for turn in person.turns]
    if not every:
        return None
    gaps = [turn for turn in every if turn.is_found]
    method = ngettext(
        "{n} share was compared with what weight and working hours owe.",
        "{n} shares were compared with what weight and working hours owe.",
        len(every),
    ).format(n=say.number(len(every)))
    if not gaps:
        says = [_("No share differs by more than chance from what is owed: weights are respected.")]
    else:
        chosen = [
            pool.name for pool in found.pools if pool.chooses and pool.name in {one.pool for one in gaps}
        ]
        says = [_turn_words(turn, told) for turn in gaps]
        if chosen:
            says.append(
                _("What a lead asks of people (require, prefer) moves turns in: {names}.").format(
                    names=say.names(chosen)
                )
            )
    rows = [
        Row(
            [
                _("{pool}, {name}").format(pool=turn.pool, name=told.name(turn.person)),
                say.number(turn.got),
                say.number(turn.owed, 1),
                say.share(turn.share),
                say.chance(turn.q),
            ],
            is_marked=turn.is_found,
        )
        for turn in sorted(every, key=lambda one: (one.pool, -one.owed))
    ]
    headings = [_("Pool and person"), _("got"), _("owed"), _("share, with 95 % interval"), _("corrected p")]
    caution = _(
        "Owed is the share by weight among those at work when a lead was given. Limits (most open, a day),"
        " what a pool requires or prefers, and leads placed by hand move turns too: a gap is no mistake of"
        " the rotation by itself. Leads count for whoever had them when they were answered or promised."
    )
    return Section(
        "turns", _("Whether weights are respected"), says, [Grid(headings, rows, fold=_("Every share"))],
        cautions=[caution, method], tone="unsure" if gaps else "good",
    )  # fmt: skip


def _turn_words(turn: Turn, told: Told) -> str:
    text = (
        _("{name} got more of “{pool}” than owed: {got} against {owed} (corrected p: {p}).")
        if turn.got > turn.owed
        else _("{name} got less of “{pool}” than owed: {got} against {owed} (corrected p: {p}).")
    )
    return text.format(
        name=told.name(turn.person), pool=turn.pool, got=say.number(turn.got),
        owed=say.number(turn.owed, 1), p=say.chance(turn.q),
    )  # fmt: skip


# ---------------------------------------------------------------- forecast and peaks


def series_words(one: Series) -> str:
    """What a series is of: `all leads`, `pool “sdr”`."""
    match one.role:
        case "all":
            return _("all leads")
        case "pool":
            return _("pool “{name}”").format(name=one.name)
        case "segment":
            return _("segment “{name}”").format(name=one.name)
        case _source:
            return _("source “{name}”").format(name=one.name)


def _forecast(found: CapacityReport) -> Section:
    heading = _("Leads to come")
    shown = [one for one in found.forecast if one.ahead]
    if not shown:
        text = ngettext(
            "{n} full week is known; a forecast takes {least}.",
            "{n} full weeks are known; a forecast takes {least}.",
            found.known_weeks,
        )
        said = text.format(n=say.number(found.known_weeks), least=LEAST_WEEKS)
        return Section("forecast", heading, [said], tone="unsure")
    said = ngettext(
        "From {n} full week of leads; 95 of 100 weeks should fall into the interval.",
        "From {n} full weeks of leads; 95 of 100 weeks should fall into the interval.",
        found.known_weeks,
    ).format(n=say.number(found.known_weeks))
    places = [place for place in (0, 3, 7, 12) if place < len(shown[0].ahead)]
    headings = [
        _("Leads"), _("last 4 weeks"),
        *(_("week from {day}").format(day=week_words(shown[0].ahead[place][0])) for place in places),
    ]  # fmt: skip
    pools = [_forecast_row(one, places) for one in shown if one.role in ("all", "pool")]
    others = [_forecast_row(one, places) for one in shown if one.role not in ("all", "pool")]
    grids = [Grid(headings, pools)]
    if others:
        grids.append(Grid(headings, others, fold=_("By segment and source")))
    return Section(
        "forecast",
        heading,
        [said],
        grids,
        _forecast_pictures(shown),
        _forecast_cautions(found),
    )


def _forecast_row(one: Series, places: Sequence[int]) -> Row:
    return Row(
        [
            series_words(one),
            say.number(sum(count for _week, count in one.known[-4:])),
            *(ahead_words(one.ahead[place][1]) for place in places),
        ]
    )


def _forecast_cautions(found: CapacityReport) -> list[str]:
    cautions = [
        _(
            "A forecast carries on what the leads have shown: level, drift, trend, public holidays. It knows"
            " nothing of a campaign that is planned or a price that changes."
        )
    ]
    if found.known_weeks < 104:
        cautions.append(_("With less than two years, what comes back every year cannot be seen yet."))
    return cautions


def _forecast_pictures(shown: Sequence[Series]) -> list[Picture]:
    made = []
    for one in [shown[0], *[other for other in shown if other.role == "pool"][:_MOST_PICTURED]]:
        known = one.known[-_SHOWN_WEEKS:]
        weeks = [week for week, _count in known] + [week for week, _ahead in one.ahead]
        title = _("Leads by week: {name}").format(name=series_words(one))
        drawing = pictures.weeks_ahead(
            [format_date(week.date(), format="d MMM", locale=current_language()) for week in weeks],
            [count for _week, count in known],
            [(a.expected.low, a.low, a.expected.value, a.high, a.expected.high) for _week, a in one.ahead],
            title,
        )
        legends = [Legend("first", _("expected, with 80 % and 95 % intervals"))]
        fold = "" if one is shown[0] else _("Leads to come, by pool")
        made.append(Picture(drawing, title, legends, fold))
    return made


def _peaks(found: CapacityReport) -> Section:
    heading = _("Weeks to come with too many leads")
    if not any(pool.pace is not None and pool.ahead for pool in found.pools):
        text = _("How much pools carry, or how much will come, is not known yet.")
        return Section("peaks", heading, [text], tone="unsure")
    if not found.peaks:
        return Section("peaks", heading, [_("No week is likely to bring more than is carried.")], tone="good")
    rows = [_peak_row(peak) for peak in found.peaks[:_MOST_PEAKS]]
    headings = [
        _("Pool and week"), _("leads, usual week"), _("leads expected"), _("carried"), _("chance of more"),
        _("hours"),
    ]  # fmt: skip
    caution = _(
        "Shown are weeks that bring more than is carried with a chance of 20 % at least, and that are busier"
        " than usual by a tenth for what is carried then."
    )
    says = [relief_words(together) for together in in_a_row(found.peaks)]
    grid = Grid(headings, rows, fold=_("Week by week"))
    return Section("peaks", heading, says, [grid], cautions=[caution], tone="bad")


def _peak_row(peak: Peak) -> Row:
    week = peak.week
    return Row(
        [
            _("{pool}, week from {day}").format(pool=peak.pool, day=week_words(week.first)),
            say.number(peak.usual, 1),
            ahead_words(week.leads),
            "–" if week.capacity is None else say.number(week.capacity, 1),
            _percent(week.chance),
            say.number(week.hours),
        ]
    )


def in_a_row(peaks: Sequence[Peak]) -> list[list[Peak]]:
    """Peaks of a pool in one week after the other that the same route would carry, together."""
    found: list[list[Peak]] = []
    for peak in sorted(peaks, key=lambda one: (one.pool, one.week.first)):
        last = found[-1][-1] if found else None
        if (
            last is not None
            and (last.pool, _way(last)) == (peak.pool, _way(peak))
            and last.week.first + timedelta(weeks=1) == peak.week.first
        ):
            found[-1].append(peak)
        else:
            found.append([peak])
    return sorted(found, key=lambda one: (one[0].week.first, one[0].pool))


def _way(peak: Peak) -> tuple[str, str] | None:
    return (peak.relief.route, peak.relief.pool) if peak.relief else None


def relief_words(together: Sequence[Peak]) -> str:
    """What would carry a peak of a week, or of several in a row: a temporary route, or that there is none."""
    peak = together[0]
    days = {
        "first": say.date_words(peak_days(peak)[0]),
        "last": say.date_words(peak_days(together[-1])[1]),
        "pool": peak.pool,
    }
    if peak.relief is None:
        return _(
            "“{pool}”, {first} to {last}: no single route and no pool with room fit; more hours are needed,"
            " or a slower promise."
        ).format(**days)
    return _(
        "“{pool}”, {first} to {last}: a temporary route before “{route}”, with its conditions, from {first}"
        " until {last}, to the pool “{to}” would take about {n} leads a week off it."
    ).format(**days, route=peak.relief.route, to=peak.relief.pool, n=say.number(peak.relief.leads, 1))


def peak_days(peak: Peak) -> tuple[date, date]:
    """The first and the last day of a peak, as a temporary route has them: both included."""
    first = peak.week.first.date()
    return first, first + timedelta(days=6)
