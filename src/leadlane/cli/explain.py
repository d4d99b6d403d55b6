"""`leadlane explain`: why a lead came to whom it came to, and what would have changed it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from leadlane import config
from leadlane.app import open_app
from leadlane.errors import LeadlaneError
from leadlane.explain.explanation import Explanation, Line, Mark, Section
from leadlane.i18n import _
from leadlane.policy.values import zone_meant, zones
from leadlane.service.explain import explain_lead

HELP = _("Say in words why a lead came to whom it came to, and what would have changed it.")

_MARKS: dict[Mark, tuple[str, str]] = {
    "ok": ("✓", "green"),
    "failed": ("✗", "red"),
    "info": ("·", "dim"),
}
# For terminals whose encoding has none of the above.
_PLAIN_MARKS: dict[Mark, str] = {"ok": "+", "failed": "x", "info": "-"}
_INDENT = 2


def explain(
    lead: str = typer.Argument(help=_("The id of a lead."), show_default=False),
    as_json: bool = typer.Option(False, "--json", help=_("Print the stored trace of the decision instead.")),
    zone: str | None = typer.Option(
        None, "--zone", help=_("The time zone of the moments; that of whoever has the lead if not said.")
    ),
) -> None:
    """Prints the last decision about a lead: in words, or its trace as the exact JSON that is stored."""
    if zone is not None and zone not in zones():
        found = _("There is no time zone {name}. Did you mean {meant}?")
        raise typer.BadParameter(found.format(name=zone, meant=zone_meant(zone) or "Europe/Berlin"))
    with open_app(config.settings()) as app, app.pool.connection() as connection:
        told = explain_lead(connection, app.books, lead, ZoneInfo(zone) if zone else None)
    if told is None:
        raise LeadlaneError(_("There is no lead {id}.").format(id=lead))
    if as_json:
        typer.echo(told.trace)
    else:
        render(Console(highlight=False), told.explanation)


def render(console: Console, explanation: Explanation) -> None:
    """Print an explanation: the summary, then each section with its rows aligned."""
    console.print(Text(explanation.summary, style="bold"))
    for section in explanation.sections:
        console.print()
        console.print(Text(section.heading, style="bold cyan"))
        for table in _tables(console, section):
            console.print(Padding(table, (0, 0, 0, _INDENT), expand=False))


def _tables(console: Console, section: Section) -> Iterator[Table]:
    """The lines of a section in their order; rows of one kind that follow each other share their columns."""
    widths = _widths(section.lines)
    for columns, lines in groupby(section.lines, key=lambda line: len(line.cells)):
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(width=1, no_wrap=True)
        for position in range(columns - 1):
            table.add_column(min_width=min(widths[position], console.width // 3), overflow="fold")
        table.add_column(overflow="fold")
        for line in lines:
            table.add_row(_mark(console, line.mark), *(Text(cell) for cell in line.cells))
        yield table


def _widths(lines: Sequence[Line]) -> list[int]:
    rows = [line.cells for line in lines if len(line.cells) > 1]
    longest = max((len(cells) for cells in rows), default=0)
    return [max((len(c[i]) for c in rows if i < len(c) - 1), default=0) for i in range(longest)]


def _mark(console: Console, mark: Mark) -> Text:
    sign, style = _MARKS[mark]
    utf8 = console.encoding.lower().startswith("utf")
    return Text(sign if utf8 else _PLAIN_MARKS[mark], style=style)
