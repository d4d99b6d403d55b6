"""Clusters: what is alike is joined, as far as nothing contradicts."""

import random

from hypothesis import given
from hypothesis import strategies as st

from leadlane.matching.clusters import ASKED, Link, join, undisputed


def certain(_one: int, _other: int) -> float:
    return 1.0


def test_links_join_over_what_they_have_in_common() -> None:
    links = [Link(0.99, 0, 1), Link(0.99, 1, 2), Link(0.99, 4, 5)]
    assert join(6, links, certain, 0.9) == [[0, 1, 2], [4, 5]]


def test_who_may_as_well_be_another_is_surely_neither() -> None:
    links = [Link(0.99, 0, 1), Link(0.98, 1, 2), Link(0.99, 4, 5)]
    assert undisputed(links, certain, 0.5) == links
    assert undisputed(links, lambda *_pair: 0.1, 0.5) == links[2:]
    far = [Link(0.9999, 0, 1), Link(0.98, 1, 2)]
    assert undisputed(far, lambda *_pair: 0.1, 0.5) == far[:1]


def test_a_chain_is_not_joined_where_its_ends_contradict() -> None:
    likely = {(0, 1): 0.999, (1, 2): 0.99, (0, 2): 0.0}
    links = [Link(likely[pair], *pair) for pair in ((1, 2), (0, 1))]
    assert join(3, links, lambda a, b: likely[a, b], 0.9) == [[0, 1]]


def test_one_wrong_link_does_not_pull_two_clusters_together() -> None:
    halves = [(a, b) for a in range(4) for b in range(a + 1, 4)]
    halves += [(a + 4, b + 4) for a, b in halves]
    links = [Link(0.99, a, b) for a, b in halves] + [Link(0.985, 3, 4)]

    def probability(one: int, other: int) -> float:
        return 0.99 if (one < 4) == (other < 4) else 0.01

    assert join(8, links, probability, 0.5) == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_what_is_joined_already_stays_joined() -> None:
    assert join(4, [Link(0.6, 1, 2)], certain, 0.5, [[0, 1]]) == [[0, 1, 2]]
    assert join(4, [], certain, 0.5, [[0, 3]]) == [[0, 3]]


def test_large_clusters_ask_of_a_few() -> None:
    asked = 0

    def count(_one: int, _other: int) -> float:
        nonlocal asked
        asked += 1
        return 1.0

    size = 2000
    links = [Link(0.99, n, n + 1) for n in range(size - 1)]
    assert join(size, links, count, 0.9) == [list(range(size))]
    assert asked <= size * ASKED * ASKED


links = st.lists(
    st.tuples(st.sampled_from((0.5, 0.7, 0.99)), st.integers(0, 14), st.integers(0, 14)).filter(
        lambda link: link[1] < link[2]
    ),
    max_size=40,
    unique_by=lambda link: link[1:],
)


@given(links, st.integers(0, 99))
def test_the_order_of_the_links_does_not_count(found: list[tuple[float, int, int]], seed: int) -> None:
    likely = {(a, b): p for p, a, b in found}
    given_links = [Link(*link) for link in found]
    shuffled = random.Random(seed).sample(given_links, len(given_links))

    def probability(one: int, other: int) -> float:
        return likely.get((one, other), 0.0)

    clusters = join(15, given_links, probability, 0.6)
    assert clusters == join(15, shuffled, probability, 0.6)
    places = [place for cluster in clusters for place in cluster]
    assert len(places) == len(set(places))
    assert all(len(cluster) > 1 and cluster == sorted(cluster) for cluster in clusters)
