"""Where is the policy made? The draft of whoever is signed in, checked as it is typed, and put in force."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import orjson
from psycopg import Connection
from starlette.requests import Request
from starlette.responses import Response

from leadlane.core.facts import FITS, INTENTS, LEAD_FIELDS, PERSON_FIELDS, RELATIONSHIPS, FieldSpec
from leadlane.core.policy import Policy
from leadlane.core.rulebook import Rulebook
from leadlane.i18n import _
from leadlane.policy.problems import PolicyErrors
from leadlane.policy.schema import PolicyPart
from leadlane.policy.structure import json_schema
from leadlane.policy.words import field_words
from leadlane.service import drafts, publications
from leadlane.service.drafts import Draft
from leadlane.service.publish import MeanwhileError
from leadlane.service.rulebooks import NothingPublishedError, Rulebooks
from leadlane.store import roster, workshop
from leadlane.web.page import form_of, page, text_of
from leadlane.web.render import redirect, show
from leadlane.web.roles import Capability
from leadlane.web.session import PageError, Session, leadlane_of

HOME = "/workshop"


def views() -> list[tuple[str, str, None]]:
    """The pages of the workshop, as tabs."""
    return [
        (HOME, _("Draft"), None),
        (f"{HOME}/try", _("Try a lead"), None),
        (f"{HOME}/past", _("Past leads"), None),
        (f"{HOME}/scenarios", _("Scenarios"), None),
        (f"{HOME}/history", _("History"), None),
    ]


def signs_as(session: Session) -> str:
    """Who stands in the history for what is published: the person of the roster, else the user's name."""
    return session.person_id or session.name


def in_force(connection: Connection, books: Rulebooks) -> Rulebook | None:
    """The rules in force, None where nothing was published."""
    try:
        return books.current(connection)
    except NothingPublishedError:
        return None


def number_of(request: Request, field: str) -> int:
    """A count that a form sends back as it was shown; -1, which is none, for anything else."""
    said = text_of(request, field)
    return int(said) if said.isascii() and said.isdigit() and len(said) < 10 else -1


# ---------------------------------------------------------------- the draft


def show_draft(request: Request, session: Session) -> Response:
    """The editor, and beside it what is wrong with the text, what it changes, and what it says."""
    with leadlane_of(request).pool.connection() as connection:
        draft = drafts.open_draft(connection, session.user_id)
        return _editor(request, session, connection, draft)


def _editor(
    request: Request,
    session: Session,
    connection: Connection,
    draft: Draft,
    status: int = 200,
    *,
    is_stale: bool = False,
) -> Response:
    book = in_force(connection, leadlane_of(request).books)
    checked = drafts.check(connection, draft.text, book.policy if book else None)
    return show(
        request,
        "workshop/draft.html",
        status,
        live=["policy"],
        views=views(),
        draft=draft,
        checked=checked,
        said=draft.text.splitlines(),
        problems=[
            {
                "line": one.line,
                "column": one.column,
                "severity": one.severity,
                "message": one.message,
            }
            for one in checked.problems
        ],
        meanwhile=drafts.meanwhile(connection, draft) if draft.is_behind else None,
        is_stale=is_stale,
        may_publish=session.may(Capability.PUBLISH),
        words_of=_edition_of(book),
    )


def keep_draft(request: Request, session: Session) -> Response:
    """Keep what was typed. From a window that is out of date it is shown again, and nothing is kept."""
    leadlane = leadlane_of(request)
    # As it was typed: what stands before the first line is YAML too.
    sent = form_of(request).get("text")
    text = sent if isinstance(sent, str) else ""
    edition, begun_from = number_of(request, "edition"), max(number_of(request, "begun_from"), 0)
    with leadlane.pool.connection() as connection:
        if drafts.keep(connection, session.user_id, text, edition, begun_from, leadlane.now()):
            return redirect(HOME)
        kept = drafts.open_draft(connection, session.user_id)
        typed = Draft(
            text.replace("\r\n", "\n"), kept.edition, kept.begun_from, kept.changed_at, kept.in_force
        )
        return _editor(request, session, connection, typed, 409, is_stale=True)


def put_away(request: Request, session: Session) -> Response:
    """Put the draft away, and begin from what is in force."""
    return _put_away(request, session, away=True)


def take_up(request: Request, session: Session) -> Response:
    """Take up the draft that was put away."""
    return _put_away(request, session, away=False)


def _put_away(request: Request, session: Session, *, away: bool) -> Response:
    with leadlane_of(request).pool.connection() as connection:
        is_done = workshop.put_away_draft(connection, session.user_id, away)
    if not is_done:
        return redirect(HOME, _("There is no draft to do this with."), tone="plain")
    told = _("The draft is put away.") if away else _("The draft is back.")
    return redirect(HOME, told, undo=f"{HOME}/draft/take-up" if away else "")


