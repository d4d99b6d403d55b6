"""By which channels are people and systems told, what is missing, what went wrong, and does a test arrive?"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection

from leadlane.config import Settings
from leadlane.core.facts import Person
from leadlane.i18n import _
from leadlane.outbound.endpoints import Outbound
from leadlane.outbound.message import TEST, Failure, Item, Message, Sent
from leadlane.service.ways import LAST_RESORT, MEDIA, shown_address
from leadlane.store import deliveries
from leadlane.store.deliveries import Channel, Waiting

# The settings without which a channel is not set up; the others are enabled in outbound.yaml.
_NEEDED = {
    "email": ("smtp_url", "mail_from"),
    "slack": ("slack_bot_token",),
    "sms": ("twilio_account_sid", "twilio_auth_token", "twilio_from"),
}


@dataclass(frozen=True, slots=True)
class ChannelView:
    """A channel to people: `missing` are the settings it lacks, `problems` what is wrong with those it has.

    `address` is where whoever looks at the page is reached by it, fit to be shown; "" for nowhere.
    """

    name: str
    is_set_up: bool
    missing: tuple[str, ...]
    problems: tuple[str, ...]
    down_since: datetime | None
    error: str
    waiting: int
    oldest: datetime | None
    address: str


@dataclass(frozen=True, slots=True)
class WebhookView:
    """A system that is told: its address fit to be shown, what it hears of, and how it is."""

    name: str
    url: str
    events: tuple[str, ...]
    down_since: datetime | None
    error: str
    waiting: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class ChannelsPage:
    """Everything that tells. `unplanned` messages are not looked at yet, `unsent` by how they ended."""

    channels: tuple[ChannelView, ...]
    webhooks: tuple[WebhookView, ...]
    unplanned: int
    unsent: Mapping[deliveries.State, int]


def channels_page(
    connection: Connection, settings: Settings, outbound: Outbound, email: str, person: Person | None
) -> ChannelsPage:
    """How each channel is, for somebody with an e-mail address, who is `person` in the roster."""
    known = deliveries.channels(connection)
    waiting = {one.channel: one for one in deliveries.waiting(connection)}
    unplanned = waiting.get(None)
    return ChannelsPage(
        tuple(
            _channel(name, settings, outbound, known.get(name), waiting.get(name), email, person)
            for name in MEDIA
        ),
        tuple(
            WebhookView(
                one.name,
                shown_address(one.url),
                tuple(sorted(one.events)),
                *_state(known.get(one.channel)),
                *_queue(waiting.get(one.channel)),
            )
            for one in outbound.endpoints
        ),
        unplanned.count if unplanned is not None else 0,
        deliveries.counts(connection),
    )


def _channel(
    name: str,
    settings: Settings,
    outbound: Outbound,
    known: Channel | None,
    waiting: Waiting | None,
    email: str,
    person: Person | None,
) -> ChannelView:
    medium, section = MEDIA[name], outbound.section(name)
    is_set_up = medium.set_up(settings, section, outbound.allowed) is not None
    needed = _NEEDED.get(name, ())
    missing = () if is_set_up else tuple(one for one in needed if not getattr(settings, one))
    return ChannelView(
        name,
        is_set_up,
        missing,
        tuple(medium.problems(settings, section)),
        *_state(known if is_set_up else None),
        *_queue(waiting),
        shown_address(address_of(name, email, person)),
    )


def _state(known: Channel | None) -> tuple[datetime | None, str]:
    return (known.down_since, known.error or "") if known is not None else (None, "")


def _queue(waiting: Waiting | None) -> tuple[int, datetime | None]:
    return (waiting.count, waiting.oldest) if waiting is not None else (0, None)


def address_of(channel: str, email: str, person: Person | None) -> str:
    """Where somebody is reached by a channel, "" for nowhere; by e-mail always at their own address."""
    if channel == LAST_RESORT:
        return email
    return MEDIA[channel].address(person) if person is not None else ""


@dataclass(frozen=True, slots=True)
class Reader:
    """To whom a test goes: who they are in the roster ("" for nobody), their name, zone and language."""

    person: str
    name: str
    zone: str
    language: str
    address: str


def send_test(
    settings: Settings, outbound: Outbound, channel: str, reader: Reader, now: datetime
) -> Sent | Failure | None:
    """Send a real message by a channel, past the outbox, and say how it went. None: it is not set up."""
    medium = MEDIA[channel]
    made = medium.set_up(settings, outbound.section(channel), outbound.allowed)
    if made is None:
        return None
    said = _("{name} asked for this message, to see whether it arrives. It does. There is nothing to do.")
    item = Item(TEST, now, reason=said.format(name=reader.name))
    message = Message(
        f"test_{secrets.token_hex(16)}",
        reader.person or reader.address,
        reader.name,
        reader.zone,
        reader.language,
        reader.address,
        (item,),
    )
    return medium.send(made, message, now)
