"""Does a condition hold? One tree of tests, compiled to a function that names the test that failed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

# Facts as conditions read them: text folded to one case, tags as sets of folded text. See `fold`.
Folded = Mapping[str, Any]
# Returns None when the condition holds, else the path of the first test that failed ("any.0.country").
Check = Callable[[Folded], str | None]

Op = Literal[
    "is", "range", "any", "all", "none", "starts_with", "ends_with", "contains", "missing", "present"
]


@dataclass(frozen=True, slots=True)
class Bounds:
    """`min`/`max` include the bound, `above`/`below` exclude it."""

    min: Any = None
    max: Any = None
    above: Any = None
    below: Any = None


@dataclass(frozen=True, slots=True)
class Test:
    """`field` against `value`: a tuple of values for is/any/all/none, `Bounds`, or a text.

    `negated` is `{not: TEST}`: the value is there and the test does not hold.
    """

    __test__ = False  # not a test case, whatever pytest thinks of the name

    field: str
    op: Op
    value: Any = None
    negated: bool = False


@dataclass(frozen=True, slots=True)
class All:
    """All parts hold."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Any_:
    """At least one part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part is known to fail: a missing value fails this as it fails `{not: TEST}`."""

    part: Condition


Condition = Test | All | Any_ | Not
ALWAYS = All(())

# Numbers as people write them in text; leading zeros make an identifier, not a number.
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?\Z")


def fold_text(text: str) -> str:
    """Text in the form in which it is compared: without regard to case; `12.0` and `12` alike."""
    folded = text.strip().casefold()
    if folded and (folded[0].isdigit() or folded[0] == "-") and "." in folded and _NUMBER.match(folded):
        return folded.rstrip("0").rstrip(".")
    return folded


