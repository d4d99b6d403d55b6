"""How many prospects did several people contact, who should have been contacted by one?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from math import sqrt
from typing import Any, NamedTuple

from psycopg import Connection
from typing_extensions import TypedDict

from leadlane.core.act import REACHING_OUT
from leadlane.core.facts import Roster
from leadlane.errors import LeadlaneError
from leadlane.i18n import _
from leadlane.policy.roster_document import instant
from leadlane.store import duplicates
from leadlane.store.duplicates import Period, Reached, Twice

# The normal quantile of an interval that holds the true share in 95 of 100 cases.
_Z = 1.959964
# A share of fewer than so many says little: one more or less moves it by several percent.
SMALL = 30
MOST_LISTED = 500


class RateView(TypedDict):
    """Of those who were touched at all, so many were contacted by several people: `share`, from 0 to 1.

    `low` and `high` are the bounds of its 95 % interval (Wilson, 1927); all three are null where nobody was
    touched. `handed_over` were contacted by several people too, each while the lead was theirs; they are
    not in the share. `is_small`: so few that the share says little.
    """

    touched: int
    twice: int
    handed_over: int
    share: float | None
    low: float | None
    high: float | None
    is_small: bool


class RateGroupView(TypedDict):
    """The rates of one source, or of one team: that of whoever was the first to reach out.

    `name` is null for those without one. `prevented` are arrivals that became part of an open lead of the
    source, or of somebody of the team, instead of a second lead.
    """

    name: str | None
    prospects: RateView
    companies: RateView
    prevented: int


class ContactView(TypedDict):
    """Who reached out: when first and last, how often, and whether the lead was theirs each time."""

    person: str
    name: str
    first_at: datetime
    last_at: datetime
    touches: int
    had_it: bool


class TwiceView(TypedDict):
    """A prospect whom several people contacted: the lead, and who reached out, the first one first."""

    lead: str
    name: str
    email: str | None
    company: str | None
    stage: str
    owner: str | None
    last_at: datetime
    people: list[ContactView]


class DuplicatesReportView(TypedDict):
    """How often several people contacted one prospect, or one company, in a period."""

    since: datetime | None
    until: datetime | None
    prospects: RateView
    companies: RateView
    prevented: int
    by_source: list[RateGroupView]
    by_team: list[RateGroupView]
    contacted_twice: list[TwiceView]


class PeriodError(LeadlaneError):
    """A bound of a period (`since` or `until`) that is none."""

    def __init__(self, bound: str, value: str, reason: str) -> None:
        super().__init__(_("{bound} “{value}”: {reason}").format(bound=bound, value=value, reason=reason))
        self.bound, self.value, self.reason = bound, value, reason


class Interval(NamedTuple):
    """The bounds of a share, from 0 to 1."""

    low: float
    high: float


def wilson(count: int, total: int) -> Interval:
    """The 95 % interval of the share count / total, total > 0: also for few, and for shares of 0 and 1.

    E. B. Wilson: Probable Inference, the Law of Succession, and Statistical Inference, 1927.
    """
    share, square = count / total, _Z * _Z
    middle = share + square / (2 * total)
    reach = _Z * sqrt(share * (1 - share) / total + square / (4 * total * total))
    scale = 1 + square / total
    return Interval(max(0.0, (middle - reach) / scale), min(1.0, (middle + reach) / scale))


def read_period(since: str | None, until: str | None, zone_name: str) -> Period:
    """A period from dates or moments as people write them; PeriodError for what is none.

    A date is that day in the zone named, from its beginning, until its end.
    """
    period = Period(_bound("since", since, zone_name), _bound("until", until, zone_name))
    if until is not None and period.since and period.until and period.until <= period.since:
        raise PeriodError("until", until, _("it is not after the beginning"))
    return period


def _bound(name: str, text: str | None, zone_name: str) -> datetime | None:
    if text is None:
        return None
    try:
        return instant(text, zone_name, end=name == "until")
    except (ValueError, OverflowError):
        reason = _("a date or a date and time is meant, such as 2026-03-02 or 2026-03-02T12:00")
        raise PeriodError(name, text[:80], reason) from None


def duplicates_report(
    connection: Connection, roster: Roster, period: Period, limit: int = MOST_LISTED
) -> DuplicatesReportView:
    """The duplicate contact rate, and at most `limit` of the prospects concerned, who was touched last first.

    A prospect is a mailbox, or a lead without one; a company an account, or a domain without one. What was
    merged counts with what it was merged into. A touch that reached out counts, not a note. Contacted by
    several people are those whom two or more reached in the period, unless they were handed over: everyone
    had the lead, or covered it, when they reached out, and none of those before them had it still.
    """
    with connection.transaction():
        prospects = duplicates.reached(connection, "prospects", REACHING_OUT, period)
        companies = duplicates.reached(connection, "companies", REACHING_OUT, period)
        prevented = duplicates.prevented(connection, period)
        twice = duplicates.contacted_twice(connection, "prospects", REACHING_OUT, period, limit)

    def team(person: str | None) -> str | None:
        known = roster.people.get(person or "")
        return known.teams[0] if known is not None and known.teams else None

    def grouped(
        of: Callable[[Reached], str | None], of_prevented: Iterable[tuple[str | None, int]]
    ) -> list[RateGroupView]:
        spared: dict[str | None, int] = {}
        for name, leads in of_prevented:
            spared[name] = spared.get(name, 0) + leads
        names = {*map(of, prospects), *map(of, companies), *spared}
        return [
            {
                "name": name,
                "prospects": _rate(one for one in prospects if of(one) == name),
                "companies": _rate(one for one in companies if of(one) == name),
                "prevented": spared.get(name, 0),
            }
            # Those without a name come last.
            for name in sorted(names, key=lambda name: (name is None, name or ""))
        ]

    return {
        "since": period.since,
        "until": period.until,
        "prospects": _rate(prospects),
        "companies": _rate(companies),
        "prevented": sum(one.leads for one in prevented),
        "by_source": grouped(lambda one: one.source, ((one.source, one.leads) for one in prevented)),
        "by_team": grouped(
            lambda one: team(one.first_person), ((team(one.owner), one.leads) for one in prevented)
        ),
        "contacted_twice": [_twice_view(one, roster) for one in twice],
    }


def _rate(found: Iterable[Reached]) -> RateView:
    counted = list(found)
    touched, twice, handed_over = (
        sum(getattr(one, name) for one in counted) for name in ("touched", "twice", "handed_over")
    )
    bounds = wilson(twice, touched) if touched else None
    return {
        "touched": touched,
        "twice": twice,
        "handed_over": handed_over,
        "share": round(twice / touched, 6) if touched else None,
        "low": round(bounds.low, 6) if bounds else None,
        "high": round(bounds.high, 6) if bounds else None,
        "is_small": touched < SMALL,
    }


def _twice_view(one: Twice, roster: Roster) -> TwiceView:
    fields = one.fields
    named = " ".join(str(fields[part]) for part in ("first_name", "last_name") if fields.get(part))
    return {
        "lead": one.lead_id,
        "name": named,
        "email": fields.get("email"),
        "company": fields.get("company") or one.domain,
        "stage": one.stage,
        "owner": one.owner,
        "last_at": one.last_at,
        "people": [_contact_view(person, roster) for person in one.people],
    }


def _contact_view(raw: dict[str, Any], roster: Roster) -> ContactView:
    known = roster.people.get(raw["person"])
    return {
        "person": raw["person"],
        "name": known.name if known else raw["person"],
        "first_at": datetime.fromisoformat(raw["first_at"]),
        "last_at": datetime.fromisoformat(raw["last_at"]),
        "touches": raw["touches"],
        "had_it": raw["had_it"],
    }
