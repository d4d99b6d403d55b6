"""What follows when somebody clicks in Slack? Who may answer, what is done, and what the message says then.

The elements of a message carry the tokens of one-time links, so a click is an answer like that to a mail: it
is checked and done by `service.answers`, once. Besides, only the person who was asked can give it.
"""

from __future__ import annotations

import base64
import hmac
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import orjson
from psycopg import Connection
from psycopg_pool import ConnectionPool

from leadlane.config import Settings
from leadlane.core.facts import Person
from leadlane.errors import LeadlaneError
from leadlane.explain.speech import person_words
from leadlane.i18n import N_, _, language
from leadlane.logging import get_logger
from leadlane.outbound import slack
from leadlane.outbound.choices import PROBLEMS
from leadlane.outbound.slack import CallError, Slack
from leadlane.outbound.slack_blocks import (
    DECLINING,
    Block,
    answer_of,
    escaped,
    options,
    reason_view,
    settled,
    tokens,
    told_view,
)
from leadlane.outbound.telling import moment_words
from leadlane.service import answers
from leadlane.service.answers import Asked, Given, Problem
from leadlane.service.compose import language_of
from leadlane.service.rulebooks import Rulebooks

log = get_logger(__name__)

# What was signed longer ago is not believed: whoever sends it again has overheard it (Slack's own advice).
TOLERANCE = timedelta(minutes=5)
# After these the message asks for nothing more; after the others for what can still be answered.
_LAST = frozenset({"responded", "decline"})
# Slack hands a window's metadata back, at most 3,000 characters of it.
_LONGEST_METADATA = 2_900

_DONE = {
    "accept": N_("{person} accepted this lead on {moment}."),
    "decline": N_("{person} declined this lead on {moment}."),
    "responded": N_("{person} responded on {moment}."),
    "snooze": N_("{person} put off the next step on {moment}."),
}


class RefusedError(LeadlaneError):
    """A request does not prove that it comes from Slack."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What answering takes: the open Leadlane, and how Slack is reached."""

    pool: ConnectionPool[Any]
    books: Rulebooks
    settings: Settings
    slack: Slack
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Reaction:
    """What Slack hears: `answer` at once; then `update` at `url`, and `view` is opened for `trigger`."""

    answer: Mapping[str, Any] | None = None
    url: str = ""
    update: Mapping[str, Any] | None = None
    trigger: str = ""
    view: Mapping[str, Any] | None = None


NOTHING = Reaction()


@dataclass(frozen=True, slots=True)
class _Click:
    """What somebody did with a question: `user` is their member id, `blocks` the message that asked.

    choose: took an answer. open: opened the menu of moments. submit: sent the window in which they give a
    reason in their own words, the `note`. The message is changed at `url`; `trigger` opens a window.
    """

    kind: Literal["choose", "open", "submit"]
    token: str
    user: str
    choice: str = ""
    note: str = ""
    url: str = ""
    trigger: str = ""
    block_id: str = ""
    blocks: Sequence[Block] = ()


def verify(secret: str, timestamp: str, signature: str, body: bytes, now: datetime) -> None:
    """Nothing, if Slack has signed this body within TOLERANCE; else RefusedError says what is wrong.

    https://docs.slack.dev/authentication/verifying-requests-from-slack
    """
    if not re.fullmatch("[0-9]{1,11}", timestamp):
        raise RefusedError(_("The signed time cannot be read."))
    digest = "v0=" + hmac.digest(secret.encode(), f"v0:{timestamp}:".encode() + body, "sha256").hex()
    # Compared as bytes: a text may have signs that compare_digest does not take.
    if not hmac.compare_digest(digest.encode(), signature.encode("utf-8", "surrogatepass")):
        raise RefusedError(_("The signature is not that of your Slack app (slack_signing_secret)."))
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE.total_seconds():
        raise RefusedError(_("The signed time is too far away: a clock is wrong, or this is a replay."))


def react(desk: Desk, payload: Mapping[str, Any]) -> Reaction:
    """What follows an interaction that Slack delivers; nothing, where it is none of ours.

    https://docs.slack.dev/reference/interaction-payloads
    """
    try:
        click = _click(payload)
    except (LookupError, TypeError, AttributeError, ValueError, zlib.error) as error:
        log.warning("what Slack delivered cannot be read", type=str(payload.get("type")), error=repr(error))
        return NOTHING
    if click is None:
        return NOTHING
    asked, refusal = _asked(desk, click)
    if asked is None:
        return refusal
    with language(language_of(asked.person, desk.settings)):
        match click.kind:
            case "open":
                return _suggest(asked)
            case "submit":
                return _submit(desk, click)
        return _answer(desk, click, asked)


