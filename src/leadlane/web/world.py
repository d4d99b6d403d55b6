"""Where do these countries lie? The part of the map of the world that shows them, as shapes for a page."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache

import orjson
from babel.core import get_global

from leadlane.web.assets import VENDOR

# So much more (a part of 1) is shown around, and never less than so many units, of 8000 around the world.
_MARGIN, _LEAST = 0.06, 300
# A wide screen shows more to the left and right, up to so many times the height.
_WIDEST = 2.8


@dataclass(frozen=True, slots=True)
class Shape:
    """A country (ISO 3166-1, two letters): the path of its borders, and the box around its largest part."""

    code: str
    path: str
    box: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the map: its box as SVG has it, and every country in it or, on a wide screen, beside it."""

    left: int
    top: int
    width: int
    height: int
    shapes: tuple[Shape, ...]


def around(codes: Collection[str]) -> Part | None:
    """The part of the world that shows these countries; None where the map has none of them."""
    boxes = [_countries()[code].box for code in codes if code in _countries()]
    if not boxes:
        return None
    left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, bottom = max(box[2] for box in boxes), max(box[3] for box in boxes)
    wider = max(round(_MARGIN * max(right - left, bottom - top)), (_LEAST - (right - left)) // 2)
    left, top, right, bottom = left - wider, top - wider, right + wider, bottom + wider
    beside = max(0, round(_WIDEST * (bottom - top) - (right - left)) // 2)
    seen = tuple(
        shape
        for shape in _countries().values()
        if shape.box[0] < right + beside
        and shape.box[2] > left - beside
        and shape.box[1] < bottom
        and shape.box[3] > top
    )
    return Part(left, top, right - left, bottom - top, seen)


@cache
def _countries() -> Mapping[str, Shape]:
    # The borders know countries by number; Unicode's list of codes says which letters are meant.
    letters = get_global("territory_aliases")
    borders = orjson.loads((VENDOR / "world.json").read_bytes())
    found = (
        Shape(letters[number][0], country["path"], tuple(country["box"]))
        for number, country in borders.items()
        if number in letters
    )
    return {shape.code: shape for shape in found}
