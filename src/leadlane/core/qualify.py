"""How ready, how good, how big, whose market? Intent, fit, segment, deal value and band."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from leadlane.core.conditions import Check, Folded, compile_condition, fold_text
from leadlane.core.facts import INTENTS, Lead, Signal
from leadlane.core.policy import IntentItem, Policy
from leadlane.core.trace import Reason, Trace


@dataclass(frozen=True, slots=True)
class Qualified:
    """What is thought of a lead. `facts` are its folded fields with everything derived added."""

    intent: str
    signal: str | None
    fit: str
    fit_score: int | float
    segment: str | None
    team: str | None
    deal_value: int | float | None
    deal_band: str | None
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class QualifyRules:
    """The qualify sections of a policy with their conditions compiled."""

    policy: Policy
    counts_for: timedelta
    levels: tuple[tuple[str, tuple[tuple[str, IntentItem], ...]], ...]  # (level, ((folded name, item), ..))
    listed: Mapping[str, int]  # the least number of signals of a name that an item asks for
    fit: tuple[Check, ...]
    segments: tuple[Check, ...]
    deal_values: tuple[Check, ...]
    deal_bands: tuple[Check, ...]


def compile_qualify(policy: Policy, zone: ZoneInfo) -> QualifyRules:
    """Compile the qualify sections; `zone` says what day an instant is."""
    levels = tuple(
        (level, tuple((fold_text(item.signal), item) for item in policy.intent.get(level, ())))
        for level in INTENTS
    )
    listed: dict[str, int] = {}
    for name, item in (pair for _, items in levels for pair in items):
        listed[name] = min(item.count, listed.get(name, item.count))
    return QualifyRules(
        policy=policy,
        counts_for=timedelta(minutes=policy.counts_for.minutes),
        levels=levels,
        listed=listed,
        fit=tuple(compile_condition(row.when, zone) for row in policy.fit),
        segments=tuple(compile_condition(segment.when, zone) for segment in policy.segments),
        deal_values=tuple(compile_condition(row.when, zone) for row in policy.deal_values),
        deal_bands=tuple(compile_condition(band.when, zone) for band in policy.deal_bands),
    )


def qualify(rules: QualifyRules, lead: Lead, facts: dict[str, Any], now: datetime, trace: Trace) -> Qualified:
    """Judge a lead. `facts` are its folded fields and are added to; the steps go into `trace`."""
    intent, signal = _intent(rules, lead.signals, now, trace)
    score = _fit_score(rules, facts, trace)
    fit = "strong" if score >= rules.policy.strong_at else "weak"
    segment, team = _segment(rules, facts, trace)
    value, band = _deal(rules, facts, trace)
    facts["intent"], facts["fit"], facts["fit_score"] = intent, fit, score
    for name, text in (("signal", signal), ("segment", segment), ("team", team), ("deal_band", band)):
        if text is not None:
            facts[name] = fold_text(text)
    return Qualified(intent, signal, fit, score, segment, team, value, band, facts)


def _intent(
    rules: QualifyRules, signals: Sequence[Signal], now: datetime, trace: Trace
) -> tuple[str, str | None]:
    """The highest level with an item that is fulfilled, and the newest signal of that level's items."""
    oldest = now - rules.counts_for
    counts: dict[str, int] = {}
    newest: dict[str, Signal] = {}
    names = [fold_text(signal.name) for signal in signals]
    for name, signal in zip(names, signals, strict=True):
        if signal.at >= oldest and name in rules.listed:
            counts[name] = counts.get(name, 0) + 1
            if name not in newest or signal.at > newest[name].at:
                newest[name] = signal
    trace["signals"] = [
        [signal.name, signal.at, _what_became(rules, name, signal.at < oldest, counts)]
        for name, signal in zip(names, signals, strict=True)
    ]
    for level, items in rules.levels:
        met = [(name, item) for name, item in items if counts.get(name, 0) >= item.count]
        if met:
            # max keeps the first of equals: the order of the policy, whatever the order of the signals.
            name, item = max(met, key=lambda pair: newest[pair[0]].at)
            trace["intent"] = {"level": level, "by": [[item.signal, item.count] for _, item in met]}
            return level, item.signal
    trace["intent"] = {"level": "low", "by": []}
    return "low", None


def _what_became(rules: QualifyRules, name: str, faded: bool, counts: Mapping[str, int]) -> Reason:
    if faded:
        return Reason.FADED
    if name not in rules.listed:
        return Reason.NOT_LISTED
    return Reason.COUNTED if counts[name] >= rules.listed[name] else Reason.TOO_FEW


def _fit_score(rules: QualifyRules, facts: Folded, trace: Trace) -> int | float:
    """The points of all rows that hold, added up."""
    score: int | float = 0
    steps = []
    for row, check in zip(rules.policy.fit, rules.fit, strict=True):
        failed = check(facts)
        if failed is None:
            score += row.points
            steps.append([row.name, row.points, None])
        else:
            steps.append([row.name, 0, failed])
    if isinstance(score, float):
        score = round(score, 6)  # 0.1 + 0.7 reaches a `strong_at` of 0.8, in whatever order of the rows
    trace["fit"] = {"score": score, "strong_at": rules.policy.strong_at, "rows": steps}
    return score


def _segment(rules: QualifyRules, facts: Folded, trace: Trace) -> tuple[str | None, str | None]:
    row, failed = first_that_holds(rules.segments, facts)
    segment = rules.policy.segments[row] if row is not None else None
    name, team = (segment.name, segment.team) if segment else (None, None)
    trace["segment"] = {"name": name, "team": team, "failed": failed}
    return name, team


def _deal(rules: QualifyRules, facts: dict[str, Any], trace: Trace) -> tuple[int | float | None, str | None]:
    """The lead's own deal value or the policy's estimate, and its band; no value, no band."""
    value, source, row = facts.get("deal_value"), "lead", None
    if value is None:
        row, _ = first_that_holds(rules.deal_values, facts)
        value = rules.policy.deal_values[row].value if row is not None else None
        source = "estimate" if row is not None else "none"
    band = None
    if value is not None:
        facts["deal_value"] = value
        band_row, _ = first_that_holds(rules.deal_bands, facts)
        band = rules.policy.deal_bands[band_row].name if band_row is not None else None
    trace["deal"] = {"value": value, "from": source, "row": row, "band": band}
    return value, band


def first_that_holds(checks: Sequence[Check], facts: Folded) -> tuple[int | None, list[str]]:
    """The index of the first check that holds, and for each one before it the path that failed."""
    failed: list[str] = []
    for i, check in enumerate(checks):
        path = check(facts)
        if path is None:
            return i, failed
        failed.append(path)
    return None, failed
