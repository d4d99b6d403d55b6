"""How did the rules do in a period? Their use, what people decided otherwise, what they had no rule for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from psycopg import Connection
from typing_extensions import TypedDict

from leadlane.core.policy import Policy, Route
from leadlane.core.route import destination_of
from leadlane.core.rulebook import Rulebook
from leadlane.core.trace import Reason
from leadlane.i18n import N_, _
from leadlane.insight.leads import Leads
from leadlane.insight.proportions import SMALL, Estimate, wilson
from leadlane.insight.rules import (
    OVERRIDES,
    Duplicates,
    FellThrough,
    Handled,
    Rate,
    RouteFacts,
    RouteUse,
    RulesReport,
    State,
    Why,
    rules_report,
)
from leadlane.insight.say_rules import report_on_rules
from leadlane.policy.load import load_policy
from leadlane.policy.suspicions import suspicions
from leadlane.service.reporting.contact_rate import prospects_rate
from leadlane.service.reporting.facts import facts
from leadlane.service.reporting.periods import Span, period_words
from leadlane.service.reporting.report_kind import Asked, ColumnType, Kind, Made
from leadlane.store import policies, route_use
from leadlane.store import rules as store
from leadlane.store.duplicates import Period
from leadlane.store.facts import REVIEW_WHYS

# So many publications are looked back to say since when a route exists.
MOST_VERSIONS = 100
_WEEK = timedelta(days=7)
_WHYS: Mapping[str, Why] = {
    Reason.UNSURE_MATCH: "identity",
    Reason.NO_OWNER: "no_owner",
    Reason.NOBODY_AVAILABLE: "nobody",
    Reason.REASSIGNMENT_LIMIT: "limit",
    "review_route": "rule",
}


def rules_of(connection: Connection, book: Rulebook, asked: Asked, now: datetime) -> RulesReport:
    """How the rules did with the leads that arrived in a period, by what people did with them until now."""
    period, policy = asked.period, book.policy
    leads = facts(connection, book, period.since, period.until)
    weeks = [(day, begin.timestamp()) for day, begin in _weeks(period, book.zone)]
    return rules_report(
        leads,
        _handled(leads, [begin for _day, begin in weeks], now.timestamp()),
        _routes(connection, book, leads, period, now),
        _last_routes(connection, policy, leads),
        weeks,
        policy.limits.automation_share,
        _duplicates(connection, leads, period),
    )


def make(connection: Connection, book: Rulebook, asked: Asked, now: datetime) -> Made:
    """The report for people and programs."""
    found = rules_of(connection, book, asked, now)
    said = report_on_rules(found, period_words(asked.period, book.zone), book.zone)
    return Made(said, [row(one) for one in found.routes], data(found))


def _weeks(period: Span, zone: ZoneInfo) -> list[tuple[date, datetime]]:
    """The Mondays of the weeks that a period touches, and when each begins in a zone."""
    first = period.since.astimezone(zone).date()
    day, found = first - timedelta(days=first.weekday()), []
    while (begin := datetime.combine(day, time(), zone).astimezone(UTC)) < period.until:
        found.append((day, begin))
        day += _WEEK
    return found


def _handled(leads: Leads, weeks: Sequence[float], now: float) -> list[Handled]:
    """The leads that people had to do with until `now`, those alike together; weeks begin at `weeks`."""
    route, arrived = leads.groups["route"], leads.instants["arrived_at"]
    to_review, reviewed, served, *overridden = (
        leads.instants[f"{what}_at"] <= now for what in ("to_review", "reviewed", "served", *OVERRIDES)
    )
    # What nobody was free for, and was given to somebody by itself, no person had to decide about.
    why = np.where(to_review, leads.numbers["review_why"], 0)
    was = [of.astype(np.int64) for of in (why, reviewed | (to_review & ~served), *overridden)]
    some = np.flatnonzero((route.codes >= 0) & np.logical_or.reduce(was))
    week = np.searchsorted(weeks, arrived[some], side="right") - 1
    columns = [route.codes[some].astype(np.int64), week, *(values[some] for values in was)]
    shape = (len(route.names) or 1, len(weeks), len(REVIEW_WHYS) + 1, 2, 2, 2, 2)
    kinds, counts = np.unique(np.ravel_multi_index(columns, shape), return_counts=True)
    alike = zip(*(one.tolist() for one in (*np.unravel_index(kinds, shape), counts)), strict=True)
    return [
        Handled(route.names[code], number, count, _WHYS[REVIEW_WHYS[why - 1]] if why else "", *map(bool, was))
        for code, number, why, *was, count in alike
    ]


# ---------------------------------------------------------------- routes


def _routes(
    connection: Connection, book: Rulebook, leads: Leads, period: Span, now: datetime
) -> list[RouteFacts]:
    """The routes of the policy in order, then those of leads that are no longer in it."""
    routes, group = book.policy.routes, leads.groups["route"]
    names = [route.name for route in routes]
    counts = np.bincount(group.codes[group.codes >= 0], minlength=len(group.names))
    with_leads = {name for name, count in zip(group.names, counts.tolist(), strict=True) if count}
    gone = sorted(with_leads.difference(names))
    without = [name for name in names if name not in with_leads]
    was_used = with_leads | store.placed_by(connection, without, period.since, period.until)
    last, since = route_use.last_used(connection, [*names, *gone]), _since(connection, names)
    states = _states(book.policy, now.astimezone(book.zone).date())
    return [
        *(
            RouteFacts(
                route.name,
                number,
                destination_of(route),
                states[route.name],
                since.get(route.name),
                last.get(route.name),
                route.name in was_used,
            )
            for number, route in enumerate(routes, 1)
        ),
        *(RouteFacts(name, 0, "", "gone", None, last.get(name), was_used=True) for name in gone),
    ]


def _states(policy: Policy, today: date) -> dict[str, State]:
    suspected: dict[int, State] = {}
    for finding in suspicions(policy):
        if finding.path[0] == "routes" and finding.code == "never_holds":
            suspected[int(finding.path[1])] = "never_holds"
        elif finding.path[0] == "routes" and finding.code == "unreachable":
            suspected[int(finding.path[1])] = "unreachable"
    return {
        route.name: _dated(route, today) or suspected.get(number, "in_force")
        for number, route in enumerate(policy.routes)
    }


def _dated(route: Route, today: date) -> State | None:
    if route.last_day is not None and today > route.last_day:
        return "over"
    return "ahead" if route.first_day is not None and today < route.first_day else None


def _since(connection: Connection, names: Sequence[str]) -> dict[str, datetime]:
    """Since when each of these routes is in every version published, where that is not too long ago."""
    published = policies.publications(connection)
    shown = published[:MOST_VERSIONS]
    texts = policies.sources(connection, {one.version for one in shown})
    found: dict[str, datetime] = {}
    still = set(names)
    for one in shown:
        still &= set(_routes_of(texts[one.version]))
        found |= dict.fromkeys(still, one.published_at)
    return found if len(shown) == len(published) else {k: at for k, at in found.items() if k not in still}


def _last_routes(connection: Connection, policy: Policy, leads: Leads) -> dict[str, str]:
    """The name of the last route of every policy version that routed any of the leads."""
    others = set(leads.groups["policy"].names) - {policy.version}
    texts = policies.sources(connection, others)
    found = {version: _routes_of(text)[-1] for version, text in texts.items()}
    return {**found, policy.version: policy.routes[-1].name}


# A published text never changes, so what is kept of it cannot go stale.
@lru_cache(maxsize=4 * MOST_VERSIONS)
def _routes_of(text: str) -> tuple[str, ...]:
    return tuple(route.name for route in load_policy(text, _("a published policy")).routes)


# ---------------------------------------------------------------- duplicates


def _duplicates(connection: Connection, leads: Leads, period: Span) -> Duplicates:
    merged = store.merged(connection, period.since, period.until)
    rate = prospects_rate(connection, Period(period.since, period.until))
    return Duplicates(
        merged.arrivals,
        merged.leads,
        merged.owned,
        _count(leads, "destination", "owner:account"),
        _count(leads, "destination", "owner:open_lead"),
        rate["twice"],
        wilson(rate["twice"], rate["touched"]) if rate["touched"] else None,
    )


def _count(leads: Leads, role: str, name: str) -> int:
    group = leads.groups[role]
    return int((group.codes == group.names.index(name)).sum()) if name in group.names else 0


# ---------------------------------------------------------------- the export


class RulesRow(TypedDict):
    """How a route did. docs/reports.md says what each column means.

    `number` is null for a route that is no longer in the policy. Shares are null where there are no leads;
    `…_others` is that of all other routes together, `…_q` the corrected chance of so many or more.
    """

    route: str
    number: int | None
    destination: str | None
    state: str
    is_unused: bool
    exists_since: datetime | None
    last_used_at: datetime | None
    leads: int
    share: float | None
    share_low: float | None
    share_high: float | None
    is_small: bool
    reviewed: int
    overridden: int
    overridden_share: float | None
    overridden_low: float | None
    overridden_high: float | None
    overridden_others: float | None
    overridden_q: float | None
    handed_over: int
    handed_over_share: float | None
    handed_over_low: float | None
    handed_over_high: float | None
    handed_over_others: float | None
    handed_over_q: float | None
    declined: int
    declined_share: float | None
    declined_low: float | None
    declined_high: float | None
    declined_others: float | None
    declined_q: float | None
    disputed: int
    disputed_share: float | None
    disputed_low: float | None
    disputed_high: float | None
    disputed_others: float | None
    disputed_q: float | None
    is_found: bool


class ShareView(TypedDict):
    """A share, from 0 to 1, of so many, with its 95 % interval."""

    count: int
    value: float
    low: float
    high: float


class WeekView(TypedDict):
    """A week by its Monday: leads, those for which no person had to decide, and their share."""

    week: str
    leads: int
    by_rules: int
    share: ShareView | None


class ReviewedView(TypedDict):
    """So many leads of a route went to a person, and why: rule, nobody, no_owner, identity, limit."""

    why: str
    route: str
    leads: int


class AutomationView(TypedDict):
    """The share of leads that the rules placed alone, against its target band, `low` to `high`.

    `standing` is below, within, above, or unsure where the interval reaches out of the band. `weeks_q` is the
    corrected chance that weeks differ so much. `placed` of those reviewed a person placed, or is to; `moved`
    were placed by the rules and placed elsewhere by a person.
    """

    share: ShareView | None
    low: float
    high: float
    standing: str
    weeks: list[WeekView]
    weeks_q: float
    reviewed: list[ReviewedView]
    placed: int
    moved: int


class MissingView(TypedDict):
    """A value (null: none) whose leads only the last route took, more often than others.

    `effect` is their share less that of all other leads, with its 95 % interval.
    """

    field: str
    value: str | None
    leads: int
    fell: int
    share: ShareView
    effect: ShareView
    q: float


class PreventedView(TypedDict):
    """Duplicates that were prevented, and the share of prospects contacted by several people all the same."""

    merged: int
    prospects: int
    owned: int
    to_owner: int
    to_colleague: int
    contacted_twice: int
    rate: ShareView | None


class RulesData(TypedDict):
    """How the rules did besides each route. `compared` comparisons were corrected for together."""

    leads: int
    compared: int
    automation: AutomationView
    last_route: str
    fell: ShareView | None
    missing: list[MissingView]
    duplicates: PreventedView


_TEXTS = ("route", "destination", "state")
_COUNTS = ("number", "leads", "reviewed", "overridden", *OVERRIDES)
COLUMNS: Mapping[str, ColumnType] = {
    **dict.fromkeys(RulesRow.__annotations__, "number"),
    **dict.fromkeys(_TEXTS, "text"),
    **dict.fromkeys(_COUNTS, "integer"),
    **dict.fromkeys(("is_unused", "is_small", "is_found"), "boolean"),
    **dict.fromkeys(("exists_since", "last_used_at"), "moment"),
}


def row(one: RouteUse) -> dict[str, object]:
    """A row of the export: a route."""
    of = one.facts
    found: dict[str, object] = {
        "route": of.name,
        "number": of.number or None,
        "destination": of.destination or None,
        "state": of.state,
        "is_unused": one.is_unused,
        "exists_since": of.since,
        "last_used_at": of.last_used_at,
        "leads": one.leads,
        "share": one.share and round(one.share.value, 6),
        "share_low": one.share and round(one.share.low, 6),
        "share_high": one.share and round(one.share.high, 6),
        "is_small": one.leads < SMALL,
        "reviewed": one.reviewed,
        **_rate("overridden", one.overridden),
    }
    for kind in OVERRIDES:
        found |= _rate(kind, one.by_kind.get(kind))
    return {**found, "is_found": one.is_found}


def _rate(name: str, one: Rate | None) -> dict[str, float | None]:
    others = one.others if one is not None else None
    return {
        name: one.hits if one else 0,
        f"{name}_share": round(one.share.value, 6) if one else None,
        f"{name}_low": round(one.share.low, 6) if one else None,
        f"{name}_high": round(one.share.high, 6) if one else None,
        f"{name}_others": round(others, 6) if others is not None else None,
        f"{name}_q": one.q if one and one.is_compared else None,
    }


def data(found: RulesReport) -> RulesData:
    """What JSON tells besides the routes."""
    of, prevented = found.automation, found.duplicates
    return {
        "leads": found.leads,
        "compared": found.compared,
        "automation": {
            "share": _share(of.share),
            "low": of.low,
            "high": of.high,
            "standing": of.standing,
            "weeks": [
                {
                    "week": one.first_day.isoformat(),
                    "leads": one.leads,
                    "by_rules": one.by_rules,
                    "share": _share(one.share),
                }
                for one in of.weeks
            ],
            "weeks_q": of.weeks_q,
            "reviewed": [{"why": why, "route": route, "leads": count} for why, route, count in of.whys],
            "placed": of.placed,
            "moved": of.moved,
        },
        "last_route": found.last_route,
        "fell": _share(found.fell),
        "missing": [_missing(one) for one in found.missing],
        "duplicates": {
            "merged": prevented.merged,
            "prospects": prevented.prospects,
            "owned": prevented.owned,
            "to_owner": prevented.to_owner,
            "to_colleague": prevented.to_colleague,
            "contacted_twice": prevented.contacted_twice,
            "rate": _share(prevented.rate),
        },
    }


def _missing(one: FellThrough) -> MissingView:
    return {
        "field": one.field,
        "value": one.value,
        "leads": one.rate.share.count,
        "fell": one.rate.hits,
        "share": _known(one.rate.share),
        "effect": _known(one.effect),
        "q": one.rate.q,
    }


def _share(one: Estimate | None) -> ShareView | None:
    return _known(one) if one is not None else None


def _known(one: Estimate) -> ShareView:
    return {
        "count": one.count,
        "value": round(one.value, 6),
        "low": round(one.low, 6),
        "high": round(one.high, 6),
    }


KIND = Kind(
    "rules",
    N_("Rules"),
    N_("Which routes are used, which do people override, and what has no rule of its own?"),
    {"route": N_("route")},
    COLUMNS,
    make,
    RulesData,
    days=90,
    is_of_team=False,
)
