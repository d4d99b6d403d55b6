"""YAML 1.2 with positions; everything else is refused with a place and a reason."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlane.policy.yaml import MAX_BYTES, Mark, YamlError, lines_of, read_yaml


def refused(text: str | bytes) -> YamlError:
    with pytest.raises(YamlError) as caught:
        read_yaml(text)
    return caught.value


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("NO", "NO"),
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("10:30", "10:30"),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("-7", -7),
        ("1_000", "1_000"),
        ("1.000,50", "1.000,50"),
        ("12.50", 12.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("1.2.3", "1.2.3"),
        ("2026-03-02", "2026-03-02"),
        ("2026-03-02T10:00:00Z", "2026-03-02T10:00:00Z"),
        ("~", None),
        ("", None),
        ("null", None),
        ("'12'", "12"),
        ('"true"', "true"),
        ("!!str 12", "12"),
        ("!!int '12'", 12),
        ("=", "="),
        ("<<", "<<"),
    ],
)
def test_scalars_are_those_of_the_core_schema(written: str, value: object) -> None:
    read = read_yaml(f"key: {written}").data["key"]
    assert read == value
    assert type(read) is type(value)


def test_keys_are_text_as_they_are_written() -> None:
    assert read_yaml("NO: 1\n12: 2\ntrue: 3\n10:30: 4").data == {"NO": 1, "12": 2, "true": 3, "10:30": 4}


def test_every_key_and_value_has_its_place() -> None:
    marks = read_yaml("a:\n  - {b: x, cé: [1, 22]}\n").marks
    assert marks.keys["a", 0, "b"] == Mark(2, 6)
    assert marks.values["a", 0, "b"] == Mark(2, 9)
    assert marks.values["a", 0, "cé", 1] == Mark(2, 20)
    assert marks.find(("a", 0, "nothing", "here")) == marks.values["a", 0] == Mark(2, 5)


def test_aliases_are_read() -> None:
    assert read_yaml("a: &x [1, 2]\nb: *x").data == {"a": [1, 2], "b": [1, 2]}


def test_a_comma_in_a_description_in_braces_is_a_comma() -> None:
    data = read_yaml("{description: Letters, run by marketing, and sales, team: x}").data
    assert data == {"description": "Letters, run by marketing, and sales", "team": "x"}


@pytest.mark.parametrize("text", ["{description: a, when: }", "{description: a, when :  }"])
def test_a_key_with_a_colon_is_no_part_of_a_description(text: str) -> None:
    assert read_yaml(text).data == {"description": "a", "when": None}


def test_commas_elsewhere_are_what_yaml_says() -> None:
    assert read_yaml("{name: a, b}").data == {"name": "a", "b": None}


@pytest.mark.parametrize(
    ("text", "code", "mark"),
    [
        ("a: 1\nb: 2\na: 3", "duplicate_key", (3, 1)),
        ("a: {b: 1, b: 2}", "duplicate_key", (1, 11)),
        ('1: x\n"1": y', "duplicate_key", (2, 1)),
        ("a:\n\t- b", "syntax", (2, 1)),
        ("a: [1, 2", "syntax", (2, 1)),
        ('a: "b', "syntax", (1, 6)),
        ("a: b: c", "syntax", (1, 5)),
        ("a: 1\n---\nb: 2", "syntax", (2, 1)),
        ("? [a]\n: b", "syntax", (1, 3)),
        ("a: *nobody", "expansion", (1, 4)),
        ("a: &x [*x]", "expansion", (1, 8)),
        ("a: !thing 1", "tag", (1, 4)),
        ("a: !!python/name:os.system ''", "tag", (1, 4)),
        ("a: !!set {x}", "tag", (1, 4)),
        ("a: " + "1" * 5000, "syntax", (1, 4)),
        ("a: b\nc: \x00d", "encoding", (2, 4)),
        ("a: \x1b[31m", "encoding", (1, 4)),
        ("a: \ud800", "encoding", (1, 4)),
        (b"a: x\nb: \xff", "encoding", (2, 4)),
        ("a: ü".encode("utf-16"), "encoding", (1, 1)),
        ("[" * 5000, "expansion", (1, 101)),
        ("- " * 5000, "expansion", (1, 201)),
    ],
)
def test_what_is_not_read_is_refused_with_its_place(
    text: str | bytes, code: str, mark: tuple[int, int]
) -> None:
    error = refused(text)
    assert (error.code, tuple(error.mark)) == (code, mark)
    assert error.found


def test_aliases_of_aliases_do_not_explode() -> None:
    text = "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
    for here, above in zip("bcdefghij", "abcdefghi", strict=True):
        text += f"{here}: &{here} [{', '.join(['*' + above] * 10)}]\n"
    began = time.perf_counter()
    assert refused(text).code == "expansion"
    assert time.perf_counter() - began < 1


def test_a_document_that_is_too_large_is_refused_unread() -> None:
    assert refused("a" * (MAX_BYTES + 1)).code == "too_large"
    assert refused(b"\xff" * (MAX_BYTES + 1)).code == "too_large"


def test_an_empty_document_says_nothing() -> None:
    for text in ("", "# only a comment\n", "---\n"):
        assert read_yaml(text).data is None


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    document = read_yaml("\ufeffa: 1".encode())
    assert (document.data, document.marks.keys["a",]) == ({"a": 1}, Mark(1, 1))


def test_lines_are_counted_as_marks_count_them() -> None:
    text = "a: 1\r\nb: 2\rc: 3\u2028# d\ne: 4"
    assert lines_of(text)[read_yaml(text).marks.keys["e",].line - 1] == "e: 4"


@given(st.text(alphabet=st.sampled_from("ab:-[]{}&*!|>'\"#%@,? \n\t\r~01.é\ufeff\x85"), max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        mark = read_yaml(text).marks.values[()]
    except YamlError as error:
        mark = error.mark
    assert min(mark) >= 1
