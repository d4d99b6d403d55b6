"""A stored decision is told in words, also one in the middle of a batch, also of a lead that came twice."""

from datetime import timedelta
from typing import Any

import psycopg

from leadlane.core.act import Act
from leadlane.explain.since import _SAYS
from leadlane.i18n import language
from leadlane.service import journal
from leadlane.service.acts import act
from leadlane.service.batch import route_batch
from leadlane.service.explain import explain_lead
from leadlane.service.rulebooks import Rulebooks

from .conftest import NOW

BANK = {"country": "DE", "industry": "banking", "employees": 5000, "signals": ["demo_request"]}


def test_the_words_are_those_of_the_stored_decision(
    published: psycopg.Connection, books: Rulebooks, lead: Any
) -> None:
    leads = [lead(id=f"L{i}", email=f"a@bank{i}.example", **BANK) for i in range(5)]
    route_batch(published, books, leads, NOW)
    told = explain_lead(published, books, "L1")
    assert told is not None
    assert "Boris Keller" in told.explanation.summary
    assert told.row.lead_id == "L1"
    assert told.trace == told.row.trace


def test_a_lead_is_found_by_the_id_it_came_with_the_second_time(
    published: psycopg.Connection, books: Rulebooks, lead: Any
) -> None:
    route_batch(published, books, [lead(id="L1", email="jo@bank.example", **BANK)], NOW)
    route_batch(published, books, [lead(id="L2", email="JO+x@bank.example", signals=["badge_scan"])], NOW)
    told = explain_lead(published, books, "L2")
    assert told is not None
    assert told.row.lead_id == "L1"
    assert told.row.outcome == "merged"


def test_it_is_told_in_the_reader_s_language(
    published: psycopg.Connection, books: Rulebooks, lead: Any
) -> None:
    route_batch(published, books, [lead(id="L1", email="jo@bank.example", **BANK)], NOW)
    english = explain_lead(published, books, "L1")
    with language("pl"):
        polish = explain_lead(published, books, "L1")
    assert english is not None
    assert polish is not None
    assert english.explanation.summary != polish.explanation.summary


def test_an_unknown_lead_is_none(published: psycopg.Connection, books: Rulebooks) -> None:
    assert explain_lead(published, books, "nobody") is None


def test_what_happened_since_is_told_and_who_has_it_now(
    published: psycopg.Connection, books: Rulebooks, lead: Any
) -> None:
    route_batch(published, books, [lead(id="L1", email="jo@bank.example", **BANK)], NOW)
    later = NOW + timedelta(minutes=5)
    act(published, books, [Act("L1", "decline", by="anna", reason="conflict of interest")], later)
    told = explain_lead(published, books, "L1")
    assert told is not None
    assert told.explanation.summary == "Boris Keller has this lead now."
    (since,) = [section for section in told.explanation.sections if section.key == "since"]
    assert [line.cells[1] for line in since.lines] == [
        "Anna Nowak declined it. conflict of interest",
        "Boris Keller has it.",
    ]


def test_every_event_of_an_act_has_its_words() -> None:
    assert {*journal._ACT_EVENT.values(), *journal._STEP_EVENT.values()} <= _SAYS.keys()
