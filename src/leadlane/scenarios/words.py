"""How is a step, and what went wrong in it, said to the person who wrote it?"""

from __future__ import annotations

from typing import Any

from babel.dates import format_datetime

from leadlane.i18n import _, current_language, ngettext
from leadlane.policy.words import and_words
from leadlane.scenarios.facts import Mismatch
from leadlane.scenarios.read import Step


def step_words(step: Step) -> str:
    """`step 3, Mon 2 Mar 2026, 10:30: anna accepts L1`."""
    moment = format_datetime(step.moment, "EEE d MMM y, HH:mm", locale=current_language())
    values = {"n": step.number, "moment": moment, "action": action_words(step.action, step.given)}
    if step.refused:
        return _("step {n}, {moment}, to be refused: {action}").format(**values)
    return _("step {n}, {moment}: {action}").format(**values)


def action_words(action: str | None, given: Any) -> str:
    """What happens in a step, in a few words."""
    if action is None:
        return _("time has passed")
    if action in ("lead", "leads", "person", "publish"):
        return _of_mapping(action, given)
    values = {name: "–" if value in (None, "") else value for name, value in given.model_dump().items()}
    return _templates()[action].format(**values)


def _of_mapping(action: str, given: Any) -> str:
    match action:
        case "lead":
            return _("lead {id} comes in").format(id=given["id"])
        case "leads":
            ids = and_words(one["id"] for one in given)
            return ngettext("lead {ids} comes in", "leads {ids} come in together", len(given)).format(ids=ids)
        case "person":
            changes = and_words(key for key in given if key != "id")
            return _("{person} is changed: {changes}").format(person=given["id"], changes=changes)
    return _("a policy is published, with changes in {sections}").format(sections=and_words(given))


def _templates() -> dict[str, str]:
    return {
        "signal": _("signal {name} for {lead}"),
        "accept": _("{by} accepts {lead}"),
        "decline": _("{by} declines {lead} (reason: {reason})"),
        "dispute": _("{by} says that {lead} is wrong (reason: {reason})"),
        "touch": _("{by} touches {lead} ({kind})"),
        "reassign": _("{by} gives {lead} to {to}"),
        "review": _("{by} decides that {lead} goes to {to}"),
        "close": _("{lead} is closed: {outcome}"),
        "identify": _("{by} says that {lead} is of the account {account}"),
        "merge": _("{by} says that {lead} and {other} are the same prospect"),
        "split": _("{by} says that {lead} and {other} are not the same prospect"),
        "away": _("{person} is away until {until}"),
        "outage": _("Leadlane is down until {until}"),
    }


def mismatch_words(mismatch: Mismatch) -> str:
    """`owner of L1: expected boris, found anna`."""
    values = {"what": mismatch.what, "expected": mismatch.expected, "found": mismatch.found}
    return _("{what}: expected {expected}, found {found}").format(**values)
