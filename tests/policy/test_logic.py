"""Rows that never count are found, and none is accused that counts."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadlane.core.conditions import ALWAYS, All, Any_, Bounds, Condition, Not, Test, fold, holds
from leadlane.core.facts import FieldSpec
from leadlane.policy import logic
from leadlane.policy.logic import Domain, Row, Table

DOMAINS = {
    "intent": Domain(FieldSpec("intent", "choice", ("high", "low")), ("high", "low"), always=True),
    "stage": Domain(FieldSpec("stage", "choice", ("trial", "paid"))),
    "opted_in": Domain(FieldSpec("opted_in", "boolean")),
    "employees": Domain(FieldSpec("employees", "number")),
    "country": Domain(FieldSpec("country", "text")),
    "tech_stack": Domain(FieldSpec("tech_stack", "tags")),
    "renewal": Domain(FieldSpec("renewal", "date")),
}


def is_(field: str, *values: Any, negated: bool = False) -> Test:
    return Test(field, "is", values, negated)


def table(*rows: Row) -> Table:
    return Table(rows, DOMAINS, ["intent", "stage"])


def beaten(*conditions: Condition) -> dict[int, list[int]]:
    return table(*(Row(str(i), condition) for i, condition in enumerate(conditions))).always_beaten()


HIGH, LOW = is_("intent", "high"), is_("intent", "low")
BIG, HUGE = Test("employees", "range", Bounds(min=100)), Test("employees", "range", Bounds(above=1000))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([ALWAYS, HIGH], {1: [0]}),
        ([HIGH, LOW, is_("country", "DE")], {2: [0, 1]}),
        ([is_("country", "DE", "AT"), All((is_("country", "at"), BIG))], {1: [0]}),
        ([is_("country", "AT"), is_("country", "DE", "AT")], {}),
        ([BIG, HUGE], {1: [0]}),
        ([HUGE, BIG], {}),
        ([Test("employees", "range", Bounds(below=100)), BIG, is_("employees", 7)], {2: [0]}),
        ([BIG, Test("employees", "range", Bounds(max=100)), Test("employees", "present")], {2: [0, 1]}),
        ([Test("employees", "present"), Test("employees", "missing"), HIGH], {2: [0, 1]}),
        ([is_("stage", "trial"), is_("stage", "paid"), Test("stage", "present")], {2: [0, 1]}),
        ([is_("stage", "trial"), is_("stage", "trial", negated=True), HIGH], {}),
        ([is_("stage", "trial"), Not(is_("stage", "trial")), Test("stage", "present")], {2: [0, 1]}),
        ([is_("stage", "trial"), Not(is_("stage", "trial")), HIGH], {}),
        ([is_("opted_in", True), is_("opted_in", False), Test("opted_in", "present")], {2: [0, 1]}),
        ([Test("tech_stack", "any", ("a", "b")), Test("tech_stack", "all", ("A", "c"))], {1: [0]}),
        ([Test("tech_stack", "any", ("a",)), Test("tech_stack", "none", ("a",)), HIGH], {}),
        ([Test("tech_stack", "any", ("a",)), Test("tech_stack", "any", ("a", "b"))], {}),
        ([Test("country", "contains", "e"), Test("country", "starts_with", "de")], {1: [0]}),
        ([Test("country", "starts_with", "d"), is_("country", "DE")], {1: [0]}),
        ([Test("country", "starts_with", "d"), Test("country", "ends_with", "d")], {}),
        ([Any_((HIGH, is_("country", "DE"))), All((is_("country", "de"), BIG))], {1: [0]}),
        ([Any_((HIGH, LOW)), is_("country", "DE")], {1: [0]}),
        (
            [
                Test("renewal", "range", Bounds(min=date(2026, 1, 1))),
                Test("renewal", "range", Bounds(above=date(2025, 12, 31))),
            ],
            {1: [0]},
        ),
    ],
)
def test_earlier_rows_that_take_everything_are_named(
    rows: list[Condition], expected: dict[int, list[int]]
) -> None:
    assert beaten(*rows) == expected


def test_a_temporary_row_wins_only_while_it_counts() -> None:
    march = Row("march", HIGH, date(2026, 3, 1), date(2026, 3, 31))
    week = Row("week", HIGH, date(2026, 3, 2), date(2026, 3, 8))
    assert table(march, Row("ever", HIGH)).always_beaten() == {}
    assert table(march, week).always_beaten() == {1: [0]}
    assert table(week, march).always_beaten() == {}
    assert table(Row("from", HIGH, date(2026, 3, 1)), march).always_beaten() == {1: [0]}


def test_contradictions_never_hold() -> None:
    rows = [
        All((HIGH, LOW)),
        All((BIG, Test("employees", "range", Bounds(max=5)))),
        All((is_("country", "DE"), Test("country", "missing"))),
        is_("stage"),
        HIGH,
    ]
    assert table(*(Row("", row) for row in rows)).never_hold() == [0, 1, 2, 3]


def test_what_is_left_to_nobody_is_found() -> None:
    rows = table(Row("a", All((HIGH, is_("stage", "trial")))), Row("b", All((LOW, BIG))))
    assert rows.untaken(["intent"]) == []
    assert rows.untaken(["stage"]) == []
    assert rows.untaken(["intent", "stage"]) == [("high", "paid")]


def test_single_rows_are_compared_where_the_whole_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logic, "MAX_CELLS", 12)
    many = is_("country", *map(str, range(50)))
    assert beaten(is_("country", "DE", "AT"), many, All((is_("country", "de"), HIGH))) == {2: [0]}


VALUES: dict[str, list[Any]] = {
    "intent": ["high", "low"],
    "stage": ["trial", "paid", None],
    "opted_in": [True, False, None],
    "employees": [None, 0, 99, 99.5, 100, 101, 1000, 5000],
    "country": [None, "DE", "de", "AT", "Delhi", "ade", "x"],
    "tech_stack": [None, (), ("a",), ("a", "B"), ("b", "c"), ("z",)],
    "renewal": [None, date(2025, 12, 31), date(2026, 1, 1), date(2026, 1, 2)],
}
FACTS = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in VALUES.items()})
_numbers = st.sampled_from([None, 99, 100, 1000])
_days = st.sampled_from([None, date(2025, 12, 31), date(2026, 1, 1)])
TESTS = st.one_of(
    st.builds(
        lambda v, n: Test("intent", "is", tuple(v), n),
        st.lists(st.sampled_from(["high", "low"])),
        st.booleans(),
    ),
    st.builds(lambda v, n: Test("stage", "is", (v,), n), st.sampled_from(["trial", "paid"]), st.booleans()),
    st.builds(lambda v, n: Test("opted_in", "is", (v,), n), st.booleans(), st.booleans()),
    st.builds(
        lambda a, b, n: Test("employees", "range", Bounds(min=a, below=b), n),
        _numbers,
        _numbers,
        st.booleans(),
    ),
    st.builds(lambda a, b: Test("employees", "range", Bounds(above=a, max=b)), _numbers, _numbers),
    st.builds(lambda a, n: Test("renewal", "range", Bounds(min=a), n), _days.filter(bool), st.booleans()),
    st.builds(
        lambda v, n: Test("country", "is", tuple(v), n),
        st.lists(st.sampled_from(["DE", "at", "ade"])),
        st.booleans(),
    ),
    st.builds(
        lambda op, v, n: Test("country", op, v, n),
        st.sampled_from(["starts_with", "ends_with", "contains"]),
        st.sampled_from(["d", "de", "E", "x"]),
        st.booleans(),
    ),
    st.builds(
        lambda op, v, n: Test("tech_stack", op, tuple(v), n),
        st.sampled_from(["any", "all", "none"]),
        st.lists(st.sampled_from(["a", "b", "c"]), max_size=2),
        st.booleans(),
    ),
    st.builds(Test, st.sampled_from(sorted(VALUES)), st.sampled_from(["missing", "present"])),
)
CONDITIONS = st.recursive(
    TESTS,
    lambda inner: st.one_of(
        st.builds(lambda parts: All(tuple(parts)), st.lists(inner, max_size=3)),
        st.builds(lambda parts: Any_(tuple(parts)), st.lists(inner, min_size=1, max_size=3)),
        st.builds(Not, inner),
    ),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None)
@given(st.lists(CONDITIONS, min_size=1, max_size=5), st.lists(FACTS, min_size=20, max_size=20), st.booleans())
def test_nobody_is_accused_who_counts(
    conditions: list[Condition], leads: list[dict[str, Any]], coarse: bool
) -> None:
    """Whatever a lead is: a row said never to hold does not, and one said to be beaten is."""
    zone = ZoneInfo("UTC")
    rows = [Row("", condition) for condition in conditions]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logic, "MAX_CELLS", 20 if coarse else 300_000)
        section = Table(rows, DOMAINS)
        never, lost = section.never_hold(), section.always_beaten()
    for lead in leads:
        facts = fold(lead)
        held = [holds(condition, facts, zone) for condition in conditions]
        assert not any(held[i] for i in never)
        for i, winners in lost.items():
            assert not held[i] or any(held[j] for j in winners)
