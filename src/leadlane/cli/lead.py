"""`leadlane lead` and `leadlane away`: what people do with leads, and when they are not there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import typer
from psycopg import Connection
from rich.console import Console
from rich.table import Table

from leadlane import config
from leadlane.app import App, open_app
from leadlane.core.act import Act, Closing, Touch
from leadlane.core.facts import Roster
from leadlane.errors import LeadlaneError
from leadlane.i18n import _
from leadlane.policy.roster_document import instant
from leadlane.policy.words import field_words, percent_words
from leadlane.service.acts import act
from leadlane.service.candidates import CandidatesView, CandidateView, candidates_of
from leadlane.service.roster import go_away
from leadlane.service.views import is_breached, lead_view
from leadlane.store import leads
from leadlane.store.codec import encode
from leadlane.store.leads import LeadRow

AWAY_HELP = _(
    "Say that somebody is away: they get no leads meanwhile, and their protected leads are covered."
)
BY = "cli"

app = typer.Typer(help=_("Look at a lead, and act on it as a person would."), no_args_is_help=True)
console = Console(soft_wrap=True, highlight=False)

_lead = typer.Argument(help=_("The id of a lead."), show_default=False)
_by = typer.Option(..., "--by", help=_("Who does it: the id of a person."))
_reason = typer.Option("", "--reason", help=_("Why, in your own words."))
_due = typer.Option(
    None, "--due", help=_("When the next step is due from now on: a date, or a date and time.")
)
_seen = typer.Option(
    None, "--seen", min=1, help=_("The place of the lead as you saw it; refused if it has moved since.")
)


@app.command("show", help=_("Show where a lead stands."))
def show(
    lead: str = _lead,
    as_json: bool = typer.Option(False, "--json", help=_("Print everything, as JSON.")),
) -> None:
    with open_app(config.settings()) as leadlane, leadlane.pool.connection() as connection:
        row = leads.get(connection, lead)
        if row is None:
            raise LeadlaneError(_("There is no lead of this id."))
        if as_json:
            typer.echo(encode(lead_view(row, leadlane.now())).decode())
            return
        _print(leadlane, connection, row)
        if is_breached(row, leadlane.now()):
            console.print(_("The promise was broken."))
        console.print(_("Place {place}, taken from {n} so far.").format(place=row.place, n=row.reassigned))
        if row.unsure:
            _print_candidates(candidates_of(connection, row, leadlane.now()))


@app.command("accept", help=_("Accept a lead: whoever has it has seen it and takes it on."))
def accept(lead: str = _lead, by: str = _by, seen: int | None = _seen) -> None:
    _do(Act(lead, "accept", by), seen)


@app.command("decline", help=_("Decline a lead: it goes to whoever is next."))
def decline(lead: str = _lead, by: str = _by, reason: str = _reason, seen: int | None = _seen) -> None:
    _do(Act(lead, "decline", by, reason=reason), seen)


@app.command("dispute", help=_("Say that the rules were wrong about a lead: it goes to review."))
def dispute(
    lead: str = _lead,
    by: str = _by,
    reason: str = typer.Option(..., "--reason", help=_("What is wrong.")),
    seen: int | None = _seen,
) -> None:
    if not reason.strip():
        raise typer.BadParameter(_("Say what is wrong."))
    _do(Act(lead, "dispute", by, reason=reason), seen)


@app.command("touch", help=_("Record a touch: one that reaches out to the prospect is the response."))
def touch(
    lead: str = _lead,
    by: str = _by,
    kind: Touch = typer.Option(..., "--kind", help=_("How.")),
    reason: str = typer.Option("", "--note", help=_("What was said or done.")),
    due: str | None = _due,
    seen: int | None = _seen,
) -> None:
    _do(Act(lead, "touch", by, how=kind, reason=reason), seen, due)


@app.command("reassign", help=_("Give a lead to somebody, whatever their capacity and hours."))
def reassign(
    lead: str = _lead,
    to: str = typer.Option(..., "--to", help=_("Who gets the lead: the id of a person.")),
    by: str = _by,
    reason: str = _reason,
    seen: int | None = _seen,
) -> None:
    _do(Act(lead, "reassign", by, to, reason), seen)


@app.command("review", help=_("Place a lead that is in review."))
def review(
    lead: str = _lead,
    to: str = typer.Option(..., "--to", help=_("A person, or `pool:NAME`, or `program:NAME`.")),
    by: str = _by,
    reason: str = _reason,
    seen: int | None = _seen,
) -> None:
    _do(Act(lead, "review", by, to, reason), seen)


@app.command("close", help=_("Close a lead: whoever had it has room for another."))
def close(
    lead: str = _lead,
    outcome: Closing = typer.Option(..., "--outcome", help=_("How it ended.")),
    by: str = _by,
    value: float | None = typer.Option(None, "--value", min=0, help=_("What it was worth.")),
    reason: str = _reason,
    seen: int | None = _seen,
) -> None:
    _do(Act(lead, "close", by, reason=reason, outcome=outcome, value=value), seen)


@app.command("identify", help=_("Say who a lead is: the account that it belongs to, or nobody known."))
def identify(
    lead: str = _lead,
    account: str | None = typer.Option(None, "--account", help=_("The id of the account.")),
    new: bool = typer.Option(False, "--new", help=_("It is nobody known.")),
    by: str = _by,
    reason: str = _reason,
    seen: int | None = _seen,
) -> None:
    if new == (account is not None):
        raise typer.BadParameter(_("Give either --account or --new."))
    _do(Act(lead, "identify", by, account, reason), seen)


@app.command("merge", help=_("Merge another lead into this one: they are the same prospect."))
def merge(
    lead: str = _lead,
    other: str = typer.Argument(help=_("The lead that ends: this one gets what it had."), show_default=False),
    by: str = _by,
    reason: str = _reason,
    seen: int | None = _seen,
) -> None:
    _do(Act(lead, "merge", by, other, reason), seen)


@app.command("split", help=_("Take out of a lead what was merged into it and was somebody else."))
def split(
    lead: str = _lead,
    other: str = typer.Argument(help=_("The id under which it had come."), show_default=False),
    by: str = _by,
    reason: str = _reason,
    seen: int | None = _seen,
) -> None:
    _do(Act(lead, "split", by, other, reason), seen)


@app.command("next-step", help=_("Say what is to be done next with a lead, and by when."))
def next_step(
    lead: str = _lead,
    text: str = typer.Argument(help=_("What is to be done next."), show_default=False),
    due: str = typer.Option(..., "--due", help=_("When it is due: a date, or a date and time.")),
    by: str = _by,
    seen: int | None = _seen,
) -> None:
    if not text.strip():
        raise typer.BadParameter(_("Say what is to be done next."))
    _do(Act(lead, "plan", by, reason=text), seen, due)


def away(
    person: str = typer.Argument(help=_("The id of a person."), show_default=False),
    until: str = typer.Option(..., "--until", help=_("The last day, or the moment it ends.")),
    start: str | None = typer.Option(
        None, "--from", help=_("The first day, or the moment; now, if not said.")
    ),
    reason: str = typer.Option("", "--reason", help=_("Why; shown to colleagues.")),
) -> None:
    """Dates and times are in the person's time zone where they name none."""
    with open_app(config.settings()) as leadlane, leadlane.pool.connection() as connection:
        try:
            go_away(connection, person, start, until, reason, BY, leadlane.now())
        except (ValueError, OverflowError):
            raise typer.BadParameter(_not_a_moment()) from None
        absent = leadlane.books.current(connection).roster.people[person]
    last = absent.away[-1]
    console.print(
        _("{name} is away from {start} until {end}.").format(
            name=absent.name,
            start=_moment(last.start, ZoneInfo(absent.timezone)),
            end=_moment(last.until, ZoneInfo(absent.timezone)),
        ),
        markup=False,
    )


