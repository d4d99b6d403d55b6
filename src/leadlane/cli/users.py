"""`leadlane users`: who may sign in, and as what? The way in for the first admin and whoever is shut out."""

from __future__ import annotations

import typer
from rich.console import Console
from rich.table import Table

from leadlane import config
from leadlane.app import App, open_app
from leadlane.cli.serve import local_url
from leadlane.i18n import _
from leadlane.outbound.message import Failure
from leadlane.service import user_links, users
from leadlane.store import users as store
from leadlane.store.users import Purpose, User

app = typer.Typer(help=_("People who sign in to the pages."), no_args_is_help=True)
console = Console(soft_wrap=True, highlight=False)
# Who has done it, where that is kept.
BY = "leadlane users"

_who = typer.Argument(metavar="USER", help=_("The user: an e-mail address."))
_role = typer.Option(
    ..., "--role", help=_("admin, manager, rep or viewer; docs/users.md says what each may.")
)


@app.command("invite", help=_("Make a user, and a link with which they choose a password."))
def invite(
    email: str = typer.Argument(help=_("The e-mail address with which they sign in.")),
    role: str = _role,
    name: str = typer.Option("", "--name", help=_("What they are called; without it, as in the roster.")),
) -> None:
    with open_app(config.settings()) as leadlane:
        with leadlane.pool.connection() as connection:
            user = users.add(connection, email, name, role, BY, leadlane.now())
        _give(leadlane, user, "invitation")


@app.command("reset", help=_("Make a link with which a user chooses a new password."))
def reset(who: str = _who) -> None:
    with open_app(config.settings()) as leadlane:
        with leadlane.pool.connection() as connection:
            user = users.find(connection, who)
        _give(leadlane, user, "reset" if user.password else "invitation")


@app.command("list", help=_("Show everybody who may sign in."))
def show() -> None:
    with open_app(config.settings()) as leadlane, leadlane.pool.connection() as connection:
        found = store.all_users(connection)
    table = Table(header_style="bold")
    for heading in (_("E-mail"), _("Name"), _("Role"), _("Person"), _("Last signed in"), _("State")):
        table.add_column(heading)
    for user in found:
        state = _("active") if user.password else _("invited")
        seen = f"{user.signed_in_at:%Y-%m-%d %H:%M}" if user.signed_in_at else ""
        shown = (user.email, user.name, user.role, user.person or "", seen)
        table.add_row(*shown, state if user.active else _("kept out"))
    console.print(table)


@app.command("role", help=_("Give a user another role; they sign in again."))
def role(who: str = _who, role: str = typer.Argument(help=_("admin, manager, rep or viewer."))) -> None:
    with open_app(config.settings()) as leadlane, leadlane.pool.connection() as connection:
        user = users.change_role(connection, users.find(connection, who).id, role, BY)
    console.print(_("{email} is {role} now.").format(email=user.email, role=user.role), markup=False)


@app.command("link", help=_("Say who a user is in the roster."))
def link(
    who: str = _who,
    person: str = typer.Argument("", help=_("The id of a person of the roster; without it: nobody.")),
) -> None:
    with open_app(config.settings()) as leadlane, leadlane.pool.connection() as connection:
        user = users.find(connection, who)
        users.link_person(connection, user.id, person or None, BY)
    if person:
        console.print(_("{email} is {person} now.").format(email=user.email, person=person), markup=False)
    else:
        console.print(_("{email} is nobody in the roster now.").format(email=user.email), markup=False)


@app.command("deactivate", help=_("Keep a user out, at once; their leads stay theirs."))
def deactivate(who: str = _who) -> None:
    with open_app(config.settings()) as leadlane, leadlane.pool.connection() as connection:
        user = users.find(connection, who)
        users.deactivate(connection, user.id, BY)
    console.print(_("{email} can no longer sign in.").format(email=user.email), markup=False)


@app.command("activate", help=_("Let a user in again."))
def activate(who: str = _who) -> None:
    with open_app(config.settings()) as leadlane, leadlane.pool.connection() as connection:
        user = users.find(connection, who)
        users.activate(connection, user.id, BY)
    console.print(_("{email} can sign in again.").format(email=user.email), markup=False)


def _give(leadlane: App, user: User, purpose: Purpose) -> None:
    settings = leadlane.settings
    with leadlane.pool.connection() as connection:
        given = user_links.give(
            connection, leadlane.books, settings, user, purpose, local_url(settings), "", leadlane.now()
        )
    errors = Console(stderr=True, soft_wrap=True)
    if given.is_sent:
        errors.print(_("{email} gets the link by e-mail.").format(email=user.email), markup=False)
        return
    if isinstance(given.mail, Failure):
        errors.print(given.mail.detail, markup=False)
    text = _("A link for {email} alone; it works once, until {moment} UTC:")
    errors.print(text.format(email=user.email, moment=f"{given.until:%Y-%m-%d %H:%M}"), markup=False)
    typer.echo(given.url)
