"""The page behind a link of a message: `/a/{token}`. Opening it changes nothing; sending its form does.

Programs that look through mails for viruses follow every link in them. The page works without scripts, loads
nothing, and is in the language of the person whom the link was given to.
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import psycopg
from fastapi import FastAPI
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from psycopg_pool import PoolTimeout
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from leadlane.api.front import Front, front_of
from leadlane.errors import LeadlaneError
from leadlane.explain.speech import moment_words, person_words
from leadlane.i18n import N_, _, current_language, language
from leadlane.logging import get_logger
from leadlane.outbound.choices import DECLINE_REASONS, PROBLEMS, RESPONSES
from leadlane.outbound.telling import step_words
from leadlane.service import answers
from leadlane.service.answers import Asked, Given, Problem
from leadlane.service.compose import language_of
from leadlane.store.leads import LeadRow

log = get_logger(__name__)

_LARGEST_FORM = 16 * 1024
_QUESTIONS = {
    "accept": N_("Accept this lead?"),
    "decline": N_("Decline this lead?"),
    "responded": N_("Have you been in touch?"),
    "snooze": N_("Put off the next step?"),
    "identify": N_("Who is this?"),
}
_EXPLAINED = {
    "accept": N_("You take it on. Whoever asked is waiting for you from now on."),
    "decline": N_("It goes to whoever is next, and not to you again."),
    "responded": N_("The promise is kept, and reminders end."),
    "snooze": N_("Only the next step moves. What was promised to the prospect stays as it is."),
    "identify": N_("It goes to whoever has them already; somebody new goes where the rules say."),
}
_SUBMITS = {
    "accept": N_("Yes, accept"),
    "decline": N_("Yes, decline"),
    "responded": N_("Yes, I responded"),
    "snooze": N_("Put it off"),
    "identify": N_("This is who it is"),
}
_DONE = {
    "accept": N_("You have accepted this lead"),
    "decline": N_("You have declined this lead"),
    "responded": N_("You have said that you responded"),
    "snooze": N_("You have put off the next step"),
    "identify": N_("You have said who this is"),
}


_NOTHING = Given()


@dataclass(frozen=True, slots=True)
class _Choice:
    value: str
    label: str


@dataclass(frozen=True, slots=True)
class _Page:
    """What the page shows. A form where `submit` is not empty."""

    title: str
    text: str
    status: int = 200
    tone: str = "plain"  # plain, good or sorry
    prospect: str = ""
    about: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    legend: str = ""
    choices: tuple[_Choice, ...] = ()
    note: str = ""
    given: Given = _NOTHING
    problem: str = ""
    submit: str = ""
    seen: int = 0


def add_answers(api: FastAPI) -> None:
    """Serve the pages behind the links of messages."""
    path = answers.PATH + "{token}"
    api.add_route(path, show_answer, methods=["GET"], include_in_schema=False)
    api.add_route(path, give_answer, methods=["POST"], include_in_schema=False)


async def show_answer(request: Request) -> Response:
    """The question that a link asks, or why it can no longer be answered. Changes nothing."""
    return await run_in_threadpool(_guarded, lambda: _shown(front_of(request), _token(request)))


async def give_answer(request: Request) -> Response:
    """Do what the form says; then show how things stand."""
    try:
        sent = await _form(request)
    except ClientDisconnect:
        raise
    except ValueError:
        return _html(
            _sorry(_("This form cannot be read"), _("Please open the link of your message again."), 400)
        )
    return await run_in_threadpool(_guarded, lambda: _answered(front_of(request), _token(request), sent))


def _token(request: Request) -> str:
    return str(request.path_params["token"])


async def _form(request: Request) -> dict[str, str]:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _LARGEST_FORM:
            raise ValueError("too large")
    return dict(parse_qsl(body.decode("utf-8"), max_num_fields=20))


def _shown(front: Front, token: str) -> Response:
    now = front.leadlane.now()
    with front.leadlane.pool.connection() as connection:
        asked = answers.look(connection, front.leadlane.books, token, now)
    if asked is None:
        return _html(_unknown())
    with language(language_of(asked.person, front.leadlane.settings)):
        return _html(_page(asked))


def _answered(front: Front, token: str, sent: dict[str, str]) -> Response:
    now = front.leadlane.now()
    with front.leadlane.pool.connection() as connection:
        before = answers.look(connection, front.leadlane.books, token, now)
        if before is None:
            return _html(_unknown())
        given = _given(before, sent)
        asked, problem = answers.answer(connection, front.leadlane.books, token, given, now)
    assert asked is not None  # links are not forgotten so soon
    if asked.state == "used":
        # So that loading the page again sends nothing again; relative, since a proxy may put a path before.
        return RedirectResponse(token, 303, headers=_HEADERS)
    with language(language_of(asked.person, front.leadlane.settings)):
        return _html(_page(asked, given, problem))


def _given(asked: Asked, sent: dict[str, str]) -> Given:
    """What was sent, as far as it can be read; what cannot is as if it had not been chosen."""
    seen = sent.get("seen", "")
    return Given(
        seen=int(seen) if seen.isascii() and seen.isdecimal() and len(seen) < 10 else asked.link.place,
        choice=sent.get("choice", ""),
        note=" ".join(sent.get("note", "").replace("\0", "").split())[: answers.LONGEST_NOTE],
        until=_moment(asked, sent.get("own", "") if sent.get("choice") == "own" else sent.get("choice", "")),
    )


def _moment(asked: Asked, text: str) -> datetime | None:
    """A moment of the form: with its offset from our own choices, without one from the person's own clock."""
    try:
        moment = datetime.fromisoformat(text)
        local = moment if moment.tzinfo else moment.replace(tzinfo=_zone(asked))
        # Far from our times there are moments that not every zone can tell.
        return local if timedelta(0) < local - asked.at < timedelta(days=3650) else asked.at
    except (ValueError, OverflowError):
        return None


