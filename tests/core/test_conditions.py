"""The whole table of tests of a condition, missing values, nesting, and the path of what failed."""

from datetime import UTC, date, datetime
from itertools import permutations
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlane.core.conditions import (
    ALWAYS,
    All,
    Any_,
    Bounds,
    Condition,
    Not,
    Test,
    compile_condition,
    fields_of,
    fold,
    fold_text,
    holds,
    test_at,
    tests_of,
)

test_at.__test__ = False  # type: ignore[attr-defined]
tests_of.__test__ = False  # type: ignore[attr-defined]
BERLIN = ZoneInfo("Europe/Berlin")
DE = Test("country", "is", ("DE",))
NOT_DE = Test("country", "is", ("DE",), negated=True)


def asks(condition: Condition, **fields: Any) -> bool:
    return holds(condition, fold(fields), BERLIN)


def a_test(op: Any, *values: Any, negated: bool = False) -> Test:
    return Test("x", op, values, negated)


def bounds(**limits: Any) -> Test:
    return Test("x", "range", Bounds(**limits))


NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("test", "value", "expected"),
    [
        (a_test("is", "DE"), "de", True),
        (a_test("is", "de"), " DE ", True),
        (a_test("is", "STRASSE"), "straße", True),
        (a_test("is", "DE"), "DEU", False),
        (a_test("is", "NO"), "no", True),
        (a_test("is", True), True, True),
        (a_test("is", True), False, False),
        (a_test("is", False), False, True),
        (a_test("is", "DE", "AT"), "AT", True),
        (a_test("is"), "AT", False),
        *[(a_test("is", wanted), value, True) for wanted, value in permutations((12, 12.0, "12", "12.0"), 2)],
        (a_test("is", "12.5"), 12.50, True),
        (a_test("is", 12.5), "12.50", True),
        (a_test("is", "012"), 12, False),
        (a_test("is", "012"), "12", False),
        (a_test("is", 0), 0, True),
        (a_test("is", -3), "-3", True),
        (a_test("is", date(2026, 3, 2)), date(2026, 3, 2), True),
        (
            a_test("is", date(2026, 3, 3)),
            datetime(2026, 3, 2, 23, 30, tzinfo=UTC),
            True,
        ),  # half past midnight
        (a_test("is", NOON), NOON.astimezone(BERLIN), True),
        (a_test("is", NOON), NOON.replace(second=1), False),
        (bounds(min=200), 200, True),
        (bounds(min=200), 199.99, False),
        (bounds(max=999), 999, True),
        (bounds(max=999), 999.5, False),
        (bounds(above=50_000), 50_000, False),
        (bounds(above=50_000), 50_000.01, True),
        (bounds(below=10_000), 10_000, False),
        (bounds(below=10_000), 9_999.99, True),
        (bounds(min=1, below=3), 3, False),
        (bounds(min=1, below=3), 1, True),
        (bounds(min=0), 0, True),
        (bounds(min=NOON), NOON.astimezone(BERLIN), True),
        (bounds(above=NOON), NOON, False),
        (bounds(below=NOON), datetime(2026, 3, 2, 12, 59, 59, tzinfo=BERLIN), True),
        (bounds(min=date(2026, 3, 3)), datetime(2026, 3, 2, 22, 59, tzinfo=UTC), False),
        (bounds(min=date(2026, 3, 3)), datetime(2026, 3, 2, 23, 0, tzinfo=UTC), True),
        (bounds(max=date(2026, 3, 2)), datetime(2026, 3, 2, 22, 59, tzinfo=UTC), True),
        (bounds(above=date(2026, 3, 2)), date(2026, 3, 2), False),
        (bounds(min=NOON), date(2026, 3, 2), True),
        (a_test("any", "a", "b"), ("B", "c"), True),
        (a_test("any", "a", "b"), ("c",), False),
        (a_test("any"), ("c",), False),
        (a_test("all", "a", "b"), ("c", "B", "A"), True),
        (a_test("all", "a", "b"), ("a",), False),
        (a_test("none", "a"), ("b",), True),
        (a_test("none", "a"), ("A", "b"), False),
        (Test("x", "starts_with", "Head"), "head of sales", True),
        (Test("x", "starts_with", "sales"), "head of sales", False),
        (Test("x", "ends_with", ".EDU"), "mit.edu", True),
        (Test("x", "contains", "OF s"), "Head of Sales", True),
        (Test("x", "contains", "ceo"), "Head of Sales", False),
        (Test("x", "missing"), "anything", False),
        (Test("x", "present"), "anything", True),
        (Test("x", "present"), 0, True),
        (Test("x", "present"), False, True),
        (a_test("is", "a", negated=True), "b", True),
        (a_test("is", "a", negated=True), "A", False),
        (Test("x", "range", Bounds(min=5), negated=True), 4, True),
        (Test("x", "range", Bounds(min=5), negated=True), 5, False),
        (a_test("any", "a", negated=True), ("b",), True),
    ],
)
def test_the_table_of_tests(test: Test, value: Any, expected: bool) -> None:
    assert asks(test, x=value) is expected


@pytest.mark.parametrize(
    ("test", "value", "expected"),
    [
        (bounds(min=3), "many", False),
        (bounds(min=3), ("a",), False),
        (bounds(min=NOON), 3, False),
        (a_test("is", NOON), "noon", False),
        (bounds(min=date(2026, 3, 2)), "soon", False),
        (a_test("any", "many"), "Many", True),
        (a_test("none", "m"), "many", True),
        (a_test("all", "many"), True, False),
        (Test("x", "contains", "a"), ("a",), False),
        (Test("x", "starts_with", "1"), 12, False),
    ],
)
def test_a_custom_attribute_of_another_type_breaks_nothing(test: Test, value: Any, expected: bool) -> None:
    assert asks(test, x=value) is expected


