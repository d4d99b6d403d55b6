"""The stories that state what the policy language means; the acceptance stories where they are at hand."""

import re
from pathlib import Path

import pytest

from leadlane.policy.yaml import read_yaml
from leadlane.scenarios.stage import Stage
from leadlane.scenarios.suite import Result, find_scenarios, run_file
from leadlane.scenarios.words import mismatch_words, step_words

FOLDER = Path(__file__).parent
OWN = find_scenarios([FOLDER])
COVERAGE = read_yaml((FOLDER / "coverage.yaml").read_bytes()).data
# What is not a line of the language, though it follows from it.
BESIDES = "Besides"
LINES = [(line["says"], line["in"]) for section in COVERAGE.values() for line in section]


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_our_own_stories_come_true(stage: Stage, path: Path) -> None:
    result = run_file(stage, path)
    assert result.passed, told(result)


def test_the_acceptance_stories_come_true(stage: Stage, shared_data: Path) -> None:
    folder = shared_data.parent / "scenarios"
    if not folder.is_dir():
        pytest.skip("there are no scenarios beside the public data sets")
    failed = [
        told(result) for path in find_scenarios([folder]) if not (result := run_file(stage, path)).passed
    ]
    assert not failed, "\n".join(failed)


def told(result: Result) -> str:
    if result.failure is None:
        return "\n".join(map(str, result.problems))
    lines = [
        f"{result.path}: {step_words(result.failure.step)}",
        *map(mismatch_words, result.failure.mismatches),
    ]
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
    quoted = [line["says"] for section, lines in COVERAGE.items() if section != BESIDES for line in lines]
    assert not [says for says in quoted if says not in text]
    rules = [line for line in text.splitlines() if is_a_rule(line)]
    assert len(rules) > 30
    assert not [line for line in rules if not any(says in line for says in quoted)]


def is_a_rule(line: str) -> bool:
    """Whether a line of the document says something: no heading, no head or rule of a table, not empty."""
    return bool(re.search(r"\w", line)) and not re.match(r"#|\| test \||It is written for|\|---", line)
