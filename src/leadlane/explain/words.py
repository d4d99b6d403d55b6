"""Why did this lead come to this person? A stored decision, told from beginning to end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from leadlane.core.facts import Lead, Roster
from leadlane.core.policy import Policy
from leadlane.explain.explanation import Explanation, Line, Section, info
from leadlane.explain.judged import (
    fit_section,
    known_section,
    likeness_section,
    market_section,
    route_section,
    signals_section,
)
from leadlane.explain.nearest import Change
from leadlane.explain.people import owner_section, pool_section, promise_section
from leadlane.explain.reasons import reason_words
from leadlane.explain.speech import destination_words
from leadlane.explain.story import Story
from leadlane.i18n import _


def explain(
    policy: Policy,
    roster: Roster,
    lead: Lead,
    account_name: str | None,
    trace: Mapping[str, Any],
    zone: ZoneInfo,
    changes: Sequence[Change] = (),
) -> Explanation:
    """A decision in words, in the language of the context and with moments in `zone`.

    `policy`, `roster` and `lead` are those of the decision (the lead as it stood then, what came
    with its news merged in); `trace` is `Decision.trace`, as made or as read back from JSON;
    `changes` is what `nearest` found.
    """
    story = Story(policy, roster, lead, account_name, trace, zone)
    return Explanation(lead.id, _summary(story), tuple(_sections(story, changes)))


def _sections(story: Story, changes: Sequence[Change]) -> Iterator[Section]:
    yield known_section(story)
    if likeness := likeness_section(story):
        yield likeness
    yield signals_section(story)
    yield fit_section(story)
    yield market_section(story)
    yield route_section(story)
    for step in story.trace.get("pick", ()):
        yield pool_section(story, step)
    if "owner" in story.trace:
        yield owner_section(story)
    if notes := _notes(story):
        yield Section("notes", _("What else is to be known"), notes)
    yield promise_section(story)
    if changes:
        lines = tuple(info(change.words) for change in changes)
        yield Section("nearest", _("What would have changed it"), lines)


def _notes(story: Story) -> tuple[Line, ...]:
    return tuple(info(reason_words(code)) for code in story.trace["result"]["reasons"])


def _summary(story: Story) -> str:
    result = story.trace["result"]
    due = (story.trace.get("promise") or {}).get("respond_by")
    values = {
        "name": story.person(result["owner"]),
        "cover": story.person(result["covered_by"]),
        "route": story.route.name,
        "destination": destination_words(story.route),
        "due": story.moment(due) if due else "",
    }
    if result["outcome"] == "merged":
        return _("{name} has this lead, and the news changes nothing about that.").format(**values)
    if result["owner"] is None:
        return _placed_without_person(story).format(**values)
    return _placed_with_person(result, promised=due is not None).format(**values)


def _placed_without_person(story: Story) -> str:
    if story.trace["result"]["stage"] == "closed":
        return _("This lead is not pursued: {route} → {destination}.")
    if story.trace["result"]["stage"] == "nurture":
        return _("Nobody needs to call: {route} → {destination}.")
    return _("Nobody has this lead: {route} → {destination}, but there is nobody to decide.")


def _placed_with_person(result: Mapping[str, Any], *, promised: bool) -> str:
    match result, promised:
        case {"stage": "review"}, True:
            return _("{name} decides about this lead: {route} → {destination}, respond by {due}.")
        case {"stage": "review"}, False:
            return _("{name} decides about this lead: {route} → {destination}.")
        case {"outcome": "kept"}, True:
            return _("{name} keeps this lead: {route} → {destination}, respond by {due}.")
        case {"outcome": "kept"}, False:
            return _("{name} keeps this lead: {route} → {destination}.")
        case {"covered_by": str()}, True:
            return _("{name} owns this lead and {cover} covers: {route} → {destination}, respond by {due}.")
        case {"covered_by": str()}, False:
            return _("{name} owns this lead and {cover} covers: {route} → {destination}.")
        case _rest, True:
            return _("{name} has this lead: {route} → {destination}, respond by {due}.")
        case _:
            return _("{name} has this lead: {route} → {destination}.")
