"""How did a lead end after all? The form that corrects what is known of a closed lead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from leadlane.core.act import CLOSINGS
from leadlane.explain.standing import outcome_words
from leadlane.i18n import _
from leadlane.service.answers import LONGEST_NOTE
from leadlane.service.late_outcomes import Reporter, Said, ended_at, record
from leadlane.service.prospects import person_name
from leadlane.store.leads import LeadRow
from leadlane.web.acting import actor_of, lead_of, next_of, require_may_act
from leadlane.web.lead_acts import WrongError, for_dialog, note_of, worth_of
from leadlane.web.page import Page, page, text_of
from leadlane.web.render import redirect, show
from leadlane.web.roles import Capability
from leadlane.web.session import Session, leadlane_of


@dataclass(frozen=True, slots=True)
class _Given:
    """The fields of the form, as texts; the moment is a day where the reader is."""

    outcome: str
    value: str
    closed_at: str
    note: str


def ask(request: Request, session: Session) -> Response:
    """The form, filled in with what is known."""
    return _asked(request, session)


def correct(request: Request, session: Session) -> Response:
    """Write down how the lead ended, and say so in its timeline."""
    leadlane, actor, now = leadlane_of(request), actor_of(session), leadlane_of(request).now()
    with leadlane.pool.connection() as connection:
        row = lead_of(connection, request.path_params["lead_id"])
        require_may_act(leadlane.books, connection, actor, row)
        try:
            said = _read(request, row, ZoneInfo(session.zone), now)
        except WrongError as wrong:
            return _asked(request, session, wrong)
        by = Reporter(actor.person, "" if actor.person else actor.name)
        (recorded,) = record(connection, leadlane.books, [said], by, now)
    back = next_of(request, row.id)
    if recorded.status == "refused":
        return redirect(back, recorded.problem, tone="bad")
    unchanged = recorded.status == "unchanged"
    return redirect(back, _("That is known already.") if unchanged else _("Corrected."))


def _read(request: Request, row: LeadRow, zone: ZoneInfo, now: datetime) -> Said:
    outcome = text_of(request, "outcome")
    if outcome not in CLOSINGS:
        raise WrongError("outcome", _("Please choose how it ended."))
    day = text_of(request, "closed_at")
    closed_at = None
    # Whoever leaves the day as it is means the moment that is known.
    if day and day != _known(row, zone).closed_at:
        closed_at = _moment(day, row, zone, now)
    value = worth_of(text_of(request, "value")) if outcome == "won" else None
    return Said(outcome, (row.id,), value=value, closed_at=closed_at, reason=note_of(request, "note"))


def _moment(day: str, row: LeadRow, zone: ZoneInfo, now: datetime) -> datetime:
    try:
        moment, _began = ended_at(day, zone, now)
    except ValueError:
        raise WrongError("closed_at", _("Please choose a day.")) from None
    if not row.arrived_at <= moment <= now:
        raise WrongError("closed_at", _("Please choose a day between its arrival and today."))
    return moment


def _known(row: LeadRow, zone: ZoneInfo) -> _Given:
    value = "" if row.value is None else f"{row.value:.2f}".removesuffix(".00")
    closed_at = row.closed_at.astimezone(zone).date().isoformat() if row.closed_at else ""
    return _Given(row.outcome or "", value, closed_at, "")


def _asked(request: Request, session: Session, wrong: WrongError | None = None) -> Response:
    """The page of the form; with what was wrong beside its field."""
    leadlane, actor, zone = leadlane_of(request), actor_of(session), ZoneInfo(session.zone)
    with leadlane.pool.connection() as connection:
        row = lead_of(connection, request.path_params["lead_id"])
        require_may_act(leadlane.books, connection, actor, row)
        currency = leadlane.books.current(connection).policy.currency
    given = _known(row, zone)
    if wrong:
        given = _Given(*(text_of(request, name) for name in ("outcome", "value", "closed_at", "note")))
    response = show(
        for_dialog(request) if wrong else request,
        "leads/outcome.html",
        422 if wrong else 200,
        lead=row,
        name=person_name(row.fields) or row.id,
        given=given,
        problem={wrong.field: wrong.message} if wrong else {},
        closings=[(code, outcome_words(code)) for code in CLOSINGS],
        first_day=row.arrived_at.astimezone(zone).date().isoformat(),
        last_day=leadlane.now().astimezone(zone).date().isoformat(),
        longest_note=LONGEST_NOTE,
        currency=currency,
        close_address=f"/leads/{quote(row.id, safe='')}/close",
        back=next_of(request, row.id),
    )
    if wrong:
        response.headers["hx-retarget"], response.headers["hx-reswap"] = "#dialog", "innerHTML"
    return response


_ACT = Capability.ACT_ON_OWN_LEADS
PAGES: tuple[Page, ...] = (
    page("/leads/{lead_id:path}/outcome", ask, capability=_ACT),
    page("/leads/{lead_id:path}/outcome", correct, capability=_ACT, method="POST"),
)
