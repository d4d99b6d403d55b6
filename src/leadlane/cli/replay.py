"""`leadlane replay`: decide again from what was stored, and compare every byte."""

from __future__ import annotations

import typer
from rich.console import Console
from rich.text import Text

from leadlane import config
from leadlane.app import open_app
from leadlane.errors import LeadlaneError
from leadlane.i18n import _, ngettext
from leadlane.service.replay import Replayed, replay_all, replay_lead
from leadlane.store import leads

HELP = _("Decide again from what was stored: the result must be the same to the byte.")
console = Console(soft_wrap=True, highlight=False)


def replay(
    lead: str | None = typer.Argument(None, help=_("The id of a lead."), show_default=False),
    everything: bool = typer.Option(False, "--all", help=_("Every decision ever made.")),
) -> None:
    """Prints what differs and exits with 1 if anything does."""
    if (lead is None) == (not everything):
        raise typer.BadParameter(_("Name a lead, or say --all."))
    with open_app(config.settings()) as app, app.pool.connection() as connection:
        if lead is not None:
            lead_id = leads.resolve(connection, lead)
            if lead_id is None:
                raise LeadlaneError(_("There is no lead {id}.").format(id=lead))
            found = iter(replay_lead(connection, app.books, lead_id))
        else:
            found = replay_all(connection, app.books)
        count = differing = 0
        for one in found:
            count += 1
            if not one.is_identical:
                differing += 1
                _show(one)
    console.print(
        ngettext("{n} decision was made again.", "{n} decisions were made again.", count).format(n=count),
        _("All are identical to the byte.")
        if not differing
        else ngettext("{n} differs.", "{n} differ.", differing).format(n=differing),
    )
    if differing:
        raise typer.Exit(1)


def _show(one: Replayed) -> None:
    console.print(
        Text(
            _("Lead {lead}, decision {batch}-{number} differs:").format(
                lead=one.lead_id, batch=one.batch_id, number=one.number
            ),
            style="bold red",
        )
    )
    for line in one.difference():
        style = {"-": "red", "+": "green"}.get(line[:1], "dim")
        console.print(Text("  " + line, style=style))
