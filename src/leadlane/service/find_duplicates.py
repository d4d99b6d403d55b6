"""Which records of a file are the same, surely or perhaps? Where the truth is known: how good is that?"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

from leadlane.core.match import Certainty, outcome_of
from leadlane.core.policy import Matching
from leadlane.errors import LeadlaneError
from leadlane.i18n import _, ngettext
from leadlane.intake.files import Row, Rows, open_rows
from leadlane.intake.record_columns import Kind, PairColumns, pair_columns
from leadlane.matching.clusters import Link, join, undisputed
from leadlane.matching.compare import Comparison
from leadlane.matching.judge import Score, best_threshold, score_clusters, score_entities
from leadlane.matching.pairs import candidate_pairs, sorting_order
from leadlane.matching.record import Record
from leadlane.service.link_quality import (
    Method,
    Mistake,
    Quality,
    false_links,
    groups_by_place,
    missed_links,
    names_alike,
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
    record_of_row,
    require_column,
    text_of,
)

# How probable it must be, in the mean over pairs, that what links join is the same. A cluster is acted upon,
# so hardly a pair in it may contradict; a group is looked at by a person, who would rather take one out of
# it than look for one that is missing.
MEAN_OF_CLUSTER = 0.9
MEAN_OF_GROUP = 0.3

_TRUE = frozenset(
    (
        *("true", "t", "yes", "y", "1", "1.0", "match", "matched", "same", "duplicate"),
        *("ja", "wahr", "sì", "si", "vero", "tak", "prawda"),
    )
)
_FALSE = frozenset(
    (
        *("false", "f", "no", "n", "0", "0.0", "non-match", "nonmatch", "no-match", "different", "distinct"),
        *("nein", "falsch", "falso", "nie", "fałsz"),
    )
)


@dataclass(frozen=True, slots=True)
class Duplicates:
    """What was found in a file of records. Places are those of `sources`.

    `clusters` are surely the same. `groups` are clusters and records that may be the same, for a person to
    look at; `unsure` the single questions in and between them, the likeliest first, one for any two clusters.
    """

    kind: Kind
    sources: Sequence[Source]
    clusters: Sequence[Sequence[int]]
    groups: Sequence[Sequence[int]]
    unsure: Sequence[Link]
    look: Callable[[int, int], Comparison]
    compared: int
    notes: Sequence[str] = ()
    quality: Quality | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One row of a file of pairs: both records as text, what matching says, and the truth if it is known."""

    row: int
    one: str
    other: str
    comparison: Comparison
    outcome: Certainty
    truth: bool | None


@dataclass(frozen=True, slots=True)
class Answers:
    """What matching says to each row of a file of pairs."""

    kind: Kind
    answers: Sequence[Answer]
    quality: Quality
    notes: Sequence[str] = ()


def find_duplicates(
    file: RecordFile, matching: Matching, on_progress: Progress | None = None
) -> Duplicates | Answers:
    """The duplicates in a file, or, of a file of pairs with a truth, the answer to each pair.

    Raises LeadlaneError where the file or its columns cannot be read.
    """
    with open_rows(file.path, encoding=file.encoding) as rows:
        if file.truth is not None:
            require_column(rows, file.truth)
            if pairs := pair_columns(rows.headers, file.mapping, file.kind, (file.truth,)):
                return _answer_pairs(rows, pairs, file.truth, matching, on_progress)
        loaded = load_records(rows, file, on_progress)
    loaded.in_order(sorting_order(loaded.records))
    return _duplicates_of(loaded, matching, on_progress)


def _duplicates_of(loaded: Loaded, matching: Matching, on_progress: Progress | None) -> Duplicates:
    kind, records = loaded.columns.kind, loaded.records
    compare = comparer([loaded], kind)
    links, compared = links_of(records, kind, compare, matching, on_progress)

    def look(one: int, other: int) -> Comparison:
        return compare(records[one], records[other])

    def probability(one: int, other: int) -> float:
        return look(one, other).probability

    sure = [link for link in links if link.probability >= matching.sure_from]
    sure = undisputed(sure, probability, matching.unsure_from)
    clusters = join(len(records), sure, probability, min(MEAN_OF_CLUSTER, matching.sure_from))
    groups = join(len(records), links, probability, min(MEAN_OF_GROUP, matching.unsure_from), clusters)
    found = Duplicates(
        kind,
        loaded.sources,
        clusters,
        groups,
        questions_of(links, groups_by_place(clusters)),
        look,
        compared,
        loaded.notes,
    )
    if not loaded.truth:
        return found
    return replace(found, quality=_judged(found, loaded, links))


def links_of(
    records: Sequence[Record],
    kind: Kind,
    compare: Callable[[Record, Record], Comparison],
    matching: Matching,
    on_progress: Progress | None,
) -> tuple[list[Link], int]:
    """The pairs that are at least unsure, and how many were compared."""
    links, compared = [], 0
    for one, other in candidate_pairs(records, kind):
        compared += 1
        if on_progress is not None and compared % EVERY == 0:
            on_progress("compare", other, len(records))
        probability = compare(records[one], records[other]).probability
        if probability >= matching.unsure_from:
            links.append(Link(probability, one, other))
    return links, compared


