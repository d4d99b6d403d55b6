"""A lead gets its keys, its names while somebody types, and what it is compared by."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlane.matching.prospect import lead_record, prospect_keys, spoken_names
from leadlane.matching.record import read_record

_TEXTS = {
    "email": ("jo@nordwind.example", "Jo+x@GMail.com", "jo", "@nordwind.example"),
    "first_name": ("Jo", "Dr. Jane", " "),
    "last_name": ("Winter-Feld", "Müller Jr."),
    "phone": ("+49 30 1234567", "030 1234567", "0049301234567", "12", "call me"),
    "company": ("Nordwind Energie GmbH", "GmbH", "A", " Nordwind "),
    "company_domain": ("nordwind.example", "gmail.com", "https://www.nord-wind.example/en", "none"),
    "website": ("https://nordwind.example", "linkedin.com/in/jo", "http://[x", "NORDWIND.example."),
    "country": ("DE", "Germany", "Deutschland", "nowhere", "uk"),
    "region": ("Bavaria", "NRW"),
    "city": ("Köln", "St. Gallen", "  Bad   Ems "),
}
_FIELDS = st.fixed_dictionaries(
    {},
    optional={
        **{role: st.sampled_from(texts) | st.text(max_size=12) for role, texts in _TEXTS.items()},
        "employees": st.integers(),
    },
)


@given(_FIELDS)
def test_a_lead_is_compared_as_any_record_is(fields: dict[str, Any]) -> None:
    values = {role: value for role, value in fields.items() if role in _TEXTS}
    quick, thorough = lead_record("L1", fields), read_record("L1", values)
    assert quick == thorough
    assert quick.written == thorough.written


def test_values_that_are_no_text_say_nothing() -> None:
    assert lead_record("L1", {"company": 7, "phone": None, "city": ["Köln"]}) == read_record("L1", {})
    assert spoken_names({"first_name": 7, "company": None}) == dict.fromkeys(
        ("first_last", "last_first", "company_spoken")
    )


@pytest.mark.parametrize(
    ("fields", "first_last", "last_first", "company"),
    [
        ({"first_name": "Jo", "last_name": "Döring", "company": "A.B."}, "jo doring", "doring jo", "ab"),
        ({"last_name": "Döring"}, "doring", None, None),
        ({"first_name": "Jane", "last_name": "?"}, "jane", None, None),
        ({"company": "Acme"}, None, None, "acme"),
        ({}, None, None, None),
    ],
)  # fmt: skip
def test_names_are_in_both_orders(
    fields: dict[str, str], first_last: str | None, last_first: str | None, company: str | None
) -> None:
    assert spoken_names(fields) == {
        "first_last": first_last,
        "last_first": last_first,
        "company_spoken": company,
    }


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"first_name": "Jo", "last_name": "Winter", "email": "jo@acme.example"}, "winter j@acme.example"),
        ({"first_name": "J.", "last_name": "WINTER", "company": "Acme GmbH"}, "winter j@acme"),
        ({"first_name": "Jo", "last_name": "Winter"}, None),
        ({"last_name": "Winter", "company": "Acme"}, None),
    ],
)
def test_a_name_is_a_key_at_a_company_only(fields: dict[str, str], name: str | None) -> None:
    assert prospect_keys(fields).name == name
