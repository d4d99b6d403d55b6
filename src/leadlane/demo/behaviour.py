"""What do people of the demonstration company do with a lead, and how does it end? With effects to be found.

Chance is each lead's own, by its id, so that it does not matter what else happens. docs/demo.md lists what is
planted here; the reports and the quarterly review should find it, and nothing else.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

# How long each person usually takes to answer, as a share of what was promised. Gina misses again and again.
_PACE: Mapping[str, float] = {
    "anna": 0.30, "boris": 0.42, "dora": 0.45, "clara": 0.32, "emil": 0.36, "fritz": 0.40, "gina": 0.80,
    "hugo": 0.34, "ida": 0.36, "carla": 0.40,
}  # fmt: skip
_USUAL_PACE, _UNEVEN = 0.4, 0.75
# Each other lead of the last working hour makes everything take so much longer: sales development, of which
# there are two, cannot keep up with Monday mornings.
_QUEUE = 0.5
_LEAST_MINUTES, _UNPROMISED_MINUTES = 2, 480
# What comes when its promise is past already is answered soon; what takes long is accepted first.
_PAST_MINUTES, _LONG_MINUTES, _ACCEPTED = 40, 8, 0.85

# What people do instead of answering: shares of the leads that come to them, and where rules are overridden.
_DECLINES, _DISPUTES, _OVERRIDES = 0.03, 0.008, 0.012
OVERRIDDEN_ROUTE = "hot-weak"
_OVERRIDES_THERE, _DISPUTES_THERE = 0.20, 0.05
_DECLINE_REASONS = ("no time", "not for me", "not for me", "outside of my market")
_OVERRULING = ("larger than it looks", "they asked for somebody senior", "wrong pool for this one")
OVERRULED_BY = "marco"
_TAKERS = ("clara", "emil", "fritz")

# The logarithm of the odds to win, and what adds to it.
_BASE = -0.95
_POOR_SOURCE, _POOR = "paid_search", -1.5
_FAST_MINUTES, _FAST, _SLOW_MINUTES, _SLOW = 60, 0.55, 480, -0.6
_SEGMENT, _TEAM, _BETTER_THERE = "south", "cee", 1.4
_HIGH_INTENT = 0.35
_NO_SALE = (("junk", 0.03), ("duplicate", 0.01), ("unqualified", 0.07))
_GIVEN_UP = 0.35
_VALUES = ((1000, 80_000), (200, 25_000), (50, 9_000), (0, 4_000))

Deed = Literal["answer", "decline", "dispute", "hand_over"]


@dataclass(frozen=True, slots=True)
class Reaction:
    """What somebody does with a lead that they got, after so many minutes of their working time.

    `accepts_after`: the minutes after which they first say that they have seen it, None if they do not.
    """

    deed: Deed
    minutes: int
    accepts_after: int | None
    reason: str
    to: str


@dataclass(frozen=True, slots=True)
class Ending:
    """How a lead ends, so long after it was answered; `is_late`: it is only written down weeks afterwards."""

    outcome: str
    value: float | None
    after: timedelta
    is_late: bool


def reaction(
    lead_id: str, route: str, person: str, hands: int, promised_minutes: int | None, in_queue: int
) -> Reaction:
    """What a person does with a lead, the `hands`-th whom it comes to.

    So many minutes of their working time are left to keep the promise, 0 where it is past, None where there
    is none; `in_queue` other leads came to them within the last hour.
    """
    rng = random.Random(f"{lead_id} {hands}")
    usual = _UNPROMISED_MINUTES if promised_minutes is None else promised_minutes or _PAST_MINUTES
    pace = _PACE.get(person, _USUAL_PACE) * (1 + _QUEUE * in_queue)
    minutes = max(_LEAST_MINUTES, round(usual * pace * math.exp(rng.gauss(0, _UNEVEN))))
    accepts = minutes > _LONG_MINUTES and rng.random() < _ACCEPTED
    deed = _deed(rng, route) if hands == 1 else "answer"
    reason = ""
    if deed == "decline":
        reason = rng.choice(_DECLINE_REASONS)
    elif deed != "answer":
        reason = rng.choice(_OVERRULING)
    accepts_after = min(minutes // 2, rng.randint(3, 25)) if accepts else None
    return Reaction(deed, minutes, accepts_after, reason, taker(lead_id))


def _deed(rng: random.Random, route: str) -> Deed:
    is_there = route == OVERRIDDEN_ROUTE
    chance = rng.random()
    shares: tuple[tuple[Deed, float], ...] = (
        ("hand_over", _OVERRIDES_THERE if is_there else _OVERRIDES),
        ("dispute", _DISPUTES_THERE if is_there else _DISPUTES),
        ("decline", _DECLINES),
    )
    for deed, share in shares:
        if chance < share:
            return deed
        chance -= share
    return "answer"


def ending(
    lead_id: str, fields: Mapping[str, Any], segment: str, team: str, minutes: int, intent: str
) -> Ending:
    """How a lead ends that somebody of a team answered after so many working minutes."""
    rng = random.Random(f"{lead_id} ends")
    is_late = rng.random() < 0.04
    chance = rng.random()
    for outcome, share in _NO_SALE:
        if chance < share:
            return Ending(outcome, None, timedelta(days=rng.uniform(0.5, 5)), False)
        chance -= share
    odds = _BASE + _of_lead(fields.get("source", ""), segment, team, minutes, intent)
    if rng.random() < 1 / (1 + math.exp(-odds)):
        usual = next(value for least, value in _VALUES if (fields.get("employees") or 0) >= least)
        value = round(usual * math.exp(rng.gauss(0, 0.35)), -2)
        return Ending("won", value, _days(rng, 17), is_late)
    return Ending("lost", None, _days(rng, 12), is_late)


def _of_lead(source: str, segment: str, team: str, minutes: int, intent: str) -> float:
    found = _HIGH_INTENT if intent == "high" else 0.0
    if source == _POOR_SOURCE:
        found += _POOR
    if minutes <= _FAST_MINUTES:
        found += _FAST
    elif minutes > _SLOW_MINUTES:
        found += _SLOW
    return found + (_BETTER_THERE if (segment, team) == (_SEGMENT, _TEAM) else 0.0)


def _days(rng: random.Random, median: float) -> timedelta:
    return timedelta(days=min(90.0, median * math.exp(rng.gauss(0, 0.6))))


def nurturing(lead_id: str) -> Ending | None:
    """How a lead ends that is nurtured, None for one that goes on hearing of us."""
    rng = random.Random(f"{lead_id} is nurtured")
    if rng.random() > _GIVEN_UP:
        return None
    return Ending("unqualified", None, timedelta(days=rng.uniform(60, 110)), is_late=False)


def taker(lead_id: str) -> str:
    """Who gets a lead that somebody takes out of the hands of the rules."""
    return random.Random(f"{lead_id} is taken").choice(_TAKERS)


def review_minutes(lead_id: str) -> int:
    """How long the person who reviews takes to decide."""
    return random.Random(f"{lead_id} is reviewed").randint(1, 8)


def touch_of(lead_id: str) -> str:
    """How somebody answers."""
    return random.Random(f"{lead_id} is touched").choices(("call", "email", "meeting"), (60, 32, 8))[0]


def placed(lead_id: str, fields: Mapping[str, Any]) -> str:
    """Where the person who reviews places a lead."""
    if random.Random(f"{lead_id} is placed").random() < 0.1:
        return "program:nurture-watched"
    employees = fields.get("employees") or 0
    return f"pool:{'senior-ae' if employees >= 1000 else 'mid-ae' if employees >= 200 else 'junior-ae'}"
