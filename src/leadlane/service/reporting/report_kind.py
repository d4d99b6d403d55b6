"""What is a report? What it can be asked, what it answers, and the columns that its export keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from psycopg import Connection

from leadlane.core.rulebook import Rulebook
from leadlane.insight.section import Report
from leadlane.service.reporting.periods import DEFAULT_DAYS, Span

ColumnType = Literal["text", "integer", "number", "boolean", "moment"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to know: of which period, by what ("" where a kind has no dimensions), of whom."""

    period: Span
    by: str
    team: str | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A report, made.

    `report` is what people read: page, terminal and print show the same. `rows` are the export, one a group,
    with the kind's columns; what is not known is None. `data` is what JSON tells besides the rows: findings
    with their intervals, counts and corrected p-values.
    """

    report: Report
    rows: Sequence[Mapping[str, object]]
    data: Mapping[str, object]


Make = Callable[[Connection, Rulebook, Asked, datetime], Made]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of report. One line in `service.reports` makes it a page, an address, a command and files.

    `name` stands in addresses and commands. `title`, `about` (one sentence) and the words of `dimensions` are
    to be translated where they are shown; the first dimension is the one that is meant where none is named.
    `columns` are those of the export, in order, after `since`, `until` and `by`, which every report has: they
    keep their name and meaning, new ones come at the end. `data` is the TypedDict of `Made.data`, which the
    documentation of the interface shows. `days` is the period where none is named; `is_of_team`: it can be
    narrowed to the people of a team. `make` gets the current rulebook and now; LeadlaneError for what cannot
    be told.
    """

    name: str
    title: str
    about: str
    dimensions: Mapping[str, str]
    columns: Mapping[str, ColumnType]
    make: Make
    data: Any = dict
    days: int = DEFAULT_DAYS
    is_of_team: bool = True
