"""How much, how often, and when again? Rates of channels, and the waits between attempts."""

from __future__ import annotations

from datetime import datetime, timedelta

# So much of a minute's amount may go out at once, after a quiet time.
BURST = timedelta(seconds=10)
FIRST_WAIT = timedelta(seconds=2)
LONGEST_WAIT = timedelta(hours=6)
# Nobody may keep us waiting longer than this by a Retry-After.
LONGEST_ASKED = timedelta(days=1)


def granted(
    free_at: datetime | None, now: datetime, per_minute: int, wanted: int
) -> tuple[int, datetime, datetime]:
    """How many of `wanted` may go out now, the new `free_at`, and when the next one may.

    The generic cell rate algorithm (ITU-T I.371): `free_at` is when all that was granted would be used up
    at the steady rate; it may lie at most BURST ahead of now.
    """
    each = timedelta(minutes=1) / per_minute
    start = max(free_at or now, now)
    # One is always possible after a pause, also where a rate is so low that it does not fit into the burst.
    room = int((now + max(BURST, each) - start) / each)
    count = max(0, min(wanted, room))
    after = start + count * each
    return count, after, max(now, after + each - max(BURST, each))


def wait(failures: int, chance: float) -> timedelta:
    """How long to wait after so many failures in a row: twice as long each time, with jitter.

    `chance` is from 0 to 1. Half of the wait is fixed and half of it chance ("equal jitter"), so that those
    who failed together do not come back together.
    """
    doublings = min(max(failures - 1, 0), 20)
    longest = min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)
    return longest / 2 + longest / 2 * chance


def asked_wait(retry_after_seconds: float) -> timedelta:
    """The wait that a receiver asked for, within reason."""
    return min(max(timedelta(seconds=retry_after_seconds), timedelta(seconds=1)), LONGEST_ASKED)
