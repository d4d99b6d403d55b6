"""Exports are recognised as they come, and what is doubtful is asked, not guessed."""

from pathlib import Path

from leadlane.core.facts import LEAD_FIELDS, FieldSpec
from leadlane.intake.columns import ALIASES, REJECT_COLUMNS, SECOND_CHOICES, match_columns
from leadlane.intake.leads import RESERVED

DOCUMENT = Path(__file__).parents[2] / "docs" / "lead_files.md"


def test_hubspot_export() -> None:
    headers = (
        *(
            "Record ID",
            "First Name",
            "Last Name",
            "Email",
            "Phone Number",
            "Mobile Phone Number",
            "Lead Status",
        ),
        *(
            "Create Date",
            "Associated Company",
            "Company name",
            "Job Title",
            "Number of Employees",
            "Company size",
        ),
        *(
            "Annual Revenue",
            "Industry",
            "Country/Region",
            "Website URL",
            "Original Source",
            "Preferred language",
        ),
    )
    columns = match_columns(headers, LEAD_FIELDS)
    assert columns.problems == ()
    assert columns.targets == {
        "Record ID": "id",
        "First Name": "first_name",
        "Last Name": "last_name",
        "Email": "email",
        "Phone Number": "phone",
        "Create Date": "arrived_at",
        "Company name": "company",
        "Job Title": "title",
        "Number of Employees": "employees",
        "Annual Revenue": "annual_revenue",
        "Industry": "industry",
        "Country/Region": "country",
        "Website URL": "website",
        "Original Source": "source",
        "Preferred language": "language",
    }
    assert columns.unmapped == {"Mobile Phone Number", "Lead Status", "Associated Company", "Company size"}


def test_salesforce_export_by_api_names() -> None:
    headers = (
        *("Id", "FirstName", "LastName", "Company", "Email", "Phone", "MobilePhone", "LeadSource", "Website"),
        *("NumberOfEmployees", "AnnualRevenue", "CreatedDate", "Country", "CountryCode", "Title", "OwnerId"),
    )
    columns = match_columns(headers, LEAD_FIELDS)
    assert columns.problems == ()
    assert columns.column_of("source") == "LeadSource"
    assert columns.column_of("employees") == "NumberOfEmployees"
    assert columns.column_of("arrived_at") == "CreatedDate"
    assert columns.column_of("country") == "Country"
    assert columns.column_of("first_name") == "FirstName"
    assert columns.unmapped == {"MobilePhone", "CountryCode", "OwnerId"}


def test_salesforce_report_by_labels() -> None:
    headers = (
        "Lead ID",
        "Company / Account",
        "Lead Source",
        "No. of Employees",
        "Create Date",
        "State/Province",
    )
    columns = match_columns(headers, LEAD_FIELDS)
    assert columns.problems == ()
    assert set(columns.targets.values()) == {"id", "company", "source", "employees", "arrived_at", "region"}


def test_second_choice_is_taken_when_there_is_no_better_column() -> None:
    assert match_columns(["CountryCode"], LEAD_FIELDS).targets == {"CountryCode": "country"}


def test_italian_and_polish_headers() -> None:
    columns = match_columns(["Città", "liczba pracownikow", "IMIĘ", "Źródło"], LEAD_FIELDS)
    assert list(columns.targets.values()) == ["city", "employees", "first_name", "source"]


def test_own_fields_of_the_policy() -> None:
    fields = {**LEAD_FIELDS, "seat_count": FieldSpec("seat_count", "number")}
    assert match_columns(["Seat Count"], fields).targets == {"Seat Count": "seat_count"}


def test_given_columns_win() -> None:
    columns = match_columns(["employees", "Staff"], LEAD_FIELDS, {"employees": "staff"})
    assert columns.targets == {"Staff": "employees"}
    assert columns.split({"employees": "9", "Staff": "12"}) == ({"employees": "12"}, {"employees": "9"})


def test_given_nonsense_is_named_with_the_nearest() -> None:
    problems = match_columns(
        ["Email"], LEAD_FIELDS, {"emial": "Email", "phone": "Fone", "company": "Email"}
    ).problems
    assert "“emial”" in problems[0]
    assert "email" in problems[0]
    assert "“Fone”" in problems[1]
    assert len(problems) == 2


def test_one_column_for_two_fields_is_a_problem() -> None:
    (problem,) = match_columns(["Email"], LEAD_FIELDS, {"email": "Email", "referral": "Email"}).problems
    assert "email" in problem
    assert "referral" in problem


def test_duplicate_headers_name_their_positions() -> None:
    (problem,) = match_columns(["email", "city", "email"], LEAD_FIELDS).problems
    assert "“email”" in problem
    assert "1, 3" in problem


def test_two_columns_for_one_field_are_a_problem_unless_one_is_exact() -> None:
    (problem,) = match_columns(["Lead Source", "Original Source"], LEAD_FIELDS).problems
    assert "“Lead Source”, “Original Source”" in problem
    assert match_columns(["source", "Lead Source"], LEAD_FIELDS).problems == ()


def test_free_text_of_a_conversion_is_no_signal() -> None:
    columns = match_columns(["Email", "Recent Conversion"], LEAD_FIELDS)
    assert columns.unmapped == {"Recent Conversion"}


def test_the_columns_of_a_rejects_file_are_dropped() -> None:
    columns = match_columns(["email", *REJECT_COLUMNS], LEAD_FIELDS)
    assert columns.unmapped == frozenset()
    assert columns.split({"email": "a@b.example", "_row": "3", "_reason": "x"}) == (
        {"email": "a@b.example"},
        {},
    )


def test_keys_that_appear_late_are_recognised_by_name() -> None:
    columns = match_columns(["email"], LEAD_FIELDS)
    raw, extra = columns.split(
        {"email": "a@b.example", "Job Title": "CTO", "Shoe size": 44, "E-mail Address": "x"}
    )
    assert raw == {"email": "a@b.example", "title": "CTO"}
    assert extra == {"Shoe size": 44, "E-mail Address": "x"}


def test_the_document_shows_the_aliases() -> None:
    shown = {}
    section = DOCUMENT.read_text(encoding="utf-8").partition("## Columns")[2].partition("## ")[0]
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 3 and cells[0] in {*LEAD_FIELDS, *RESERVED}:
            shown[cells[0]] = tuple(tuple(filter(None, cell.split(", "))) for cell in cells[1:])
    assert shown == {target: (names, SECOND_CHOICES.get(target, ())) for target, names in ALIASES.items()}


def test_every_alias_means_one_thing() -> None:
    for table in (ALIASES, SECOND_CHOICES):
        for target, aliases in table.items():
            for alias in aliases:
                assert match_columns([alias], LEAD_FIELDS).targets == {alias: target}
