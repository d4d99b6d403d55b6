"""How does a one-time link reach its user? By e-mail where that is set up; else whoever made it gives it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection

from leadlane.config import Settings
from leadlane.i18n import available_languages
from leadlane.logging import get_logger
from leadlane.outbound import email
from leadlane.outbound.message import Failure, Message, Sent
from leadlane.outbound.user_link import UserLink, letter
from leadlane.service import sign_in
from leadlane.service.rulebooks import Rulebooks
from leadlane.store.users import Purpose, User

# In the query and not in the path: addresses are written into logs without it.
PATH = "/welcome?link="

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Given:
    """A link that was made; `mail` says how sending it went.

    None: no mail was tried, because none is set up, or nobody outside could open the link.
    """

    user: User
    url: str
    until: datetime
    mail: Sent | Failure | None

    @property
    def is_sent(self) -> bool:
        """Whether the user has got it, so that nobody needs to hand it over."""
        return isinstance(self.mail, Sent)


def can_mail(settings: Settings) -> bool:
    """Whether links can be sent: there is a mail server, and an address that others can open."""
    return bool(settings.smtp_url and settings.mail_from and settings.public_url)


def give(
    connection: Connection,
    books: Rulebooks,
    settings: Settings,
    user: User,
    purpose: Purpose,
    base: str,
    by: str,
    now: datetime,
) -> Given:
    """Make a link and send it. `base` is where this server is reached, where `public_url` is not set."""
    token, until = sign_in.make_link(connection, user, purpose, now)
    url = (settings.public_url or base).rstrip("/") + PATH + token
    if not can_mail(settings) or purpose == "demonstration":
        return Given(user, url, until, None)
    link = UserLink(
        name=user.name,
        url=url,
        is_invitation=purpose == "invitation",
        by=by,
        until=until,
        zone=sign_in.zone_of(connection, books, user),
        language=_language_of(connection, books, settings, user),
    )
    return Given(user, url, until, _send(settings, user, link, token, now))


def _send(settings: Settings, user: User, link: UserLink, token: str, now: datetime) -> Sent | Failure:
    id_ = f"link_{sign_in.hash_of(token).hex()[:32]}"
    whom = Message(id_, user.id, user.name, link.zone, link.language, user.email, ())
    result = email.send_letter(settings, whom, lambda: letter(link, now), now)
    if isinstance(result, Failure):
        log.warning("a link could not be sent", user=user.id, error=result.detail)
    return result


def _language_of(connection: Connection, books: Rulebooks, settings: Settings, user: User) -> str:
    if user.language:
        return user.language
    person = sign_in.person_of(connection, books, user)
    spoken = person.languages if person is not None else ()
    return next((code for code in spoken if code in available_languages()), settings.language)