def follow_up(desk: Desk, reaction: Reaction) -> None:
    """Tell Slack the rest, once it has been answered. A failure is logged: what was done, is done."""
    if reaction.update is not None:
        slack.respond(desk.slack, reaction.url, reaction.update)
    if reaction.view is not None:
        arguments = {"trigger_id": reaction.trigger, "view": dict(reaction.view)}
        try:
            slack.call(desk.slack, "views.open", arguments, slack.SOON_SECONDS)
        except CallError as error:
            log.warning("a window could not be opened in Slack", detail=error.failure.detail)


# ---------------------------------------------------------------- what comes


def _click(payload: Mapping[str, Any]) -> _Click | None:
    """What somebody did, None where it is nothing of ours. Raises where it is not as Slack documents it."""
    match payload.get("type"):
        case "block_actions":
            return _chosen(payload, payload["actions"][0])
        case "block_suggestion":
            answer = answer_of(payload["action_id"])
            return _Click("open", answer[1], payload["user"]["id"]) if answer is not None else None
        case "view_submission" if payload["view"]["callback_id"] == DECLINING:
            return _submitted(payload)
    return None


def _chosen(payload: Mapping[str, Any], action: Mapping[str, Any]) -> _Click | None:
    answer = answer_of(action["action_id"])
    if answer is None:
        return None  # a button that only leads somewhere
    return _Click(
        "choose",
        answer[1],
        payload["user"]["id"],
        choice=(action.get("selected_option") or {}).get("value", ""),
        url=payload.get("response_url", ""),
        trigger=payload.get("trigger_id", ""),
        block_id=action["block_id"],
        blocks=payload.get("message", {}).get("blocks", ()),
    )


def _submitted(payload: Mapping[str, Any]) -> _Click:
    view = payload["view"]
    kept = orjson.loads(view["private_metadata"])
    note = view["state"]["values"]["reason"]["reason"].get("value") or ""
    return _Click(
        "submit",
        kept["token"],
        payload["user"]["id"],
        choice="other",
        note=" ".join(note.replace("\0", "").split())[: answers.LONGEST_NOTE],
        url=kept["url"],
        block_id=kept["block"],
        blocks=_unpacked(kept["blocks"]),
    )


def _kept(click: _Click) -> str:
    """What a window has to remember. Of a message that is too long for it, not what it looks like."""
    packed = base64.b64encode(zlib.compress(orjson.dumps(click.blocks), 9)).decode()
    kept = {"token": click.token, "url": click.url, "block": click.block_id, "blocks": packed}
    if len(orjson.dumps(kept)) > _LONGEST_METADATA:
        kept["blocks"] = ""
    return orjson.dumps(kept).decode()


def _unpacked(packed: str) -> list[Block]:
    found: list[Block] = orjson.loads(zlib.decompress(base64.b64decode(packed))) if packed else []
    return found


# ---------------------------------------------------------------- what follows


def _answer(desk: Desk, click: _Click, asked: Asked) -> Reaction:
    if asked.state == "open" and (asked.link.verb, click.choice) == ("decline", "other"):
        return Reaction(trigger=click.trigger, view=reason_view(_kept(click)))
    after, problem = _done(desk, click)
    if problem is not None:
        return _whisper(click, _problem_words(desk, click, problem))
    return _told(desk, click, after)


def _submit(desk: Desk, click: _Click) -> Reaction:
    after, problem = _done(desk, click)
    if problem == "other":
        return Reaction(answer={"response_action": "errors", "errors": {"reason": _(PROBLEMS[problem])}})
    if problem is not None or after.state != "used":
        words = _problem_words(desk, click, problem) if problem is not None else _standing(after)
        return Reaction(answer={"response_action": "update", "view": told_view(words)})
    return _told(desk, click, after)


def _suggest(asked: Asked) -> Reaction:
    """The moments to which the next step can be put off, as they are when the menu is opened."""
    is_open = asked.state == "open" and asked.link.verb == "snooze"
    moments = answers.snooze_choices(asked) if is_open else []
    return Reaction(answer={"options": options({one.isoformat(): _when(asked, one) for one in moments})})


