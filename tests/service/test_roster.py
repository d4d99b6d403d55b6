"""The roster changes by revisions, checked; what was decided before stays decidable."""

from dataclasses import replace

import psycopg
import pytest

from leadlane.core.facts import Account
from leadlane.errors import LeadlaneError
from leadlane.service import roster as service
from leadlane.service.rulebooks import load_roster
from leadlane.store import accounts, policies
from leadlane.store import roster as store

from .conftest import NOW


def _person(db: psycopg.Connection, id_: str) -> dict[str, object]:
    return store.entries(db, policies.in_force(db)[1])["person"][id_]


def test_a_change_makes_a_revision_and_the_one_before_stays(published: psycopg.Connection) -> None:
    before = policies.in_force(published)[1]
    after = service.put_entry(
        published, "person", "anna", {**_person(published, "anna"), "max_open": 3}, "olga", NOW
    )
    assert after == before + 1
    assert load_roster(published, after).people["anna"].max_open == 3
    assert load_roster(published, before).people["anna"].max_open == 40


def test_the_same_content_again_is_no_revision(published: psycopg.Connection) -> None:
    before = policies.in_force(published)[1]
    assert service.put_entry(published, "person", "anna", _person(published, "anna"), "olga", NOW) == before


def test_a_dangling_reference_is_refused_and_changes_nothing(published: psycopg.Connection) -> None:
    before = policies.in_force(published)[1]
    with pytest.raises(service.RosterErrors) as refused:
        service.put_entry(
            published, "person", "anna", {**_person(published, "anna"), "backup": "bors"}, "olga", NOW
        )
    assert "boris" in {problem.suggestion for problem in refused.value.problems}
    assert policies.in_force(published)[1] == before


def test_public_holidays_become_part_of_the_roster(published: psycopg.Connection) -> None:
    roster = load_roster(published, policies.in_force(published)[1])
    assert set(roster.holidays) == {"DE", "IT", "PL"}
    assert NOW.date().replace(month=1, day=6) in roster.holidays["IT"]


def test_everyone_has_a_load_from_the_start(published: psycopg.Connection) -> None:
    assert {row.person: row.open for row in store.loads(published)}["anna"] == 0


def test_accounts_are_known_by_registrable_domain(published: psycopg.Connection) -> None:
    account = Account("volta", "Volta", ("www.volta.example", "shop.volta.example"), owner="anna")
    service.put_accounts(published, [account], NOW)
    assert accounts.account(published, "volta") == replace(account, domains=("volta.example",))


def test_a_domain_belongs_to_one_account(published: psycopg.Connection) -> None:
    with pytest.raises(LeadlaneError, match=r"acme\.example .* belongs to acme"):
        service.put_accounts(published, [Account("other", "Other", ("acme.example",))], NOW)
    assert accounts.account(published, "other") is None


def test_an_account_can_change_its_domains(published: psycopg.Connection) -> None:
    service.put_accounts(published, [Account("acme", "Acme", ("acme-new.example",), owner="boris")], NOW)
    service.put_accounts(published, [Account("other", "Other", ("acme.example",))], NOW)
    assert [a.id for a in accounts.accounts(published)] == ["acme", "helix", "other"]


def test_an_unknown_owner_is_refused(published: psycopg.Connection) -> None:
    with pytest.raises(LeadlaneError, match="nobody"):
        service.put_accounts(published, [Account("x", "X", owner="nobody")], NOW)


def test_a_pool_of_the_policy_in_force_keeps_somebody(published: psycopg.Connection) -> None:
    with pytest.raises(service.RosterErrors) as refused:
        service.put_entry(
            published, "person", "olga", {**_person(published, "olga"), "role": "sdr"}, "olga", NOW
        )
    assert "revops" in str(refused.value)
