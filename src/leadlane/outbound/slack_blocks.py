"""How does a message look in Slack? Block Kit: a heading, words, facts and the answers to choose from.

https://docs.slack.dev/reference/block-kit/blocks has the limits; what is over them, Slack refuses whole.
"""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from leadlane.i18n import _, language
from leadlane.outbound.choices import DECLINE_REASONS, RESPONSES
from leadlane.outbound.message import Item, Message
from leadlane.outbound.render import render, render_items
from leadlane.outbound.telling import Button, Fact, Told, clean, left_out_words, subject_words, tell

Block = dict[str, Any]

# Characters in a heading, a section, and what can be pressed or chosen; fields of a section.
_HEADING, _SECTION, _BUTTON, _FIELDS = 150, 3_000, 75, 10
# Slack takes 2,000, but what is longer than this is no fact to be seen at a glance.
_FIELD = 500
# Slack takes 50 blocks, and by experience about 13,000 characters of JSON in them (msg_blocks_too_long).
_MOST_BLOCKS, _MOST_SIGNS = 50, 12_000
# The longest text that Slack shows without cutting it.
_LONGEST_TEXT = 4_000
# What is not of an item: the rest named, the rest counted, the footer.
_AROUND, _AROUND_SIGNS = 3, 2_500
_ANSWERS = "answers"
# By which Slack calls the window that asks for a reason.
DECLINING = "decline"
# The answers that can be given without leaving Slack. Their tokens are those of the one-time links.
_IN_PLACE = re.compile("(accept|responded|decline|snooze):([A-Za-z0-9_-]{16,80})")


@dataclass(frozen=True, slots=True)
class Post:
    """What is posted. `text` is what a notification shows; `letter` the whole in words, without blocks."""

    text: str
    letter: str
    blocks: list[Block]


def post_of(message: Message, now: datetime, folder: Path | None, *, takes_answers: bool) -> Post:
    """The message for Slack, in the reader's language; `folder` has the user's own templates.

    What is too much for one message is only named, the oldest first. Where `takes_answers` is false, buttons
    open the pages that ask to confirm.
    """
    words = render_items(message, now, "slack", folder)
    letter = render(message, now, folder)
    with language(message.language):
        items = [
            _item(number, tell(message, item, now), _unquoted(text), takes_answers)
            for number, (item, text) in enumerate(zip(message.items, words, strict=True))
        ]
        named = len(items) - _how_many(items)
        blocks = [block for item in items[named:] for block in item]
        if named:
            blocks.append(_section("\n".join(f"• {_name(one)}" for one in message.items[:named])))
        if message.left_out:
            blocks.append(_section(escaped(left_out_words(message))))
        times = _("All times are those of {zone}.").format(zone=message.zone)
        blocks.append({"type": "context", "elements": [_words(escaped(times))]})
        return Post(
            escaped(subject_words(message, now)), shortened(escaped(letter.text), _LONGEST_TEXT), blocks
        )


def answer_of(action_id: str) -> tuple[str, str] | None:
    """The verb and the token of an element by which somebody answers; None if it is another element."""
    found = _IN_PLACE.fullmatch(action_id)
    return (found[1], found[2]) if found else None


def settled(
    blocks: Sequence[Block], block_id: str, line: str, still_open: Collection[str] = ()
) -> list[Block]:
    """The blocks of a message in which `line` has taken the place of what was asked in one of them.

    Of its answers those stay whose tokens are in `still_open`, and what only leads somewhere.
    """
    return [new for block in blocks for new in _settled(block, block_id, line, still_open)]


def tokens(blocks: Sequence[Block], block_id: str) -> dict[str, str]:
    """The answers that a block of a message still asks for: token → verb."""
    elements = (
        element
        for block in blocks
        if block.get("block_id") == block_id
        for element in block.get("elements", ())
    )
    found = (answer_of(str(element.get("action_id", ""))) for element in elements)
    return {answer[1]: answer[0] for answer in found if answer is not None}


def reason_view(metadata: str) -> dict[str, Any]:
    """A window that asks why somebody declines, in their own words; `metadata` comes back with the answer."""
    return {
        "type": "modal",
        "callback_id": DECLINING,
        "private_metadata": metadata,
        "title": _plain(_("Decline"), 24),
        "submit": _plain(_("Decline"), 24),
        "close": _plain(_("Cancel"), 24),
        "blocks": [
            {
                "type": "input",
                "block_id": "reason",
                "label": _plain(_("In your own words"), _SECTION),
                "element": {"type": "plain_text_input", "action_id": "reason", "max_length": 500},
            }
        ],
    }


