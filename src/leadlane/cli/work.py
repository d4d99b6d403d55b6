"""`leadlane work`: let happen what is due, in a process of its own. Any number of them may run."""

from __future__ import annotations

import signal
from datetime import timedelta
from types import FrameType

import typer
from prometheus_client import start_http_server
from rich.console import Console

from leadlane import config
from leadlane.app import open_app
from leadlane.errors import LeadlaneError
from leadlane.i18n import _
from leadlane.service.health import Watch
from leadlane.service.worker import Worker

HELP = _("Let happen what is due, until told to stop: chases, covers, leads in line, messages.")
console = Console(soft_wrap=True, highlight=False)


def work(
    metrics_port: int | None = typer.Option(
        None, min=1, max=65535, help=_("Port on which this worker tells its counts to Prometheus.")
    ),
) -> None:
    """Works until SIGTERM or Ctrl-C; then the batch in hand is finished. Exits with 0."""
    settings = config.settings()
    if metrics_port is not None:
        _tell_counts(settings.host, metrics_port)
    with open_app(settings) as app:
        worker = Worker(app.url, app.books, app.now)

        def stop(_number: int, _frame: FrameType | None) -> None:
            worker.stop()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        console.print(_("This worker lets happen what is due. Stop with Ctrl-C."))
        late_after = timedelta(seconds=settings.late_after_seconds)
        with Watch(app.url, app.books, app.now, late_after), app.sender(), app.calendar_reader():
            worker.run()


def _tell_counts(host: str, port: int) -> None:
    try:
        start_http_server(port, host)
    except OSError as error:
        raise LeadlaneError(
            _("The worker cannot listen on {host}, port {port}: {error}").format(
                host=host, port=port, error=error.strerror or error
            ),
            _("Another program may use the port; choose one with --metrics-port."),
        ) from error
