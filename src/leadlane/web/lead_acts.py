"""What does somebody do with a lead? The forms for it, and what they send: log, plan, hand over, close …"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from psycopg import Connection
from starlette.requests import Request
from starlette.responses import Response

from leadlane.core.act import CLOSINGS, TOUCHES, Act
from leadlane.core.pick import is_out
from leadlane.core.rulebook import Rulebook
from leadlane.errors import LeadlaneError
from leadlane.explain.standing import outcome_words, touch_words
from leadlane.i18n import N_, _
from leadlane.service.acts import submit_acts
from leadlane.service.answers import DECLINE_REASONS, LONGEST_NOTE
from leadlane.service.moments import moments_ahead
from leadlane.service.prospects import person_name
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.submission import act_submission
from leadlane.service.undo import acts_to_undo
from leadlane.service.who_acts import Actor, answers_for
from leadlane.store.leads import LeadRow
from leadlane.web.acting import acted, actor_of, lead_of, next_of, require_may_act, seen_of
from leadlane.web.page import Page, page, text_of
from leadlane.web.render import redirect, show
from leadlane.web.roles import Capability
from leadlane.web.session import Session, leadlane_of

LONGEST_STEP = 200
LONGEST_AHEAD = timedelta(days=366)
# A touch without a next step of its own leaves the one that there is.
AS_IT_IS = "as it is"
_WORTH = 1e12
_DECLINE = {
    "no time": N_("I have no time for it"),
    "not for me": N_("Somebody else should have it"),
    "junk": N_("It is junk"),
    "duplicate": N_("We have it already"),
    "other": N_("Another reason:"),
}


class WrongError(LeadlaneError):
    """What somebody wrote into a field of a form will not do; `message` says what would."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Form:
    """Something that is asked about before it is done: the words of its page, and what its answers become.

    `text` says what follows from it, `told` that it was done. `read` raises WrongError.
    """

    verb: str
    title: str
    text: str
    submit: str
    told: str
    read: Callable[[Request, LeadRow, Actor, ZoneInfo, datetime], Sequence[Act]]
    has_undo: bool = False


# ---------------------------------------------------------------- what forms send


def _decline(request: Request, row: LeadRow, actor: Actor, _zone: ZoneInfo, _now: datetime) -> Sequence[Act]:
    choice, note = text_of(request, "choice"), note_of(request, "note")
    if choice not in DECLINE_REASONS:
        raise WrongError("choice", _("Please choose why."))
    if choice == "other" and not note:
        raise WrongError("note", _("Please say why, in a few words."))
    decline = actor.act(row.id, "decline", reason=note if choice == "other" else choice)
    if choice == "other" or not note:
        return [decline]
    return [actor.act(row.id, "touch", how="note", reason=note), decline]


def _log(request: Request, row: LeadRow, actor: Actor, zone: ZoneInfo, now: datetime) -> Sequence[Act]:
    kind, note = text_of(request, "kind"), note_of(request, "note")
    if kind not in TOUCHES:
        raise WrongError("kind", _("Please choose how."))
    if kind == "note" and not note:
        raise WrongError("note", _("Please write the note."))
    touch = actor.act(row.id, "touch", how=kind, reason=note)
    step = note_of(request, "step", LONGEST_STEP)
    if not text_of(request, "moment") and text_of(request, "until") in ("", AS_IT_IS):
        if step:
            raise WrongError("until", _("Please say when the next step is due."))
        return [touch]
    return [touch, actor.act(row.id, "plan", reason=step, due_at=_until(request, zone, now))]


def _plan(request: Request, row: LeadRow, actor: Actor, zone: ZoneInfo, now: datetime) -> Sequence[Act]:
    step = note_of(request, "step", LONGEST_STEP)
    if not step:
        raise WrongError("step", _("Please say what is to be done next."))
    return [actor.act(row.id, "plan", reason=step, due_at=_until(request, zone, now))]


def _snooze(request: Request, row: LeadRow, actor: Actor, zone: ZoneInfo, now: datetime) -> Sequence[Act]:
    # Without words of its own the next step stays what it was; only its moment moves.
    return [actor.act(row.id, "plan", due_at=_until(request, zone, now))]


def _hand_over(
    request: Request, row: LeadRow, actor: Actor, _zone: ZoneInfo, _now: datetime
) -> Sequence[Act]:
    to = text_of(request, "to")
    if not to:
        raise WrongError("to", _("Please choose who gets it."))
    if to == row.owner and row.covered_by is None:
        raise WrongError("to", _("They have it already."))
    return [actor.act(row.id, "reassign", to=to, reason=note_of(request, "note"))]


def _close(request: Request, row: LeadRow, actor: Actor, _zone: ZoneInfo, _now: datetime) -> Sequence[Act]:
    outcome = text_of(request, "outcome")
    if outcome not in CLOSINGS:
        raise WrongError("outcome", _("Please choose how it ended."))
    value = worth_of(text_of(request, "value")) if outcome == "won" else None
    return [actor.act(row.id, "close", outcome=outcome, value=value, reason=note_of(request, "note"))]


