"""`leadlane duplicates --rate`: how often did several people contact one prospect?"""

from __future__ import annotations

from typing import Literal
from zoneinfo import ZoneInfo

import typer
from rich.table import Table
from rich.text import Text

from leadlane import config
from leadlane.app import open_app
from leadlane.cli.known_duplicates import print_more
from leadlane.cli.matching import console, percent
from leadlane.core.facts import Roster
from leadlane.explain.speech import moment_words, person_words
from leadlane.i18n import _, ngettext
from leadlane.service.reporting.contact_rate import (
    DuplicatesReportView,
    RateGroupView,
    RateView,
    duplicates_report,
    read_period,
)
from leadlane.store.codec import encode


def rate(
    by: Literal["source", "team"] | None, since: str | None, until: str | None, limit: int, *, as_json: bool
) -> None:
    """Print the duplicate contact rate of a period, by source or by team if asked, and whom it concerns."""
    with open_app(config.settings()) as app, app.pool.connection() as connection:
        book = app.books.current(connection)
        period = read_period(since, until, book.policy.timezone)
        report = duplicates_report(connection, book.roster, period, limit)
    if as_json:
        typer.echo(encode(report).decode())
        return
    console.print(_rates(report, by))
    console.print(Text(_prevented_words(report["prevented"])), soft_wrap=True)
    for line in _meanings():
        console.print(Text(line, style="dim"), soft_wrap=True)
    if report["contacted_twice"]:
        console.print()
        console.print(_twice(report, book.zone, book.roster))
    print_more(report["prospects"]["twice"] - len(report["contacted_twice"]))


def _rates(report: DuplicatesReportView, by: Literal["source", "team"] | None) -> Table:
    table = Table(
        title=_("Contacted by several people"), title_justify="left", title_style="bold cyan", box=None
    )
    headings = ("", _("touched"), _("twice"), _("handed over"), _("share"), _("95 % interval"))
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="right" if number else "left", overflow="fold")
    table.add_row(_("prospects"), *_cells(report["prospects"]))
    table.add_row(_("companies"), *_cells(report["companies"]))
    groups: list[RateGroupView] = []
    if by is not None:
        groups = report["by_source"] if by == "source" else report["by_team"]
    nameless = _("no source") if by == "source" else _("no team")
    for group in groups:
        name = group["name"] or nameless
        said = _("{name}: {prospects} (prevented: {n})")
        words = said.format(name=name, prospects=_("prospects"), n=f"{group['prevented']:,}")
        table.add_row(Text(words), *_cells(group["prospects"]))
        table.add_row(Text(_("{name}: companies").format(name=name)), *_cells(group["companies"]))
    return table


def _cells(one: RateView) -> list[str]:
    share, low, high = one["share"], one["low"], one["high"]
    counts = [f"{one['touched']:,}", f"{one['twice']:,}", f"{one['handed_over']:,}"]
    if share is None or low is None or high is None:
        return [*counts, "–", "–"]
    interval = _("{low} to {high}").format(low=percent(low), high=percent(high))
    if one["is_small"]:
        interval = _("{interval}, few").format(interval=interval)
    return [*counts, percent(share), interval]


def _prevented_words(count: int) -> str:
    said = ngettext(
        "{n} arrival became part of an open lead: a second contact was prevented.",
        "{n} arrivals became part of open leads: so many second contacts were prevented.",
        count,
    )
    return said.format(n=f"{count:,}")


def _meanings() -> list[str]:
    return [
        _(
            "touched: somebody reached out (notes do not count); twice: several people did, and it was no "
            "hand-over; handed over: each had the lead, or covered it, when they did, and nobody before them "
            "had it still; share: twice of touched."
        ),
        _(
            "The interval holds the true share in 95 of 100 cases; “few” are fewer than 30, whose share says "
            "little. Sources and teams are those of whoever was first to reach out."
        ),
    ]


def _twice(report: DuplicatesReportView, zone: ZoneInfo, roster: Roster) -> Table:
    table = Table(
        title=_("Prospects contacted twice"), title_justify="left", title_style="bold cyan", box=None
    )
    for heading in (_("lead"), _("prospect"), _("company"), _("owner"), _("who reached out")):
        table.add_column(heading, overflow="fold")
    for one in report["contacted_twice"]:
        people = []
        for person in one["people"]:
            said = _("{name}, {at}") if person["had_it"] else _("{name}, {at}, without having it")
            people.append(said.format(name=person["name"], at=moment_words(person["first_at"], zone)))
        owner = person_words(roster, one["owner"]) if one["owner"] else ""
        cells = (one["lead"], one["name"] or one["email"] or "", one["company"] or "", owner)
        table.add_row(*map(Text, cells), Text("\n".join(people)))
    return table
