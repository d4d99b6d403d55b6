"""How is a name called? In one writing, of which a beginning is the beginning of what somebody has typed."""

from __future__ import annotations

import re
from functools import lru_cache

from leadlane.matching.names import plain

# An entry of an index must not be longer than its page allows; and nobody types more than that.
LONGEST = 100
_SMALL, _DIGITS = "abcdefghijklmnopqrstuvwxyz", "0123456789"
# What becomes of each ASCII character.
_PLAIN = {
    **dict.fromkeys(range(128), ord(" ")),
    **str.maketrans(_SMALL.upper() + _SMALL + _DIGITS, _SMALL + _SMALL + _DIGITS, ".'`\""),
}
# The e of ä, ö and ü, and the second a of å. Runs of them, or what is left could be one again.
_SECOND_VOWELS = re.compile(r"(a)[ae]+|([ou])e+")


@lru_cache(maxsize=65_536)
def spoken_name(text: str) -> str:
    """A name as people type it in a hurry: `Müller-Lüdenscheid & Co.` → `muller ludenscheid co`.

    Case, accents, script, dots and apostrophes do not count, nor does the e of ae, oe and ue; any other mark
    is a space. The beginning of a name gives the beginning of what the name gives. At most `LONGEST` letters.
    """
    text = text[: 2 * LONGEST]
    letters = (text if text.isascii() else plain(text)).translate(_PLAIN)
    return _SECOND_VOWELS.sub(r"\1\2", " ".join(letters.split()))[:LONGEST].rstrip()
