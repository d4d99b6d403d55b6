"""What does a cell of an export say? Ids, addresses and answers as CRMs and spreadsheets write them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from leadlane.core.facts import FieldSpec
from leadlane.i18n import _
from leadlane.intake.leads import LONGEST_ID
from leadlane.intake.problems import BadValueError, Problem, did_you_mean, shorten
from leadlane.intake.values import read_list, read_text, read_value
from leadlane.matching.keys import SHORTEST_PHONE, phone_key

T = TypeVar("T")

NOTHING = frozenset({"", "-", "–", "—", "n/a", "#n/a", "null", "(null)", "none", "no owner", "unassigned"})
# How Salesforce begins the ids of accounts, contacts and users; its reports cut them to 15 characters.
_SALESFORCE_ID = re.compile("00[135][A-Za-z0-9]{12}").fullmatch
_CHECK_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_ROUNDED = re.compile(r"\d[.,]\d+[eE]\+\d+").fullmatch


@dataclass(slots=True)
class Cells:
    """A row by what its cells hold, and what is wrong with it so far.

    With `clears`, an empty cell says that there is nothing; without, it says nothing.
    """

    raw: Mapping[str, object]
    clears: bool = False
    problems: list[Problem] = field(default_factory=list)

    def read(self, name: str, reader: Callable[[object], T]) -> T | None:
        """The value of a cell; None where it is empty, or cannot be read, which is a problem then."""
        if self.is_empty(name):
            return None
        try:
            return reader(self.raw[name])
        except BadValueError as error:
            self.refuse(name, error)
            return None

    def put(self, values: dict[str, object], name: str, reader: Callable[[object], object]) -> None:
        """Put the value of a cell, if it says one, under its name."""
        value = self.read(name, reader)
        if value is not None:
            values[name] = value

    def clear(self, values: dict[str, object], empty: Mapping[str, object]) -> None:
        """Put what stands for nothing where a cell is empty and that is to count."""
        for name, nothing in empty.items():
            if self.clears and name in self.raw and self.is_empty(name):
                values.setdefault(name, nothing)

    def is_empty(self, name: str) -> bool:
        """Whether there is nothing in a cell, or no such column."""
        sent = self.raw.get(name)
        return sent in (None, [], ()) or (isinstance(sent, str) and sent.strip().casefold() in NOTHING)

    def refuse(self, name: str, error: BadValueError) -> None:
        """Something is wrong with a cell; `name` "" means the row as a whole."""
        sent = "" if self.is_empty(name) else self.raw[name]
        self.problems.append(Problem(name, shorten(sent), error.reason, error.suggestion))

    def refuse_repeated(self, id_: str, earlier: int) -> None:
        """A row before, number `earlier`, has this id already; where it was made of other cells, say it."""
        if self.is_empty("id"):
            text = _("row {number} of the data is of “{id}” already")
            self.refuse("", BadValueError(text.format(number=earlier, id=id_)))
        else:
            text = _("row {number} of the data has this id already")
            self.refuse("id", BadValueError(text.format(number=earlier)))


def read_id(sent: object) -> str:
    """An id of a CRM: text of at most 200 characters; a Salesforce id in its long form."""
    if isinstance(sent, float) and sent.is_integer():
        sent = int(sent)
    text = read_text(sent, LONGEST_ID)
    if _ROUNDED(text):
        raise BadValueError(
            _("a spreadsheet has rounded this id"), _("export again, and do not save it from a spreadsheet")
        )
    return long_id(text)


def long_id(text: str) -> str:
    """A Salesforce id of 15 characters with the three that make it independent of case; others as they are.

    Each of the three tells which of five characters are upper case. Reports show the short form and exports
    the long one; without this, one account would be two.
    """
    if not _SALESFORCE_ID(text):
        return text
    thirds = (text[start : start + 5] for start in (0, 5, 10))
    return text + "".join(
        _CHECK_LETTERS[
            sum(1 << place for place, char in enumerate(part) if char.isascii() and char.isupper())
        ]
        for part in thirds
    )


def read_ids(sent: object) -> tuple[str, ...]:
    """The ids in a cell, the first of which is the primary one."""
    return tuple(
        map(read_id, sent if isinstance(sent, (list, tuple)) else re.split(r"[;,\s]+", read_text(sent)))
    )


def reader_of(field_name: str, type_: str = "text") -> Callable[[object], object]:
    """The reader that fields of leads of this name or type have."""
    spec = FieldSpec(field_name, type_)  # type: ignore[arg-type]
    return lambda sent: read_value(spec, sent)


read_country = reader_of("country")
read_language = reader_of("language")
read_email = reader_of("email")
read_yes_or_no = reader_of("", "boolean")


def read_phone(sent: object, country: str) -> str:
    """A phone number as it is written. `country` is ISO alpha-2, or "" where it is not known."""
    text = read_text(sent, 100)
    digits = sum(char.isdigit() for char in text)
    if digits < SHORTEST_PHONE or (
        (country or text.startswith(("+", "00"))) and phone_key(text, country or None) is None
    ):
        raise BadValueError(
            _("this is no possible phone number"), _("write it like +49 30 1234567, or empty the cell")
        )
    return text


def read_one_of(sent: object, known: Mapping[str, str], expected: str) -> str:
    """What a word stands for, case aside; BadValueError with what was `expected` if for nothing known."""
    word = read_text(sent).casefold()
    if word not in known:
        raise BadValueError(expected, did_you_mean(word, known))
    return known[word]


def read_words(sent: object) -> tuple[str, ...]:
    """Words from a list, or from a text divided by `;`, `|` or `,`."""
    return read_list(sent)


def split_names(sent: object) -> tuple[str, ...]:
    """Names from a list or a text divided by `;` or `|`; a comma is part of a name, as in “Acme, Inc.”."""
    parts: Collection[object] = (
        sent if isinstance(sent, (list, tuple)) else re.split(r"[;|]", read_text(sent))
    )
    return unique(text for part in parts if (text := read_text(part)))


def unique(texts: Iterable[str]) -> tuple[str, ...]:
    """The texts in their order, each once, case aside."""
    found: dict[str, str] = {}
    for text in texts:
        found.setdefault(text.casefold(), text)
    return tuple(found.values())
