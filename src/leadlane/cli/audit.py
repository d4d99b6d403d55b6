"""`leadlane audit`: what do a company's own exports say of its lead routing, and what does it cost?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.text import Text

from leadlane.cli.sections import print_report
from leadlane.core.facts import WeeklyHours
from leadlane.errors import LeadlaneError
from leadlane.i18n import N_, _
from leadlane.intake.dates import read_datetime
from leadlane.intake.problems import BadValueError
from leadlane.policy.hours import DEFAULT_HOURS, HoursError, weekly_hours

if TYPE_CHECKING:
    from leadlane.service.auditing.audit import Audited, AuditFiles
    from leadlane.service.auditing.audit_files import Progress as OnProgress

HELP = _(
    "Audit exports of leads and deals: who answers, how fast, who converts, what it costs, what to do first."
)
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)
# The formulas, and how everything was reckoned: too long for a summary.
_ONLY_ON_THE_PAGE = frozenset(("short", "reckoning", "method"))
_ON_THE_PAGE = N_("… more in the report (--out)")

_FILES = typer.Argument(
    help=_(
        "Exports: CSV, JSON, JSON lines, Parquet, also packed by gzip. Files with a common key are joined."
    )
)
_MAP = typer.Option(
    [],
    "--map",
    metavar="ROLE=COLUMN",
    help=_("Which column says what, where its name does not; ROLE= leaves a role out."),
)
_WRITE_POLICY = typer.Option(
    None, "--write-policy", help=_("Write a first policy and roster, drawn from the files, into this folder.")
)
_ASSUME = typer.Option(
    [], "--assume", metavar="NAME=VALUE", help=_("Change an assumption: deal_value=12000, or 8000..15000.")
)
_HOURS = typer.Option(
    "mon-fri 09:00-17:00", help=_("Working hours, such as “mon-fri 09:00-17:00, sat 10:00-14:00”.")
)
_DAY_FIRST = typer.Option(
    None, "--day-first/--month-first", help=_("How 03/02/2026 is meant."), show_default=False
)


def audit(
    files: list[str] = _FILES,
    mapping: list[str] = _MAP,
    out: Path | None = typer.Option(None, help=_("Write the report as one HTML page.")),
    write_policy: Path | None = _WRITE_POLICY,
    assume: list[str] = _ASSUME,
    since: str | None = typer.Option(None, help=_("Only leads that arrived on this day or later.")),
    until: str | None = typer.Option(None, help=_("Only leads that arrived before this day.")),
    won: list[str] = typer.Option([], help=_("A stage, status or activity that means won.")),
    lost: list[str] = typer.Option([], help=_("A stage, status or activity that means lost.")),
    system: list[str] = typer.Option([], help=_("In a log of events: a user that is a program.")),
    timezone: str = typer.Option(
        "UTC", help=_("The zone of times without one, and of the hours of the week.")
    ),
    hours: str = _HOURS,
    country: str = typer.Option("", help=_("Whose public holidays are free, such as DE.")),
    currency: str = typer.Option("EUR", help=_("The currency of the deals.")),
    day_first: bool | None = _DAY_FIRST,
    decimal: str | None = typer.Option(None, help=_("The mark before decimals, . or ,")),
    encoding: str | None = typer.Option(None, help=_("The encoding of the files, such as cp1250.")),
) -> None:
    """Prints the summary of an audit, and writes the page and the first policy where they are asked for."""
    # Imported here because numpy and scipy take a moment, which no other command should pay.
    from leadlane.service.auditing.audit import AuditFiles, audit_files
    from leadlane.service.auditing.audit_leads import Reading

    zone = _zone(timezone)
    if decimal not in (None, ".", ","):
        raise typer.BadParameter(_("It is . or ,"), param_hint="--decimal")
    asked = AuditFiles(
        files,
        Reading(zone, day_first, decimal, won, lost, system),
        _hours(hours),
        dict(_pair(text) for text in mapping),
        encoding,
        country.upper(),
        _day(since, zone, "--since"),
        _day(until, zone, "--until"),
        dict(_assumption(text) for text in assume),
        currency.upper(),
    )
    with _progress() as show:
        audited = audit_files(asked, show)
    print_report(audited.report, _ON_THE_PAGE, _ONLY_ON_THE_PAGE)
    _write(audited, asked, out, write_policy)


def _write(audited: Audited, asked: AuditFiles, out: Path | None, folder: Path | None) -> None:
    from leadlane.insight.page import page
    from leadlane.service.auditing.audit_policy import first_policy

    if out is not None:
        _save(out, page(audited.report))
        console.print(Text(_("The report is in {file}.").format(file=out), style="bold"), soft_wrap=True)
    if folder is not None:
        for name, content in first_policy(audited, asked).items():
            _save(folder / name, content)
        said = _(
            "A first policy and roster are in {folder}: read them, correct them, then leadlane check them."
        )
        console.print(Text(said.format(folder=folder), style="bold"), soft_wrap=True)


def _save(path: Path, content: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        raise LeadlaneError(
            _("{file} cannot be written: {reason}").format(file=path, reason=error.strerror),
            _("Check the folder and its permissions."),
        ) from None


# ---------------------------------------------------------------- options


def _pair(text: str) -> tuple[str, str]:
    role, equals, column = text.partition("=")
    if not equals or not role.strip():
        raise typer.BadParameter(
            _("“{text}” is not ROLE=COLUMN, such as owner=Rep").format(text=text), param_hint="--map"
        )
    return role.strip(), column.strip()


def _assumption(text: str) -> tuple[str, tuple[float, float, float]]:
    from leadlane.insight.costs import ASSUMPTIONS, read_assumption

    try:
        return read_assumption(text)
    except ValueError:
        raise typer.BadParameter(
            _("“{text}” is not NAME=VALUE or NAME=LOW..HIGH; the names are {names}").format(
                text=text, names=", ".join(ASSUMPTIONS)
            ),
            param_hint="--assume",
        ) from None


def _zone(name: str) -> ZoneInfo:
    if name not in available_timezones():
        raise typer.BadParameter(
            _("There is no time zone {name}; write it as Europe/Berlin").format(name=name),
            param_hint="--timezone",
        )
    return ZoneInfo(name)


def _hours(text: str) -> WeeklyHours:
    """`mon-fri 09:00-17:00, sat 10:00-14:00` as the hours of a week."""
    spec: dict[str, list[str]] = {}
    for part in text.split(","):
        days, _space, block = part.strip().partition(" ")
        spec.setdefault(days, []).append(block.strip())
    try:
        return weekly_hours(spec or DEFAULT_HOURS)
    except HoursError as error:
        raise typer.BadParameter(str(error), param_hint="--hours") from None


def _day(text: str | None, zone: ZoneInfo, option: str) -> datetime | None:
    if text is None:
        return None
    try:
        return read_datetime(text, zone)
    except BadValueError as error:
        raise typer.BadParameter(f"{error.reason}; {error.suggestion}", param_hint=option) from None


# ---------------------------------------------------------------- what is shown


@contextmanager
def _progress() -> Iterator[OnProgress]:
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task("", total=None)

        def show(file: str, read: int, size: int | None) -> None:
            said = _("Reading {file}").format(file=Path(file).name) if file else _("Comparing leads")
            progress.update(task, description=said, completed=read, total=size)

        yield show
