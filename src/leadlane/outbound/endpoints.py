"""Who is told of what besides whom it concerns, what follows, and at which hours? The file outbound.yaml."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from leadlane.config import Settings
from leadlane.core.policy import Duration
from leadlane.errors import SettingsError
from leadlane.i18n import N_, _
from leadlane.outbound.addresses import is_allow_entry
from leadlane.outbound.apprise_ import Section as AppriseSection
from leadlane.outbound.message import EVENTS
from leadlane.outbound.parts import Events, Part, Rate, Url
from leadlane.outbound.slack import Section as SlackSection
from leadlane.outbound.sms import Section as SmsSection
from leadlane.outbound.teams import Section as TeamsSection
from leadlane.policy.problems import located
from leadlane.policy.schema import Name, checked, read_elapsed, refuse
from leadlane.policy.structure import read_structure
from leadlane.policy.values import did_you_mean
from leadlane.policy.yaml import YamlError, read_yaml

DEFAULT_FILE = "outbound.yaml"
CHANNEL_PREFIX = "webhook:"
POST_PREFIX = "post:"
# The channels by which people can be told.
_SECTIONS: Mapping[str, type[Part]] = {
    "slack": SlackSection,
    "teams": TeamsSection,
    "sms": SmsSection,
    "apprise": AppriseSection,
}
CHANNELS = ("email", *_SECTIONS)
UNLESS = ("accepted", "responded")
# What is worth telling a whole team.
POSTED = ("assigned", "escalated", "review", "uncovered")
SECRET_PREFIX = "whsec_"
# Standard Webhooks: between 24 and 64 bytes.
_SHORTEST_SECRET, _LONGEST_SECRET = 24, 64


def _name(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch("[a-z0-9-]{1,40}", value):
        refuse("wrong_value", value, _("a name of small letters, digits and hyphens"))
    return value


def _secrets(value: object) -> list[SecretStr]:
    found = value if isinstance(value, list) else [value]
    if not found or not all(_is_secret(one) for one in found):
        expected = _("whsec_ and 24 to 64 bytes in base64; make one: leadlane outbox secret")
        # What is nearly a secret may be one: it is not shown either.
        refuse("wrong_value", "", expected, found=_("a secret that cannot be used"))
    return [SecretStr(str(one)) for one in found]


def _is_secret(value: object) -> bool:
    if not isinstance(value, str) or not value.startswith(SECRET_PREFIX):
        return False
    try:
        size = len(b64decode(value.removeprefix(SECRET_PREFIX), validate=True))
    except ValueError:
        return False
    return _SHORTEST_SECRET <= size <= _LONGEST_SECRET


def _allowed(value: object) -> str:
    if not isinstance(value, str) or not is_allow_entry(value):
        refuse("wrong_value", value, _("the name of a host, or a network as 10.1.0.0/16"))
    return value


def _yes(value: object) -> bool:
    if value in (True, False):
        return bool(value)
    if value not in ("yes", "no"):
        refuse("wrong_value", value, _("yes or no"))
    return value == "yes"


def _channel(value: object) -> str:
    if value not in CHANNELS:
        expected = _("one of {values}").format(values=", ".join(CHANNELS))
        refuse("wrong_value", value, expected, did_you_mean(value, CHANNELS))
    return str(value)


def _unless(value: object) -> str:
    if value not in UNLESS:
        expected = _("one of {values}").format(values=", ".join(UNLESS))
        refuse("wrong_value", value, expected, did_you_mean(value, UNLESS))
    return str(value)


def _to(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        # It may be the address of a workflow, which is a secret.
        refuse("wrong_value", "", _("where the channel reaches them, in quotes"), found=_("no text"))
    return value.strip()


ChannelName = Annotated[str, *checked(_channel, type="string", enum=list(CHANNELS))]
Elapsed = Annotated[Duration, *checked(read_elapsed, type="string", examples=["5 minutes"])]


class Listening(Part):
    """Of which leads somebody hears; without a line, of all."""

    teams: list[Name] = Field(default=[], description="Only of leads that people of these teams have.")
    pools: list[Name] = Field(default=[], description="Only of leads that came by these pools.")
    routes: list[Name] = Field(default=[], description="Only of leads that these routes sent.")


class AlsoPart(Part):
    """A further message by another channel, to those who have not acted by then."""

    channel: ChannelName = Field(description=N_("the channel, as sms"))
    after: Elapsed = Field(description=N_("how long after the first message: 5 minutes"))
    unless: Annotated[Literal["accepted", "responded"], *checked(_unless, enum=list(UNLESS))] = Field(
        default="accepted", description="What makes it needless."
    )
    events: Events = Field(default=["assigned", "covering"], description="After which first messages.")


class PostPart(Listening):
    """A place where a team reads what happens to its leads: a channel of Slack or Teams, a mailing list."""

    name: Annotated[str, *checked(_name, type="string")] = Field(description=N_("what it is called"))
    channel: ChannelName = Field(description=N_("the channel, as slack"))
    to: Annotated[str, *checked(_to, type="string")] = Field(
        description=N_("where the channel reaches them, in quotes")
    )
    events: Events = Field(default=list(POSTED), description="What is told there.")


class WebhookPart(Listening):
    """One system that is told."""

    name: Annotated[str, *checked(_name, type="string")] = Field(description=N_("what it is called"))
    url: Url = Field(description=N_("where it listens: https://…"))
    secret: Annotated[list[SecretStr], *checked(_secrets, type=["string", "array"])] = Field(
        description=N_("what signs the messages; several while one takes the place of another")
    )
    events: Events = Field(default=list(EVENTS), description="What it is told of; by default everything.")
    per_minute: Rate = Field(default=6_000, description="Most messages in a minute.")


class OutboundPart(Part):
    """The whole file."""

    webhooks: list[WebhookPart] = Field(default=[], description="Systems that are told.")
    allow: list[Annotated[str, *checked(_allowed, type="string")]] = Field(
        default=[], description="Hosts and networks inside the own network that webhooks may reach."
    )
    at_any_hour: Events = Field(
        default=list(EVENTS),
        description="What people are told of outside their working hours too; the rest waits for these.",
    )
    also: list[AlsoPart] = Field(default=[], description="What follows where nobody acts.")
    posts: list[PostPart] = Field(default=[], description="Where teams read of their leads.")
    digest: Annotated[bool, *checked(_yes, type="boolean")] = Field(
        default=True, description="Whether everybody hears each morning what is due."
    )
    slack: SlackSection = SlackSection()
    teams: TeamsSection = TeamsSection()
    sms: SmsSection = SmsSection()
    apprise: AppriseSection = AppriseSection()


@dataclass(frozen=True, slots=True)
class Audience:
    """Of which leads somebody hears: those that meet all of these; an empty set asks nothing."""

    teams: frozenset[str] = frozenset()
    pools: frozenset[str] = frozenset()
    routes: frozenset[str] = frozenset()

    @property
    def is_choosy(self) -> bool:
        """Whether it hears of some leads only."""
        return bool(self.teams or self.pools or self.routes)


@dataclass(frozen=True, slots=True)
class Again:
    """A further message: by which channel, how long after the first, unless what has been done by then."""

    channel: str
    after: timedelta
    unless: Literal["accepted", "responded"]
    events: frozenset[str]


@dataclass(frozen=True, slots=True)
class Post:
    """A place where a team reads of its leads. `to` is where the channel reaches it; it may be a secret."""

    name: str
    channel: str
    to: str = field(repr=False)
    events: frozenset[str] = frozenset(POSTED)
    only: Audience = Audience()

    @property
    def reader(self) -> str:
        """What stands for the person in messages that are posted there."""
        return POST_PREFIX + self.name


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A system that is told. `secrets` and `allowed` as in the file; the secrets are not shown by `repr`."""

    name: str
    url: str
    secrets: tuple[SecretStr, ...]
    events: frozenset[str]
    per_minute: int
    allowed: tuple[str, ...]
    only: Audience = Audience()

    @property
    def channel(self) -> str:
        """The name of its channel."""
        return CHANNEL_PREFIX + self.name


