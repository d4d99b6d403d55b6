"""When does somebody work in a week? From `{mon-fri: ["09:00-17:00"]}` to seven days of minutes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, cast

from leadlane.core.facts import Blocks, WeeklyHours
from leadlane.i18n import _
from leadlane.policy.problems import quoted

DEFAULT_HOURS: dict[str, Any] = {"mon-fri": ["09:00-17:00"]}
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONG = {
    "monday": "mon",
    "tuesday": "tue",
    "wednesday": "wed",
    "thursday": "thu",
    "friday": "fri",
    "saturday": "sat",
    "sunday": "sun",
}
_BLOCK = re.compile(r"\s*(\d{1,2}):(\d\d)\s*[-–]\s*(\d{1,2}):(\d\d)\s*")
_DAY_MINUTES = 24 * 60


class HoursError(ValueError):
    """Hours that cannot be read; `found` and `expected` are translated texts."""

    def __init__(self, found: str, expected: str) -> None:
        super().__init__(f"{found}; {expected}")
        self.found, self.expected = found, expected


def weekly_hours(spec: Mapping[str, Any]) -> WeeklyHours:
    """The working time of each weekday, Monday first, as sorted (opens, closes) in minutes since midnight.

    Keys are days or ranges of days (`mon-fri`, `sat`, `sun-thu`), values one block (`"09:00-17:00"`) or a
    list of them; a block that ends before it begins passes midnight and closes above 1440. Raises HoursError.
    """
    week: list[list[tuple[int, int]]] = [[] for _day in DAYS]
    for key, written in spec.items():
        blocks = [_block(block) for block in (written if isinstance(written, list) else [written])]
        for day in _days(key):
            week[day] += blocks
    if not any(week):
        raise HoursError(_("no working hours"), _("at least one day with hours"))
    _refuse_overlap(week)
    return cast("WeeklyHours", tuple(cast("Blocks", tuple(sorted(day))) for day in week))


def _days(key: str) -> list[int]:
    names = [
        _LONG.get(name.strip(), name.strip()) for name in str(key).casefold().replace("–", "-").split("-")
    ]
    if len(names) > 2 or not all(name in DAYS for name in names):
        raise HoursError(quoted(key), _("a day or days such as `mon-fri`, `sat` or `sun-thu`"))
    first, last = DAYS.index(names[0]), DAYS.index(names[-1])
    return [(first + i) % 7 for i in range((last - first) % 7 + 1)]


def _block(written: Any) -> tuple[int, int]:
    match = _BLOCK.fullmatch(written) if isinstance(written, str) else None
    expected = _('hours such as "09:00-17:00"; an end may be 24:00 or past midnight')
    if not match:
        raise HoursError(quoted(written), expected)
    opens, closes = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
    minutes_exist = int(match[2]) < 60 and int(match[4]) < 60
    if not minutes_exist or opens >= _DAY_MINUTES or closes > _DAY_MINUTES or opens == closes:
        raise HoursError(quoted(written), expected)
    return opens, closes if closes > opens else closes + _DAY_MINUTES


def _refuse_overlap(week: list[list[tuple[int, int]]]) -> None:
    spans = sorted(
        (day * _DAY_MINUTES + opens, day * _DAY_MINUTES + closes)
        for day, blocks in enumerate(week)
        for opens, closes in blocks
    )
    # Sunday night runs into Monday.
    spans.append((spans[0][0] + 7 * _DAY_MINUTES, spans[0][1] + 7 * _DAY_MINUTES))
    for (_opens, closes), (opens, _closes) in pairwise(spans):
        if opens < closes:
            day = DAYS[opens // _DAY_MINUTES % 7]
            raise HoursError(_("overlapping hours on {day}").format(day=day), _("each hour once"))
