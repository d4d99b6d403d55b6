"""The stories that state what the policy language means, and the acceptance stories where they are at hand."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from leadlane.policy.yaml import read_yaml
from leadlane.scenarios.stage import Stage, open_stage
from leadlane.scenarios.suite import Result, find_scenarios, run_file
from leadlane.scenarios.words import mismatch_words, step_words

FOLDER = Path(__file__).parent
OWN = find_scenarios([FOLDER])
COVERAGE = read_yaml((FOLDER / "coverage.yaml").read_bytes()).data
LINES = [(line["says"], line["in"]) for section in COVERAGE.values() for line in section]


@pytest.fixture(scope="module")
def stage(server_url: str) -> Iterator[Stage]:
    """Every story plays in a savepoint of one transaction, so that one database does for all."""
    with open_stage(server_url) as connection:
        yield connection


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_our_own_stories_come_true(stage: Stage, path: Path) -> None:
    result = run_file(stage, path)
    assert result.passed, told(result)


def test_the_acceptance_stories_come_true(stage: Stage, shared_data: Path) -> None:
    folder = shared_data.parent / "scenarios"
    if not folder.is_dir():
        pytest.skip("there are no scenarios beside the public data sets")
    failed = [told(result) for path in find_scenarios([folder]) if not (result := run_file(stage, path)).passed]
    assert not failed, "\n".join(failed)


def told(result: Result) -> str:
    if result.failure is None:
        return "\n".join(map(str, result.problems))
    lines = [f"{result.path}: {step_words(result.failure.step)}", *map(mismatch_words, result.failure.mismatches)]
    return "\n".join(lines)


def test_every_line_of_the_language_has_a_story_and_every_story_a_line() -> None:
    stories = {path.stem for path in OWN}
    named = {name for _says, names in LINES for name in names}
    assert all(names for _says, names in LINES)
    assert named == stories


def test_nothing_of_the_language_is_left_out(shared_data: Path) -> None:
    document = shared_data.parent / "policy_language.md"
    if not document.is_file():
        pytest.skip("the document of the language is not beside the public data sets")
    text = document.read_text(encoding="utf-8")
    unknown = [says for says, _names in LINES if says not in text and "by hand" not in says]
    assert not [says for says in unknown if says != "one day's absence"]
    bare = [line for line in text.splitlines() if is_a_rule(line) and not any(s in line for s, _n in LINES)]
    assert not bare


def is_a_rule(line: str) -> bool:
    """Whether a line of the document says something: no heading, no head or rule of a table, not empty."""
    return bool(re.search(r"\w", line)) and not re.match(r"#|\| test \||It is written for|\|---", line)
