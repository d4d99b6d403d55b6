"""By which keys are look-alikes found, in a file and in the database?

Whoever searches finds records that share a key, and drops keys that too many share. Each key survives one
kind of damage to what it is made of, so together they find what was misspelt, reordered, cut, or left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations, islice
from typing import Literal

from leadlane.matching.names import CompanyName, PersonName
from leadlane.matching.record import Record, street_core
from leadlane.matching.words import COMMON_WORDS

# Raised whenever the same record gives other keys than before: what was stored by an older number is rebuilt.
VERSION = 1
MOST_KEYS = 18
# Of a record with many aliases, phones or domains so many are searched by.
MOST_NAMES = 4
MOST_OTHERS = 3
# So many words of a name are keys by themselves, those that tell most.
TELLING_WORDS = 3
# National numbers differ in how area and country are written, hardly ever in their last digits.
PHONE_DIGITS = 7
# A misspelt word is found by its other half; a name that lost a word, by its other end.
HALF_WORD = 4
END_OF_NAME = 6
LONGEST_INITIALS = 6


def search_keys(record: Record, what: Literal["company", "person"]) -> tuple[str, ...]:
    """At most `MOST_KEYS` different keys of a record, the most telling first; () for one without content."""
    keys = _company_keys(record) if what == "company" else _person_keys(record)
    return tuple(islice(dict.fromkeys(keys), MOST_KEYS))


def _company_keys(record: Record) -> Iterator[str]:
    names = record.company[:MOST_NAMES]
    for domain in record.domains[:MOST_OTHERS]:
        yield f"domain {domain}"
    yield from _phone_keys(record)
    for name in names:
        yield f"name {name.joined}"
    for domain in record.domains[:MOST_OTHERS]:
        # "Big Bank" is found by bigbank.example, and the other way round.
        yield f"name {domain.partition('.')[0].replace('-', '')}"
    for name in names[:1]:
        yield from _name_keys(name)
    yield from _address_keys(record)
    for name in names[:1]:
        yield from _place_keys(name, record)
        yield from _typing_error_keys(name)
    for name in names[1:]:
        yield from _name_keys(name)


def _name_keys(name: CompanyName) -> Iterator[str]:
    telling = _telling(name.tokens)
    for one, other in combinations(telling, 2):
        yield f"words {min(one, other)} {max(one, other)}"
    for word in telling:
        yield f"word {word}"
    if len(name.joined) > END_OF_NAME:
        yield f"begin {name.joined[:END_OF_NAME]}"
        yield f"end {name.joined[-END_OF_NAME:]}"
    if 3 <= len(name.initials) <= LONGEST_INITIALS:
        yield f"name {name.initials}"


def _typing_error_keys(name: CompanyName) -> Iterator[str]:
    joined, telling = name.joined, _telling(name.tokens)[:2]
    if len(joined) > END_OF_NAME:
        # A slip in the middle: both ends together tell enough, one would not.
        n = HALF_WORD if len(joined) > 2 * HALF_WORD else HALF_WORD - 1
        yield f"ends {joined[:n]} {joined[-n:]}"
    if len(telling) > 1:
        # A slip in one word, where the other one tells.
        for word, other in (telling, telling[::-1]):
            if len(word) > HALF_WORD:
                yield f"words {word[:HALF_WORD]}- {other}"
                yield f"words -{word[-HALF_WORD:]} {other}"


def _place_keys(name: CompanyName, record: Record) -> Iterator[str]:
    """A name that many have is of few in one town, and so are initials, which stand for many names."""
    if record.city:
        yield f"city {record.city} {name.joined[:HALF_WORD]}"
        if len(name.joined) > HALF_WORD:
            yield f"city {record.city} -{name.joined[-HALF_WORD:]}"
    short = name.initials if len(name.tokens) > 1 else name.joined
    if 3 <= len(short) <= LONGEST_INITIALS:
        yield from (f"initials {place} {short}" for place in (record.city, record.country) if place)


def _person_keys(record: Record) -> Iterator[str]:
    for email in record.emails[:MOST_OTHERS]:
        yield f"email {email}"
    yield from _phone_keys(record)
    person = record.person
    if person is not None:
        yield from _person_name_keys(person)
        for company in record.company[:1]:
            yield from (f"at {word} {person.joined[:HALF_WORD]}" for word in _telling(company.tokens)[:1])
        for word in _parts(person):
            if record.postcode:
                yield f"postcode {record.postcode} {word[:HALF_WORD]}"
            if record.street:
                yield f"street {record.street[:END_OF_NAME]} {word[:HALF_WORD]}"
            if record.city:
                yield f"city {record.city} {word[:HALF_WORD]}"
    yield from _address_keys(record)


def _person_name_keys(person: PersonName) -> Iterator[str]:
    """The whole name, its beginnings and its ends, in no order: first and last names get swapped."""
    parts = _parts(person)
    yield f"person {_in_order(parts)}"
    if len(parts) > 1:
        yield f"person {_in_order(part[:HALF_WORD] for part in parts)}-"
        yield f"person -{_in_order(part[-HALF_WORD:] for part in parts)}"


def _parts(person: PersonName) -> list[str]:
    return [part for part in ("".join(person.first), "".join(person.last)) if part]


def _phone_keys(record: Record) -> Iterator[str]:
    for phone in record.phones[:MOST_OTHERS]:
        yield f"phone {phone[-PHONE_DIGITS:]}"


def _address_keys(record: Record) -> Iterator[str]:
    number = record.house_number
    if record.street and number:
        yield f"address {number} {_longest(street_core(record.street).split())[:HALF_WORD]}"
    if record.postcode and number:
        yield f"address {number} {record.postcode}"
    if record.street and record.city:
        yield f"address {record.street} {record.city}"


def _telling(tokens: Iterable[str]) -> list[str]:
    """The words that tell most, the first of equals first by length and then by alphabet."""
    ranked = sorted(dict.fromkeys(tokens), key=lambda word: (-COMMON_WORDS.tells(word), -len(word), word))
    return ranked[:TELLING_WORDS]


def _longest(words: list[str]) -> str:
    return max(words, key=lambda word: (len(word), word))


def _in_order(parts: Iterable[str]) -> str:
    return " ".join(sorted(parts))
