"""Versions of the rules, what each changed, and two of them beside each other."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from tests.service.conftest import NOW, POLICY

from leadlane.errors import LeadlaneError
from leadlane.service import policy_history
from leadlane.service.policy_history import compare, history, history_of_route, named
from leadlane.service.publish import publish

STRICTER = POLICY.replace("strong_at: 60", "strong_at: 70")
RENAMED_STEP = STRICTER.replace("next_step: Qualify", "next_step: Ask for the budget")


@pytest.fixture
def three(published: psycopg.Connection) -> psycopg.Connection:
    """The reference policy, a stricter one, and one that changes a route too."""
    publish(published, STRICTER, "policy.yaml", "olga", "stricter", NOW + timedelta(days=1))
    publish(published, RENAMED_STEP, "policy.yaml", "maria", "budget first", NOW + timedelta(days=2))
    return published


def test_each_version_says_what_it_changed(three: psycopg.Connection) -> None:
    found = history(three)
    assert [(step.version.number, step.version.comment) for step in found.steps] == [
        (3, "budget first"),
        (2, "stricter"),
        (1, "the first"),
    ]
    assert found.steps[0].changes == ("route “hot-weak”: next step Qualify → Ask for the budget",)
    assert found.steps[1].changes == ("policy: strong from 60 → 70",)
    assert found.steps[2].changes == ()
    assert found.older is None


def test_a_long_history_goes_on_where_it_ended(
    three: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy_history, "MOST_SHOWN", 2)
    first = history(three)
    assert (len(first.steps), first.older) == (2, 2)
    rest = history(three, first.older)
    assert [step.version.number for step in rest.steps] == [1]
    assert rest.older is None


def test_going_back_to_an_older_policy_is_a_version_of_its_own(three: psycopg.Connection) -> None:
    publish(three, POLICY, "policy.yaml", "olga", "back", NOW + timedelta(days=3))
    newest = history(three).steps[0]
    assert newest.version.number == 4
    assert newest.changes == (
        "policy: strong from 70 → 60",
        "route “hot-weak”: next step Ask for the budget → Qualify",
    )
    # Its text was published twice: by its number it is the one that is meant, by its hash the last one.
    assert named(three, "1").comment == "the first"
    assert named(three, newest.version.version).comment == "back"


def test_a_route_has_the_versions_that_changed_it(three: psycopg.Connection) -> None:
    found, looked_through, is_all = history_of_route(three, "hot-weak", 10)
    assert [(version.number, said) for version, said in found] == [
        (3, ("route “hot-weak”: next step Qualify → Ask for the budget",)),
        (1, ("It was there from the first version on.",)),
    ]
    assert (looked_through, is_all) == (3, True)
    assert history_of_route(three, "hot-weak", 2)[1:] == (2, False)
    assert history_of_route(three, "no-such-route", 10)[0] == []


def test_two_versions_side_by_side(three: psycopg.Connection) -> None:
    found = compare(three, named(three, "1"), named(three, "3"))
    assert [(key, [change.words for change in changes]) for key, changes in found.sections] == [
        ("", ["policy: strong from 60 → 70"]),
        ("routes", ["route “hot-weak”: next step Qualify → Ask for the budget"]),
    ]
    assert ("-", "  strong_at: 60") in found.lines
    assert ("+", "  strong_at: 70") in found.lines
    assert compare(three, named(three, "2"), named(three, "2")).lines == ()


def test_what_was_never_published_cannot_be_compared(published: psycopg.Connection) -> None:
    for text in ("7", "0", "-1", "none", "' OR 1"):
        with pytest.raises(LeadlaneError, match="no policy version"):
            named(published, text)
