"""How does a letter look that brings a one-time link to sign in?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from leadlane.i18n import _, language
from leadlane.outbound.render import Letter
from leadlane.outbound.telling import clean, moment_words


@dataclass(frozen=True, slots=True)
class UserLink:
    """A link for a user: an invitation, or for a new password. `by` is who invites, "" for nobody named.

    `until` is when it ends, told in `zone` (an IANA name) and `language`.
    """

    name: str
    url: str
    is_invitation: bool
    by: str
    until: datetime
    zone: str
    language: str


def letter(link: UserLink, now: datetime) -> Letter:
    """The letter in the reader's language and zone."""
    with language(link.language):
        words = _words(link, moment_words(link.until, ZoneInfo(link.zone), now))
        shown = {**words, "url": link.url, "language": link.language}
        text = _environment().get_template("user_link.txt").render(shown).strip() + "\n"
        html = _environment().get_template("user_link.html").render(shown).strip() + "\n"
        return Letter(clean(words["subject"]), text, html)


def _words(link: UserLink, until: str) -> dict[str, str]:
    ends = _("The link works once, until {moment}.").format(moment=until)
    if link.is_invitation:
        invites = _("{by} invites you to Leadlane.") if link.by else _("You are invited to Leadlane.")
        return {
            "subject": _("Your invitation to Leadlane"),
            "heading": _("Welcome, {name}").format(name=clean(link.name)),
            "text": f"{invites.format(by=clean(link.by))} {_('Choose a password, and you are in.')}",
            "button": _("Choose a password"),
            "ends": ends,
            "footer": _("If you do not expect this, ignore it: nothing happens."),
        }
    return {
        "subject": _("A new password for Leadlane"),
        "heading": _("A new password"),
        "text": _("Somebody, probably you, asked for a new password for your user of Leadlane."),
        "button": _("Choose a new password"),
        "ends": ends,
        "footer": _("If it was not you, ignore this: your password stays as it is."),
    }


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("leadlane.outbound", "templates"),
        undefined=StrictUndefined,
        autoescape=select_autoescape(["html"], default=False),
        trim_blocks=True,
        lstrip_blocks=True,
    )
