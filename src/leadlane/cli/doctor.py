"""`leadlane doctor`: is everything as it must be, and if not, what is to be done?"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import typer
from rich.console import Console
from rich.text import Text

from leadlane import clock, config
from leadlane.config import LoadedSettings
from leadlane.errors import LeadlaneError
from leadlane.i18n import _, ngettext
from leadlane.service.checkup import Line, Verdict, disk_line, look_over
from leadlane.service.rulebooks import Rulebooks
from leadlane.store.db import connect
from leadlane.store.server import ensure_database

HELP = _("Look everything over, and say what to do about what is not as it must be.")

_MARKS: dict[Verdict, tuple[str, str]] = {
    "good": ("✓", "green"),
    "warning": ("!", "yellow"),
    "bad": ("✗", "bold red"),
}


def doctor(as_json: bool = typer.Option(False, "--json", help=_("Print JSON, for machines."))) -> None:
    """Prints a line for each thing looked at; exits with 1 when one is bad. Changes nothing."""
    lines = []
    console = Console(soft_wrap=True, highlight=False)
    for line in examine(config.load(os.environ, Path.cwd())):
        lines.append(line)
        if not as_json:
            _print(console, line)
    if as_json:
        typer.echo(json.dumps([asdict(line) for line in lines], ensure_ascii=False, indent=2))
    if any(line.verdict == "bad" for line in lines):
        raise typer.Exit(1)


def examine(loaded: LoadedSettings) -> Iterator[Line]:
    """Everything that is looked at, in order; what cannot be without a database is left out without one."""
    yield from _settings(loaded)
    yield disk_line(loaded.settings.data_dir)
    try:
        with ensure_database(loaded.settings) as url, connect(url) as connection:
            yield from look_over(connection, Rulebooks(), loaded.settings, clock.now(), wholly=True)
    except LeadlaneError as error:
        yield Line("bad", error.message, error.hint)


def _print(console: Console, line: Line) -> None:
    mark, style = _MARKS[line.verdict]
    console.print(Text.assemble((mark, style), " ", line.text))
    for part in line.advice.splitlines():
        console.print(Text(f"    {part}", style="dim"))


def _settings(loaded: LoadedSettings) -> Iterator[Line]:
    given = len(loaded.sources)
    text = ngettext("{n} setting is not its default.", "{n} settings are not their defaults.", given)
    yield Line("good", text.format(n=given))
    for warning in loaded.warnings:
        yield Line("warning", warning, _("`leadlane settings --help` lists what can be set."))
