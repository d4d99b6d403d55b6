"""By which channels can people be told, where is somebody reached by each, and how does it send?

A channel is a module of `outbound` with five names: `Section` (its part of outbound.yaml), `address`,
`set_up`, `send` and `problems`; `Medium` says what each of them is. To add one, add it to `MEDIA`,
and its section to `outbound.endpoints`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from leadlane.config import Settings
from leadlane.core.facts import Person, Roster
from leadlane.outbound import apprise_, email, slack, sms, teams, webhook
from leadlane.outbound.endpoints import Endpoint, Outbound, Post
from leadlane.outbound.message import Failure, Message, Sent
from leadlane.store.deliveries import Delivery

# Everybody who has an address there can be told by it, after the channels that they named.
LAST_RESORT = "email"


@dataclass(frozen=True, slots=True)
class Medium:
    """A channel by which people can be told.

    `address`: where a person is reached by it, "" for nowhere. `set_up` makes of the settings, the section of
    outbound.yaml and what `allow` opens there what `send` needs, None where the channel is not set up.
    `problems`: what is wrong with those settings, a line each. `per_minute`: at most so many messages.
    """

    name: str
    address: Callable[[Person], str]
    set_up: Callable[[Settings, Any, tuple[str, ...]], Any | None]
    send: Callable[[Any, Message, datetime], Sent | Failure]
    problems: Callable[[Settings, Any], list[str]]
    per_minute: Callable[[Settings, Any], int]


def _mail_set_up(settings: Settings, _section: None, _allowed: tuple[str, ...]) -> Settings | None:
    return settings if settings.smtp_url and settings.mail_from else None


def _per_minute(_settings: Settings, section: Any) -> int:
    return int(section.per_minute)


MEDIA: Mapping[str, Medium] = {
    one.name: one
    for one in (
        Medium(
            "email",
            lambda person: person.email,
            _mail_set_up,
            email.send,
            lambda settings, _section: email.problems(settings),
            lambda settings, _section: settings.mail_per_minute,
        ),
        Medium("slack", slack.address, slack.set_up, slack.send, slack.problems, _per_minute),
        Medium("teams", teams.address, teams.set_up, teams.send, teams.problems, _per_minute),
        Medium("sms", sms.address, sms.set_up, sms.send, sms.problems, _per_minute),
        Medium("apprise", apprise_.address, apprise_.set_up, apprise_.send, apprise_.problems, _per_minute),
    )
}


@dataclass(frozen=True, slots=True)
class Job:
    """A delivery that is to be sent now; `message` for people."""

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
    for medium in MEDIA.values():
        section = outbound.section(medium.name)
        made = medium.set_up(settings, section, outbound.allowed)
        if made is not None:
            per_minute = medium.per_minute(settings, section)
            ways.append(Way(medium.name, per_minute, partial(_send_to_people, medium, made)))
    return Setup(settings, outbound, {way.name: way for way in ways})


def _send_to_machine(endpoint: Endpoint, job: Job, now: datetime) -> Sent | Failure:
    assert job.delivery.body is not None  # so says the table
    return webhook.send(endpoint, message_id_of(job.delivery), job.delivery.body, now)


def _send_to_people(medium: Medium, made: object, job: Job, now: datetime) -> Sent | Failure:
    assert job.message is not None  # it goes to people
    return medium.send(made, job.message, now)


def message_id_of(one: Delivery) -> str:
    """The id of a message; it stays the same however often it is sent."""
    return f"msg_{one.uid.hex}"


def post_of(outbound: Outbound, reader: str) -> Post | None:
    """The post that a message is for; None where it is for a person."""
    return next((one for one in outbound.posts if one.reader == reader), None)


def channel_for(
    roster: Roster, setup: Setup, reader: str, usable: Collection[str], but: Collection[str] = ()
) -> tuple[str, str] | None:
    """The channel by which a person, or a post, is told, and the address there: their first that is `usable`.

    If none of them is, the first that could be: there the message waits until it is. Never one of `but`.
    """
    post, person = post_of(setup.outbound, reader), roster.people.get(reader)
    found: list[tuple[str, str]] = []
    if post is not None:
        found = [(post.channel, post.to)] if post.channel not in but else []
    elif person is not None:
        found = [one for one in _channels_of(person) if one[0] not in but]
    return next((one for one in found if one[0] in usable), found[0] if found else None)


def _channels_of(person: Person) -> Iterator[tuple[str, str]]:
    for name in dict.fromkeys((*person.channels, LAST_RESORT)):
        if name in MEDIA and (address := MEDIA[name].address(person)):
            yield name, address


def address_by(person: Person, channel: str) -> str:
    """Where a person is reached by a channel that they listed; "" where they did not, or are not."""
    return MEDIA[channel].address(person) if channel in person.channels and channel in MEDIA else ""


def problems(settings: Settings, outbound: Outbound) -> list[str]:
    """What is wrong with the settings of the channels to people, a line each."""
    return [
        problem for one in MEDIA.values() for problem in one.problems(settings, outbound.section(one.name))
    ]


def shown_address(address: str) -> str:
    """An address that may be shown: whoever has the URL of a channel can write there, so only its host.

    Of those that are not of the web only the scheme: what stands for the host may be the secret.
    """
    scheme, is_url, _rest = address.partition("://")
    if not is_url:
        return address
    host = _host(address) if scheme in ("http", "https") else ""
    return f"{scheme}://{host}/…" if host else f"{scheme}://…"


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
