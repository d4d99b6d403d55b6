"""How good are links between records, against a truth that a person has given?"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Score:
    """Counts of pairs: `linked` were linked, `right` of them rightly, and `true` should have been linked."""

    linked: int
    right: int
    true: int

    @property
    def precision(self) -> float:
        """Which share of the links is right; 1 where nothing was linked."""
        return self.right / self.linked if self.linked else 1.0

    @property
    def recall(self) -> float:
        """Which share of the true pairs was linked; 1 where there is none."""
        return self.right / self.true if self.true else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall (van Rijsbergen, 1979)."""
        both = self.linked + self.true
        return 2 * self.right / both if both else 1.0


@dataclass(frozen=True, slots=True)
class EntityScore:
    """The same by entity, where a large one counts no more than a small one.

    `found_wholly`: the share of entities of two records or more whose records, and no others, make up a
    cluster. `precision`, `recall`: means over entities of the precision and recall of the links that touch
    their records.
    """

    entities: int
    found_wholly: float
    precision: float
    recall: float


def score_pairs(linked: Collection[Pair], true: Collection[Pair]) -> Score:
    """The score of linked pairs; both collections hold each pair once, in one direction."""
    truth = true if isinstance(true, set | frozenset) else set(true)
    return Score(len(linked), sum(pair in truth for pair in linked), len(truth))


def score_clusters(
    groups: Mapping[int, Hashable], entity: Sequence[Hashable], extra: Iterable[Pair] = ()
) -> Score:
    """The score of all pairs inside clusters, and of pairs between them (`extra`).

    `groups` is the cluster of a record by its place, of those that are in one; `entity` the true one of
    every record, None where it is not known (such a record counts for nothing). Nothing is quadratic: pairs
    inside are counted by the sizes of what they share.
    """
    known = [place for place, name in enumerate(entity) if name is not None]
    shared = Counter((groups[place], entity[place]) for place in known if place in groups)
    linked = _pairs_within(Counter(groups[place] for place in known if place in groups))
    right = _pairs_within(shared)
    for one, other in extra:
        if entity[one] is None or entity[other] is None:
            continue
        if groups.get(one, ("", one)) != groups.get(other, ("", other)):
            linked += 1
            right += entity[one] == entity[other]
    return Score(linked, right, _pairs_within(Counter(entity[place] for place in known)))


def score_entities(groups: Mapping[int, Hashable], entity: Sequence[Hashable]) -> EntityScore:
    """How whole entities came out; arguments as for `score_clusters`."""
    of_entity: dict[Hashable, list[int]] = defaultdict(list)
    sizes: Counter[Hashable] = Counter()
    for place, name in enumerate(entity):
        if name is not None:
            of_entity[name].append(place)
            sizes[groups.get(place, ("", place))] += 1
    precisions, recalls, whole, several = [], [], 0, 0
    for places in of_entity.values():
        parts = Counter(groups.get(place, ("", place)) for place in places)
        right = sum(size * (size - 1) for size in parts.values())
        linked = sum(size * (sizes[group] - 1) for group, size in parts.items())
        if linked:
            precisions.append(right / linked)
        if len(places) > 1:
            several += 1
            recalls.append(right / (len(places) * (len(places) - 1)))
            whole += len(parts) == 1 and sizes[next(iter(parts))] == len(places)
    return EntityScore(several, whole / several if several else 1.0, _mean(precisions), _mean(recalls))


def best_threshold(scored: Iterable[tuple[float, bool]], true: int) -> tuple[float, Score]:
    """The threshold at which linking all that score at least as much gives the best F1, and that score.

    `scored` are (score, whether the pair is true); `true` counts all true pairs. The truth is looked at, so
    this is the best that such a method can do, not what it would do.
    """
    by_score: dict[float, list[int]] = defaultdict(lambda: [0, 0])
    for value, is_right in scored:
        counts = by_score[value]
        counts[0] += 1
        counts[1] += is_right
    best, threshold, linked, right = Score(0, 0, true), float("inf"), 0, 0
    for value in sorted(by_score, reverse=True):
        linked += by_score[value][0]
        right += by_score[value][1]
        score = Score(linked, right, true)
        if score.f1 > best.f1:
            best, threshold = score, value
    return threshold, best


def _pairs_within(sizes: Counter[Hashable] | Counter[tuple[Hashable, Hashable]]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes.values())


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 1.0
