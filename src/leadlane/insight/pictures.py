"""How does it look? Pictures in SVG that need no script, and take their colours from the page.

Widths of dot plots are percentages, so that they fit any screen; other pictures are drawn on 420 units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

from leadlane.insight.survival import Curve

WIDTH = 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 34, 10, 10, 26
_HEIGHT = 230
_POINTS = 160
_EMPTY = Markup("")


@dataclass(frozen=True, slots=True)
class Line:
    """A curve with its name; `style` is a class of the page's stylesheet (`first`, `second`)."""

    name: str
    curve: Curve
    style: str


def waiting_curves(lines: Sequence[Line], marks: Sequence[tuple[float, str]], title: str) -> Markup:
    """The share answered against time (seconds, logarithmic), with bands for the 95 % interval.

    `marks` are the times written below, the first and the last being the ends.
    """
    first, last = log10(marks[0][0]), log10(marks[-1][0])

    def x(seconds: float) -> float:
        place = (log10(max(seconds, marks[0][0])) - first) / (last - first)
        return _LEFT + min(1.0, place) * (WIDTH - _LEFT - _RIGHT)

    def y(share: float) -> float:
        return _TOP + (1 - share) * (_HEIGHT - _TOP - _BOTTOM)

    parts = [_grid(y)]
    for seconds, label in marks:
        parts.append(_text(x(seconds), _HEIGHT - 8, label, "middle"))
        parts.append(_line(x(seconds), _TOP, x(seconds), _HEIGHT - _BOTTOM, "faint"))
    for line in lines:
        times, done, low, high = _steps(line.curve, marks[0][0], marks[-1][0])
        band = [(x(t), y(s)) for t, s in zip(times, high, strict=True)]
        band += [(x(t), y(s)) for t, s in zip(times[::-1], low[::-1], strict=True)]
        parts.append(Markup('<polygon class="band {}" points="{}"/>').format(line.style, _points(band)))
        path = [(x(t), y(s)) for t, s in zip(times, done, strict=True)]
        parts.append(Markup('<polyline class="curve {}" points="{}"/>').format(line.style, _points(path)))
    return _svg(_HEIGHT, title, parts)


def _steps(
    curve: Curve, first: float, last: float
) -> tuple[list[float], list[float], list[float], list[float]]:
    """The curve at times evenly apart on the logarithmic axis, as shares answered."""
    grid = np.geomspace(first, last, _POINTS)
    place = np.searchsorted(curve.times, grid, side="right") - 1
    known = place >= 0

    def answered(still: NDArray[np.float64]) -> list[float]:
        return [float(share) for share in np.where(known, 1 - still[np.maximum(place, 0)], 0.0)]

    return grid.tolist(), answered(curve.still), answered(curve.high), answered(curve.low)


def _grid(y: object) -> Markup:
    parts = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        at = y(share)  # type: ignore[operator]
        parts.append(_line(_LEFT, at, WIDTH - _RIGHT, at, "faint"))
        parts.append(_text(_LEFT - 5, at + 4, f"{share:.0%}", "end"))
    return _EMPTY.join(parts)


def dot(low: float, value: float, high: float, top: float, mark: float | None, style: str = "") -> Markup:
    """A share with its interval on a scale from 0 to `top`, as wide as its place; `mark`: that of all."""

    def x(share: float) -> str:
        return f"{2 + 96 * min(share, top) / top:.2f}%"

    parts = [Markup('<line class="axis" x1="2%" x2="98%" y1="9" y2="9"/>')]
    if mark is not None:
        parts.append(Markup('<line class="mean" x1="{0}" x2="{0}" y1="0" y2="18"/>').format(x(mark)))
    parts.append(Markup('<line class="reach" x1="{}" x2="{}" y1="9" y2="9"/>').format(x(low), x(high)))
    parts.append(Markup('<circle cx="{}" cy="9" r="4.5"/>').format(x(value)))
    return Markup('<svg class="dot {}" width="100%" height="18" aria-hidden="true">{}</svg>').format(
        style, _EMPTY.join(parts)
    )


def bar(value: float, top: float, part: float | None = None) -> Markup:
    """A bar from 0 to `value` on a scale to `top`; `part` of it is dark."""
    width = 100 * value / top if top else 0
    parts = [Markup('<rect class="whole" x="0" y="3" width="{:.2f}%" height="12" rx="2"/>').format(width)]
    if part is not None:
        inner = 100 * part / top if top else 0
        parts.append(
            Markup('<rect class="part" x="0" y="3" width="{:.2f}%" height="12" rx="2"/>').format(inner)
        )
    return Markup('<svg class="bar" width="100%" height="18" aria-hidden="true">{}</svg>').format(
        _EMPTY.join(parts)
    )


def week(counts: NDArray[np.int64], days: Sequence[str], title: str) -> Markup:
    """Counts by hour of the week as shades: 7 rows of 24."""
    most = max(1, int(counts.max()))
    left, size, step = 34, 15.2, 16
    parts = []
    for row in range(7):
        day = escape(days[row])
        parts.append(_text(left - 6, 12 + row * step, day, "end"))
        for hour in range(24):
            count = int(counts[row, hour])
            kind, depth = ("shade", 0.12 + 0.88 * count / most) if count else ("none", 1.0)
            # Of thousands; only the day is no number here, and Markup.format takes thirty times as long.
            parts.append(
                Markup(
                    f'<rect class="{kind}" x="{left + hour * step:.1f}" y="{row * step}" width="{size}"'
                    f' height="{size}" rx="2" fill-opacity="{depth:.2f}">'
                    f"<title>{day} {hour}:00 · {count:,}</title></rect>"
                )
            )
    parts += [
        _text(left + hour * step + size / 2, 7 * step + 12, str(hour), "middle") for hour in range(0, 24, 3)
    ]
    return _svg(7 * step + 18, title, parts)


