"""Who is told of what has happened, by which channel, and from when on? Rows of the outbox become deliveries.

A system gets one for each event that it listens to. A person, or a post that a team reads, gets a part of the
message that waits for them; and where `also` says so a further one, for those who have not acted by then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from psycopg import Connection

from leadlane.config import Settings
from leadlane.core.business_time import NoWorkingTime
from leadlane.core.facts import Roster
from leadlane.core.place import manager_of
from leadlane.core.rulebook import Rulebook
from leadlane.i18n import _
from leadlane.logging import get_logger
from leadlane.outbound.endpoints import Audience, Outbound
from leadlane.service.compose import body_of
from leadlane.service.rulebooks import NothingPublishedError, Rulebooks
from leadlane.service.ways import MEDIA, Setup, Way, address_by, channel_for, post_of
from leadlane.store import deliveries
from leadlane.store.deliveries import Channel, ForMachine, ForPerson, OutboxRow
from leadlane.store.leads import LeadRow

log = get_logger(__name__)

BATCH = 500
# Where a person has another channel it is taken after about half a minute: the lead does not wait.
NEXT_AFTER = timedelta(seconds=30)
ADMIN_ROLE = "revops"
# What asks somebody to act: with a promise that ends before they are back at work, it is urgent.
_ASKING = frozenset({"assigned", "covering", "returned", "reminder", "escalated", "review", "uncovered"})


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
        leads = deliveries.leads_of(connection, [row.lead_id for row in rows if row.lead_id is not None])
        for_machines = _for_machines(connection, book.roster, setup, rows, leads, now)
        deliveries.add_for_machines(connection, for_machines, now)
        _tell_people(connection, book, setup, rows, leads, now)
        deliveries.set_taken(connection, [row.id for row in rows], now)
    return len(rows)


def plan_all(connection: Connection, books: Rulebooks, setup: Setup, now: datetime) -> None:
    """Plan until there is nothing left. A row that cannot be planned, by whatever defect, stops no other."""
    with suppress(NothingPublishedError):
        # Rules that cannot be read are no defect of a row: none is passed over for them.
        books.current(connection)
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


def hears(audience: Audience, lead: LeadRow | None, roster: Roster) -> bool:
    """Whether an audience hears of a lead; None: of what is about no single lead."""
    if lead is None:
        return not audience.is_choosy
    people = (roster.people.get(id_ or "") for id_ in (lead.owner, lead.covered_by))
    teams = {team for person in people if person is not None for team in person.teams}
    return (
        (not audience.teams or not audience.teams.isdisjoint(teams))
        and (not audience.pools or bool(audience.pools & {lead.pool, lead.waiting_pool}))
        and (not audience.routes or lead.route in audience.routes)
    )


def _for_machines(
    connection: Connection,
    roster: Roster,
    setup: Setup,
    rows: Sequence[OutboxRow],
    leads: Mapping[str, LeadRow],
    now: datetime,
) -> list[ForMachine]:
    if not setup.outbound.endpoints:
        return []
    since = {name: channel.since for name, channel in deliveries.channels(connection).items()}
    made = []
    for row in rows:
        lead = leads.get(row.lead_id or "")
        heard = [
            one
            for one in setup.outbound.endpoints
            # A system that is new is not told the history.
            if row.event in one.events
            and one.channel in since
            and row.created_at >= since[one.channel]
            and hears(one.only, lead, roster)
        ]
        if heard:
            body = body_of(row, lead, roster, now)
            made += [ForMachine(row.id, one.channel, one.url, row.lead_id, body) for one in heard]
    return made


def _tell_people(
    connection: Connection,
    book: Rulebook,
    setup: Setup,
    rows: Sequence[OutboxRow],
    leads: Mapping[str, LeadRow],
    now: datetime,
) -> None:
    usable = _usable(connection, setup.ways, now)
    first: list[ForPerson] = []
    again: list[ForPerson] = []
    unreachable: list[tuple[int, str]] = []
    for row in rows:
        lead = leads.get(row.lead_id or "")
        for reader in _readers(row, lead, book.roster, setup):
            found = channel_for(book.roster, setup, reader, usable)
            if found is None:
                unreachable.append((row.id, reader))
                continue
            at = not_before(book, setup.outbound, row.event, lead, reader, now)
            first.append(ForPerson(row.id, reader, *found, at))
            again += _again(book, setup, row, lead, first[-1])
    deliveries.add_for_people(connection, first, now)
    deliveries.add_again(connection, again, now)
    # Where people are told by nothing at all, nobody misses an address.
    if unreachable and any(name in MEDIA for name in setup.ways):
        reason = _("The roster has no address of this person, for any channel.")
        deliveries.add_dead(connection, unreachable, reason, now)
        for reader in sorted({reader for _row, reader in unreachable}):
            tell_manager(connection, book.roster, setup, reader, now)


def _readers(row: OutboxRow, lead: LeadRow | None, roster: Roster, setup: Setup) -> Iterator[str]:
    yield from (row.person,) if row.person is not None else admins(roster, setup.settings)
    for post in setup.outbound.posts:
        if row.event in post.events and hears(post.only, lead, roster):
            yield post.reader


def _usable(connection: Connection, ways: Mapping[str, Way], now: datetime) -> dict[str, Way]:
    """The channels that have not been down for long."""
    known = deliveries.channels(connection)
    return {name: way for name, way in ways.items() if not is_long_down(known.get(name), now)}


def is_long_down(channel: Channel | None, now: datetime) -> bool:
    """Whether a channel has been down for so long that people are told by their next one."""
    return channel is not None and channel.down_since is not None and now - channel.down_since >= NEXT_AFTER


def admins(roster: Roster, settings: Settings) -> list[str]:
    """Who hears what is meant for every admin: those of the settings, else everyone of revenue operations."""
    named = [id_.strip() for id_ in settings.admins.split(",") if id_.strip()]
    return named or [one.id for one in roster.people.values() if one.role == ADMIN_ROLE and one.active]


def not_before(
    book: Rulebook, outbound: Outbound, event: str, lead: LeadRow | None, reader: str, at: datetime
) -> datetime:
    """When a reader may be told of an event: at `at`, or when their working hours begin if it can wait."""
    calendar = book.calendars.get(reader)
    if calendar is None or event in outbound.at_any_hour:
        return at
    try:
        opens = calendar.next_open(at)
    except NoWorkingTime:
        return at
    return at if event in _ASKING and _ends_before(lead, opens) else opens


def _ends_before(lead: LeadRow | None, moment: datetime) -> bool:
    """Whether what was promised to a prospect has to be done by then, or had to be, and has not been."""
    if lead is None or lead.respond_by is None or lead.responded_at is not None:
        return False
    return lead.respond_by <= moment


def _again(
    book: Rulebook, setup: Setup, row: OutboxRow, lead: LeadRow | None, first: ForPerson
) -> Iterator[ForPerson]:
    """The further messages that follow a first one, where nobody acts."""
    person = book.roster.people.get(first.person)
    if person is None or lead is None:
        return
    for rule in setup.outbound.also:
        address = address_by(person, rule.channel)
        is_another = rule.channel in setup.ways and rule.channel != first.channel
        if row.event in rule.events and address and is_another:
            at = not_before(book, setup.outbound, row.event, lead, person.id, first.at + rule.after)
            # On the full minute: what falls due within a minute is one message.
            at = at.replace(second=0, microsecond=0) + timedelta(minutes=bool(at.second or at.microsecond))
            yield ForPerson(row.id, person.id, rule.channel, address, at, rule.unless)


def tell_manager(connection: Connection, roster: Roster, setup: Setup, reader: str, now: datetime) -> None:
    """The manager of somebody who cannot be told hears of it, once; of a post every admin does."""
    known, post = roster.people.get(reader), post_of(setup.outbound, reader)
    if post is not None:
        text = _("Nothing can be posted to {name}: its channel {channel} does not work.")
        text = text.format(name=post.name, channel=post.channel)
    else:
        name = known.name if known is not None and known.name else reader
        text = _("{name} cannot be told of their leads: no channel works.").format(name=name)
    manager = manager_of(roster, known) if known is not None else None
    to = manager if manager != reader else None
    if deliveries.begin_alarm(connection, alarm_of_person(reader), text, to, now):
        log.error("alarm", kind=alarm_of_person(reader), reason=text)


def alarm_of_person(reader: str) -> str:
    """The kind of the alarm that lasts while somebody cannot be told."""
    return f"unreachable:{reader}"
