"""What was measured, what is it compared with, and is it good enough?"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure must reach: a least or a most, of its value or (`of_ratio`) of its ratio."""

    least: float | None = None
    most: float | None = None
    of_ratio: bool = False

    def holds(self, figure: Figure) -> bool:
        """Whether the figure reaches it."""
        number = figure.ratio if self.of_ratio else figure.value
        if number is None:
            return False
        return (self.least is None or number >= self.least) and (self.most is None or number <= self.most)

    def __str__(self) -> str:
        sign, bound = ("≥", self.least) if self.least is not None else ("≤", self.most)
        return f"{sign} {bound:,.2f} ×" if self.of_ratio else f"{sign} {bound:,g}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the benchmark. `spread` is how far repetitions were apart, as a share."""

    section: str
    what: str
    value: float
    unit: str
    against: str = ""
    ratio: float | None = None
    target: Target | None = None
    spread: float | None = None

    @property
    def is_met(self) -> bool | None:
        """Whether the target is met; None where there is none."""
        return self.target.holds(self) if self.target else None


@dataclass(frozen=True, slots=True)
class Timing:
    """The median of a few repetitions, in seconds, and how far apart they were, as a share."""

    seconds: float
    spread: float


def middle_of(times: Sequence[float]) -> Timing:
    """The median of repetitions. Not the best: that would be whichever a disturbed clock made look quick."""
    return Timing(median(times), spread(times))


def spread(values: Sequence[float]) -> float:
    """How far repetitions were apart, as a share of the smallest."""
    return max(values) / min(values) - 1


def repeat(work: Callable[[], object], times: int = 3) -> Timing:
    """Do the same work a few times."""
    taken = []
    for _time in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return middle_of(taken)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share (0 to 1) of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def print_figures(figures: Sequence[Figure], notes: Sequence[str], console: Console) -> None:
    """Print all figures as one table, and under it what is to be known about them."""
    table = Table(title="Leadlane benchmark", title_justify="left")
    for heading in ("figure", "measured", "±", "compared with", "ratio", "target", ""):
        table.add_column(heading, justify="right" if heading in ("measured", "±", "ratio") else "left")
    section = ""
    for figure in figures:
        if figure.section != section:
            section = figure.section
            table.add_section()
            table.add_row(f"[bold]{section}[/bold]")
        table.add_row(
            figure.what,
            f"{_number(figure.value)} {figure.unit}",
            "" if figure.spread is None else f"{figure.spread:.0%}",
            figure.against,
            "" if figure.ratio is None else f"{figure.ratio:.2f} ×",
            str(figure.target or ""),
            {None: "", True: "[green]ok[/green]", False: "[red]missed[/red]"}[figure.is_met],
        )
    console.print(table)
    for note in notes:
        console.print(f"• {note}", soft_wrap=True)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
