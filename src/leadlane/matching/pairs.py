"""Which pairs of records are worth comparing? Those that share keys, the most promising first, and no more
than a budget that grows with the number of records and not with its square.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from heapq import nlargest
from math import log2
from typing import Literal

from leadlane.matching.blocking import search_keys
from leadlane.matching.record import Record

What = Literal["company", "person"]

# A record is compared with at most this many others in a large file; small files can afford more.
PER_RECORD = 32
# So many comparisons take seconds whatever the file, so a small file may have them all.
AT_LEAST = 400_000


def sorting_order(records: Sequence[Record]) -> list[int]:
    """The numbers of the records in an order that follows from their contents, not from their places.

    Whatever depends on an order depends on this one: then a file gives the same answer however it is sorted.
    """
    return sorted(range(len(records)), key=lambda number: _content(records[number]))


def candidate_pairs(records: Sequence[Record], what: What) -> Iterator[tuple[int, int]]:
    """Pairs of places (i < j) of one file, whose records should come in `sorting_order`.

    Records share keys (`matching.blocking`). Of a key that many share, a record meets only its neighbours in
    the order of the file, which puts like names together (the sorted neighbourhood of Hernández and Stolfo,
    1995); of all those that it meets, those with which it shares most, in bits.
    """
    keys = [_hashes(record, what) for record in records]
    index = _index(keys, at_least=2)
    most = _most(len(records))
    for place, own in enumerate(keys):
        for other in _best(own, index, place, most, len(records), both_ways=False):
            yield other, place


def candidate_pairs_between(
    left: Sequence[Record], right: Sequence[Record], what: What
) -> Iterator[tuple[int, int]]:
    """Pairs (place in `left`, place in `right`) of two files, by the same rules; left after left."""
    index = _index([_hashes(record, what) for record in right], at_least=1)
    contents = [_content(record) for record in right]
    most = _most(len(left))
    for place, record in enumerate(left):
        neighbour = bisect_left(contents, _content(record))
        for other in _best(_hashes(record, what), index, neighbour, most, len(right), both_ways=True):
            yield place, other


def _most(count: int) -> int:
    return max(PER_RECORD, AT_LEAST // max(1, count))


def _content(record: Record) -> tuple[object, ...]:
    names = tuple(name.joined for name in record.company)
    person = () if record.person is None else (record.person.last, record.person.first)
    return (
        *(names, person, record.emails, record.domains, record.phones),
        *(record.postcode, record.street, record.house_number, record.city, record.region, record.country),
        record.id,
    )


def _hashes(record: Record, what: What) -> array[int]:
    """The search keys as numbers of 8 bytes: a file has millions of them."""
    return array("q", (key_hash(key) for key in search_keys(record, what)))


def key_hash(key: str) -> int:
    """A search key as a signed number of 8 bytes (blake2b), the same on every machine."""
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big", signed=True)


def _index(keys: Sequence[array[int]], at_least: int) -> dict[int, array[int]]:
    """The places of each key, ascending, of keys that at least one or two records have.

    In one file most keys are those of one record, and need no array.
    """
    first: dict[int, int] = {}
    places: dict[int, array[int]] = {}
    for place, own in enumerate(keys):
        for key in own:
            if (known := places.get(key)) is not None:
                known.append(place)
            elif (earlier := first.pop(key, None)) is not None:
                places[key] = array("i", (earlier, place))
            else:
                first[key] = place
    if at_least == 1:
        places |= {key: array("i", (place,)) for key, place in first.items()}
    return places


def _best(
    own: array[int], index: dict[int, array[int]], place: int, most: int, count: int, *, both_ways: bool
) -> list[int]:
    """The places of the records to compare with, by the information (bits) of the keys that are shared."""
    shared: dict[int, float] = {}
    for key in own:
        places = index.get(key)
        if places is None:
            continue
        weight = log2(1 + count / len(places))
        at = bisect_left(places, place)
        near = places[max(0, at - most) : at + most if both_ways else at]
        for other in near:
            shared[other] = shared.get(other, 0.0) + weight
    # A key that twice as many share as can be compared says too little by itself; two such may say enough.
    least = log2(1 + count / (2 * most))
    promising = [other for other, bits in shared.items() if bits >= least]
    if len(promising) <= most:
        return sorted(promising)
    return sorted(nlargest(most, promising, key=lambda other: (shared[other], other)))
