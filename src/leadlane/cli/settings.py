"""`leadlane settings`: every setting, its value, and where that came from."""

import json
import os
from dataclasses import asdict
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from leadlane import config
from leadlane.i18n import _

HELP = _("Show every setting, its value (secrets hidden), and where it came from.")


def show_settings(
    as_json: bool = typer.Option(False, "--json", help=_("Print JSON instead of a table.")),
) -> None:
    """Prints the settings in force as a table or, for scripts, as a JSON list."""
    explained = config.explain(config.load(os.environ, Path.cwd()))
    if as_json:
        typer.echo(json.dumps([asdict(setting) for setting in explained], ensure_ascii=False, indent=2))
        return
    # Translators: shown under the table of settings.
    table = Table(
        header_style="bold",
        caption=_("Set {variable}, or {name} in {file}.").format(
            variable=config.variable("NAME"), name="NAME", file=config.DEFAULT_FILE
        ),
    )
    for heading in (_("Setting"), _("Value"), _("From"), _("Meaning")):
        table.add_column(heading, overflow="fold")
    for setting in explained:
        style = "dim" if setting.is_default else ""
        table.add_row(setting.name, setting.value, setting.source, setting.description, style=style)
    Console().print(table)
