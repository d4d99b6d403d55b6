"""What is different between two policies, in words?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from leadlane.core.facts import INTENTS
from leadlane.core.policy import Policy
from leadlane.i18n import _
from leadlane.policy.words import (
    condition_words,
    destination_words,
    duration_words,
    members_words,
    method_words,
    number_words,
    or_words,
    pairs_words,
    period_words,
    signal_words,
    step_words,
    value_words,
)

# What is said of each row of a section: by its name, what each of its properties is in words.
Said = dict[str, dict[str, str]]


Kind = Literal["added", "removed", "moved", "changed"]


@dataclass(frozen=True, slots=True)
class Change:
    """A difference of two policies, in words.

    `section` is the key of its section in YAML, `name` that of the row; "" for what stands in none.
    """

    section: str
    name: str
    kind: Kind
    words: str


def diff(old: Policy, new: Policy) -> list[str]:
    """Every difference of two policies as a sentence, in the order of a policy; [] when they say the same."""
    return [change.words for change in changes(old, new)]


def changes(old: Policy, new: Policy) -> list[Change]:
    """Every difference of two policies, in the order of a policy; [] when they say the same."""
    found = [
        Change("", "", "changed", words) for words in _changed(_("policy"), _general(old), _general(new))
    ]
    for (key, what, before, ordered), (*_same, after, _ordered) in zip(
        _sections(old), _sections(new), strict=True
    ):
        found += [
            Change(key, name, kind, words)
            for name, kind, words in _section_changes(what, before, after, ordered)
        ]
    return found


def _section_changes(what: str, old: Said, new: Said, ordered: bool) -> list[tuple[str, Kind, str]]:
    changes: list[tuple[str, Kind, str]] = [
        (name, "removed", _("{what} “{name}” removed").format(what=what, name=name))
        for name in old
        if name not in new
    ]
    moved = _moved(list(old), list(new)) if ordered else set()
    names = list(new)
    for i, name in enumerate(names):
        following = names[i + 1] if ordered and i + 1 < len(names) else None
        if name not in old:
            changes.append((name, "added", _added(what, name, following, ordered)))
            continue
        if name in moved:
            changes.append((name, "moved", _moved_words(what, name, following)))
        title = _("{what} “{name}”").format(what=what, name=name)
        changes += [(name, "changed", words) for words in _changed(title, old[name], new[name])]
    return changes


def _added(what: str, name: str, following: str | None, ordered: bool) -> str:
    if following is not None:
        return _("{what} “{name}” added before “{other}”").format(what=what, name=name, other=following)
    text = _("{what} “{name}” added at the end") if ordered else _("{what} “{name}” added")
    return text.format(what=what, name=name)


def _moved_words(what: str, name: str, following: str | None) -> str:
    if following is not None:
        return _("{what} “{name}” moved before “{other}”").format(what=what, name=name, other=following)
    return _("{what} “{name}” moved to the end").format(what=what, name=name)


def _moved(old: Sequence[str], new: Sequence[str]) -> set[str]:
    """The rows of both whose place among the others changed: all but the longest run that kept its order."""
    before = [name for name in old if name in new]
    after = [name for name in new if name in old]
    blocks = SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
    stayed = {name for block in blocks for name in after[block.b : block.b + block.size]}
    return set(after) - stayed


def _changed(title: str, old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """The properties that differ; an empty one is said as a dash."""
    return [
        _("{title}: {label} {old} → {new}").format(
            title=title, label=label, old=before or "–", new=after or "–"
        )
        for label in dict.fromkeys([*old, *new])
        if (before := old.get(label, "")) != (after := new.get(label, ""))
    ]


# ---------------------------------------------------------------- what there is to say


def _general(policy: Policy) -> dict[str, str]:
    low, high = policy.limits.automation_share
    levels = {
        _("intent {level}").format(level=value_words("intent", level)): or_words(
            signal_words(item) for item in policy.intent[level]
        )
        for level in INTENTS
    }
    return {
        _("name"): policy.name,
        _("currency"): policy.currency,
        _("time zone"): policy.timezone,
        _("signals count for"): duration_words(policy.counts_for),
        **levels,
        _("strong from"): number_words(policy.strong_at),
        _("reassignments before review"): str(policy.limits.reassignments),
        _("matching: sure from"): number_words(policy.matching.sure_from),
        _("matching: unsure from"): number_words(policy.matching.unsure_from),
        _("automation share"): f"{number_words(low)}–{number_words(high)}",
    }


def _sections(policy: Policy) -> list[tuple[str, str, Said, bool]]:
    """Each section: its key, what its rows are called, what they say, and whether their order counts."""
    return [
        ("fields", _("field"), _fields(policy), False),
        ("fit", _("fit row"), _fit(policy), False),
        ("segments", _("segment"), _segments(policy), True),
        ("deal_value", _("deal value"), _deal_values(policy), True),
        ("deal_bands", _("deal band"), _deal_bands(policy), True),
        ("routes", _("route"), _routes(policy), True),
        ("pools", _("pool"), _pools(policy), False),
        (
            "programs",
            _("program"),
            {p.name: {_("description"): p.description} for p in policy.programs.values()},
            False,
        ),
        ("service_levels", _("service level"), _service_levels(policy), True),
        ("chases", _("chase"), _chases(policy), False),
    ]


def _fields(policy: Policy) -> Said:
    return {
        spec.name: {_("type"): spec.type, _("values"): or_words(spec.values)}
        for spec in policy.fields.values()
    }


def _fit(policy: Policy) -> Said:
    return {
        row.name: {_("condition"): condition_words(row.when), _("points"): number_words(row.points)}
        for row in policy.fit
    }


def _segments(policy: Policy) -> Said:
    return {
        row.name: {
            _("condition"): condition_words(row.when),
            _("team"): row.team or "",
            _("description"): row.description,
        }
        for row in policy.segments
    }


def _deal_values(policy: Policy) -> Said:
    # The rows have no names; what they are for is what they ask.
    return {condition_words(row.when): {_("value"): number_words(row.value)} for row in policy.deal_values}


def _deal_bands(policy: Policy) -> Said:
    return {band.name: {_("condition"): condition_words(band.when)} for band in policy.deal_bands}


def _routes(policy: Policy) -> Said:
    return {
        route.name: {
            _("condition"): condition_words(route.when),
            _("destination"): destination_words(route.kind, route.target),
            _("service level"): route.service_level or "",
            _("next step"): route.next_step or "",
            _("days"): period_words(route.first_day, route.last_day),
            _("description"): route.description,
        }
        for route in policy.routes
    }


def _pools(policy: Policy) -> Said:
    return {
        pool.name: {
            _("members"): members_words(pool),
            _("must match"): pairs_words(pool.require),
            _("prefers"): pairs_words(pool.prefer),
            _("method"): method_words(pool.method),
            _("backup pool"): pool.backup_pool or "",
            _("description"): pool.description,
        }
        for pool in policy.pools.values()
    }


def _programs(policy: Policy) -> Said:
    return {program.name: {_("description"): program.description} for program in policy.programs.values()}


def _service_levels(policy: Policy) -> Said:
    return {
        level.name: {
            _("condition"): condition_words(level.when),
            _("respond within"): duration_words(level.respond_within),
            _("chase"): level.chase or "",
            _("description"): level.description,
        }
        for level in policy.service_levels
    }


def _chases(policy: Policy) -> Said:
    return {name: {_("steps"): "; ".join(map(step_words, steps))} for name, steps in policy.chases.items()}
