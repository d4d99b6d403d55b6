"""The part of the map that shows some countries, and that neighbours still touch in it."""

from __future__ import annotations

import re

from leadlane.web.world import Part, around


def codes(part: Part | None) -> set[str]:
    assert part is not None
    return {shape.code for shape in part.shapes}


def points(path: str) -> set[tuple[int, int]]:
    """The corners of a path of relative lines."""
    found = set()
    for ring in path.rstrip("z").split("z"):
        start, _l, steps = ring.removeprefix("M").partition("l")
        x, y = map(int, start.split())
        numbers = [int(number) for number in re.findall(r"-?\d+", steps)]
        for dx, dy in zip(numbers[::2], numbers[1::2], strict=True):
            x, y = x + dx, y + dy
            found.add((x, y))
    return found


def test_a_country_is_shown_with_what_is_around_it() -> None:
    found = around(["DE"])
    assert {"DE", "FR", "PL", "DK", "CH"} <= codes(found)
    assert not {"US", "JP", "AU"} & codes(found)


def test_whatever_is_named_lies_within_the_part() -> None:
    for named in (["DE", "PL", "IT"], ["US", "JP"], ["LU"], ["NZ", "CL"], ["FR"]):
        part = around(named)
        assert part is not None
        for shape in part.shapes:
            if shape.code in named:
                left, top, right, bottom = shape.box
                assert part.left <= left < right <= part.left + part.width, named
                assert part.top <= top < bottom <= part.top + part.height, named


def test_islands_far_away_do_not_show_half_the_world() -> None:
    france = around(["FR"])
    assert france is not None
    assert france.width < 500  # of 8000; Guiana and Réunion are elsewhere


def test_what_the_map_does_not_know_is_left_out() -> None:
    assert around([]) is None
    assert around(["XX", "Germany"]) is None
    assert codes(around(["XX", "DE"])) == codes(around(["DE"]))


def test_neighbours_touch() -> None:
    part = around(["DE"])
    assert part is not None
    by_code = {shape.code: points(shape.path) for shape in part.shapes}
    assert len(by_code["DE"] & by_code["FR"]) > 3
    assert len(by_code["DE"] & by_code["PL"]) > 3
    assert not by_code["DE"] & by_code["IT"]