def months(
    names: Sequence[str],
    arrived: Sequence[int],
    rates: Sequence[tuple[float, float, float] | None],
    title: str,
) -> Markup:
    """Arrivals by month as bars, and below them the share won with its interval (low, value, high)."""
    most, top = max(1, *arrived), max([0.01, *(rate[2] for rate in rates if rate)])
    step = (WIDTH - _LEFT - _RIGHT) / max(1, len(names))
    middle, base, floor = 95, 205, 110
    parts = [
        _text(_LEFT - 5, 14, f"{most:,}", "end"),
        _text(_LEFT - 5, middle, "0", "end"),
        _text(_LEFT - 5, floor + 8, f"{top:.0%}", "end"),
        _text(_LEFT - 5, base, "0%", "end"),
        _line(_LEFT, middle, WIDTH - _RIGHT, middle, "faint"),
        _line(_LEFT, base, WIDTH - _RIGHT, base, "faint"),
    ]
    every = max(1, -(-len(names) // 8))
    for place, name in enumerate(names):
        x = _LEFT + place * step
        height = (middle - 8) * arrived[place] / most
        parts.append(
            Markup(
                '<rect class="whole" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="1.5"/>'
            ).format(x + step * 0.12, middle - height, step * 0.76, height)
        )
        rate = rates[place]
        if rate is not None:
            low, value, high = (base - (base - floor) * share / top for share in rate)
            parts.append(_line(x + step / 2, low, x + step / 2, high, "reach"))
            parts.append(Markup('<circle cx="{:.1f}" cy="{:.1f}" r="3.5"/>').format(x + step / 2, value))
        if place % every == 0:
            parts.append(_text(x + step / 2, 222, name, "middle"))
    return _svg(_HEIGHT, title, parts)


def weeks_ahead(
    names: Sequence[str],
    counts: Sequence[int],
    ahead: Sequence[tuple[float, float, float, float, float]],
    title: str,
) -> Markup:
    """Counts by week as bars, and the weeks after them as a curve with two bands.

    `ahead`: (low of the wide band, low of the narrow one, value, high of the narrow one, high of the wide
    one). `names` are those of all weeks.
    """
    top = max(1.0, *counts, *(week[-1] for week in ahead))
    step = (WIDTH - _LEFT - _RIGHT) / max(1, len(names))
    floor, ceiling = 150, 12

    def y(count: float) -> float:
        return floor - (floor - ceiling) * count / top

    def x(week: float) -> float:
        return _LEFT + (week + 0.5) * step

    parts = [_text(_LEFT - 5, y(at) + 4, f"{at:,.0f}", "end") for at in (0.0, top)]
    parts.append(_line(_LEFT, floor, WIDTH - _RIGHT, floor, "faint"))
    for week, count in enumerate(counts):
        parts.append(
            Markup(
                '<rect class="whole" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="1.5"/>'
            ).format(x(week) - step * 0.38, y(count), step * 0.76, floor - y(count))
        )
    places = [x(len(counts) + week) for week in range(len(ahead))]
    for low, high in ((0, 4), (1, 3)):
        band = [(at, y(week[high])) for at, week in zip(places, ahead, strict=True)]
        band += [(at, y(week[low])) for at, week in zip(places[::-1], ahead[::-1], strict=True)]
        parts.append(Markup('<polygon class="band first" points="{}"/>').format(_points(band)))
    path = [(at, y(week[2])) for at, week in zip(places, ahead, strict=True)]
    parts.append(Markup('<polyline class="curve first" points="{}"/>').format(_points(path)))
    every = max(1, -(-len(names) // 7))
    parts += [_text(x(week), floor + 16, names[week], "middle") for week in range(0, len(names), every)]
    return _svg(floor + 22, title, parts)


def money_range(low: float, middle: float, high: float, top: float) -> Markup:
    """A range of money on a scale to `top`."""

    def x(amount: float) -> str:
        return f"{2 + 96 * (amount / top if top else 0):.2f}%"

    return Markup(
        '<svg class="range" width="100%" height="18" aria-hidden="true">'
        '<line class="axis" x1="2%" x2="98%" y1="9" y2="9"/>'
        '<line class="wide" x1="{}" x2="{}" y1="9" y2="9"/><circle cx="{}" cy="9" r="5.5"/></svg>'
    ).format(x(low), x(high), x(middle))


def _svg(height: float, title: str, parts: Sequence[Markup]) -> Markup:
    return Markup('<svg class="picture" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, height, title, _EMPTY.join(parts)
    )


def _text(x: float, y: float, text: str, anchor: str) -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(x, y, anchor, escape(text))


def _line(x1: float, y1: float, x2: float, y2: float, style: str) -> Markup:
    return Markup('<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(
        style, x1, y1, x2, y2
    )


def _points(pairs: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in pairs)
