"""When does a dismissed finding come back, and what has changed since one was accepted?"""

from __future__ import annotations

from datetime import UTC, datetime
from math import sqrt

import pytest

from leadlane.insight.proportions import Estimate
from leadlane.insight.verdicts import Figures, Said, Verdict, change, is_clearly_beyond, is_folded

THEN = Figures(0.99, 200, Estimate(0.10, 0.06, 0.14, 200), (1000, 5000, 12_000))


def now(
    effect: tuple[float, float, float] | None, money: tuple[float, float, float] | None, leads: int = 200
) -> Figures:
    return Figures(0.99, leads, Estimate(*effect, leads) if effect else None, money)


@pytest.mark.parametrize(
    ("figures", "is_beyond"),
    [
        (now((0.10, 0.06, 0.14), (1000, 5000, 12_000)), False),
        (now((0.13, 0.10, 0.16), (2000, 9000, 20_000)), False),  # more, but chance could do that
        (now((0.20, 0.15, 0.25), (1000, 5000, 12_000)), True),
        (now((0.02, 0.00, 0.04), (500, 1000, 2000)), False),  # clearly less
        (now((-0.20, -0.25, -0.15), None), True),  # it is the other way round now
        (now((0.10, 0.06, 0.14), (6000, 13_000, 30_000)), True),
        (now(None, (6000, 12_000, 30_000)), False),
        (now(None, None, 399), False),
        (now(None, None, 400), True),
    ],
)
def test_only_what_is_clearly_more_comes_back(figures: Figures, is_beyond: bool) -> None:
    assert is_clearly_beyond(THEN, figures) == is_beyond
    assert is_folded(said("dismissed"), figures) != is_beyond


def test_few_leads_more_are_not_much_more() -> None:
    few = Figures(1.0, 2)
    assert not is_clearly_beyond(few, Figures(1.0, 29))
    assert is_clearly_beyond(few, Figures(1.0, 30))


@pytest.mark.parametrize("verdict", ["accepted", "edited", "reopened"])
def test_only_what_was_dismissed_is_folded(verdict: Said) -> None:
    assert not is_folded(said(verdict), THEN)
    assert not is_folded(None, THEN)


def said(verdict: Said) -> Verdict:
    at = datetime(2026, 4, 2, tzinfo=UTC)
    return Verdict("segment:south", "2026Q1", verdict, at, "olga", "because", "South", THEN)


def test_the_change_has_the_uncertainty_of_both() -> None:
    found = change(THEN, now((0.04, 0.02, 0.06), None))
    assert found is not None
    assert found.value == pytest.approx(-0.06)
    assert found.high - found.value == pytest.approx(sqrt(0.04**2 + 0.02**2))
    assert found.value - found.low == pytest.approx(sqrt(0.04**2 + 0.02**2))
    assert change(THEN, now(None, None)) is None
