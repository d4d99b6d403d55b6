"""A bad row costs itself and nothing else; a file of any size and shape is read to its end."""

import csv
import io
import json
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadlane.intake.files import BadRow, Row, Rows, UnreadableFileError, open_rows

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(content: str | bytes, name: str = "leads.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return write_file


def read(path: Path, **options: str) -> tuple[Rows, list[Row | BadRow]]:
    with open_rows(path, **options) as rows:  # type: ignore[arg-type]
        return rows, list(rows)


def data(found: list[Row | BadRow]) -> list[dict[str, object]]:
    return [row.data for row in found if isinstance(row, Row)]


def bad(found: list[Row | BadRow]) -> list[BadRow]:
    return [row for row in found if isinstance(row, BadRow)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_found_out(write: Write, delimiter: str) -> None:
    rows, found = read(write(delimiter.join("abc") + "\n" + delimiter.join(("1", "2", "x, y; z")) + "\n"))
    if delimiter in ("\t", "|"):
        assert data(found) == [{"a": "1", "b": "2", "c": "x, y; z"}]
    assert rows.delimiter == delimiter
    assert rows.headers == ("a", "b", "c")


def test_semicolons_in_cells_do_not_mislead(write: Write) -> None:
    rows, found = read(write("id,tags\n1,a;b;c\n2,d;e;f\n"))
    assert rows.delimiter == ","
    assert data(found) == [{"id": "1", "tags": "a;b;c"}, {"id": "2", "tags": "d;e;f"}]


def test_the_delimiter_line_of_excel(write: Write) -> None:
    assert data(read(write("sep=;\r\na;b\r\n1;2\r\n"))[1]) == [{"a": "1", "b": "2"}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings(write: Write, encoding: str) -> None:
    rows, found = read(write("name;city\nZoë 👋;Łódź\nשלום;مرحبا\n", encoding=encoding))
    assert rows.headers == ("name", "city")
    assert data(found) == [{"name": "Zoë 👋", "city": "Łódź"}, {"name": "שלום", "city": "مرحبا"}]
    assert rows.notes == []


def test_windows_1252_is_read_and_noted_once(write: Write) -> None:
    rows, found = read(write("name,city\nplain,x\nMüller,Zürich\nGarçon,“Orléans”\n", encoding="cp1252"))
    assert data(found)[1:] == [{"name": "Müller", "city": "Zürich"}, {"name": "Garçon", "city": "“Orléans”"}]
    assert len(rows.notes) == 1
    assert "line 3" in rows.notes[0]


def test_a_given_encoding_holds(write: Write) -> None:
    rows, found = read(write("city\nŁódź\n", encoding="cp1250"), encoding="cp1250")
    assert data(found) == [{"city": "Łódź"}]
    assert rows.notes == []


def test_bytes_that_are_no_text_cost_their_row(write: Write) -> None:
    _, found = read(write(b"a,b\n1,\x81\n3,4\n"))
    assert data(found) == [{"a": "3", "b": "4"}]
    assert [(row.number, row.line) for row in bad(found)] == [(1, 2)]


def test_nul_bytes_cost_their_row(write: Write) -> None:
    _, found = read(write(b"a,b\n1,2\n3,\x004\n5,6\n"))
    assert data(found) == [{"a": "1", "b": "2"}, {"a": "5", "b": "6"}]
    assert "NUL" in bad(found)[0].reason


@pytest.mark.parametrize("content", ["", "\n\n", "   \n", "sep=;\n", "\ufeff"])
def test_an_empty_file_is_said_to_be_empty(write: Write, content: str) -> None:
    with pytest.raises(UnreadableFileError, match="is empty"):
        read(write(content))


def test_a_header_alone_is_no_lead(write: Write) -> None:
    rows, found = read(write("email,company"))
    assert found == []
    assert rows.headers == ("email", "company")


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(UnreadableFileError, match="cannot be opened"):
            open_rows(path)


@pytest.mark.parametrize("start", [b"PK\x03\x04\x14\0", b"\xd0\xcf\x11\xe0\xa1\xb1"], ids=["xlsx", "xls"])
def test_a_workbook_is_said_to_be_one(start: bytes, tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_bytes(start + bytes(range(256)) * 100)
    with pytest.raises(UnreadableFileError, match="is an Excel workbook") as error:
        open_rows(path)
    assert "save it as CSV" in error.value.hint


def test_an_unknown_encoding(write: Write) -> None:
    with pytest.raises(UnreadableFileError, match="klingon"):
        open_rows(write("a,b\n1,2\n"), encoding="klingon")


def test_ragged_rows(write: Write) -> None:
    _, found = read(write("a,b,c\n1,2,3\n1,2\n1,2,3,4\n1,2,3,,\n\n1,2,\n"))
    assert data(found) == [
        {"a": "1", "b": "2", "c": "3"},
        {"a": "1", "b": "2", "c": "3"},
        {"a": "1", "b": "2", "c": ""},
    ]
    assert [(row.number, row.line, row.text) for row in bad(found)] == [(2, 3, "1,2"), (3, 4, "1,2,3,4")]
    assert bad(found)[0].reason == "the row has 2 cells, and the header has 3"


def test_columns_without_a_name(write: Write) -> None:
    rows, _ = read(write("a,,c,,\n1,2,3,,\n"))
    assert rows.headers == ("a", "column 2", "c")


def test_quoted_cells(write: Write) -> None:
    _, found = read(write('a, "b"\r\n"x ""y""", "1, 2"\r\n"two\r\nlines",3\r\nlast,5" pipe\r\n'))
    assert [tuple(row.values()) for row in data(found)] == [
        ('x "y"', "1, 2"),
        ("two\r\nlines", "3"),
        ("last", '5" pipe'),
    ]
    assert [row.line for row in found] == [2, 3, 5]


@pytest.mark.parametrize(
    "broken",
    [
        '500,"open,city',
        '500,open","city',
        '500,"op"en,city',
        '"500,open,city',
        '500,open,"city',
        '500,"open,""city',
    ],
)
@pytest.mark.parametrize("quoted", [False, True])
def test_a_broken_quote_in_the_middle_costs_its_row_alone(write: Write, broken: str, quoted: bool) -> None:
    file = io.StringIO()
    writer = csv.writer(file, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL)
    writer.writerow(["id", "company", "city"])
    expected = []
    for number in range(1, 1001):
        cells = [str(number), f"Company {number}, Inc.", "two\nlines" if number % 97 == 0 else "one"]
        if number == 500:
            file.write(broken + "\r\n")
        else:
            writer.writerow(cells)
            expected.append(cells)
    _, found = read(write(file.getvalue()))
    assert [list(row.values()) for row in data(found)] == expected
    assert [(row.number, row.text) for row in bad(found)] == [(500, broken)]


def test_a_quote_open_to_the_end_costs_one_row(write: Write) -> None:
    _, found = read(write('a,b\n1,"2\n' + "".join(f"{n},x\n" for n in range(1000))))
    assert len(data(found)) == 1000
    assert [row.line for row in bad(found)] == [2]


def test_a_broken_header_is_an_error(write: Write) -> None:
    with pytest.raises(UnreadableFileError, match="header"):
        read(write('a,"b\n1,2\n'))


def test_ten_megabytes_in_one_field(write: Write) -> None:
    giant = "x" * 10_000_000
    _, found = read(write(f'a,b\n1,{giant}\n2,"{giant}"\n3,"{"y" * 500_000}"\n4,z\n'))
    assert data(found) == [{"a": "4", "b": "z"}]
    assert [(row.number, row.line) for row in bad(found)] == [(1, 2), (2, 3), (3, 4)]
    assert max(len(row.text) for row in bad(found)) <= 100_000


def test_memory_stays_flat(write: Write) -> None:
    path = write("a,b,c\n" + "1,some text,more text\n" * 60_000)
    tracemalloc.start()
    with open_rows(path) as rows:
        count = sum(1 for _ in rows)
        peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 60_000
    assert peak < 1_000_000 < path.stat().st_size


def test_progress_ends_at_the_size(write: Write) -> None:
    path = write("a,b\n" + "1,2\n" * 100_000)
    seen: list[int] = []
    with open_rows(path, on_bytes=seen.append) as rows:
        assert rows.size == path.stat().st_size
        list(rows)
        assert rows.bytes_read == rows.size == seen[-1]
    assert seen == sorted(seen)
    assert len(seen) > 2


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a,b\n1,2\n")))
    with open_rows("-") as rows:
        assert rows.size is None
        assert data(list(rows)) == [{"a": "1", "b": "2"}]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ('[{"a": 1}, {"a": 2.5, "b": ["x"]}]', "leads.json"),
        ('{"exported": "today", "leads": [{"a": 1}, {"a": 2.5, "b": ["x"]}], "more": false}', "leads.json"),
        ('{"a": 1}\n{"a": 2.5, "b": ["x"]}\n', "leads.ndjson"),
        ('{"a": 1}\n\n{"a": 2.5, "b": ["x"]}', "leads.jsonl"),
        ('{"a": 1}\n{"a": 2.5, "b": ["x"]}\n', "leads.json"),
        ('{\n"a": 1}\n{\n"a": 2.5, "b": ["x"]}\n', "leads"),
        ('\ufeff[\n{"a": 1},\n{"a": 2.5, "b": ["x"]}\n]\n', "leads"),
    ],
)
def test_json_in_every_shape(write: Write, content: str, name: str) -> None:
    rows, found = read(write(content, name))
    assert data(found) == [{"a": 1}, {"a": 2.5, "b": ["x"]}]
    assert bad(found) == []
    assert rows.headers == ("a", "b")


def test_one_json_object_is_one_lead(write: Write) -> None:
    assert data(read(write('{\n "a": 1\n}', "lead.json"))[1]) == [{"a": 1}]


def test_json_in_other_encodings(write: Write) -> None:
    assert data(read(write('[{"a": "Łódź"}]', "l.json", "utf-16"))[1]) == [{"a": "Łódź"}]
    assert data(read(write('[{"a": "Zürich"}]', "l.json", "cp1252"))[1]) == [{"a": "Zürich"}]


def test_truncated_json_keeps_what_came_before(write: Write) -> None:
    leads = [{"email": f"p{n}@northwind.example", "company": "x" * 100} for n in range(5000)]
    text = json.dumps(leads, indent=1)
    _, found = read(write(text[: text.index("p3000@") + 3], "leads.json"))
    assert data(found) == leads[:3000]
    (broken,) = bad(found)
    assert broken.number == 3001
    assert broken.line == text[: text.index("p3000@")].count("\n") + 1
    assert f"line {broken.line}" in broken.reason
    assert "row 3000" in broken.reason


@pytest.mark.parametrize(
    "content", ["[", "[{}", '[{"a": 1},', '[{"a": 1} nonsense]', '[{"a": 1}] [{"a": 2}]', "[1, 2]"]
)
def test_other_broken_json_is_never_silent(write: Write, content: str) -> None:
    assert bad(read(write(content, "leads.json"))[1])


def test_json_that_is_none(write: Write) -> None:
    with pytest.raises(UnreadableFileError, match="not JSON"):
        read(write("email,company\n", "leads.json"))


def test_hostile_json(write: Write) -> None:
    _, found = read(
        write('[{"a": 1e999999999}, {"a": ' + "9" * 5000 + '}, {"a": NaN}, {"a": 3}]', "leads.json")
    )
    assert len(data(found)) == 4
    _, found = read(write('[{"a": 1}, {"a": ' + "[" * 100_000 + "]" * 100_000 + "}]", "leads.json"))
    assert data(found) == [{"a": 1}]
    assert "nested" in bad(found)[0].reason
    _, found = read(write('[{"a": "' + "x" * 10_000_000 + '"}, {"a": 2}]', "leads.json"))
    assert [len(str(row["a"])) for row in data(found)] == [10_000_000, 1]


def test_a_bad_line_of_ndjson_is_one_refused_row(write: Write) -> None:
    _, found = read(write('{"a": 1}\n{"a":\n[1]\n{"a": NaN}\n{"a": 5}\n', "leads.ndjson"))
    assert data(found) == [{"a": 1}, {"a": 5}]
    assert [(row.number, row.line) for row in bad(found)] == [(2, 2), (3, 3), (4, 4)]


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.integers(1, 4).flatmap(
        lambda width: st.lists(st.lists(CELL, min_size=width, max_size=width), min_size=1)
    ),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from([",", ";", "\t", "|"]),
)
def test_any_table_is_read_back_row_for_row(
    tmp_path: Path, table: list[list[str]], quoting: int, delimiter: str
) -> None:
    headers = [f"column_{position}" for position in range(len(table[0]))]
    path = tmp_path / "table.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=quoting, delimiter=delimiter).writerows([headers, *table])  # type: ignore[arg-type]
    _, found = read(path, delimiter=delimiter)
    assert [list(row.values()) for row in data(found)] == table
    assert bad(found) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["x.csv", "x.json", "x.ndjson", "x"]))
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: bytes, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with suppress(UnreadableFileError):
        rows, found = read(path)
        assert rows.bytes_read == len(content) or bad(found)
