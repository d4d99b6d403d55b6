"""`leadlane check`: is this policy fine? Every problem at once, with the line it stands in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import typer
from rich.console import Console
from rich.text import Text

from leadlane.core.policy import Policy
from leadlane.errors import LeadlaneError
from leadlane.i18n import _, available_languages, language, ngettext
from leadlane.policy.check import check_against
from leadlane.policy.load import read_policy
from leadlane.policy.problems import Problem, has_errors
from leadlane.policy.roster import read_roster
from leadlane.policy.yaml import MAX_BYTES, lines_of

HELP = _("Check a policy: every error and everything suspicious, with file, line and column.")
_STYLES = {"error": "bold red", "warning": "yellow"}


def check(
    policy: Path = typer.Argument(help=_("The policy file.")),
    roster: Path | None = typer.Option(None, help=_("The roster that it routes to.")),
    as_json: bool = typer.Option(False, "--json", help=_("Print JSON, for machines.")),
    strict: bool = typer.Option(False, "--strict", help=_("Exit with 1 also when there are only warnings.")),
    lang: str | None = typer.Option(None, "--lang", help=_("The language of the messages.")),
) -> None:
    """Prints the problems of a policy and exits with 0 (fine) or 1 (errors; with --strict also warnings)."""
    if lang is not None and lang not in available_languages():
        known = _("There are {languages}.").format(languages=", ".join(available_languages()))
        raise typer.BadParameter(known, param_hint="--lang")
    with language(lang) if lang else nullcontext():
        texts = {str(path): read_file(path) for path in (policy, roster) if path is not None}
        checked, problems = _check(texts, str(policy), str(roster) if roster else None)
        if as_json:
            _print_json(checked, problems)
        else:
            print_problems(problems, texts)
            Console(soft_wrap=True, highlight=False).print(_summary(checked, problems))
    if has_errors(problems) or (strict and problems):
        raise typer.Exit(1)


def read_file(path: Path) -> bytes:
    """The content of a document that a user named; LeadlaneError if it cannot be read."""
    try:
        with path.open("rb") as file:
            # A byte more than is allowed is enough to be refused.
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        message = _("The file {path} cannot be read: {reason}").format(path=path, reason=error.strerror)
        raise LeadlaneError(message, _("Check the name and the permissions.")) from error


def _check(
    texts: dict[str, bytes], policy_file: str, roster_file: str | None
) -> tuple[Policy | None, list[Problem]]:
    """The policy, and its problems, those of the roster, and those of both together."""
    policy, problems = read_policy(texts[policy_file], policy_file)
    if roster_file is None:
        return policy, problems
    document, roster_problems = read_roster(texts[roster_file], roster_file)
    problems += roster_problems
    if policy is not None and document is not None:
        together = check_against(policy, document, texts[policy_file], policy_file)
        problems += together
    files = list(texts)
    return policy, sorted(problems, key=lambda p: (files.index(p.source), p.line, p.column))


def _print_json(policy: Policy | None, problems: Sequence[Problem]) -> None:
    answer = {
        "ok": not has_errors(problems),
        "version": policy.version if policy else None,
        "problems": [problem.as_json() for problem in problems],
    }
    typer.echo(json.dumps(answer, ensure_ascii=False, indent=2))


def print_problems(problems: Sequence[Problem], texts: dict[str, bytes]) -> None:
    """Prints problems, each with its line where `texts` has the file it is in."""
    console = Console(soft_wrap=True, highlight=False)
    lines = {source: lines_of(text) for source, text in texts.items()}
    for problem in problems:
        _print_problem(console, problem, lines.get(problem.source, []))


def _print_problem(console: Console, problem: Problem, lines: Sequence[str]) -> None:
    severity = _("error") if problem.severity == "error" else _("warning")
    where = f"{problem.source}:{problem.line}:{problem.column}" if problem.line else problem.source
    head = Text.assemble((where, "bold"), "  ", (severity, _STYLES[problem.severity]), f"  {problem.path}")
    console.print(head)
    if 0 < problem.line <= len(lines):
        _print_line(console, lines[problem.line - 1], problem)
    for label, text in (
        (_("found"), problem.found),
        (_("expected"), problem.expected),
        (_("did you mean"), problem.suggestion),
    ):
        if text:
            console.print(Text.assemble("    ", (f"{label}: ", "dim"), text))
    console.print()


def _print_line(console: Console, line: str, problem: Problem) -> None:
    """The line with a caret under the place; of a very long one, what is around it."""
    start = max(0, problem.column - 60)
    part = "".join(char if char.isprintable() else " " for char in line[start : start + 110])
    number = f"{problem.line:>6} │ "
    console.print(Text(number, style="dim") + Text(part))
    caret = " " * len(number) + " " * (problem.column - 1 - start) + "^"
    console.print(Text(caret, style=_STYLES[problem.severity]))


def _summary(policy: Policy | None, problems: Sequence[Problem]) -> Text:
    errors = sum(problem.severity == "error" for problem in problems)
    warnings = len(problems) - errors
    counted = ngettext("{n} warning", "{n} warnings", warnings).format(n=warnings)
    if errors:
        said = ngettext("{n} error, {warnings}.", "{n} errors, {warnings}.", errors)
        return Text(said.format(n=errors, warnings=counted), style=_STYLES["error"])
    name, version = (policy.name, policy.version) if policy else ("", "")
    if warnings:
        text = _("The policy “{name}” can be used (version {version}); {warnings}.")
        return Text(text.format(name=name, version=version, warnings=counted), style=_STYLES["warning"])
    text = _("The policy “{name}” is fine (version {version}).")
    return Text(text.format(name=name, version=version), style="green")