def _zone(asked: Asked) -> ZoneInfo:
    return ZoneInfo(asked.person.timezone) if asked.person is not None else asked.book.zone


# ---------------------------------------------------------------- what is shown


def _page(asked: Asked, given: Given | None = None, problem: Problem | None = None) -> _Page:
    match asked.state:
        case "open":
            return _question(asked, given or _NOTHING, problem)
        case "used":
            return _used(asked)
        case "expired":
            text = _("It was sent on {day}, and links work for two weeks.")
            return _sorry(
                _("This link no longer works"), text.format(day=_when(asked, asked.link.created_at)), 410
            )
        case "closed":
            return _told(asked, _("This lead is closed"), _("Nothing is left to be done with it."))
        case "already" if asked.link.verb == "identify":
            return _told(asked, _("It has been said already who this is"), _("Nothing has been changed."))
        case "already":
            return _told(
                asked, _("You have accepted this lead already"), _("Nothing has been changed."), "good"
            )
        case "elsewhere":
            return _told(asked, _("This lead is no longer with you"), _("Nothing has been changed."))


def _question(asked: Asked, given: Given, problem: Problem | None) -> _Page:
    row, verb = asked.row, asked.link.verb
    assert row is not None  # it is open
    told = _(PROBLEMS[problem]).format(days=answers.LONGEST_SNOOZE.days) if problem else ""
    legends = {
        "decline": _("Why?"),
        "responded": _("How?"),
        "snooze": _("Until when?"),
        "identify": _("Who is it?"),
    }
    notes = {"decline": _("In your own words"), "responded": _("A note, if you like")}
    return _Page(
        title=_(_QUESTIONS[verb]),
        text=_(_EXPLAINED[verb]),
        status={None: 200, "moved": 409}.get(problem, 422),
        prospect=_prospect(row),
        about=_about(row),
        facts=tuple(_facts(asked, row)),
        legend=legends.get(verb, ""),
        choices=tuple(_choices(asked)),
        note=notes.get(verb, ""),
        given=given,
        problem=told,
        submit=_(_SUBMITS[verb]),
        seen=row.place,
    )


def _choices(asked: Asked) -> Iterator[_Choice]:
    named = {"decline": DECLINE_REASONS, "responded": RESPONSES}.get(asked.link.verb, {})
    for value, label in named.items():
        yield _Choice(value, _(label))
    if asked.link.verb == "identify":
        for one in asked.identities:
            text = _("It is {who} ({percent} %)")
            yield _Choice(one.value, text.format(who=one.who, percent=round(one.probability * 100)))
        yield _Choice(answers.SOMEBODY_NEW, _("Somebody new"))
    if asked.link.verb == "snooze":
        for moment in answers.snooze_choices(asked):
            yield _Choice(moment.isoformat(), _when(asked, moment))
        yield _Choice("own", _("Another moment:"))


