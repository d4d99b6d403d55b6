"""How is a report printed? Its sections with their tables; pictures are left to pages."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from leadlane.i18n import _
from leadlane.intake.problems import shorten

if TYPE_CHECKING:
    from leadlane.insight.section import Grid, Report, Section

console = Console(highlight=False)
_LONGEST_NAME, _COLUMNS = 28, 5
_MARKS = {"good": "green", "bad": "red", "unsure": "yellow"}


def print_report(
    report: Report, more: str, left_out: Collection[str] = (), *, most_rows: int = 6, has_tiles: bool = False
) -> None:
    """Print a report without the sections that are left out, and of each table `most_rows`.

    `more`, to be translated, says where the other rows are.
    """
    console.print(Text(report.title, style="bold"))
    console.print(Text(report.subtitle, style="dim"), soft_wrap=True)
    console.print()
    if has_tiles and report.tiles:
        _print_tiles(report)
    for section in report.sections:
        if section.id not in left_out:
            _print_section(section, more, most_rows)


def _print_tiles(report: Report) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False, pad_edge=False)
    for tile in report.tiles:
        style = f"bold {_MARKS.get(tile.tone, '')}".strip()
        table.add_row(Text(tile.name), Text(tile.figure, style=style), Text(tile.note, style="dim"))
    console.print(table)
    console.print()


def _print_section(section: Section, more: str, most_rows: int) -> None:
    style = f"bold {_MARKS.get(section.tone, 'cyan')}"
    console.print(Text(section.heading, style=style))
    for text in section.says:
        console.print(Padding(Text(text), (0, 0, 0, 2)))
    for grid in section.grids:
        _print_grid(grid, more, most_rows)
    for text in section.cautions:
        console.print(Padding(Text(text, style="dim"), (0, 0, 0, 2)))
    console.print()


def _print_grid(grid: Grid, more: str, most_rows: int) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    # Beside a picture stand more figures than a terminal has room for.
    width = _COLUMNS if grid.pictured else len(grid.headings)
    for place, heading in enumerate(grid.headings[:width]):
        is_figures = grid.is_figures(place)
        # Figures are never cut; a long name may be.
        table.add_column(
            heading,
            justify="right" if is_figures else "left",
            overflow="fold",
            no_wrap=is_figures or not place,
        )
    for row in grid.rows[:most_rows]:
        style = "bold" if row.is_marked else "dim" if row.is_faint else ""
        first, *others = row.cells[:width]
        table.add_row(Text(shorten(first, _LONGEST_NAME)), *map(Text, others), style=style)
    if grid.caption:
        console.print(Padding(Text(grid.caption, style="italic"), (0, 0, 0, 2)))
    console.print(Padding(table, (0, 0, 0, 2)))
    if len(grid.rows) > most_rows:
        console.print(Padding(Text(_(more), style="dim"), (0, 0, 0, 2)))
