"""Can this condition ever hold, and does an earlier one always win over it? Never a false alarm.

The values of each field are cut into cells on which every test of the section at hand is constant: between
two bounds, one word, any other word. Their product is a space of cells; a condition is the set of cells in
which it holds, and a set is an integer with a bit for each cell. What cannot be cut (too many cells) is
bounded from both sides: the cells where a condition possibly holds, and those where it certainly does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import combinations, pairwise, product
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from leadlane.core.conditions import (
    All,
    Any_,
    Condition,
    Not,
    Test,
    compile_condition,
    fields_of,
    fold_text,
    tests_of,
)
from leadlane.core.facts import FieldSpec
from leadlane.policy.conditions import BOUNDS, TEXT_TESTS

MAX_CELLS = 300_000
MAX_FREE_CHOICES = 8
_UTC = ZoneInfo("UTC")
_OTHER = "\0any other word"


class Missing(NamedTuple):
    """The cell of a value that is not there."""


class Text(NamedTuple):
    """The cell of all texts of which these tests (operator, value) hold, and no others that are asked."""

    true: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Domain:
    """The values that a field can have: `values` if they are a closed set; `always` if never missing."""

    spec: FieldSpec
    values: tuple[str, ...] | None = None
    always: bool = False


class Sets(NamedTuple):
    """The cells where a condition possibly holds, and those where it certainly does."""

    possible: int
    certain: int


class Space:
    """The product of the cells of the fields that some conditions test."""

    def __init__(self, conditions: Iterable[Condition], domains: Mapping[str, Domain]) -> None:
        tests: dict[str, list[Test]] = {}
        for condition in conditions:
            for test in tests_of(condition):
                tests.setdefault(test.field, []).append(test)
        cut = {name: cells for name in tests if (cells := _cells(domains[name], tests[name]))}
        self.cells: dict[str, list[Any]] = {}
        self.strides: dict[str, int] = {}
        self.size = 1
        for name in sorted(cut, key=lambda name: len(cut[name])):
            if self.size * len(cut[name]) > MAX_CELLS:
                break
            self.cells[name], self.strides[name] = cut[name], self.size
            self.size *= len(cut[name])
        self.whole = (1 << self.size) - 1
        self.exact = len(self.cells) == len(tests)

    def sets(self, condition: Condition, opposite: bool = False) -> Sets:
        """Where the condition holds; with `opposite`, where it is known to fail, as `Not` asks."""
        match condition:
            case Test():
                return self._of_test(condition, opposite)
            case Not(part):
                return self.sets(part, not opposite)
            case All(parts) | Any_(parts):
                sets = [self.sets(part, opposite) for part in parts]
                # That not all hold is that one of them fails, and the other way round.
                if isinstance(condition, All) is not opposite:
                    return Sets(
                        _all(self.whole, (each.possible for each in sets)),
                        _all(self.whole, (each.certain for each in sets)),
                    )
                return Sets(_any(each.possible for each in sets), _any(each.certain for each in sets))

    def _of_test(self, test: Test, opposite: bool) -> Sets:
        if test.field not in self.cells:
            return Sets(self.whole, 0)
        holds_in = _holder(test, opposite)
        chosen = [i for i, cell in enumerate(self.cells[test.field]) if holds_in(cell)]
        return Sets(*[self._slab(test.field, chosen)] * 2)

    def _slab(self, name: str, chosen: Sequence[int]) -> int:
        """The cells of the space in which a field lies in one of the chosen cells of its own."""
        stride, count = self.strides[name], len(self.cells[name])
        slab = _any(((1 << stride) - 1) << (i * stride) for i in chosen)
        period = stride * count
        # The pattern, repeated over the whole space by one multiplication.
        return slab * (self.whole // ((1 << period) - 1))


def _all(whole: int, sets: Iterable[int]) -> int:
    for cells in sets:
        whole &= cells
    return whole


def _any(sets: Iterable[int]) -> int:
    union = 0
    for cells in sets:
        union |= cells
    return union


# ---------------------------------------------------------------- cells


def _cells(domain: Domain, tests: Sequence[Test]) -> list[Any]:
    """The cells of a field's values, [] when these tests cannot be cut into any."""
    cells = _present_cells(domain, tests)
    return cells if domain.always or not cells else [Missing(), *cells]


