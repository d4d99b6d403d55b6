"""`leadlane serve` and `leadlane run`: answer over HTTP; with `run` also set up what a first look needs."""

from __future__ import annotations

import os
import shlex
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import timedelta
from importlib.resources import files
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console

from leadlane import config
from leadlane.app import App, open_app, over_http
from leadlane.config import Settings
from leadlane.errors import LeadlaneError
from leadlane.i18n import _, set_default_language
from leadlane.logging import configure_logging
from leadlane.policy.problems import PolicyErrors
from leadlane.policy.roster import read_roster
from leadlane.service import api_keys as keys
from leadlane.service.health import Watch
from leadlane.service.publish import publish
from leadlane.service.roster import put_roster
from leadlane.service.worker import Worker
from leadlane.store import api_keys, leads, policies, users

if TYPE_CHECKING:
    from fastapi import FastAPI

SERVE_HELP = _("Answer over HTTP until told to stop.")
RUN_HELP = _("Start with a demonstration company, and say where to look.")
# How long requests may take to be finished once the server is told to stop.
DRAIN_SECONDS = 30
BACKLOG = 2048
FIRST_KEY = "first key"

_host = typer.Option(None, help=_("Network address to listen on; without it, the setting."))
_port = typer.Option(None, min=1, max=65535, help=_("Port to listen on; without it, the setting."))
_workers = typer.Option(1, min=1, max=64, help=_("How many processes answer; they share the database."))
_worker = typer.Option(True, help=_("Also let happen what is due; without it, run `leadlane work` beside."))
console = Console(soft_wrap=True, highlight=False)


def serve(
    host: str | None = _host,
    port: int | None = _port,
    workers: int = _workers,
    worker: bool = _worker,
) -> None:
    """Serves until SIGTERM or Ctrl-C; then what was accepted is finished, and nothing more taken in."""
    settings = _settings(host, port)
    with _listening(settings) as listener, open_app(settings) as app:
        console.print(
            _("Leadlane answers at {url}; its description: {url}/docs").format(url=local_url(settings))
        )
        _print_how_to_begin(app)
        with working(app, worker):
            _answer(app, listener, workers)


def run(
    host: str | None = _host,
    port: int | None = _port,
    demo: bool = typer.Option(True, help=_("Load the demonstration company if there are no leads yet.")),
    worker: bool = _worker,
) -> None:
    """As `serve`; the first time with the reference policy, a demonstration company and a key."""
    settings = _settings(host, port)
    with _listening(settings) as listener, open_app(settings) as app:
        _publish_reference(app, with_demo=demo)
        if demo:
            _load_demo(app)
        _print_pointers(app, _first_key(app))
        _print_ways_in(app)
        console.print(_("  Stop with Ctrl-C."))
        with working(app, worker):
            _answer(app, listener, workers=1)


@contextmanager
def working(app: App, also_works: bool = True) -> Iterator[None]:
    """Within the block somebody watches, and unless told otherwise lets happen what is due."""
    late_after = timedelta(seconds=app.settings.late_after_seconds)
    with (
        Watch(app.url, app.books, app.now, late_after),
        Worker(app.url, app.books, app.now) if also_works else nullcontext(),
        app.sender() if also_works else nullcontext(),
        app.calendar_reader() if also_works else nullcontext(),
    ):
        yield


def one_of_several() -> FastAPI:
    """The application of one of several processes; each opens the database for itself."""
    settings = config.settings()
    set_default_language(settings.language)
    configure_logging(settings.log_level, settings.log_format)
    return over_http(lambda: open_app(settings))


def _settings(host: str | None, port: int | None) -> Settings:
    chosen = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    return config.settings().model_copy(update=chosen)


@contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket]:
    """The open port. Taken first, so that two servers on one port are told apart before anything happens."""
    address = (settings.host, settings.port)
    try:
        family = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server(address, family=family, backlog=BACKLOG)
    except OSError as error:
        raise LeadlaneError(
            _("Leadlane cannot listen on {host}, port {port}: {error}").format(
                host=settings.host, port=settings.port, error=error.strerror or error
            ),
            _("Another program may use the port; choose one with --port, or with LEADLANE_PORT."),
        ) from error
    with listener:
        yield listener


def _answer(app: App, listener: socket.socket, workers: int) -> None:
    """Serve until told to stop. A polite end is a good end: it returns, so that everything is closed."""
    # Imported here because every other command would pay for it.
    import uvicorn
    from uvicorn.supervisors import Multiprocess

    from leadlane.api.health import MULTIPROCESS

    options: dict[str, Any] = {
        "log_config": None,
        "access_log": False,
        "log_level": "warning",
        "server_header": False,
        "lifespan": "on",
        "timeout_graceful_shutdown": DRAIN_SECONDS,
        "backlog": BACKLOG,
    }
    with suppress(KeyboardInterrupt, SystemExit):
        if workers == 1:
            one = uvicorn.Config(over_http(lambda: nullcontext(app)), **options)
            uvicorn.Server(one).run(sockets=[listener])
            return
        with tempfile.TemporaryDirectory(prefix="leadlane-metrics-") as folder:
            os.environ[MULTIPROCESS] = folder
            several = uvicorn.Config(
                "leadlane.cli.serve:one_of_several", factory=True, workers=workers, **options
            )
            Multiprocess(several, sockets=[listener]).run()


