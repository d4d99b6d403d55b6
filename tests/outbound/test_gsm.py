"""How many SMS a text takes, and how one is made to fit."""

from hypothesis import given
from hypothesis import strategies as st

from leadlane.outbound.gsm import fitted, is_gsm, segments


def test_a_text_of_the_gsm_alphabet_has_160_letters_alone_and_153_in_each_part():
    assert [segments("a" * size) for size in (0, 160, 161, 306, 307)] == [1, 1, 2, 2, 3]
    # The euro sign and brackets take two.
    assert [segments("€" * size) for size in (80, 81)] == [1, 2]


def test_any_other_letter_leaves_70_and_67():
    assert [segments("ł" * size) for size in (70, 71, 134, 135)] == [1, 2, 2, 3]
    # An emoji takes two of them.
    assert [segments("😀" * size) for size in (35, 36)] == [1, 2]


def test_names_keep_their_accents_while_there_is_room_and_lose_them_before_anything_is_cut():
    assert fitted("Łukasz Żółć", 1) == "Łukasz Żółć"
    assert fitted("Łukasz Żółć " + "a" * 100, 1) == "Lukasz Zolc " + "a" * 100
    assert fitted("Łukasz " + "a" * 160, 1) is None


def test_quotes_and_dashes_do_not_make_three_sms_of_one():
    assert fitted("New lead – “Élan”…", 1) == 'New lead - "Élan"...'.replace("Élan", "Élan")
    assert is_gsm(fitted("Anna – Nowak", 3))


@given(st.text(max_size=400), st.integers(1, 4))
def test_what_fits_fits(text, most):
    written = fitted(text, most)
    assert written is None or segments(written) <= most
