"""`leadlane duplicates --merge`: which of these leads are the same? Merged as it is answered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import typer
from rich.text import Text

from leadlane import config
from leadlane.app import open_app
from leadlane.cli.known_duplicates import found_in, print_group
from leadlane.cli.matching import console
from leadlane.core.facts import Roster
from leadlane.errors import LeadlaneError
from leadlane.i18n import N_, _, ngettext
from leadlane.service.duplicates import Found, Group
from leadlane.service.merging import keep_apart, merge_leads

_REASON = N_("the same prospect, found by leadlane duplicates")


def merge(sure: float | None, unsure: float | None, by: str, *, yes: bool) -> None:
    """Walk through the clusters of leads and merge those that are the same; `yes`: the sure ones, unasked.

    Every merge is done when it is said to be, so this may be stopped at any time and called again.
    """
    with open_app(config.settings()) as app, app.pool.connection() as connection:
        roster = app.books.current(connection).roster
        if by not in roster.people:
            raise LeadlaneError(
                _("There is nobody of the id {id} in the roster.").format(id=by),
                _("--by is who answers for the merges: the id of a person."),
            )
        found = found_in(app, connection, "leads", sure, unsure)
        merged = refused = 0
        for group, answer in _answers(found, roster, yes=yes):
            now = app.now()
            if answer == "s":
                keep_apart(connection, group.members, by, now)
                continue
            for receipt in merge_leads(connection, app.books, group.members, by, _(_REASON), now):
                merged += receipt.status != "refused"
                refused += receipt.status == "refused"
                if receipt.status == "refused":
                    said = _("{leads}: not merged. {reason}")
                    names = ", ".join(group.members)
                    console.print(Text(said.format(leads=names, reason=receipt.problem), style="red"))
    said = ngettext("{n} lead was merged into another.", "{n} leads were merged into others.", merged)
    console.print(Text(said.format(n=f"{merged:,}"), style="bold"))
    if refused:
        raise typer.Exit(1)


def _answers(found: Found, roster: Roster, *, yes: bool) -> Iterator[tuple[Group, Literal["y", "s"]]]:
    """What is to be done with which group: merge (y) or keep apart (s), as it is answered."""
    every_sure = yes
    for number, group in enumerate([*found.sure, *(() if yes else found.unsure)], start=1):
        is_sure = number <= len(found.sure)
        if every_sure and is_sure:
            yield group, "y"
            continue
        print_group(found, group, roster, number, is_sure=is_sure)
        try:
            answer = _ask()
        except typer.Abort:
            return
        if answer == "q":
            return
        every_sure = every_sure or answer == "a"
        if answer in ("y", "s") or (answer == "a" and is_sure):
            yield group, "s" if answer == "s" else "y"
        console.print()


def _ask() -> str:
    question = _("Merge them? y: yes, n: no, a: all sure ones, s: they are not the same, q: stop")
    while True:
        answer = str(typer.prompt(question, prompt_suffix=" ")).strip().casefold()
        if answer in ("y", "n", "a", "s", "q"):
            return answer
