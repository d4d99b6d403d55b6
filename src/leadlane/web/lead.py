"""One lead: who it is, whose, what is next, what happened, and the whole reason why it is where it is."""

from __future__ import annotations

from urllib.parse import quote
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from leadlane.explain.standing import outcome_words, stage_words
from leadlane.service.lead_page import lead_page
from leadlane.service.prospects import person_name
from leadlane.service.review_decide import may_decide
from leadlane.service.who_acts import may_act
from leadlane.service.why_page import why_page
from leadlane.web import correct_outcome, lead_acts
from leadlane.web.acting import actor_of, lead_of
from leadlane.web.page import page
from leadlane.web.render import show
from leadlane.web.roles import Capability
from leadlane.web.session import Session, is_htmx, leadlane_of

# What stands beside an event of the timeline: an icon and a tone. Others have a plain circle.
EVENT_MARKS = {
    "arrived": ("inbox", "info"),
    "signal": ("activity", "info"),
    "merged": ("merge", ""),
    "assigned": ("user", ""),
    "accepted": ("check", "good"),
    "touched": ("phone", "good"),
    "planned": ("calendar-clock", ""),
    "declined": ("thumbs-down", "warn"),
    "disputed": ("flag", "bad"),
    "reassigned": ("arrow-right", ""),
    "reviewed": ("list-checks", ""),
    "review": ("list-checks", "warn"),
    "closed": ("archive", ""),
    "outcome_corrected": ("pencil", ""),
    "reminded": ("bell", "warn"),
    "escalated": ("triangle-alert", "bad"),
    "handed_on": ("shuffle", "bad"),
    "covering": ("shield-check", "info"),
    "uncovered": ("circle-alert", "bad"),
    "returned": ("undo-2", ""),
    "served": ("zap", ""),
    "nurture": ("sparkles", ""),
    "disqualified": ("ban", ""),
    "identified": ("user-check", ""),
    "joined": ("merge", ""),
    "merged_into": ("merge", ""),
    "split": ("split", ""),
    "split_off": ("split", ""),
    "step_skipped": ("circle-dashed", ""),
}


def show_lead(request: Request, session: Session) -> Response:
    """The page of a lead; of one that has become part of another, the page of that."""
    leadlane, zone = leadlane_of(request), ZoneInfo(session.zone)
    with leadlane.pool.connection() as connection:
        row = lead_of(connection, request.path_params["lead_id"])
        if row.id != request.path_params["lead_id"]:
            return RedirectResponse(f"/leads/{quote(row.id, safe='')}", 303)
        shown = lead_page(connection, leadlane.books, row, zone, leadlane.now())
        roster = leadlane.books.current(connection).roster
    actor = actor_of(session)
    is_theirs = may_act(roster, actor, row.owner, row.covered_by)
    may = row.stage != "closed" and is_theirs
    return show(
        request,
        "leads/lead.html",
        live=[f"lead:{row.id}"],
        lead=shown,
        may_act=may,
        may_correct=row.stage == "closed" and row.merged_into is None and is_theirs,
        may_review=may_decide(actor, row),
        sees_own_leads=session.may(Capability.SEE_OWN_LEADS),
        is_holder=may and actor.person is not None and actor.person in (row.owner, row.covered_by),
        stage=outcome_words(shown.outcome) if shown.outcome else stage_words(shown.stage),
        stage_words=stage_words,
        outcome_words=outcome_words,
        marks=EVENT_MARKS,
    )


def show_why(request: Request, session: Session) -> Response:
    """The whole reason, station by station, and what today's policy would have said."""
    leadlane, zone = leadlane_of(request), ZoneInfo(session.zone)
    with leadlane.pool.connection() as connection:
        row = lead_of(connection, request.path_params["lead_id"])
        shown = why_page(connection, leadlane.books, row, zone)
    # Of a whole page, the part of the address behind # finds the station.
    wanted = request.query_params.get("station", "") if is_htmx(request) else ""
    name = person_name(row.fields) or row.id
    return show(request, "leads/why.html", lead=row, name=name, why=shown, wanted=wanted)


PAGES = (
    *lead_acts.PAGES,
    *correct_outcome.PAGES,
    page("/leads/{lead_id:path}/why", show_why, capability=Capability.SEE_LEADS),
    page("/leads/{lead_id:path}", show_lead, capability=Capability.SEE_LEADS),
)
