"""A draft of the policy: kept, checked, overtaken by somebody else, published, put away, taken up again."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from tests.service.conftest import NOW, POLICY

from leadlane.errors import LeadlaneError
from leadlane.policy.problems import PolicyErrors
from leadlane.service import drafts, publications, users
from leadlane.service.publish import MeanwhileError, publish
from leadlane.service.rulebooks import Rulebooks
from leadlane.store import workshop

CHANGED = POLICY.replace("strong_at: ", "strong_at: 1", 1)


@pytest.fixture
def user(published: psycopg.Connection) -> str:
    return users.add(published, "ann@leadlane.example", "Ann", "admin", "test", NOW).id


def test_without_a_draft_it_is_the_policy_in_force(published: psycopg.Connection, user: str) -> None:
    draft = drafts.open_draft(published, user)
    assert (draft.text, draft.edition, draft.begun_from, draft.changed_at) == (POLICY, 0, 1, None)
    assert not draft.is_behind


def test_where_nothing_is_in_force_it_is_the_reference(db: psycopg.Connection) -> None:
    user = users.add(db, "ann@leadlane.example", "Ann", "admin", "test", NOW).id
    draft = drafts.open_draft(db, user)
    assert (draft.text, draft.begun_from, draft.in_force) == (POLICY, 0, None)


def test_what_another_window_changed_is_not_overwritten(published: psycopg.Connection, user: str) -> None:
    assert drafts.keep(published, user, "one", 0, 1, NOW)
    assert drafts.keep(published, user, "two", 1, 1, NOW)
    assert not drafts.keep(published, user, "three", 1, 1, NOW)
    assert drafts.open_draft(published, user).text == "two"


def test_what_cannot_be_kept_is_said(published: psycopg.Connection, user: str) -> None:
    with pytest.raises(LeadlaneError, match="longer than a policy"):
        drafts.keep(published, user, "x" * (drafts.LONGEST + 1), 0, 1, NOW)
    assert drafts.keep(published, user, "a\0b\r\nc", 0, 1, NOW)
    assert drafts.open_draft(published, user).text == "a\ufffdb\nc"


def test_a_draft_that_was_put_away_comes_back(published: psycopg.Connection, user: str) -> None:
    drafts.keep(published, user, CHANGED, 0, 1, NOW)
    assert workshop.put_away_draft(published, user, True)
    assert drafts.open_draft(published, user).text == POLICY
    assert workshop.put_away_draft(published, user, False)
    assert drafts.open_draft(published, user).text == CHANGED


def test_a_text_is_checked_told_and_compared(published: psycopg.Connection, books: Rulebooks) -> None:
    in_force = books.current(published).policy
    same, changed = drafts.check(published, POLICY, in_force), drafts.check(published, CHANGED, in_force)
    assert same.changes == ()
    assert changed.changes is not None
    assert len(changed.changes) == 1
    assert changed.sections
    wrong = drafts.check(published, POLICY.replace("segments:", "segmets:", 1), in_force)
    assert wrong.policy is None
    assert any(problem.line and problem.suggestion for problem in wrong.problems)


def test_a_draft_is_published_once_and_put_away(published: psycopg.Connection, user: str) -> None:
    drafts.keep(published, user, CHANGED, 0, 1, NOW)
    done = drafts.publish_draft(published, user, 1, 1, "ann", "Stricter", NOW)
    assert done.number == 2
    draft = drafts.open_draft(published, user)
    assert (draft.text, draft.begun_from, draft.changed_at) == (CHANGED, 2, None)
    with pytest.raises(LeadlaneError, match="changed since"):
        drafts.publish_draft(published, user, 2, 1, "ann", "Stricter", NOW)


def test_a_draft_with_errors_stays_a_draft(published: psycopg.Connection, user: str) -> None:
    drafts.keep(published, user, "policy: [", 0, 1, NOW)
    with pytest.raises(PolicyErrors):
        drafts.publish_draft(published, user, 1, 1, "ann", "", NOW)
    assert drafts.open_draft(published, user).text == "policy: ["


def test_what_others_published_meanwhile_is_shown_first(published: psycopg.Connection, user: str) -> None:
    drafts.keep(published, user, CHANGED, 0, 1, NOW)
    theirs = POLICY.replace("counts_for: 90 days", "counts_for: 60 days", 1)
    assert theirs != POLICY
    publish(published, theirs, "policy.yaml", "ben", "Shorter", NOW + timedelta(hours=1))
    with pytest.raises(MeanwhileError):
        drafts.publish_draft(published, user, 1, 1, "ann", "", NOW)
    draft = drafts.open_draft(published, user)
    assert draft.is_behind
    meanwhile = drafts.meanwhile(published, draft)
    assert [one.comment for one in meanwhile.publications] == ["Shorter"]
    assert len(meanwhile.changes) == 1
    assert any(line.startswith("-") and "60 days" in line for line in meanwhile.lines)
    assert workshop.rebase_draft(published, user, 2)
    assert drafts.publish_draft(published, user, 2, draft.edition, "ann", "", NOW).number == 3


def test_an_earlier_version_is_published_again(published: psycopg.Connection) -> None:
    publish(published, CHANGED, "policy.yaml", "ben", "Stricter", NOW)
    second = publications.version(published, 2)
    assert second is not None
    assert second.changed is not None
    assert len(second.changed) == 1
    assert second.back == ()
    first = publications.version(published, 1)
    assert first is not None
    assert (first.changed, len(first.back)) == (None, 1)
    with pytest.raises(MeanwhileError):
        publications.go_back(published, 1, 1, "ann", "", NOW)
    done = publications.go_back(published, 1, 2, "ann", "Back", NOW)
    assert done is not None
    assert done.number == 3
    assert publications.version(published, 7) is None
    assert publications.go_back(published, 7, 3, "ann", "", NOW) is None
