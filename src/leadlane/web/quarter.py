"""What should be changed after a quarter? Its findings, ranked, and what is decided of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup
from psycopg import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from leadlane.core.rulebook import Rulebook
from leadlane.errors import LeadlaneError
from leadlane.i18n import _, current_language
from leadlane.insight import pictures, say
from leadlane.insight.costs import Factor, read_assumption
from leadlane.insight.findings import key_of
from leadlane.insight.page import page as document_page
from leadlane.insight.section import Grid
from leadlane.insight.verdicts import Said, Verdict, figures_of
from leadlane.policy.edit import EditError
from leadlane.service import workshop_runs
from leadlane.service.quarterly import quarter_verbs, quarter_words, review_roster, review_verdicts
from leadlane.service.quarterly.quarter import Item, Quarterly, last_quarter, review_period
from leadlane.service.quarterly.review_basis import FACTORS, REVIEW_ASSUMPTIONS
from leadlane.service.quarterly.review_verdicts import LONGEST_REASON, Followed
from leadlane.service.reporting.contact_rate import PeriodError
from leadlane.service.reporting.periods import Span
from leadlane.store import review_verdicts as store
from leadlane.store import workshop
from leadlane.web import workshop as workshop_pages
from leadlane.web.page import page, text_of
from leadlane.web.render import redirect, show
from leadlane.web.reports import tabs
from leadlane.web.roles import Capability
from leadlane.web.service_levels import coached_by
from leadlane.web.session import PageError, Session, leadlane_of

HOME = "/reports/review"
# So many quarters back stand at hand; others are reached by their name in the address.
_QUARTERS = 6


@dataclass(frozen=True, slots=True)
class Shown:
    """A finding as it stands on the page. `back`: the verdict that dismissed it, though it is more by now."""

    number: int
    item: Item
    money: Sequence[str]
    bar: Markup
    past: Sequence[str]
    moved: Sequence[Grid]
    reckoned: Sequence[Grid]
    back: Verdict | None

    @property
    def can_be_made(self) -> bool:
        """Whether there is something to accept."""
        return self.item.tried is not None and not self.item.tried.refused


# ---------------------------------------------------------------- the review


def show_review(request: Request, session: Session) -> Response:
    """The review of a quarter as it was last made; with `format=html` its document."""
    leadlane, query = leadlane_of(request), request.query_params
    now = leadlane.now()
    with leadlane.pool.connection() as connection:
        book = leadlane.books.current(connection)
        name, _span = _period(query.get("period"), book, now)
        # First the run: one that ends between the two would look as if nothing had come of it.
        run = workshop.run(connection, session.user_id, "review")
        made = _kept(connection, book, session, name)
        given = _verdicts_for(connection, book, session)
        if query.get("format") == "html" and made is not None:
            return _document(connection, book, made, given)
        is_running = workshop_runs.is_running(run, now)
        found = _found(connection, book, made, given) if made is not None else {}
        choices = _choices(connection, name, last_quarter(now.astimezone(book.zone)))
    return show(
        request,
        "reports/review.html",
        tabs=tabs({}),
        at=HOME,
        name=name,
        choices=choices,
        made=made,
        run=run if run is not None and run.version == name else None,
        is_running=is_running,
        is_other=is_running and run is not None and run.version != name,
        may_decide=session.may(Capability.EDIT_POLICY),
        may_edit_people=session.may(Capability.EDIT_PEOPLE),
        percent=say.percent,
        effect=_effect_words,
        change=_change_words,
        address=_address,
        yaml=quarter_words.yaml_change,
        **found,
    )


def _is_for(session: Session, book: Rulebook, key: str) -> bool:
    """Whether a finding is for whoever looks: that somebody misses more than others is for those who answer
    for them, as in the report on service levels.
    """
    if not key.startswith(key_of("person", "")):
        return True
    coached = coached_by(book, session)
    return coached is None or any(key == key_of("person", one) for one in coached)


def _kept(connection: Connection, book: Rulebook, session: Session, name: str) -> Quarterly | None:
    """The review of a period with the findings that are for whoever looks."""
    made = quarter_verbs.kept(connection, name)
    if made is None:
        return None
    return replace(made, items=[one for one in made.items if _is_for(session, book, one.finding.key)])


def _verdicts_for(connection: Connection, book: Rulebook, session: Session) -> dict[str, Verdict]:
    """What was said of the findings that are for whoever looks."""
    given = review_verdicts.verdicts(connection)
    return {key: one for key, one in given.items() if _is_for(session, book, key)}


def _found(
    connection: Connection, book: Rulebook, made: Quarterly, given: Mapping[str, Verdict]
) -> dict[str, Any]:
    """What the page shows of a review, with what was said of its findings up to now."""
    figures = {one.finding.key: figures_of(one.finding) for one in made.items}
    opened = quarter_words.open_items(made, given)
    report = quarter_verbs.document(connection, book, made, given)
    ranges = [one.finding.money.money[2] for one in opened if one.finding.money is not None]
    shown = [
        _shown(book, made, number, one, given.get(one.finding.key), max(ranges, default=0.0))
        for number, one in enumerate(opened, 1)
    ]
    return {
        "report": report,
        "is_stale": made.version != book.policy.version,
        "shown": shown,
        "followed": review_verdicts.followed(connection, list(given.values()), figures),
        "dismissed": [given[one.finding.key] for one in quarter_words.folded_items(made, given)],
        "method": next(one for one in report.sections if one.id == "method"),
        "assumptions": [(one.name, _(FACTORS[one.name]), _written(one)) for one in made.assumptions],
        "given": [(one.name, _written(one)) for one in made.assumptions if one.source == "given"],
    }


def _shown(
    book: Rulebook, made: Quarterly, number: int, item: Item, verdict: Verdict | None, top: float
) -> Shown:
    finding = item.finding
    past, moved = quarter_words.tried_out(item, book.roster)
    money = [say.money(one, made.currency) for one in finding.money.money] if finding.money else []
    return Shown(
        number,
        item,
        money,
        pictures.money_range(*finding.money.money, top) if finding.money and top else Markup(""),
        past,
        moved,
        [quarter_words.formula(finding.money, made.currency)] if finding.money else [],
        verdict if verdict is not None and verdict.said == "dismissed" else None,
    )


def _written(assumed: Factor) -> str:
    """An assumption as it is typed, `40..60..90`; "" for what comes from the data."""
    if assumed.source == "data":
        return ""
    values = (assumed.low, assumed.middle, assumed.high)
    return "..".join(f"{one:.12g}" for one in (values if len(set(values)) > 1 else values[:1]))


def _document(
    connection: Connection, book: Rulebook, made: Quarterly, given: Mapping[str, Verdict]
) -> Response:
    headers = {
        "content-disposition": f'attachment; filename="review-{made.name}.html"',
        # It brings its own policy, which lets nothing in but its own style.
        "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
    }
    content = document_page(quarter_verbs.document(connection, book, made, given))
    return Response(content, 200, headers, "text/html; charset=utf-8")


def _period(said: str | None, book: Rulebook, now: datetime) -> tuple[str, Span]:
    try:
        return review_period((said or "")[:20] or None, book, now)
    except PeriodError as error:
        raise PageError(422, _("There is no such quarter"), error.reason) from None


def _choices(connection: Connection, name: str, last: str) -> list[tuple[str, bool, bool]]:
    """Quarters at hand, the last full one first: name, whether there is a review, whether it is shown."""
    made = {period for period, _at in store.reviews(connection)}
    year, quarter = int(last[:4]), int(last[5])
    listed = [f"{year - (4 - quarter + n) // 4}Q{(quarter - 1 - n) % 4 + 1}" for n in range(_QUARTERS)]
    return [(one, one in made, one == name) for one in dict.fromkeys([*listed, name])]


def _address(name: str, **more: str) -> str:
    return f"{HOME}?{urlencode({'period': name, **more})}"


def _effect_words(one: Followed) -> str:
    """The effect then, and now; "" where none was told."""
    then = one.verdict.figures.effect
    if then is None:
        return ""
    if one.now == one.verdict.figures:
        return _("It was {then}.").format(then=say.share(then))
    if one.now is None or one.now.effect is None:
        return _("It was {then}; by now it is not found any more.").format(then=say.share(then))
    return _("It was {then}, and is {now}.").format(then=say.share(then), now=say.share(one.now.effect))


def _change_words(one: Followed) -> str:
    """How the effect has changed, in points with the interval; "" where it is not known."""
    if one.change is None:
        return ""
    text = _("A change of {points} points ({low} to {high}).")
    return text.format(
        points=say.points(one.change.value), low=say.points(one.change.low), high=say.points(one.change.high)
    )


def make(request: Request, session: Session) -> Response:
    """Begin to make the review of a quarter, in the background."""
    leadlane = leadlane_of(request)
    with leadlane.pool.connection() as connection:
        book = leadlane.books.current(connection)
        name, span = _period(text_of(request, "period"), book, leadlane.now())
    given = _assumed(request)

    def work(report: workshop_runs.Report) -> Any:
        with leadlane.pool.connection() as connection:
            quarter_verbs.make_and_keep(connection, book, span, name, leadlane.now(), report, given)

    asked = workshop_runs.Asked(session.user_id, "review", name, current_language())
    workshop_runs.start(leadlane.pool, leadlane.now, asked, work)
    return RedirectResponse(_address(name), 303)


def _assumed(request: Request) -> dict[str, tuple[float, float, float]]:
    """The assumptions that a form changes. PageError (422) for what is no number, and no range."""
    given = {}
    for name, usual in REVIEW_ASSUMPTIONS.items():
        said = text_of(request, f"assume_{name}")
        if not said:
            continue
        try:
            _name, values = read_assumption(f"{name}={said}", REVIEW_ASSUMPTIONS)
        except ValueError:
            text = _("“{said}” is no {what}: write a number, or a range such as 40..60..90.")
            wrong = text.format(said=said[:40], what=_(FACTORS[name]))
            raise PageError(422, _("This cannot be assumed"), wrong) from None
        if values != usual:
            given[name] = values
    return given


# ---------------------------------------------------------------- what is decided


def accept(request: Request, session: Session) -> Response:
    """Put a proposal into the draft of whoever accepts it; what is for the roster is shown first."""
    return _take(request, session, is_edited=False)


def edit(request: Request, session: Session) -> Response:
    """Put a proposal into the draft of whoever will change it there."""
    return _take(request, session, is_edited=True)


def _take(request: Request, session: Session, *, is_edited: bool) -> Response:
    leadlane = leadlane_of(request)
    now, by = leadlane.now(), workshop_pages.signs_as(session)
    with leadlane.pool.connection() as connection:
        made, item = _item(connection, request, session)
        proposal = item.finding.proposal
        if proposal is None or item.tried is None or item.tried.refused:
            why = item.tried.refused if item.tried else ""
            raise PageError(422, _("This cannot be accepted"), why or _("Nothing is proposed for it."))
        try:
            with connection.transaction():
                quarter_verbs.into_draft(connection, item.finding, session.user_id, now)
                said: Said = "edited" if is_edited else "accepted"
                review_verdicts.give(connection, item.finding, made.name, said, by, "", now)
        except LeadlaneError as error:
            return redirect(_address(made.name), f"{error.message} {error.hint}".strip(), tone="bad")
    if proposal.roster:
        return RedirectResponse(f"{HOME}/roster?{urlencode({'finding': item.finding.key})}", 303)
    told = _("The proposal is in your draft. Look at it, and publish it.")
    return redirect(
        workshop_pages.HOME, _("The proposal is in your draft. Change it.") if is_edited else told
    )


def ask_dismiss(request: Request, session: Session) -> Response:
    """Why is it dismissed?"""
    query = request.query_params
    return _ask_dismiss(request, session, query.get("period"), query.get("finding"))


def _ask_dismiss(
    request: Request,
    session: Session,
    period: str | None,
    key: str | None,
    status: int = 200,
    reason: str = "",
    problem: str = "",
) -> Response:
    with leadlane_of(request).pool.connection() as connection:
        made, item = _item_of(connection, request, session, period, key)
    return show(
        request,
        "reports/dismiss.html",
        status,
        made=made,
        finding=item.finding,
        reason=reason,
        problem=problem,
        longest=LONGEST_REASON,
        back=_address(made.name),
    )


def dismiss(request: Request, session: Session) -> Response:
    """Write down why, so that the next review remembers."""
    leadlane, reason = leadlane_of(request), text_of(request, "reason")
    period, key = text_of(request, "period"), text_of(request, "finding")
    try:
        with leadlane.pool.connection() as connection:
            made, item = _item_of(connection, request, session, period, key)
            by = workshop_pages.signs_as(session)
            review_verdicts.give(connection, item.finding, made.name, "dismissed", by, reason, leadlane.now())
    except review_verdicts.ReasonError as error:
        return _ask_dismiss(request, session, period, key, 422, reason, f"{error.message} {error.hint}")
    undo = f"{HOME}/reopen?{urlencode({'period': made.name, 'finding': item.finding.key})}"
    return redirect(_address(made.name), _("Dismissed. The next review remembers why."), undo=undo)


def reopen(request: Request, session: Session) -> Response:
    """Take back what was said of a finding."""
    leadlane, said = leadlane_of(request), request.query_params
    key, name = said.get("finding", ""), said.get("period", "")
    with leadlane.pool.connection() as connection:
        verdict = _verdict(connection, request, session, key)
        review_verdicts.reopen(connection, verdict, workshop_pages.signs_as(session), leadlane.now())
    return redirect(_address(name or verdict.period), _("It waits for a decision again."))


# ---------------------------------------------------------------- for the roster


def show_roster(request: Request, session: Session) -> Response:
    """What an accepted proposal changes of people, line by line, before it is done."""
    with leadlane_of(request).pool.connection() as connection:
        verdict = _verdict(connection, request, session, request.query_params.get("finding", ""))
        try:
            changes, lines = review_roster.roster_change(connection, verdict.roster)
            problem = ""
        except EditError as error:
            changes, lines, problem = [], [], f"{error.message} {error.hint}".strip()
    return show(
        request,
        "reports/review_roster.html",
        verdict=verdict,
        changes=changes,
        lines=quarter_words.yaml_change(lines),
        problem=problem,
        is_done=not lines and not problem,
        may_edit_people=session.may(Capability.EDIT_PEOPLE),
        back=_address(verdict.period),
    )


def change_roster(request: Request, session: Session) -> Response:
    """Do it: from now on, for every new lead."""
    leadlane = leadlane_of(request)
    with leadlane.pool.connection() as connection:
        verdict = _verdict(connection, request, session, text_of(request, "finding"))
        there = f"{HOME}/roster?{urlencode({'finding': verdict.finding})}"
        try:
            by = workshop_pages.signs_as(session)
            review_roster.into_roster(connection, verdict.roster, by, leadlane.now())
        except LeadlaneError as error:
            return redirect(there, f"{error.message} {error.hint}".strip(), tone="bad")
    told = _("The roster is changed, for every new lead from now on.")
    return redirect(workshop_pages.HOME if verdict.policy else _address(verdict.period), told)


# ---------------------------------------------------------------- what is meant


def _item(connection: Connection, request: Request, session: Session) -> tuple[Quarterly, Item]:
    return _item_of(connection, request, session, text_of(request, "period"), text_of(request, "finding"))


def _item_of(
    connection: Connection, request: Request, session: Session, period: str | None, key: str | None
) -> tuple[Quarterly, Item]:
    """A finding of the review of a period. PageError (404) where there is no such review, or none of it."""
    made = _kept(connection, leadlane_of(request).books.current(connection), session, (period or "")[:20])
    if made is None:
        raise PageError(404, _("There is no review of this period"), _("Make it first."))
    try:
        return made, quarter_verbs.item_of(made, key or "")
    except LeadlaneError:
        gone = _("The review was made anew meanwhile, and does not find it any more.")
        raise PageError(404, _("There is no such finding"), gone) from None


def _verdict(connection: Connection, request: Request, session: Session, key: str) -> Verdict:
    verdict = _verdicts_for(connection, leadlane_of(request).books.current(connection), session).get(key)
    if verdict is None:
        raise PageError(404, _("Nothing was decided of this finding"), _("It may have been taken back."))
    return verdict


_DECIDE: dict[str, Any] = {"capability": Capability.EDIT_POLICY}

PAGES = (
    page(HOME, show_review, capability=Capability.READ_REPORTS),
    page(f"{HOME}/make", make, method="POST", **_DECIDE),
    page(f"{HOME}/accept", accept, method="POST", **_DECIDE),
    page(f"{HOME}/edit", edit, method="POST", **_DECIDE),
    page(f"{HOME}/dismiss", ask_dismiss, **_DECIDE),
    page(f"{HOME}/dismiss", dismiss, method="POST", **_DECIDE),
    page(f"{HOME}/reopen", reopen, method="POST", **_DECIDE),
    page(f"{HOME}/roster", show_roster, **_DECIDE),
    page(f"{HOME}/roster", change_roster, method="POST", capability=Capability.EDIT_PEOPLE),
)
