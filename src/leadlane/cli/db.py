"""`leadlane db`: bring the database up to date, look at it, save it, restore it."""

from pathlib import Path

import typer
from rich.console import Console
from rich.filesize import decimal

from leadlane import config
from leadlane.i18n import _
from leadlane.store import backup, migrate
from leadlane.store.server import ensure_database

app = typer.Typer(
    help=_("The database: bring it up to date, look at it, save it, restore it."), no_args_is_help=True
)
_file = typer.Argument(help=_("The backup file."), show_default=False)
console = Console()


@app.command("upgrade", help=_("Bring the database to the form that this version of Leadlane needs."))
def upgrade() -> None:
    with ensure_database(config.settings()) as url:
        before = migrate.upgrade(url)
    if before == migrate.head():
        console.print(_("The database is up to date (revision {revision}).").format(revision=before))
    else:
        console.print(_("The database is upgraded to revision {revision}.").format(revision=migrate.head()))


@app.command(
    "status", help=_("Say where the database is and whether it is up to date; exit code 1 if it is not.")
)
def status() -> None:
    with ensure_database(config.settings()) as url:
        found = migrate.current(url)
        console.print(_("Database: {address}").format(address=config.hide_password(url)), soft_wrap=True)
    if found == migrate.head():
        console.print(_("The database is up to date (revision {revision}).").format(revision=found))
        return
    migrate.refuse_newer(found)
    console.print(
        _("The database is not up to date: it has revision {found}, Leadlane needs {known}.").format(
            found=found or _("none"), known=migrate.head()
        ),
        _("Run `leadlane db upgrade`."),
    )
    raise typer.Exit(1)


@app.command("backup", help=_("Save everything to one new file, while Leadlane goes on working."))
def save(file: Path = _file) -> None:
    with ensure_database(config.settings()) as url:
        size = backup.backup(url, file)
    console.print(
        _("Saved to {file} ({size}).").format(file=file, size=decimal(size)), soft_wrap=True, markup=False
    )


@app.command(
    "restore",
    help=_("Put the content of a backup file into the database: all of it or, on any error, nothing."),
)
def restore(
    file: Path = _file,
    replace: bool = typer.Option(False, "--replace", help=_("Give up what the database holds now.")),
) -> None:
    with ensure_database(config.settings()) as url:
        backup.restore(url, file, replace=replace)
        migrate.upgrade(url)
    console.print(_("Restored from {file}.").format(file=file), soft_wrap=True, markup=False)
