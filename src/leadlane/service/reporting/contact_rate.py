"""How many prospects did several people contact, who should have been contacted by one?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import heappop, heappush
from math import inf

from psycopg import Connection
from typing_extensions import TypedDict

from leadlane.core.act import REACHING_OUT
from leadlane.core.facts import Roster
from leadlane.errors import LeadlaneError
from leadlane.i18n import _
from leadlane.insight.proportions import wilson
from leadlane.policy.roster_document import instant
from leadlane.store import duplicates
from leadlane.store.duplicates import BySeveral, Counted, Hold, LeadCard, Period, Prevented, Touch

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


class TouchedByView(TypedDict):
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
    people: list[TouchedByView]


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
    merged counts with what it was merged into. A touch that reached out counts, not a note.
    """
    with connection.transaction():
        prospects = _count(connection, "prospects", period, limit)
        companies = _count(connection, "companies", period, 0)
        prevented = duplicates.prevented(connection, period)
        cards = duplicates.cards(connection, [one.root for one in prospects.listed])

    def team(person: str | None) -> str | None:
        known = roster.people.get(person or "")
        return known.teams[0] if known is not None and known.teams else None

    return {
        "since": period.since,
        "until": period.until,
        "prospects": _rate(prospects.tallies.values()),
        "companies": _rate(companies.tallies.values()),
        "prevented": sum(one.leads for one in prevented),
        "by_source": _grouped(prospects, companies, prevented, lambda source, _person: source),
        "by_team": _grouped(prospects, companies, prevented, lambda _source, person: team(person)),
        "contacted_twice": [_twice_view(one, cards[one.root], roster) for one in prospects.listed],
    }


def prospects_rate(connection: Connection, period: Period) -> RateView:
    """The duplicate contact rate of prospects alone, as `duplicates_report` tells it, in less of the time."""
    with connection.transaction():
        touched, leads = duplicates.contacted(connection, REACHING_OUT, period)
        tally = _Tally(touched)
        for one in duplicates.reached_by_several(connection, "prospects", REACHING_OUT, period, leads):
            _had_it, is_handed_over = judge(one.touches, one.holds)
            tally.handed_over += is_handed_over
            tally.twice += not is_handed_over
    return _rate([tally])


def judge(touches: Sequence[Touch], holds: Iterable[Hold]) -> tuple[list[bool], bool]:
    """Whether each touch was by somebody who had a lead then, or covered it; and whether all was handed over.

    It was if everyone who reached out had a lead when they did, and none of those who had reached out before
    still had one that was not in the same hands. `touches` are in order; a lead handed on at an instant is
    in the new hands at that instant.
    """
    changes = []
    for hold in holds:
        until = inf if hold.until is None else hold.until
        if hold.since < until:
            hands = frozenset((hold.owner, hold.covered_by))
            changes += [(hold.since, 1, hands), (until, -1, hands)]
    changes.sort(key=lambda change: change[:2])
    held: Counter[frozenset[str | None]] = Counter()
    before: set[str] = set()
    had_it, is_handed_over, done = [], True, 0
    for touch in touches:
        while done < len(changes) and changes[done][0] <= touch.at:
            _at, more, hands = changes[done]
            held[hands] += more
            if not held[hands]:
                del held[hands]
            done += 1
        had_it.append(any(touch.person in hands for hands in held))
        elsewhere = any(touch.person not in hands and not before.isdisjoint(hands) for hands in held)
        is_handed_over = is_handed_over and had_it[-1] and not elsewhere
        before.add(touch.person)
    return had_it, is_handed_over


@dataclass(slots=True)
class _Tally:
    touched: int = 0
    twice: int = 0
    handed_over: int = 0


@dataclass(frozen=True, slots=True)
class _Tallies:
    """Tallies by source and first person, and some of those contacted twice, who was touched last first."""

    tallies: dict[tuple[str | None, str], _Tally]
    listed: list[BySeveral]


def _count(connection: Connection, counted: Counted, period: Period, limit: int) -> _Tallies:
    found = duplicates.reached(connection, counted, REACHING_OUT, period)
    tallies = {(one.source, one.first_person): _Tally(one.leads) for one in found}

    latest: list[tuple[datetime, str, BySeveral]] = []
    for one in duplicates.reached_by_several(connection, counted, REACHING_OUT, period):
        tally = tallies[one.source, one.first_person]
        _had_it, is_handed_over = judge(one.touches, one.holds)
        if is_handed_over:
            tally.handed_over += 1
            continue
        tally.twice += 1
        heappush(latest, (one.last_at, one.root, one))
        if len(latest) > limit:
            heappop(latest)
    return _Tallies(tallies, [one for _at, _root, one in sorted(latest, reverse=True)])


def _grouped(
    prospects: _Tallies,
    companies: _Tallies,
    prevented: Iterable[Prevented],
    of: Callable[[str | None, str | None], str | None],
) -> list[RateGroupView]:
    """The rates by what `of` makes of a source and a person."""
    spared: Counter[str | None] = Counter()
    for one in prevented:
        spared[of(one.source, one.owner)] += one.leads
    names = {of(*by) for by in (*prospects.tallies, *companies.tallies)} | spared.keys()
    return [
        {
            "name": name,
            "prospects": _rate(tally for by, tally in prospects.tallies.items() if of(*by) == name),
            "companies": _rate(tally for by, tally in companies.tallies.items() if of(*by) == name),
            "prevented": spared[name],
        }
        # Those without a name come last.
        for name in sorted(names, key=lambda name: (name is None, name or ""))
    ]


def _rate(tallies: Iterable[_Tally]) -> RateView:
    counted = list(tallies)
    touched = sum(one.touched for one in counted)
    twice = sum(one.twice for one in counted)
    bounds = wilson(twice, touched) if touched else None
    return {
        "touched": touched,
        "twice": twice,
        "handed_over": sum(one.handed_over for one in counted),
        "share": round(twice / touched, 6) if touched else None,
        "low": round(bounds.low, 6) if bounds else None,
        "high": round(bounds.high, 6) if bounds else None,
        "is_small": bounds is None or bounds.is_small,
    }


def _twice_view(one: BySeveral, card: LeadCard, roster: Roster) -> TwiceView:
    fields = card.fields
    named = " ".join(str(fields[part]) for part in ("first_name", "last_name") if fields.get(part))
    had_it, _is_handed_over = judge(one.touches, one.holds)
    return {
        "lead": one.root,
        "name": named,
        "email": fields.get("email"),
        "company": fields.get("company") or fields.get("company_domain"),
        "stage": card.stage,
        "owner": card.owner,
        "last_at": one.last_at,
        "people": [
            _touched_by_view(person, one.touches, had_it, roster)
            for person in dict.fromkeys(touch.person for touch in one.touches)
        ],
    }


def _touched_by_view(
    person: str, touches: Sequence[Touch], had_it: Sequence[bool], roster: Roster
) -> TouchedByView:
    known = roster.people.get(person)
    own = [number for number, touch in enumerate(touches) if touch.person == person]
    return {
        "person": person,
        "name": known.name if known else person,
        "first_at": datetime.fromtimestamp(touches[own[0]].at, UTC),
        "last_at": datetime.fromtimestamp(touches[own[-1]].at, UTC),
        "touches": len(own),
        "had_it": all(had_it[number] for number in own),
    }
