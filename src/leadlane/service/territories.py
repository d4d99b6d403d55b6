"""Whose is which part of the market? Segments with their teams and owners, and the countries they name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from leadlane.core.conditions import All, Any_, Condition, Test
from leadlane.core.facts import Roster
from leadlane.core.rulebook import Rulebook
from leadlane.policy.words import condition_words, value_words


@dataclass(frozen=True, slots=True)
class Territory:
    """A segment: who is in it, the team that serves it, that team's manager and people (ids)."""

    name: str
    when: str
    description: str
    team: str
    owner: str | None
    people: tuple[str, ...]
    countries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Country:
    """A country that segments name: those segments in their order, and who of the teams speaks from there."""

    code: str
    name: str
    territories: tuple[Territory, ...]
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Market:
    """All territories in the order of the policy, and the countries in that of their names."""

    territories: tuple[Territory, ...]
    countries: tuple[Country, ...]


def market(book: Rulebook) -> Market:
    """The segments of the policy with the people of the roster, in the language of the context."""
    territories = tuple(_territories(book))
    naming: defaultdict[str, list[Territory]] = defaultdict(list)
    for territory in territories:
        for code in territory.countries:
            naming[code].append(territory)
    countries = (_country(book.roster, code, named) for code, named in naming.items())
    return Market(territories, tuple(sorted(countries, key=lambda country: country.name)))


def _territories(book: Rulebook) -> Iterable[Territory]:
    for segment in book.policy.segments:
        team = book.roster.teams.get(segment.team or "")
        yield Territory(
            name=segment.name,
            when=condition_words(segment.when),
            description=segment.description,
            team=team.name if team else segment.team or "",
            owner=team.manager if team else None,
            people=tuple(_people_of(book.roster, team.id if team else None)),
            countries=tuple(dict.fromkeys(_countries(segment.when))),
        )


def _people_of(roster: Roster, team: str | None) -> Iterable[str]:
    manager = roster.teams[team].manager if team else None
    for person in roster.people.values():
        if person.active and team in person.teams and person.id != manager:
            yield person.id


def _countries(condition: Condition) -> Iterable[str]:
    """The countries that a condition lets in by name; what it excludes, it does not name."""
    match condition:
        case Test(field="country", op="is", negated=False):
            yield from (str(value).strip().upper() for value in condition.value)
        case All(parts) | Any_(parts):
            for part in parts:
                yield from _countries(part)


def _country(roster: Roster, code: str, territories: list[Territory]) -> Country:
    serving = dict.fromkeys(person for territory in territories for person in territory.people)
    people = tuple(person for person in serving if roster.people[person].country.upper() == code)
    return Country(code, value_words("country", code), tuple(territories), people)