def _do(one: Act, seen: int | None, due: str | None = None) -> None:
    """Act, and print where the lead stands then. LeadlaneError with the reason if it is refused."""
    with open_app(config.settings()) as leadlane, leadlane.pool.connection() as connection:
        now = leadlane.now()
        if due is not None:
            one = replace(one, due_at=_future(due, leadlane.books.current(connection).policy.timezone, now))
        (receipt,) = act(connection, leadlane.books, [one], now, seen)
        if receipt.status == "refused":
            raise LeadlaneError(receipt.problem)
        row = leads.get(connection, receipt.lead_id)
        assert row is not None  # it was acted on, and no lead is ever deleted
        _print(leadlane, connection, row)


_SIDE_BY_SIDE = ("company", "company_domain", "first_name", "last_name", "email", "phone", "city", "country")


def _print_candidates(shown: CandidatesView) -> None:
    """The lead and whom it may be, a column each, then the evidence."""
    told = [one for one in shown["candidates"] if one["outcome"] != "new"]
    table = Table(box=None, pad_edge=False)
    table.add_column()
    table.add_column(shown["lead"]["id"], overflow="fold")
    for one in told:
        known = one["account"] or one["lead"]
        table.add_column(known["id"] if known else "", overflow="fold")
    columns = [shown["lead"]["fields"], *(_fields_of(one) for one in told)]
    for field in _SIDE_BY_SIDE:
        if any(field in column for column in columns):
            table.add_row(field_words(field), *(str(column.get(field, "–")) for column in columns))
    table.add_row(_("the same"), "", *(percent_words(one["probability"]) for one in told))
    console.print()
    console.print(_("It may be somebody known. Who is it?"))
    console.print(table)
    for one in told:
        known = one["account"] or one["lead"]
        console.print(f"{known['id'] if known else ''}: {'; '.join(one['evidence'])}", markup=False)


