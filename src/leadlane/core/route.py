"""What do we do with it? The first route whose conditions hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from leadlane.core.conditions import Check, Folded, compile_condition
from leadlane.core.policy import Policy, Route
from leadlane.core.trace import Trace

# A temporary route outside its days fails with this in place of a path.
NOT_IN_FORCE = "dates"


@dataclass(frozen=True, slots=True)
class RouteRules:
    """The routes of a policy with their conditions compiled; `temporary` if any has dates."""

    routes: tuple[Route, ...]
    checks: tuple[Check, ...]
    temporary: bool
    zone: ZoneInfo


def compile_routes(policy: Policy, zone: ZoneInfo) -> RouteRules:
    """Compile the routes; their days are days in `zone`."""
    return RouteRules(
        policy.routes,
        tuple(compile_condition(route.when, zone) for route in policy.routes),
        any(route.first_day or route.last_day for route in policy.routes),
        zone,
    )


def choose_route(rules: RouteRules, facts: Folded, now: datetime, trace: Trace) -> Route:
    """The first route that holds. The last one always does: loading a policy sees to it."""
    failed: list[str] = []
    today = now.astimezone(rules.zone).date() if rules.temporary else None
    for route, check in zip(rules.routes, rules.checks, strict=True):
        path = check(facts)
        if path is None and today is not None:
            early = route.first_day is not None and today < route.first_day
            late = route.last_day is not None and today > route.last_day
            path = NOT_IN_FORCE if early or late else None
        if path is None:
            trace["route"] = {
                "name": route.name,
                "destination": destination_of(route),
                "failed": failed,
            }
            return route
        failed.append(path)
    raise ValueError("the last route must hold for every lead")


def destination_of(route: Route) -> str:
    """A destination as people write it: `pool:senior-ae`, `owner:account`, `disqualified`."""
    return "disqualified" if route.kind == "disqualify" else f"{route.kind}:{route.target}"
