"""`leadlane outbox`: what is on its way to people and systems, and what did not arrive?"""

from __future__ import annotations

import json
import secrets
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import typer
from psycopg import Connection
from rich.console import Console
from rich.table import Table
from rich.text import Text

from leadlane import config
from leadlane.app import App, open_app
from leadlane.errors import LeadlaneError
from leadlane.i18n import N_, _, ngettext
from leadlane.outbound.endpoints import SECRET_PREFIX, read_outbound
from leadlane.service.deliver import send_again
from leadlane.service.ways import set_up, shown_address
from leadlane.store import deliveries
from leadlane.store.deliveries import STATES, UNWELL, Delivery

app = typer.Typer(
    help=_("See what is sent to people and systems, and send again what did not arrive."),
    invoke_without_command=True,
)
_state = typer.Option(None, "--state", metavar="|".join(STATES), help=_("Only those in this state."))
_person = typer.Option(None, "--person", help=_("Only those to this person: their id."))
_channel = typer.Option(None, "--channel", help=_("Only those by this channel, as email or webhook:NAME."))
_limit = typer.Option(20, min=1, max=10_000, help=_("How many are shown, the newest first."))
_json = typer.Option(False, "--json", help=_("Print JSON, for machines."))
_ids = typer.Argument(None, help=_("Numbers of messages, as the list shows them."))
_number = typer.Argument(help=_("The number of a message, as the list shows it."))
_every = typer.Option(None, "--all", metavar="|".join(UNWELL), help=_("All that are in this state."))
_SECRET_BYTES = 32
_UNLESS = {
    "accepted": N_("It is a further message, and not sent once the lead is accepted."),
    "responded": N_("It is a further message, and not sent once somebody has responded."),
}
_STYLES = {"sent": "green", "uncertain": "yellow", "failed": "yellow", "dead": "bold red", "moot": "dim"}


@app.callback()
def outbox(context: typer.Context) -> None:
    """Without a command: the list of what is not sent yet, or ended badly."""
    if context.invoked_subcommand is None:
        list_(None, None, None, 20, False)


@app.command("list", help=_("Messages, the newest first."))
def list_(
    state: str | None = _state,
    person: str | None = _person,
    channel: str | None = _channel,
    limit: int = _limit,
    as_json: bool = _json,
) -> None:
    """Prints a line for each message, and how many wait, are uncertain or dead."""
    if state is not None and state not in STATES:
        raise LeadlaneError(_("There is no state {state}.").format(state=state), ", ".join(STATES))
    asked = {"state": state, "person": person, "channel": channel}
    filters = {name: value for name, value in asked.items() if value is not None}
    with _opened() as (_leadlane, connection):
        found = deliveries.search(connection, filters, limit)
        if as_json:
            typer.echo(json.dumps([_as_json(one) for one in found], ensure_ascii=False, indent=2))
            return
        console = Console(soft_wrap=True, highlight=False)
        if found:
            console.print(_table(found))
        _print_counts(console, connection)


@app.command("show", help=_("One message: what it tells of, how often it was tried, and what went wrong."))
def show(number: int = _number, as_json: bool = _json) -> None:
    """Exits with 1 where there is no such message."""
    with _opened() as (_leadlane, connection):
        one = deliveries.get(connection, number)
        if one is None:
            raise LeadlaneError(_("There is no message {number}.").format(number=number))
        rows = deliveries.items(connection, number)
    if as_json:
        items = [{**asdict(row), "created_at": row.created_at.isoformat()} for row in rows]
        typer.echo(json.dumps({**_as_json(one), "items": items}, ensure_ascii=False, indent=2))
        return
    console = Console(soft_wrap=True, highlight=False)
    console.print(_table([one]))
    for row in rows:
        text = _("{at}  {event}  {about}").format(
            at=row.created_at.isoformat(timespec="seconds"), event=row.event, about=row.lead_id or row.reason
        )
        console.print(Text(text))
    for channel in one.tried:
        console.print(Text(_("It was tried by {channel} before.").format(channel=channel)))
    if one.unless:
        console.print(Text(_(_UNLESS[one.unless])))
    if one.error:
        console.print(Text(one.error, style=_STYLES.get(one.state, "")))


