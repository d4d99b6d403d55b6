"""`leadlane route`: a file of leads is routed, and a summary says what became of them."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.table import Table
from rich.text import Text

from leadlane import config
from leadlane.app import App, open_app
from leadlane.cli.check import print_problems, read_file
from leadlane.core.decide import Rulebook
from leadlane.i18n import _, ngettext
from leadlane.policy.problems import PolicyErrors
from leadlane.service import given_rules
from leadlane.service.roster import RosterErrors
from leadlane.service.route_file import LeadFile, route_file
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.scratch import scratch
from leadlane.service.summary import Section, Summary, automation_line, sections
from leadlane.store.db import connect

HELP = _("Route a file of leads (CSV, JSON, JSON lines): each gets an owner and a reason.")
INTERRUPTED = 130
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def route(
    leads: str = typer.Argument(help=_("The file; - for standard input.")),
    mapping: list[str] = typer.Option(
        [],
        "--map",
        metavar="FIELD=COLUMN",
        help=_("Which column a field is in, where its name does not say; FIELD= leaves a field out."),
    ),
    signals: str | None = typer.Option(
        None, help=_("The column that holds signals, or the name of a signal that every row carries.")
    ),
    policy: Path | None = typer.Option(None, help=_("The policy to route by; must be in force, or new.")),
    roster: Path | None = typer.Option(None, help=_("The roster to route to; must be in force, or new.")),
    at: str | None = typer.Option(None, metavar="TIME", help=_("Decide as of this moment instead of now.")),
    dry_run: bool = typer.Option(False, "--dry-run", help=_("Only say what would happen; change nothing.")),
    out: Path | None = typer.Option(None, help=_("Write a line for each row: .csv or .jsonl")),
    day_first: bool | None = typer.Option(
        None, "--day-first/--month-first", help=_("How 03/02/2026 is meant."), show_default=False
    ),
    decimal: str | None = typer.Option(
        None, help=_("The mark before decimals, . or , where numbers such as 1.000 could be either.")
    ),
    encoding: str | None = typer.Option(None, help=_("The encoding of the file, such as cp1250.")),
) -> None:
    """Routes the leads and prints the summary. Exits with 1 on failure and 130 when it was interrupted."""
    if decimal not in (None, ".", ","):
        raise typer.BadParameter(_("It is . or ,"), param_hint="--decimal")
    file = LeadFile(leads, dict(_pair(text) for text in mapping), signals, encoding, decimal, day_first)
    rules, people = (
        given_rules.Text(read_file(path), str(path)) if path else None for path in (policy, roster)
    )
    with open_app(config.settings()) as app, _database(app, dry_run) as url:
        # Revisions of a trial are not those of the database: its rules are kept apart from the app's.
        books = Rulebooks()
        try:
            with connect(url) as connection:
                given_rules.use_rules(
                    connection, rules, people, getpass.getuser(), app.now(), replace=dry_run
                )
        except (PolicyErrors, RosterErrors) as error:
            print_problems(error.problems, {text.source: text.content for text in (rules, people) if text})
            raise typer.Exit(1) from None
        summary = _with_progress(url, books, file, app.now, at, out, keep_refused=not dry_run)
        with connect(url) as connection:
            book = books.current(connection)
    _print(summary, book, file, dry_run)
    if summary.interrupted:
        raise typer.Exit(INTERRUPTED)


def _pair(text: str) -> tuple[str, str]:
    field, equals, column = text.partition("=")
    if not equals or not field.strip():
        raise typer.BadParameter(
            _("“{text}” is not FIELD=COLUMN, such as email=Mail").format(text=text), param_hint="--map"
        )
    return field.strip(), column.strip()


@contextmanager
def _database(app: App, dry_run: bool) -> Iterator[str]:
    if not dry_run:
        yield app.url
        return
    with scratch(app.url) as url:
        yield url


def _with_progress(
    url: str,
    books: Rulebooks,
    file: LeadFile,
    now: Callable[[], datetime],
    at: str | None,
    out: Path | None,
    *,
    keep_refused: bool,
) -> Summary:
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]}", markup=False),
    )
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task(_("Routing {file}").format(file=file.name), total=None, rows="")

        def show(read: int, size: int | None, rows: int) -> None:
            done = ngettext("{n} row", "{n} rows", rows).format(n=f"{rows:,}")
            progress.update(task, completed=read, total=size, rows=done)

        return route_file(url, books, file, now, at=at, out=out, on_progress=show, keep_refused=keep_refused)


def _print(summary: Summary, book: Rulebook, file: LeadFile, dry_run: bool) -> None:
    total = ngettext("{n} row of {file}", "{n} rows of {file}", summary.total)
    console.print(Text(total.format(n=f"{summary.total:,}", file=file.name), style="bold"))
    if dry_run:
        console.print(Text(_("Dry run: this is what would happen; nothing is changed."), style="yellow"))
    console.print()
    names = {person.id: person.name for person in book.roster.people.values()}
    for section in sections(summary, book.policy, names):
        _print_section(section)
    if line := automation_line(summary, book.policy):
        console.print(Text(line, style="bold"), soft_wrap=True)
    for note in summary.notes:
        console.print(Text(_("Note: {text}").format(text=note), style="yellow"), soft_wrap=True)
    if summary.rejects:
        if dry_run:
            said = _("The refused rows are not written down; a real run puts them into {file}.")
        else:
            said = _("The refused rows are in {file}: correct them there and route that file.")
        console.print(Text(said.format(file=summary.rejects), style="yellow"), soft_wrap=True)
    if summary.interrupted:
        said = _("Interrupted after row {row}. Start the same command again: it continues where it stopped.")
        console.print(Text(said.format(row=summary.last_row), style="bold yellow"), soft_wrap=True)


def _print_section(section: Section) -> None:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(justify="right", min_width=9)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold", style="dim")
    for line in section.lines:
        table.add_row(f"{line.count:,}", Text(line.label), Text(line.note))
    console.print(Text(section.heading, style="bold cyan"))
    console.print(table)
    console.print()
