"""How is a report printed? Its sections with their tables; pictures are left to pages."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len
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
# So much is left of a table, and between its columns.
_GAP = 2
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
    # Beside a picture stand more figures than a terminal has room for.
    width = _COLUMNS if grid.pictured else len(grid.headings)
    if grid.caption:
        console.print(Padding(Text(grid.caption, style="italic"), (0, 0, 0, 2)))
    needed = _needed(grid, width, most_rows)
    if _GAP + sum(needed) + _GAP * width > console.width:
        _print_one_by_one(grid, width, most_rows)
    else:
        _print_table(grid, needed, most_rows)
    if len(grid.rows) > most_rows:
        console.print(Padding(Text(_(more), style="dim"), (0, 0, 0, 2)))


def _needed(grid: Grid, width: int, most_rows: int) -> list[int]:
    """The least width of each column: words are not broken, and figures stand in one line."""
    needed = []
    for place, heading in enumerate(grid.headings[:width]):
        cells = [row.cells[place] for row in grid.rows[:most_rows]]
        whole = [shorten(cell, _LONGEST_NAME) for cell in cells] if not place else cells
        words = whole if not place or grid.is_figures(place) else " ".join(cells).split()
        needed.append(max(map(cell_len, [*heading.split(), *words]), default=0))
    return needed


def _print_one_by_one(grid: Grid, width: int, most_rows: int) -> None:
    """A table that is too wide: its rows one below the other, each figure with its heading."""
    _first, *headings = grid.headings[:width]
    for row in grid.rows[:most_rows]:
        name, *others = row.cells[:width]
        console.print(Padding(Text(name, style="bold" if row.is_marked else ""), (0, 0, 0, 2)))
        table = Table(box=None, padding=(0, 2, 0, 0), show_header=False, pad_edge=False)
        for heading, cell in zip(headings, others, strict=True):
            if cell:
                table.add_row(Text(heading, style="dim"), Text(cell))
        console.print(Padding(table, (0, 0, 0, 4)))


def _print_table(grid: Grid, needed: Sequence[int], most_rows: int) -> None:
    width = len(needed)
    in_one_line = [
        max(cell_len(heading), least) for heading, least in zip(grid.headings, needed, strict=False)
    ]
    has_room = _GAP + sum(in_one_line) + _GAP * width <= console.width
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for place, heading in enumerate(grid.headings[:width]):
        is_figures = grid.is_figures(place)
        if is_figures and not has_room:
            heading = "\n".join(textwrap.wrap(heading, needed[place], break_long_words=False))
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
    console.print(Padding(table, (0, 0, 0, 2)))
