"""Who acts from this page, and what came of it? What every page with acts on leads has in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import quote

from psycopg import Connection
from starlette.requests import Request
from starlette.responses import Response

from leadlane.core.act import Act
from leadlane.i18n import _
from leadlane.service.acts import submit_acts
from leadlane.service.batch import Receipt
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.submission import act_submission
from leadlane.service.undo import acts_to_undo
from leadlane.service.who_acts import Actor, may_act
from leadlane.store import leads
from leadlane.store.leads import LeadRow
from leadlane.web.page import text_of
from leadlane.web.render import own_path, redirect
from leadlane.web.roles import Capability
from leadlane.web.session import PageError, Session, leadlane_of

# What a page makes of a lead that somebody acts on.
ActsOf = Callable[[Connection, Rulebooks, LeadRow, Actor], Sequence[Act]]


def actor_of(session: Session) -> Actor:
    """Whoever is signed in, as somebody who acts on leads."""
    if session.may(Capability.ACT_ON_ALL_LEADS):
        return Actor(session.person_id, session.name, "all")
    if session.may(Capability.ACT_ON_TEAM_LEADS):
        return Actor(session.person_id, session.name, "teams")
    may_own = session.may(Capability.ACT_ON_OWN_LEADS)
    return Actor(session.person_id, session.name, "own" if may_own else "none")


def lead_of(connection: Connection, lead_id: str) -> LeadRow:
    """The lead that goes by this id. PageError (404) where there is none."""
    row = leads.get(connection, lead_id)
    if row is None:
        raise PageError(404, _("There is no lead of this id"), _("Look for it under Whose is it?"))
    return row


def require_may_act(books: Rulebooks, connection: Connection, actor: Actor, row: LeadRow) -> None:
    """PageError (403) for somebody who may not act on this lead."""
    if not may_act(books.current(connection).roster, actor, row.owner, row.covered_by):
        raise PageError(
            403,
            _("This lead is not yours to act on"),
            _("Ask whoever has it, their manager, or an admin. Nothing has been changed."),
        )


def next_of(request: Request, lead_id: str) -> str:
    """Where an act leads back to: the page that it came from, else the lead."""
    wanted = text_of(request, "next") or request.query_params.get("next", "")
    path = own_path(wanted)
    return path if path != "/" else _address(lead_id)


def seen_of(request: Request) -> int:
    """The place of the lead as the page showed it; a form that does not say saw none that is still so."""
    said = text_of(request, "seen")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 10 else 0


def acted(
    request: Request,
    session: Session,
    lead_id: str,
    acts_of: ActsOf,
    told: str,
    *,
    has_undo: bool = False,
    again: Callable[[str], Response] | None = None,
) -> Response:
    """Do what was asked, in one transaction, and go back with `told` or with the reason why not.

    A page that is out of date changes nothing, and says so. With `has_undo`, Undo is offered if it can be.
    `again` shows a form once more, with what was written and the reason why it was refused.
    """
    leadlane, actor = leadlane_of(request), actor_of(session)
    now, back, seen = leadlane.now(), next_of(request, lead_id), seen_of(request)
    with leadlane.pool.connection() as connection:
        row = lead_of(connection, lead_id)
        require_may_act(leadlane.books, connection, actor, row)
        acts = acts_of(connection, leadlane.books, row, actor)
        receipts = submit_acts(
            connection, leadlane.books, [act_submission(one, now, seen) for one in acts], now
        )
        can_undo = has_undo and bool(
            acts_to_undo(connection, leadlane.books, lead_of(connection, lead_id), actor, now)
        )
    refused = next((one for one in receipts if one.status == "refused"), None)
    if refused is not None and again is not None:
        return again(_refusal_words(refused))
    if refused is not None:
        return redirect(back, _refusal_words(refused), tone="bad")
    return redirect(back, told, undo=f"{_address(lead_id)}/undo" if can_undo else "")


def _address(lead_id: str) -> str:
    return f"/leads/{quote(lead_id, safe='')}"


def _refusal_words(receipt: Receipt) -> str:
    if receipt.refusal == "stale":
        return _("This lead has moved since you opened the page. Nothing was changed: look again.")
    if receipt.refusal == "closed":
        return _("This lead is closed. Nothing was changed.")
    return receipt.problem
