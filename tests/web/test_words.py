"""How moments, durations and sums read, in each language."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from leadlane.i18n import language
from leadlane.web import words

NOW = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)
ROME = ZoneInfo("Europe/Rome")


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (NOW + timedelta(minutes=30), "14:30"),
        (NOW + timedelta(days=1), "Nov 23, 14:00"),
        (NOW - timedelta(days=365), "Nov 22, 2025, 14:00"),
        # Another day there, though the same in UTC.
        (datetime(2026, 11, 22, 23, 30, tzinfo=UTC), "Nov 23, 00:30"),
    ],
)
def test_a_clock_is_as_short_as_can_be_in_the_zone_of_the_reader(at: datetime, expected: str) -> None:
    assert words.clock_words(at, NOW, ROME) == expected


def test_a_moment_says_both_and_is_readable_by_machines() -> None:
    said = words.moment(NOW + timedelta(minutes=12), NOW, ROME)
    assert 'datetime="2026-11-22T13:12:00+00:00"' in said
    assert "14:12" in said
    assert "in 12 minutes" in said
    assert words.moment(None, NOW, ROME) == ""


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (None, ""),
        (0, "0 min"),
        (45, "45 min"),
        (60, "1 h"),
        (95, "1 h 35 min"),
        (1440, "1 d"),
        (1500, "1 d 1 h"),
    ],
)
def test_minutes(count: float | None, expected: str) -> None:
    assert words.minutes(count) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0:00"), (-61, "1:01"), (599, "9:59"), (600, "10 min"), (3_900, "1 h 05"), (100_000, "1 d 3 h")],
)
def test_what_is_left(seconds: float, expected: str) -> None:
    assert words.left_words(seconds) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [("en", "€12,500"), ("pl", "12\xa0500\xa0€"), ("it", "12.500\xa0€")],
)
def test_money_is_whole_and_as_the_language_writes_it(code: str, expected: str) -> None:
    with language(code):
        assert words.money(12_500.4, "EUR") == expected


def test_a_share_is_as_exact_as_it_was_asked_for() -> None:
    assert (words.percent(0.1234), words.percent(0.1234, 1), words.percent(None)) == ("12%", "12.3%", "")
