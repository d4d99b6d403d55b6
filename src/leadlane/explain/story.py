"""What is an explanation told from? Policy and roster of the decision, the lead as it was, the trace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from leadlane.core.conditions import fold_text
from leadlane.core.facts import Lead, Roster
from leadlane.core.policy import Policy, Route
from leadlane.core.trace import Reason
from leadlane.explain.conditions import Facts, facts_of
from leadlane.explain.speech import as_moment, moment_words, person_words


@dataclass(frozen=True, slots=True)
class Story:
    """One decision, with the zone of whoever reads it."""

    policy: Policy
    roster: Roster
    lead: Lead
    account_name: str | None
    trace: Mapping[str, Any]
    zone: ZoneInfo

    @property
    def decided_at(self) -> datetime:
        """When it was decided."""
        return as_moment(self.trace["at"])

    @property
    def route(self) -> Route:
        """The route that held."""
        return next(route for route in self.policy.routes if route.name == self.trace["route"]["name"])

    def given(self) -> Facts:
        """The facts that the fit, the segments and the deal value were asked about: what the lead brought."""
        return facts_of(self.lead.fields, ZoneInfo(self.policy.timezone), self.policy.currency)

    def derived(self) -> Facts:
        """The facts that routes and service levels were asked about: given ones and conclusions."""
        trace, score = self.trace, self.trace["fit"]["score"]
        shown = {
            **self.lead.fields,
            "intent": trace["intent"]["level"],
            "signal": strongest_signal(trace),
            "fit": "strong" if score >= trace["fit"]["strong_at"] else "weak",
            "fit_score": score,
            "segment": trace["segment"]["name"],
            "team": trace["segment"]["team"],
            "deal_value": trace["deal"]["value"],
            "deal_band": trace["deal"]["band"],
            "relationship": trace["match"]["relationship"],
        }
        return facts_of(shown, ZoneInfo(self.policy.timezone), self.policy.currency)

    def moment(self, value: str | datetime) -> str:
        """A moment of the trace in the reader's zone."""
        return moment_words(value, self.zone, near=self.decided_at)

    def person(self, person: str | None) -> str:
        """The name of a person of the trace."""
        return person_words(self.roster, person)


def strongest_signal(trace: Mapping[str, Any]) -> str | None:
    """The signal that routes see: of those that made the intent, the one that came last."""
    newest: dict[str, datetime] = {}
    for name, at, what in trace["signals"]:
        if what == Reason.COUNTED:
            key = fold_text(name)
            newest[key] = max(as_moment(at), newest.get(key, as_moment(at)))
    made = [name for name, _count in trace["intent"]["by"]]
    return max(made, key=lambda name: newest[fold_text(name)], default=None)
