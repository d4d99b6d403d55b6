"""How does a message reach Microsoft Teams? As an adaptive card, posted to a workflow of theirs.

https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook
https://adaptivecards.io/explorer/
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson
from pydantic import Field

from leadlane.config import Settings
from leadlane.core.facts import Person
from leadlane.i18n import _, language
from leadlane.logging import get_logger
from leadlane.outbound import posting
from leadlane.outbound.message import Failure, Item, Message, Sent
from leadlane.outbound.parts import Part, Rate
from leadlane.outbound.telling import Fact, Told, left_out_words, subject_words, tell

log = get_logger(__name__)

# Teams refuses what is larger than 28 KB with all that it puts around; some is left for that.
LARGEST_BYTES = 26_000
# How long one text may be, at first and where the card is too large even with one item alone.
_LENGTHS = (4_000, 300, 60)
# What the prospect wrote is folded away where it is longer than a few lines.
_SHOWN_AT_ONCE = 300
# More actions than this Teams hides behind dots.
_MOST_ACTIONS = 6

Element = dict[str, Any]


class Section(Part):
    """Teams in outbound.yaml."""

    enabled: bool = Field(default=False, description="Whether people are told by Teams.")
    per_minute: Rate = Field(default=60, description="Most messages in a minute.")


@dataclass(frozen=True, slots=True)
class Teams:
    """What sending takes: what `allow` opens inside the own network."""

    allowed: tuple[str, ...] = ()


def address(person: Person) -> str:
    """The URL of the person's own workflow: `teams_workflow` in the roster, where `teams` are their teams."""
    return str(person.attributes.get("teams_workflow", "")).strip()


def set_up(_settings: Settings, section: Section, allowed: tuple[str, ...]) -> Teams | None:
    """What sending takes; None where the section does not enable it."""
    return Teams(allowed) if section.enabled else None


def problems(settings: Settings, section: Section) -> list[str]:
    """What is wrong with the settings, a line each."""
    if section.enabled and not settings.public_url:
        return [_("Cards in Teams have no buttons: set public_url to where people reach this server.")]
    return []


def send(teams: Teams, message: Message, now: datetime) -> Sent | Failure:
    """Post a message as a card to the workflow at its address. Never raises for what the other end does.

    Each address is a workflow of its own, so no failure is one of the whole channel.
    """
    try:
        with language(message.language):
            body = orjson.dumps(payload(message, now))
    except Exception:
        # Nothing has gone out yet: whoever is to be told can be told otherwise.
        log.exception("a card could not be written", message=message.id)
        return Failure("permanent", _("The card could not be written; the log of this process says why."))
    headers = {"content-type": "application/json"}
    answer = posting.request("POST", message.address, body, headers, teams.allowed, now)
    if isinstance(answer, Failure):
        return answer
    if answer.is_good:
        return Sent()
    failure = posting.refusal(answer)
    # Only this workflow is asked too much of; others may go on.
    return replace(failure, kind="temporary") if failure.kind == "rate_limited" else failure


# ---------------------------------------------------------------- the card


def payload(message: Message, now: datetime) -> Element:
    """The JSON that the workflow takes, in the language of the context.

    The earliest items are left out as far as the card would be too large; of one alone, texts are cut.
    """
    made: Element = {}
    for count, longest in _sizes(len(message.items)):
        left_out = message.left_out + len(message.items) - count
        part = replace(message, items=message.items[len(message.items) - count :], left_out=left_out)
        made = _envelope(_card(part, message, now, longest))
        if len(orjson.dumps(made)) <= LARGEST_BYTES:
            break
    return made


def _sizes(items: int) -> Iterator[tuple[int, int]]:
    for count in range(items, 0, -1):
        yield count, _LENGTHS[0]
    for longest in _LENGTHS[1:]:
        yield min(items, 1), longest


def _envelope(card: Element) -> Element:
    return {
        "type": "message",
        "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "content": card}],
    }


def _card(part: Message, whole: Message, now: datetime, longest: int) -> Element:
    # A part of a message still says of how many leads it is.
    subject = subject_words(whole, now)
    body: list[Element] = []
    if len(whole.items) + whole.left_out != 1:
        body.append(_text(subject, longest, size="large", weight="bolder"))
    body += [_item(tell(part, item, now), item, longest) for item in part.items]
    if part.left_out:
        body.append(_text(left_out_words(part), longest, isSubtle=True))
    return {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "lang": whole.language,
        "fallbackText": subject,
        "msteams": {"width": "Full"},
        "body": body,
    }


def _item(told: Told, item: Item, longest: int) -> Element:
    title = told.heading if not told.prospect else _("{heading}: {who}")
    words = title.format(heading=told.heading, who=told.prospect) if told.prospect else title
    elements = [_text(words, longest, size="medium", weight="bolder")]
    if told.about:
        elements.append(_text(told.about, longest, spacing="none", isSubtle=True))
    elements.append(_text(told.sentence, longest))
    elements += [_fact(fact, longest) for fact in told.facts]
    is_folded = len(told.said) > _SHOWN_AT_ONCE
    if told.said and not is_folded:
        elements.append(_text(told.said_label, longest, isSubtle=True))
        elements += _lines(told.said, longest)
    actions = list(_actions(told, longest if is_folded else 0))
    if actions:
        elements.append({"type": "ActionSet", "actions": actions[:_MOST_ACTIONS]})
    style = "attention" if item.event in ("alarm", "escalated") else "default"
    return {"type": "Container", "separator": True, "style": style, "items": elements}


def _actions(told: Told, longest_said: int) -> Iterator[Element]:
    for index, button in enumerate(told.buttons):
        style = "positive" if index == 0 else "default"
        yield {"type": "Action.OpenUrl", "title": button.label, "url": button.url, "style": style}
    if longest_said:
        card = {"type": "AdaptiveCard", "body": _lines(told.said, longest_said)}
        yield {"type": "Action.ShowCard", "title": told.said_label.rstrip(":"), "card": card}
    if told.url:
        yield {"type": "Action.OpenUrl", "title": told.url_label, "url": told.url}


def _fact(fact: Fact, longest: int) -> Element:
    weight = {"weight": "bolder"} if fact.is_key else {}
    values = [_text(line, longest, spacing="none", **weight) for line in fact.lines]
    label = _text(fact.label, longest, isSubtle=True)
    return {
        "type": "ColumnSet",
        "spacing": "small",
        "columns": [
            {"type": "Column", "width": 1, "items": [label]},
            {"type": "Column", "width": 2, "items": values},
        ],
    }


def _lines(text: str, longest: int) -> list[Element]:
    short = text if len(text) <= longest else text[: longest - 1].rstrip() + "…"
    return [_text(line, longest, spacing="none") for line in short.split("\n") if line]


def _text(text: str, longest: int, *, spacing: str = "default", **look: Any) -> Element:
    """A paragraph. Not a TextBlock: that would read what others wrote as Markdown, with links of theirs."""
    short = text if len(text) <= longest else text[: longest - 1].rstrip() + "…"
    return {
        "type": "RichTextBlock",
        "spacing": spacing,
        "inlines": [{"type": "TextRun", "text": short, **look}],
    }
