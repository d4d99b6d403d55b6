"""Which rules hold, and for whom? A policy and a roster, compiled for deciding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from leadlane.core.business_time import Calendar
from leadlane.core.facts import Person, Roster
from leadlane.core.pick import Bench, seat
from leadlane.core.policy import Policy
from leadlane.core.promise import PromiseRules, compile_promise
from leadlane.core.qualify import QualifyRules, compile_qualify
from leadlane.core.route import RouteRules, compile_routes


@dataclass(frozen=True, slots=True)
class Rulebook:
    """A policy and a roster, compiled for deciding. Immutable; share it between batches."""

    policy: Policy
    roster: Roster
    zone: ZoneInfo
    qualify: QualifyRules
    routes: RouteRules
    promise: PromiseRules
    benches: Mapping[str, Bench]
    calendars: Mapping[str, Calendar]

    def with_backups(self, pool: str) -> frozenset[str]:
        """A pool and the pools that a pick from it may fall back to."""
        found: list[str] = []
        name: str | None = pool
        while name is not None and name not in found:
            found.append(name)
            name = self.policy.pools[name].backup_pool
        return frozenset(found)


def compile_rulebook(policy: Policy, roster: Roster) -> Rulebook:
    """Compile a policy for a roster. People who share hours, zone and holidays share a calendar."""
    zone = ZoneInfo(policy.timezone)
    shared: dict[Any, Calendar] = {}
    calendars = {}
    for person in roster.people.values():
        holidays = _holidays(roster, person)
        key = (person.hours, person.timezone, holidays)
        if key not in shared:
            shared[key] = Calendar(person.hours, ZoneInfo(person.timezone), holidays)
        calendars[person.id] = shared[key]
    return Rulebook(
        policy,
        roster,
        zone,
        compile_qualify(policy, zone),
        compile_routes(policy, zone),
        compile_promise(policy, zone),
        seat(policy, roster, zone),
        calendars,
    )


def _holidays(roster: Roster, person: Person) -> frozenset[date]:
    region = person.attributes.get("holidays_region")
    own = roster.holidays.get(f"{person.country}-{region}") if region else None
    return own if own is not None else roster.holidays.get(person.country, frozenset())
