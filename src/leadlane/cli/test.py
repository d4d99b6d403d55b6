"""`leadlane test`: does the policy do what its scenarios say?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import typer
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from leadlane import clock, config
from leadlane.app import open_app
from leadlane.cli.check import print_problems
from leadlane.cli.explain import render
from leadlane.errors import LeadlaneError
from leadlane.i18n import _
from leadlane.policy.yaml import lines_of
from leadlane.scenarios.first import write_first
from leadlane.scenarios.stage import open_stage
from leadlane.scenarios.suite import Result, closing_line, find_scenarios, run_files
from leadlane.scenarios.words import mismatch_words, step_words

HELP = _("Run scenarios: stories that say what must happen to leads under a policy.")
FIRST_FILE = Path("scenarios/first.yaml")
console = Console(soft_wrap=True, highlight=False)


def run_scenarios(
    paths: list[Path] = typer.Argument(
        None, metavar="PATH", help=_("Scenario files, or folders of them."), show_default=False
    ),
    text: str = typer.Option("", "-k", metavar="TEXT", help=_("Only those with TEXT in their name or path.")),
    as_json: Path | None = typer.Option(
        None, "--json", metavar="FILE", help=_("Write the results there too.")
    ),
    init: bool = typer.Option(
        False, "--init", help=_("Write a first scenario for the policy in force to PATH, instead of running.")
    ),
) -> None:
    """Prints a line for each scenario, what went wrong, and how many passed.

    Exits with 1 when one failed, with 2 when one could not be read.
    """
    if init:
        _init(paths or [FIRST_FILE])
        return
    if not paths:
        raise typer.BadParameter(_("Name the files or folders to run."))
    files = find_scenarios(paths)
    results: list[Result] = []
    with open_app(config.settings()) as app, open_stage(app.url) as connection:
        for result in run_files(connection, files, text):
            results.append(result)
            _show(result)
    if not results:
        raise LeadlaneError(_("No scenario has “{text}” in its name or path.").format(text=text))
    if as_json is not None:
        _write_json(as_json, results)
    typer.echo(closing_line(results))
    if any(result.problems for result in results):
        raise typer.Exit(2)
    if not all(result.passed for result in results):
        raise typer.Exit(1)


def _init(paths: Sequence[Path]) -> None:
    if len(paths) > 1:
        raise typer.BadParameter(_("Name one file to write."))
    with (
        open_app(config.settings()) as app,
        app.pool.connection() as connection,
        open_stage(app.url) as stage,
    ):
        for path in write_first(connection, stage, paths[0], clock.now()):
            console.print(Text(_("{path} is written.").format(path=path), style="green"))
    console.print(_("Run it: {command}").format(command=f"leadlane test {paths[0]}"))


def _show(result: Result) -> None:
    mark, style = ("✓", "green") if result.passed else ("✗", "red")
    if not console.encoding.lower().startswith("utf"):
        mark = "+" if result.passed else "x"
    took = (f"  {result.milliseconds:.0f} ms", "dim")
    console.print(Text.assemble((mark, style), f" {result.path}  ", (result.name, "bold"), took))
    if result.problems:
        path = str(result.path)
        print_problems(result.problems, {path: result.path.read_bytes()})
    elif result.failure is not None and result.scenario is not None:
        _show_failure(result)


def _show_failure(result: Result) -> None:
    assert result.failure is not None
    assert result.scenario is not None
    failure, scenario = result.failure, result.scenario
    lines = lines_of(result.path.read_bytes())
    console.print(Text(f"    {result.path}:{scenario.line(failure.step.place)}  {step_words(failure.step)}"))
    for one in failure.mismatches:
        line = scenario.line(one.place)
        console.print(Text(f"    {result.path}:{line}  {mismatch_words(one)}", style="red"))
        console.print(Text(f"{line:>10} │ {lines[line - 1].strip()}", style="dim"))
    for lead, explanation in failure.explanations.items():
        console.print()
        console.print(Text("    " + _("What was decided about {lead}:").format(lead=lead), style="bold"))
        inner = Console(width=max(console.width - 8, 40), highlight=False, force_terminal=console.is_terminal)
        with inner.capture() as captured:
            render(inner, explanation)
        console.print(Padding(Text.from_ansi(captured.get().rstrip()), (0, 0, 0, 6)))
    console.print()


def _write_json(path: Path, results: Sequence[Result]) -> None:
    passed = sum(result.passed for result in results)
    answer = {
        "passed": passed,
        "failed": len(results) - passed,
        "scenarios": [result.as_json() for result in results],
    }
    try:
        path.write_text(json.dumps(answer, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        message = _("The file {path} cannot be written: {reason}").format(path=path, reason=error.strerror)
        raise LeadlaneError(message) from error
