"""What people write about themselves becomes a record, and what cannot be read is left out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlane.matching.record import read_record, street_core

ROLES = (
    *("company", "company2", "first_name", "last_name", "name", "email", "phone", "phone2", "company_domain"),
    *("website", "street", "house_number", "postcode", "city", "region", "country"),
)


def test_every_role() -> None:
    record = read_record(
        "7",
        {
            "company": "Nordwind GmbH",
            "company2": "Nordwind Energie",
            "first_name": "Jane",
            "last_name": "Dorn",
            "email": "Jane.Dorn+x@Mail.Nordwind.example",
            "phone": "030 1234567",
            "phone2": "+49 30 7654321",
            "website": "https://www.nordwind-energie.example/en",
            "street": "Lange Straße 12 a",
            "postcode": "10 115",
            "city": "Köln",
            "region": "NRW",
            "country": "Deutschland",
        },
    )
    assert [name.text for name in record.company] == ["Nordwind GmbH", "Nordwind Energie"]
    assert record.person is not None
    assert record.person.joined == "janedorn"
    assert record.emails == ("jane.dorn@mail.nordwind.example",)
    assert record.domains == ("nordwind-energie.example", "nordwind.example")
    assert record.phones == ("+49301234567", "+49307654321")
    assert (record.street, record.house_number) == ("lange street", "12a")
    assert (record.postcode, record.city, record.region, record.country) == ("10115", "koln", "nrw", "DE")
    assert record.written["city"] == "Köln"


@pytest.mark.parametrize(
    ("line", "street", "number"),
    [
        ("435 N. Hill Blv.", "north hill boulevard", "435"),
        ("435 North Hill Boulevard, Suite 5", "north hill boulevard", "435"),
        ("12-14 Hill Rd", "hill road", "12"),
        ("10 West 42nd Street", "west 42 street", "10"),
        ("Hauptstraße 9", "haupt street", "9"),
        ("Hauptstr. 9", "haupt street", "9"),
        ("Unter den Linden", "unter den linden", ""),
        ("Harbour House, 5 Quay Lane", "quay lane", "5"),
        ("99", "99", ""),
        ("", "", ""),
    ],
)
def test_street_and_house_number(line: str, street: str, number: str) -> None:
    record = read_record("1", {"street": line})
    assert (record.street, record.house_number) == (street, number)


def test_house_number_in_a_column_of_its_own() -> None:
    record = read_record("1", {"street": "Hill Road", "house_number": "12"})
    assert (record.street, record.house_number) == ("hill road", "12")


def test_kind_and_direction_of_a_street_can_be_left_out() -> None:
    assert street_core("north hill avenue") == "hill"
    assert street_core("west street") == "west street"


def test_free_mail_is_no_company_and_bad_values_are_left_out() -> None:
    record = read_record(
        "1",
        {
            "email": "jane@gmail.com",
            "phone": "call me",
            "country": "Atlantis",
            "company": " - ",
            "website": "none",
        },
    )
    assert record.emails == ("jane@gmail.com",)
    assert (record.domains, record.phones, record.country, record.company) == ((), (), "", ())


def test_a_phone_without_a_country_keeps_its_digits() -> None:
    assert read_record("1", {"phone": "310/555-0199"}).phones == ("3105550199",)


@given(st.dictionaries(st.sampled_from(ROLES), st.text(max_size=40)))
def test_nothing_that_people_write_raises(values: dict[str, str]) -> None:
    record = read_record("1", values)
    assert (
        record == read_record("1", dict(reversed(values.items()))) or len(record.company) > 1 or record.phones
    )
