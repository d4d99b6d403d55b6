"""What is wrong with something that was sent: data for the person who can correct it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from leadlane.i18n import _

SHOWN_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one lead.

    `field` is empty when the lead as a whole is meant; `value` is shortened for showing; `reason` and
    `suggestion` are sentences in the reader's language (the suggestion may be empty).
    """

    field: str
    value: str
    reason: str
    suggestion: str = ""


def problem_words(problem: Problem) -> str:
    """A problem in one sentence: where it is, what stands there, why that is wrong, what to write instead."""
    match bool(problem.field), bool(problem.value):
        case True, True:
            text = _("{field} “{value}”: {reason}")
        case True, False:
            text = _("{field}: {reason}")
        case _other:
            text = "{reason}"
    told = text.format(field=problem.field, value=problem.value, reason=problem.reason)
    if not problem.suggestion:
        return told
    return _("{problem} – {suggestion}").format(problem=told, suggestion=problem.suggestion)


class BadValueError(ValueError):
    """A value that cannot be read: `reason` says why, `suggestion` what to write instead (may be empty)."""

    def __init__(self, reason: str, suggestion: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.suggestion = suggestion


def shorten(value: object, characters: int = SHOWN_CHARACTERS) -> str:
    """`value` on one printable line of at most `characters`."""
    # Cut before escaping, so that a cell of 10 MB is not copied whole.
    text = value[: characters + 1] if isinstance(value, str) else repr(value)
    line = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text[: characters + 1])
    return line if len(line) <= characters else line[: characters - 1] + "…"


def did_you_mean(word: str, choices: Iterable[str], cutoff: float = 70) -> str:
    """A suggestion naming the choice nearest to `word`, or "" when none is near."""
    found = process.extractOne(
        word.casefold()[:100], list(choices), scorer=fuzz.ratio, processor=str.casefold
    )
    if found is None or found[1] < cutoff:
        return ""
    return _("did you mean {choice}?").format(choice=found[0])