def rebase(request: Request, session: Session) -> Response:
    """Somebody has looked at what others published, and goes on from there."""
    number = number_of(request, "in_force")
    with leadlane_of(request).pool.connection() as connection:
        last = workshop.last_publication(connection)
        if last is None or last.number != number:
            return redirect(HOME, _("Another version came meanwhile. Look again."), tone="bad")
        workshop.rebase_draft(connection, session.user_id, number)
    return redirect(HOME, _("The draft now takes account of version {number}.").format(number=number))


# ---------------------------------------------------------------- what an editor suggests


def show_words(request: Request, _session: Session) -> Response:
    """What may stand in a policy, for the editor: the schema, the fields, and values of people and teams."""
    leadlane = leadlane_of(request)
    with leadlane.pool.connection() as connection:
        book = in_force(connection, leadlane.books)
    fields = {**LEAD_FIELDS, **(book.policy.fields if book else {})}
    said = {
        "schema": json_schema(PolicyPart),
        "lead_fields": _fields(fields.values()) + _fields_of_routes(),
        "person_fields": _fields(PERSON_FIELDS.values()),
        "values": _values(book, fields),
        "signals": _signals(book.policy) if book else [],
    }
    return Response(orjson.dumps(said), media_type="application/json")


def _edition_of(book: Rulebook | None) -> str:
    """Changes with all that the editor suggests."""
    policy, revision = (book.policy.version, book.roster.revision) if book else ("", 0)
    return hashlib.sha256(f"{policy} {revision}".encode()).hexdigest()[:12]


def _fields(specs: Iterable[FieldSpec]) -> list[dict[str, str]]:
    return [{"name": spec.name, "words": field_words(spec.name)} for spec in specs]


def _fields_of_routes() -> list[dict[str, str]]:
    names = ("intent", "fit", "fit_score", "signal", "segment", "team", "deal_band", "relationship")
    return [{"name": name, "words": field_words(name)} for name in names]


def _values(book: Rulebook | None, fields: dict[str, FieldSpec]) -> dict[str, list[str]]:
    """Values that fields are known to have, by field."""
    known = {"intent": list(INTENTS), "fit": list(FITS), "relationship": list(RELATIONSHIPS)}
    known |= {name: list(spec.values) for name, spec in fields.items() if spec.values}
    if book is not None:
        people, teams = book.roster.people.values(), list(book.roster.teams)
        known |= {
            "team": teams,
            "teams": teams,
            "role": sorted({one.role for one in people if one.role}),
            "level": sorted({one.level for one in people if one.level}),
            "languages": sorted({language for one in people for language in one.languages}),
        }
    return known


def _signals(policy: Policy) -> list[str]:
    return list(dict.fromkeys(item.signal for items in policy.intent.values() for item in items))


# ---------------------------------------------------------------- publish, and go back


def ask_publish(request: Request, session: Session) -> Response:
    """What publishing would change, and why somebody does it."""
    return _ask_publish(request, session)


def _ask_publish(
    request: Request, session: Session, status: int = 200, comment: str = "", problem: str = ""
) -> Response:
    leadlane = leadlane_of(request)
    with leadlane.pool.connection() as connection:
        draft = drafts.open_draft(connection, session.user_id)
        book = in_force(connection, leadlane.books)
        checked = drafts.check(connection, draft.text, book.policy if book else None)
        run = workshop.run(connection, session.user_id, "scenarios")
        has_people = roster.has_people(connection)
    return show(
        request,
        "workshop/publish.html",
        status,
        draft=draft,
        checked=checked,
        has_people=has_people,
        # The last run says something of this draft only if it was of this very text.
        run=run if run and checked.policy and run.version == checked.policy.version else None,
        comment=comment,
        problem=problem,
        longest=drafts.LONGEST_COMMENT,
    )


def publish_draft(request: Request, session: Session) -> Response:
    """Put the draft in force, if it is still what was seen, and so is what it takes the place of."""
    leadlane, comment = leadlane_of(request), text_of(request, "comment")
    if problem := _problem_of(comment):
        return _ask_publish(request, session, 422, comment, problem)
    seen, edition = number_of(request, "in_force"), number_of(request, "edition")
    try:
        with leadlane.pool.connection() as connection:
            done = drafts.publish_draft(
                connection, session.user_id, seen, edition, signs_as(session), comment, leadlane.now()
            )
    except PolicyErrors:
        return redirect(HOME, _("The draft has errors. Nothing was published."), tone="bad")
    except MeanwhileError as error:
        return redirect(HOME, error.message, tone="bad")
    if done.number is None:
        return redirect(HOME, _("This is what is in force already."), tone="plain")
    told = _("Version {number} is in force now.").format(number=done.number)
    return redirect(f"{HOME}/history/{done.number}", told)


