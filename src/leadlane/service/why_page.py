"""Why did this lead come to whom it came to, and what would today's policy have said?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from psycopg import Connection

from leadlane.core.decision import Decision
from leadlane.core.match import Match
from leadlane.core.promise import promise
from leadlane.core.routing import judge
from leadlane.core.rulebook import Rulebook
from leadlane.explain import Explanation, Section
from leadlane.explain.judged import fit_section, market_section, route_section, signals_section
from leadlane.explain.speech import destination_words
from leadlane.explain.story import Story
from leadlane.i18n import N_, _
from leadlane.policy import words
from leadlane.service.explain import explain_decision
from leadlane.service.lead_page import STATIONS, StationKey
from leadlane.service.replay import reopen
from leadlane.service.rulebooks import Rulebooks
from leadlane.store.leads import LeadRow

# Which sections of an explanation answer which question.
_STATION_OF: dict[str, StationKey] = {
    "known": "match",
    "likeness": "match",
    "signals": "qualify",
    "fit": "qualify",
    "market": "qualify",
    "route": "route",
    "pool": "pick",
    "owner": "pick",
    "notes": "pick",
    "promise": "promise",
}
_COMPARED = {
    "intent": N_("Intent"),
    "fit": N_("Fit"),
    "segment": N_("Segment"),
    "band": N_("Deal band"),
    "route": N_("Route"),
    "destination": N_("Where to"),
    "service_level": N_("Service level"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """One of the five questions with everything that was looked at for its answer."""

    key: StationKey
    title: str
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """One line of a comparison: what, as it was decided, and under the policy in force."""

    what: str
    then: str
    today: str

    @property
    def differs(self) -> bool:
        """Whether the two policies disagree here."""
        return self.then != self.today


@dataclass(frozen=True, slots=True)
class Today:
    """The same lead at the same moment under the policy in force; `reasons` is told where they disagree."""

    is_same_policy: bool
    lines: tuple[Compared, ...]
    reasons: tuple[Section, ...]

    @property
    def differs(self) -> bool:
        """Whether anything would have come out otherwise."""
        return any(line.differs for line in self.lines)


@dataclass(frozen=True, slots=True)
class WhyPage:
    """The whole reason: a summary, the five questions, what would have changed it, and today's policy."""

    summary: str
    stations: tuple[Told, ...]
    changes: Section | None
    today: Today


def why_page(connection: Connection, books: Rulebooks, row: LeadRow, zone: ZoneInfo) -> WhyPage:
    """The decision that last routed a lead, in the language of the context and with moments in `zone`."""
    told = explain_decision(connection, books, row.batch_id, row.decision_number, zone)
    explanation = told.explanation
    return WhyPage(
        summary=explanation.summary,
        stations=tuple(stations_of(explanation)),
        changes=next((one for one in explanation.sections if one.key == "nearest"), None),
        today=_today(connection, books, row, orjson.loads(told.trace), zone),
    )


def stations_of(explanation: Explanation) -> Iterator[Told]:
    """An explanation as the five questions, each with what was looked at for its answer."""
    for key, title in STATIONS.items():
        sections = [one for one in explanation.sections if _STATION_OF.get(one.key.partition(":")[0]) == key]
        yield Told(key, _(title), tuple(sections))


# ---------------------------------------------------------------- under the policy in force


def _today(
    connection: Connection, books: Rulebooks, row: LeadRow, trace: Mapping[str, Any], zone: ZoneInfo
) -> Today:
    """Only the rules differ: lead, moment and what matching found are those of the decision."""
    book = books.current(connection)
    if book.policy.version == trace["policy"]:
        return Today(is_same_policy=True, lines=(), reasons=())
    stored = reopen(connection, books, row.batch_id)
    decided, _hands = stored.decide(stored.world(), stored.happenings[: row.decision_number + 1])
    decision = decided[row.decision_number]
    if not isinstance(decision, Decision):
        raise KeyError((row.batch_id, row.decision_number))
    match, lead = decision.match or Match(), decision.standing.lead
    again: dict[str, Any] = {"at": trace["at"], "match": trace["match"]}
    route, qualified = judge(book, lead, match, stored.batch.at, again)
    # Which service level holds is the same for everybody; only the moment is not, and that is not compared.
    calendar = next(iter(book.calendars.values()), None)
    if calendar is not None and route.kind in ("pool", "owner", "review"):
        promise(book.promise, route, qualified.facts, stored.batch.at, calendar, again)
    lines = _compared(_as_decided(trace, stored.book), _as_decided(again, book))
    story = Story(book.policy, book.roster, lead, match.account.name if match.account else None, again, zone)
    reasons = (signals_section, fit_section, market_section, route_section)
    differs = any(line.differs for line in lines)
    return Today(
        is_same_policy=False,
        lines=tuple(lines),
        reasons=tuple(section(story) for section in reasons) if differs else (),
    )


def _as_decided(trace: Mapping[str, Any], book: Rulebook) -> dict[str, str]:
    """What a policy concluded of a lead, in words, by the keys of _COMPARED."""
    fit, route_name = trace["fit"], trace["route"]["name"]
    route = next(route for route in book.policy.routes if route.name == route_name)
    promised = trace.get("promise") or {}
    return {
        "intent": words.value_words("intent", trace["intent"]["level"]),
        "fit": words.value_words("fit", "strong" if fit["score"] >= fit["strong_at"] else "weak"),
        "segment": trace["segment"]["name"] or _("no segment"),
        "band": trace["deal"]["band"] or _("no deal band"),
        "route": route_name,
        "destination": destination_words(route),
        "service_level": promised.get("service_level") or _("no promise"),
    }


def _compared(then: Mapping[str, str], today: Mapping[str, str]) -> Sequence[Compared]:
    return [Compared(_(title), then[key], today[key]) for key, title in _COMPARED.items()]
