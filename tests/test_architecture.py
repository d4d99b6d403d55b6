"""Who may import whom, as pyproject.toml states it; and who may ask for the time."""

import ast
import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

from importlinter.cli import lint_imports

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
SOURCE = Path(__file__).parents[1] / "src" / "leadlane"


def test_imports_point_one_way() -> None:
    assert lint_imports(config_filename=str(PYPROJECT), no_cache=True) == 0


def test_only_the_clock_asks_for_the_time() -> None:
    askers = ("datetime.now(", "datetime.utcnow(", "date.today(", "time.time(")
    offenders = [
        f"{path.relative_to(SOURCE)}: {asker}"
        for path in SOURCE.rglob("*.py")
        if path.name != "clock.py"
        for asker in askers
        if asker in path.read_text(encoding="utf-8")
    ]
    assert not offenders


def test_no_function_is_longer_than_sixty_lines() -> None:
    """What does not fit on a screen does more than one thing."""
    long = [
        f"{path.relative_to(SOURCE)}: {node.name}"
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and (node.end_lineno or node.lineno) - node.lineno >= 60
    ]
    assert not long


def test_whatever_is_imported_is_declared() -> None:
    """A package that is there only because another one needs it goes away with that one."""
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    declared = {normal(re.split(r"[\[<>=! ]", requirement)[0]) for requirement in project["dependencies"]}
    providers = importlib.metadata.packages_distributions()
    used = {module for path in SOURCE.rglob("*.py") for module in imported(path)}
    foreign = used - sys.stdlib_module_names - {"leadlane"}
    assert not [name for name in foreign if not declared & {normal(p) for p in providers.get(name, [])}]


def imported(path: Path) -> set[str]:
    """The top-level names of everything that a file imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


def normal(name: str) -> str:
    """The name of a distribution as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()
