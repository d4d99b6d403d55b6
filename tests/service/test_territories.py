"""Whose is which part of the market, and which countries a segment names."""

from __future__ import annotations

import psycopg
from tests.service.conftest import NOW, POLICY

from leadlane.core.rulebook import Rulebook
from leadlane.service.publish import publish
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.territories import Market, market

SEGMENTS = POLICY[POLICY.index("segments:\n") : POLICY.index("deal_value:")]


def with_segments(connection: psycopg.Connection, books: Rulebooks, segments: str) -> Market:
    publish(connection, POLICY.replace(SEGMENTS, segments), "policy.yaml", "tester", "", NOW)
    book: Rulebook = books.current(connection)
    return market(book)


def test_a_territory_has_its_team_its_owner_and_its_people(
    published: psycopg.Connection, books: Rulebooks
) -> None:
    found = {one.name: one for one in market(books.current(published)).territories}
    assert list(found) == ["enterprise-dach", "dach", "cee", "south", "rest"]
    south = found["south"]
    assert (south.team, south.owner, south.people) == ("South", "marco", ("dora", "gina"))
    assert south.countries == ("IT", "ES", "PT", "FR")
    assert found["rest"].countries == ()


def test_a_country_has_the_segments_that_name_it_and_who_is_there(
    published: psycopg.Connection, books: Rulebooks
) -> None:
    countries = {one.code: one for one in market(books.current(published)).countries}
    assert [one.name for one in countries["DE"].territories] == ["enterprise-dach", "dach"]
    assert set(countries["DE"].people) == {"anna", "boris", "clara", "fritz", "carla"}
    assert countries["PL"].people == ("emil",)
    names = [one.name for one in countries.values()]
    assert names == sorted(names)


def test_what_a_segment_leaves_out_it_does_not_name(published: psycopg.Connection, books: Rulebooks) -> None:
    found = with_segments(
        published,
        books,
        "segments:\n"
        "  - {name: north, when: {any: [{country: [SE, no]}, {region: [nordics]}]}, team: inbound}\n"
        "  - {name: abroad, when: {country: {not: [DE]}}}\n"
        "  - {name: home, when: {country: DE, employees: {min: 10}}}\n"
        "  - {name: rest}\n",
    )
    named = {one.name: one.countries for one in found.territories}
    assert named == {"north": ("SE", "NO"), "abroad": (), "home": ("DE",), "rest": ()}
    abroad = found.territories[1]
    assert (abroad.team, abroad.owner, abroad.people) == ("", None, ())
