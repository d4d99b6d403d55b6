"""Has Slack taken the message? Its Web API, and what each of its answers means for whoever is to be told.

https://docs.slack.dev/reference/methods/chat.postMessage
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import orjson
from pydantic import Field

from leadlane.config import Settings
from leadlane.core.facts import Person
from leadlane.i18n import N_, _
from leadlane.logging import get_logger
from leadlane.outbound.message import Failure, Message, Sent
from leadlane.outbound.parts import Part, Rate
from leadlane.outbound.slack_blocks import post_of

log = get_logger(__name__)

TIMEOUT_SECONDS = 15.0
# Slack waits three seconds for an answer to a click; what is asked meanwhile has to be known sooner.
SOON_SECONDS = 2.0
# What has to be mended here (a token, a scope) is tried again after this long.
MENDED_AFTER_SECONDS = 60.0

# Nothing of the request was read by anybody, or not the whole of it.
_NOT_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.WriteError,
    httpx2.WriteTimeout,
)

# Slack's codes of errors, by what they mean; every other is about this message or this address.
_TOO_MANY = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
_PASSING = frozenset({"service_unavailable", "request_timeout", "team_added_to_org"})
# "It's possible some aspect of the operation succeeded before the error was raised."
_UNSURE = frozenset({"internal_error", "fatal_error"})
_OURS = {
    "invalid_auth": N_("The token in slack_bot_token is not valid; copy it again from your Slack app."),
    "not_authed": N_("The token in slack_bot_token is not valid; copy it again from your Slack app."),
    "account_inactive": N_("The Slack app was removed from the workspace; install it again."),
    "token_revoked": N_("The Slack app was removed from the workspace; install it again."),
    "token_expired": N_("The token in slack_bot_token is not valid; copy it again from your Slack app."),
    "not_allowed_token_type": N_("slack_bot_token must be the token of the bot, which begins with xoxb-."),
    "missing_scope": N_("The Slack app lacks the scope {needed}; add it and install the app again."),
    "no_permission": N_("The Slack app lacks the scope {needed}; add it and install the app again."),
    "access_denied": N_("An admin of the Slack workspace does not allow this app."),
    "accesslimited": N_("An admin of the Slack workspace does not allow this app."),
    "ekm_access_denied": N_("An admin of the Slack workspace does not allow this app."),
    "org_login_required": N_("An admin of the Slack workspace does not allow this app."),
    "team_access_not_granted": N_("An admin of the Slack workspace does not allow this app."),
}
_HINTS = {
    "channel_not_found": N_("Slack knows nobody and no channel of this id; correct it in the roster."),
    "user_not_found": N_("Slack knows nobody and no channel of this id; correct it in the roster."),
    "users_not_found": N_("Slack knows nobody with this e-mail address; add the member id to the roster."),
    "not_in_channel": N_("The Slack app is not in this channel; invite it there."),
    "messages_tab_disabled": N_("The Slack app takes no messages; switch on its messages tab (App Home)."),
}
# It was written down in a way that Slack does not take, so nothing was posted: plain words will do.
_BAD_FORM = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long"})


class Section(Part):
    """What outbound.yaml says of Slack."""

    per_minute: Rate = Field(default=300, description="Most messages in a minute.")


@dataclass(frozen=True, slots=True)
class Slack:
    """How Slack is reached, and how long it may take to answer. `takes_answers`: its buttons can be answered
    in place.
    """

    token: str = field(repr=False)
    api_url: str
    takes_answers: bool
    templates_dir: Path | None
    seconds: float = TIMEOUT_SECONDS


class CallError(Exception):
    """A method of the Web API was not done. `code` is Slack's own word for it, "" where it said none."""

    def __init__(self, failure: Failure, code: str = "") -> None:
        super().__init__(failure.detail)
        self.failure = failure
        self.code = code


# ---------------------------------------------------------------- the channel


def address(person: Person) -> str:
    """Where a person is reached: their member id (`slack:` in the roster), else their e-mail address."""
    return str(person.attributes.get("slack", "") or person.email)


