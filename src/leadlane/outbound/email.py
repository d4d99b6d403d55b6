"""How does a message reach a mailbox? One SMTP conversation a message, and a judgement of how it ended."""

from __future__ import annotations

import hashlib
import re
import smtplib
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime, parseaddr
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

import idna

from leadlane.i18n import _
from leadlane.logging import get_logger
from leadlane.outbound.message import Failure, FailureKind, Message, Sent
from leadlane.outbound.render import Letter, render, template_problems

log = get_logger(__name__)

# Long enough for a server that looks the sender up before it answers.
TIMEOUT_SECONDS = 20.0
# A server that has not come to the text by then is slower than a mail may wait to be taken back.
PATIENCE_SECONDS = 60.0
# What has to be mended here (a password, a certificate) is tried again after this long.
MENDED_AFTER_SECONDS = 60.0

_PORTS = {"starttls": 587, "tls": 465, "none": 25}
# 4xx codes are "not now". Of them, these words say "not so many": RFC 3463 has no code for it.
_TOO_MANY = re.compile(r"rate|throttl|too many|too fast|quota exceeded|limit", re.IGNORECASE)
_CLOSING = 421
_AUTHENTICATION = frozenset({530, 534, 535, 538})
# What a Message-ID may be made of without quoting (RFC 5322, atext and dots).
_PLAIN_ID = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")

Security = Literal["starttls", "starttls-if-offered", "tls", "none"]


class MailSettings(Protocol):
    """What of the settings is needed to send mails."""

    @property
    def smtp_url(self) -> str: ...
    @property
    def mail_from(self) -> str: ...
    @property
    def templates_dir(self) -> Path | None: ...


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server and how to talk to it. `ca` is a file of certificates to trust, "" the system's."""

    host: str
    port: int
    security: Security
    user: str
    password: str
    ca: str


class SmtpUrlError(ValueError):
    """The address of the mail server cannot be used; the text says why and never has the password."""


def send(settings: MailSettings, message: Message, now: datetime) -> Sent | Failure:
    """Send a message as a mail. Never raises for what a server, the network or the settings do.

    `uncertain` only where the whole text went out and no answer came: the receiver may have it.
    """
    return send_letter(settings, message, lambda: render(message, now, settings.templates_dir), now)


def send_letter(
    settings: MailSettings, message: Message, write: Callable[[], Letter], now: datetime
) -> Sent | Failure:
    """As `send`, with what `write` gives as the letter; of the message, only whom it is for is used."""
    try:
        server = read_smtp_url(settings.smtp_url)
        sender = _address(*parseaddr(settings.mail_from))
        receiver = _address(message.name, message.address)
    except SmtpUrlError as error:
        return Failure("temporary", str(error), MENDED_AFTER_SECONDS, is_channel_down=True)
    except ValueError as error:
        return Failure("permanent", _("No mail can go to or from this address: {error}").format(error=error))
    try:
        mail = compose(sender, receiver, message, write(), now)
    except Exception:
        # Nothing has gone out yet: whoever is to be told can be told otherwise.
        log.exception("a mail could not be written", message=message.id)
        return Failure("permanent", _("The mail could not be written; the log of this process says why."))
    where, until = f"{server.host}:{server.port}", time.monotonic() + PATIENCE_SECONDS
    try:
        with _conversation(server) as smtp:
            try:
                return _hand_over(smtp, mail, sender, receiver, until)
            except (smtplib.SMTPException, OSError) as error:
                return failure_of(error, where)
    except (smtplib.SMTPException, OSError) as error:
        # It broke before this mail was spoken of, so it would with any other.
        return _ours(failure_of(error, where))


def problems(settings: MailSettings) -> list[str]:
    """What is wrong with the settings for mail, a line each; empty also where none are set."""
    found = []
    if settings.smtp_url:
        try:
            read_smtp_url(settings.smtp_url)
        except SmtpUrlError as error:
            found.append(str(error))
        try:
            _address(*parseaddr(settings.mail_from))
        except ValueError:
            found.append(_("mail_from is no e-mail address such as Leads <leads@company.example>."))
    return found + template_problems(settings.templates_dir)


# ---------------------------------------------------------------- the mail


