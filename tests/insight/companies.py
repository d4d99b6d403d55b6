"""Simulated companies: leads whose outcomes depend on what is planted, and on nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np

from leadlane.core.business_time import Calendar
from leadlane.insight.audit import Asked, Audit, audit
from leadlane.insight.leads import LOST, WON, Group, Leads
from leadlane.policy.hours import DEFAULT_HOURS, weekly_hours

START = datetime(2026, 1, 5, tzinfo=UTC).timestamp()
DAY = 86_400.0
ZONE = ZoneInfo("Europe/Berlin")
ROLES = frozenset(("arrived_at", "responded_at", "owner", "source", "outcome", "deal_value", "level"))


@dataclass(frozen=True, slots=True)
class Planted:
    """What changes the share won: by how much for a fast response, for the first source, for the first owner.

    `easy`: how much more is won of the leads of the second source, which the second owner gets most of.
    """

    fast: float = 0.0
    source: float = 0.0
    owner: float = 0.0
    easy: float = 0.0
    mismatch: float = 0.0


def company(seed: int, planted: Planted = Planted(), count: int = 1500) -> Leads:
    """The leads of a company with 8 owners, 5 sources, 4 industries and 3 signals; 20 % are won."""
    rng = np.random.default_rng(seed)
    source, industry, signal, country = (rng.integers(0, n, count).astype(np.int32) for n in (5, 4, 3, 6))
    owner = rng.integers(0, 8, count).astype(np.int32)
    if planted.easy:
        owner = np.where((source == 1) & (rng.random(count) < 0.6), 1, owner).astype(np.int32)
    arrived = START + rng.uniform(0, 120, count) * DAY
    waited = np.exp(rng.normal(8.2, 1.5, count))
    value = np.exp(rng.normal(9.7, 1.0, count))
    level = (owner % 3).astype(np.int32)
    share = 0.2 + planted.fast * (waited <= 3600) + planted.source * (source == 0)
    share = share + planted.owner * (owner == 0) + planted.easy * (source == 1)
    share = share + planted.mismatch * ((value > 50_000) & (level < 2))
    won = rng.random(count) < share
    groups = {
        role: Group(role, role, codes, [f"{role} {number}" for number in range(int(codes.max()) + 1)])
        for role, codes in (
            ("source", source), ("industry", industry), ("signal", signal), ("country", country),
            ("owner", owner),
        )
    }  # fmt: skip
    groups["level"] = Group("level", "level", level, ["junior", "mid", "senior"])
    return Leads(
        count,
        {"arrived_at": arrived, "responded_at": arrived + waited},
        {"deal_value": value},
        groups,
        np.where(won, WON, LOST).astype(np.int8),
        timed=frozenset(("arrived_at", "responded_at")),
    )


def asked(**more: object) -> Asked:
    """An audit on the clocks of Berlin, in office hours."""
    return Asked(ZONE, Calendar(weekly_hours(DEFAULT_HOURS), ZONE), **more)  # type: ignore[arg-type]


def audited(leads: Leads, **more: object) -> Audit:
    """The audit of such leads."""
    return audit(leads, asked(**more), ROLES)


def findings(found: Audit) -> set[str]:
    """The names of all that an audit claims to be more than chance."""
    assert found.conversion is not None
    named = {one.column for one in found.conversion.dimensions if one.is_finding}
    if found.effect is not None and found.effect.q <= 0.05:
        named.add("response")
    if found.urgency is not None and found.urgency.q <= 0.05:
        named.add("urgency")
    if found.mismatch is not None and any(one.is_finding for one in found.mismatch.effects.values()):
        named.add("mismatch")
    return named