def set_up(settings: Settings, _section: Section, _allowed: tuple[str, ...]) -> Slack | None:
    """How Slack is reached by these settings, None where they have no token."""
    if not settings.slack_bot_token:
        return None
    base = settings.slack_api_url.rstrip("/") + "/"
    return Slack(settings.slack_bot_token, base, bool(settings.slack_signing_secret), settings.templates_dir)


def problems(settings: Settings, _section: Section) -> list[str]:
    """What is wrong with the settings for Slack, a line each."""
    found = []
    if settings.slack_signing_secret and not settings.slack_bot_token:
        found.append(_("slack_signing_secret is set, but slack_bot_token is not: nothing is sent by Slack."))
    if settings.slack_bot_token and not settings.slack_bot_token.startswith("xoxb-"):
        found.append(_(_OURS["not_allowed_token_type"]))
    if settings.slack_bot_token and not settings.public_url:
        found.append(_("Messages in Slack have no buttons: public_url is not set."))
    if not urlsplit(settings.slack_api_url).hostname:
        found.append(_("slack_api_url is no address such as https://slack.com/api/."))
    return found


def send(slack: Slack, message: Message, now: datetime) -> Sent | Failure:
    """Post a message to a person or a channel. Never raises for what Slack, the network or templates do.

    `uncertain` where the request went out and it is not known what became of it: it may have been posted.
    """
    try:
        post = post_of(message, now, slack.templates_dir, takes_answers=slack.takes_answers)
    except Exception:
        # Nothing has gone out yet: whoever is to be told can be told otherwise.
        log.exception("a message for Slack could not be written", message=message.id)
        return Failure("permanent", _("The message could not be written; the log of this process says why."))
    try:
        to = channel_of(slack, message.address)
    except CallError as error:
        return _of_lookup(error.failure)
    arguments = {"channel": to, "text": post.text, "unfurl_links": False, "unfurl_media": False}
    try:
        try:
            done = call(slack, "chat.postMessage", {**arguments, "blocks": post.blocks})
        except CallError as error:
            if error.code not in _BAD_FORM:
                raise
            log.warning("Slack refuses the blocks of a message", message=message.id, error=error.code)
            done = call(slack, "chat.postMessage", {**arguments, "text": post.letter})
    except CallError as error:
        if error.failure.kind == "permanent":
            # They may have another account now.
            _member.cache_clear()
        return error.failure
    return Sent(f"{done.get('channel', to)}:{done.get('ts', '')}")


def channel_of(slack: Slack, address: str) -> str:
    """The id of a channel, or of a person who may be named by their e-mail address.

    CallError where Slack knows none, or could not be asked.
    """
    return _member(slack, address.lower()) if "@" in address else address


@lru_cache(maxsize=10_000)
def _member(slack: Slack, email: str) -> str:
    # Somebody's member id stays the same, and Slack lets it be asked fifty times a minute.
    return str(call(slack, "users.lookupByEmail", {"email": email}, SOON_SECONDS)["user"]["id"])


def _of_lookup(failure: Failure) -> Failure:
    """Nothing was posted yet, so nothing is uncertain; nor does one address stop the whole channel."""
    return replace(failure, kind="temporary") if failure.kind == "uncertain" else failure


# ---------------------------------------------------------------- the Web API