def questions_of(links: Sequence[Link], cluster: Mapping[int, Hashable]) -> list[Link]:
    """Of links between clusters the likeliest of any two clusters: one answer settles the others."""
    found: dict[tuple[Hashable, Hashable], Link] = {}
    for link in sorted(links, key=lambda link: (-link.probability, link.one, link.other)):
        ours, theirs = cluster.get(link.one, ("", link.one)), cluster.get(link.other, ("", link.other))
        if ours != theirs and (theirs, ours) not in found:
            found.setdefault((ours, theirs), link)
    return list(found.values())


def _judged(found: Duplicates, loaded: Loaded, links: Sequence[Link]) -> Quality:
    kind, records, entity = found.kind, loaded.records, loaded.truth
    clusters, groups = groups_by_place(found.clusters), groups_by_place(found.groups)
    pairs = [(link.one, link.other) for link in links]
    by_key = [
        (one, other)
        for one, other in candidate_pairs(records, kind)
        if share_key(records[one], records[other], kind)
    ]
    sure, suggested = score_clusters(clusters, entity), score_clusters(groups, entity, pairs)

    def is_true(one: int, other: int) -> bool | None:
        return None if entity[one] is None or entity[other] is None else entity[one] == entity[other]

    def look(one: int, other: int) -> Mistake:
        return Mistake(loaded.sources[one].text, loaded.sources[other].text, found.look(one, other))

    within = sum(len(cluster) * (len(cluster) - 1) // 2 for cluster in found.clusters)
    return Quality(
        (
            Method("sure", sure, score_entities(clusters, entity)),
            Method("suggested", suggested, score_entities(groups, entity)),
            names_method(records, None, kind, is_true, sure.true),
            Method("keys", score_clusters({}, entity, by_key)),
        ),
        found.compared,
        within,
        sum(clusters.get(one, ("", one)) != clusters.get(other, ("", other)) for one, other in pairs),
        false_links(found.clusters, entity, look),
        missed_links(groups, entity, set(pairs), look),
    )


def _answer_pairs(
    rows: Rows, columns: PairColumns, truth: str, matching: Matching, on_progress: Progress | None
) -> Answers:
    loaded = Loaded(columns.left), Loaded(columns.right)
    verdicts: list[bool | None] = []
    for row in rows:
        if not isinstance(row, Row):
            loaded[0].unread += 1
            continue
        for side in loaded:
            record, source = record_of_row(row, side.columns)
            side.records.append(record)
            side.sources.append(source)
        verdicts.append(_verdict(row.data.get(truth)))
    _require_verdicts(verdicts, truth)
    kind = columns.left.kind
    compare = comparer(list(loaded), kind)
    answers = []
    left, right = loaded
    for place, verdict in enumerate(verdicts):
        if on_progress is not None and place % EVERY == 0:
            on_progress("compare", place, len(verdicts))
        comparison = compare(left.records[place], right.records[place])
        answers.append(
            Answer(
                left.sources[place].row,
                left.sources[place].text,
                right.sources[place].text,
                comparison,
                outcome_of(comparison.probability, matching),
                verdict,
            )
        )
    return Answers(
        kind, answers, _judged_pairs(answers, left, right, kind), _pair_notes(rows, left, verdicts)
    )


def _verdict(value: object) -> bool | None:
    text = text_of(value).casefold()
    return True if text in _TRUE else False if text in _FALSE else None


def _require_verdicts(verdicts: Sequence[bool | None], truth: str) -> None:
    if all(verdict is None for verdict in verdicts):
        raise LeadlaneError(
            _("The column “{column}” says of no pair whether it is a match.").format(column=truth),
            _("Write true or false, yes or no, 1 or 0, match or non-match."),
        )


def _pair_notes(rows: Rows, left: Loaded, verdicts: Sequence[bool | None]) -> list[str]:
    notes = list(rows.notes)
    if left.unread:
        said = ngettext(
            "{n} row could not be read and is left out",
            "{n} rows could not be read and are left out",
            left.unread,
        )
        notes.append(said.format(n=left.unread))
    if unknown := sum(verdict is None for verdict in verdicts):
        said = ngettext(
            "{n} pair has no truth and is not judged", "{n} pairs have no truth and are not judged", unknown
        )
        notes.append(said.format(n=unknown))
    return notes


def _judged_pairs(answers: Sequence[Answer], left: Loaded, right: Loaded, kind: Kind) -> Quality:
    judged = [(place, answer) for place, answer in enumerate(answers) if answer.truth is not None]
    true = sum(answer.truth is True for _place, answer in judged)

    def score(linked: Sequence[Answer]) -> Score:
        return Score(len(linked), sum(answer.truth is True for answer in linked), true)

    sides = [(answer, left.records[place], right.records[place]) for place, answer in judged]
    alike = ((names_alike(one, other, kind), answer.truth is True) for answer, one, other in sides)
    threshold, best = best_threshold(alike, true)
    sure = [answer for _place, answer in judged if answer.outcome == "sure"]
    suggested = [answer for _place, answer in judged if answer.outcome != "new"]
    return Quality(
        (
            Method("sure", score(sure)),
            Method("suggested", score(suggested)),
            Method("names", best, threshold=threshold),
            Method("keys", score([answer for answer, one, other in sides if share_key(one, other, kind)])),
        ),
        len(judged),
        len(sure),
        len(suggested) - len(sure),
        worst_false(_mistake(answer) for answer in sure if not answer.truth),
        worst_missed(
            _mistake(answer) for _place, answer in judged if answer.truth and answer.outcome == "new"
        ),
    )


def _mistake(answer: Answer) -> Mistake:
    return Mistake(answer.one, answer.other, answer.comparison)