@dataclass(frozen=True, slots=True)
class Outbound:
    """What the file says."""

    endpoints: tuple[Endpoint, ...] = ()
    at_any_hour: frozenset[str] = frozenset(EVENTS)
    allowed: tuple[str, ...] = ()
    sections: Mapping[str, Part] = field(default_factory=dict)
    also: tuple[Again, ...] = ()
    posts: tuple[Post, ...] = ()
    digest: bool = True

    def section(self, channel: str) -> Part | None:
        """What the file says of a channel to people; its defaults where it says nothing."""
        made = _SECTIONS.get(channel)
        return self.sections.get(channel) or (made() if made is not None else None)


def outbound_file(settings: Settings) -> Path:
    """Where the file is, whether or not it is there."""
    return settings.outbound_file or settings.data_dir / DEFAULT_FILE


def read_outbound(settings: Settings) -> Outbound:
    """What the file says; nothing where there is none and none was named.

    Raises SettingsError with every problem and its place in the file.
    """
    file = outbound_file(settings)
    if not file.exists() and settings.outbound_file is None:
        return Outbound()
    try:
        document = read_yaml(file.read_bytes())
    except OSError as error:
        raise SettingsError(
            _("The file {file} cannot be read: {error}").format(file=file, error=error.strerror or error),
            _("Create it, or unset {variable}.").format(variable="LEADLANE_OUTBOUND_FILE"),
        ) from error
    except YamlError as error:
        place = f"{file}:{error.mark.line}:{error.mark.column}"
        raise SettingsError(f"{place}: {error.found}", error.expected) from None
    part, findings = read_structure(OutboundPart, document.data if document.data is not None else {})
    problems = [str(problem) for problem in located(findings, document.marks, str(file))]
    if part is not None:
        problems += _doubles(part, file)
    if part is None or problems:
        raise SettingsError("\n".join(problems), _("docs/channels.md says what stands in it."))
    return _built(part)


def _doubles(part: OutboundPart, file: Path) -> list[str]:
    text = {
        "webhooks": _("{file}: two webhooks are called {name}; each needs a name of its own"),
        "posts": _("{file}: two posts are called {name}; each needs a name of its own"),
    }
    return [
        text[what].format(file=file, name=name)
        for what, names in (
            ("webhooks", [one.name for one in part.webhooks]),
            ("posts", [one.name for one in part.posts]),
        )
        for name in sorted({name for name in names if names.count(name) > 1})
    ]


def _built(part: OutboundPart) -> Outbound:
    allowed = tuple(part.allow)
    return Outbound(
        tuple(
            Endpoint(
                one.name,
                one.url,
                tuple(one.secret),
                frozenset(one.events),
                one.per_minute,
                allowed,
                _audience(one),
            )
            for one in part.webhooks
        ),
        frozenset(part.at_any_hour),
        allowed,
        {name: getattr(part, name) for name in _SECTIONS},
        tuple(
            Again(one.channel, timedelta(minutes=one.after.minutes), one.unless, frozenset(one.events))
            for one in part.also
        ),
        tuple(
            Post(one.name, one.channel, one.to, frozenset(one.events), _audience(one)) for one in part.posts
        ),
        part.digest,
    )


def _audience(part: Listening) -> Audience:
    return Audience(frozenset(part.teams), frozenset(part.pools), frozenset(part.routes))
