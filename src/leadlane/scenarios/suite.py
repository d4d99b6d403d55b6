"""Which scenarios are there in these files and folders, and how did each of them go?"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import Connection

from leadlane.errors import LeadlaneError
from leadlane.i18n import _
from leadlane.policy.problems import Finding, Problem, located
from leadlane.policy.yaml import MAX_BYTES
from leadlane.scenarios.read import Scenario, ScenarioErrors, read_scenario
from leadlane.scenarios.run import Failure, run_scenario
from leadlane.scenarios.words import mismatch_words, step_words

# Other YAML files may lie in the same folder: policies, rosters, coverage tables.
_IS_SCENARIO = re.compile(rb"^(?:\xef\xbb\xbf)?[\"']?scenario[\"']?\s*:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Result:
    """How one file went. `failure` says what did not come true; `problems` why it could not be run at all."""

    path: Path
    name: str
    milliseconds: float
    failure: Failure | None = None
    scenario: Scenario | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether everything came true."""
        return self.failure is None and not self.problems

    def as_json(self) -> dict[str, Any]:
        """The result as plain data, for machines."""
        outcome = "passed" if self.passed else "unreadable" if self.problems else "failed"
        data: dict[str, Any] = {
            "file": str(self.path),
            "scenario": self.name,
            "outcome": outcome,
            "milliseconds": round(self.milliseconds, 1),
            "problems": [problem.as_json() for problem in self.problems],
            "failures": [],
        }
        if self.failure is not None and self.scenario is not None:
            data["step"] = step_words(self.failure.step)
            data["failures"] = [
                {
                    "line": self.scenario.line(one.place),
                    "what": one.what,
                    "expected": one.expected,
                    "found": one.found,
                    "message": mismatch_words(one),
                }
                for one in self.failure.mismatches
            ]
            data["explanations"] = {lead: told.as_json() for lead, told in self.failure.explanations.items()}
        return data


def find_scenarios(paths: Iterable[Path]) -> list[Path]:
    """The scenario files among these files and in these folders, at any depth, each once.

    A file that is named counts whatever it says. LeadlaneError for a path that is not there, and where
    there are no scenarios at all.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            files = sorted(one for one in path.rglob("*.y*ml") if one.suffix in (".yaml", ".yml"))
            found.update(dict.fromkeys(one for one in files if _IS_SCENARIO.search(one.read_bytes())))
        elif path.is_file():
            found[path] = None
        else:
            raise LeadlaneError(
                _("There is no file or folder {path}.").format(path=path), _("Check the name.")
            )
    if not found:
        raise LeadlaneError(
            _("There are no scenarios there."),
            _("Write one: a YAML file with the key `scenario`. `leadlane test --init` writes the first."),
        )
    return list(found)


def run_file(connection: Connection, path: Path) -> Result:
    """Run the scenario of a file on a stage."""
    return _run(connection, path, lambda: read_scenario(_content(path), str(path), path.parent))


def run_text(connection: Connection, name: str, text: str, instead: Mapping[str, str]) -> Result:
    """Run a scenario that is in no file on a stage, with the `instead` of `read_scenario`."""
    return _run(connection, Path(name), lambda: read_scenario(text, name, Path(), instead))


def _run(connection: Connection, path: Path, read: Callable[[], Scenario]) -> Result:
    started = time.perf_counter()

    def elapsed() -> float:
        return (time.perf_counter() - started) * 1000

    try:
        scenario = read()
    except ScenarioErrors as error:
        return Result(path, path.stem, elapsed(), problems=error.problems)
    try:
        failure = run_scenario(connection, scenario)
    except ScenarioErrors as error:
        return Result(path, scenario.name, elapsed(), problems=error.problems)
    return Result(path, scenario.name, elapsed(), failure, scenario)


def run_files(connection: Connection, paths: Iterable[Path], text: str = "") -> Iterator[Result]:
    """Run the scenarios of files in order; only those whose name or path has `text` in it."""
    wanted = text.casefold()
    for path in paths:
        if wanted in str(path).casefold() or wanted in _name_in(path).casefold():
            yield run_file(connection, path)


def closing_line(results: Sequence[Result]) -> str:
    """`12 passed, 1 failed`, which is the same in every language; what cannot be run has failed."""
    passed = sum(result.passed for result in results)
    return f"{passed} passed, {len(results) - passed} failed"


def _name_in(path: Path) -> str:
    lines = _content(path).decode(errors="replace").splitlines()
    return next((line for line in lines if line.lstrip("\ufeff\"'").startswith("scenario")), "")


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        found = _("a file that cannot be read: {reason}").format(reason=error.strerror)
        raise ScenarioErrors(located([Finding((), "wrong_value", found)], None, str(path))) from error