def fold(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Facts in the form that conditions compare. Empty text and empty tag lists are missing."""
    folded: dict[str, Any] = {}
    for name, value in fields.items():
        if type(value) is str:
            value = fold_text(value)
            if value:
                folded[name] = value
        elif isinstance(value, (tuple, list, frozenset)):
            if value:
                folded[name] = frozenset(fold_text(tag) for tag in value)
        elif value is not None:
            folded[name] = value
    return folded


def fields_of(condition: Condition) -> Iterator[str]:
    """The names of the fields that a condition tests, in its order, repeats included."""
    for test in tests_of(condition):
        yield test.field


def tests_of(condition: Condition) -> Iterator[Test]:
    """Every test in a condition, in its order."""
    match condition:
        case Test():
            yield condition
        case All(parts) | Any_(parts):
            for part in parts:
                yield from tests_of(part)
        case Not(part):
            yield from tests_of(part)


def test_at(condition: Condition, path: str) -> Condition:
    """The part of a condition that a path of `compile_condition` names."""
    for step in path.split("/"):
        match condition:
            case All(parts) | Any_(parts) if step.isdigit():
                condition = parts[int(step)]
            case Not(part) if step == "not":
                condition = part
    return condition


def compile_condition(condition: Condition, zone: ZoneInfo) -> Check:
    """A function that tells whether folded facts fulfil `condition`.

    It returns None when the condition holds, else the path of the part that failed: indexes into
    the nested parts joined by "/", to be read with `test_at`. `zone` says what day an instant is.
    """
    holds = _compile(condition, zone)
    if isinstance(condition, All):
        return _first_failing([_compile(part, zone) for part in condition.parts])
    return lambda facts: None if holds(facts) else "0"


def holds(condition: Condition, facts: Folded, zone: ZoneInfo) -> bool:
    """Whether a condition holds; for one-off questions, `compile_condition` for many."""
    return _compile(condition, zone)(facts)


def _first_failing(parts: list[Callable[[Folded], bool]]) -> Check:
    if not parts:
        return lambda facts: None
    if len(parts) == 1:
        only = parts[0]
        return lambda facts: None if only(facts) else "0"
    numbered = tuple((str(i), part) for i, part in enumerate(parts))

    def check(facts: Folded) -> str | None:
        for path, part in numbered:
            if not part(facts):
                return path
        return None

    return check


def _compile(condition: Condition, zone: ZoneInfo) -> Callable[[Folded], bool]:
    match condition:
        case Test():
            return _compile_test(condition, zone)
        case All(parts):
            every = tuple(_compile(part, zone) for part in parts)
            return lambda facts: all(part(facts) for part in every)
        case Any_(parts):
            some = tuple(_compile(part, zone) for part in parts)
            return lambda facts: any(part(facts) for part in some)
        case Not(part):
            return _compile(_opposite(part), zone)


def _opposite(condition: Condition) -> Condition:
    """What holds where `condition` is known to fail.

    Moving `not` down to the tests makes both ways of writing it, `not: {country: DE}` and
    `country: {not: DE}`, mean the same for a lead without a country: neither holds.
    """
    match condition:
        case Not(part):
            return part
        case All(parts):
            return Any_(tuple(_opposite(part) for part in parts))
        case Any_(parts):
            return All(tuple(_opposite(part) for part in parts))
        case Test(op="present", negated=negated):
            return ALWAYS if negated else Test(condition.field, "missing")
        case Test(negated=negated):
            return replace(condition, negated=not negated)


def _compile_test(test: Test, zone: ZoneInfo) -> Callable[[Folded], bool]:
    name = test.field
    # `present` and `missing` are the only tests that a missing value may pass.
    if test.op == "missing":
        return (lambda facts: name in facts) if test.negated else (lambda facts: name not in facts)
    if test.op == "present":
        return lambda facts: name in facts and not test.negated
    passes = _value_test(test, zone)
    if test.negated:
        return lambda facts: (value := facts.get(name)) is not None and not passes(value)
    if test.op == "is" and not _has_dates(test.value):
        # The commonest test by far: membership in a set; None is in none of them.
        values = _folded_set(test.value)
        return lambda facts: facts.get(name) in values
    return lambda facts: (value := facts.get(name)) is not None and passes(value)


def _folded_set(values: tuple[Any, ...]) -> frozenset[Any]:
    """Values as facts have them, numbers both as numbers and as text: `12` and `"12"` are the same."""
    wanted: set[Any] = set()
    for value in values:
        folded = fold_text(value) if isinstance(value, str) else value
        wanted.add(folded)
        if isinstance(folded, str) and _NUMBER.match(folded):
            wanted.add(float(folded) if "." in folded else int(folded))
        elif isinstance(folded, (int, float)) and not isinstance(folded, bool):
            wanted.add(fold_text(str(folded)))
    return frozenset(wanted)


def _value_test(test: Test, zone: ZoneInfo) -> Callable[[Any], bool]:
    if test.op == "range":
        return _range_test(test.value, zone)
    if test.op in ("starts_with", "ends_with", "contains"):
        return _text_test(test.op, str(test.value).casefold())
    if test.op == "is" and _has_dates(test.value):
        days = tuple(one for one in test.value if isinstance(one, date))
        return lambda value: (
            isinstance(value, date) and any(_compare_times(value, one, zone) == 0 for one in days)
        )
    wanted = _folded_set(test.value)
    match test.op:
        case "is":
            return lambda value: value in wanted
        case "any":
            return lambda value: not wanted.isdisjoint(_tags(value))
        case "all":
            return lambda value: wanted <= _tags(value)
        case "none":
            return lambda value: wanted.isdisjoint(_tags(value))
    raise ValueError(f"unknown operator {test.op!r}")


def _tags(value: Any) -> frozenset[Any]:
    return value if isinstance(value, frozenset) else frozenset((value,))


def _text_test(op: str, wanted: str) -> Callable[[Any], bool]:
    if op == "starts_with":
        return lambda value: isinstance(value, str) and value.startswith(wanted)
    if op == "ends_with":
        return lambda value: isinstance(value, str) and value.endswith(wanted)
    return lambda value: isinstance(value, str) and wanted in value


def _range_test(bounds: Bounds, zone: ZoneInfo) -> Callable[[Any], bool]:
    """What cannot be compared with the bounds is not inside: custom attributes of people have any type."""
    low, high, above, below = bounds.min, bounds.max, bounds.above, bounds.below
    if _has_dates((low, high, above, below)):
        return _time_range_test(bounds, zone)

    def inside(value: Any) -> bool:
        try:
            return (
                (low is None or value >= low)
                and (high is None or value <= high)
                and (above is None or value > above)
                and (below is None or value < below)
            )
        except TypeError:
            return False

    return inside


def _time_range_test(bounds: Bounds, zone: ZoneInfo) -> Callable[[Any], bool]:
    def inside(value: Any) -> bool:
        return isinstance(value, date) and (
            (bounds.min is None or _compare_times(value, bounds.min, zone) >= 0)
            and (bounds.max is None or _compare_times(value, bounds.max, zone) <= 0)
            and (bounds.above is None or _compare_times(value, bounds.above, zone) > 0)
            and (bounds.below is None or _compare_times(value, bounds.below, zone) < 0)
        )

    return inside


def _has_dates(values: tuple[Any, ...]) -> bool:
    return any(isinstance(value, date) for value in values)


def _compare_times(value: date, wanted: date, zone: ZoneInfo) -> int:
    """-1, 0 or 1. Instants compare as instants; where either side is a plain date, as days in `zone`."""
    if not (isinstance(value, datetime) and isinstance(wanted, datetime)):
        value, wanted = _day(value, zone), _day(wanted, zone)
    return (value > wanted) - (value < wanted)


def _day(moment: date, zone: ZoneInfo) -> date:
    return moment.astimezone(zone).date() if isinstance(moment, datetime) else moment
