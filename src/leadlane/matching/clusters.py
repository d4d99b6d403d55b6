"""Which records belong together, given which pairs do? Like joins like, as far as nothing contradicts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from typing import NamedTuple

# So many members of either side are asked whether two clusters belong together: 25 comparisons at most, so
# that clusters of any size cost the same.
ASKED = 5
# Who is so many times as likely as another is meant, whatever speaks for the other.
FAR_LIKELIER = 8.0


class Link(NamedTuple):
    """Two records, by their places (one < other), and the probability that they are the same."""

    probability: float
    one: int
    other: int


def undisputed(links: Sequence[Link], probability: Callable[[int, int], float], least: float) -> list[Link]:
    """The links but those of a record that may as well be another one.

    Where a record is linked to two that are less than `least` likely to be the same, it cannot be both: "Dorn
    Bau" in no town is neither the one in Berlin nor the one in Bremen. The link that is eight times as likely
    (odds) as the other stays. Of each record the five strongest links are asked.
    """
    strongest: dict[int, list[Link]] = defaultdict(list)
    for link in sorted(links, key=lambda link: (-link.probability, link.one, link.other)):
        for place in (link.one, link.other):
            if len(strongest[place]) < ASKED:
                strongest[place].append(link)
    disputed: set[Link] = set()
    for place, own in strongest.items():
        for link, weaker in combinations(own, 2):
            pair = sorted(one.one + one.other - place for one in (link, weaker))
            if probability(*pair) < least:
                disputed.add(weaker)
                if odds(link.probability) < FAR_LIKELIER * odds(weaker.probability):
                    disputed.add(link)
    return [link for link in links if link not in disputed]


def odds(probability: float) -> float:
    """How many times as likely as not."""
    return probability / max(1e-6, 1.0 - probability)


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
