"""What do two people's names say about them being one? First and last names, swapped, misspelt, shortened."""

from __future__ import annotations

from functools import cache, lru_cache

from nicknames import NickNamer

from leadlane.core.match import Evidence
from leadlane.matching.evidence import WEIGHTS, Code, told
from leadlane.matching.fields import misspelt
from leadlane.matching.names import PersonName, as_written

# People misspell names more than they misspell streets.
LETTERS_PER_ERROR = 3

# An initial says little: many a colleague has the same.
INITIAL_BITS = 0.75
_FIRST = {
    "equal": Code.FIRST_NAME_EQUAL,
    "alike": Code.FIRST_NAME_ALIKE,
    "initial": Code.FIRST_NAME_ALIKE,
    "differs": Code.FIRST_NAME_DIFFERS,
}
_LAST = {
    "equal": Code.LAST_NAME_EQUAL,
    "alike": Code.LAST_NAME_ALIKE,
    "differs": Code.LAST_NAME_DIFFERS,
}


def people(a: PersonName | None, b: PersonName | None) -> list[Evidence]:
    """What first and last names say; a part that one of the two lacks says nothing."""
    if a is None or b is None:
        return []
    first, last = first_names(a.first, b.first), last_names(a.last, b.last)
    if "differs" in (first, last) and _are_swapped(a, b):
        return [told(Code.NAMES_SWAPPED, a.text, b.text)]
    found = []
    if first:
        ours, theirs = as_written(a.text, a.first), as_written(b.text, b.first)
        weight = INITIAL_BITS if first == "initial" else WEIGHTS[_FIRST[first]]
        found.append(Evidence(_FIRST[first], weight, ours, theirs))
    if last:
        found.append(told(_LAST[last], as_written(a.text, a.last), as_written(b.text, b.last)))
    return found


@lru_cache(maxsize=65_536)
def first_names(ours: tuple[str, ...], theirs: tuple[str, ...]) -> str:
    """`equal`, `alike`, `initial` or `differs`; "" where one is unknown. Further first names do not count."""
    if not ours or not theirs:
        return ""
    one, other = ours[0], theirs[0]
    if one == other:
        return "equal"
    if min(len(one), len(other)) == 1:
        return "initial" if one[0] == other[0] else "differs"
    if _short_forms(one) & _short_forms(other):
        return "alike"
    return last_names(ours, theirs)


@lru_cache(maxsize=65_536)
def last_names(ours: tuple[str, ...], theirs: tuple[str, ...]) -> str:
    """`equal`, `alike` or `differs`; "" where one is unknown. One of two last names is alike."""
    if not ours or not theirs:
        return ""
    if (one := "".join(ours)) == (other := "".join(theirs)):
        return "equal"
    if set(ours) <= set(theirs) or set(theirs) <= set(ours) or misspelt(one, other, LETTERS_PER_ERROR):
        return "alike"
    return "differs"


def _are_swapped(a: PersonName, b: PersonName) -> bool:
    """The first name of one is the last of the other; if both have both, crosswise."""
    crossed = (last_names(a.first, b.last), last_names(a.last, b.first))
    return "differs" not in crossed and crossed != ("", "")


@lru_cache(maxsize=65_536)
def _short_forms(name: str) -> frozenset[str]:
    """The names that a first name may stand for, itself among them: `bob` → `bob`, `robert`."""
    return frozenset((name, *_nicknames().canonicals_of(name)))


@cache
def _nicknames() -> NickNamer:
    return NickNamer()
