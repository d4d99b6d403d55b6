"""How were promises kept, and where did the time go? What the page of this report shows beyond the others."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from psycopg import Connection

from leadlane.core.rulebook import Rulebook
from leadlane.explain.service_levels import (
    beyond_words,
    compared_words,
    dimension_words,
    help_words,
    pattern_words,
    value_words,
)
from leadlane.i18n import _
from leadlane.insight import say
from leadlane.insight.proportions import SMALL
from leadlane.service.reporting.report_kind import Asked
from leadlane.service.reporting.service_levels import DIMENSIONS, Group, seen_by, service_levels
from leadlane.service.reporting.service_levels_report import span, span_range, standing_out
from leadlane.service.who_acts import answers_for
from leadlane.web import words
from leadlane.web.acting import actor_of
from leadlane.web.roles import Capability
from leadlane.web.session import Session


def shown(
    connection: Connection, book: Rulebook, asked: Asked, now: datetime, session: Session
) -> dict[str, Any]:
    """What the template shows to whoever looks. LeadlaneError for what cannot be told."""
    by = next(one for one in DIMENSIONS if one == asked.by)
    report = service_levels(connection, book, asked.period, now, by, asked.team)
    return {
        "found": report,
        "coaching": seen_by(report, coached_by(book, session)),
        "sees_coaching": session.may(Capability.ACT_ON_TEAM_LEADS),
        "standing_out": standing_out(report, book.roster),
        "weeks": _weeks(report.weeks, ZoneInfo(session.zone)),
        "zone": book.zone.key,
        "name_of_value": lambda value: value_words(by, value, book.roster),
        "pattern_words": lambda one: pattern_words(one, book.roster),
        "by_words": dimension_words(by),
        "compared_words": compared_words,
        "beyond_words": beyond_words,
        "help_words": help_words,
        "share_words": say.share,
        "percent": say.percent,
        "span": span,
        "range": span_range,
        "few": SMALL,
    }


def coached_by(book: Rulebook, session: Session) -> Collection[str] | None:
    """Whose missing is for whoever looks to talk about: None for an admin, everybody; nobody for most."""
    actor = actor_of(session)
    if actor.scope == "all":
        return None
    return answers_for(book.roster, actor.person) if actor.scope == "teams" and actor.person else ()


# The theme's colours come in an order: an empty series takes the one that says nothing here.
def _weeks(weeks: Collection[Group], zone: ZoneInfo) -> dict[str, Any]:
    """Kept and missed by week, as an option of ECharts, and as rows."""
    days = [words.day(date.fromisoformat(one.value or ""), zone) for one in weeks]
    kept, missed = [one.figures.kept for one in weeks], [one.figures.missed for one in weeks]
    bars = {"type": "bar", "stack": "all", "barMaxWidth": 40}
    option = {
        "tooltip": {"trigger": "axis"},
        "legend": {"data": [_("kept"), _("missed")], "top": 0},
        "xAxis": {"type": "category", "data": days},
        "yAxis": {"type": "value", "minInterval": 1},
        "series": [
            {**bars, "data": []},
            {**bars, "name": _("kept"), "data": kept},
            {**bars, "data": []},
            {**bars, "name": _("missed"), "data": missed},
        ],
    }
    shares = [say.share(one.figures.share) if one.figures.share else "–" for one in weeks]
    return {"option": option, "rows": list(zip(days, kept, missed, shares, strict=True))}
