"""How does a message reach a telephone? As few SMS, by Twilio or by any provider that speaks HTTP.

https://www.twilio.com/docs/messaging/api/message-resource
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any, Literal
from urllib.parse import urlencode, urlsplit

import jmespath
import orjson
import phonenumbers
from pydantic import BeforeValidator, Field, SecretStr

from leadlane.config import Settings
from leadlane.core.facts import Person
from leadlane.i18n import N_, _, current_language, language
from leadlane.logging import get_logger
from leadlane.outbound import posting
from leadlane.outbound.gsm import fitted
from leadlane.outbound.message import Failure, Item, Message, Sent
from leadlane.outbound.parts import Part, Rate, Url
from leadlane.outbound.posting import Answer
from leadlane.outbound.sms_words import code_of, offered
from leadlane.outbound.telling import clean, left_out_words, subject_words, tell
from leadlane.policy.schema import checked, refuse

log = get_logger(__name__)

# What has to be mended here (a token, a number that messages come from) is tried again after this long.
MENDED_AFTER_SECONDS = 60.0
_SHORTEST_SECRET = 16
_SERVICE_PREFIX = "MG"
# Twilio's numbers of errors that are about us, not about the receiver: our account, our number.
_TWILIO_OURS = frozenset({20003, 20005, 21212, 21603, 21606, 21659, 21660, 21701, 21702, 21703, 21705})
_TWILIO_TOO_MANY = frozenset({14107, 20429, 21611, 30001})
_CREDENTIALS = frozenset({401, 403, 404})
_PLACEHOLDER = re.compile(r"\{(to|text|id)\}")


def _secret(value: object) -> SecretStr:
    # What is nearly a secret may be one: it is not shown.
    if not isinstance(value, str) or not (value.isascii() and value.isprintable()):
        refuse("wrong_value", "", _("a text of plain letters"), found=_("a secret that cannot be used"))
    return SecretStr(value)


def _long_secret(value: object) -> SecretStr:
    if not isinstance(value, str) or len(value) < _SHORTEST_SECRET:
        expected = _("a secret of at least {n} letters").format(n=_SHORTEST_SECRET)
        refuse("wrong_value", "", expected, found=_("a secret that cannot be used"))
    return SecretStr(value)


def _query(value: object) -> str:
    try:
        jmespath.compile(str(value))
    except jmespath.exceptions.JMESPathError:
        refuse("wrong_value", value, _("a JMESPath expression, as: messages[0].id"))
    return str(value)


def _headers(value: object) -> object:
    if not isinstance(value, dict):
        # It may be the secret itself, without the name of its header.
        refuse("wrong_type", "", _("a mapping: `key: value`"), found=_("no mapping"))
    return value


def _body(value: object) -> object:
    missing = {"to", "text"} - set(_PLACEHOLDER.findall(str(value)))
    if isinstance(value, dict) and missing:
        # A provider may well take such a request, and nobody be told.
        refuse(
            "wrong_value",
            "",
            _("{to} and {text} somewhere in it: they are filled in"),
            found=_("a body without a place for {missing}").format(missing=", ".join(sorted(missing))),
        )
    return value


Secret = Annotated[SecretStr, *checked(_secret, type="string")]
Query = Annotated[str, *checked(_query, type="string")]


class HttpPart(Part):
    """A provider that takes an SMS as one request. `{to}`, `{text}` and `{id}` in `body` are filled in."""

    url: Url = Field(description=N_("where the provider takes messages: https://…"))
    method: Literal["POST", "PUT", "GET"] = Field(default="POST", description="How it is asked.")
    headers: Annotated[dict[str, Secret], BeforeValidator(_headers)] = Field(
        default={}, description="Headers, such as Authorization."
    )
    body: Annotated[dict[str, Any], BeforeValidator(_body)] = Field(
        description=N_("what is sent, with {to}, {text} and {id} in it")
    )
    format: Literal["json", "form", "query"] = Field(default="json", description="How the body is sent.")
    accepted: Query = Field(default="", description="JMESPath over the answer: true where it was taken.")
    id: Query = Field(default="", description="JMESPath over the answer: the provider's id of the message.")


class RepliesPart(Part):
    """A source of replies: it posts them to /v1/sms/NAME. The last three are JMESPath over its body."""

    secret: Annotated[SecretStr, *checked(_long_secret, type="string")] = Field(
        description=N_("what its requests carry, so that nobody else can answer")
    )
    header: str = Field(default="x-sms-secret", description="The header in which they carry it.")
    sender: Query = Field(default="from", description="Who replied: a telephone number.")
    text: Query = Field(default="text", description="What they wrote.")
    id: Query = Field(default="id", description="An id of the reply that no other has.")
    send: bool = Field(default=False, description="Whether answers go out as SMS, not in the response alone.")


class Section(Part):
    """SMS in outbound.yaml."""

    per_minute: Rate = Field(default=60, description="Most messages in a minute.")
    segments: Rate = Field(default=3, description="As how many SMS one message may count at most.")
    twilio_api_url: Url = Field(default="https://api.twilio.com", description="Twilio, in your region.")
    http: HttpPart | None = Field(default=None, description="A provider other than Twilio.")
    replies: dict[str, RepliesPart] = Field(default={}, description="Who passes on replies, besides Twilio.")


@dataclass(frozen=True, slots=True)
class Twilio:
    """An account there. `sender` is a number, a name, or a messaging service (`MG…`)."""

    url: str
    account: str
    token: str = field(repr=False)
    sender: str


@dataclass(frozen=True, slots=True)
class Sms:
    """What sending takes. `can_reply`: whether replies would reach us."""

    provider: Twilio | HttpPart
    segments: int
    can_reply: bool
    allowed: tuple[str, ...]


def address(person: Person) -> str:
    """The person's telephone number in E.164, from `phone` in the roster; "" where that is none."""
    return e164(str(person.attributes.get("phone", "")), person.country)