def _problem_of(comment: str) -> str:
    if not comment:
        return _("Say why: it stands in the history.")
    if len(comment) > drafts.LONGEST_COMMENT:
        return _("This is too long: at most {most} characters.").format(most=drafts.LONGEST_COMMENT)
    return ""


def show_history(request: Request, session: Session) -> Response:
    """Every version that was in force, the newest first."""
    said = request.query_params.get("before", "")
    before = int(said) if said.isascii() and said.isdigit() and len(said) < 10 else None
    with leadlane_of(request).pool.connection() as connection:
        found = workshop.publications(connection, most=publications.MOST + 1, before=before)
        last = workshop.last_publication(connection)
        draft = drafts.open_draft(connection, session.user_id)
    return show(
        request,
        "workshop/history.html",
        live=["policy"],
        views=views(),
        draft=draft,
        publications=found[: publications.MOST],
        has_more=len(found) > publications.MOST,
        last=last,
    )


def show_version(request: Request, session: Session) -> Response:
    """One version: what it changed, and what going back to it would change."""
    return _version(request, session)


def _version(
    request: Request, session: Session, status: int = 200, comment: str = "", problem: str = ""
) -> Response:
    with leadlane_of(request).pool.connection() as connection:
        found = publications.version(connection, request.path_params["number"])
    if found is None:
        raise _no_version()
    return show(
        request,
        "workshop/version.html",
        status,
        found=found,
        comment=comment,
        problem=problem,
        longest=drafts.LONGEST_COMMENT,
        may_publish=session.may(Capability.PUBLISH),
    )


def go_back(request: Request, session: Session) -> Response:
    """Put an earlier version in force again."""
    leadlane, comment, number = (
        leadlane_of(request),
        text_of(request, "comment"),
        request.path_params["number"],
    )
    if problem := _problem_of(comment):
        return _version(request, session, 422, comment, problem)
    there = f"{HOME}/history/{number}"
    try:
        with leadlane.pool.connection() as connection:
            done = publications.go_back(
                connection,
                number,
                number_of(request, "in_force"),
                signs_as(session),
                comment,
                leadlane.now(),
            )
    except PolicyErrors:
        told = _("It no longer fits the people of today. Take it as your draft, and mend it there.")
        return redirect(there, told, tone="bad")
    except MeanwhileError as error:
        return redirect(there, error.message, tone="bad")
    if done is None:
        raise _no_version()
    if done.number is None:
        return redirect(there, _("This is what is in force already."), tone="plain")
    told = _("Version {number} is in force now.").format(number=done.number)
    return redirect(f"{HOME}/history/{done.number}", told)


def take_as_draft(request: Request, session: Session) -> Response:
    """Begin a draft from an earlier version; one that is being worked on is not overwritten."""
    leadlane = leadlane_of(request)
    with leadlane.pool.connection() as connection:
        found = publications.version(connection, request.path_params["number"])
        if found is None:
            raise _no_version()
        draft = drafts.open_draft(connection, session.user_id)
        if draft.changed_at is not None:
            return redirect(HOME, _("You are working on a draft. Put it away first."), tone="bad")
        drafts.keep(
            connection, session.user_id, found.text, draft.edition, found.in_force.number, leadlane.now()
        )
    told = _("Your draft is now as version {number} was.").format(number=found.publication.number)
    return redirect(HOME, told)


def _no_version() -> PageError:
    return PageError(404, _("There is no such version"), _("The history lists those that there are."))


_PATH = f"{HOME}/history/{{number:int}}"
_EDIT: dict[str, Any] = {"capability": Capability.EDIT_POLICY}
_PUBLISH: dict[str, Any] = {"capability": Capability.PUBLISH}

PAGES = (
    page(HOME, show_draft, **_EDIT),
    page(f"{HOME}/draft", keep_draft, method="POST", **_EDIT),
    page(f"{HOME}/draft/put-away", put_away, method="POST", **_EDIT),
    page(f"{HOME}/draft/take-up", take_up, method="POST", **_EDIT),
    page(f"{HOME}/draft/rebase", rebase, method="POST", **_EDIT),
    page(f"{HOME}/words/{{edition}}", show_words, **_EDIT),
    page(f"{HOME}/publish", ask_publish, **_PUBLISH),
    page(f"{HOME}/publish", publish_draft, method="POST", **_PUBLISH),
    page(f"{HOME}/history", show_history, **_EDIT),
    page(f"{_PATH}/publish", go_back, method="POST", **_PUBLISH),
    page(f"{_PATH}/draft", take_as_draft, method="POST", **_EDIT),
    page(_PATH, show_version, **_EDIT),
)
