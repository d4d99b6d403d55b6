"""What do the clocks of a zone show at many moments? Instants are seconds since 1970 (UTC)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from leadlane.insight.leads import Instants

DAY, HOUR = 86_400, 3600
# Clocks are changed at a quarter of an hour, everywhere and always since 1972.
_QUARTER = 900


def local_seconds(instants: Instants, zone: ZoneInfo) -> NDArray[np.int64]:
    """The whole seconds since 1970-01-01 00:00 that the clocks of a zone show; no instant may be NaN."""
    at: NDArray[np.int64] = np.floor(instants).astype(np.int64)
    if not len(at):
        return at
    first = int(at.min()) // DAY
    day = at // DAY - first
    edges = np.array([_offset((first + number) * DAY, zone) for number in range(int(day.max()) + 2)])
    local: NDArray[np.int64] = at + edges[day]
    # On a day on which the clocks change, each quarter of an hour is asked for.
    for changing in np.flatnonzero(edges[1:] != edges[:-1]):
        places = np.flatnonzero(day == changing)
        begin = (first + int(changing)) * DAY
        offsets = np.array([_offset(begin + quarter, zone) for quarter in range(0, DAY, _QUARTER)])
        local[places] = at[places] + offsets[(at[places] - begin) // _QUARTER]
    return local


def _offset(instant: int, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(instant, UTC).astimezone(zone).utcoffset()
    return int((offset or timedelta()).total_seconds())


def weekday_of(local: NDArray[np.int64]) -> NDArray[np.int64]:
    """The weekday of each local moment, 0 for Monday."""
    # 1970 began on a Thursday.
    return np.asarray((local // DAY + 3) % 7)
