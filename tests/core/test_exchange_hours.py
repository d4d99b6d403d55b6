"""Thirteen stock exchanges, eight years: a calendar of their local hours opens and closes when they did."""

from __future__ import annotations

import csv
import gzip
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from leadlane.core.business_time import Calendar
from leadlane.core.facts import Blocks


class Session(NamedTuple):
    day: date
    instants: tuple[datetime, ...]  # open, close; or open, break, end of break, close
    blocks: Blocks  # the same in minutes of the local day


def read_sessions(folder: Path) -> dict[tuple[str, str], list[Session]]:
    found: dict[tuple[str, str], list[Session]] = defaultdict(list)
    path = folder / "exchange_hours" / "exchange_sessions_2018_2025.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            zone, day = ZoneInfo(row["tz"]), date.fromisoformat(row["session"])
            texts = [row["open"], row["break_start"], row["break_end"], row["close"]]
            instants = tuple(datetime.fromisoformat(text) for text in texts if text)
            midnight = datetime.combine(day, datetime.min.time())
            minutes = [
                int((one.astimezone(zone).replace(tzinfo=None) - midnight) / timedelta(minutes=1))
                for one in instants
            ]
            pairs = tuple(zip(minutes[::2], minutes[1::2], strict=True))
            found[row["exchange"], row["tz"]].append(Session(day, instants, pairs))
    return found


def test_every_session_opens_and_closes_on_time(shared_data: Path) -> None:
    checked = 0
    for (_exchange, tz), sessions in read_sessions(shared_data).items():
        # An exchange changes its hours now and then, so each set of hours is a calendar of its own: the days
        # with other hours, and those without a session, are its holidays.
        for blocks, _count in Counter(one.blocks for one in sessions).most_common(3):
            ours = {one.day: one for one in sessions if one.blocks == blocks}
            first, last = sessions[0].day.toordinal(), sessions[-1].day.toordinal()
            days = (date.fromordinal(n) for n in range(first, last + 1))
            holidays = frozenset(day for day in days if day not in ours)
            calendar = Calendar((blocks,) * 7, ZoneInfo(tz), holidays)
            for session in ours.values():
                for opens, closes in zip(session.instants[::2], session.instants[1::2], strict=True):
                    minutes = int((closes - opens) / timedelta(minutes=1))
                    assert calendar.add_minutes(opens, minutes) == closes
                    assert calendar.is_open(opens)
                    assert calendar.is_open(closes)
                    assert not calendar.is_open(opens - timedelta(seconds=1))
                    assert not calendar.is_open(closes + timedelta(seconds=1))
                    checked += 1
    assert checked > 15_000
