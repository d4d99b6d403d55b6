"""Cells as CRMs and spreadsheets write them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlane.intake.problems import BadValueError
from leadlane.service.importing.cells import Cells, long_id, read_id, read_phone, split_names, unique

letters = st.characters(min_codepoint=48, max_codepoint=122, categories=("Lu", "Ll", "Nd"))


def test_a_salesforce_id_is_known_by_its_long_form() -> None:
    # The example of the documentation of Salesforce.
    assert long_id("001A0000006Vm9r") == "001A0000006Vm9rIAC"
    assert long_id("001A0000006Vm9rIAC") == "001A0000006Vm9rIAC"
    assert [long_id(text) for text in ("acme", "4711", "00QA0000006Vm9r")] == [
        "acme",
        "4711",
        "00QA0000006Vm9r",
    ]


@given(st.text(letters, min_size=12, max_size=12), st.text(letters, min_size=12, max_size=12))
def test_ids_that_differ_by_case_alone_have_long_forms_that_differ_in_any_case(one: str, other: str) -> None:
    for a, b in ((one, other), (one, one.swapcase())):
        long_a, long_b = long_id("001" + a), long_id("001" + b)
        assert (long_a.casefold() == long_b.casefold()) == (a == b)
        assert re.fullmatch("[A-Za-z0-9]{18}", long_a)


@pytest.mark.parametrize(("sent", "read"), [(12.0, "12"), (12, "12"), (" A1 ", "A1")])
def test_ids_may_come_as_numbers(sent: object, read: str) -> None:
    assert read_id(sent) == read


@pytest.mark.parametrize("sent", ["1.23E+11", "1,5e+12", True, {"id": 1}, "x" * 201])
def test_what_is_no_id_is_refused(sent: object) -> None:
    with pytest.raises(BadValueError):
        read_id(sent)


def test_phones_are_kept_as_written_if_they_are_possible() -> None:
    assert read_phone("(617) 555-0123", "US") == "(617) 555-0123"
    assert read_phone("030 555012", "") == "030 555012"
    for text, country in (("call me", ""), ("+49 1", ""), ("0049 1", ""), ("12345678901234567890", "DE")):
        with pytest.raises(BadValueError):
            read_phone(text, country)


def test_a_comma_is_part_of_a_name() -> None:
    assert split_names("Acme, Inc.; Acme Group|ACME GROUP") == ("Acme, Inc.", "Acme Group")
    assert unique(["Acme", "ACME", "Bolt", "acme"]) == ("Acme", "Bolt")


def test_an_empty_cell_says_nothing_unless_it_is_to_clear() -> None:
    raw = {"city": " - ", "owner": "N/A", "phone": None}
    for clears, expected in ((False, {}), (True, {"city": "", "phone": ""})):
        values: dict[str, object] = {}
        Cells(raw, clears).clear(values, {"city": "", "phone": "", "country": ""})
        assert values == expected
