"""Which period a report speaks of."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from leadlane.service.reporting.contact_rate import PeriodError
from leadlane.service.reporting.periods import report_period

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 8, 19, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "since", "until"),
    [
        ("2026Q1", "2025-12-31T23:00", "2026-03-31T22:00"),
        ("2025-q4", "2025-09-30T22:00", "2025-12-31T23:00"),
        ("2026-02", "2026-01-31T23:00", "2026-02-28T23:00"),
        ("2025-12", "2025-11-30T23:00", "2025-12-31T23:00"),
        ("2025", "2024-12-31T23:00", "2025-12-31T23:00"),
        # What is not over yet, until now.
        ("2026Q3", "2026-06-30T22:00", "2026-08-19T10:30"),
        ("7d", "2026-08-11T22:00", "2026-08-19T10:30"),
        (None, "2026-07-19T22:00", "2026-08-19T10:30"),
    ],
)
def test_names(name: str | None, since: str, until: str) -> None:
    found = report_period(name, None, None, BERLIN, NOW)
    assert [f"{at.astimezone(UTC):%Y-%m-%dT%H:%M}" for at in (found.since, found.until)] == [since, until]


def test_dates() -> None:
    found = report_period(None, "2026-03-01", "2026-03-31", BERLIN, NOW)
    assert found.since == datetime(2026, 2, 28, 23, tzinfo=UTC)
    assert found.until == datetime(2026, 3, 31, 22, tzinfo=UTC)
    # Thirty days before an end in the past.
    assert report_period(None, "", "2026-03-31", BERLIN, NOW).since == datetime(2026, 3, 1, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    "name", ["soon", "2026Q5", "2026-13", "0000", "0001", "2027Q1", "2026Q1; DROP", "99999d", "2\u066026Q1"]
)
def test_what_is_no_period(name: str) -> None:
    with pytest.raises(PeriodError) as caught:
        report_period(name, None, None, BERLIN, NOW)
    assert caught.value.bound == "period"


def test_what_has_not_begun() -> None:
    with pytest.raises(PeriodError, match="not begun"):
        report_period(None, "2026-09-01", None, BERLIN, NOW)


@pytest.mark.parametrize("since", ["0001-01-02", "1999-01-01"])
def test_no_report_is_of_more_than_ten_years(since: str) -> None:
    with pytest.raises(PeriodError, match="ten years"):
        report_period(None, since, None, BERLIN, NOW)
    assert report_period(None, "1999-01-01", "2008-12-31", BERLIN, NOW).until.year == 2008
    assert report_period("9999d", None, None, BERLIN, NOW).since.year == 2016
