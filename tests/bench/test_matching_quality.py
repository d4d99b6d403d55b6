"""The quality table of the benchmark, without labelled sets, and on a small file of its own."""

from io import StringIO
from pathlib import Path

from rich.console import Console

from leadlane.bench.matching_quality import SETS, large_file, quality_table


def test_sets_that_are_not_there_are_named(tmp_path: Path) -> None:
    shown = StringIO()
    Console(file=shown, width=150).print(quality_table(tmp_path))
    text = " ".join(shown.getvalue().split())
    assert [labelled.name for labelled in SETS if labelled.name not in text] == []


def test_an_invented_file_is_measured() -> None:
    figures = {figure.what: figure for figure in large_file(1000)}
    assert figures["1,000 companies"].value > 0
    assert figures["precision of sure"].is_met
    assert 0.8 < figures["recall of sure and unsure"].value <= 1
