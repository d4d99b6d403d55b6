"""How does a message reach everything else that Apprise knows? By its URLs; an extra: `leadlane[apprise]`.

https://github.com/caronc/apprise/wiki
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import Field

from leadlane.config import Settings
from leadlane.core.facts import Person
from leadlane.i18n import _
from leadlane.logging import get_logger
from leadlane.outbound import posting
from leadlane.outbound.addresses import ForbiddenAddressError, resolve
from leadlane.outbound.message import Failure, Message, Sent
from leadlane.outbound.parts import Part, Rate
from leadlane.outbound.render import Letter, render

log = get_logger(__name__)

# For each URL; a person's few must be done before the delivery is taken for dead.
_TIMEOUT_SECONDS = 20
_STATUS = re.compile(r"\berror=(\d{3})\b")
# What its log says where a connection was never made; any other failure of one may have come too late.
_NEVER_MADE = re.compile(
    r"Failed to establish|NewConnectionError|NameResolutionError|ConnectTimeout|Connection refused"
    r"|CERTIFICATE_VERIFY_FAILED|Name or service not known"
)


class Section(Part):
    """Apprise in outbound.yaml."""

    enabled: bool = Field(default=False, description="Whether people are told by their Apprise URLs.")
    per_minute: Rate = Field(default=60, description="Most messages in a minute.")


@dataclass(frozen=True, slots=True)
class Apprise:
    """What sending takes: the user's own templates, and what `allow` opens inside the own network."""

    templates: Path | None
    allowed: tuple[str, ...]


def address(person: Person) -> str:
    """The person's Apprise URLs, with spaces between: `apprise` in the roster, a text or a list."""
    given = person.attributes.get("apprise", "")
    return " ".join(map(str, given)) if isinstance(given, tuple) else str(given).strip()


def set_up(settings: Settings, section: Section, allowed: tuple[str, ...]) -> Apprise | None:
    """What sending takes; None where the section does not enable it, or the library is not installed."""
    return Apprise(settings.templates_dir, allowed) if section.enabled and _is_installed() else None


def problems(_settings: Settings, section: Section) -> list[str]:
    """What is wrong with the settings, a line each."""
    if section.enabled and not _is_installed():
        return [_("Apprise is not installed: pip install 'leadlane[apprise]'.")]
    return []


def send(apprise: Apprise, message: Message, now: datetime) -> Sent | Failure:
    """Send a message to each URL of its address. Never raises for what the other end does.

    Sent if any of them took it, since the person has been told then; else the failure that leaves most open.
    Apprise does not say why it failed: that is read from its log.
    """
    try:
        letter = render(message, now, apprise.templates)
    except Exception:
        # Nothing has gone out yet: whoever is to be told can be told otherwise.
        log.exception("a message could not be written", message=message.id)
        return Failure("permanent", _("The message could not be written; the log of this process says why."))
    outcomes = [_send_one(apprise, url, letter) for url in re.split(r"[\s,]+", message.address) if url]
    failures = [one for one in outcomes if isinstance(one, Failure)]
    for failure in failures:
        log.warning("an Apprise URL failed", message=message.id, kind=failure.kind, detail=failure.detail)
    if not outcomes or len(failures) < len(outcomes):
        return Sent() if outcomes else Failure("permanent", _("There is no Apprise URL."))
    order = ("uncertain", "rate_limited", "temporary", "permanent")
    return min(failures, key=lambda one: order.index(one.kind))


def _send_one(apprise: Apprise, url: str, letter: Letter) -> Sent | Failure:
    library = _library()
    asset = library.AppriseAsset(
        async_mode=False,
        http_redirects=False,
        service_timeout=_TIMEOUT_SECONDS,
        storage_mode=library.PersistentStoreMode.MEMORY,
    )
    plugin = library.Apprise.instantiate(url, asset=asset)
    if plugin is None:
        text = _("This is no URL that Apprise can use ({scheme}://…).")
        return Failure("permanent", text.format(scheme=url.partition("://")[0][:20]))
    # The URL could ask for them all the same; then what was checked would not be where it goes.
    plugin.redirects = False
    name = str(plugin.service_name)
    try:
        _require_outside(plugin, apprise.allowed)
    except ForbiddenAddressError as error:
        return Failure("permanent", str(error))
    try:
        result = library.Apprise([plugin], asset=asset).notify(
            body=letter.text, title=letter.subject, log_level=logging.DEBUG
        )
    except Exception:
        log.exception("Apprise failed", service=name)
        return Failure("uncertain", _("{service} failed; it may have been sent.").format(service=name))
    lines = [entry.message for service in result for attempt in service for entry in attempt]
    return Sent() if result else _judged(name, "\n".join(lines))


def _judged(name: str, heard: str) -> Failure:
    """What the log of Apprise says of a failure. It is not shown: it may have secrets of the URL in it."""
    status = _STATUS.search(heard)
    if status is not None:
        return posting.refusal(posting.Answer(name, int(status[1]), "", None))
    if _NEVER_MADE.search(heard):
        return Failure("temporary", _("{service} cannot be reached.").format(service=name))
    return Failure("uncertain", _("{service} failed; it may have been sent.").format(service=name))


def _require_outside(plugin: Any, allowed: tuple[str, ...]) -> None:
    """ForbiddenAddressError where the URL names a host inside the network.

    Apprise looks the name up again itself. Of services with one address of their own, the "host" is a token.
    """
    if "host" not in plugin.template_tokens or not plugin.host:
        return
    try:
        resolve(str(plugin.host), plugin.port or 443, allowed)
    except (OSError, UnicodeError):
        # Apprise will not find it either; or it is none (ntfy://topic).
        return


def _is_installed() -> bool:
    return find_spec("apprise") is not None


@cache
def _library() -> Any:
    library = import_module("apprise")
    # What it says in detail is for us to judge by, and not for our log: people's messages are in it.
    library.logger.setLevel(logging.DEBUG)
    library.logger.propagate = False
    return library
