"""`leadlane policy`: the policy in force in plain words, its history, and how versions differ."""

from __future__ import annotations

import getpass
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from leadlane import config
from leadlane.app import App, open_app
from leadlane.cli.check import print_problems, read_file
from leadlane.core.policy import Policy
from leadlane.i18n import _
from leadlane.policy.diff import diff as policy_diff
from leadlane.policy.load import load_policy
from leadlane.policy.problems import PolicyErrors
from leadlane.policy.roster import read_roster
from leadlane.policy.words import Section, describe
from leadlane.service import publish as publishing
from leadlane.service.roster import RosterErrors, put_roster
from leadlane.store import policies

app = typer.Typer(
    help=_("The policy: the one in force in plain words, publish, history, differences."),
    no_args_is_help=True,
)
console = Console(highlight=False)


@app.command("show", help=_("Say the policy in force, or another version, in plain words."))
def show(
    version: str | None = typer.Argument(None, help=_("A version that was published."), show_default=False),
    as_yaml: bool = typer.Option(False, "--yaml", help=_("Print the YAML as it was published.")),
) -> None:
    """Prints a policy."""
    with open_app(config.settings()) as opened, opened.pool.connection() as connection:
        if version is None:
            policy, text = publishing.in_force(connection)
        else:
            policy, text = publishing.stored_policy(connection, version)
    if as_yaml:
        typer.echo(text, nl=not text.endswith("\n"))
        return
    for section in describe(policy):
        _print_section(section)
    console.print(Text(_("Version {version}").format(version=policy.version), style="dim"))


def _print_section(section: Section) -> None:
    console.print(Text(section.heading, style="bold cyan"))
    for line in section.lines:
        console.print(Text(line))
    if section.rows:
        table = Table(box=None, pad_edge=False, header_style="dim", show_header=bool(section.columns))
        for column in section.columns or section.rows[0]:
            table.add_column(column, overflow="fold")
        for row in section.rows:
            table.add_row(*(Text(cell) for cell in row))
        console.print(table)
    console.print()


@app.command("publish", help=_("Check a policy and put it in force; one with errors is refused."))
def publish(
    policy: Path = typer.Argument(help=_("The policy file.")),
    roster: Path | None = typer.Option(None, help=_("A roster file to import with it.")),
    comment: str = typer.Option("", "--comment", "-m", help=_("Why: stands in the history.")),
    by: str | None = typer.Option(None, "--by", help=_("Who publishes; else the user of this terminal.")),
) -> None:
    """Publishes a policy; exits with 1 if it or the roster is refused."""
    texts = {str(path): read_file(path) for path in (policy, roster) if path is not None}
    who = by or getpass.getuser()
    with open_app(config.settings()) as opened:
        try:
            done = _publish(opened, texts, policy, roster, who, comment)
        except (PolicyErrors, RosterErrors) as error:
            print_problems(error.problems, texts)
            console.print(Text(_("Nothing was published."), style="bold red"))
            raise typer.Exit(1) from None
    print_problems(done.warnings, texts)
    if done.number is None:
        said = _("Version {version} is in force already.")
    else:
        said = _("Version {version} is in force now.")
    console.print(Text(said.format(version=done.policy.version), style="green"))


def _publish(
    opened: App, texts: dict[str, bytes], policy: Path, roster: Path | None, who: str, comment: str
) -> publishing.Published:
    with opened.pool.connection() as connection, connection.transaction():
        if roster is not None:
            document, problems = read_roster(texts[str(roster)], str(roster))
            if document is None:
                raise RosterErrors(problems)
            put_roster(connection, document, who, opened.now())
        text = texts[str(policy)].decode(errors="replace")
        return publishing.publish(connection, text, str(policy), who, comment, opened.now())


@app.command("history", help=_("Say who published what, when and why; the newest first."))
def history() -> None:
    """Prints every publication."""
    with open_app(config.settings()) as opened, opened.pool.connection() as connection:
        found = policies.publications(connection)
    if not found:
        console.print(_("No policy was published yet."))
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("#", _("version"), _("published at"), _("by"), _("why")):
        table.add_column(heading, overflow="fold")
    for index, one in enumerate(found):
        in_force = " ←" if index == 0 else ""
        at = one.published_at.astimezone().strftime("%Y-%m-%d %H:%M %Z")
        table.add_row(str(one.number), one.version + in_force, at, Text(one.published_by), Text(one.comment))
    console.print(table)


@app.command("diff", help=_("Say in words how two policies differ: versions or files."))
def diff(
    old: str = typer.Argument(help=_("A published version, or a file.")),
    new: str | None = typer.Argument(None, help=_("Another; else the policy in force."), show_default=False),
) -> None:
    """Prints the differences of two policies."""
    with open_app(config.settings()) as opened:
        before = _policy(opened, old)
        after = _policy(opened, new)
    changes = policy_diff(before, after)
    for line in changes or [_("The two policies are the same.")]:
        console.print(Text(line), soft_wrap=True)


def _policy(opened: App, name: str | None) -> Policy:
    if name is not None and Path(name).is_file():
        return load_policy(read_file(Path(name)), name)
    with opened.pool.connection() as connection:
        if name is None:
            return publishing.in_force(connection)[0]
        return publishing.stored_policy(connection, name)[0]
