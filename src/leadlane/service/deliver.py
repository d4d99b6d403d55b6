"""Who is told, by which channel, and what follows when that fails?

    plan      rows of the outbox become deliveries: one for each webhook that listens, and for a person a part
              of the message that waits for them
    claim     a message is theirs who commits `sending` before they send it; what is not true any more is moot
    settle    how it ended: sent, tried again later, handed to the person's next channel, dead, or uncertain

A machine is told at least once, under an id that stays the same. A person is told at most once: a message
that was being sent when its sender died is `uncertain`, which is seen, and never sent again by itself.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from prometheus_client import Counter, Gauge, Histogram
from psycopg import Connection

from leadlane.config import Settings
from leadlane.core.business_time import NoWorkingTime
from leadlane.core.facts import Person, Roster
from leadlane.core.place import manager_of
from leadlane.core.rulebook import Rulebook
from leadlane.i18n import _
from leadlane.logging import get_logger
from leadlane.outbound import email, webhook
from leadlane.outbound.endpoints import Endpoint, Outbound
from leadlane.outbound.limits import asked_wait, granted, wait
from leadlane.outbound.message import Failure, Message, Sent
from leadlane.service.compose import body_of, message_for
from leadlane.service.rulebooks import NothingPublishedError, Rulebooks
from leadlane.store import alarms, deliveries
from leadlane.store.deliveries import Channel, Delivery, ForMachine, ForPerson, OutboxRow

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

BATCH = 500
# Longer than any channel takes to send one message.
LEASE = timedelta(minutes=2)
# With the waits of `limits.wait`: a person is tried for about a day, a machine for about three.
MOST_ATTEMPTS_PERSON, MOST_ATTEMPTS_MACHINE = 16, 24
# Where a person has another channel it is taken after about half a minute: the lead does not wait.
MOST_ATTEMPTS_BEFORE_NEXT = 5
NEXT_AFTER = timedelta(seconds=30)
ALARM_AFTER = timedelta(minutes=5)
ADMIN_ROLE = "revops"
# Everybody who has an address there can be told by it, after the channels that they named.
LAST_RESORT = "email"

# The channels by which people can be told, and where somebody is reached by each; "" is nowhere.
ADDRESSES: Mapping[str, Callable[[Person], str]] = {"email": lambda person: person.email}


@dataclass(frozen=True, slots=True)
class Job:
    """A delivery that is to be sent now; `message` for a person."""

    delivery: Delivery
    message: Message | None


@dataclass(frozen=True, slots=True)
class Way:
    """A channel that is set up: at most how much goes by it in a minute, and how it sends."""

    name: str
    per_minute: int
    send: Callable[[Job, datetime], Sent | Failure]


@dataclass(frozen=True, slots=True)
class Setup:
    """What telling depends on besides the database."""

    settings: Settings
    outbound: Outbound
    ways: Mapping[str, Way]


def set_up(settings: Settings, outbound: Outbound) -> Setup:
    """The channels that these settings set up."""
    ways = [Way(one.channel, one.per_minute, partial(_send_to_machine, one)) for one in outbound.endpoints]
    if settings.smtp_url and settings.mail_from:
        ways.append(Way("email", settings.mail_per_minute, partial(_send_mail, settings)))
    return Setup(settings, outbound, {way.name: way for way in ways})


def _send_to_machine(endpoint: Endpoint, job: Job, now: datetime) -> Sent | Failure:
    assert job.delivery.body is not None  # so says the table
    return webhook.send(endpoint, message_id_of(job.delivery), job.delivery.body, now)


def _send_mail(settings: Settings, job: Job, now: datetime) -> Sent | Failure:
    assert job.message is not None  # it goes to a person
    return email.send(settings, job.message, now)


def message_id_of(one: Delivery) -> str:
    """The id of a message; it stays the same however often it is sent."""
    return f"msg_{one.uid.hex}"


# ---------------------------------------------------------------- plan


def plan(connection: Connection, books: Rulebooks, setup: Setup, now: datetime, limit: int = BATCH) -> int:
    """Make deliveries of what was written to the outbox, the oldest first. Returns of how many rows."""
    with connection.transaction():
        deliveries.lock_planning(connection)
        rows = deliveries.take(connection, limit)
        if not rows:
            return 0
        try:
            book = books.current(connection)
        except NothingPublishedError:
            return 0
        deliveries.add_for_machines(connection, _for_machines(connection, book.roster, setup, rows, now), now)
        _tell_people(connection, book, setup, rows, now)
        deliveries.set_taken(connection, [row.id for row in rows], now)
    return len(rows)


def plan_all(connection: Connection, books: Rulebooks, setup: Setup, now: datetime) -> None:
    """Plan until there is nothing left. A row that cannot be planned, by whatever defect, stops no other."""
    limit = BATCH
    while True:
        try:
            if plan(connection, books, setup, now, limit) < limit:
                return
        except Exception:
            if connection.broken or connection.closed:
                raise
            if limit == 1:
                _pass_over(connection, now)
            limit = 1


def _pass_over(connection: Connection, now: datetime) -> None:
    with connection.transaction():
        deliveries.lock_planning(connection)
        rows = deliveries.take(connection, 1)
        log.exception("a message could not be planned and is passed over", outbox=[row.id for row in rows])
        deliveries.set_taken(connection, [row.id for row in rows], now)


def _for_machines(
    connection: Connection, roster: Roster, setup: Setup, rows: Sequence[OutboxRow], now: datetime
) -> list[ForMachine]:
    if not setup.outbound.endpoints:
        return []
    since = {name: channel.since for name, channel in deliveries.channels(connection).items()}
    leads = deliveries.leads_of(connection, [row.lead_id for row in rows if row.lead_id is not None])
    made = []
    for row in rows:
        heard = [
            one
            for one in setup.outbound.endpoints
            # A system that is new is not told the history.
            if row.event in one.events and one.channel in since and row.created_at >= since[one.channel]
        ]
        if heard:
            body = body_of(row, leads.get(row.lead_id or ""), roster, now)
            made += [ForMachine(row.id, one.channel, one.url, row.lead_id, body) for one in heard]
    return made


def _tell_people(
    connection: Connection, book: Rulebook, setup: Setup, rows: Sequence[OutboxRow], now: datetime
) -> None:
    usable = _usable(connection, setup.ways, now)
    # Where people are told by nothing at all, nobody misses an address.
    is_anybody_told = any(name in ADDRESSES for name in setup.ways)
    wanted: list[ForPerson] = []
    unreachable: list[tuple[int, str]] = []
    for row in rows:
        for id_ in (row.person,) if row.person is not None else admins(book.roster, setup.settings):
            found = channel_for(book.roster.people.get(id_), usable)
            if found is None and is_anybody_told:
                unreachable.append((row.id, id_))
            elif found is not None:
                at = _not_before(book, setup.outbound, row.event, id_, now)
                wanted.append(ForPerson(row.id, id_, *found, at))
    deliveries.add_for_people(connection, wanted, now)
    if unreachable:
        reason = _("The roster has no address of this person, for any channel.")
        deliveries.add_dead(connection, unreachable, reason, now)
        for id_ in sorted({person for _row, person in unreachable}):
            _tell_manager(connection, book.roster, id_, now)


def _usable(connection: Connection, ways: Mapping[str, Way], now: datetime) -> dict[str, Way]:
    """The channels that have not been down for long."""
    known = deliveries.channels(connection)
    return {name: way for name, way in ways.items() if not _is_long_down(known.get(name), now)}


def _is_long_down(channel: Channel | None, now: datetime) -> bool:
    return channel is not None and channel.down_since is not None and now - channel.down_since >= NEXT_AFTER


def admins(roster: Roster, settings: Settings) -> list[str]:
    """Who hears what is meant for every admin: those of the settings, else everyone of revenue operations."""
    named = [id_.strip() for id_ in settings.admins.split(",") if id_.strip()]
    return named or [one.id for one in roster.people.values() if one.role == ADMIN_ROLE and one.active]


def channel_for(
    person: Person | None, ways: Collection[str], but: Collection[str] = ()
) -> tuple[str, str] | None:
    """The channel by which a person is told, and their address there: the first of theirs that is set up.

    If none of them is, the first that could be: there the message waits until it is.
    """
    found = list(_channels_of(person, but)) if person is not None else []
    return next((one for one in found if one[0] in ways), found[0] if found else None)


def _channels_of(person: Person, but: Collection[str]) -> Iterator[tuple[str, str]]:
    for name in (*person.channels, LAST_RESORT):
        if name in ADDRESSES and name not in but and ADDRESSES[name](person):
            yield name, ADDRESSES[name](person)


def _not_before(book: Rulebook, outbound: Outbound, event: str, person: str, now: datetime) -> datetime:
    calendar = book.calendars.get(person)
    if calendar is None or event in outbound.at_any_hour:
        return now
    try:
        return calendar.next_open(now)
    except NoWorkingTime:
        return now


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
        if way.name in ADDRESSES:
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
            message = message_for(connection, books, setup.settings, one, now)
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
    over = [] if one.person is None else [_alarm_of_person(one.person)]
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
    is_long_down = _is_long_down(deliveries.channels(connection).get(one.channel), now)
    return 1 if is_long_down else MOST_ATTEMPTS_BEFORE_NEXT


def _pause(
    connection: Connection, books: Rulebooks, setup: Setup, one: Delivery, failure: Failure, now: datetime
) -> datetime:
    """Nothing more goes by a channel that failed until the moment that is returned."""
    channel = deliveries.lock_channel(connection, one.channel)
    if channel is None:
        return now + _wait_for(failure, one.attempts)
    until = now + _wait_for(failure, channel.failures + 1)
    deliveries.pause(connection, one.channel, until, failure.detail, now)
    if _is_long_down(channel, now):
        _send_otherwise(connection, books.current(connection).roster, setup, channel, now)
    if channel.down_since is not None and now - channel.down_since >= ALARM_AFTER:
        text = _("Nothing can be sent by {channel}: {detail}").format(
            channel=one.channel, detail=failure.detail
        )
        if deliveries.begin_alarm(connection, _alarm_of_channel(one.channel), text, None, now):
            log.error("alarm", kind=_alarm_of_channel(one.channel), reason=text)
    return until


def _send_otherwise(
    connection: Connection, roster: Roster, setup: Setup, channel: Channel, now: datetime
) -> None:
    """What waits for a channel that has been down for long goes to those who can be told by another."""
    deliveries.lock_planning(connection)
    for one in deliveries.waiting_people(connection, channel.name, BATCH):
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
    elif one.person is not None:
        _tell_manager(connection, roster, one.person, now)


def _next_channel(roster: Roster, setup: Setup, one: Delivery) -> tuple[str, str] | None:
    found = channel_for(roster.people.get(one.person or ""), setup.ways, (*one.tried, one.channel))
    return found if found is not None and found[0] in setup.ways else None


def _tell_manager(connection: Connection, roster: Roster, person: str, now: datetime) -> None:
    known = roster.people.get(person)
    manager = manager_of(roster, known) if known is not None else None
    name = known.name if known is not None and known.name else person
    text = _("{name} cannot be told of their leads: no channel works.").format(name=name)
    to = manager if manager != person else None
    if deliveries.begin_alarm(connection, _alarm_of_person(person), text, to, now):
        log.error("alarm", kind=_alarm_of_person(person), reason=text)


def _wait_for(failure: Failure, failures: int) -> timedelta:
    own = wait(failures, random.random())
    if failure.retry_after_seconds is None:
        return own
    # Not before it was asked, and not all at that very moment.
    return max(own, asked_wait(failure.retry_after_seconds)) + timedelta(seconds=random.random())


def _alarm_of_channel(channel: str) -> str:
    return f"channel:{channel}"


def _alarm_of_person(person: str) -> str:
    return f"unreachable:{person}"


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
    if one.person is not None:
        to = channel_for(books.current(connection).roster.people.get(one.person), setup.ways)
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