def call(
    slack: Slack, method: str, arguments: Mapping[str, Any], seconds: float | None = None
) -> dict[str, Any]:
    """What a method of the Web API answers within `seconds`. CallError where it does not, or nobody knows."""
    form = {
        name: one if isinstance(one, str) else orjson.dumps(one).decode() for name, one in arguments.items()
    }
    try:
        answer = _client().post(
            slack.api_url + method,
            data=form,
            headers={"authorization": f"Bearer {slack.token}"},
            timeout=slack.seconds if seconds is None else seconds,
        )
    except _NOT_SENT as error:
        raise CallError(_unreachable(error)) from None
    except (httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
        raise CallError(replace(_unreachable(error), retry_after_seconds=MENDED_AFTER_SECONDS)) from None
    except httpx2.HTTPError as error:
        text = _("The connection to Slack broke before it answered ({error}): it may have been posted.")
        raise CallError(Failure("uncertain", text.format(error=str(error) or type(error).__name__))) from None
    return _judged(answer)


def respond(slack: Slack, url: str, body: Mapping[str, Any]) -> bool:
    """Change a message by its `response_url`, or whisper to whoever clicked. Whether Slack took it.

    Only an address of Slack's own is posted to, whatever a request says.
    """
    if not is_slacks(slack, url):
        log.warning("not an address of Slack", host=urlsplit(url).hostname)
        return False
    try:
        answer = _client().post(url, json=body, timeout=SOON_SECONDS)
    except httpx2.HTTPError as error:
        log.warning("Slack could not be told how it ended", error=str(error) or type(error).__name__)
        return False
    if not answer.is_success:
        log.warning("Slack does not take how it ended", status=answer.status_code, text=answer.text[:200])
    return answer.is_success


def is_slacks(slack: Slack, url: str) -> bool:
    """Whether an address is one by which Slack changes messages: `hooks.` and the host of its Web API.

    With a Web API that is not Slack's (a test's), also what begins as its address does.
    """
    api, asked = urlsplit(slack.api_url), urlsplit(url)
    if asked.username is not None or asked.password is not None:
        return False
    if (asked.scheme, asked.netloc) == ("https", f"hooks.{api.netloc}"):
        return True
    return api.hostname != "slack.com" and (asked.scheme, asked.netloc) == (api.scheme, api.netloc)


def _unreachable(error: Exception) -> Failure:
    text = _("Slack cannot be reached: {error}")
    return Failure("temporary", text.format(error=str(error) or type(error).__name__), is_channel_down=True)


def _judged(answer: httpx2.Response) -> dict[str, Any]:
    status, said = answer.status_code, _object(answer.content)
    code = str(said.get("error", ""))
    wait = answer.headers.get("retry-after", "")
    seconds = float(wait[:9]) if wait.isascii() and wait.isdigit() else None
    if status == 429 or code in _TOO_MANY:
        text = _("Slack asks for fewer messages: {error}").format(error=code or status)
        raise CallError(Failure("rate_limited", text, seconds), code)
    if status >= 500 and status != 503:
        text = _("Slack answered {status}: it may have been posted all the same.").format(status=status)
        raise CallError(Failure("uncertain", text))
    if not answer.is_success or "ok" not in said:
        text = _("What answers at slack_api_url is not Slack as it should be (status {status}).")
        known = seconds if status == 503 else MENDED_AFTER_SECONDS
        raise CallError(Failure("temporary", text.format(status=status), known, is_channel_down=True))
    if said["ok"] is not True:
        raise CallError(_failure(code, said), code)
    return said


def _object(body: bytes) -> dict[str, Any]:
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return said if isinstance(said, dict) else {}


def _failure(code: str, said: Mapping[str, Any]) -> Failure:
    """What an error of the Web API means, by its code."""
    hint = _(_OURS.get(code) or _HINTS.get(code, ""))
    detail = _("Slack refuses it: {error}.").format(error=code or "?")
    if hint:
        detail += " " + hint.format(needed=said.get("needed", "?"))
    if code in _UNSURE:
        return Failure("uncertain", detail)
    if code in _PASSING:
        return Failure("temporary", detail, is_channel_down=True)
    if code in _OURS:
        # Whoever is looked up by e-mail takes a scope that others do without.
        is_all = said.get("needed") != "users:read.email"
        return Failure("temporary", detail, MENDED_AFTER_SECONDS, is_channel_down=is_all)
    return Failure("permanent", detail)


@cache
def _client() -> httpx2.Client:
    """A connection for each request: one that Slack closes as it is used again would leave us unsure."""
    return httpx2.Client(follow_redirects=False, limits=httpx2.Limits(max_keepalive_connections=0))
