"""Which systems are told by webhook, and when may people be disturbed? The file outbound.yaml."""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from leadlane.config import Settings
from leadlane.errors import SettingsError
from leadlane.i18n import N_, _
from leadlane.outbound.addresses import is_allow_entry
from leadlane.outbound.message import EVENTS
from leadlane.policy.problems import located
from leadlane.policy.schema import checked, read_number, refuse
from leadlane.policy.structure import read_structure
from leadlane.policy.values import did_you_mean
from leadlane.policy.yaml import YamlError, read_yaml

DEFAULT_FILE = "outbound.yaml"
CHANNEL_PREFIX = "webhook:"
SECRET_PREFIX = "whsec_"
# Standard Webhooks: between 24 and 64 bytes.
_SHORTEST_SECRET, _LONGEST_SECRET = 24, 64


def _name(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch("[a-z0-9-]{1,40}", value):
        refuse("wrong_value", value, _("a name of small letters, digits and hyphens"))
    return value


def _url(value: object) -> str:
    parts = urlsplit(value) if isinstance(value, str) else None
    if parts is not None and parts.password is not None:
        # Never the text itself: passwords are not shown.
        refuse(
            "wrong_value",
            "",
            _("an address without user and password"),
            found=_("an address with a password"),
        )
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname or _port(parts) == 0:
        refuse("wrong_value", value, _("an address as https://example.com/hook"))
    return str(value)


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError:
        return 0


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


def _events(value: object) -> list[str]:
    wrong = next((one for one in value if one not in EVENTS), None) if isinstance(value, list) else value
    if wrong is not None:
        expected = _("a list of these: {values}").format(values=", ".join(EVENTS))
        refuse("wrong_value", wrong, expected, did_you_mean(wrong, EVENTS))
    return list(value)  # type: ignore[call-overload, no-any-return]


def _allowed(value: object) -> str:
    if not isinstance(value, str) or not is_allow_entry(value):
        refuse("wrong_value", value, _("the name of a host, or a network as 10.1.0.0/16"))
    return value


def _rate(value: object) -> int:
    rate = read_number(value)
    if rate < 1 or int(rate) != rate:
        refuse("wrong_value", value, _("a whole number of at least {low}").format(low=1))
    return int(rate)


Events = Annotated[list[str], *checked(_events, type="array", items={"enum": list(EVENTS)})]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class WebhookPart(_Part):
    """One system that is told."""

    name: Annotated[str, *checked(_name, type="string")] = Field(description=N_("what it is called"))
    url: Annotated[str, *checked(_url, type="string", format="uri")] = Field(
        description=N_("where it listens: https://…")
    )
    secret: Annotated[list[SecretStr], *checked(_secrets, type=["string", "array"])] = Field(
        description=N_("what signs the messages; several while one takes the place of another")
    )
    events: Events = Field(default=list(EVENTS), description="What it is told of; by default everything.")
    per_minute: Annotated[int, *checked(_rate, type="integer", minimum=1)] = Field(
        default=6_000, description="Most messages in a minute."
    )


class OutboundPart(_Part):
    """The whole file."""

    webhooks: list[WebhookPart] = Field(default=[], description="Systems that are told.")
    allow: list[Annotated[str, *checked(_allowed, type="string")]] = Field(
        default=[], description="Hosts and networks inside the own network that webhooks may reach."
    )
    at_any_hour: Events = Field(
        default=list(EVENTS),
        description="What people are told of outside their working hours too; the rest waits for these.",
    )


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A system that is told. `secrets` and `allowed` as in the file; the secrets are not shown by `repr`."""

    name: str
    url: str
    secrets: tuple[SecretStr, ...]
    events: frozenset[str]
    per_minute: int
    allowed: tuple[str, ...]

    @property
    def channel(self) -> str:
        """The name of its channel."""
        return CHANNEL_PREFIX + self.name


@dataclass(frozen=True, slots=True)
class Outbound:
    """What the file says."""

    endpoints: tuple[Endpoint, ...] = ()
    at_any_hour: frozenset[str] = frozenset(EVENTS)


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
    names = [one.name for one in part.webhooks]
    return [
        _("{file}: two webhooks are called {name}; each needs a name of its own").format(file=file, name=name)
        for name in sorted({name for name in names if names.count(name) > 1})
    ]


def _built(part: OutboundPart) -> Outbound:
    allowed = tuple(part.allow)
    return Outbound(
        tuple(
            Endpoint(one.name, one.url, tuple(one.secret), frozenset(one.events), one.per_minute, allowed)
            for one in part.webhooks
        ),
        frozenset(part.at_any_hour),
    )
