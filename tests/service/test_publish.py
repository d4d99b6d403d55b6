"""A policy comes into force checked, once, and with a history."""

import psycopg
import pytest

from leadlane.errors import LeadlaneError
from leadlane.policy.problems import PolicyErrors
from leadlane.service import publish as publishing
from leadlane.store import policies

from .conftest import NOW, POLICY


def test_what_is_published_is_in_force(published: psycopg.Connection) -> None:
    policy, text = publishing.in_force(published)
    assert policy.name == "Reference"
    assert text == POLICY
    assert [one.comment for one in policies.publications(published)] == ["the first"]


def test_the_same_version_again_is_no_new_publication(published: psycopg.Connection) -> None:
    again = publishing.publish(published, "# a comment\n" + POLICY, "p.yaml", "b", "", NOW)
    assert again.number is None
    assert len(policies.publications(published)) == 1


def test_a_change_is_a_new_version_and_the_old_one_stays_readable(published: psycopg.Connection) -> None:
    before, _text = publishing.in_force(published)
    changed = POLICY.replace("strong_at: 60", "strong_at: 70")
    done = publishing.publish(published, changed, "p.yaml", "olga", "stricter", NOW)
    assert done.number is not None
    assert publishing.in_force(published)[0].strong_at == 70
    assert publishing.stored_policy(published, before.version[:6])[0].strong_at == 60
    newest = policies.publications(published)[0]
    assert (newest.published_by, newest.comment, newest.version) == ("olga", "stricter", done.policy.version)


def test_errors_refuse_it_and_change_nothing(published: psycopg.Connection) -> None:
    with pytest.raises(PolicyErrors) as refused:
        publishing.publish(
            published,
            POLICY.replace("intent: high, fit: strong", "intent: hgih, fit: strong"),
            "p",
            "b",
            "",
            NOW,
        )
    assert any(problem.suggestion for problem in refused.value.problems)
    assert len(policies.publications(published)) == 1


def test_a_pool_that_the_roster_leaves_empty_is_refused(published: psycopg.Connection) -> None:
    with pytest.raises(PolicyErrors, match="revops"):
        publishing.publish(published, POLICY.replace("{role: revops}", "{role: nobody}"), "p", "b", "", NOW)


def test_every_pool_gets_its_ledger(published: psycopg.Connection) -> None:
    pools = {row[0] for row in published.execute("SELECT pool FROM ledgers")}
    assert pools == {"senior-ae", "mid-ae", "junior-ae", "sdr", "revops"}


def test_an_unknown_version_says_so(published: psycopg.Connection) -> None:
    with pytest.raises(LeadlaneError, match="no policy version abc"):
        publishing.stored_policy(published, "abc")


def test_nothing_published_says_what_to_do(db: psycopg.Connection) -> None:
    with pytest.raises(LeadlaneError, match="leadlane policy publish"):
        publishing.in_force(db)
