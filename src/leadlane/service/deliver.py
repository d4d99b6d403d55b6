"""What is sent now, and what follows from how that ended?

    claim     a message is theirs who commits `sending` before they send it; what is not true any more is moot
    settle    how it ended: sent, tried again later, handed to the person's next channel, dead, or uncertain

A machine is told at least once, under an id that stays the same. A person is told at most once: a message
that was being sent when its sender died is `uncertain`, which is seen, and never sent again by itself.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from prometheus_client import Counter, Gauge, Histogram
from psycopg import Connection

from leadlane.core.facts import Roster
from leadlane.i18n import _
from leadlane.logging import get_logger
from leadlane.outbound.limits import asked_wait, granted, wait
from leadlane.outbound.message import Failure, Sent
from leadlane.service.compose import message_for
from leadlane.service.planning import BATCH, alarm_of_person, is_long_down, tell_manager
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.ways import MEDIA, Job, Setup, Way, channel_for
from leadlane.store import alarms, deliveries
from leadlane.store.deliveries import Delivery

log = get_logger(__name__)

SENT = Counter("leadlane_messages_sent_total", "Messages that the receiver has taken", ["channel"])
FAILED = Counter(
    "leadlane_messages_failed_total", "Attempts to send that failed, by kind of failure", ["channel", "kind"]
)
DELAY = Histogram(
    "leadlane_message_delay_seconds",
    "Time from when a message was first wanted until the receiver had taken it",
    ["channel"],
    buckets=(0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600, 86400),
)
WAITING = Gauge(
    "leadlane_messages_waiting", "Messages that wait", ["channel"], multiprocess_mode="mostrecent"
)
OLDEST = Gauge(
    "leadlane_messages_oldest_seconds",
    "How long the longest waiting message has waited",
    ["channel"],
    multiprocess_mode="mostrecent",
)

# Longer than any channel takes to send one message.
LEASE = timedelta(minutes=2)
# With the waits of `limits.wait`: a person is tried for about a day, a machine for about three.
MOST_ATTEMPTS_PERSON, MOST_ATTEMPTS_MACHINE = 16, 24
# That takes about half a minute.
MOST_ATTEMPTS_BEFORE_NEXT = 5
ALARM_AFTER = timedelta(minutes=5)


# ---------------------------------------------------------------- claim


def claim(
    connection: Connection, books: Rulebooks, setup: Setup, way: Way, room: int, now: datetime
) -> tuple[list[Job], datetime | None]:
    """What is to be sent by a channel now, at most `room`; committed as `sending` when this returns.

    Also when the channel may send again, where it may not send more now.
    """
    jobs: list[Job] = []
    with connection.transaction():
        channel = deliveries.lock_channel(connection, way.name)
        if channel is None:
            return [], None
        if channel.paused_until is not None and channel.paused_until > now:
            return [], channel.paused_until
        if channel.failures:
            # One message finds out whether it works again; the others lose no attempt meanwhile.
            room = 0 if deliveries.is_sending(connection, way.name) else 1
        count, _free_at, again_at = granted(channel.free_at, now, way.per_minute, room)
        if not count:
            return [], again_at if room else None
        if way.name in MEDIA:
            # Forgotten, it would be told again.
            deliveries.make_durable(connection)
        for one in deliveries.claim(connection, way.name, now, count, now + LEASE):
            jobs += _made_ready(connection, books, setup, one, now)
        if jobs:
            free_at = granted(channel.free_at, now, way.per_minute, len(jobs))[1]
            deliveries.set_free_at(connection, way.name, free_at)
    return jobs, None


def _made_ready(
    connection: Connection, books: Rulebooks, setup: Setup, one: Delivery, now: datetime
) -> list[Job]:
    if one.person is None:
        return [Job(one, None)]
    try:
        with connection.transaction():
            if one.unless is not None:
                deliveries.join_due(connection, one, now)
            message = message_for(connection, books, setup, one, now)
    except Exception as error:
        if connection.broken or connection.closed:
            raise
        # One message that cannot be made must not hold up the others.
        log.exception("a message could not be made", delivery=one.id)
        _try_again(connection, books, setup, one, Failure("temporary", repr(error)), now)
        return []
    if message is None:
        deliveries.finish(connection, one, "moot", now)
        return []
    return [Job(one, message)]


# ---------------------------------------------------------------- settle


def settle(
    connection: Connection,
    books: Rulebooks,
    setup: Setup,
    one: Delivery,
    outcome: Sent | Failure,
    now: datetime,
) -> None:
    """Write down how sending ended, and see to what follows."""
    with connection.transaction():
        if isinstance(outcome, Sent):
            _succeed(connection, one, outcome, now)
            return
        FAILED.labels(one.channel, outcome.kind).inc()
        log.warning(
            "not sent", delivery=one.id, channel=one.channel, kind=outcome.kind, detail=outcome.detail
        )
        match outcome.kind:
            case "permanent":
                _give_up(connection, books, setup, one, outcome.detail, now)
            case "uncertain" if one.person is not None:
                deliveries.finish(connection, one, "uncertain", now, outcome.detail)
            case "rate_limited":
                until = _pause(connection, books, setup, one, outcome, now)
                deliveries.put_back(connection, one, until, outcome.detail, counts=False)
            case _:
                _try_again(connection, books, setup, one, outcome, now)


def _succeed(connection: Connection, one: Delivery, outcome: Sent, now: datetime) -> None:
    if not deliveries.finish(connection, one, "sent", now, None, outcome.message_id or None):
        return
    SENT.labels(one.channel).inc()
    DELAY.labels(one.channel).observe(max(0.0, (now - one.created_at).total_seconds()))
    over = [] if one.person is None else [alarm_of_person(one.person)]
    if deliveries.set_up(connection, one.channel):
        log.info("channel works again", channel=one.channel)
        over.append(_alarm_of_channel(one.channel))
    if over:
        alarms.end(connection, over)


def _try_again(
    connection: Connection, books: Rulebooks, setup: Setup, one: Delivery, failure: Failure, now: datetime
) -> None:
    """Later, ever less often; until it has been tried often enough."""
    until = now + _wait_for(failure, one.attempts)
    if failure.is_channel_down:
        until = _pause(connection, books, setup, one, failure, now)
    if one.attempts >= _most_attempts(connection, books, setup, one, now):
        _give_up(connection, books, setup, one, failure.detail, now)
    else:
        deliveries.put_back(connection, one, until, failure.detail)


def _most_attempts(
    connection: Connection, books: Rulebooks, setup: Setup, one: Delivery, now: datetime
) -> int:
    if one.person is None:
        return MOST_ATTEMPTS_MACHINE
    if _next_channel(books.current(connection).roster, setup, one) is None:
        return MOST_ATTEMPTS_PERSON
    channel = deliveries.channels(connection).get(one.channel)
    return 1 if is_long_down(channel, now) else MOST_ATTEMPTS_BEFORE_NEXT


def _pause(
    connection: Connection, books: Rulebooks, setup: Setup, one: Delivery, failure: Failure, now: datetime
) -> datetime:
    """Nothing more goes by a channel that failed until the moment that is returned."""
    channel = deliveries.lock_channel(connection, one.channel)
    if channel is None:
        return now + _wait_for(failure, one.attempts)
    until = now + _wait_for(failure, channel.failures + 1)
    deliveries.pause(connection, one.channel, until, failure.detail, now)
    if is_long_down(channel, now):
        _send_otherwise(connection, books.current(connection).roster, setup, channel.name, now)
    if channel.down_since is not None and now - channel.down_since >= ALARM_AFTER:
        text = _("Nothing can be sent by {channel}: {detail}").format(
            channel=one.channel, detail=failure.detail
        )
        if deliveries.begin_alarm(connection, _alarm_of_channel(one.channel), text, None, now):
            log.error("alarm", kind=_alarm_of_channel(one.channel), reason=text)
    return until


def leave_what_is_not_set_up(connection: Connection, roster: Roster, setup: Setup, now: datetime) -> None:
    """What waits for a channel that is not set up (any more) goes by one that is, where people have one.

    Else all that they are to hear from then on would become part of a message that is never sent.
    """
    with connection.transaction():
        for name in MEDIA.keys() - setup.ways.keys():
            _send_otherwise(connection, roster, setup, name, now)


def _send_otherwise(
    connection: Connection, roster: Roster, setup: Setup, channel: str, now: datetime
) -> None:
    """What waits for a channel that does not work goes to those who can be told by another."""
    deliveries.lock_planning(connection)
    for one in deliveries.waiting_people(connection, channel, BATCH):
        following = _next_channel(roster, setup, one)
        if following is not None:
            deliveries.redirect(connection, one, *following, now)


def _give_up(
    connection: Connection, books: Rulebooks, setup: Setup, one: Delivery, detail: str, now: datetime
) -> None:
    """A person is told by their next channel; if there is none, their manager hears that they are not."""
    roster = books.current(connection).roster
    following = _next_channel(roster, setup, one)
    if not deliveries.finish(connection, one, "failed" if following else "dead", now, detail):
        return
    if following is not None:
        deliveries.hand_over(connection, one, *following, now)
    elif one.person is not None and one.unless is None:
        tell_manager(connection, roster, setup, one.person, now)


def _next_channel(roster: Roster, setup: Setup, one: Delivery) -> tuple[str, str] | None:
    if one.person is None or one.unless is not None:
        return None  # what is told again was told by another channel already
    found = channel_for(roster, setup, one.person, setup.ways, (*one.tried, one.channel))
    return found if found is not None and found[0] in setup.ways else None


def _wait_for(failure: Failure, failures: int) -> timedelta:
    own = wait(failures, random.random())
    if failure.retry_after_seconds is None:
        return own
    # Not before it was asked, and not all at that very moment.
    return max(own, asked_wait(failure.retry_after_seconds)) + timedelta(seconds=random.random())


def _alarm_of_channel(channel: str) -> str:
    return f"channel:{channel}"


# ---------------------------------------------------------------- from outside


def send_again(
    connection: Connection, books: Rulebooks, setup: Setup, delivery_id: int, now: datetime
) -> bool:
    """Send a delivery that ended without having been sent for sure again, under the id that it had.

    A person by their first channel, as the roster is now. False, and nothing is done, where there is no such
    delivery, it was sent, is under way, or moot, or the roster still has no address.
    """
    one = deliveries.get(connection, delivery_id)
    if one is None:
        return False
    to: tuple[str, str] | None = (one.channel, one.address)
    if one.person is not None and one.unless is None:
        to = channel_for(books.current(connection).roster, setup, one.person, setup.ways)
    return to is not None and deliveries.retry(connection, delivery_id, *to, now)


def measure(connection: Connection, now: datetime) -> None:
    """Bring the gauges of what waits up to date."""
    found = {one.channel or "": one for one in deliveries.waiting(connection)}
    for name in {"", *found, *deliveries.channels(connection)}:
        one = found.get(name)
        label = name or "unplanned"
        WAITING.labels(label).set(one.count if one is not None else 0)
        oldest = one.oldest if one is not None else None
        OLDEST.labels(label).set((now - oldest).total_seconds() if oldest is not None else 0.0)
