"""`python -m leadlane.bench.matching_quality [FOLDER]`: how well does matching link what belongs together?

Labelled sets are looked for in a folder (`../shared/data`); one that is not there is passed over, and named.
A large invented file says how long finding duplicates takes, and how much memory.
"""

from __future__ import annotations

import csv
import multiprocessing
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.queues import SimpleQueue
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from leadlane.bench.accounts import accounts, questions
from leadlane.bench.figures import Figure, Target, print_figures
from leadlane.core.policy import Matching
from leadlane.matching.judge import score_clusters
from leadlane.service.find_duplicates import Duplicates, find_duplicates
from leadlane.service.link_quality import Method, Quality, groups_by_place
from leadlane.service.match_files import match_files
from leadlane.service.record_files import RecordFile

DATA = Path("../shared/data")
SECTION = "duplicates in a large file"
RECORDS = 200_000
# A quarter of the large file are other writings of what the rest holds.
ANSWERED = 4
# Minutes on one core are what a user waits for.
MOST_SECONDS = 600
MOST_MIB = 2_000
MIB = 2**20
WIDTH = 130


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """Files with known answers: one with a truth column, or two with a file of true pairs."""

    name: str
    files: tuple[str, ...]
    truth: str

    def measure(self, folder: Path) -> Quality:
        """The quality on this set, with the settings that are the default."""
        first, *others = (str(folder / name) for name in self.files)
        if not others:
            quality = find_duplicates(RecordFile(first, truth=self.truth), Matching()).quality
        else:
            right, truth = RecordFile(others[0]), str(folder / self.truth)
            quality = match_files(RecordFile(first), right, Matching(), truth=truth).quality
        if quality is None:
            raise AssertionError("a truth was given, so there is a quality")
        return quality


SETS = (
    LabelledSet("patent applicants", ("company_matching/patstat_applicant_names.csv",), "entity_id"),
    LabelledSet("name pairs", ("company_matching/name_pairs.csv",), "is_match"),
    LabelledSet("sites", ("org_dedupe/chicago_sites.csv",), "true_id"),
    LabelledSet(
        "two directories",
        ("org_dedupe/listings_fodors.csv", "org_dedupe/listings_zagats.csv"),
        "org_dedupe/listings_matches.csv",
    ),
    LabelledSet("people 1", ("contact_dedupe/febrl_dataset1.csv",), "entity"),
    LabelledSet("people 3", ("contact_dedupe/febrl_dataset3.csv",), "entity"),
)


def quality_table(folder: Path = DATA) -> Table:
    """Every labelled set in the folder by every method; the caption names the sets that are not there."""
    table = Table(title="Quality of matching", title_justify="left", caption_justify="left")
    table.add_column("set")
    table.add_column("links", no_wrap=True)
    for heading in ("linked", "precision", "recall", "F1", "by entity P", "by entity R", "found wholly"):
        table.add_column(heading, justify="right")
    for heading in ("unsure of links", "of compared", "seconds"):
        table.add_column(heading, justify="right")
    missing = []
    for labelled in SETS:
        if not all((folder / name).exists() for name in labelled.files):
            missing.append(labelled.name)
            continue
        start = time.perf_counter()
        quality = labelled.measure(folder)
        _add_rows(table, labelled.name, quality, time.perf_counter() - start)
    if missing:
        table.caption = f"Not measured, because not in {folder}: {', '.join(missing)}."
    return table


def large_file(count: int = RECORDS) -> list[Figure]:
    """Finding the duplicates of an invented file, in a process of its own: seconds, memory, quality."""
    context = multiprocessing.get_context("spawn")
    answers: SimpleQueue[tuple[float, int, int, float, float]] = context.SimpleQueue()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "companies.csv"
        _write_companies(path, count)
        process = context.Process(target=_measure_large, args=(path, answers))
        process.start()
        process.join()
    if process.exitcode:
        raise RuntimeError("finding duplicates in the large file failed; its error is above")
    seconds, peak, compared, precision, recall = answers.get()
    return [
        Figure(SECTION, f"{count:,} companies", seconds, "s", target=Target(most=MOST_SECONDS)),
        Figure(SECTION, "peak memory of the process", peak / MIB, "MiB", target=Target(most=MOST_MIB)),
        Figure(SECTION, "pairs compared for a company", compared / count, "pairs"),
        Figure(SECTION, "precision of sure", precision, "", target=Target(least=0.99)),
        Figure(SECTION, "recall of sure and unsure", recall, ""),
    ]


def _measure_large(path: Path, answers: SimpleQueue[tuple[float, int, int, float, float]]) -> None:
    start = time.perf_counter()
    found = find_duplicates(RecordFile(str(path)), Matching())
    seconds = time.perf_counter() - start
    # Kilobytes, but bytes on macOS.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    if not isinstance(found, Duplicates):
        raise TypeError("a file without a truth is no file of pairs")
    entity = [source.id.partition("/")[0] for source in found.sources]
    sure = score_clusters(groups_by_place(found.clusters), entity)
    questions = [(link.one, link.other) for link in found.unsure]
    suggested = score_clusters(groups_by_place(found.groups), entity, questions)
    answers.put((seconds, peak, found.compared, sure.precision, suggested.recall))


def _write_companies(path: Path, count: int) -> None:
    """A file of companies in no order, a quarter of it other writings of others; ids begin with who it is."""
    rows = list(_companies(count))
    random.Random("order").shuffle(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ("id", "company", "website", "phone", "city", "country"))
        writer.writeheader()
        writer.writerows(rows)


def _companies(count: int) -> Iterator[dict[str, str]]:
    known = list(accounts(count - count // ANSWERED))
    for one in known:
        yield {
            "company": one.name,
            "website": one.domains[0] if one.domains else "",
            "phone": one.phone,
            "city": one.city,
            "country": one.country,
            "id": f"{one.id}/known",
        }
    asked = questions(known, count // ANSWERED)
    for number, question in enumerate(asked[: count - len(known)]):
        yield {**question.values, "id": f"{question.answer or f'unknown {number}'}/{number}"}


def _add_rows(table: Table, name: str, quality: Quality, seconds: float) -> None:
    table.add_section()
    links = quality.sure + quality.unsure
    shares = (f"{quality.unsure / max(1, links):.1%}", f"{quality.unsure / max(1, quality.compared):.1%}")
    for method in quality.methods:
        is_suggested = method.name == "suggested"
        table.add_row(
            name if method.name == "sure" else "",
            _label(method),
            f"{method.score.linked:,}",
            *(f"{value:.4f}" for value in (method.score.precision, method.score.recall, method.score.f1)),
            *_entity_cells(method),
            *(shares if is_suggested else ("", "")),
            f"{seconds:.1f}" if is_suggested else "",
        )


def _label(method: Method) -> str:
    labels = {"sure": "sure", "suggested": "sure + unsure", "keys": "exact keys"}
    return labels.get(method.name) or f"rapidfuzz ≥ {method.threshold or 0:.0f}"


def _entity_cells(method: Method) -> tuple[str, ...]:
    entities = method.entities
    if entities is None:
        return ("", "", "")
    return tuple(f"{value:.4f}" for value in (entities.precision, entities.recall, entities.found_wholly))


_folder = typer.Argument(DATA, help="Where the labelled sets are.")
_records = typer.Option(RECORDS, help="Records in the large file; 0 leaves it out.")


def main(folder: Path = _folder, records: int = _records) -> None:
    """Print the quality on every labelled set, and what a large file takes."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    console.print(quality_table(folder))
    if records:
        print_figures(large_file(records), [], console)


if __name__ == "__main__":
    typer.run(main)
