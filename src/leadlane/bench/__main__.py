"""`python -m leadlane.bench`: measure, compare, and print one table."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import psutil
import typer
from rich.console import Console

from leadlane.bench import audit, chase, decisions, delivery, growth, http, leads_file, memory, pages, reports
from leadlane.bench.database import Bench, bench
from leadlane.bench.figures import Figure, print_figures

SECTIONS: dict[str, Callable[[Bench], list[Figure]]] = {
    "decisions": decisions.measure,
    "file": leads_file.measure,
    "http": http.measure,
    "growth": growth.measure,
    "memory": memory.measure,
    "chase": chase.measure,
    "delivery": delivery.measure,
    "audit": audit.measure,
    "pages": pages.measure,
    "reports": reports.measure,
}
# Load average above which other processes take part in what is measured.
BUSY = 0.5
# A table in a file has room.
WIDTH = 150
_quick = typer.Option(False, "--quick", help="Smaller sizes; about three minutes.")
_full = typer.Option(False, "--full", help="The memory section with a file of a million leads.")
_only = typer.Option([], "--only", help=f"Only these sections: {', '.join(SECTIONS)}.")
_json = typer.Option(None, "--json", help="Also write the figures to this file.")


def main(
    quick: bool = _quick, full: bool = _full, only: list[str] = _only, file: Path | None = _json
) -> None:
    """Measure Leadlane on a PostgreSQL of its own. Exits with 1 if a target is missed."""
    if unknown := [name for name in only if name not in SECTIONS]:
        raise typer.BadParameter(
            f"no section {unknown[0]}; there are {', '.join(SECTIONS)}", param_hint="--only"
        )
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    figures: list[Figure] = []
    start, busy = time.perf_counter(), os.getloadavg()[0]
    with bench(is_quick=quick, is_full=full) as measured:
        for name in only or SECTIONS:
            with console.status(f"Measuring: {name} ..."):
                figures += SECTIONS[name](measured)
    notes = [
        _machine(busy),
        *_busy(busy),
        *_notes(quick),
        f"The whole took {time.perf_counter() - start:,.0f} seconds.",
    ]
    print_figures(figures, notes, console)
    if file is not None:
        rows = [{**asdict(figure), "is_met": figure.is_met} for figure in figures]
        file.write_text(json.dumps({"notes": notes, "figures": rows}, indent=2, ensure_ascii=False) + "\n")
    if any(figure.is_met is False for figure in figures):
        raise typer.Exit(1)


def _machine(busy: float) -> str:
    cores, memory_gb = psutil.cpu_count(), psutil.virtual_memory().total / 2**30
    return (
        f"Machine: {platform.machine()}, {cores} cores, {memory_gb:.0f} GB, {platform.system()}, Python"
        f" {platform.python_version()}; load average at the start {busy:.1f} (0 is an idle machine)."
    )


def _busy(load: float) -> list[str]:
    """A warning where other processes took part in what was measured."""
    if load <= BUSY:
        return []
    return ["The machine was BUSY with other work: neither met nor missed targets of this run say much."]


def _notes(is_quick: bool) -> list[str]:
    notes = [
        "PostgreSQL runs on the same machine with the settings of production: fsync and full durability on.",
        "Figures are medians of a few repetitions; ± says how far apart these were.",
        "docs/benchmark.md says what each figure means.",
    ]
    return ["Quick run: small sizes; compare only with other quick runs.", *notes] if is_quick else notes


if __name__ == "__main__":
    typer.run(main)
