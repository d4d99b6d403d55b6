"""In which form is a decision told? A summary and sections of lines, for a terminal, a page or JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Mark = Literal["ok", "failed", "info"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line. A single cell is a sentence; several are a row, to be aligned within its section.

    `mark`: ok (it held, it counted, this one was chosen), failed (it did not), info (it just is so).
    """

    mark: Mark
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One question of the decision.

    `key` is not translated: known, signals, fit, market, route, pool:NAME (one for each pool asked),
    owner, notes, promise, nearest; those without anything to say are not there.
    """

    key: str
    heading: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision in words, in the language that was current when it was made."""

    lead: str
    summary: str
    sections: tuple[Section, ...]

    def as_json(self) -> dict[str, Any]:
        """The same as plain lists, dicts and texts."""
        return asdict(self)


def ok(*cells: str) -> Line:
    """A line about something that held."""
    return Line("ok", cells)


def failed(*cells: str) -> Line:
    """A line about something that did not hold."""
    return Line("failed", cells)


def info(*cells: str) -> Line:
    """A line that just says how something is."""
    return Line("info", cells)
