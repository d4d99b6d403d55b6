"""`leadlane report`: how does it go? How promises were kept in a period, on the terminal and as files."""

from __future__ import annotations

from pathlib import Path

import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from leadlane import config
from leadlane.app import open_app
from leadlane.core.facts import Roster
from leadlane.errors import LeadlaneError
from leadlane.explain.service_levels import (
    beyond_words,
    compared_words,
    dimension_words,
    help_words,
    pattern_words,
    share_words,
    value_words,
)
from leadlane.explain.speech import moment_words
from leadlane.i18n import _
from leadlane.insight import say
from leadlane.insight.proportions import Estimate
from leadlane.insight.service_levels import Figures
from leadlane.service.periods import report_period
from leadlane.service.report_files import csv_text, rows, view, write_parquet
from leadlane.service.service_levels import By, ServiceLevels, service_levels
from leadlane.store.codec import encode

app = typer.Typer(help=_("Reports on what happened in a period."), no_args_is_help=True)
console = Console(highlight=False)

_PERIOD = typer.Option(
    None, help=_("A year, quarter, month, or days until now: 2026, 2026Q1, 2026-03, 90d. Else 30 days.")
)
_SINCE = typer.Option(None, help=_("Instead of a period: from this date on."))
_UNTIL = typer.Option(None, help=_("Instead of a period: until the end of this date."))


@app.command("service-levels", help=_("How promises to prospects were kept, and where the time went."))
def service_levels_report(
    period: str | None = _PERIOD,
    since: str | None = _SINCE,
    until: str | None = _UNTIL,
    by: By = typer.Option("person", help=_("What the groups are.")),
    team: str | None = typer.Option(None, help=_("Only promises of people of this team.")),
    csv: Path | None = typer.Option(None, help=_("Write the groups as CSV.")),
    parquet: Path | None = typer.Option(None, help=_("Write the groups as Parquet.")),
    as_json: bool = typer.Option(False, "--json", help=_("Print everything as JSON.")),
) -> None:
    if period and (since or until):
        raise typer.BadParameter(_("Either a period, or dates."), param_hint="--period, --since, --until")
    with open_app(config.settings()) as leadlane, leadlane.pool.connection() as connection:
        now = leadlane.now()
        book = leadlane.books.current(connection)
        meant = report_period(period, since, until, book.zone, now)
        if team is not None and team not in book.roster.teams:
            raise LeadlaneError(
                _("There is no team {team}.").format(team=team),
                _("Teams are: {names}.").format(names=", ".join(sorted(book.roster.teams))),
            )
        report = service_levels(connection, book, meant, now, by, team)
    listed = rows(report, book.roster)
    if csv is not None:
        _write(csv, csv_text(listed))
    if parquet is not None:
        write_parquet(listed, parquet)
    if as_json:
        typer.echo(encode(view(report, book.roster)).decode())
        return
    first, last = (moment_words(at, book.zone) for at in (report.period.since, report.period.until))
    console.print(Text(_("Promises that ended from {first} to {last}").format(first=first, last=last)))
    console.print(_table(report, book.roster))
    _print_findings(report, book.roster)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise LeadlaneError(
            _("{file} cannot be written: {detail}").format(file=path, detail=error.strerror)
        ) from None


def _table(report: ServiceLevels, roster: Roster) -> Table:
    table = Table(box=None, header_style="bold")
    headings = (
        dimension_words(report.by), _("kept"), _("missed"), _("share kept (95 % interval)"),
        _("response"), _("working time"), _("told → response"),
    )  # fmt: skip
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="right" if number else "left", overflow="fold")
    for group in report.groups:
        table.add_row(Text(value_words(report.by, group.value, roster)), *_cells(group.figures))
    table.add_section()
    table.add_row(Text(_("all"), style="bold"), *_cells(report.all))
    return table


def _cells(one: Figures) -> list[str]:
    return [
        say.number(one.kept),
        say.number(one.missed),
        share_words(one),
        _span(one.response),
        _span(one.response_in_hours),
        _span(one.answering),
    ]


def _span(median: Estimate | None) -> str:
    return say.span(median.value) if median is not None else "–"


def _print_findings(report: ServiceLevels, roster: Roster) -> None:
    console.print()
    for pattern in report.patterns if report.all.missed else ():
        console.print(Text(pattern_words(pattern, roster)), soft_wrap=True)
    console.print(Text(compared_words(report.compared, len(report.coaching))), soft_wrap=True)
    for one in report.coaching:
        name = value_words("person", one.person, roster)
        console.print(Text.assemble((name, "bold"), " ", beyond_words(one.beyond)), soft_wrap=True)
        for text in help_words(one):
            console.print(Padding(Text(text), (0, 0, 0, 2)), soft_wrap=True)
    notes = _(
        "Times are medians; whoever still waits is counted. “few” are fewer than 30, whose share says little."
        " Figures that go together need not be cause and effect."
    )
    console.print(Text(notes, style="dim"), soft_wrap=True)
