"""One thing of a text is changed, and nothing else."""

from __future__ import annotations

import difflib
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadlane.policy.edit import Edit, EditError, applied, edited
from leadlane.policy.load import load_policy
from leadlane.policy.roster import read_roster
from leadlane.policy.yaml import read_yaml

POLICY = files("leadlane").joinpath("reference/policy.yaml").read_text(encoding="utf-8")
ROSTER = files("leadlane").joinpath("reference/roster.yaml").read_text(encoding="utf-8")


def changed(before: str, edits: list[Edit]) -> list[str]:
    """The lines that an edit takes out and puts in."""
    lines = difflib.unified_diff(before.splitlines(), edited(before, edits).splitlines(), n=0, lineterm="")
    return [line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")]


def test_a_value_is_set_and_its_line_stays_as_it_was() -> None:
    assert changed(POLICY, [Edit("set", ("segments", "south", "team"), "dach")]) == [
        "-    team: south",
        "+    team: dach",
    ]
    assert changed(POLICY, [Edit("set", ("counts_for",), "1 day")])[-1] == "+counts_for: 1 day"
    assert changed(POLICY, [Edit("set", ("intent", "counts_for"), "30 days")]) == [
        "-  counts_for: 90 days                # older signals have faded",
        "+  counts_for: 30 days                # older signals have faded",
    ]


def test_a_value_in_braces_is_set() -> None:
    edit = Edit("set", ("routes", "hot-mid", "pool"), "senior-ae")
    assert changed(POLICY, [edit]) == [
        "-  - {name: hot-mid, when: {intent: high, fit: strong, deal_band: mid}, pool: mid-ae}",
        "+  - {name: hot-mid, when: {intent: high, fit: strong, deal_band: mid}, pool: senior-ae}",
    ]


def test_a_key_is_added_where_it_was_not() -> None:
    row = Edit("set", ("routes", "everything-else", "next_step"), "Look, and place it")
    block = Edit("set", ("segments", "dach", "description"), "1e5")
    section = Edit("set", ("programs", "spring"), {"description": "Fairs"})
    assert changed(POLICY, [row]) == [
        "-  - {name: everything-else, review: revops}",
        "+  - {name: everything-else, review: revops, next_step: 'Look, and place it'}",
    ]
    assert changed(POLICY, [block]) == ["+    description: '1e5'"]
    assert changed(POLICY, [section]) == ["+  spring: {description: Fairs}"]


def test_a_row_is_put_before_another_with_its_comments_where_they_were() -> None:
    route = {"name": "spring", "when": {"source": ["fair"]}, "pool": "sdr", "until": "2026-05-01"}
    lines = edited(POLICY, [Edit("insert", ("routes", "hot-enterprise"), route)]).splitlines()
    at = lines.index("  - {name: spring, when: {source: [fair]}, pool: sdr, until: 2026-05-01}")
    assert lines[at - 1].startswith("  # then intent and fit")
    assert "hot-enterprise" in lines[at + 1]


def test_a_long_row_takes_a_line_for_each_key() -> None:
    route = {"name": "spring", "description": "x" * 60, "when": {"source": ["fair"]}, "review": "revops"}
    assert changed(POLICY, [Edit("insert", ("routes", "vip"), route)]) == [
        "+  - name: spring",
        f"+    description: {'x' * 60}",
        "+    when: {source: [fair]}",
        "+    review: revops",
    ]


def test_a_row_is_removed_and_its_neighbours_stay() -> None:
    assert changed(POLICY, [Edit("remove", ("routes", "hot"))]) == [
        "-  - {name: hot, when: {intent: high, fit: strong}, pool: senior-ae}"
    ]
    gone = changed(POLICY, [Edit("remove", ("routes", "vip"))])
    assert [line[:1] for line in gone] == ["-"] * 4
    assert changed(POLICY, [Edit("remove", ("intent", "high", "demo_request"))]) == [
        "-  high: [demo_request, pricing_page_visit, contact_sales_form, outbound_reply]",
        "+  high: [pricing_page_visit, contact_sales_form, outbound_reply]",
    ]


def test_people_of_a_roster_are_edited_by_id() -> None:
    edit = Edit("set", ("people", "emil", "teams"), ["cee", "dach"])
    gone, came = changed(ROSTER, [edit])
    assert came == gone.replace("-", "+", 1).replace("teams: [cee],", "teams: [cee, dach],")
    document, problems = read_roster(edited(ROSTER, [edit]))
    assert document is not None, problems
    assert document.people["emil"]["teams"] == ["cee", "dach"]


def test_edits_are_made_one_after_the_other() -> None:
    new = Edit("insert", ("routes", "vip"), {"name": "spring", "review": "revops", "when": {"country": "NO"}})
    text = edited(POLICY, [new, Edit("set", ("routes", "spring", "when", "country"), ["NO", "SE"])])
    assert [route.name for route in load_policy(text).routes][:2] == ["competitor", "spring"]


@pytest.mark.parametrize(
    "edit",
    [
        Edit("set", ("routes", "nobody", "pool"), "sdr"),
        Edit("remove", ("routes", 99)),
        Edit("remove", ("nothing",)),
        Edit("set", ("policy", "deeper"), 1),
        Edit("insert", ("pools", "sdr"), {}),
    ],
)
def test_what_is_not_there_is_refused(edit: Edit) -> None:
    with pytest.raises(EditError, match="There is no"):
        edited(POLICY, [edit])


def test_what_would_change_something_else_too_is_refused() -> None:
    shared = "a: &one {team: x}\nb: *one\n"
    with pytest.raises(EditError, match=r"b\.team"):
        edited(shared, [Edit("set", ("b", "team"), "y")])


def test_a_name_that_stands_twice_is_refused() -> None:
    with pytest.raises(EditError):
        edited("routes: [{name: a}, {name: a}]\n", [Edit("remove", ("routes", "a"))])


SHAPES = {
    "block": "# head\nrows:\n  - name: a # first\n    when: {x: 1}\n\n  # b\n  - name: b\n  - name: c\nz: 1",
    "unindented": "rows:\n- name: a\n- name: b\n  when:\n    x: 1\n- name: c # last\n",
    "flow": "rows: [{name: a}, {name: b, when: {x: 1}}, {name: c}]  # all\nend: 1",
    "lines": "rows: [\n  {name: a},  # first\n  {name: b, when: {x: 1}},\n  {name: c},\n]\n",
    "ends": "rows:\n  - name: a\n    text: |\n      one\n  - {name: b}\n  - name: c\n    text: >-\n      x",
}
ROW = st.fixed_dictionaries(
    {"name": st.sampled_from(["new", "NO", "1e3", "10:30", "a, b", "true", "é: #"])},
    optional={"when": st.just({"country": ["DE", "NO"]}), "description": st.text("ab ,:#'\"\n", max_size=9)},
)
EDITS = st.one_of(
    st.builds(Edit, st.just("insert"), st.tuples(st.just("rows"), st.integers(0, 3)), ROW),
    st.builds(Edit, st.just("remove"), st.tuples(st.just("rows"), st.sampled_from(["a", "b", "c"]))),
    st.builds(
        Edit,
        st.just("set"),
        st.tuples(st.just("rows"), st.sampled_from("abc"), st.sampled_from(["when", "text", "more"])),
        st.one_of(st.text(max_size=8), st.integers(), st.lists(st.booleans(), max_size=2), st.none()),
    ),
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(SHAPES)), st.lists(EDITS, min_size=1, max_size=4))
def test_the_text_says_what_the_edits_say_or_is_refused(shape: str, edits: list[Edit]) -> None:
    text = SHAPES[shape]
    try:
        made = edited(text, edits)
    except EditError:
        return
    assert read_yaml(made).data == applied(read_yaml(text).data, edits)


