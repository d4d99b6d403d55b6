"""Whatever somebody has typed of a name so far, the name begins with it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlane.matching.spoken import LONGEST, spoken_name


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Müller-Lüdenscheid & Co.", "muller ludenscheid co"),
        ("MUELLER", "muller"),
        ("  O'Hill ", "ohill"),
        ("O’Hill", "ohill"),
        ('Il "Forno"', "il forno"),
        ("Società Altra S.p.A.", "societa altra spa"),
        ("Łódź Straße", "lodz strasse"),
        ("Ørsted Åkesson", "orsted akesson"),
        ("Aakesson", "akesson"),
        ("Иванов", "ivanov"),
        ("?!", ""),
        ("", ""),
    ],
)
def test_one_writing(text: str, spoken: str) -> None:
    assert spoken_name(text) == spoken


@given(st.text(st.characters(max_codepoint=0x24F), max_size=80), st.integers(0, 80))
def test_the_beginning_of_a_name_gives_the_beginning_of_what_the_name_gives(text: str, length: int) -> None:
    assert spoken_name(text).startswith(spoken_name(text[:length]))


@given(st.text(st.sampled_from("aeou bq"), max_size=30), st.integers(0, 30))
def test_that_holds_of_vowels_in_any_order(text: str, length: int) -> None:
    assert spoken_name(text).startswith(spoken_name(text[:length]))


def test_a_name_that_never_ends_is_cut() -> None:
    assert spoken_name("Umlauf " * 10_000) == ("umlauf " * 20)[:LONGEST].strip()
    assert len(spoken_name("深" * 10_000)) == LONGEST