def _present_cells(domain: Domain, tests: Sequence[Test]) -> list[Any]:
    if domain.values is not None:
        return [fold_text(value) for value in domain.values]
    match domain.spec.type:
        case "choice":
            return [fold_text(value) for value in domain.spec.values]
        case "boolean":
            return [True, False]
        case "number":
            return _number_cells(tests)
        case "date":
            return _day_cells(tests)
        case "tags":
            return _tag_cells(tests)
    return _text_cells(tests)


def _points(tests: Sequence[Test]) -> list[Any]:
    """Every value that is compared with, bounds included, in order."""
    points: set[Any] = set()
    for test in tests:
        if test.op == "is":
            points.update(test.value)
        elif test.op == "range":
            points.update(point for key in BOUNDS if (point := getattr(test.value, key)) is not None)
    return sorted(points)


def _number_cells(tests: Sequence[Test]) -> list[Any]:
    points = _points(tests)
    if not points:
        return [0]
    between = [(a + b) / 2 for a, b in pairwise(points)]
    return [points[0] - 1, *points, *between, points[-1] + 1]


def _day_cells(tests: Sequence[Test]) -> list[Any]:
    # Equality of days and instants is another matter than their order; what asks for it is not cut.
    moments = [getattr(test.value, key) for test in tests if test.op == "range" for key in BOUNDS]
    if any(test.op == "is" for test in tests) or any(isinstance(moment, datetime) for moment in moments):
        return []
    days = {day for day in moments if day is not None}
    near = {day + timedelta(days=n) for day in days for n in (-1, 0, 1) if date.min < day < date.max}
    return sorted(near | days) or [date(2000, 1, 1)]


def _tag_cells(tests: Sequence[Test]) -> list[Any]:
    tags = sorted({fold_text(str(tag)) for test in tests for tag in (test.value or ())})
    if len(tags) > MAX_FREE_CHOICES:
        return []
    # "Any other word" stands in every list, so that none of them is empty: an empty one is missing.
    return [frozenset({_OTHER, *some}) for n in range(len(tags) + 1) for some in combinations(tags, n)]


def _text_cells(tests: Sequence[Test]) -> list[Any]:
    words = sorted({fold_text(str(word)) for test in tests if test.op == "is" for word in test.value})
    asked = sorted({(test.op, str(test.value).casefold()) for test in tests if test.op in TEXT_TESTS})
    if len(asked) > MAX_FREE_CHOICES:
        return []
    texts = [Text(frozenset(some)) for n in range(len(asked) + 1) for some in combinations(asked, n)]
    return [*words, *(text for text in texts if _consistent(text, asked))]


def _consistent(text: Text, asked: Sequence[tuple[str, str]]) -> bool:
    """Whether no test that holds implies one that does not."""
    return not any(_implies(a, b) for a in text.true for b in asked if b not in text.true)


def _implies(a: tuple[str, str], b: tuple[str, str]) -> bool:
    (a_op, a_text), (b_op, b_text) = a, b
    if b_op == "contains":
        return b_text in a_text
    if a_op != b_op:
        return False
    return a_text.startswith(b_text) if b_op == "starts_with" else a_text.endswith(b_text)


def _holder(test: Test, opposite: bool) -> Callable[[Any], bool]:
    """A function that tells of a cell whether a test, or its opposite, holds in it."""
    check = compile_condition(Not(test) if opposite else test, _UTC)

    def holds_in(cell: Any) -> bool:
        if isinstance(cell, Missing):
            return check({}) is None
        if not isinstance(cell, Text):
            return check({test.field: cell}) is None
        if test.op in ("present", "missing"):
            return check({test.field: _OTHER}) is None
        # None of the words that `is` asks for: those are cells of their own.
        return (((test.op, str(test.value).casefold()) in cell.true) != test.negated) is not opposite

    return holds_in