@app.command("retry", help=_("Send messages again that are uncertain, failed or dead. They keep their ids."))
def retry(numbers: list[int] | None = _ids, every: str | None = _every) -> None:
    """Exits with 1 if one of them could not be sent again."""
    settings = config.settings()
    with _opened() as (leadlane, connection):
        setup = set_up(settings, read_outbound(settings))
        refused = [
            number
            for number in _chosen(connection, numbers, every)
            if not send_again(connection, leadlane.books, setup, number, leadlane.now())
        ]
    _refuse(refused, _("Only what is uncertain, failed or dead is sent again, to people with an address."))


@app.command("discard", help=_("Never send messages that wait, are uncertain, failed or dead."))
def discard(numbers: list[int] | None = _ids, every: str | None = _every) -> None:
    """Exits with 1 if one of them could not be discarded."""
    with _opened() as (leadlane, connection):
        refused = [
            number
            for number in _chosen(connection, numbers, every)
            if not deliveries.discard(connection, number, _("Discarded by hand."), leadlane.now())
        ]
    _refuse(refused, _("What was sent, is being sent, or is moot, cannot be discarded."))


@app.command("secret", help=_("Make a secret to sign webhooks with, for outbound.yaml and the receiver."))
def secret() -> None:
    """Prints it once; it is kept nowhere."""
    typer.echo(SECRET_PREFIX + b64encode(secrets.token_bytes(_SECRET_BYTES)).decode())


@contextmanager
def _opened() -> Iterator[tuple[App, Connection[Any]]]:
    with open_app(config.settings()) as leadlane, leadlane.pool.connection() as connection:
        yield leadlane, connection


def _chosen(connection: Connection, numbers: list[int] | None, every: str | None) -> list[int]:
    if bool(numbers) == bool(every):
        raise LeadlaneError(_("Say which: numbers, or --all with a state."), "leadlane outbox list")
    if every is None:
        return list(numbers or ())
    if every not in UNWELL:
        raise LeadlaneError(_("There is no state {state}.").format(state=every), ", ".join(UNWELL))
    return [one.id for one in deliveries.search(connection, {"state": every}, deliveries.MOST_COUNTED)]


def _refuse(numbers: list[int], hint: str) -> None:
    if numbers:
        text = ngettext(
            "Nothing was done about message {numbers}.",
            "Nothing was done about messages {numbers}.",
            len(numbers),
        )
        raise LeadlaneError(text.format(numbers=", ".join(map(str, numbers))), hint)


def _table(found: list[Delivery]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in (
        _("No."),
        _("state"),
        _("to"),
        _("channel"),
        _("attempts"),
        _("since"),
        _("what went wrong"),
    ):
        table.add_column(heading)
    for one in found:
        table.add_row(
            str(one.id),
            Text(one.state, style=_STYLES.get(one.state, "")),
            Text(one.person or one.lead_id or ""),
            one.channel,
            str(one.attempts),
            one.created_at.isoformat(timespec="seconds"),
            Text((one.error or "").partition("\n")[0]),
        )
    return table


def _print_counts(console: Console, connection: Connection) -> None:
    waiting = sum(one.count for one in deliveries.waiting(connection))
    text = ngettext("{n} message waits to be sent.", "{n} messages wait to be sent.", waiting)
    console.print(text.format(n=waiting))
    for state, count in deliveries.counts(connection).items():
        console.print(_("{state}: {n}").format(state=state, n=count), style=_STYLES[state])


def _as_json(one: Delivery) -> dict[str, Any]:
    shown = {name: value for name, value in asdict(one).items() if name != "body"}
    moments = {
        name: shown[name].isoformat() if shown[name] else None
        for name in ("next_at", "created_at", "finished_at")
    }
    return {**shown, **moments, "uid": str(one.uid), "address": shown_address(one.address)}
