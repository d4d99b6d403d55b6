"""`leadlane hooks`: how webhooks are read, who may send them, and what could not be routed."""

from __future__ import annotations

from pathlib import Path

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from leadlane import config
from leadlane.app import App, open_app
from leadlane.cli.check import print_problems, read_file
from leadlane.errors import LeadlaneError
from leadlane.i18n import N_, _, ngettext
from leadlane.intake.hooks import HookPart, leads_in, map_lead, read_body, read_hook
from leadlane.intake.problems import BadValueError, Problem, problem_words
from leadlane.service import hooks as service
from leadlane.store import hooks as store
from leadlane.store.hooks import DeliveryRow, State

app = typer.Typer(help=_("Webhooks: leads from the forms and systems of others."), no_args_is_help=True)
console = Console(soft_wrap=True, highlight=False)

STATES: dict[State, str] = {
    "received": N_("waits"),
    "routed": N_("routed"),
    "ignored": N_("ignored"),
    "program": N_("from a program"),
    "failed": N_("failed"),
}
_TOLD: dict[service.Told, str] = {
    "secret": N_("The secret is made. It is shown this once:"),
    "verify_token": N_("Give the sender this verify token. It is shown this once:"),
}
# What `leadlane hooks failed` shows, unless another state is asked for.
_OPEN: tuple[State, ...] = ("received", "failed")

_file = typer.Argument(help=_("The mapping, a YAML file."))


@app.command("list", help=_("Show every webhook, its address, and what came in."))
def show_all() -> None:
    with open_app(config.settings()) as opened, opened.pool.connection() as connection:
        rows, counts = store.hooks(connection), store.counts(connection)
    if not rows:
        console.print(_("There is no webhook yet. Store one: leadlane hooks put FILE"))
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in (_("Webhook"), _("Address"), _("Deliveries"), _("Last refused")):
        table.add_column(heading, overflow="fold")
    for row in rows:
        counted = ", ".join(
            f"{_(STATES[state])}: {n}" for state, n in sorted(counts.get(row.name, {}).items())
        )
        refused = f"{row.refused_at.astimezone():%Y-%m-%d %H:%M} {row.refusal}" if row.refused_at else ""
        table.add_row(row.name, service.PATH + row.name, counted, Text(refused))
    console.print(table)


@app.command("check", help=_("Check a mapping; with --sample, show which leads it makes of a delivery."))
def check(
    file: Path = _file,
    sample: Path | None = typer.Option(None, help=_("A file with the body of a delivery.")),
    kind: str = typer.Option("application/json", "--type", help=_("The content type of the sample.")),
) -> None:
    """Prints the problems of a mapping and exits with 0 (fine) or 1 (errors, also with the sample)."""
    text = read_file(file)
    hook, problems = read_hook(text, str(file))
    print_problems(problems, {str(file): text})
    if hook is None:
        raise typer.Exit(1)
    console.print(Text(_("The mapping “{name}” is fine.").format(name=hook.hook), style="green"))
    if sample is not None and not _print_sample(hook, read_file(sample), kind):
        raise typer.Exit(1)


def _print_sample(hook: HookPart, body: bytes, kind: str) -> bool:
    try:
        found = leads_in(hook, read_body(body, kind))
    except BadValueError as error:
        _print_problems([Problem("", "", error.reason, error.suggestion)])
        return False
    count = ngettext("{n} lead in the sample", "{n} leads in the sample", len(found)).format(n=len(found))
    console.print(Text(count, style="bold"))
    fine = True
    for one in found:
        mapped, wrong = map_lead(hook, one)
        _print_problems(wrong)
        fine &= mapped is not None
        if mapped is not None:
            table = Table(box=None, pad_edge=False, show_header=False)
            for name, value in mapped.raw.items():
                table.add_row(Text(name, style="cyan"), Text(_plain(value)))
            for name, value in mapped.extra.items():
                table.add_row(Text(_("kept: {name}").format(name=name), style="dim"), Text(_plain(value)))
            console.print(table)
    return fine


@app.command("put", help=_("Store a mapping, and the secret by which its sender is known."))
def put(
    file: Path = _file,
    secret_file: Path | None = typer.Option(
        None, help=_("A file with the secret that the sender signs with; - reads it from the input.")
    ),
    generate: bool = typer.Option(False, "--generate", help=_("Make a secret, and print it this once.")),
) -> None:
    """Stores a webhook; exits with 1 if the mapping or the secret is refused."""
    text = read_file(file)
    secret = _read_secret(secret_file) if secret_file is not None else None
    with open_app(config.settings()) as opened:
        hook, problems = read_hook(text, str(file), _known_fields(opened))
        print_problems(problems, {str(file): text})
        if hook is None:
            raise typer.Exit(1)
        with opened.pool.connection() as connection:
            now = opened.now()
            asks = secret is None and not generate and service.needs_secret(connection, hook, now)
            if asks and hook.signature.scheme not in service.SHARED and console.is_terminal:
                secret = typer.prompt(_("The secret that the sender signs with"), hide_input=True)
            stored = service.put(
                connection, text.decode(), now, secret=secret, generate=generate, source=str(file)
            )
        _print_stored(stored, opened.settings.public_url)


def _read_secret(file: Path) -> str:
    # Not an option of its own: what stands on a command line, everybody on the machine can see.
    if str(file) == "-":
        return typer.get_text_stream("stdin").read().strip()
    try:
        return read_file(file).decode().strip()
    except UnicodeDecodeError:
        raise LeadlaneError(_("The file {path} is not a text in UTF-8.").format(path=file)) from None