# ---------------------------------------------------------------- questions


class Row(NamedTuple):
    """A row of a section: its condition, and the days on which it counts (None: no bound)."""

    name: str
    when: Condition
    first_day: date | None = None
    last_day: date | None = None


class Table:
    """The rows of a section, of which the first that holds wins.

    `domains` are the values that fields can have, `asked` the closed fields that `untaken` will be asked of.
    """

    def __init__(self, rows: Sequence[Row], domains: Mapping[str, Domain], asked: Sequence[str] = ()) -> None:
        self.rows, self.domains = rows, domains
        conditions = [row.when for row in rows]
        self.space = Space([*conditions, *(Test(name, "present") for name in asked)], domains)
        self.sets = [self.space.sets(condition) for condition in conditions]

    def never_hold(self) -> list[int]:
        """The indexes of the rows whose conditions contradict themselves."""
        return [i for i, row in enumerate(self.rows) if not self._possible(i, row.when)]

    def _possible(self, i: int, when: Condition) -> bool:
        if self.space.exact or not self.sets[i].possible:
            return bool(self.sets[i].possible)
        return bool(Space([when], self.domains).sets(when).possible)

    def always_beaten(self) -> dict[int, list[int]]:
        """For each row that earlier ones always win over, the indexes of those that do it together."""
        beaten: dict[int, list[int]] = {}
        for i, row in enumerate(self.rows):
            earlier = [j for j in range(i) if _outlasts(self.rows[j], row)]
            if not self.sets[i].possible:
                continue
            if not self.sets[i].possible & ~_any(self.sets[j].certain for j in earlier):
                beaten[i] = self._needed(i, earlier)
            elif not self.space.exact and (winner := self._single_winner(i, earlier)) is not None:
                beaten[i] = [winner]
        return beaten

    def _needed(self, i: int, earlier: Sequence[int]) -> list[int]:
        """Those of the earlier rows that take something of row i, one alone when it takes all."""
        left = self.sets[i].possible
        for j in earlier:
            if not left & ~self.sets[j].certain:
                return [j]
        takers = []
        for j in earlier:
            if left & self.sets[j].certain:
                takers.append(j)
                left &= ~self.sets[j].certain
        return takers

    def _single_winner(self, i: int, earlier: Sequence[int]) -> int | None:
        """An earlier row that wins over row i, found in the smaller space of the two alone."""
        mine, when = set(fields_of(self.rows[i].when)), self.rows[i].when
        for j in earlier:
            other = self.rows[j].when
            # What row i does not speak of it cannot imply; and where it may hold, the other must be able to.
            if self.sets[i].possible & ~self.sets[j].possible or not mine.issuperset(fields_of(other)):
                continue
            space = Space([when, other], self.domains)
            if not space.sets(when).possible & ~space.sets(other).certain:
                return j
        return None

    def untaken(self, names: Sequence[str]) -> list[tuple[str, ...]]:
        """The combinations of values of fields that were `asked` for which none of the rows can hold."""
        if any(name not in self.space.cells for name in names):
            return []
        taken = _any(sets.possible for sets in self.sets)
        values = [_present_cells(self.domains[name], ()) for name in names]
        return [each for each in product(*values) if not self._cells_of(names, each) & taken]

    def _cells_of(self, names: Sequence[str], values: Sequence[str]) -> int:
        tests = (Test(name, "is", (value,)) for name, value in zip(names, values, strict=True))
        return self.space.sets(All(tuple(tests))).possible


def _outlasts(earlier: Row, later: Row) -> bool:
    """Whether the earlier row counts on every day on which the later one does."""
    begins = earlier.first_day is None or (
        later.first_day is not None and earlier.first_day <= later.first_day
    )
    ends = earlier.last_day is None or (later.last_day is not None and earlier.last_day >= later.last_day)
    return begins and ends
