"""What waits for a person: the line, and one lead after the other, decided with a reason that is kept."""

from __future__ import annotations

from urllib.parse import quote
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from leadlane.core.act import CLOSINGS
from leadlane.core.rulebook import Rulebook
from leadlane.explain.speech import person_words
from leadlane.explain.standing import outcome_words
from leadlane.i18n import _
from leadlane.policy.words import value_words
from leadlane.service.answers import LONGEST_NOTE
from leadlane.service.batch import Receipt
from leadlane.service.review_decide import Choice, decide, may_decide, problem_of, undo_merge
from leadlane.service.review_page import place_words, review_page
from leadlane.service.review_queue import MOST_SHOWN, WHY, review_queue
from leadlane.store import review as store
from leadlane.store.leads import LeadRow
from leadlane.web.acting import actor_of, lead_of, seen_of
from leadlane.web.page import page, text_of
from leadlane.web.render import redirect, show
from leadlane.web.roles import Capability
from leadlane.web.session import PageError, Session, is_htmx, leadlane_of

LINE = "/review"
LONGEST_SEARCH = 200
# A sale is not decided in review.
_ENDINGS = tuple(one for one in CLOSINGS if one != "won")


def show_line(request: Request, session: Session) -> Response:
    """What waits, the most urgent first."""
    leadlane = leadlane_of(request)
    after = request.query_params.get("after", "").replace("\0", "")
    with leadlane.pool.connection() as connection:
        book = leadlane.books.current(connection)
        found = review_queue(connection, book, leadlane.now(), after, MOST_SHOWN + 1)
        total = store.count(connection)
    rows = found[:MOST_SHOWN]
    return show(
        request,
        "review/line.html",
        live=["review"],
        rows=rows,
        total=total,
        most=store.MOST_COUNTED,
        after=rows[-1].id if len(found) > MOST_SHOWN else "",
        why={kind: _(words) for kind, words in WHY.items()},
        value_words=value_words,
        currency=book.policy.currency,
    )


def show_one(request: Request, session: Session) -> Response:
    """One lead, whom it may be, and to whom it may go."""
    return _asked(request, session)


def decide_one(request: Request, session: Session) -> Response:
    """Do what was chosen, and show who is next."""
    leadlane, actor, now = leadlane_of(request), actor_of(session), leadlane_of(request).now()
    choice = Choice(
        text_of(request, "what"),
        text_of(request, "to"),
        text_of(request, "outcome"),
        text_of(request, "reason"),
    )
    problem = _problem(choice)
    if problem:
        return _asked(request, session, choice, problem)
    with leadlane.pool.connection() as connection:
        row = lead_of(connection, request.path_params["review_id"])
        if row.id != request.path_params["review_id"] or row.stage != "review":
            return redirect(LINE, _("This lead has been decided meanwhile. Nothing was changed."), tone="bad")
        _require(session, row)
        next_id = store.next_after(connection, row.id)
        receipt = decide(connection, leadlane.books, row, actor, choice, seen_of(request), now)
        book = leadlane.books.current(connection)
    if receipt.status == "refused":
        return _asked(request, session, choice, _refused(receipt), is_refused=True)
    is_merged = choice.what.startswith("lead:")
    undo = f"{_address(row.id)}/undo" if is_merged else ""
    back = _address(next_id) if next_id and session.may(Capability.REVIEW) else _home(session)
    return redirect(back, _told(receipt, choice, book), undo=undo)


def undo_one(request: Request, session: Session) -> Response:
    """Take a merge back: the lead is one of its own again."""
    leadlane, lead_id = leadlane_of(request), request.path_params["review_id"]
    with leadlane.pool.connection() as connection:
        receipt = undo_merge(connection, leadlane.books, lead_id, actor_of(session), leadlane.now())
    if receipt is None or receipt.status == "refused":
        told = _("This can no longer be taken back: somebody has acted since, or it is too long ago.")
        return redirect(_home(session), told, tone="bad")
    told = _("Taken back: it is a lead of its own again, and was routed anew.")
    return redirect(f"/leads/{quote(lead_id, safe='')}", told)