def _dispute(request: Request, row: LeadRow, actor: Actor, _zone: ZoneInfo, _now: datetime) -> Sequence[Act]:
    note = note_of(request, "note")
    if not note:
        raise WrongError("note", _("Please say what is wrong: whoever decides has only this to go by."))
    return [actor.act(row.id, "dispute", reason=note)]


FORMS: dict[str, Form] = {
    form.verb: form
    for form in (
        Form(
            "decline",
            N_("Decline this lead"),
            N_("It goes to whoever is next, and not to you again."),
            N_("Decline"),
            N_("Declined. It goes to whoever is next."),
            _decline,
            has_undo=True,
        ),
        Form(
            "log",
            N_("Log what you did"),
            N_("A call, mail, meeting or message is the response: the promise is kept, reminders end."),
            N_("Log it"),
            N_("Logged."),
            _log,
        ),
        Form(
            "next",
            N_("Next step"),
            N_("What is to be done next, and by when."),
            N_("Save"),
            N_("The next step is set."),
            _plan,
            has_undo=True,
        ),
        Form(
            "snooze",
            N_("Put off the next step"),
            N_("Only the next step moves. What was promised to the prospect stays as it is."),
            N_("Put it off"),
            N_("Put off."),
            _snooze,
            has_undo=True,
        ),
        Form(
            "hand-over",
            N_("Hand over"),
            N_("They get it at once and are told, whatever they have in hand. The promise stays."),
            N_("Hand over"),
            N_("Handed over."),
            _hand_over,
            has_undo=True,
        ),
        Form(
            "close",
            N_("Close this lead"),
            N_("The end of its story: it leaves your list, and this cannot be taken back."),
            N_("Close it"),
            N_("Closed."),
            _close,
        ),
        Form(
            "dispute",
            N_("This is wrong"),
            N_("A person decides, with your reason before them, and it counts against the rule."),
            N_("Send to review"),
            N_("Sent to review."),
            _dispute,
            has_undo=True,
        ),
    )
}


# ---------------------------------------------------------------- fields


def note_of(request: Request, field: str, longest: int = LONGEST_NOTE) -> str:
    note = text_of(request, field)
    if len(note) > longest:
        raise WrongError(field, _("Please use at most {n} characters.").format(n=longest))
    return note


def _until(request: Request, zone: ZoneInfo, now: datetime) -> datetime:
    """The moment that was chosen or written. WrongError for none, one that is past, or one too far away."""
    # Whoever has written a moment means it, whatever is chosen above it.
    field = "moment" if text_of(request, "moment") else "until"
    try:
        moment = datetime.fromisoformat(text_of(request, field))
        moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        is_ahead = now < moment <= now + LONGEST_AHEAD
    except (ValueError, OverflowError):
        raise WrongError(field, _("Please choose a moment.")) from None
    if not is_ahead:
        raise WrongError(field, _("Please choose a moment within the next twelve months."))
    return moment


def worth_of(text: str) -> float | None:
    """A sum as people write it: `12 000,50`, `12000.50`, `12.000`. WrongError for what is none."""
    if not text:
        return None
    bare = "".join(text.split()).replace("'", "").replace("’", "")
    whole, point, cents = bare, "", ""
    last = max(bare.rfind("."), bare.rfind(","))
    if last >= 0 and len(bare) - last - 1 in (1, 2):
        whole, point, cents = bare[:last], ".", bare[last + 1 :]
    digits = whole.replace(".", "").replace(",", "")
    if not (digits.isascii() and digits.isdigit() and (not point or (cents.isascii() and cents.isdigit()))):
        raise WrongError("value", _("Please write a sum, such as 12000."))
    value = float(digits + point + cents)
    if value > _WORTH:
        raise WrongError("value", _("Please write a sum, such as 12000."))
    return value


# ---------------------------------------------------------------- pages


def accept(request: Request, session: Session) -> Response:
    """Take a lead on."""
    lead_id = request.path_params["lead_id"]
    return acted(
        request,
        session,
        lead_id,
        lambda _connection, _books, row, actor: [actor.act(row.id, "accept")],
        _("Accepted. Now log what you do, or set the next step."),
    )


def undo(request: Request, session: Session) -> Response:
    """Take back what one did last."""
    leadlane, actor, lead_id = leadlane_of(request), actor_of(session), request.path_params["lead_id"]
    now, back = leadlane.now(), next_of(request, lead_id)
    with leadlane.pool.connection() as connection:
        row = lead_of(connection, lead_id)
        # Who gave a lead away has it no more: that it was they who did so is what lets them take it back.
        acts = acts_to_undo(connection, leadlane.books, row, actor, now) if actor.scope != "none" else []
        submissions = [act_submission(one, now, row.place) for one in acts]
        receipts = submit_acts(connection, leadlane.books, submissions, now) if acts else []
    if not receipts or any(one.status == "refused" for one in receipts):
        told = _("This can no longer be taken back: somebody has acted since, or it is too long ago.")
        return redirect(back, told, tone="bad")
    return redirect(back, _("Taken back. It is as it was."))


