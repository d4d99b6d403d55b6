"""Is somebody there when leads come? A week by pool and hour, and what if somebody were away."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from leadlane.core.facts import Away
from leadlane.core.rulebook import Rulebook
from leadlane.explain.hours import absence_words, day_words
from leadlane.i18n import _
from leadlane.policy.roster_document import instant
from leadlane.policy.values import parse_day
from leadlane.service.coverage import DAYS, MOST_PROMISES, coverage_week
from leadlane.web.page import page
from leadlane.web.people import away_words, may_say_away
from leadlane.web.render import show
from leadlane.web.roles import Capability
from leadlane.web.session import Session, leadlane_of

HOME = "/coverage"
_WEEK = timedelta(days=DAYS)
# Further than this nobody plans, and calendars would be built for nothing.
_FURTHEST = timedelta(weeks=104)
# How many people each shade of an hour stands for: from so many on.
_SHADES = (1, 2, 3, 5)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the address asks for: a week from a first day, and perhaps a trial; problems by field."""

    first: date
    given: dict[str, str]
    trial: tuple[str, Away] | None = None
    problems: dict[str, str] = field(default_factory=dict)


def show_coverage(request: Request, session: Session) -> Response:
    """The week, with or without a trial."""
    leadlane, zone = leadlane_of(request), ZoneInfo(session.zone)
    now = leadlane.now()
    today = now.astimezone(zone).date()
    with leadlane.pool.connection() as connection:
        book = leadlane.books.current(connection)
        asked = _asked(request, book, today)
        found = coverage_week(connection, book, zone, asked.first, now, asked.trial)
    people = sorted(book.roster.people.values(), key=lambda one: (one.name.casefold(), one.id))
    return show(
        request,
        "coverage/coverage.html",
        422 if asked.problems else 200,
        live=["roster", "policy"],
        found=found,
        given=asked.given,
        problems=asked.problems,
        people=[("", _("Choose a person")), *((one.id, one.name) for one in people if one.active)],
        today=today,
        before=(asked.first - _WEEK).isoformat(),
        after=(asked.first + _WEEK).isoformat(),
        is_present=today == asked.first,
        away_words=away_words(book, session, now),
        day_words=day_words,
        hole_words=lambda start, until: absence_words(start, until, zone, zone, today.year),
        shade=shade,
        most_promises=MOST_PROMISES,
        is_all_shown=_is_all_shown(asked),
        may_say_away=asked.trial is not None and may_say_away(session, book, asked.trial[0]),
    )


def shade(people: int) -> int:
    """How dark an hour is: 0 for nobody, up to 4."""
    return sum(people >= least for least in _SHADES)


def _is_all_shown(asked: _Asked) -> bool:
    """Whether the week shows the whole absence that is tried: holes are looked for in what is shown."""
    first, last = asked.given["first"], asked.given["last"] or asked.given["first"]
    shown = (asked.first + timedelta(days=day) for day in (0, DAYS - 1))
    return next(shown).isoformat() <= first and last <= next(shown).isoformat()


def _asked(request: Request, book: Rulebook, today: date) -> _Asked:
    query = request.query_params
    given = {name: query.get(name, "").strip() for name in ("week", "person", "first", "last")}
    problems: dict[str, str] = {}
    person = book.roster.people.get(given["person"])
    if given["person"] and person is None:
        problems["person"] = _("There is nobody of this id in the roster.")
    if person is not None:
        given["first"] = given["first"] or today.isoformat()
    days = {name: parse_day(given[name]) for name in ("week", "first", "last") if given[name]}
    for name, day in days.items():
        if day is None or abs(day - today) > _FURTHEST:
            problems[name] = _("A date such as {day}, within two years.").format(day=today.isoformat())
    # Nothing said: one day. It stays unsaid in the form, so that another day can be tried by one field.
    until = given["last"] or given["first"]
    if not problems and person is not None and until < given["first"]:
        problems["last"] = _("The absence ends before it begins.")
    chosen = days.get("week") or days.get("first") or today
    first = today if "week" in problems or "first" in problems else chosen
    if person is None or problems:
        return _Asked(first, given, None, problems)
    away = Away(instant(given["first"], person.timezone), instant(until, person.timezone, end=True))
    return _Asked(first, given, (person.id, away))


PAGES = (page(HOME, show_coverage, capability=Capability.SEE_PEOPLE),)
