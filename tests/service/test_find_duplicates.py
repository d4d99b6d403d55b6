"""Duplicates in a file: clusters, questions, and what a truth says of them."""

import csv
from collections.abc import Sequence
from pathlib import Path

import pytest

from leadlane.core.policy import Matching
from leadlane.errors import LeadlaneError
from leadlane.service.find_duplicates import Answers, Duplicates, find_duplicates
from leadlane.service.link_quality import Method
from leadlane.service.record_files import RecordFile
from leadlane.service.records_out import check_out, write_answers, write_clusters

SHARED = Path(__file__).parents[2] / ".." / "shared" / "data"
HEADERS = ("id", "name", "address", "zip", "city", "phone", "same")
ROWS = (
    ("1", "Northwind Traders Ltd", "12 Mill Lane", "2000", "Sydney", "+61 2 9999 1111", "n"),
    ("2", "Contoso Pharma AG", "Seestrasse 9", "8002", "Zürich", "+41 44 555 11 22", "c"),
    ("3", "NORTHWIND TRADERS", "12 Mill Ln", "2000", "Sydney", "+61 2 9999 1111", "n"),
    ("4", "Fabrikam Inc.", "400 Oak Street", "60601", "Chicago", "+1 312 555 0100", "f"),
    ("5", "Contoso Pharma", "", "", "", "", "c"),
    ("6", "Tailspin Toys", "8 Quay Road", "BS1 4DJ", "Bristol", "+44 117 555 0101", "t"),
)


def write(path: Path, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(headers)
        writer.writerows(rows)
    return str(path)


@pytest.fixture
def sites(tmp_path: Path) -> str:
    return write(tmp_path / "sites.csv", HEADERS, ROWS)


def find(path: str, **options: object) -> Duplicates:
    found = find_duplicates(RecordFile(path, **options), Matching())  # type: ignore[arg-type]
    assert isinstance(found, Duplicates)
    return found


def answers_of(path: str, truth: str) -> Answers:
    found = find_duplicates(RecordFile(path, truth=truth), Matching())
    assert isinstance(found, Answers)
    return found


def clusters(found: Duplicates) -> set[frozenset[str]]:
    return {frozenset(found.sources[place].id for place in cluster) for cluster in found.clusters}


def method(found: Duplicates | Answers, name: str) -> Method:
    assert found.quality is not None
    return next(one for one in found.quality.methods if one.name == name)


def test_the_sure_are_joined_and_the_rest_is_a_question(sites: str) -> None:
    found = find(sites)
    assert clusters(found) == {frozenset(("1", "3"))}
    assert [{found.sources[link.one].id, found.sources[link.other].id} for link in found.unsure] == [
        {"2", "5"}
    ]
    assert Matching().unsure_from <= found.unsure[0].probability < Matching().sure_from


def test_the_order_of_the_rows_does_not_count(sites: str, tmp_path: Path) -> None:
    turned = write(tmp_path / "turned.csv", HEADERS, ROWS[::-1])
    assert clusters(find(sites)) == clusters(find(turned))


def test_the_truth_is_no_help(sites: str) -> None:
    assert clusters(find(sites)) == clusters(find(sites, truth="same"))


def test_quality_against_clusters(sites: str) -> None:
    found = find(sites, truth="same")
    assert (method(found, "sure").score.precision, method(found, "sure").score.recall) == (1.0, 0.5)
    assert method(found, "suggested").score.f1 == 1.0
    entities = method(found, "suggested").entities
    assert entities is not None
    assert (entities.entities, entities.found_wholly) == (2, 1.0)
    assert found.quality is not None
    assert (found.quality.sure, found.quality.unsure) == (1, 1)
    assert not found.quality.false_sure
    assert not found.quality.missed


def test_mistakes_are_told(tmp_path: Path) -> None:
    rows = [(*row[:-1], "other" if row[0] == "3" else "n") for row in ROWS if row[0] in "134"]
    found = find(write(tmp_path / "wrong.csv", HEADERS, rows), truth="same")
    assert found.quality is not None
    assert [
        ("northwind" in one.one.lower(), one.comparison.probability > 0.98)
        for one in found.quality.false_sure
    ] == [(True, True)]
    assert [{"Fabrikam" in one.one, "Fabrikam" in one.other} for one in found.quality.missed] == [
        {True, False}
    ]


def test_rows_without_a_truth_are_not_judged(tmp_path: Path) -> None:
    rows = [(*row[:-1], "" if row[0] in "13" else row[-1]) for row in ROWS]
    found = find(write(tmp_path / "some.csv", HEADERS, rows), truth="same")
    assert method(found, "sure").score.linked == 0
    assert method(found, "suggested").score.true == 1


def test_people_are_compared_as_people(tmp_path: Path) -> None:
    headers = ("given_name", "surname", "street_number", "address_1", "postcode", "suburb", "date_of_birth")
    rows = (
        ("margaret", "oakenfold", "17", "banksia crescent", "4011", "willow bay", "19500101"),
        ("oakenfold", "margaret", "17", "banksia crescent", "4011", "willow bay", "19500101"),
        ("thomas", "oakenfold", "3", "harbour parade", "2600", "red hill", "19500101"),
    )
    found = find(write(tmp_path / "people.csv", headers, rows))
    assert found.kind == "person"
    assert [sorted(found.sources[place].row for place in cluster) for cluster in found.clusters] == [[1, 2]]


def test_every_row_is_written_with_its_cluster(sites: str, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    write_clusters(RecordFile(sites), find(sites), out)
    with out.open(encoding="utf-8", newline="") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    assert len(rows) == len(ROWS)
    assert rows["1"]["_cluster"] == rows["3"]["_cluster"]
    assert len({row["_cluster"] for row in rows.values()}) == len(ROWS) - 1
    assert rows["2"]["_review"] == rows["5"]["_review"] != ""
    assert rows["4"]["_review"] == ""
    assert rows["2"]["city"] == "Zürich"


PAIRS = (
    ("Northwind Traders Ltd", "Northwind Traders Limited", "yes"),
    ("Northwind Traders Ltd", "Contoso Pharma AG", "no"),
    ("Contoso Pharma", "Contosso Pharma AG", "YES"),
    ("Fabrikam", "Tailspin Toys", "no"),
    ("Fabrikam", "Tailspin Toys", "perhaps"),
)


def test_a_file_of_pairs_gets_an_answer_to_each(tmp_path: Path) -> None:
    path = write(tmp_path / "pairs.csv", ("name1", "name2", "match"), PAIRS)
    found = answers_of(path, "match")
    assert [one.outcome for one in found.answers] == ["unsure", "new", "unsure", "new", "new"]
    assert [one.truth for one in found.answers] == [True, False, True, False, None]
    assert method(found, "suggested").score.f1 == 1.0
    assert method(found, "sure").score.linked == 0
    assert found.quality.compared == 4
    assert found.notes == ["1 pair has no truth and is not judged"]


def test_the_answers_are_written_beside_the_pairs(tmp_path: Path) -> None:
    path = write(tmp_path / "pairs.csv", ("name1", "name2", "match"), PAIRS)
    out = tmp_path / "answers.csv"
    write_answers(RecordFile(path), answers_of(path, "match"), out)
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["_outcome"] for row in rows] == ["unsure", "new", "unsure", "new", "new"]
    assert rows[0]["name1"] == PAIRS[0][0]
    assert "Northwind" in rows[0]["_evidence"]


def test_a_truth_that_says_neither_yes_nor_no_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "pairs.csv", ("name1", "name2", "match"), [("A", "B", "maybe")])
    with pytest.raises(LeadlaneError, match="says of no pair"):
        find_duplicates(RecordFile(path, truth="match"), Matching())


