"""A name is the same however it is written: case, script, diacritics, punctuation and legal form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlane.matching.names import LONGEST_NAME, as_written, company_name, legal_as_written, person_name

LETTERS = "abcdefgijklmnoprstuvwz"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Nordwind GmbH", "NORDWIND Gesellschaft mit beschränkter Haftung"),
        ("Nordwind GmbH & Co. KG", "nordwind"),
        ("Müller Söhne AG", "Mueller Soehne Aktiengesellschaft"),
        ("Muller Sohne", "Müller Söhne"),
        ("Århus Brød A/S", "Aarhus Brod ApS"),
        ("Łódzkie Świece Sp. z o.o.", "lodzkie swiece sp.z.o.o."),
        ("Łódzkie Świece sp. zo.o. sp. k.", "Lodzkie Swiece spółka z ograniczoną odpowiedzialnością"),
        ("Rosso Vivo S.p.A.", "Rosso Vivo SPA"),
        ("Rosso Vivo S.r.l.", "Rosso Vivo Società a responsabilità limitata"),
        ("Casa Clara, S.A. de C.V.", "Casa Clara SA de CV"),
        ("Vlaamse Kaas B.V.B.A.", "Vlaamse Kaas BV"),
        ("Kaasland N . V .", "KAASLAND Naamloze Vennootschap"),
        ("Kaasland N.V.", "Kaasland Naamloze Vennotschap"),
        ("Põhja Tuul OÜ", "Pohja Tuul Osaühing"),
        ("AB Nordsken", "Nordsken Aktiebolag"),
        ("Oy Pohjola Ab", "Pohjola Oyj"),
        ("ООО Полёт", "Полёт общество с ограниченной ответственностью"),
        ("ОАО «Северный Порт»", "Северный Порт"),
        ("株式会社ホシ", "ホシ 株式会社"),
        ("Bright & Sons, LLC", "Bright and Sons L.L.C."),
        ("The Bright Company, Inc.", "Bright Co."),
        ("Bright Company, The", "Bright"),
        ("D.S.X. N.V.", "DSX NV"),
        ("D S X N. V.", "DSX"),
        ("J. P. Harrow & Co.", "JP Harrow"),
        ("First Harbour Bank", "1st Harbour Bank"),
        ("Harbour Fund III", "Harbour Fund 3"),
        ("Harbour Int’l", "Harbour International"),
        ("Harbour Schweiz", "Harbour Switzerland"),
        ("Harbour of the United States", "Harbour of the U.S."),
        ("Bright &amp; Sons", "Bright & Sons"),
    ],
)
def test_two_writings_of_one_name(one: str, other: str) -> None:
    assert company_name(one).tokens == company_name(other).tokens


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Harbour Fund 3", "Harbour Fund 4"),
        ("Bright Chemicals AG", "Bright AG"),
        ("State Grid", "Stat Egrid"),
        ("At Home", "Home"),
        ("Private Jets", "Jets"),
    ],
)
def test_two_names(one: str, other: str) -> None:
    assert company_name(one).tokens != company_name(other).tokens


@pytest.mark.parametrize("text", ["AG", "Company AG", "Ltd", "& Co", "S.A.", "OOO", "有限公司"])
def test_a_name_of_legal_forms_only_is_kept(text: str) -> None:
    assert company_name(text).tokens


@pytest.mark.parametrize("text", ["", "   ", "---", "()", "…", "''"])
def test_a_text_without_words_is_no_name(text: str) -> None:
    name = company_name(text)
    assert (name.tokens, name.joined, name.initials) == ((), "", "")


def test_legal_forms_are_named_once_and_those_that_translate_each_other_are_one() -> None:
    assert company_name("Nordwind Aktiengesellschaft").legal == company_name("Nordwind AG").legal == ("ag",)
    assert company_name("Nordwind Limited Liability Company").legal == company_name("ООО Nordwind").legal
    assert company_name("Nordwind").legal == ()


def test_what_follows_the_legal_form_is_the_branch() -> None:
    assert company_name("Nordwind GmbH, Wien").branch == 1
    assert company_name("Nordwind AG Filiale Wien").branch == 2
    assert company_name("Nordwind Wien GmbH").branch == 0


def test_initials_and_joined_letters() -> None:
    name = company_name("Great Northern Tea & Coffee Ltd")
    assert (name.initials, name.joined) == ("gntc", "greatnortherntcoffee".replace("tc", "teac"))


@given(st.text(max_size=60))
def test_any_text_is_read_and_reading_is_stable(text: str) -> None:
    name = company_name(text)
    assert all(token and token == token.casefold() and token.isascii() for token in name.tokens)
    assert 0 <= name.branch <= max(0, len(name.tokens) - 1)
    assert bool(name.tokens) == bool(name.joined)


@given(
    st.lists(st.text(LETTERS, min_size=5, max_size=9), min_size=1, max_size=4),
    st.sampled_from(
        ["GmbH", "S.p.A.", "Sp. z o.o.", "B.V.", "Ltd.", ", Inc.", "OÜ", "S.A. de C.V.", "Pty Ltd"]
    ),
)
def test_legal_form_case_and_punctuation_do_not_count(words: list[str], form: str) -> None:
    plain = company_name(" ".join(words))
    assert company_name(f"{' '.join(words).upper()} {form}").tokens == plain.tokens
    assert company_name("-".join(words)).joined == plain.joined


def test_a_text_without_end_is_cut() -> None:
    assert len(company_name("word " * 10_000).tokens) <= LONGEST_NAME


def test_words_are_told_as_people_wrote_them() -> None:
    assert as_written("Nordwind Chemie & Öl GmbH", ["chemie", "ol"]) == "Chemie Öl"
    assert legal_as_written(company_name("Nordwind & Söhne GmbH & Co. KG")) == "GmbH & Co. KG"


@pytest.mark.parametrize(
    ("parts", "first", "last"),
    [
        (("Jane", "Müller", None), ("jane",), ("muller",)),
        ((None, None, "Jane van Dorn"), ("jane",), ("van", "dorn")),
        ((None, None, "Dorn, Jane"), ("jane",), ("dorn",)),
        (("Dr. Jane", "Dorn", None), ("jane",), ("dorn",)),
        (("Mr", None, None), ("mr",), ()),
        ((None, "Ní-Bhriain", None), (), ("ni", "bhriain")),
        ((None, None, "Cher"), ("cher",), ()),
        ((None, None, ", "), (), ()),
        ((None, None, None), (), ()),
    ],
)
def test_person_name(parts: tuple[str | None, ...], first: tuple[str, ...], last: tuple[str, ...]) -> None:
    name = person_name(*parts)
    assert (name.first, name.last) == (first, last)
