"""Why does a condition hold, or not? What was tested in words, with the values that were found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from leadlane.core.conditions import (
    All,
    Any_,
    Bounds,
    Condition,
    Not,
    Test,
    fields_of,
    fold,
    fold_text,
    holds,
    test_at,
)
from leadlane.explain.speech import value_words
from leadlane.i18n import _
from leadlane.policy.words import and_words, condition_words, field_words, or_words


@dataclass(frozen=True, slots=True)
class Facts:
    """What conditions were asked about: values as they are shown and, in `folded`, as they are compared."""

    shown: Mapping[str, Any]
    folded: Mapping[str, Any]
    zone: ZoneInfo  # that of the policy: it says what day an instant is
    currency: str = ""

    def words(self, field: str, value: Any) -> str:
        """A value of a field in words."""
        return value_words(field, value, self.zone, self.currency)


def facts_of(shown: Mapping[str, Any], zone: ZoneInfo, currency: str = "") -> Facts:
    """Facts from values as they are shown; missing values are None or not there."""
    return Facts(shown, fold(shown), zone, currency)


def holding_words(condition: Condition, facts: Facts) -> str:
    """The facts for which a condition holds; empty for one that tests nothing."""
    said = []
    for name in dict.fromkeys(fields_of(condition)):
        field = field_words(name)
        if name in facts.folded:
            found = facts.words(name, facts.shown[name])
            said.append(_("{field} is {found}").format(field=field, found=found))
        else:
            said.append(_("{field} is not known").format(field=field))
    return and_words(said)


def failure_words(condition: Condition, path: str, facts: Facts) -> str:
    """Why the part of a condition that `path` names does not hold for these facts."""
    # A path counts the parts of the whole condition; one that is a single test has only itself.
    part = test_at(condition, path) if isinstance(condition, All) else condition
    return _why_not(part, facts)


def _why_not(condition: Condition, facts: Facts) -> str:
    match condition:
        case Test():
            return _test_failure(condition, facts)
        case All(parts):
            return "; ".join(_why_not(p, facts) for p in parts if not holds(p, facts.folded, facts.zone))
        case Any_(parts):
            reasons = "; ".join(_why_not(part, facts) for part in parts)
            return _("none of several ways holds: {reasons}").format(reasons=reasons)
        case Not(part):
            return _("excluded by this: {condition}").format(condition=condition_words(part))


def _test_failure(test: Test, facts: Facts) -> str:
    field, value = field_words(test.field), facts.shown.get(test.field)
    if test.field not in facts.folded:
        return _("{field} is not known").format(field=field)
    found = facts.words(test.field, value)
    if test.negated or test.op in ("missing", "present"):
        return _unwanted(test, field, found, facts)
    match test.op:
        case "range":
            needed = bounds_words(test.field, test.value, facts)
            return _("{field} is {found}, {needed} needed").format(field=field, found=found, needed=needed)
        case "is":
            return _not_among(test, field, found, facts)
        case "any" | "all" | "none":
            return _tags_failure(test, field, found, facts)
        case "starts_with":
            text = _("{field} is {found}, which does not begin with {wanted}")
        case "ends_with":
            text = _("{field} is {found}, which does not end with {wanted}")
        case "contains":
            text = _("{field} is {found}, which does not contain {wanted}")
    return text.format(field=field, found=found, wanted=test.value)


def _unwanted(test: Test, field: str, found: str, facts: Facts) -> str:
    if test.op == "missing":
        return _("{field} is {found}, and must not be known").format(field=field, found=found)
    if test.op == "is":
        text = _("{field} is {found}, and must not be {wanted}")
        return text.format(field=field, found=found, wanted=facts.words(test.field, test.value))
    return _("{field} is {found}, which is excluded").format(field=field, found=found)


def _not_among(test: Test, field: str, found: str, facts: Facts) -> str:
    wanted = or_words(dict.fromkeys(facts.words(test.field, value) for value in test.value))
    return _("{field} is {found}, not {wanted}").format(field=field, found=found, wanted=wanted)


def _tags_failure(test: Test, field: str, found: str, facts: Facts) -> str:
    has = facts.folded[test.field]
    if test.op == "any":
        text, tags = _("{field} is {found}, with none of {tags}"), test.value
    elif test.op == "all":
        text = _("{field} is {found}, without {tags}")
        tags = tuple(tag for tag in test.value if fold_text(str(tag)) not in has)
    else:
        text = _("{field} is {found}, with {tags}, which is excluded")
        tags = tuple(tag for tag in test.value if fold_text(str(tag)) in has)
    return text.format(field=field, found=found, tags=facts.words(test.field, tags))


def bounds_words(field: str, bounds: Bounds, facts: Facts) -> str:
    """The bounds of a range: `at least 200`, `from 50 to 199`."""
    if bounds.min is not None and bounds.max is not None:
        low, high = facts.words(field, bounds.min), facts.words(field, bounds.max)
        return _("from {low} to {high}").format(low=low, high=high)
    texts = (
        (bounds.min, _("at least {bound}")),
        (bounds.above, _("more than {bound}")),
        (bounds.max, _("at most {bound}")),
        (bounds.below, _("less than {bound}")),
    )
    return and_words(
        text.format(bound=facts.words(field, bound)) for bound, text in texts if bound is not None
    )
