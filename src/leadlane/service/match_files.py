"""Which record of one file is which of another? For each on the left the best on the right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from leadlane.core.match import Certainty, outcome_of
from leadlane.core.policy import Matching
from leadlane.errors import LeadlaneError
from leadlane.i18n import _, ngettext
from leadlane.intake.columns import header_key
from leadlane.intake.files import Row, open_rows
from leadlane.intake.record_columns import Kind
from leadlane.matching.clusters import FAR_LIKELIER, Link, odds
from leadlane.matching.compare import Comparison
from leadlane.matching.judge import Pair, score_pairs
from leadlane.matching.pairs import candidate_pairs_between, sorting_order
from leadlane.matching.record import Record
from leadlane.service.link_quality import (
    Method,
    Mistake,
    Quality,
    names_method,
    share_key,
    worst_false,
    worst_missed,
)
from leadlane.service.record_files import (
    EVERY,
    Loaded,
    Progress,
    RecordFile,
    Source,
    comparer,
    load_records,
    text_of,
)

# For one record on the left so many on the right are told: the best, and others that may be meant.
MOST_ANSWERS = 5
# A column name that is shorter is in the names of most files.
SHORTEST_NAME = 3


class Found(NamedTuple):
    """A pair of places, left and right, its probability, and what that amounts to."""

    probability: float
    left: int
    right: int
    outcome: Certainty


@dataclass(frozen=True, slots=True)
class Matches:
    """What was found between two files, in order of the left one; places are those of `left` and `right`.

    `pairs` has for each record on the left the best one on the right; what is in none is new. `also` are
    others that may be meant instead, the best first: they are shown, but link nothing.
    """

    kind: Kind
    left: Sequence[Source]
    right: Sequence[Source]
    pairs: Sequence[Found]
    look: Callable[[int, int], Comparison]
    compared: int
    notes: Sequence[str] = ()
    quality: Quality | None = None
    also: Sequence[Found] = ()


def match_files(
    left: RecordFile,
    right: RecordFile,
    matching: Matching,
    *,
    one_to_one: bool = False,
    truth: str | None = None,
    on_progress: Progress | None = None,
) -> Matches:
    """Finds the records of two files that are the same.

    With `one_to_one` a record is in one pair at most, the likeliest. `truth` is a file with two columns of
    ids. Raises LeadlaneError where a file or its columns cannot be read.
    """
    ours, theirs = _load_both(left, right, on_progress)
    kind = ours.columns.kind
    compare = comparer([ours, theirs], kind)
    links, compared = _links(ours.records, theirs.records, kind, compare, matching, on_progress)
    chosen = _one_to_one(links) if one_to_one else _best_of_each(links)
    others = _others(links, chosen)

    def is_same(one: int, other: int) -> bool:
        return compare(theirs.records[one], theirs.records[other]).probability >= matching.sure_from

    def in_file(pair: Found) -> tuple[int, float, int]:
        # The order in which they stand in the file is the reader's.
        return ours.sources[pair.left].row, -pair.probability, pair.right

    pairs = [Found(*link, _outcome(link, others.get(link.one, ()), is_same, matching)) for link in chosen]
    also = [Found(*link, outcome_of(link.probability, matching)) for own in others.values() for link in own]
    found = Matches(
        kind,
        ours.sources,
        theirs.sources,
        sorted(pairs, key=in_file),
        lambda one, other: compare(ours.records[one], theirs.records[other]),
        compared,
        [*ours.notes, *theirs.notes],
        also=sorted(also, key=in_file),
    )
    if truth is None:
        return found
    true, notes = _read_truth(truth, left, right, ours, theirs)
    return replace(
        found, notes=[*found.notes, *notes], quality=_judged(found, ours.records, theirs.records, true)
    )


def _load_both(left: RecordFile, right: RecordFile, on_progress: Progress | None) -> tuple[Loaded, Loaded]:
    """Both files as records of one kind: people if both are about people, else companies."""
    loaded = []
    for file in (left, right):
        with open_rows(file.path, encoding=file.encoding) as rows:
            loaded.append(load_records(rows, file, on_progress))
    kinds = {one.columns.kind for one in loaded}
    if len(kinds) > 1:
        if left.path == "-" or right.path == "-":
            raise LeadlaneError(
                _("One file is about companies and the other about people."),
                _("Say what to match with --as company."),
            )
        return _load_both(replace(left, kind="company"), replace(right, kind="company"), on_progress)
    for one in loaded:
        one.in_order(sorting_order(one.records))
    return loaded[0], loaded[1]


def _links(
    left: Sequence[Record],
    right: Sequence[Record],
    kind: Kind,
    compare: Callable[[Record, Record], Comparison],
    matching: Matching,
    on_progress: Progress | None,
) -> tuple[list[Link], int]:
    """The pairs that are at least unsure, in order of the left, and how many were compared."""
    links, compared = [], 0
    for one, other in candidate_pairs_between(left, right, kind):
        compared += 1
        if on_progress is not None and compared % EVERY == 0:
            on_progress("compare", one, len(left))
        probability = compare(left[one], right[other]).probability
        if probability >= matching.unsure_from:
            links.append(Link(probability, one, other))
    return links, compared


def _best_of_each(links: Sequence[Link]) -> list[Link]:
    """For each record on the left the likeliest on the right: a lead is of one account, which has many."""
    by_left = groupby(links, key=lambda link: link.one)
    return [min(own, key=lambda link: (-link.probability, link.other)) for _one, own in by_left]


def _outcome(
    link: Link, others: Sequence[Link], is_same: Callable[[int, int], bool], matching: Matching
) -> Certainty:
    """What a link amounts to: never sure where another one is about as likely, and not surely the same."""
    answer = outcome_of(link.probability, matching)
    rivals = (other for other in others if odds(link.probability) < FAR_LIKELIER * odds(other.probability))
    if answer == "sure" and any(not is_same(link.other, rival.other) for rival in rivals):
        return "unsure"
    return answer


def _others(links: Sequence[Link], chosen: Sequence[Link]) -> dict[int, list[Link]]:
    """For each chosen link the next likeliest of the same record on the left, the likeliest first."""
    taken = {link.one: link for link in chosen}
    others = {}
    for one, own in groupby(links, key=lambda link: link.one):
        rest = sorted(own, key=lambda link: (-link.probability, link.other))
        rest = [link for link in rest if link != taken.get(one)]
        if one in taken and rest:
            others[one] = rest[: MOST_ANSWERS - 1]
    return others


def _one_to_one(links: Sequence[Link]) -> list[Link]:
    """Each record once, the likeliest pair first."""
    taken_left: set[int] = set()
    taken_right: set[int] = set()
    chosen = []
    for link in sorted(links, key=lambda link: (-link.probability, link.one, link.other)):
        if link.one not in taken_left and link.other not in taken_right:
            taken_left.add(link.one)
            taken_right.add(link.other)
            chosen.append(link)
    return chosen


def _judged(found: Matches, left: Sequence[Record], right: Sequence[Record], true: set[Pair]) -> Quality:
    def look(pair: Pair) -> Mistake:
        one, other = pair
        return Mistake(found.left[one].text, found.right[other].text, found.look(one, other))

    sure = [(pair.left, pair.right) for pair in found.pairs if pair.outcome == "sure"]
    suggested = [(pair.left, pair.right) for pair in found.pairs]
    by_key = [
        (one, other)
        for one, other in candidate_pairs_between(left, right, found.kind)
        if share_key(left[one], right[other], found.kind)
    ]
    return Quality(
        (
            Method("sure", score_pairs(sure, true)),
            Method("suggested", score_pairs(suggested, true)),
            names_method(left, right, found.kind, lambda one, other: (one, other) in true, len(true)),
            Method("keys", score_pairs(by_key, true)),
        ),
        found.compared,
        len(sure),
        len(suggested) - len(sure),
        worst_false(look(pair) for pair in sure if pair not in true),
        worst_missed(look(pair) for pair in sorted(true - set(suggested))),
    )


# ---------------------------------------------------------------- truth


def _read_truth(
    path: str, left: RecordFile, right: RecordFile, ours: Loaded, theirs: Loaded
) -> tuple[set[Pair], list[str]]:
    """The true pairs, as places, and notes on rows that name what is not there."""
    with open_rows(path) as rows:
        if len(rows.headers) < 2:
            raise LeadlaneError(
                _("{file} is no truth: it has one column").format(file=path),
                _("It needs two, the ids of the left file and those of the right one."),
            )
        cells = [
            tuple(text_of(row.data.get(header)) for header in rows.headers)
            for row in rows
            if isinstance(row, Row)
        ]
        headers = rows.headers
    left_ids, right_ids = _places(ours.sources), _places(theirs.sources)
    one, other = _sides(headers, cells, left, right, left_ids.keys(), right_ids.keys())
    true: set[Pair] = set()
    unknown = 0
    for row in cells:
        pairs = [(a, b) for a in left_ids.get(row[one], ()) for b in right_ids.get(row[other], ())]
        true.update(pairs)
        unknown += not pairs
    if not true:
        raise LeadlaneError(
            _("{file} names no pair of ids that both files have").format(file=path),
            _("Say which columns hold the ids with --map id=COLUMN, or --map-right id=COLUMN."),
        )
    if not unknown:
        return true, []
    said = ngettext(
        "{n} row of the truth names an id that a file does not have, and is left out",
        "{n} rows of the truth name an id that a file does not have, and are left out",
        unknown,
    )
    return true, [said.format(n=unknown)]


def _places(sources: Sequence[Source]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for place, source in enumerate(sources):
        found.setdefault(source.id, []).append(place)
    return found


def _sides(
    headers: Sequence[str],
    cells: Sequence[Sequence[str]],
    left: RecordFile,
    right: RecordFile,
    left_ids: Iterable[str],
    right_ids: Iterable[str],
) -> tuple[int, int]:
    """Which two columns are the ids of the left and of the right file.

    A column has the name of its file (`crm_id` of `crm.csv`), or says a side; else the ids say, which are in
    the one file or the other; else the left file is first.
    """
    ours, theirs = set(left_ids), set(right_ids)

    def fit(one: int, other: int) -> tuple[int, int, int]:
        known = sum(row[one] in ours and row[other] in theirs for row in cells)
        named = _named(headers[one], left.path, "left") + _named(headers[other], right.path, "right")
        return named, known, -one

    columns = range(len(headers))
    return max(((a, b) for a in columns for b in columns if a != b), key=lambda pair: fit(*pair))


def _named(header: str, path: str, side: str) -> int:
    """How clearly a column's name says that it is about this file."""
    name = header_key(header).removesuffix("id").removeprefix("id")
    stem = header_key(Path(path).stem)
    if len(name) < SHORTEST_NAME:
        return 0
    return 2 * (name in stem or stem in name) + (side in name)
