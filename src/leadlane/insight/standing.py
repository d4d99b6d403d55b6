"""Where does a company stand on the way out of chaos? Five steps, each with what the data show of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from leadlane.i18n import _, ngettext
from leadlane.insight import say
from leadlane.insight.audit import Audit
from leadlane.insight.groups import FALSE_SHARE
from leadlane.insight.leads import Leads

# yes: it is there. partly. no. unknown: the files do not say.
State = Literal["yes", "partly", "no", "unknown"]
_FILLED = 0.8
_PEOPLE_ROLES = frozenset(("owner", "team", "manager", "level"))
_SEGMENT_ROLES = ("country", "region", "employees", "industry", "source")
_MANY_UNOWNED = 0.1
_MOST_IN_TIME, _SOME_IN_TIME = 0.8, 0.4


@dataclass(frozen=True, slots=True)
class Step:
    """One of the five steps: its name, how far it is, and why one can say so."""

    name: str
    state: State
    why: str


def standing(audit: Audit) -> Sequence[Step]:
    """The five steps, in their order: segments, rules by intent, assignment, service levels, optimisation."""
    return (
        Step(_("Define segments"), *_segments(audit.leads)),
        Step(_("Rules by intent"), *_intent(audit)),
        Step(_("Automate assignment"), *_assignment(audit)),
        Step(_("Define and watch service levels"), *_service_levels(audit)),
        Step(_("Optimise continuously"), *_optimisation(audit)),
    )


def _segments(leads: Leads) -> tuple[State, str]:
    filled = {
        role: float((group.codes >= 0).mean())
        for role in _SEGMENT_ROLES
        if (group := leads.groups.get(role)) is not None and not group.by_outcome and leads.count
    }
    usable = [leads.groups[role].column for role, share in filled.items() if share >= _FILLED]
    places = len(
        {"place" if role in ("country", "region") else role for role, s in filled.items() if s >= _FILLED}
    )
    if not usable:
        return "no", _(
            "No column of geography, company size, industry or source is filled for four leads of five."
        )
    said = ngettext(
        "Leads can be told apart by {columns}: {n} of the four that segments are usually made of.",
        "Leads can be told apart by {columns}: {n} of the four that segments are usually made of.",
        places,
    ).format(columns=say.names(usable), n=places)
    return ("yes" if places >= 3 else "partly"), said


def _intent(audit: Audit) -> tuple[State, str]:
    urgent = audit.urgency
    if urgent is None:
        return "unknown", _(
            "It takes a column of what the lead did (a signal such as a demo request) and response times."
        )
    shares = [(name, hits / count) for name, count, hits in urgent.kinds if count >= 10]
    if urgent.q > FALSE_SHARE or not shares:
        return "no", _("By “{column}” all leads get the same urgency, as far as the data can tell.").format(
            column=urgent.column
        )
    best, worst = max(shares, key=lambda one: one[1]), min(shares, key=lambda one: one[1])
    return "partly", _(
        "Urgency differs: “{best}” is answered within {span} in {high} of cases, “{worst}” in {low}."
    ).format(
        best=best[0],
        worst=worst[0],
        span=say.span(urgent.threshold),
        high=say.percent(best[1]),
        low=say.percent(worst[1]),
    )


def _assignment(audit: Audit) -> tuple[State, str]:
    if audit.unowned is None:
        return "unknown", _("It takes a column with the owner of each lead, also of those that were not won.")
    share = audit.unowned.share
    said = _("{share} of the leads have no owner; whether rules or people assign, the files do not say.")
    # That all have an owner does not tell that nobody had to assign them.
    state: State = "no" if share.value > _MANY_UNOWNED else "partly"
    return state, said.format(share=say.percent(share.value))


def _service_levels(audit: Audit) -> tuple[State, str]:
    waited = audit.waiting
    if waited is None or waited.calendar is None:
        return "unknown", _("It takes a column with the moment of the first response.")
    within = 24 * 3600.0 if not waited.timed else 3600.0
    done = waited.calendar.done_by(within)
    state: State = "yes" if done.value >= _MOST_IN_TIME else "partly" if done.value >= _SOME_IN_TIME else "no"
    said = _(
        "{share} of the leads are answered within {span}. A promise needs a deadline for each kind of lead."
    )
    return state, said.format(share=say.percent(done.value), span=say.span(within))


def _optimisation(audit: Audit) -> tuple[State, str]:
    if audit.conversion is None:
        return "no", _("Outcomes are not in the files, so nothing can be learned from them.")
    people = any(one.role in _PEOPLE_ROLES for one in audit.conversion.dimensions)
    kinds = any(one.role not in _PEOPLE_ROLES for one in audit.conversion.dimensions)
    if people and kinds:
        return "partly", _("Outcomes are there, by kind of lead and by person or team: a review can begin.")
    return "partly", _("Outcomes are there, but not for both the kinds of leads and the people who had them.")
