"""What needs me now? The open leads of whoever is signed in, or of somebody whom they manage, by promise."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from leadlane.core.facts import INTENTS, Roster
from leadlane.explain.standing import stage_words
from leadlane.i18n import N_, _
from leadlane.policy.words import value_words
from leadlane.service.my_leads import MOST_SHOWN, SHOWN, Wanted, my_leads
from leadlane.service.who_acts import Actor, answers_for
from leadlane.web.acting import actor_of
from leadlane.web.page import page
from leadlane.web.render import show
from leadlane.web.roles import Capability
from leadlane.web.session import Session, leadlane_of, person_of

# In the address, for all whom a manager answers for.
TEAM = "team"
PARTS = {
    "now": N_("Needs you now"),
    "today": N_("Today"),
    "later": N_("Later"),
    "cover": N_("You cover"),
    "covered": N_("Covered for you"),
}
_SHOWN = {
    "new": N_("New"),
    "accepted": N_("Accepted"),
    "working": N_("In work"),
    "review": N_("To decide"),
}


def show_my_leads(request: Request, session: Session) -> Response:
    """The list, narrowed as the address says."""
    leadlane, query, actor = leadlane_of(request), request.query_params, actor_of(session)
    wanted = Wanted(
        shown=query.get("show", "") if query.get("show") in SHOWN else "",
        intent=query.get("intent", "") if query.get("intent") in INTENTS else "",
        text=query.get("q", "").replace("\0", "").strip()[:100],
    )
    with leadlane.pool.connection() as connection:
        book = leadlane.books.current(connection)
        others = _others(book.roster, actor)
        whose = query.get("whose", "")
        people = _people(session, whose, [id_ for id_, _name in others])
        found = my_leads(connection, leadlane.books, people, ZoneInfo(session.zone), leadlane.now(), wanted)
    return show(
        request,
        "leads/my_leads.html",
        live=[f"person:{person}" for person in people],
        found=found,
        wanted=wanted,
        is_narrowed=wanted != Wanted(),
        whose=whose if people != [session.person_id] else "",
        others=others,
        me=session.person_id,
        parts_words={part: _(words) for part, words in PARTS.items()},
        shows=[("", _("All")), *((key, _(words)) for key, words in _SHOWN.items())],
        intents=[(intent, value_words("intent", intent)) for intent in INTENTS],
        stage_words=stage_words,
        most=MOST_SHOWN,
        may_review=session.may(Capability.REVIEW),
        currency=book.policy.currency,
    )


def _others(roster: Roster, actor: Actor) -> list[tuple[str, str]]:
    """Whose lists somebody may see besides their own: (id, name) pairs, in order of name."""
    if actor.scope == "all":
        people = sorted(roster.people.values(), key=lambda one: (one.name.casefold(), one.id))
        return [(one.id, one.name) for one in people if one.active and one.id != actor.person]
    if actor.scope == "teams" and actor.person is not None:
        return [(id_, roster.people[id_].name) for id_ in answers_for(roster, actor.person)]
    return []


def _people(session: Session, whose: str, others: Sequence[str]) -> list[str]:
    """Whose list is meant. Somebody who is no person of the roster sees nobody's until they choose."""
    if whose == TEAM and others:
        return [*others, *([session.person_id] if session.person_id else [])]
    if whose in others:
        return [whose]
    if session.person_id is None and others:
        return []
    return [person_of(session)]


PAGES = (page("/my-leads", show_my_leads, capability=Capability.SEE_OWN_LEADS),)
