"""How does the report on service levels read, and what does its export say?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from math import inf, isinf
from typing import cast

from psycopg import Connection
from typing_extensions import TypedDict

from leadlane.core.facts import Roster
from leadlane.core.rulebook import Rulebook
from leadlane.explain.service_levels import (
    DIMENSION_WORDS,
    beyond_words,
    compared_words,
    dimension_words,
    help_words,
    pattern_words,
    share_words,
    value_words,
)
from leadlane.i18n import N_, _, ngettext
from leadlane.insight import say
from leadlane.insight.pictures import dot
from leadlane.insight.proportions import SMALL, Estimate
from leadlane.insight.section import Grid, Report, Row, Section, Tile, Tone
from leadlane.insight.service_levels import Coaching, Figures
from leadlane.service.reporting.periods import period_words
from leadlane.service.reporting.report_kind import Asked, ColumnType, Kind, Made
from leadlane.service.reporting.service_levels import DIMENSIONS, Group, ServiceLevels, service_levels

_MINUTE = 60


def make(connection: Connection, book: Rulebook, asked: Asked, now: datetime) -> Made:
    """The report on the promises that ended in a period. TooManyError beyond what is read at once."""
    by = next(one for one in DIMENSIONS if one == asked.by)
    found = service_levels(connection, book, asked.period, now, by, asked.team)
    return Made(_report(found, book), rows(found, book.roster), data(found, book.roster))


# ---------------------------------------------------------------- the export


class ServiceLevelRow(TypedDict):
    """How the promises of one group were kept. docs/reports.md says what each column means.

    `value` is null where there is none; times are medians, null where fewer than half have come to an end.
    """

    value: str | None
    name: str
    promises: int
    kept: int
    missed: int
    ended: int
    share_kept: float | None
    share_low: float | None
    share_high: float | None
    is_small: bool
    answered: int
    response_minutes: float | None
    response_minutes_low: float | None
    response_minutes_high: float | None
    response_business_minutes: float | None
    response_business_minutes_low: float | None
    response_business_minutes_high: float | None
    assigning_seconds: float | None
    assigning_seconds_low: float | None
    assigning_seconds_high: float | None
    told: int
    telling_seconds: float | None
    telling_seconds_low: float | None
    telling_seconds_high: float | None
    answering_minutes: float | None
    answering_minutes_low: float | None
    answering_minutes_high: float | None
    answering_business_minutes: float | None
    answering_business_minutes_low: float | None
    answering_business_minutes_high: float | None


class BeyondChanceView(TypedDict):
    """Somebody who missed more than chance explains. `expected` is what others missed of comparable promises;
    `p` is how probable as many or more are by chance, `q` the same corrected for all who were compared.
    """

    person: str
    name: str
    missed: int
    promises: int
    share: float
    low: float
    high: float
    expected: float
    p: float
    q: float


class ServiceLevelsData(TypedDict):
    """How promises were kept besides the groups: all, by week, and who misses beyond chance.

    `value` of a week is its Monday. `compared` people were compared.
    """

    all: ServiceLevelRow
    weeks: list[ServiceLevelRow]
    compared: int
    beyond_chance: list[BeyondChanceView]


_COUNTS = ("promises", "kept", "missed", "ended", "answered", "told")
_TEXTS = ("value", "name")
COLUMNS: Mapping[str, ColumnType] = {
    **dict.fromkeys(ServiceLevelRow.__annotations__, "number"),
    **dict.fromkeys(_TEXTS, "text"),
    **dict.fromkeys(_COUNTS, "integer"),
    "is_small": "boolean",
}


def rows(report: ServiceLevels, roster: Roster) -> list[ServiceLevelRow]:
    """A row for each group of the report."""
    return [_row(one.value, value_words(report.by, one.value, roster), one.figures) for one in report.groups]


def data(report: ServiceLevels, roster: Roster) -> ServiceLevelsData:
    """What JSON tells besides the groups."""
    return {
        "all": _row(None, _("all"), report.all),
        "weeks": [_row(one.value, one.value or "", one.figures) for one in report.weeks],
        "compared": report.compared,
        "beyond_chance": [_beyond(one, roster) for one in report.coaching],
    }


def _row(value: str | None, name: str, one: Figures) -> ServiceLevelRow:
    row = {
        "value": value,
        "name": name,
        "promises": one.count,
        "kept": one.kept,
        "missed": one.missed,
        "ended": one.ended,
        "share_kept": one.share and round(one.share.value, 6),
        "share_low": one.share and round(one.share.low, 6),
        "share_high": one.share and round(one.share.high, 6),
        "is_small": one.share is None or one.share.is_small,
        "answered": one.answered,
        **_median("response_minutes", one.response, _MINUTE),
        **_median("response_business_minutes", one.response_in_hours, _MINUTE),
        **_median("assigning_seconds", one.assigning, 1),
        "told": one.told,
        **_median("telling_seconds", one.telling, 1),
        **_median("answering_minutes", one.answering, _MINUTE),
        **_median("answering_business_minutes", one.answering_in_hours, _MINUTE),
    }
    return cast(ServiceLevelRow, row)


def _median(name: str, one: Estimate | None, unit: int) -> dict[str, float | None]:
    """A median with its interval; an end that is not known is null."""
    ends = (one.value, one.low, one.high) if one is not None else (inf, inf, inf)
    names = (name, f"{name}_low", f"{name}_high")
    return {key: None if isinf(end) else round(end / unit, 3) for key, end in zip(names, ends, strict=True)}


def _beyond(one: Coaching, roster: Roster) -> BeyondChanceView:
    found = one.beyond
    return {
        "person": one.person,
        "name": value_words("person", one.person, roster),
        "missed": found.missed,
        "promises": found.count,
        "share": round(found.share.value, 6),
        "low": round(found.share.low, 6),
        "high": round(found.share.high, 6),
        "expected": round(found.expected, 6),
        "p": found.p,
        "q": found.q,
    }


# ---------------------------------------------------------------- in words


def _report(found: ServiceLevels, book: Rulebook) -> Report:
    return Report(
        _("Service levels"),
        _("Promises that ended: {period}").format(period=period_words(found.period, book.zone)),
        _tiles(found, book.roster),
        [
            *([_patterns(found, book.roster)] if found.all.missed else ()),
            _coaching(found, book.roster),
            _way(found),
            *([_weeks(found)] if len(found.weeks) > 1 else ()),
            _groups(found, book.roster),
        ],
    )


def standing_out(found: ServiceLevels, roster: Roster) -> Tile:
    """By what the shares missed differ beyond chance most clearly, and where most are missed."""
    told = [one for one in found.patterns if one.is_found and one.worst]
    if not told:
        note = _("no difference beyond chance") if found.all.missed else _("nothing was missed")
        return Tile(_("Stands out"), "–", note)
    first, *others = told
    value, share = first.worst[0]
    note = _("missed by {by}: {share} of {n}, {all} of all").format(
        by=dimension_words(first.dimension),
        share=say.percent(share.value),
        n=say.number(share.count),
        all=say.percent(1 - found.all.share.value) if found.all.share else "–",
    )
    if others:
        more = ngettext("{said}; {n} more difference", "{said}; {n} more differences", len(others))
        note = more.format(said=note, n=say.number(len(others)))
    return Tile(_("Stands out"), value_words(first.dimension, value, roster), note, "unsure")


def _tiles(found: ServiceLevels, roster: Roster) -> list[Tile]:
    one = found.all
    kept = _("{kept} kept, {missed} missed").format(kept=say.number(one.kept), missed=say.number(one.missed))
    return [
        standing_out(found, roster),
        Tile(_("Kept"), say.percent(one.share.value) if one.share else "–", _interval(one.share)),
        Tile(_("Promises"), say.number(one.count), kept),
        Tile(_("Response, median"), span(one.response), span_range(one.response)),
        Tile(_("Closed before the end"), say.number(one.ended), _("unanswered: neither kept nor missed")),
    ]


def _interval(share: Estimate | None) -> str:
    if share is None:
        return ""
    text = _("95 % interval: {low} to {high}")
    return text.format(low=say.percent(share.low), high=say.percent(share.high))


def span(median: Estimate | None) -> str:
    """A median of seconds in words; a dash where it is not known."""
    return say.span(median.value) if median is not None else "–"


def span_range(median: Estimate | None) -> str:
    """The interval of a median; open where the data do not reach its end."""
    if median is None:
        return ""
    if isinf(median.high):
        return _("{low} or longer").format(low=say.span(median.low))
    return _("{low} to {high}").format(low=say.span(median.low), high=say.span(median.high))


def _way(found: ServiceLevels) -> Section:
    one = found.all
    stages = (
        (_("Arrival → somebody has it"), one.assigning),
        (_("Has it → told"), one.telling),
        (_("Told → response"), one.answering),
        (_("the same, in working time"), one.answering_in_hours),
    )
    grid = Grid(
        [_("Stage"), _("median"), _("95 % interval")],
        [Row([name, span(median), span_range(median)]) for name, median in stages],
    )
    known = _("When they were told is known of {n} of {all}.")
    return Section(
        "way",
        _("Where the time goes"),
        [_("The first two are the system's, the others people's.")],
        [grid],
        cautions=[known.format(n=say.number(one.told), all=say.number(len(found.promises)))],
    )


def _groups(found: ServiceLevels, roster: Roster) -> Section:
    headings = [
        dimension_words(found.by).capitalize(), _("Kept, with 95 % interval"), _("kept"), _("missed"),
        _("response"), _("working time"), _("told → response"),
    ]  # fmt: skip
    listed = [_group(value_words(found.by, one.value, roster), one, found.all) for one in found.groups]
    listed.append(_group(_("all"), Group(None, found.all), found.all, is_all=True))
    notes = _(
        "Times are medians; whoever still waits is counted. “few” are fewer than {few}, whose share says"
        " little. Figures that go together need not be cause and effect."
    )
    return Section(
        "groups",
        _("By {by}").format(by=dimension_words(found.by)),
        [],
        [Grid(headings, listed, pictured=_("Share kept"))],
        cautions=[notes.format(few=SMALL)],
    )


def _group(name: str, group: Group, of_all: Figures, *, is_all: bool = False) -> Row:
    one = group.figures
    cells = [
        name,
        share_words(one),
        say.number(one.kept),
        say.number(one.missed),
        span(one.response),
        span(one.response_in_hours),
        span(one.answering),
    ]
    if one.share is None:
        return Row(cells, is_marked=is_all)
    mark = of_all.share.value if of_all.share else None
    style = "few" if one.share.is_small else ""
    return Row(cells, dot(one.share.low, one.share.value, one.share.high, 1, mark, style), is_marked=is_all)


def _weeks(found: ServiceLevels) -> Section:
    listed = [_group(one.value or "", one, found.all) for one in found.weeks]
    grid = Grid(
        [_("Week from"), _("Kept, with 95 % interval"), _("kept"), _("missed"), _("response")],
        [Row(row.cells[:5], row.picture) for row in listed],
        pictured=_("Share kept"),
    )
    return Section("weeks", _("By the week in which the promise ended"), [], [grid])


def _patterns(found: ServiceLevels, roster: Roster) -> Section:
    caution = _(
        "All comparisons together are corrected, so that at most 5 % of the differences shown are chance."
    )
    says = [pattern_words(one, roster) for one in found.patterns]
    is_any = any(one.is_found for one in found.patterns)
    tone: Tone = "unsure" if is_any else "good"
    return Section("patterns", _("Where more is missed"), says, cautions=[caution], tone=tone)


def _coaching(found: ServiceLevels, roster: Roster) -> Section:
    says: list[str] = [compared_words(found.compared, len(found.coaching))]
    for one in found.coaching:
        name = value_words("person", one.person, roster)
        says.append(_("{name} {words}").format(name=name, words=beyond_words(one.beyond)))
        says += help_words(one)
    caution = _("Compared are promises of the same service level that came in, or outside of, working hours.")
    return Section("coaching", _("Who may need help"), says, cautions=[caution])


KIND = Kind(
    "service-levels",
    N_("Service levels"),
    N_("Were prospects answered by the time that was promised, by whom, and where did the time go?"),
    DIMENSION_WORDS,
    COLUMNS,
    make,
    ServiceLevelsData,
)