def compose(
    sender: Address, receiver: Address, message: Message, letter: Letter, now: datetime
) -> EmailMessage:
    """The mail of a letter. However often it is made, its Message-ID is the same."""
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = letter.subject
    mail["From"] = sender
    mail["To"] = receiver
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = message_id(message.id, sender.domain)
    # Nobody's answering machine shall write back (RFC 3834; the other is what Exchange heeds).
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(letter.text, cte="quoted-printable")
    mail.add_alternative(letter.html, subtype="html", cte="quoted-printable")
    mail["Content-Language"] = message.language  # last: setting the content drops what is said of it
    return mail


def message_id(id_: str, domain: str) -> str:
    """The Message-ID of a message, the same for the same id."""
    plain = id_ if _PLAIN_ID.fullmatch(id_) else hashlib.sha256(id_.encode()).hexdigest()
    return f"<{plain}@{domain}>"


def _address(name: str, address: str) -> Address:
    """An address with its domain in ASCII. ValueError if it is none."""
    user, at, domain = address.rpartition("@")
    if not at or not user or not domain or any(char.isspace() for char in address):
        raise ValueError(address or _("it is empty"))
    if not domain.isascii():
        domain = idna.encode(domain, uts46=True).decode()
    shown = " ".join("".join(char if char.isprintable() else " " for char in name).split())
    return Address(shown, username=user, domain=domain)


# ---------------------------------------------------------------- the conversation


def read_smtp_url(url: str) -> Server:
    """A server from `smtp://user:password@host:587` or `smtps://host`. SmtpUrlError if it cannot be used.

    `smtp://` asks for encryption (STARTTLS), and insists on it where there is a password that would be read
    on the way, or with `?tls=required`; `?tls=none` does without, `?ca=FILE` trusts other certificates.
    """
    parts, options = urlsplit(url), {}
    with suppress(ValueError):
        options = parse_qs(parts.query, strict_parsing=bool(parts.query), max_num_fields=4)
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    tls = options.get("tls", [""])[-1]
    is_known = options.keys() <= {"tls", "ca"} and tls in ("", "none", "required")
    if parts.scheme not in ("smtp", "smtps") or not host or not is_known or (parts.query and not options):
        raise SmtpUrlError(
            _("smtp_url cannot be read; it is written as smtp://user:password@host:587 or smtps://host:465.")
        )
    user = unquote(parts.username or "")
    security: Security = "starttls-if-offered"
    if parts.scheme == "smtps":
        security = "tls"
    elif tls == "none":
        security = "none"
    elif tls == "required" or (user and not _is_here(host)):
        security = "starttls"
    port = port or _PORTS.get(security) or (_PORTS["starttls"] if user else _PORTS["none"])
    return Server(host, port, security, user, unquote(parts.password or ""), options.get("ca", [""])[-1])


def _is_here(host: str) -> bool:
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"


@contextmanager
def _conversation(server: Server) -> Iterator[smtplib.SMTP]:
    """Within the block a server listens, encrypted and logged in as its address says."""
    if server.security == "tls":
        context = _trusted(server)
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(
            server.host, server.port, timeout=TIMEOUT_SECONDS, context=context
        )
    else:
        smtp = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_SECONDS)
    try:
        smtp.ehlo_or_helo_if_needed()
        if server.security == "starttls" or (
            server.security == "starttls-if-offered" and smtp.has_extn("starttls")
        ):
            smtp.starttls(context=_trusted(server))
            smtp.ehlo_or_helo_if_needed()
        if server.user:
            smtp.login(server.user, server.password)
        yield smtp
        # What it thinks of our leaving changes nothing any more.
        with suppress(smtplib.SMTPException, OSError):
            smtp.quit()
    finally:
        smtp.close()


def _trusted(server: Server) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=server.ca or None)