@lru_cache(maxsize=4096)
def e164(text: str, country: str = "") -> str:
    """A telephone number as +48600700800; without its country code it is one of `country`. "" for none."""
    digits = text.strip()
    # YAML takes an unquoted +48600700800 for a number, and the sign is lost.
    for written in (digits, f"+{digits}" if digits.isdecimal() else ""):
        try:
            number = phonenumbers.parse(written, country or None)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return ""


def set_up(settings: Settings, section: Section, allowed: tuple[str, ...]) -> Sms | None:
    """What sending takes; None where neither Twilio nor another provider is set up."""
    if section.http is not None:
        return Sms(section.http, section.segments, bool(section.replies), allowed)
    if not (settings.twilio_account_sid and settings.twilio_auth_token and settings.twilio_from):
        return None
    twilio = Twilio(
        section.twilio_api_url.rstrip("/"),
        settings.twilio_account_sid,
        settings.twilio_auth_token,
        settings.twilio_from,
    )
    return Sms(twilio, section.segments, bool(settings.public_url), allowed)


def problems(settings: Settings, section: Section) -> list[str]:
    """What is wrong with the settings, a line each."""
    found = []
    named = {
        "twilio_account_sid": settings.twilio_account_sid,
        "twilio_auth_token": settings.twilio_auth_token,
        "twilio_from": settings.twilio_from,
    }
    missing = [name for name, value in named.items() if not value]
    if missing and len(missing) < len(named):
        found.append(_("SMS by Twilio also need: {names}.").format(names=", ".join(missing)))
    if section.http is not None and not missing:
        found.append(_("There are two providers of SMS: sms.http of outbound.yaml is used, not Twilio."))
    if (section.http is not None or not missing) and not settings.public_url:
        found.append(_("SMS have no links and cannot be replied to: set public_url."))
    return found


