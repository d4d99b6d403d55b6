"""The reasons that decisions give and those that the documentation explains are the same."""

import re
from collections import Counter
from pathlib import Path

from leadlane.core.trace import Reason

DOCUMENT = Path(__file__).parents[2] / "docs" / "reason_codes.md"
ROW = re.compile(r"^\| `(\w+)` \| (.+?) \| (.+?) \|$")
SOURCES = Path(__file__).parents[2] / "src" / "leadlane"


def test_every_reason_is_documented_once_with_its_meaning_and_what_to_do() -> None:
    rows = [row for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if (row := ROW.match(line))]
    assert Counter(row[1] for row in rows) == Counter(str(reason) for reason in Reason)
    assert all(row[2].endswith(".") and row[3].endswith((".", "!")) for row in rows)


def test_every_reason_is_one_that_a_decision_can_give() -> None:
    texts = [
        path.read_text(encoding="utf-8")
        for path in (SOURCES / "core").glob("*.py")
        if path.name != "trace.py"
    ]
    unused = [reason.name for reason in Reason if not any(f"Reason.{reason.name}" in text for text in texts)]
    assert unused == []
