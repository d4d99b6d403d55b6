"""What came out of matching, as a file for a spreadsheet: every row, with what it belongs to."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from leadlane.errors import LeadlaneError
from leadlane.explain.likeness import likeness_words
from leadlane.i18n import _
from leadlane.intake.files import Row, open_rows
from leadlane.service.csv_cells import plain
from leadlane.service.find_duplicates import Answers, Duplicates
from leadlane.service.link_quality import groups_by_place
from leadlane.service.match_files import Found, Matches
from leadlane.service.record_files import RecordFile, Source

WriteRow = Callable[[Iterable[object]], object]

CLUSTER_COLUMNS = ("_cluster", "_review")
ANSWER_COLUMNS = ("_outcome", "_probability", "_evidence")
MATCH_COLUMNS = (
    *("left_row", "left_id", "left", "right_row", "right_id", "right"),
    *("outcome", "probability", "evidence"),
)


def check_out(out: Path, *inputs: str) -> None:
    """LeadlaneError where a result cannot go to `out`: before the work, not after it."""
    if out.suffix.lower() != ".csv":
        raise LeadlaneError(
            _("--out {path}: the name does not say CSV.").format(path=out),
            _("Give it a name that ends in .csv."),
        )
    if any(name != "-" and Path(name).resolve() == out.resolve() for name in inputs):
        raise LeadlaneError(
            _("--out {path}: this file is read already.").format(path=out), _("Give it another name.")
        )
    if "-" in inputs:
        raise LeadlaneError(
            _("--out needs the rows a second time, and standard input can be read only once."),
            _("Give the name of a file instead of -."),
        )


def write_clusters(file: RecordFile, found: Duplicates, out: Path) -> None:
    """Every row of the file with the number of its cluster and, where a person should look, of its group.

    A row that is in no cluster has one for itself. Rows of one `_review` may be the same.
    """
    clusters, groups = groups_by_place(found.clusters), groups_by_place(found.groups)
    asked = {groups[place] for link in found.unsure for place in link[1:] if place in groups}
    cluster_of, review_of = {}, {}
    alone = len(found.clusters)
    for place, source in enumerate(found.sources):
        number = clusters.get(place)
        if number is None:
            alone += 1
        cluster_of[source.row] = alone if number is None else number + 1
        if groups.get(place) in asked:
            review_of[source.row] = groups[place] + 1
    _copy_rows(
        file, out, CLUSTER_COLUMNS, lambda row: (cluster_of.get(row.number), review_of.get(row.number, ""))
    )


def write_answers(file: RecordFile, found: Answers, out: Path) -> None:
    """Every row of a file of pairs with the outcome, the probability, and the evidence in words."""
    by_row = {answer.row: answer for answer in found.answers}

    def more(row: Row) -> tuple[object, ...]:
        answer = by_row[row.number]
        said = "; ".join(likeness_words(answer.comparison.evidence))
        return answer.outcome, answer.comparison.probability, said

    _copy_rows(file, out, ANSWER_COLUMNS, more)


def write_matches(found: Matches, out: Path) -> None:
    """A line for each pair, for each that may be meant instead (`also`), and for each record that is new."""
    with _writer(out) as write:
        write(MATCH_COLUMNS)
        matched = {pair.left for pair in found.pairs}
        lines: list[tuple[Found, str]] = [(pair, pair.outcome) for pair in found.pairs]
        lines += [(pair, "also") for pair in found.also]
        # Sorting keeps the pair before those that may be meant instead.
        for pair, outcome in sorted(lines, key=lambda line: found.left[line[0].left].row):
            ours, theirs = found.left[pair.left], found.right[pair.right]
            evidence = "; ".join(likeness_words(found.look(pair.left, pair.right).evidence))
            write((*_cells(ours), *_cells(theirs), outcome, pair.probability, plain(evidence)))
        new = (ours for place, ours in enumerate(found.left) if place not in matched)
        for ours in sorted(new, key=lambda source: source.row):
            write((*_cells(ours), "", "", "", "new", "", ""))


def _cells(source: Source) -> tuple[object, ...]:
    return source.row, plain(source.id), plain(source.text)


def _copy_rows(
    file: RecordFile, out: Path, columns: Sequence[str], more: Callable[[Row], Iterable[object]]
) -> None:
    """Every row that can be read, with what is to be added to it."""
    with open_rows(file.path, encoding=file.encoding) as rows, _writer(out) as write:
        headers = [header for header in rows.headers if header not in columns]
        write((*headers, *columns))
        for row in rows:
            if isinstance(row, Row):
                write((*(row.data.get(header) for header in headers), *more(row)))


@contextmanager
def _writer(out: Path) -> Iterator[WriteRow]:
    try:
        file = out.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise LeadlaneError(
            _("The file {path} cannot be written: {reason}").format(path=out, reason=error.strerror),
            _("Check the name and the permissions."),
        ) from error
    with file:
        yield csv.writer(file).writerow