def send(sms: Sms, message: Message, now: datetime) -> Sent | Failure:
    """Send a message as an SMS. Never raises for what the provider does.

    `uncertain` where the provider got it and did not answer: it may be on its way.
    """
    try:
        with language(message.language):
            text = text_of(message, now, sms.segments, can_reply=sms.can_reply)
    except Exception:
        # Nothing has gone out yet: whoever is to be told can be told otherwise.
        log.exception("an SMS could not be written", message=message.id)
        return Failure("permanent", _("The SMS could not be written; the log of this process says why."))
    return send_text(sms, message.address, text, message.id, now)


def send_text(sms: Sms, to: str, text: str, uid: str, now: datetime) -> Sent | Failure:
    """Send a text to a number in E.164; `uid` stays the same however often it is tried."""
    if isinstance(sms.provider, Twilio):
        return _by_twilio(sms.provider, to, text, sms.allowed, now)
    return _by_http(sms.provider, {"to": to, "text": text, "id": uid}, sms.allowed, now)


# ---------------------------------------------------------------- the text


def text_of(message: Message, now: datetime, most: int, *, can_reply: bool) -> str:
    """What the SMS says, in the language of the context, in at most so many SMS.

    Whoever it is about and how to answer come before everything else.
    """
    for candidate in _candidates(message, now, can_reply=can_reply):
        text = fitted(candidate, most)
        if text is not None:
            return text
    subject = subject_words(message, now)
    shorter = (fitted(subject[:size].rstrip() + "…", most) for size in range(len(subject), 0, -1))
    return next(text for text in shorter if text is not None)


def _candidates(message: Message, now: datetime, *, can_reply: bool) -> Iterator[str]:
    """What the SMS could say, the most telling first."""
    subject, (item, *others) = subject_words(message, now), message.items
    if not others and not message.left_out:
        told = tell(message, item, now)
        if item.lead_id is None:
            # The subject would say the same as the sentence, but less of it.
            yield _joined(told.heading, told.sentence)
        sentence = told.sentence if item.lead_id and not item.answers else ""
        replies, link = _replies(item) if can_reply else "", _link(item)
        for parts in ((sentence, replies, link), (sentence, replies), (link,), ()):
            yield _joined(subject, *parts)
        return
    replies = next(filter(None, map(_replies, reversed(message.items))), "") if can_reply else ""
    for count in range(len(message.items), -1, -1):
        part = replace(
            message,
            items=message.items[len(message.items) - count :],
            left_out=message.left_out + len(message.items) - count,
        )
        lines = [_line(one, can_reply=can_reply) for one in part.items]
        yield _joined(subject, *lines, left_out_words(part) if count else "", replies if count else "")


def _joined(*parts: str) -> str:
    return "\n".join(part for part in parts if part)


def _line(item: Item, *, can_reply: bool) -> str:
    who = clean(item.prospect)
    if item.company and clean(item.company) != who:
        who = _("{name}, {company}").format(name=who, company=clean(item.company))
    who = who or clean(item.reason)
    code = code_of(item.lead_id) if can_reply and item.lead_id and item.answers else ""
    return f"{code} {who}" if code else who


def _replies(item: Item) -> str:
    """How to answer by a reply, with the code that names the lead."""
    if not item.lead_id or not item.answers:
        return ""
    if "accept" in item.answers:
        text = _("Reply {accept} to accept, {decline} to decline, {responded} once you have responded.")
    elif "responded" in item.answers:
        text = _("Reply {responded} once you have responded, {snooze} to put it off by an hour.")
    else:
        return ""
    code, spoken = code_of(item.lead_id), current_language()
    words = {
        "accept": f"{offered('accept', spoken)} {code}",
        "decline": f"{offered('decline', spoken)} {code}",
        "responded": f"{offered('responded', spoken)} {code}",
        "snooze": f"{offered('snooze', spoken)} {code}",
    }
    return text.format(**words)


def _link(item: Item) -> str:
    url = next(iter(item.answers.values()), "")
    return _("Answer here: {url}").format(url=url) if url else ""


