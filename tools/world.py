"""How do the borders of the world become shapes on a page? From TopoJSON (Natural Earth) to SVG paths.

Borders are simplified as arcs, before countries are put together from them: so neighbours still touch.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

Point = tuple[float, float]

# The width of the whole map in its own units, and how far a simplified border may be from the real one.
WIDTH, TOLERANCE = 8000, 1.0
# Mercator ends before the poles do.
_FURTHEST = 84.0
_NOBODYS = "010"  # Antarctica


def world(text: str) -> str:
    """JSON: for each country by its number (ISO 3166-1) its path, and the box around its largest part.

    A box is [left, top, right, bottom]; islands far away are no reason to show half the world.
    """
    topology = json.loads(text)
    arcs = [_simple(_projected(arc, topology["transform"])) for arc in topology["arcs"]]
    shapes: dict[str, Any] = {}
    for country in topology["objects"]["countries"]["geometries"]:
        rings = list(_rings(country, arcs))
        if rings and country.get("id") not in (None, _NOBODYS):
            box = max(map(_box, rings), key=lambda box: (box[2] - box[0]) * (box[3] - box[1]))
            shapes[country["id"]] = {"box": box, "path": "".join(map(_path, rings))}
    return json.dumps(shapes, separators=(",", ":"))


def _projected(arc: Sequence[Sequence[int]], transform: dict[str, Any]) -> list[Point]:
    """An arc, delta by delta in whole numbers, as points of the map."""
    (scale_x, scale_y), (left, bottom) = transform["scale"], transform["translate"]
    x = y = 0
    points = []
    for dx, dy in arc:
        x, y = x + dx, y + dy
        degrees = max(-_FURTHEST, min(_FURTHEST, y * scale_y + bottom))
        north = math.log(math.tan(math.pi / 4 + math.radians(degrees) / 2))
        points.append((WIDTH * ((x * scale_x + left) / 360 + 0.5), WIDTH * (0.5 - north / (2 * math.pi))))
    return points


def _simple(points: list[Point]) -> list[tuple[int, int]]:
    """The points that matter (Ramer, Douglas and Peucker), in whole units; both ends stay."""
    kept = {0, len(points) - 1}
    open_ = [(0, len(points) - 1)]
    while open_:
        first, last = open_.pop()
        inner = range(first + 1, last)
        if inner:
            far = max(inner, key=lambda at: _distance(points[at], points[first], points[last]))
            if _distance(points[far], points[first], points[last]) > TOLERANCE:
                kept.add(far)
                open_ += [(first, far), (far, last)]
    return [(round(points[at][0]), round(points[at][1])) for at in sorted(kept)]


def _distance(point: Point, start: Point, end: Point) -> float:
    (x, y), (x1, y1), (x2, y2) = point, start, end
    length = math.hypot(x2 - x1, y2 - y1)
    if not length:
        return math.hypot(x - x1, y - y1)
    return abs((x2 - x1) * (y1 - y) - (x1 - x) * (y2 - y1)) / length


def _rings(country: dict[str, Any], arcs: Sequence[list[tuple[int, int]]]) -> Iterable[list[tuple[int, int]]]:
    kind = country.get("type")
    polygons = country["arcs"] if kind == "MultiPolygon" else [country["arcs"]] if kind == "Polygon" else []
    for ring in (ring for polygon in polygons for ring in polygon):
        points: list[tuple[int, int]] = []
        for number in ring:
            # A negative number is an arc walked backwards.
            arc = arcs[number] if number >= 0 else arcs[~number][::-1]
            points += [point for point in arc if not points or point != points[-1]]
        if len(points) > 3:
            yield points


def _box(ring: list[tuple[int, int]]) -> list[int]:
    xs, ys = [x for x, _y in ring], [y for _x, y in ring]
    return [min(xs), min(ys), max(xs), max(ys)]


def _path(ring: list[tuple[int, int]]) -> str:
    (x, y), *rest = ring
    text = f"M{x} {y}l"
    for next_x, next_y in rest:
        text += f"{next_x - x} {next_y - y} "
        x, y = next_x, next_y
    return text.rstrip().replace(" -", "-") + "z"
