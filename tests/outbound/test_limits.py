"""No channel is given more than its rate, and waits grow with failures and are never the same for all."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from leadlane.outbound.limits import BURST, FIRST_WAIT, LONGEST_ASKED, LONGEST_WAIT, asked_wait, granted, wait

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@given(
    per_minute=st.integers(1, 6_000),
    asks=st.lists(st.tuples(st.floats(0, 30), st.integers(0, 50)), max_size=60),
)
def test_never_more_than_the_rate_and_one_burst(per_minute: int, asks: list[tuple[float, int]]) -> None:
    at, free_at, total = NOW, None, 0
    for seconds, wanted in asks:
        at += timedelta(seconds=seconds)
        count, free_at, again_at = granted(free_at, at, per_minute, wanted)
        assert 0 <= count <= wanted
        assert again_at >= at
        total += count
    allowed = ((at - NOW) + max(BURST, timedelta(minutes=1) / per_minute)) / timedelta(minutes=1) * per_minute
    assert total <= allowed + 1e-6


@given(per_minute=st.integers(1, 6_000))
def test_whoever_waits_as_long_as_told_may_send(per_minute: int) -> None:
    _count, free_at, again_at = granted(None, NOW, per_minute, 100_000)
    assert granted(free_at, again_at + timedelta(microseconds=10), per_minute, 1)[0] == 1


@given(failures=st.integers(1, 200), chance=st.floats(0, 1))
def test_waits_double_up_to_the_longest_and_half_of_them_is_chance(failures: int, chance: float) -> None:
    waited = wait(failures, chance)
    assert waited <= LONGEST_WAIT
    assert wait(failures, 0) <= waited <= 2 * wait(failures, 0)
    if failures < 10:
        assert wait(failures + 1, chance) - 2 * waited <= timedelta(microseconds=2)
    assert waited >= FIRST_WAIT / 2


def test_what_a_receiver_asks_for_is_kept_within_reason() -> None:
    assert asked_wait(30) == timedelta(seconds=30)
    assert asked_wait(10**9) == LONGEST_ASKED
    assert asked_wait(-5) == timedelta(seconds=1)
