"""`leadlane review`: what should be changed after a quarter, what is it worth, and what is decided of it?"""

from __future__ import annotations

import getpass
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import typer
from psycopg import Connection
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.text import Text

from leadlane import config
from leadlane.app import open_app
from leadlane.cli.sections import print_report
from leadlane.errors import LeadlaneError
from leadlane.i18n import N_, _, ngettext

if TYPE_CHECKING:
    from leadlane.insight.section import Report as Document
    from leadlane.service.quarterly.quarter import Item, Quarterly, Report

HELP = _("Review a quarter: ranked findings, each with a change tried out on the leads of the quarter.")
_MORE = N_("… more in the document (--out)")
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)
_SHOWN_ROWS = 6
# In characters; file systems take 255 bytes.
_LONGEST_NAME = 60
_ONLY_IN_THE_DOCUMENT = frozenset(("method",))
_STYLES = {"+": "green", "-": "red", "@": "cyan"}

_PERIOD = typer.Option(
    None, help=_("A quarter, year or month: 2026Q1, 2026, 2026-03. Else the last full quarter.")
)
_ASSUME = typer.Option(
    [], "--assume", metavar="NAME=VALUE", help=_("Change an assumption: deal_value=12000, or 8000..15000.")
)
_WRITE = typer.Option(None, help=_("Write the changed policy and roster of each proposal into this folder."))
_ACCEPT = typer.Option(
    None, metavar="KEY", help=_("Put the proposal of this finding into a draft; nothing is published.")
)
_DISMISS = typer.Option(None, metavar="KEY", help=_("Dismiss this finding; the next review remembers why."))
_USER = typer.Option(None, help=_("For --accept: the user, by e-mail address, whose draft it goes into."))


def review(
    period: str | None = _PERIOD,
    out: Path | None = typer.Option(None, help=_("Write the review as one HTML document.")),
    as_json: bool = typer.Option(False, "--json", help=_("Print everything as JSON.")),
    write: Path | None = _WRITE,
    assume: list[str] = _ASSUME,
    accept: str | None = _ACCEPT,
    dismiss: str | None = _DISMISS,
    reason: str = typer.Option("", help=_("Why it is accepted or dismissed.")),
    user: str | None = _USER,
) -> None:
    """Prints the review of a period, and writes its document and files where they are asked for."""
    # Imported here because numpy and scipy take a moment, which no other command should pay.
    from leadlane.service.quarterly import quarter_verbs
    from leadlane.service.quarterly.quarter import as_json as plain
    from leadlane.service.quarterly.quarter import review_period

    if accept and dismiss:
        raise typer.BadParameter(_("Either accept, or dismiss."), param_hint="--accept, --dismiss")
    given = dict(_assumption(text) for text in assume)
    with open_app(config.settings()) as opened, opened.pool.connection() as connection:
        now, book = opened.now(), opened.books.current(connection)
        name, meant = review_period(period, book, now)
        made = quarter_verbs.kept(connection, name) if accept or dismiss else None
        if made is None:
            with _progress() as show:
                made = quarter_verbs.make_and_keep(connection, book, meant, name, now, show, given)
        if accept or dismiss:
            _decide(connection, made, accept, dismiss, reason, user, now)
            return
        document = quarter_verbs.document(connection, book, made)
    if as_json:
        typer.echo(orjson.dumps(plain(made), option=orjson.OPT_INDENT_2).decode())
    else:
        print_report(document, _MORE, _ONLY_IN_THE_DOCUMENT, most_rows=_SHOWN_ROWS, has_tiles=True)
        _print_changes(made)
    if out is not None:
        _write_document(out, document)
    if write is not None:
        _write_files(write, made)


# ---------------------------------------------------------------- verdicts