def _fields_of(one: CandidateView) -> Mapping[str, object]:
    account = one["account"]
    if account is None:
        return one["lead"]["fields"] if one["lead"] is not None else {}
    domains = ", ".join(account["domains"])
    named = {"company": account["name"], "company_domain": domains, "country": account["country"]}
    return {name: value for name, value in (named | {"city": account["city"]}).items() if value}


def _future(text: str, zone_name: str, now: datetime) -> datetime:
    try:
        moment = instant(text, zone_name, end=True)
    except (ValueError, OverflowError):
        raise typer.BadParameter(_not_a_moment()) from None
    if moment <= now:
        raise typer.BadParameter(_("{moment} is past.").format(moment=text))
    return moment


def _not_a_moment() -> str:
    return _("A date or a date and time is meant, such as 2026-03-02 or 2026-03-02T12:00.")


def _print(leadlane: App, connection: Connection, row: LeadRow) -> None:
    """Two lines: who has the lead, and what is next."""
    book = leadlane.books.current(connection)
    console.print(_stands(row, book.roster), markup=False)
    holder = book.roster.people.get(row.covered_by or row.owner or "")
    zone = ZoneInfo(holder.timezone if holder is not None else book.policy.timezone)
    if row.next_step and row.next_step_due_at:
        line = _("Next step: {step}, due {due}.").format(
            step=row.next_step, due=_moment(row.next_step_due_at, zone)
        )
        console.print(line, markup=False)
    elif row.next_step:
        console.print(_("Next step: {step}.").format(step=row.next_step), markup=False)


def _stands(row: LeadRow, roster: Roster) -> str:
    values = {
        "lead": row.id,
        "stage": row.stage,
        "owner": _name(roster, row.owner),
        "cover": _name(roster, row.covered_by),
        "destination": row.destination,
        "outcome": row.outcome,
    }
    if row.stage == "closed" and row.outcome:
        return _("{lead}: closed as {outcome}.").format(**values)
    if row.owner is None:
        return _("{lead}: {stage}, {destination}; nobody has it.").format(**values)
    if row.covered_by is not None:
        return _("{lead}: {stage}, owned by {owner}, covered by {cover}.").format(**values)
    return _("{lead}: {stage}, owned by {owner}.").format(**values)


def _name(roster: Roster, person_id: str | None) -> str:
    person = roster.people.get(person_id or "")
    return f"{person.name} ({person.id})" if person is not None else person_id or ""


def _moment(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M} {zone.key}"
