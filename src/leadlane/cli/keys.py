"""`leadlane keys`: let programs in over HTTP, see which may, and take a key back."""

from __future__ import annotations

import typer
from rich.console import Console
from rich.table import Table

from leadlane import config
from leadlane.app import open_app
from leadlane.i18n import _
from leadlane.service import api_keys as keys
from leadlane.store import api_keys

app = typer.Typer(help=_("Keys with which programs use Leadlane over HTTP."), no_args_is_help=True)
console = Console(soft_wrap=True, highlight=False)

_scopes = typer.Option(
    ...,
    "--scope",
    help=_(
        "What the key may do; give it once for each. intake: send leads and signals. read: see everything."
        " write: act on leads, and change people, teams and accounts. admin: all of these, and the policy."
    ),
)


@app.command("create", help=_("Make a key and print its secret, this once."))
def create(
    name: str = typer.Argument(help=_("What uses it, such as: web form.")), scope: list[str] = _scopes
) -> None:
    with open_app(config.settings()) as leadlane, leadlane.pool.connection() as connection:
        id_, secret = keys.create(connection, name, scope, leadlane.now())
    Console(stderr=True, soft_wrap=True).print(
        _("The key {id} is made. Its secret is shown this once:").format(id=id_), markup=False
    )
    typer.echo(secret)


@app.command("list", help=_("Show every key, without its secret."))
def show() -> None:
    with open_app(config.settings()) as leadlane, leadlane.pool.connection() as connection:
        found = api_keys.all_keys(connection)
    table = Table(header_style="bold")
    for heading in (_("Key"), _("Name"), _("Scopes"), _("Made"), _("Revoked")):
        table.add_column(heading)
    for key in found:
        revoked = f"{key.revoked_at:%Y-%m-%d %H:%M}" if key.revoked_at else ""
        table.add_row(key.id, key.name, ", ".join(key.scopes), f"{key.created_at:%Y-%m-%d %H:%M}", revoked)
    console.print(table)


@app.command("revoke", help=_("Take a key back; running servers refuse it within seconds."))
def revoke(key: str = typer.Argument(help=_("The key, such as k_0123456789ab."))) -> None:
    with open_app(config.settings()) as leadlane, leadlane.pool.connection() as connection:
        keys.revoke(connection, key, leadlane.now())
    console.print(_("The key {id} is revoked.").format(id=key), markup=False)