# ---------------------------------------------------------------- the providers


def _by_twilio(twilio: Twilio, to: str, text: str, allowed: tuple[str, ...], now: datetime) -> Sent | Failure:
    sender = "MessagingServiceSid" if twilio.sender.startswith(_SERVICE_PREFIX) else "From"
    content = urlencode({"To": to, sender: twilio.sender, "Body": text}).encode()
    credentials = b64encode(f"{twilio.account}:{twilio.token}".encode()).decode()
    headers = {
        "authorization": f"Basic {credentials}",
        "content-type": "application/x-www-form-urlencoded",
    }
    url = f"{twilio.url}/2010-04-01/Accounts/{twilio.account}/Messages.json"
    answer = posting.request("POST", url, content, headers, allowed, now)
    if isinstance(answer, Failure):
        return _ours(answer)
    told = _json(answer)
    if answer.is_good:
        return Sent(_found("sid", told))
    return _judged(answer, told.get("code") if isinstance(told, dict) else None)


def _by_http(
    provider: HttpPart, values: Mapping[str, str], allowed: tuple[str, ...], now: datetime
) -> Sent | Failure:
    body, url = _filled(provider.body, values), provider.url
    headers = {name: value.get_secret_value() for name, value in provider.headers.items()}
    content = b""
    match provider.format:
        case "json":
            content, headers = orjson.dumps(body), {"content-type": "application/json", **headers}
        case "form":
            content = urlencode(body, doseq=True).encode()
            headers = {"content-type": "application/x-www-form-urlencoded", **headers}
        case "query":
            url += ("&" if urlsplit(url).query else "?") + urlencode(body, doseq=True)
    answer = posting.request(provider.method, url, content, headers, allowed, now)
    if isinstance(answer, Failure):
        return _ours(answer)
    if not answer.is_good:
        return _judged(answer, None)
    told = _json(answer)
    if provider.accepted and not _found(provider.accepted, told):
        text = _("{host} took the request, and not the message: {text}")
        return Failure("permanent", text.format(host=answer.host, text=answer.shown))
    return Sent(_found(provider.id, told) if provider.id else "")


def _found(query: str, told: Any) -> str:
    """What a JMESPath finds in an answer, as text; "" for nothing, null or false."""
    try:
        found = jmespath.search(query, told)
    except jmespath.exceptions.JMESPathError as error:
        log.warning("a query does not fit the answer of the provider", query=query, error=str(error))
        return ""
    return "" if found in (None, False) or found == [] else str(found)


def _filled(part: Any, values: Mapping[str, str]) -> Any:
    if isinstance(part, dict):
        return {key: _filled(value, values) for key, value in part.items()}
    if isinstance(part, list):
        return [_filled(value, values) for value in part]
    if isinstance(part, str):
        # In one pass: a text may well have {to} in it.
        return _PLACEHOLDER.sub(lambda match: values[match[1]], part)
    return part


def _json(answer: Answer) -> Any:
    try:
        return orjson.loads(answer.text)
    except orjson.JSONDecodeError:
        return {}


def _judged(answer: Answer, code: object) -> Failure:
    """A refusal: of this receiver or this text (permanent), of us (until it is mended), or of so many."""
    failure = posting.refusal(answer)
    if code in _TWILIO_TOO_MANY:
        return replace(failure, kind="rate_limited")
    if code in _TWILIO_OURS or answer.status in _CREDENTIALS or 300 <= answer.status < 400:
        return _ours(failure)
    return replace(failure, is_channel_down=failure.kind == "temporary")


def _ours(failure: Failure) -> Failure:
    """The same as a failure of the channel: any other SMS would meet it too, until something is mended."""
    if failure.kind == "permanent":
        failure = replace(failure, kind="temporary", retry_after_seconds=MENDED_AFTER_SECONDS)
    return replace(failure, is_channel_down=failure.kind == "temporary")
