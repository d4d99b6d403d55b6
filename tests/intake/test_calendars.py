"""What counts as an absence in a calendar, of many that say it in different ways."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from leadlane.intake.calendars import Busy, CalendarError, read_absences

BERLIN = ZoneInfo("Europe/Berlin")
FIRST, LAST = date(2026, 3, 2), date(2026, 8, 29)


def calendar(*events: str) -> str:
    inside = "".join(f"BEGIN:VEVENT\n{event}\nEND:VEVENT\n" for event in events)
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//\n{inside}END:VCALENDAR\n"
    return text.replace("\n", "\r\n")


def read(*events: str) -> list[tuple[str, str]]:
    found = read_absences(calendar(*events), BERLIN, FIRST, LAST)
    form = "%m-%d %H:%M"
    return [
        (one.start.astimezone(BERLIN).strftime(form), one.until.astimezone(BERLIN).strftime(form))
        for one in found
    ]


WHOLE = "UID:{uid}\nDTSTART;VALUE=DATE:{start}\nDTEND;VALUE=DATE:{end}\nSUMMARY:{words}"
TIMED = "UID:{uid}\nDTSTART;TZID=Europe/Berlin:{start}\nDTEND;TZID=Europe/Berlin:{end}\nSUMMARY:{words}"


def whole(start: str, end: str, words: str = "Something", uid: str = "1", more: str = "") -> str:
    return WHOLE.format(uid=uid, start=start, end=end, words=words) + more


def timed(start: str, end: str, words: str = "Meeting", uid: str = "1", more: str = "") -> str:
    return TIMED.format(uid=uid, start=start, end=end, words=words) + more


def test_whole_busy_days() -> None:
    assert read(whole("20260306", "20260309")) == [("03-06 00:00", "03-09 00:00")]


@pytest.mark.parametrize(
    "event",
    [
        whole("20260306", "20260307", more="\nTRANSP:TRANSPARENT"),
        whole("20260306", "20260307", more="\nSTATUS:CANCELLED"),
        whole("20260306", "20260307", more="\nX-MICROSOFT-CDO-BUSYSTATUS:FREE"),
        whole("20260306", "20260307", more="\nX-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE"),
        timed("20260306T100000", "20260306T110000"),
        timed("20260306T100000", "20260306T110000", "Talk about who is on leave"),
        whole("20260106", "20260107"),
        whole("20261006", "20261007"),
    ],
)
def test_what_is_no_absence(event: str) -> None:
    assert read(event) == []


@pytest.mark.parametrize(
    "words", ["Out of office", "OOO - dentist", "Urlaub", "urlop", "Ferie", "Fuori ufficio"]
)
def test_hours_out_of_office(words: str) -> None:
    assert read(timed("20260306T100000", "20260306T120000", words)) == [("03-06 10:00", "03-06 12:00")]


def test_what_the_program_marks_as_out_of_office() -> None:
    event = timed("20260306T100000", "20260306T120000", more="\nX-MICROSOFT-CDO-BUSYSTATUS:OOF")
    assert read(event) == [("03-06 10:00", "03-06 12:00")]


def test_what_repeats_and_was_changed_once() -> None:
    every = whole("20260306", "20260307", more="\nRRULE:FREQ=WEEKLY;COUNT=4\nEXDATE;VALUE=DATE:20260313")
    moved = whole("20260324", "20260325", more="\nRECURRENCE-ID;VALUE=DATE:20260320")
    freed = whole("20260327", "20260328", more="\nRECURRENCE-ID;VALUE=DATE:20260327\nTRANSP:TRANSPARENT")
    assert read(every, moved, freed) == [("03-06 00:00", "03-07 00:00"), ("03-24 00:00", "03-25 00:00")]


def test_days_that_touch_are_one_absence_over_a_change_of_the_clocks() -> None:
    events = [whole(f"202603{day}", f"202603{day + 1}", uid=str(day)) for day in (27, 28, 29, 30)]
    (found,) = read_absences(calendar(*events), BERLIN, FIRST, LAST)
    assert found == Busy(datetime(2026, 3, 26, 23, tzinfo=UTC), datetime(2026, 3, 30, 22, tzinfo=UTC))


def test_a_time_without_a_zone_is_theirs() -> None:
    event = "UID:1\nDTSTART:20260306T100000\nDURATION:PT2H\nSUMMARY:ooo"
    assert read(event) == [("03-06 10:00", "03-06 12:00")]


@pytest.mark.parametrize(
    "rule",
    ["FREQ=SECONDLY", "FREQ=DAILY;BYHOUR=9,14", "FREQ=DAILY;BYSECOND=" + ",".join(map(str, range(60)))],
)
def test_events_that_repeat_by_the_second_do_no_harm(rule: str) -> None:
    wild = timed("20260306T100000", "20260306T100001", "ooo", more=f"\nRRULE:{rule}")
    assert read(wild, whole("20260306", "20260307", uid="2")) == [("03-06 00:00", "03-07 00:00")]


@pytest.mark.parametrize("text", ["", "<html>Please sign in</html>", "BEGIN:VCALENDAR\nBEGIN:VEVENT\n", "\0"])
def test_what_is_no_calendar_says_so(text: str) -> None:
    with pytest.raises(CalendarError):
        read_absences(text, BERLIN, FIRST, LAST)


def test_the_calendar_of_a_whole_company_is_refused() -> None:
    with pytest.raises(CalendarError, match="more than 500"):
        read(*(whole("20260306", "20260307", uid=str(number)) for number in range(501)))
    every = "\nRRULE:FREQ=DAILY"
    with pytest.raises(CalendarError, match=r"more than 50 "):
        read(*(whole("20260306", "20260307", uid=str(number), more=every) for number in range(51)))
