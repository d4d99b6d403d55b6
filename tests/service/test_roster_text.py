"""The roster as a text says what it said, and is edited by id."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.service.conftest import ROSTER

from leadlane.policy.edit import Edit, EditError
from leadlane.policy.roster import RosterDocument, read_roster
from leadlane.service.roster_text import edited_roster, roster_text


def _document(text: str = ROSTER) -> RosterDocument:
    document, problems = read_roster(text)
    assert document is not None, problems
    return document


def test_the_text_says_the_roster() -> None:
    document = _document()
    again = _document(roster_text(document))
    assert replace(document, accounts={}) == replace(again, accounts={})


def test_names_that_look_like_something_else_stay_names() -> None:
    text = (
        "teams: [{id: NO, name: 'yes: no'}]\npeople: [{id: '1e5', name: \"10:30\", role: true-blue, "
        "timezone: UTC, teams: [NO], note: '# none', weight: 0.5}]\n"
    )
    assert _document(roster_text(_document(text))) == _document(text)


def test_an_edit_changes_one_person_and_nothing_else() -> None:
    document = _document()
    changed = edited_roster(document, [Edit("set", ("people", "emil", "teams"), ["dach"])])
    assert changed.people["emil"] == {**document.people["emil"], "teams": ["dach"]}
    assert {**changed.people, "emil": document.people["emil"]} == document.people
    assert (changed.teams, changed.hours) == (document.teams, document.hours)


def test_who_is_not_there_is_not_edited() -> None:
    with pytest.raises(EditError):
        edited_roster(_document(), [Edit("set", ("people", "nobody", "weight"), 2)])
