"""What are the parts of outbound.yaml made of? Values that several of its sections have."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, ConfigDict

from leadlane.i18n import _
from leadlane.outbound.message import EVENTS
from leadlane.policy.schema import checked, read_number, refuse
from leadlane.policy.values import did_you_mean


class Part(BaseModel):
    """A section of the file, or a part of one. What it holds may be a secret: errors do not show it."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def read_url(value: object) -> str:
    """An address of a web server, without user and password."""
    parts = _split(value) if isinstance(value, str) else None
    # Never the text itself: passwords are not shown, nor the secrets that stand in many a path.
    if parts is not None and parts.username is not None:
        refuse(
            "wrong_value",
            "",
            _("an address without user and password"),
            found=_("an address with a password"),
        )
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        refuse(
            "wrong_value",
            "",
            _("an address as https://example.com/hook"),
            found=_("an address that cannot be used"),
        )
    return str(value)


def _split(text: str) -> SplitResult | None:
    """The parts of an address; None where no request can be made of it."""
    if any(sign.isspace() or not sign.isprintable() for sign in text):
        return None
    try:
        parts = urlsplit(text)
        # What looks names up refuses empty and overlong labels, as an error of its own.
        (parts.hostname or "").encode("idna")
        return None if parts.port == 0 else parts
    except ValueError:
        return None


def _events(value: object) -> list[str]:
    if not isinstance(value, list) or any(one not in EVENTS for one in value):
        wrong = next(one for one in value if one not in EVENTS) if isinstance(value, list) else value
        expected = _("a list of these: {values}").format(values=", ".join(EVENTS))
        refuse("wrong_value", wrong, expected, did_you_mean(wrong, EVENTS))
    return list(value)


def _rate(value: object) -> int:
    rate = read_number(value)
    if rate < 1 or int(rate) != rate:
        refuse("wrong_value", value, _("a whole number of at least {low}").format(low=1))
    return int(rate)


Url = Annotated[str, *checked(read_url, type="string", format="uri")]
Events = Annotated[list[str], *checked(_events, type="array", items={"enum": list(EVENTS)})]
Rate = Annotated[int, *checked(_rate, type="integer", minimum=1)]
