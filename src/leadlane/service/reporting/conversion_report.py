"""How does the report on conversion read, and what does its export say?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from math import isfinite
from typing import Any, cast

from psycopg import Connection
from typing_extensions import TypedDict

from leadlane.core.facts import Roster
from leadlane.core.rulebook import Rulebook
from leadlane.explain.service_levels import value_words
from leadlane.i18n import N_, _
from leadlane.insight.conversion import Dimension
from leadlane.insight.conversion_report import WITHIN_DAYS, ConversionReport, Figures
from leadlane.insight.moves import Move, Pair
from leadlane.insight.proportions import Estimate
from leadlane.insight.response import Effect
from leadlane.insight.say_conversion_report import Words, sections, tiles
from leadlane.insight.section import Report
from leadlane.insight.sources import PoorSource
from leadlane.policy import words as policy_words
from leadlane.service.reporting.conversion import conversion_of
from leadlane.service.reporting.periods import period_words
from leadlane.service.reporting.report_kind import Asked, ColumnType, Kind, Made

DIMENSIONS = {
    "source": N_("source"),
    "segment": N_("segment"),
    "owner": N_("owner"),
    "team": N_("team"),
    "route": N_("route"),
    "response": N_("time to response"),
    "region": N_("region"),
    "deal_band": N_("deal band"),
    "intent": N_("intent"),
    "fit": N_("fit"),
    "service_level": N_("service level"),
}
_RESPONSES = {
    "5m": N_("within 5 minutes"),
    "15m": N_("5 to 15 minutes"),
    "1h": N_("15 minutes to 1 hour"),
    "4h": N_("1 to 4 hours"),
    "1d": N_("4 hours to 1 day"),
    "3d": N_("1 to 3 days"),
    "7d": N_("3 to 7 days"),
    "later": N_("later"),
}


def make(connection: Connection, book: Rulebook, asked: Asked, now: datetime) -> Made:
    """The report on conversion."""
    found = conversion_of(connection, book, asked, now)
    words = words_of(book)
    report = Report(
        _("Conversion"),
        _("Leads that arrived: {period}").format(period=period_words(asked.period, book.zone)),
        tiles(found, words),
        sections(found, words),
    )
    rows = [_row(words.value(asked.by, one.value), one) for one in found.groups]
    return Made(report, rows, _data(found))


def words_of(book: Rulebook) -> Words:
    """What groups and groupings are called for the reader."""
    return Words(
        lambda role, value: _value(role, value, book.roster),
        lambda role: _(DIMENSIONS[role]) if role in DIMENSIONS else policy_words.field_words(role),
        book.policy.currency,
    )


def _value(role: str, value: str | None, roster: Roster) -> str:
    match role:
        case "owner":
            return value_words("person", value, roster)
        case "response":
            return _(_RESPONSES[value]) if value is not None else _("never answered")
        case "intent" | "fit" if value is not None:
            return policy_words.value_words(role, value)
        case _other:
            return value_words(role, value, roster)


# ---------------------------------------------------------------- the export


class ConversionRow(TypedDict):
    """What became of the leads of one group. docs/reports.md says what each column means.

    `value` is null where there is none; what is not known, or was not compared, is null.
    """

    value: str | None
    name: str
    leads: int
    open: int
    won: int
    lost: int
    share: float | None
    share_low: float | None
    share_high: float | None
    is_small: bool
    share_of_all: float
    share_of_all_low: float
    share_of_all_high: float
    drawn_share: float | None
    drawn_share_low: float | None
    drawn_share_high: float | None
    expected: float | None
    difference: float | None
    difference_low: float | None
    difference_high: float | None
    p: float | None
    q: float | None
    stands_out: bool
    won_30_days: float | None
    won_30_days_low: float | None
    won_30_days_high: float | None
    won_60_days: float | None
    won_60_days_low: float | None
    won_60_days_high: float | None
    won_90_days: float | None
    won_90_days_low: float | None
    won_90_days_high: float | None
    days_to_win: float | None
    days_to_win_low: float | None
    days_to_win_high: float | None
    value_won: float
    valued: int
    value_mean: float | None
    value_mean_low: float | None
    value_mean_high: float | None


class EstimateView(TypedDict):
    """A figure with its 95 % interval, and of how many leads it comes."""

    value: float
    low: float
    high: float
    count: int


class ComparedView(TypedDict):
    """A grouping that was compared: `q` is `p` corrected for all comparisons of the report.

    `alike_in`: the comparison is among leads alike in these.
    """

    by: str
    groups: int
    p: float
    q: float
    is_finding: bool
    alike_in: list[str]


class MoveView(TypedDict):
    """A segment that does better with a team than with another, more than chance explains.

    `gap`: the difference of the shares won among leads alike in `alike_in`, `elsewhere` that of all other
    segments.
    """

    segment: str
    team: str
    other: str
    won: int
    leads: int
    other_won: int
    other_leads: int
    gap: EstimateView
    elsewhere: EstimateView | None
    alike_in: list[str]
    q: float


class PoorSourceView(TypedDict):
    """A source that is poor whoever works it: `below` of `workers` (owners or teams, `by`) win less of it.

    `gap`: the difference to other leads of the same owners.
    """

    source: str
    won: int
    leads: int
    other_won: int
    other_leads: int
    gap: EstimateView
    by: str
    below: int
    workers: int
    q: float


class ResponseView(TypedDict):
    """Leads answered within `seconds` against those answered later.

    `plain` is the difference of the shares won, `alike` that among leads alike in `alike_in`.
    """

    seconds: float
    fast_won: int
    fast_leads: int
    slow_won: int
    slow_leads: int
    plain: EstimateView
    alike: EstimateView | None
    alike_in: list[str]
    p: float
    q: float


class ConversionData(TypedDict):
    """What became of leads besides the groups: all of them, and what is more than chance.

    `base`: shares are of those `decided` (won or lost), or of `all` where no loss is written down; null with
    fewer than 20 decided, when nothing is compared. `comparisons` were corrected for together.
    """

    all: ConversionRow
    left_out: int
    base: str | None
    comparisons: int
    compared: list[ComparedView]
    moves: list[MoveView]
    poor_sources: list[PoorSourceView]
    response: ResponseView | None


_COUNTS = ("leads", "open", "won", "lost", "valued")
COLUMNS: Mapping[str, ColumnType] = {
    **dict.fromkeys(ConversionRow.__annotations__, "number"),
    **dict.fromkeys(("value", "name"), "text"),
    **dict.fromkeys(_COUNTS, "integer"),
    **dict.fromkeys(("is_small", "stands_out"), "boolean"),
}


def _row(name: str, one: Figures) -> ConversionRow:
    rate = one.rate
    gap = rate.gap if rate is not None else None
    row = {
        "value": one.value,
        "name": name,
        "leads": one.leads,
        "open": one.open,
        "won": one.won,
        "lost": one.lost,
        **_ends("share", one.share),
        "is_small": one.is_small,
        **_ends("share_of_all", one.of_all),
        **_ends("drawn_share", rate.shrunk if rate is not None else None),
        "expected": _expected(one),
        **_ends("difference", gap),
        "p": rate.p if rate is not None and gap is not None else None,
        "q": rate.q if rate is not None and gap is not None else None,
        "stands_out": rate is not None and rate.stands_out,
    }
    for days, known in zip(WITHIN_DAYS, one.within, strict=True):
        row |= _ends(f"won_{days}_days", known)
    row |= _ends("days_to_win", one.days, 3)
    row |= {"value_won": round(one.value_won, 2), "valued": one.valued}
    return cast(ConversionRow, row | _ends("value_mean", one.value_mean, 2))


def _expected(one: Figures) -> float | None:
    """What the others win of such leads: the share less the difference."""
    if one.share is None or one.rate is None or one.rate.gap is None:
        return None
    return round(min(1.0, max(0.0, one.share.value - one.rate.gap.value)), 6)


def _ends(name: str, one: Estimate | None, digits: int = 6) -> dict[str, Any]:
    """A figure and the ends of its interval; an end that is not known is null."""
    ends = (one.value, one.low, one.high) if one is not None else (None, None, None)
    names = (name, f"{name}_low", f"{name}_high")
    return {
        key: round(end, digits) if end is not None and isfinite(end) else None
        for key, end in zip(names, ends, strict=True)
    }


def _data(found: ConversionReport) -> ConversionData:
    conversion = found.found
    return {
        "all": _row(_("all"), found.all),
        "left_out": found.left_out,
        "base": conversion.base if conversion is not None else None,
        "comparisons": found.tests,
        "compared": [_compared(one) for one in conversion.dimensions] if conversion is not None else [],
        "moves": [_move(one) for one in found.moves],
        "poor_sources": [_poor_source(one) for one in found.poor_sources],
        "response": _response(found.response) if found.response is not None else None,
    }


def _compared(one: Dimension) -> ComparedView:
    return {
        "by": one.role,
        "groups": len(one.groups),
        "p": one.p,
        "q": one.q,
        "is_finding": one.is_finding,
        "alike_in": list(one.alike.compared) if one.by_like and one.alike is not None else [],
    }


def _move(one: Move) -> MoveView:
    return {
        "segment": one.segment,
        "team": one.team,
        "other": one.other,
        **_pair(one.counts),
        "gap": _estimate(one.gap),
        "elsewhere": _estimate(one.elsewhere) if one.elsewhere is not None else None,
        "alike_in": list(one.compared),
        "q": one.q,
    }


def _poor_source(one: PoorSource) -> PoorSourceView:
    return {
        "source": one.source,
        **_pair(one.counts),
        "gap": _estimate(one.gap),
        "by": one.by,
        "below": one.below,
        "workers": one.workers,
        "q": one.q,
    }


class _PairView(TypedDict):
    won: int
    leads: int
    other_won: int
    other_leads: int


def _pair(counts: Pair) -> _PairView:
    return {
        "won": counts.won,
        "leads": counts.count,
        "other_won": counts.other_won,
        "other_leads": counts.other_count,
    }


def _response(one: Effect) -> ResponseView:
    return {
        "seconds": one.threshold,
        "fast_won": one.fast.won,
        "fast_leads": one.fast.count,
        "slow_won": one.slow.won,
        "slow_leads": one.slow.count,
        "plain": _estimate(one.plain),
        "alike": _estimate(one.alike) if one.alike is not None else None,
        "alike_in": list(one.compared),
        "p": one.p,
        "q": one.q,
    }


def _estimate(one: Estimate) -> EstimateView:
    return {
        "value": round(one.value, 6),
        "low": round(one.low, 6),
        "high": round(one.high, 6),
        "count": one.count,
    }


KIND = Kind(
    "conversion",
    N_("Conversion"),
    N_("Who wins how many leads, how soon, worth how much, and what of it is more than chance?"),
    DIMENSIONS,
    COLUMNS,
    make,
    ConversionData,
    days=365,
)