def _asked(
    request: Request,
    session: Session,
    choice: Choice | None = None,
    problem: str = "",
    *,
    is_refused: bool = False,
) -> Response:
    """The page; with what was chosen and what is wrong with it. After a refusal: the lead as it is."""
    leadlane = leadlane_of(request)
    looked_for = request.query_params.get("q", "").replace("\0", "").strip()[:LONGEST_SEARCH]
    with leadlane.pool.connection() as connection:
        row = lead_of(connection, request.path_params["review_id"])
        if row.stage != "review" and is_htmx(request):
            return show(request, "review/decided.html", lead_id=row.id)
        if row.stage != "review":
            return RedirectResponse(f"/leads/{quote(row.id, safe='')}", 303)
        _require(session, row)
        shown = review_page(
            connection, leadlane.books, row, ZoneInfo(session.zone), leadlane.now(), looked_for
        )
    return show(
        request,
        "review/one.html",
        409 if is_refused else 422 if problem else 200,
        live=[f"lead:{row.id}"],
        asks=shown,
        lead=shown.lead,
        address=_address(row.id),
        seen=seen_of(request) if problem and not is_refused else row.place,
        given=choice or Choice("place" if shown.suggested else "", shown.suggested),
        problem=problem,
        why={kind: _(words) for kind, words in WHY.items()},
        endings=[(outcome, outcome_words(outcome)) for outcome in _ENDINGS],
        longest_reason=LONGEST_NOTE,
        longest_search=LONGEST_SEARCH,
        sees_line=session.may(Capability.REVIEW),
    )


def _require(session: Session, row: LeadRow) -> None:
    if row.stage == "review" and not may_decide(actor_of(session), row):
        raise PageError(
            403,
            _("This is not yours to decide"),
            _("Whoever has it in review decides, or a manager or an admin. Nothing has been changed."),
        )


def _problem(choice: Choice) -> str:
    if len(choice.reason) > LONGEST_NOTE:
        return _("Please use at most {n} characters for the reason.").format(n=LONGEST_NOTE)
    match problem_of(choice):
        case "choice":
            return _("Please choose one of these.")
        case "to":
            return _("Please choose where it goes.")
        case "outcome":
            return _("Please choose how it ends.")
    return ""


def _refused(receipt: Receipt) -> str:
    if receipt.refusal == "stale":
        return _("This lead has moved since you opened the page. Nothing was changed: look again.")
    return receipt.problem or _("This lead is closed. Nothing was changed.")


def _told(receipt: Receipt, choice: Choice, book: Rulebook) -> str:
    """What became of it, in a sentence."""
    if receipt.decision is None:
        return _("That was known already: nothing has changed.")
    standing = receipt.decision.standing
    who = person_words(book.roster, standing.covered_by or standing.owner)
    if choice.what.startswith("lead:"):
        return _("Merged: it is part of the lead that {who} has.").format(who=who)
    match standing.stage:
        case "closed":
            return _("Closed.")
        case "nurture":
            return _("It goes to the {place}.").format(place=place_words(book, standing.destination or ""))
        case "review":
            return _("It stays in review: {who} decides.").format(who=who)
    return _("{who} has it now.").format(who=who)


def _home(session: Session) -> str:
    return LINE if session.may(Capability.REVIEW) else "/my-leads"


def _address(lead_id: str) -> str:
    return f"{LINE}/{quote(lead_id, safe='')}"


_DECIDE = Capability.ACT_ON_OWN_LEADS
PAGES = (
    page(LINE, show_line, capability=Capability.REVIEW),
    page(LINE + "/{review_id:path}/undo", undo_one, capability=_DECIDE, method="POST"),
    page(LINE + "/{review_id:path}", decide_one, capability=_DECIDE, method="POST"),
    page(LINE + "/{review_id:path}", show_one, capability=_DECIDE),
)
