"""The same company and the same person are known however they are written, and nobody on the name alone."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlane.core.match import Evidence
from leadlane.matching.compare import NAME_ALONE, Comparison, same_company, same_person
from leadlane.matching.evidence import Code
from leadlane.matching.names import company_name
from leadlane.matching.record import Record, read_record
from leadlane.matching.words import COMMON_WORDS, words_of

SURE, UNSURE = 0.98, 0.5
DATA = Path(__file__).parents[3] / "shared" / "data" / "company_matching"


def companies(ours: dict[str, str], theirs: dict[str, str]) -> Comparison:
    return same_company(read_record("1", ours), read_record("2", theirs), COMMON_WORDS)


def people(ours: dict[str, str], theirs: dict[str, str]) -> Comparison:
    return same_person(read_record("1", ours), read_record("2", theirs), COMMON_WORDS)


def codes(comparison: Comparison) -> list[str]:
    return [evidence.code for evidence in comparison.evidence]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("Winterfeld Maschinenbau GmbH", "WINTERFELD MASCHINENBAU"),
        ("Winterfeld Maschinenbau GmbH", "Winterfeld Machinenbau AG"),
        ("Winterfeld Maschinenbau", "Maschinenbau Winterfeld"),
        ("Winterfeld-Maschinenbau", "Winterfeldmaschinenbau"),
        ("Van der Hoeven B.V.", "Vanderhoeven BV"),
        ("Winterfeld Industries", "Winterfeld Ind."),
        ("Winterfeld Technologies", "Winterfeld Technology"),
        ("Great Northern Tea Company", "GNT Company"),
        ("Winterfeld", "Winterfeld Group"),
        ("Winterfeld AG, Hamburg", "Winterfeld AG"),
        ("Żółta Łódź Sp. z o.o.", "Zolta Lodz"),
        ("Северный Порт ООО", "Severnyy Port LLC"),
        ("Winterfeld (Schweiz) AG", "Winterfeld AG"),
        ("Wei Ostermann Precision", "Wai Ostermann Precision"),
        ("Ostermann Ltd t/a Winterfeld", "Winterfeld"),
        ("Nordlicht/Winterfeld", "Winterfeld"),
        ("100% Winterfeld", "100 Percent Winterfeld"),
    ],
)
def test_names_alike_are_unsure(ours: str, theirs: str) -> None:
    assert UNSURE <= companies({"company": ours}, {"company": theirs}).probability < SURE


@pytest.mark.parametrize(
    ("ours", "theirs", "code"),
    [
        ("Winterfeld Chemie Nord Pharma", "Winterfeld", Code.NAME_EXTRA),
        ("Winterfeld Schweiz", "Winterfeld Austria", Code.NAME_DIFFERS),
        ("Winterfeld Schweiz AG", "Winterfeld AG", Code.NAME_EXTRA),
        ("Winterfeld (Asia) Ltd", "Winterfeld (London) Ltd", Code.NAME_DIFFERS),
        ("AXB Trust", "AXC Trust", Code.NAME_DIFFERS),
        ("Bank of Estonia", "Bank of Ethiopia", Code.NAME_DIFFERS),
        ("BXE Systems", "BWI Systems", Code.NAME_DIFFERS),
        ("International Bank", "International Trading", Code.NAME_DIFFERS),
        ("Smith Plumbing", "Smith Consulting", Code.NAME_DIFFERS),
        ("Fund 3", "Fund 4", Code.NUMBER_DIFFERS),
    ],
)
def test_names_that_differ_are_new(ours: str, theirs: str, code: Code) -> None:
    found = companies({"company": ours}, {"company": theirs})
    assert found.probability < UNSURE
    assert code in codes(found)


@pytest.mark.parametrize(
    "second",
    [
        {"country": "DE"},
        {"city": "Hamburg"},
        {"postcode": "20095"},
        {"street": "Kaistr. 5"},
        {"phone": "+49 40 123456"},
        {"website": "winterfeld-gruppe.example"},
    ],
)
def test_a_second_kind_of_evidence_makes_a_name_sure(second: dict[str, str]) -> None:
    ours, theirs = {"company": "Winterfeld Ostermann GmbH"}, {"company": "Winterfeld Ostermann"}
    assert companies(ours, theirs).probability < SURE
    assert companies(ours | second, theirs | second).probability >= SURE


def test_a_domain_made_of_the_name_or_its_initials_is_evidence() -> None:
    for name, domain in (
        ("Big Lake Bank Ltd", "big-lake-bank.example"),
        ("Big Lake Bank Ltd", "blb.example"),
    ):
        found = companies({"company": name}, {"email": f"jo@{domain}"})
        assert codes(found) == [Code.DOMAIN_WORDS]
        assert UNSURE < found.probability < SURE


def test_the_same_domain_is_sure_and_two_domains_are_no_veto() -> None:
    one = {"company": "Winterfeld", "website": "winterfeld.example"}
    assert companies(one, {"website": "www.winterfeld.example"}).probability >= SURE
    other = one | {"website": "ostermann.example"}
    assert UNSURE <= companies(one, other).probability < SURE


def test_another_country_or_place_makes_a_name_unsure() -> None:
    one = {"company": "Winterfeld", "city": "Hamburg", "country": "DE", "street": "Kaistr. 5"}
    other = {"company": "Winterfeld", "city": "Wien", "country": "AT", "street": "Ring 9"}
    assert companies(one, other).probability < SURE


def test_numbers_that_differ_are_never_sure() -> None:
    place = {"phone": "+49 40 123456", "street": "Kaistr. 5", "postcode": "20095", "city": "Hamburg"}
    found = companies(
        place | {"company": "Ostermann Winterfeld 3"}, place | {"company": "Ostermann Winterfeld 4"}
    )
    assert found.probability < SURE


def test_the_next_house_is_against() -> None:
    one = {"company": "Winterfeld", "street": "12 Hill Road"}
    found = companies(one, one | {"street": "99 Hill Rd"})
    assert Code.HOUSE_NUMBER_DIFFERS in codes(found)
    assert found.probability < companies(one, one).probability


def test_words_for_where_a_company_is_do_not_set_it_apart() -> None:
    phone = {"phone": "+49 40 123456"}
    one, other = phone | {"company": "Winterfeld Hamburg"}, phone | {"company": "Winterfeld"}
    assert companies(one, other).probability < SURE
    assert companies(one | {"city": "Hamburg"}, other).probability >= SURE


def test_one_name_and_phone_in_two_streets_are_two_sites() -> None:
    one = {"company": "Winterfeld Ostermann", "phone": "+49 40 123456", "street": "Kaistr. 5"}
    assert UNSURE <= companies(one, one | {"street": "Ring 9"}).probability < SURE


def test_in_a_large_base_a_common_name_in_one_country_is_unsure() -> None:
    families = [f"{a}{b}ert" for a in "bdfgklmnprst" for b in ("al", "em", "ir", "on", "up")]
    pairs = [f"{one} & {other} Bau" for one in families for other in families]
    names = [f"{pair} {place}" for pair in pairs for place in ("Ulm", "Hof")]
    words = words_of(map(company_name, names))
    for name, is_sure in (("Balert & Demert Bau Ulm", False), ("Winterfeld Ostermann Bau", True)):
        record = read_record("1", {"company": name, "country": "DE"})
        assert same_company(record, record, COMMON_WORDS).probability >= SURE
        assert (same_company(record, record, words).probability >= SURE) is is_sure


def test_an_alias_counts_as_the_name() -> None:
    one = {"company": "Winterfeld", "company2": "Ostermann Kaffee"}
    assert companies(one, {"company": "Ostermann Kaffee GmbH"}).probability > 0.9


def test_evidence_is_told_as_people_wrote_it() -> None:
    found = companies({"company": "Winterfeld Chemie GmbH"}, {"company": "Winterfeld AG"})
    extra = next(evidence for evidence in found.evidence if evidence.code == Code.NAME_EXTRA)
    assert (extra.ours, extra.theirs) == ("Chemie", "")
    legal = next(evidence for evidence in found.evidence if evidence.code == Code.LEGAL_DIFFERS)
    assert (legal.ours, legal.theirs) == ("GmbH", "AG")


JANE = {"first_name": "Jane", "last_name": "Winterfeld"}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"email": "Jane.Winterfeld+news@gmail.com"}, {"email": "janewinterfeld@googlemail.com"}),
        (JANE | {"email": "j@acme.example"}, {"last_name": "Ostermann", "email": "J@acme.example"}),
        (JANE | {"company": "Acme GmbH"}, {"name": "Winterfeld, Jane", "company": "ACME"}),
        (JANE | {"email": "jane@acme.example"}, JANE | {"website": "acme.example"}),
        (JANE | {"phone": "+49 40 123456"}, {"name": "Jane Winterfeld", "phone": "0049 40 123456"}),
        (
            {"first_name": "Winterfeld", "last_name": "Jane", "company_domain": "acme.example"},
            JANE | {"email": "jane@acme.example", "city": "Hamburg"},
        ),
        (
            {"first_name": "Robert", "last_name": "Smith", "street": "5 Hill Rd", "postcode": "20095"},
            {"first_name": "Bob", "last_name": "Smith", "street": "5 Hill Road", "postcode": "20095"},
        ),
    ],
)
def test_the_same_person_is_sure(ours: dict[str, str], theirs: dict[str, str]) -> None:
    assert people(ours, theirs).probability >= SURE


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (JANE, JANE),
        (JANE | {"city": "Hamburg", "country": "DE"}, JANE | {"city": "Hamburg", "country": "DE"}),
        (JANE | {"email": "jane@acme.example"}, JANE | {"email": "j.winterfeld@acme.example"}),
    ],
)
def test_the_same_name_without_more_is_unsure(ours: dict[str, str], theirs: dict[str, str]) -> None:
    assert UNSURE <= people(ours, theirs).probability < SURE


@pytest.mark.parametrize("more", [{}, {"city": "Hamburg", "country": "DE"}])
def test_namesakes_at_two_companies_are_two_prospects(more: dict[str, str]) -> None:
    here, there = {"email": "jane@acme.example", **more}, {"email": "jane@ostermann.example", **more}
    assert people(JANE | here, JANE | there).probability < UNSURE


def test_whoever_takes_their_number_to_another_company_is_asked_about() -> None:
    here = JANE | {"email": "jane@acme.example", "phone": "+49 170 5550123"}
    there = JANE | {"email": "jane@ostermann.example", "phone": "+49 170 5550123"}
    assert people(here, there).probability >= UNSURE


AT_ACME = {
    "company": "Acme",
    "website": "acme.example",
    "phone": "+49 40 123456",
    "street": "Kaistr. 5",
    "postcode": "20095",
    "city": "Hamburg",
    "country": "DE",
}


@pytest.mark.parametrize(
    "colleague",
    [
        {"first_name": "Peter", "last_name": "Ostermann"},
        {"first_name": "Jane", "last_name": "Ostermann"},
        {"first_name": "Peter", "last_name": "Winterfeld"},
    ],
)
def test_colleagues_are_two_people_though_they_share_all_but_the_name(colleague: dict[str, str]) -> None:
    assert people(JANE | AT_ACME, colleague | AT_ACME).probability < UNSURE


def test_nothing_known_is_nothing_said() -> None:
    assert companies({}, {}).evidence == people({}, JANE).evidence == ()
    assert companies({}, {}).probability < UNSURE


WORDS = (
    "Winterfeld",
    "Ostermann",
    "Bank",
    "Chemie",
    "International",
    "of",
    "Schweiz",
    "3",
    "GmbH",
    "AG",
    "&",
    "Öl",
)
TEXTS = {
    "company": st.one_of(st.lists(st.sampled_from(WORDS), max_size=5).map(" ".join), st.text(max_size=15)),
    "company2": st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join),
    "first_name": st.sampled_from(("Jane", "Bob", "Robert", "J.", "Winterfeld", "")),
    "last_name": st.sampled_from(("Winterfeld", "Winterfelt", "Smith", "Jane", "")),
    "email": st.sampled_from(("jane@acme.example", "j@acme.example", "jane@x.example", "jane@gmail.com", "")),
    "phone": st.sampled_from(("+49 40 123456", "040 123456", "123456", "5550199", "")),
    "website": st.sampled_from(("acme.example", "winterfeld.example", "wo.example", "")),
    "street": st.sampled_from(("5 Hill Road", "Hill Rd 7", "Kaistraße", "Kaistr. 5", "")),
    "postcode": st.sampled_from(("20095", "20059", "1010", "")),
    "city": st.sampled_from(("Hamburg", "Hamborg", "Wien", "")),
    "country": st.sampled_from(("DE", "Austria", "")),
}
RECORDS = st.fixed_dictionaries({}, optional=TEXTS).map(lambda values: read_record("1", values))
COMPARE = st.sampled_from((same_company, same_person))


def mirrored(evidence: tuple[Evidence, ...]) -> list[Evidence]:
    return [Evidence(one.code, one.weight, one.theirs, one.ours) for one in evidence]


@given(RECORDS, RECORDS, COMPARE)
def test_comparing_is_symmetric(a: Record, b: Record, compare: Callable[..., Comparison]) -> None:
    there, back = compare(a, b, COMMON_WORDS), compare(b, a, COMMON_WORDS)
    assert there.probability == back.probability
    assert sorted(map(str, mirrored(there.evidence))) == sorted(map(str, back.evidence))


def test_a_mailbox_called_like_its_owner_counts_the_same_from_both_sides() -> None:
    nameless = read_record("1", {"email": "jane@acme.example"})
    named = read_record("2", {"email": "jane@other.example", "first_name": "Jane", "last_name": "Holt"})
    there, back = (same_person(*pair, COMMON_WORDS) for pair in ((nameless, named), (named, nameless)))
    assert there.probability == back.probability
    assert Code.EMAIL_NAME_EQUAL not in {one.code for one in (*there.evidence, *back.evidence)}


@given(RECORDS, COMPARE)
def test_nothing_speaks_against_a_record_being_itself(a: Record, compare: Callable[..., Comparison]) -> None:
    assert all(evidence.weight > 0 for evidence in compare(a, a, COMMON_WORDS).evidence)


@given(TEXTS["company"], TEXTS["company"])
def test_a_company_is_never_sure_on_its_name_alone(ours: str, theirs: str) -> None:
    assert companies({"company": ours}, {"company": theirs}).probability <= NAME_ALONE < SURE


@given(TEXTS["first_name"], TEXTS["last_name"])
def test_a_person_is_never_sure_on_the_name_alone(first: str, last: str) -> None:
    one = {"first_name": first, "last_name": last}
    assert people(one, one).probability <= NAME_ALONE


@pytest.mark.skipif(not DATA.exists(), reason="the data sets are not beside the checkout")
def test_spellings_of_real_applicants_are_told_apart() -> None:
    with (DATA / "patstat_applicant_names.csv").open(encoding="utf-8", newline="") as file:
        truth = {row["name"]: row["entity_id"] for row in csv.DictReader(file)}
    records = [read_record(name, {"company": name}) for name in sorted(truth)[::2]]
    words = words_of(record.company[0] for record in records)
    pairs = [(a, b) for at, a in enumerate(records) for b in records[:at]]
    linked = {(a.id, b.id) for a, b in pairs if same_company(a, b, words).probability >= UNSURE}
    same = {(a.id, b.id) for a, b in pairs if truth[a.id] == truth[b.id]}
    assert len(linked & same) >= 0.95 * len(same)
    assert len(linked & same) >= 0.95 * len(linked)
