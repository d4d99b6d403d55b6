"""What happens at this moment, for managers and operations; and what can be done about it from there."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from psycopg import Connection
from starlette.requests import Request
from starlette.responses import Response

from leadlane.core.act import Act
from leadlane.core.rulebook import Rulebook
from leadlane.explain.standing import stage_words
from leadlane.i18n import N_, _
from leadlane.outbound.endpoints import read_outbound
from leadlane.service.deliver import send_again
from leadlane.service.hook_retries import route_again
from leadlane.service.now_health import health_now
from leadlane.service.now_page import SOON, NowPage, now_page
from leadlane.service.review_queue import WHY
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.ways import set_up
from leadlane.service.who_acts import Actor, answers_for, may_act
from leadlane.store.deliveries import State
from leadlane.store.leads import LeadRow
from leadlane.store.now import MOST_ARRIVALS, MOST_OF_A_LINE, MOST_OF_A_PERSON
from leadlane.store.review import MOST_COUNTED
from leadlane.web.acting import acted, actor_of
from leadlane.web.page import page, text_of
from leadlane.web.render import own_path, redirect, show
from leadlane.web.roles import Capability
from leadlane.web.session import PageError, Session, leadlane_of

# In the address: everybody, or those whom a manager answers for.
EVERYBODY, TEAMS = "all", "teams"
# How high a bar of the picture of arrivals can be, in its own units.
_HIGHEST_BAR = 24
_UNSENT: dict[State, str] = {
    "uncertain": N_("perhaps sent"),
    "failed": N_("failed"),
    "dead": N_("given up"),
}


def show_now(request: Request, session: Session) -> Response:
    """The page, for the teams of a manager or for everybody."""
    leadlane, actor = leadlane_of(request), actor_of(session)
    now = leadlane.now()
    sees_health = session.may(Capability.SEE_HEALTH)
    with leadlane.pool.connection() as connection:
        book = leadlane.books.current(connection)
        mine = _mine(book, actor)
        is_narrow = bool(mine) and request.query_params.get("whose") != EVERYBODY
        shown = now_page(connection, book, mine if is_narrow else None, ZoneInfo(session.zone), now)
        health = health_now(connection, book.roster) if sees_health else None
    return show(
        request,
        "now/now.html",
        live=["all", "review", "health"],
        now_is=shown,
        health=health,
        whose=TEAMS if is_narrow else EVERYBODY,
        has_teams=bool(mine),
        may_act=_acted_on(book, actor, shown),
        may_review=session.may(Capability.REVIEW),
        may_ask_others=session.may(Capability.ACT_ON_TEAM_LEADS),
        bars={flow.route: _bars(flow.hours) for flow in (shown.arrivals.all, *shown.arrivals.routes)},
        highest=_HIGHEST_BAR,
        why={kind: _(words) for kind, words in WHY.items()},
        unsent={state: _(words) for state, words in _UNSENT.items()},
        stage_words=stage_words,
        soon_hours=SOON.total_seconds() / 3600,
        most_arrivals=MOST_ARRIVALS,
        most_of_a_person=MOST_OF_A_PERSON,
        most_of_a_line=MOST_OF_A_LINE,
        most_in_review=MOST_COUNTED,
    )


def _mine(book: Rulebook, actor: Actor) -> list[str]:
    """Whom a manager looks at first: those they answer for, and themselves. Nobody for anybody else."""
    if actor.scope != "teams" or actor.person is None:
        return []
    managed = answers_for(book.roster, actor.person)
    return [*managed, actor.person] if managed else []


def _acted_on(book: Rulebook, actor: Actor, shown: NowPage) -> set[str]:
    """Those of the leads at risk that whoever looks may act on."""
    return {one.id for one in shown.risk.leads if may_act(book.roster, actor, one.owner, one.covered_by)}


def _bars(hours: Sequence[int]) -> list[int]:
    """How high each bar is; where anything came, at least one unit."""
    most = max(hours, default=0)
    return [max(1, round(count * _HIGHEST_BAR / most)) if count else 0 for count in hours]


def accept_for(request: Request, session: Session) -> Response:
    """Accept a lead in the name of whoever has it, as they have said that they work on it."""
    lead_id = request.path_params["lead_id"]

    def acts_of(connection: Connection, books: Rulebooks, row: LeadRow, actor: Actor) -> Sequence[Act]:
        reason = _("for them, by {name}").format(name=session.name)
        return [Act(row.id, "accept", by=row.covered_by or row.owner, reason=reason, user=actor.name)]

    return acted(request, session, lead_id, acts_of, _("Accepted for them: reminders to accept end."))


def message_again(request: Request, _session: Session) -> Response:
    """Send a message again that was not sent for sure."""
    leadlane, number = leadlane_of(request), request.path_params["number"]
    setup = set_up(leadlane.settings, read_outbound(leadlane.settings))
    with leadlane.pool.connection() as connection:
        is_sent = send_again(connection, leadlane.books, setup, number, leadlane.now())
    if is_sent:
        return redirect(_back(request), _("The message is sent again."))
    told = _("Nothing was sent: it is under way already, or there is no address to send it to.")
    return redirect(_back(request), told, tone="bad")


def hook_again(request: Request, _session: Session) -> Response:
    """Route again what a webhook brought."""
    leadlane = leadlane_of(request)
    with leadlane.pool.connection() as connection:
        outcome = route_again(connection, leadlane.books, request.path_params["number"], leadlane.now())
    if outcome is None:
        raise PageError(404, _("There is no such delivery"), _("It may have been deleted since."))
    if outcome.state in ("failed", "received"):
        reason = outcome.problems[0].reason if outcome.problems else ""
        told = _("It still cannot be routed. {reason}").format(reason=reason).strip()
        return redirect(_back(request), told, tone="bad")
    return redirect(_back(request), _("It is routed."))


def _back(request: Request) -> str:
    path = own_path(text_of(request, "next"))
    return path if path != "/" else "/now"


PAGES = (
    page("/now", show_now, capability=Capability.SEE_NOW),
    page(
        "/now/leads/{lead_id:path}/accept-for",
        accept_for,
        capability=Capability.ACT_ON_TEAM_LEADS,
        method="POST",
    ),
    page("/now/messages/{number:int}/again", message_again, capability=Capability.SEE_HEALTH, method="POST"),
    page("/now/deliveries/{number:int}/again", hook_again, capability=Capability.SEE_HEALTH, method="POST"),
)
