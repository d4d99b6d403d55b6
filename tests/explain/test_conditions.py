from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from leadlane.core.conditions import All, Any_, Bounds, Condition, Not, Test, compile_condition
from leadlane.explain.conditions import facts_of, failure_words, holding_words

ZONE = ZoneInfo("Europe/Berlin")
LEAD: dict[str, Any] = {
    "country": "PL",
    "employees": 100,
    "deal_value": 60000,
    "tech_stack": ("SAP", "Hubspot"),
    "title": "Head of Sales",
    "renewal": date(2026, 5, 1),
}


@pytest.mark.parametrize(
    ("test", "words"),
    [
        (Test("country", "is", ("DE",)), "country is Poland, not Germany"),
        (Test("country", "is", ("DE", "AT")), "country is Poland, not Germany or Austria"),
        (Test("country", "is", ("PL",), negated=True), "country is Poland, and must not be Poland"),
        (Test("industry", "is", ("fintech",)), "industry is not known"),
        (Test("industry", "is", ("fintech",), negated=True), "industry is not known"),
        (Test("industry", "present"), "industry is not known"),
        (Test("country", "missing"), "country is Poland, and must not be known"),
        (Test("employees", "range", Bounds(min=200)), "employees is 100, at least 200 needed"),
        (Test("employees", "range", Bounds(max=49)), "employees is 100, at most 49 needed"),
        (Test("employees", "range", Bounds(min=200, max=1999)), "employees is 100, from 200 to 1,999 needed"),
        (
            Test("employees", "range", Bounds(above=200, below=300)),
            "employees is 100, more than 200 and less than 300 needed",
        ),
        (
            Test("deal_value", "range", Bounds(below=10000)),
            "deal value is 60,000 EUR, less than 10,000 EUR needed",
        ),
        (Test("employees", "range", Bounds(min=1), negated=True), "employees is 100, which is excluded"),
        (
            Test("renewal", "range", Bounds(min=date(2026, 6, 1))),
            "renewal is 1 May 2026, at least 1 Jun 2026 needed",
        ),
        (
            Test("tech_stack", "any", ("salesforce", "dynamics")),
            "technology is SAP, Hubspot, with none of salesforce, dynamics",
        ),
        (Test("tech_stack", "all", ("sap", "dynamics")), "technology is SAP, Hubspot, without dynamics"),
        (
            Test("tech_stack", "none", ("hubspot", "dynamics")),
            "technology is SAP, Hubspot, with hubspot, which is excluded",
        ),
        (
            Test("title", "starts_with", "VP"),
            "title is Head of Sales, which does not begin with VP",
        ),
        (Test("title", "contains", "IT"), "title is Head of Sales, which does not contain IT"),
        (Test("title", "ends_with", "IT"), "title is Head of Sales, which does not end with IT"),
    ],
)
def test_says_what_was_found_and_what_was_needed(test: Test, words: str) -> None:
    assert _failure(All((test,))) == words


def test_names_only_the_part_that_failed_first() -> None:
    condition = All((Test("country", "is", ("PL",)), Test("employees", "range", Bounds(min=200))))

    assert _failure(condition) == "employees is 100, at least 200 needed"


def test_says_of_every_way_why_it_does_not_hold() -> None:
    either = Any_(
        (
            Test("country", "is", ("DE",)),
            All((Test("country", "is", ("PL",)), Test("employees", "range", Bounds(min=200)))),
        )
    )
    words = (
        "none of several ways holds: country is Poland, not Germany; employees is 100, at least 200 needed"
    )

    assert _failure(All((either,))) == words
    assert _failure(either) == words


def test_says_what_excludes() -> None:
    condition = All((Not(Test("country", "is", ("PL", "CZ"))),))

    assert _failure(condition) == "excluded by this: country is Poland or Czechia"


def test_says_what_a_condition_holds_for() -> None:
    facts = facts_of(LEAD, ZONE)
    condition = All((Test("country", "is", ("PL",)), Test("industry", "missing")))

    assert holding_words(condition, facts) == "country is Poland and industry is not known"
    assert holding_words(All(()), facts) == ""


def _failure(condition: Condition) -> str:
    facts = facts_of(LEAD, ZONE, "EUR")
    path = compile_condition(condition, ZONE)(facts.folded)
    assert path is not None
    return failure_words(condition, path, facts)
