"""`leadlane outcomes`: how leads ended, from an export of the CRM, also long after."""

from __future__ import annotations

import getpass

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.table import Table
from rich.text import Text

from leadlane import config
from leadlane.app import App, open_app
from leadlane.cli.import_ import print_refused
from leadlane.explain.standing import outcome_words
from leadlane.i18n import _, ngettext
from leadlane.intake.problems import shorten
from leadlane.service.late_outcomes import Reporter
from leadlane.service.outcome_file import OutcomeFile, OutcomesRead, record_file
from leadlane.store import batches
from leadlane.store.db import connect

HELP = _("Write down how leads ended, from an export of the CRM; safe to repeat.")
INTERRUPTED = 130
MOST_UNUSED = 30
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def outcomes(
    file: str = typer.Argument(help=_("The file (CSV, JSON, JSON lines, Parquet); - for standard input.")),
    mapping: list[str] = typer.Option(
        [],
        "--map",
        metavar="ROLE=COLUMN",
        help=_("Which column says what, where its name does not; ROLE= leaves a role out."),
    ),
    won: list[str] = typer.Option([], metavar="TEXT", help=_("A stage or status that means won.")),
    lost: list[str] = typer.Option([], metavar="TEXT", help=_("A stage or status that means lost.")),
    dry_run: bool = typer.Option(False, "--dry-run", help=_("Only say what would happen; change nothing.")),
    day_first: bool | None = typer.Option(
        None, "--day-first/--month-first", help=_("How 03/02/2026 is meant."), show_default=False
    ),
    decimal: str | None = typer.Option(
        None, help=_("The mark before decimals, . or , where numbers such as 1.000 could be either.")
    ),
    encoding: str | None = typer.Option(None, help=_("The encoding of the file, such as cp1250.")),
) -> None:
    """Writes the outcomes down and prints what became of them. Exits with 130 when it was interrupted."""
    if decimal not in (None, ".", ","):
        raise typer.BadParameter(_("It is . or ,"), param_hint="--decimal")
    given = OutcomeFile(file, dict(map(_pair, mapping)), won, lost, encoding, decimal, day_first)
    with open_app(config.settings()) as app:
        read = _with_progress(app, given, dry_run=dry_run)
    _print(read, given, dry_run=dry_run)
    if read.interrupted:
        raise typer.Exit(INTERRUPTED)


def _pair(text: str) -> tuple[str, str]:
    role, equals, column = text.partition("=")
    if not equals or not role.strip():
        raise typer.BadParameter(
            _("“{text}” is not ROLE=COLUMN, such as outcome=Phase").format(text=text), param_hint="--map"
        )
    return role.strip(), column.strip()


def _with_progress(app: App, file: OutcomeFile, *, dry_run: bool) -> OutcomesRead:
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]}", markup=False),
    )
    with (
        connect(app.url, autocommit=True) as connection,
        Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress,
    ):
        batches.configure(connection)
        task = progress.add_task(_("Reading {file}").format(file=file.name), total=None, rows="")

        def show(read: int, size: int | None, rows: int) -> None:
            done = ngettext("{n} row", "{n} rows", rows).format(n=f"{rows:,}")
            progress.update(task, completed=read, total=size, rows=done)

        by = Reporter(name=getpass.getuser())
        return record_file(connection, app.books, file, by, app.now(), dry_run=dry_run, on_progress=show)


def _print(read: OutcomesRead, file: OutcomeFile, *, dry_run: bool) -> None:
    total = ngettext("{n} row of {file}", "{n} rows of {file}", read.total)
    console.print(Text(total.format(n=f"{read.total:,}", file=file.name), style="bold"))
    if dry_run:
        console.print(Text(_("Dry run: this is what would happen; nothing is changed."), style="yellow"))
    _print_columns(read)
    console.print()
    _print_refusals(read)
    words = {
        "closed": _("open leads closed"),
        "corrected": _("closed leads corrected"),
        "unchanged": _("unchanged"),
        "open": _("have not ended"),
        "refused": _("refused"),
    }
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(justify="right", min_width=9)
    table.add_column()
    for name, label in words.items():
        table.add_row(f"{read.counts[name]:,}", Text(label))
    console.print(table)
    console.print()
    _print_end(read, dry_run=dry_run)


def _print_columns(read: OutcomesRead) -> None:
    """A column that was not understood costs nobody a row, and nobody would miss it without a word."""
    if read.columns:
        used = ", ".join(f"{role} = {shorten(column, 40)}" for role, column in read.columns.items())
        console.print(Text(_("Columns used: {columns}.").format(columns=used)), soft_wrap=True)
    if read.unused:
        unused = ", ".join(shorten(column, 40) for column in read.unused[:MOST_UNUSED])
        if len(read.unused) > MOST_UNUSED:
            unused += ", …"
        said = _("Columns not used: {columns}. If one is needed, say what it is: --map ROLE=COLUMN.")
        console.print(Text(said.format(columns=unused), style="yellow"), soft_wrap=True)


def _print_refusals(read: OutcomesRead) -> None:
    if not read.refusals:
        return
    print_refused(console, read.refusals, by_line=read.by_line)
    if (hidden := read.counts["refused"] - len(read.refusals)) > 0:
        more = ngettext("… and {n} row more", "… and {n} rows more", hidden).format(n=f"{hidden:,}")
        console.print(Text("  " + more, style="dim"))
    console.print()


def _print_end(read: OutcomesRead, *, dry_run: bool) -> None:
    if read.outcomes:
        said = ", ".join(f"{outcome_words(name)} {count:,}" for name, count in read.outcomes.most_common())
        console.print(Text(_("Outcomes: {outcomes}.").format(outcomes=said)), soft_wrap=True)
    if read.stages:
        said = ", ".join(f"“{stage}” {count:,}" for stage, count in read.stages.most_common())
        text = _("Taken as not ended: {stages}. If one means an end, name it: --won or --lost.")
        console.print(Text(text.format(stages=said), style="yellow"), soft_wrap=True)
    for note in read.notes:
        console.print(Text(_("Note: {text}").format(text=note), style="yellow"), soft_wrap=True)
    if read.rejects:
        if dry_run:
            said = _("The refused rows are not written down; a real run puts them into {file}.")
        else:
            said = _("The refused rows are in {file}: correct them there and give that file.")
        console.print(Text(said.format(file=read.rejects), style="yellow"), soft_wrap=True)
    if read.interrupted:
        said = _("Interrupted after {n} rows. Start the same command again: what is there is not made twice.")
        console.print(Text(said.format(n=f"{read.total:,}"), style="bold yellow"), soft_wrap=True)
