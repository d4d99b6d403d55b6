"""How a report is printed: captions, and tables that are wider than the terminal."""

from __future__ import annotations

import pytest

from leadlane.cli import sections
from leadlane.insight.section import Grid, Report, Row, Section

HEADINGS = ["segment", "does better with", "than with", "points more, like with like", "corrected p"]
CELLS = ["south", "Central and Eastern Europe", "DACH", "+24.0 (+11.9 to +36.1)", "0.002"]


def printed(monkeypatch: pytest.MonkeyPatch, width: int) -> str:
    monkeypatch.setattr(sections.console, "width", width)
    grid = Grid(HEADINGS, [Row(CELLS), Row(CELLS)], "What was compared")
    report = Report("Conversion", "A year", [], [Section("moves", "Moves", ["South does better."], [grid])])
    with sections.console.capture() as capture:
        sections.print_report(report, "… more", most_rows=1)
    return capture.get()


def test_a_table_has_its_caption_and_says_where_more_is(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [line.strip() for line in printed(monkeypatch, 200).splitlines()]
    assert "What was compared" in lines
    assert any(line.startswith("south") and line.endswith("0.002") for line in lines)
    assert "… more" in lines


@pytest.mark.parametrize("width", [50, 70])
def test_what_is_wider_than_the_terminal_is_told_row_by_row(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    """Squeezed into columns, headings and names were broken after each letter."""
    text = printed(monkeypatch, width)
    assert "+24.0 (+11.9 to +36.1)" in " ".join(text.split())
    assert "Europe" in text
    assert all(len(line) <= width for line in text.splitlines())
    assert not any(len(line.strip()) == 1 for line in text.splitlines())


def test_headings_are_wrapped_where_figures_alone_have_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole headings left no room for some of the columns, which were then not there."""
    headings = ["person", "hours worked", "promises an hour", "of the time at the limit", "with nothing"]
    monkeypatch.setattr(sections.console, "width", 50)
    section = Section("people", "People", [], [Grid(headings, [Row(["Ida", "520", "0.65", "1.0%", "2.0%"])])])
    with sections.console.capture() as capture:
        sections.print_report(Report("R", "A year", [], [section]), "… more")
    lines = capture.get().splitlines()
    assert ["Ida", "520", "0.65", "1.0%", "2.0%"] in [line.split() for line in lines]
    words = " ".join(lines).split()
    assert all(word in words for heading in headings for word in heading.split())
