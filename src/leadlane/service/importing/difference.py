"""What would an import change? New, changed, unchanged and refused rows, with old and new values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from leadlane.intake.problems import Problem


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A value that changes; a list as its entries divided by commas, nothing as ""."""

    field: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Change:
    """An entry that is new, or of which `fields` change. `kind` is account, contact, person or team."""

    kind: str
    id: str
    name: str
    is_new: bool
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a row does: it is refused with `problems`, or makes `changes`; with neither, nothing is new."""

    problems: tuple[Problem, ...] = ()
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that is refused: its line, or in a JSON document its number, the column, and why."""

    place: int
    column: str
    reason: str


@dataclass(slots=True)
class Difference:
    """What an import of `total` rows did or would do.

    `changes` and `refusals` hold the first `shown` of each (all, if None). `rejects` names the file of the
    refused rows, `notes` are sentences on what was assumed.
    """

    shown: int | None
    by_line: bool = True
    total: int = 0
    unchanged: int = 0
    refused: int = 0
    new: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    changes: list[Change] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    rejects: str = ""
    interrupted: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be written."""
        return not self.new and not self.changed

    def count(self, changes: Sequence[Change]) -> None:
        """Count what a good row changes."""
        if not changes:
            self.unchanged += 1
        for change in changes:
            (self.new if change.is_new else self.changed)[change.kind] += 1
            if self.shown is None or len(self.changes) < self.shown:
                self.changes.append(change)

    def refuse(self, refusal: Refusal) -> None:
        """Count a row that is refused."""
        self.refused += 1
        if self.shown is None or len(self.refusals) < self.shown:
            self.refusals.append(refusal)


def field_changes(old: Mapping[str, object], new: Mapping[str, object]) -> tuple[FieldChange, ...]:
    """What differs between two records, in the order of the new one; keys that only `old` has stay."""
    return tuple(
        FieldChange(name, _shown(old.get(name)), _shown(value))
        for name, value in new.items()
        if _plain(old.get(name)) != _plain(value)
    )


def _plain(value: object) -> object:
    if value in (None, (), []):
        return ""
    return list(value) if isinstance(value, tuple) else value


def _shown(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case list() | tuple():
            return ", ".join(map(_shown, value))
    return str(value)
