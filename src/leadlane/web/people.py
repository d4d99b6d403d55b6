"""Who is who, who is away, who covers? The roster as a list, a page for each person, their absences."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from urllib.parse import quote
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from leadlane.core.rulebook import Rulebook
from leadlane.explain.hours import absence_words, day_words, times_words
from leadlane.explain.standing import stage_words
from leadlane.i18n import _
from leadlane.policy.words import value_words
from leadlane.service.absences import (
    LONGEST_REASON,
    AbsenceFieldError,
    AbsenceGoneError,
    add_absence,
    end_absence,
)
from leadlane.service.people_page import PersonRow, people_page, person_page
from leadlane.service.roster import AbsenceError, RosterErrors
from leadlane.service.who_acts import may_act
from leadlane.store.people import MOST_COUNTED
from leadlane.web.acting import actor_of
from leadlane.web.page import page, text_of
from leadlane.web.render import own_path, redirect, show
from leadlane.web.roles import Capability
from leadlane.web.session import PageError, Session, leadlane_of

HOME = "/people"
_SHOWN = ("away", "full")
# Abbreviations, such as AE and SDR, are written in capitals.
_ABBREVIATION = 3


def show_people(request: Request, _session: Session) -> Response:
    """Everybody by team, narrowed as the address says."""
    leadlane, query = leadlane_of(request), request.query_params
    shown = query.get("show", "") if query.get("show") in _SHOWN else ""
    text = query.get("q", "").replace("\0", "").strip()[:100]
    with leadlane.pool.connection() as connection:
        book = leadlane.books.current(connection)
        found = people_page(connection, book, leadlane.now(), shown, text)
    return show(
        request,
        "people/people.html",
        live=["roster", "all"],
        found=found,
        shown=shown,
        text=text,
        about=about,
    )


def show_person(request: Request, session: Session) -> Response:
    """One person."""
    leadlane, person_id = leadlane_of(request), request.path_params["person_id"]
    with leadlane.pool.connection() as connection:
        book = leadlane.books.current(connection)
        found = person_page(connection, book, person_id, leadlane.now())
    if found is None:
        raise nobody()
    here, there = ZoneInfo(session.zone), ZoneInfo(found.person.timezone)
    now = leadlane.now()
    most = max((count for _week, count in found.weeks), default=0)
    return show(
        request,
        "people/person.html",
        live=["roster", f"person:{person_id}"],
        found=found,
        about=about,
        away_words=away_words(book, session, now),
        there=there,
        here_zone=here,
        day_words=day_words,
        most_counted=MOST_COUNTED,
        is_elsewhere=here.utcoffset(now) != there.utcoffset(now),
        times_words=times_words,
        most=most,
        is_cut=sum(count for _week, count in found.weeks) >= MOST_COUNTED,
        stage_words=stage_words,
        may_say_away=may_say_away(session, book, person_id),
        may_link=may_link(session, person_id),
        may_see_list=person_id == session.person_id or session.may(Capability.ACT_ON_TEAM_LEADS),
    )


def away_words(book: Rulebook, session: Session, now: datetime) -> Callable[[str, datetime, datetime], str]:
    """What tells a reader from when until when somebody is away: (id, start, until) in words."""
    reader = ZoneInfo(session.zone)

    def words(person_id: str, start: datetime, until: datetime) -> str:
        there = ZoneInfo(book.roster.people[person_id].timezone)
        return absence_words(start, until, there, reader, now.astimezone(reader).year)

    return words


def about(row: PersonRow) -> str:
    """What somebody is, in a few words: "AE · senior"."""
    role = row.role.upper() if len(row.role) <= _ABBREVIATION else value_words("role", row.role)
    return " · ".join(filter(None, (role, value_words("level", row.level) if row.level else "")))


# ---------------------------------------------------------------- absences


def ask_away(request: Request, session: Session) -> Response:
    """The form in which somebody is said to be away."""
    query = request.query_params
    given = {field: query.get(field, "") for field in ("from", "until", "reason")}
    return _away_form(request, session, given)


def say_away(request: Request, session: Session) -> Response:
    """Store an absence, and who covers."""
    leadlane, person_id = leadlane_of(request), request.path_params["person_id"]
    given = {field: text_of(request, field) for field in _AWAY_FIELDS}
    start = _with_time(given["from"], given["from_time"])
    until = _with_time(given["until"], given["until_time"])
    with leadlane.pool.connection() as connection:
        _require(session, leadlane.books.current(connection), person_id)
        try:
            key = add_absence(
                *(connection, person_id, start, until, given["reason"]),
                backup=given["backup"] or None,
                by=by_of(session),
                now=leadlane.now(),
            )
        except AbsenceFieldError as error:
            return _away_form(request, session, given, {error.field: error.message})
        except RosterErrors as error:
            return _away_form(request, session, given, {"backup": error.hint})
        name = leadlane.books.current(connection).roster.people[person_id].name
    told = _("The absence of {name} is entered.").format(name=name)
    return redirect(_back(request), told, undo=f"{address_of(person_id)}/absences/{key}/end")


_AWAY_FIELDS = ("from", "from_time", "until", "until_time", "reason", "backup")


def end_away(request: Request, session: Session) -> Response:
    """End an absence, or take one back that has not begun."""
    leadlane, person_id = leadlane_of(request), request.path_params["person_id"]
    with leadlane.pool.connection() as connection:
        _require(session, leadlane.books.current(connection), person_id)
        try:
            end_absence(connection, person_id, request.path_params["key"], by_of(session), leadlane.now())
        except (AbsenceGoneError, AbsenceError) as error:
            told = _("{what} {hint}").format(what=error.message, hint=error.hint)
            return redirect(_back(request), told, tone="bad")
        name = leadlane.books.current(connection).roster.people[person_id].name
    return redirect(_back(request), _("The absence of {name} is ended.").format(name=name))


def _away_form(
    request: Request, session: Session, given: dict[str, str], problems: dict[str, str] | None = None
) -> Response:
    leadlane, person_id = leadlane_of(request), request.path_params["person_id"]
    with leadlane.pool.connection() as connection:
        book = leadlane.books.current(connection)
        _require(session, book, person_id)
    person = book.roster.people[person_id]
    today = leadlane.now().astimezone(ZoneInfo(person.timezone)).date().isoformat()
    defaults = {"from": today, "until": "", "backup": person.backup or ""}
    shown = {field: given.get(field) or defaults.get(field, "") for field in _AWAY_FIELDS}
    if problems:
        shown["backup"] = given["backup"]
    return show(
        request,
        "people/away.html",
        422 if problems else 200,
        person=person,
        given=shown,
        problems=problems or {},
        today=today,
        backups=[("", _("nobody")), *_others(book, person_id)],
        longest_reason=LONGEST_REASON,
        is_elsewhere=session.zone != person.timezone,
        back=_back(request),
    )


def _others(book: Rulebook, person_id: str) -> list[tuple[str, str]]:
    """Who could cover for somebody, by name."""
    people = sorted(book.roster.people.values(), key=lambda one: (one.name.casefold(), one.id))
    return [(one.id, one.name) for one in people if one.active and one.id != person_id]


def _with_time(day: str, time: str) -> str:
    return f"{day}T{time}" if day and time else day


# ---------------------------------------------------------------- who may


def may_say_away(session: Session, book: Rulebook, person_id: str) -> bool:
    """Reps for themselves, managers also for those whom they answer for, admins for everybody."""
    return session.may(Capability.SAY_AWAY) and may_act(book.roster, actor_of(session), person_id, None)


def may_link(session: Session, person_id: str) -> bool:
    """Whether somebody may say which calendar is read for a person: for themselves; admins for everybody."""
    if not session.may(Capability.SAY_AWAY):
        return False
    return person_id == session.person_id or session.may(Capability.EDIT_PEOPLE)


def _require(session: Session, book: Rulebook, person_id: str) -> None:
    if person_id not in book.roster.people:
        raise nobody()
    if not may_say_away(session, book, person_id):
        raise PageError(
            403,
            _("You cannot say when they are away"),
            _("They can themselves, their manager, or an admin. Nothing has been changed."),
        )


def nobody() -> PageError:
    """The answer where the roster has nobody of this id."""
    return PageError(404, _("There is nobody of this id in the roster"), _("Look for them under People."))


def by_of(session: Session) -> str:
    """Who changes the roster, as it is kept: a person of it by id, else the user by name."""
    return session.person_id or session.name


def address_of(person_id: str) -> str:
    """The page of somebody."""
    return f"{HOME}/{quote(person_id, safe='')}"


def _back(request: Request) -> str:
    wanted = text_of(request, "next") or request.query_params.get("next", "")
    path = own_path(wanted)
    return path if path != "/" else address_of(request.path_params["person_id"])


PAGES = (
    page(HOME, show_people, capability=Capability.SEE_PEOPLE),
    page(HOME + "/{person_id:path}/away", ask_away, capability=Capability.SAY_AWAY),
    page(HOME + "/{person_id:path}/away", say_away, capability=Capability.SAY_AWAY, method="POST"),
    page(
        HOME + "/{person_id:path}/absences/{key}/end",
        end_away,
        capability=Capability.SAY_AWAY,
        method="POST",
    ),
    page(HOME + "/{person_id:path}", show_person, capability=Capability.SEE_PEOPLE),
)
