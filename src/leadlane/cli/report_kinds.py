"""What does `leadlane report NAME` do? A command for every kind of report."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, Signature
from pathlib import Path
from typing import Any, Literal

import typer

from leadlane import config
from leadlane.app import open_app
from leadlane.cli.sections import print_report
from leadlane.errors import LeadlaneError
from leadlane.i18n import N_, _
from leadlane.service.reporting import reports
from leadlane.service.reporting.report_files import csv_text, parquet_bytes, write_file
from leadlane.service.reporting.report_kind import Asked, Kind, Made
from leadlane.service.reporting.reports import KINDS, Question
from leadlane.store.codec import encode

app = typer.Typer()

_MORE, _MOST_ROWS = N_("… more in the files (--csv, --parquet)"), 50
_PERIOD: dict[str, tuple[Any, Any]] = {
    "period": (
        str | None,
        typer.Option(None, help=_("A year, quarter, month, or days until now: 2026, 2026Q1, 2026-03, 90d.")),
    ),
    "since": (str | None, typer.Option(None, help=_("Instead of a period: from this date on."))),
    "until": (str | None, typer.Option(None, help=_("Instead of a period: until the end of this date."))),
}
_FILES: dict[str, tuple[Any, Any]] = {
    "csv": (Path | None, typer.Option(None, help=_("Write the groups as CSV."))),
    "parquet": (Path | None, typer.Option(None, help=_("Write the groups as Parquet."))),
    "as_json": (bool, typer.Option(False, "--json", help=_("Print everything as JSON."))),
}


def _options(kind: Kind) -> dict[str, tuple[Any, Any]]:
    """The options of a kind with their types: by what and of which team only where it can be asked that."""
    found = dict(_PERIOD)
    if kind.dimensions:
        by: Any = Literal[tuple(kind.dimensions)]
        found["by"] = (by, typer.Option(next(iter(kind.dimensions)), help=_("What the groups are.")))
    if kind.is_of_team:
        found["team"] = (str | None, typer.Option(None, help=_("Only what this team has (its id).")))
    return found | _FILES


def _command(kind: Kind) -> Callable[..., None]:
    """What `leadlane report NAME` does: print a report, or write it down."""

    def show(csv: Path | None, parquet: Path | None, as_json: bool, **given: str | None) -> None:
        asked, made = _make(kind, Question(**given))
        columns = reports.columns(kind)
        if csv is not None:
            write_file(csv, csv_text(columns, made.rows).encode())
        if parquet is not None:
            write_file(parquet, parquet_bytes(columns, made.rows))
        if as_json:
            typer.echo(encode(reports.as_json(kind, asked, made)).decode())
        else:
            print_report(made.report, _MORE, most_rows=_MOST_ROWS, has_tiles=True)

    # A command takes the options of its signature, and those of a kind are known only here.
    options = _options(kind)
    show.__annotations__ = {name: type_ for name, (type_, _option) in options.items()}
    show.__signature__ = Signature(  # type: ignore[attr-defined]
        [
            Parameter(name, Parameter.KEYWORD_ONLY, default=option, annotation=type_)
            for name, (type_, option) in options.items()
        ]
    )
    return show


def _make(kind: Kind, question: Question) -> tuple[Asked, Made]:
    with open_app(config.settings()) as leadlane, leadlane.pool.connection() as connection:
        now = leadlane.now()
        book = leadlane.books.current(connection)
        asked, problems = reports.understand(kind, question, book, now)
        if problems:
            text = _("--{option} “{value}”: {reason}")
            said = [text.format(option=one.field, value=one.value, reason=one.reason) for one in problems]
            raise LeadlaneError("\n".join(said))
        return asked, reports.make(connection, kind, book, asked, now)


for _kind in KINDS.values():
    app.command(_kind.name, help=_(_kind.about))(_command(_kind))
