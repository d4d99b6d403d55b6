"""What was refused comes back corrected, and loses nothing on the way."""

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from leadlane.core.facts import LEAD_FIELDS
from leadlane.intake.columns import match_columns
from leadlane.intake.files import BadRow, Row, open_rows
from leadlane.intake.leads import LeadInput, read_lead
from leadlane.intake.rejects import RejectsFile, rejects_path

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)


def read_all(path: Path, rejects: Path) -> list[LeadInput]:
    """The whole way of a file: rows, columns, leads, and what is refused to its file."""
    leads = []
    with open_rows(path) as rows:
        columns = match_columns(rows.headers, LEAD_FIELDS)
        assert columns.problems == ()
        with RejectsFile(rejects, rows.headers, rows.format, rows.delimiter) as file:
            for row in rows:
                if isinstance(row, BadRow):
                    file.add_bad_row(row)
                    continue
                raw, extra = columns.split(row.data)
                lead, problems = read_lead(raw, LEAD_FIELDS, NOW, UTC, extra=extra)
                if lead:
                    leads.append(lead)
                else:
                    file.add(row, problems, columns)
    return leads


def test_csv_is_corrected_and_fed_back(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_text(
        "Email;Number of Employees;Notes\n"
        "a@northwind.example;10;first\n"
        'b@northwind;many;"second;\nwith =1+1"\n'
        "broken;row\n"
        "c@northwind.example;1.000;third\n"
    )
    rejected = rejects_path(path, "csv")
    assert rejected == tmp_path / "leads.rejected.csv"
    assert [lead.fields["email"] for lead in read_all(path, rejected)] == [
        "a@northwind.example",
        "c@northwind.example",
    ]

    with rejected.open(encoding="utf-8-sig", newline="") as file:
        second, broken = list(csv.DictReader(file, delimiter=";"))
    assert list(second) == ["Email", "Number of Employees", "Notes", "_row", "_column", "_reason", "_text"]
    assert second["_row"] == "2"
    assert second["_column"] == "Email; Number of Employees"
    assert "Number of Employees “many”: this is not a number of people" in second["_reason"]
    assert second["Notes"] == "second;\nwith =1+1"
    assert (broken["_row"], broken["_text"]) == ("3", "broken;row")

    corrected = rejected.read_text(encoding="utf-8-sig")
    corrected = corrected.replace("b@northwind;many", "b@northwind.example;51-200")
    rejected.write_text(corrected, encoding="utf-8-sig")
    again = rejects_path(rejected, "csv")
    (lead,) = read_all(rejected, again)
    assert lead.fields == {"email": "b@northwind.example", "employees": 51}
    assert lead.extra == {"Notes": "second;\nwith =1+1"}
    assert again.read_text(encoding="utf-8-sig").splitlines()[0].count("_row") == 1
    with again.open(encoding="utf-8-sig", newline="") as file:
        (still,) = csv.DictReader(file, delimiter=";")
    assert still["_text"] == "broken;row"


@pytest.mark.parametrize("saved_with", [",", ";"])
def test_a_row_is_corrected_in_its_text(saved_with: str, tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_text('email,company,city\na@one.example,"One, Ltd,Rome\nb@two.example,"Two\n')
    rejected = rejects_path(path, "csv")
    assert read_all(path, rejected) == []
    with rejected.open(encoding="utf-8-sig", newline="") as file:
        first, second = csv.DictReader(file)
    first["_text"] = first["_text"].replace("One, Ltd", 'One, Ltd"')
    with rejected.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, first.keys(), delimiter=saved_with)
        writer.writeheader()
        writer.writerows([first, second])
    (lead,) = read_all(rejected, tmp_path / "again.csv")
    assert lead.fields == {"email": "a@one.example", "company": "One, Ltd", "city": "Rome"}
    assert lead.extra == {}
    with (tmp_path / "again.csv").open(encoding="utf-8-sig", newline="") as file:
        (still,) = csv.DictReader(file, delimiter=saved_with)
    assert still["_text"] == 'b@two.example,"Two'


def test_text_beside_cells_is_kept_until_the_row_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_text("email,city,_row,_column,_reason,_text\nnobody,Rome,2,,,what was there\n")
    assert read_all(path, tmp_path / "again.csv") == []
    assert "what was there" in (tmp_path / "again.csv").read_text(encoding="utf-8-sig")


def test_characters_that_were_lost_are_not_taken_for_text(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_bytes(b"email,city\na@one.example,Ro\0me\n")
    rejected = rejects_path(path, "csv")
    assert read_all(path, rejected) == []
    assert read_all(rejected, tmp_path / "again.csv") == []
    text = (tmp_path / "again.csv").read_text(encoding="utf-8-sig").replace("Ro\ufffdme", "Rome")
    rejected.write_text(text, encoding="utf-8-sig")
    assert [lead.fields["city"] for lead in read_all(rejected, tmp_path / "last.csv")] == ["Rome"]


def test_json_is_corrected_and_fed_back(tmp_path: Path) -> None:
    path = tmp_path / "leads.json"
    path.write_text(
        '[{"email": "x", "tech_stack": ["a"], "nested": {"b": 1}}, 5, {"email": "y@northwind.example"}]'
    )
    rejected = rejects_path(path, "json")
    assert rejected == tmp_path / "leads.rejected.jsonl"
    assert len(read_all(path, rejected)) == 1
    first, second = (json.loads(line) for line in rejected.read_text().splitlines())
    assert first["_row"] == 1
    assert first["_column"] == "email"
    assert (second["_row"], second["_text"]) == (2, "5")

    rejected.write_text(json.dumps({**first, "email": "x@northwind.example"}) + "\n")
    (lead,) = read_all(rejected, tmp_path / "again.jsonl")
    assert lead.fields == {"email": "x@northwind.example", "tech_stack": ("a",)}
    assert lead.extra == {"nested": {"b": 1}}
    assert not (tmp_path / "again.jsonl").exists()


def test_json_is_corrected_in_its_text(tmp_path: Path) -> None:
    path = tmp_path / "leads.jsonl"
    path.write_text('{"email": "a@one.example"\n5\n')
    rejected = rejects_path(path, "ndjson")
    assert read_all(path, rejected) == []
    first, second = (json.loads(line) for line in rejected.read_text().splitlines())
    first["_text"] += "}"
    rejected.write_text(json.dumps(first) + "\n" + json.dumps(second) + "\n")
    (lead,) = read_all(rejected, tmp_path / "again.jsonl")
    assert lead.fields == {"email": "a@one.example"}
    assert json.loads((tmp_path / "again.jsonl").read_text())["_text"] == "5"


def test_nothing_refused_makes_no_file_and_leaves_an_old_one(tmp_path: Path) -> None:
    RejectsFile(tmp_path / "new.csv", ["a"], "csv").close()
    path = tmp_path / "old.csv"
    path.write_text("of yesterday")
    RejectsFile(path, ["a"], "csv").close()
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text() == "of yesterday"


def test_a_file_that_exists_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "leads.rejected.csv"
    path.write_text("of yesterday")
    names = []
    for _day in range(2):
        with RejectsFile(path, ["email"], "csv") as file:
            file.add_bad_row(BadRow(1, 2, "x", "broken"))
        names.append(file.path.name)
    assert names == ["leads.rejected-2.csv", "leads.rejected-3.csv"]
    assert path.read_text() == "of yesterday"


def test_an_interruption_keeps_what_was_refused(tmp_path: Path) -> None:
    path = tmp_path / "rejects.csv"
    columns = match_columns(["email"], LEAD_FIELDS)
    _, problems = read_lead({"email": "x"}, LEAD_FIELDS, NOW, UTC)

    def interrupted() -> None:
        with RejectsFile(path, ["email"], "csv") as file:
            file.add(Row(1, 2, {"email": "x"}), problems, columns)
            assert "x,1,email" in path.read_text(encoding="utf-8-sig")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert "x,1,email" in path.read_text(encoding="utf-8-sig")
    assert [found.name for found in tmp_path.iterdir()] == ["rejects.csv"]


def test_the_file_that_is_read_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_text("email\nx\ny@northwind.example\n")
    assert len(read_all(path, path)) == 1
    assert path.read_text() == "email\nx\ny@northwind.example\n"
    assert "x,1,email" in (tmp_path / "leads-2.csv").read_text(encoding="utf-8-sig")
