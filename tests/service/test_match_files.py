"""Two files: which record is which, and what a file of true pairs says of it."""

import csv
from collections.abc import Sequence
from pathlib import Path

import pytest

from leadlane.core.policy import Matching
from leadlane.errors import LeadlaneError
from leadlane.service.link_quality import Method
from leadlane.service.match_files import Matches, match_files
from leadlane.service.record_files import RecordFile
from leadlane.service.records_out import write_matches

SHARED = Path(__file__).parents[2] / ".." / "shared" / "data" / "org_dedupe"
LEADS = (
    ("10", "Northwind Traders", "Sydney", "+61 2 9999 1111"),
    ("11", "Contoso Pharma", "", ""),
    ("12", "Wide World Importers", "Oslo", "+47 22 55 01 00"),
    ("13", "Northwind Traders Pty", "Sydney", "+61 2 9999 1111"),
)
ACCOUNTS = (
    ("1", "Northwind Traders Ltd", "Sydney", "+61 2 9999 1111"),
    ("2", "Contoso Pharma AG", "Zürich", "+41 44 555 11 22"),
    ("3", "Fabrikam Inc.", "Chicago", "+1 312 555 0100"),
)


def write(path: Path, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([headers, *rows])
    return str(path)


@pytest.fixture
def files(tmp_path: Path) -> tuple[RecordFile, RecordFile]:
    headers = ("id", "name", "city", "phone")
    return (
        RecordFile(write(tmp_path / "leads.csv", headers, LEADS)),
        RecordFile(write(tmp_path / "accounts.csv", headers, ACCOUNTS)),
    )


def pairs(found: Matches) -> list[tuple[str, str, str]]:
    return [(found.left[one.left].id, found.right[one.right].id, one.outcome) for one in found.pairs]


def suggested(found: Matches) -> Method:
    assert found.quality is not None
    return found.quality.methods[1]


def test_each_on_the_left_gets_its_best_in_its_own_order(files: tuple[RecordFile, RecordFile]) -> None:
    found = match_files(*files, Matching())
    assert pairs(found) == [("10", "1", "sure"), ("11", "2", "unsure"), ("13", "1", "sure")]


def test_a_lead_that_may_be_of_two_accounts_is_surely_of_neither(tmp_path: Path) -> None:
    headers = ("id", "name", "country", "city", "phone")
    left = write(tmp_path / "leads.csv", headers, [("10", "Northwind Traders", "DE", "", "")])
    accounts = [
        ("1", "Northwind Traders", "DE", "Ulm", "+49 731 123456"),
        ("2", "Northwind Traders", "DE", "Kiel", "+49 431 654321"),
    ]
    one = write(tmp_path / "one.csv", headers, accounts[:1])
    both = write(tmp_path / "both.csv", headers, accounts)
    assert [x.outcome for x in match_files(RecordFile(left), RecordFile(one), Matching()).pairs] == ["sure"]
    found = match_files(RecordFile(left), RecordFile(both), Matching())
    assert [x.outcome for x in found.pairs] == ["unsure"]
    assert len(found.also) == 1


def test_one_to_one_takes_each_once(files: tuple[RecordFile, RecordFile]) -> None:
    found = match_files(*files, Matching(), one_to_one=True)
    assert len(found.pairs) == 2
    assert {one.right for one in found.pairs} == {
        pair.right for pair in match_files(*files, Matching()).pairs
    }


def test_left_and_right_say_the_same(files: tuple[RecordFile, RecordFile]) -> None:
    there = pairs(match_files(*files, Matching(), one_to_one=True))
    back = pairs(match_files(*reversed(files), Matching(), one_to_one=True))
    assert sorted(there) == sorted((right, left, outcome) for left, right, outcome in back)


@pytest.mark.parametrize(
    ("headers", "swap"),
    [
        (("leads_id", "accounts_id"), False),
        (("accounts_id", "leads_id"), True),
        (("one", "other"), False),
        (("one", "other"), True),
    ],
)
def test_the_truth_in_either_order(
    files: tuple[RecordFile, RecordFile], tmp_path: Path, headers: tuple[str, str], swap: bool
) -> None:
    true = [("10", "1"), ("11", "2"), ("13", "1")]
    rows = [pair[::-1] if swap else pair for pair in true]
    found = match_files(*files, Matching(), truth=write(tmp_path / "truth.csv", headers, rows))
    assert suggested(found).score.f1 == 1.0
    assert suggested(found).score.true == 3


def test_names_of_columns_decide_where_both_files_count_from_one(tmp_path: Path) -> None:
    headers = ("id", "name", "phone")
    left = RecordFile(
        write(tmp_path / "crm.csv", headers, [("1", "Alder Foods", "+4420 7946 0001"), ("2", "Birch", "")])
    )
    right = RecordFile(
        write(tmp_path / "shop.csv", headers, [("1", "Cedar", ""), ("2", "Alder Foods", "+4420 7946 0001")])
    )
    truth = write(tmp_path / "truth.csv", ("shop_id", "crm_id"), [("2", "1")])
    assert suggested(match_files(left, right, Matching(), truth=truth)).score.f1 == 1.0


def test_a_truth_about_others_is_told(files: tuple[RecordFile, RecordFile], tmp_path: Path) -> None:
    truth = write(tmp_path / "truth.csv", ("leads_id", "accounts_id"), [("10", "1"), ("99", "1")])
    found = match_files(*files, Matching(), truth=truth)
    assert found.notes == ["1 row of the truth names an id that a file does not have, and is left out"]
    truth = write(tmp_path / "truth.csv", ("leads_id", "accounts_id"), [("99", "98")])
    with pytest.raises(LeadlaneError, match="names no pair of ids"):
        match_files(*files, Matching(), truth=truth)
    truth = write(tmp_path / "truth.csv", ("leads_id",), [("99",)])
    with pytest.raises(LeadlaneError, match="has one column"):
        match_files(*files, Matching(), truth=truth)


def test_people_of_companies_are_matched_with_companies(tmp_path: Path) -> None:
    left = RecordFile(
        write(
            tmp_path / "people.csv",
            ("first_name", "email", "company"),
            [("Ann", "ann@northwind.example", "Northwind"), ("Bo", "bo@elsewhere.example", "Elsewhere")],
        )
    )
    right = RecordFile(
        write(
            tmp_path / "accounts.csv",
            ("Account Name", "Website"),
            [("Northwind Ltd", "www.northwind.example")],
        )
    )
    found = match_files(left, right, Matching())
    assert found.kind == "company"
    assert pairs(found) == [("1", "1", "sure")]


def test_every_pair_is_written_and_who_is_new(files: tuple[RecordFile, RecordFile], tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    write_matches(match_files(*files, Matching()), out)
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["left_id"], row["right_id"], row["outcome"]) for row in rows] == [
        ("10", "1", "sure"),
        ("11", "2", "unsure"),
        ("13", "1", "sure"),
        ("12", "", "new"),
    ]
    assert "phone number" in rows[0]["evidence"]


