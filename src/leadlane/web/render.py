"""How does a page become HTML? One template for the whole page and for each piece of it that changes.

A piece is a block: the block `leads` of a template holds the element with the id `leads`. A request of htmx
that wants this element (its target) is answered with this block alone, anything else with the whole page.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from leadlane.i18n import _, current_language, language, ngettext
from leadlane.service.rulebooks import NothingPublishedError
from leadlane.web import assets, navigation, words
from leadlane.web.session import CSRF_FIELD, Session, find, leadlane_of

TEMPLATES = Path(__file__).parent / "templates"
# What an act says on the page that comes after it.
_TOLD = "told"
_TOLD_SECONDS = 60
_THEMES = ("light", "dark")


@dataclass
class Reader:
    """Who reads the page that is being made, and when."""

    request: Request
    session: Session | None
    now: datetime

    @cached_property
    def zone(self) -> ZoneInfo:
        """Where the reader's clock hangs."""
        return words.zone_of(self.session.zone if self.session else "UTC")

    @cached_property
    def _people(self) -> Mapping[str, str]:
        leadlane = leadlane_of(self.request)
        with leadlane.pool.connection() as connection:
            try:
                people = leadlane.books.current(connection).roster.people
            except NothingPublishedError:
                return {}
        return {id_: person.name for id_, person in people.items()}

    def name_of(self, person_id: str) -> str:
        """What somebody of the roster is called; the id of somebody who is no longer there."""
        return self._people.get(person_id, person_id)

    @cached_property
    def here(self) -> str:
        """The address of this page."""
        return _here(self.request)

    @cached_property
    def csrf_field(self) -> Markup:
        """The hidden field that proves that a form is ours; nothing for those who are not signed in."""
        form = '<input type="hidden" name="{}" value="{}">'
        return Markup(form).format(CSRF_FIELD, self.session.csrf) if self.session else Markup("")

    @property
    def theme(self) -> str:
        """What the reader chose, "" for what their system says."""
        chosen = self.session.theme if self.session else self.request.cookies.get("theme", "")
        return chosen if chosen in _THEMES else ""


_reader: ContextVar[Reader] = ContextVar("reader")


def show(
    request: Request, template: str | Template, status: int = 200, *, live: Sequence[str] = (), **shown: Any
) -> Response:
    """The page of a template, or the block of it that htmx asks for, to whoever sent the request.

    `live` are the topics (`web.live`) on which the pieces marked with `ui.live` are asked for again.
    """
    session = find(request)
    found = environment().get_template(template)
    with _reading(request, session) as reader:
        told = None if _renews_itself(request) else _told(request)
        whole = {**_frame(reader, told, live), **shown}
        wanted = _block_wanted(request)
        if wanted is None:
            response: Response = HTMLResponse(found.render(whole), status)
        elif wanted in found.blocks:
            response = HTMLResponse(_block(found, wanted, whole, told), status)
        else:
            # The page that an act led to has no such piece: go there.
            return Response(status_code=204, headers={"hx-redirect": _here(request)})
    if told:
        response.delete_cookie(_TOLD)
    response.headers["vary"] = "HX-Request, HX-Target, Accept-Language, Cookie"
    return response


def show_problem(request: Request, status: int, title: str, text: str, session: Session | None) -> Response:
    """What went wrong: a page of its own, or for htmx a message beside what is on the page."""
    with _reading(request, session) as reader:
        if request.headers.get("hx-request") == "true":
            note = {"text": f"{title}. {text}" if text else title, "tone": "bad"}
            body = _partial_toast(note)
            return HTMLResponse(body, status, {"hx-reswap": "none"})
        whole = {**_frame(reader, None, ()), "status": status, "title": title, "text": text}
        return HTMLResponse(environment().get_template("problem.html").render(whole), status)


def redirect(to: str, told: str = "", undo: str = "", tone: str = "good") -> Response:
    """After an act: go on to a page of ours, which says `told`. A POST to `undo`, if given, takes it back.

    `tone` is good, bad or plain. An address that is none of ours becomes "/".
    """
    response = RedirectResponse(own_path(to), 303)
    if told:
        note = base64.urlsafe_b64encode(orjson.dumps({"text": told, "undo": undo, "tone": tone})).decode()
        response.set_cookie(_TOLD, note, _TOLD_SECONDS, httponly=True, samesite="lax")
    return response


def own_path(to: str) -> str:
    """A path of this server, as a page gave it to come back to; "/" for anything else."""
    is_own = to.startswith("/") and not to.startswith(("//", "/\\")) and to.isprintable()
    return to if is_own else "/"


# ---------------------------------------------------------------- what templates know


