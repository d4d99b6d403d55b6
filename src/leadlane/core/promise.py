"""By when does the prospect hear from us? The service level and the moment it ends."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from leadlane.core.business_time import Calendar, NoWorkingTime
from leadlane.core.conditions import Check, Folded, compile_condition
from leadlane.core.policy import Policy, Route, ServiceLevel
from leadlane.core.qualify import first_that_holds
from leadlane.core.trace import Trace


@dataclass(frozen=True, slots=True)
class Promise:
    """What the prospect was promised.

    `respond_by` is an aware UTC instant; None if whoever has the lead has no working time to promise.
    """

    service_level: str
    respond_by: datetime | None


@dataclass(frozen=True, slots=True)
class PromiseRules:
    """The service levels of a policy with their conditions compiled."""

    levels: tuple[ServiceLevel, ...]
    checks: tuple[Check, ...]
    by_name: dict[str, ServiceLevel]


def compile_promise(policy: Policy, zone: ZoneInfo) -> PromiseRules:
    """Compile the service levels; `zone` says what day an instant is."""
    return PromiseRules(
        policy.service_levels,
        tuple(compile_condition(level.when, zone) for level in policy.service_levels),
        {level.name: level for level in policy.service_levels},
    )


def promise(
    rules: PromiseRules, route: Route, facts: Folded, start: datetime, calendar: Calendar, trace: Trace
) -> Promise | None:
    """The service level that the route names, or the first that holds, on the calendar of who has the lead.

    `start` is the arrival of the lead, or of the signal that got it routed. None: no level holds.
    """
    failed: list[str] = []
    if route.service_level is not None:
        level: ServiceLevel | None = rules.by_name[route.service_level]
    else:
        row, failed = first_that_holds(rules.checks, facts)
        level = rules.levels[row] if row is not None else None
    if level is None:
        trace["promise"] = None
        return None
    respond_by: datetime | None = None
    with suppress(NoWorkingTime):
        respond_by = calendar.add(start, level.respond_within)
    trace["promise"] = {
        "service_level": level.name,
        "named_by_route": route.service_level is not None,
        "failed": failed,
        "counted_from": start,
        "respond_by": respond_by,
    }
    return Promise(level.name, respond_by)
