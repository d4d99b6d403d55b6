"""Does memory stay flat over a large file? The size of the process that routes it, on the way through."""

from __future__ import annotations

import multiprocessing
import time
from multiprocessing.queues import SimpleQueue
from pathlib import Path

import psutil

from leadlane.bench import company
from leadlane.bench.company import NOW
from leadlane.bench.database import Bench
from leadlane.bench.figures import Figure, Target
from leadlane.service.route_file import LeadFile, route_file
from leadlane.service.rulebooks import Rulebooks

SECTION = "5 memory over one file"
AT = (0.1, 0.5, 1.0)
MIB = 2**20


def measure(bench: Bench) -> list[Figure]:
    """The most memory that routing a file has taken at 10, 50 and 100 % of it, in a process of its own."""
    count = 1_000_000 if bench.is_full else bench.size(30_000, 200_000)
    url = bench.new_company(company.reference_policy(), company.roster(14))
    path = company.write_leads(bench.folder / "large.csv", count, "large")
    context = multiprocessing.get_context("spawn")
    answers: SimpleQueue[tuple[list[float], float]] = context.SimpleQueue()
    process = context.Process(target=_route, args=(url, path, answers))
    process.start()
    peaks, seconds = answers.get()
    process.join()
    megabytes = path.stat().st_size / MIB
    path.unlink()
    bench.drop(url)
    return [
        *(
            Figure(
                SECTION,
                f"peak at {share:.0%} of {count:,} leads ({megabytes:,.0f} MiB)",
                peak / MIB,
                "MiB",
                "" if share == AT[0] else f"at {AT[0]:.0%}",
                None if share == AT[0] else peak / peaks[0],
                Target(most=1.1, of_ratio=True) if share == AT[-1] else None,
            )
            for share, peak in zip(AT, peaks, strict=True)
        ),
        Figure(SECTION, "routed on the way, from the first row to the last", count / seconds, "leads/s"),
    ]


def _route(url: str, path: Path, answers: SimpleQueue[tuple[list[float], float]]) -> None:
    process = psutil.Process()
    peak, peaks = 0, [0.0] * len(AT)

    def watch(read: int, size: int | None, rows: int) -> None:
        nonlocal peak
        peak = max(peak, process.memory_info().rss)
        for number, share in enumerate(AT):
            # Up to this share; what was read is ahead of what was routed by a few batches.
            if size and read <= share * size:
                peaks[number] = peak

    start = time.perf_counter()
    route_file(url, Rulebooks(), LeadFile(str(path)), lambda: NOW, on_progress=watch)
    answers.put((peaks, time.perf_counter() - start))
