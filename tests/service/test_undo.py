"""What somebody did last can be taken back for a few minutes, while nobody has built upon it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.service.conftest import NOW
from tests.service.due import Company, company, lead

from leadlane.core.act import ActKind
from leadlane.service.acts import act
from leadlane.service.undo import UNDO_WITHIN, acts_to_undo
from leadlane.service.who_acts import Actor
from leadlane.store import leads
from leadlane.store.leads import LeadRow

__all__ = ["company"]

ANN = Actor("ann", "Ann", "own")
MINUTE = timedelta(minutes=1)


def row(company: Company) -> LeadRow:
    found = leads.get(company.db, "L1")
    assert found is not None
    return found


def undo(company: Company, actor: Actor = ANN, after: timedelta = MINUTE) -> bool:
    """Take back what was done last, if that can be."""
    acts = acts_to_undo(company.db, company.books, row(company), actor, NOW + after)
    if acts:
        receipts = act(company.db, company.books, acts, NOW + after)
        assert {one.status for one in receipts} == {"updated"}
    return bool(acts)


@pytest.fixture
def anns(company: Company) -> Company:
    """Ann has the lead, has accepted it and planned what is next."""
    company.route([lead("L1")])
    company.act("L1", "reassign", NOW, by="cyd", to="ann")
    company.act("L1", "accept", NOW, by="ann")
    company.act("L1", "plan", NOW, by="ann", reason="Call at noon", due_at=NOW + 3 * timedelta(hours=1))
    return company


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("reassign", {"to": "bob", "reason": "I am off"}),
        ("decline", {"reason": "no time"}),
        ("dispute", {"reason": "A student"}),
    ],
)
def test_a_lead_that_was_given_away_comes_back_as_it_was(
    anns: Company, kind: ActKind, given: dict[str, Any]
) -> None:
    before = row(anns)
    anns.act("L1", kind, NOW, by="ann", **given)
    assert row(anns).owner != "ann"
    assert undo(anns)
    after = row(anns)
    parts = ("owner", "stage", "next_step", "next_step_due_at", "planned", "respond_by", "excluded")
    assert [getattr(after, part) for part in parts] == [getattr(before, part) for part in parts]
    loads = anns.db.execute("SELECT person, open FROM loads WHERE open > 0").fetchall()
    assert loads == [("ann", 1)]


def test_a_plan_is_as_it_was_before(anns: Company) -> None:
    anns.act("L1", "plan", NOW, by="ann", reason="Write", due_at=NOW + timedelta(days=2))
    assert undo(anns)
    assert (row(anns).next_step, row(anns).next_step_due_at) == ("Call at noon", NOW + timedelta(hours=3))


def test_what_is_too_late_of_others_or_built_upon_stays(anns: Company) -> None:
    anns.act("L1", "reassign", NOW, by="ann", to="bob")
    assert not undo(anns, after=UNDO_WITHIN + MINUTE)
    assert not undo(anns, Actor("bob", "Bob", "own"))
    assert not undo(anns, Actor(None, "Ann", "all"))
    anns.act("L1", "accept", NOW, by="bob")
    assert not undo(anns)
    assert row(anns).owner == "bob"


@pytest.mark.parametrize(
    ("kind", "given"),
    [("touch", {"how": "call"}), ("accept", {}), ("decline", {"reason": "junk"})],
)
def test_facts_that_others_count_on_stay(anns: Company, kind: ActKind, given: dict[str, Any]) -> None:
    anns.act("L1", kind, NOW, by="ann", **given)
    assert not undo(anns)


def test_whoever_is_no_person_of_the_roster_takes_back_their_own(anns: Company) -> None:
    admin = Actor(None, "Ada", "all")
    act(anns.db, anns.books, [admin.act("L1", "reassign", to="bob")], NOW)
    assert not undo(anns, Actor(None, "Another", "all"))
    # Users choose their names: a rep who calls themselves so has not done it.
    assert not undo(anns, Actor(None, "Ada", "own"))
    assert undo(anns, admin)
    assert (row(anns).owner, row(anns).stage) == ("ann", "assigned")
