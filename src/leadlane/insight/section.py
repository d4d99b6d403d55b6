"""What is a report made of? Sections with sentences, a table, a picture: the same for terminal and page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

_BEGIN_FIGURES = frozenset("0123456789+-−−€$£¥×<")
# What stands where a figure is not known.
_NOTHING = ("", "–")
NO_PICTURE = Markup("")
Tone = Literal["", "good", "bad", "unsure"]


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: its cells as text, a picture beside them, and whether it is marked."""

    cells: Sequence[str]
    picture: Markup = NO_PICTURE
    is_marked: bool = False
    is_faint: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: headings (the first column is text, the others are figures), rows, and what it shows.

    `pictured` is the heading of the column of pictures, which a terminal leaves out; "" without one.
    `fold`: on a page it stands folded below these words; "" for what is open.
    """

    headings: Sequence[str]
    rows: Sequence[Row]
    caption: str = ""
    pictured: str = ""
    fold: str = ""

    def first(self, most: int | None) -> Sequence[Row]:
        """Its first `most` rows, and those that are marked; all of them without `most`."""
        if most is None:
            return self.rows
        return [row for place, row in enumerate(self.rows) if place < most or row.is_marked]

    def is_figures(self, place: int) -> bool:
        """Whether a column holds figures, which stand to the right."""
        cells = [row.cells[place] for row in self.rows if row.cells[place] not in _NOTHING]
        return (
            place > 0 and bool(cells) and all(cell[0] in _BEGIN_FIGURES and len(cell) < 40 for cell in cells)
        )


@dataclass(frozen=True, slots=True)
class Legend:
    """What a colour of a picture means."""

    style: str
    name: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture with its caption and what its colours mean.

    `fold`: on a page it stands folded below these words, with others of the same; "" for what is open.
    """

    drawing: Markup
    caption: str
    legends: Sequence[Legend] = ()
    fold: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A section: what it is about, what it says, what it shows, and with what caution that is to be read."""

    id: str
    heading: str
    says: Sequence[str]
    grids: Sequence[Grid] = ()
    pictures: Sequence[Picture] = ()
    cautions: Sequence[str] = ()
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure at the head of a report: its name, the figure, what it rests on, and whether it is good."""

    name: str
    figure: str
    note: str
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report: title, a line below it, tiles, sections."""

    title: str
    subtitle: str
    tiles: Sequence[Tile]
    sections: Sequence[Section]
