"""Which column of any file says what: exports, plain words, other languages, and files of pairs."""

import pytest

from leadlane.intake.record_columns import RecordColumnsError, pair_columns, record_columns


def roles(*headers: str, **given: str) -> dict[str, str]:
    return dict(record_columns(headers, given).by_role)


def test_an_export_of_accounts_is_about_companies() -> None:
    columns = record_columns(
        (
            "Account ID",
            "Account Name",
            "Website",
            "Billing Street",
            "Billing Zip/Postal Code",
            "Billing City",
        ),
        {},
    )
    assert columns.kind == "company"
    assert columns.by_role == {
        "id": "Account ID",
        "company": "Account Name",
        "website": "Website",
        "street": "Billing Street",
        "postcode": "Billing Zip/Postal Code",
        "city": "Billing City",
    }


def test_an_export_of_contacts_is_about_people() -> None:
    columns = record_columns(("Record ID", "First Name", "Last Name", "Email", "Company Name", "Phone"), {})
    assert columns.kind == "person"
    assert columns.by_role["company"] == "Company Name"


def test_a_bare_name_is_a_company_where_nothing_speaks_of_people() -> None:
    assert roles("name", "addr", "zip", "phone") == {
        "company": "name",
        "street": "addr",
        "postcode": "zip",
        "phone": "phone",
    }


@pytest.mark.parametrize("other", ["email", "company", "given_name"])
def test_a_bare_name_is_a_persons_beside_what_people_have(other: str) -> None:
    columns = record_columns(("name", other), {})
    assert columns.kind == "person"
    assert columns.by_role["name"] == "name"


def test_what_the_rows_are_can_be_said() -> None:
    assert record_columns(("name", "email"), {}, "company").by_role["company"] == "name"
    assert record_columns(("name", "zip"), {}, "person").by_role["name"] == "name"


def test_numbers_of_offices_and_dates_of_birth_are_not_compared() -> None:
    assert roles(
        "given_name", "surname", "street_number", "address_1", "suburb", "postcode", "state"
    ).keys() == {*("first_name", "last_name", "house_number", "street", "city", "postcode", "region")}
    assert roles("surname", "soc_sec_id", "date_of_birth", "created_at", "fax") == {"last_name": "surname"}


def test_other_languages_and_spellings() -> None:
    assert roles("Ragione sociale", "CAP", "Indirizzo") == {
        "company": "Ragione sociale",
        "postcode": "CAP",
        "street": "Indirizzo",
    }
    assert roles("FIRMA", "plz", "straße") == {"company": "FIRMA", "postcode": "plz", "street": "straße"}


def test_the_better_of_two_columns_has_the_role() -> None:
    assert roles("company", "neighborhood", "city")["city"] == "city"
    assert roles("company", "neighborhood")["city"] == "neighborhood"


def test_given_columns_win_and_empty_ones_leave_a_role_out() -> None:
    assert roles("business", "label", "zip", company="label", postcode="") == {"company": "label"}


def test_the_truth_is_not_compared() -> None:
    assert "company" not in record_columns(("name", "company"), {}, "person", ("company",)).by_role


@pytest.mark.parametrize(
    ("headers", "given", "said"),
    [
        (("colour", "size"), {}, "no column says the name of a company"),
        (("name",), {"company": "nam"}, "no column “nam”"),
        (("name",), {"firma": "name"}, "no role “firma”"),
        (("name", "name"), {}, "two columns have the name “name”"),
    ],
)
def test_what_cannot_be_is_said(headers: tuple[str, ...], given: dict[str, str], said: str) -> None:
    with pytest.raises(RecordColumnsError, match=said) as caught:
        record_columns(headers, given)
    assert caught.value.hint


def test_values_are_texts_without_empty_ones() -> None:
    columns = record_columns(("id", "name", "zip"), {})
    assert columns.values({"id": 7, "name": " Acme ", "zip": None}) == {"company": "Acme"}
    assert columns.values({"id": 7, "name": "Acme", "zip": 60601}) == {"company": "Acme", "postcode": "60601"}


@pytest.mark.parametrize(
    "headers",
    [
        ("name1", "name2", "city1", "city2"),
        ("name_a", "name_b", "city_a", "city_b"),
        ("left_name", "right_name", "left_city", "right_city"),
        ("name left", "name right", "city left", "city right"),
        ("l.name", "r.name", "l.city", "r.city"),
    ],
)
def test_a_file_of_pairs_has_both_sides_of_each_column(headers: tuple[str, ...]) -> None:
    pairs = pair_columns((*headers, "is_match"), {}, None, ("is_match",))
    assert pairs is not None
    assert pairs.left.by_role == {"company": headers[0], "city": headers[2]}
    assert pairs.right.by_role == {"company": headers[1], "city": headers[3]}


@pytest.mark.parametrize(
    "headers",
    [("name", "address_1", "address_2"), ("name1", "name3"), ("email1", "email2", "name"), ("name", "label")],
)
def test_other_files_are_none_of_pairs(headers: tuple[str, ...]) -> None:
    assert pair_columns(headers, {}) is None
