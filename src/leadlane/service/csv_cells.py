"""What may stand in a cell of a CSV for spreadsheets? Some of what is in it strangers wrote into forms."""

from __future__ import annotations

# A spreadsheet takes a text that begins so for a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def plain(value: object) -> object:
    """The value; a text that would be taken for a formula begins with `'`. Numbers stay what they are."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value
