"""What can be done from a terminal? All commands, and how an expected failure is told."""

import os
import signal
import sys
from pathlib import Path

import typer
from rich.console import Console
from rich.text import Text

from leadlane import __version__, config
from leadlane.errors import LeadlaneError
from leadlane.i18n import _, set_default_language
from leadlane.logging import configure_logging


def main() -> None:
    """The `leadlane` command. Exit codes: 0 done, 1 an expected failure, 2 wrong usage, 130 interrupted."""
    try:
        _set_up()
        build_app()()
    except LeadlaneError as error:
        _print_error(error)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # The reader (`| head`) has gone. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def build_app() -> typer.Typer:
    """The whole command line. Help texts are in the language that is the default when this is called."""
    # Imported here because the modules translate their help texts while they are imported.
    from leadlane.cli import (
        audit,
        check,
        db,
        doctor,
        duplicates,
        explain,
        hooks,
        import_,
        keys,
        lead,
        match,
        outbox,
        outcomes,
        policy,
        replay,
        report,
        review,
        route,
        serve,
        settings,
        test,
        users,
        whose,
        work,
    )

    app = _app_without_commands()
    app.command("audit", help=audit.HELP)(audit.audit)
    app.command("away", help=lead.AWAY_HELP)(lead.away)
    app.command("check", help=check.HELP)(check.check)
    app.command("doctor", help=doctor.HELP)(doctor.doctor)
    app.command("duplicates", help=duplicates.HELP)(duplicates.duplicates)
    app.command("explain", help=explain.HELP)(explain.explain)
    app.command("match", help=match.HELP)(match.match)
    app.command("outcomes", help=outcomes.HELP)(outcomes.outcomes)
    app.command("review", help=review.HELP)(review.review)
    app.command("route", help=route.HELP)(route.route)
    app.command("replay", help=replay.HELP)(replay.replay)
    app.command("serve", help=serve.SERVE_HELP)(serve.serve)
    app.command("run", help=serve.RUN_HELP)(serve.run)
    app.command("settings", help=settings.HELP)(settings.show_settings)
    app.command("test", help=test.HELP)(test.run_scenarios)
    app.command("whose", help=whose.HELP)(whose.whose_command)
    app.command("work", help=work.HELP)(work.work)
    app.add_typer(hooks.app, name="hooks")
    app.add_typer(import_.app, name="import")
    app.add_typer(lead.app, name="lead")
    app.add_typer(outbox.app, name="outbox")
    app.add_typer(policy.app, name="policy")
    app.add_typer(report.app, name="report")
    app.add_typer(keys.app, name="keys")
    app.add_typer(users.app, name="users")
    app.add_typer(db.app, name="db")
    return app


def _app_without_commands() -> typer.Typer:
    app = typer.Typer(
        name="leadlane",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
    )

    @app.callback(help=_("Routes leads: who owns it, how fast must they respond, and what if they do not."))
    def options(
        version: bool = typer.Option(
            False, "--version", help=_("Show the version and exit."), callback=_show_version, is_eager=True
        ),
    ) -> None:
        """Options that stand before the command."""

    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"leadlane {__version__}")
        raise typer.Exit


def _set_up() -> None:
    # A polite request to end unwinds like Ctrl-C, so that the embedded server is stopped and not left behind.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    loaded = config.load(os.environ, Path.cwd())
    set_default_language(loaded.settings.language)
    configure_logging(loaded.settings.log_level, loaded.settings.log_format)
    for warning in loaded.warnings:
        Console(stderr=True).print(Text(warning, style="yellow"))


def _print_error(error: LeadlaneError) -> None:
    console = Console(stderr=True, soft_wrap=True)
    console.print(Text(error.message, style="bold red"))
    if error.hint:
        console.print(Text(error.hint))
