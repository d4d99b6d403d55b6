"""What is wrong with a document, and where? Problems are data; who shows them decides how."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from leadlane.errors import LeadlaneError
from leadlane.i18n import _, ngettext
from leadlane.policy.yaml import Marks, Path, YamlError

Severity = Literal["error", "warning"]

Code = Literal[
    # the text
    "encoding",
    "too_large",
    "syntax",
    "duplicate_key",
    "expansion",
    "tag",
    # the structure
    "unknown_key",
    "missing_key",
    "wrong_type",
    "wrong_value",
    "duplicate_name",
    "unknown_reference",
    "period",
    # conditions
    "empty_condition",
    "unknown_field",
    "field_too_early",
    "unknown_operator",
    "unfit_test",
    "unknown_value",
    "impossible_test",
    # the policy as a whole
    "shadowed_field",
    "destination",
    "last_route",
    "no_review",
    # the roster
    "unknown_zone",
    "backup",
    "hours",
    "mail_provider",
    # policy and roster together, and what is legal but suspicious
    "empty_pool",
    "no_backup",
    "unowned_segment",
    "never_holds",
    "unreachable",
    "unplanned",
    "unused",
    "duplicate_signal",
    "no_holidays",
]
CODES: tuple[str, ...] = get_args(Code)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong or suspicious; `line` and `column` count from 1, 0 when the place is not known.

    `found` says what is there, `expected` what should be (may be empty), `suggestion` a value that was
    probably meant (may be empty).
    """

    source: str
    line: int
    column: int
    path: str
    found: str
    expected: str
    suggestion: str
    severity: Severity
    code: Code

    def __str__(self) -> str:
        where = f"{self.source}:{self.line}:{self.column}" if self.line else self.source
        return f"{where}: {self.message}"

    @property
    def message(self) -> str:
        """Everything but the place, in one line."""
        values = {"path": self.path or _("document"), "found": self.found, "expected": self.expected}
        values["suggestion"] = self.suggestion
        match bool(self.expected), bool(self.suggestion):
            case True, True:
                text = _("{path}: {found}; expected {expected} – did you mean {suggestion}?")
            case True, False:
                text = _("{path}: {found}; expected {expected}")
            case False, True:
                text = _("{path}: {found} – did you mean {suggestion}?")
            case _other:
                text = _("{path}: {found}")
        return text.format(**values)

    @classmethod
    def of_yaml(cls, error: YamlError, source: str) -> Problem:
        """The problem of a text that is not YAML at all."""
        return cls(source, *error.mark, "", error.found, error.expected, "", "error", error.code)

    def as_json(self) -> dict[str, Any]:
        """The problem as plain data, for machines."""
        return asdict(self)


class PolicyErrors(LeadlaneError):
    """A document cannot be used; `problems` has every error, and the warnings beside them."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        errors = [problem for problem in self.problems if problem.severity == "error"]
        head = ngettext("There is {n} error", "There are {n} errors", len(errors)).format(n=len(errors))
        super().__init__("\n".join([head, *map(str, errors)]))


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem whose place in the text is not looked up yet: `path` is a path into the document."""

    path: Path
    code: Code
    found: str
    expected: str = ""
    suggestion: str = ""
    severity: Severity = "error"
    at_key: bool = False


def located(findings: Iterable[Finding], marks: Marks | None, source: str) -> list[Problem]:
    """Findings with their places in the text, in the order in which a reader meets them, each once."""
    problems = dict.fromkeys(_locate(finding, marks, source) for finding in findings)
    return sorted(problems, key=lambda p: (p.line, p.column, p.severity, p.path))


def _locate(finding: Finding, marks: Marks | None, source: str) -> Problem:
    mark = marks.find(finding.path, key=finding.at_key) if marks else None
    return Problem(
        source=source,
        line=mark.line if mark else 0,
        column=mark.column if mark else 0,
        path=path_text(finding.path),
        found=finding.found,
        expected=finding.expected,
        suggestion=finding.suggestion,
        severity=finding.severity,
        code=finding.code,
    )


def path_text(path: Path) -> str:
    """`("routes", 3, "when", "country")` as `routes[3].when.country`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def has_errors(problems: Iterable[Problem]) -> bool:
    """Whether any of the problems is more than a warning."""
    return any(problem.severity == "error" for problem in problems)


def quoted(value: object, limit: int = 60) -> str:
    """A value of a document as it reads in a message: short, text in quotes."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return _("nothing")
    if isinstance(value, dict):
        return _("a mapping")
    if isinstance(value, (list, tuple)):
        return _("a list")
    text = str(value)
    text = text if len(text) <= limit else text[: limit - 1] + "…"
    # Control characters would move the cursor of the terminal that shows the message.
    text = "".join(char if char.isprintable() else "�" for char in text)
    return f"“{text}”" if isinstance(value, str) else text
