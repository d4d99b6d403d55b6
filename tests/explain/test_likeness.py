"""Every piece of evidence has words, with both values."""

import pytest

from leadlane.core.match import Evidence
from leadlane.explain.likeness import evidence_words, likeness_words
from leadlane.matching.evidence import Code


@pytest.mark.parametrize("code", list(Code))
def test_every_code_has_words(code: Code) -> None:
    said = evidence_words(Evidence(code, 1.0, "ours here", "theirs there"))
    assert "ours here" in said
    assert "{" not in said


def test_an_unknown_code_is_a_defect() -> None:
    with pytest.raises(ValueError, match="hunch"):
        evidence_words(Evidence("hunch", 1.0))


def test_what_speaks_for_and_what_against_are_told_apart() -> None:
    evidence = (
        Evidence(Code.PHONE_EQUAL, 8.0, "+4930123456", "+4930123456"),
        Evidence(Code.CITY_DIFFERS, -2.0, "Bonn", "Bern"),
        Evidence(Code.LEGAL_EQUAL, 0.1, "gmbh", "gmbh"),
    )
    assert likeness_words(evidence) == [
        "for: the same phone number: +4930123456",
        "against: different cities: Bonn and Bern",
    ]


def test_what_hardly_weighs_is_told_where_there_is_nothing_else() -> None:
    assert likeness_words((Evidence(Code.LEGAL_EQUAL, 0.1, "gmbh", "gmbh"),)) == [
        "for: the same legal form: gmbh"
    ]
    assert likeness_words(()) == []


def test_long_and_broken_values_stay_on_a_line() -> None:
    said = evidence_words(Evidence(Code.NAME_EQUAL, 5.0, "Acme\nof\n" + "x" * 200, ""))
    assert "\n" not in said
    assert len(said) < 100