def _decide(
    connection: Connection,
    made: Quarterly,
    accepted: str | None,
    dismissed: str | None,
    reason: str,
    user: str | None,
    now: datetime,
) -> None:
    from leadlane.service import users
    from leadlane.service.quarterly import quarter_verbs, review_verdicts

    by = getpass.getuser()
    if dismissed is not None:
        item = quarter_verbs.item_of(made, dismissed)
        review_verdicts.give(connection, item.finding, made.name, "dismissed", by, reason, now)
        console.print(Text(_("Dismissed: {title}").format(title=item.finding.title)), soft_wrap=True)
        return
    assert accepted is not None  # one of the two was given
    if user is None:
        raise typer.BadParameter(_("Say whose draft it goes into."), param_hint="--user")
    owner = users.find(connection, user)
    item = quarter_verbs.item_of(made, accepted)
    quarter_verbs.accept(connection, item, made.name, owner.id, owner.email, reason, now)
    _print_accepted(item, owner.email)


def _print_accepted(item: Item, email: str) -> None:
    proposal = item.finding.proposal
    assert proposal is not None  # else it could not be accepted
    console.print(Text(_("Accepted: {title}").format(title=proposal.title), style="bold"), soft_wrap=True)
    if proposal.policy:
        text = _("It is in the draft of {user} in the policy workshop; nothing is published yet.")
        console.print(Text(text.format(user=email)), soft_wrap=True)
    if proposal.roster:
        text = _(
            "The roster is as it was. Write the changed one with --write, look at it, and import it: "
            "leadlane policy publish POLICY.yaml --roster roster.yaml"
        )
        console.print(Text(text), soft_wrap=True)


# ---------------------------------------------------------------- files and terminal


def _write_document(path: Path, document: Document) -> None:
    from leadlane.insight.page import page
    from leadlane.service.reporting.report_files import write_file

    _make_folder(path.parent)
    write_file(path, page(document).encode())
    console.print(Text(_("The review is in {file}.").format(file=path), style="bold"), soft_wrap=True)


def _write_files(folder: Path, made: Quarterly) -> None:
    """A folder for each proposal, named by its finding's key."""
    from leadlane.service.quarterly.quarter_verbs import files_of
    from leadlane.service.reporting.report_files import write_file

    count = 0
    taken: set[Path] = set()
    for item in made.items:
        files = files_of(item)
        place = _own_folder(folder, item.finding.key, taken) if files else folder
        for name, text in files.items():
            _make_folder(place)
            write_file(place / name, text.encode())
            count += 1
    said = ngettext("{n} file is in {folder}.", "{n} files are in {folder}.", count)
    console.print(Text(said.format(n=count, folder=folder), style="bold"), soft_wrap=True)


def _own_folder(folder: Path, key: str, taken: set[Path]) -> Path:
    """A folder named by a key, as far as files may be named so, that no other key has."""
    name = re.sub(r"[^\w.-]+", "-", key)[:_LONGEST_NAME]
    found, number = folder / name, 2
    while found in taken:
        found, number = folder / f"{name}-{number}", number + 1
    taken.add(found)
    return found


def _make_folder(place: Path) -> None:
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LeadlaneError(
            _("{file} cannot be written: {reason}").format(file=place, reason=error.strerror),
            _("Check the folder and its permissions."),
        ) from None


def _print_changes(made: Quarterly) -> None:
    """The changes as YAML, each with the key by which it is accepted or dismissed."""
    for item in made.items:
        console.print(Text.assemble((item.finding.key, "bold"), "  ", item.finding.title), soft_wrap=True)
        for line in item.tried.lines if item.tried else ():
            style = _STYLES.get(line[:1], "dim")
            # Whole, however long: what differs may be at its end.
            console.print(Text(f"  {line}", style=style), soft_wrap=True)
    if made.items:
        console.print(
            Text(_("Decide: --accept KEY --user E-MAIL, or --dismiss KEY --reason WHY"), style="dim")
        )


def _assumption(text: str) -> tuple[str, tuple[float, float, float]]:
    from leadlane.insight.costs import read_assumption
    from leadlane.service.quarterly.review_basis import REVIEW_ASSUMPTIONS

    try:
        return read_assumption(text, REVIEW_ASSUMPTIONS)
    except ValueError:
        raise typer.BadParameter(
            _("“{text}” is not NAME=VALUE or NAME=LOW..HIGH; the names are {names}").format(
                text=text, names=", ".join(REVIEW_ASSUMPTIONS)
            ),
            param_hint="--assume",
        ) from None


@contextmanager
def _progress() -> Iterator[Report]:
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task(_("Deciding again"), total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
