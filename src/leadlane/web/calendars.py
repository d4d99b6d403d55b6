"""Which calendar is read for somebody's absences, and by which link is read what is due for them?"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from leadlane.i18n import _, language
from leadlane.outbound.endpoints import read_outbound
from leadlane.service import calendars as service
from leadlane.service.calendars import CalendarLinkError
from leadlane.store import calendars
from leadlane.web.page import open_page, page, text_of
from leadlane.web.people import HOME, address_of, by_of, may_link, nobody
from leadlane.web.render import redirect, show
from leadlane.web.roles import Capability
from leadlane.web.session import PageError, Session, leadlane_of

_PATH = HOME + "/{person_id:path}/calendar"


def show_calendar(request: Request, session: Session) -> Response:
    """Both links of somebody."""
    return _shown(request, session)


def follow(request: Request, session: Session) -> Response:
    """Read a calendar from now on; the first time at once, to show what comes of it."""
    person_id, leadlane = _of(request, session), leadlane_of(request)
    url = text_of(request, "url")
    with leadlane.pool.connection() as connection:
        try:
            link = service.follow(connection, person_id, url, by_of(session), leadlane.now())
        except CalendarLinkError as error:
            return _shown(request, session, problem=error.message, url=url)
        allowed = read_outbound(leadlane.settings).allowed
        problem = service.read_calendar(connection, link, allowed, leadlane.now())
    here = f"{address_of(person_id)}/calendar"
    if problem:
        return redirect(here, _("The calendar cannot be read yet."), tone="bad")
    return redirect(here, _("The calendar is read, and will be from now on."))


def unfollow(request: Request, session: Session) -> Response:
    """Read it no longer."""
    person_id, leadlane = _of(request, session), leadlane_of(request)
    with leadlane.pool.connection() as connection:
        service.unfollow(connection, person_id, by_of(session), leadlane.now())
    told = _("The calendar is read no longer; the absences from it are ended.")
    return redirect(f"{address_of(person_id)}/calendar", told)


def make_feed(request: Request, session: Session) -> Response:
    """A link for calendars, shown this once: not sent on to another page, it must stand in no address."""
    person_id, leadlane = _of(request, session), leadlane_of(request)
    with leadlane.pool.connection() as connection:
        token = service.make_feed(connection, person_id, by_of(session), leadlane.now())
    base = leadlane.settings.public_url or str(request.base_url).rstrip("/")
    return _shown(request, session, feed_url=f"{base}/calendars/{token}.ics")


def drop_feed(request: Request, session: Session) -> Response:
    """End the link for calendars."""
    person_id, leadlane = _of(request, session), leadlane_of(request)
    with leadlane.pool.connection() as connection:
        calendars.drop_feed(connection, person_id)
    return redirect(f"{address_of(person_id)}/calendar", _("The link is ended."))


def show_feed(request: Request, _session: Session | None) -> Response:
    """What a calendar reads; whoever has the link may."""
    leadlane = leadlane_of(request)
    with leadlane.pool.connection() as connection, language(leadlane.settings.language):
        person_id = service.whose_feed(connection, request.path_params["token"])
        base = leadlane.settings.public_url or str(request.base_url).rstrip("/")
        book = leadlane.books.current(connection)
        found = service.feed(connection, book, person_id, base, leadlane.now()) if person_id else None
        if found is None:
            return PlainTextResponse(_("There is no calendar at this link, or no longer."), 404)
    return Response(found, media_type="text/calendar; charset=utf-8")


def _of(request: Request, session: Session) -> str:
    """Whose links these are; PageError for nobody, and for whoever may not have them."""
    leadlane = leadlane_of(request)
    person_id: str = request.path_params["person_id"]
    with leadlane.pool.connection() as connection:
        if person_id not in leadlane.books.current(connection).roster.people:
            raise nobody()
    if not may_link(session, person_id):
        raise PageError(
            403, _("These are the links of somebody else"), _("They can see them themselves, or an admin.")
        )
    return person_id


def _shown(
    request: Request, session: Session, *, problem: str = "", url: str = "", feed_url: str = ""
) -> Response:
    person_id, leadlane = _of(request, session), leadlane_of(request)
    with leadlane.pool.connection() as connection:
        person = leadlane.books.current(connection).roster.people[person_id]
        link = calendars.link(connection, person_id)
        feed_made_at = calendars.feed_made_at(connection, person_id)
    return show(
        request,
        "people/calendar.html",
        422 if problem else 200,
        person=person,
        link=link,
        problem=problem,
        url=url,
        feed_url=feed_url,
        feed_made_at=feed_made_at,
        every_minutes=service.EVERY.total_seconds() / 60,
        longest_url=service.LONGEST_URL,
    )


PAGES = (
    open_page("/calendars/{token}.ics", show_feed),
    page(_PATH, show_calendar, capability=Capability.SAY_AWAY),
    page(_PATH, follow, capability=Capability.SAY_AWAY, method="POST"),
    page(_PATH + "/stop", unfollow, capability=Capability.SAY_AWAY, method="POST"),
    page(_PATH + "/feed", make_feed, capability=Capability.SAY_AWAY, method="POST"),
    page(_PATH + "/feed/end", drop_feed, capability=Capability.SAY_AWAY, method="POST"),
)
