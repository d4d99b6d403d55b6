"""Common words tell little, rare ones much, and a file's own duplicates do not make a name common."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlane.matching.names import CompanyName, company_name
from leadlane.matching.words import COMMON_WORDS, UNKNOWN_BITS, words_of


def test_the_rarer_a_word_the_more_it_tells() -> None:
    tells = COMMON_WORDS.tells
    assert tells("of") < tells("group") < tells("bank") < tells("germany") < tells("winterfeld")
    assert tells("3") < tells("winterfeld")


def test_a_word_of_many_companies_is_learned() -> None:
    towns = [f"{a}{b}burg" for a in "abcdefghijklmnop" for b in "aeiou"]
    words = words_of(company_name(f"Molkerei {town.capitalize()}") for town in towns * 3)
    assert words.tells("molkerei") < COMMON_WORDS.tells("molkerei") - 2
    assert words.tells("caburg") == UNKNOWN_BITS


def test_a_company_that_is_there_a_hundred_times_stays_rare() -> None:
    names = [company_name(f"Winterfeld {form}") for form in ("AG", "A.G.", "GmbH", "") for _ in range(100)]
    assert words_of(names).tells("winterfeld") == UNKNOWN_BITS


def test_the_name_of_a_numbered_series_tells_little() -> None:
    words = words_of(company_name(f"Winterfeld Store {number}") for number in range(3000))
    assert words.tells("winterfeld") < 2


def test_in_a_large_base_a_word_tells_as_much_as_few_have_it_there() -> None:
    def names(count: int) -> list[CompanyName]:
        return [company_name(f"{_word(n % 200)} {_word(n // 200)}haus {_word(n)}bau") for n in range(count)]

    assert words_of(names(1000)).crowd == 0
    words = words_of(names(16_000))
    assert words.crowd == pytest.approx(2)
    assert words.tells_here("unheard") > words.tells_here(_word(3)) > 0
    assert words.tells_here("ibm") <= 12


def _word(number: int) -> str:
    """A word of letters for each number: `baba`, `bace` …"""
    syllables = [a + b for a in "bcdfghjklmnprstvwz" for b in "aiou"]
    return "".join(syllables[number // 72**place % 72] for place in (2, 1, 0))


@given(st.lists(st.text(max_size=20), max_size=20))
def test_no_word_tells_more_than_a_rare_one_or_less_than_nothing(texts: list[str]) -> None:
    names = [company_name(text) for text in texts]
    words = words_of(names)
    assert all(0 <= words.tells(token) <= UNKNOWN_BITS for name in names for token in name.tokens)
