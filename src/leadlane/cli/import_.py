"""`leadlane import`: accounts, people and contacts come over from an export of the CRM."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable, Iterable
from typing import Protocol

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.table import Table
from rich.text import Text

from leadlane import config
from leadlane.app import App, open_app
from leadlane.errors import LeadlaneError
from leadlane.i18n import _, ngettext
from leadlane.intake.import_columns import Kind
from leadlane.service.importing.difference import Change, Difference
from leadlane.service.importing.run import ImportFile, import_file
from leadlane.store.db import connect

INTERRUPTED = 130
SHOWN = 20
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

app = typer.Typer(
    help=_("Bring accounts, people and contacts over from an export of the CRM; safe to repeat."),
    no_args_is_help=True,
)


def _command(kind: Kind) -> Callable[..., None]:
    """The command that imports this kind."""

    def command(
        file: str = typer.Argument(help=_("The file (CSV, JSON, JSON lines); - for standard input.")),
        mapping: list[str] = typer.Option(
            [],
            "--map",
            metavar="FIELD=COLUMN",
            help=_("Which column a field is in, where its name does not say; FIELD= leaves a field out."),
        ),
        dry_run: bool = typer.Option(False, "--dry-run", help=_("Only show the difference; change nothing.")),
        yes: bool = typer.Option(
            False, "--yes", "-y", help=_("Write at once, without showing the difference and asking first.")
        ),
        clear_empty: bool = typer.Option(
            False,
            "--clear-empty",
            help=_("An empty cell empties what is stored; without this it leaves it."),
        ),
        everything: bool = typer.Option(
            False, "--all", help=_("Show every change and every refused row, not only the first.")
        ),
        encoding: str | None = typer.Option(None, help=_("The encoding of the file, such as cp1250.")),
    ) -> None:
        columns = dict(map(_pair, mapping))
        _import(ImportFile(kind, file, columns, encoding, clear_empty), dry_run, yes, everything)

    return command


app.command("accounts", help=_("Import companies: whose they are, and by which domains they are known."))(
    _command("accounts")
)
app.command("people", help=_("Import people and their teams into the roster."))(_command("people"))
app.command("contacts", help=_("Import the persons that are known at accounts."))(_command("contacts"))


def _pair(text: str) -> tuple[str, str]:
    field, equals, column = text.partition("=")
    if not equals or not field.strip():
        raise typer.BadParameter(
            _("“{text}” is not FIELD=COLUMN, such as owner=Seller").format(text=text), param_hint="--map"
        )
    return field.strip(), column.strip()


def _import(file: ImportFile, dry_run: bool, yes: bool, everything: bool) -> None:
    """Shows the difference, and writes it after a yes. Exits with 1 on a no, 130 when it was interrupted."""
    if not (dry_run or yes) and (file.path == "-" or not sys.stdin.isatty()):
        raise LeadlaneError(
            _("Nobody can be asked here whether to import."),
            _("Say --yes to import at once, or --dry-run to see what would change."),
        )
    shown = None if everything else SHOWN
    with open_app(config.settings()) as opened:
        if not yes:
            difference = _with_progress(opened, file, shown, dry_run=True)
            _print(difference, file, _("Dry run: this is what would change."))
            if difference.interrupted:
                raise typer.Exit(INTERRUPTED)
            if dry_run or (difference.is_empty and not difference.refused):
                return
            # Refused rows are written down even where nothing else is to be done.
            if not difference.is_empty and not typer.confirm(_("Import?")):
                raise typer.Exit(1)
        difference = _with_progress(opened, file, shown, dry_run=False)
    if yes:
        _print(difference, file, "")
    else:
        _print_totals(difference)
        _print_end(difference, refused_are_kept=True)
    if difference.interrupted:
        raise typer.Exit(INTERRUPTED)


def _with_progress(opened: App, file: ImportFile, shown: int | None, *, dry_run: bool) -> Difference:
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]}", markup=False),
    )
    with (
        connect(opened.url, autocommit=True) as connection,
        Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress,
    ):
        title = _("Comparing {file}") if dry_run else _("Importing {file}")
        task = progress.add_task(title.format(file=file.name), total=None, rows="")

        def show(read: int, size: int | None, rows: int) -> None:
            done = ngettext("{n} row", "{n} rows", rows).format(n=f"{rows:,}")
            progress.update(task, completed=read, total=size, rows=done)

        by, now = getpass.getuser(), opened.now()
        return import_file(connection, file, by, now, dry_run=dry_run, shown=shown, on_progress=show)


def _print(difference: Difference, file: ImportFile, what: str) -> None:
    total = ngettext("{n} row of {file}", "{n} rows of {file}", difference.total)
    console.print(Text(total.format(n=f"{difference.total:,}", file=file.name), style="bold"))
    if what:
        console.print(Text(what, style="yellow"))
    console.print()
    _print_changes(difference)
    _print_refusals(difference)
    _print_totals(difference)
    _print_end(difference, refused_are_kept=not what)


def _print_changes(difference: Difference) -> None:
    for is_new, heading in ((True, _("New")), (False, _("Changed"))):
        listed = [change for change in difference.changes if change.is_new is is_new]
        if not listed:
            continue
        console.print(Text(heading, style="bold cyan"))
        for change in listed:
            _print_change(change)
        console.print()
    hidden = difference.new.total() + difference.changed.total() - len(difference.changes)
    _print_hidden(hidden, ngettext("… and {n} change more: --all", "… and {n} changes more: --all", hidden))


def _print_change(change: Change) -> None:
    title = f"{change.id}  {change.name}" if change.name != change.id else change.id
    what = (_new if change.is_new else _changed)(change.kind, 1)
    console.print(Text.assemble("  ", (title, "bold"), "  ", (what, "dim")))
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(min_width=10, style="dim")
    table.add_column(overflow="fold")
    for one in change.fields:
        if change.is_new and one.new in ("", "false"):
            continue
        old = Text(one.old or "–", style="red")
        values = Text(one.new) if change.is_new else Text.assemble(old, " → ", (one.new or "–", "green"))
        table.add_row(f"    {one.field}", values)
    if table.row_count:
        console.print(table)


def _new(kind: str, n: int) -> str:
    match kind:
        case "account":
            return ngettext("new account", "new accounts", n)
        case "contact":
            return ngettext("new contact", "new contacts", n)
        case "person":
            return ngettext("new person", "new people", n)
    return ngettext("new team", "new teams", n)


def _changed(kind: str, n: int) -> str:
    match kind:
        case "account":
            return ngettext("changed account", "changed accounts", n)
        case "contact":
            return ngettext("changed contact", "changed contacts", n)
    return ngettext("changed person", "changed people", n)


def _print_refusals(difference: Difference) -> None:
    if not difference.refused:
        return
    print_refused(console, difference.refusals, by_line=difference.by_line)
    console.print()
    hidden = difference.refused - len(difference.refusals)
    _print_hidden(hidden, ngettext("… and {n} row more: --all", "… and {n} rows more: --all", hidden))


class Refused(Protocol):
    """A row that was refused: where it stands, and why."""

    @property
    def place(self) -> int: ...
    @property
    def reason(self) -> str: ...


def print_refused(console: Console, refusals: Iterable[Refused], *, by_line: bool) -> None:
    """The rows that were refused, by line of the file or by row of the list."""
    console.print(Text(_("Refused"), style="bold cyan"))
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(justify="right", min_width=9)
    table.add_column(overflow="fold")
    place = _("line {n}") if by_line else _("row {n}")
    for one in refusals:
        table.add_row(place.format(n=f"{one.place:,}"), Text(one.reason))
    console.print(table)


def _print_hidden(count: int, words: str) -> None:
    if count > 0:
        console.print(Text("  " + words.format(n=f"{count:,}"), style="dim"))
        console.print()


def _print_totals(difference: Difference) -> None:
    rows = [(count, _new(kind, count)) for kind, count in difference.new.items()]
    rows += [(count, _changed(kind, count)) for kind, count in difference.changed.items()]
    rows += [(difference.unchanged, _("unchanged")), (difference.refused, _("refused"))]
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(justify="right", min_width=9)
    table.add_column()
    for count, label in rows:
        table.add_row(f"{count:,}", Text(label))
    console.print(table)


def _print_end(difference: Difference, *, refused_are_kept: bool) -> None:
    for note in difference.notes:
        console.print(Text(_("Note: {text}").format(text=note), style="yellow"), soft_wrap=True)
    if difference.rejects:
        if refused_are_kept:
            said = _("The refused rows are in {file}: correct them there and import that file.")
        else:
            said = _("The refused rows are not written down; a real run puts them into {file}.")
        console.print(Text(said.format(file=difference.rejects), style="yellow"), soft_wrap=True)
    if difference.interrupted:
        said = _("Interrupted after {n} rows. Start the same command again: what is there is not made twice.")
        console.print(Text(said.format(n=f"{difference.total:,}"), style="bold yellow"), soft_wrap=True)
