"""What does a written condition mean? From `field: test` to the tree that `leadlane.core.conditions` runs.

Everything that could be silently "no match" at run time is refused here: unknown fields and operators,
tests that do not fit the type of the field, values outside a closed set, bounds that nothing meets.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from leadlane.core.conditions import All, Any_, Bounds, Condition, Not, Op, Test
from leadlane.core.facts import FieldSpec
from leadlane.i18n import _
from leadlane.policy.problems import Code, Finding, quoted
from leadlane.policy.values import (
    countries,
    country_meant,
    did_you_mean,
    language_meant,
    languages,
    parse_day,
    parse_moment,
)
from leadlane.policy.yaml import Path

BOUNDS = ("min", "max", "above", "below")
TAG_TESTS = ("any", "all", "none")
TEXT_TESTS = ("starts_with", "ends_with", "contains")
OPERATORS = (*BOUNDS, *TAG_TESTS, *TEXT_TESTS, "missing", "present", "not")
CONNECTIVES = ("any", "all", "not")
_NUMBER = re.compile(r"[-+]?[0-9]{1,20}(?:\.[0-9]{1,40})?")


class ClosedSet(NamedTuple):
    """The values that a field can have, and what they are called in a message."""

    values: tuple[str, ...]
    expected: str


@dataclass(frozen=True, slots=True)
class Scope:
    """What a condition may speak of.

    `fields` are the fields it may test; `too_early` says of others what to use instead; `closed` has the
    fields with a closed set of values; `open` accepts fields that nobody declared (attributes of people,
    which only a roster knows). `zone` is that of local date-times.
    """

    fields: Mapping[str, FieldSpec]
    too_early: Mapping[str, str] = field(default_factory=dict)
    closed: Mapping[str, ClosedSet] = field(default_factory=dict)
    open: bool = False
    zone: str = "UTC"


Report = Callable[[Finding], None]


class _Refused(Exception):
    """A part was reported and has no meaning; the rest is still read, for its own problems."""


def read_condition(data: Any, path: Path, scope: Scope, report: Report) -> Condition | None:
    """The condition written as `data`, a mapping; None when anything in it was reported as an error."""
    return _Reading(scope, report).condition(data, path, top=True)


@dataclass(frozen=True, slots=True)
class _Reading:
    """Reads one condition; `report` hears of every problem in it."""

    scope: Scope
    report: Report

    def condition(self, data: Any, path: Path, top: bool = False) -> Condition | None:
        if not isinstance(data, dict):
            self.error(path, "wrong_type", quoted(data), _("a condition: `field: test`"))
            return None
        if not data:
            expected = _("at least one test; leave the key out for a condition that holds always")
            self.error(path, "empty_condition", _("an empty condition"), expected)
            return None
        parts = [self.part(key, value, (*path, key)) for key, value in data.items()]
        whole = tuple(part for part in parts if part is not None)
        if len(whole) < len(parts):
            return None
        return whole[0] if len(whole) == 1 and not top else All(whole)

    def part(self, key: str, value: Any, path: Path) -> Condition | None:
        match key:
            case "not":
                inner = self.condition(value, path)
                return None if inner is None else Not(inner)
            case "any" | "all":
                return self.several(key, value, path)
        spec = self.field_spec(key, path)
        try:
            return self.test(spec, value, path) if spec else None
        except _Refused:
            return None

    def several(self, key: str, value: Any, path: Path) -> Condition | None:
        if not isinstance(value, list):
            self.error(path, "wrong_type", quoted(value), _("a list of conditions"))
            return None
        if not value:
            self.error(path, "empty_condition", _("an empty list"), _("at least one condition"))
            return None
        parts = [self.condition(item, (*path, i)) for i, item in enumerate(value)]
        whole = tuple(part for part in parts if part is not None)
        if len(whole) < len(parts):
            return None
        return Any_(whole) if key == "any" else All(whole)

    def field_spec(self, name: str, path: Path) -> FieldSpec | None:
        if name in self.scope.fields:
            return self.scope.fields[name]
        found = _("the field {name}").format(name=quoted(name))
        if name in self.scope.too_early:
            self.error(path, "field_too_early", found, self.scope.too_early[name], at_key=True)
            return None
        if self.scope.open:
            return FieldSpec(name, "text")
        meant = did_you_mean(name, [*self.scope.fields, *CONNECTIVES])
        expected = _("a field that there is")
        if name in OPERATORS:
            expected, meant = _("the name of a field, and then the test"), ""
        found = _("the unknown field {name}").format(name=quoted(name))
        self.error(path, "unknown_field", found, expected, meant, at_key=True)
        return None

    # ------------------------------------------------------------- tests

    def test(self, spec: FieldSpec, value: Any, path: Path) -> Test:
        match value:
            case dict():
                return self.operator_test(spec, value, path)
            case list():
                self.refuse_tags(spec, path, _("a list"))
                if not value:
                    found = _("an empty list, which never holds")
                    self.warn(path, "never_holds", found, _("at least one value"))
                return Test(spec.name, "is", self.literals(spec, value, path))
            case None:
                expected = _("a test; for a value that is not there, write {test}")
                expected = expected.format(test="`{missing: true}`")
                raise self.refused(path, "unfit_test", _("nothing"), expected)
            case _scalar:
                self.refuse_tags(spec, path, quoted(value))
                return Test(spec.name, "is", self.literals(spec, [value], path, whole=path))

    def operator_test(self, spec: FieldSpec, tests: dict[str, Any], path: Path) -> Test:
        if not tests:
            raise self.refused(path, "empty_condition", _("an empty test"), " | ".join(OPERATORS))
        unknown = [key for key in tests if key not in OPERATORS]
        for key in unknown:
            found = _("the unknown test {name}").format(name=quoted(key))
            meant = did_you_mean(key, OPERATORS)
            self.error((*path, key), "unknown_operator", found, " | ".join(OPERATORS), meant, True)
        if unknown:
            raise _Refused
        if set(tests) <= set(BOUNDS):
            return self.range_test(spec, tests, path)
        if len(tests) > 1:
            found = _("several tests in one: {tests}").format(tests=", ".join(tests))
            raise self.refused(path, "unfit_test", found, _("one test; combine them with `all:` or `any:`"))
        ((operator, value),) = tests.items()
        path = (*path, operator)
        match operator:
            case "any" | "all" | "none":
                return self.tags_test(spec, operator, value, path)
            case "starts_with" | "ends_with" | "contains":
                return self.text_test(spec, operator, value, path)
            case "not":
                return self.negated(self.test(spec, value, path), path)
        return self.presence_test(spec, operator, value, path)

    def range_test(self, spec: FieldSpec, tests: dict[str, Any], path: Path) -> Test:
        if spec.type not in ("number", "date") and not self.is_open(spec):
            expected = _("a test of {type}; bounds are for numbers and dates")
            expected = expected.format(type=type_words(spec.type))
            raise self.refused(path, "unfit_test", _("bounds"), expected)
        bounds = {key: self.bound(spec, value, (*path, key)) for key, value in tests.items()}
        if impossible(bounds):
            expected = _("a lower bound below the upper one")
            raise self.refused(path, "impossible_test", _("bounds that no value can meet"), expected)
        return Test(spec.name, "range", Bounds(**bounds))

    def bound(self, spec: FieldSpec, value: Any, path: Path) -> Any:
        if self.is_open(spec):
            spec = FieldSpec(spec.name, "date" if isinstance(value, str) and not _number(value) else "number")
        return self.literal(spec, value, path)

    def tags_test(self, spec: FieldSpec, operator: Op, value: Any, path: Path) -> Test:
        if spec.type != "tags" and not self.is_open(spec):
            expected = _("a value or a list of values: {name} is {type}, not a list of words")
            expected = expected.format(name=spec.name, type=type_words(spec.type))
            found = _("the test {name}").format(name=quoted(operator))
            raise self.refused(path, "unfit_test", found, expected)
        if not isinstance(value, list):
            expected = _("a list, as in {example}").format(example=f"{{{operator}: [{value}]}}")
            raise self.refused(path, "unfit_test", quoted(value), expected)
        if not value:
            self.warn(path, "never_holds", _("an empty list"), _("at least one value"))
        return Test(spec.name, operator, self.literals(spec, value, path))

    def text_test(self, spec: FieldSpec, operator: Op, value: Any, path: Path) -> Test:
        if spec.type not in ("text", "choice"):
            expected = _("a test of {type}").format(type=type_words(spec.type))
            found = _("the test {name}").format(name=quoted(operator))
            raise self.refused(path, "unfit_test", found, expected)
        if isinstance(value, bool) or not isinstance(value, (str, int, float)) or not str(value).strip():
            raise self.refused(path, "unfit_test", quoted(value), _("a text that is not empty"))
        return Test(spec.name, operator, str(value).strip())

    def presence_test(self, spec: FieldSpec, operator: str, value: Any, path: Path) -> Test:
        if not isinstance(value, bool):
            raise self.refused(path, "unfit_test", quoted(value), "true | false")
        return Test(spec.name, "missing" if (operator == "missing") is value else "present")

    def negated(self, test: Test, path: Path) -> Test:
        """`{not: TEST}`: the value is there and the test does not hold."""
        if test.op == "missing":
            return Test(test.field, "present")
        if test.op == "present":
            found = _("a test that never holds: there and not there")
            raise self.refused(path, "impossible_test", found, _("`{missing: true}`"))
        return Test(test.field, test.op, test.value, not test.negated)

    # ------------------------------------------------------------- values

    def literals(
        self, spec: FieldSpec, values: list[Any], path: Path, whole: Path | None = None
    ) -> tuple[Any, ...]:
        """Every value that can be read; raises when one could not, after having reported all of them.

        `whole` is the place of a single value that does not stand in a list.
        """
        read: list[Any] = []
        for i, value in enumerate(values):
            try:
                read.append(self.literal(spec, value, whole or (*path, i)))
            except _Refused:
                continue
        if len(read) < len(values):
            raise _Refused
        if self.is_open(spec):
            # Whether the attribute holds numbers or text only a roster can say: either is to match.
            read += [other for value in read if (other := _other_form(value)) is not None]
        return tuple(read)

    def literal(self, spec: FieldSpec, value: Any, path: Path) -> Any:
        if self.is_open(spec):
            return value if isinstance(value, (bool, int, float)) else self.word(spec, value, path)
        match spec.type:
            case "number":
                if (number := _number(value)) is not None:
                    return number
            case "boolean":
                if isinstance(value, bool):
                    return value
            case "date":
                written = value if isinstance(value, str) else ""
                if moment := parse_day(written) or parse_moment(written, self.scope.zone):
                    return moment
            case _words:
                return self.word(spec, value, path)
        expected = _("{type}, which {name} is").format(type=type_words(spec.type), name=spec.name)
        meant = {"yes": "true", "on": "true", "no": "false", "off": "false"}.get(str(value).lower(), "")
        meant = meant if spec.type == "boolean" else ""
        raise self.refused(path, "unfit_test", quoted(value), expected, meant)

    def word(self, spec: FieldSpec, value: Any, path: Path) -> str:
        """A text as it is compared: numbers as they would be written."""
        if isinstance(value, bool):
            raise self.refused(path, "unfit_test", quoted(value), _("text"), f'"{quoted(value)}"')
        if isinstance(value, (int, float)) and _number(value) is not None:
            value = str(_number(value))
        if not isinstance(value, str) or not value.strip():
            raise self.refused(path, "unfit_test", quoted(value), _("text that is not empty"))
        self.known_value(spec, value, path)
        return value

    def known_value(self, spec: FieldSpec, value: str, path: Path) -> None:
        """Refuses a value outside the closed set of its field: it could never match."""
        folded = value.strip().casefold()
        if spec.name == "country" and folded.upper() not in countries():
            expected = _("a country code (ISO 3166 alpha-2)")
            raise self.refused(path, "unknown_value", quoted(value), expected, country_meant(value))
        if spec.name in ("language", "languages") and folded not in languages():
            expected = _("a language code (ISO 639-1)")
            raise self.refused(path, "unknown_value", quoted(value), expected, language_meant(value))
        closed = self.scope.closed.get(spec.name)
        if closed is None and spec.type == "choice":
            closed = ClosedSet(spec.values, " | ".join(spec.values))
        if closed and folded not in {known.strip().casefold() for known in closed.values}:
            meant = did_you_mean(value, closed.values)
            raise self.refused(path, "unknown_value", quoted(value), closed.expected, meant)

    # ------------------------------------------------------------- reporting

    def is_open(self, spec: FieldSpec) -> bool:
        return self.scope.open and spec.name not in self.scope.fields

    def refuse_tags(self, spec: FieldSpec, path: Path, found: str) -> None:
        if spec.type == "tags":
            expected = _("write {example}: {name} is a list of words")
            expected = expected.format(example="`{any: [..]}`", name=spec.name)
            raise self.refused(path, "unfit_test", found, expected)

    def refused(self, path: Path, code: Code, found: str, expected: str, meant: str = "") -> _Refused:
        self.error(path, code, found, expected, meant)
        return _Refused()

    def error(
        self, path: Path, code: Code, found: str, expected: str, meant: str = "", at_key: bool = False
    ) -> None:
        self.report(Finding(path, code, found, expected, meant, at_key=at_key))

    def warn(self, path: Path, code: Code, found: str, expected: str) -> None:
        self.report(Finding(path, code, found, expected, severity="warning"))


def type_words(type_: str) -> str:
    """A type of field as it is called in a message."""
    words = {
        "text": _("a text"),
        "number": _("a number"),
        "boolean": _("true or false"),
        "date": _("a date"),
        "tags": _("a list of words"),
        "choice": _("one of a closed set of values"),
    }
    return words[type_]


def impossible(bounds: Mapping[str, Any]) -> bool:
    """Whether no value lies within the bounds; date-times are compared with dates by their day."""
    lows = [(bounds[key], key == "above") for key in ("min", "above") if bounds.get(key) is not None]
    highs = [(bounds[key], key == "below") for key in ("max", "below") if bounds.get(key) is not None]
    return any(
        _order(low, high) > 0 or (_order(low, high) == 0 and (above or below))
        for low, above in lows
        for high, below in highs
    )


def _order(a: Any, b: Any) -> int:
    if isinstance(a, datetime) != isinstance(b, datetime) and isinstance(a, date) and isinstance(b, date):
        a, b = (moment.date() if isinstance(moment, datetime) else moment for moment in (a, b))
    try:
        return int(a > b) - int(a < b)
    except TypeError:
        return 0  # an undeclared attribute compared with a number and a date; the roster will tell


def _other_form(value: Any) -> Any:
    """The text of a number, or the number that a text says; None when there is no other form."""
    number = _number(value)
    return number if isinstance(value, str) or number is None else str(number)


def _number(value: Any) -> int | float | None:
    """A finite number from a number or its text; whole ones as integers."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, str) and not _NUMBER.fullmatch(value.strip()):
        return None
    number = float(value) if isinstance(value, str) else value
    if abs(number) > 2**53 or not math.isfinite(number):
        return None
    return int(number) if number == int(number) else number
