"""docs/guarantees.md: every test that it names exists."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_test_that_the_page_names_exists() -> None:
    text = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)
    assert len(named) > 15
    missing = [
        f"{file}::{test}"
        for file, test in named
        if f"def {test}(" not in (ROOT / file).read_text(encoding="utf-8")
    ]
    assert missing == []


def test_every_race_and_kill_is_named_on_the_page() -> None:
    text = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
    for name in ("test_races.py", "test_kills.py", "test_hook_kills.py", "test_sender_kills.py"):
        source = (ROOT / "tests" / "crash" / name).read_text(encoding="utf-8")
        for test in re.findall(r"^def (test_\w+)\(", source, re.MULTILINE):
            assert f"{name}::{test}`" in text