def _asking(form: Form) -> Callable[[Request, Session], Response]:
    def ask(request: Request, session: Session) -> Response:
        return _asked(request, session, form)

    return ask


def _doing(form: Form) -> Callable[[Request, Session], Response]:
    def do(request: Request, session: Session) -> Response:
        now, zone = leadlane_of(request).now(), ZoneInfo(session.zone)

        def acts_of(_connection: Connection, _books: Rulebooks, row: LeadRow, actor: Actor) -> Sequence[Act]:
            return form.read(request, row, actor, zone, now)

        lead_id = request.path_params["lead_id"]
        try:
            return acted(
                request,
                session,
                lead_id,
                acts_of,
                _(form.told),
                has_undo=form.has_undo,
                again=lambda reason: _asked(request, session, form, refusal=reason),
            )
        except WrongError as wrong:
            return _asked(request, session, form, wrong)

    return do


def _asked(
    request: Request, session: Session, form: Form, wrong: WrongError | None = None, refusal: str = ""
) -> Response:
    """The page of a form; with what was wrong beside its field, or why the act was refused.

    After a refusal the form keeps what was written, and is about the lead as it stands now.
    """
    leadlane, actor = leadlane_of(request), actor_of(session)
    now, zone = leadlane.now(), ZoneInfo(session.zone)
    with leadlane.pool.connection() as connection:
        row = lead_of(connection, request.path_params["lead_id"])
        require_may_act(leadlane.books, connection, actor, row)
        book = leadlane.books.current(connection)
    holder = row.covered_by or row.owner or session.person_id
    back = next_of(request, row.id)
    response = show(
        for_dialog(request) if wrong or refusal else request,
        "leads/act.html",
        409 if refusal else 422 if wrong else 200,
        form=form,
        lead=row,
        name=person_name(row.fields) or row.id,
        seen=seen_of(request) if wrong else row.place,
        given={field: text_of(request, field) for field in _FIELDS},
        problem={wrong.field: wrong.message} if wrong else {},
        refusal=refusal,
        moments=moments_ahead(book.calendars.get(holder or ""), zone, now),
        groups=_groups(book, row, actor, now) if form.verb == "hand-over" else (),
        declines=[(code, _(words)) for code, words in _DECLINE.items()],
        touches=[(kind, touch_words(kind)) for kind in TOUCHES],
        closings=[(code, outcome_words(code)) for code in CLOSINGS],
        as_it_is=AS_IT_IS,
        longest_step=LONGEST_STEP,
        longest_note=LONGEST_NOTE,
        currency=book.policy.currency,
        back=back,
        piece="leads" if back.startswith("/my-leads") else "lead",
    )
    if wrong or refusal:
        response.headers["hx-retarget"], response.headers["hx-reswap"] = "#dialog", "innerHTML"
    return response


def for_dialog(request: Request) -> Request:
    """The same request, wanting the dialog: a form that is refused is shown again where it was filled in."""
    headers = [(name, value) for name, value in request.scope["headers"] if name != b"hx-target"]
    headers.append((b"hx-target", b"dialog#dialog"))
    return Request({**request.scope, "headers": headers}, request.receive)


_FIELDS = ("choice", "note", "kind", "step", "until", "moment", "to", "outcome", "value")


def _groups(
    book: Rulebook, row: LeadRow, actor: Actor, now: datetime
) -> Iterable[tuple[str, list[tuple[str, str]]]]:
    """Whom a lead may be handed to: (id, name) pairs, first those of the same teams, then all others."""
    people = book.roster.people
    holder = people.get(row.owner or "") or people.get(actor.person or "")
    near = set(holder.teams) if holder else set()
    managed = set(answers_for(book.roster, actor.person)) if actor.person and actor.scope != "own" else set()
    close: list[tuple[str, str]] = []
    others: list[tuple[str, str]] = []
    for person in sorted(people.values(), key=lambda one: (one.name.casefold(), one.id)):
        if not person.active or person.id == row.owner:
            continue
        name = _("{name} (away)").format(name=person.name) if is_out(person, now) else person.name
        is_near = person.id in managed or not near.isdisjoint(person.teams)
        (close if is_near else others).append((person.id, name))
    return [(label, group) for label, group in ((_("Same team"), close), (_("Others"), others)) if group]


_ACT = Capability.ACT_ON_OWN_LEADS
PAGES: tuple[Page, ...] = (
    page("/leads/{lead_id:path}/accept", accept, capability=_ACT, method="POST"),
    page("/leads/{lead_id:path}/undo", undo, capability=_ACT, method="POST"),
    *(
        page(f"/leads/{{lead_id:path}}/{form.verb}", _asking(form), capability=_ACT)
        for form in FORMS.values()
    ),
    *(
        page(f"/leads/{{lead_id:path}}/{form.verb}", _doing(form), capability=_ACT, method="POST")
        for form in FORMS.values()
    ),
)
