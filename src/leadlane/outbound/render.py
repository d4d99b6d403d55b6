"""How does a message look as a letter: subject, text and HTML? Templates, which users may change.

A template is looked for in the user's folder, then in ours. One thing told is an `item`; a template named
after its event goes before it, and one that names the language before one that does not: `assigned.pl.html`,
`assigned.html`, `item.pl.html`, `item.html`. `message` is what surrounds the items, `subject.txt` the subject
line, and of a message about one thing `assigned.subject.txt`. Slack has its own words between heading and
facts: `item.slack`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    FileSystemLoader,
    PackageLoader,
    StrictUndefined,
    TemplateError,
    select_autoescape,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from leadlane.i18n import _, available_languages, language, ngettext
from leadlane.logging import get_logger
from leadlane.outbound.message import DIGEST, EVENTS, Item, Message
from leadlane.outbound.telling import (
    clean,
    footer_words,
    left_out_words,
    moment_words,
    subject_words,
    tell,
)

log = get_logger(__name__)
Made = TypeVar("Made")

KINDS = ("html", "txt")
# What is made of an item alone; around it stands what the channel makes itself.
ITEM_KINDS = ("slack",)
OURS = PackageLoader("leadlane.outbound", "templates")


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as it is read. `subject` is one line."""

    subject: str
    text: str
    html: str


def render(message: Message, now: datetime, folder: Path | None = None) -> Letter:
    """The letter of a message, in the reader's language and zone; `folder` has the user's own templates.

    A template of the user's that fails is logged, and ours is taken: people must be told all the same.
    """
    return _with_yours(message, folder, lambda environment: _render(message, now, environment))


def render_items(message: Message, now: datetime, kind: str, folder: Path | None = None) -> list[str]:
    """Each item by itself, by the templates of one of ITEM_KINDS; otherwise as `render`."""
    return _with_yours(message, folder, lambda environment: _render_items(message, now, kind, environment))


def template_problems(folder: Path | None) -> list[str]:
    """What is wrong with the templates of a folder, a line each: unreadable ones, and unused names."""
    if folder is None:
        return []
    if not folder.is_dir():
        return [_("The folder of templates {folder} does not exist.").format(folder=folder)]
    environment, problems = _environment(folder), []
    for file in sorted(folder.iterdir()):
        if file.name not in _known_names():
            problems.append(_("{file}: no message asks for a template of this name.").format(file=file))
            continue
        try:
            environment.get_template(file.name)
        except (TemplateError, UnicodeDecodeError) as error:
            text = _("{file}: this template cannot be read: {error}")
            problems.append(text.format(file=file, error=_where(error)["error"]))
    return problems


def _with_yours(
    message: Message, folder: Path | None, make: Callable[[ImmutableSandboxedEnvironment], Made]
) -> Made:
    with language(message.language):
        if folder is not None:
            try:
                return make(_environment(folder))
            except (TemplateError, TypeError, ValueError, LookupError, ArithmeticError) as error:
                log.warning("a template of yours failed, ours is used", folder=str(folder), **_where(error))
        return make(_environment(None))


@cache
def _known_names() -> frozenset[str]:
    codes = ("", *(f".{code}" for code in available_languages()))
    stems = ("item", "message", *EVENTS, DIGEST)
    letters = {f"{stem}{code}.{kind}" for stem in stems for code in codes for kind in KINDS}
    subjects = {f"subject{code}.txt" for code in codes} | {
        f"{event}.subject.txt" for event in (*EVENTS, DIGEST)
    }
    items = {f"{stem}{code}.{kind}" for stem in ("item", *EVENTS) for code in codes for kind in ITEM_KINDS}
    return frozenset(letters | subjects | items)


def _where(error: Exception) -> dict[str, Any]:
    place = {"template": getattr(error, "name", None), "line": getattr(error, "lineno", None)}
    return {"error": str(error), **{name: value for name, value in place.items() if value is not None}}


@lru_cache(maxsize=8)
def _environment(folder: Path | None) -> ImmutableSandboxedEnvironment:
    loader: BaseLoader = ChoiceLoader([FileSystemLoader(folder), OURS]) if folder is not None else OURS
    # Sandboxed: whoever may change the words of a mail need not be somebody who may run programs here.
    environment = ImmutableSandboxedEnvironment(
        loader=loader,
        undefined=StrictUndefined,
        autoescape=select_autoescape(["html", "slack"], default=False),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    environment.globals |= {"_": _, "ngettext": ngettext}
    return environment


def _render(message: Message, now: datetime, environment: ImmutableSandboxedEnvironment) -> Letter:
    values = _values(message, now)
    subject = environment.select_template(list(_subject_names(message)))
    # A subject line of one's own for an event is asked for only where the message is about nothing else.
    about = {"item": message.items[0], "told": tell(message, message.items[0], now)} if message.items else {}
    values["subject"] = clean(subject.render({**values, **about}))
    parts = {kind: _letter(message, environment, kind, values) for kind in KINDS}
    return Letter(values["subject"], parts["txt"].strip() + "\n", parts["html"].strip() + "\n")


def _render_items(
    message: Message, now: datetime, kind: str, environment: ImmutableSandboxedEnvironment
) -> list[str]:
    values = _values(message, now)
    return [_item(message, item, environment, kind, values) for item in message.items]


def _values(message: Message, now: datetime) -> dict[str, Any]:
    return {
        "message": message,
        "subject": subject_words(message, now),
        "now": now,
        "left_out": left_out_words(message),
        "footer": footer_words(message),
        "moment": partial(moment_words, zone=ZoneInfo(message.zone), near=now),
    }


def _letter(
    message: Message, environment: ImmutableSandboxedEnvironment, kind: str, values: dict[str, Any]
) -> str:
    items = [_item(message, item, environment, kind, values) for item in message.items]
    wrap = Markup if kind == "html" else str
    names = [f"message.{message.language}.{kind}", f"message.{kind}"]
    return environment.select_template(names).render({**values, "items": [wrap(one) for one in items]})


def _item(
    message: Message,
    item: Item,
    environment: ImmutableSandboxedEnvironment,
    kind: str,
    values: dict[str, Any],
) -> str:
    names = [f"{stem}{code}.{kind}" for stem in (item.event, "item") for code in (f".{message.language}", "")]
    return environment.select_template(names).render(
        {**values, "item": item, "told": tell(message, item, values["now"])}
    )


def _subject_names(message: Message) -> Iterator[str]:
    if len(message.items) == 1 and not message.left_out:
        yield f"{message.items[0].event}.subject.txt"
    yield f"subject.{message.language}.txt"
    yield "subject.txt"