# ---------------------------------------------------------------- the first start


def _publish_reference(app: App, *, with_demo: bool) -> None:
    """Put the reference policy and roster in force where nothing is; for the demonstration since it began."""
    from leadlane.service import demo

    reference = files("leadlane") / "reference"
    with app.pool.connection() as connection:
        version, _revision = policies.in_force(connection)
        if version is not None:
            return
        document, problems = read_roster((reference / "roster.yaml").read_bytes(), "roster.yaml")
        if document is None:
            raise PolicyErrors(problems)
        text = (reference / "policy.yaml").read_text(encoding="utf-8")
        by, since = "leadlane run", app.now() - timedelta(weeks=demo.WEEKS if with_demo else 0)
        put_roster(connection, document, by, since)
        publish(connection, text, "policy.yaml", by, _("The reference policy"), since)


def _load_demo(app: App) -> None:
    from leadlane.service import demo

    with app.pool.connection() as connection:
        is_there, is_partial = leads.is_any(connection), demo.is_partial(connection)
        is_unfinished = demo.is_unfinished(connection)
    if is_unfinished:
        said = _("Loading the demonstration company was interrupted: it begins again.")
        console.print(said, style="yellow")
    elif is_partial:
        console.print(_where_to_begin_anew(app.settings), style="yellow")
    if is_there and not is_unfinished:
        return
    console.print(_("Loading half a year of the demonstration company: this takes less than a minute …"))
    demo.load(app)


def _where_to_begin_anew(settings: Settings) -> str:
    """What to do about a demonstration that is here only in part, and has been worked with since."""
    if settings.database_url:
        return _(
            "Loading the demonstration company was interrupted: it is here only in part. To have all of it,"
            " begin with an empty database: LEADLANE_DATABASE_URL. This one: {database}"
        ).format(database=config.hide_password(settings.database_url))
    return _(
        "Loading the demonstration company was interrupted: it is here only in part. To have all of it,"
        " begin with another folder: LEADLANE_DATA_DIR. This one: {folder}"
    ).format(folder=settings.data_dir)


def _first_key(app: App) -> str | None:
    """The secret of a key that may do everything, if there was no key before."""
    with app.pool.connection() as connection:
        if api_keys.all_keys(connection):
            return None
        _id, secret = keys.create(connection, FIRST_KEY, ["admin"], app.now())
        return secret


def _print_pointers(app: App, secret: str | None) -> None:
    url = local_url(app.settings)
    with app.pool.connection() as connection:
        shown = leads.search(connection, {"stage": "assigned"}, None, 1)
    lead = (
        '{"email": "jo@northwind.example", "country": "DE", "employees": 1200, "signals": ["demo_request"]}'
    )
    command = [
        "curl", f"{url}/v1/leads", "-H", f"Authorization: Bearer {secret or 'YOUR_KEY'}",
        "-H", "Content-Type: application/json", "-d", lead,
    ]  # fmt: skip
    console.print(_("Leadlane runs at {url}").format(url=url), style="bold green")
    console.print(_("  Everything that it can do over HTTP: {url}/docs").format(url=url))
    if secret:
        console.print(_("  Your key, shown this once: {key}").format(key=secret), style="bold")
    else:
        console.print(_("  You have a key; another: leadlane keys create NAME --scope intake"))
    console.print(_("  Send a lead:"), f"    {shlex.join(command)}", sep="\n", markup=False)
    if shown:
        console.print(_("  Why somebody got a lead: leadlane explain {lead}").format(lead=shown[0].id))


def _print_ways_in(app: App) -> None:
    """Links into the demonstration, where nobody but who reads this can open them; else how to begin."""
    from leadlane.service import demo, demo_users

    url = local_url(app.settings)
    with app.pool.connection() as connection:
        is_demo = leads.get(connection, demo.FIRST) is not None and _is_here(app.settings.host)
        given = demo_users.links(connection, app.books, app.settings, url, app.now()) if is_demo else []
    if given:
        console.print(_("  Look around; each link signs in once, as somebody of the demonstration company:"))
    for one in given:
        console.print(f"    {one.user.role:<8} {one.user.name:<12} {one.url}", markup=False)
    _print_how_to_begin(app)


def _print_how_to_begin(app: App) -> None:
    """What to do where nobody can sign in yet."""
    with app.pool.connection() as connection:
        if users.is_anybody(connection):
            return
    console.print(_("  Nobody can sign in yet: leadlane users invite you@company.example --role admin"))


def _is_here(host: str) -> bool:
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"


def local_url(settings: Settings) -> str:
    """Where a browser on this machine reaches the server."""
    anywhere = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}
    host = anywhere.get(settings.host, f"[{settings.host}]" if ":" in settings.host else settings.host)
    return f"http://{host}:{settings.port}"
