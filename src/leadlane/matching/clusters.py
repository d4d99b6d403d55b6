"""Which records belong together, given which pairs do? Like joins like, as far as nothing contradicts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

# So many members of either side are asked whether two clusters belong together: 25 comparisons at most, so
# that clusters of any size cost the same.
ASKED = 5


class Link(NamedTuple):
    """Two records, by their places (one < other), and the probability that they are the same."""

    probability: float
    one: int
    other: int


def join(
    count: int,
    links: Iterable[Link],
    probability: Callable[[int, int], float],
    least: float,
    start: Iterable[Sequence[int]] = (),
) -> list[list[int]]:
    """Clusters of two records or more, of the places 0 … count - 1; each ascending, the first first.

    The strongest link goes first. It joins its two clusters when their members are the same with a mean
    probability of at least `least` (average linkage, Sokal and Michener, 1958), asked of up to five members
    of either side; so one wrong link does not pull together what it has in common with nothing else.
    `start` are clusters that exist already. The answer follows from the links, not from their order.
    """
    members: dict[int, list[int]] = {}
    root = list(range(count))
    for cluster in start:
        for place in cluster:
            root[place] = cluster[0]
        members[cluster[0]] = list(cluster)
    refused: set[tuple[int, int]] = set()
    for link in sorted(links, key=lambda link: (-link.probability, link.one, link.other)):
        one, other = sorted((root[link.one], root[link.other]))
        if one == other or (one, other) in refused:
            continue
        ours, theirs = members.get(one, [one]), members.get(other, [other])
        if _mean(_asked(ours), _asked(theirs), probability, link) < least:
            refused.add((one, other))
            continue
        if len(ours) < len(theirs):
            one, other, ours, theirs = other, one, theirs, ours
        for place in theirs:
            root[place] = one
        members[one] = ours
        ours.extend(theirs)
        members.pop(other, None)
    return sorted(sorted(cluster) for cluster in members.values() if len(cluster) > 1)


def _mean(
    ours: Sequence[int], theirs: Sequence[int], probability: Callable[[int, int], float], known: Link
) -> float:
    if len(ours) == len(theirs) == 1:
        return known.probability
    total = sum(probability(min(one, other), max(one, other)) for one in ours for other in theirs)
    return total / (len(ours) * len(theirs))


def _asked(members: Sequence[int]) -> Sequence[int]:
    """Members spread evenly over the list: those that came one after another are the most alike."""
    if len(members) <= ASKED:
        return members
    return [members[at * (len(members) - 1) // (ASKED - 1)] for at in range(ASKED)]