def _known_fields(opened: App) -> service.Fields | None:
    with opened.pool.connection() as connection:
        return service.known_fields(connection, opened.books)


def _print_stored(stored: service.Stored, public_url: str) -> None:
    console.print(Text(_("The webhook {name} is stored.").format(name=stored.hook.hook), style="green"))
    errors = Console(stderr=True, soft_wrap=True, highlight=False)
    for kind, secret in stored.told:
        errors.print(_(_TOLD[kind]), markup=False)
        typer.echo(secret)
    address = _("Have the sender call: {address}").format(address=public_url + stored.path)
    errors.print(address, markup=False)


@app.command("failed", help=_("Show the deliveries that could not be routed, and why."))
def failed(
    name: str | None = typer.Option(None, "--hook", help=_("Of this webhook alone.")),
    state: str | None = typer.Option(
        None, help=_("Those in another state: {states}").format(states=", ".join(STATES))
    ),
    limit: int = typer.Option(100, min=1, max=10_000, help=_("At most so many, the newest.")),
) -> None:
    if state is not None and state not in STATES:
        known = _("There are {states}.").format(states=", ".join(STATES))
        raise typer.BadParameter(known, param_hint="--state")
    states: tuple[State, ...] = (state,) if state is not None else _OPEN
    with open_app(config.settings()) as opened, opened.pool.connection() as connection:
        rows = store.deliveries(connection, states, name, limit)
    if not rows:
        console.print(_("There is none."))
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("#", _("Webhook"), _("Received"), _("State"), _("Why")):
        table.add_column(heading, overflow="fold")
    for row in rows:
        first = _sentence(Problem(**row.problems[0])) if row.problems else ""
        table.add_row(str(row.id), row.hook, f"{row.received_at.astimezone():%Y-%m-%d %H:%M}",
                      _state(row), Text(first))  # fmt: skip
    console.print(table)


def _state(row: DeliveryRow) -> str:
    """The state, and of what waits the time from which on a worker tries it again."""
    if row.due_at is None:
        return _(STATES[row.state])
    return _("waits until {time}").format(time=f"{row.due_at.astimezone():%H:%M:%S}")


@app.command("show", help=_("Show a delivery as it came, and what is wrong with it."))
def show(number: int = typer.Argument(help=_("The number of the delivery."))) -> None:
    with open_app(config.settings()) as opened, opened.pool.connection() as connection:
        row = store.delivery(connection, number)
    if row is None:
        raise LeadlaneError(_("There is no delivery {number}.").format(number=number))
    table = Table(box=None, pad_edge=False, show_header=False)
    for label, value in (
        (_("Webhook"), row.hook),
        (_("Received"), f"{row.received_at.astimezone():%Y-%m-%d %H:%M:%S %Z}"),
        (_("State"), _state(row)),
        (_("Tried"), str(row.attempts)),
        (_("Id of the sender"), row.delivery_id or ""),
        (_("Content type"), row.content_type),
        (_("Leads"), ", ".join(row.leads)),
    ):
        table.add_row(Text(label, style="dim"), Text(_printable(value)))
    console.print(table)
    _print_problems([Problem(**one) for one in row.problems])
    console.print(Text(_body(row)))


def _body(row: DeliveryRow) -> str:
    if row.body is None:
        return _("What came is kept with its leads: leadlane explain LEAD")
    try:
        pretty = orjson.dumps(orjson.loads(row.body), option=orjson.OPT_INDENT_2)
        return _printable(pretty.decode())
    except orjson.JSONDecodeError:
        return _printable(row.body.decode(errors="replace"))


@app.command("retry", help=_("Route deliveries again, by the mapping as it is now."))
def retry(
    numbers: list[int] = typer.Argument(None, help=_("Numbers of deliveries."), show_default=False),
    everything: bool = typer.Option(False, "--all", help=_("All that failed or wait.")),
    name: str | None = typer.Option(None, "--hook", help=_("With --all: of this webhook alone.")),
) -> None:
    """Routes deliveries again; exits with 1 if one of them still cannot be routed."""
    if bool(numbers) == everything:
        raise typer.BadParameter(_("Name deliveries, or say --all."))
    with open_app(config.settings()) as opened, opened.router() as router:
        if everything:
            with opened.pool.connection() as connection:
                numbers = [row.id for row in store.deliveries(connection, _OPEN, name, 1_000_000)]
        outcomes = [
            service.retry(opened.pool, opened.books, router, number, opened.now()) for number in numbers
        ]
    for one in outcomes:
        text = _("{number}: {state} {leads}").format(
            number=one.number, state=_(STATES[one.state]), leads=", ".join(one.leads)
        )
        console.print(Text(text.rstrip()))
        _print_problems(one.problems)
    if any(one.state in _OPEN for one in outcomes):
        raise typer.Exit(1)


# ---------------------------------------------------------------- words


def _print_problems(problems: list[Problem] | tuple[Problem, ...]) -> None:
    for problem in problems:
        console.print(Text("  " + _sentence(problem), style="red"))


def _sentence(problem: Problem) -> str:
    return _printable(problem_words(problem))


def _plain(value: object) -> str:
    return _printable(value if isinstance(value, str) else orjson.dumps(value).decode())


def _printable(text: str) -> str:
    """Text that moves no cursor: what strangers sent is shown on a terminal."""
    return "".join(char if char.isprintable() or char == "\n" else "�" for char in text)