def _used(asked: Asked) -> _Page:
    assert asked.link.used_at is not None  # it was used
    text = _("That was on {moment}.").format(moment=_when(asked, asked.link.used_at))
    return _told(asked, _(_DONE[asked.link.verb]), text, "good")


def _told(asked: Asked, title: str, text: str, tone: str = "plain") -> _Page:
    row = asked.row
    if row is None:
        return _Page(title, text, tone=tone)
    is_theirs = asked.link.person in (row.owner, row.covered_by)
    return _Page(
        title,
        text,
        status=409 if asked.state in ("closed", "elsewhere") else 200,
        tone=tone,
        prospect=_prospect(row),
        about=_about(row),
        facts=tuple(_facts(asked, row)) if is_theirs else tuple(_whose(asked, row)),
    )


def _facts(asked: Asked, row: LeadRow) -> Iterator[tuple[str, str]]:
    if row.stage == "closed":
        return
    if row.respond_by is not None and row.responded_at is None:
        yield _("Respond by"), _when(asked, row.respond_by)
    if row.next_step:
        yield _("Next step"), step_words(row.next_step)
    if row.next_step_due_at is not None and row.next_step_due_at != row.respond_by:
        yield _("Due"), _when(asked, row.next_step_due_at)
    for field, label in (("email", _("E-mail")), ("phone", _("Phone"))):
        if row.fields.get(field):
            yield label, str(row.fields[field])
    yield from _whose(asked, row)


def _whose(asked: Asked, row: LeadRow) -> Iterator[tuple[str, str]]:
    """Who has the lead now, in so far as it is not simply whoever reads this."""
    if row.stage == "closed" or asked.holder == asked.link.person:
        return
    if asked.holder is None:
        yield _("Who has it now"), _("nobody at present")
        return
    label = _("Who decides now") if row.stage == "review" else _("Who has it now")
    yield label, person_words(asked.book.roster, asked.holder)


def _prospect(row: LeadRow) -> str:
    name = " ".join(str(row.fields[part]) for part in ("first_name", "last_name") if row.fields.get(part))
    return name or str(row.fields.get("company") or row.fields.get("email") or row.id)


def _about(row: LeadRow) -> str:
    parts = [str(row.fields[part]) for part in ("title", "company", "country") if row.fields.get(part)]
    return " · ".join(part for part in parts if part != _prospect(row))


def _when(asked: Asked, moment: datetime) -> str:
    return moment_words(moment, _zone(asked), asked.at)


def _sorry(title: str, text: str, status: int) -> _Page:
    return _Page(title, text, status, "sorry")


def _unknown() -> _Page:
    text = _("Links in messages are long: perhaps it was not copied whole. Please open it from the message.")
    return _sorry(_("There is no such link"), text, 404)


# ---------------------------------------------------------------- how it is shown


def _guarded(make: Callable[[], Response]) -> Response:
    """A page also where something fails: whoever follows a link from a mail has a browser before them.

    Handled here because the token in the address must not come into the log.
    """
    try:
        return make()
    except (psycopg.OperationalError, PoolTimeout, LeadlaneError) as error:
        log.warning("an answer must wait", error=str(error))
        text = _("Nothing has been changed. Please try again in a minute.")
        return _html(_sorry(_("This does not work at the moment"), text, 503))
    except Exception:
        instance = uuid.uuid4().urn
        log.exception("an answer failed", instance=instance)
        text = _("The log of the server says more, under {instance}.").format(instance=instance)
        return _html(_sorry(_("Something is wrong on our side"), text, 500))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("leadlane.api", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"_": _, "style": Markup(_style())}
    return environment


def _style() -> str:
    loader = PackageLoader("leadlane.api", "templates")
    return loader.get_source(Environment(autoescape=True), "answer.css")[0]


def _policy(style: str) -> str:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    )


# The address is a secret: it must not reach other sites, nor stay in a cache or a search engine.
_HEADERS = {
    "content-security-policy": _policy(_style()),
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "x-robots-tag": "noindex, nofollow",
    "x-content-type-options": "nosniff",
}


def _html(page: _Page) -> HTMLResponse:
    values: dict[str, Any] = {"page": page, "language": current_language()}
    body = _environment().get_template("answer.html").render(values)
    return HTMLResponse(body, page.status, {**_HEADERS, "content-language": current_language()})
