"""Whose is it, and may I contact them? One box over people, companies, domains and phones."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from leadlane.errors import LeadlaneError
from leadlane.explain.standing import outcome_words, stage_words, touch_words
from leadlane.i18n import _
from leadlane.service.ownership import OwnershipView, Question, whose
from leadlane.service.prospects import LONGEST, ClueError, is_unfinished
from leadlane.web.page import page
from leadlane.web.render import show
from leadlane.web.roles import Capability
from leadlane.web.session import Session, leadlane_of

_TONES = {"yes": "good", "ask": "warn", "no": "bad"}
_ICONS = {"yes": "circle-check", "ask": "message-square", "no": "ban"}


def show_whose(request: Request, session: Session) -> Response:
    """The answer to what was asked, or the box alone."""
    leadlane = leadlane_of(request)
    query = request.query_params.get("q", "").replace("\0", "").strip()
    answer: OwnershipView | None = None
    problem: LeadlaneError | None = None
    if query:
        question = Question(query=query[:LONGEST], asker=session.person_id)
        with leadlane.pool.connection() as connection:
            book = leadlane.books.current(connection)
            try:
                answer = whose(connection, book, question, leadlane.now())
                if not answer["prospects"] and is_unfinished(query[:LONGEST]):
                    # "Yes, nobody knows them" before the end is typed would be believed.
                    answer, problem = None, _not_whole()
            except ClueError as error:
                # Half a word, as it is while somebody types, is no mistake: the page says what it waits for.
                problem = error
    return show(
        request,
        "whose/whose.html",
        query=query,
        answer=answer,
        problem=problem,
        me=session.person_id,
        longest=LONGEST,
        tones=_TONES,
        symbols=_ICONS,
        found_words=_found_words(),
        stage_words=stage_words,
        outcome_words=outcome_words,
        touch_words=touch_words,
    )


def _not_whole() -> LeadlaneError:
    return LeadlaneError(
        _("This is not a whole e-mail address or phone number yet."),
        _("Go on to its end, or ask for the name or the domain."),
    )


def _found_words() -> dict[str, str]:
    return {
        "id": _("found by the id"),
        "email": _("found by the e-mail address"),
        "phone": _("found by the phone number"),
        "domain": _("found by the domain"),
        "name": _("found by the name"),
        "likeness": _("looks alike"),
    }


PAGES = (page("/whose", show_whose, capability=Capability.ASK_WHOSE),)
