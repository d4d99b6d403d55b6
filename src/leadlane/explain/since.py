"""What has happened to a lead since it was routed? Its timeline, told line by line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from leadlane.core.facts import Roster
from leadlane.explain.explanation import Section, info
from leadlane.explain.reasons import reason_words
from leadlane.explain.speech import moment_words, person_words, signal_words
from leadlane.explain.standing import outcome_words, said_words, touch_words
from leadlane.i18n import N_, _
from leadlane.policy.words import number_words

# What a line of the timeline says. {by}, {who}, {to}, {cover} are people; the rest is as it was stored.
_SAYS = {
    "arrived": N_("It came in: {signals}."),
    "signal": N_("News came: {signals}."),
    "merged": N_("The same person came again; it became part of this lead."),
    "kept": N_("Routed again: {who} keeps it."),
    "accepted": N_("{by} accepted it."),
    "touched": N_("{by} logged: {kind}."),
    "planned": N_("{by} set the next step."),
    "declined": N_("{by} declined it. {reason}"),
    "disputed": N_("{by} says that this is wrong. {reason}"),
    "reassigned": N_("{by} handed it to {to}. {reason}"),
    "reviewed": N_("{by} placed it."),
    "closed": N_("{by} closed it as {outcome}."),
    "outcome_corrected": N_("{by} corrected how it ended: {was} → {ending}. {reason}"),
    "identified": N_("{by} said whose it is."),
    "joined": N_("{by} merged another lead into it. {reason}"),
    "merged_into": N_("{by} merged it into the lead {lead}. {reason}"),
    "split": N_("{by} took the lead {lead} out of it: somebody else. {reason}"),
    "split_off": N_("{by} made it a lead of its own. {reason}"),
    "served": N_("Somebody in the pool that it waited for became free."),
    "returned": N_("The owner is back and has it again."),
    "reminded": N_("A reminder went out."),
    "escalated": N_("The manager was told."),
    "handed_on": N_("Nobody acted in time, so it was handed on."),
    "step_skipped": N_("A step of the chase was skipped: {did}."),
    "assigned": N_("{who} has it."),
    "review": N_("It is in review with {who}."),
    "covering": N_("{cover} covers for {who}."),
    "uncovered": N_("Whoever has the lead is out, and nobody else can cover."),
    "nurture": N_("It is in a nurture program."),
    "disqualified": N_("It was disqualified."),
}


@dataclass(frozen=True, slots=True)
class Happened:
    """One line of a timeline: what, when (aware), by whom, and what else was noted of it."""

    event: str
    at: datetime
    actor: str
    details: Mapping[str, Any]


def since_section(timeline: Iterable[Happened], roster: Roster, zone: ZoneInfo) -> Section | None:
    """What happened, oldest first; None if nothing did. `roster` gives people their names."""
    lines = tuple(info(moment_words(one.at, zone, one.at), event_words(one, roster)) for one in timeline)
    return Section("since", _("What has happened since"), lines) if lines else None


def event_words(one: Happened, roster: Roster) -> str:
    """One line of a timeline in words; `roster` gives people their names."""
    details, signals = one.details, one.details.get("signals", ())
    text = _SAYS.get(one.event)
    if text is None:
        return one.event
    if one.event == "arrived" and not signals:
        return _("It came in.")
    return (
        _(text)
        .format(
            by=actor_words(one.actor, roster) or _("Somebody"),
            who=person_words(roster, details.get("owner")),
            to=person_words(roster, details.get("to")),
            cover=person_words(roster, details.get("covered_by")),
            kind=touch_words(details.get("kind", "")),
            outcome=outcome_words(details.get("outcome", "")),
            reason=said_words(details.get("reason", "")),
            signals=", ".join(map(signal_words, signals)),
            lead=details.get("lead", ""),
            did=reason_words(details["did"]) if "did" in details else "",
            was=_ending_words(details.get("was", {})),
            ending=_ending_words(details),
        )
        .strip()
    )


def _ending_words(ending: Mapping[str, Any]) -> str:
    """How a lead ended, in short: `won, 12 000, 2026-03-04 16:00 UTC`."""
    value, closed_at = ending.get("value"), ending.get("closed_at")
    said = [outcome_words(ending["outcome"]) if ending.get("outcome") else _("no outcome")]
    said += [number_words(value)] if value is not None else []
    said += [f"{datetime.fromisoformat(closed_at).astimezone(UTC):%Y-%m-%d %H:%M} UTC"] if closed_at else []
    return ", ".join(said)


def actor_words(actor: str, roster: Roster) -> str:
    """The name of whoever acted, as the timeline has them; "" where it was no person."""
    kind, _colon, name = actor.partition(":")
    if kind == "person":
        return person_words(roster, name)
    return name if kind == "user" else ""