def _hand_over(
    smtp: smtplib.SMTP, mail: EmailMessage, sender: Address, receiver: Address, until: float
) -> Sent | Failure:
    """Speak of one mail, and hand its text over if that begins before `until` (monotonic seconds)."""
    is_ascii = (sender.addr_spec + receiver.addr_spec).isascii()
    if not is_ascii and not smtp.has_extn("smtputf8"):
        text = _("The mail server takes no addresses with letters beyond ASCII: {address}")
        return Failure("permanent", text.format(address=receiver.addr_spec))
    options = [] if is_ascii else ["SMTPUTF8", "BODY=8BITMIME"]
    content = mail.as_bytes(policy=SMTP if is_ascii else SMTPUTF8)
    for whose, code, reply in _commands(smtp, sender, receiver, options):
        if code >= 400:
            return _refused(code, reply, whose, is_ours=whose is sender)
    if time.monotonic() > until:
        raise TimeoutError(_("it is too slow"))
    # A line with a dot alone would end the text (RFC 5321, 4.5.2).
    stuffed = re.sub(rb"(?m)^\.", b"..", content.rstrip(b"\r\n")) + b"\r\n.\r\n"
    smtp.send(stuffed)
    try:
        code, reply = smtp.getreply()
    except (smtplib.SMTPException, OSError):
        text = _("The mail server has got the whole mail and did not answer: it may have been delivered.")
        return Failure("uncertain", text)
    if code != 250:
        return _refused(code, reply, receiver, is_ours=False)
    return Sent(str(mail["Message-ID"]))


def _commands(
    smtp: smtplib.SMTP, sender: Address, receiver: Address, options: list[str]
) -> Iterator[tuple[Address, int, bytes]]:
    """What the server answers to each, and whom that is about."""
    yield sender, *smtp.mail(sender.addr_spec, options)
    yield receiver, *smtp.rcpt(receiver.addr_spec)
    code, reply = smtp.docmd("DATA")
    # Anything but "go on" is a refusal, whatever its number.
    yield receiver, code if code == 354 else max(code, 400), reply


# ---------------------------------------------------------------- how it ended


def failure_of(error: Exception, where: str) -> Failure:
    """What an error of a conversation means, before the server had the whole mail."""
    match error:
        case smtplib.SMTPAuthenticationError():
            text = _("The mail server {where} refuses the user or the password of smtp_url: {reply}")
            return Failure("temporary", _told(text, where, error.smtp_error), MENDED_AFTER_SECONDS)
        case smtplib.SMTPResponseException():
            return _failed(error.smtp_code, error.smtp_error, where)
        case smtplib.SMTPNotSupportedError():
            text = _(
                "The mail server {where} offers no encryption or no log-in; "
                "smtps:// or ?tls=none in smtp_url may be meant: {reply}"
            )
            return Failure("temporary", _told(text, where, str(error)), MENDED_AFTER_SECONDS)
        case ssl.SSLCertVerificationError():
            text = _(
                "The certificate of the mail server {where} is not trusted; "
                "?ca=FILE in smtp_url names another to trust: {reply}"
            )
            return Failure("temporary", _told(text, where, error.verify_message), MENDED_AFTER_SECONDS)
    text = _("The mail server {where} cannot be reached: {reply}")
    return Failure("temporary", _told(text, where, str(error) or type(error).__name__))


def _refused(code: int, reply: bytes, whose: Address, *, is_ours: bool) -> Failure:
    """A refusal of an address. Our own, or the whole server's (421), is not about this mail alone."""
    failure = _failed(code, reply, whose.addr_spec)
    return _ours(failure) if is_ours or code == _CLOSING else failure


def _ours(failure: Failure) -> Failure:
    """The same as a failure of the channel: any other mail would meet it too, until something is mended."""
    if failure.kind == "permanent":
        failure = replace(failure, kind="temporary", retry_after_seconds=MENDED_AFTER_SECONDS)
    return replace(failure, is_channel_down=True)


def _failed(code: int, reply: bytes | str, where: str) -> Failure:
    """By the code of RFC 5321: 4xx is worth another try, 5xx is not, unless it is about our own log-in."""
    said = _words(reply)
    kind: FailureKind = "permanent" if code >= 500 else "temporary"
    wait = None
    if code in _AUTHENTICATION:
        kind, wait = "temporary", MENDED_AFTER_SECONDS
    elif kind == "temporary" and _TOO_MANY.search(said):
        kind = "rate_limited"
    text = _("The mail server refuses {where}: {code} {reply}")
    return Failure(kind, text.format(where=where, code=code, reply=said), wait)


def _told(text: str, where: str, reply: bytes | str) -> str:
    return text.format(where=where, reply=_words(reply))


def _words(reply: bytes | str) -> str:
    """What a server said, in one line that is not too long to show."""
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:300]
