"""Leads that wait in line, when somebody becomes free."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from tests.service.conftest import NOW
from tests.service.due import POLICY, Company, company, lead

from leadlane.service.acts import serve_waiting
from leadlane.service.submission import Submission
from leadlane.store.due import Spot
from leadlane.store.watchdog import violations

__all__ = ["company"]

# Whoever takes a lead speaks its language, and nobody speaks Finnish.
SPEAKING = POLICY.replace("members: {role: rep}", "members: {role: rep}, require: {languages: language}")


def speaking(id_: str, language: str) -> Submission:
    one = lead(id_)
    return replace(one, lead=replace(one.lead, fields={"language": language}))


def line_up(company: Company, finnish: int) -> None:
    """Every rep full; in line many leads that nobody can take, and one behind them that a rep could."""
    company.publish(SPEAKING)
    for person in ("ann", "bob"):
        company.change(person, languages=["de"])
    company.fill_up()
    company.route([speaking(f"F{number:03}", "fi") for number in range(finnish)])
    company.route([speaking("L1", "de")])
    assert len(company.waiting()) == finnish + 1


def batches_so_far(company: Company) -> int:
    row = company.db.execute("SELECT last_value FROM batch_ids").fetchone()
    assert row is not None
    return int(row[0])


def test_leads_that_nobody_can_take_do_not_keep_those_behind_them_waiting(company: Company) -> None:
    line_up(company, finnish=120)
    company.act("full-1", "close", NOW + timedelta(hours=1), outcome="won")
    assert "L1" not in company.waiting()
    assert len(company.waiting()) == 120
    assert violations(company.db) == []


def test_a_long_line_is_offered_piece_by_piece(company: Company) -> None:
    line_up(company, finnish=120)
    # As when whoever made room died before serving.
    company.db.execute("UPDATE loads SET open = 0 WHERE person IN ('ann', 'bob')")
    spots: dict[str, Spot] = {}
    offered = batches_so_far(company)
    assert serve_waiting(company.db, company.books, None, NOW, 50, spots) == 0
    assert batches_so_far(company) == offered + 1
    assert serve_waiting(company.db, company.books, None, NOW, 50, spots) == 0
    assert spots["team"][1] == "F099"
    assert serve_waiting(company.db, company.books, None, NOW, 50, spots) == 1
    assert spots == {}
    assert "L1" not in company.waiting()


def test_nothing_is_offered_where_nobody_has_room(company: Company) -> None:
    line_up(company, finnish=3)
    offered = batches_so_far(company)
    assert serve_waiting(company.db, company.books, None, NOW) == 0
    assert batches_so_far(company) == offered