@pytest.mark.slow
@pytest.mark.parametrize("one_to_one", [False, True])
def test_two_real_directories(one_to_one: bool) -> None:
    names = ("listings_fodors.csv", "listings_zagats.csv", "listings_matches.csv")
    left, right, truth = (str(SHARED / name) for name in names)
    if not Path(truth).exists():
        pytest.skip(f"{truth} is not there")
    found = match_files(RecordFile(left), RecordFile(right), Matching(), one_to_one=one_to_one, truth=truth)
    assert found.quality is not None
    sure, both, by_name, by_key = found.quality.methods
    assert sure.score.precision >= 0.98
    assert both.score.recall >= 0.95
    assert both.score.f1 > by_name.score.f1
    assert not one_to_one or both.score.f1 > by_key.score.f1


def test_no_cell_is_a_formula_to_a_spreadsheet(tmp_path: Path) -> None:
    """Strangers write names; whoever opens what was matched must not run them."""
    headers, name = ("id", "name", "city"), "=HYPERLINK(1) Northwind Traders"
    left = write(tmp_path / "left.csv", headers, [("=1", name, "Sydney")])
    right = write(tmp_path / "right.csv", headers, [("-2", name, "Sydney")])
    out = tmp_path / "out.csv"
    write_matches(match_files(RecordFile(left), RecordFile(right), Matching()), out)
    with out.open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["left_id"], row["right_id"]) == ("'=1", "'-2")
    assert not [cell for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]