@cache
def environment() -> Environment:
    """The templates, with what all of them may use."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.do"],
    )
    made.globals |= {
        "_": _, "ngettext": ngettext, "icon": icon, "asset": assets.address, "name_of": _name_of,
        "csrf_field": csrf_field, "here": lambda: _reader.get().here,
        "now": lambda: _reader.get().now, "with_query": _with_query, "left_words": words.left_words,
    }  # fmt: skip
    made.filters |= {
        "moment": lambda at: words.moment(at, _reader.get().now, _reader.get().zone),
        "ago": lambda at: words.ago(at, _reader.get().now, _reader.get().zone),
        "day": lambda at: words.day(at, _reader.get().zone),
        "clock": lambda at: words.clock_words(at, _reader.get().now, _reader.get().zone),
        "minutes": words.minutes, "money": words.money, "number": words.number, "percent": words.percent,
        "initials": initials, "segment": lambda text: quote(str(text), safe=""), "json": _json,
    }  # fmt: skip
    # Macros are known everywhere, also in a block that is rendered alone, without an import.
    made.globals["ui"] = made.get_template("components.html").module
    return made


@lru_cache(maxsize=5_000)
def icon(name: str, label: str = "") -> Markup:
    """An icon of `static/icons.txt`; `label` says what it means where no word beside it does."""
    if name not in assets.icons():
        raise LookupError(f"no icon {name!r}: add it to web/static/icons.txt, and run `make assets`")
    said = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    form = '<svg class="icon" width="16" height="16" {}><use href="{}#{}"></use></svg>'
    return Markup(form).format(said, assets.address("icons.svg"), name)


def csrf_field() -> Markup:
    """The hidden field that every form of a signed-in page has."""
    return _reader.get().csrf_field


def initials(name: str) -> str:
    """Up to two letters that stand for a name."""
    parts = [part for part in name.replace(".", " ").split() if part[0].isalnum()]
    return (parts[0][0] + (parts[-1][0] if len(parts) > 1 else "")).upper() if parts else "?"


def _name_of(person_id: str) -> str:
    return _reader.get().name_of(person_id)


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _here(request: Request) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def _with_query(**changed: object) -> str:
    """This page with some parameters set otherwise; None takes one away."""
    request = _reader.get().request
    query = {**request.query_params, **changed}
    left = {name: str(value) for name, value in query.items() if value is not None and value != ""}
    return f"{request.url.path}?{urlencode(left)}" if left else request.url.path


# ---------------------------------------------------------------- parts


@contextmanager
def _reading(request: Request, session: Session | None) -> Iterator[Reader]:
    reader = Reader(request, session, leadlane_of(request).now())
    token = _reader.set(reader)
    try:
        with language(session.language if session else current_language()):
            yield reader
    finally:
        _reader.reset(token)


def _frame(reader: Reader, told: Mapping[str, str] | None, live: Sequence[str]) -> dict[str, Any]:
    session, there = reader.session, reader.request.scope["pages"]
    return {
        "request": reader.request,
        "session": session,
        "theme": reader.theme,
        "language": current_language(),
        "told": told,
        "live_topics": urlencode([("topic", topic) for topic in live]),
        "places": navigation.places(session, there) if session else [],
        "countdown_words": {"left": _("{time} left"), "over": _("{time} over")},
    }


def _block_wanted(request: Request) -> str | None:
    if request.headers.get("hx-request") != "true" or request.headers.get("hx-request-type") == "full":
        return None
    _tag, _hash, id_ = request.headers.get("hx-target", "").partition("#")
    return id_.replace("-", "_") or None


def _renews_itself(request: Request) -> bool:
    """Whether a piece asks for itself, as it does when something has changed: nobody has acted there."""
    source = request.headers.get("hx-source")
    return source is not None and source == request.headers.get("hx-target")


def _block(found: Template, name: str, whole: Mapping[str, Any], told: Mapping[str, str] | None) -> str:
    piece = "".join(found.blocks[name](found.new_context(dict(whole))))
    return piece + (_partial_toast(told) if told else "")


def _partial_toast(told: Mapping[str, str]) -> str:
    macros: Any = environment().globals["ui"]
    toast = macros.toast(told)
    return f'<hx-partial hx-target="#toasts" hx-swap="beforeend">{toast}</hx-partial>'


def _told(request: Request) -> dict[str, str] | None:
    try:
        said = orjson.loads(base64.urlsafe_b64decode(request.cookies.get(_TOLD, "").encode()))
        text, undo, tone = str(said["text"]), str(said["undo"]), str(said["tone"])
    except (ValueError, KeyError, TypeError):
        return None
    is_own = not undo or own_path(undo) == undo
    return {
        "text": text,
        "undo": undo if is_own else "",
        "tone": tone if tone in ("good", "bad") else "plain",
    }
