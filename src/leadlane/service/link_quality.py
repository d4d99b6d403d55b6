"""How good are the links that matching gives, against a truth, and against simpler methods?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import nlargest, nsmallest
from typing import Literal

from rapidfuzz import fuzz, process

from leadlane.matching.compare import Comparison
from leadlane.matching.judge import EntityScore, Pair, Score, best_threshold
from leadlane.matching.pairs import What, candidate_pairs, candidate_pairs_between
from leadlane.matching.record import Record

# Of each kind so many mistakes are told.
MISTAKES = 10
# So many pairs of names are compared whole for the baseline; of larger files those that share a word.
WHOLE = 5_000_000
# Names less alike than this are never linked by the baseline; its best threshold is far above.
LEAST_ALIKE = 50


@dataclass(frozen=True, slots=True)
class Method:
    """What one method came to: `sure`, `suggested` (sure and unsure), and the baselines `names` and `keys`.

    `names` links names that are alike enough (rapidfuzz token_sort_ratio on normalised names) at the
    `threshold` that the truth shows to be the best; `keys` links what has a key in common.
    """

    name: Literal["sure", "suggested", "names", "keys"]
    score: Score
    entities: EntityScore | None = None
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Mistake:
    """Two records (as text) that were linked and are not the same, or the other way round."""

    one: str
    other: str
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class Quality:
    """Methods side by side; of the pairs `compared` how many came out how; the worst mistakes."""

    methods: tuple[Method, ...]
    compared: int
    sure: int
    unsure: int
    false_sure: tuple[Mistake, ...]
    missed: tuple[Mistake, ...]


Look = Callable[[int, int], Mistake]


def names_method(
    left: Sequence[Record],
    right: Sequence[Record] | None,
    what: What,
    is_true: Callable[[int, int], bool | None],
    true: int,
) -> Method:
    """The baseline that knows names only: of one file (`right` is None), or between two.

    `is_true` says of two places whether they are the same, None where that is not known; `true` is how many
    pairs are.
    """
    scored = (
        (score, verdict)
        for one, other, score in _alike(left, right, what)
        if (verdict := is_true(one, other)) is not None
    )
    threshold, score = best_threshold(scored, true)
    return Method("names", score, threshold=threshold)


def name_of(record: Record, what: What) -> str:
    """A record's normalised name, its words in order of the alphabet."""
    if what == "company":
        return " ".join(sorted(record.company[0].tokens)) if record.company else ""
    person = record.person
    return " ".join(sorted((*person.first, *person.last))) if person else ""


def names_alike(one: Record, other: Record, what: What) -> float:
    """How alike two normalised names are in any order of words, from 0 to 100; 0 where one has none."""
    ours, theirs = name_of(one, what), name_of(other, what)
    return fuzz.ratio(ours, theirs) if ours and theirs else 0.0


def share_key(one: Record, other: Record, what: What) -> bool:
    """Whether two records share a mailbox, a phone, a company's domain, or a whole normalised name."""
    if set(one.emails) & set(other.emails) or set(one.phones) & set(other.phones):
        return True
    if what == "company" and set(one.domains) & set(other.domains):
        return True
    name = name_of(one, what)
    return bool(name) and name == name_of(other, what)


def false_links(
    groups: Iterable[Sequence[int]], entity: Sequence[Hashable], look: Look
) -> tuple[Mistake, ...]:
    """The worst that was joined wrongly: of each group two records of two entities, the likeliest first."""
    found = []
    for group in groups:
        first: dict[Hashable, int] = {}
        for place in group:
            if entity[place] is not None:
                first.setdefault(entity[place], place)
        if len(first) > 1:
            one, other, *_others = first.values()
            found.append(look(one, other))
    return worst_false(found)


def missed_links(
    groups: Mapping[int, Hashable], entity: Sequence[Hashable], linked: set[Pair], look: Look
) -> tuple[Mistake, ...]:
    """The worst that was not joined: of each entity two records of two groups, the least likely first."""
    parts: dict[Hashable, dict[Hashable, int]] = defaultdict(dict)
    for place, name in enumerate(entity):
        if name is not None:
            parts[name].setdefault(groups.get(place, ("", place)), place)
    found = []
    for places in parts.values():
        one, *others = places.values()
        if missing := next((other for other in others if (one, other) not in linked), None):
            found.append(look(one, missing))
    return worst_missed(found)


def worst_false(found: Iterable[Mistake]) -> tuple[Mistake, ...]:
    """The wrong links that looked most right."""
    return tuple(nlargest(MISTAKES, found, key=lambda one: one.comparison.probability))


def worst_missed(found: Iterable[Mistake]) -> tuple[Mistake, ...]:
    """The true pairs that looked most wrong."""
    return tuple(nsmallest(MISTAKES, found, key=lambda one: one.comparison.probability))


def _alike(
    left: Sequence[Record], right: Sequence[Record] | None, what: What
) -> Iterator[tuple[int, int, float]]:
    """Pairs of places, and how alike their names are, of those that are alike at all."""
    if len(left) * len(right if right is not None else left) > WHOLE:
        yield from _alike_among_candidates(left, right, what)
        return
    names = [name_of(record, what) for record in (right if right is not None else left)]
    for place, record in enumerate(left):
        start = place + 1 if right is None else 0
        if not (name := name_of(record, what)):
            continue
        near = process.extract(name, names[start:], scorer=fuzz.ratio, score_cutoff=LEAST_ALIKE, limit=None)
        for other_name, score, at in near:
            if other_name:
                yield place, start + at, score


def _alike_among_candidates(
    left: Sequence[Record], right: Sequence[Record] | None, what: What
) -> Iterator[tuple[int, int, float]]:
    ours = [_names_only(record) for record in left]
    theirs = ours if right is None else [_names_only(record) for record in right]
    pairs = candidate_pairs(ours, what) if right is None else candidate_pairs_between(ours, theirs, what)
    for one, other in pairs:
        yield one, other, names_alike(ours[one], theirs[other], what)


def _names_only(record: Record) -> Record:
    return replace(
        record, emails=(), domains=(), phones=(), street="", house_number="", postcode="", city="", region=""
    )


def groups_by_place(groups: Sequence[Sequence[int]]) -> dict[int, int]:
    """The number of its group for each place that is in one."""
    return {place: number for number, group in enumerate(groups) for place in group}