def test_a_column_that_is_not_there_is_named(sites: str) -> None:
    with pytest.raises(LeadlaneError, match="there is no column “entity”"):
        find(sites, truth="entity")


def test_rows_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    path = tmp_path / "broken.csv"
    path.write_text('name,zip\nAcme,1\n"broken,2\nAcme,1,x,y\nAcme Ltd,1\n', encoding="utf-8")
    found = find(str(path))
    assert [source.row for source in found.sources] in ([1, 4], [4, 1])
    assert "2 rows could not be read and are left out; the first is row 2" in found.notes[0]


@pytest.mark.parametrize(
    ("out", "inputs", "said"),
    [
        ("out.txt", ("a.csv",), "does not say CSV"),
        ("a.csv", ("a.csv",), "read already"),
        ("out.csv", ("-",), "standard input"),
    ],
)
def test_where_a_result_cannot_go(out: str, inputs: tuple[str, ...], said: str) -> None:
    with pytest.raises(LeadlaneError, match=said):
        check_out(Path(out), *inputs)


LABELLED = (
    ("company_matching/patstat_applicant_names.csv", "entity_id", 0.99, 0.95),
    # The truth of this set is itself about 95 % right.
    ("org_dedupe/chicago_sites.csv", "true_id", 0.95, 0.93),
    ("contact_dedupe/febrl_dataset1.csv", "entity", 0.99, 0.93),
    ("contact_dedupe/febrl_dataset3.csv", "entity", 0.99, 0.9),
)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "truth", "precision", "recall"), LABELLED)
def test_labelled_sets_of_real_names(name: str, truth: str, precision: float, recall: float) -> None:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{path} is not there")
    found = find(str(path), truth=truth)
    assert method(found, "sure").score.precision >= precision
    suggested = method(found, "suggested").score
    assert suggested.recall >= recall
    assert suggested.f1 > method(found, "names").score.f1
    assert suggested.f1 > method(found, "keys").score.f1