@pytest.mark.parametrize("absent", [{}, {"x": None}, {"x": ""}, {"x": "  "}, {"x": ()}], ids=repr)
@pytest.mark.parametrize(
    "test",
    [
        a_test("is", "a"),
        a_test("is", "a", negated=True),
        a_test("is", False),
        a_test("is", 0),
        bounds(max=5),
        bounds(max=NOON),
        a_test("any", "a"),
        a_test("all"),
        a_test("none", "a"),
        a_test("none", "a", negated=True),
        Test("x", "starts_with", "a", negated=True),
        Test("x", "ends_with", ""),
        Test("x", "contains", ""),
        Test("x", "present"),
        Test("x", "missing", negated=True),
        Not(a_test("is", "a")),
        Not(a_test("none", "a")),
        Not(Not(a_test("is", "a"))),
        Not(Any_((a_test("is", "a"), Test("y", "is", ("b",))))),
        Not(All((a_test("is", "a"),))),
    ],
    ids=repr,
)
def test_a_missing_value_fails_every_test_but_missing(test: Condition, absent: dict[str, Any]) -> None:
    assert asks(test, **absent) is False
    assert asks(Test("x", "missing"), **absent) is True
    assert asks(Not(Test("x", "present")), **absent) is True


def test_not_x_or_unknown_is_written_with_both() -> None:
    either = Any_((NOT_DE, Test("country", "missing")))
    assert [asks(either, **lead) for lead in ({}, {"country": "FR"}, {"country": "DE"})] == [
        True,
        True,
        False,
    ]


def test_not_holds_as_soon_as_one_part_is_known_to_fail() -> None:
    both = Not(All((DE, Test("industry", "is", ("fintech",)))))
    assert asks(both, industry="retail") is True
    assert asks(both, industry="fintech") is False
    assert asks(both, country="DE", industry="fintech") is False


LEAVES = st.sampled_from(
    [
        DE,
        NOT_DE,
        Test("employees", "range", Bounds(min=50)),
        Test("tags", "none", ("a",)),
        Test("country", "missing"),
        Test("employees", "present"),
    ]
)
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: All(tuple(parts)))
        | st.lists(inner, min_size=1, max_size=3).map(lambda parts: Any_(tuple(parts)))
        | inner.map(Not)
    ),
)
LEADS = st.fixed_dictionaries(
    {},
    optional={
        "country": st.sampled_from(["DE", "FR"]),
        "employees": st.sampled_from([10, 100]),
        "tags": st.sampled_from([("a",), ("b",)]),
    },
)


def truth(condition: Condition, lead: dict[str, Any]) -> bool | None:
    """The meaning in three values: None where a missing value leaves it open."""
    match condition:
        case Not(part):
            inner = truth(part, lead)
            return None if inner is None else not inner
        case All(parts):
            each = [truth(part, lead) for part in parts]
            return False if False in each else None if None in each else True
        case Any_(parts):
            each = [truth(part, lead) for part in parts]
            return True if True in each else None if None in each else False
        case Test(field, op) if op in ("missing", "present"):
            return (field in lead) == (op == "present")
        case Test(field, _op, _value, negated):
            known = {
                "country": lambda value: (value == "DE") is not negated,
                "employees": lambda value: value >= 50,
                "tags": lambda value: "a" not in value,
            }
            return known[field](lead[field]) if field in lead else None


@given(TREES, LEADS)
def test_nested_conditions_mean_what_three_valued_logic_says(tree: Condition, lead: dict[str, Any]) -> None:
    assert asks(tree, **lead) is (truth(tree, lead) is True)


@given(TREES, LEADS)
def test_the_path_names_a_part_that_fails(tree: Condition, lead: dict[str, Any]) -> None:
    path = compile_condition(tree, BERLIN)(fold(lead))
    assert (path is None) is asks(tree, **lead)
    if path is not None:
        assert asks(test_at(tree, path), **lead) is False


def test_the_path_is_that_of_the_first_part_that_failed() -> None:
    condition = All((DE, Test("employees", "range", Bounds(min=50)), Any_((DE, NOT_DE))))
    check = compile_condition(condition, BERLIN)
    assert check(fold({"country": "DE", "employees": 50})) is None
    assert check(fold({"country": "DE", "employees": 49})) == "1"
    assert check(fold({"country": "FR", "employees": 49})) == "0"
    assert test_at(condition, "2/1") is NOT_DE


def test_no_condition_holds_always() -> None:
    assert compile_condition(ALWAYS, BERLIN)({}) is None


def test_an_empty_any_never_holds() -> None:
    assert asks(Any_(()), country="DE") is False


def test_the_tests_and_fields_of_a_condition_come_in_its_order() -> None:
    size = Test("employees", "range", Bounds(min=50))
    condition = All((DE, Not(Any_((size, NOT_DE)))))
    assert list(tests_of(condition)) == [DE, size, NOT_DE]
    assert list(fields_of(condition)) == ["country", "employees", "country"]


def test_folding_leaves_out_what_is_missing_and_keeps_zero_and_false() -> None:
    facts = fold({"a": " X ", "b": "", "c": None, "d": (), "e": 0, "f": False, "g": ("T", "t")})
    assert facts == {"a": "x", "e": 0, "f": False, "g": frozenset({"t"})}


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("12.0", "12"),
        ("12.50", "12.5"),
        ("10", "10"),
        ("007.0", "007.0"),
        ("1.2.0", "1.2.0"),
        ("-0.50", "-0.5"),
    ],
)
def test_numbers_in_text_are_folded_to_one_form(text: str, folded: str) -> None:
    assert fold_text(text) == folded
