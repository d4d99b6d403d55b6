"""What was said of a finding, what did the figures say then, and are they clearly worse by now?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import hypot
from typing import Literal

from leadlane.insight.findings import Finding
from leadlane.insight.proportions import SMALL, Estimate
from leadlane.policy.edit import Edit

# reopened: it is as if nothing had been said.
Said = Literal["accepted", "edited", "dismissed", "reopened"]

# A finding without money and effect comes back when it concerns so many times the leads.
_MANY_TIMES = 2


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a finding in a quarter; `money`: low, middle and high of what it costs a quarter."""

    certainty: float
    leads: int
    effect: Estimate | None = None
    money: tuple[float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What somebody said of a finding, and what it showed and proposed then; `by` as they sign."""

    finding: str
    period: str
    said: Said
    at: datetime
    by: str
    reason: str
    title: str
    figures: Figures
    policy: Sequence[Edit] = ()
    roster: Sequence[Edit] = ()


def figures_of(finding: Finding) -> Figures:
    """The figures by which a finding is compared with itself in a later quarter."""
    money = None if finding.money is None else finding.money.money
    return Figures(finding.certainty, finding.leads, finding.effect, money)


def is_clearly_beyond(then: Figures, now: Figures) -> bool:
    """Whether it is clearly more than it was, so that whoever dismissed it should look again.

    The effect is larger and the 95 % intervals do not meet (stricter than a test at 5 %), or the expected
    money is above what was the range then. Where neither can be compared: twice the leads, and no few.
    """
    effects = then.effect is not None and now.effect is not None and _is_larger(then.effect, now.effect)
    if effects or (then.money is not None and now.money is not None and now.money[1] > then.money[2]):
        return True
    is_comparable = None not in (then.effect, now.effect) or None not in (then.money, now.money)
    return not is_comparable and now.leads >= max(SMALL, _MANY_TIMES * then.leads)


def _is_larger(then: Estimate, now: Estimate) -> bool:
    return abs(now.value) > abs(then.value) and (now.low > then.high or now.high < then.low)


def change(then: Figures, now: Figures) -> Estimate | None:
    """The effect now less the effect then, with a 95 % interval; None where one of them is not known.

    The two are of different quarters, so independent: half-widths add up in squares (square-and-add, as
    R. G. Newcombe, 1998, for proportions).
    """
    if then.effect is None or now.effect is None:
        return None
    old, new = then.effect, now.effect
    value = new.value - old.value
    down = hypot(new.value - new.low, old.high - old.value)
    up = hypot(new.high - new.value, old.value - old.low)
    return Estimate(value, value - down, value + up, old.count + new.count)


def is_folded(verdict: Verdict | None, now: Figures) -> bool:
    """Whether a finding stays folded: it was dismissed, and is not clearly beyond what it was then."""
    return verdict is not None and verdict.said == "dismissed" and not is_clearly_beyond(verdict.figures, now)