def told_view(text: str) -> dict[str, Any]:
    """A window that says how things stand."""
    return {
        "type": "modal",
        "title": _plain(_("Decline"), 24),
        "close": _plain(_("Close"), 24),
        "blocks": [_section(text)],
    }


def options(choices: Mapping[str, str]) -> list[dict[str, Any]]:
    """What can be chosen: value → what it says."""
    return [{"text": _plain(label, _BUTTON), "value": value} for value, label in choices.items()]


def escaped(text: str) -> str:
    """A text in which nothing is a command to Slack; the three signs are all that it gives a meaning."""
    return html.escape(text, quote=False)


def shortened(text: str, longest: int) -> str:
    """A text of at most so many characters, which ends in … where it was longer, never within an entity."""
    return text if len(text) <= longest else re.sub("&[a-z]*$", "", text[: longest - 1]).rstrip() + "…"


# ---------------------------------------------------------------- the parts


def _item(number: int, told: Told, words: str, takes_answers: bool) -> list[Block]:
    heading = told.heading
    if told.prospect:
        heading = _("{heading}: {who}").format(heading=told.heading, who=told.prospect)
    blocks: list[Block] = [{"type": "header", "text": _plain(heading, _HEADING)}]
    if words:
        blocks.append(_section(words))
    fields = [_field(fact) for fact in told.facts if len(fact.lines) == 1][:_FIELDS]
    if fields:
        blocks.append({"type": "section", "fields": fields})
    elements = [_element(button, takes_answers) for button in told.buttons]
    if told.url:
        elements.append(_link("see", told.url_label, told.url))
    if elements:
        blocks.append({"type": "actions", "block_id": f"{_ANSWERS}-{number}", "elements": elements})
    return blocks


def _element(button: Button, takes_answers: bool) -> dict[str, Any]:
    action_id = f"{button.verb}:{button.url.rpartition('/')[2]}"
    if not takes_answers or answer_of(action_id) is None:
        return _link(button.verb, button.label, button.url)
    told = {"action_id": action_id, "placeholder": _plain(button.label, _BUTTON)}
    match button.verb:
        case "responded":
            return {"type": "static_select", **told, "options": _choices(RESPONSES)}
        case "decline":
            return {"type": "static_select", **told, "options": _choices(DECLINE_REASONS)}
        case "snooze":
            # Which moments there are is asked when the menu is opened: by then it may be another day.
            return {"type": "external_select", **told, "min_query_length": 0}
    return {
        "type": "button",
        "action_id": action_id,
        "text": _plain(button.label, _BUTTON),
        "style": "primary",
    }


def _choices(words: Mapping[str, str]) -> list[dict[str, Any]]:
    return options({value: _(label).rstrip(":") for value, label in words.items()})


def _link(name: str, label: str, url: str) -> dict[str, Any]:
    return {"type": "button", "action_id": f"open-{name}", "text": _plain(label, _BUTTON), "url": url}


def _field(fact: Fact) -> dict[str, Any]:
    value = escaped(fact.lines[0])
    if fact.url:
        value = f"<{escaped(fact.url)}|{value}>"
    return _words(shortened(f"*{escaped(fact.label)}*\n{value}", _FIELD))


def _section(text: str) -> Block:
    return {"type": "section", "text": _words(shortened(text, _SECTION))}


def _words(text: str) -> dict[str, Any]:
    # Verbatim: of what a prospect wrote, Slack makes no mention of a channel or a person.
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _plain(text: str, longest: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": shortened(text, longest)}


def _name(item: Item) -> str:
    who = ", ".join(dict.fromkeys(clean(one) for one in (item.prospect, item.company) if one))
    return escaped(shortened(who or clean(item.reason), _HEADING))


def _unquoted(text: str) -> str:
    # Templates escape for HTML, which has two signs more than Slack knows of.
    return text.replace("&#34;", '"').replace("&#39;", "'").strip()


def _how_many(items: Sequence[list[Block]]) -> int:
    """How many of these fit into one message, the newest first; one always does."""
    blocks, size, count = _AROUND, _AROUND_SIGNS, 0
    for item in reversed(items):
        blocks, size = blocks + len(item), size + len(orjson.dumps(item).decode())
        if count and (blocks > _MOST_BLOCKS or size > _MOST_SIGNS):
            break
        count += 1
    return count


def _settled(block: Block, block_id: str, line: str, still_open: Collection[str]) -> Iterator[Block]:
    if block.get("block_id") != block_id:
        yield block
        return
    yield _section(line)
    left = [one for one in block["elements"] if _stays(str(one.get("action_id", "")), still_open)]
    if left:
        yield {**block, "elements": left}


def _stays(action_id: str, still_open: Collection[str]) -> bool:
    answer = answer_of(action_id)
    return answer is None or answer[1] in still_open