def _asked(desk: Desk, click: _Click) -> tuple[Asked | None, Reaction]:
    """The question that was answered, if whoever clicked was asked it; else what they are told."""
    with desk.pool.connection() as connection:
        asked = answers.look(connection, desk.books, click.token, desk.now())
    with language(language_of(asked.person if asked is not None else None, desk.settings)):
        if asked is None or asked.person is None:
            return None, _whisper(click, _("This question is so old that nothing is known of it any more."))
        try:
            is_them = _is_them(desk.slack, asked.person, click.user)
        except CallError as error:
            log.warning("who clicked could not be found out", detail=error.failure.detail)
            return None, _whisper(click, _("Slack does not say who you are. Please try again in a minute."))
        if not is_them:
            text = _("This was asked of {person}. Nothing has been changed.")
            name = escaped(person_words(asked.book.roster, asked.person.id))
            return None, _whisper(click, "\n".join((text.format(person=name), *_whose(asked))))
        return asked, NOTHING


def _is_them(reached: Slack, person: Person, user: str) -> bool:
    """Whether a person of the roster is this member of Slack. CallError where Slack could not be asked."""
    where = slack.address(person)
    if where == user:
        return True
    # Who is told in a channel is known by their e-mail address all the same.
    try:
        return bool(person.email) and slack.channel_of(reached, person.email) == user
    except CallError as error:
        if error.failure.kind == "permanent":
            return False
        raise


def _done(desk: Desk, click: _Click) -> tuple[Asked, Problem | None]:
    given = Given(choice=click.choice, note=click.note, until=_moment(click.choice))
    with desk.pool.connection() as connection:
        after, problem = answers.answer(connection, desk.books, click.token, given, desk.now())
    assert after is not None  # links are not forgotten so soon
    return after, problem


def _moment(choice: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(choice)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


# ---------------------------------------------------------------- what is told


def _told(desk: Desk, click: _Click, after: Asked) -> Reaction:
    """How things stand, in the place of what was asked."""
    line = _standing(after)
    if not click.blocks:
        return _whisper(click, line)
    still_open: set[str] = set()
    if after.state == "already" or (after.state == "used" and after.link.verb not in _LAST):
        with desk.pool.connection() as connection:
            still_open = set(_still_open(desk, connection, click))
    update = {
        "replace_original": True,
        "text": line,
        "blocks": settled(click.blocks, click.block_id, line, still_open),
    }
    return Reaction(url=click.url, update=update)


def _still_open(desk: Desk, connection: Connection, click: _Click) -> Iterator[str]:
    for token in tokens(click.blocks, click.block_id):
        asked = answers.look(connection, desk.books, token, desk.now())
        if asked is not None and asked.state == "open":
            yield token


def _whisper(click: _Click, text: str) -> Reaction:
    """Only whoever clicked sees it, and the message stays as it is."""
    if not click.url:
        return NOTHING
    update = {"replace_original": False, "response_type": "ephemeral", "text": text}
    return Reaction(url=click.url, update=update)


def _problem_words(desk: Desk, click: _Click, problem: Problem) -> str:
    text = _(PROBLEMS[problem]).format(days=answers.LONGEST_SNOOZE.days)
    if problem != "moved":
        return text
    url = desk.settings.public_url.rstrip("/") + answers.PATH + click.token
    return f"{text}\n<{escaped(url)}|{escaped(_('See the lead'))}>"


def _standing(asked: Asked) -> str:
    """What became of the question, and who has the lead now unless it is whoever was asked."""
    person = escaped(person_words(asked.book.roster, asked.link.person))
    match asked.state:
        case "used" if asked.link.used_at is not None:
            moment = escaped(_when(asked, asked.link.used_at))
            text = "✓ " + _(_DONE[asked.link.verb]).format(person=person, moment=moment)
        case "expired":
            text = _("This can no longer be answered here.")
        case "closed":
            text = _("This lead is closed. Nothing is left to be done with it.")
        case "already":
            text = _("{person} has accepted this lead already.").format(person=person)
        case _:
            text = _("{person} no longer has this lead. Nothing has been changed.").format(person=person)
    return "\n".join((text, *_whose(asked)))


def _whose(asked: Asked) -> Iterator[str]:
    if asked.row is None or asked.row.stage == "closed" or asked.holder == asked.link.person:
        return
    label = _("Who decides now") if asked.row.stage == "review" else _("Who has it now")
    name = _("nobody at present")
    if asked.holder is not None:
        name = person_words(asked.book.roster, asked.holder)
    yield f"*{escaped(label)}*: {escaped(name)}"


def _when(asked: Asked, moment: datetime) -> str:
    zone = ZoneInfo(asked.person.timezone) if asked.person is not None else asked.book.zone
    return moment_words(moment, zone, asked.at)
