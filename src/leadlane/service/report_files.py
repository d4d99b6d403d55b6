"""How does a report on promises leave Leadlane? Rows with columns that stay, as JSON, CSV or Parquet."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from io import StringIO
from math import inf, isinf
from pathlib import Path
from typing import cast

from typing_extensions import TypedDict

from leadlane.core.facts import Roster
from leadlane.errors import LeadlaneError
from leadlane.explain.service_levels import value_words
from leadlane.i18n import _
from leadlane.insight.proportions import Estimate
from leadlane.insight.service_levels import Coaching, Figures
from leadlane.service.records_out import FORMULA_STARTS
from leadlane.service.service_levels import ServiceLevels

_MINUTE = 60


class ServiceLevelRow(TypedDict):
    """How the promises of one group were kept. docs/reports.md says what each column means.

    `value` is null where there is none; times are medians, null where fewer than half have come to an end.
    """

    since: datetime
    until: datetime
    by: str
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


class ServiceLevelsView(TypedDict):
    """How promises were kept in a period: all, by group, by week, and who misses beyond chance."""

    all: ServiceLevelRow
    groups: list[ServiceLevelRow]
    weeks: list[ServiceLevelRow]
    compared: int
    beyond_chance: list[BeyondChanceView]


COLUMNS = tuple(ServiceLevelRow.__annotations__)


def view(report: ServiceLevels, roster: Roster) -> ServiceLevelsView:
    """The report as JSON tells it."""
    return {
        "all": _row(report, "all", None, _("all"), report.all),
        "groups": rows(report, roster),
        "weeks": [_row(report, "week", one.value, one.value or "", one.figures) for one in report.weeks],
        "compared": report.compared,
        "beyond_chance": [_beyond(one, roster) for one in report.coaching],
    }


def rows(report: ServiceLevels, roster: Roster) -> list[ServiceLevelRow]:
    """A row for each group of the report."""
    by = report.by
    return [
        _row(report, by, one.value, value_words(by, one.value, roster), one.figures) for one in report.groups
    ]


def _row(report: ServiceLevels, by: str, value: str | None, name: str, one: Figures) -> ServiceLevelRow:
    row = {
        "since": report.period.since,
        "until": report.period.until,
        "by": by,
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


# ---------------------------------------------------------------- files


def csv_text(listed: Iterable[ServiceLevelRow]) -> str:
    """The rows as CSV, with a heading; what is null is empty, moments are ISO 8601 in UTC."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(_cells(one) for one in listed)
    return out.getvalue()


def _cells(row: ServiceLevelRow) -> Iterator[object]:
    for value in row.values():
        match value:
            case None:
                yield ""
            case bool():
                yield "true" if value else "false"
            case datetime():
                yield _iso(value)
            case str() if value.startswith(FORMULA_STARTS):
                yield f"'{value}"
            case _other:
                yield value


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


_PARQUET_TYPES = {
    **dict.fromkeys(COLUMNS, "DOUBLE"),
    **dict.fromkeys(("since", "until"), "TIMESTAMPTZ"),
    **dict.fromkeys(("by", "value", "name"), "VARCHAR"),
    **dict.fromkeys(("promises", "kept", "missed", "ended", "answered", "told"), "BIGINT"),
    "is_small": "BOOLEAN",
}


def write_parquet(listed: Sequence[ServiceLevelRow], path: Path) -> None:
    """Write the rows as Parquet, with the types of their columns. LeadlaneError where it cannot be."""
    # Imported here because few exports are Parquet.
    import duckdb

    columns = ", ".join(f'"{name}" {type_}' for name, type_ in _PARQUET_TYPES.items())
    marks = ", ".join("?" for _name in COLUMNS)
    with tempfile.TemporaryDirectory(dir=path.parent if path.parent.is_dir() else None) as folder:
        made = Path(folder) / "report.parquet"
        try:
            with duckdb.connect() as writer:
                writer.execute("SET TimeZone = 'UTC'")
                writer.execute(f"CREATE TABLE report ({columns})")
                if listed:
                    values = [list(one.values()) for one in listed]
                    writer.executemany(f"INSERT INTO report VALUES ({marks})", values)
                writer.table("report").write_parquet(str(made))
            made.replace(path)
        except (duckdb.Error, OSError) as error:
            raise LeadlaneError(
                _("{file} cannot be written: {detail}").format(file=path, detail=error)
            ) from None
