"""Keys: what is damaged in one way is still found by another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlane.matching.blocking import MOST_KEYS, search_keys
from leadlane.matching.record import Record, read_record


def company(name: str, **more: str) -> set[str]:
    return set(search_keys(read_record("1", {"company": name, **more}), "company"))


def person(**values: str) -> set[str]:
    return set(search_keys(read_record("1", values), "person"))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("Northwind Traders Ltd", "NORTHWIND TRADERS LIMITED"),
        ("Northwind Traders", "Traders, Northwind"),
        ("Northwind Traders", "Nortwhind Traders"),
        ("Nothwind", "Northwind"),
        ("Northwnd", "Northwind"),
        ("North Wind", "Northwind"),
        ("Northwind", "Northwind International Shipping Holding"),
        ("International Business Gadgets", "IBG"),
        ("Müller & Söhne GmbH", "Mueller und Soehne"),
    ],
)
def test_two_writings_of_a_name_share_a_key(ours: str, theirs: str) -> None:
    assert company(ours) & company(theirs)


def test_a_name_is_found_by_its_domain_and_the_other_way_round() -> None:
    assert company("Big Bank") & company("BB Group", website="https://www.bigbank.example")


def test_a_phone_is_found_with_or_without_its_area_and_country() -> None:
    assert company("A", phone="555 0199") & company("B", phone="+1 312 555 0199")


def test_an_address_is_found_under_another_name() -> None:
    assert company("Alpha", street="12 Main Street", postcode="60601") & company("Omega", street="12 Main St")


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"first_name": "Jane", "last_name": "Porter"}, {"first_name": "Porter", "last_name": "Jane"}),
        ({"first_name": "Jane", "last_name": "Porter"}, {"first_name": "Jane", "last_name": "Portman"}),
        ({"name": "Jane Porter"}, {"first_name": "Jane", "last_name": "Porter"}),
        (
            {"first_name": "Jane", "last_name": "Porter", "postcode": "2000"},
            {"first_name": "Jane", "last_name": "Smith", "postcode": "2000"},
        ),
        (
            {"last_name": "Porter", "street": "Elm Street", "house_number": "7"},
            {"first_name": "Jane", "street": "Elm St", "house_number": "7"},
        ),
    ],
)
def test_two_writings_of_a_person_share_a_key(ours: dict[str, str], theirs: dict[str, str]) -> None:
    assert person(**ours) & person(**theirs)


def test_initials_in_a_town_or_country_share_a_key_with_the_name() -> None:
    for place in ({"city": "Hof"}, {"country": "DE"}):
        shared = company("Ostermann Winterfeld Bau", **place) & company("OWB", **place)
        assert any(key.startswith("initials ") for key in shared)


def test_different_companies_share_nothing() -> None:
    assert not company("Northwind Traders") & company("Contoso Pharma")


texts = st.text(max_size=60)


@given(texts, texts, texts, texts)
def test_keys_are_few_different_and_always_the_same(name: str, street: str, phone: str, domain: str) -> None:
    values = {"company": name, "name": name, "street": street, "phone": phone, "company_domain": domain}
    for what in ("company", "person"):
        keys = search_keys(read_record("1", values), what)
        assert keys == search_keys(read_record("2", values), what)
        assert len(set(keys)) == len(keys) <= MOST_KEYS


def test_a_name_of_hundreds_of_words_has_no_more_keys() -> None:
    long = " ".join(f"word{n}" for n in range(300))
    assert len(search_keys(read_record("1", {"company": long}), "company")) <= MOST_KEYS


def test_nothing_has_no_keys() -> None:
    assert search_keys(Record("1"), "company") == ()
    assert search_keys(Record("1"), "person") == ()
