"""Simulated companies as reports see them: leads with what they are, who had them, and how they ended."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from leadlane.insight.conversion_report import ConversionReport, conversion_report
from leadlane.insight.leads import LOST, OPEN, WON, Group, Leads

START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = START + timedelta(days=91)
DAY = 86_400.0
TEAMS = 4


@dataclass(frozen=True, slots=True)
class Planted:
    """What changes the share won, by how much.

    `move`: leads of segment 1 with team 2. `poor`: leads of source 0. `better`: leads of owner 3. `easy`:
    leads of source 1, which owner 5 gets most of; `hard`: leads of source 2, which owner 3 gets most of.
    `fast`: leads answered within an hour. `team`: all leads of team 2. `urgent`: leads of intent 2, which are
    answered sooner than others.
    """

    move: float = 0.0
    poor: float = 0.0
    better: float = 0.0
    easy: float = 0.0
    hard: float = 0.0
    fast: float = 0.0
    team: float = 0.0
    urgent: float = 0.0


def cohort(seed: int, planted: Planted = Planted(), count: int = 1500, owners: int = 12) -> Leads:
    """Leads of a quarter, by `owners` in 4 teams; 20 % are won with nothing planted, a third is open."""
    rng = np.random.default_rng(seed)
    sizes = {"source": 5, "segment": 4, "deal_band": 3, "intent": 3, "fit": 2, "route": 6}
    codes = {role: rng.integers(0, size, count).astype(np.int32) for role, size in sizes.items()}
    owner = rng.integers(0, owners, count).astype(np.int32)
    for gain, source, of in ((planted.easy, 1, 5), (planted.hard, 2, 3)):
        if gain:
            owner = np.where((codes["source"] == source) & (rng.random(count) < 0.8), of, owner).astype(
                np.int32
            )
    team = (owner % TEAMS).astype(np.int32)
    arrived = START.timestamp() + rng.uniform(0, 90, count) * DAY
    waited = np.exp(rng.normal(8.2, 1.5, count))
    if planted.urgent:
        waited = np.where(codes["intent"] == 2, waited / 10, waited)
    share = 0.2 + planted.urgent * (codes["intent"] == 2)
    share = share + planted.poor * (codes["source"] == 0) + planted.easy * (codes["source"] == 1)
    share = share + planted.hard * (codes["source"] == 2) + planted.better * (owner == 3)
    share = share + planted.move * ((codes["segment"] == 1) & (team == 2)) + planted.team * (team == 2)
    share = share + planted.fast * (waited <= 3600)
    won = rng.random(count) < share
    closed = arrived + rng.exponential(15, count) * DAY
    is_open = (rng.random(count) < 0.2) | (closed > NOW.timestamp())
    closed = np.where(is_open, np.nan, closed)
    outcome = np.where(is_open, OPEN, np.where(won, WON, LOST)).astype(np.int8)
    everyone = {**codes, "owner": owner, "team": team, "region": (team // 2).astype(np.int32)}
    groups = {
        role: Group(role, role, of, [f"{role} {number}" for number in range(int(of.max()) + 1)])
        for role, of in everyone.items()
    }
    return Leads(
        count,
        {
            "arrived_at": arrived,
            "asked_at": arrived,
            "responded_at": np.where(rng.random(count) < 0.9, arrived + waited, np.nan),
            "closed_at": closed,
            "won_at": np.where(outcome == WON, closed, np.nan),
        },
        {"value": np.where(outcome == WON, np.exp(rng.normal(9.0, 1.0, count)), np.nan)},
        groups,
        outcome,
        timed=frozenset(("arrived_at", "responded_at")),
    )


def dealt(seed: int, count: int) -> Leads:
    """A company where what leads are decides what is won, who gets them, and how soon: nobody is any better.

    Teams get segments, their seniors what is urgent and large; routes follow intent and fit.
    """
    rng = np.random.default_rng(seed)
    leads = cohort(seed, count=count)
    kinds = ("source", "segment", "deal_band", "intent", "fit")
    source, segment, band, intent, fit = (leads.groups[role].codes for role in kinds)
    team = np.where(rng.random(count) < 0.7, segment, rng.integers(0, TEAMS, count))
    level = np.clip(intent + (band > 1) - (fit == 1) + rng.integers(-1, 2, count), 0, 2)
    route = np.where(rng.random(count) < 0.9, intent * 2 + fit, rng.integers(0, 6, count))
    share = 0.1 + 0.12 * (intent == 2) + 0.05 * (intent == 1) + 0.08 * (fit == 0) + 0.08 * (source == 1)
    share = share - 0.04 * (source == 0) + 0.06 * (segment == 2) - 0.05 * (band == 2)
    assert leads.outcome is not None
    won = np.where(rng.random(count) < share, WON, LOST)
    who = {"team": team, "owner": team + TEAMS * level, "region": team // 2, "route": route}
    groups = {
        role: Group(role, role, of.astype(np.int32), [f"{role} {number}" for number in range(12)])
        for role, of in who.items()
    }
    arrived, responded = leads.instants["arrived_at"], leads.instants["responded_at"]
    sooner = arrived + (responded - arrived) / np.where(intent == 2, 8, 1)
    return replace(
        leads,
        groups={**leads.groups, **groups},
        outcome=np.where(leads.outcome == OPEN, OPEN, won).astype(np.int8),
        instants={**leads.instants, "responded_at": sooner},
    )


def reported(leads: Leads, by: str = "owner") -> ConversionReport:
    """The report on such leads."""
    return conversion_report(leads, by, NOW)


def claims(found: ConversionReport) -> set[str]:
    """The names of all that a report claims to be more than chance."""
    assert found.found is not None
    named = {one.role for one in found.found.dimensions if one.is_finding}
    named |= {f"{one.segment}, {one.team}" for one in found.moves}
    named |= {f"poor {one.source}" for one in found.poor_sources}
    return named | ({"fast"} if found.response is not None and found.response.q <= 0.05 else set())
