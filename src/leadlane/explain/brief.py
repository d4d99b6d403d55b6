"""Why does somebody have this lead? In one line, from the decision that routed it and what happened since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leadlane.core.facts import Roster
from leadlane.core.trace import Reason
from leadlane.explain.since import Happened
from leadlane.explain.speech import person_words
from leadlane.explain.standing import said_words
from leadlane.i18n import N_, _
from leadlane.policy.words import value_words

# Events of the timeline by which a lead came to whoever has it.
HANDED = {
    "reassigned": N_("handed over by {by}"),
    "declined": N_("{by} declined it"),
    "disputed": N_("{by} says that this is wrong"),
    "handed_on": N_("nobody acted in time"),
    "served": N_("it waited in line until somebody was free"),
    "reviewed": N_("placed by {by}"),
    "covering": N_("{owner} is out"),
    "returned": N_("{owner} is back"),
}
_CHOSEN = {
    Reason.ONLY_ONE: N_("the only one available in the pool {pool}"),
    Reason.FEWEST_OPEN: N_("the fewest open leads in the pool {pool}"),
}
_TO_DECIDE = {
    Reason.NOBODY_AVAILABLE: N_("nobody was available, so a person decides"),
    Reason.NO_OWNER: N_("its owner is not there, so a person decides"),
    Reason.UNSURE_MATCH: N_("it may be somebody known"),
}


def why_words(trace: Mapping[str, Any], since: Happened | None, roster: Roster) -> str:
    """`high intent, strong fit → hot-mid → next in turn in the pool mid-ae`.

    `trace` is of the decision that routed it; `since` how it changed hands after that, if it did.
    """
    score = trace["fit"]
    fit = "strong" if score["score"] >= score["strong_at"] else "weak"
    what = _("{intent} intent, {fit} fit").format(
        intent=value_words("intent", trace["intent"]["level"]), fit=value_words("fit", fit)
    )
    who = handed_words(since, roster) if since is not None else _placed_words(trace, roster)
    return _("{what} → {route} → {who}").format(what=what, route=trace["route"]["name"], who=who)


def handed_words(one: Happened, roster: Roster) -> str:
    """How a lead changed hands, with the reason that was given."""
    by = _("the system")
    if one.actor.startswith("person:"):
        by = person_words(roster, one.actor.removeprefix("person:"))
    elif one.actor.startswith("user:"):
        by = one.actor.removeprefix("user:")
    words = _(HANDED[one.event]).format(by=by, owner=person_words(roster, one.details.get("owner")))
    reason = one.details.get("reason")
    return _("{words}: {reason}").format(words=words, reason=said_words(reason)) if reason else words


def _placed_words(trace: Mapping[str, Any], roster: Roster) -> str:
    result = trace["result"]
    if result["stage"] == "review":
        known = (Reason(code) for code in result["reasons"])
        return _(next((_TO_DECIDE[one] for one in known if one in _TO_DECIDE), N_("a person decides")))
    if result["owner"] is None:
        return _("nobody needs to act")
    if "owner" in trace:
        if trace["owner"]["covered_by"]:
            return _("{owner} is out").format(owner=person_words(roster, trace["owner"]["owner"]))
        of_account = trace["owner"]["of"] == "account"
        return _("owner of the account") if of_account else _("works another lead of the company")
    chosen = next((step for step in reversed(trace.get("pick", ())) if step.get("chosen")), None)
    if chosen is None:
        return _("had it already")
    text = _CHOSEN.get(Reason(chosen["by"]), N_("next in turn in the pool {pool}"))
    return _(text).format(pool=chosen["pool"])