@pytest.mark.parametrize("shape", sorted(SHAPES))
@pytest.mark.parametrize(
    "edit",
    [
        Edit("insert", ("rows", "b"), {"name": "n"}),
        Edit("insert", ("rows", 3), {"name": "n"}),
        Edit("remove", ("rows", "a")),
        Edit("remove", ("rows", "b")),
        Edit("remove", ("rows", "c")),
        Edit("set", ("rows", "b", "when"), {"x": 2}),
        Edit("set", ("rows", "c", "more"), True),
    ],
)
def test_what_is_usual_is_not_refused_in_any_style(shape: str, edit: Edit) -> None:
    text = SHAPES[shape]
    made = edited(text, [edit])
    assert made != text
    comments: list[Any] = [part.split("\n")[0] for part in text.split("#")[1:]]
    gone = [one for one in comments if one not in made]
    # A comment goes only with the row that it stands on.
    assert all(one.strip() in ("first", "last") for one in gone)


def test_a_comment_between_a_key_and_its_value_stays() -> None:
    text = "pool:   # who is there\n  sdr   # these\nnext: 1\n"
    assert edited(text, [Edit("set", ("pool",), "ae")]) == text.replace("sdr", "ae")


def test_the_last_row_behind_a_comment_with_a_dash_is_taken_out() -> None:
    text = "rows:\n  - name: a\n  - # a catch-all - really\n    name: b\n"
    assert edited(text, [Edit("remove", ("rows", "b"))]) == "rows:\n  - name: a\n"
